/* The life of a relayed pair: every end it can take. */
#include "proxy/flow.h"

#include "lib/base/err.h"
#include "tests/support/suite.h"

static const struct px_flow_limits lim = {
	.idle_ms = 60000, .half_closed_ms = 20000, .flush_ms = 2000};
static struct px_flow f;

static mams_time at(int64_t ms)
{
	return mams_time_us(ms * 1000);
}

static void fresh(void)
{
	px_flow_init(&f, PX_PHASE_RELAY, at(0));
	CU_ASSERT_EQUAL(px_flow_next(&f), PX_ACT_NONE);
}

static void half_close_both_ways(void)
{
	for (int first = 0; first < 2; first++) {
		fresh();
		px_flow_eof(&f, first);
		CU_ASSERT_EQUAL(px_flow_next(&f), first == 0 ? PX_ACT_SHUT_1 : PX_ACT_SHUT_0);
		CU_ASSERT_EQUAL(px_flow_next(&f), PX_ACT_NONE);
		CU_ASSERT_FALSE(px_flow_can_move(&f, first));
		CU_ASSERT_TRUE(px_flow_can_move(&f, !first));
		px_flow_moved(&f, !first, 1000, at(5));
		px_flow_eof(&f, !first);
		CU_ASSERT_EQUAL(px_flow_next(&f), PX_ACT_CLOSE);
		CU_ASSERT_EQUAL(px_flow_next(&f), PX_ACT_NONE);
		CU_ASSERT_EQUAL(f.dir[!first].octets, 1000);
	}
}

static void end_waits_for_held_octets(void)
{
	fresh();
	px_flow_held(&f, 0, true);
	px_flow_eof(&f, 0);
	CU_ASSERT_EQUAL(px_flow_next(&f), PX_ACT_NONE);
	px_flow_held(&f, 0, false);
	CU_ASSERT_EQUAL(px_flow_next(&f), PX_ACT_SHUT_1);
}

static void reset_delivers_what_came_before(void)
{
	for (int leg = 0; leg < 2; leg++) {
		fresh();
		px_flow_held(&f, leg, true);
		px_flow_held(&f, !leg, true);
		px_flow_broken(&f, leg, at(10));
		CU_ASSERT_TRUE(px_flow_can_move(&f, leg));
		CU_ASSERT_FALSE(px_flow_can_move(&f, !leg));
		CU_ASSERT_EQUAL(px_flow_next(&f), PX_ACT_NONE);
		px_flow_drained(&f);
		CU_ASSERT_EQUAL(px_flow_next(&f), PX_ACT_NONE);
		px_flow_held(&f, leg, false);
		CU_ASSERT_EQUAL(px_flow_next(&f), PX_ACT_FLUSH);
		CU_ASSERT_EQUAL(px_flow_next(&f), PX_ACT_FLUSH);
		px_flow_broken(&f, !leg, at(11));
		CU_ASSERT_EQUAL(f.broken, leg);
		px_flow_flushed(&f);
		CU_ASSERT_EQUAL(px_flow_next(&f), PX_ACT_ABORT);
		CU_ASSERT_EQUAL(px_flow_next(&f), PX_ACT_NONE);
		CU_ASSERT_TRUE(mams_time_is_never(px_flow_deadline(&f, &lim)));
	}
}

static void reset_after_end_of_stream(void)
{
	fresh();
	px_flow_eof(&f, 1);
	CU_ASSERT_EQUAL(px_flow_next(&f), PX_ACT_SHUT_0);
	px_flow_broken(&f, 1, at(10));
	CU_ASSERT_EQUAL(px_flow_next(&f), PX_ACT_FLUSH);
	px_flow_flushed(&f);
	CU_ASSERT_EQUAL(px_flow_next(&f), PX_ACT_ABORT);
}

static void flush_is_bounded(void)
{
	fresh();
	px_flow_held(&f, 0, true);
	px_flow_broken(&f, 0, at(1000));
	CU_ASSERT_EQUAL(px_flow_deadline(&f, &lim).us, at(3000).us);
	CU_ASSERT_FALSE(px_flow_tick(&f, &lim, at(2999)));
	CU_ASSERT_EQUAL(px_flow_next(&f), PX_ACT_NONE);
	CU_ASSERT_TRUE(px_flow_tick(&f, &lim, at(3000)));
	/* a deadline that has passed would be looked at again at once, for ever */
	CU_ASSERT_TRUE(mams_time_is_never(px_flow_deadline(&f, &lim)));
	CU_ASSERT_FALSE(px_flow_tick(&f, &lim, at(3000)));
	/* what the far leg does not take is still held when the pumps have run once more */
	CU_ASSERT_FALSE(px_flow_can_move(&f, 0));
	px_flow_held(&f, 0, true);
	CU_ASSERT_EQUAL(px_flow_next(&f), PX_ACT_ABORT);
}

static void idle(void)
{
	fresh();
	CU_ASSERT_EQUAL(px_flow_deadline(&f, &lim).us, at(60000).us);
	px_flow_moved(&f, 1, 1, at(50000));
	CU_ASSERT_FALSE(px_flow_tick(&f, &lim, at(60000)));
	CU_ASSERT_EQUAL(px_flow_deadline(&f, &lim).us, at(110000).us);
	px_flow_eof(&f, 0);
	CU_ASSERT_EQUAL(px_flow_next(&f), PX_ACT_SHUT_1);
	CU_ASSERT_EQUAL(px_flow_deadline(&f, &lim).us, at(70000).us);
	CU_ASSERT_TRUE(px_flow_tick(&f, &lim, at(70000)));
	CU_ASSERT_EQUAL(px_flow_next(&f), PX_ACT_ABORT);
}

/** Any order of events: at most one end, and nothing is asked for after it. */
static void random_lives(void)
{
	struct mams_prng r = mams_prng_init(8803);

	for (int life = 0; life < 20000; life++) {
		int ends = 0;
		int shut[2] = {0, 0};

		fresh();
		for (int64_t t = 1; t < 40; t++) {
			int side = (int)mams_prng_below(&r, 2);
			enum px_act act;

			switch (mams_prng_below(&r, 8)) {
			case 0:
				px_flow_eof(&f, side);
				break;
			case 1:
				if (px_flow_can_move(&f, side))
					px_flow_held(&f, side, true);
				break;
			case 2:
				px_flow_held(&f, side, false);
				break;
			case 3:
				px_flow_broken(&f, side, at(t));
				break;
			case 4:
				px_flow_drained(&f);
				break;
			case 5:
				px_flow_flushed(&f);
				break;
			default:
				if (px_flow_can_move(&f, side))
					px_flow_moved(&f, side, 10, at(t));
				break;
			}
			for (int i = 0; i < 4; i++) {
				act = px_flow_next(&f);
				ends += act == PX_ACT_CLOSE || act == PX_ACT_ABORT;
				shut[0] += act == PX_ACT_SHUT_0;
				shut[1] += act == PX_ACT_SHUT_1;
				CU_ASSERT_FALSE(ends == 1 && f.phase != PX_PHASE_OVER);
			}
		}
		CU_ASSERT_TRUE(ends <= 1 && shut[0] + shut[1] <= 1);
	}
}

/* Direction 0 goes on over another connection: read where it turns, no octet sooner or later. */
static void uplink_turns(void)
{
	fresh();
	px_flow_moved(&f, 0, 700, at(1));
	CU_ASSERT_FALSE(px_flow_turns(&f, 0));
	f.uplink = PX_UPLINK_ASKED;
	CU_ASSERT_FALSE(px_flow_turns(&f, 0));
	CU_ASSERT_TRUE(px_flow_turn(&f, 1000));
	CU_ASSERT_FALSE(px_flow_turns(&f, 0));
	px_flow_moved(&f, 0, 300, at(2));
	CU_ASSERT_TRUE(px_flow_turns(&f, 0));
	CU_ASSERT_FALSE(px_flow_turns(&f, 1));
	/* all had come before it was said */
	fresh();
	px_flow_moved(&f, 0, 1000, at(1));
	CU_ASSERT_TRUE(px_flow_turn(&f, 1000));
	CU_ASSERT_TRUE(px_flow_turns(&f, 0));
	/* and this is a lie */
	fresh();
	px_flow_moved(&f, 0, 1001, at(1));
	CU_ASSERT_FALSE(px_flow_turn(&f, 1000));
}

/* What the end of the first connection means depends on what the second one has said. */
static void end_of_one_of_two(void)
{
	static const enum px_end up[] = {
		[PX_UPLINK_ONE] = PX_END_FLOW,
		[PX_UPLINK_ASKED] = PX_END_WAIT,
		[PX_UPLINK_TURNING] = PX_END_SHORT,
		[PX_UPLINK_TWO] = PX_END_FLOW,
	};

	for (size_t i = 0; i < MAMS_ARRAY_LEN(up); i++) {
		fresh();
		f.uplink = (enum px_uplink)i;
		CU_ASSERT_EQUAL(px_flow_end(&f, 0), up[i]);
		CU_ASSERT_EQUAL(px_flow_end(&f, 1), PX_END_FLOW);
	}
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"half_close_both_ways", half_close_both_ways},
		{"end_waits_for_held_octets", end_waits_for_held_octets},
		{"reset_delivers_what_came_before", reset_delivers_what_came_before},
		{"reset_after_end_of_stream", reset_after_end_of_stream},
		{"flush_is_bounded", flush_is_bounded},
		{"idle", idle},
		{"uplink_turns", uplink_turns},
		{"end_of_one_of_two", end_of_one_of_two},
		{"random_lives", random_lives},
	};

	return mams_suite_run("flow", cases, MAMS_ARRAY_LEN(cases));
}
