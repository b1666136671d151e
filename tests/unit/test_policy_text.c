/* What a trace has of the configuration: written, read, and written again it is the same; what no
 * NCM is configured with is refused. */
#include "ncm-service/policy_text.h"

#include "lib/codec/field.h"
#include "lib/mx/mx_agree.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct mams_prefix prefix(const char *text)
{
	struct mams_prefix p = {0};

	CU_ASSERT_EQUAL(mams_prefix_parse(text, &p), 0);
	return p;
}

static struct mams_addr address(const char *text)
{
	struct mams_addr a = {0};

	CU_ASSERT_EQUAL(mams_addr_parse_port(text, 1, &a), 0);
	return a;
}

/* Something of everything. */
static struct mams_prefix networks[2], inside[1];
static struct mams_addr endpoints[2], dns[1];
static struct ncm_access accesses[] = {{.name = "wifi",
					       .client_networks = networks,
					       .n_client_networks = 2,
					       .adaptation = NCM_ADAPT_IPSEC,
					       .nat = true,
					       .tunnel = MX_ADAPT_DTLS,
					       .latency_ms = 7},
	{.name = "lte", .connection_type = MX_LTE, .applications = true}};
static struct ncm_madp_conf madps[] = {
	{.name = "east", .capacity = 9}, {.name = "west",
						 .trailer = "west.ctl",
						 .addresses = inside,
						 .n_addresses = 1,
						 .mtu = 1400,
						 .dns = dns,
						 .n_dns = 1}};
static struct ncm_anchor_conf anchors[] = {{.name = "tcp",
						   .connection_type = MX_5G_NR,
						   .methods = 1u << MX_CONV_MPTCP_PROXY,
						   .accesses = 3,
						   .madps = 1},
	{.name = "udp",
		.connection_id = 4,
		.methods = 1u << MX_CONV_GMA,
		.accesses = 2,
		.madps = 2}};
static struct ncm_measure measures[] = {
	{.connection_type = MX_LTE, .parameter = MX_M_DL_TPUT, .period_ms = 1000}};
static struct ncm_probe_conf probes[] = {{.period_ms = 5, .init_ack = true, .active_ms = 500}};
static struct ncm_app_conf apps[] = {{.name = "voice",
	.dscp = 46,
	.protocol = 17,
	.destinations = inside,
	.n_destinations = 1,
	.port_last = 65535,
	.order = {1, 0},
	.n_order = 2}};
static struct ncm_ssid ssids[] = {{.type = MX_SSID, .id = "office"}};
static const struct ncm_policy policy = {.ncm_id = 7,
	.anchors = anchors,
	.n_anchors = 2,
	.madps = madps,
	.n_madps = 2,
	.madp_grace_ms = 5000,
	.features = 127,
	.endpoints[NCM_HTTPS] = {endpoints, 2},
	.endpoints[NCM_UDP] = {endpoints, 1},
	.accesses = accesses,
	.n_accesses = 2,
	.measures = measures,
	.n_measures = 1,
	.probes = probes,
	.n_probes = 1,
	.control_port = 7444,
	.apps = apps,
	.n_apps = 1,
	.ssids = ssids,
	.n_ssids = 1,
	.timing = {1000, 4000, 3},
	.initiator = MX_INITIATOR_CCM,
	.gather_ms = 50};

static void write_one(struct mams_buf *out)
{
	networks[0] = prefix("10.1.0.0/16");
	networks[1] = prefix("2001:db8::/32");
	inside[0] = prefix("10.60.0.0/16");
	endpoints[0] = address("10.1.1.1:8443");
	endpoints[1] = address("[2001:db8::1]:8443");
	dns[0] = address("10.60.0.1:53");
	madps[0].access[1] = (struct ncm_madp_access){{endpoints[0], endpoints[1]}, 2};
	madps[1].access[0] = (struct ncm_madp_access){{endpoints[0]}, 1};
	CU_ASSERT_EQUAL_FATAL(ncm_policy_write(&policy, out), 0);
}

static int take(
	const char *text, struct ncm_policy *out, struct mams_arena **arena, struct mams_error *err)
{
	*arena = mams_arena_new();
	CU_ASSERT_PTR_NOT_NULL_FATAL(*arena);
	return ncm_policy_read(text, strlen(text), *arena, out, err);
}

static void written_and_read(void)
{
	struct mams_buf text = {0};
	struct mams_buf again = {0};
	struct mams_error err = {0};
	struct mams_arena *arena;
	struct ncm_policy p;

	write_one(&text);
	CU_ASSERT_EQUAL_FATAL(take(text.data, &p, &arena, &err), 0);
	CU_ASSERT_EQUAL_FATAL(ncm_policy_write(&p, &again), 0);
	CU_ASSERT_STRING_EQUAL(again.data, text.data);
	CU_ASSERT_EQUAL(p.madps[0].access[1].n, 2);
	CU_ASSERT_EQUAL(p.madps[0].access[1].proxies[1].port, 8443);
	CU_ASSERT_PTR_NULL(p.madps[0].trailer);
	CU_ASSERT_PTR_NOT_NULL(p.madps[1].trailer);
	CU_ASSERT_EQUAL(p.apps[0].order[0], 1);
	CU_ASSERT(mams_prefix_has(&p.accesses[0].client_networks[1], &p.endpoints[0].list[1]));
	/* paths of sockets are nobody's business */
	CU_ASSERT_PTR_NULL(strstr(text.data, "west.ctl"));
	mams_arena_free(arena);
	mams_buf_fini(&text);
	mams_buf_fini(&again);
}

static void refused(void)
{
	static const char *const cases[][3] = {
		{"\"order\":[1,0]", "\"order\":[2]", "apps"},
		{"\"access\":0", "\"access\":1", NULL}, /* another one, and good */
		{"\"access\":0", "\"access\":16", "access"},
		{"\"active_ms\":500", "\"active_ms\":0", "active_ms"},
		{"\"adaptation\":\"IPsec\"", "\"adaptation\":\"rope\"", "adaptation"},
		{"\"len\":16", "\"len\":129", "len"},
	};
	struct mams_buf text = {0};

	write_one(&text);
	for (size_t i = 0; i < MAMS_ARRAY_LEN(cases); i++) {
		const char *at = strstr(text.data, cases[i][0]);
		struct mams_buf other = {0};
		struct mams_error err = {0};
		struct mams_arena *arena;
		struct ncm_policy p;
		int rc;

		CU_ASSERT_PTR_NOT_NULL_FATAL(at);
		mams_buf_add(&other, text.data, (size_t)(at - text.data));
		mams_buf_printf(&other, "%s%s", cases[i][1], at + strlen(cases[i][0]));
		rc = take(other.data, &p, &arena, &err);
		CU_ASSERT_EQUAL(rc == 0, cases[i][2] == NULL);
		if (cases[i][2] && !strstr(err.where, cases[i][2])) {
			printf("\n%s: %s\n", err.where, err.text);
			CU_FAIL("not named");
		}
		mams_arena_free(arena);
		mams_buf_fini(&other);
	}
	mams_buf_fini(&text);
}

/* Bits of what is not there are none. */
static void bits_have_a_meaning(void)
{
	struct mams_buf text = {0};
	struct mams_error err = {0};
	struct mams_arena *arena;
	struct ncm_policy p;
	char *at;

	write_one(&text);
	at = strstr(text.data, "\"accesses\":3");
	CU_ASSERT_PTR_NOT_NULL_FATAL(at);
	at[strlen("\"accesses\":")] = '9';
	CU_ASSERT_EQUAL_FATAL(take(text.data, &p, &arena, &err), 0);
	CU_ASSERT_EQUAL(p.anchors[0].accesses, 1);
	mams_arena_free(arena);
	mams_buf_fini(&text);
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"written, read and written again", written_and_read},
		{"what is refused", refused},
		{"bits have a meaning", bits_have_a_meaning},
	};

	return mams_suite_run("policy_text", cases, MAMS_ARRAY_LEN(cases));
}
