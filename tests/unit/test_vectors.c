/* The examples of RFC 8743 C.4: each decodes, and what we emit for it decodes to the same. */
#include "lib/base/buf.h"
#include "lib/mx/mx_tables.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <string.h>

static size_t read_vector(const char *name, char *text, size_t size)
{
	char path[512];
	size_t n = 0;
	FILE *f;

	snprintf(path, sizeof(path), MAMS_VECTORS "/%s.json", name);
	f = fopen(path, "rb");
	if (f) {
		n = fread(text, 1, size, f);
		fclose(f);
	}
	return n;
}

static struct mx_msg *decode(const char *name)
{
	static char text[16384];
	size_t n = read_vector(name, text, sizeof(text));
	struct mx_msg *m = NULL;
	struct mams_error err = {0};

	if (n == 0)
		printf("%s cannot be read\n", name);
	else if (mx_decode(text, n, &m, &err) < 0)
		printf("%s: %s %s\n", name, err.where, err.text);
	return m;
}

/* What we write for it, read again. */
static struct mx_msg *again(const struct mx_msg *m)
{
	struct mams_buf text = {0};
	struct mx_msg *copy = NULL;

	if (mx_encode(m, 0, &text, NULL) == 0)
		(void)!mx_decode(text.data, text.len, &copy, NULL);
	mams_buf_fini(&text);
	return copy;
}

static const char *const names[] = {"01_mx_discover", "02_mx_system_info", "03_mx_capability_req",
	"04_mx_capability_rsp", "05_mx_capability_ack", "06_mx_reconf_req", "07_mx_reconf_rsp",
	"08_mx_up_setup_conf_req", "09_mx_up_setup_cnf", "10_mx_traffic_steering_req",
	"11_mx_traffic_steering_rsp", "12_mx_app_madp_assoc_req", "13_mx_app_madp_assoc_rsp",
	"14_mx_path_est_req", "15_mx_path_est_results", "16_mx_ssid_indication",
	"17_mx_measurement_conf", "18_mx_measurement_report", "19_mx_keep_alive_req",
	"20_mx_keep_alive_rsp", "21_mx_session_termination_req", "22_mx_session_termination_rsp",
	"23_mx_network_analytics_req", "24_mx_network_analytics_rsp"};

static void every_example_decodes(void)
{
	for (size_t i = 0; i < MAMS_ARRAY_LEN(names); i++) {
		struct mx_msg *m = decode(names[i]);
		struct mx_msg *copy = m ? again(m) : NULL;

		CU_ASSERT_PTR_NOT_NULL(m);
		CU_ASSERT_PTR_NOT_NULL(copy);
		if (m && copy) {
			const struct mams_table *body = mx_rows[m->type].body;

			CU_ASSERT_STRING_EQUAL(mx_type_name(m->type), names[i] + 3);
			CU_ASSERT_TRUE(
				!body || mams_field_equal(body, &m->discover, &copy->discover));
		}
		mx_msg_free(m);
		mx_msg_free(copy);
	}
}

/* C.4.12: connection_id for anchor_conn_id; C.4.18, C.4.24. */
static void additions_are_understood(void)
{
	struct mx_msg *a = decode("12_mx_app_madp_assoc_req");
	struct mx_msg *r = decode("18_mx_measurement_report");
	struct mx_msg *n = decode("24_mx_network_analytics_rsp");

	if (a) {
		const struct mx_app_madp_assoc *first = a->app_madp_assoc_req.app_madp_assoc_list;

		CU_ASSERT_EQUAL(first->mx_configuration_id, 1);
		CU_ASSERT_EQUAL_FATAL(first->n_ul_tft_list, 1);
		CU_ASSERT_EQUAL(first->ul_tft_list[0].protocol_type, 17);
	}
	if (r) {
		const struct mx_meas_report *lte = &r->measurement_report.measurement_reports[1];

		CU_ASSERT_EQUAL_FATAL(lte->n_measurements, 2);
		CU_ASSERT_EQUAL(lte->measurements[1].measurement_type, MX_M_LTE_RSRQ);
		CU_ASSERT_EQUAL(lte->measurements[1].measurement_value, -12);
		CU_ASSERT_STRING_EQUAL(lte->delivery_node_id, "12323");
	}
	if (n) {
		const struct mx_analytics *wifi = n->network_analytics_rsp.param_list;

		CU_ASSERT_EQUAL_FATAL(wifi->n_predictions, 2);
		CU_ASSERT_EQUAL(wifi->predictions[1].param_name, MX_P_LATENCY);
		CU_ASSERT_EQUAL(mx_prediction_value(&wifi->predictions[1], false), 19);
		CU_ASSERT_EQUAL(wifi->predictions[1].likelihood, 40);
	}
	CU_ASSERT_PTR_NOT_NULL(a);
	CU_ASSERT_PTR_NOT_NULL(r);
	CU_ASSERT_PTR_NOT_NULL(n);
	mx_msg_free(a);
	mx_msg_free(r);
	mx_msg_free(n);
}

/* C.4.8: ports as strings; an anchor without convergence_config. */
static void set_up_is_understood(void)
{
	struct mx_msg *m = decode("08_mx_up_setup_conf_req");
	const struct mx_setup_anchor *a;

	CU_ASSERT_PTR_NOT_NULL(m);
	if (!m)
		return;
	CU_ASSERT_EQUAL_FATAL(m->up_setup_conf_req.n_anchor_connections, 2);
	a = m->up_setup_conf_req.anchor_connections;
	CU_ASSERT_EQUAL(a[0].n_convergence_config, 2);
	CU_ASSERT_EQUAL(a[0].convergence_config[1].mx_configuration_id, 2);
	CU_ASSERT_EQUAL_FATAL(a[1].n_convergence_config, 1);
	CU_ASSERT_FALSE(a[1].convergence_config[0].has_convergence_method);
	CU_ASSERT_FALSE(a[1].convergence_config[0].has_mx_configuration_id);
	CU_ASSERT_EQUAL(a[1].convergence_config[0].udp_port, 8888);
	CU_ASSERT_EQUAL_FATAL(a[1].convergence_config[0].n_delivery_connections, 2);
	CU_ASSERT_EQUAL(a[1].convergence_config[0]
				.delivery_connections[1]
				.adaptation_method_param->tunnel_end_port,
		6000);
	mx_msg_free(m);
}

/* C.4.10: lists of objects where the schema has integers; conn_list; other feature names. */
static void steering_is_understood(void)
{
	struct mx_msg *m = decode("10_mx_traffic_steering_req");
	const struct mx_traffic_steering_req *t;

	CU_ASSERT_PTR_NOT_NULL(m);
	if (!m)
		return;
	t = &m->traffic_steering_req;
	CU_ASSERT_EQUAL_FATAL(t->n_downlink_delivery, 2);
	CU_ASSERT_EQUAL(t->downlink_delivery[1], 1);
	CU_ASSERT_EQUAL_FATAL(t->n_uplink_delivery, 2);
	CU_ASSERT_EQUAL_FATAL(t->uplink_delivery[1].n_connection_list, 1);
	CU_ASSERT_EQUAL(t->uplink_delivery[1].connection_list[0], 1);
	CU_ASSERT_EQUAL(t->uplink_delivery[1].ul_tft->flow_label, 50);
	CU_ASSERT_EQUAL_FATAL(t->n_feature_active, 2);
	CU_ASSERT_EQUAL(t->feature_active[0].feature_name, MX_F_DOWNLINK_AGGREGATION);
	CU_ASSERT_FALSE(t->feature_active[1].active);
	mx_msg_free(m);
}

/* For test_schema.py: what we write for each example, one per line. */
static int print_examples(void)
{
	int status = 0;

	for (size_t i = 0; i < MAMS_ARRAY_LEN(names); i++) {
		struct mx_msg *m = decode(names[i]);
		struct mams_buf text = {0};

		if (m && mx_encode(m, 0, &text, NULL) == 0)
			printf("%s %s\n", names[i], text.data);
		else
			status = 1;
		mams_buf_fini(&text);
		mx_msg_free(m);
	}
	return status;
}

int main(int argc, char **argv)
{
	static const struct mams_case cases[] = {
		{"every example of RFC 8743 C.4 decodes", every_example_decodes},
		{"the additions of RFC 8743", additions_are_understood},
		{"C.4.8 in all its forms", set_up_is_understood},
		{"C.4.10 in all its forms", steering_is_understood},
	};

	if (argc == 2 && strcmp(argv[1], "print") == 0)
		return print_examples();
	return mams_suite_run("vectors", cases, MAMS_ARRAY_LEN(cases));
}
