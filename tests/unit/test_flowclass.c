/* Flow classes: keys of packets, rules, traffic flow templates, cache. */
#include "trailer-madp/flowclass.h"

#include "tests/support/suite.h"

#include <string.h>

/* 10.0.0.1:1000 -> 192.0.2.9:53, UDP, DSCP EF */
static const uint8_t udp4[] = {0x45, 0xb8, 0, 32, 0, 1, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 192, 0, 2,
	9, 0x03, 0xe8, 0, 53, 0, 12, 0, 0, 1, 2, 3, 4};
/* fd00::1 -> fd00::2, hop-by-hop, then TCP 443 -> 5000, traffic class 0x28, label 0xabcde */
static const uint8_t tcp6[] = {0x62, 0x8a, 0xbc, 0xde, 0, 12, 0, 64, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 1, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 6, 0, 0, 0, 0, 0, 0,
	0, 0x01, 0xbb, 0x13, 0x88};

static struct madp_flow_key key(const uint8_t *pkt, size_t len, bool uplink)
{
	struct madp_flow_key k;

	CU_ASSERT_TRUE(madp_flow_key_read(pkt, len, uplink, 0, &k));
	return k;
}

static void keys(void)
{
	struct madp_flow_key k = key(udp4, sizeof(udp4), true);

	CU_ASSERT_EQUAL(k.version, 4);
	CU_ASSERT_EQUAL(k.protocol, 17);
	CU_ASSERT_EQUAL(k.traffic_class >> 2, 46);
	CU_ASSERT_EQUAL(k.local_port, 1000);
	CU_ASSERT_EQUAL(k.remote_port, 53);
	CU_ASSERT_EQUAL(k.local[0], 10);
	k = key(udp4, sizeof(udp4), false);
	CU_ASSERT_EQUAL(k.local_port, 53);
	CU_ASSERT_EQUAL(k.local[0], 192);
	k = key(tcp6, sizeof(tcp6), true);
	CU_ASSERT_EQUAL(k.version, 6);
	CU_ASSERT_EQUAL(k.protocol, 6);
	CU_ASSERT_EQUAL(k.local_port, 443);
	CU_ASSERT_EQUAL(k.remote_port, 5000);
	CU_ASSERT_EQUAL(k.traffic_class, 0x28);
	CU_ASSERT_EQUAL(k.flow_label, 0xabcde);
}

/* Fragments behind the first have no ports; whatever is cut off is not read. */
static void fragments_and_short_packets(void)
{
	uint8_t p[sizeof(udp4)];
	struct madp_flow_key k;

	memcpy(p, udp4, sizeof(p));
	p[7] = 1;
	k = key(p, sizeof(p), true);
	CU_ASSERT_EQUAL(k.local_port, 0);
	for (size_t len = 0; len < sizeof(udp4); len++)
		CU_ASSERT_EQUAL(madp_flow_key_read(udp4, len, true, 0, &k), len >= 20);
	for (size_t len = 0; len < sizeof(tcp6); len++)
		CU_ASSERT_EQUAL(madp_flow_key_read(tcp6, len, true, 0, &k), len >= 40);
	p[0] = 0x4f; /* header longer than the packet */
	CU_ASSERT_FALSE(madp_flow_key_read(p, sizeof(p), true, 0, &k));
	p[0] = 0x55;
	CU_ASSERT_FALSE(madp_flow_key_read(p, sizeof(p), true, 0, &k));
}

static void first_match_wins(void)
{
	struct madp_rules r = {0};
	struct madp_rule rule = madp_rule_any(3);
	struct madp_flow_key k = key(udp4, sizeof(udp4), true);
	struct madp_flow_key k6 = key(tcp6, sizeof(tcp6), true);

	CU_ASSERT_EQUAL(madp_rules_match(&r, &k), 0);
	rule.dscp = 46;
	rule.protocol = 17;
	rule.remote_port[0] = 50;
	rule.remote_port[1] = 53;
	CU_ASSERT_EQUAL(madp_rules_add(&r, &rule), 0);
	rule = madp_rule_any(5);
	CU_ASSERT_EQUAL(mams_prefix_parse("fd00::/16", &rule.remote), 0);
	CU_ASSERT_EQUAL(madp_rules_add(&r, &rule), 0);
	rule = madp_rule_any(6);
	rule.mark = 9;
	CU_ASSERT_EQUAL(madp_rules_add(&r, &rule), 0);
	CU_ASSERT_EQUAL(madp_rules_match(&r, &k), 3);
	CU_ASSERT_EQUAL(madp_rules_match(&r, &k6), 5);
	k.remote_port = 54;
	CU_ASSERT_EQUAL(madp_rules_match(&r, &k), 0);
	k.mark = 9;
	CU_ASSERT_EQUAL(madp_rules_match(&r, &k), 6);
	rule.cls = MADP_CLASSES_MAX;
	CU_ASSERT_EQUAL(madp_rules_add(&r, &rule), -MAMS_EVALUE);
	rule = madp_rule_any(1);
	rule.local_port[0] = 5;
	rule.local_port[1] = 4;
	CU_ASSERT_EQUAL(madp_rules_add(&r, &rule), -MAMS_EVALUE);
	rule = madp_rule_any(1);
	while (r.n < MADP_RULES_MAX)
		CU_ASSERT_EQUAL_FATAL(madp_rules_add(&r, &rule), 0);
	CU_ASSERT_EQUAL(madp_rules_add(&r, &rule), -MAMS_ELIMIT);
}

static void templates(void)
{
	struct madp_tft t = {.local_port = {0, 65535},
		.remote_port = {53, 53},
		.protocol_type = 255,
		.traffic_class = 255,
		.remote_addr_mask = "192.0.2.0/24"};
	struct madp_flow_key k = key(udp4, sizeof(udp4), true);
	struct madp_rules r = {0};
	struct madp_rule rule;

	CU_ASSERT_EQUAL(madp_rule_from_tft(&t, 2, &rule), 0);
	CU_ASSERT_EQUAL(madp_rules_add(&r, &rule), 0);
	CU_ASSERT_EQUAL(madp_rules_match(&r, &k), 2);
	k = key(tcp6, sizeof(tcp6), true);
	CU_ASSERT_EQUAL(madp_rules_match(&r, &k), 0);
	/* defaults match both families (RFC 8743 C.2.16) */
	t = (struct madp_tft){.local_port = {0, 65535},
		.remote_port = {0, 65535},
		.protocol_type = 255,
		.traffic_class = 255,
		.remote_addr_mask = "0.0.0.0/0"};
	CU_ASSERT_EQUAL(madp_rule_from_tft(&t, 4, &rule), 0);
	CU_ASSERT_EQUAL(madp_rules_add(&r, &rule), 0);
	CU_ASSERT_EQUAL(madp_rules_match(&r, &k), 4);
	t.local_addr_mask = "nonsense";
	CU_ASSERT_EQUAL(madp_rule_from_tft(&t, 4, &rule), -MAMS_EVALUE);
	t.local_addr_mask = NULL;
	t.local_port[0] = 2;
	t.local_port[1] = 1;
	CU_ASSERT_EQUAL(madp_rule_from_tft(&t, 4, &rule), -MAMS_EVALUE);
}

/* The cache says what the rules say, for more flows than it holds, and after a change of rules. */
static void cache(void)
{
	static uint64_t tag[256];
	static uint8_t cls[256];
	struct mams_prng rng = mams_prng_init(5);
	struct madp_class_cache c;
	struct madp_rules r = {0};

	madp_class_cache_init(&c, tag, cls, 256, 77);
	for (unsigned i = 1; i < MADP_CLASSES_MAX; i++) {
		struct madp_rule rule = madp_rule_any((uint8_t)i);

		rule.remote_port[0] = rule.remote_port[1] = (uint16_t)(i * 7);
		CU_ASSERT_EQUAL(madp_rules_add(&r, &rule), 0);
	}
	for (unsigned n = 0; n < 200000; n++) {
		struct madp_flow_key k = key(udp4, sizeof(udp4), true);

		k.local_port = (uint16_t)mams_prng_below(&rng, n % 2 ? 3 : 3000);
		k.remote_port = (uint16_t)(7 * mams_prng_below(&rng, n % 2 ? 3 : 9));
		if (madp_classify(&c, &r, n % 3, &k) != madp_rules_match(&r, &k))
			CU_FAIL("the cache disagrees with the rules");
		if (n == 100000) {
			r.rule[0].cls = 7;
			r.version++;
		}
	}
	CU_ASSERT(c.hits > 40000);
	CU_ASSERT_EQUAL(c.hits + c.misses, 200000);
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"keys", keys},
		{"fragments and short packets", fragments_and_short_packets},
		{"first match wins", first_match_wins},
		{"templates", templates},
		{"cache", cache},
	};

	return mams_suite_run("flowclass", cases, MAMS_ARRAY_LEN(cases));
}
