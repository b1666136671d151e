/* Which link gets the next packet: modes, weights, preference; pacing of one link. */
#include "trailer-madp/report.h"
#include "trailer-madp/sched.h"

#include "tests/support/suite.h"

#include <stdlib.h>

static struct madp_pace link[MADP_LINKS_MAX];
static struct madp_sched s;

static mams_time at(int64_t us)
{
	return mams_time_us(us);
}

static void fresh(void)
{
	s = (struct madp_sched){0};
	for (unsigned i = 0; i < MADP_LINKS_MAX; i++)
		madp_pace_init(&link[i], 0, 0, at(0));
}

static madp_linkset pick(const struct madp_treat *t, madp_linkset up, int64_t us)
{
	mams_time wait;

	return madp_sched_pick(&s, t, link, up, 1000, at(us), &wait);
}

static void names(void)
{
	CU_ASSERT_EQUAL(madp_mode_parse("split"), MADP_MODE_SPLIT);
	CU_ASSERT_EQUAL(madp_mode_parse("load-balancing"), MADP_MODE_SPLIT);
	CU_ASSERT_EQUAL(madp_mode_parse("redundant"), MADP_MODE_DUPLICATE);
	CU_ASSERT_EQUAL(madp_mode_parse("priority-based"), MADP_MODE_PRIORITY);
	CU_ASSERT_EQUAL(madp_mode_parse("best"), -1);
	for (unsigned m = 0; m <= MADP_MODE_DUPLICATE; m++)
		CU_ASSERT_EQUAL(madp_mode_parse(madp_mode_name(m)), (int)m);
}

static void treatments_are_checked(void)
{
	struct madp_treat t = {.mode = MADP_MODE_SPLIT, .n_links = 2, .links = {1, 2}};

	CU_ASSERT_EQUAL(madp_treat_check(&t), 0);
	t.links[1] = 1;
	CU_ASSERT_EQUAL(madp_treat_check(&t), -MAMS_EVALUE);
	t.links[1] = MADP_LINKS_MAX;
	CU_ASSERT_EQUAL(madp_treat_check(&t), -MAMS_EVALUE);
	t.n_links = 0;
	CU_ASSERT_EQUAL(madp_treat_check(&t), -MAMS_EVALUE);
	t = (struct madp_treat){.mode = 99, .n_links = 1};
	CU_ASSERT_EQUAL(madp_treat_check(&t), -MAMS_EVALUE);
}

static void single_stays_and_standby_returns(void)
{
	struct madp_treat t = {.mode = MADP_MODE_SINGLE, .n_links = 3, .links = {2, 0, 1}};

	fresh();
	CU_ASSERT_EQUAL(pick(&t, 7, 0), 4);
	CU_ASSERT_EQUAL(pick(&t, 3, 0), 1);
	CU_ASSERT_EQUAL(pick(&t, 7, 0), 1); /* stays */
	CU_ASSERT_EQUAL(pick(&t, 2, 0), 2);
	CU_ASSERT_EQUAL(pick(&t, 0, 0), 0);
	CU_ASSERT_EQUAL(pick(&t, 0xf8, 0), 0); /* none of the list */
	t.mode = MADP_MODE_ACTIVE_STANDBY;
	CU_ASSERT_EQUAL(pick(&t, 3, 0), 1);
	CU_ASSERT_EQUAL(pick(&t, 7, 0), 4); /* returns */
	t.mode = MADP_MODE_DUPLICATE;
	CU_ASSERT_EQUAL(pick(&t, 0xff, 0), 7);
	CU_ASSERT_EQUAL(pick(&t, 5, 0), 5);
}

static void smallest_delay_has_hysteresis(void)
{
	struct madp_treat t = {.mode = MADP_MODE_SMALLEST_DELAY, .n_links = 2, .links = {0, 1}};

	fresh();
	madp_pace_rtt(&link[0], 40000);
	madp_pace_rtt(&link[1], 20000);
	CU_ASSERT_EQUAL(pick(&t, 3, 0), 2); /* by round trips while nothing better is known */
	for (unsigned i = 0; i < 2; i++)
		link[i].has_owd = true;
	link[0].owd_us = -50000;
	link[1].owd_us = -20000;
	CU_ASSERT_EQUAL(pick(&t, 3, 0), 1);
	link[1].owd_us = -50500;
	CU_ASSERT_EQUAL(pick(&t, 3, 0), 1); /* not worth a change */
	link[1].owd_us = -51500;
	CU_ASSERT_EQUAL(pick(&t, 3, 0), 2);
	CU_ASSERT_EQUAL(pick(&t, 1, 0), 1);
}

static void priority_overflows(void)
{
	struct madp_treat t = {.mode = MADP_MODE_PRIORITY, .n_links = 2, .links = {1, 0}};
	mams_time wait;

	fresh();
	madp_pace_init(&link[0], 8000000, 0, at(0));
	madp_pace_init(&link[1], 8000000, 0, at(0));
	while (pick(&t, 3, 0) == 2)
		madp_pace_sent(&link[1], 1000, 0, at(0));
	CU_ASSERT_EQUAL(pick(&t, 3, 0), 1);
	CU_ASSERT_TRUE(link[1].held_back);
	while (pick(&t, 3, 0) == 1)
		madp_pace_sent(&link[0], 1000, 0, at(0));
	CU_ASSERT_EQUAL(madp_sched_pick(&s, &t, link, 3, 1000, at(0), &wait), 0);
	CU_ASSERT(wait.us > 0 && wait.us < 5000);
	CU_ASSERT_EQUAL(pick(&t, 3, wait.us), 2);
}

static void weights_are_kept(void)
{
	struct madp_treat t = {
		.mode = MADP_MODE_SPLIT, .n_links = 2, .links = {0, 1}, .weight = {20, 80}};
	unsigned n[2] = {0, 0};

	fresh();
	for (unsigned i = 0; i < 1000; i++)
		n[pick(&t, 3, i) == 2]++;
	CU_ASSERT(n[0] >= 195 && n[0] <= 205);
	/* alone for a while: no debt of long ago is paid back in one go */
	for (unsigned i = 0; i < 10000; i++)
		CU_ASSERT_EQUAL(pick(&t, 1, i), 1);
	n[0] = n[1] = 0;
	for (unsigned i = 0; i < 1000; i++)
		n[pick(&t, 3, i) == 2]++;
	CU_ASSERT(n[0] >= 100);
	/* only what has no weight is left: better that than nothing */
	t.weight[0] = 0;
	CU_ASSERT_EQUAL(pick(&t, 1, 0), 1);
}

/* Two links of known rates, nothing else known: packets leave in proportion, to the octet nearly.
 */
static void split_is_in_proportion(void)
{
	struct madp_treat t = {.mode = MADP_MODE_SPLIT, .n_links = 2, .links = {0, 1}};
	uint64_t octets[2] = {0, 0};

	fresh();
	madp_pace_init(&link[0], 20000000, 0, at(0));
	madp_pace_init(&link[1], 50000000, 0, at(0));
	for (int64_t us = 0; us < 900000; us += 10) {
		madp_linkset set = pick(&t, 3, us);

		if (!set)
			continue;
		octets[set == 2] += 1000;
		madp_pace_sent(&link[set == 2], 1000, (uint32_t)(us / 1000), at(us));
		link[set == 2].flight = 0; /* as if reported */
	}
	CU_ASSERT(llabs((long long)octets[0] * 8 - 18000000) < 400000);
	CU_ASSERT(llabs((long long)octets[1] * 8 - 45000000) < 900000);
}

/* A peer that never reports is sent to without limit after a second. */
static void mute_peer_is_not_waited_for(void)
{
	mams_time wait;

	fresh();
	for (unsigned i = 0; i < 100; i++)
		madp_pace_sent(&link[0], 1400, 0, at(0));
	CU_ASSERT_FALSE(madp_pace_ready(&link[0], at(1000), &wait));
	for (unsigned i = 0; i < 1000; i++)
		madp_pace_sent(&link[0], 1400, 1001, at(1001000));
	CU_ASSERT_TRUE(madp_pace_ready(&link[0], at(1001000), &wait));
}

/* A link 20 ms long that carries 16 Mbit/s and is taken for one of 2, by delays that were not its
 * queue's: 5 Mbit/s that nobody holds back make it no farther, and tell what it carries. */
static void a_rate_too_low_does_not_last(void)
{
	struct madp_report_link rep = {.has_echo = true, .owd_us = 10000};
	int64_t farthest = 0;

	fresh();
	madp_pace_init(&link[0], 2000000, 0, at(0));
	madp_pace_rtt(&link[0], 20000);
	for (int64_t ms = 1; ms <= 1000; ms++) {
		const int64_t us = ms * 1000;

		if (ms % 2 == 0)
			madp_pace_sent(&link[0], 1250, (uint32_t)ms, at(us));
		if (us - link[0].busy_until.us < -farthest)
			farthest = link[0].busy_until.us - us;
		if (ms % 10 || ms < 30)
			continue;
		rep.echo_ms = (uint32_t)ms - 20;
		rep.packets = (uint32_t)(ms - 20) / 2;
		rep.octets = rep.packets * 1250;
		rep.rx_us = (uint32_t)us - 10000;
		madp_pace_report(&link[0], &rep, at(us));
	}
	CU_ASSERT(farthest < 60000);
	CU_ASSERT(link[0].rate >= 4500000);
	CU_ASSERT(madp_pace_departure(&link[0], 1250, at(1000000)).us < 1020000);
}

/* Reports that lie or jump do not break the arithmetic: pace stays within its bound. */
static void random_reports(void)
{
	struct mams_prng r = mams_prng_init(3);
	mams_time wait;
	int64_t us = 0;

	fresh();
	madp_pace_init(&link[0], 0, 100000000, at(0));
	for (unsigned i = 0; i < 200000; i++) {
		struct madp_report_link rep = {.has_echo = true,
			.packets = (uint32_t)mams_prng_next(&r),
			.octets = (uint32_t)mams_prng_next(&r),
			.rx_us = (uint32_t)mams_prng_next(&r),
			.echo_ms = (uint32_t)mams_prng_next(&r),
			.held_us = (uint32_t)mams_prng_below(&r, 655350),
			.queue_us = (uint32_t)mams_prng_below(&r, 655350),
			.owd_us = (int32_t)mams_prng_next(&r)};

		if (i % 3)
			rep.echo_ms = (uint32_t)(us / 1000) - (uint32_t)mams_prng_below(&r, 100);
		us += (int64_t)mams_prng_below(&r, 20000);
		madp_pace_sent(&link[0], 1400, (uint32_t)(us / 1000), at(us));
		madp_pace_report(&link[0], &rep, at(us));
		if (!madp_pace_ready(&link[0], at(us), &wait))
			CU_ASSERT(wait.us > us);
		CU_ASSERT(link[0].pace <= 100000000 && link[0].rate <= 100000000);
		CU_ASSERT(madp_pace_departure(&link[0], 1400, at(us)).us >= us);
	}
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"names", names},
		{"treatments are checked", treatments_are_checked},
		{"single stays and standby returns", single_stays_and_standby_returns},
		{"smallest delay has hysteresis", smallest_delay_has_hysteresis},
		{"priority overflows", priority_overflows},
		{"weights are kept", weights_are_kept},
		{"split is in proportion", split_is_in_proportion},
		{"mute peer is not waited for", mute_peer_is_not_waited_for},
		{"a rate too low does not last", a_rate_too_low_does_not_last},
		{"random reports", random_reports},
	};

	return mams_suite_run("sched", cases, MAMS_ARRAY_LEN(cases));
}
