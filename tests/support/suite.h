/** @file suite.h
 *  A CUnit program in one call: a table of named cases, a summary CTest and CI can count, a
 *  non-zero exit when one fails.  Layer: tests. */
#pragma once

#include <CUnit/CUnit.h>

#include <stdint.h>

struct mams_case {
	const char *name;
	void (*run)(void);
};

/** Run cases[n]; returns the exit status for main(). */
int mams_suite_run(const char *suite, const struct mams_case *cases, size_t n);

/** Small seeded generator (xorshift64*), so that a failing run repeats by its printed seed. */
struct mams_prng {
	uint64_t state;
};
/** Seed from the environment variable MAMS_SEED, else from the given default; printed once. */
struct mams_prng mams_prng_init(uint64_t seed);
uint64_t mams_prng_next(struct mams_prng *r);
/** Uniform in 0..n-1; n > 0. */
uint64_t mams_prng_below(struct mams_prng *r, uint64_t n);
