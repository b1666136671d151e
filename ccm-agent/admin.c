#include "ccm-agent/admin.h"
#include "ccm-agent/detour.h"
#include "ccm-agent/linkstat.h"
#include "ccm-agent/status.h"

#include "lib/base/log.h"
#include "lib/ctl/ctl_msg.h"
#include "lib/io/ctlmsg.h"
#include "mams_version.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define LOG_MODULE "admin"

struct ccm_admin {
	struct mams_loop *loop;
	const struct ccm_conf *conf;
	const struct ccm_agent *agent;
	const struct ccm_api *api;
	struct mams_ctl_server *server;
	mams_time started;
};

static bool in_list(const struct ccm_session *s, uint8_t id, bool down)
{
	for (size_t i = 0; i < CCM_ANCHORS_MAX; i++) {
		const struct ccm_anchor *a = &s->anchor[i];

		if (a->used && a->lane[id].named && ((down ? a->dl : a->ul) & 1u << id))
			return true;
	}
	return false;
}

static void put_heard(const struct ccm_session_link *l, struct ctl_msg *msg, int64_t age_ms,
	struct ctl_link_status *out)
{
	const struct ccm_heard *h = &l->heard;
	const char *ssid = ccm_link_ssid(l);
	const char *node_id = ccm_link_node_id(l);

	out->ssid = ssid ? ctl_strdup(msg, ssid) : NULL;
	out->node_id = node_id ? ctl_strdup(msg, node_id) : NULL;
	out->measured = ctl_alloc(msg, MX_M_COUNT * sizeof(*out->measured));
	for (int type = 0; out->measured && type < MX_M_COUNT; type++)
		if (h->known & 1u << type)
			out->measured[out->n_measured++] = (struct ctl_measured){
				.name = ctl_strdup(msg, mx_measurement_name(type)),
				.value = h->value[type],
				.age_ms = (uint64_t)age_ms};
}

static void put_link(
	const struct ccm_admin *admin, struct ctl_msg *msg, uint8_t id, struct ctl_link_status *out)
{
	const struct ccm_agent *agent = admin->agent;
	const mams_time now = mams_loop_now(admin->loop);
	const struct ccm_session *s = ccm_agent_session(agent);
	const struct ccm_session_link *l = &s->link[id];
	char text[128];
	const char *sa = ccm_ipsec_state(ccm_agent_ipsec(agent), id, text, sizeof(text));

	*out = (struct ctl_link_status){.connection_id = id,
		.name = ctl_strdup(msg, l->conf->name),
		.type = ctl_strdup(msg, mx_connection_type_name(l->conf->connection_type)),
		.interface = ctl_strdup(msg, l->conf->interface),
		.up = l->now.usable,
		.has_silent = true,
		.silent = ccm_session_is_silent(s, id),
		.has_plain = ccm_detour_is_plain(s, id),
		.plain = ccm_detour_is_plain(s, id),
		.has_fading = l->conf->fade.low != 0,
		.fading = l->fade.on,
		.admitted = l->admitted && mams_addr_eq_ip(&l->now.address, &l->admitted_address),
		.address = l->now.address,
		.mtu = l->now.mtu,
		.ul = in_list(s, id, false),
		.dl = in_list(s, id, true),
		.rx_bytes = ccm_linkstat_rx(l->conf->interface),
		.tx_bytes = ccm_linkstat_tx(l->conf->interface)};
	put_heard(l, msg, mams_time_ms_until(l->heard_at, now), out);
	if (!sa)
		return;
	out->adaptation = ctl_strdup(msg, mx_adaptation_name(MX_ADAPT_IPSEC));
	out->sa = ctl_strdup(msg, sa);
}

static void put_preferred(const struct ccm_session *s, struct ctl_msg *msg)
{
	struct ctl_ccm_status *st = &msg->ccm_status;

	st->preferred = ctl_alloc(msg, CCM_SSIDS_MAX * sizeof(*st->preferred));
	for (size_t i = 0; st->preferred && i < s->n_ssids; i++)
		st->preferred[st->n_preferred++] = (struct ctl_preferred){
			.type = ctl_strdup(msg, mx_ssid_type_name(s->ssids[i].type)),
			.id = ctl_strdup(msg, s->ssids[i].id)};
}

static struct ctl_msg *compose_status(const struct ccm_admin *a, uint32_t id)
{
	const struct ccm_session *s = ccm_agent_session(a->agent);
	struct ctl_msg *msg = ctl_msg_new(CTL_CCM_STATUS, id);
	struct ctl_ccm_status *st = msg ? &msg->ccm_status : NULL;
	const void *bases[] = {&s->counters, ccm_uplink_counters(ccm_agent_uplink(a->agent)),
		ccm_api_counters(a->api)};
	const struct mams_metric *rows[] = {
		ccm_counter_rows, ccm_uplink_counter_rows, ccm_api_counter_rows};
	const size_t n[] = {ccm_n_counter_rows, ccm_uplink_n_counter_rows, ccm_api_n_counter_rows};

	if (!msg)
		return NULL;
	*st = (struct ctl_ccm_status){.version = MAMS_VERSION,
		.uptime_ms = (uint64_t)mams_time_ms_until(a->started, mams_loop_now(a->loop)),
		.state = ctl_strdup(msg, ccm_state_name(s->state)),
		.ncm = ctl_strdup(msg, ccm_uplink_url(ccm_agent_uplink(a->agent))),
		.transport = ctl_strdup(msg, ccm_uplink_transport(ccm_agent_uplink(a->agent))),
		.ncm_id = s->id.ncm_id,
		.session_id = s->id.session_id,
		.proxy_up = ccm_agent_madp(a->agent) && ccm_madp_proxy_up(ccm_agent_madp(a->agent)),
		.plugin_up =
			ccm_agent_madp(a->agent) && ccm_madp_plugin_up(ccm_agent_madp(a->agent)),
		.has_trailer_up = ccm_agent_tunnel(a->agent) != NULL,
		.trailer_up = ccm_agent_tunnel(a->agent) && ccm_tun_up(ccm_agent_tunnel(a->agent)),
		.madp_reachable = ccm_agent_madp_reachable(a->agent),
		.links = ctl_alloc(msg, CCM_LINKS_MAX * sizeof(*st->links)),
		.counters = ctl_alloc(msg, (n[0] + n[1] + n[2]) * sizeof(*st->counters))};
	for (uint8_t i = 0; st->links && i < CCM_LINKS_MAX; i++)
		if (s->link[i].conf)
			put_link(a, msg, i, &st->links[st->n_links++]);
	ccm_status_rtt(msg, s);
	put_preferred(s, msg);
	ccm_status_agreed(msg, s);
	ccm_status_anchors(msg, s, ccm_agent_target(a->agent));
	for (size_t k = 0; st->counters && k < 3; k++)
		for (size_t i = 0; i < n[k]; i++)
			st->counters[st->n_counters++] =
				(struct ctl_counter){.name = ctl_strdup(msg, rows[k][i].name),
					.value = mams_metric_value(&rows[k][i], bases[k])};
	return msg;
}

static struct ctl_msg *compose_metrics(const struct ccm_admin *a, uint32_t id)
{
	const struct ccm_session *s = ccm_agent_session(a->agent);
	struct mams_buf text = {0};

	mams_metrics_self(&text, "ccm", MAMS_VERSION,
		(uint64_t)mams_time_ms_until(a->started, mams_loop_now(a->loop)));
	mams_metrics_text(&text, "ccm", ccm_counter_rows, ccm_n_counter_rows, &s->counters);
	mams_metrics_text(&text, "ccm_uplink", ccm_uplink_counter_rows, ccm_uplink_n_counter_rows,
		ccm_uplink_counters(ccm_agent_uplink(a->agent)));
	mams_metrics_text(&text, "ccm_ctl", mams_ctl_counter_rows, mams_ctl_n_counter_rows,
		mams_ctl_server_counters(a->server));
	mams_metrics_text(&text, "ccm_api", ccm_api_counter_rows, ccm_api_n_counter_rows,
		ccm_api_counters(a->api));
	ccm_status_metrics(&text, s);
	return ctl_metrics_new(id, &text);
}

static void on_log_level(struct mams_ctl_conn *c, const struct ctl_msg *msg)
{
	static const struct mams_enum_name levels[] = {{"err", MAMS_LOG_ERR, false},
		{"warn", MAMS_LOG_WARN, false}, {"info", MAMS_LOG_INFO, false},
		{"debug", MAMS_LOG_DEBUG, false}, {0}};
	int level;

	if (mams_enum_parse(levels, msg->log_level.level, &level) < 0) {
		mams_ctl_answer_result(
			c, msg->id, MAMS_EVALUE, "level is one of err, warn, info, debug");
		return;
	}
	mams_log_set_level((enum mams_log_level)level);
	mams_ctl_answer_result(c, msg->id, 0, "ok");
}

static void packet(void *user, struct mams_ctl_conn *c, const char *data, size_t len)
{
	const struct ccm_admin *a = user;
	struct mams_error err = {0};
	struct ctl_msg *msg = NULL;
	int rc = ctl_decode(data, len, &msg, &err);

	if (rc < 0) {
		mams_ctl_answer_result(c, 0, -rc, err.text);
		return;
	}
	if (msg->type == CTL_STATUS_REQ && a->agent)
		mams_ctl_answer(c, compose_status(a, msg->id));
	else if (msg->type == CTL_METRICS_REQ && a->agent)
		mams_ctl_answer(c, compose_metrics(a, msg->id));
	else if (msg->type == CTL_POLICY && !msg->policy.automatic && a->agent)
		mams_ctl_answer(
			c, ccm_status_why(ccm_agent_session(a->agent), ccm_agent_target(a->agent),
				   msg->id, mams_loop_now(a->loop)));
	else if (msg->type == CTL_LOG_LEVEL)
		on_log_level(c, msg);
	else
		mams_ctl_answer_result(c, msg->id, MAMS_ESTATE, "not a request to a CCM");
	ctl_msg_free(msg);
}

static const struct mams_ctl_server_ops ctl_ops = {.packet = packet};

int ccm_admin_new(struct mams_loop *l, const struct ccm_conf *conf, struct ccm_admin **out)
{
	struct ccm_admin *a = calloc(1, sizeof(*a));
	int rc;

	if (!a)
		return -ENOMEM;
	a->loop = l;
	a->conf = conf;
	a->started = mams_loop_now(l);
	rc = mams_ctl_listen(l, conf->ctl_socket, (gid_t)-1, &ctl_ops, a, &a->server);
	if (rc < 0)
		free(a);
	else
		*out = a;
	return rc;
}

void ccm_admin_agent(struct ccm_admin *a, const struct ccm_agent *agent, const struct ccm_api *api)
{
	a->agent = agent;
	a->api = api;
}

void ccm_admin_free(struct ccm_admin *a)
{
	if (!a)
		return;
	mams_ctl_server_free(a->server);
	free(a);
}
