#include "ncm-service/service_private.h"

#include "lib/base/log.h"
#include "lib/ctl/ctl_msg.h"
#include "ncm-service/compose.h"
#include "ncm-service/fresh.h"
#include "ncm-service/protect.h"
#include "ncm-service/saved.h"
#include "ncm-service/session_log.h"
#include "ncm-service/trace.h"
#include "ncm-service/traced.h"
#include "ncm-service/uses.h"

#include <errno.h>
#include <stdio.h>

#define LOG_MODULE "session"
#define LOOK_AGAIN_MS 100

static void commit(void *user)
{
	struct ncm_service *v = user;

	v->committing = false;
	(void)!ncm_store_commit(v->store);
	ncm_madp_stored(v->madp);
}

void ncm_service_commit(struct ncm_service *v)
{
	if (!v->committing)
		mams_loop_timer_at(v->commit, mams_loop_now(v->loop));
	v->committing = true;
}

static void act(struct ncm_service *v, struct ncm_session *s, const struct ncm_action *a)
{
	switch (a->kind) {
	case NCM_ACT_REPLY:
		if (v->reply)
			*v->reply = a->msg;
		break;
	case NCM_ACT_SEND:
		v->ops->send(v->user, s, a->msg);
		break;
	case NCM_ACT_PREPARE:
		ncm_protect_fill(s, ncm_fresh_key);
		ncm_madp_grant(v->madp, (size_t)a->madp, s);
		break;
	case NCM_ACT_RELEASE:
		ncm_madp_revoke(v->madp, (size_t)a->madp, s);
		ncm_service_look_for_room(v);
		break;
	case NCM_ACT_POLICY:
		ncm_madp_policy(v->madp, (size_t)a->madp, s);
		break;
	case NCM_ACT_PROBE:
		ncm_madp_probe(v->madp, (size_t)a->madp, s, a->connection_id);
		break;
	case NCM_ACT_STEER_DONE:
		log_info("steering %s client=%s", a->text, s->s.identity);
		v->ops->steered(v->user, a->request, a->code, a->text);
		break;
	case NCM_ACT_STORE:
		(void)!ncm_store_put(v->store, &s->s);
		ncm_service_commit(v);
		break;
	case NCM_ACT_STATE:
	case NCM_ACT_LINK:
	case NCM_ACT_AGREED:
	case NCM_ACT_ASSIGNED:
		ncm_log_action(s, a);
		break;
	case NCM_ACT_ORDERED:
		break;
	case NCM_ACT_DECIDED:
		ncm_decisions_put(v->decisions, s, a->decided);
		break;
	case NCM_ACT_END:
		(void)!ncm_store_used(v->store, s->s.identity, s->s.used);
		(void)!ncm_store_del(v->store, s->s.identity);
		ncm_service_commit(v);
		ncm_madp_forget(v->madp, s);
		ncm_service_look_for_room(v);
		v->ops->gone(v->user, s);
		break;
	}
}

void ncm_service_arm(struct ncm_service *v)
{
	mams_time when = ncm_registry_deadline(v->registry);

	if (when.us == v->armed.us)
		return;
	v->armed = when;
	mams_loop_timer_at(v->timer, when);
}

/* Nothing is left to be done, or waited for: it can go. */
static bool is_over(const struct ncm_session *s)
{
	return s->state == NCM_STATE_ENDED && mams_time_is_never(ncm_session_deadline(s));
}

/* One that is over stays until its next turn, which comes at once: its last reply may still have to
 * be written. */
void ncm_service_arm_session(struct ncm_service *v, struct ncm_session *s)
{
	ncm_registry_arm(
		v->registry, s, is_over(s) ? mams_loop_now(v->loop) : ncm_session_deadline(s));
}

void ncm_service_run(struct ncm_service *v, struct ncm_session *s)
{
	struct ncm_action a;
	bool ended = false;

	ncm_service_look_near(v, s);
	while (ncm_session_next(s, &a)) {
		ncm_trace_action(v->trace, s, &a, mams_loop_now(v->loop));
		act(v, s, &a);
		ended |= a.kind == NCM_ACT_END;
	}
	if (ended && !v->reply)
		ncm_registry_remove(v->registry, s);
	else
		ncm_service_arm_session(v, s);
	ncm_service_arm(v);
}

static void tick(void *user)
{
	struct ncm_service *v = user;
	mams_time now = mams_loop_now(v->loop);
	struct ncm_session *s;

	v->armed = MAMS_TIME_NEVER;
	if (!v->ops->may_act(v->user)) {
		v->armed = mams_time_add_ms(now, LOOK_AGAIN_MS);
		mams_loop_timer_at(v->timer, v->armed);
		return;
	}
	/* no session twice in one turn, whatever its deadline says */
	for (size_t n = ncm_registry_count(v->registry); n > 0; n--) {
		s = ncm_registry_due(v->registry, now);
		if (!s)
			break;
		if (is_over(s)) {
			ncm_registry_remove(v->registry, s);
			continue;
		}
		ncm_trace_input(v->trace, s, NULL, NULL, now);
		ncm_session_tick(s, now);
		ncm_service_run(v, s);
	}
	ncm_service_arm(v);
}

static void drained(void *user, const char *name)
{
	ncm_service_set_drained(user, name, true);
}

int ncm_service_new(struct mams_loop *l, const struct ncm_conf *conf, struct ncm_store *store,
	struct ncm_service **out)
{
	struct ncm_service *v = calloc(1, sizeof(*v));
	int rc = -ENOMEM;

	if (!v)
		return rc;
	v->loop = l;
	v->conf = conf;
	v->store = store;
	v->armed = MAMS_TIME_NEVER;
	v->registry = ncm_registry_new(&conf->policy, mams_loop_now(l));
	if (v->registry) {
		ncm_registry_set_wall(v->registry, mams_clock_wall() * 1000000, mams_loop_now(l));
		rc = ncm_trace_new(&v->trace);
	}
	if (rc == 0)
		rc = mams_loop_timer_new(l, tick, v, &v->timer);
	if (rc == 0)
		rc = mams_loop_timer_new(l, commit, v, &v->commit);
	if (rc == 0)
		rc = mams_loop_timer_new(l, ncm_service_watch_instances, v, &v->instances);
	if (rc == 0)
		rc = mams_loop_timer_new(l, ncm_service_there_is_room, v, &v->room);
	if (rc == 0)
		*out = v;
	else
		ncm_service_free(v);
	return rc;
}

void ncm_service_free(struct ncm_service *v)
{
	if (!v)
		return;
	ncm_madp_free(v->madp);
	mams_loop_timer_del(v->timer);
	mams_loop_timer_del(v->commit);
	mams_loop_timer_del(v->instances);
	mams_loop_timer_del(v->room);
	ncm_registry_free(v->registry);
	ncm_trace_free(v->trace);
	ncm_decisions_close(v->decisions);
	mx_msg_free(v->elsewhere);
	free(v);
}

void ncm_service_set_ops(struct ncm_service *v, const struct ncm_service_ops *ops, void *user)
{
	v->ops = ops;
	v->user = user;
}

/* The policy may have changed since the session was stored. */
static struct ncm_session *restore(struct ncm_service *v, const struct ncm_saved *stored)
{
	struct ncm_saved saved = *stored;
	struct ncm_session *s = NULL;
	int rc;

	if (!saved.active) /* an older NCM kept those, too */
		return NULL;
	ncm_saved_fit(&v->conf->policy, &saved);
	rc = ncm_registry_add(v->registry, &saved, ncm_fresh_number(), mams_loop_now(v->loop), &s);
	mams_wipe(saved.client_key, sizeof(saved.client_key));
	if (rc < 0)
		log_warn("stored session is left out: %s client=%s", mams_strerror(rc),
			stored->identity);
	return rc < 0 ? NULL : s;
}

static void restore_one(void *user, const struct ncm_saved *stored)
{
	(void)restore(user, stored);
}

void ncm_service_recall(struct ncm_service *v, const char *client, const char *text)
{
	ncm_madp_recall(v->madp, client, text);
	ncm_service_put_held(v, client); /* which its session may have done without these */
}

void ncm_service_used(struct ncm_service *v, const char *client, const char *text)
{
	struct ncm_used used[NCM_LINKS_MAX];

	ncm_uses_read(text, used);
	ncm_registry_used(v->registry, client, used);
}

static void used_one(void *user, const char *client, const char *text)
{
	ncm_service_used(user, client, text);
}

static void recall_one(void *user, const char *client, const char *text)
{
	ncm_madp_recall(((struct ncm_service *)user)->madp, client, text);
}

bool ncm_service_adopt(struct ncm_service *v, const struct ncm_saved *stored)
{
	struct ncm_session *s =
		ncm_registry_by_identity(v->registry, stored->identity) ? NULL : restore(v, stored);

	if (!s)
		return false;
	log_info("session taken over client=%s", s->s.identity);
	ncm_service_run(v, s);
	return true;
}

bool ncm_service_lose(struct ncm_service *v, const char *identity)
{
	struct ncm_session *s = ncm_registry_by_identity(v->registry, identity);

	if (!s)
		return false;
	log_info("session is another instance's now client=%s", identity);
	if (s->steer.open)
		v->ops->steered(v->user, s->steer.request, MAMS_ESTATE,
			"another instance has taken the session over, ask again");
	ncm_trace_plane(v->trace, s, "another instance of the NCM has the session now",
		mams_loop_now(v->loop));
	v->ops->moved(v->user, s);
	ncm_madp_lose(v->madp, identity);
	ncm_registry_remove(v->registry, s);
	ncm_service_arm(v);
	return true;
}

void ncm_service_refresh(struct ncm_service *v)
{
	for (struct ncm_session *s = ncm_registry_next(v->registry, NULL); s;
		s = ncm_registry_next(v->registry, s))
		if (s->s.active && s->state != NCM_STATE_ENDED)
			(void)!ncm_store_put(v->store, &s->s);
	ncm_holds_each(ncm_madp_holds(v->madp), ncm_service_put_held, v);
}

/* All clients are to go elsewhere: those from the store are told to start anew, and learn where. */
static void send_away(struct ncm_service *v)
{
	struct ncm_session *next;

	for (struct ncm_session *s = ncm_registry_next(v->registry, NULL); s; s = next) {
		next = ncm_registry_next(v->registry, s);
		if (!ncm_policy_redirect(&v->conf->policy, NULL, true, s->transport))
			continue;
		ncm_session_terminate(s, MX_NORMAL_RELEASE, mams_loop_now(v->loop));
		ncm_service_run(v, s);
	}
}

int ncm_service_start(struct ncm_service *v, struct mams_error *err)
{
	int rc = ncm_decisions_open(v->conf, &v->decisions, err);

	if (rc == 0)
		rc = ncm_store_each_drained(v->store, drained, v);
	if (rc == 0)
		rc = ncm_store_each_used(v->store, used_one, v);
	if (rc == 0)
		rc = ncm_store_each(v->store, restore_one, v);
	if (rc == 0)
		rc = ncm_madp_new(
			v->loop, &v->conf->policy, v->registry, &v->conf->ctl, &v->madp, err);
	if (rc == 0)
		rc = ncm_store_each_held(v->store, recall_one, v);
	if (rc < 0)
		return rc;
	ncm_madp_set_ops(v->madp, &ncm_service_madp_ops, v);
	ncm_service_watch_instances(v);
	if (ncm_registry_count(v->registry))
		log_info("sessions go on count=%zu", ncm_registry_count(v->registry));
	send_away(v);
	ncm_service_arm(v);
	return 0;
}

static int make_session(struct ncm_service *v, const char *identity, struct ncm_session **out)
{
	struct ncm_saved saved = {0};
	int rc;

	snprintf(saved.identity, sizeof(saved.identity), "%s", identity);
	ncm_fresh_octets(&saved.session_id, sizeof(saved.session_id));
	saved.session_id >>= 11; /* 53 bits: what JSON numbers carry exactly */
	ncm_fresh_key(saved.client_key);
	rc = ncm_registry_add(v->registry, &saved, ncm_fresh_number(), mams_loop_now(v->loop), out);
	mams_wipe(&saved, sizeof(saved));
	return rc;
}

static int find_session(struct ncm_service *v, const char *identity, const struct mx_msg *m,
	struct ncm_session **out, struct mams_error *err)
{
	int rc;

	if (!mx_type_from(m->type, MX_ROLE_CCM)) {
		ncm_registry_counters(v->registry)->wrong_direction++;
		return mams_fail(err, MAMS_ESTATE, mx_type_name(m->type), "never comes from a CCM");
	}
	if (m->type == MX_DISCOVER) {
		*out = ncm_registry_by_identity(v->registry, identity);
		rc = *out ? 0 : make_session(v, identity, out);
		return rc < 0 ? mams_fail(err, -rc, NULL, "no room for another session") : 0;
	}
	rc = ncm_registry_find(v->registry, identity, mx_msg_session(m), out);
	if (rc == -MAMS_EUNKNOWN)
		return mams_fail(err, ENOENT, "unique_session_id", "no such session");
	if (rc == -MAMS_EDENIED)
		return mams_fail(err, MAMS_EDENIED, "unique_session_id", "is not yours");
	return rc;
}

/* A client that another NCM serves learns where; it has no session here any more. */
static bool redirect(struct ncm_service *v, const char *identity, enum ncm_transport transport,
	const struct mx_msg *m, const struct mx_msg **reply)
{
	struct ncm_session *s = ncm_registry_by_identity(v->registry, identity);
	const struct ncm_redirect *r = m->type == MX_DISCOVER
					       ? ncm_policy_redirect(&v->conf->policy,
							 m->discover.mcc_mnc_tuple, s, transport)
					       : NULL;

	if (!r)
		return false;
	if (s) {
		const struct ctl_trace_input in = {.kind = CTL_TRACE_ENDED};

		ncm_trace_input(v->trace, s, &in, "redirected", mams_loop_now(v->loop));
		ncm_session_end(s, "redirected");
		ncm_service_run(v, s);
	}
	mx_msg_free(v->elsewhere);
	v->elsewhere = ncm_compose_redirect(&v->conf->policy, r, transport);
	if (!v->elsewhere)
		return false;
	v->elsewhere->sequence_num = m->sequence_num;
	*reply = v->elsewhere;
	ncm_registry_counters(v->registry)->redirects++;
	log_info("redirected to %s client=%s", r->name, identity);
	return true;
}

int ncm_service_message(struct ncm_service *v, const char *identity, enum ncm_transport transport,
	const struct mx_msg *m, const struct mx_msg **reply, struct mams_error *err)
{
	mams_time now = mams_loop_now(v->loop);
	struct ncm_session *s = NULL;
	int rc;

	*reply = NULL;
	if (redirect(v, identity, transport, m, reply)) {
		ncm_trace_message(v->trace, identity, transport, NULL, m, now);
		ncm_trace_answer(v->trace, identity, transport, *reply, now);
		return 0;
	}
	rc = find_session(v, identity, m, &s, err);
	ncm_trace_message(v->trace, identity, transport, rc == 0 ? s : NULL, m, now);
	if (rc < 0)
		return rc;
	s->transport = transport;
	v->reply = reply;
	rc = ncm_session_input(s, m, now, err);
	ncm_service_run(v, s);
	v->reply = NULL;
	return rc;
}

int ncm_service_steer(struct ncm_service *v, struct ncm_session *s, uint64_t request,
	const struct ncm_order *order, struct mams_error *err)
{
	struct ctl_trace_order o;
	struct ctl_ncm_app app;
	const struct ctl_trace_input in = {.kind = CTL_TRACE_STEER, .order = &o};
	mams_time now = mams_loop_now(v->loop);
	int rc;

	ncm_traced_order(order, false, &o, &app);
	ncm_trace_input(v->trace, s, &in, NULL, now);
	rc = ncm_session_steer(s, request, order, now, err);
	if (rc == 0)
		ncm_service_run(v, s);
	return rc;
}

void ncm_service_seen(struct ncm_service *v, struct ncm_session *s)
{
	const struct ctl_trace_input in = {.kind = CTL_TRACE_SEEN};
	mams_time now = mams_loop_now(v->loop);

	if (s->away || !s->modern) /* else it changes nothing */
		ncm_trace_input(v->trace, s, &in, NULL, now);
	ncm_session_seen(s, now);
	ncm_service_run(v, s);
}

bool ncm_service_probe(struct ncm_service *v, struct ncm_session *s, uint32_t links)
{
	const struct ctl_trace_input in = {
		.kind = CTL_TRACE_PROBE, .has_links = true, .links = links};
	mams_time now = mams_loop_now(v->loop);
	bool any;

	ncm_trace_input(v->trace, s, &in, NULL, now);
	any = ncm_session_probe(s, links, now);
	if (any)
		ncm_service_run(v, s);
	return any;
}

struct ncm_registry *ncm_service_registry(struct ncm_service *v)
{
	return v->registry;
}

const struct ncm_madp *ncm_service_madp(const struct ncm_service *v)
{
	return v->madp;
}

struct ncm_trace *ncm_service_trace(const struct ncm_service *v)
{
	return v->trace;
}
