#include "lib/codec/field_rows.h"
#include "lib/ctl/ctl_tables.h"

#define OPT MAMS_F_OPTIONAL
#define BITS(S, m) ROW_INT(U32, S, m, #m, 0, 0, "")
#define TEXT(S, m, f) ROW_STR(S, m, #m, f, 255, "")

static const struct mams_enum_name what_names[] = {
	{"received", CTL_TRACE_RECEIVED, false},
	{"sent", CTL_TRACE_SENT, false},
	{"event", CTL_TRACE_EVENT, false},
	{"plane", CTL_TRACE_PLANE, false},
	{"order", CTL_TRACE_ORDER, false},
	{"decision", CTL_TRACE_DECISION, false},
	{"timer", CTL_TRACE_TIMER, false},
	{"start", CTL_TRACE_START, false},
	{NULL, 0, false},
};

static const struct mams_enum_name kind_names[] = {
	{"madps", CTL_TRACE_MADPS, false},
	{"prepared", CTL_TRACE_PREPARED, false},
	{"probing", CTL_TRACE_PROBING, false},
	{"measured", CTL_TRACE_MEASURED, false},
	{"review", CTL_TRACE_REVIEW, false},
	{"far", CTL_TRACE_FAR, false},
	{"steer", CTL_TRACE_STEER, false},
	{"probe", CTL_TRACE_PROBE, false},
	{"seen", CTL_TRACE_SEEN, false},
	{"ended", CTL_TRACE_ENDED, false},
	{NULL, 0, false},
};

static const struct mams_field madp_rows[] = {
	TEXT(ctl_trace_madp, name, 0),
	TEXT(ctl_trace_madp, state, 0),
	ROW_BOOL(ctl_trace_madp, drained, "drained", ""),
	ROW_INT(U32, ctl_trace_madp, used, "used", 0, 0, "anchor connections, of all clients"),
};
static TABLE(madp_table, ctl_trace_madp, "trace_madp", madp_rows);

static const struct mams_field tunnel_rows[] = {
	ROW_ADDR(ctl_trace_tunnel, anchor4, "anchor4", OPT, ""),
	ROW_ADDR(ctl_trace_tunnel, anchor6, "anchor6", OPT, ""),
	ROW_INT(U16, ctl_trace_tunnel, port, "port", 0, 65535, ""),
};
static TABLE(tunnel_table, ctl_trace_tunnel, "trace_tunnel", tunnel_rows);

static const struct mams_field order_rows[] = {
	ROW_BOOL(ctl_trace_order, own, "own", "the policy's, not an operator's"),
	ROW_INT(U8, ctl_trace_order, anchor, "anchor", 0, 15, "index"),
	ROW_INT(U8, ctl_trace_order, configuration, "configuration", 0, 255, "0: all"),
	ROW_INT(U32, ctl_trace_order, dl, "dl", 0, 0, "bits of connection ids"),
	ROW_INT(U32, ctl_trace_order, ul, "ul", 0, 0, "likewise"),
	ROW_INT(U8, ctl_trace_order, dl_mode, "dl_mode", 0, 6, "1 + mode; 0: none named"),
	ROW_INT(U8, ctl_trace_order, ul_mode, "ul_mode", 0, 6, "likewise"),
	ROW_INT(U32, ctl_trace_order, off, "off", 0, 0, "bits of enum mx_feature"),
	ROW_INT(U8, ctl_trace_order, app, "app", 0, 7, "1 + index of an application; 0: none"),
	ROW_OPT_OBJ(ctl_trace_order, steered, "steered", &ctl_ncm_app_table, ""),
};
static TABLE(order_table, ctl_trace_order, "trace_order", order_rows);

static const struct mams_field input_rows[] = {
	ROW_ENUM(ctl_trace_input, kind, "kind", kind_names, ""),
	TEXT(ctl_trace_input, madp, OPT),
	ROW_OPT_INT(U8, ctl_trace_input, connection_id, "connection_id", 0, 15, ""),
	ROW_OPT_INT(U32, ctl_trace_input, links, "links", 0, 0, "bits of connection ids"),
	ROW_OPT_BOOL(ctl_trace_input, ready, "ready", ""),
	ROW_OPT_BOOL(ctl_trace_input, trailer, "trailer", "it has measured, not a proxy"),
	ROW_OPT_INT(U64, ctl_trace_input, after_us, "after_us", 0, 0, ""),
	ROW_OPT_INT(U32, ctl_trace_input, far, "far", 0, 0, "bits of N-MADP instances"),
	ROW_OPT_OBJ(ctl_trace_input, tunnel, "tunnel", &tunnel_table, ""),
	ROW_OPT_OBJ(ctl_trace_input, order, "order", &order_table, ""),
	ROW_OPT_OBJ(ctl_trace_input, ul, "ul", &ctl_quality_way_table, ""),
	ROW_OPT_OBJ(ctl_trace_input, dl, "dl", &ctl_quality_way_table, ""),
	ROW_LIST(ctl_trace_input, madps, "madps", OPT, &madp_table, 0, 32, ""),
};
static TABLE(input_table, ctl_trace_input, "trace_input", input_rows);

static const struct mams_field link_rows[] = {
	ROW_INT(U8, ctl_trace_link, connection_id, "connection_id", 0, 15, ""),
	ROW_BOOL(ctl_trace_link, probed, "probed", ""),
	ROW_BOOL(ctl_trace_link, active, "active", "it may carry user data"),
	ROW_BOOL(ctl_trace_link, busy, "busy", "it does"),
	ROW_BOOL(ctl_trace_link, once, "once", "it has been estimated"),
	ROW_OPT_INT(U64, ctl_trace_link, next_us, "next_us", 0, 0, "until the next estimation"),
	ROW_INT(U64, ctl_trace_link, paid_us, "paid_us", 0, 0, "until the budget allows one"),
	ROW_OPT_INT(U64, ctl_trace_link, measured_us, "measured_us", 0, 0,
		"since its downlink was measured"),
	ROW_OPT_BOOL(ctl_trace_link, left, "left", "the client is leaving it"),
};
static TABLE(link_table, ctl_trace_link, "trace_link", link_rows);

static const struct mams_field given_rows[] = {
	TEXT(ctl_trace_given, type, 0),
	ROW_INT(U32, ctl_trace_given, sequence_num, "sequence_num", 1, UINT32_MAX, ""),
	ROW_BOOL(ctl_trace_given, answered, "answered", ""),
};
static TABLE(given_table, ctl_trace_given, "trace_given", given_rows);

static const struct mams_field start_rows[] = {
	TEXT(ctl_trace_start, state, 0),
	ROW_STR(ctl_trace_start, policy, "policy", 0, 131072, "what the NCM is configured with"),
	ROW_INT(U32, ctl_trace_start, sequence_num, "sequence_num", 0, 0, "of its next message"),
	ROW_BOOL(ctl_trace_start, modern, "modern", "the client knows RFC 8743"),
	ROW_BOOL(ctl_trace_start, advised, "advised", ""),
	BITS(ctl_trace_start, prepared),
	BITS(ctl_trace_start, told),
	ROW_OPT_INT(U32, ctl_trace_start, far, "far", 0, 0, "likewise"),
	BITS(ctl_trace_start, tunnelled),
	BITS(ctl_trace_start, flows_told),
	ROW_INT(U64, ctl_trace_start, heard_us, "heard_us", 0, 0,
		"since the client's last message"),
	ROW_INT(U16, ctl_trace_start, probe_port, "probe_port", 0, 65535, ""),
	ROW_LIST(ctl_trace_start, links, "links", OPT, &link_table, 0, 16, ""),
	ROW_LIST(ctl_trace_start, given, "given", OPT, &given_table, 0, 32, "answered requests"),
};
static TABLE(start_table, ctl_trace_start, "trace_start", start_rows);

static const struct mams_field trace_rows[] = {
	ROW_INT(U64, ctl_trace, time_ms, "time_ms", 0, 0, "since 1970"),
	TEXT(ctl_trace, client, 0),
	ROW_ENUM(ctl_trace, what, "what", what_names, ""),
	TEXT(ctl_trace, transport, OPT),
	ROW_STR(ctl_trace, text, "text", 0, 131072, "an MX message, secrets masked; or words"),
	ROW_OPT_INT(U32, ctl_trace, number, "number", 0, 0,
		"of the line; what is missing was not read in time"),
	ROW_OPT_INT(U64, ctl_trace, session_id, "session_id", 0, 0, ""),
	ROW_OPT_INT(U64, ctl_trace, at_us, "at_us", 0, 0, "of the NCM's own clock"),
	ROW_OPT_OBJ(ctl_trace, start, "start", &start_table, "a replay can begin"),
	ROW_OPT_OBJ(ctl_trace, input, "input", &input_table, "what the session was given"),
};
TABLE(ctl_trace_table, ctl_trace, "trace", trace_rows);

static const struct mams_enum_name replayed_names[] = {
	{"change", CTL_REPLAYED_CHANGE, false},
	{"missing", CTL_REPLAYED_MISSING, false},
	{"extra", CTL_REPLAYED_EXTRA, false},
	{"decision", CTL_REPLAYED_DECISION, false},
	{"gap", CTL_REPLAYED_GAP, false},
	{"done", CTL_REPLAYED_DONE, false},
	{NULL, 0, false},
};

#define COUNT(m, d) ROW_INT(U64, ctl_replay_sum, m, #m, 0, 0, d)
static const struct mams_field sum_rows[] = {
	COUNT(lines, ""),
	COUNT(before, "of these, not replayed: no start came before them"),
	COUNT(starts, ""),
	COUNT(changes, "as recorded"),
	COUNT(messages, "likewise"),
	COUNT(decisions, "likewise"),
	COUNT(differ, ""),
};
static TABLE(sum_table, ctl_replay_sum, "replay_sum", sum_rows);

static const struct mams_field replayed_rows[] = {
	ROW_ENUM(ctl_replayed, kind, "kind", replayed_names, ""),
	ROW_INT(U64, ctl_replayed, line, "line", 0, 0, "of the file"),
	ROW_INT(U64, ctl_replayed, time_ms, "time_ms", 0, 0, "of the trace, since 1970"),
	ROW_STR(ctl_replayed, text, "text", OPT, 1023, "came about, or was recorded"),
	ROW_STR(ctl_replayed, cause, "cause", OPT, 131072, "what the session had been given"),
	ROW_OPT_OBJ(ctl_replayed, sum, "sum", &sum_table, "of done"),
};
TABLE(ctl_replayed_table, ctl_replayed, "replayed", replayed_rows);
