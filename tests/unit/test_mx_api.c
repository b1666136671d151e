/* Bodies of the CCM API (RFC 8743 appendices B.4 and D). */
#include "lib/codec/field.h"
#include "lib/mx/mx_api.h"
#include "tests/support/suite.h"

#include <string.h>

#define STREAM(proto, more, name, value)                                                           \
	"{\"proto\":" proto more ",\"traffic-qos\":{\"qos-param-name\":\"" name                    \
	"\",\"qos-param-value\":" value "}}"
#define BODY(n, streams) "{\"num-streams\":" n ",\"stream-feature\":[" streams "]}"
#define PORTS(a, b) ",\"port-range\":{\"start\":" a ",\"end\":" b "}"

static struct mams_arena *arena;

static int decode(const char *text, struct mx_api_requirements *out, struct mams_error *err)
{
	*err = (struct mams_error){0};
	mams_arena_free(arena);
	arena = mams_arena_new();
	CU_ASSERT_PTR_NOT_NULL_FATAL(arena);
	return mx_api_decode_requirements(text, strlen(text), arena, out, err);
}

static void requirements(void)
{
	struct mx_api_requirements r;
	struct mams_error err;

	CU_ASSERT_EQUAL_FATAL(
		decode(BODY("2", STREAM("6", PORTS("8080", "8090"), "latency", "20") "," STREAM(
					 "17", "", "bandwidth", "5")),
			&r, &err),
		0);
	CU_ASSERT_EQUAL_FATAL(r.n_stream_feature, 2);
	CU_ASSERT_EQUAL(r.stream_feature[0].proto, 6);
	CU_ASSERT_PTR_NOT_NULL_FATAL(r.stream_feature[0].port_range);
	CU_ASSERT_EQUAL(r.stream_feature[0].port_range->start, 8080);
	CU_ASSERT_EQUAL(r.stream_feature[0].port_range->end, 8090);
	CU_ASSERT_EQUAL(r.stream_feature[0].traffic_qos.name, MX_API_LATENCY);
	CU_ASSERT_EQUAL(r.stream_feature[0].traffic_qos.value, 20);
	CU_ASSERT_PTR_NULL(r.stream_feature[1].port_range);
	CU_ASSERT_EQUAL(r.stream_feature[1].traffic_qos.name, MX_API_BANDWIDTH);
}

/* Each mistake is named by its path. */
static void mistakes(void)
{
	static const struct {
		const char *text;
		int rc;
		const char *where;
	} cases[] = {
		{"", -MAMS_EPROTO, ""},
		{"[]", -MAMS_EPROTO, ""},
		{"{\"num-streams\":1}", -MAMS_EMISSING, "stream-feature"},
		{BODY("2", STREAM("6", "", "latency", "20")), -MAMS_EVALUE, "num-streams"},
		{BODY("0", ""), -MAMS_EVALUE, "stream-feature"},
		{BODY("1", STREAM("256", "", "latency", "20")), -MAMS_EVALUE, "[0].proto"},
		{BODY("1", STREAM("6", "", "lateness", "20")), -MAMS_EVALUE, "qos-param-name"},
		{BODY("1", STREAM("6", "", "latency", "0")), -MAMS_EVALUE, "qos-param-value"},
		{BODY("1", STREAM("6", "", "latency", "-1")), -MAMS_EVALUE, "qos-param-value"},
		{BODY("1", STREAM("6", PORTS("9", "8"), "latency", "1")), -MAMS_EVALUE,
			"[0].port-range"},
		{BODY("1", STREAM("6", PORTS("1", "65536"), "latency", "1")), -MAMS_EVALUE,
			"port-range.end"},
		{BODY("1", "{\"proto\":6}"), -MAMS_EMISSING, "[0].traffic-qos"},
		{BODY("1", "6"), -MAMS_EPROTO, "stream-feature[0]"},
	};
	struct mx_api_requirements r;
	struct mams_error err;

	for (size_t i = 0; i < MAMS_ARRAY_LEN(cases); i++) {
		int rc = decode(cases[i].text, &r, &err);

		if (rc != cases[i].rc || !strstr(err.where, cases[i].where) || !err.text[0])
			fprintf(stderr, "case %zu: %d %s: %s\n", i, rc, err.where, err.text);
		CU_ASSERT_EQUAL(rc, cases[i].rc);
		CU_ASSERT_PTR_NOT_NULL(strstr(err.where, cases[i].where));
		CU_ASSERT_NOT_EQUAL(err.text[0], '\0');
	}
}

static void too_long_and_deep(void)
{
	static char text[MX_API_BODY_MAX + 2];
	struct mx_api_requirements r;
	struct mams_error err;

	memset(text, ' ', MX_API_BODY_MAX + 1);
	text[0] = '{';
	text[MX_API_BODY_MAX] = '}';
	CU_ASSERT_EQUAL(decode(text, &r, &err), -MAMS_ELIMIT);
	memset(text, '[', 64);
	text[64] = '\0';
	CU_ASSERT_NOT_EQUAL(decode(text, &r, &err), 0);
	CU_ASSERT_EQUAL(
		decode(BODY("9", STREAM("6", "", "latency", "1") ",1,1,1,1,1,1,1,1"), &r, &err),
		-MAMS_ELIMIT);
}

static void expect(struct mams_buf *out, int rc, const char *text)
{
	CU_ASSERT_EQUAL(rc, 0);
	CU_ASSERT_STRING_EQUAL(out->data, text);
	mams_buf_fini(out);
	*out = (struct mams_buf){0};
}

static void answers(void)
{
	struct mx_api_param conv_params[] = {{"proxy_ip", "10.1.1.1"}};
	struct mx_api_connection connections[] = {{0, MX_WIFI}, {1, MX_LTE}};
	struct mx_api_convergence conv[] = {{MX_CONV_MPTCP_PROXY, conv_params, 1}};
	int features[] = {MX_F_LOSSLESS_SWITCHING, MX_F_MEASUREMENT};
	const struct mx_api_capability c = {.connections = connections,
		.n_connections = 2,
		.features = features,
		.n_features = 2,
		.conv_methods = conv,
		.n_conv_methods = 1};
	const struct mx_api_link_param p[] = {{{1, MX_LTE}, MX_P_BANDWIDTH, false, 0, 37, 87, 1},
		{{1, MX_LTE}, MX_P_SIGNAL_QUALITY, true, MX_M_LTE_RSRP, -95, 50, 60}};
	struct mx_api_stream stream = {6, NULL, {MX_API_LATENCY, 20}};
	uint8_t links[] = {1};
	const struct mx_api_need need = {3, MX_API_IN_EFFECT, 60, &stream, 1, links, 1};
	struct mams_buf out = {0};
	struct mams_error err;

	expect(&out, mx_api_encode_capability(&c, &out, &err),
		"{\"connections\":[{\"conn-id\":0,\"conn-type\":\"Wi-Fi\"},"
		"{\"conn-id\":1,\"conn-type\":\"LTE\"}],"
		"\"features\":[\"lossless_switching\",\"measurement\"],\"adapt-methods\":[],"
		"\"conv-methods\":[{\"conv-method\":\"MPTCP_Proxy\",\"conv-params\":["
		"{\"conv-param-name\":\"proxy_ip\",\"conv-param-value\":\"10.1.1.1\"}]}]}");
	expect(&out, mx_api_encode_link_params(p, 2, &out, &err),
		"[{\"connection\":{\"conn-id\":1,\"conn-type\":\"LTE\"},\"param\":\"bandwidth\","
		"\"prediction\":37,\"likelihood\":87,\"validity_time\":1},"
		"{\"connection\":{\"conn-id\":1,\"conn-type\":\"LTE\"},"
		"\"param\":\"signal_quality\",\"additional-param\":\"lte-rsrp\","
		"\"prediction\":-95,\"likelihood\":50,\"validity_time\":60}]");
	expect(&out, mx_api_encode_link_params(NULL, 0, &out, &err), "[]");
	expect(&out, mx_api_encode_needs(&need, 1, &out, &err),
		"[{\"id\":3,\"state\":\"in-effect\",\"expires-in\":60,\"stream-feature\":["
		"{\"proto\":6,\"traffic-qos\":{\"qos-param-name\":\"latency\","
		"\"qos-param-value\":20}}],\"links\":[1]}]");
	expect(&out, mx_api_encode_error(404, "no such path", &out, &err),
		"{\"code\":404,\"message\":\"no such path\"}");
}

static int decode_signal(const char *text, struct mx_api_signal *out)
{
	struct mams_error err = {0};
	int rc;

	mams_arena_free(arena);
	arena = mams_arena_new();
	CU_ASSERT_PTR_NOT_NULL_FATAL(arena);
	rc = mx_api_decode_signal(text, strlen(text), arena, out, &err);
	CU_ASSERT(rc == 0 || err.text[0]);
	return rc;
}

static void signals_of_links(void)
{
	struct mx_api_signal q;

	CU_ASSERT_EQUAL(
		decode_signal("{\"conn-id\":1,\"signal\":\"nr-rsrp\",\"value\":-97}", &q), 0);
	CU_ASSERT(q.conn_id == 1 && q.signal == MX_M_NR_RSRP && q.value == -97);
	CU_ASSERT_EQUAL(
		decode_signal("{\"conn-id\":1,\"signal\":\"nr-rsrp\"}", &q), -MAMS_EMISSING);
	CU_ASSERT_EQUAL(decode_signal("{\"conn-id\":1,\"signal\":\"rsrp\",\"value\":-97}", &q),
		-MAMS_EVALUE);
	CU_ASSERT_EQUAL(decode_signal("{\"conn-id\":1,\"signal\":\"nr-rsrp\",\"value\":1}", &q),
		-MAMS_EVALUE);
	CU_ASSERT(decode_signal("[]", &q) < 0);
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"requirements", requirements},
		{"mistakes are named by path", mistakes},
		{"too long, too deep, too many", too_long_and_deep},
		{"answers", answers},
		{"signals of links", signals_of_links},
	};
	int rc = mams_suite_run("mx_api", cases, MAMS_ARRAY_LEN(cases));

	mams_arena_free(arena);
	return rc;
}
