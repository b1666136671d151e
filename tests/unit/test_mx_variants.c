/* What others say in other words than ours, and what we take it for: each form by itself, with what
 * we would have written, and how many oddities it has.  RFC 8743 contradicts itself; the examples
 * of its appendix C.4, its appendix E and the seed draft are all to be understood. */
#include "lib/base/buf.h"
#include "lib/mx/mx.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <string.h>

#define BODY_MAX 512

struct variant {
	const char *type; /**< as it comes */
	const char *own;  /**< as we say it; NULL: the same */
	const char *body; /**< members after the base fields, as they come; "" or from a comma on */
	const char *own_body;
	unsigned oddities;
};

static void write_message(struct mams_buf *out, const char *type, const char *body)
{
	mams_buf_printf(out, "{\"version\":\"1.0\",\"message_type\":\"%s\",\"sequence_num\":5%s}",
		type, body);
}

static void check(const struct variant *v)
{
	struct mams_buf text = {0};
	struct mams_buf want = {0};
	struct mams_buf ours = {0};
	struct mams_error err = {0};
	struct mx_msg *m = NULL;
	struct mx_msg *again = NULL;

	write_message(&text, v->type, v->body);
	write_message(&want, v->own ? v->own : v->type, v->own_body);
	if (mx_decode(text.data, text.len, &m, &err) < 0) {
		printf("%s: %s %s\n", text.data, err.where, err.text);
		CU_FAIL("a variant is refused");
	} else {
		CU_ASSERT_EQUAL(mx_encode(m, 0, &ours, NULL), 0);
		if (m->variants != v->oddities || strcmp(ours.data, want.data) != 0)
			printf("%s\nis %s\nnot %s, oddities %u\n", text.data, ours.data, want.data,
				m->variants);
		CU_ASSERT_EQUAL(m->variants, v->oddities);
		CU_ASSERT_STRING_EQUAL(ours.data, want.data);
		CU_ASSERT_EQUAL(m->unknown, 0);
		CU_ASSERT_EQUAL(mx_decode(ours.data, ours.len, &again, NULL), 0);
		CU_ASSERT(again && again->variants == 0);
	}
	mx_msg_free(m);
	mx_msg_free(again);
	mams_buf_fini(&text);
	mams_buf_fini(&want);
	mams_buf_fini(&ours);
}

static void check_all(const struct variant *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		check(&v[i]);
}

#define CAPABILITY(features, methods, adaptations)                                                 \
	"," features ",\"num_anchor_connections\":0,\"anchor_connections\":[],"                    \
	"\"num_delivery_connections\":0,\"delivery_connections\":[],"                              \
	"\"convergence_methods\":[" methods "],\"adaptation_methods\":[" adaptations "]"
#define NO_FEATURES "\"feature_active\":[]"
#define SETUP(anchor)                                                                              \
	",\"num_anchor_connections\":1,\"anchor_connections\":[{\"connection_id\":0,"              \
	"\"connection_type\":\"LTE\"," anchor "}]"
#define DELIVERY "\"num_delivery_connections\":1,\"delivery_connections\":[{" LTE_1 "}]"
#define LTE_1 "\"connection_id\":1,\"connection_type\":\"LTE\""
#define STEERING(dl, ul)                                                                           \
	",\"connection_id\":0,\"downlink_delivery\":" dl ",\"default_uplink_delivery\":1" ul       \
	",\"feature_active\":[]"
#define PROBES(init_ack, active_ack)                                                               \
	",\"connection_id\":0,\"init_probe_test_duration_ms\":100,"                                \
	"\"init_probe_test_rate_Mbps\":1,\"init_probe_size_bytes\":100,"                           \
	"\"init_probe_ack_req\":" init_ack ",\"active_probe_freq_ms\":100,"                        \
	"\"active_probe_size_bytes\":100,\"active_probe_ack_req\":" active_ack

static void message_types(void)
{
	static const struct variant v[] = {
		{"mx_discovery", "mx_discover", "", "", 1},
		{"mx_capability_resp", "mx_capability_rsp", CAPABILITY(NO_FEATURES, "", ""),
			CAPABILITY(NO_FEATURES, "", ""), 1},
		{"mx_capability_res", "mx_capability_rsp", CAPABILITY(NO_FEATURES, "", ""),
			CAPABILITY(NO_FEATURES, "", ""), 1},
		{"mx_up_setup_req", "mx_up_setup_conf_req",
			SETUP("\"convergence_config\":[{" DELIVERY "}]"),
			SETUP("\"convergence_config\":[{" DELIVERY "}]"), 1},
		{"mx_up_setup_rsp", "mx_up_setup_cnf",
			",\"num_delivery_conn\":0,\"client_params\":[]",
			",\"num_delivery_conn\":0,\"client_params\":[]", 1},
		{"mx_path_est_conf", "mx_path_est_req", PROBES("\"no\"", "\"yes\""),
			PROBES("\"no\"", "\"yes\""), 1},
		{"mx_traffic_steering_resp", "mx_traffic_steering_rsp", ",\"feature_active\":[]",
			",\"feature_active\":[]", 1},
		{"mx_app_madp_assoc_resp", "mx_app_madp_assoc_rsp", ",\"is_success\":true",
			",\"is_success\":true", 1},
	};

	check_all(v, MAMS_ARRAY_LEN(v));
}

/* The name at the place of the '@'. */
static void put(char out[BODY_MAX], const char *around, const char *name)
{
	snprintf(out, BODY_MAX, "%.*s%s%s", (int)strcspn(around, "@"), around, name,
		strchr(around, '@') + 1);
}

/* One name each, in a list of one. */
static void check_names(const char *type, const char *around, const char *const (*names)[2])
{
	for (size_t i = 0; names[i][0]; i++) {
		char body[BODY_MAX];
		char own[BODY_MAX];
		char quoted[64];

		snprintf(quoted, sizeof(quoted), "\"%s\"", names[i][1]);
		put(body, around, names[i][0]);
		put(own, around, quoted);
		check(&(struct variant){type, NULL, body, own, strcmp(names[i][0], quoted) != 0});
	}
}

static void names(void)
{
	static const char *const connections[][2] = {{"\"wi-fi\"", "Wi-Fi"}, {"\"WiFi\"", "Wi-Fi"},
		{"\"wlan\"", "Wi-Fi"}, {"\"WLAN\"", "Wi-Fi"}, {"\"5g_nr\"", "5G_NR"},
		{"\"5G NR\"", "5G_NR"}, {"\"5G_NGC\"", "5G_NR"}, {"\"NR\"", "5G_NR"},
		{"\"Multi-Fire\"", "MulteFire"}, {"\"Multefire\"", "MulteFire"}, {"\"lte\"", "LTE"},
		{"\"LTE\"", "LTE"}, {"0", "Wi-Fi"}, {"1", "5G_NR"}, {"2", "MulteFire"},
		{"3", "LTE"}, {0}};
	static const char *const convergence[][2] = {{"\"Trailer_Based\"", "GMA"},
		{"\"Trailer-based\"", "GMA"}, {"\"gma\"", "GMA"}, {"\"MPTCP\"", "MPTCP_Proxy"},
		{"\"MPTCP_proxy\"", "MPTCP_Proxy"}, {0}};
	static const char *const adaptation[][2] = {
		{"\"UDP_Tunnel_without_DTLS\"", "UDP_without_DTLS"},
		{"\"UDP_Tunnel_with_DTLS\"", "UDP_with_DTLS"}, {"\"IPsec_Tunnel\"", "IPsec"},
		{"\"IPSec\"", "IPsec"}, {"\"client_nat\"", "Client_NAT"},
		{"\"udp_with_dtls\"", "UDP_with_DTLS"}, {0}};
	static const char *const actions[][2] = {
		{"0", "release"}, {"\"Release\"", "release"}, {"\"release\"", "release"}, {0}};
	static const char *const signals[][2] = {{"\"wifi_rssi\"", "WLAN_RSSI"},
		{"\"lte_rsrp\"", "LTE_RSRP"}, {"\"lte-rsrp\"", "LTE_RSRP"},
		{"\"nr-rsrq\"", "NR_RSRQ"}, {"\"nr_rsrq\"", "NR_RSRQ"}, {0}};
	static const char *const features[][2] = {{"\"dl_aggregation\"", "downlink_aggregation"},
		{"\"ul_aggregation\"", "uplink_aggregation"}, {"\"Probing\"", "probing"}, {0}};

	check_names("mx_measurement_report",
		",\"measurement_reports\":[{\"connection_id\":0,\"connection_type\":@,"
		"\"measurements\":[]}]",
		connections);
	check_names("mx_capability_req",
		CAPABILITY(NO_FEATURES, "{\"method\":@,\"supported\":true}", ""), convergence);
	check_names("mx_capability_req",
		CAPABILITY(NO_FEATURES, "", "{\"method\":@,\"supported\":true}"), adaptation);
	check_names("mx_reconf_req", ",\"reconf_action\":@,\"connection_id\":1", actions);
	check_names("mx_measurement_report",
		",\"measurement_reports\":[{" LTE_1 ",\"measurements\":[{\"measurement_type\":@,"
		"\"measurement_value\":-90}]}]",
		signals);
	check_names("mx_traffic_steering_rsp",
		",\"feature_active\":[{\"feature_name\":@,\"active\":true}]", features);
}

static void actions_by_number(void)
{
	static const struct variant v[] = {
		{"mx_reconf_req", NULL,
			",\"reconf_action\":1,\"connection_id\":1,\"ip_address\":\"10.1.1.2\"",
			",\"reconf_action\":\"setup\",\"connection_id\":1,"
			"\"ip_address\":\"10.1.1.2\"",
			1},
		{"mx_reconf_req", NULL,
			",\"reconf_action\":2,\"connection_id\":1,\"ip_address\":\"10.1.1.2\"",
			",\"reconf_action\":\"update\",\"connection_id\":1,"
			"\"ip_address\":\"10.1.1.2\"",
			1},
	};

	check_all(v, MAMS_ARRAY_LEN(v));
}

static void booleans_and_numbers(void)
{
	static const char *const yes[] = {"\"true\"", "\"yes\"", "\"YES\"", "1", "\"1\"", NULL};
	static const char *const no[] = {"\"false\"", "\"no\"", "0", "\"0\"", NULL};
	char body[512];

	for (size_t i = 0; yes[i]; i++) {
		snprintf(body, sizeof(body), ",\"is_success\":%s", yes[i]);
		check(&(struct variant){
			"mx_app_madp_assoc_rsp", NULL, body, ",\"is_success\":true", 1});
	}
	for (size_t i = 0; no[i]; i++) {
		snprintf(body, sizeof(body), ",\"is_success\":%s", no[i]);
		check(&(struct variant){
			"mx_app_madp_assoc_rsp", NULL, body, ",\"is_success\":false", 1});
	}
	check(&(struct variant){
		"mx_path_est_req", NULL, PROBES("true", "0"), PROBES("\"yes\"", "\"no\""), 2});
	check(&(struct variant){
		"mx_path_est_req", NULL, PROBES("\"false\"", "1"), PROBES("\"no\"", "\"yes\""), 2});
	check(&(struct variant){"mx_reconf_req", NULL,
		",\"reconf_action\":\"release\",\"connection_id\":\"1\",\"mtu_size\":1400.0",
		",\"reconf_action\":\"release\",\"connection_id\":1,\"mtu_size\":1400", 2});
}

static void keys(void)
{
	static const struct variant v[] = {
		{"mx_capability_req", NULL, CAPABILITY("\"FeatureActive\":[]", "", ""),
			CAPABILITY(NO_FEATURES, "", ""), 1},
		{"mx_capability_req", NULL, CAPABILITY("\"features_active\":[]", "", ""),
			CAPABILITY(NO_FEATURES, "", ""), 1},
		{"mx_app_madp_assoc_req", NULL,
			",\"app_madp_assoc_list\":[{\"connection_id\":3,\"tft_ul_list\":[{}],"
			"\"tft_dl_list\":[]}]",
			",\"app_madp_assoc_list\":[{\"anchor_conn_id\":3,\"ul_tft_list\":[{}],"
			"\"dl_tft_list\":[]}]",
			3},
		{"mx_ssid_indication", NULL,
			",\"ssid_list\":[{\"ssid_type\":\"ssid\",\"ssid\":\"x\"}]",
			",\"ssid_list\":[{\"ssid_type\":\"ssid\",\"ssid_id\":\"x\"}]", 1},
		{"mx_measurement_conf", NULL,
			",\"measurement_configuration\":[{" LTE_1
			",\"meas_rep_conf\":[{\"meas_rep_param\":\"LTE_RSRP\",\"meas_threshold\":"
			"{\"high\":1,\"low\":0},\"meas_period\":500}]}]",
			",\"measurement_configuration\":[{" LTE_1
			",\"meas_rep_conf\":[{\"meas_rep_param\":\"LTE_RSRP\",\"meas_threshold\":"
			"{\"high\":1,\"low\":0},\"meas_period_ms\":500}]}]",
			1},
		{"mx_up_setup_cnf", NULL, ",\"num_delivery_connections\":0,\"client_params\":[]",
			",\"num_delivery_conn\":0,\"client_params\":[]", 1},
		{"mx_up_setup_conf_req", NULL,
			SETUP("\"convergence_config\":[{\"num_delivery_conn\":1,"
			      "\"delivery_connections\":[{" LTE_1 "}]}]"),
			SETUP("\"convergence_config\":[{" DELIVERY "}]"), 1},
	};

	check_all(v, MAMS_ARRAY_LEN(v));
}

static void lists(void)
{
	static const struct variant v[] = {
		{"mx_traffic_steering_req", NULL,
			STEERING("[{\"connection_id\":0},{\"connection_id\":1}]", ""),
			STEERING("[0,1]", ""), 2},
		{"mx_traffic_steering_req", NULL, STEERING("{\"connection_id\":1}", ""),
			STEERING("[1]", ""), 2},
		{"mx_traffic_steering_req", NULL, STEERING("1", ""), STEERING("[1]", ""), 1},
		{"mx_traffic_steering_req", NULL,
			STEERING("[]", ",\"uplink_delivery\":{\"conn_list\":[{\"connection_id\":"
				       "2}]}"),
			STEERING("[]", ",\"uplink_delivery\":[{\"connection_list\":[2]}]"), 3},
		{"mx_traffic_steering_req", NULL,
			STEERING("[]", ",\"uplink_delivery\":[{\"connection_id\":2}]"),
			STEERING("[]", ",\"uplink_delivery\":[{\"connection_list\":[2]}]"), 2},
		/* any of the templates matches: an entry each, in their order */
		{"mx_traffic_steering_req", NULL,
			STEERING("[]", ",\"uplink_delivery\":[{\"ul_tft\":[{\"protocol_type\":6},"
				       "{\"protocol_type\":17}],\"connection_list\":[2]},"
				       "{\"connection_list\":[1]}]"),
			STEERING("[]", ",\"uplink_delivery\":[{\"ul_tft\":{\"protocol_type\":6},"
				       "\"connection_list\":[2]},{\"ul_tft\":{\"protocol_type\":"
				       "17},"
				       "\"connection_list\":[2]},{\"connection_list\":[1]}]"),
			1},
		/* and modes go with them */
		{"mx_traffic_steering_req", NULL,
			STEERING("[]", ",\"uplink_delivery\":[{\"connection_list\":[3]},"
				       "{\"ul_tft\":[{\"protocol_type\":6},"
				       "{\"protocol_type\":17}],\"connection_list\":[2]},"
				       "{\"connection_list\":[1]}]") ",\"uplink_modes\":[{"
								     "\"entry\":2,\"mode\":"
								     "\"single\"},"
								     "{\"entry\":1,"
								     "\"mode\":\"split\"}]",
			STEERING("[]", ",\"uplink_delivery\":[{\"connection_list\":[3]},"
				       "{\"ul_tft\":{\"protocol_type\":6},"
				       "\"connection_list\":[2]},{\"ul_tft\":{\"protocol_"
				       "type\":17},"
				       "\"connection_list\":[2]},{\"connection_list\":[1]}"
				       "]") ",\"uplink_modes\":[{\"entry\":1,\"mode\":"
					    "\"split\"},"
					    "{\"entry\":2,\"mode\":\"split\"},"
					    "{\"entry\":3,\"mode\":\"single\"}]",
			1},
		{"mx_up_setup_conf_req", NULL, SETUP("\"convergence_config\":{" DELIVERY "}"),
			SETUP("\"convergence_config\":[{" DELIVERY "}]"), 1},
	};

	check_all(v, MAMS_ARRAY_LEN(v));
}

/* Members that one section has in one object and another in another. */
static void places(void)
{
	static const struct variant v[] = {
		/* C.4.8: an anchor that is its own configuration; ports as strings */
		{"mx_up_setup_conf_req", NULL, SETUP("\"udp_port\":\"8888\"," DELIVERY),
			SETUP("\"convergence_config\":[{\"udp_port\":8888," DELIVERY "}]"), 4},
		/* the port of all configurations that have none of their own */
		{"mx_up_setup_conf_req", NULL,
			SETUP("\"convergence_config\":[{\"mx_configuration_id\":1," DELIVERY
			      "},{\"mx_configuration_id\":2,\"udp_port\":9," DELIVERY
			      "}],\"udp_port\":8888"),
			SETUP("\"convergence_config\":[{\"mx_configuration_id\":1,\"udp_port\":"
			      "8888," DELIVERY
			      "},{\"mx_configuration_id\":2,\"udp_port\":9," DELIVERY "}]"),
			1},
	};

	check_all(v, MAMS_ARRAY_LEN(v));
}

#define INFO                                                                                       \
	"{\"version\":\"1.0\",\"message_type\":\"mx_system_info\",\"sequence_num\":2,"             \
	"\"ncm_connections\":[{" LTE_1 ",\"ncm_end_point\":{\"ip_address\":\"ncm.example\","       \
	"\"port\":1}}]"

/* C.2.2 begins the session with System INFO, 8.4 with the capabilities; C.3.4 has no room for it.
 */
static void session_of_system_info(void)
{
	static const char text[] =
		INFO ",\"unique_session_id\":{\"ncm_id\":110,\"session_id\":1111}}";
	struct mams_buf ours = {0};
	struct mx_msg *m = NULL;

	CU_ASSERT_EQUAL_FATAL(mx_decode(text, strlen(text), &m, NULL), 0);
	CU_ASSERT_EQUAL(m->variants, 1);
	CU_ASSERT_PTR_NOT_NULL_FATAL(m->system_info.unique_session_id);
	CU_ASSERT_EQUAL(m->system_info.unique_session_id->session_id, 1111);
	CU_ASSERT_EQUAL(mx_encode(m, 0, &ours, NULL), 0);
	CU_ASSERT_STRING_EQUAL(ours.data, INFO "}");
	mams_buf_fini(&ours);
	mx_msg_free(m);
}

/* Appendix E has no sequence numbers. */
static void no_number(void)
{
	static const char text[] = "{\"version\":\"1.0\",\"message_type\":\"mx_reconf_rsp\"}";
	struct mx_msg *m = NULL;

	CU_ASSERT_EQUAL_FATAL(mx_decode(text, strlen(text), &m, NULL), 0);
	CU_ASSERT_EQUAL(m->sequence_num, 0);
	CU_ASSERT_EQUAL(m->variants, 1);
	mx_msg_free(m);
}

/* What is neither ours nor anybody's. */
static void still_refused(void)
{
	static const struct variant v[] = {
		{"mx_reconf_req", NULL, ",\"reconf_action\":3,\"connection_id\":1", "", 0},
		{"mx_reconf_req", NULL, ",\"reconf_action\":\"0\",\"connection_id\":1", "", 0},
		{"mx_reconf_req", NULL, ",\"reconf_action\":0,\"connection_id\":1.5", "", 0},
		{"mx_reconf_req", NULL, ",\"reconf_action\":0,\"connection_id\":\"1x\"", "", 0},
		{"mx_app_madp_assoc_rsp", NULL, ",\"is_success\":2", "", 0},
		{"mx_app_madp_assoc_rsp", NULL, ",\"is_success\":\"maybe\"", "", 0},
		{"mx_traffic_steering_req", NULL,
			STEERING("[]", ",\"uplink_delivery\":[{\"ul_tft\":[],\"connection_list\":"
				       "[1]}]"),
			"", 0},
		{"mx_traffic_steering_req", NULL,
			STEERING("[]", ",\"uplink_delivery\":[{\"ul_tft\":3,\"connection_list\":"
				       "[1]}]"),
			"", 0},
		/* a mode of no entry, and two of one */
		{"mx_traffic_steering_req", NULL,
			STEERING("[]", ",\"uplink_modes\":[{\"entry\":0,\"mode\":\"split\"}]"), "",
			0},
		{"mx_traffic_steering_req", NULL,
			STEERING("[]", ",\"uplink_delivery\":[{\"connection_list\":[1]}],"
				       "\"uplink_modes\":[{\"entry\":0,\"mode\":\"split\"},"
				       "{\"entry\":0,\"mode\":\"single\"}]"),
			"", 0},
		{"mx_up_setup_conf_req", NULL,
			SETUP("\"convergence_config\":[{" DELIVERY "}],\"udp_port\":0"), "", 0},
	};

	for (size_t i = 0; i < MAMS_ARRAY_LEN(v); i++) {
		struct mams_buf text = {0};
		struct mams_error err = {0};
		struct mx_msg *m = NULL;

		write_message(&text, v[i].type, v[i].body);
		CU_ASSERT_EQUAL(mx_decode(text.data, text.len, &m, &err), -MAMS_EVALUE);
		CU_ASSERT_NOT_EQUAL(err.text[0], '\0');
		mams_buf_fini(&text);
	}
}

/* 64 entries at most, however they are written. */
static void too_many_templates(void)
{
	for (unsigned n = 64; n <= 65; n++) {
		struct mams_buf text = {0};
		struct mx_msg *m = NULL;
		int rc;

		mams_buf_printf(&text,
			"{\"version\":\"1.0\",\"message_type\":\"mx_traffic_steering_req\","
			"\"sequence_num\":5,\"connection_id\":0,\"downlink_delivery\":[],"
			"\"default_uplink_delivery\":1,\"feature_active\":[],\"uplink_delivery\":"
			"[");
		for (unsigned i = 0; i < 2; i++) {
			mams_buf_printf(
				&text, "%s{\"connection_list\":[1],\"ul_tft\":[{}", i ? "," : "");
			for (unsigned k = 1; k < (i ? n - 32 : 32); k++)
				mams_buf_printf(&text, ",{}");
			mams_buf_printf(&text, "]}");
		}
		mams_buf_printf(&text, "]}");
		rc = mx_decode(text.data, text.len, &m, NULL);
		CU_ASSERT_EQUAL(rc, n == 64 ? 0 : -MAMS_EVALUE);
		if (rc == 0)
			CU_ASSERT_EQUAL(m->traffic_steering_req.n_uplink_delivery, 64);
		mx_msg_free(m);
		mams_buf_fini(&text);
	}
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"message types", message_types},
		{"names", names},
		{"actions by number", actions_by_number},
		{"booleans and numbers", booleans_and_numbers},
		{"keys", keys},
		{"lists", lists},
		{"places", places},
		{"the session of System INFO", session_of_system_info},
		{"no number", no_number},
		{"what is still refused", still_refused},
		{"too many templates", too_many_templates},
	};

	return mams_suite_run("mx_variants", cases, MAMS_ARRAY_LEN(cases));
}
