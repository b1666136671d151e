/* Two data planes over virtual links, in virtual time and by seed: ends whose turns come late, and
 * packets that do. */
#include "tests/support/world.h"

#include <stdio.h>

#define SECOND 1000000
#define SUM (70e6 * 1400 / (1400 + WORLD_OVERHEAD)) /* of SDUs that 20 + 50 Mbit/s carry */

static struct world w;

static struct world_flow *flow(enum world_side from)
{
	return &w.flow[from][0];
}

/* Jitter of as much as the first trains are long makes the first rates up to half too low; they are
 * made good before what is held is too much, in nearly all of them. */
static void first_second_with_jitter(void)
{
	uint64_t refused = 0, gone = 0, dropped = 0;
	unsigned some = 0;

	for (unsigned i = 0; i < 24; i++) {
		enum world_side from = i & 1;

		world_two_links(&w, 400 + i, 10000, 60000);
		for (unsigned k = 0; k < 4; k++) {
			struct world_wire *wire = &w.wire[k / 2][k % 2];

			wire->jitter_us = 5000;
			wire->loss_ppm = i / 2 % 2 ? 10000 : 0;
			wire->queue = k % 2 ? 600000 : 300000;
		}
		world_treat(&w, from, 0, MADP_MODE_SPLIT, "01", false);
		flow(from)->burst_us = 1000 * (1 + i / 4 % 4);
		world_source(&w, from, 0, (uint64_t)(0.98 * SUM), 1400);
		world_run(&w, SECOND);
		world_settle(&w);
		refused += flow(from)->refused;
		some += flow(from)->refused > 0;
		gone += world_lost(&w, from);
		dropped += w.wire[from][0].dropped_loss + w.wire[from][1].dropped_loss;
		world_in_order(&w, from);
		world_fini(&w);
	}
	printf("    %llu refused, in %u of 24; %llu lost, %llu by the links\n",
		(unsigned long long)refused, some, (unsigned long long)gone,
		(unsigned long long)dropped);
	CU_ASSERT(some <= 2 && refused <= 200);
	CU_ASSERT(gone <= dropped + 50);
}

/* Both ends have their turn only now and then, each for a moment, as on a processor that is short.
 */
static void run_seldom(int64_t us, int64_t pause_us)
{
	int64_t end = w.now_us + us;

	while (w.now_us < end) {
		for (unsigned s = 0; s < 2; s++) {
			if (w.now_us >= w.asleep_us[s] + 1000)
				world_sleep(&w, s,
					pause_us / 2 + (int64_t)mams_prng_below(
							       &w.rng, (uint64_t)pause_us));
		}
		world_run(&w, 1000);
	}
}

/* Turns that come late do not add up: silence is found a pause or two later than else, and without
 * silence none is found, though the links lose some and are long. */
static void slow_ends_find_silence(void)
{
	for (unsigned i = 0; i < 6; i++) {
		int64_t pause_us = 10000 + 40000 * (int64_t)(i / 2);
		int64_t found[2] = {0, 0};

		world_two_links(&w, 500 + i, 40000, 40000);
		for (unsigned k = 0; k < 4; k++) {
			w.wire[k / 2][k % 2].rate = 10000000;
			w.wire[k / 2][k % 2].loss_ppm = 10000;
		}
		world_probes(&w, 200);
		for (unsigned s = 0; s < 2; s++) {
			world_treat(&w, s, 0, MADP_MODE_ACTIVE_STANDBY, "01", true);
			world_source(&w, s, 0, (pause_us > 50000 ? 100 : 200) * 1000 * 8, 1000);
			madp_plane_changed(&w.plane[s]);
		}
		run_seldom(15 * SECOND, pause_us);
		CU_ASSERT_EQUAL(
			madp_plane_changed(&w.plane[0]) | madp_plane_changed(&w.plane[1]), 0);
		world_blackhole(&w, 0, true);
		for (int64_t us = 0; us < 2 * SECOND; us += 1000) {
			run_seldom(1000, pause_us);
			for (unsigned s = 0; s < 2; s++) {
				if (!found[s] && !madp_plane_is_up(&w.plane[s], 0))
					found[s] = us + 1000;
			}
		}
		printf("    pauses of %lld ms: found after %lld and %lld ms\n",
			(long long)pause_us / 1000, (long long)found[0] / 1000,
			(long long)found[1] / 1000);
		for (unsigned s = 0; s < 2; s++)
			CU_ASSERT(found[s] && found[s] <= 540000 + 3 * pause_us);
		world_blackhole(&w, 0, false);
		run_seldom(2 * SECOND, pause_us);
		CU_ASSERT_TRUE(madp_plane_is_up(&w.plane[0], 0));
		CU_ASSERT_TRUE(madp_plane_is_up(&w.plane[1], 0));
		/* what waited for the dead link's packets to go again has left in its time */
		for (unsigned s = 0; s < 2; s++) {
			CU_ASSERT(pause_us > 50000 || w.plane[s].tx.cls[0].n_hold_old == 0);
			CU_ASSERT(w.plane[s].tx.cls[0].n_hold_old < 60);
			world_in_order(&w, s);
		}
		world_settle(&w);
		world_fini(&w);
	}
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"the first second with jitter", first_second_with_jitter},
		{"slow ends find silence", slow_ends_find_silence},
	};

	return mams_suite_run("madp_late", cases, MAMS_ARRAY_LEN(cases));
}
