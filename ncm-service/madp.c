#include "ncm-service/madp_private.h"

#include "lib/base/log.h"
#include "lib/ctl/ctl_msg.h"
#include "lib/io/ctlmsg.h"
#include "ncm-service/estimate.h"
#include "ncm-service/holds.h"
#include "ncm-service/pool.h"
#include "ncm-service/protect.h"
#include "ncm-service/trailer.h"

#include <uthash.h>

#include <errno.h>
#include <string.h>

#define LOG_MODULE "madp"
#define HOLDS_MAX 65536u /* of an instance, beside sessions: clients that it has to forget */

int ncm_madp_say(struct mams_ctl_conn *c, struct ctl_msg *msg)
{
	struct mams_error err = {0};
	int rc = mams_ctl_say(c, msg, &err);

	if (rc < 0 && rc != -ENOTCONN)
		log_warn("cannot tell the N-MADP: %s %s", mams_strerror(rc), err.text);
	return rc;
}

/* ---- what is told ---- */

static void forget_grants(struct ncm_madp *m, size_t madp)
{
	struct grant *g;
	struct grant *next;

	HASH_ITER(hh, m->grants, g, next)
	{
		if (g->madp != madp)
			continue;
		HASH_DEL(m->grants, g);
		free(g);
	}
}

/* @param msg  consumed; NULL: no memory */
static void ask(struct ncm_madp *m, const struct grant *what, struct ctl_msg *msg)
{
	struct grant *g = calloc(1, sizeof(*g));

	if (!g || !msg) {
		free(g);
		ctl_msg_free(msg);
		log_err("no memory to tell the N-MADP madp=%s", m->policy->madps[what->madp].name);
		return;
	}
	*g = *what;
	g->id = msg->id;
	if (ncm_madp_say(m->instances[g->madp].proxy, msg) < 0) {
		free(g);
		return;
	}
	HASH_ADD(hh, m->grants, id, sizeof(g->id), g);
}

static void tell_grant(struct ncm_madp *m, size_t madp, const struct ncm_session *s)
{
	struct ctl_msg *msg;

	if (m->instances[madp].trailer) {
		ncm_trailer_set(m->instances[madp].trailer, s);
		return;
	}
	if (!ncm_madp_proxy_up(m, madp))
		return; /* told when it is there */
	msg = ctl_msg_new(CTL_PX_CLIENT_SET, ++m->next_id);
	if (msg)
		msg->px_client_set =
			(struct ctl_px_client_set){.client = ctl_strdup(msg, s->s.identity),
				.client_key = ctl_strdup(msg, s->s.client_key),
				.has_session_id = true,
				.session_id = s->s.session_id};
	if (msg && !ncm_protect_tell(msg, s, madp)) {
		ctl_msg_free(msg);
		msg = NULL;
	}
	ask(m, &(struct grant){.madp = madp, .session_id = s->s.session_id}, msg);
}

static void changed(struct ncm_madp *m, const char *client)
{
	if (m->ops)
		m->ops->held(m->user, client);
}

void ncm_madp_grant(struct ncm_madp *m, size_t madp, const struct ncm_session *s)
{
	int rc = ncm_holds_add(m->holds, s->s.identity, s->s.session_id, madp);

	if (rc < 0)
		log_err("not recorded, it may be served for longer than its session: %s madp=%s "
			"client=%s",
			mams_strerror(rc), m->policy->madps[madp].name, s->s.identity);
	if (rc == 0)
		changed(m, s->s.identity); /* and then ncm_madp_stored() */
	else
		tell_grant(m, madp, s);
}

void ncm_madp_stored(struct ncm_madp *m)
{
	const struct ncm_hold *x;

	while ((x = ncm_holds_stored(m->holds)) != NULL) {
		const struct ncm_session *s = ncm_registry_by_id(m->registry, x->session_id);

		if (s)
			tell_grant(m, x->madp, s);
	}
}

void ncm_madp_probe(struct ncm_madp *m, size_t madp, const struct ncm_session *s, uint8_t id)
{
	struct ncm_probe_order o;
	struct ctl_msg *msg;

	if (m->instances[madp].trailer || !ncm_madp_proxy_up(m, madp) ||
		!ncm_estimate_order(s, id, &o))
		return; /* the next estimation will do */
	msg = ctl_msg_new(CTL_PX_PROBE, ++m->next_id);
	if (msg)
		msg->px_probe = (struct ctl_px_probe){.client = ctl_strdup(msg, s->s.identity),
			.connection_id = id,
			.local = o.local,
			.local_port = o.local.port,
			.remote = o.remote,
			.remote_port = o.remote.port,
			.active = o.active,
			.has_stop = o.stop,
			.stop = o.stop,
			.init_ms = o.conf->init_ms,
			.init_rate = o.conf->init_rate,
			.init_size = o.conf->init_size,
			.init_ack = o.conf->init_ack,
			.active_ms = o.conf->active_ms,
			.active_size = o.conf->active_size,
			.active_duration_s = o.conf->active_duration_ms / 1000,
			.active_ack = o.conf->active_ack};
	if (msg) {
		msg->px_probe.local.port = 0;
		msg->px_probe.remote.port = 0;
	}
	ask(m,
		&(struct grant){.madp = madp,
			.session_id = s->s.session_id,
			.probe = true,
			.connection_id = id},
		msg);
}

static int send_release(struct ncm_madp *m, const struct ncm_hold *x, uint32_t *request)
{
	struct ctl_msg *msg;

	if (m->instances[x->madp].trailer)
		return ncm_trailer_release(
			m->instances[x->madp].trailer, x->client, x->session_id, request);
	*request = ++m->next_id;
	msg = ctl_msg_new(CTL_PX_CLIENT_DEL, *request);
	if (msg)
		msg->px_client_del =
			(struct ctl_px_client_del){.client = ctl_strdup(msg, x->client),
				.has_session_id = true,
				.session_id = x->session_id};
	return ncm_madp_say(m->instances[x->madp].proxy, msg);
}

/* What cannot be said now is said with the next answer, or the next connection. */
static void tell_releases(struct ncm_madp *m, size_t madp)
{
	const struct ncm_hold *x;
	uint32_t request;

	while (ncm_madp_proxy_up(m, madp) && (x = ncm_holds_due(m->holds, madp)) != NULL) {
		if (send_release(m, x, &request) < 0)
			return;
		ncm_holds_asked(m->holds, x, request);
	}
}

/* @return the answer was to a release */
static bool take_released(struct ncm_madp *m, size_t madp, uint32_t request)
{
	char client[NCM_IDENTITY_MAX];

	if (!ncm_holds_answered(m->holds, madp, request, client, sizeof(client)))
		return false;
	changed(m, client);
	tell_releases(m, madp);
	return true;
}

/* An instance that lives on while we cannot reach it would serve the client for good. */
void ncm_madp_revoke(struct ncm_madp *m, size_t madp, const struct ncm_session *s)
{
	int rc = ncm_holds_release(m->holds, s->s.identity, s->s.session_id, madp);

	if (rc < 0)
		log_err("cannot remember that madp=%s has to forget client=%s: %s",
			m->policy->madps[madp].name, s->s.identity, mams_strerror(rc));
	if (rc == 0)
		changed(m, s->s.identity);
	if (m->instances[madp].trailer)
		ncm_trailer_over(m->instances[madp].trailer, s->s.session_id);
	tell_releases(m, madp);
}

/* ---- what is held ---- */

struct review {
	struct ncm_madp *m;
	uint64_t ending; /* a session that is over */
	uint32_t due;    /* bits of instances that have something to forget */
};

static bool lives(void *user, const struct ncm_hold *x)
{
	struct review *v = user;
	struct ncm_session *s = ncm_registry_by_id(v->m->registry, x->session_id);

	if (s && x->session_id != v->ending && strcmp(s->s.identity, x->client) == 0) {
		ncm_session_holds(s, x->madp);
		if (v->m->instances[x->madp].trailer)
			ncm_trailer_keep(v->m->instances[x->madp].trailer, s);
		return true;
	}
	v->due |= 1u << x->madp;
	return false;
}

static void review_holds(struct ncm_madp *m, const char *client, uint64_t ending)
{
	struct review v = {.m = m, .ending = ending};

	ncm_holds_review(m->holds, client, lives, &v);
	for (size_t i = 0; i < m->policy->n_madps; i++)
		if (v.due & 1u << i)
			tell_releases(m, i);
}

void ncm_madp_recall(struct ncm_madp *m, const char *client, const char *text)
{
	size_t left_out = ncm_holds_read(m->holds, client, text);

	if (left_out)
		log_warn("it may be served at %zu N-MADP instance(s) that are no longer "
			 "configured client=%s",
			left_out, client);
	review_holds(m, client, 0);
}

void ncm_madp_lose(struct ncm_madp *m, const char *client)
{
	ncm_holds_forget(m->holds, client);
}

const struct ncm_holds *ncm_madp_holds(const struct ncm_madp *m)
{
	return m->holds;
}

void ncm_madp_forget(struct ncm_madp *m, const struct ncm_session *s)
{
	ncm_madp_forget_rules(m, s);
	review_holds(m, s->s.identity, s->s.session_id);
}

/* ---- connections ---- */

static bool holds_user_plane(const struct ncm_session *s, size_t madp)
{
	for (size_t a = 0; a < s->policy->n_anchors; a++)
		if (s->s.anchors[a].used && s->anchor[a].madp == (int)madp)
			return s->s.active || s->state == NCM_STATE_PREPARE ||
			       s->state == NCM_STATE_SETUP_WAIT;
	return false;
}

static int index_of(const struct ncm_madp *m, const struct mams_ctl_conn *c)
{
	for (size_t i = 0; i < m->policy->n_madps; i++)
		if (!m->instances[i].trailer && m->instances[i].proxy == c)
			return (int)i;
	return -1;
}

static void proxy_opened(struct ncm_madp *m, size_t madp)
{
	forget_grants(m, madp);
	ncm_holds_lost(m->holds, madp);
	tell_releases(m, madp);
	if (m->ops)
		m->ops->connected(m->user, madp, true);
	for (struct ncm_session *s = ncm_registry_next(m->registry, NULL); s;
		s = ncm_registry_next(m->registry, s))
		if (holds_user_plane(s, madp))
			ncm_madp_grant(m, madp, s);
}

static size_t plugin_index(const struct ncm_madp *m, const struct mams_ctl_conn *c)
{
	size_t i = 0;

	while (i < m->n_plugins && m->plugins[i].conn != c)
		i++;
	return i;
}

static void opened(void *user, struct mams_ctl_conn *c)
{
	struct ncm_madp *m = user;
	int madp = index_of(m, c);

	if (madp >= 0) {
		log_info("mams-proxy is connected madp=%s", m->policy->madps[madp].name);
		proxy_opened(m, (size_t)madp);
		if (m->instances[madp].to.context)
			ncm_madp_tell_rules(m, m->instances[madp].plugin);
	} else {
		log_info("the mptcpd plugin is connected");
		ncm_madp_tell_rules(m, plugin_index(m, c));
	}
}

static void closed(void *user, struct mams_ctl_conn *c)
{
	const struct ncm_madp *m = user;
	int madp = index_of(m, c);

	if (madp < 0) {
		log_warn("the mptcpd plugin is gone; it keeps its configuration, we dial again");
		return;
	}
	log_warn("mams-proxy is gone; it keeps its configuration, we dial again madp=%s",
		m->policy->madps[madp].name);
	if (m->ops)
		m->ops->connected(m->user, (size_t)madp, false);
}

static void take_result(struct ncm_madp *m, size_t madp, const struct ctl_msg *msg)
{
	struct grant *g;
	struct grant was;

	HASH_FIND(hh, m->grants, &msg->id, sizeof(msg->id), g);
	if (msg->result.code && !(g && g->probe && msg->result.code == MAMS_ELIMIT))
		log_err("the N-MADP refuses: %s code=%u", msg->result.text ? msg->result.text : "?",
			msg->result.code);
	if (!g) {
		(void)take_released(m, madp, msg->id);
		return;
	}
	was = *g;
	HASH_DEL(m->grants, g);
	free(g);
	if (was.probe && m->ops)
		m->ops->probing(m->user, was.session_id, was.connection_id, msg->result.code == 0);
	else if (msg->result.code == 0 && m->ops)
		m->ops->prepared(m->user, was.session_id, was.madp, NULL);
}

/* ---- trailers ---- */

static void trailer_prepared(
	void *user, uint64_t session_id, size_t madp, const struct ncm_tunnel *t)
{
	const struct ncm_madp *m = user;

	if (m->ops)
		m->ops->prepared(m->user, session_id, madp, t);
}

static bool trailer_answered(void *user, size_t madp, uint32_t request)
{
	return take_released(user, madp, request);
}

static void trailer_connected(void *user, size_t madp, bool up)
{
	struct ncm_madp *m = user;

	if (up)
		proxy_opened(m, madp);
	else if (m->ops)
		m->ops->connected(m->user, madp, false);
}

static void trailer_quality(void *user, size_t madp, const struct ctl_quality *q)
{
	ncm_madp_take_quality(user, madp, NCM_QUALITY_TRAILER, q);
}

static void trailer_path(void *user, size_t madp, const struct ctl_tr_event *e)
{
	ncm_madp_take_path(user, madp, e);
}

static void trailer_open(void *user, size_t madp, uint64_t sessions)
{
	ncm_madp_take_open(user, madp, sessions);
}

static const struct ncm_trailer_ops trailer_ops = {.prepared = trailer_prepared,
	.answered = trailer_answered,
	.quality = trailer_quality,
	.path = trailer_path,
	.open = trailer_open,
	.connected = trailer_connected};

static void packet(void *user, struct mams_ctl_conn *c, const char *data, size_t len)
{
	struct ncm_madp *m = user;
	struct mams_error err;
	struct ctl_msg *msg = NULL;
	int madp = index_of(m, c);

	if (ctl_decode(data, len, &msg, &err) < 0) {
		log_warn("bad ctl packet: %s: %s", err.where, err.text);
		return;
	}
	if (msg->type == CTL_RESULT && madp >= 0)
		take_result(m, (size_t)madp, msg);
	else if (msg->type == CTL_QUALITY && madp >= 0)
		ncm_madp_take_quality(m, (size_t)madp, NCM_QUALITY_PROXY, &msg->quality);
	else if (msg->type == CTL_PX_STATUS && madp >= 0)
		ncm_madp_take_open(m, (size_t)madp, msg->px_status.flows_open);
	else if (msg->type == CTL_PX_EVENT && madp >= 0 && m->instances[madp].to.context &&
		 msg->px_event.kind == CTL_PX_PLUGIN_UP)
		ncm_madp_tell_rules(m, m->instances[madp].plugin);
	else if (msg->type == CTL_RESULT && msg->result.code)
		log_warn("the plugin refuses: %s", msg->result.text ? msg->result.text : "?");
	ctl_msg_free(msg);
}

static const struct mams_ctl_server_ops ctl_ops = {
	.opened = opened, .packet = packet, .closed = closed};

/* ---- life ---- */

static bool is_beside(const struct ncm_madp_conf *a, const struct ncm_madp_conf *b)
{
	if (a->pm || b->pm)
		return a->pm && b->pm && strcmp(a->pm, b->pm) == 0;
	return mams_addr_eq_ip(&a->remote, &b->remote);
}

static int dial_plugin(struct mams_loop *l, struct ncm_madp *m, size_t madp)
{
	const struct ncm_madp_conf *conf = &m->policy->madps[madp];
	struct plugin *p = &m->plugins[m->n_plugins];
	int rc = 0;

	for (size_t i = 0; i < madp; i++) {
		if (m->instances[i].trailer || !is_beside(&m->policy->madps[i], conf))
			continue;
		m->instances[madp].plugin = m->instances[i].plugin;
		return 0;
	}
	if (conf->pm)
		rc = mams_ctl_dial(l, conf->pm, &ctl_ops, m, &p->conn);
	if (rc == 0)
		m->instances[madp].plugin = m->n_plugins++;
	return rc;
}

static int dial_proxy(struct mams_loop *l, struct ncm_madp *m, size_t madp)
{
	const struct ncm_madp_conf *conf = &m->policy->madps[madp];
	struct instance *x = &m->instances[madp];
	int rc = x->to.context ? mams_ctl_dial_tls(l, &x->to, &ctl_ops, m, &x->proxy)
			       : mams_ctl_dial(l, conf->ctl, &ctl_ops, m, &x->proxy);

	return rc == 0 ? dial_plugin(l, m, madp) : rc;
}

/* Of an instance with the same addresses, else its own. */
static int dial_trailer(
	struct mams_loop *l, struct ncm_madp *m, size_t madp, struct mams_ctl_context *context)
{
	const struct ncm_madp_conf *conf = &m->policy->madps[madp];
	struct instance *x = &m->instances[madp];

	for (size_t i = 0; i < madp && !x->pool; i++)
		if (ncm_policy_shares(&m->policy->madps[i], conf))
			x->pool = m->instances[i].pool;
	if (!x->pool)
		x->pool = ncm_pool_new(conf->addresses, conf->n_addresses);
	return x->pool ? ncm_trailer_new(l, m->policy, madp, m->registry, x->pool, context,
				 &trailer_ops, m, &x->trailer)
		       : -ENOMEM;
}

static void free_trailer(struct ncm_madp *m, size_t madp)
{
	struct instance *x = &m->instances[madp];

	ncm_trailer_free(x->trailer);
	for (size_t i = madp + 1; i < m->policy->n_madps; i++)
		if (m->instances[i].pool == x->pool)
			return; /* the last one frees it */
	ncm_pool_free(x->pool);
}

static int dial(struct mams_loop *l, struct ncm_madp *m, size_t madp)
{
	const struct ncm_madp_conf *conf = &m->policy->madps[madp];
	struct instance *x = &m->instances[madp];
	struct mams_ctl_context *context = mams_addr_is_set(&conf->remote) ? m->context : NULL;

	x->plugin = NO_PLUGIN;
	x->to = (struct mams_ctl_remote){
		.address = conf->remote, .name = conf->ctl_name, .context = context};
	return conf->trailer ? dial_trailer(l, m, madp, context) : dial_proxy(l, m, madp);
}

static bool has_remote(const struct ncm_policy *p)
{
	for (size_t i = 0; i < p->n_madps; i++)
		if (mams_addr_is_set(&p->madps[i].remote))
			return true;
	return false;
}

int ncm_madp_new(struct mams_loop *l, const struct ncm_policy *policy,
	struct ncm_registry *registry, const struct mams_ctl_files *files, struct ncm_madp **out,
	struct mams_error *err)
{
	struct ncm_madp *m = calloc(1, sizeof(*m));
	int rc = 0;

	if (!m)
		return -ENOMEM;
	m->loop = l;
	m->policy = policy;
	m->registry = registry;
	m->holds = ncm_holds_new(policy, policy->n_madps * (HOLDS_MAX + policy->max_sessions));
	if (!m->holds)
		rc = -ENOMEM;
	if (rc == 0)
		rc = mams_loop_timer_new(l, ncm_madp_ask_drained, m, &m->ask);
	if (rc == 0) /* some are drained since before a restart */
		mams_loop_timer_at(m->ask, mams_loop_now(l));
	if (rc == 0 && has_remote(policy))
		rc = mams_ctl_context_new(files, false, &m->context, err);
	for (size_t i = 0; rc == 0 && i < policy->n_madps; i++)
		rc = dial(l, m, i);
	if (rc < 0)
		ncm_madp_free(m);
	else
		*out = m;
	return rc;
}

void ncm_madp_set_ops(struct ncm_madp *m, const struct ncm_madp_ops *ops, void *user)
{
	m->ops = ops;
	m->user = user;
}

void ncm_madp_free(struct ncm_madp *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->policy->n_madps; i++) {
		mams_ctl_close(m->instances[i].proxy);
		free_trailer(m, i);
		forget_grants(m, i);
	}
	for (size_t i = 0; i < m->n_plugins; i++)
		mams_ctl_close(m->plugins[i].conn);
	mams_loop_timer_del(m->ask);
	mams_ctl_context_free(m->context);
	ncm_holds_free(m->holds);
	free(m);
}

struct mams_ctl_context *ncm_madp_context(const struct ncm_madp *m)
{
	return m->context;
}

bool ncm_madp_proxy_up(const struct ncm_madp *m, size_t madp)
{
	return m->instances[madp].trailer ? ncm_trailer_up(m->instances[madp].trailer)
					  : mams_ctl_is_open(m->instances[madp].proxy);
}
