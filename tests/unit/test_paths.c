/* Order and memory of paths; destinations: the small cores of mams-proxy. */
#include "proxy/dest.h"
#include "proxy/paths.h"

#include "tests/support/suite.h"

#include <string.h>

static mams_time at(int64_t ms)
{
	return mams_time_us(ms * 1000);
}

static void order(void)
{
	struct px_path_health health[4];
	struct px_path p[4] = {
		{.priority = 2, .health = &health[0]},
		{.priority = 0, .backup = true, .health = &health[1]},
		{.priority = 1, .health = &health[2]},
		{.priority = 1, .health = &health[3]},
	};
	uint8_t o[PX_PATHS_MAX];

	memset(health, 0, sizeof(health));
	CU_ASSERT_EQUAL(px_paths_order(p, 4, at(1), o), 4);
	CU_ASSERT_EQUAL(memcmp(o, "\2\3\0\1", 4), 0);
	px_path_failed(&p[2], at(1000));
	CU_ASSERT_EQUAL(px_paths_order(p, 4, at(1001), o), 4);
	CU_ASSERT_EQUAL(memcmp(o, "\3\0\1\2", 4), 0);
	/* forgiven after a while, sooner when it works again, later after each failure */
	CU_ASSERT_FALSE(px_path_is_suspect(&p[2], at(6000)));
	px_path_failed(&p[2], at(6000));
	CU_ASSERT_TRUE(px_path_is_suspect(&p[2], at(15999)));
	CU_ASSERT_FALSE(px_path_is_suspect(&p[2], at(16000)));
	px_path_failed(&p[2], at(20000));
	px_path_worked(&p[2], 30000);
	CU_ASSERT_FALSE(px_path_is_suspect(&p[2], at(20001)));
	CU_ASSERT_EQUAL(atomic_load(&health[2].failures), 3);
	CU_ASSERT_EQUAL(atomic_load(&health[2].flows), 1);
}

/* Short connections begin on the nearest of those that are as good otherwise. */
static void nearest_first(void)
{
	struct px_path_health health[3];
	struct px_path p[3] = {{.health = &health[0]}, {.health = &health[1]},
		{.priority = 1, .health = &health[2]}};
	uint8_t o[PX_PATHS_MAX];

	memset(health, 0, sizeof(health));
	px_path_near(&p[1], 10000, at(1));
	px_path_near(&p[2], 1000, at(1));
	px_paths_order(p, 3, at(2), o);
	CU_ASSERT_EQUAL(memcmp(o, "\0\1\2", 3), 0); /* nothing is known of the first */
	px_path_near(&p[0], 14000, at(3));
	px_paths_order(p, 3, at(4), o);
	CU_ASSERT_EQUAL(memcmp(o, "\0\1\2", 3), 0); /* 4 ms are no reason */
	px_path_near(&p[0], 40000, at(5));          /* halfway */
	px_paths_order(p, 3, at(6), o);
	CU_ASSERT_EQUAL(memcmp(o, "\1\0\2", 3), 0);
	/* a fifth of a long way is none either */
	px_path_near(&p[0], 200000, at(40000));
	px_path_near(&p[1], 160000, at(40000));
	px_paths_order(p, 3, at(40001), o);
	CU_ASSERT_EQUAL(memcmp(o, "\0\1\2", 3), 0);
	px_path_near(&p[1], 20000, at(40002));
	px_paths_order(p, 3, at(40003), o);
	CU_ASSERT_EQUAL(memcmp(o, "\1\0\2", 3), 0);
	/* not of another N-MADP */
	p[1].group = 1;
	px_paths_order(p, 3, at(40003), o);
	CU_ASSERT_EQUAL(memcmp(o, "\0\1\2", 3), 0);
	p[1].group = 0;
	/* forgotten after 30 s; an order of the CCM stands above all */
	px_paths_order(p, 3, at(70002), o);
	CU_ASSERT_EQUAL(memcmp(o, "\0\1\2", 3), 0);
	px_path_near(&p[0], 200000, at(80000));
	px_path_near(&p[1], 20000, at(80000));
	p[1].backup = true;
	px_paths_order(p, 3, at(80001), o);
	CU_ASSERT_EQUAL(memcmp(o, "\0\2\1", 3), 0);
}

static void patience(void)
{
	struct px_path_health health = {0};
	struct px_path p = {.health = &health};

	CU_ASSERT_EQUAL(px_path_patience_us(&p, 150000), 150000);
	px_path_worked(&p, 20000);
	CU_ASSERT_EQUAL(px_path_patience_us(&p, 150000), 150000);
	for (int i = 0; i < 50; i++)
		px_path_worked(&p, 120000);
	CU_ASSERT_TRUE(px_path_patience_us(&p, 150000) > 200000);
	for (int i = 0; i < 50; i++)
		px_path_worked(&p, 900000);
	CU_ASSERT_EQUAL(px_path_patience_us(&p, 150000), 300000);
}

/** RFC 8803 section 8: eight SYN payloads in a row lost, none in between. */
static void stripped(void)
{
	struct px_path_health health = {0};
	struct px_path p = {.health = &health};

	for (int i = 0; i < 7; i++)
		CU_ASSERT_FALSE(px_path_syn_data(&p, false, at(1)));
	CU_ASSERT_FALSE(px_path_syn_data(&p, true, at(1)));
	for (int i = 0; i < 7; i++)
		CU_ASSERT_FALSE(px_path_syn_data(&p, false, at(1)));
	CU_ASSERT_TRUE(px_path_syn_data(&p, false, at(1)));
	CU_ASSERT_TRUE(px_path_is_suspect(&p, at(500000)));
}

/** Two fallbacks in a row are no accident; it is forgotten after an hour, or when one is none. */
static void plain(void)
{
	struct px_path_health health[3];
	struct px_path p[3] = {{.health = &health[0]}, {.priority = 1, .health = &health[1]},
		{.priority = 2, .backup = true, .health = &health[2]}};
	uint8_t o[PX_PATHS_MAX];

	memset(health, 0, sizeof(health));
	CU_ASSERT_FALSE(px_path_plain(&p[0], true, at(1)));
	CU_ASSERT_FALSE(px_path_plain(&p[0], false, at(2)));
	CU_ASSERT_FALSE(px_path_plain(&p[0], true, at(3)));
	CU_ASSERT_FALSE(px_path_is_plain(&p[0], at(3)));
	CU_ASSERT_TRUE(px_path_plain(&p[0], true, at(4)));
	CU_ASSERT_FALSE(px_path_plain(&p[0], true, at(5)));
	/* after what is in use as well, before what is not */
	CU_ASSERT_EQUAL(px_paths_order(p, 3, at(6), o), 3);
	CU_ASSERT_EQUAL(memcmp(o, "\1\0\2", 3), 0);
	px_path_failed(&p[1], at(7));
	CU_ASSERT_EQUAL(px_paths_order(p, 3, at(8), o), 3);
	CU_ASSERT_EQUAL(memcmp(o, "\0\2\1", 3), 0);
	CU_ASSERT_TRUE(px_path_is_plain(&p[0], at(3600004)));
	CU_ASSERT_FALSE(px_path_is_plain(&p[0], at(3600005)));
	/* one more is enough then */
	CU_ASSERT_TRUE(px_path_plain(&p[0], true, at(3700000)));
	CU_ASSERT_EQUAL(px_path_plain_ms(&p[0], at(3700000)), 3600000);
	CU_ASSERT_EQUAL(px_path_plain_ms(&p[0], mams_time_us(7299999999)), 1);
	CU_ASSERT_TRUE(px_path_plain(&p[0], false, at(3700001)));
	CU_ASSERT_FALSE(px_path_plain(&p[0], false, at(3700002)));
	CU_ASSERT_FALSE(px_path_is_plain(&p[0], at(3700002)));
	CU_ASSERT_EQUAL(px_path_plain_ms(&p[0], at(3700002)), 0);
}

static bool allowed(const struct px_dest_policy *p, const char *dst)
{
	struct mams_addr a;

	CU_ASSERT_EQUAL(mams_addr_parse_port(dst, 80, &a), 0);
	return px_dest_is_allowed(p, &a);
}

static void destinations(void)
{
	struct mams_prefix own[2];
	struct mams_prefix allow[2];
	struct mams_prefix deny[1];
	struct mams_addr self[2];
	struct px_dest_policy p = {
		.own = own, .n_own = 2, .self = self, .n_self = 2, .others = true};

	CU_ASSERT_EQUAL(mams_prefix_parse("10.9.9.0/24", &own[0]), 0);
	CU_ASSERT_EQUAL(mams_prefix_parse("fd09::/64", &own[1]), 0);
	CU_ASSERT_EQUAL(mams_addr_parse("10.9.9.1", &self[0]), 0);
	CU_ASSERT_EQUAL(mams_addr_parse("203.0.113.1", &self[1]), 0);
	CU_ASSERT_EQUAL(mams_prefix_parse("10.9.9.0/24", &allow[0]), 0);
	CU_ASSERT_EQUAL(mams_prefix_parse("203.0.113.1", &allow[1]), 0);
	CU_ASSERT_EQUAL(mams_prefix_parse("10.9.9.128/25", &deny[0]), 0);

	CU_ASSERT_TRUE(allowed(&p, "198.51.100.1"));
	CU_ASSERT_TRUE(allowed(&p, "[2001:db8::1]"));
	CU_ASSERT_FALSE(allowed(&p, "127.0.0.1"));
	CU_ASSERT_FALSE(allowed(&p, "[::1]"));
	CU_ASSERT_FALSE(allowed(&p, "169.254.1.1"));
	CU_ASSERT_FALSE(allowed(&p, "[fe80::1]"));
	CU_ASSERT_FALSE(allowed(&p, "239.1.1.1"));
	CU_ASSERT_FALSE(allowed(&p, "10.9.9.2"));
	CU_ASSERT_FALSE(allowed(&p, "[fd09::2]"));
	CU_ASSERT_FALSE(allowed(&p, "203.0.113.1"));
	p.allow = allow;
	p.n_allow = 2;
	CU_ASSERT_TRUE(allowed(&p, "10.9.9.2"));
	CU_ASSERT_FALSE(allowed(&p, "10.9.9.1"));
	CU_ASSERT_TRUE(allowed(&p, "203.0.113.1"));
	p.deny = deny;
	p.n_deny = 1;
	CU_ASSERT_FALSE(allowed(&p, "10.9.9.200"));
	CU_ASSERT_TRUE(allowed(&p, "10.9.9.2"));
	p.others = false;
	CU_ASSERT_FALSE(allowed(&p, "198.51.100.1"));
	CU_ASSERT_TRUE(allowed(&p, "10.9.9.2"));
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"order", order},
		{"nearest first", nearest_first},
		{"patience", patience},
		{"stripped", stripped},
		{"plain", plain},
		{"destinations", destinations},
	};

	return mams_suite_run("paths", cases, MAMS_ARRAY_LEN(cases));
}
