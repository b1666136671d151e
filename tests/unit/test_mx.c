#include "lib/base/buf.h"
#include "lib/codec/field.h"
#include "lib/mx/mx.h"
#include "tests/support/suite.h"

#include <string.h>

static const char setup[] =
	"{\"version\":\"1.0\",\"message_type\":\"mx_up_setup_conf_req\",\"sequence_num\":7,"
	"\"num_anchor_connections\":1,\"anchor_connections\":[{\"connection_id\":0,"
	"\"connection_type\":\"LTE\",\"convergence_config\":[{\"convergence_method\":\"MPTCP_"
	"Proxy\","
	"\"convergence_method_params\":{\"proxy_ip\":\"10.1.1.1\",\"proxy_port\":7443,"
	"\"client_key\":\"c2VjcmV0\"},\"num_delivery_connections\":1,\"delivery_connections\":["
	"{\"connection_id\":2,\"connection_type\":\"Wi-Fi\"}]}]}]}";

static void decodes_and_encodes_to_the_same_bytes(void)
{
	struct mx_msg *m = NULL;
	struct mams_buf out = {0};
	struct mams_error err;

	CU_ASSERT_EQUAL_FATAL(mx_decode(setup, strlen(setup), &m, &err), 0);
	CU_ASSERT_EQUAL(m->type, MX_UP_SETUP_CONF_REQ);
	CU_ASSERT_EQUAL(m->sequence_num, 7);
	CU_ASSERT_EQUAL(m->unknown, 0);
	CU_ASSERT_EQUAL_FATAL(mx_encode(m, 0, &out, &err), 0);
	CU_ASSERT_STRING_EQUAL(out.data, setup);
	mams_buf_clear(&out);
	CU_ASSERT_EQUAL(mx_encode(m, MAMS_ENC_MASK, &out, NULL), 0);
	CU_ASSERT_PTR_NULL(strstr(out.data, "c2VjcmV0"));
	mams_buf_fini(&out);
	mx_msg_free(m);
}

static void refuses_what_is_wrong(void)
{
	static const struct {
		const char *text;
		int rc;
	} cases[] = {
		{"", -MAMS_EPROTO},
		{"[]", -MAMS_EPROTO},
		{"{\"version\":\"1.0\",\"message_type\":\"mx_reconf_rsp\"", -MAMS_EPROTO},
		{"{\"message_type\":\"mx_reconf_rsp\",\"sequence_num\":1}", -MAMS_EPROTO},
		{"{\"version\":\"1.0\",\"sequence_num\":1}", -MAMS_EPROTO},
		{"{\"version\":\"1.0\",\"message_type\":\"mx_nothing\",\"sequence_num\":1}",
			-MAMS_EUNKNOWN},
		{"{\"version\":\"2.0\",\"message_type\":\"mx_reconf_rsp\",\"sequence_num\":1}",
			-MAMS_ESTATE},
		{"{\"version\":\"1.0\",\"message_type\":\"mx_reconf_req\",\"sequence_num\":1,"
		 "\"reconf_action\":\"setup\",\"connection_id\":1}",
			-MAMS_EMISSING},
		{"{\"version\":\"1.0\",\"message_type\":\"mx_reconf_req\",\"sequence_num\":1,"
		 "\"reconf_action\":\"setup\",\"connection_id\":1,\"ip_address\":\"127.0.0.1\"}",
			-MAMS_EVALUE},
		{"{\"version\":\"1.0\",\"message_type\":\"mx_reconf_req\",\"sequence_num\":1,"
		 "\"reconf_action\":\"jump\",\"connection_id\":1}",
			-MAMS_EVALUE},
	};

	for (size_t i = 0; i < MAMS_ARRAY_LEN(cases); i++) {
		struct mams_error err;
		struct mx_msg *m = NULL;
		int rc = mx_decode(cases[i].text, strlen(cases[i].text), &m, &err);

		CU_ASSERT_EQUAL(rc, cases[i].rc);
		CU_ASSERT_NOT_EQUAL(err.text[0], '\0');
	}
}

static void accepts_the_variants_of_the_field(void)
{
	static const char text[] =
		"{\"version\":\"1.0\",\"message_type\":\"mx_traffic_steering_req\","
		"\"sequence_num\":\"9\",\"connection_id\":0,\"extra\":1,"
		"\"downlink_delivery\":[{\"connection_id\":1},2],\"default_uplink_delivery\":1,"
		"\"uplink_delivery\":{\"conn_list\":[1,2]},"
		"\"feature_active\":[{\"feature_name\":\"dl_aggregation\",\"active\":\"yes\"},"
		"{\"feature_name\":\"of the future\",\"active\":true}]}";
	struct mx_msg *m = NULL;
	struct mams_error err;

	CU_ASSERT_EQUAL_FATAL(mx_decode(text, strlen(text), &m, &err), 0);
	CU_ASSERT_EQUAL(m->sequence_num, 9);
	CU_ASSERT_EQUAL(m->traffic_steering_req.n_downlink_delivery, 2);
	CU_ASSERT_EQUAL(m->traffic_steering_req.downlink_delivery[0], 1);
	CU_ASSERT_EQUAL(m->traffic_steering_req.n_uplink_delivery, 1);
	CU_ASSERT_EQUAL(m->traffic_steering_req.uplink_delivery[0].n_connection_list, 2);
	CU_ASSERT_EQUAL(m->traffic_steering_req.n_feature_active, 1);
	CU_ASSERT_TRUE(m->traffic_steering_req.feature_active[0].active);
	CU_ASSERT_EQUAL(m->unknown, 2);
	mx_msg_free(m);
}

#define HEAD(type) "{\"version\":\"1.0\",\"message_type\":\"" type "\",\"sequence_num\":1,"
#define MEAS(param, high, low)                                                                     \
	HEAD("mx_measurement_conf")                                                                \
	"\"measurement_configuration\":[{\"connection_id\":0,\"connection_type\":\"Wi-Fi\","       \
	"\"meas_rep_conf\":[{\"meas_rep_param\":\"" param "\",\"meas_threshold\":{\"high\":" high  \
	",\"low\":" low "},\"meas_period\":500}]}]}"

static struct mx_msg *decoded(const char *text, int want)
{
	struct mx_msg *m = NULL;

	CU_ASSERT_EQUAL(mx_decode(text, strlen(text), &m, NULL), want);
	return m;
}

static void measurements(void)
{
	struct mx_msg *m = decoded(MEAS("wifi_rssi", "-10", "-15"), 0);

	CU_ASSERT_PTR_NOT_NULL_FATAL(m);
	CU_ASSERT_EQUAL(m->measurement_conf.measurement_configuration[0].n_meas_rep_conf, 1);
	CU_ASSERT_EQUAL(
		m->measurement_conf.measurement_configuration[0].meas_rep_conf[0].meas_period_ms,
		500);
	mx_msg_free(m);
	m = decoded(MEAS("of the future", "1", "0"), 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(m);
	CU_ASSERT_EQUAL(m->measurement_conf.measurement_configuration[0].n_meas_rep_conf, 0);
	CU_ASSERT_EQUAL(m->unknown, 1);
	mx_msg_free(m);
	mx_msg_free(decoded(MEAS("WLAN_RSSI", "-15", "-10"), -MAMS_EVALUE));
	CU_ASSERT_TRUE(mx_measurement_fits(MX_M_WLAN_LOAD, MX_WIFI));
	CU_ASSERT_FALSE(mx_measurement_fits(MX_M_LTE_RSRP, MX_WIFI));
	CU_ASSERT_TRUE(mx_measurement_fits(MX_M_UL_TPUT, MX_MULTEFIRE));
	CU_ASSERT_FALSE(mx_measurement_fits(MX_M_NR_RSRQ, MX_MULTEFIRE));
	CU_ASSERT_TRUE(mx_measurement_fits(MX_M_NR_RSRQ, MX_5G_NR));
}

/* A.2-17: a fraction of a second is what some say, whole milliseconds what we say. */
static void predictions(void)
{
	static const struct mx_prediction seconds = {.param_name = MX_P_JITTER, .prediction = 0.25};
	static const struct mx_prediction ms = {.param_name = MX_P_LATENCY, .prediction = 19};
	static const struct mx_prediction rate = {.param_name = MX_P_BANDWIDTH, .prediction = 1.5};

	CU_ASSERT_EQUAL(mx_prediction_value(&seconds, false), 250);
	CU_ASSERT_EQUAL(mx_prediction_value(&ms, false), 19);
	CU_ASSERT_EQUAL(mx_prediction_value(&rate, false), 1.5);
	CU_ASSERT_EQUAL(mx_prediction_value(&ms, true), 19000);
	CU_ASSERT_EQUAL(mx_prediction_value(&rate, true), 1.5);
	mx_msg_free(decoded(
		HEAD("mx_network_analytics_req") "\"params\":[\"validity_time\"]}", -MAMS_EVALUE));
}

/* A.2-5, A.2-6, A.2-7: other keys, no session. */
static void additions_in_other_words(void)
{
	struct mx_msg *m = decoded(
		HEAD("mx_app_madp_assoc_req") "\"app_madp_assoc_list\":[{\"connection_id\":3,"
					      "\"tft_ul_list\":[{}],\"tft_dl_list\":[]}]}",
		0);

	CU_ASSERT_PTR_NOT_NULL_FATAL(m);
	CU_ASSERT_EQUAL(m->app_madp_assoc_req.app_madp_assoc_list[0].anchor_conn_id, 3);
	CU_ASSERT_EQUAL(m->app_madp_assoc_req.app_madp_assoc_list[0].n_ul_tft_list, 1);
	mx_msg_free(m);
	m = decoded(HEAD("mx_app_madp_assoc_resp") "\"is_success\":\"yes\"}", 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(m);
	CU_ASSERT_TRUE(m->app_madp_assoc_rsp.is_success);
	CU_ASSERT_PTR_NULL(m->app_madp_assoc_rsp.unique_session_id);
	mx_msg_free(m);
	m = decoded(HEAD("mx_ssid_indication") "\"ssid_list\":[{\"ssid_type\":\"bssid\",\"ssid\":"
					       "\"x\"}]}",
		0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(m);
	CU_ASSERT_STRING_EQUAL(m->ssid_indication.ssid_list[0].ssid_id, "x");
	mx_msg_free(m);
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"a set-up message decodes and encodes", decodes_and_encodes_to_the_same_bytes},
		{"what is wrong is refused by its class", refuses_what_is_wrong},
		{"variants seen in the field are accepted", accepts_the_variants_of_the_field},
		{"measurements", measurements},
		{"predictions", predictions},
		{"the additions in other words", additions_in_other_words},
	};

	return mams_suite_run("mx", cases, MAMS_ARRAY_LEN(cases));
}
