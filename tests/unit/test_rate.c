#include "lib/base/rate.h"
#include "tests/support/suite.h"

#include <stdio.h>

static mams_time ms(int64_t t)
{
	return mams_time_us(t * 1000);
}

static unsigned taken(struct mams_rate *r, const char *who, unsigned tries, mams_time now)
{
	unsigned n = 0;

	for (unsigned i = 0; i < tries; i++)
		n += mams_rate_take(r, who, now);
	return n;
}

static void burst_and_rate(void)
{
	struct mams_rate *r = mams_rate_new(10, 5, 100);

	CU_ASSERT_PTR_NOT_NULL_FATAL(r);
	CU_ASSERT_EQUAL(taken(r, "a", 20, ms(0)), 5);
	CU_ASSERT_EQUAL(taken(r, "b", 20, ms(0)), 5); /* everyone his own */
	CU_ASSERT_EQUAL(taken(r, "a", 20, ms(99)), 0);
	CU_ASSERT_EQUAL(taken(r, "a", 20, ms(100)), 1);
	CU_ASSERT_EQUAL(taken(r, "a", 20, ms(400)), 3);
	CU_ASSERT_EQUAL(taken(r, "a", 20, ms(100000000)), 5); /* not more than full */
	CU_ASSERT_EQUAL(taken(r, "a", 20, ms(5)), 0);         /* time does not run backwards */
	mams_rate_free(r);
}

/* Asking often is no way to get more: small steps of time add up to the same. */
static void small_steps(void)
{
	struct mams_rate *r = mams_rate_new(10, 1, 100);
	unsigned n = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(r);
	for (int64_t t = 0; t < 10000; t++)
		n += mams_rate_take(r, "a", ms(t));
	CU_ASSERT_EQUAL(n, 100);
	mams_rate_free(r);
}

static void unlimited(void)
{
	struct mams_rate *r = mams_rate_new(0, 0, 0);

	CU_ASSERT_PTR_NOT_NULL_FATAL(r);
	CU_ASSERT_EQUAL(taken(r, "a", 1000, ms(0)), 1000);
	mams_rate_free(r);
}

static void forgets_the_oldest(void)
{
	struct mams_rate *r = mams_rate_new(1, 2, 3);
	char name[16];

	CU_ASSERT_PTR_NOT_NULL_FATAL(r);
	CU_ASSERT_EQUAL(taken(r, "kept", 5, ms(0)), 2);
	for (int i = 0; i < 50; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		CU_ASSERT_EQUAL(taken(r, name, 1, ms(0)), 1);
		CU_ASSERT_EQUAL(taken(r, "kept", 1, ms(0)), 0); /* heard all the time */
	}
	CU_ASSERT_EQUAL(taken(r, "n0", 5, ms(0)), 2); /* forgotten meanwhile */
	mams_rate_free(r);
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"burst and rate", burst_and_rate},
		{"small steps", small_steps},
		{"unlimited", unlimited},
		{"forgets the oldest", forgets_the_oldest},
	};

	return mams_suite_run("rate", cases, MAMS_ARRAY_LEN(cases));
}
