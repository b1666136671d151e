#include "lib/mx/mx_tables.h"
#include "lib/codec/field_rows.h"

/* --- names: emitted form first, then what A.4 accepts ------------------------------------------
 */

const struct mams_enum_name mx_connection_type_names[] = {
	{"Wi-Fi", MX_WIFI, false},
	{"5G_NR", MX_5G_NR, false},
	{"MulteFire", MX_MULTEFIRE, false},
	{"LTE", MX_LTE, false},
	{"WiFi", MX_WIFI, true},
	{"WLAN", MX_WIFI, true},
	{"5G NR", MX_5G_NR, true},
	{"5G_NGC", MX_5G_NR, true},
	{"NR", MX_5G_NR, true},
	{"Multi-Fire", MX_MULTEFIRE, true},
	{NULL, 0, false},
};

const struct mams_enum_name mx_feature_names[] = {
	{"lossless_switching", MX_F_LOSSLESS_SWITCHING, false},
	{"fragmentation", MX_F_FRAGMENTATION, false},
	{"concatenation", MX_F_CONCATENATION, false},
	{"uplink_aggregation", MX_F_UPLINK_AGGREGATION, false},
	{"downlink_aggregation", MX_F_DOWNLINK_AGGREGATION, false},
	{"measurement", MX_F_MEASUREMENT, false},
	{"probing", MX_F_PROBING, false},
	{"ul_aggregation", MX_F_UPLINK_AGGREGATION, true},
	{"dl_aggregation", MX_F_DOWNLINK_AGGREGATION, true},
	{NULL, 0, false},
};

const struct mams_enum_name mx_convergence_names[] = {
	{"GMA", MX_CONV_GMA, false},
	{"MPTCP_Proxy", MX_CONV_MPTCP_PROXY, false},
	{"GRE_Aggregation_Proxy", MX_CONV_GRE, false},
	{"MPQUIC", MX_CONV_MPQUIC, false},
	{"Trailer_Based", MX_CONV_GMA, true},
	{"Trailer-based", MX_CONV_GMA, true},
	{"MPTCP", MX_CONV_MPTCP_PROXY, true},
	{NULL, 0, false},
};

const struct mams_enum_name mx_adaptation_names[] = {
	{"UDP_without_DTLS", MX_ADAPT_UDP, false},
	{"UDP_with_DTLS", MX_ADAPT_DTLS, false},
	{"IPsec", MX_ADAPT_IPSEC, false},
	{"Client_NAT", MX_ADAPT_CLIENT_NAT, false},
	{"UDP_Tunnel_without_DTLS", MX_ADAPT_UDP, true},
	{"UDP_Tunnel_with_DTLS", MX_ADAPT_DTLS, true},
	{"IPsec_Tunnel", MX_ADAPT_IPSEC, true},
	{NULL, 0, false},
};

static const struct mams_enum_name reconf_names[] = {
	{"release", MX_RELEASE, false},
	{"setup", MX_SETUP, false},
	{"update", MX_UPDATE, false},
	{NULL, 0, false},
};

static const struct mams_enum_name status_names[] = {
	{"disabled", MX_STATUS_DISABLED, false},
	{"enabled", MX_STATUS_ENABLED, false},
	{"connected", MX_STATUS_CONNECTED, false},
	{NULL, 0, false},
};

static const struct mams_enum_name ack_names[] = {
	{"MX_ACCEPT", MX_ACCEPT, false},
	{"MX_REJECT", MX_REJECT, false},
	{NULL, 0, false},
};

static const struct mams_enum_name keep_alive_names[] = {
	{"Timeout", MX_KA_TIMEOUT, false},
	{"Handover", MX_KA_HANDOVER, false},
	{NULL, 0, false},
};

static const struct mams_enum_name termination_names[] = {
	{"MX_NORMAL_RELEASE", MX_NORMAL_RELEASE, false},
	{"MX_NO_RESPONSE", MX_NO_RESPONSE, false},
	{"INTERNAL_ERROR", MX_INTERNAL_ERROR, false},
	{NULL, 0, false},
};

/* --- data types, RFC 8743 C.2 ------------------------------------------------------------------
 */

#define MAX_ID 255
#define SECRET_STR (MAMS_F_OPTIONAL | MAMS_F_SECRET)

static const struct mams_field session_id_rows[] = {
	ROW_INT(U64, mx_session_id, ncm_id, "ncm_id", 0, 0, "unique in the operator's network"),
	ROW_INT(U64, mx_session_id, session_id, "session_id", 0, 0, "unique at that NCM"),
};
static TABLE(session_id_table, mx_session_id, "unique_session_id", session_id_rows);
#define ROW_SID(S)                                                                                 \
	ROW_OPT_OBJ(S, unique_session_id, "unique_session_id", &session_id_table,                  \
		"the session this message belongs to")

static const struct mams_field connection_rows[] = {
	ROW_INT(U8, mx_connection, connection_id, "connection_id", 0, MAX_ID, "unique in its list"),
	ROW_ENUM(mx_connection, connection_type, "connection_type", mx_connection_type_names,
		"access technology"),
};
static TABLE(connection_table, mx_connection, "connection", connection_rows);

static const struct mams_field end_point_rows[] = {
	ROW_STR(mx_end_point, ip_address, "ip_address", 0, 253, "IPv4, IPv6 or FQDN"),
	ROW_INT(U16, mx_end_point, port, "port", 1, 65535, "TCP port"),
};
static TABLE(end_point_table, mx_end_point, "ncm_end_point", end_point_rows);

static const struct mams_field ncm_connection_rows[] = {
	ROW_INT(U8, mx_ncm_connection, connection_id, "connection_id", 0, MAX_ID,
		"anchor connection"),
	ROW_ENUM(mx_ncm_connection, connection_type, "connection_type", mx_connection_type_names,
		"access technology"),
	ROW_OBJ(mx_ncm_connection, ncm_end_point, "ncm_end_point", &end_point_table,
		"where control messages over this connection go"),
};
static TABLE(ncm_connection_table, mx_ncm_connection, "ncm_connection", ncm_connection_rows);

static const struct mams_field feature_rows[] = {
	ROW_ENUM(mx_feature_info, feature_name, "feature_name", mx_feature_names, "MX feature"),
	ROW_BOOL(mx_feature_info, active, "active", "offered or in effect"),
};
static TABLE(feature_table, mx_feature_info, "feature", feature_rows);

static const char *const feature_aliases[] = {"FeatureActive", "features_active", NULL};
#define ROW_FEATURES(S)                                                                            \
	{                                                                                          \
		.key = "feature_active", .aliases = feature_aliases, .kind = MAMS_K_LIST,          \
		.flags = MAMS_F_SKIP_UNKNOWN, .offset = offsetof(struct S, feature_active),        \
		.count_offset = offsetof(struct S, n_feature_active), .item_kind = MAMS_K_OBJECT,  \
		.table = &feature_table, .max = 32,                                                \
		.doc = "MX Feature Activation List; an absent feature is not active"               \
	}

static const struct mams_field convergence_method_rows[] = {
	ROW_ENUM(mx_method, method, "method", mx_convergence_names, "convergence method"),
	ROW_BOOL(mx_method, supported, "supported", "can be used"),
};
static TABLE(convergence_method_table, mx_method, "convergence_method", convergence_method_rows);

static const struct mams_field adaptation_method_rows[] = {
	ROW_ENUM(mx_method, method, "method", mx_adaptation_names, "adaptation method"),
	ROW_BOOL(mx_method, supported, "supported", "can be used"),
};
static TABLE(adaptation_method_table, mx_method, "adaptation_method", adaptation_method_rows);

static const struct mams_field convergence_params_rows[] = {
	ROW_STR(mx_convergence_params, proxy_ip, "proxy_ip", MAMS_F_OPTIONAL, 64,
		"Convergence Proxy IP Address"),
	ROW_OPT_INT(U16, mx_convergence_params, proxy_port, "proxy_port", 1, 65535,
		"Convergence Proxy Port"),
	ROW_STR(mx_convergence_params, client_key, "client_key", SECRET_STR, 1024,
		"identifies the client at the proxy: base64 of the RFC 8803 cookie"),
};
static TABLE(convergence_params_table, mx_convergence_params, "convergence_method_params",
	convergence_params_rows);

static const struct mams_field adaptation_params_rows[] = {
	ROW_STR(mx_adaptation_params, tunnel_ip_addr, "tunnel_ip_addr", MAMS_F_OPTIONAL, 64,
		"Tunnel Endpoint IP Address"),
	ROW_OPT_INT(U16, mx_adaptation_params, tunnel_end_port, "tunnel_end_port", 1, 65535,
		"Tunnel Endpoint Port"),
	ROW_STR(mx_adaptation_params, shared_secret, "shared_secret", SECRET_STR, 1024,
		"pre-shared key; only inside TLS"),
	ROW_OPT_BOOL(mx_adaptation_params, mx_header_optimization, "mx_header_optimization",
		"IP length and checksum left as in the SDU"),
};
static TABLE(adaptation_params_table, mx_adaptation_params, "adaptation_method_param",
	adaptation_params_rows);

static const struct mams_field setup_delivery_rows[] = {
	ROW_INT(U8, mx_setup_delivery, connection_id, "connection_id", 0, MAX_ID,
		"Delivery Connection ID"),
	ROW_ENUM(mx_setup_delivery, connection_type, "connection_type", mx_connection_type_names,
		"access technology"),
	ROW_OPT_ENUM(mx_setup_delivery, adaptation_method, "adaptation_method", mx_adaptation_names,
		"absent: no adaptation"),
	ROW_OPT_OBJ(mx_setup_delivery, adaptation_method_param, "adaptation_method_param",
		&adaptation_params_table, "parameters of the adaptation"),
};
static TABLE(setup_delivery_table, mx_setup_delivery, "delivery_connection", setup_delivery_rows);

static const char *const num_delivery_aliases[] = {"num_delivery_conn", NULL};
static const struct mams_field convergence_config_rows[] = {
	ROW_OPT_INT(U8, mx_convergence_config, mx_configuration_id, "mx_configuration_id", 0, 255,
		"when the anchor has more than one configuration"),
	ROW_OPT_ENUM(mx_convergence_config, convergence_method, "convergence_method",
		mx_convergence_names, "absent: no convergence"),
	ROW_OPT_OBJ(mx_convergence_config, convergence_method_params, "convergence_method_params",
		&convergence_params_table, "parameters of the convergence"),
	ROW_OPT_INT(U16, mx_convergence_config, udp_port, "udp_port", 1, 65535,
		"port of MX Control PDUs at the N-MADP"),
	{.key = "num_delivery_connections",
		.aliases = num_delivery_aliases,
		.kind = MAMS_K_U32,
		.flags = MAMS_F_LAX,
		.offset = offsetof(struct mx_convergence_config, num_delivery_connections),
		.max = MX_MAX_CONNECTIONS,
		.doc = "length of delivery_connections"},
	ROW_LIST(mx_convergence_config, delivery_connections, "delivery_connections", 0,
		&setup_delivery_table, 0, MX_MAX_CONNECTIONS,
		"accesses that use this configuration"),
};
static TABLE(convergence_config_table, mx_convergence_config, "convergence_config",
	convergence_config_rows);

static const struct mams_field setup_anchor_rows[] = {
	ROW_INT(U8, mx_setup_anchor, connection_id, "connection_id", 0, MAX_ID,
		"Anchor Connection ID"),
	ROW_ENUM(mx_setup_anchor, connection_type, "connection_type", mx_connection_type_names,
		"access technology of the anchor"),
	ROW_OPT_INT(U32, mx_setup_anchor, num_active_mx_conf, "num_active_mx_conf", 1, 32,
		"length of convergence_config, when more than one"),
	{.key = "convergence_config",
		.kind = MAMS_K_LIST,
		.flags = MAMS_F_LAX,
		.offset = offsetof(struct mx_setup_anchor, convergence_config),
		.count_offset = offsetof(struct mx_setup_anchor, n_convergence_config),
		.item_kind = MAMS_K_OBJECT,
		.inline_key = "delivery_connections",
		.table = &convergence_config_table,
		.min = 1,
		.max = 32,
		.doc = "MX configurations of this anchor"},
};
static TABLE(setup_anchor_table, mx_setup_anchor, "anchor_connection", setup_anchor_rows);

static const struct mams_field port_range_rows[] = {
	ROW_INT(U16, mx_port_range, start, "start", 0, 65535, "first port"),
	ROW_INT(U16, mx_port_range, end, "end", 0, 65535, "last port"),
};
static TABLE(port_range_table, mx_port_range, "port_range", port_range_rows);

static const struct mams_field tft_rows[] = {
	ROW_STR(mx_tft, remote_addr_mask, "remote_addr_mask", MAMS_F_OPTIONAL, 64, "CIDR"),
	ROW_STR(mx_tft, local_addr_mask, "local_addr_mask", MAMS_F_OPTIONAL, 64,
		"CIDR at the client"),
	ROW_OPT_INT(U8, mx_tft, protocol_type, "protocol_type", 0, 255, "255: any"),
	ROW_OPT_OBJ(mx_tft, local_port_range, "local_port_range", &port_range_table, "client side"),
	ROW_OPT_OBJ(
		mx_tft, remote_port_range, "remote_port_range", &port_range_table, "server side"),
	ROW_OPT_INT(U8, mx_tft, traffic_class, "traffic_class", 0, 255, "255: any"),
	ROW_OPT_INT(U32, mx_tft, flow_label, "flow_label", 0, 1048575, "0: any"),
};
static TABLE(tft_table, mx_tft, "tft", tft_rows);

/* --- messages, RFC 8743 C.1 --------------------------------------------------------------------
 */

static const struct mams_field discover_rows[] = {
	ROW_STR(mx_discover, mcc_mnc_tuple, "MCC_MNC_Tuple", MAMS_F_OPTIONAL, 6,
		"home network, E.212 digits"),
};
static TABLE(discover_table, mx_discover, "mx_discover", discover_rows);

static const struct mams_field system_info_rows[] = {
	ROW_LIST(mx_system_info, ncm_connections, "ncm_connections", 0, &ncm_connection_table, 1,
		MX_MAX_CONNECTIONS, "anchor connections and their NCM endpoints"),
};
static TABLE(system_info_table, mx_system_info, "mx_system_info", system_info_rows);

static const struct mams_field capability_rows[] = {
	ROW_SID(mx_capability),
	ROW_FEATURES(mx_capability),
	ROW_INT(U32, mx_capability, num_anchor_connections, "num_anchor_connections", 0,
		MX_MAX_CONNECTIONS, "length of anchor_connections"),
	ROW_LIST(mx_capability, anchor_connections, "anchor_connections", 0, &connection_table, 0,
		MX_MAX_CONNECTIONS, "core networks"),
	ROW_INT(U32, mx_capability, num_delivery_connections, "num_delivery_connections", 0,
		MX_MAX_CONNECTIONS, "length of delivery_connections"),
	ROW_LIST(mx_capability, delivery_connections, "delivery_connections", 0, &connection_table,
		0, MX_MAX_CONNECTIONS, "access links"),
	ROW_LIST(mx_capability, convergence_methods, "convergence_methods", MAMS_F_SKIP_UNKNOWN,
		&convergence_method_table, 0, 16, "MX Convergence Method Support List"),
	ROW_LIST(mx_capability, adaptation_methods, "adaptation_methods", MAMS_F_SKIP_UNKNOWN,
		&adaptation_method_table, 0, 16, "MX Adaptation Method Support List"),
};
static TABLE(capability_table, mx_capability, "mx_capability", capability_rows);

static const struct mams_field capability_ack_rows[] = {
	ROW_OBJ(mx_capability_ack, unique_session_id, "unique_session_id", &session_id_table,
		"as in the RSP"),
	ROW_ENUM(mx_capability_ack, capability_ack, "capability_ack", ack_names,
		"MX_REJECT ends the session"),
};
static TABLE(capability_ack_table, mx_capability_ack, "mx_capability_ack", capability_ack_rows);

static const struct mams_field up_setup_rows[] = {
	ROW_INT(U32, mx_up_setup_conf_req, num_anchor_connections, "num_anchor_connections", 1,
		MX_MAX_CONNECTIONS, "length of anchor_connections"),
	ROW_LIST(mx_up_setup_conf_req, anchor_connections, "anchor_connections", 0,
		&setup_anchor_table, 1, MX_MAX_CONNECTIONS, "one MADP instance each"),
};
static TABLE(up_setup_table, mx_up_setup_conf_req, "mx_up_setup_conf_req", up_setup_rows);

static const struct mams_field probe_param_rows[] = {
	ROW_INT(U16, mx_probe_param, probe_port, "probe_port", 1, 65535, "of the C-MADP"),
	ROW_INT(U8, mx_probe_param, anchor_conn_id, "anchor_conn_id", 0, MAX_ID, "anchor"),
	ROW_OPT_INT(U8, mx_probe_param, mx_configuration_id, "mx_configuration_id", 0, 255,
		"when ids are in use"),
};
static TABLE(probe_param_table, mx_probe_param, "probe_param", probe_param_rows);

static const struct mams_field adapt_param_rows[] = {
	ROW_INT(U16, mx_adapt_param, udp_adapt_port, "udp_adapt_port", 1, 65535,
		"the client's tunnel port"),
};
static TABLE(adapt_param_table, mx_adapt_param, "adapt_param", adapt_param_rows);

static const struct mams_field client_param_rows[] = {
	ROW_INT(U8, mx_client_param, connection_id, "connection_id", 0, MAX_ID,
		"a delivery connection that is set up"),
	ROW_OPT_OBJ(
		mx_client_param, adapt_param, "adapt_param", &adapt_param_table, "for UDP methods"),
};
static TABLE(client_param_table, mx_client_param, "client_param", client_param_rows);

static const char *const num_delivery_cnf_aliases[] = {"num_delivery_connections", NULL};
static const struct mams_field up_setup_cnf_rows[] = {
	ROW_SID(mx_up_setup_cnf),
	ROW_OPT_OBJ(mx_up_setup_cnf, probe_param, "probe_param", &probe_param_table, "for probing"),
	{.key = "num_delivery_conn",
		.aliases = num_delivery_cnf_aliases,
		.kind = MAMS_K_U32,
		.flags = MAMS_F_LAX,
		.offset = offsetof(struct mx_up_setup_cnf, num_delivery_conn),
		.max = MX_MAX_CONNECTIONS,
		.doc = "length of client_params"},
	ROW_LIST(mx_up_setup_cnf, client_params, "client_params", 0, &client_param_table, 0,
		MX_MAX_CONNECTIONS, "what was set up; an omitted connection failed"),
};
static TABLE(up_setup_cnf_table, mx_up_setup_cnf, "mx_up_setup_cnf", up_setup_cnf_rows);

static const struct mams_field reconf_rows[] = {
	ROW_SID(mx_reconf_req),
	ROW_ENUM(mx_reconf_req, reconf_action, "reconf_action", reconf_names, "what happened"),
	ROW_INT(U8, mx_reconf_req, connection_id, "connection_id", 0, MAX_ID,
		"delivery connection"),
	ROW_STR(mx_reconf_req, ip_address, "ip_address", MAMS_F_OPTIONAL, 64,
		"for setup and update"),
	ROW_STR(mx_reconf_req, ssid, "ssid", MAMS_F_OPTIONAL, 32, "for Wi-Fi"),
	ROW_OPT_INT(U16, mx_reconf_req, mtu_size, "mtu_size", 1, 65535, "octets"),
	ROW_OPT_ENUM(mx_reconf_req, connection_status, "connection_status", status_names,
		"default connected"),
	ROW_STR(mx_reconf_req, delivery_node_id, "delivery_node_id", MAMS_F_OPTIONAL, 128,
		"ECGI, or AP id or MAC"),
};
static TABLE(reconf_table, mx_reconf_req, "mx_reconf_req", reconf_rows);

static const struct mams_field path_est_rows[] = {
	ROW_INT(U8, mx_path_est_req, connection_id, "connection_id", 0, MAX_ID,
		"delivery connection"),
	ROW_INT(U32, mx_path_est_req, init_probe_test_duration_ms, "init_probe_test_duration_ms",
		100, 10000, "ms"),
	ROW_INT(U32, mx_path_est_req, init_probe_test_rate_mbps, "init_probe_test_rate_Mbps", 1,
		100, "Mbit/s"),
	ROW_INT(U32, mx_path_est_req, init_probe_size_bytes, "init_probe_size_bytes", 100, 1500,
		"octets"),
	ROW_YESNO(mx_path_est_req, init_probe_ack_req, "init_probe_ack_req", "answer wanted"),
	ROW_INT(U32, mx_path_est_req, active_probe_freq_ms, "active_probe_freq_ms", 100, 10000,
		"ms between probes"),
	ROW_INT(U32, mx_path_est_req, active_probe_size_bytes, "active_probe_size_bytes", 100, 1500,
		"octets"),
	ROW_OPT_INT(U32, mx_path_est_req, active_probe_duration_sec, "active_probe_duration_sec",
		10, 100, "s; absent: until replaced"),
	ROW_YESNO(mx_path_est_req, active_probe_ack_req, "active_probe_ack_req", "answer wanted"),
};
static TABLE(path_est_table, mx_path_est_req, "mx_path_est_req", path_est_rows);

#define NUMBER(S, m, k, hi, d)                                                                     \
	{                                                                                          \
		.key = (k), .kind = MAMS_K_NUMBER, .flags = MAMS_F_LAX,                            \
		.offset = offsetof(struct S, m), .max = (hi), .doc = (d)                           \
	}
static const struct mams_field init_results_rows[] = {
	NUMBER(mx_init_probe_results, lost_probes_percentage, "lost_probes_percentage", 100,
		"percent"),
	NUMBER(mx_init_probe_results, probe_rate_mbps, "probe_rate_Mbps", 1000000, "Mbit/s"),
	ROW_OPT_INT(U32, mx_init_probe_results, probe_delay_us, "probe_delay_us", 0, UINT32_MAX,
		"microseconds"),
};
static TABLE(init_results_table, mx_init_probe_results, "init_probe_results", init_results_rows);

static const struct mams_field active_results_rows[] = {
	NUMBER(mx_active_probe_results, avg_tput_last_probe_duration_mbps,
		"avg_tput_last_probe_duration_Mbps", 1000000, "Mbit/s"),
};
static TABLE(
	active_results_table, mx_active_probe_results, "active_probe_results", active_results_rows);

static const struct mams_field path_est_results_rows[] = {
	ROW_SID(mx_path_est_results),
	ROW_INT(U8, mx_path_est_results, connection_id, "connection_id", 0, MAX_ID,
		"delivery connection"),
	ROW_OPT_OBJ(mx_path_est_results, init_probe_results, "init_probe_results",
		&init_results_table, "after the Initialization phase"),
	ROW_OPT_OBJ(mx_path_est_results, active_probe_results, "active_probe_results",
		&active_results_table, "in the Active phase"),
};
static TABLE(
	path_est_results_table, mx_path_est_results, "mx_path_est_results", path_est_results_rows);

static const char *const connection_list_aliases[] = {"conn_list", "connection_id", NULL};
static const struct mams_field uplink_rows[] = {
	ROW_OPT_OBJ(mx_uplink_delivery, ul_tft, "ul_tft", &tft_table, "which flows; absent: all"),
	{.key = "connection_list",
		.aliases = connection_list_aliases,
		.kind = MAMS_K_LIST,
		.flags = MAMS_F_LAX,
		.offset = offsetof(struct mx_uplink_delivery, connection_list),
		.count_offset = offsetof(struct mx_uplink_delivery, n_connection_list),
		.item_kind = MAMS_K_U8,
		.item_key = "connection_id",
		.min = 1,
		.max = MX_MAX_CONNECTIONS,
		.doc = "delivery connections for these flows"},
};
static TABLE(uplink_table, mx_uplink_delivery, "uplink_delivery", uplink_rows);

static const struct mams_field steering_rows[] = {
	ROW_INT(U8, mx_traffic_steering_req, connection_id, "connection_id", 0, MAX_ID, "anchor"),
	ROW_OPT_INT(U8, mx_traffic_steering_req, mx_configuration_id, "mx_configuration_id", 0, 255,
		"when the anchor has several"),
	{.key = "downlink_delivery",
		.kind = MAMS_K_LIST,
		.flags = MAMS_F_LAX,
		.offset = offsetof(struct mx_traffic_steering_req, downlink_delivery),
		.count_offset = offsetof(struct mx_traffic_steering_req, n_downlink_delivery),
		.item_kind = MAMS_K_U8,
		.item_key = "connection_id",
		.max = MX_MAX_CONNECTIONS,
		.doc = "delivery connections for DL"},
	ROW_INT(U8, mx_traffic_steering_req, default_uplink_delivery, "default_uplink_delivery", 0,
		MAX_ID, "delivery connection for UL flows that no entry matches"),
	ROW_LIST(mx_traffic_steering_req, uplink_delivery, "uplink_delivery",
		MAMS_F_OPTIONAL | MAMS_F_LAX, &uplink_table, 0, 64, "first matching entry wins"),
	ROW_FEATURES(mx_traffic_steering_req),
};
static TABLE(steering_table, mx_traffic_steering_req, "mx_traffic_steering_req", steering_rows);

static const struct mams_field steering_rsp_rows[] = {
	ROW_SID(mx_traffic_steering_rsp),
	ROW_FEATURES(mx_traffic_steering_rsp),
};
static TABLE(
	steering_rsp_table, mx_traffic_steering_rsp, "mx_traffic_steering_rsp", steering_rsp_rows);

static const struct mams_field keep_alive_rows[] = {
	ROW_SID(mx_keep_alive),
	ROW_OPT_ENUM(mx_keep_alive, keep_alive_reason, "keep_alive_reason", keep_alive_names,
		"always in the REQ"),
	ROW_OPT_INT(U8, mx_keep_alive, connection_id, "connection_id", 0, MAX_ID, "with Handover"),
	ROW_STR(mx_keep_alive, delivery_node_id, "delivery_node_id", MAMS_F_OPTIONAL, 128,
		"with Handover"),
};
static TABLE(keep_alive_table, mx_keep_alive, "mx_keep_alive_req", keep_alive_rows);

/* C.3.22 and C.3.24 are closed: the responses have nothing but the session. */
static const struct mams_field keep_alive_rsp_rows[] = {ROW_SID(mx_keep_alive)};
static TABLE(keep_alive_rsp_table, mx_keep_alive, "mx_keep_alive_rsp", keep_alive_rsp_rows);

static const struct mams_field termination_rows[] = {
	ROW_SID(mx_session_termination),
	ROW_OPT_ENUM(
		mx_session_termination, reason, "reason", termination_names, "always in the REQ"),
};
static TABLE(
	termination_table, mx_session_termination, "mx_session_termination_req", termination_rows);

static const struct mams_field termination_rsp_rows[] = {ROW_SID(mx_session_termination)};
static TABLE(termination_rsp_table, mx_session_termination, "mx_session_termination_rsp",
	termination_rsp_rows);

/* --- the catalogue, requirements B.3 to B.21 ----------------------------------------------------
 */

static const char *const discover_types[] = {"mx_discovery", NULL};
static const char *const capability_rsp_types[] = {"mx_capability_resp", "mx_capability_res", NULL};
static const char *const up_setup_types[] = {"mx_up_setup_req", NULL};
static const char *const up_setup_cnf_types[] = {"mx_up_setup_rsp", NULL};
static const char *const path_est_types[] = {"mx_path_est_conf", NULL};
static const char *const steering_rsp_types[] = {"mx_traffic_steering_resp", NULL};

#define SID_PTR(S)                                                                                 \
	.session_offset = offsetof(struct S, unique_session_id), .session_kind = MX_SID_POINTER

const struct mx_row mx_rows[MX_TYPE_COUNT] = {
	[MX_DISCOVER] = {MX_DISCOVER, "mx_discover", discover_types, "6.3 / C.1.2.1", true, false,
		MX_SYSTEM_INFO, .body = &discover_table},
	[MX_SYSTEM_INFO] = {MX_SYSTEM_INFO, "mx_system_info", NULL, "6.3 / C.1.3.1", false, true,
		MX_TYPE_COUNT, .body = &system_info_table, .check = mx_check_system_info},
	[MX_CAPABILITY_REQ] = {MX_CAPABILITY_REQ, "mx_capability_req", NULL, "6.3 / C.1.4.1", true,
		true, MX_CAPABILITY_RSP, .body = &capability_table, SID_PTR(mx_capability),
		.check = mx_check_capability},
	[MX_CAPABILITY_RSP] = {MX_CAPABILITY_RSP, "mx_capability_rsp", capability_rsp_types,
		"6.3 / C.1.4.2", true, true, MX_TYPE_COUNT, .body = &capability_table,
		SID_PTR(mx_capability), .check = mx_check_capability},
	[MX_CAPABILITY_ACK] = {MX_CAPABILITY_ACK, "mx_capability_ack", NULL, "- / C.1.4.3", true,
		false, MX_TYPE_COUNT, .body = &capability_ack_table,
		.session_offset = offsetof(struct mx_capability_ack, unique_session_id),
		.session_kind = MX_SID_EMBEDDED},
	[MX_UP_SETUP_CONF_REQ] = {MX_UP_SETUP_CONF_REQ, "mx_up_setup_conf_req", up_setup_types,
		"6.4 / C.1.5.1", false, true, MX_UP_SETUP_CNF, .body = &up_setup_table,
		.check = mx_check_up_setup},
	[MX_UP_SETUP_CNF] = {MX_UP_SETUP_CNF, "mx_up_setup_cnf", up_setup_cnf_types,
		"6.4 / C.1.5.2", true, false, MX_TYPE_COUNT, .body = &up_setup_cnf_table,
		SID_PTR(mx_up_setup_cnf), .check = mx_check_up_setup_cnf},
	[MX_RECONF_REQ] = {MX_RECONF_REQ, "mx_reconf_req", NULL, "6.4 / C.1.6.1", true, false,
		MX_RECONF_RSP, .body = &reconf_table, SID_PTR(mx_reconf_req),
		.check = mx_check_reconf},
	[MX_RECONF_RSP] = {MX_RECONF_RSP, "mx_reconf_rsp", NULL, "6.4 / C.1.6.2", false, true,
		MX_TYPE_COUNT},
	[MX_PATH_EST_REQ] = {MX_PATH_EST_REQ, "mx_path_est_req", path_est_types, "6.5 / C.1.7.1",
		false, true, MX_TYPE_COUNT, .body = &path_est_table},
	[MX_PATH_EST_RESULTS] = {MX_PATH_EST_RESULTS, "mx_path_est_results", NULL, "6.5 / C.1.7.2",
		true, false, MX_TYPE_COUNT, .body = &path_est_results_table,
		SID_PTR(mx_path_est_results), .check = mx_check_path_est_results},
	[MX_TRAFFIC_STEERING_REQ] = {MX_TRAFFIC_STEERING_REQ, "mx_traffic_steering_req", NULL,
		"6.6 / C.1.8.1", false, true, MX_TRAFFIC_STEERING_RSP, .body = &steering_table,
		.check = mx_check_steering},
	[MX_TRAFFIC_STEERING_RSP] = {MX_TRAFFIC_STEERING_RSP, "mx_traffic_steering_rsp",
		steering_rsp_types, "6.6 / C.1.8.2", true, false, MX_TYPE_COUNT,
		.body = &steering_rsp_table, SID_PTR(mx_traffic_steering_rsp)},
	[MX_KEEP_ALIVE_REQ] = {MX_KEEP_ALIVE_REQ, "mx_keep_alive_req", NULL, "- / C.1.12.1", true,
		true, MX_KEEP_ALIVE_RSP, .body = &keep_alive_table, SID_PTR(mx_keep_alive),
		.check = mx_check_keep_alive_req},
	[MX_KEEP_ALIVE_RSP] = {MX_KEEP_ALIVE_RSP, "mx_keep_alive_rsp", NULL, "- / C.1.12.2", true,
		true, MX_TYPE_COUNT, .body = &keep_alive_rsp_table, SID_PTR(mx_keep_alive)},
	[MX_SESSION_TERMINATION_REQ] = {MX_SESSION_TERMINATION_REQ, "mx_session_termination_req",
		NULL, "- / C.1.13.1", true, true, MX_SESSION_TERMINATION_RSP,
		.body = &termination_table, SID_PTR(mx_session_termination),
		.check = mx_check_termination_req},
	[MX_SESSION_TERMINATION_RSP] = {MX_SESSION_TERMINATION_RSP, "mx_session_termination_rsp",
		NULL, "- / C.1.13.2", true, true, MX_TYPE_COUNT, .body = &termination_rsp_table,
		SID_PTR(mx_session_termination)},
};
