#include "ncm-service/madp.h"

#include "lib/base/buf.h"
#include "lib/base/log.h"
#include "lib/ctl/ctl_msg.h"
#include "lib/io/ctlsock.h"

#include <uthash.h>

#include <errno.h>
#include <string.h>

#define LOG_MODULE "madp"

/* A grant that the proxy has not answered yet. */
struct grant {
	uint32_t id;
	uint64_t session_id;
	UT_hash_handle hh;
};

struct ncm_madp {
	const struct ncm_registry *registry;
	struct mams_ctl_conn *proxy;
	struct mams_ctl_conn *plugin;
	struct grant *grants;
	uint32_t next_id;
	const struct ncm_madp_ops *ops;
	void *user;
};

static int send_message(struct mams_ctl_conn *c, struct ctl_msg *msg)
{
	struct mams_buf text = {0};
	struct mams_error err;
	int rc = msg ? ctl_encode(msg, 0, &text, &err) : -ENOMEM;

	if (rc == 0)
		rc = mams_ctl_send(c, text.data, text.len);
	if (rc < 0 && rc != -ENOTCONN)
		log_warn("cannot tell the N-MADP: %s", mams_strerror(rc));
	if (text.data)
		mams_wipe(text.data, text.len);
	mams_buf_fini(&text);
	ctl_msg_free(msg);
	return rc;
}

static void forget_grants(struct ncm_madp *m)
{
	struct grant *g;
	struct grant *next;

	HASH_ITER(hh, m->grants, g, next)
	{
		HASH_DEL(m->grants, g);
		free(g);
	}
}

void ncm_madp_grant(struct ncm_madp *m, const struct ncm_session *s)
{
	struct ctl_msg *msg;
	struct grant *g;

	if (!ncm_madp_proxy_up(m))
		return; /* told when it is there */
	g = calloc(1, sizeof(*g));
	msg = ctl_msg_new(CTL_PX_CLIENT_SET, ++m->next_id);
	if (!g || !msg) {
		free(g);
		ctl_msg_free(msg);
		log_err("no memory to tell the proxy of client=%s", s->s.identity);
		return;
	}
	msg->px_client_set = (struct ctl_px_client_set){.client = ctl_strdup(msg, s->s.identity),
		.client_key = ctl_strdup(msg, s->s.client_key)};
	g->id = msg->id;
	g->session_id = s->s.session_id;
	if (send_message(m->proxy, msg) < 0) {
		free(g);
		return;
	}
	HASH_ADD(hh, m->grants, id, sizeof(g->id), g);
}

void ncm_madp_revoke(struct ncm_madp *m, const struct ncm_session *s)
{
	struct ctl_msg *msg = ctl_msg_new(CTL_PX_CLIENT_DEL, ++m->next_id);

	if (msg)
		msg->px_client_del.client = ctl_strdup(msg, s->s.identity);
	(void)!send_message(m->proxy, msg);
}

void ncm_madp_policy(struct ncm_madp *m, const struct ncm_session *s)
{
	struct ctl_msg *msg = ctl_msg_new(CTL_PM_POLICY, ++m->next_id);
	struct mams_addr local[NCM_LINKS_MAX];
	bool backup[NCM_LINKS_MAX];
	struct ctl_pm_path *paths = msg ? ctl_alloc(msg, sizeof(*paths) * NCM_LINKS_MAX) : NULL;

	if (!paths) {
		ctl_msg_free(msg);
		return;
	}
	msg->pm_policy = (struct ctl_pm_policy){.client = ctl_strdup(msg, s->s.identity),
		.paths = paths,
		.n_paths = ncm_session_downlink(s, local, backup)};
	for (size_t i = 0; i < msg->pm_policy.n_paths; i++)
		paths[i] = (struct ctl_pm_path){.local = local[i], .backup = backup[i]};
	(void)!send_message(m->plugin, msg);
}

static bool holds_user_plane(const struct ncm_session *s)
{
	return s->s.active || s->state == NCM_STATE_PREPARE || s->state == NCM_STATE_SETUP_WAIT;
}

static void opened(void *user, struct mams_ctl_conn *c)
{
	struct ncm_madp *m = user;
	bool proxy = c == m->proxy;

	log_info("%s is connected", proxy ? "mams-proxy" : "the mptcpd plugin");
	if (proxy)
		forget_grants(m);
	for (struct ncm_session *s = ncm_registry_next(m->registry, NULL); s;
		s = ncm_registry_next(m->registry, s)) {
		if (proxy && holds_user_plane(s))
			ncm_madp_grant(m, s);
		else if (!proxy && s->s.active)
			ncm_madp_policy(m, s);
	}
}

static void closed(void *user, struct mams_ctl_conn *c)
{
	const struct ncm_madp *m = user;

	log_warn("%s is gone; it keeps its configuration, we dial again",
		c == m->proxy ? "mams-proxy" : "the mptcpd plugin");
}

static void take_result(struct ncm_madp *m, const struct ctl_msg *msg)
{
	struct grant *g;
	uint64_t session_id;

	if (msg->result.code)
		log_err("the N-MADP refuses: %s code=%u", msg->result.text ? msg->result.text : "?",
			msg->result.code);
	HASH_FIND(hh, m->grants, &msg->id, sizeof(msg->id), g);
	if (!g)
		return;
	session_id = g->session_id;
	HASH_DEL(m->grants, g);
	free(g);
	if (msg->result.code == 0 && m->ops)
		m->ops->prepared(m->user, session_id);
}

static void packet(void *user, struct mams_ctl_conn *c, const char *data, size_t len)
{
	struct ncm_madp *m = user;
	struct mams_error err;
	struct ctl_msg *msg = NULL;

	if (ctl_decode(data, len, &msg, &err) < 0) {
		log_warn("bad ctl packet: %s: %s", err.where, err.text);
		return;
	}
	if (msg->type == CTL_RESULT && c == m->proxy)
		take_result(m, msg);
	else if (msg->type == CTL_RESULT && msg->result.code)
		log_warn("the plugin refuses: %s", msg->result.text ? msg->result.text : "?");
	ctl_msg_free(msg);
}

static const struct mams_ctl_server_ops ctl_ops = {
	.opened = opened, .packet = packet, .closed = closed};

int ncm_madp_new(struct mams_loop *l, const char *proxy_socket, const char *pm_socket,
	const struct ncm_registry *registry, struct ncm_madp **out)
{
	struct ncm_madp *m = calloc(1, sizeof(*m));
	int rc;

	if (!m)
		return -ENOMEM;
	m->registry = registry;
	rc = mams_ctl_dial(l, proxy_socket, &ctl_ops, m, &m->proxy);
	if (rc == 0)
		rc = mams_ctl_dial(l, pm_socket, &ctl_ops, m, &m->plugin);
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
	mams_ctl_close(m->proxy);
	mams_ctl_close(m->plugin);
	forget_grants(m);
	free(m);
}

bool ncm_madp_proxy_up(const struct ncm_madp *m)
{
	return mams_ctl_is_open(m->proxy);
}

bool ncm_madp_plugin_up(const struct ncm_madp *m)
{
	return mams_ctl_is_open(m->plugin);
}
