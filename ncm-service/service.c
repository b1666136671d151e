#include "ncm-service/service.h"

#include "lib/base/buf.h"
#include "lib/base/log.h"
#include "ncm-service/compose.h"
#include "ncm-service/decisions.h"
#include "ncm-service/fresh.h"
#include "ncm-service/protect.h"
#include "ncm-service/saved.h"
#include "ncm-service/session_log.h"

#include <errno.h>
#include <stdio.h>

#define LOG_MODULE "session"
#define SPREAD_US 2000 /* between two sessions that move together */
#define ROOM_MS 1000   /* after somebody has left an instance */
#define LOOK_AGAIN_MS 100

struct ncm_service {
	struct mams_loop *loop;
	const struct ncm_conf *conf;
	struct ncm_store *store;
	struct ncm_registry *registry;
	struct ncm_madp *madp;
	struct ncm_decisions *decisions;
	struct mams_loop_timer *timer;
	struct mams_loop_timer *instances; /* when one that is away counts as dead */
	struct mams_loop_timer *room;      /* somebody has left: who was refused? */
	bool looking_for_room;
	mams_time armed;
	const struct ncm_service_ops *ops;
	void *user;
	const struct mx_msg **reply;    /**< of the message being put in */
	struct mx_msg *elsewhere;       /**< the last answer that redirected a client */
	struct mams_loop_timer *commit; /* of the store */
	bool committing;
};

static void commit(void *user)
{
	struct ncm_service *v = user;

	v->committing = false;
	(void)!ncm_store_commit(v->store);
	ncm_madp_stored(v->madp);
}

/* After this turn, whatever else it brings. */
static void commit_later(struct ncm_service *v)
{
	if (!v->committing)
		mams_loop_timer_at(v->commit, mams_loop_now(v->loop));
	v->committing = true;
}

/* Once a second at most: there may be many who leave, and many who were refused. */
static void look_for_room(struct ncm_service *v)
{
	if (!v->looking_for_room)
		mams_loop_timer_at(v->room, mams_time_add_ms(mams_loop_now(v->loop), ROOM_MS));
	v->looking_for_room = true;
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
		look_for_room(v);
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
		commit_later(v);
		break;
	case NCM_ACT_STATE:
	case NCM_ACT_LINK:
	case NCM_ACT_AGREED:
	case NCM_ACT_ASSIGNED:
		ncm_log_action(s, a);
		v->ops->told(v->user, s, a);
		break;
	case NCM_ACT_DECIDED:
		ncm_decisions_put(v->decisions, s, a->decided);
		break;
	case NCM_ACT_END:
		(void)!ncm_store_del(v->store, s->s.identity);
		commit_later(v);
		ncm_madp_forget(v->madp, s);
		look_for_room(v);
		v->ops->gone(v->user, s);
		break;
	}
}

static void arm(struct ncm_service *v)
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
static void arm_session(struct ncm_service *v, struct ncm_session *s)
{
	ncm_registry_arm(
		v->registry, s, is_over(s) ? mams_loop_now(v->loop) : ncm_session_deadline(s));
}

void ncm_service_run(struct ncm_service *v, struct ncm_session *s)
{
	struct ncm_action a;
	bool ended = false;

	while (ncm_session_next(s, &a)) {
		act(v, s, &a);
		ended |= a.kind == NCM_ACT_END;
	}
	if (ended && !v->reply)
		ncm_registry_remove(v->registry, s);
	else
		arm_session(v, s);
	arm(v);
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
		ncm_session_tick(s, now);
		ncm_service_run(v, s);
	}
	arm(v);
}

/* ---- instances ---- */

/* All sessions look again at where they are; they move one after the other. */
static void review(struct ncm_service *v)
{
	mams_time when = mams_loop_now(v->loop);

	for (struct ncm_session *s = ncm_registry_next(v->registry, NULL); s;
		s = ncm_registry_next(v->registry, s)) {
		mams_time before = s->gather_until;

		ncm_session_review(s, when);
		if (s->gather_until.us != before.us)
			when.us += SPREAD_US;
		arm_session(v, s);
	}
	arm(v);
}

static void there_is_room(void *user)
{
	struct ncm_service *v = user;

	v->looking_for_room = false;
	review(v);
}

static void watch_instances(void *user)
{
	struct ncm_service *v = user;
	struct ncm_madps *m = ncm_registry_madps(v->registry);

	if (ncm_madps_tick(m, mams_loop_now(v->loop))) {
		for (size_t i = 0; i < m->policy->n_madps; i++)
			if (m->use[i].state == NCM_MADP_DEAD)
				log_warn("N-MADP instance %s is dead clients=%u",
					m->policy->madps[i].name, m->use[i].used);
		review(v);
	}
	mams_loop_timer_at(v->instances, ncm_madps_deadline(m));
}

static void connected(void *user, size_t madp, bool up)
{
	struct ncm_service *v = user;
	struct ncm_madps *m = ncm_registry_madps(v->registry);

	if (up)
		ncm_madps_connected(m, madp);
	else
		ncm_madps_lost(m, madp, mams_loop_now(v->loop));
	mams_loop_timer_at(v->instances, ncm_madps_deadline(m));
	if (up)
		review(v);
}

int ncm_service_drain(struct ncm_service *v, const char *name, bool drain, struct mams_error *err)
{
	int rc;

	if (ncm_madps_find(ncm_registry_madps(v->registry), name) < 0)
		return mams_fail(err, MAMS_EUNKNOWN, name,
			"is no N-MADP instance (mamsctl status lists them)");
	rc = ncm_store_drained(v->store, name, drain);
	if (rc == -ENOTCONN)
		return mams_fail(err, ENOTCONN, name,
			"there is no Redis to tell the other instances, try again");
	if (rc == 0)
		commit_later(v);
	ncm_service_set_drained(v, name, drain);
	return 0;
}

void ncm_service_set_drained(struct ncm_service *v, const char *name, bool drain)
{
	struct ncm_madps *m = ncm_registry_madps(v->registry);
	int i = ncm_madps_find(m, name);

	if (i < 0 || m->use[i].drained == drain)
		return;
	m->use[i].drained = drain;
	log_info("N-MADP instance %s is %s clients=%u", name,
		drain ? "drained: new clients go elsewhere, its own move" : "in use again",
		m->use[i].used);
	ncm_madp_drained(v->madp);
	review(v);
}

static void drained(void *user, const char *name)
{
	ncm_service_set_drained(user, name, true);
}

static void prepared(void *user, uint64_t session_id, size_t madp, const struct ncm_tunnel *tunnel)
{
	struct ncm_service *v = user;
	struct ncm_session *s = ncm_registry_by_id(v->registry, session_id);

	if (!s)
		return;
	ncm_session_prepared(s, madp, tunnel, mams_loop_now(v->loop));
	ncm_service_run(v, s);
}

static void probing(void *user, uint64_t session_id, uint8_t connection_id, bool ready)
{
	struct ncm_service *v = user;
	struct ncm_session *s = ncm_registry_by_id(v->registry, session_id);

	if (!s)
		return;
	ncm_session_probing(s, connection_id, ready, mams_loop_now(v->loop));
	ncm_service_run(v, s);
}

static void measured(void *user, struct ncm_session *s)
{
	ncm_service_run(user, s);
}

static void put_held(void *user, const char *client)
{
	struct ncm_service *v = user;
	struct mams_buf text = {0};

	ncm_holds_write(ncm_madp_holds(v->madp), client, &text);
	if (text.failed)
		log_err("no memory to keep what N-MADP instances hold client=%s", client);
	else
		(void)!ncm_store_held(v->store, client, text.data);
	mams_buf_fini(&text);
	commit_later(v);
}

static const struct ncm_madp_ops madp_ops = {.prepared = prepared,
	.probing = probing,
	.measured = measured,
	.connected = connected,
	.held = put_held};

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
	if (v->registry)
		rc = mams_loop_timer_new(l, tick, v, &v->timer);
	if (rc == 0)
		rc = mams_loop_timer_new(l, commit, v, &v->commit);
	if (rc == 0)
		rc = mams_loop_timer_new(l, watch_instances, v, &v->instances);
	if (rc == 0)
		rc = mams_loop_timer_new(l, there_is_room, v, &v->room);
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
	put_held(v, client); /* which its session may have done without these */
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
	v->ops->moved(v->user, s);
	ncm_madp_lose(v->madp, identity);
	ncm_registry_remove(v->registry, s);
	arm(v);
	return true;
}

void ncm_service_refresh(struct ncm_service *v)
{
	for (struct ncm_session *s = ncm_registry_next(v->registry, NULL); s;
		s = ncm_registry_next(v->registry, s))
		if (s->s.active && s->state != NCM_STATE_ENDED)
			(void)!ncm_store_put(v->store, &s->s);
	ncm_holds_each(ncm_madp_holds(v->madp), put_held, v);
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
		rc = ncm_store_each(v->store, restore_one, v);
	if (rc == 0)
		rc = ncm_madp_new(
			v->loop, &v->conf->policy, v->registry, &v->conf->ctl, &v->madp, err);
	if (rc == 0)
		rc = ncm_store_each_held(v->store, recall_one, v);
	if (rc < 0)
		return rc;
	ncm_madp_set_ops(v->madp, &madp_ops, v);
	watch_instances(v);
	if (ncm_registry_count(v->registry))
		log_info("sessions go on count=%zu", ncm_registry_count(v->registry));
	send_away(v);
	arm(v);
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
	struct ncm_session *s;
	int rc;

	*reply = NULL;
	if (redirect(v, identity, transport, m, reply))
		return 0;
	rc = find_session(v, identity, m, &s, err);
	if (rc < 0)
		return rc;
	s->transport = transport;
	v->reply = reply;
	rc = ncm_session_input(s, m, mams_loop_now(v->loop), err);
	ncm_service_run(v, s);
	v->reply = NULL;
	return rc;
}

int ncm_service_steer(struct ncm_service *v, struct ncm_session *s, uint64_t request,
	const struct ncm_order *order, struct mams_error *err)
{
	int rc = ncm_session_steer(s, request, order, mams_loop_now(v->loop), err);

	if (rc == 0)
		ncm_service_run(v, s);
	return rc;
}

void ncm_service_seen(struct ncm_service *v, struct ncm_session *s)
{
	ncm_session_seen(s, mams_loop_now(v->loop));
	ncm_service_run(v, s);
}

bool ncm_service_probe(struct ncm_service *v, struct ncm_session *s, uint32_t links)
{
	bool any = ncm_session_probe(s, links, mams_loop_now(v->loop));

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
