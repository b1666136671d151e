#include "ncm-service/service.h"

#include "lib/base/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define LOG_MODULE "session"
#define KEY_OCTETS 32

struct ncm_service {
	struct mams_loop *loop;
	const struct ncm_conf *conf;
	struct ncm_store *store;
	struct ncm_registry *registry;
	struct ncm_madp *madp;
	struct mams_loop_timer *timer;
	mams_time armed;
	const struct ncm_service_ops *ops;
	void *user;
	const struct mx_msg **reply;    /**< of the message being put in */
	struct mams_loop_timer *commit; /* of the store */
	bool committing;
};

static void random_octets(void *p, size_t n)
{
	/* at most 256 octets never fail nor come short once the kernel's pool is ready */
	mams_assert(getrandom(p, n, 0) == (ssize_t)n);
}

/* RFC 4648 base64 of the key, for client_key and the Convert Cookie. */
static void make_key(char out[NCM_KEY_MAX])
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	uint8_t key[KEY_OCTETS + 1] = {0};
	size_t n = 0;

	random_octets(key, KEY_OCTETS);
	for (size_t i = 0; i < KEY_OCTETS; i += 3) {
		uint32_t v = (uint32_t)key[i] << 16 | (uint32_t)key[i + 1] << 8 |
			     (i + 2 < KEY_OCTETS ? key[i + 2] : 0u);

		out[n++] = digits[v >> 18];
		out[n++] = digits[v >> 12 & 63];
		out[n++] = digits[v >> 6 & 63];
		out[n++] = i + 2 < KEY_OCTETS ? digits[v & 63] : '=';
	}
	out[n] = '\0';
	mams_wipe(key, sizeof(key));
}

static uint32_t first_number(void)
{
	uint32_t v;

	random_octets(&v, sizeof(v));
	return v >> 1 | 1u;
}

static void log_link(const struct ncm_session *s, uint8_t id)
{
	const struct ncm_link *l = &s->s.links[id];
	char text[MAMS_ADDR_STRLEN];

	log_info("link %s: %s client=%s connection=%u type=%s address=%s",
		l->admission == NCM_ADMIT_OK ? s->policy->accesses[l->access].name : "not admitted",
		ncm_admission_text(l->admission), s->s.identity, id,
		mx_connection_type_name(l->connection_type), mams_addr_str(&l->address, text));
}

static void commit(void *user)
{
	struct ncm_service *v = user;

	v->committing = false;
	(void)!ncm_store_commit(v->store);
}

/* After this turn, whatever else it brings. */
static void commit_later(struct ncm_service *v)
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
		ncm_madp_grant(v->madp, s);
		break;
	case NCM_ACT_RELEASE:
		ncm_madp_revoke(v->madp, s);
		break;
	case NCM_ACT_POLICY:
		ncm_madp_policy(v->madp, s);
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
		log_info("state %s -> %s reason=\"%s\" client=%s", ncm_state_name(a->from),
			ncm_state_name(a->to), a->text, s->s.identity);
		break;
	case NCM_ACT_LINK:
		log_link(s, a->connection_id);
		break;
	case NCM_ACT_END:
		(void)!ncm_store_del(v->store, s->s.identity);
		commit_later(v);
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

static void run(struct ncm_service *v, struct ncm_session *s)
{
	struct ncm_action a;
	bool ended = false;

	while (ncm_session_next(s, &a)) {
		act(v, s, &a);
		ended |= a.kind == NCM_ACT_END;
	}
	if (ended && !v->reply)
		ncm_registry_remove(v->registry, s);
	else /* with a reply still to be written, an ended session stays until its next turn */
		ncm_registry_arm(
			v->registry, s, ended ? mams_loop_now(v->loop) : ncm_session_deadline(s));
	arm(v);
}

static void tick(void *user)
{
	struct ncm_service *v = user;
	mams_time now = mams_loop_now(v->loop);
	struct ncm_session *s;

	v->armed = MAMS_TIME_NEVER;
	/* no session twice in one turn, whatever its deadline says */
	for (size_t n = ncm_registry_count(v->registry); n > 0; n--) {
		s = ncm_registry_due(v->registry, now);
		if (!s)
			break;
		if (s->state == NCM_STATE_ENDED && mams_time_is_never(ncm_session_deadline(s))) {
			ncm_registry_remove(v->registry, s);
			continue;
		}
		ncm_session_tick(s, now);
		run(v, s);
	}
	arm(v);
}

static void prepared(void *user, uint64_t session_id)
{
	struct ncm_service *v = user;
	struct ncm_session *s = ncm_registry_by_id(v->registry, session_id);

	if (!s)
		return;
	ncm_session_prepared(s, mams_loop_now(v->loop));
	run(v, s);
}

static const struct ncm_madp_ops madp_ops = {.prepared = prepared};

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
	v->registry = ncm_registry_new(&conf->policy);
	if (v->registry)
		rc = mams_loop_timer_new(l, tick, v, &v->timer);
	if (rc == 0)
		rc = mams_loop_timer_new(l, commit, v, &v->commit);
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
	ncm_registry_free(v->registry);
	free(v);
}

void ncm_service_set_ops(struct ncm_service *v, const struct ncm_service_ops *ops, void *user)
{
	v->ops = ops;
	v->user = user;
}

/* The policy may have changed since the session was stored. */
static void restore(void *user, const struct ncm_saved *stored)
{
	struct ncm_service *v = user;
	struct ncm_saved saved = *stored;
	struct ncm_session *s;
	int rc;

	for (size_t i = 0; i < NCM_LINKS_MAX; i++) {
		struct ncm_link *l = &saved.links[i];

		if (l->known)
			l->admission = ncm_policy_admit(&v->conf->policy, l->connection_type,
				&l->address, l->mtu, &l->access);
		l->in_setup = l->in_setup && l->admission == NCM_ADMIT_OK;
	}
	rc = ncm_registry_add(v->registry, &saved, first_number(), mams_loop_now(v->loop), &s);
	mams_wipe(saved.client_key, sizeof(saved.client_key));
	if (rc < 0)
		log_warn("stored session is left out: %s client=%s", mams_strerror(rc),
			stored->identity);
}

int ncm_service_start(struct ncm_service *v)
{
	int rc = ncm_store_each(v->store, restore, v);

	if (rc == 0)
		rc = ncm_madp_new(
			v->loop, v->conf->proxy_socket, v->conf->pm_socket, v->registry, &v->madp);
	if (rc < 0)
		return rc;
	ncm_madp_set_ops(v->madp, &madp_ops, v);
	if (ncm_registry_count(v->registry))
		log_info("sessions go on count=%zu", ncm_registry_count(v->registry));
	arm(v);
	return 0;
}

static int make_session(struct ncm_service *v, const char *identity, struct ncm_session **out)
{
	struct ncm_saved saved = {0};
	int rc;

	snprintf(saved.identity, sizeof(saved.identity), "%s", identity);
	random_octets(&saved.session_id, sizeof(saved.session_id));
	saved.session_id >>= 11; /* 53 bits: what JSON numbers carry exactly */
	make_key(saved.client_key);
	rc = ncm_registry_add(v->registry, &saved, first_number(), mams_loop_now(v->loop), out);
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

int ncm_service_message(struct ncm_service *v, const char *identity, enum ncm_transport transport,
	const struct mx_msg *m, const struct mx_msg **reply, struct mams_error *err)
{
	struct ncm_session *s;
	int rc = find_session(v, identity, m, &s, err);

	*reply = NULL;
	if (rc < 0)
		return rc;
	s->transport = transport;
	v->reply = reply;
	rc = ncm_session_input(s, m, mams_loop_now(v->loop), err);
	run(v, s);
	v->reply = NULL;
	return rc;
}

int ncm_service_steer(struct ncm_service *v, struct ncm_session *s, uint64_t request, uint32_t dl,
	uint32_t ul, struct mams_error *err)
{
	int rc = ncm_session_steer(s, request, dl, ul, mams_loop_now(v->loop), err);

	if (rc == 0)
		run(v, s);
	return rc;
}

struct ncm_registry *ncm_service_registry(struct ncm_service *v)
{
	return v->registry;
}

const struct ncm_madp *ncm_service_madp(const struct ncm_service *v)
{
	return v->madp;
}
