/* A session's configuration: what is taken, and what is refused before anything changes. */
#include "trailer-madp/build.h"

#include "lib/base/buf.h"
#include "lib/io/ipsec.h"
#include "tests/support/suite.h"
#include "trailer-madp/flowclass.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static const char good[] =
	"{\"ctl\":1,\"type\":\"tr_session_set\",\"id\":3,\"client\":\"laptop\",\"session_id\":42,"
	"\"secret\":\"MDEyMzQ1Njc4OWFiY2RlZg==\",\"anchor4\":\"10.60.0.2\",\"anchor6\":\"fd60::2\","
	"\"anchor_connection_id\":1,\"mtu\":1400,\"control_port\":7500,"
	"\"encapsulation\":\"trailer\",\"header_optimization\":false,\"links\":["
	"{\"connection_id\":1,\"name\":\"wifi\",\"mtu\":1500,\"local\":\"10.1.1.2\","
	"\"remote\":\"10.1.1.1\",\"remote_port\":7446,\"device\":\"wlan0\",\"rate_kbps\":20000,"
	"\"bound_kbps\":0},"
	"{\"connection_id\":7,\"name\":\"lte\",\"mtu\":1400,\"local\":\"fd01::2\","
	"\"remote\":\"fd01::1\",\"remote_port\":7446,\"rate_kbps\":0,\"bound_kbps\":0}],"
	"\"classes\":[{\"flow_id\":0,"
	"\"ul\":{\"mode\":\"split\",\"links\":[7,1],\"weights\":[30,70],\"lossless\":true,"
	"\"pass_late\":false},"
	"\"dl\":{\"mode\":\"redundant\",\"links\":[1,7],\"lossless\":false,\"pass_late\":true}},"
	"{\"flow_id\":2,\"rules\":[{\"protocol\":17,\"remote_port_first\":5000}],"
	"\"ul\":{\"mode\":\"single\",\"links\":[1],\"lossless\":false,\"pass_late\":false},"
	"\"dl\":{\"mode\":\"single\",\"links\":[1],\"lossless\":false,\"pass_late\":false}}]}";

static int build(const char *text, enum madp_role role, struct madp_session_set **out,
	struct mams_error *err)
{
	struct ctl_msg *m = NULL;
	int rc = ctl_decode(text, strlen(text), &m, err);

	CU_ASSERT_EQUAL_FATAL(rc, 0);
	CU_ASSERT_TRUE(ctl_type_is_request(m->type));
	rc = madp_build(&m->tr_session_set, role, 2048, out, err);
	ctl_msg_free(m);
	return rc;
}

static void what_is_taken(void)
{
	struct madp_session_set *s = NULL;
	struct mams_error err;

	CU_ASSERT_EQUAL_FATAL(build(good, MADP_ROLE_CLIENT, &s, &err), 0);
	CU_ASSERT_STRING_EQUAL(s->client, "laptop");
	CU_ASSERT_EQUAL(s->id, 42);
	CU_ASSERT_EQUAL(s->key_len, 16);
	CU_ASSERT_EQUAL(memcmp(s->key, "0123456789abcdef", 16), 0);
	CU_ASSERT_EQUAL(s->n_links, 2);
	CU_ASSERT_EQUAL(s->link[0].rate, 20000000);
	CU_ASSERT_EQUAL(s->link[1].remote.port, 7446);
	CU_ASSERT_EQUAL(s->cls[0].send.mode, MADP_MODE_SPLIT);
	CU_ASSERT_EQUAL(s->cls[0].send.links[0], 7);
	CU_ASSERT_EQUAL(s->cls[0].send.weight[1], 70);
	CU_ASSERT_TRUE(s->cls[0].send.lossless);
	CU_ASSERT_FALSE(s->cls[0].peer_lossless);
	CU_ASSERT_TRUE(s->cls[0].pass_late);
	CU_ASSERT_FALSE(s->cls[0].peer_splits);
	CU_ASSERT_TRUE(s->cls[0].peer_repeats);
	CU_ASSERT_FALSE(s->cls[0].peer_needs_reports);
	CU_ASSERT_EQUAL(s->cls[0].dl, MADP_MODE_DUPLICATE);
	CU_ASSERT_FALSE(s->fragmentation || s->concatenation);
	CU_ASSERT_FALSE(s->cls[1].used);
	CU_ASSERT_TRUE(s->cls[2].used);
	CU_ASSERT_EQUAL(s->rules->n, 1);
	CU_ASSERT_EQUAL(s->rules->rule[0].remote_port[1], 5000);
	madp_session_set_free(s);
}

static void cutting_and_collecting_are_switches(void)
{
	for (unsigned i = 0; i < 4; i++) {
		struct madp_session_set *s = NULL;
		struct mams_error err;
		char text[sizeof(good) + 80];

		snprintf(text, sizeof(text), "%.*s,\"fragmentation\":%s,\"concatenation\":%s}",
			(int)sizeof(good) - 2, good, i & 1 ? "true" : "false",
			i & 2 ? "true" : "false");
		CU_ASSERT_EQUAL_FATAL(build(text, MADP_ROLE_NETWORK, &s, &err), 0);
		CU_ASSERT_EQUAL(s->fragmentation, i & 1);
		CU_ASSERT_EQUAL(s->concatenation, i >> 1);
		madp_session_set_free(s);
	}
}

static void the_other_end_sends_the_other_direction(void)
{
	struct madp_session_set *s = NULL;
	struct mams_error err;

	CU_ASSERT_EQUAL_FATAL(build(good, MADP_ROLE_NETWORK, &s, &err), 0);
	CU_ASSERT_EQUAL(s->cls[0].send.mode, MADP_MODE_DUPLICATE);
	CU_ASSERT_TRUE(s->cls[0].peer_lossless);
	CU_ASSERT_FALSE(s->cls[0].pass_late);
	CU_ASSERT_TRUE(s->cls[0].peer_splits);
	CU_ASSERT_FALSE(s->cls[0].peer_repeats);
	CU_ASSERT_TRUE(s->cls[0].peer_needs_reports);
	CU_ASSERT_EQUAL(s->cls[0].ul, MADP_MODE_SPLIT);
	/* where a client is, it must prove */
	CU_ASSERT_FALSE(mams_addr_is_set(&s->link[0].local));
	CU_ASSERT_FALSE(mams_addr_is_set(&s->link[0].remote));
	madp_session_set_free(s);
}

/** good, with the first `from` in it replaced. */
static void refused(const char *from, const char *to, int want)
{
	struct madp_session_set *s = NULL;
	struct mams_error err = {0};
	struct mams_buf b = {0};
	const char *at = strstr(good, from);

	CU_ASSERT_PTR_NOT_NULL_FATAL(at);
	mams_buf_add(&b, good, (size_t)(at - good));
	mams_buf_printf(&b, "%s%s", to, at + strlen(from));
	CU_ASSERT_EQUAL(build(b.data, MADP_ROLE_CLIENT, &s, &err), want);
	CU_ASSERT_TRUE(err.text[0] != '\0');
	CU_ASSERT_PTR_NULL(s);
	mams_buf_fini(&b);
}

/* Each refusal is of one thing: good has two, an IPv6 link and an IPv6 anchor. */
static void client_nat(void)
{
	static const char wifi[] = "\"device\":\"wlan0\"";
	static const char nat[] = "\"client_nat\":true,\"device\":\"wlan0\"";
	struct madp_session_set *s = NULL;
	struct mams_error err = {0};
	struct mams_buf b = {0};
	const char *at;

	refused(wifi, nat, -MAMS_EVALUE); /* anchor6 */
	refused("\"remote\":\"fd01::1\"", "\"client_nat\":true,\"remote\":\"fd01::1\"",
		-MAMS_EVALUE);
	for (unsigned i = 0; i < 4; i++) {
		static const char *const with[] = {"", ",\"dtls\":true", "", ""};
		static const char *const form[] = {"trailer\",\"header_optimization\":false",
			"trailer\",\"header_optimization\":false",
			"header_ip\",\"header_optimization\":false",
			"trailer\",\"header_optimization\":true"};

		at = strstr(good, ",\"anchor6\"");
		mams_buf_add(&b, good, (size_t)(at - good));
		at = strstr(at, ",\"anchor_conn");
		mams_buf_add(&b, at, (size_t)(strstr(at, "trailer") - at));
		mams_buf_printf(&b, "%s", form[i]);
		at = strstr(at, ",\"links\"");
		mams_buf_add(&b, at, (size_t)(strstr(at, "7446") - at));
		/* no port: there is no tunnel */
		mams_buf_printf(&b, "0,\"client_nat\":true%s", with[i]);
		at = strstr(at, "7446") + 4;
		mams_buf_printf(&b, "%s", at);
		CU_ASSERT_EQUAL(build(b.data, MADP_ROLE_CLIENT, &s, &err), i ? -MAMS_EVALUE : 0);
		CU_ASSERT_EQUAL(s != NULL, i == 0);
		CU_ASSERT_TRUE(i == 0 || strstr(err.text, i == 1 ? "DTLS" : "encapsulation"));
		if (s)
			CU_ASSERT_TRUE(s->link[0].client_nat && !s->link[1].client_nat);
		madp_session_set_free(s);
		s = NULL;
		mams_buf_fini(&b);
		b = (struct mams_buf){0};
	}
}

/* What is left inside: outer IP, UDP, ESP with its padding off, and never more than charon's
 * device. */
static void ipsec(void)
{
	static const struct {
		uint32_t mtu;
		uint8_t family;
		uint32_t inside;
	} rows[] = {
		/* 60 off for IP 20, UDP 8, ESP 8, IV 8, ICV 16; of the rest 2 are of the padding */
		{1400, AF_INET, 1338},
		{1401, AF_INET, 1338},
		{1403, AF_INET, 1338},
		{1404, AF_INET, 1342},
		{1400, AF_INET6, 1318},
		{1462, AF_INET, 1398},
		{1500, AF_INET, 1400},
		{9000, AF_INET6, 1400},
		{62, AF_INET, 0},
		{20, AF_INET6, 0},
	};
	static const char wifi[] = "\"device\":\"wlan0\"";
	struct madp_session_set *s = NULL;
	struct mams_error err = {0};
	struct mams_buf b = {0};
	const char *at = strstr(good, wifi);

	for (size_t i = 0; i < MAMS_ARRAY_LEN(rows); i++)
		CU_ASSERT_EQUAL(mams_ipsec_inner(rows[i].mtu, rows[i].family), rows[i].inside);
	refused(wifi, "\"ipsec\":true,\"dtls\":true", -MAMS_EVALUE);
	refused(wifi, "\"ipsec\":true,\"client_nat\":true", -MAMS_EVALUE);
	CU_ASSERT_PTR_NOT_NULL_FATAL(at);
	mams_buf_add(&b, good, (size_t)(at - good));
	mams_buf_printf(&b, "\"ipsec\":true,%s", at);
	CU_ASSERT_EQUAL_FATAL(build(b.data, MADP_ROLE_CLIENT, &s, &err), 0);
	/* the route into the association is another device's */
	CU_ASSERT_TRUE(s->link[0].ipsec && !s->link[1].ipsec);
	CU_ASSERT_STRING_EQUAL(s->link[0].device, "");
	CU_ASSERT_EQUAL(s->link[0].mtu, 1400);
	madp_session_set_free(s);
	mams_buf_fini(&b);
}

static void what_is_refused(void)
{
	refused("MDEyMzQ1Njc4OWFiY2RlZg==", "c2hvcnQ=", -MAMS_EVALUE);
	refused("MDEyMzQ1Njc4OWFiY2RlZg==", "MDEyMzQ1Njc4OWFiY2RlZ", -MAMS_EVALUE);
	refused("MDEyMzQ1Njc4OWFiY2RlZg==", "?DEyMzQ1Njc4OWFiY2RlZg==", -MAMS_EVALUE);
	refused("\"anchor4\":\"10.60.0.2\",\"anchor6\":\"fd60::2\",", "", -MAMS_EMISSING);
	refused("\"anchor4\":\"10.60.0.2\"", "\"anchor4\":\"fd60::1\"", -MAMS_EVALUE);
	refused("\"anchor4\":\"10.60.0.2\"", "\"anchor4\":\"224.0.0.1\"", -MAMS_EVALUE);
	refused("\"mtu\":1400,\"control", "\"mtu\":9000,\"control", -MAMS_EVALUE);
	refused("\"connection_id\":7", "\"connection_id\":1", -MAMS_EVALUE);
	refused("\"remote\":\"10.1.1.1\"", "\"remote\":\"fd01::1\"", -MAMS_EVALUE);
	refused("\"remote_port\":7446", "\"remote_port\":0", -MAMS_EVALUE);
	refused("\"links\":[7,1]", "\"links\":[7,2]", -MAMS_EUNKNOWN);
	refused("\"links\":[7,1]", "\"links\":[7,7]", -MAMS_EVALUE);
	refused("\"weights\":[30,70]", "\"weights\":[30]", -MAMS_EVALUE);
	refused("\"flow_id\":0", "\"flow_id\":2", -MAMS_EVALUE);
	refused("\"flow_id\":0", "\"flow_id\":1", -MAMS_EMISSING);
	refused("\"remote_port_first\":5000",
		"\"remote_port_first\":5000,\"remote_port_last\":4000", -MAMS_EVALUE);
	refused("\"protocol\":17", "\"local\":\"10.0.0.1/8\"", -MAMS_EVALUE);
}

static void the_same_link(void)
{
	struct madp_session_set *a = NULL;
	struct madp_session_set *b = NULL;
	struct mams_error err;

	CU_ASSERT_EQUAL_FATAL(build(good, MADP_ROLE_CLIENT, &a, &err), 0);
	CU_ASSERT_EQUAL_FATAL(build(good, MADP_ROLE_CLIENT, &b, &err), 0);
	CU_ASSERT_TRUE(madp_link_set_same(&a->link[0], &b->link[0]));
	b->link[0].mtu = 1400; /* changed in place */
	CU_ASSERT_TRUE(madp_link_set_same(&a->link[0], &b->link[0]));
	b->link[0].client_nat = true;
	CU_ASSERT_FALSE(madp_link_set_same(&a->link[0], &b->link[0]));
	b->link[0].client_nat = false;
	b->link[0].remote.port++;
	CU_ASSERT_FALSE(madp_link_set_same(&a->link[0], &b->link[0]));
	CU_ASSERT_FALSE(madp_link_set_same(&a->link[0], &a->link[1]));
	madp_session_set_free(a);
	madp_session_set_free(b);
}

/* The longest packet inside, by hand: what is around it on each link, 14 octets of trailer (13
 * where one class is all there is), and the least of the links. */
static void the_largest_packet_inside(void)
{
	struct madp_session_set *s = NULL;
	struct mams_error err;

	for (int role = MADP_ROLE_CLIENT; role <= MADP_ROLE_NETWORK; role++) {
		CU_ASSERT_EQUAL_FATAL(build(good, (enum madp_role)role, &s, &err), 0);
		CU_ASSERT_EQUAL(madp_session_set_mtu(s), 1400 - 48 - 14); /* lte: IPv6 outside */
		s->link[1].dtls = true;
		CU_ASSERT_EQUAL(madp_session_set_mtu(s), 1400 - 48 - 37 - 14);
		s->fragmentation = true; /* it is cut */
		CU_ASSERT_EQUAL(madp_session_set_mtu(s), 1400);
		s->fragmentation = false;
		s->n_links = 1;
		CU_ASSERT_EQUAL(madp_session_set_mtu(s), 1400); /* as told, though 1458 would fit */
		s->mtu = 9000;
		CU_ASSERT_EQUAL(madp_session_set_mtu(s), 1500 - 28 - 14);
		s->cls[2].used = false;
		CU_ASSERT_EQUAL(madp_session_set_mtu(s), 1500 - 28 - 13);
		s->link[0].client_nat = true;
		CU_ASSERT_EQUAL(madp_session_set_mtu(s), 1500 - 13);
		s->link[0].mtu = 1290; /* IPv6 inside needs its 1280 */
		CU_ASSERT_EQUAL(madp_session_set_mtu(s), 1280);
		s->anchor6 = (struct mams_addr){0};
		CU_ASSERT_EQUAL(madp_session_set_mtu(s), 1277);
		s->link[0].mtu = 0;
		CU_ASSERT_EQUAL(madp_session_set_mtu(s), 576);
		s->n_links = 0;
		CU_ASSERT_EQUAL(madp_session_set_mtu(s), 9000);
		madp_session_set_free(s);
	}
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"what is taken", what_is_taken},
		{"cutting and collecting are switches", cutting_and_collecting_are_switches},
		{"the other end sends the other direction",
			the_other_end_sends_the_other_direction},
		{"what is refused", what_is_refused},
		{"client NAT", client_nat},
		{"IPsec", ipsec},
		{"the same link", the_same_link},
		{"the largest packet inside", the_largest_packet_inside},
	};

	return mams_suite_run("build", cases, MAMS_ARRAY_LEN(cases));
}
