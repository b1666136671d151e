/* mptcpd plugin of MAMS: wiring of the pure policy with the kernel and the controllers.
 * The socket's place comes from the environment (MAMS_PM_SOCKET), because mptcpd gives its plugins
 * no configuration of their own. */
#include "plugins/pm_ctl.h"
#include "plugins/pm_genl.h"
#include "plugins/pm_policy.h"

#include "lib/base/log.h"
#include "mams_version.h"

#include <ell/ell.h>
#include <mptcpd/plugin.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define LOG_MODULE "pm"
#define DEFAULT_SOCKET "/run/mams/pm.ctl"

struct plugin {
	struct pm_policy *policy;
	struct pm_genl *genl;
	struct pm_ctl *ctl;
	struct l_timeout *timer;
};

/* mptcpd's callbacks carry no pointer of ours. */
static struct plugin *self;

/* ---- carrying out ---- */

static void tick(struct l_timeout *t, void *user);

static const char *action_name(enum pm_action_kind kind)
{
	switch (kind) {
	case PM_CREATE:
		return "create";
	case PM_WITHDRAW:
		return "withdraw";
	case PM_DESTROY:
		return "destroy";
	case PM_PRIORITY:
		return "priority";
	case PM_ANNOUNCE:
		return "announce";
	}
	return "?";
}

static void run(struct plugin *x)
{
	mams_time now = mams_clock_now();
	struct pm_action a;
	mams_time due;

	if (!pm_genl_is_ready(x->genl))
		return;
	while (pm_policy_next(x->policy, now, &a))
		pm_genl_send(x->genl, &a);
	due = pm_policy_deadline(x->policy);
	if (!mams_time_is_never(due)) {
		int ms = mams_time_ms_until(now, due);

		l_timeout_modify_ms(x->timer, ms > 0 ? (uint64_t)ms : 1);
	}
}

static void tick(struct l_timeout *t, void *user)
{
	(void)t;
	run(user);
}

static void done(void *user, const struct pm_action *a, int err)
{
	struct plugin *x = user;
	char local[MAMS_ADDR_STRLEN];
	char remote[MAMS_ADDR_STRLEN];

	log_debug("%s token=%08x id=%u local=%s remote=%s backup=%d result=%s",
		action_name(a->kind), a->token, a->id, mams_addr_str_port(&a->local, local),
		mams_addr_str_port(&a->remote, remote), a->backup, strerror(-err));
	if (err == 0)
		return;
	pm_policy_failed(x->policy, a, mams_clock_now());
	l_timeout_modify_ms(x->timer, 1);
}

static void ready(void *user)
{
	run(user);
}

static const struct pm_genl_ops genl_ops = {.done = done, .ready = ready};

/* ---- events of the kernel ---- */

static bool take(const struct sockaddr *sa, struct mams_addr *out)
{
	return mams_addr_from_sa(sa, out) == 0;
}

static void on_established(mptcpd_token_t token, const struct sockaddr *laddr,
	const struct sockaddr *raddr, bool server_side, struct mptcpd_pm *pm)
{
	struct mams_addr local;
	struct mams_addr remote;

	(void)pm;
	if (!take(laddr, &local) || !take(raddr, &remote))
		return;
	pm_policy_connection(self->policy, token, server_side, &local, &remote);
	run(self);
}

static void on_closed(mptcpd_token_t token, struct mptcpd_pm *pm)
{
	(void)pm;
	pm_policy_closed(self->policy, token);
}

static void on_subflow(mptcpd_token_t token, const struct sockaddr *laddr,
	const struct sockaddr *raddr, bool backup, struct mptcpd_pm *pm)
{
	struct mams_addr local;
	struct mams_addr remote;

	(void)pm;
	(void)backup; /* mptcpd 0.12 says true, always */
	if (!take(laddr, &local) || !take(raddr, &remote))
		return;
	pm_policy_subflow(self->policy, token, &local, &remote, mams_clock_now());
	run(self);
}

static void on_subflow_closed(mptcpd_token_t token, const struct sockaddr *laddr,
	const struct sockaddr *raddr, bool backup, struct mptcpd_pm *pm)
{
	struct mams_addr local;
	struct mams_addr remote;

	(void)pm;
	(void)backup;
	if (!take(laddr, &local) || !take(raddr, &remote))
		return;
	pm_policy_subflow_closed(self->policy, token, &local, &remote, mams_clock_now());
	run(self);
}

static const struct mptcpd_plugin_ops pm_ops = {.connection_established = on_established,
	.connection_closed = on_closed,
	.new_subflow = on_subflow,
	.subflow_closed = on_subflow_closed};

/* ---- requests of the controllers ---- */

static int set_paths(struct plugin *x, const struct ctl_pm_paths *m)
{
	struct pm_path paths[PM_PATHS_MAX];

	if (m->n_paths > PM_PATHS_MAX)
		return -MAMS_ELIMIT;
	for (size_t i = 0; i < m->n_paths; i++) {
		paths[i] = (struct pm_path){.connection_id = m->paths[i].connection_id,
			.group = m->paths[i].group,
			.local = m->paths[i].local,
			.proxy = m->paths[i].proxy,
			.backup = m->paths[i].backup,
			.backup_up = ctl_path_backup(&m->paths[i], CTL_WAY_UP),
			.backup_down = ctl_path_backup(&m->paths[i], CTL_WAY_DOWN),
			.gently = m->paths[i].gently};
		paths[i].proxy.port = m->paths[i].proxy_port;
	}
	pm_policy_wait_bind(x->policy, m->has_wait_bind && m->wait_bind);
	return pm_policy_paths(x->policy, paths, m->n_paths);
}

static int set_binding(struct plugin *x, const struct ctl_pm_bind *m)
{
	struct mams_addr announce[PM_ANNOUNCE_MAX];
	uint32_t only = 0;
	int rc;

	if (m->n_announce > PM_ANNOUNCE_MAX)
		return -MAMS_ELIMIT;
	for (size_t i = 0; i < m->n_only; i++) {
		if (m->only[i] >= 32)
			return -MAMS_EVALUE;
		only |= 1u << m->only[i];
	}
	for (size_t i = 0; i < m->n_announce; i++) {
		announce[i] = m->announce[i].address;
		announce[i].port = m->announce[i].port;
	}
	rc = pm_policy_bind(x->policy, m->token, m->client, announce, m->n_announce);
	return rc < 0 ? rc
		      : pm_policy_restrict(x->policy, m->token, only,
				m->has_way ? (enum pm_way)m->way : PM_WAY_BOTH);
}

static int make_anew(struct plugin *x, const struct ctl_pm_anew *m)
{
	struct mams_addr local = m->local.address;
	struct mams_addr remote = m->remote.address;

	local.port = m->local.port;
	remote.port = m->remote.port;
	pm_policy_anew(x->policy, m->token, &local, &remote);
	return 0;
}

static int set_rules(struct plugin *x, const struct ctl_pm_policy *m)
{
	struct pm_rule rules[PM_RULES_MAX];

	if (m->n_paths > PM_RULES_MAX)
		return -MAMS_ELIMIT;
	for (size_t i = 0; i < m->n_paths; i++)
		rules[i] =
			(struct pm_rule){.local = m->paths[i].local, .backup = m->paths[i].backup};
	return pm_policy_rules(x->policy, m->client, rules, m->n_paths);
}

static int set_log_level(const struct ctl_log_level *m)
{
	static const char *const names[] = {"err", "warn", "info", "debug"};

	for (size_t i = 0; i < MAMS_ARRAY_LEN(names); i++) {
		if (strcmp(m->level, names[i]) != 0)
			continue;
		mams_log_set_level((enum mams_log_level)i);
		return 0;
	}
	return -MAMS_EVALUE;
}

static void put_connection(
	struct ctl_msg *msg, const struct pm_connection_view *v, struct ctl_pm_connection *out)
{
	*out = (struct ctl_pm_connection){.token = v->token,
		.server_side = v->server_side,
		.client = v->client ? ctl_strdup(msg, v->client) : NULL,
		.subflows = ctl_alloc(msg, (v->n_subflows + 1) * sizeof(*out->subflows))};
	for (size_t i = 0; out->subflows && i < v->n_subflows; i++) {
		const struct pm_subflow *s = &v->subflows[i];
		struct ctl_pm_subflow *o = &out->subflows[out->n_subflows++];

		*o = (struct ctl_pm_subflow){.local = s->local,
			.local_port = s->local.port,
			.remote = s->remote,
			.remote_port = s->remote.port,
			.backup = s->backup};
		o->local.port = 0;
		o->remote.port = 0;
	}
}

static struct ctl_msg *compose_status(struct plugin *x, uint32_t id)
{
	size_t n = pm_policy_count(x->policy);
	struct ctl_msg *msg = ctl_msg_new(CTL_PM_STATUS, id);
	struct ctl_pm_status *st = msg ? &msg->pm_status : NULL;
	struct pm_connection_view *views;

	/* as many as fit a packet; the counters tell all */
	n = n > 200 ? 200 : n;
	views = calloc(n + 1, sizeof(*views));
	if (!st || !views) {
		ctl_msg_free(msg);
		free(views);
		return NULL;
	}
	st->version = MAMS_VERSION;
	st->connections = ctl_alloc(msg, (n + 1) * sizeof(*st->connections));
	st->counters = ctl_alloc(msg, pm_n_counter_rows * sizeof(*st->counters));
	n = pm_policy_views(x->policy, views, n);
	for (size_t i = 0; st->connections && i < n; i++)
		put_connection(msg, &views[i], &st->connections[st->n_connections++]);
	for (size_t i = 0; st->counters && i < pm_n_counter_rows; i++)
		st->counters[st->n_counters++] =
			(struct ctl_counter){.name = ctl_strdup(msg, pm_counter_rows[i].name),
				.value = mams_metric_value(
					&pm_counter_rows[i], pm_policy_counters(x->policy))};
	free(views);
	return msg;
}

static struct ctl_msg *compose_metrics(const struct plugin *x, uint32_t id)
{
	struct mams_buf text = {0};

	mams_metrics_text(
		&text, "pm", pm_counter_rows, pm_n_counter_rows, pm_policy_counters(x->policy));
	return ctl_metrics_new(id, &text);
}

static void on_request(void *user, struct pm_ctl_peer *from, const struct ctl_msg *m)
{
	struct plugin *x = user;
	int rc = -MAMS_ESTATE;

	if (m->type == CTL_METRICS_REQ) {
		pm_ctl_reply(from, compose_metrics(x, m->id));
		return;
	}
	if (m->type == CTL_STATUS_REQ) {
		pm_ctl_reply(from, compose_status(x, m->id));
		return;
	}
	if (m->type == CTL_PM_PATHS)
		rc = set_paths(x, &m->pm_paths);
	else if (m->type == CTL_PM_BIND)
		rc = set_binding(x, &m->pm_bind);
	else if (m->type == CTL_PM_ANEW)
		rc = make_anew(x, &m->pm_anew);
	else if (m->type == CTL_PM_POLICY)
		rc = set_rules(x, &m->pm_policy);
	else if (m->type == CTL_LOG_LEVEL)
		rc = set_log_level(&m->log_level);
	run(x);
	pm_ctl_result(from, m->id, -rc,
		rc == -MAMS_ESTATE ? "not a request to a path manager" : mams_strerror(rc));
}

/* ---- life ---- */

static void finish(struct plugin *x)
{
	pm_ctl_free(x->ctl);
	pm_genl_free(x->genl);
	if (x->timer)
		l_timeout_remove(x->timer);
	pm_policy_free(x->policy);
	free(x);
}

static int pm_init(struct mptcpd_pm *pm)
{
	const char *path = getenv("MAMS_PM_SOCKET");
	struct plugin *x = calloc(1, sizeof(*x));
	int rc = -ENOMEM;

	(void)pm;
	mams_log_init("mams_pm", MAMS_LOG_STDERR, MAMS_LOG_INFO);
	path = path ? path : DEFAULT_SOCKET;
	if (!x)
		return EXIT_FAILURE;
	x->policy = pm_policy_new();
	x->timer = l_timeout_create_ms(1, tick, x, NULL);
	x->genl = pm_genl_new(&genl_ops, x);
	if (x->policy && x->timer && x->genl)
		rc = pm_ctl_new(path, on_request, x, &x->ctl);
	if (rc < 0) {
		log_err("cannot listen at %s (MAMS_PM_SOCKET): %s", path, mams_strerror(rc));
		finish(x);
		return EXIT_FAILURE;
	}
	self = x;
	if (!mptcpd_plugin_register_ops("mams_pm", &pm_ops)) {
		finish(x);
		self = NULL;
		return EXIT_FAILURE;
	}
	log_info("ready socket=%s", path);
	return EXIT_SUCCESS;
}

static void pm_exit(struct mptcpd_pm *pm)
{
	(void)pm;
	if (self)
		finish(self);
	self = NULL;
}

MPTCPD_PLUGIN_DEFINE(mams_pm, "MAMS path manager, driven over ctl", MPTCPD_PLUGIN_PRIORITY_DEFAULT,
	pm_init, pm_exit)
