#include "lib/base/buf.h"
#include "lib/ctl/ctl_msg.h"
#include "tests/support/suite.h"

#include <string.h>

static void paths_round_trip(void)
{
	struct ctl_msg *m = ctl_msg_new(CTL_PX_PATHS, 5);
	struct ctl_msg *back = NULL;
	struct mams_buf out = {0};
	struct mams_error err;

	CU_ASSERT_PTR_NOT_NULL_FATAL(m);
	m->px_paths.n_paths = 1;
	m->px_paths.paths = ctl_alloc(m, sizeof(struct ctl_path));
	m->px_paths.paths[0] =
		(struct ctl_path){.connection_id = 2, .name = "wifi", .proxy_port = 7443};
	(void)!mams_addr_parse("10.1.1.2", &m->px_paths.paths[0].local);
	(void)!mams_addr_parse("10.1.1.1", &m->px_paths.paths[0].proxy);
	m->px_paths.client_key = "a2V5";
	m->px_paths.n_classes = 1;
	m->px_paths.classes = ctl_alloc(m, sizeof(struct ctl_flow_class));
	m->px_paths.classes[0] = (struct ctl_flow_class){.remote = "192.0.2.0/24",
		.port_first = 8080,
		.port_last = 8090,
		.connections = (uint8_t[]){1, 0},
		.n_connections = 2};
	CU_ASSERT_EQUAL_FATAL(ctl_encode(m, 0, &out, &err), 0);
	CU_ASSERT_EQUAL_FATAL(ctl_decode(out.data, out.len, &back, &err), 0);
	CU_ASSERT_EQUAL(back->type, CTL_PX_PATHS);
	CU_ASSERT_EQUAL(back->id, 5);
	CU_ASSERT_EQUAL(back->px_paths.n_paths, 1);
	CU_ASSERT_STRING_EQUAL(back->px_paths.paths[0].name, "wifi");
	CU_ASSERT_TRUE(mams_addr_eq(&back->px_paths.paths[0].proxy, &m->px_paths.paths[0].proxy));
	CU_ASSERT_STRING_EQUAL(back->px_paths.client_key, "a2V5");
	CU_ASSERT_EQUAL_FATAL(back->px_paths.n_classes, 1);
	CU_ASSERT_STRING_EQUAL(back->px_paths.classes[0].remote, "192.0.2.0/24");
	CU_ASSERT_EQUAL(back->px_paths.classes[0].port_last, 8090);
	CU_ASSERT_EQUAL_FATAL(back->px_paths.classes[0].n_connections, 2);
	CU_ASSERT_EQUAL(back->px_paths.classes[0].connections[0], 1);
	mams_buf_fini(&out);
	ctl_msg_free(m);
	ctl_msg_free(back);
}

static void quality_round_trip(void)
{
	struct ctl_msg *m = ctl_msg_new(CTL_QUALITY, 0);
	struct ctl_msg *back = NULL;
	struct mams_buf out = {0};
	struct mams_error err;

	CU_ASSERT_PTR_NOT_NULL_FATAL(m);
	m->quality.n_links = CTL_QUALITY_LINKS;
	m->quality.links = ctl_alloc(m, CTL_QUALITY_LINKS * sizeof(struct ctl_quality_link));
	for (size_t i = 0; i < CTL_QUALITY_LINKS; i++) {
		m->quality.links[i] = (struct ctl_quality_link){.session_id = UINT64_MAX >> 11,
			.ul = {.used_kbps = UINT32_MAX},
			.dl = {true, true, true, true, true, true, UINT32_MAX, UINT32_MAX,
				UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX, true, UINT32_MAX}};
		(void)!mams_addr_parse(
			"2001:db8:1234:5678:9abc:def0:1234:5678", &m->quality.links[i].local);
		m->quality.links[i].remote = m->quality.links[i].local;
	}
	CU_ASSERT_EQUAL_FATAL(ctl_encode(m, 0, &out, &err), 0);
	/* what a socket of this host takes at once, with room to spare */
	CU_ASSERT_TRUE(out.len < 160000);
	CU_ASSERT_EQUAL_FATAL(ctl_decode(out.data, out.len, &back, &err), 0);
	CU_ASSERT_EQUAL_FATAL(back->quality.n_links, CTL_QUALITY_LINKS);
	CU_ASSERT_FALSE(back->quality.links[7].has_connection_id);
	CU_ASSERT_FALSE(back->quality.links[7].ul.has_delay_us);
	CU_ASSERT_EQUAL(back->quality.links[7].ul.used_kbps, UINT32_MAX);
	CU_ASSERT_TRUE(back->quality.links[7].dl.has_packets);
	CU_ASSERT_EQUAL(back->quality.links[7].dl.lost, UINT32_MAX);
	CU_ASSERT_TRUE(back->quality.links[7].dl.back);
	CU_ASSERT_FALSE(back->quality.links[7].ul.has_back);
	mams_buf_fini(&out);
	ctl_msg_free(m);
	ctl_msg_free(back);
}

static void metrics_round_trip(void)
{
	struct mams_buf text = {0};
	struct mams_buf out = {0};
	struct ctl_msg *m;
	struct ctl_msg *back = NULL;
	struct mams_error err;

	for (int i = 0; i < 2000; i++)
		mams_buf_printf(&text, "mams_test_metric_of_a_long_name_total{n=\"%d\"} 1\n", i);
	m = ctl_metrics_new(7, &text);
	CU_ASSERT_PTR_NOT_NULL_FATAL(m);
	CU_ASSERT_EQUAL_FATAL(ctl_encode(m, 0, &out, &err), 0);
	CU_ASSERT_EQUAL_FATAL(ctl_decode(out.data, out.len, &back, &err), 0);
	CU_ASSERT_EQUAL(back->id, 7);
	CU_ASSERT_STRING_EQUAL(back->metrics.text, m->metrics.text);
	ctl_msg_free(m);
	ctl_msg_free(back);
	mams_buf_fini(&out);
}

static void refuses_what_is_wrong(void)
{
	static const struct {
		const char *text;
		int rc;
	} cases[] = {
		{"{\"ctl\":2,\"type\":\"result\",\"id\":0,\"code\":0}", -MAMS_ESTATE},
		{"{\"ctl\":1,\"type\":\"nothing\",\"id\":0}", -MAMS_EUNKNOWN},
		{"{\"ctl\":1,\"type\":\"px_paths\",\"id\":0}", -MAMS_EMISSING},
		{"{\"ctl\":1,\"type\":\"steer\",\"id\":0,\"dl\":[1],\"ul\":[]}", -MAMS_EPROTO},
	};

	for (size_t i = 0; i < MAMS_ARRAY_LEN(cases); i++) {
		struct ctl_msg *m = NULL;
		struct mams_error err;

		CU_ASSERT_EQUAL(
			ctl_decode(cases[i].text, strlen(cases[i].text), &m, &err), cases[i].rc);
	}
}

/* The highest in common, if there is one; what a hello says beyond it is ignored. */
static void hello_finds_the_version(void)
{
	static const struct {
		const char *text;
		uint32_t common;
	} cases[] = {
		{"{\"ctl\":1,\"type\":\"hello\",\"id\":1,\"least\":1,\"most\":1}", 1},
		{"{\"ctl\":1,\"type\":\"hello\",\"id\":1,\"least\":1,\"most\":4294967295,\"x\":[]}",
			CTL_VERSION},
		{"{\"ctl\":1,\"type\":\"hello\",\"id\":1,\"least\":7,\"most\":9}", 0},
		{"{\"ctl\":1,\"type\":\"hello\",\"id\":1,\"least\":9,\"most\":1}", 0},
	};
	struct ctl_msg *m = NULL;
	struct mams_error err;

	for (size_t i = 0; i < MAMS_ARRAY_LEN(cases); i++) {
		struct ctl_msg *answer;

		CU_ASSERT_EQUAL_FATAL(
			ctl_decode(cases[i].text, strlen(cases[i].text), &m, &err), 0);
		CU_ASSERT_EQUAL(ctl_hello_common(&m->hello), cases[i].common);
		answer = ctl_hello_answer(m);
		CU_ASSERT_PTR_NOT_NULL_FATAL(answer);
		CU_ASSERT_EQUAL(answer->id, 1);
		CU_ASSERT_EQUAL(answer->type, cases[i].common ? CTL_HELLO : CTL_RESULT);
		if (!cases[i].common)
			CU_ASSERT_EQUAL(answer->result.code, MAMS_ESTATE);
		ctl_msg_free(answer);
		ctl_msg_free(m);
	}
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"a path set round trip", paths_round_trip},
		{"quality round trip", quality_round_trip},
		{"metrics round trip", metrics_round_trip},
		{"what is wrong is refused", refuses_what_is_wrong},
		{"hello finds the version", hello_finds_the_version},
	};

	return mams_suite_run("ctl", cases, MAMS_ARRAY_LEN(cases));
}
