/* Decisions: two links, wifi (0) and lte (1), of which something is known, and what comes of it. */
#include "tests/support/steer_play.h"
#include "tests/support/suite.h"

#include <string.h>

static void unknown_is_not_bad(void)
{
	static const uint32_t wanted[STEER_MODES] = {[STEER_ACTIVE_STANDBY] = 1,
		[STEER_SMALLEST_DELAY] = 1,
		[STEER_LOAD_BALANCING] = 3,
		[STEER_PRIORITY_BASED] = 1,
		[STEER_REDUNDANT] = 3};

	for (int m = 0; m < STEER_MODES; m++) {
		struct play *p = play_of((enum steer_mode)m);

		p->c.delay_max_ms = 50;
		p->c.loss_max_ppm = 10000;
		p->c.rate_min_kbps = 1000;
		step(p, 1000);
		CU_ASSERT_EQUAL(dl(p), wanted[m]);
		CU_ASSERT_EQUAL(ul(p), wanted[m]);
		step(p, 1000);
		CU_ASSERT_EQUAL(p->d.what, STEER_KEEP);
	}
}

static void modes_with_gma(void)
{
	static const struct {
		uint32_t links;
		uint8_t mode;
	} wanted[STEER_MODES] = {[STEER_ACTIVE_STANDBY] = {1, 0},
		[STEER_SMALLEST_DELAY] = {3, 1 + STEER_SMALLEST_DELAY},
		[STEER_LOAD_BALANCING] = {3, 1 + STEER_LOAD_BALANCING},
		[STEER_PRIORITY_BASED] = {3, 1 + STEER_PRIORITY_BASED},
		[STEER_REDUNDANT] = {3, 1 + STEER_REDUNDANT}};

	for (int m = 0; m < STEER_MODES; m++) {
		struct play *p = play_of((enum steer_mode)m);

		p->in.tunnel = true;
		p->c.application = "voice";
		step(p, 1000);
		CU_ASSERT_EQUAL(dl(p), wanted[m].links);
		CU_ASSERT_EQUAL(p->d.dl_mode, wanted[m].mode);
		CU_ASSERT_EQUAL(p->d.ul_mode, wanted[m].mode);
		CU_ASSERT_EQUAL(p->d.dl_first, WIFI);
		step(p, 1000);
		CU_ASSERT_EQUAL(p->d.what, STEER_KEEP);
	}
}

static void thresholds_have_two_ends(void)
{
	struct play *p = play_of(STEER_ACTIVE_STANDBY);

	p->c.delay_max_ms = 50;
	p->c.delay_good_ms = 30;
	p->c.dwell_ms = 0;
	set(p, WIFI, 0, 50000, 0);
	step(p, 1000);
	CU_ASSERT_EQUAL(dl(p), 1);
	set(p, WIFI, 0, 50001, 0);
	step(p, 1000);
	CU_ASSERT_EQUAL(dl(p), 2);
	CU_ASSERT_EQUAL(p->shares[WIFI].dl, STEER_R_DELAY);
	CU_ASSERT_EQUAL(p->shares[LTE].dl, STEER_R_CARRIES);
	set(p, WIFI, 0, 30001, 0);
	step(p, 1000);
	CU_ASSERT_EQUAL(dl(p), 2);
	set(p, WIFI, 0, 30000, 0);
	step(p, 1000);
	CU_ASSERT_EQUAL(dl(p), 1);

	p = play_of(STEER_ACTIVE_STANDBY);
	p->c.rate_min_kbps = 2000;
	p->c.rate_good_kbps = 3000;
	p->c.loss_max_ppm = 10000;
	p->c.dwell_ms = 0;
	set(p, WIFI, 1999, 10000, 0);
	step(p, 1000);
	CU_ASSERT_EQUAL(p->shares[WIFI].ul, STEER_R_RATE);
	set(p, WIFI, 2999, 10000, 0);
	step(p, 1000);
	CU_ASSERT_EQUAL(ul(p), 2);
	set(p, WIFI, 3000, 10000, 0);
	step(p, 1000);
	CU_ASSERT_EQUAL(ul(p), 1);
	set(p, WIFI, 3000, 10000, 10001);
	step(p, 1000);
	CU_ASSERT_EQUAL(p->shares[WIFI].ul, STEER_R_LOSS);
	set(p, WIFI, 3000, 10000, 7501);
	step(p, 1000);
	CU_ASSERT_EQUAL(ul(p), 2);
	set(p, WIFI, 3000, 10000, 7500);
	step(p, 1000);
	CU_ASSERT_EQUAL(ul(p), 1);
}

/* All are bad: the best of them, not none. */
static void the_least_bad_carries(void)
{
	struct play *p = play_of(STEER_ACTIVE_STANDBY);

	p->c.delay_max_ms = 50;
	set(p, WIFI, 0, 90000, 0);
	set(p, LTE, 0, 60000, 0);
	step(p, 1000);
	CU_ASSERT_EQUAL(dl(p), 1);
	p->links[WIFI].maintenance = true;
	step(p, 1000);
	CU_ASSERT_EQUAL(dl(p), 2);
	p->links[LTE].ready = false;
	step(p, 1000);
	CU_ASSERT_EQUAL(dl(p), 1);
	p->links[WIFI].ready = false;
	step(p, 1000);
	CU_ASSERT_EQUAL(p->d.what, STEER_KEEP);
	CU_ASSERT_EQUAL(dl(p), 1);
}

/* The figure crosses its limits every 2 s, for ten minutes. */
static void oscillation_is_one_switch_a_minute(void)
{
	for (int m = 0; m < STEER_MODES; m++) {
		struct play *p = play_of((enum steer_mode)m);
		uint32_t last = 0;
		uint32_t least = UINT32_MAX;

		p->c.delay_max_ms = 50;
		p->c.delay_good_ms = 30;
		set(p, LTE, 10000, 40000, 0);
		set(p, WIFI, 10000, 20000, 0);
		step(p, 1000);
		p->changes = 0;
		for (uint32_t t = 0; t < 600; t++) {
			const unsigned before = p->changes;

			set(p, WIFI, 10000, t % 4 < 2 ? 90000 : 20000, 0);
			step(p, 1000);
			if (p->changes == before)
				continue;
			if (p->changes > 1 && t - last < least)
				least = t - last;
			last = t;
		}
		CU_ASSERT(p->changes > 0 && p->changes <= 10);
		CU_ASSERT(least >= 60);
	}
}

static void wishes_wait_and_losses_do_not(void)
{
	struct play *p = play_of(STEER_ACTIVE_STANDBY);

	p->c.delay_max_ms = 50;
	step(p, 20000);
	set(p, WIFI, 0, 90000, 0);
	step(p, 1000);
	CU_ASSERT_EQUAL(p->d.what, STEER_WAIT);
	CU_ASSERT_EQUAL(p->d.wait_ms, 40000);
	CU_ASSERT_EQUAL(p->shares[LTE].dl, STEER_R_CARRIES);
	CU_ASSERT_EQUAL(p->shares[LTE].dl_on, false);
	CU_ASSERT_EQUAL(dl(p), 1);
	p->links[WIFI].ready = false;
	step(p, 1000);
	CU_ASSERT_EQUAL(p->d.what, STEER_APPLY);
	CU_ASSERT(p->d.forced);
	CU_ASSERT_EQUAL(p->d.wait_ms, 0);
	CU_ASSERT_EQUAL(dl(p), 2);
	/* it is back: on probation, and then within the dwell time */
	p->links[WIFI].ready = true;
	p->links[WIFI].ready_ms = 0;
	set(p, WIFI, 0, 10000, 0);
	step(p, 9000);
	CU_ASSERT_EQUAL(p->d.what, STEER_KEEP);
	CU_ASSERT_EQUAL(p->shares[WIFI].dl, STEER_R_PROBATION);
	step(p, 1000);
	CU_ASSERT_EQUAL(p->shares[WIFI].dl, STEER_R_PROBATION);
	step(p, 1000);
	CU_ASSERT_EQUAL(p->d.what, STEER_WAIT);
	step(p, 49000);
	CU_ASSERT_EQUAL(dl(p), 2);
	step(p, 1000);
	CU_ASSERT_EQUAL(dl(p), 1);
}

/* What runs over it already tells what it loses. */
static void a_link_that_tells_is_tried_when_it_has(void)
{
	struct play *p = play_of(STEER_LOAD_BALANCING);

	p->c.probation_ms = 500;
	p->links[WIFI].ready = false;
	step(p, 60000);
	CU_ASSERT_EQUAL(dl(p), 2);
	p->links[WIFI].ready = true;
	p->links[WIFI].ready_ms = 0;
	p->links[WIFI].dl = p->links[WIFI].ul =
		(struct steer_figures){.has_used = true, .used_kbps = 1800};
	step(p, 600);
	step(p, 400);
	CU_ASSERT_EQUAL(p->shares[WIFI].dl, STEER_R_PROBATION);
	/* it loses: it is not tried */
	set(p, LTE, 50000, 10000, 0);
	set(p, WIFI, 0, 12000, 50000);
	step(p, 1000);
	CU_ASSERT_EQUAL(p->shares[WIFI].dl, STEER_R_HARM_LOSS);
	CU_ASSERT_EQUAL(dl(p), 2);
	/* and used as soon as it does no more: nothing has changed since it went */
	set(p, WIFI, 0, 12000, 0);
	step(p, 1000);
	CU_ASSERT_EQUAL(dl(p), 3);
	/* nobody waits longer than that */
	p->links[WIFI].ready = false;
	step(p, 60000);
	p->links[WIFI].ready = true;
	p->links[WIFI].ready_ms = 0;
	p->links[WIFI].dl = p->links[WIFI].ul =
		(struct steer_figures){.has_used = true, .used_kbps = 1800};
	p->in.since_ms = 60000;
	step(p, 2900);
	CU_ASSERT_EQUAL(dl(p), 2);
	step(p, 100);
	step(p, 100);
	CU_ASSERT_EQUAL(dl(p), 3);
}

/* A link that comes and goes every 2 s is left once. */
static void flapping_is_left_once(void)
{
	struct play *p = play_of(STEER_LOAD_BALANCING);

	step(p, 1000);
	p->changes = 0;
	for (unsigned t = 0; t < 600; t++) {
		p->links[WIFI].ready = t % 4 >= 2;
		if (t % 4 == 2)
			p->links[WIFI].ready_ms = 0;
		step(p, 1000);
	}
	CU_ASSERT_EQUAL(p->changes, 1);
	CU_ASSERT_EQUAL(dl(p), 2);
}

/* Before its time only what is lost changes. */
static void a_loss_is_no_occasion_for_wishes(void)
{
	struct play *p = play_of(STEER_LOAD_BALANCING);

	step(p, 1000);
	set(p, WIFI, 50000, 10000, 0);
	set(p, LTE, 1000, 300000, 0);
	step(p, 1000);
	CU_ASSERT_EQUAL(p->d.what, STEER_WAIT);
	CU_ASSERT_EQUAL(p->shares[LTE].dl, STEER_R_HARM_DELAY);
	CU_ASSERT_EQUAL(dl(p), 3);
	p->links[WIFI].maintenance = true;
	step(p, 1000);
	CU_ASSERT_EQUAL(dl(p), 2);
	CU_ASSERT(p->d.forced);
}

static void old_figures_have_no_say(void)
{
	struct play *p = play_of(STEER_ACTIVE_STANDBY);

	p->c.delay_max_ms = 50;
	set(p, WIFI, 0, 90000, 0);
	p->links[WIFI].dl.age_ms = p->links[WIFI].ul.age_ms = STEER_MAX_AGE_MS + 1;
	step(p, 1000);
	CU_ASSERT_EQUAL(dl(p), 1);
	/* but what took it out stands for a while when nothing new is known */
	set(p, WIFI, 0, 90000, 0);
	step(p, 1000);
	p->in.since_ms = 60000;
	step(p, 1000);
	CU_ASSERT_EQUAL(dl(p), 2);
	p->links[WIFI].dl.age_ms = p->links[WIFI].ul.age_ms = STEER_MAX_AGE_MS + 1;
	for (unsigned t = 0; t < 290; t++)
		step(p, 1000);
	CU_ASSERT_EQUAL(dl(p), 2);
	for (unsigned t = 0; t < 20; t++)
		step(p, 1000);
	CU_ASSERT_EQUAL(dl(p), 1);
}

static void dead_but_up(void)
{
	struct play *p = play_of(STEER_ACTIVE_STANDBY);

	step(p, 1000);
	set(p, WIFI, 0, 10000, 500000);
	step(p, 1000);
	CU_ASSERT(p->d.forced);
	CU_ASSERT_EQUAL(dl(p), 2);
	CU_ASSERT_EQUAL(p->shares[WIFI].dl, STEER_R_DEAD);
	/* both are: nothing is gained by moving */
	p = play_of(STEER_ACTIVE_STANDBY);
	step(p, 1000);
	set(p, WIFI, 0, 10000, 500000);
	set(p, LTE, 0, 10000, 500000);
	step(p, 1000);
	CU_ASSERT_EQUAL(p->d.what, STEER_KEEP);
}

static void smallest_delay_moves_for_a_gain(void)
{
	struct play *p = play_of(STEER_SMALLEST_DELAY);

	p->c.dwell_ms = 0;
	set(p, WIFI, 0, 20000, 0);
	set(p, LTE, 0, 30000, 0);
	step(p, 1000);
	CU_ASSERT_EQUAL(dl(p), 1);
	set(p, WIFI, 0, 34000, 0);
	step(p, 1000);
	CU_ASSERT_EQUAL(dl(p), 1);
	set(p, WIFI, 0, 40000, 0);
	step(p, 1000);
	CU_ASSERT_EQUAL(dl(p), 2);
	/* what is not known any more is no reason */
	p->links[LTE].dl.has_delay = p->links[LTE].ul.has_delay = false;
	step(p, 1000);
	CU_ASSERT_EQUAL(dl(p), 2);
}

static void the_next_while_the_first_is_full(void)
{
	struct play *p = play_of(STEER_PRIORITY_BASED);

	p->c.dwell_ms = 0;
	set(p, WIFI, 10000, 20000, 0);
	p->links[WIFI].dl.has_used = true;
	p->links[WIFI].dl.used_kbps = 1000;
	step(p, 1000);
	p->links[WIFI].dl.used_kbps = 8900;
	step(p, 1000);
	CU_ASSERT_EQUAL(dl(p), 1);
	p->links[WIFI].dl.used_kbps = 9000;
	step(p, 1000);
	CU_ASSERT_EQUAL(dl(p), 3);
	CU_ASSERT_EQUAL(ul(p), 1);
	p->links[WIFI].dl.used_kbps = 6000;
	step(p, 1000);
	CU_ASSERT_EQUAL(dl(p), 3);
	p->links[WIFI].dl.used_kbps = 5999;
	step(p, 1000);
	CU_ASSERT_EQUAL(dl(p), 1);
}

/* TCP may fill the second link first: what that one carries the first one would have to. */
static void the_next_while_both_carry_too_much(void)
{
	struct play *p = play_of(STEER_PRIORITY_BASED);

	p->c.dwell_ms = 0;
	set(p, WIFI, 10000, 20000, 0);
	set(p, LTE, 10000, 30000, 0);
	p->links[WIFI].dl.has_used = p->links[LTE].dl.has_used = true;
	p->links[WIFI].dl.used_kbps = 9500;
	step(p, 1000);
	CU_ASSERT_EQUAL(dl(p), 3);
	p->links[WIFI].dl.used_kbps = 2000;
	p->links[LTE].dl.used_kbps = 4000;
	step(p, 1000);
	CU_ASSERT_EQUAL(dl(p), 3);
	p->links[LTE].dl.used_kbps = 3999;
	step(p, 1000);
	CU_ASSERT_EQUAL(dl(p), 1);
	/* out of use, it has nothing to give back */
	p->links[WIFI].dl.used_kbps = 8000;
	step(p, 1000);
	CU_ASSERT_EQUAL(dl(p), 1);
	p->links[WIFI].dl.used_kbps = 9000;
	step(p, 1000);
	CU_ASSERT_EQUAL(dl(p), 3);
	/* nothing is told any more: nothing is carried */
	p->links[WIFI].dl.age_ms = p->links[LTE].dl.age_ms = STEER_USED_MS + 1;
	step(p, 1000);
	CU_ASSERT_EQUAL(dl(p), 1);
}

static void hints_of_the_network(void)
{
	struct play *p = play_of(STEER_ACTIVE_STANDBY);

	step(p, 1000);
	p->links[WIFI].fading = true;
	step(p, 1000);
	CU_ASSERT(p->d.forced);
	CU_ASSERT_EQUAL(dl(p), 2);
	CU_ASSERT_EQUAL(p->shares[WIFI].ul, STEER_R_FADING);

	p = play_of(STEER_ACTIVE_STANDBY);
	p->in.told = true;
	p->in.since_ms = 60000;
	p->in.spread = 128;
	p->links[LTE].dl_on = p->links[LTE].ul_on = false;
	p->links[WIFI].has_load = true;
	p->links[WIFI].load = 89;
	step(p, 1000);
	CU_ASSERT_EQUAL(p->shares[WIFI].dl, STEER_R_CARRIES);
	p->links[WIFI].load = 90;
	for (unsigned t = 0; t < 30; t++) { /* half the dwell time: its turn */
		step(p, 1000);
		CU_ASSERT_EQUAL(dl(p), 1);
	}
	step(p, 1000);
	CU_ASSERT_EQUAL(dl(p), 2);
	CU_ASSERT_EQUAL(p->shares[WIFI].dl, STEER_R_CROWDED);
	p->links[WIFI].load = 65;
	p->in.since_ms = 60000;
	step(p, 1000);
	CU_ASSERT_EQUAL(dl(p), 2);
	p->links[WIFI].load = 64;
	p->in.since_ms = 60000;
	step(p, 1000);
	CU_ASSERT_EQUAL(dl(p), 1);
}

static void cost_and_quota(void)
{
	struct play *p = play_of(STEER_ACTIVE_STANDBY);

	p->c.n_order = 0;
	p->links[WIFI].cost = 5;
	step(p, 1000);
	CU_ASSERT_EQUAL(dl(p), 2);
	p = play_of(STEER_ACTIVE_STANDBY);
	p->links[WIFI].spent = true;
	step(p, 1000);
	CU_ASSERT_EQUAL(dl(p), 2);
	CU_ASSERT_EQUAL(p->shares[WIFI].dl, STEER_R_SPENT);
	/* as it was counted: nearly used up it is spared, of two the one that is not spent carries
	 */
	p = play_of(STEER_LOAD_BALANCING);
	p->links[WIFI].has_quota = true;
	p->links[WIFI].quota_mb = 100;
	p->links[WIFI].near_mb = 90;
	p->links[WIFI].used_mb = 89;
	step(p, 60000);
	CU_ASSERT_EQUAL(dl(p), 3);
	p->links[WIFI].used_mb = 90;
	step(p, 60000);
	CU_ASSERT_EQUAL(dl(p), 2);
	CU_ASSERT_EQUAL(p->shares[WIFI].dl, STEER_R_NEAR);
	p->links[LTE].spent = true;
	step(p, 60000);
	CU_ASSERT_EQUAL(dl(p), 1);
	p->links[WIFI].used_mb = 100;
	step(p, 60000);
	CU_ASSERT_EQUAL(dl(p), 3);
	CU_ASSERT_EQUAL(p->shares[WIFI].dl, STEER_R_CARRIES);
}

/* At or below the level one carries, the operator's first, and all do again above it. */
static void a_low_battery(void)
{
	static const uint32_t one[STEER_MODES] = {[STEER_ACTIVE_STANDBY] = 1,
		[STEER_SMALLEST_DELAY] = 2,
		[STEER_LOAD_BALANCING] = 1,
		[STEER_PRIORITY_BASED] = 1,
		[STEER_REDUNDANT] = 1};

	for (int m = 0; m < STEER_MODES; m++) {
		struct play *p = play_of((enum steer_mode)m);
		uint32_t all;

		p->in.tunnel = true;
		p->c.application = "voice";
		p->c.battery_low = 20;
		p->c.dwell_ms = 10000;
		set(p, WIFI, 10000, 30000, 0);
		set(p, LTE, 9000, 10000, 0);
		step(p, 1000);
		all = dl(p);
		p->in.has_battery = true;
		p->in.battery = 21;
		step(p, 20000);
		CU_ASSERT_EQUAL(dl(p), all);
		p->in.battery = 20;
		step(p, 1000);
		CU_ASSERT_EQUAL(dl(p), one[m]);
		CU_ASSERT_EQUAL(ul(p), one[m]);
		CU_ASSERT_EQUAL(p->d.dl_mode, 0);
		if (all != one[m])
			CU_ASSERT_EQUAL(p->shares[one[m] == 1 ? LTE : WIFI].dl, STEER_R_BATTERY);
		/* not more often than the dwell time says; a lost link does not wait */
		p->in.battery = 100;
		step(p, 1000);
		CU_ASSERT_EQUAL(dl(p), one[m]);
		p->in.battery = 5;
		p->links[one[m] == 1 ? WIFI : LTE].ready = false;
		step(p, 1000);
		CU_ASSERT_EQUAL(dl(p), 3 - one[m]);
		p->links[one[m] == 1 ? WIFI : LTE].ready = true;
		p->in.battery = 100;
		step(p, 60000);
		step(p, 60000);
		CU_ASSERT_EQUAL(dl(p), all);
		/* nobody has asked, or nobody has said */
		p->c.battery_low = 0;
		p->in.battery = 0;
		step(p, 60000);
		CU_ASSERT_EQUAL(dl(p), all);
		p->c.battery_low = 20;
		p->in.has_battery = false;
		step(p, 60000);
		CU_ASSERT_EQUAL(dl(p), all);
	}
}

int main(void)
{
	static const struct mams_case cases[] = {{"unknown is not bad", unknown_is_not_bad},
		{"modes with GMA", modes_with_gma},
		{"thresholds have two ends", thresholds_have_two_ends},
		{"the least bad carries", the_least_bad_carries},
		{"oscillation is one switch a minute", oscillation_is_one_switch_a_minute},
		{"wishes wait and losses do not", wishes_wait_and_losses_do_not},
		{"a link that tells is tried when it has", a_link_that_tells_is_tried_when_it_has},
		{"flapping is left once", flapping_is_left_once},
		{"a loss is no occasion for wishes", a_loss_is_no_occasion_for_wishes},
		{"old figures have no say", old_figures_have_no_say}, {"dead but up", dead_but_up},
		{"smallest delay moves for a gain", smallest_delay_moves_for_a_gain},
		{"the next while the first is full", the_next_while_the_first_is_full},
		{"the next while both carry too much", the_next_while_both_carry_too_much},
		{"hints of the network", hints_of_the_network}, {"cost and quota", cost_and_quota},
		{"a low battery", a_low_battery}};

	return mams_suite_run("steer", cases, sizeof(cases) / sizeof(*cases));
}
