#include "lib/mx/mx_api.h"

#include "lib/codec/field_rows.h"
#include "lib/mx/mx_tables.h"

#include <errno.h>
#include <stdio.h>

#define VALUE_MAX 1000000

/* ---- rows ---- */

static const struct mams_enum_name qos_names[] = {
	{"jitter", MX_API_JITTER, false},
	{"latency", MX_API_LATENCY, false},
	{"bandwidth", MX_API_BANDWIDTH, false},
	{NULL, 0, false},
};

static const struct mams_enum_name param_names[] = {
	{"bandwidth", MX_P_BANDWIDTH, false},
	{"jitter", MX_P_JITTER, false},
	{"latency", MX_P_LATENCY, false},
	{"signal_quality", MX_P_SIGNAL_QUALITY, false},
	{NULL, 0, false},
};

static const struct mams_enum_name signal_names[] = {
	{"lte-rsrp", MX_M_LTE_RSRP, false},
	{"lte-rsrq", MX_M_LTE_RSRQ, false},
	{"nr-rsrp", MX_M_NR_RSRP, false},
	{"nr-rsrq", MX_M_NR_RSRQ, false},
	{"wifi-rssi", MX_M_WLAN_RSSI, false},
	{NULL, 0, false},
};

static const struct mams_enum_name state_names[] = {
	{"waiting", MX_API_WAITING, false},
	{"accepted", MX_API_ACCEPTED, false},
	{"in-effect", MX_API_IN_EFFECT, false},
	{NULL, 0, false},
};

static const struct mams_field range_rows[] = {
	ROW_INT(U16, mx_port_range, start, "start", 0, 65535, "first port"),
	ROW_INT(U16, mx_port_range, end, "end", 0, 65535, "last port"),
};
static TABLE(range_table, mx_port_range, "port-range", range_rows);

static const struct mams_field qos_rows[] = {
	ROW_ENUM(mx_api_traffic_qos, name, "qos-param-name", qos_names, "what is limited"),
	ROW_INT(U32, mx_api_traffic_qos, value, "qos-param-value", 1, VALUE_MAX,
		"ms at most, or Mbit/s at least"),
};
static TABLE(qos_table, mx_api_traffic_qos, "traffic-qos", qos_rows);

static const struct mams_field stream_rows[] = {
	ROW_INT(U8, mx_api_stream, proto, "proto", 0, 255, "IP protocol number"),
	ROW_OPT_OBJ(mx_api_stream, port_range, "port-range", &range_table, "of the server"),
	ROW_OBJ(mx_api_stream, traffic_qos, "traffic-qos", &qos_table, "what the stream needs"),
};
static TABLE(stream_table, mx_api_stream, "stream-feature", stream_rows);

static const struct mams_field requirements_rows[] = {
	ROW_INT(U32, mx_api_requirements, num_streams, "num-streams", 0, 0,
		"length of stream-feature"),
	ROW_LIST(mx_api_requirements, stream_feature, "stream-feature", 0, &stream_table, 1,
		MX_API_STREAMS_MAX, "data stream types"),
};
static TABLE(requirements_table, mx_api_requirements, "app-requirements", requirements_rows);

static const struct mams_field connection_rows[] = {
	ROW_INT(U8, mx_api_connection, conn_id, "conn-id", 0, 255, "Connection ID"),
	ROW_ENUM(mx_api_connection, conn_type, "conn-type", mx_connection_type_names,
		"access technology"),
};
static TABLE(connection_table, mx_api_connection, "connection", connection_rows);

static const struct mams_field conv_param_rows[] = {
	ROW_STR(mx_api_param, name, "conv-param-name", 0, 64, "which parameter"),
	ROW_STR(mx_api_param, value, "conv-param-value", 0, 255, "its value"),
};
static TABLE(conv_param_table, mx_api_param, "conv-params", conv_param_rows);

static const struct mams_field conv_rows[] = {
	ROW_ENUM(mx_api_convergence, method, "conv-method", mx_convergence_names, "method"),
	ROW_LIST(mx_api_convergence, params, "conv-params", 0, &conv_param_table, 0, 64,
		"its parameters"),
};
static TABLE(conv_table, mx_api_convergence, "conv-methods", conv_rows);

#define NAMES(m, k, list)                                                                          \
	{                                                                                          \
		.key = (k), .kind = MAMS_K_LIST, .offset = offsetof(struct mx_api_capability, m),  \
		.count_offset = offsetof(struct mx_api_capability, n_##m),                         \
		.item_kind = MAMS_K_ENUM, .names = (list), .max = 16                               \
	}
static const struct mams_field capability_rows[] = {
	ROW_LIST(mx_api_capability, connections, "connections", 0, &connection_table, 0,
		MX_MAX_CONNECTIONS, "links of this client"),
	NAMES(features, "features", mx_feature_names),
	NAMES(adapt_methods, "adapt-methods", mx_adaptation_names),
	ROW_LIST(mx_api_capability, conv_methods, "conv-methods", 0, &conv_table, 0, 16, "in use"),
};
static TABLE(capability_table, mx_api_capability, "capability", capability_rows);

static const struct mams_field link_param_rows[] = {
	ROW_OBJ(mx_api_link_param, connection, "connection", &connection_table, "which link"),
	ROW_ENUM(mx_api_link_param, param, "param", param_names, "what is predicted"),
	ROW_OPT_ENUM(mx_api_link_param, additional_param, "additional-param", signal_names,
		"which signal"),
	ROW_INT(I64, mx_api_link_param, prediction, "prediction", -VALUE_MAX, VALUE_MAX,
		"Mbit/s, ms, dBm"),
	ROW_INT(U8, mx_api_link_param, likelihood, "likelihood", 1, 100, "percent"),
	ROW_INT(U32, mx_api_link_param, validity_time, "validity_time", 0, 0, "s"),
};
static TABLE(link_param_table, mx_api_link_param, "link-parameter", link_param_rows);

static const struct mams_field need_rows[] = {
	ROW_INT(U32, mx_api_need, id, "id", 0, 0, "last part of its path"),
	ROW_ENUM(mx_api_need, state, "state", state_names, "how far it is"),
	ROW_INT(U32, mx_api_need, expires_in, "expires-in", 0, 0, "s"),
	ROW_LIST(mx_api_need, stream_feature, "stream-feature", 0, &stream_table, 0,
		MX_API_STREAMS_MAX, "as posted"),
	ROW_SCALARS(mx_api_need, links, "links", 0, U8, 0, MX_MAX_CONNECTIONS,
		"connection ids that carry its first stream"),
};
static TABLE(need_table, mx_api_need, "app-requirement", need_rows);

static const struct mams_field signal_rows[] = {
	ROW_INT(U8, mx_api_signal, conn_id, "conn-id", 0, 255, "which link"),
	ROW_ENUM(mx_api_signal, signal, "signal", signal_names, "which signal"),
	ROW_INT(I64, mx_api_signal, value, "value", -200, 0, "dBm; of RSRQ dB"),
};
static TABLE(signal_table, mx_api_signal, "link-signal", signal_rows);

static const struct mams_field error_rows[] = {
	ROW_INT(U32, mx_api_error, code, "code", 0, INT32_MAX, "HTTP status"),
	ROW_STR(mx_api_error, message, "message", 0, 511, "why, in words"),
};
static TABLE(error_table, mx_api_error, "errorModel", error_rows);

/* ---- requirements ---- */

static int check(const struct mx_api_requirements *r, struct mams_error *err)
{
	char where[80];

	if (r->num_streams != r->n_stream_feature)
		return mams_fail(err, MAMS_EVALUE, "app-requirements.num-streams",
			"is %u, but stream-feature has %zu", r->num_streams, r->n_stream_feature);
	for (size_t i = 0; i < r->n_stream_feature; i++) {
		const struct mx_port_range *p = r->stream_feature[i].port_range;

		snprintf(
			where, sizeof(where), "app-requirements.stream-feature[%zu].port-range", i);
		if (p && p->start > p->end)
			return mams_fail(err, MAMS_EVALUE, where, "runs backwards");
	}
	return 0;
}

static int decode(const struct mams_table *table, const char *text, size_t len,
	struct mams_arena *arena, void *out, struct mams_error *err)
{
	static const struct mams_decode_limits limits = {MX_API_BODY_MAX, 8};
	struct mams_json *j = NULL;
	int rc = mams_json_parse(text, len, &limits, &j, err);

	if (rc == 0)
		rc = mams_field_decode(table, j, arena, out, NULL, err);
	mams_json_free(j);
	return rc;
}

int mx_api_decode_requirements(const char *text, size_t len, struct mams_arena *arena,
	struct mx_api_requirements *out, struct mams_error *err)
{
	int rc;

	*out = (struct mx_api_requirements){0};
	rc = decode(&requirements_table, text, len, arena, out, err);
	return rc < 0 ? rc : check(out, err);
}

int mx_api_decode_signal(const char *text, size_t len, struct mams_arena *arena,
	struct mx_api_signal *out, struct mams_error *err)
{
	*out = (struct mx_api_signal){0};
	return decode(&signal_table, text, len, arena, out, err);
}

int mx_api_encode_requirements(
	const struct mx_api_requirements *r, struct mams_buf *out, struct mams_error *err)
{
	return mams_field_encode(&requirements_table, r, 0, out, err);
}

/* ---- answers ---- */

int mx_api_encode_capability(
	const struct mx_api_capability *c, struct mams_buf *out, struct mams_error *err)
{
	return mams_field_encode(&capability_table, c, 0, out, err);
}

static int encode_list(const struct mams_table *table, const void *items, size_t n,
	struct mams_buf *out, struct mams_error *err)
{
	int rc = 0;

	mams_buf_add(out, "[", 1);
	for (size_t i = 0; i < n && rc == 0; i++) {
		if (i > 0)
			mams_buf_add(out, ",", 1);
		rc = mams_field_encode(table, (const char *)items + i * table->size, 0, out, err);
	}
	mams_buf_add(out, "]", 1);
	return rc == 0 && out->failed ? -ENOMEM : rc;
}

int mx_api_encode_link_params(
	const struct mx_api_link_param *p, size_t n, struct mams_buf *out, struct mams_error *err)
{
	return encode_list(&link_param_table, p, n, out, err);
}

int mx_api_encode_needs(
	const struct mx_api_need *k, size_t n, struct mams_buf *out, struct mams_error *err)
{
	return encode_list(&need_table, k, n, out, err);
}

int mx_api_encode_error(
	uint32_t code, const char *message, struct mams_buf *out, struct mams_error *err)
{
	const struct mx_api_error e = {code, message};

	return mams_field_encode(&error_table, &e, 0, out, err);
}
