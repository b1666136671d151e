#include "lib/ctl/ctl_tables.h"
#include "lib/codec/field_rows.h"

#define OPT MAMS_F_OPTIONAL
#define SECRET (MAMS_F_OPTIONAL | MAMS_F_SECRET)
#define MAX_PATHS 64
#define MAX_ROWS 65536
#define COUNT(S, m) ROW_INT(U64, S, m, #m, 0, 0, "")
#define TEXT(S, m, f) ROW_STR(S, m, #m, f, 255, "")
#define FLAG(S, m) ROW_BOOL(S, m, #m, "")
#define ID(S, m) ROW_INT(U8, S, m, #m, 0, 255, "")
#define PORT(S, m) ROW_INT(U16, S, m, #m, 0, 65535, "")

static const struct mams_enum_name event_names[] = {
	{"peer_up", CTL_PX_PEER_UP, false},
	{"peer_down", CTL_PX_PEER_DOWN, false},
	{"path_up", CTL_PX_PATH_UP, false},
	{"path_silent", CTL_PX_PATH_SILENT, false},
	{"path_plain", CTL_PX_PATH_PLAIN, false},
	{"plugin_up", CTL_PX_PLUGIN_UP, false},
	{NULL, 0, false},
};

static const struct mams_field result_rows[] = {
	ROW_INT(U32, ctl_result, code, "code", 0, 0, "0, or an error number"),
	ROW_STR(ctl_result, text, "text", OPT, 511, "why, in words"),
};
static TABLE(result_table, ctl_result, "result", result_rows);

static const struct mams_field path_rows[] = {
	ID(ctl_path, connection_id),
	ROW_INT(U32, ctl_path, group, "group", 0, 0, "paths to one N-MADP instance"),
	TEXT(ctl_path, name, OPT),
	ROW_ADDR(ctl_path, local, "local", 0, "the link's own address"),
	ROW_ADDR(ctl_path, proxy, "proxy", 0, "this link's proxy address"),
	ROW_INT(U16, ctl_path, proxy_port, "proxy_port", 1, 65535, ""),
	ROW_INT(U32, ctl_path, priority, "priority", 0, 0, "0 is tried first"),
	FLAG(ctl_path, backup),
	ROW_OPT_BOOL(ctl_path, backup_up, "backup_up", "for connections of uplink alone"),
	ROW_OPT_BOOL(ctl_path, backup_down, "backup_down", "for connections of downlink alone"),
	ROW_OPT_BOOL(ctl_path, gently, "gently", "as backup it lets arrive what is under way"),
};
static TABLE(path_table, ctl_path, "path", path_rows);

static const struct mams_field flow_class_rows[] = {
	TEXT(ctl_flow_class, remote, OPT),
	PORT(ctl_flow_class, port_first),
	PORT(ctl_flow_class, port_last),
	ROW_OPT_INT(U8, ctl_flow_class, dscp, "dscp", 0, 63, "of the SYN; absent: any"),
	ROW_SCALARS(ctl_flow_class, connections, "connections", 0, U8, 1, MAX_PATHS, "best first"),
};
static TABLE(flow_class_table, ctl_flow_class, "flow_class", flow_class_rows);

static const struct mams_field px_paths_rows[] = {
	ROW_LIST(ctl_px_paths, paths, "paths", 0, &path_table, 0, MAX_PATHS, ""),
	ROW_LIST(ctl_px_paths, classes, "classes", OPT, &flow_class_table, 0, 64, ""),
	ROW_STR(ctl_px_paths, client_key, "client_key", SECRET, 1024, "base64"),
	ROW_OPT_BOOL(ctl_px_paths, idle, "idle", "no new connection is caught"),
};
static TABLE(px_paths_table, ctl_px_paths, "px_paths", px_paths_rows);

static const struct mams_field protect_rows[] = {
	COUNT(ctl_protect, ncm_id),
	COUNT(ctl_protect, session_id),
	ID(ctl_protect, anchor_id),
	ID(ctl_protect, connection_id),
	ROW_ADDR(ctl_protect, local, "local", 0, "the N-MADP's"),
	ROW_ADDR(ctl_protect, remote, "remote", 0, "the client's link"),
	ROW_STR(ctl_protect, secret, "secret", MAMS_F_SECRET, 95, "pre-shared key of IKEv2"),
	ROW_OPT_BOOL(ctl_protect, nat, "nat", "there may be one before the client"),
};
TABLE(ctl_protect_table, ctl_protect, "protect", protect_rows);

static const struct mams_field px_client_set_rows[] = {
	TEXT(ctl_px_client_set, client, 0),
	ROW_STR(ctl_px_client_set, client_key, "client_key", MAMS_F_SECRET, 1024, "base64"),
	ROW_OPT_INT(U64, ctl_px_client_set, session_id, "session_id", 0, 0, ""),
	ROW_OPT_BOOL(ctl_px_client_set, protecting, "protecting", "protect is the whole of it"),
	ROW_LIST(ctl_px_client_set, protect, "protect", OPT, &ctl_protect_table, 0, MAX_PATHS, ""),
};
static TABLE(px_client_set_table, ctl_px_client_set, "px_client_set", px_client_set_rows);

static const struct mams_field px_client_del_rows[] = {
	TEXT(ctl_px_client_del, client, 0),
	ROW_OPT_INT(U64, ctl_px_client_del, session_id, "session_id", 0, 0,
		"another session of this client stays"),
};
static TABLE(px_client_del_table, ctl_px_client_del, "px_client_del", px_client_del_rows);

static const struct mams_field px_probe_rows[] = {
	TEXT(ctl_px_probe, client, 0),
	ID(ctl_px_probe, connection_id),
	ROW_ADDR(ctl_px_probe, local, "local", 0, "of this instance, as in control_listen"),
	ROW_INT(U16, ctl_px_probe, local_port, "local_port", 1, 65535, ""),
	ROW_ADDR(ctl_px_probe, remote, "remote", 0, "the client's, on that connection"),
	ROW_INT(U16, ctl_px_probe, remote_port, "remote_port", 1, 65535, ""),
	FLAG(ctl_px_probe, active),
	ROW_INT(U32, ctl_px_probe, init_ms, "init_ms", 100, 10000, ""),
	ROW_INT(U32, ctl_px_probe, init_rate, "init_rate", 1, 100, "Mbit/s"),
	ROW_INT(U32, ctl_px_probe, init_size, "init_size", 100, 1500, "octets"),
	FLAG(ctl_px_probe, init_ack),
	ROW_INT(U32, ctl_px_probe, active_ms, "active_ms", 100, 10000, ""),
	ROW_INT(U32, ctl_px_probe, active_size, "active_size", 100, 1500, "octets"),
	ROW_INT(U32, ctl_px_probe, active_duration_s, "active_duration_s", 0, 100, ""),
	FLAG(ctl_px_probe, active_ack),
	ROW_OPT_BOOL(ctl_px_probe, stop, "stop", "no longer; what runs ends"),
};
static TABLE(px_probe_table, ctl_px_probe, "px_probe", px_probe_rows);

static const struct mams_field px_event_rows[] = {
	ROW_ENUM(ctl_px_event, kind, "kind", event_names, ""),
	TEXT(ctl_px_event, text, OPT),
	ROW_OPT_OBJ(ctl_px_event, path, "path", &path_table, "of path_up, _silent, _plain"),
	ROW_OPT_INT(U32, ctl_px_event, for_ms, "for_ms", 0, 86400000,
		"of path_plain: remembered for so long; 0: MPTCP passes"),
};
static TABLE(px_event_table, ctl_px_event, "px_event", px_event_rows);

static const struct mams_field pm_paths_rows[] = {
	ROW_LIST(ctl_pm_paths, paths, "paths", 0, &path_table, 0, MAX_PATHS, ""),
	ROW_OPT_BOOL(ctl_pm_paths, wait_bind, "wait_bind", "wait for pm_bind"),
};
static TABLE(pm_paths_table, ctl_pm_paths, "pm_paths", pm_paths_rows);

static const struct mams_field end_point_rows[] = {
	ROW_ADDR(ctl_pm_end_point, address, "address", 0, ""),
	PORT(ctl_pm_end_point, port),
};
static TABLE(end_point_table, ctl_pm_end_point, "end_point", end_point_rows);

static const struct mams_enum_name way_names[] = {
	{"both", CTL_WAY_BOTH, false},
	{"up", CTL_WAY_UP, false},
	{"down", CTL_WAY_DOWN, false},
	{NULL, 0, false},
};

static const struct mams_field pm_bind_rows[] = {
	ROW_INT(U32, ctl_pm_bind, token, "token", 0, 0, "of the MPTCP connection"),
	TEXT(ctl_pm_bind, client, OPT),
	ROW_LIST(ctl_pm_bind, announce, "announce", OPT, &end_point_table, 0, MAX_PATHS, ""),
	ROW_SCALARS(ctl_pm_bind, only, "only", OPT, U8, 0, MAX_PATHS, "paths it may use"),
	ROW_OPT_ENUM(ctl_pm_bind, way, "way", way_names, "what it carries; absent: both"),
};
static TABLE(pm_bind_table, ctl_pm_bind, "pm_bind", pm_bind_rows);

static const struct mams_field pm_anew_rows[] = {
	ROW_INT(U32, ctl_pm_anew, token, "token", 0, 0, "of the MPTCP connection"),
	ROW_OBJ(ctl_pm_anew, local, "local", &end_point_table, "of the subflow"),
	ROW_OBJ(ctl_pm_anew, remote, "remote", &end_point_table, ""),
};
static TABLE(pm_anew_table, ctl_pm_anew, "pm_anew", pm_anew_rows);

static const struct mams_field pm_path_rows[] = {
	ROW_ADDR(ctl_pm_path, local, "local", 0, "the N-MADP's address on that access"),
	FLAG(ctl_pm_path, backup),
};
static TABLE(pm_path_table, ctl_pm_path, "pm_path", pm_path_rows);

static const struct mams_field pm_policy_rows[] = {
	TEXT(ctl_pm_policy, client, 0),
	ROW_LIST(ctl_pm_policy, paths, "paths", 0, &pm_path_table, 0, MAX_PATHS, ""),
};
static TABLE(pm_policy_table, ctl_pm_policy, "pm_policy", pm_policy_rows);

static const struct mams_field steer_rows[] = {
	TEXT(ctl_steer, client, OPT),
	TEXT(ctl_steer, anchor, OPT),
	ROW_STR(ctl_steer, application, "application", OPT, 64,
		"GMA: the traffic of this section of the NCM alone"),
	ROW_OPT_BOOL(ctl_steer, as_configured, "as_configured", "application: steered no longer"),
	ROW_OPT_INT(U32, ctl_steer, configuration, "configuration", 1, 255,
		"absent: all of the anchor"),
	ROW_SCALARS(ctl_steer, dl, "dl", 0, STRING, 0, MAX_PATHS, "links that carry DL"),
	ROW_SCALARS(ctl_steer, ul, "ul", 0, STRING, 0, MAX_PATHS, "links that carry UL"),
	ROW_STR(ctl_steer, dl_mode, "dl_mode", OPT, 32, "GMA: how it uses them"),
	ROW_STR(ctl_steer, ul_mode, "ul_mode", OPT, 32, "likewise"),
	ROW_SCALARS(ctl_steer, off, "off", OPT, STRING, 0, 16, "GMA: features not to be used"),
};
static TABLE(steer_table, ctl_steer, "steer", steer_rows);

static const struct mams_field status_req_rows[] = {
	TEXT(ctl_status_req, client, OPT),
	ROW_OPT_INT(U64, ctl_status_req, after, "after", 0, 0, "mams-trailer: go on here"),
	ROW_OPT_INT(U32, ctl_status_req, skip, "skip", 0, 0, "mams-ncm: sessions already told"),
	ROW_OPT_INT(U32, ctl_status_req, limit, "limit", 0, 100,
		"mams-ncm: no more sessions than that, and no counters"),
	ROW_OPT_BOOL(ctl_status_req, troubled, "troubled", "mams-ncm: with something wrong only"),
};
static TABLE(status_req_table, ctl_status_req, "status_req", status_req_rows);

static const struct mams_field counter_rows[] = {
	TEXT(ctl_counter, name, 0),
	COUNT(ctl_counter, value),
};
static TABLE(counter_table, ctl_counter, "counter", counter_rows);
#define COUNTERS(S) ROW_LIST(S, counters, "counters", 0, &counter_table, 0, 512, "")

static const struct mams_field px_path_status_rows[] = {
	ROW_OBJ(ctl_px_path_status, path, "path", &path_table, ""),
	FLAG(ctl_px_path_status, up),
	ROW_OPT_BOOL(ctl_px_path_status, plain, "plain", "its network strips MPTCP"),
	COUNT(ctl_px_path_status, flows),
	COUNT(ctl_px_path_status, failures),
};
static TABLE(px_path_status_table, ctl_px_path_status, "path_status", px_path_status_rows);

static const struct mams_field px_client_status_rows[] = {
	TEXT(ctl_px_client_status, client, 0),
	COUNT(ctl_px_client_status, flows_open),
	COUNT(ctl_px_client_status, flows_total),
	COUNT(ctl_px_client_status, bytes_up),
	COUNT(ctl_px_client_status, bytes_down),
};
static TABLE(px_client_status_table, ctl_px_client_status, "client_status", px_client_status_rows);

static const struct mams_field sa_status_rows[] = {
	COUNT(ctl_sa_status, session_id),
	ID(ctl_sa_status, connection_id),
	ROW_ADDR(ctl_sa_status, local, "local", 0, ""),
	ROW_ADDR(ctl_sa_status, remote, "remote", 0, ""),
	TEXT(ctl_sa_status, state, 0),
	TEXT(ctl_sa_status, why, OPT),
};
static TABLE(sa_status_table, ctl_sa_status, "sa_status", sa_status_rows);

static const struct mams_field px_status_rows[] = {
	TEXT(ctl_px_status, role, 0),
	TEXT(ctl_px_status, version, 0),
	COUNT(ctl_px_status, uptime_ms),
	FLAG(ctl_px_status, catching),
	COUNT(ctl_px_status, flows_open),
	ROW_LIST(ctl_px_status, paths, "paths", 0, &px_path_status_table, 0, MAX_PATHS, ""),
	ROW_LIST(ctl_px_status, clients, "clients", 0, &px_client_status_table, 0, MAX_ROWS, ""),
	ROW_LIST(ctl_px_status, sas, "sas", OPT, &sa_status_table, 0, MAX_ROWS, "IPsec"),
	COUNTERS(ctl_px_status),
};
static TABLE(px_status_table, ctl_px_status, "px_status", px_status_rows);

static const struct mams_field pm_subflow_rows[] = {
	ROW_ADDR(ctl_pm_subflow, local, "local", 0, ""),
	PORT(ctl_pm_subflow, local_port),
	ROW_ADDR(ctl_pm_subflow, remote, "remote", 0, ""),
	PORT(ctl_pm_subflow, remote_port),
	FLAG(ctl_pm_subflow, backup),
};
static TABLE(pm_subflow_table, ctl_pm_subflow, "subflow", pm_subflow_rows);

static const struct mams_field pm_connection_rows[] = {
	ROW_INT(U32, ctl_pm_connection, token, "token", 0, 0, ""),
	FLAG(ctl_pm_connection, server_side),
	TEXT(ctl_pm_connection, client, OPT),
	ROW_LIST(ctl_pm_connection, subflows, "subflows", 0, &pm_subflow_table, 0, 64, ""),
};
static TABLE(pm_connection_table, ctl_pm_connection, "connection", pm_connection_rows);

static const struct mams_field pm_status_rows[] = {
	TEXT(ctl_pm_status, version, 0),
	ROW_LIST(ctl_pm_status, connections, "connections", 0, &pm_connection_table, 0, MAX_ROWS,
		""),
	COUNTERS(ctl_pm_status),
};
static TABLE(pm_status_table, ctl_pm_status, "pm_status", pm_status_rows);

static const struct mams_field measured_rows[] = {
	TEXT(ctl_measured, name, 0),
	ROW_INT(I64, ctl_measured, value, "value", -1000000, 1000000, "dBm, dB, percent, Mbit/s"),
	COUNT(ctl_measured, age_ms),
};
static TABLE(measured_table, ctl_measured, "measured", measured_rows);

/* what a path estimation has found; absent: nothing yet */
static const struct mams_field path_est_rows[] = {
	ROW_OPT_INT(
		U32, ctl_path_est, init_age_ms, "init_age_ms", 0, 0, "of the three that follow"),
	ROW_OPT_INT(
		U32, ctl_path_est, lost_ppm, "lost_ppm", 0, 1000000, "probes lost, of a million"),
	ROW_OPT_INT(
		U32, ctl_path_est, rate_kbps, "rate_kbps", 0, 0, "kbit/s of the probes that came"),
	ROW_OPT_INT(U32, ctl_path_est, delay_us, "delay_us", 0, 0, "one way"),
	ROW_OPT_INT(U32, ctl_path_est, active_age_ms, "active_age_ms", 0, 0, "of the next"),
	ROW_OPT_INT(U32, ctl_path_est, active_kbps, "active_kbps", 0, 0,
		"kbit/s that the link received in the last probe duration"),
};
static TABLE(path_est_table, ctl_path_est, "path_est", path_est_rows);

static const struct mams_field preferred_rows[] = {
	TEXT(ctl_preferred, type, 0),
	TEXT(ctl_preferred, id, 0),
};
static TABLE(preferred_table, ctl_preferred, "preferred", preferred_rows);

static const struct mams_field link_status_rows[] = {
	ID(ctl_link_status, connection_id),
	TEXT(ctl_link_status, name, OPT),
	TEXT(ctl_link_status, type, 0),
	TEXT(ctl_link_status, interface, OPT),
	FLAG(ctl_link_status, up),
	ROW_OPT_BOOL(ctl_link_status, silent, "silent", "up, but nothing comes back over it"),
	ROW_OPT_BOOL(ctl_link_status, plain, "plain", "its network strips MPTCP"),
	ROW_OPT_BOOL(ctl_link_status, fading, "fading", "its signal does, so others carry"),
	FLAG(ctl_link_status, admitted),
	ROW_ADDR(ctl_link_status, address, "address", OPT, ""),
	ROW_INT(U32, ctl_link_status, mtu, "mtu", 0, 0, "octets"),
	TEXT(ctl_link_status, adaptation, OPT),
	TEXT(ctl_link_status, sa, OPT),
	TEXT(ctl_link_status, ssid, OPT),
	TEXT(ctl_link_status, node_id, OPT),
	FLAG(ctl_link_status, ul),
	FLAG(ctl_link_status, dl),
	COUNT(ctl_link_status, rx_bytes),
	COUNT(ctl_link_status, tx_bytes),
	ROW_OPT_INT(U32, ctl_link_status, rtt_us, "rtt_us", 0, 0,
		"of the TCP that it carries now, least of its subflows"),
	ROW_LIST(ctl_link_status, measured, "measured", OPT, &measured_table, 0, MAX_PATHS, ""),
	ROW_OPT_OBJ(ctl_link_status, path_est, "path_est", &path_est_table, "seed 6.5"),
	ROW_OPT_OBJ(ctl_link_status, ul_quality, "ul_quality", &ctl_way_status_table, ""),
	ROW_OPT_OBJ(ctl_link_status, dl_quality, "dl_quality", &ctl_way_status_table, ""),
	ROW_OPT_OBJ(
		ctl_link_status, quota, "quota", &ctl_quota_table, "of the client on this access"),
};
static TABLE(link_status_table, ctl_link_status, "link_status", link_status_rows);

static const struct mams_field dropped_rows[] = {
	TEXT(ctl_dropped, group, 0),
	TEXT(ctl_dropped, item, 0),
	TEXT(ctl_dropped, reason, 0),
};
static TABLE(dropped_table, ctl_dropped, "dropped", dropped_rows);

#define NAMES(S, m) ROW_SCALARS(S, m, #m, 0, STRING, 0, MAX_PATHS, "")
/* what a session has agreed on */
static const struct mams_field app_status_rows[] = {
	TEXT(ctl_app_status, name, 0),
	NAMES(ctl_app_status, dl),
	NAMES(ctl_app_status, ul),
	TEXT(ctl_app_status, dl_mode, OPT),
	TEXT(ctl_app_status, ul_mode, OPT),
	TEXT(ctl_app_status, steered_by, OPT),
};
static TABLE(app_status_table, ctl_app_status, "app_status", app_status_rows);

#define AGREED(S)                                                                                  \
	ROW_LIST(S, anchors, "anchors", 0, &anchor_status_table, 0, MAX_PATHS, ""),                \
		NAMES(S, features), NAMES(S, convergence), NAMES(S, adaptation),                   \
		ROW_LIST(S, dropped, "dropped", 0, &dropped_table, 0, MAX_PATHS, "")

static const struct mams_field anchor_status_rows[] = {
	TEXT(ctl_anchor_status, name, OPT),
	ID(ctl_anchor_status, connection_id),
	TEXT(ctl_anchor_status, type, 0),
	TEXT(ctl_anchor_status, method, 0),
	TEXT(ctl_anchor_status, madp, OPT),
	FLAG(ctl_anchor_status, refused),
	ROW_OPT_BOOL(ctl_anchor_status, tcp, "tcp", "applications' TCP goes by it now"),
	ROW_ADDR(ctl_anchor_status, anchor4, "anchor4", OPT, "GMA: the client's address inside"),
	ROW_ADDR(ctl_anchor_status, anchor6, "anchor6", OPT, "likewise"),
	NAMES(ctl_anchor_status, dl),
	NAMES(ctl_anchor_status, ul),
	TEXT(ctl_anchor_status, steered_by, OPT),
};
static TABLE(anchor_status_table, ctl_anchor_status, "anchor_status", anchor_status_rows);

static const struct mams_field session_status_rows[] = {
	TEXT(ctl_session_status, client, 0),
	COUNT(ctl_session_status, ncm_id),
	COUNT(ctl_session_status, session_id),
	TEXT(ctl_session_status, state, 0),
	TEXT(ctl_session_status, address, OPT),
	TEXT(ctl_session_status, transport, OPT),
	COUNT(ctl_session_status, age_ms),
	ROW_LIST(ctl_session_status, links, "links", 0, &link_status_table, 0, MAX_PATHS, ""),
	TEXT(ctl_session_status, madp, OPT),
	AGREED(ctl_session_status),
	ROW_LIST(ctl_session_status, applications, "applications", OPT, &app_status_table, 0,
		MAX_PATHS, "steered apart from their anchors"),
};
static TABLE(session_status_table, ctl_session_status, "session_status", session_status_rows);

static const struct mams_field madp_status_rows[] = {
	TEXT(ctl_madp_status, name, 0),
	FLAG(ctl_madp_status, proxy_up),
	FLAG(ctl_madp_status, plugin_up),
	TEXT(ctl_madp_status, state, 0),
	FLAG(ctl_madp_status, drained),
	COUNT(ctl_madp_status, used),
	COUNT(ctl_madp_status, capacity),
	ROW_OPT_INT(U64, ctl_madp_status, open, "open", 0, 0,
		"drained: connections, or sessions of a trailer, that it has yet"),
	ROW_OPT_BOOL(ctl_madp_status, empty, "empty", "drained: it has said that it has none"),
};
static TABLE(madp_status_table, ctl_madp_status, "madp_status", madp_status_rows);

static const struct mams_field access_status_rows[] = {
	TEXT(ctl_access_status, name, 0),
	ROW_INT(U32, ctl_access_status, up, "up", 0, 0, "links"),
	ROW_INT(U32, ctl_access_status, down, "down", 0, 0, "likewise"),
	ROW_INT(U32, ctl_access_status, dl_kbps, "dl_kbps", 0, 0, "that they carry"),
	ROW_INT(U32, ctl_access_status, ul_kbps, "ul_kbps", 0, 0, "likewise"),
};
static TABLE(access_status_table, ctl_access_status, "access_status", access_status_rows);

static const struct mams_field ncm_status_rows[] = {
	TEXT(ctl_ncm_status, version, 0),
	COUNT(ctl_ncm_status, uptime_ms),
	ROW_LIST(ctl_ncm_status, sessions, "sessions", 0, &session_status_table, 0, MAX_ROWS, ""),
	FLAG(ctl_ncm_status, more),
	ROW_OPT_INT(U32, ctl_ncm_status, sessions_total, "sessions_total", 0, 0, ""),
	ROW_OPT_INT(U32, ctl_ncm_status, sessions_troubled, "sessions_troubled", 0, 0,
		"not active, or with a link that cannot be used"),
	ROW_LIST(ctl_ncm_status, accesses, "accesses", OPT, &access_status_table, 0, 16, ""),
	ROW_LIST(ctl_ncm_status, madps, "madps", 0, &madp_status_table, 0, 256, ""),
	COUNTERS(ctl_ncm_status),
};
static TABLE(ncm_status_table, ctl_ncm_status, "ncm_status", ncm_status_rows);

static const struct mams_field ccm_status_rows[] = {
	TEXT(ctl_ccm_status, version, 0),
	COUNT(ctl_ccm_status, uptime_ms),
	TEXT(ctl_ccm_status, state, 0),
	TEXT(ctl_ccm_status, ncm, OPT),
	TEXT(ctl_ccm_status, transport, OPT),
	COUNT(ctl_ccm_status, ncm_id),
	COUNT(ctl_ccm_status, session_id),
	FLAG(ctl_ccm_status, proxy_up),
	FLAG(ctl_ccm_status, plugin_up),
	ROW_OPT_BOOL(ctl_ccm_status, trailer_up, "trailer_up", "of a client with GMA"),
	FLAG(ctl_ccm_status, madp_reachable),
	ROW_LIST(ctl_ccm_status, links, "links", 0, &link_status_table, 0, MAX_PATHS, ""),
	ROW_LIST(ctl_ccm_status, preferred, "preferred", OPT, &preferred_table, 0, MAX_PATHS, ""),
	AGREED(ctl_ccm_status),
	COUNTERS(ctl_ccm_status),
};
static TABLE(ccm_status_table, ctl_ccm_status, "ccm_status", ccm_status_rows);

static const struct mams_field log_level_rows[] = {TEXT(ctl_log_level, level, 0)};
static TABLE(log_level_table, ctl_log_level, "log_level", log_level_rows);

static const struct mams_field probe_rows[] = {
	TEXT(ctl_probe, client, OPT),
	ROW_SCALARS(ctl_probe, links, "links", 0, STRING, 0, MAX_PATHS, "none: all"),
};
static TABLE(probe_table, ctl_probe, "probe", probe_rows);

static const struct mams_field drain_rows[] = {
	TEXT(ctl_drain, madp, 0),
	FLAG(ctl_drain, drain),
};
static TABLE(drain_table, ctl_drain, "drain", drain_rows);

static const struct mams_enum_name peer_names[] = {
	{"take", CTL_PEER_TAKE, false},
	{"taken", CTL_PEER_TAKEN, false},
	{"attach", CTL_PEER_ATTACH, false},
	{"detach", CTL_PEER_DETACH, false},
	{"deliver", CTL_PEER_DELIVER, false},
	{"return", CTL_PEER_RETURN, false},
	{"dismiss", CTL_PEER_DISMISS, false},
	{"steer", CTL_PEER_STEER, false},
	{"steered", CTL_PEER_STEERED, false},
	{"hello", CTL_PEER_HELLO, false},
	{NULL, 0, false},
};

static const struct mams_field ncm_peer_rows[] = {
	ROW_ENUM(ctl_ncm_peer, kind, "kind", peer_names, ""),
	TEXT(ctl_ncm_peer, from, OPT),
	TEXT(ctl_ncm_peer, client, OPT),
	ROW_INT(U32, ctl_ncm_peer, transport, "transport", 0, 2, ""),
	ROW_ADDR(ctl_ncm_peer, address, "address", OPT, ""),
	PORT(ctl_ncm_peer, port),
	ROW_STR(ctl_ncm_peer, text, "text", SECRET, 131072, "an MX message"),
	ROW_INT(U32, ctl_ncm_peer, number, "number", 0, 0, ""),
	ROW_INT(U32, ctl_ncm_peer, outcome, "outcome", 0, 0, ""),
	FLAG(ctl_ncm_peer, known),
	TEXT(ctl_ncm_peer, where, OPT),
	TEXT(ctl_ncm_peer, words, OPT),
};
static TABLE(ncm_peer_table, ctl_ncm_peer, "ncm_peer", ncm_peer_rows);

static const struct mams_field ncm_link_rows[] = {
	ID(ctl_ncm_link, connection_id),
	ID(ctl_ncm_link, type),
	FLAG(ctl_ncm_link, up),
	ROW_ADDR(ctl_ncm_link, address, "address", OPT, ""),
	ROW_INT(U32, ctl_ncm_link, mtu, "mtu", 0, 0, "octets"),
	FLAG(ctl_ncm_link, in_setup),
	ROW_ADDR(ctl_ncm_link, setup_address, "setup_address", OPT, ""),
	FLAG(ctl_ncm_link, confirmed),
	ROW_INT(U32, ctl_ncm_link, report_num, "report_num", 0, 0, ""),
	ROW_OPT_BOOL(ctl_ncm_link, left, "left", "a handover of it is announced"),
	ROW_OPT_BOOL(ctl_ncm_link, moved, "moved", "it goes on elsewhere, not confirmed yet"),
};
static TABLE(ncm_link_table, ctl_ncm_link, "ncm_link", ncm_link_rows);

static const struct mams_field ncm_anchor_rows[] = {
	ID(ctl_ncm_anchor, connection_id),
	TEXT(ctl_ncm_anchor, madp, OPT),
	ROW_INT(U32, ctl_ncm_anchor, dl, "dl", 0, 0, "bits of connection ids"),
	ROW_INT(U32, ctl_ncm_anchor, ul, "ul", 0, 0, "likewise"),
	ROW_INT(U8, ctl_ncm_anchor, dl_mode, "dl_mode", 0, 6, "1 + mode; 0: none named"),
	ROW_INT(U8, ctl_ncm_anchor, ul_mode, "ul_mode", 0, 6, "likewise"),
	ROW_INT(U32, ctl_ncm_anchor, off, "off", 0, 0, "bits of enum mx_feature"),
	ROW_OPT_BOOL(
		ctl_ncm_anchor, held, "held", "against the policy: an operator has steered it"),
};
static TABLE(ncm_anchor_table, ctl_ncm_anchor, "ncm_anchor", ncm_anchor_rows);

static const struct mams_field ncm_app_rows[] = {
	ROW_STR(ctl_ncm_app, name, "name", 0, 64, "of the application section"),
	ROW_INT(U32, ctl_ncm_app, dl, "dl", 0, 0, "bits of connection ids; 0: as configured"),
	ROW_INT(U32, ctl_ncm_app, ul, "ul", 0, 0, "likewise"),
	ROW_INT(U8, ctl_ncm_app, dl_first, "dl_first", 0, 15, "of dl: preferred"),
	ROW_INT(U8, ctl_ncm_app, ul_first, "ul_first", 0, 15, "likewise"),
	ROW_INT(U8, ctl_ncm_app, dl_mode, "dl_mode", 0, 6, "1 + mode; 0: none named"),
	ROW_INT(U8, ctl_ncm_app, ul_mode, "ul_mode", 0, 6, "likewise"),
	ROW_OPT_BOOL(ctl_ncm_app, held, "held", "against the policy"),
};
TABLE(ctl_ncm_app_table, ctl_ncm_app, "ncm_app", ncm_app_rows);

static const struct mams_field ncm_used_rows[] = {
	ROW_STR(ctl_ncm_used, access, "access", 0, 64, "that has a quota"),
	COUNT(ctl_ncm_used, octets),
	ROW_INT(U64, ctl_ncm_used, until, "until", 0, 0, "seconds since 1970: end of the period"),
};
static TABLE(ncm_used_table, ctl_ncm_used, "ncm_used", ncm_used_rows);

static const struct mams_field ncm_session_rows[] = {
	TEXT(ctl_ncm_session, client, 0),
	COUNT(ctl_ncm_session, session_id),
	ROW_STR(ctl_ncm_session, client_key, "client_key", MAMS_F_SECRET, 1024, "base64"),
	FLAG(ctl_ncm_session, active),
	ROW_INT(U32, ctl_ncm_session, features, "features", 0, 0, "bits of enum mx_feature"),
	ROW_INT(U32, ctl_ncm_session, convergence, "convergence", 0, 0,
		"bits of enum mx_convergence"),
	ROW_INT(U32, ctl_ncm_session, adaptation, "adaptation", 0, 0, "bits of enum mx_adaptation"),
	ROW_LIST(ctl_ncm_session, anchors, "anchors", OPT, &ncm_anchor_table, 0, MAX_PATHS, ""),
	ROW_STR(ctl_ncm_session, tunnel_secret, "tunnel_secret", SECRET, 1024, "base64"),
	ROW_ADDR(ctl_ncm_session, anchor4, "anchor4", OPT, ""),
	ROW_ADDR(ctl_ncm_session, anchor6, "anchor6", OPT, ""),
	PORT(ctl_ncm_session, tunnel_port),
	ROW_LIST(ctl_ncm_session, links, "links", 0, &ncm_link_table, 0, MAX_PATHS, ""),
	ROW_LIST(ctl_ncm_session, apps, "apps", OPT, &ctl_ncm_app_table, 0, MAX_PATHS, "steered"),
	ROW_LIST(ctl_ncm_session, used, "used", OPT, &ncm_used_table, 0, MAX_PATHS, "of quotas"),
};
static TABLE(ncm_session_table, ctl_ncm_session, "ncm_session", ncm_session_rows);

static const struct mams_field metrics_rows[] = {
	ROW_STR(ctl_metrics, text, "text", 0, 131072, "text format of Prometheus"),
};
static TABLE(metrics_table, ctl_metrics, "metrics", metrics_rows);

static const struct mams_field event_line_rows[] = {
	COUNT(ctl_event, number),
	ROW_INT(U64, ctl_event, time_ms, "time_ms", 0, 0, "since 1970"),
	TEXT(ctl_event, level, 0),
	TEXT(ctl_event, module, 0),
	TEXT(ctl_event, text, 0),
};
static TABLE(event_line_table, ctl_event, "event", event_line_rows);

static const struct mams_field events_rows[] = {
	ROW_LIST(ctl_events, events, "events", 0, &event_line_table, 0, 256, "oldest first"),
};
static TABLE(events_table, ctl_events, "events", events_rows);

static const struct mams_field hello_rows[] = {
	ROW_INT(U32, ctl_hello, least, "least", 1, UINT32_MAX, "lowest version that is spoken"),
	ROW_INT(U32, ctl_hello, most, "most", 1, UINT32_MAX, "highest"),
};
static TABLE(hello_table, ctl_hello, "hello", hello_rows);

const struct ctl_row ctl_rows[CTL_TYPE_COUNT] = {
	[CTL_RESULT] = {"result", false, &result_table},
	[CTL_PX_PATHS] = {"px_paths", true, &px_paths_table},
	[CTL_PX_CLIENT_SET] = {"px_client_set", true, &px_client_set_table},
	[CTL_PX_CLIENT_DEL] = {"px_client_del", true, &px_client_del_table},
	[CTL_PX_PROBE] = {"px_probe", true, &px_probe_table},
	[CTL_PX_EVENT] = {"px_event", false, &px_event_table},
	[CTL_PM_PATHS] = {"pm_paths", true, &pm_paths_table},
	[CTL_PM_BIND] = {"pm_bind", true, &pm_bind_table},
	[CTL_PM_ANEW] = {"pm_anew", true, &pm_anew_table},
	[CTL_PM_POLICY] = {"pm_policy", true, &pm_policy_table},
	[CTL_STEER] = {"steer", true, &steer_table},
	[CTL_STATUS_REQ] = {"status_req", true, &status_req_table},
	[CTL_PX_STATUS] = {"px_status", false, &px_status_table},
	[CTL_PM_STATUS] = {"pm_status", false, &pm_status_table},
	[CTL_NCM_STATUS] = {"ncm_status", false, &ncm_status_table},
	[CTL_CCM_STATUS] = {"ccm_status", false, &ccm_status_table},
	[CTL_LOG_LEVEL] = {"log_level", true, &log_level_table},
	[CTL_PROBE] = {"probe", true, &probe_table},
	[CTL_DRAIN] = {"drain", true, &drain_table},
	[CTL_NETWORK_REQ] = {"network_req", true, &status_req_table},
	[CTL_NETWORK] = {"network", false, &ctl_network_table},
	[CTL_TR_SESSION_SET] = {"tr_session_set", true, &ctl_tr_session_set_table},
	[CTL_TR_SESSION_DEL] = {"tr_session_del", true, &ctl_tr_session_del_table},
	[CTL_TR_READY] = {"tr_ready", false, &ctl_tr_ready_table},
	[CTL_TR_EVENT] = {"tr_event", false, &ctl_tr_event_table},
	[CTL_TR_STATUS] = {"tr_status", false, &ctl_tr_status_table},
	[CTL_QUALITY] = {"quality", false, &ctl_quality_table},
	[CTL_NCM_PEER] = {"ncm_peer", false, &ncm_peer_table},
	[CTL_NCM_SESSION] = {"ncm_session", false, &ncm_session_table},
	[CTL_POLICY] = {"policy", true, &ctl_policy_table},
	[CTL_POLICY_STATUS] = {"policy_status", false, &ctl_policy_status_table},
	[CTL_METRICS_REQ] = {"metrics_req", true, &status_req_table},
	[CTL_METRICS] = {"metrics", false, &metrics_table},
	[CTL_EVENTS_REQ] = {"events_req", true, &status_req_table},
	[CTL_EVENTS] = {"events", false, &events_table},
	[CTL_TRACE_REQ] = {"trace_req", true, &status_req_table},
	[CTL_TRACE] = {"trace", false, &ctl_trace_table},
	[CTL_REPLAYED] = {"replayed", false, &ctl_replayed_table},
	[CTL_HELLO] = {"hello", true, &hello_table},
};
