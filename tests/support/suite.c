#include "tests/support/suite.h"

#include <CUnit/Basic.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

int mams_suite_run(const char *suite, const struct mams_case *cases, size_t n)
{
	unsigned failed;
	CU_pSuite s;

	if (CU_initialize_registry() != CUE_SUCCESS)
		return 2;
	s = CU_add_suite(suite, NULL, NULL);
	for (size_t i = 0; s && i < n; i++) {
		if (!CU_add_test(s, cases[i].name, cases[i].run))
			return 2;
	}
	CU_basic_set_mode(CU_BRM_VERBOSE);
	CU_basic_run_tests();
	failed = CU_get_number_of_tests_failed();
	CU_cleanup_registry();
	return s && n && failed == 0 ? 0 : 1;
}

struct mams_prng mams_prng_init(uint64_t seed)
{
	const char *env = getenv("MAMS_SEED");

	if (env)
		seed = strtoull(env, NULL, 0);
	printf("seed=%" PRIu64 " (repeat with MAMS_SEED)\n", seed);
	return (struct mams_prng){seed ? seed : 1};
}

uint64_t mams_prng_next(struct mams_prng *r)
{
	r->state ^= r->state >> 12;
	r->state ^= r->state << 25;
	r->state ^= r->state >> 27;
	return r->state * 2685821657736338717ull;
}

uint64_t mams_prng_below(struct mams_prng *r, uint64_t n)
{
	return mams_prng_next(r) % n;
}
