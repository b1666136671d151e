/** @file mx_types.h
 *  One struct per MX message and data type.  Layer: mx (pure).
 *  Source: draft-zhu-intarea-mams-control-protocol-00 section 6 for procedures and fields, RFC 8743
 *  appendix C for the encoding; the section stands above each.  Strings and lists point into the
 *  message's arena (mx.h); an optional scalar has has_..., an optional string or object is NULL. */
#pragma once

#include "lib/base/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MX_VERSION "1.0"
#define MX_MAX_BYTES 65536u /**< of one encoded message */
#define MX_MAX_CONNECTIONS                                                                         \
	16 /**< connection ids 0..15, so that GMA's 4-bit fields can carry them */

#define MX_MAX_UPLINK 64 /**< entries of uplink_delivery */

/** RFC 8743 C.2.1 */
enum mx_type {
	MX_DISCOVER,
	MX_SYSTEM_INFO,
	MX_CAPABILITY_REQ,
	MX_CAPABILITY_RSP,
	MX_CAPABILITY_ACK,
	MX_UP_SETUP_CONF_REQ,
	MX_UP_SETUP_CNF,
	MX_RECONF_REQ,
	MX_RECONF_RSP,
	MX_PATH_EST_REQ,
	MX_PATH_EST_RESULTS,
	MX_TRAFFIC_STEERING_REQ,
	MX_TRAFFIC_STEERING_RSP,
	MX_APP_MADP_ASSOC_REQ,
	MX_APP_MADP_ASSOC_RSP,
	MX_SSID_INDICATION,
	MX_MEASUREMENT_CONF,
	MX_MEASUREMENT_REPORT,
	MX_KEEP_ALIVE_REQ,
	MX_KEEP_ALIVE_RSP,
	MX_SESSION_TERMINATION_REQ,
	MX_SESSION_TERMINATION_RSP,
	MX_NETWORK_ANALYTICS_REQ,
	MX_NETWORK_ANALYTICS_RSP,
	MX_TYPE_COUNT,
};

/** Seed 6.3: 0 Wi-Fi, 1 5G NR, 2 Multi-Fire, 3 LTE */
enum mx_connection_type { MX_WIFI = 0, MX_5G_NR = 1, MX_MULTEFIRE = 2, MX_LTE = 3 };

enum mx_feature {
	MX_F_LOSSLESS_SWITCHING,
	MX_F_FRAGMENTATION,
	MX_F_CONCATENATION,
	MX_F_UPLINK_AGGREGATION,
	MX_F_DOWNLINK_AGGREGATION,
	MX_F_MEASUREMENT,
	MX_F_PROBING,
	MX_F_COUNT,
};

enum mx_convergence {
	MX_CONV_GMA,
	MX_CONV_MPTCP_PROXY,
	MX_CONV_GRE,
	MX_CONV_MPQUIC,
	MX_CONV_COUNT
};
enum mx_adaptation {
	MX_ADAPT_UDP,
	MX_ADAPT_DTLS,
	MX_ADAPT_IPSEC,
	MX_ADAPT_CLIENT_NAT,
	MX_ADAPT_COUNT,
};
/** Those that GMA can come in here. */
#define MX_GMA_ADAPTATIONS                                                                         \
	(1u << MX_ADAPT_UDP | 1u << MX_ADAPT_DTLS | 1u << MX_ADAPT_IPSEC |                         \
		1u << MX_ADAPT_CLIENT_NAT)
enum mx_reconf_action { MX_RELEASE = 0, MX_SETUP = 1, MX_UPDATE = 2 };
enum mx_connection_status { MX_STATUS_DISABLED, MX_STATUS_ENABLED, MX_STATUS_CONNECTED };
enum mx_capability_ack_value { MX_ACCEPT, MX_REJECT };
enum mx_keep_alive_reason { MX_KA_TIMEOUT, MX_KA_HANDOVER };
enum mx_termination_reason { MX_NORMAL_RELEASE, MX_NO_RESPONSE, MX_INTERNAL_ERROR };
enum mx_ssid_type { MX_SSID, MX_BSSID, MX_HESSID };
enum mx_measurement_type {
	MX_M_WLAN_RSSI,
	MX_M_WLAN_LOAD,
	MX_M_LTE_RSRP,
	MX_M_LTE_RSRQ,
	MX_M_UL_TPUT,
	MX_M_DL_TPUT,
	MX_M_EST_UL_TPUT,
	MX_M_EST_DL_TPUT,
	MX_M_NR_RSRP,
	MX_M_NR_RSRQ,
	MX_M_BATTERY, /**< of the client, which reports it of any connection (ours) */
	MX_M_COUNT,
};
enum mx_predict_param {
	MX_P_BANDWIDTH,
	MX_P_JITTER,
	MX_P_LATENCY,
	MX_P_SIGNAL_QUALITY,
	MX_P_COUNT
};

/** How a direction uses its list of connections, where the convergence can (ours). */
enum mx_mode {
	MX_MODE_SINGLE,
	MX_MODE_ACTIVE_STANDBY,
	MX_MODE_SMALLEST_DELAY,
	MX_MODE_PRIORITY,
	MX_MODE_SPLIT,
	MX_MODE_DUPLICATE,
	MX_MODE_COUNT,
};

/* --- data types, RFC 8743 C.2 ------------------------------------------------------------- */

struct mx_session_id {
	uint64_t ncm_id;     /**< 0..2^53-1 */
	uint64_t session_id; /**< unguessable */
};

struct mx_connection {
	uint8_t connection_id;
	int connection_type; /**< enum mx_connection_type */
};

struct mx_end_point {
	const char *ip_address; /**< IPv4, IPv6 or FQDN (seed 6.3) */
	uint16_t port;
};

struct mx_ncm_connection {
	uint8_t connection_id;
	int connection_type;
	struct mx_end_point ncm_end_point;
};

struct mx_feature_info {
	int feature_name; /**< enum mx_feature */
	bool active;
};

struct mx_method {
	int method; /**< enum mx_convergence or enum mx_adaptation */
	bool supported;
};

/** RFC 9188 4: of IPv4 packets. */
enum mx_gma_encapsulation { MX_GMA_TRAILER, MX_GMA_HEADER_IP, MX_GMA_HEADER_NON_IP };

/** Those of GMA are ours: neither RFC 8743 nor RFC 9188 tells the client its address inside. */
struct mx_convergence_params {
	const char *proxy_ip; /**< NULL when absent */
	bool has_proxy_port;
	uint16_t proxy_port;
	const char *client_key; /**< secret; base64 of the RFC 8803 cookie; NULL when absent */
	bool has_gma_encapsulation;
	int gma_encapsulation;   /**< enum mx_gma_encapsulation; absent: trailer */
	const char *anchor_ipv4; /**< GMA: the client's address inside; at least one of both */
	const char *anchor_ipv6;
	bool has_anchor_mtu;
	uint16_t anchor_mtu;      /**< of packets inside */
	const char **dns_servers; /**< addresses */
	size_t n_dns_servers;
};

struct mx_adaptation_params {
	const char *tunnel_ip_addr;
	bool has_tunnel_end_port;
	uint16_t tunnel_end_port;
	const char *shared_secret; /**< secret */
	bool has_mx_header_optimization;
	bool mx_header_optimization;
	bool has_nat;
	bool nat;
};

struct mx_setup_delivery {
	uint8_t connection_id;
	int connection_type;
	bool has_adaptation_method; /**< false = no adaptation */
	int adaptation_method;
	struct mx_adaptation_params *adaptation_method_param;
};

struct mx_convergence_config {
	bool has_mx_configuration_id;
	uint8_t mx_configuration_id;
	bool has_convergence_method; /**< false = no convergence, RFC 8743 section 12 */
	int convergence_method;
	struct mx_convergence_params *convergence_method_params;
	bool has_udp_port;
	uint16_t udp_port;
	uint32_t num_delivery_connections; /**< = n_delivery_connections */
	struct mx_setup_delivery *delivery_connections;
	size_t n_delivery_connections;
};

struct mx_setup_anchor {
	uint8_t connection_id;
	int connection_type;
	bool has_num_active_mx_conf;
	uint32_t num_active_mx_conf;
	struct mx_convergence_config *convergence_config;
	size_t n_convergence_config;
	bool has_udp_port; /**< on input only; decoding gives it to the configurations without */
	uint16_t udp_port;
};

struct mx_port_range {
	uint16_t start, end;
};

struct mx_tft {
	const char *remote_addr_mask; /**< NULL = any */
	const char *local_addr_mask;
	bool has_protocol_type;
	uint8_t protocol_type; /**< 255 = any */
	struct mx_port_range *local_port_range;
	struct mx_port_range *remote_port_range;
	bool has_traffic_class;
	uint8_t traffic_class; /**< 255 = any */
	bool has_flow_label;
	uint32_t flow_label; /**< 0 = any */
};

/** C.2.17; low <= high */
struct mx_threshold {
	int64_t high, low;
};

struct mx_meas_report_conf {
	int meas_rep_param; /**< enum mx_measurement_type */
	struct mx_threshold meas_threshold;
	uint32_t meas_period_ms;
};

struct mx_meas_conf {
	uint8_t connection_id;
	int connection_type;
	struct mx_meas_report_conf *meas_rep_conf;
	size_t n_meas_rep_conf;
};

struct mx_measurement {
	int measurement_type;      /**< enum mx_measurement_type */
	int64_t measurement_value; /**< dBm, dB, percent of load, Mbit/s */
};

/** C.2.18 */
struct mx_meas_report {
	uint8_t connection_id;
	int connection_type;
	const char *delivery_node_id;
	struct mx_measurement *measurements;
	size_t n_measurements;
};

/* --- messages, RFC 8743 C.1 --------------------------------------------------------------- */

/** Seed 6.3; C.1.2.1 */
struct mx_discover {
	const char *mcc_mnc_tuple;
};

/** Seed 6.3; C.1.2.2 */
struct mx_system_info {
	struct mx_ncm_connection *ncm_connections;
	size_t n_ncm_connections;
	struct mx_session_id *unique_session_id; /**< on input only: C.2.2 has it here */
};

/** Seed 6.3; C.1.4.1 and C.1.4.2: REQ and RSP have the same groups */
struct mx_capability {
	struct mx_session_id *unique_session_id;
	struct mx_feature_info *feature_active;
	size_t n_feature_active;
	uint32_t num_anchor_connections;
	struct mx_connection *anchor_connections;
	size_t n_anchor_connections;
	uint32_t num_delivery_connections;
	struct mx_connection *delivery_connections;
	size_t n_delivery_connections;
	struct mx_method *convergence_methods;
	size_t n_convergence_methods;
	struct mx_method *adaptation_methods;
	size_t n_adaptation_methods;
};

/** C.1.4.3 */
struct mx_capability_ack {
	struct mx_session_id unique_session_id;
	int capability_ack;
};

/** Seed 6.4; C.1.5.1 */
struct mx_up_setup_conf_req {
	uint32_t num_anchor_connections;
	struct mx_setup_anchor *anchor_connections;
	size_t n_anchor_connections;
};

struct mx_probe_param {
	uint16_t probe_port;
	uint8_t anchor_conn_id;
	bool has_mx_configuration_id;
	uint8_t mx_configuration_id;
};

struct mx_adapt_param {
	uint16_t udp_adapt_port;
};

struct mx_client_param {
	uint8_t connection_id;
	struct mx_adapt_param *adapt_param;
};

/** Seed 6.4; C.1.5.2; a connection that is not listed failed */
struct mx_up_setup_cnf {
	struct mx_session_id *unique_session_id;
	struct mx_probe_param *probe_param;
	uint32_t num_delivery_conn;
	struct mx_client_param *client_params;
	size_t n_client_params;
};

/** Seed 6.4; C.1.6.1 */
struct mx_reconf_req {
	struct mx_session_id *unique_session_id;
	int reconf_action;
	uint8_t connection_id;
	const char *ip_address;
	bool has_mtu_size;
	uint16_t mtu_size;
	const char *ssid;
	bool has_connection_status;
	int connection_status;
	const char *delivery_node_id;
};

/** Seed 6.5; C.1.7.1 */
struct mx_path_est_req {
	uint8_t connection_id;
	uint32_t init_probe_test_duration_ms;
	uint32_t init_probe_test_rate_mbps;
	uint32_t init_probe_size_bytes;
	bool init_probe_ack_req;
	uint32_t active_probe_freq_ms;
	uint32_t active_probe_size_bytes;
	bool has_active_probe_duration_sec;
	uint32_t active_probe_duration_sec;
	bool active_probe_ack_req;
};

struct mx_init_probe_results {
	double lost_probes_percentage;
	double probe_rate_mbps;
	bool has_probe_delay_us;
	uint32_t probe_delay_us;
};

struct mx_active_probe_results {
	double avg_tput_last_probe_duration_mbps;
};

/** Seed 6.5; C.1.7.2 */
struct mx_path_est_results {
	struct mx_session_id *unique_session_id;
	uint8_t connection_id;
	struct mx_init_probe_results *init_probe_results;
	struct mx_active_probe_results *active_probe_results;
};

struct mx_uplink_delivery {
	struct mx_tft *ul_tft;
	struct mx_tft *ul_tfts; /**< on input only; decoding makes an entry of each */
	size_t n_ul_tfts;
	uint8_t *connection_list;
	size_t n_connection_list;
};

/** How GMA uses the connections of one uplink_delivery (ours: an entry has no room for it). */
struct mx_uplink_mode {
	uint8_t entry; /**< index */
	int mode;      /**< enum mx_mode */
};

/** Seed 6.6; C.1.8.1 */
struct mx_traffic_steering_req {
	uint8_t connection_id; /**< of the anchor */
	bool has_mx_configuration_id;
	uint8_t mx_configuration_id;
	uint8_t *downlink_delivery;
	size_t n_downlink_delivery;
	uint8_t default_uplink_delivery;
	struct mx_uplink_delivery *uplink_delivery;
	size_t n_uplink_delivery;
	struct mx_feature_info *feature_active;
	size_t n_feature_active;
	bool has_uplink_mode, has_downlink_mode; /**< GMA; absent: as the features say (ours) */
	int uplink_mode, downlink_mode;          /**< enum mx_mode */
	struct mx_uplink_mode *uplink_modes;     /**< of templates' entries; absent: the first
						  * carries, the others stand by */
	size_t n_uplink_modes;
};

/** Seed 6.6; C.1.8.2: the features now really in effect */
struct mx_traffic_steering_rsp {
	struct mx_session_id *unique_session_id;
	struct mx_feature_info *feature_active;
	size_t n_feature_active;
};

/** C.1.12.1 and C.1.12.2 */
struct mx_keep_alive {
	struct mx_session_id *unique_session_id;
	bool has_keep_alive_reason; /**< always present in REQ */
	int keep_alive_reason;
	bool has_connection_id; /**< Handover only */
	uint8_t connection_id;
	const char *delivery_node_id;
};

/** C.1.13.1 and C.1.13.2 */
struct mx_session_termination {
	struct mx_session_id *unique_session_id;
	bool has_reason; /**< always present in REQ */
	int reason;
};

/** Flows of one MADP instance, (anchor, configuration) */
struct mx_app_madp_assoc {
	uint8_t anchor_conn_id;
	bool has_mx_configuration_id;
	uint8_t mx_configuration_id;
	struct mx_tft *ul_tft_list;
	size_t n_ul_tft_list;
	struct mx_tft *dl_tft_list;
	size_t n_dl_tft_list;
};

/** C.1.9.1 */
struct mx_app_madp_assoc_req {
	struct mx_session_id *unique_session_id;
	struct mx_app_madp_assoc *app_madp_assoc_list;
	size_t n_app_madp_assoc_list;
};

/** C.1.9.2 */
struct mx_app_madp_assoc_rsp {
	struct mx_session_id *unique_session_id;
	bool is_success;
};

struct mx_ssid {
	int ssid_type; /**< enum mx_ssid_type */
	const char *ssid_id;
};

/** C.1.10.1 */
struct mx_ssid_indication {
	struct mx_ssid *ssid_list;
	size_t n_ssid_list;
};

/** C.1.11.1 */
struct mx_measurement_conf {
	struct mx_meas_conf *measurement_configuration;
	size_t n_measurement_configuration;
};

/** C.1.11.2 */
struct mx_measurement_report {
	struct mx_session_id *unique_session_id;
	struct mx_meas_report *measurement_reports;
	size_t n_measurement_reports;
};

/** C.1.14.1 */
struct mx_network_analytics_req {
	struct mx_session_id *unique_session_id;
	int *params; /**< enum mx_predict_param */
	size_t n_params;
};

struct mx_prediction {
	int param_name; /**< enum mx_predict_param */
	bool has_additional_param;
	int additional_param; /**< enum mx_measurement_type, a signal */
	double prediction;    /**< whole: Mbit/s, ms, dBm; see mx_prediction_value() */
	uint8_t likelihood;   /**< percent */
	uint32_t validity_time;
};

struct mx_analytics {
	uint8_t connection_id;
	int connection_type;
	struct mx_prediction *predictions;
	size_t n_predictions;
};

/** C.1.14.2 */
struct mx_network_analytics_rsp {
	struct mx_analytics *param_list;
	size_t n_param_list;
};
