#include "ccm-agent/api_view.h"

#include "ccm-agent/setup.h"
#include "lib/mx/mx_api.h"

#include <string.h>

#define ROWS_MAX (CCM_LINKS_MAX * 16u)

/* Where each link's subflows go; the client's key is nobody's business. */
static size_t put_params(const struct ccm_session *s, struct mx_api_param *params,
	char text[][MAMS_ADDR_STRLEN], size_t max)
{
	const struct ccm_anchor *a = ccm_setup_caught(s);
	size_t n = 0;

	for (size_t i = 0; a && i < CCM_LINKS_MAX && n < max; i++) {
		if (!a->lane[i].named || !mams_addr_is_set(&a->lane[i].proxy))
			continue;
		params[n].name = "proxy_ip:port";
		params[n].value = mams_addr_str_port(&a->lane[i].proxy, text[n]);
		n++;
	}
	return n;
}

int ccm_api_view_capability(
	const struct ccm_session *s, struct mams_buf *out, struct mams_error *err)
{
	struct mx_api_connection connections[CCM_LINKS_MAX];
	struct mx_api_param params[CCM_LINKS_MAX];
	char text[CCM_LINKS_MAX][MAMS_ADDR_STRLEN];
	struct mx_api_convergence conv = {.method = MX_CONV_MPTCP_PROXY, .params = params};
	int features[MX_F_COUNT];
	struct mx_api_capability c = {
		.connections = connections, .features = features, .conv_methods = &conv};

	for (uint8_t i = 0; i < CCM_LINKS_MAX; i++)
		if (s->link[i].conf)
			connections[c.n_connections++] =
				(struct mx_api_connection){i, s->link[i].conf->connection_type};
	for (int f = 0; ccm_session_reports(s) && f < MX_F_COUNT; f++)
		if (s->features & 1u << f)
			features[c.n_features++] = f;
	if (s->set_up && !s->fallen_back && ccm_setup_caught(s)) {
		conv.n_params = put_params(s, params, text, CCM_LINKS_MAX);
		c.n_conv_methods = 1;
	}
	return mx_api_encode_capability(&c, out, err);
}

static bool put_prediction(const struct mx_analytics *a, const struct mx_prediction *p,
	bool seconds, struct mx_api_link_param *out)
{
	const double v = mx_prediction_value(p, seconds);

	*out = (struct mx_api_link_param){.connection = {a->connection_id, a->connection_type},
		.param = p->param_name,
		.has_additional_param = p->has_additional_param,
		.additional_param = p->additional_param,
		.prediction = (int64_t)(v < 0 ? v - 0.5 : v + 0.5),
		.likelihood = p->likelihood,
		.validity_time = p->validity_time};
	if (!p->has_additional_param)
		return true;
	switch (p->additional_param) {
	case MX_M_LTE_RSRP:
	case MX_M_LTE_RSRQ:
	case MX_M_NR_RSRP:
	case MX_M_NR_RSRQ:
	case MX_M_WLAN_RSSI:
		return true;
	default: /* the appendix has no name for it */
		return false;
	}
}

int ccm_api_view_predictions(
	const struct ccm_session *s, struct mams_buf *out, struct mams_error *err)
{
	static struct mx_api_link_param rows[ROWS_MAX];
	const struct mx_network_analytics_rsp *r =
		s->app.analytics ? &s->app.analytics->network_analytics_rsp : NULL;
	size_t n = 0;

	for (size_t i = 0; r && i < r->n_param_list; i++)
		for (size_t k = 0; k < r->param_list[i].n_predictions && n < ROWS_MAX; k++)
			n += put_prediction(&r->param_list[i], &r->param_list[i].predictions[k],
				s->conf->analytics_unit == CCM_UNIT_S, &rows[n]);
	return mx_api_encode_link_params(rows, n, out, err);
}

/* ---- needs ---- */

struct need_view {
	struct mx_api_stream streams[CCM_STREAMS_MAX];
	struct mx_port_range ranges[CCM_STREAMS_MAX];
	uint8_t links[CCM_LINKS_MAX];
};

static void put_stream(
	const struct ccm_stream *from, struct mx_api_stream *to, struct mx_port_range *range)
{
	const struct ccm_limits *l = &from->limits;

	*range = (struct mx_port_range){from->port_first, from->port_last};
	*to = (struct mx_api_stream){.proto = from->protocol, .port_range = range};
	if (l->latency_ms)
		to->traffic_qos = (struct mx_api_traffic_qos){MX_API_LATENCY, l->latency_ms};
	else if (l->jitter_ms)
		to->traffic_qos = (struct mx_api_traffic_qos){MX_API_JITTER, l->jitter_ms};
	else
		to->traffic_qos = (struct mx_api_traffic_qos){MX_API_BANDWIDTH, l->bandwidth};
}

static size_t put_links(
	const struct ccm_session *s, const struct ccm_stream *stream, uint8_t *links)
{
	const struct ccm_class flow = {.protocol = stream->protocol,
		.port_first = stream->port_first,
		.port_last = stream->port_last};

	for (size_t i = 0; i < s->app.n_classes; i++) {
		const struct ccm_class *k = &s->app.classes[i];

		if (!ccm_class_same_flow(k, &flow))
			continue;
		memcpy(links, k->links, k->n_links);
		return k->n_links;
	}
	return 0;
}

static void put_need(const struct ccm_session *s, const struct ccm_need *k, mams_time now,
	struct need_view *v, struct mx_api_need *out)
{
	static const int states[] = {[CCM_NEED_NEW] = MX_API_WAITING,
		[CCM_NEED_ACCEPTED] = MX_API_ACCEPTED,
		[CCM_NEED_IN_EFFECT] = MX_API_IN_EFFECT};
	int64_t left = mams_time_ms_until(now, k->expires);

	*out = (struct mx_api_need){.id = k->id,
		.state = states[k->state],
		.expires_in = left > 0 ? (uint32_t)((left + 999) / 1000) : 0,
		.stream_feature = v->streams,
		.n_stream_feature = k->n_streams,
		.links = v->links};
	for (size_t i = 0; i < k->n_streams; i++)
		put_stream(&k->streams[i], &v->streams[i], &v->ranges[i]);
	if (k->state == CCM_NEED_IN_EFFECT)
		out->n_links = put_links(s, &k->streams[0], v->links);
}

int ccm_api_view_needs(const struct ccm_session *s, bool all, uint32_t owner, uint32_t id,
	mams_time now, struct mams_buf *out, size_t *n, struct mams_error *err)
{
	struct mx_api_need rows[CCM_NEEDS_MAX];
	struct need_view views[CCM_NEEDS_MAX];

	*n = 0;
	for (size_t i = 0; i < CCM_NEEDS_MAX; i++) {
		const struct ccm_need *k = &s->app.needs.need[i];

		if (!k->id || (id && k->id != id) || (!all && k->owner != owner))
			continue;
		put_need(s, k, now, &views[*n], &rows[*n]);
		(*n)++;
	}
	return mx_api_encode_needs(rows, *n, out, err);
}
