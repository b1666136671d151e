/* Which N-MADP instances are far, by what was measured. */
#include "ncm-service/near.h"
#include "tests/support/suite.h"

#include <string.h>

static struct ncm_madp_conf confs[3] = {
	{.name = "a", .capacity = 100}, {.name = "b", .capacity = 100}, {.name = "c"}};
static struct ncm_policy policy = {.madps = confs, .n_madps = 3, .madp_lost_ms = 3000};
static struct ncm_madps m;
static struct ncm_near near;

#define A 1u
#define B 2u
#define C 4u
#define AB (A | B)
#define ABC (A | B | C)
#define NOW ((mams_time){1000000})

static void begin(void)
{
	memset(&near, 0, sizeof(near));
	ncm_madps_init(&m, &policy, NOW);
	for (size_t i = 0; i < 3; i++)
		ncm_madps_connected(&m, i);
}

static uint32_t far(uint32_t among, int current, uint32_t a, uint32_t b, uint32_t c)
{
	const uint32_t cost[NCM_MADPS_MAX] = {a * 1000, b * 1000, c * 1000};

	return ncm_near_far(&m, among, current, cost);
}

static void the_nearer_one(void)
{
	begin();
	CU_ASSERT_EQUAL(far(AB, -1, 0, 0, 0), 0);
	CU_ASSERT_EQUAL(far(AB, -1, 80, 20, 0), A);
	CU_ASSERT_EQUAL(far(AB, 0, 80, 20, 0), A);
	CU_ASSERT_EQUAL(far(AB, 1, 80, 20, 0), 0);
	/* not for little: a quarter and 5 ms */
	CU_ASSERT_EQUAL(far(AB, 0, 30, 20, 0), 0);
	CU_ASSERT_EQUAL(far(AB, 0, 31, 20, 0), A);
	CU_ASSERT_EQUAL(far(ABC, -1, 80, 20, 22), A);
	/* alone, or the only one that is measured and near: nobody else is meant */
	CU_ASSERT_EQUAL(far(A, 0, 80, 20, 0), 0);
}

static void who_is_unknown(void)
{
	begin();
	/* somebody who has none yet tries it, nobody moves to it */
	CU_ASSERT_EQUAL(far(AB, -1, 80, 0, 0), A);
	CU_ASSERT_EQUAL(far(AB, 0, 80, 0, 0), 0);
	CU_ASSERT_EQUAL(far(ABC, -1, 80, 20, 0), AB);
	CU_ASSERT_EQUAL(far(AB, -1, 10, 0, 0), B);  /* near enough */
	CU_ASSERT_EQUAL(far(ABC, -1, 10, 0, 0), B); /* nobody would ever come to c */
	CU_ASSERT_EQUAL(far(AB, 1, 10, 0, 0), 0);   /* until it is measured */
}

static void loads_alike(void)
{
	begin();
	m.use[1].used = 25;
	CU_ASSERT_EQUAL(far(AB, 0, 80, 20, 0), A);
	m.use[1].used = 26;
	CU_ASSERT_EQUAL(far(AB, 0, 80, 20, 0), 0);
	CU_ASSERT_EQUAL(far(AB, -1, 80, 20, 0), B);
	m.use[0].used = 10;
	CU_ASSERT_EQUAL(far(AB, 0, 80, 20, 0), A);
	m.use[0].used = m.use[1].used = 100;
	CU_ASSERT_EQUAL(far(AB, 0, 80, 20, 0), 0); /* full */
	m.use[1].used = 0;
	m.use[1].drained = true;
	CU_ASSERT_EQUAL(far(AB, 0, 80, 20, 0), 0);
	m.use[1].drained = false;
	ncm_madps_lost(&m, 1, NOW);
	CU_ASSERT_EQUAL(far(AB, 0, 80, 20, 0), 0);
}

static void what_is_measured(void)
{
	struct mams_addr one;
	struct mams_addr other;
	struct mams_addr another;
	mams_time later = NOW;

	begin();
	CU_ASSERT_EQUAL(mams_addr_parse("10.1.1.2", &one), 0);
	CU_ASSERT_EQUAL(mams_addr_parse("10.1.1.77", &other), 0);
	CU_ASSERT_EQUAL(mams_addr_parse("10.1.2.2", &another), 0);
	CU_ASSERT_EQUAL(ncm_near_cost(&near, 0, &one, 0, NOW), 0);
	ncm_near_take(&near, 0, &one, 0, 40000, 10000, NOW);
	CU_ASSERT_EQUAL(ncm_near_cost(&near, 0, &other, 0, NOW), 50001);
	CU_ASSERT_EQUAL(ncm_near_cost(&near, 0, &other, 1, NOW), 0);
	CU_ASSERT_EQUAL(ncm_near_cost(&near, 1, &other, 0, NOW), 0);
	CU_ASSERT_EQUAL(ncm_near_cost(&near, 0, &another, 0, NOW), 0);
	/* the least counts: a queue of half a second is no distance, at first */
	ncm_near_take(&near, 0, &other, 0, 20000, 0, NOW);
	for (int i = 0; i < 5; i++)
		ncm_near_take(&near, 0, &one, 0, 60000, 0, NOW);
	CU_ASSERT_TRUE(ncm_near_cost(&near, 0, &one, 0, NOW) < 24000);
	for (int i = 0; i < 300; i++)
		ncm_near_take(&near, 0, &one, 0, 60000, 0, NOW);
	CU_ASSERT_TRUE(ncm_near_cost(&near, 0, &one, 0, NOW) > 55000);
	later.us += INT64_C(3600000000);
	CU_ASSERT_EQUAL(ncm_near_cost(&near, 0, &one, 0, later), 0);
	/* more networks than there is room for: the oldest goes */
	for (unsigned i = 0; i < NCM_NEAR_NETS; i++) {
		another.ip[1] = (uint8_t)(2 + i / 256);
		another.ip[2] = (uint8_t)i;
		ncm_near_take(&near, 0, &another, 1, 1000, 0, later);
	}
	CU_ASSERT_EQUAL(ncm_near_cost(&near, 0, &another, 1, later), 1001);
	CU_ASSERT_EQUAL(ncm_near_cost(&near, 0, &one, 0, NOW), 0);
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"the nearer one", the_nearer_one},
		{"who is unknown", who_is_unknown},
		{"loads alike", loads_alike},
		{"what is measured", what_is_measured},
	};

	return mams_suite_run("near", cases, MAMS_ARRAY_LEN(cases));
}
