#include "lib/mx/mx_data_tables.h"

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

const struct mams_enum_name mx_measurement_names[] = {
	{"WLAN_RSSI", MX_M_WLAN_RSSI, false},
	{"WLAN_LOAD", MX_M_WLAN_LOAD, false},
	{"LTE_RSRP", MX_M_LTE_RSRP, false},
	{"LTE_RSRQ", MX_M_LTE_RSRQ, false},
	{"UL_TPUT", MX_M_UL_TPUT, false},
	{"DL_TPUT", MX_M_DL_TPUT, false},
	{"EST_UL_TPUT", MX_M_EST_UL_TPUT, false},
	{"EST_DL_TPUT", MX_M_EST_DL_TPUT, false},
	{"NR_RSRP", MX_M_NR_RSRP, false},
	{"NR_RSRQ", MX_M_NR_RSRQ, false},
	{"BATTERY", MX_M_BATTERY, false},
	{"wifi_rssi", MX_M_WLAN_RSSI, true},
	{"wlan-rssi", MX_M_WLAN_RSSI, true},
	{"lte-rsrp", MX_M_LTE_RSRP, true},
	{"lte-rsrq", MX_M_LTE_RSRQ, true},
	{"nr-rsrp", MX_M_NR_RSRP, true},
	{"nr-rsrq", MX_M_NR_RSRQ, true},
	{NULL, 0, false},
};

/* --- data types, RFC 8743 C.2 ------------------------------------------------------------------
 */

#define SECRET_STR (MAMS_F_OPTIONAL | MAMS_F_SECRET)

static const struct mams_field session_id_rows[] = {
	ROW_INT(U64, mx_session_id, ncm_id, "ncm_id", 0, 0, "unique in the operator's network"),
	ROW_INT(U64, mx_session_id, session_id, "session_id", 0, 0, "unique at that NCM"),
};
TABLE(mx_session_id_table, mx_session_id, "unique_session_id", session_id_rows);
static const struct mams_field connection_rows[] = {
	ROW_INT(U8, mx_connection, connection_id, "connection_id", 0, MX_ID_MAX,
		"unique in its list"),
	ROW_ENUM(mx_connection, connection_type, "connection_type", mx_connection_type_names,
		"access technology"),
};
TABLE(mx_connection_table, mx_connection, "connection", connection_rows);

static const struct mams_field end_point_rows[] = {
	ROW_STR(mx_end_point, ip_address, "ip_address", 0, 253, "IPv4, IPv6 or FQDN"),
	ROW_INT(U16, mx_end_point, port, "port", 1, 65535, "TCP port"),
};
static TABLE(end_point_table, mx_end_point, "ncm_end_point", end_point_rows);

static const struct mams_field ncm_connection_rows[] = {
	ROW_INT(U8, mx_ncm_connection, connection_id, "connection_id", 0, MX_ID_MAX,
		"anchor connection"),
	ROW_ENUM(mx_ncm_connection, connection_type, "connection_type", mx_connection_type_names,
		"access technology"),
	ROW_OBJ(mx_ncm_connection, ncm_end_point, "ncm_end_point", &end_point_table,
		"where control messages over this connection go"),
};
TABLE(mx_ncm_connection_table, mx_ncm_connection, "ncm_connection", ncm_connection_rows);

static const struct mams_field feature_rows[] = {
	ROW_ENUM(mx_feature_info, feature_name, "feature_name", mx_feature_names, "MX feature"),
	ROW_BOOL(mx_feature_info, active, "active", "offered or in effect"),
};
TABLE(mx_feature_table, mx_feature_info, "feature", feature_rows);

const char *const mx_feature_list_keys[] = {"FeatureActive", "features_active", NULL};
static const struct mams_field convergence_method_rows[] = {
	ROW_ENUM(mx_method, method, "method", mx_convergence_names, "convergence method"),
	ROW_BOOL(mx_method, supported, "supported", "can be used"),
};
TABLE(mx_convergence_method_table, mx_method, "convergence_method", convergence_method_rows);

static const struct mams_field adaptation_method_rows[] = {
	ROW_ENUM(mx_method, method, "method", mx_adaptation_names, "adaptation method"),
	ROW_BOOL(mx_method, supported, "supported", "can be used"),
};
TABLE(mx_adaptation_method_table, mx_method, "adaptation_method", adaptation_method_rows);

static const struct mams_enum_name gma_encapsulation_names[] = {
	{"trailer", MX_GMA_TRAILER, false},
	{"header_ip", MX_GMA_HEADER_IP, false},
	{"header_non_ip", MX_GMA_HEADER_NON_IP, false},
	{NULL, 0, false},
};

static const struct mams_field convergence_params_rows[] = {
	ROW_STR(mx_convergence_params, proxy_ip, "proxy_ip", MAMS_F_OPTIONAL, 64,
		"Convergence Proxy IP Address"),
	ROW_OPT_INT(U16, mx_convergence_params, proxy_port, "proxy_port", 1, 65535,
		"Convergence Proxy Port"),
	ROW_STR(mx_convergence_params, client_key, "client_key", SECRET_STR, 1024,
		"identifies the client at the proxy: base64 of the RFC 8803 cookie"),
	ROW_OPT_ENUM(mx_convergence_params, gma_encapsulation, "gma_encapsulation",
		gma_encapsulation_names, "of IPv4 packets; absent: trailer (ours)"),
	ROW_STR(mx_convergence_params, anchor_ipv4, "anchor_ipv4", MAMS_F_OPTIONAL, 64,
		"the client's address inside (ours)"),
	ROW_STR(mx_convergence_params, anchor_ipv6, "anchor_ipv6", MAMS_F_OPTIONAL, 64,
		"the client's address inside (ours)"),
	ROW_OPT_INT(U16, mx_convergence_params, anchor_mtu, "anchor_mtu", 576, 65535,
		"of packets inside (ours)"),
	ROW_SCALARS(mx_convergence_params, dns_servers, "dns_servers", MAMS_F_OPTIONAL, STRING, 0,
		8, "name servers to ask through the anchor (ours)"),
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
	ROW_OPT_BOOL(mx_adaptation_params, nat, "nat",
		"IPsec: there may be a NAT before the client, so tunnel mode (ours)"),
};
static TABLE(adaptation_params_table, mx_adaptation_params, "adaptation_method_param",
	adaptation_params_rows);

static const struct mams_field setup_delivery_rows[] = {
	ROW_INT(U8, mx_setup_delivery, connection_id, "connection_id", 0, MX_ID_MAX,
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
	ROW_INT(U8, mx_setup_anchor, connection_id, "connection_id", 0, MX_ID_MAX,
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
	{.key = "udp_port",
		.kind = MAMS_K_U16,
		.flags = MAMS_F_LAX | MAMS_F_OPTIONAL | MAMS_F_INPUT,
		.offset = offsetof(struct mx_setup_anchor, udp_port),
		.has_offset = offsetof(struct mx_setup_anchor, has_udp_port),
		.min = 1,
		.max = 65535,
		.doc = "of the configurations that name none"},
};
TABLE(mx_setup_anchor_table, mx_setup_anchor, "anchor_connection", setup_anchor_rows);

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
TABLE(mx_tft_table, mx_tft, "tft", tft_rows);

static const struct mams_field threshold_rows[] = {
	ROW_INT(I64, mx_threshold, high, "high", -MX_MEASURED_MAX, MX_MEASURED_MAX,
		"report at or above"),
	ROW_INT(I64, mx_threshold, low, "low", -MX_MEASURED_MAX, MX_MEASURED_MAX,
		"report at or below"),
};
static TABLE(threshold_table, mx_threshold, "threshold", threshold_rows);

static const char *const period_keys[] = {"meas_period", NULL};
static const struct mams_field meas_report_conf_rows[] = {
	ROW_ENUM(mx_meas_report_conf, meas_rep_param, "meas_rep_param", mx_measurement_names,
		"what to measure"),
	ROW_OBJ(mx_meas_report_conf, meas_threshold, "meas_threshold", &threshold_table,
		"unit of the parameter"),
	{.key = "meas_period_ms",
		.aliases = period_keys,
		.kind = MAMS_K_U32,
		.flags = MAMS_F_LAX,
		.offset = offsetof(struct mx_meas_report_conf, meas_period_ms),
		.min = 1,
		.max = 86400000,
		.doc = "ms between reports"},
};
static TABLE(meas_report_conf_table, mx_meas_report_conf, "meas_rep_conf", meas_report_conf_rows);

static const struct mams_field meas_conf_rows[] = {
	ROW_INT(U8, mx_meas_conf, connection_id, "connection_id", 0, MX_ID_MAX,
		"delivery connection"),
	ROW_ENUM(mx_meas_conf, connection_type, "connection_type", mx_connection_type_names,
		"access technology"),
	ROW_LIST(mx_meas_conf, meas_rep_conf, "meas_rep_conf", MAMS_F_SKIP_UNKNOWN,
		&meas_report_conf_table, 0, 16, "replaces what the connection had before"),
};
TABLE(mx_meas_conf_table, mx_meas_conf, "measurement_configuration", meas_conf_rows);

static const struct mams_field measurement_rows[] = {
	ROW_ENUM(mx_measurement, measurement_type, "measurement_type", mx_measurement_names,
		"what was measured"),
	ROW_INT(I64, mx_measurement, measurement_value, "measurement_value", -MX_MEASURED_MAX,
		MX_MEASURED_MAX,
		"dBm, dB, percent of load, Mbit/s; BATTERY (ours): percent of "
		"charge, 100 when it is not being used up"),
};
static TABLE(measurement_table, mx_measurement, "measurement", measurement_rows);

static const struct mams_field meas_report_rows[] = {
	ROW_INT(U8, mx_meas_report, connection_id, "connection_id", 0, MX_ID_MAX,
		"delivery connection"),
	ROW_ENUM(mx_meas_report, connection_type, "connection_type", mx_connection_type_names,
		"access technology"),
	ROW_STR(mx_meas_report, delivery_node_id, "delivery_node_id", MAMS_F_OPTIONAL, 128,
		"ECGI, or AP id or MAC"),
	ROW_LIST(mx_meas_report, measurements, "measurements", MAMS_F_SKIP_UNKNOWN,
		&measurement_table, 0, 16, "what was measured"),
};
TABLE(mx_meas_report_table, mx_meas_report, "measurement_report", meas_report_rows);
