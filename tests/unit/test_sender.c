/* Packets that are held back: what becomes of each of them, to the end. */
#include "trailer-madp/sender.h"

#include "tests/support/suite.h"

#include <stdlib.h>

static struct madp_sender s;
static char packet[3];

static void *get(void *user, size_t n)
{
	(void)user;
	return calloc(1, n);
}

static void put(void *user, void *p, size_t n)
{
	(void)user;
	(void)n;
	free(p);
}

/** A class with lossless switching whose only link is down; two packets wait. */
static void two_wait(mams_time now)
{
	static const struct madp_mem mem = {get, put, NULL};
	static const struct madp_treat t = {
		.mode = MADP_MODE_SINGLE, .n_links = 1, .links = {0}, .lossless = true};
	struct madp_out out;

	madp_sender_init(&s, &madp_sender_defaults, &mem, now);
	madp_sender_link_add(&s, 0, 0, 0, now);
	CU_ASSERT_EQUAL(madp_sender_treat(&s, 0, &t, now), 0);
	madp_sender_link_up(&s, 0, false, now);
	for (unsigned i = 0; i < 2; i++)
		CU_ASSERT_EQUAL(madp_sender_input(&s, 0, &packet[i], 100, now, &out), 0);
	CU_ASSERT_PTR_NULL(madp_sender_reap(&s, now));
}

static void what_waits_too_long_is_counted(void)
{
	mams_time now = mams_time_us(1000);

	two_wait(now);
	now.us += madp_sender_defaults.lossless_us + 1;
	CU_ASSERT_PTR_EQUAL(madp_sender_reap(&s, now), &packet[0]);
	CU_ASSERT_PTR_EQUAL(madp_sender_reap(&s, now), &packet[1]);
	CU_ASSERT_PTR_NULL(madp_sender_reap(&s, now));
	CU_ASSERT_EQUAL(s.n_expired, 2);
	madp_sender_fini(&s);
}

/* Also in the very turn in which they came. */
static void an_end_leaves_nothing(void)
{
	const mams_time now = mams_time_us(1000);

	two_wait(now);
	madp_sender_drop(&s);
	CU_ASSERT_PTR_EQUAL(madp_sender_reap(&s, now), &packet[0]);
	CU_ASSERT_PTR_EQUAL(madp_sender_reap(&s, now), &packet[1]);
	CU_ASSERT_PTR_NULL(madp_sender_reap(&s, now));
	madp_sender_fini(&s);
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"what waits too long is counted", what_waits_too_long_is_counted},
		{"an end leaves nothing", an_end_leaves_nothing},
	};

	return mams_suite_run("sender", cases, MAMS_ARRAY_LEN(cases));
}
