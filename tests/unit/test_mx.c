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

int main(void)
{
	static const struct mams_case cases[] = {
		{"a set-up message decodes and encodes", decodes_and_encodes_to_the_same_bytes},
		{"what is wrong is refused by its class", refuses_what_is_wrong},
		{"variants seen in the field are accepted", accepts_the_variants_of_the_field},
	};

	return mams_suite_run("mx", cases, MAMS_ARRAY_LEN(cases));
}
