#include "ccm-agent/apply_madp.h"

#include "lib/base/log.h"
#include "lib/ctl/ctl_msg.h"
#include "lib/io/ctlmsg.h"

#include <errno.h>
#include <string.h>

#define LOG_MODULE "madp"
#define CLEAR_TIMEOUT_MS 1000

/* One of the two that we drive. */
struct side {
	struct mams_ctl_conn *conn;
	uint32_t waits_for; /**< id of the request that is not answered yet; 0: none */
	bool good;
};

struct ccm_madp {
	struct mams_loop *loop;
	const struct ccm_conf *conf;
	const struct ccm_madp_ops *ops;
	void *user;
	struct side proxy;
	struct side plugin;
	struct ccm_target target;
	uint32_t next_id;
	uint32_t flows_id;
	bool pending; /**< done() is owed */
	struct mams_loop_timer *patience;
};

/* @param caught  those that new connections may take, for the proxy; else those that carry, for the
 * plugin */
static int put_paths(struct ctl_msg *msg, const struct ccm_conf *conf, const struct ccm_target *t,
	bool caught, struct ctl_path **out, size_t *n)
{
	*out = ctl_alloc(msg, CCM_PATHS_MAX * sizeof(**out));
	*n = 0;
	if (!*out)
		return -ENOMEM;
	for (size_t i = 0; i < t->n_paths; i++) {
		const struct ccm_path *p = &t->paths[i];
		const char *name = "?";

		if (caught ? !p->caught : p->silent)
			continue;
		for (size_t k = 0; k < conf->n_links; k++)
			if (conf->links[k].connection_id == p->connection_id)
				name = conf->links[k].name;
		(*out)[*n] = (struct ctl_path){.connection_id = p->connection_id,
			.group = p->group,
			.name = ctl_strdup(msg, name),
			.local = p->local,
			.proxy = p->proxy,
			.proxy_port = p->proxy.port,
			.priority = p->priority,
			.backup = p->backup,
			.has_backup_up = p->backup_up != p->backup,
			.backup_up = p->backup_up,
			.has_backup_down = p->backup_down != p->backup,
			.backup_down = p->backup_down,
			.has_gently = p->gently,
			.gently = p->gently};
		(*out)[(*n)++].proxy.port = 0;
	}
	return 0;
}

static int put_classes(struct ctl_msg *msg, const struct ccm_target *t, struct ctl_flow_class **out)
{
	*out = ctl_alloc(msg, (t->n_classes + 1) * sizeof(**out));
	for (size_t i = 0; *out && i < t->n_classes; i++) {
		const struct ccm_class *k = &t->classes[i];
		struct ctl_flow_class *c = &(*out)[i];

		*c = (struct ctl_flow_class){
			.remote = k->remote[0] ? ctl_strdup(msg, k->remote) : NULL,
			.port_first = k->port_first,
			.port_last = k->port_last,
			.has_dscp = k->has_dscp,
			.dscp = k->dscp,
			.connections = ctl_alloc(msg, CCM_LINKS_MAX)};
		if (!c->connections)
			return -ENOMEM;
		memcpy(c->connections, k->links, k->n_links);
		c->n_connections = k->n_links;
	}
	return *out ? 0 : -ENOMEM;
}

static struct ctl_msg *compose(
	enum ctl_type type, uint32_t id, const struct ccm_conf *conf, const struct ccm_target *t)
{
	static const struct ccm_target none;
	struct ctl_msg *msg = ctl_msg_new(type, id);
	struct ctl_flow_class *classes;
	struct ctl_path *paths;
	size_t n;

	/* no paths: the proxy stops catching, its running flows finish */
	if (type == CTL_PX_PATHS && !t->catching)
		t = &none;
	if (!msg || put_paths(msg, conf, t, type == CTL_PX_PATHS, &paths, &n) < 0 ||
		put_classes(msg, t, &classes) < 0) {
		ctl_msg_free(msg);
		return NULL;
	}
	if (type == CTL_PM_PATHS)
		msg->pm_paths = (struct ctl_pm_paths){.paths = paths,
			.n_paths = n,
			.has_wait_bind = t->n_classes > 0,
			.wait_bind = t->n_classes > 0};
	else
		msg->px_paths = (struct ctl_px_paths){.paths = paths,
			.n_paths = n,
			.classes = classes,
			.n_classes = t->n_classes,
			.client_key = t->client_key[0] ? ctl_strdup(msg, t->client_key) : NULL,
			.has_idle = t->detour,
			.idle = t->detour};
	return msg;
}

static void tell(struct ccm_madp *m, struct side *s, enum ctl_type type)
{
	struct mams_error err = {0};
	uint32_t id = ++m->next_id;
	int rc;

	s->good = false;
	s->waits_for = id;
	rc = mams_ctl_say(s->conn, compose(type, id, m->conf, &m->target), &err);
	if (rc < 0 && rc != -ENOTCONN)
		log_err("cannot tell %s its paths: %s %s",
			s == &m->proxy ? "mams-proxy" : "the plugin", mams_strerror(rc), err.text);
}

static void finish(struct ccm_madp *m)
{
	if (!m->pending)
		return;
	m->pending = false;
	mams_loop_timer_at(m->patience, MAMS_TIME_NEVER);
	m->ops->done(m->user, m->proxy.good && m->plugin.good);
}

static void out_of_patience(void *user)
{
	struct ccm_madp *m = user;

	log_warn("user plane is not set up in time proxy=%s plugin=%s",
		m->proxy.good ? "ok" : "silent", m->plugin.good ? "ok" : "silent");
	finish(m);
}

void ccm_madp_set(struct ccm_madp *m, const struct ccm_target *t, bool plugin, bool proxy)
{
	m->target = *t;
	if (plugin)
		tell(m, &m->plugin, CTL_PM_PATHS);
	if (proxy)
		tell(m, &m->proxy, CTL_PX_PATHS);
	m->pending = true;
	if (m->plugin.waits_for || m->proxy.waits_for)
		mams_loop_timer_at(
			m->patience, mams_time_add_ms(mams_loop_now(m->loop), m->conf->apply_ms));
	else
		finish(m);
}

static void opened(void *user, struct mams_ctl_conn *c)
{
	struct ccm_madp *m = user;

	if (c == m->proxy.conn) {
		log_info("mams-proxy is connected");
		tell(m, &m->proxy, CTL_PX_PATHS);
	} else {
		log_info("the mptcpd plugin is connected");
		tell(m, &m->plugin, CTL_PM_PATHS);
	}
}

static void closed(void *user, struct mams_ctl_conn *c)
{
	struct ccm_madp *m = user;

	log_warn("%s is gone; we dial again",
		c == m->proxy.conn ? "mams-proxy" : "the mptcpd plugin");
	if (c == m->proxy.conn)
		m->ops->path(m->user, NULL);
}

static void take_result(struct ccm_madp *m, struct side *s, const struct ctl_msg *msg)
{
	if (msg->result.code)
		log_err("%s refuses its paths: %s code=%u",
			s == &m->proxy ? "mams-proxy" : "the plugin",
			msg->result.text ? msg->result.text : "?", msg->result.code);
	if (msg->id != s->waits_for)
		return;
	s->waits_for = 0;
	s->good = msg->result.code == 0;
	if (!m->proxy.waits_for && !m->plugin.waits_for)
		finish(m);
}

static void take_event(struct ccm_madp *m, const struct ctl_px_event *e)
{
	if (e->kind == CTL_PX_PEER_UP || e->kind == CTL_PX_PEER_DOWN)
		m->ops->peer(m->user, e->kind == CTL_PX_PEER_UP);
	else if (e->path)
		m->ops->path(m->user, e);
}

static void packet(void *user, struct mams_ctl_conn *c, const char *data, size_t len)
{
	struct ccm_madp *m = user;
	struct side *s = c == m->proxy.conn ? &m->proxy : &m->plugin;
	struct mams_error err;
	struct ctl_msg *msg = NULL;

	if (ctl_decode(data, len, &msg, &err) < 0) {
		log_warn("bad ctl packet: %s: %s", err.where, err.text);
		return;
	}
	if (msg->type == CTL_RESULT)
		take_result(m, s, msg);
	else if (msg->type == CTL_PX_EVENT)
		take_event(m, &msg->px_event);
	else if (msg->type == CTL_PX_STATUS && msg->id == m->flows_id)
		m->ops->flows(m->user, msg->px_status.flows_open);
	ctl_msg_free(msg);
}

static const struct mams_ctl_server_ops ctl_ops = {
	.opened = opened, .packet = packet, .closed = closed};

int ccm_madp_new(struct mams_loop *l, const struct ccm_conf *conf, const struct ccm_madp_ops *ops,
	void *user, struct ccm_madp **out)
{
	struct ccm_madp *m = calloc(1, sizeof(*m));
	int rc;

	if (!m)
		return -ENOMEM;
	m->loop = l;
	m->conf = conf;
	m->ops = ops;
	m->user = user;
	rc = mams_loop_timer_new(l, out_of_patience, m, &m->patience);
	if (rc == 0)
		rc = mams_ctl_dial(l, conf->proxy_socket, &ctl_ops, m, &m->proxy.conn);
	if (rc == 0)
		rc = mams_ctl_dial(l, conf->pm_socket, &ctl_ops, m, &m->plugin.conn);
	if (rc < 0)
		ccm_madp_free(m);
	else
		*out = m;
	return rc;
}

void ccm_madp_free(struct ccm_madp *m)
{
	if (!m)
		return;
	mams_ctl_close(m->proxy.conn);
	mams_ctl_close(m->plugin.conn);
	mams_loop_timer_del(m->patience);
	mams_wipe(m, sizeof(*m));
	free(m);
}

bool ccm_madp_ask_flows(struct ccm_madp *m)
{
	struct mams_error err;

	m->flows_id = ++m->next_id;
	return mams_ctl_say(m->proxy.conn, ctl_msg_new(CTL_STATUS_REQ, m->flows_id), &err) == 0;
}

bool ccm_madp_proxy_up(const struct ccm_madp *m)
{
	return mams_ctl_is_open(m->proxy.conn);
}

bool ccm_madp_plugin_up(const struct ccm_madp *m)
{
	return mams_ctl_is_open(m->plugin.conn);
}

static void clear_one(const struct ccm_conf *conf, const char *socket, enum ctl_type type)
{
	static const struct ccm_target none;
	int rc = mams_ctl_say_once(socket, compose(type, 1, conf, &none), CLEAR_TIMEOUT_MS);

	if (rc < 0 && rc != -ENOENT && rc != -ECONNREFUSED)
		log_warn("%s does not answer: %s", socket, mams_strerror(rc));
}

void ccm_madp_clear(const struct ccm_conf *conf)
{
	clear_one(conf, conf->proxy_socket, CTL_PX_PATHS);
	clear_one(conf, conf->pm_socket, CTL_PM_PATHS);
}
