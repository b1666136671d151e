/* Two data planes over virtual links: what the lab is to show, in virtual time and by seed. */
#include "tests/support/world.h"

#include <stdio.h>

#define SECOND 1000000
#define SUM (70e6 * 1400 / (1400 + WORLD_OVERHEAD)) /* of SDUs that 20 + 50 Mbit/s carry */

static struct world w;
static const int64_t delays[][2] = {
	{10000, 60000}, {60000, 10000}, {1000, 1000}, {30000, 30000}, {100, 100000}};

static struct world_flow *flow(enum world_side from)
{
	return &w.flow[from][0];
}

/* Neither rate is configured; the load is 0.998 of what both links carry together. */
static void split_uses_both_links(void)
{
	for (unsigned i = 0; i < MAMS_ARRAY_LEN(delays); i++) {
		enum world_side from = i % 2 ? WORLD_NETWORK : WORLD_CLIENT;
		uint64_t refused;
		double goodput;

		world_two_links(&w, 100 + i, delays[i][0], delays[i][1]);
		world_treat(&w, from, 0, MADP_MODE_SPLIT, "01", false);
		world_source(&w, from, 0, 67900000, 1400);
		world_run(&w, 2 * SECOND);
		refused = flow(from)->refused;
		world_forget(&w, from, 0);
		world_run(&w, 4 * SECOND);
		goodput = world_goodput(&w, from, 0);
		world_settle(&w);
		printf("    %lld/%lld ms: %.4f of the sum, %llu of %llu lost, %llu kept back\n",
			(long long)delays[i][0] / 1000, (long long)delays[i][1] / 1000,
			goodput / SUM, (unsigned long long)world_lost(&w, from),
			(unsigned long long)flow(from)->seq,
			(unsigned long long)flow(from)->refused);
		CU_ASSERT(goodput >= 0.99 * SUM);
		CU_ASSERT_EQUAL(world_lost(&w, from), 0);
		CU_ASSERT(flow(from)->refused - refused <= flow(from)->seq / 1000);
		CU_ASSERT(flow(from)->refused <= flow(from)->seq / 25);
		world_in_order(&w, from);
		world_fini(&w);
	}
}

/* A session that has just begun knows no rate; until a round trip later, what the links do not take
 * at once is held.  Packets come as from a device, some milliseconds' worth at a time. */
static void first_second_loses_nothing(void)
{
	for (unsigned i = 0; i < 16; i++) {
		enum world_side from = i & 1;

		world_two_links(&w, 400 + i, delays[i / 4][0], delays[i / 4][1]);
		w.wire[from][0].queue = 300000;
		w.wire[from][1].queue = 600000;
		world_treat(&w, from, 0, MADP_MODE_SPLIT, "01", false);
		flow(from)->burst_us = 1000 * (1 + i % 4);
		world_source(&w, from, 0, (uint64_t)((i & 2 ? 0.98 : 0.9) * SUM), 1400);
		world_run(&w, SECOND);
		world_settle(&w);
		CU_ASSERT(flow(from)->seq >= 5400);
		CU_ASSERT_EQUAL(flow(from)->refused + world_lost(&w, from), 0);
		world_in_order(&w, from);
		world_fini(&w);
	}
}

/* More than the links carry: what is too much is refused at the sender, not lost on the way. */
static void overload_is_refused_before_it_is_lost(void)
{
	world_two_links(&w, 7, 10000, 60000);
	world_treat(&w, WORLD_CLIENT, 0, MADP_MODE_SPLIT, "01", false);
	world_source(&w, WORLD_CLIENT, 0, 100000000, 1400);
	world_run(&w, 2 * SECOND);
	world_forget(&w, WORLD_CLIENT, 0);
	world_run(&w, 3 * SECOND);
	CU_ASSERT(world_goodput(&w, WORLD_CLIENT, 0) >= 0.99 * SUM);
	world_settle(&w);
	CU_ASSERT(w.wire[0][0].dropped_queue + w.wire[0][1].dropped_queue <
		  flow(WORLD_CLIENT)->seq / 1000);
	world_in_order(&w, WORLD_CLIENT);
	world_fini(&w);
}

static void split_with_jitter_and_loss(void)
{
	world_two_links(&w, 8, 10000, 60000);
	for (unsigned s = 0; s < 2; s++) {
		for (unsigned i = 0; i < 2; i++) {
			w.wire[s][i].jitter_us = 5000;
			w.wire[s][i].loss_ppm = 10000;
		}
	}
	world_treat(&w, WORLD_NETWORK, 0, MADP_MODE_SPLIT, "01", false);
	world_source(&w, WORLD_NETWORK, 0, 63000000, 1400);
	world_run(&w, 2 * SECOND);
	world_forget(&w, WORLD_NETWORK, 0);
	world_run(&w, 5 * SECOND);
	CU_ASSERT(world_goodput(&w, WORLD_NETWORK, 0) >= 0.985 * 63000000);
	CU_ASSERT(flow(WORLD_NETWORK)->delay_max_us < 400000);
	world_in_order(&w, WORLD_NETWORK);
	CU_ASSERT_EQUAL(w.plane[0].rx.flow[0].n_late, 0);
	world_fini(&w);
}

/* Of the load that both links carry, after 9 s, of which 3 with little to send. */
static double with_jitter(uint64_t seed, int64_t jitter_us, uint32_t loss_ppm)
{
	double share;

	world_two_links(&w, seed, 10000, 60000);
	for (unsigned k = 0; k < 2; k++) {
		w.wire[0][k].jitter_us = w.wire[1][k].jitter_us = jitter_us;
		w.wire[0][k].loss_ppm = loss_ppm;
	}
	world_treat(&w, WORLD_CLIENT, 0, MADP_MODE_SPLIT, "01", true);
	world_source(&w, WORLD_CLIENT, 0, 3000000, 1400);
	world_run(&w, 3 * SECOND);
	world_source(&w, WORLD_CLIENT, 0, 66000000, 1400);
	world_run(&w, 6 * SECOND);
	world_forget(&w, WORLD_CLIENT, 0);
	world_run(&w, 6 * SECOND);
	share = world_goodput(&w, WORLD_CLIENT, 0) / 66e6;
	world_in_order(&w, WORLD_CLIENT);
	world_settle(&w);
	world_fini(&w);
	return share;
}

/* Delay that comes and goes by itself is no queue: begun slowly or at once, the links are found out
 * within seconds and stay in use.  How far differs from seed to seed, so that the mean counts. */
static void jitter_is_no_queue(void)
{
	double sum = 0;

	for (unsigned i = 0; i < 12; i++) {
		int64_t jitter_us = i / 2 % 2 ? 20000 : 10000;
		double share = with_jitter(90 + i, jitter_us, i % 2 ? 10000 : 0);

		printf("    %lld ms: %.3f of the load\n", (long long)jitter_us / 1000, share);
		CU_ASSERT(share >= 0.7);
		sum += share / 12;
	}
	printf("    %.3f in the mean\n", sum);
	CU_ASSERT(sum >= 0.88);
}

/* A link that becomes slower is found out within seconds, and one that becomes faster again, too.
 */
static void split_follows_the_rate(void)
{
	world_two_links(&w, 9, 10000, 60000);
	world_treat(&w, WORLD_CLIENT, 0, MADP_MODE_SPLIT, "01", false);
	world_source(&w, WORLD_CLIENT, 0, 90000000, 1400);
	world_run(&w, 3 * SECOND);
	world_link(&w, 1, 10000000, 60000, 200000);
	world_run(&w, 3 * SECOND);
	world_forget(&w, WORLD_CLIENT, 0);
	world_run(&w, 5 * SECOND);
	CU_ASSERT(world_goodput(&w, WORLD_CLIENT, 0) >= 0.97 * SUM * 30 / 70);
	world_link(&w, 1, 50000000, 60000, 200000);
	world_run(&w, 5 * SECOND);
	world_forget(&w, WORLD_CLIENT, 0);
	world_run(&w, 5 * SECOND);
	CU_ASSERT(world_goodput(&w, WORLD_CLIENT, 0) >= 0.97 * SUM);
	world_settle(&w);
	world_in_order(&w, WORLD_CLIENT);
	world_fini(&w);
}

/* A game beside a bulk transfer: 50 packets a second, each on the link that is faster. */
static void smallest_delay(void)
{
	world_two_links(&w, 10, 10000, 60000);
	world_treat(&w, WORLD_CLIENT, 0, MADP_MODE_SMALLEST_DELAY, "10", false);
	flow(WORLD_CLIENT)->delay_limit_us = 15000;
	world_source(&w, WORLD_CLIENT, 0, 50 * 100 * 8, 100);
	world_run(&w, SECOND);
	world_forget(&w, WORLD_CLIENT, 0);
	world_run(&w, 60 * SECOND);
	CU_ASSERT_EQUAL(flow(WORLD_CLIENT)->delay_over, 0);
	/* the better link gets worse than the other: within a second the stream has moved */
	w.wire[0][0].delay_us = 90000;
	world_run(&w, SECOND);
	world_forget(&w, WORLD_CLIENT, 0);
	flow(WORLD_CLIENT)->delay_limit_us = 65000;
	world_run(&w, 10 * SECOND);
	CU_ASSERT_EQUAL(flow(WORLD_CLIENT)->delay_over, 0);
	world_settle(&w);
	/* what was under way on the link when it became slower by 80 ms at once may come too late
	 */
	CU_ASSERT(world_lost(&w, WORLD_CLIENT) <= 4);
	world_in_order(&w, WORLD_CLIENT);
	world_fini(&w);
}

/* 2 % each, independently: 0.04 % of both; 40 of 100,000 are expected, with a deviation of 6.3. */
static void duplicate_loses_the_product(void)
{
	world_two_links(&w, 11, 10000, 60000);
	for (unsigned i = 0; i < 2; i++)
		w.wire[0][i].loss_ppm = 20000;
	world_treat(&w, WORLD_CLIENT, 0, MADP_MODE_DUPLICATE, "01", false);
	world_source(&w, WORLD_CLIENT, 0, 1000 * 200 * 8, 200);
	world_run(&w, 100 * SECOND);
	world_settle(&w);
	printf("    %llu of %llu lost\n", (unsigned long long)world_lost(&w, WORLD_CLIENT),
		(unsigned long long)flow(WORLD_CLIENT)->seq);
	CU_ASSERT(flow(WORLD_CLIENT)->seq >= 100000);
	CU_ASSERT(world_lost(&w, WORLD_CLIENT) >= 15 && world_lost(&w, WORLD_CLIENT) <= 65);
	world_in_order(&w, WORLD_CLIENT);
	world_fini(&w);
}

/* An end that did not run for a while reads link by link what came meanwhile.  What the first of
 * them does not have is not lost before the others were read. */
static void read_before_given_up(void)
{
	world_two_links(&w, 12, 10000, 60000);
	for (unsigned i = 0; i < 2; i++)
		w.wire[0][i].loss_ppm = 20000;
	world_treat(&w, WORLD_CLIENT, 0, MADP_MODE_DUPLICATE, "01", false);
	world_source(&w, WORLD_CLIENT, 0, 2000 * 200 * 8, 200);
	for (unsigned k = 0; k < 100; k++) {
		world_run(&w, 100000 + 700 * k);
		world_sleep(&w, WORLD_NETWORK, 80000);
	}
	world_settle(&w);
	printf("    %llu of %llu lost, %llu late\n",
		(unsigned long long)world_lost(&w, WORLD_CLIENT),
		(unsigned long long)flow(WORLD_CLIENT)->seq,
		(unsigned long long)w.plane[1].rx.flow[0].n_late);
	CU_ASSERT_EQUAL(w.plane[1].rx.flow[0].n_late, 0);
	CU_ASSERT(world_lost(&w, WORLD_CLIENT) <= flow(WORLD_CLIENT)->seq / 1000);
	world_in_order(&w, WORLD_CLIENT);
	world_fini(&w);
}

/* The client's system tells of the link; the network's side learns it from the client. */
static void detected_loss_loses_nothing(void)
{
	static const enum madp_mode modes[] = {MADP_MODE_SINGLE, MADP_MODE_ACTIVE_STANDBY,
		MADP_MODE_SPLIT, MADP_MODE_SMALLEST_DELAY};

	for (unsigned i = 0; i < 2 * MAMS_ARRAY_LEN(modes); i++) {
		enum world_side from = i % 2 ? WORLD_NETWORK : WORLD_CLIENT;
		bool whole = i == 2 || i == 5; /* 60,000 packets; the others 10,000 */

		world_two_links(&w, 20 + i, 10000, 60000);
		world_treat(&w, from, 0, modes[i / 2], "01", true);
		world_source(&w, from, 0, 1000 * 1000 * 8, 1000);
		world_run(&w, SECOND);
		for (unsigned k = 0; k < (whole ? 29 : 7); k++) {
			world_carrier(&w, k / 2 % 2, true, false, k % 2);
			world_run(&w, SECOND + 37 * k);
		}
		world_carrier(&w, 0, true, false, true);
		world_carrier(&w, 1, true, false, true);
		world_run(&w, whole ? 30 * SECOND : 2 * SECOND);
		world_settle(&w);
		printf("    %s from the %s: %llu of %llu lost, %llu again\n",
			madp_mode_name(modes[i / 2]), from ? "network" : "client",
			(unsigned long long)world_lost(&w, from),
			(unsigned long long)flow(from)->seq,
			(unsigned long long)w.plane[from].tx.cls[0].n_again);
		CU_ASSERT(flow(from)->seq >= (whole ? 60000 : 10000));
		CU_ASSERT_EQUAL(world_lost(&w, from), 0);
		CU_ASSERT_EQUAL(flow(from)->refused, 0);
		world_in_order(&w, from);
		world_fini(&w);
	}
}

/* Nobody tells: probes find out within three intervals, and what was sent meanwhile goes again. */
static void silent_loss_is_found(void)
{
	for (unsigned i = 0; i < 6; i++) {
		enum world_side from = i % 2 ? WORLD_NETWORK : WORLD_CLIENT;
		int64_t found[2] = {0, 0};

		world_two_links(&w, 40 + i, 10000, 60000);
		world_treat(&w, from, 0, i < 2 ? MADP_MODE_SPLIT : MADP_MODE_ACTIVE_STANDBY, "01",
			true);
		world_source(&w, from, 0, 1000 * 1000 * 8, 1000);
		world_run(&w, 5 * SECOND + 13000 * i);
		world_blackhole(&w, 0, true);
		for (int64_t us = 0; us < 2 * SECOND; us += 1000) {
			world_run(&w, 1000);
			for (unsigned s = 0; s < 2; s++) {
				if (!found[s] && !madp_plane_is_up(&w.plane[s], 0))
					found[s] = us + 1000;
			}
		}
		CU_ASSERT(found[0] && found[0] <= 300000);
		CU_ASSERT(found[1] && found[1] <= 300000);
		world_blackhole(&w, 0, false);
		world_run(&w, SECOND);
		CU_ASSERT_TRUE(madp_plane_is_up(&w.plane[0], 0));
		CU_ASSERT_TRUE(madp_plane_is_up(&w.plane[1], 0));
		world_run(&w, 5 * SECOND);
		world_settle(&w);
		printf("    found after %lld and %lld ms; %llu lost\n", (long long)found[0] / 1000,
			(long long)found[1] / 1000, (unsigned long long)world_lost(&w, from));
		CU_ASSERT_EQUAL(world_lost(&w, from), 0);
		world_in_order(&w, from);
		world_fini(&w);
	}
}

/* The client's control plane takes a dead link away, and gives it back, every second: the network's
 * side learns it from the next report, long before it is silent. */
static void taken_away_is_told(void)
{
	for (unsigned i = 0; i < 2; i++) {
		enum world_side from = i % 2 ? WORLD_NETWORK : WORLD_CLIENT;

		world_two_links(&w, 300 + i, 10000, 60000);
		world_treat(&w, from, 0, MADP_MODE_ACTIVE_STANDBY, "01", true);
		world_source(&w, from, 0, 1000 * 1000 * 8, 1000);
		world_run(&w, SECOND);
		for (unsigned k = 0; k < 8; k++) {
			world_take(&w, 0, true);
			world_run(&w, 70000);
			CU_ASSERT_FALSE(madp_plane_is_up(&w.plane[1], 0));
			world_run(&w, SECOND - 70000);
			world_take(&w, 0, false);
			world_run(&w, 70000);
			CU_ASSERT_TRUE(madp_plane_is_up(&w.plane[1], 0));
			world_run(&w, SECOND + 37000 * k);
		}
		world_settle(&w);
		CU_ASSERT_EQUAL(world_lost(&w, from), 0);
		CU_ASSERT_EQUAL(flow(from)->refused, 0);
		world_in_order(&w, from);
		world_fini(&w);
	}
}

/* What a dead link held goes over one whose rate nobody knows: it was not used at all, or so little
 * that it never was full.  Its queue of 40 ms must not overflow. */
static void sent_again_over_a_little_used_link(void)
{
	static const int64_t apart[][2] = {{1000, 1000}, {10000, 60000}, {30000, 30000}};

	for (unsigned i = 0; i < 8 * MAMS_ARRAY_LEN(apart); i++) {
		enum world_side from = i & 1;
		unsigned dies = i >> 1 & 1;
		bool used = i >> 2 & 1;
		const char *list = dies ? "10" : "01";

		world_two_links(&w, 200 + i, apart[i / 8][0], apart[i / 8][1]);
		world_probes(&w, 200);
		if (used) {
			world_treat(
				&w, from, 0, MADP_MODE_ACTIVE_STANDBY, dies ? "01" : "10", true);
			world_source(&w, from, 0, 1000 * 1000 * 8, 1000);
			world_run(&w, 5 * SECOND);
		}
		world_treat(&w, from, 0, MADP_MODE_ACTIVE_STANDBY, list, true);
		world_source(&w, from, 0, 1000 * 1000 * 8, 1000);
		world_run(&w, 2 * SECOND + 37000 * i);
		for (unsigned k = 0; k < 2; k++) {
			world_blackhole(&w, dies, true);
			world_run(&w, SECOND);
			world_blackhole(&w, dies, false);
			world_run(&w, SECOND + 17000 * k);
		}
		world_settle(&w);
		if (world_lost(&w, from))
			printf("    link %u dies, the other was used %s: %llu of %llu lost, %llu "
			       "by its "
			       "queue\n",
				dies, used ? "little" : "never",
				(unsigned long long)world_lost(&w, from),
				(unsigned long long)flow(from)->seq,
				(unsigned long long)w.wire[from][!dies].dropped_queue);
		CU_ASSERT(w.plane[from].tx.cls[0].n_again >= 300);
		CU_ASSERT_EQUAL(world_lost(&w, from), 0);
		CU_ASSERT_EQUAL(flow(from)->refused, 0);
		world_in_order(&w, from);
		world_fini(&w);
	}
}

/* Loss alone does not make a link silent. */
static void loss_is_not_silence(void)
{
	world_two_links(&w, 50, 10000, 60000);
	for (unsigned s = 0; s < 2; s++) {
		for (unsigned i = 0; i < 2; i++)
			w.wire[s][i].loss_ppm = 50000;
	}
	world_treat(&w, WORLD_CLIENT, 0, MADP_MODE_ACTIVE_STANDBY, "01", false);
	world_source(&w, WORLD_CLIENT, 0, 20 * 100 * 8, 100);
	for (unsigned k = 0; k < 600; k++) {
		world_run(&w, SECOND / 2);
		CU_ASSERT_EQUAL(
			madp_plane_changed(&w.plane[0]) | madp_plane_changed(&w.plane[1]), 0);
	}
	world_fini(&w);
}

/* What the link in use has lost does not come over the one that stands by, however far that is. */
static void standby_is_not_waited_for(void)
{
	for (unsigned lossless = 0; lossless < 2; lossless++) {
		world_two_links(&w, 51 + lossless, 10000, 350000);
		w.wire[WORLD_NETWORK][0].loss_ppm = 10000;
		world_treat(&w, WORLD_NETWORK, 0, MADP_MODE_ACTIVE_STANDBY, "01", lossless);
		world_source(&w, WORLD_NETWORK, 0, 10000000, 1000);
		world_run(&w, 2 * SECOND);
		world_forget(&w, WORLD_NETWORK, 0);
		world_run(&w, 4 * SECOND);
		CU_ASSERT(world_lost(&w, WORLD_NETWORK) > 20);
		CU_ASSERT(flow(WORLD_NETWORK)->delay_max_us < 60000);
		world_in_order(&w, WORLD_NETWORK);
		world_settle(&w);
		world_fini(&w);
	}
}

/* Modes and links change under load, uplink and downlink each for itself. */
static void steering_loses_nothing(void)
{
	static const char *const lists[] = {"0", "1", "01", "10"};

	for (unsigned seed = 60; seed < 76; seed++) {
		world_two_links(&w, seed, 10000, 60000);
		for (unsigned s = 0; s < 2; s++) {
			world_treat(&w, s, 0, MADP_MODE_SINGLE, "1", false);
			world_source(&w, s, 0, 10000000, 1000);
		}
		for (unsigned k = 0; k < 100; k++) {
			enum world_side from = mams_prng_below(&w.rng, 2);
			enum madp_mode mode = mams_prng_below(&w.rng, MADP_MODE_DUPLICATE + 1);

			world_treat(&w, from, 0, mode, lists[mams_prng_below(&w.rng, 4)],
				mams_prng_below(&w.rng, 2));
			world_run(&w, (int64_t)mams_prng_below(&w.rng, 400000));
		}
		world_settle(&w);
		for (unsigned s = 0; s < 2; s++) {
			CU_ASSERT_EQUAL(world_lost(&w, s), 0);
			CU_ASSERT_EQUAL(flow(s)->refused, 0);
			world_in_order(&w, s);
		}
		world_fini(&w);
	}
}

/* Windows are given back, and a session that carries nothing is quiet. */
static void idle_session_is_small(void)
{
	uint64_t pdus;

	world_two_links(&w, 70, 10000, 60000);
	world_treat(&w, WORLD_CLIENT, 0, MADP_MODE_SPLIT, "01", true);
	world_source(&w, WORLD_CLIENT, 0, 60000000, 1400);
	world_run(&w, 2 * SECOND);
	CU_ASSERT(w.mem_now > 0);
	flow(WORLD_CLIENT)->rate = 0;
	world_run(&w, 8 * SECOND);
	printf("    %zu octets, at most %llu of windows for both ends\n", sizeof(struct madp_plane),
		(unsigned long long)w.mem_most);
	CU_ASSERT_EQUAL(w.mem_now, 0);
	CU_ASSERT(sizeof(struct madp_plane) < 20 * 1024);
	pdus = w.wire[0][0].sent + w.wire[1][0].sent;
	world_run(&w, 60 * SECOND);
	CU_ASSERT(w.wire[0][0].sent + w.wire[1][0].sent - pdus < 300);
	CU_ASSERT_TRUE(madp_plane_is_up(&w.plane[0], 0) && madp_plane_is_up(&w.plane[1], 1));
	/* and it is awake at once */
	world_forget(&w, WORLD_CLIENT, 0);
	world_source(&w, WORLD_CLIENT, 0, 10000000, 1400);
	world_run(&w, SECOND);
	CU_ASSERT_TRUE(madp_plane_is_up(&w.plane[0], 0) && madp_plane_is_up(&w.plane[1], 1));
	world_settle(&w);
	CU_ASSERT_EQUAL(flow(WORLD_CLIENT)->refused, 0);
	world_in_order(&w, WORLD_CLIENT);
	world_fini(&w);
}

/* A link dies while the session is idle and nobody is told; what then wakes one end goes out on it,
 * so that the other end does not hear of it there.  The link that lives is not doubted. */
static void woken_on_a_dead_link(void)
{
	for (unsigned i = 0; i < 4; i++) {
		enum world_side from = i % 2 ? WORLD_NETWORK : WORLD_CLIENT;
		int64_t other_us = i < 2 ? 60000 : 270000;

		world_two_links(&w, 80 + i, 10000, other_us);
		world_treat(&w, from, 0, MADP_MODE_ACTIVE_STANDBY, "01", true);
		world_source(&w, from, 0, 1000000, 1000);
		world_run(&w, 2 * SECOND);
		flow(from)->rate = 0;
		world_run(&w, 12 * SECOND + 77000 * i);
		CU_ASSERT_TRUE(w.plane[0].idle && w.plane[1].idle);
		world_blackhole(&w, 0, true);
		world_run(&w, 300000);
		madp_plane_changed(&w.plane[0]);
		madp_plane_changed(&w.plane[1]);
		world_source(&w, from, 0, i < 2 ? 4000000 : 400000, 1000);
		world_run(&w, 3 * SECOND);
		CU_ASSERT_EQUAL(madp_plane_changed(&w.plane[0]), madp_link_bit(0));
		CU_ASSERT_EQUAL(madp_plane_changed(&w.plane[1]), madp_link_bit(0));
		world_blackhole(&w, 0, false);
		world_run(&w, 2 * SECOND);
		CU_ASSERT_TRUE(madp_plane_is_up(&w.plane[0], 0));
		CU_ASSERT_TRUE(madp_plane_is_up(&w.plane[1], 0));
		world_settle(&w);
		printf("    from the %s: %llu of %llu lost\n", from ? "network" : "client",
			(unsigned long long)world_lost(&w, from),
			(unsigned long long)flow(from)->seq);
		CU_ASSERT_EQUAL(world_lost(&w, from), 0);
		CU_ASSERT_EQUAL(flow(from)->refused, 0);
		world_in_order(&w, from);
		world_fini(&w);
	}
}

/* Anything at once: bounded, in order, nothing twice, nothing left behind. */
static void random_worlds(void)
{
	struct mams_prng r = mams_prng_init(9188);

	for (unsigned life = 0; life < 30; life++) {
		world_init(&w, mams_prng_next(&r), 3, &madp_plane_defaults);
		for (unsigned i = 0; i < 3; i++) {
			world_link(&w, i, 1000000 + mams_prng_below(&r, 100000000),
				(int64_t)mams_prng_below(&r, 150000),
				20000 + (uint32_t)mams_prng_below(&r, 300000));
			w.wire[0][i].jitter_us = (int64_t)mams_prng_below(&r, 20000);
			w.wire[1][i].loss_ppm = (uint32_t)mams_prng_below(&r, 50000);
		}
		for (unsigned s = 0; s < 2; s++) {
			for (unsigned c = 0; c < 3; c++) {
				world_treat(&w, s, c, mams_prng_below(&r, MADP_MODE_DUPLICATE + 1),
					"012", mams_prng_below(&r, 2));
				world_source(&w, s, c, 100000 + mams_prng_below(&r, 20000000),
					40 + (uint32_t)mams_prng_below(&r, 1400));
			}
		}
		for (unsigned k = 0; k < 10; k++) {
			unsigned link = (unsigned)mams_prng_below(&r, 3);

			if (mams_prng_below(&r, 2))
				world_carrier(&w, link, true, mams_prng_below(&r, 2), k % 2);
			else
				world_blackhole(&w, link, mams_prng_below(&r, 2));
			world_run(&w, (int64_t)mams_prng_below(&r, 300000));
		}
		world_settle(&w);
		for (unsigned s = 0; s < 2; s++) {
			for (unsigned c = 0; c < 3; c++) {
				CU_ASSERT_EQUAL(w.flow[s][c].disordered, 0);
				CU_ASSERT_EQUAL(w.flow[s][c].repeated, 0);
				CU_ASSERT(w.flow[s][c].got > 0);
			}
		}
		world_fini(&w);
	}
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"split uses both links", split_uses_both_links},
		{"the first second loses nothing", first_second_loses_nothing},
		{"overload is refused before it is lost", overload_is_refused_before_it_is_lost},
		{"split with jitter and loss", split_with_jitter_and_loss},
		{"jitter is no queue", jitter_is_no_queue},
		{"split follows the rate", split_follows_the_rate},
		{"smallest delay", smallest_delay},
		{"duplicate loses the product", duplicate_loses_the_product},
		{"read before it is given up", read_before_given_up},
		{"detected loss loses nothing", detected_loss_loses_nothing},
		{"silent loss is found", silent_loss_is_found},
		{"taken away is told", taken_away_is_told},
		{"sent again over a little used link", sent_again_over_a_little_used_link},
		{"loss is not silence", loss_is_not_silence},
		{"standby is not waited for", standby_is_not_waited_for},
		{"steering loses nothing", steering_loses_nothing},
		{"idle session is small", idle_session_is_small},
		{"woken on a dead link", woken_on_a_dead_link},
		{"random worlds", random_worlds},
	};

	return mams_suite_run("madp_world", cases, MAMS_ARRAY_LEN(cases));
}
