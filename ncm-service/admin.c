#include "ncm-service/admin.h"

#include "lib/base/log.h"
#include "lib/ctl/ctl_msg.h"
#include "lib/io/ctlmsg.h"
#include "lib/steer/conf.h"
#include "mams_version.h"
#include "ncm-service/admin_policy.h"
#include "ncm-service/admin_steer.h"
#include "ncm-service/feeder.h"
#include "ncm-service/links.h"
#include "ncm-service/metrics.h"
#include "ncm-service/overview.h"
#include "ncm-service/status.h"
#include "ncm-service/trace.h"
#include "ncm-service/usage.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define LOG_MODULE "admin"
#define PAGE 100                             /* sessions in one status: an answer is one packet */
#define PAGE_OCTETS (MAMS_CTL_MAX_BYTES / 2) /* of them; counters and instances follow */
#define STATEMENTS 100                       /* of the network in one answer */
#define DETAILS_MAX 50                       /* sessions of whom all is told at once */

struct ncm_admin {
	struct mams_loop *loop;
	const struct ncm_conf *conf;
	struct ncm_service *service;
	const struct ncm_api *api;
	struct mams_ctl_server *server;
	struct ncm_steers *steers;
	mams_time started;
};

/* ---- status ---- */

static void put_measured(struct ncm_admin *a, struct ctl_msg *msg, const struct ncm_measured *of,
	struct ctl_link_status *out)
{
	out->measured = of ? ctl_alloc(msg, MX_M_COUNT * sizeof(*out->measured)) : NULL;
	for (int i = 0; out->measured && i < MX_M_COUNT; i++) {
		const struct ncm_measured *x = &of[i];

		if (x->n == 0)
			continue;
		out->measured[out->n_measured++] = (struct ctl_measured){
			.name = ctl_strdup(msg, mx_measurement_name(i)),
			.value = x->value[(x->next + NCM_MEASURED_MAX - 1) % NCM_MEASURED_MAX],
			.age_ms = (uint64_t)mams_time_ms_until(x->last, mams_loop_now(a->loop))};
	}
}

static void put_path_est(struct ncm_admin *a, struct ctl_msg *msg, const struct ncm_path *p,
	struct ctl_link_status *out)
{
	mams_time now = mams_loop_now(a->loop);

	if (!p->has_init && !p->has_active)
		return;
	out->path_est = ctl_alloc(msg, sizeof(*out->path_est));
	if (!out->path_est)
		return;
	*out->path_est = (struct ctl_path_est){.has_init_age_ms = p->has_init,
		.has_lost_ppm = p->has_init,
		.has_rate_kbps = p->has_init,
		.has_delay_us = p->has_init && p->delay_us > 0,
		.init_age_ms = p->has_init ? (uint32_t)mams_time_ms_until(p->init_at, now) : 0,
		.lost_ppm = (uint32_t)(p->lost_percent * 10000 + 0.5),
		.rate_kbps = (uint32_t)(p->rate_mbps * 1000 + 0.5),
		.delay_us = p->delay_us,
		.has_active_age_ms = p->has_active,
		.has_active_kbps = p->has_active,
		.active_age_ms =
			p->has_active ? (uint32_t)mams_time_ms_until(p->active_at, now) : 0,
		.active_kbps = (uint32_t)(p->active_mbps * 1000 + 0.5)};
}

static struct ctl_way_status *put_way(
	struct ctl_msg *msg, const struct ncm_way_quality *q, mams_time now)
{
	struct ctl_way_status *out =
		ncm_quality_is_fresh(q, now) ? ctl_alloc(msg, sizeof(*out)) : NULL;

	if (out)
		*out = (struct ctl_way_status){.has_rate_kbps = q->has_rate,
			.has_delay_us = q->has_delay,
			.has_jitter_us = q->has_jitter,
			.has_loss_ppm = q->has_loss,
			.rate_kbps = q->rate_kbps,
			.used_kbps = q->used_kbps,
			.delay_us = q->delay_us,
			.jitter_us = q->jitter_us,
			.loss_ppm = q->loss_ppm,
			.age_ms = (uint64_t)mams_time_ms_until(q->at, now)};
	return out;
}

static struct ctl_quota *put_quota(
	struct ctl_msg *msg, const struct ncm_session *s, uint8_t id, mams_time now)
{
	uint64_t used;
	const struct steer_price *p = ncm_usage_of(s, id, now, &used);
	const uint64_t limit = p ? p->quota_mb * UINT64_C(1000000) : 0;
	struct ctl_quota *out = p ? ctl_alloc(msg, sizeof(*out)) : NULL;

	if (out)
		*out = (struct ctl_quota){.used = used,
			.limit = limit,
			.near = used >= p->quota_mb * UINT64_C(10000) * p->quota_near,
			.spent = p->spent || used >= limit};
	return out;
}

static bool in_list(const struct ncm_session *s, uint8_t id, bool down)
{
	for (size_t a = 0; a < s->policy->n_anchors; a++)
		if (ncm_session_deliveries(s, a) &
			(down ? s->s.anchors[a].dl : s->s.anchors[a].ul) & 1u << id)
			return true;
	return false;
}

static void put_link(
	struct ctl_msg *msg, const struct ncm_session *s, uint8_t id, struct ctl_link_status *out)
{
	const struct ncm_link *l = &s->s.links[id];
	bool admitted = l->admission == NCM_ADMIT_OK;

	*out = (struct ctl_link_status){.connection_id = id,
		.name = ctl_strdup(msg, admitted ? s->policy->accesses[l->access].name : "-"),
		.type = ctl_strdup(msg, mx_connection_type_name(l->connection_type)),
		.up = l->up,
		.has_fading = ncm_link_is_fading(l),
		.fading = ncm_link_is_fading(l),
		.admitted = admitted && l->in_setup,
		.address = l->address,
		.mtu = l->mtu,
		.adaptation = ncm_status_adaptation(s, id),
		.ssid = l->ssid[0] ? ctl_strdup(msg, l->ssid) : NULL,
		.node_id = l->node_id[0] ? ctl_strdup(msg, l->node_id) : NULL,
		.ul = in_list(s, id, false),
		.dl = in_list(s, id, true)};
}

static void put_session(struct ncm_admin *a, struct ctl_msg *msg, const struct ncm_session *s,
	struct ctl_session_status *out)
{
	const char *transport;
	struct mams_addr peer;
	char text[MAMS_ADDR_STRLEN];

	ncm_api_where(a->api, s, &transport, &peer);
	*out = (struct ctl_session_status){.client = ctl_strdup(msg, s->s.identity),
		.ncm_id = s->policy->ncm_id,
		.session_id = s->s.session_id,
		.state = ctl_strdup(msg, ncm_state_name(s->state)),
		.address =
			ctl_strdup(msg, mams_addr_is_set(&peer) ? mams_addr_str(&peer, text) : "-"),
		.transport = ctl_strdup(msg, transport),
		.age_ms = (uint64_t)mams_time_ms_until(s->created, mams_loop_now(a->loop)),
		.links = ctl_alloc(msg, NCM_LINKS_MAX * sizeof(*out->links))};
	ncm_status_anchors(msg, s, out);
	ncm_status_apps(msg, s, out);
	for (uint8_t i = 0; out->links && i < NCM_LINKS_MAX; i++)
		if (s->s.links[i].known) {
			put_link(msg, s, i, &out->links[out->n_links]);
			put_measured(a, msg, s->measured[i], &out->links[out->n_links]);
			out->links[out->n_links].quota =
				put_quota(msg, s, i, mams_loop_now(a->loop));
			out->links[out->n_links].ul_quality =
				put_way(msg, &s->quality[i].ul, mams_loop_now(a->loop));
			out->links[out->n_links].dl_quality =
				put_way(msg, &s->quality[i].dl, mams_loop_now(a->loop));
			put_path_est(a, msg, &s->path[i], &out->links[out->n_links++]);
		}
}

static void put_counters(struct ctl_msg *msg, const struct mams_metric *rows, size_t n,
	const void *base, struct ctl_ncm_status *st)
{
	for (size_t i = 0; i < n; i++)
		st->counters[st->n_counters++] =
			(struct ctl_counter){.name = ctl_strdup(msg, rows[i].name),
				.value = mams_metric_value(&rows[i], base)};
}

/* Octets of its JSON, about, and rather too many. */
static size_t length_of(const struct ctl_session_status *s)
{
	size_t n = 512 + 256 * s->n_anchors + 256 * s->n_dropped +
		   64 * (s->n_features + s->n_convergence + s->n_adaptation);

	for (size_t i = 0; i < s->n_links; i++)
		n += 512 + 128 * s->links[i].n_measured + (s->links[i].path_est ? 256 : 0) +
		     (s->links[i].quota ? 128 : 0) + (s->links[i].dl_quality ? 512 : 0);
	return n;
}

/* One packet does not hold thousands. */
static void put_sessions(struct ncm_admin *a, struct ctl_msg *msg, const struct ctl_status_req *req)
{
	struct ncm_registry *r = ncm_service_registry(a->service);
	struct ctl_ncm_status *st = &msg->ncm_status;
	const size_t limit = req->has_limit ? req->limit : PAGE;
	size_t skip = req->has_skip ? req->skip : 0;
	size_t length = 0;

	for (struct ncm_session *s = ncm_registry_next(r, NULL); s; s = ncm_registry_next(r, s)) {
		if (!ncm_session_is_called(s, req->client))
			continue;
		if (req->has_troubled && req->troubled && !ncm_session_is_troubled(s))
			continue;
		if (skip > 0) {
			skip--;
			continue;
		}
		st->more = st->n_sessions == limit || length > PAGE_OCTETS;
		if (st->more)
			break;
		put_session(a, msg, s, &st->sessions[st->n_sessions]);
		if (req->client || ncm_registry_count(r) <= DETAILS_MAX)
			ncm_status_agreed(msg, s, &st->sessions[st->n_sessions]);
		length += length_of(&st->sessions[st->n_sessions++]);
	}
}

static struct ctl_msg *compose_status(
	struct ncm_admin *a, uint32_t id, const struct ctl_status_req *req)
{
	struct ncm_registry *r = ncm_service_registry(a->service);
	struct ctl_msg *msg = ctl_msg_new(CTL_NCM_STATUS, id);
	struct ctl_ncm_status *st = msg ? &msg->ncm_status : NULL;
	struct ncm_api_counters tables[NCM_API_COUNTERS_MAX];
	size_t n_tables = ncm_api_counters(a->api, tables);
	size_t rows = ncm_n_counter_rows;

	if (!msg)
		return NULL;
	for (size_t i = 0; i < n_tables; i++)
		rows += tables[i].n;
	st->version = MAMS_VERSION;
	st->uptime_ms = (uint64_t)mams_time_ms_until(a->started, mams_loop_now(a->loop));
	st->sessions = ctl_alloc(msg, PAGE * sizeof(*st->sessions));
	st->counters = ctl_alloc(msg, rows * sizeof(*st->counters));
	if (!st->sessions || !st->counters)
		goto fail;
	put_sessions(a, msg, req);
	ncm_status_madps(msg, a->service);
	ncm_status_overview(msg, a->service, mams_loop_now(a->loop));
	if (req->has_limit)
		return msg;
	put_counters(msg, ncm_counter_rows, ncm_n_counter_rows, ncm_registry_counters(r), st);
	for (size_t i = 0; i < n_tables; i++)
		put_counters(msg, tables[i].rows, tables[i].n, tables[i].base, st);
	return msg;
fail:
	ctl_msg_free(msg);
	return NULL;
}

static struct ctl_msg *compose_metrics(const struct ncm_admin *a, uint32_t id)
{
	struct mams_buf text = {0};

	ncm_metrics_text(a->service, a->api, a->started, mams_loop_now(a->loop), &text);
	mams_metrics_text(&text, "ncm_ctl", mams_ctl_counter_rows, mams_ctl_n_counter_rows,
		mams_ctl_server_counters(a->server));
	return ctl_metrics_new(id, &text);
}

void ncm_admin_steered(struct ncm_admin *a, uint64_t request, int code, const char *text)
{
	ncm_steers_done(a->steers, request, code, text);
}

struct ncm_steers *ncm_admin_steers(struct ncm_admin *a)
{
	return a->steers;
}

static void on_probe(struct ncm_admin *a, struct mams_ctl_conn *c, const struct ctl_msg *msg)
{
	struct mams_error err = {0};
	struct ncm_session *s = ncm_session_pick(a->service, msg->probe.client, &err);
	uint32_t links = msg->probe.n_links ? 0 : NCM_ALL_CONNECTIONS;
	int rc = s ? ncm_session_take_links(s, msg->probe.links, msg->probe.n_links, &links, &err)
		   : -MAMS_EUNKNOWN;
	char text[320];

	if (rc == 0 && !ncm_service_probe(a->service, s, links))
		rc = mams_fail(&err, MAMS_ESTATE, "probe",
			"nothing to be probed: it wants an active session with the feature "
			"probing, "
			"a probe section of the links' type whose budget is not used up, and a "
			"user plane over them");
	snprintf(text, sizeof(text), "%s: %s", err.where, err.text);
	mams_ctl_answer_result(
		c, msg->id, -rc, rc < 0 ? text : "begun; mamsctl paths shows what comes of it");
}

static void on_drain(struct ncm_admin *a, struct mams_ctl_conn *c, const struct ctl_msg *msg)
{
	struct mams_error err = {0};
	char text[320];
	int rc = ncm_service_drain(a->service, msg->drain.madp, msg->drain.drain, &err);

	snprintf(text, sizeof(text), "%s: %s", err.where, err.text);
	mams_ctl_answer_result(c, msg->id, -rc,
		rc < 0             ? text
		: msg->drain.drain ? "drained"
				   : "in use again");
}

static void on_trace(struct ncm_admin *a, struct mams_ctl_conn *c, const struct ctl_msg *msg)
{
	const char *client = msg->status_req.client;
	struct mams_error err;
	const struct ncm_session *s = ncm_session_pick(a->service, client, &err);
	int rc = -MAMS_EVALUE;

	/* one that has no session yet is called by its identity */
	if (s || client)
		rc = ncm_trace_add(ncm_service_trace(a->service), c, s ? s->s.identity : client);
	mams_ctl_answer_result(c, msg->id, -rc,
		rc == 0              ? "watched"
		: rc == -MAMS_EVALUE ? "which client? the NCM has several sessions, or none"
		: rc == -MAMS_ELIMIT ? "too many watch clients already"
				     : mams_strerror(rc));
}

/* ---- the socket ---- */

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
	struct ncm_admin *a = user;
	struct mams_error err = {0};
	struct ctl_msg *msg = NULL;
	int rc = ctl_decode(data, len, &msg, &err);

	if (rc < 0) {
		mams_ctl_answer_result(c, 0, -rc, err.text);
		return;
	}
	if (msg->type == CTL_STATUS_REQ)
		mams_ctl_answer(c, compose_status(a, msg->id, &msg->status_req));
	else if (msg->type == CTL_METRICS_REQ)
		mams_ctl_answer(c, compose_metrics(a, msg->id));
	else if (msg->type == CTL_EVENTS_REQ)
		mams_ctl_answer(c, ncm_status_events(msg->id, msg->status_req.after));
	else if (msg->type == CTL_STEER)
		ncm_steers_take(a->steers, c, msg, data, len);
	else if (msg->type == CTL_LOG_LEVEL)
		on_log_level(c, msg);
	else if (msg->type == CTL_PROBE)
		on_probe(a, c, msg);
	else if (msg->type == CTL_POLICY)
		ncm_policy_asked(a->loop, a->service, c, msg);
	else if (msg->type == CTL_NETWORK_REQ)
		mams_ctl_answer(c,
			ncm_feeder_tell(ncm_api_feeder(a->api), msg->id,
				msg->status_req.has_skip ? msg->status_req.skip : 0, STATEMENTS));
	else if (msg->type == CTL_TRACE_REQ)
		on_trace(a, c, msg);
	else if (msg->type == CTL_DRAIN)
		on_drain(a, c, msg);
	else
		mams_ctl_answer_result(c, msg->id, MAMS_ESTATE, "not a request to an NCM");
	ctl_msg_free(msg);
}

static void closed(void *user, struct mams_ctl_conn *c)
{
	struct ncm_admin *a = user;

	ncm_steers_closed(a->steers, c);
	ncm_trace_closed(ncm_service_trace(a->service), c);
}

static const struct mams_ctl_server_ops ctl_ops = {.packet = packet, .closed = closed};

int ncm_admin_new(struct mams_loop *l, const struct ncm_conf *conf, struct ncm_service *v,
	const struct ncm_api *api, struct ncm_cluster *cluster, struct ncm_admin **out)
{
	struct ncm_admin *a = calloc(1, sizeof(*a));
	int rc;

	if (!a)
		return -ENOMEM;
	a->loop = l;
	a->conf = conf;
	a->service = v;
	a->api = api;
	a->started = mams_loop_now(l);
	rc = ncm_steers_new(l, v, cluster, &a->steers);
	if (rc == 0)
		rc = mams_ctl_listen(l, conf->ctl_socket, (gid_t)-1, &ctl_ops, a, &a->server);
	if (rc < 0) {
		ncm_steers_free(a->steers);
		free(a);
	} else {
		*out = a;
	}
	return rc;
}

void ncm_admin_free(struct ncm_admin *a)
{
	if (!a)
		return;
	mams_ctl_server_free(a->server);
	ncm_steers_free(a->steers);
	free(a);
}
