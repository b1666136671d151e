/* Anchor addresses of a trailer MADP. */
#include "ncm-service/pool.h"
#include "tests/support/suite.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct ncm_pool *pool(const char *a, const char *b)
{
	struct mams_prefix nets[2];
	struct ncm_pool *p;
	size_t n = b ? 2 : 1;

	mams_assert(mams_prefix_parse(a, &nets[0]) == 0);
	mams_assert(!b || mams_prefix_parse(b, &nets[1]) == 0);
	p = ncm_pool_new(nets, n);
	mams_assert(p);
	return p;
}

static const char *of(struct ncm_pool *p, uint64_t id, const char *who)
{
	static char text[2 * MAMS_ADDR_STRLEN];
	char a[MAMS_ADDR_STRLEN];
	struct mams_addr ip4;
	struct mams_addr ip6;
	int rc = ncm_pool_take(p, id, who, &ip4, &ip6);

	if (rc < 0)
		return rc == -MAMS_ELIMIT ? "full" : "?";
	snprintf(text, sizeof(text), "%s", mams_addr_is_set(&ip4) ? mams_addr_str(&ip4, a) : "");
	if (mams_addr_is_set(&ip6))
		snprintf(text + strlen(text), sizeof(text) - strlen(text), " %s",
			mams_addr_str(&ip6, a));
	return text;
}

/* Not the network's own address, not the last one, nobody twice. */
static void everyone_has_his_own(void)
{
	struct ncm_pool *p = pool("10.60.0.8/29", "fd60::/64");
	unsigned seen = 0;
	char who[16];

	for (uint64_t i = 1; i <= 6; i++) {
		const char *text;
		unsigned a = 0;
		unsigned b = 0;

		snprintf(who, sizeof(who), "c%llu", (unsigned long long)i);
		text = of(p, i, who);
		CU_ASSERT_EQUAL(sscanf(text, "10.60.0.%u fd60::%x", &a, &b), 2);
		CU_ASSERT(a >= 9 && a <= 14);
		CU_ASSERT_EQUAL(a - 8, b);
		CU_ASSERT_FALSE(seen & 1u << a);
		seen |= 1u << a;
	}
	CU_ASSERT_STRING_EQUAL(of(p, 7, "c7"), "full");
	ncm_pool_give(p, 3);
	CU_ASSERT_STRING_NOT_EQUAL(of(p, 7, "c7"), "full");
	ncm_pool_free(p);
}

static void the_same_again(void)
{
	struct ncm_pool *p = pool("10.60.0.0/16", NULL);
	struct ncm_pool *later = pool("10.60.0.0/16", NULL);
	char first[80];

	snprintf(first, sizeof(first), "%s", of(p, 1, "laptop"));
	CU_ASSERT_STRING_EQUAL(of(p, 1, "laptop"), first);
	CU_ASSERT_STRING_EQUAL(of(later, 77, "laptop"), first); /* whoever asked before */
	CU_ASSERT_STRING_NOT_EQUAL(of(p, 2, "phone"), first);
	ncm_pool_free(p);
	ncm_pool_free(later);
}

static void taken_elsewhere(void)
{
	struct ncm_pool *p = pool("10.60.0.0/30", NULL);
	char first[80];
	char second[80];

	snprintf(first, sizeof(first), "%s", of(p, 1, "laptop"));
	ncm_pool_pass(p, 1);
	snprintf(second, sizeof(second), "%s", of(p, 1, "laptop"));
	CU_ASSERT_STRING_NOT_EQUAL(second, first);
	ncm_pool_pass(p, 1);
	CU_ASSERT_STRING_EQUAL(of(p, 1, "laptop"), "full"); /* and no loop without end */
	ncm_pool_forget(p);
	CU_ASSERT_STRING_EQUAL(of(p, 1, "laptop"), first);
	ncm_pool_pass(p, 99); /* has none */
	ncm_pool_give(p, 99);
	ncm_pool_free(p);
}

static bool keep(struct ncm_pool *p, uint64_t id, const char *a, const char *b)
{
	struct mams_addr ip4 = {0};
	struct mams_addr ip6 = {0};

	mams_assert(!a || mams_addr_parse(a, &ip4) == 0);
	mams_assert(!b || mams_addr_parse(b, &ip6) == 0);
	return ncm_pool_keep(p, id, &ip4, &ip6);
}

/* Whatever its name would have given it. */
static void kept_over_a_restart(void)
{
	struct ncm_pool *p = pool("10.60.0.0/16", "fd60::/64");
	struct ncm_pool *six = pool("fd60::/112", NULL);

	CU_ASSERT_TRUE(keep(p, 1, "10.60.2.3", "fd60::203"));
	CU_ASSERT_STRING_EQUAL(of(p, 1, "laptop"), "10.60.2.3 fd60::203");
	CU_ASSERT_TRUE(keep(p, 1, "10.60.2.3", NULL));
	CU_ASSERT_FALSE(keep(p, 1, "10.60.2.4", NULL));
	CU_ASSERT_FALSE(keep(p, 2, "10.60.2.3", NULL)); /* another's */
	CU_ASSERT_FALSE(keep(p, 2, "10.61.2.3", NULL)); /* the network is another now */
	CU_ASSERT_FALSE(keep(p, 2, "10.60.0.0", NULL)); /* nobody's */
	CU_ASSERT_FALSE(keep(p, 2, "10.60.255.255", NULL));
	CU_ASSERT_FALSE(keep(p, 2, NULL, NULL));
	CU_ASSERT_FALSE(keep(p, 2, "fd60::1", NULL));
	CU_ASSERT_STRING_NOT_EQUAL(of(p, 2, "laptop"), "10.60.2.3 fd60::203");
	CU_ASSERT_TRUE(keep(six, 7, NULL, "fd60::77"));
	CU_ASSERT_STRING_EQUAL(of(six, 7, "phone"), " fd60::77");
	CU_ASSERT_FALSE(keep(six, 8, NULL, "fd60::1:77"));
	ncm_pool_free(p);
	ncm_pool_free(six);
}

/* Two instances of one network: free when both have given it back. */
static void shared(void)
{
	struct ncm_pool *p = pool("10.60.0.0/30", NULL);
	char first[64];

	snprintf(first, sizeof(first), "%s", of(p, 1, "laptop"));
	ncm_pool_hold(p, 1);
	ncm_pool_hold(p, 1);
	ncm_pool_give(p, 1);
	CU_ASSERT_STRING_EQUAL(of(p, 1, "laptop"), first);
	CU_ASSERT_STRING_NOT_EQUAL(of(p, 2, "laptop"), first);
	ncm_pool_leave(p, 1); /* it is held */
	CU_ASSERT_STRING_EQUAL(of(p, 3, "laptop"), "full");
	ncm_pool_give(p, 1);
	CU_ASSERT_STRING_EQUAL(of(p, 3, "laptop"), first);
	ncm_pool_leave(p, 3);
	CU_ASSERT_STRING_EQUAL(of(p, 4, "laptop"), first);
	ncm_pool_free(p);
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"everyone has his own address", everyone_has_his_own},
		{"the same one again", the_same_again},
		{"taken elsewhere", taken_elsewhere},
		{"kept over a restart", kept_over_a_restart},
		{"shared by instances", shared},
	};

	return mams_suite_run("pool", cases, MAMS_ARRAY_LEN(cases));
}
