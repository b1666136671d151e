/* What is kept for sending again: acknowledged, too old, too many, sent again once and in order. */
#include "trailer-madp/retain.h"

#include "tests/support/suite.h"

#include <stdlib.h>

static struct madp_retain r;
static size_t in_use;
static bool dry;

static void *get(void *user, size_t size)
{
	(void)user;
	if (dry)
		return NULL;
	in_use += size;
	return calloc(1, size);
}

static void put(void *user, void *p, size_t size)
{
	(void)user;
	in_use -= size;
	free(p);
}

static const struct madp_mem mem = {get, put, NULL};

static mams_time at(int64_t ms)
{
	return mams_time_us(ms * 1000);
}

static bool keep(uint32_t sn, madp_linkset links, int64_t ms)
{
	return madp_retain_put(
		&r, sn & MADP_SN_MASK, (void *)(uintptr_t)(sn + 1), 100, links, &mem, at(ms));
}

static int64_t reap(int64_t ms)
{
	void *p = madp_retain_reap(&r, &mem, at(ms));

	return p ? (int64_t)(uintptr_t)p - 1 : -1;
}

static void fresh(void)
{
	dry = false;
	madp_retain_init(&r, 1024, 1000000, 500000);
}

static void done(void)
{
	madp_retain_drop(&r);
	while (reap(0) >= 0)
		;
	madp_retain_fini(&r, &mem);
	CU_ASSERT_EQUAL(in_use, 0);
}

static void acknowledged_are_given_back(void)
{
	fresh();
	for (uint32_t sn = 0xfffff0; sn < 0x1000010; sn++)
		CU_ASSERT_TRUE(keep(sn, 1, 0));
	CU_ASSERT_EQUAL(reap(0), -1);
	madp_retain_ack(&r, 3);        /* beyond the wrap */
	madp_retain_ack(&r, 0xfffff5); /* an older report */
	for (uint32_t sn = 0xfffff0; sn < 0x1000003; sn++)
		CU_ASSERT_EQUAL(reap(0), sn);
	CU_ASSERT_EQUAL(reap(0), -1);
	madp_retain_ack(&r, 500); /* what was never sent is not believed */
	CU_ASSERT_EQUAL(reap(0), -1);
	done();
}

static void old_and_many_are_given_back(void)
{
	fresh();
	keep(0, 1, 0);
	keep(1, 1, 400);
	CU_ASSERT_EQUAL(madp_retain_deadline(&r, at(0)).us, 500001);
	CU_ASSERT_EQUAL(reap(500), -1);
	CU_ASSERT_EQUAL(reap(501), 0);
	CU_ASSERT_EQUAL(reap(501), -1);
	for (uint32_t sn = 2; sn < 5000; sn++) {
		CU_ASSERT_TRUE(keep(sn, 1, 500));
		while (reap(500) >= 0)
			;
		CU_ASSERT(r.n <= 1024);
	}
	CU_ASSERT(r.n_overrun > 3000);
	done();
}

static void sent_again_once_in_order(void)
{
	uint32_t sn;
	uint32_t len;

	fresh();
	for (uint32_t i = 0; i < 10; i++)
		keep(i, i % 2 ? 1 : 2, 0);
	keep(10, 3, 0); /* a copy went over another link, too */
	madp_retain_ack(&r, 2);
	CU_ASSERT_PTR_NULL(madp_retain_next(&r, 2, &sn, &len));
	madp_retain_link_down(&r, 1);
	for (uint32_t want = 3; want < 10; want += 2) {
		CU_ASSERT_PTR_NOT_NULL(madp_retain_next(&r, 0, &sn, &len));
		CU_ASSERT_PTR_NOT_NULL(madp_retain_next(&r, 2, &sn, &len));
		CU_ASSERT_EQUAL(sn, want);
	}
	CU_ASSERT_PTR_NULL(madp_retain_next(&r, 2, &sn, &len));
	CU_ASSERT_PTR_NULL(madp_retain_next(&r, 2, &sn, &len));
	CU_ASSERT_EQUAL(r.n_resent, 4);
	/* the second link dies as well: now all, on a third */
	madp_retain_link_down(&r, 3);
	for (uint32_t want = 2; want < 11; want++) {
		CU_ASSERT_PTR_NOT_NULL(madp_retain_next(&r, 4, &sn, &len));
		CU_ASSERT_EQUAL(sn, want);
	}
	CU_ASSERT_PTR_NULL(madp_retain_next(&r, 4, &sn, &len));
	done();
}

static void without_memory_nothing_is_kept(void)
{
	fresh();
	dry = true;
	CU_ASSERT_FALSE(keep(0, 1, 0));
	dry = false;
	CU_ASSERT_TRUE(keep(1, 1, 0));
	/* full, and the shell has not asked: a hole, and no entry under a wrong number */
	for (uint32_t sn = 2; sn < 1025; sn++)
		CU_ASSERT_TRUE(keep(sn, 1, 0));
	CU_ASSERT_FALSE(keep(1025, 1, 0));
	while (reap(0) >= 0)
		;
	CU_ASSERT_FALSE(keep(1026, 1, 0));
	madp_retain_ack(&r, 1025);
	while (reap(0) >= 0)
		;
	CU_ASSERT_EQUAL(r.n, 0);
	CU_ASSERT_TRUE(keep(1027, 1, 0));
	CU_ASSERT_EQUAL(r.first, 1027);
	done();
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"acknowledged are given back", acknowledged_are_given_back},
		{"old and many are given back", old_and_many_are_given_back},
		{"sent again once, in order", sent_again_once_in_order},
		{"without memory nothing is kept", without_memory_nothing_is_kept},
	};

	return mams_suite_run("retain", cases, MAMS_ARRAY_LEN(cases));
}
