#include "lib/mx/mx_tables.h"
#include "lib/mx/mx_data_tables.h"

/* --- names: emitted form first, then what A.4 accepts */

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

const struct mams_enum_name mx_ssid_type_names[] = {
	{"ssid", MX_SSID, false},
	{"bssid", MX_BSSID, false},
	{"hessid", MX_HESSID, false},
	{NULL, 0, false},
};

const struct mams_enum_name mx_mode_names[] = {
	{"single", MX_MODE_SINGLE, false},
	{"active-standby", MX_MODE_ACTIVE_STANDBY, false},
	{"smallest-delay", MX_MODE_SMALLEST_DELAY, false},
	{"priority", MX_MODE_PRIORITY, false},
	{"split", MX_MODE_SPLIT, false},
	{"duplicate", MX_MODE_DUPLICATE, false},
	{NULL, 0, false},
};

static const struct mams_enum_name predict_names[] = {
	{"bandwidth", MX_P_BANDWIDTH, false},
	{"jitter", MX_P_JITTER, false},
	{"latency", MX_P_LATENCY, false},
	{"signal_quality", MX_P_SIGNAL_QUALITY, false},
	{NULL, 0, false},
};

/* --- messages, RFC 8743 C.1 --------------------------------------------------------------------
 */

static const struct mams_field discover_rows[] = {
	ROW_STR(mx_discover, mcc_mnc_tuple, "MCC_MNC_Tuple", MAMS_F_OPTIONAL, 6,
		"home network, E.212 digits"),
};
static TABLE(discover_table, mx_discover, "mx_discover", discover_rows);

/* C.2.2: the session begins here; 8.4 and C.3 have it in the capabilities. */
static const struct mams_field system_info_rows[] = {
	ROW_LIST(mx_system_info, ncm_connections, "ncm_connections", 0, &mx_ncm_connection_table, 1,
		MX_MAX_CONNECTIONS, "anchor connections and their NCM endpoints"),
	{.key = "unique_session_id",
		.kind = MAMS_K_OBJECT,
		.flags = MAMS_F_OPTIONAL | MAMS_F_INPUT,
		.offset = offsetof(struct mx_system_info, unique_session_id),
		.table = &mx_session_id_table,
		.doc = "of the session that begins"},
};
static TABLE(system_info_table, mx_system_info, "mx_system_info", system_info_rows);

static const struct mams_field capability_rows[] = {
	ROW_SID(mx_capability),
	ROW_FEATURES(mx_capability),
	ROW_INT(U32, mx_capability, num_anchor_connections, "num_anchor_connections", 0,
		MX_MAX_CONNECTIONS, "length of anchor_connections"),
	ROW_LIST(mx_capability, anchor_connections, "anchor_connections", 0, &mx_connection_table,
		0, MX_MAX_CONNECTIONS, "core networks"),
	ROW_INT(U32, mx_capability, num_delivery_connections, "num_delivery_connections", 0,
		MX_MAX_CONNECTIONS, "length of delivery_connections"),
	ROW_LIST(mx_capability, delivery_connections, "delivery_connections", 0,
		&mx_connection_table, 0, MX_MAX_CONNECTIONS, "access links"),
	ROW_LIST(mx_capability, convergence_methods, "convergence_methods", MAMS_F_SKIP_UNKNOWN,
		&mx_convergence_method_table, 0, 16, "MX Convergence Method Support List"),
	ROW_LIST(mx_capability, adaptation_methods, "adaptation_methods", MAMS_F_SKIP_UNKNOWN,
		&mx_adaptation_method_table, 0, 16, "MX Adaptation Method Support List"),
};
static TABLE(capability_table, mx_capability, "mx_capability", capability_rows);

static const struct mams_field capability_ack_rows[] = {
	ROW_OBJ(mx_capability_ack, unique_session_id, "unique_session_id", &mx_session_id_table,
		"as in the RSP"),
	ROW_ENUM(mx_capability_ack, capability_ack, "capability_ack", ack_names,
		"MX_REJECT ends the session"),
};
static TABLE(capability_ack_table, mx_capability_ack, "mx_capability_ack", capability_ack_rows);

static const struct mams_field up_setup_rows[] = {
	ROW_INT(U32, mx_up_setup_conf_req, num_anchor_connections, "num_anchor_connections", 1,
		MX_MAX_CONNECTIONS, "length of anchor_connections"),
	ROW_LIST(mx_up_setup_conf_req, anchor_connections, "anchor_connections", 0,
		&mx_setup_anchor_table, 1, MX_MAX_CONNECTIONS, "one MADP instance each"),
};
static TABLE(up_setup_table, mx_up_setup_conf_req, "mx_up_setup_conf_req", up_setup_rows);

static const struct mams_field probe_param_rows[] = {
	ROW_INT(U16, mx_probe_param, probe_port, "probe_port", 1, 65535, "of the C-MADP"),
	ROW_INT(U8, mx_probe_param, anchor_conn_id, "anchor_conn_id", 0, MX_ID_MAX, "anchor"),
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
	ROW_INT(U8, mx_client_param, connection_id, "connection_id", 0, MX_ID_MAX,
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
	ROW_INT(U8, mx_reconf_req, connection_id, "connection_id", 0, MX_ID_MAX,
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
	ROW_INT(U8, mx_path_est_req, connection_id, "connection_id", 0, MX_ID_MAX,
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

#define NUMBER_FROM(S, m, k, lo, hi, d)                                                            \
	{                                                                                          \
		.key = (k), .kind = MAMS_K_NUMBER, .flags = MAMS_F_LAX,                            \
		.offset = offsetof(struct S, m), .min = (lo), .max = (hi), .doc = (d)              \
	}
#define NUMBER(S, m, k, hi, d) NUMBER_FROM(S, m, k, 0, hi, d)
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
	ROW_INT(U8, mx_path_est_results, connection_id, "connection_id", 0, MX_ID_MAX,
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
	{.key = "ul_tft",
		.kind = MAMS_K_OBJECT,
		.flags = MAMS_F_OPTIONAL | MAMS_F_LAX,
		.offset = offsetof(struct mx_uplink_delivery, ul_tft),
		.table = &mx_tft_table,
		.doc = "which flows; absent: all"},
	{.key = "ul_tft",
		.kind = MAMS_K_LIST,
		.flags = MAMS_F_OPTIONAL | MAMS_F_INPUT,
		.offset = offsetof(struct mx_uplink_delivery, ul_tfts),
		.count_offset = offsetof(struct mx_uplink_delivery, n_ul_tfts),
		.item_kind = MAMS_K_OBJECT,
		.table = &mx_tft_table,
		.min = 1,
		.max = MX_MAX_UPLINK,
		.doc = "any of these flows"},
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

static const struct mams_field uplink_mode_rows[] = {
	ROW_INT(U8, mx_uplink_mode, entry, "entry", 0, MX_MAX_UPLINK - 1,
		"of uplink_delivery, the first is 0"),
	ROW_ENUM(mx_uplink_mode, mode, "mode", mx_mode_names, "how GMA uses its connections"),
};
static TABLE(uplink_mode_table, mx_uplink_mode, "uplink_mode", uplink_mode_rows);

static const struct mams_field steering_rows[] = {
	ROW_INT(U8, mx_traffic_steering_req, connection_id, "connection_id", 0, MX_ID_MAX,
		"anchor"),
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
		MX_ID_MAX, "delivery connection for UL flows that no entry matches"),
	ROW_LIST(mx_traffic_steering_req, uplink_delivery, "uplink_delivery",
		MAMS_F_OPTIONAL | MAMS_F_LAX, &uplink_table, 0, MX_MAX_UPLINK,
		"first matching entry wins"),
	ROW_FEATURES(mx_traffic_steering_req),
	ROW_OPT_ENUM(mx_traffic_steering_req, uplink_mode, "uplink_mode", mx_mode_names,
		"how GMA uses the uplink's connections; absent: as the features say (ours)"),
	ROW_OPT_ENUM(mx_traffic_steering_req, downlink_mode, "downlink_mode", mx_mode_names,
		"likewise, downlink (ours)"),
	ROW_LIST(mx_traffic_steering_req, uplink_modes, "uplink_modes", MAMS_F_OPTIONAL,
		&uplink_mode_table, 0, MX_MAX_UPLINK,
		"of single entries; absent: the first connection carries, the others stand by "
		"(ours)"),
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
	ROW_OPT_INT(
		U8, mx_keep_alive, connection_id, "connection_id", 0, MX_ID_MAX, "with Handover"),
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

static const char *const assoc_anchor_keys[] = {"connection_id", NULL};
static const char *const assoc_ul_keys[] = {"tft_ul_list", NULL};
static const char *const assoc_dl_keys[] = {"dl_tft", "tft_dl_list", NULL};
#define TFT_LIST(m, k, a, d)                                                                       \
	{                                                                                          \
		.key = (k), .aliases = (a), .kind = MAMS_K_LIST, .flags = MAMS_F_LAX,              \
		.offset = offsetof(struct mx_app_madp_assoc, m),                                   \
		.count_offset = offsetof(struct mx_app_madp_assoc, n_##m),                         \
		.item_kind = MAMS_K_OBJECT, .table = &mx_tft_table, .max = 64, .doc = (d)          \
	}
static const struct mams_field app_madp_assoc_rows[] = {
	{.key = "anchor_conn_id",
		.aliases = assoc_anchor_keys,
		.kind = MAMS_K_U8,
		.flags = MAMS_F_LAX,
		.offset = offsetof(struct mx_app_madp_assoc, anchor_conn_id),
		.max = MX_ID_MAX,
		.doc = "anchor connection"},
	ROW_OPT_INT(U8, mx_app_madp_assoc, mx_configuration_id, "mx_configuration_id", 0, 255,
		"when the anchor has several"),
	TFT_LIST(ul_tft_list, "ul_tft_list", assoc_ul_keys, "flows, uplink"),
	TFT_LIST(dl_tft_list, "dl_tft_list", assoc_dl_keys, "flows, downlink"),
};
static TABLE(app_madp_assoc_table, mx_app_madp_assoc, "app_madp_assoc", app_madp_assoc_rows);

static const struct mams_field assoc_req_rows[] = {
	ROW_SID(mx_app_madp_assoc_req),
	ROW_LIST(mx_app_madp_assoc_req, app_madp_assoc_list, "app_madp_assoc_list", 0,
		&app_madp_assoc_table, 1, 32, "which flows belong to which MADP instance"),
};
static TABLE(assoc_req_table, mx_app_madp_assoc_req, "mx_app_madp_assoc_req", assoc_req_rows);

static const struct mams_field assoc_rsp_rows[] = {
	ROW_SID(mx_app_madp_assoc_rsp),
	ROW_BOOL(mx_app_madp_assoc_rsp, is_success, "is_success", "of the whole list, or of none"),
};
static TABLE(assoc_rsp_table, mx_app_madp_assoc_rsp, "mx_app_madp_assoc_rsp", assoc_rsp_rows);

static const char *const ssid_id_keys[] = {"ssid", NULL};
static const struct mams_field ssid_rows[] = {
	ROW_ENUM(mx_ssid, ssid_type, "ssid_type", mx_ssid_type_names, "kind of identifier"),
	{.key = "ssid_id",
		.aliases = ssid_id_keys,
		.kind = MAMS_K_STRING,
		.offset = offsetof(struct mx_ssid, ssid_id),
		.max = 64,
		.doc = "name of the network"},
};
static TABLE(ssid_table, mx_ssid, "ssid", ssid_rows);

static const struct mams_field ssid_indication_rows[] = {
	ROW_LIST(mx_ssid_indication, ssid_list, "ssid_list", MAMS_F_SKIP_UNKNOWN, &ssid_table, 1,
		64, "networks that the client should prefer"),
};
static TABLE(ssid_indication_table, mx_ssid_indication, "mx_ssid_indication", ssid_indication_rows);

static const struct mams_field measurement_conf_rows[] = {
	ROW_LIST(mx_measurement_conf, measurement_configuration, "measurement_configuration", 0,
		&mx_meas_conf_table, 1, MX_MAX_CONNECTIONS, "per delivery connection"),
};
static TABLE(
	measurement_conf_table, mx_measurement_conf, "mx_measurement_conf", measurement_conf_rows);

static const struct mams_field measurement_report_rows[] = {
	ROW_SID(mx_measurement_report),
	ROW_LIST(mx_measurement_report, measurement_reports, "measurement_reports", 0,
		&mx_meas_report_table, 1, MX_MAX_CONNECTIONS, "per delivery connection"),
};
static TABLE(measurement_report_table, mx_measurement_report, "mx_measurement_report",
	measurement_report_rows);

static const struct mams_field analytics_req_rows[] = {
	ROW_SID(mx_network_analytics_req),
	{.key = "params",
		.kind = MAMS_K_LIST,
		.flags = MAMS_F_LAX | MAMS_F_SKIP_UNKNOWN,
		.offset = offsetof(struct mx_network_analytics_req, params),
		.count_offset = offsetof(struct mx_network_analytics_req, n_params),
		.item_kind = MAMS_K_ENUM,
		.names = predict_names,
		.min = 1,
		.max = 16,
		.doc = "what shall be predicted"},
};
static TABLE(analytics_req_table, mx_network_analytics_req, "mx_network_analytics_req",
	analytics_req_rows);

static const struct mams_field prediction_rows[] = {
	ROW_ENUM(mx_prediction, param_name, "param_name", predict_names, "what is predicted"),
	ROW_OPT_ENUM(mx_prediction, additional_param, "additional_param", mx_measurement_names,
		"which signal, with signal_quality"),
	NUMBER_FROM(mx_prediction, prediction, "prediction", -MX_MEASURED_MAX, MX_MEASURED_MAX,
		"Mbit/s, ms, dBm; a fraction of jitter or latency is in seconds"),
	ROW_INT(U8, mx_prediction, likelihood, "likelihood", 1, 100, "percent"),
	ROW_INT(U32, mx_prediction, validity_time, "validity_time", 0, UINT32_MAX, "s"),
};
static TABLE(prediction_table, mx_prediction, "prediction", prediction_rows);

static const struct mams_field analytics_rows[] = {
	ROW_INT(U8, mx_analytics, connection_id, "connection_id", 0, MX_ID_MAX,
		"delivery connection"),
	ROW_ENUM(mx_analytics, connection_type, "connection_type", mx_connection_type_names,
		"access technology"),
	ROW_LIST(mx_analytics, predictions, "predictions", MAMS_F_SKIP_UNKNOWN, &prediction_table,
		0, 32, "for this connection"),
};
static TABLE(analytics_table, mx_analytics, "param_list", analytics_rows);

static const struct mams_field analytics_rsp_rows[] = {
	ROW_LIST(mx_network_analytics_rsp, param_list, "param_list", 0, &analytics_table, 1,
		MX_MAX_CONNECTIONS, "one entry per delivery connection"),
};
static TABLE(analytics_rsp_table, mx_network_analytics_rsp, "mx_network_analytics_rsp",
	analytics_rsp_rows);

/* --- the catalogue, requirements B.3 to B.22 ----------------------------------------------------
 */

static const char *const discover_types[] = {"mx_discovery", NULL};
static const char *const capability_rsp_types[] = {"mx_capability_resp", "mx_capability_res", NULL};
static const char *const up_setup_types[] = {"mx_up_setup_req", NULL};
static const char *const up_setup_cnf_types[] = {"mx_up_setup_rsp", NULL};
static const char *const path_est_types[] = {"mx_path_est_conf", NULL};
static const char *const steering_rsp_types[] = {"mx_traffic_steering_resp", NULL};
static const char *const assoc_rsp_types[] = {"mx_app_madp_assoc_resp", NULL};

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
	[MX_APP_MADP_ASSOC_REQ] = {MX_APP_MADP_ASSOC_REQ, "mx_app_madp_assoc_req", NULL,
		"- / C.1.9.1", true, false, MX_APP_MADP_ASSOC_RSP, .body = &assoc_req_table,
		SID_PTR(mx_app_madp_assoc_req), .check = mx_check_assoc_req},
	[MX_APP_MADP_ASSOC_RSP] = {MX_APP_MADP_ASSOC_RSP, "mx_app_madp_assoc_rsp", assoc_rsp_types,
		"- / C.1.9.2", false, true, MX_TYPE_COUNT, .body = &assoc_rsp_table,
		SID_PTR(mx_app_madp_assoc_rsp)},
	[MX_SSID_INDICATION] = {MX_SSID_INDICATION, "mx_ssid_indication", NULL, "- / C.1.10.1",
		false, true, MX_TYPE_COUNT, .body = &ssid_indication_table},
	[MX_MEASUREMENT_CONF] = {MX_MEASUREMENT_CONF, "mx_measurement_conf", NULL, "- / C.1.11.1",
		false, true, MX_TYPE_COUNT, .body = &measurement_conf_table,
		.check = mx_check_measurement_conf},
	[MX_MEASUREMENT_REPORT] = {MX_MEASUREMENT_REPORT, "mx_measurement_report", NULL,
		"- / C.1.11.2", true, false, MX_TYPE_COUNT, .body = &measurement_report_table,
		SID_PTR(mx_measurement_report), .check = mx_check_measurement_report},
	[MX_NETWORK_ANALYTICS_REQ] = {MX_NETWORK_ANALYTICS_REQ, "mx_network_analytics_req", NULL,
		"- / C.1.14.1", true, false, MX_NETWORK_ANALYTICS_RSP, .body = &analytics_req_table,
		SID_PTR(mx_network_analytics_req), .check = mx_check_analytics_req},
	[MX_NETWORK_ANALYTICS_RSP] = {MX_NETWORK_ANALYTICS_RSP, "mx_network_analytics_rsp", NULL,
		"- / C.1.14.2", false, true, MX_TYPE_COUNT, .body = &analytics_rsp_table,
		.check = mx_check_analytics_rsp},
};
