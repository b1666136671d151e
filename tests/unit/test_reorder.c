/* Reordering by Flow SN: order, gaps, links that pass, memory. */
#include "trailer-madp/reorder.h"

#include "tests/support/suite.h"

#include <stdlib.h>

static struct madp_reorder r;
static struct madp_reorder_link link[MADP_LINKS_MAX];
static size_t in_use;
static size_t limit = SIZE_MAX;

static void *get(void *user, size_t size)
{
	(void)user;
	if (in_use + size > limit)
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

/* The packet of a Flow SN is the SN itself, plus one so that it is no null pointer. */
static void *pkt(uint32_t sn)
{
	return (void *)(uintptr_t)(sn + 1);
}

static enum madp_reorder_result in(uint32_t sn, unsigned slot, int64_t ms)
{
	link[slot].known = true;
	link[slot].heard_at = at(ms);
	return madp_reorder_input(
		&r, sn & MADP_SN_MASK, slot, link, pkt(sn & MADP_SN_MASK), 100, &mem, at(ms));
}

/* Next SN that comes out; -1 none */
static int64_t out(int64_t ms)
{
	uint32_t len;
	void *p = madp_reorder_next(&r, link, &len, at(ms));

	return p ? (int64_t)(uintptr_t)p - 1 : -1;
}

static void fresh(void)
{
	madp_reorder_init(&r, 4096);
	for (unsigned i = 0; i < MADP_LINKS_MAX; i++)
		link[i] = (struct madp_reorder_link){0};
	limit = SIZE_MAX;
}

static void done(void)
{
	uint32_t len;

	while (madp_reorder_drain(&r, &len))
		;
	madp_reorder_fini(&r, &mem);
	CU_ASSERT_EQUAL(in_use, 0);
}

static void in_order_needs_no_memory(void)
{
	fresh();
	limit = 0;
	for (uint32_t sn = 0; sn < 100000; sn++) {
		CU_ASSERT_EQUAL(in(sn, 0, sn), MADP_REORDER_DELIVER);
		CU_ASSERT_EQUAL(out(sn), -1);
	}
	CU_ASSERT_EQUAL(in(99999, 0, 100000), MADP_REORDER_DUPLICATE);
	CU_ASSERT_EQUAL(in(99990, 1, 100000), MADP_REORDER_DUPLICATE);
	CU_ASSERT_EQUAL(r.n_delivered, 100000);
	done();
}

static void wraps_at_24_bits(void)
{
	fresh();
	CU_ASSERT_EQUAL(in(0xfffffe, 0, 0), MADP_REORDER_DELIVER);
	CU_ASSERT_EQUAL(in(0x1000000, 0, 1), MADP_REORDER_HELD); /* 0 */
	CU_ASSERT_EQUAL(in(0xffffff, 0, 2), MADP_REORDER_DELIVER);
	CU_ASSERT_EQUAL(out(2), 0);
	CU_ASSERT_EQUAL(out(2), -1);
	CU_ASSERT_EQUAL(in(1, 0, 2), MADP_REORDER_DELIVER);
	CU_ASSERT_EQUAL(in(0xffffff, 0, 3), MADP_REORDER_DUPLICATE);
	done();
}

/* One link, in order: what is missing is lost, and nothing waits longer than the margin. */
static void one_link_waits_for_nothing(void)
{
	fresh();
	in(0, 0, 0);
	CU_ASSERT_EQUAL(in(2, 0, 10), MADP_REORDER_HELD);
	CU_ASSERT_EQUAL(out(10), -1);
	CU_ASSERT(madp_reorder_deadline(&r).us <= at(13).us);
	CU_ASSERT_EQUAL(out(13), 2);
	CU_ASSERT_EQUAL(r.n_lost, 1);
	CU_ASSERT_EQUAL(in(1, 0, 14), MADP_REORDER_LATE);
	CU_ASSERT_TRUE(mams_time_is_never(madp_reorder_deadline(&r)));
	done();
}

/* The slow link needs 50 ms longer: so long and little more is waited for it, not for ever. */
static void waits_for_the_slower_link(void)
{
	fresh();
	link[0].delay_us = -1000000;
	link[1].delay_us = -950000;
	in(0, 0, 0);
	in(1, 1, 50);
	CU_ASSERT_EQUAL(in(3, 0, 100), MADP_REORDER_HELD);
	CU_ASSERT_EQUAL(out(149), -1);
	CU_ASSERT_EQUAL(in(2, 1, 150), MADP_REORDER_DELIVER);
	CU_ASSERT_EQUAL(out(150), 3);
	CU_ASSERT_EQUAL(in(5, 0, 200), MADP_REORDER_HELD);
	CU_ASSERT(madp_reorder_deadline(&r).us >= at(250).us);
	CU_ASSERT(madp_reorder_deadline(&r).us <= at(280).us);
	CU_ASSERT_EQUAL(out(249), -1);
	CU_ASSERT_EQUAL(out(280), 5);
	/* the other way round nothing slower is left that could bring it */
	CU_ASSERT_EQUAL(in(7, 1, 400), MADP_REORDER_HELD);
	CU_ASSERT(madp_reorder_deadline(&r).us <= at(415).us);
	CU_ASSERT_EQUAL(out(415), 7);
	done();
}

/* Both links have passed the gap: it is lost, whatever the delays. */
static void passed_by_all_is_lost(void)
{
	fresh();
	link[0].delay_us = 0;
	link[1].delay_us = 500000;
	in(0, 0, 0);
	in(1, 1, 500);
	CU_ASSERT_EQUAL(in(3, 0, 510), MADP_REORDER_HELD);
	CU_ASSERT_EQUAL(in(4, 1, 520), MADP_REORDER_HELD);
	CU_ASSERT_EQUAL(out(520), -1);
	CU_ASSERT_EQUAL(out(523), 3);
	CU_ASSERT_EQUAL(out(523), 4);
	done();
}

/* With lossless switching a silent link is waited for; one that says anything newer is not. */
static void lossless_waits_for_the_silent(void)
{
	for (unsigned speaks = 0; speaks < 2; speaks++) {
		fresh();
		r.hold_us = 800000;
		in(0, 0, 0);
		in(1, 1, 0);
		CU_ASSERT_EQUAL(in(3, 0, 10), MADP_REORDER_HELD);
		if (speaks)
			link[1].heard_at = at(100);
		else
			madp_reorder_link_down(&r, 1, at(10));
		CU_ASSERT_EQUAL(in(4, 0, 101), MADP_REORDER_HELD);
		CU_ASSERT_EQUAL(out(110), speaks ? 3 : -1);
		if (!speaks) {
			CU_ASSERT_EQUAL(out(800), -1);
			CU_ASSERT_EQUAL(in(2, 0, 801), MADP_REORDER_DELIVER);
			CU_ASSERT_EQUAL(out(801), 3);
		}
		CU_ASSERT_EQUAL(out(811), 4);
		done();
	}
}

/* It died and lives again at once: what it held is still being sent again, whatever it says now. */
static void lossless_waits_for_what_a_dead_link_held(void)
{
	fresh();
	r.hold_us = 800000;
	link[1].known = true;
	in(0, 0, 0);
	in(1, 1, 0);
	CU_ASSERT_EQUAL(in(3, 0, 2000), MADP_REORDER_HELD);
	madp_reorder_link_down(&r, 1, at(2010));
	madp_reorder_link_up(&r, 1);
	link[1].heard_at = at(2200);
	CU_ASSERT_EQUAL(in(4, 1, 2200), MADP_REORDER_HELD);
	CU_ASSERT_EQUAL(out(2700), -1);
	CU_ASSERT_EQUAL(in(2, 0, 2700), MADP_REORDER_DELIVER);
	CU_ASSERT_EQUAL(out(2700), 3);
	CU_ASSERT_EQUAL(out(2700), 4);
	/* and no longer than that */
	CU_ASSERT_EQUAL(in(6, 0, 3000), MADP_REORDER_HELD);
	CU_ASSERT_EQUAL(in(7, 1, 3000), MADP_REORDER_HELD);
	CU_ASSERT_EQUAL(out(3010), 6);
	CU_ASSERT_EQUAL(out(3010), 7);
	/* a link that is silent without being known to be dead is waited for, however long ago it
	 * spoke */
	CU_ASSERT_EQUAL(in(9, 0, 9000), MADP_REORDER_HELD);
	CU_ASSERT_EQUAL(out(9700), -1);
	CU_ASSERT_EQUAL(out(9801), 9);
	/* one that is known to be dead for long is not */
	madp_reorder_link_down(&r, 1, at(9900));
	CU_ASSERT_EQUAL(in(11, 0, 11000), MADP_REORDER_HELD);
	CU_ASSERT_EQUAL(out(11010), 11);
	done();
}

/* A link that the sender does not use for the flow holds nothing up. */
static void sender_tells_where_to_wait(void)
{
	for (unsigned told = 0; told < 2; told++) {
		fresh();
		link[1].known = true;
		link[1].delay_us = 50000;
		in(0, 0, 0);
		if (told)
			r.may = 1;
		link[1].heard_at = at(0);
		in(2, 0, 10);
		CU_ASSERT_EQUAL(out(14), told ? 2 : -1);
		CU_ASSERT_EQUAL(out(90), told ? -1 : 2);
		done();
	}
}

static void fast_and_slow(void)
{
	fresh();
	madp_reorder_may(&r, 3, at(0));
	link[0] = (struct madp_reorder_link){.delay_us = 10000, .known = true};
	link[1] = (struct madp_reorder_link){.delay_us = 60000, .known = true};
	in(0, 0, 0);
}

/* The sender's word that it uses a link no more is faster than what it sent there before. */
static void what_went_on_a_link_before_it_was_left_is_waited_for(void)
{
	fast_and_slow();
	madp_reorder_may(&r, 1, at(20));
	CU_ASSERT_EQUAL(in(3, 0, 20), MADP_REORDER_HELD);
	CU_ASSERT_EQUAL(out(60), -1);
	CU_ASSERT_EQUAL(in(1, 1, 65), MADP_REORDER_DELIVER);
	CU_ASSERT_EQUAL(out(65), -1);
	CU_ASSERT_EQUAL(in(2, 1, 66), MADP_REORDER_DELIVER);
	CU_ASSERT_EQUAL(out(66), 3);
	/* not for ever */
	link[1].heard_at = at(1090);
	CU_ASSERT_EQUAL(in(5, 0, 1100), MADP_REORDER_HELD);
	CU_ASSERT_EQUAL(out(1103), 5);
	/* and not what a dead one held */
	madp_reorder_may(&r, 3, at(1200));
	madp_reorder_may(&r, 1, at(1210));
	madp_reorder_link_down(&r, 1, at(1210));
	CU_ASSERT_EQUAL(in(7, 0, 1211), MADP_REORDER_HELD);
	CU_ASSERT_EQUAL(out(1214), 7);
	done();
}

/* The slow link showed the first gap; the one behind it was shown by the fast one. */
static void each_gap_is_judged_by_the_link_that_showed_it(void)
{
	fast_and_slow();
	CU_ASSERT_EQUAL(in(1, 1, 90), MADP_REORDER_DELIVER);
	CU_ASSERT_EQUAL(in(3, 1, 100), MADP_REORDER_HELD);
	CU_ASSERT_EQUAL(in(5, 0, 100), MADP_REORDER_HELD);
	CU_ASSERT_EQUAL(in(2, 0, 101), MADP_REORDER_DELIVER);
	CU_ASSERT_EQUAL(out(101), 3);
	CU_ASSERT_EQUAL(out(130), -1);
	CU_ASSERT_EQUAL(in(4, 1, 150), MADP_REORDER_DELIVER);
	CU_ASSERT_EQUAL(out(150), 5);
	done();
}

static void late_ones_pass_once_where_allowed(void)
{
	fresh();
	r.pass_late = true;
	in(0, 0, 0);
	in(3, 0, 1);
	CU_ASSERT_EQUAL(out(10), 3);
	CU_ASSERT_EQUAL(in(1, 0, 20), MADP_REORDER_PASS);
	CU_ASSERT_EQUAL(in(1, 0, 21), MADP_REORDER_DUPLICATE);
	CU_ASSERT_EQUAL(in(3, 0, 21), MADP_REORDER_DUPLICATE);
	CU_ASSERT_EQUAL(in(2, 0, 22), MADP_REORDER_PASS);
	/* once the window is gone nobody knows: nothing is delivered that might have been */
	in(5, 0, 30);
	CU_ASSERT_EQUAL(out(40), 5);
	madp_reorder_trim(&r, &mem, at(5000));
	CU_ASSERT_EQUAL(in_use, 0);
	in(7, 0, 5001);
	CU_ASSERT_EQUAL(out(5010), 7);
	CU_ASSERT_NOT_EQUAL(in(4, 0, 5011), MADP_REORDER_PASS);
	CU_ASSERT_EQUAL(in(6, 0, 5011), MADP_REORDER_PASS);
	done();
}

/* Every SDU goes over both links: a copy that is near is waited for, and one that is far away, or
 * that comes too late, holds nothing up and is not lost. */
static void copies_are_waited_for_briefly(void)
{
	fast_and_slow();
	r.twice = true;
	link[0].delay_us = 10000;
	link[1].delay_us = 50000;
	in(0, 0, 90);
	in(0, 1, 130);
	CU_ASSERT_EQUAL(in(2, 0, 131), MADP_REORDER_HELD);
	CU_ASSERT_EQUAL(out(170), -1);
	CU_ASSERT_EQUAL(in(1, 1, 171), MADP_REORDER_DELIVER);
	CU_ASSERT_EQUAL(out(171), 2);
	/* now the slow one has a queue */
	link[1].delay_us = 500000;
	CU_ASSERT_EQUAL(in(4, 0, 172), MADP_REORDER_HELD);
	CU_ASSERT_EQUAL(out(175), 4);
	CU_ASSERT_EQUAL(in(2, 1, 300), MADP_REORDER_DUPLICATE);
	CU_ASSERT_EQUAL(in(3, 1, 600), MADP_REORDER_PASS);
	CU_ASSERT_EQUAL(in(3, 0, 601), MADP_REORDER_DUPLICATE);
	CU_ASSERT_EQUAL(in(4, 1, 602), MADP_REORDER_DUPLICATE);
	CU_ASSERT_EQUAL(in(5, 0, 602), MADP_REORDER_DELIVER);
	/* its delay is told wrong, and it is silent: as long as a call's receiver evens out */
	link[1].delay_us = 60000;
	link[1].jitter_us = 40000;
	CU_ASSERT_EQUAL(in(7, 0, 700), MADP_REORDER_HELD);
	CU_ASSERT_EQUAL(out(759), -1);
	CU_ASSERT_EQUAL(out(760), 7);
	/* what came long before is still known */
	for (uint32_t sn = 8; sn < 3000; sn++)
		CU_ASSERT_EQUAL(in(sn, 0, 761), MADP_REORDER_DELIVER);
	CU_ASSERT_EQUAL(in(6, 1, 800), MADP_REORDER_PASS);
	CU_ASSERT_EQUAL(in(7, 1, 801), MADP_REORDER_DUPLICATE);
	done();
}

static void window_grows_and_is_bounded(void)
{
	fresh();
	link[1] = (struct madp_reorder_link){.delay_us = 10000000, .known = true};
	in(0, 0, 0);
	in(1, 1, 0);
	for (uint32_t sn = 3; sn < 3 + 4000; sn++)
		CU_ASSERT_EQUAL(in(sn, 0, 1), MADP_REORDER_HELD);
	CU_ASSERT_EQUAL(r.cap, 4096);
	CU_ASSERT_EQUAL(in(2 + 4096, 0, 1), MADP_REORDER_AHEAD);
	CU_ASSERT_EQUAL(in(100, 0, 1), MADP_REORDER_DUPLICATE);
	CU_ASSERT_EQUAL(in(2, 1, 2), MADP_REORDER_DELIVER);
	for (uint32_t sn = 3; sn < 3 + 4000; sn++)
		CU_ASSERT_EQUAL(out(2), sn);
	CU_ASSERT_EQUAL(r.held_octets, 0);
	done();
}

/* Without memory order is kept, and nothing that could be delivered is dropped at the first gap. */
static void no_memory(void)
{
	fresh();
	limit = 0;
	in(0, 0, 0);
	CU_ASSERT_EQUAL(in(2, 0, 1), MADP_REORDER_DELIVER);
	CU_ASSERT_EQUAL(r.n_lost, 1);
	CU_ASSERT_EQUAL(in(1, 0, 1), MADP_REORDER_LATE);
	limit = SIZE_MAX;
	CU_ASSERT_EQUAL(in(4, 0, 2), MADP_REORDER_HELD);
	limit = 0;
	CU_ASSERT_EQUAL(in(1000, 0, 2), MADP_REORDER_NOMEM);
	CU_ASSERT_EQUAL(in(3, 0, 2), MADP_REORDER_DELIVER);
	CU_ASSERT_EQUAL(out(2), 4);
	done();
}

/* What came by the fast link comes out when it would have come by the slow one, within a step, and
 * what came by the slow one at once; in order, and both times once. */
static void delays_are_even_where_asked_for(void)
{
	fresh();
	r.may = 3;
	link[0] = (struct madp_reorder_link){.delay_us = 10000, .known = true};
	link[1] = (struct madp_reorder_link){.delay_us = 60000, .known = true};
	CU_ASSERT_EQUAL(in(0, 0, 100), MADP_REORDER_DELIVER);
	r.even = true;
	CU_ASSERT_EQUAL(in(1, 0, 110), MADP_REORDER_HELD);
	CU_ASSERT_EQUAL(in(1, 1, 111), MADP_REORDER_DUPLICATE);
	CU_ASSERT_EQUAL(in(3, 0, 112), MADP_REORDER_HELD);
	CU_ASSERT_EQUAL(in(2, 1, 112), MADP_REORDER_HELD); /* behind 1 */
	r.even = false;
	CU_ASSERT_EQUAL(
		in(4, 0, 112), MADP_REORDER_HELD); /* in order, though it asks for nothing */
	CU_ASSERT_EQUAL(out(158), -1);
	CU_ASSERT_TRUE(madp_reorder_deadline(&r).us > 158000);
	CU_ASSERT_TRUE(madp_reorder_deadline(&r).us <= 160100);
	CU_ASSERT_EQUAL(out(161), 1);
	CU_ASSERT_EQUAL(out(161), 2);
	CU_ASSERT_EQUAL(out(161), -1);
	CU_ASSERT_EQUAL(in(1, 0, 161), MADP_REORDER_DUPLICATE);
	CU_ASSERT_EQUAL(out(163), 3);
	CU_ASSERT_EQUAL(out(163), 4);
	/* the slow link, or no other, brings nothing that waits */
	r.even = true;
	CU_ASSERT_EQUAL(in(5, 1, 200), MADP_REORDER_DELIVER);
	r.may = 1;
	CU_ASSERT_EQUAL(in(6, 0, 200), MADP_REORDER_DELIVER);
	r.may = 3;
	madp_reorder_link_down(&r, 1, at(201));
	CU_ASSERT_EQUAL(in(7, 0, 202), MADP_REORDER_DELIVER);
	CU_ASSERT_EQUAL(r.n_lost + r.n_late, 0);
	done();
}

/* A gap before what waits is judged by when that arrived: nothing is added to its wait. */
static void gap_before_what_waits(void)
{
	fresh();
	r.may = 3;
	r.even = true;
	link[0] = (struct madp_reorder_link){.delay_us = 10000, .known = true};
	link[1] = (struct madp_reorder_link){.delay_us = 60000, .known = true};
	in(0, 1, 90);
	in(2, 1, 100);
	in(3, 0, 100); /* 1 is lost: both have passed it */
	CU_ASSERT_EQUAL(out(103), 2);
	CU_ASSERT_EQUAL(out(103), -1);
	CU_ASSERT_EQUAL(out(151), 3);
	CU_ASSERT_EQUAL(r.n_lost, 1);
	/* without memory nothing waits, and nothing is lost */
	CU_ASSERT_EQUAL(in(4, 0, 200), MADP_REORDER_HELD);
	CU_ASSERT_EQUAL(out(251), 4);
	madp_reorder_trim(&r, &mem, at(5000));
	limit = 0;
	CU_ASSERT_EQUAL(in(5, 0, 5000), MADP_REORDER_DELIVER);
	CU_ASSERT_EQUAL(r.n_lost, 1);
	done();
}

/* A sender that began anew is believed after four packets in a row, forgeries one by one are not.
 */
static void sender_begins_anew(void)
{
	fresh();
	for (uint32_t sn = 5000000; sn < 5000100; sn++)
		in(sn, 0, 0);
	CU_ASSERT_EQUAL(in(5000105, 0, 0), MADP_REORDER_HELD);
	CU_ASSERT_EQUAL(in(77, 0, 1), MADP_REORDER_AHEAD);
	CU_ASSERT_EQUAL(in(9000000, 0, 1), MADP_REORDER_AHEAD);
	CU_ASSERT_EQUAL(in(3000000, 0, 1), MADP_REORDER_AHEAD);
	for (uint32_t sn = 0; sn < 4; sn++)
		CU_ASSERT_EQUAL(in(sn, 0, 1), MADP_REORDER_AHEAD);
	CU_ASSERT_EQUAL(out(1), 5000105);
	CU_ASSERT_EQUAL(out(1), -1);
	CU_ASSERT_EQUAL(in(4, 0, 1), MADP_REORDER_DELIVER);
	CU_ASSERT_EQUAL(in(5, 0, 1), MADP_REORDER_DELIVER);
	done();
}

/* Random links with delay, loss and repetition: in order, once, bounded, and what was not lost on
 * the links arrives as long as delays do not change. */
enum { N = 3000 };

static struct {
	int64_t ms;
	uint32_t sn;
	uint8_t slot;
} events[2 * N];

/* @return SDUs of which at least one copy arrives; *n filled with the number of arrivals */
static unsigned make_events(struct mams_prng *rng, unsigned *n)
{
	unsigned sent = 0;

	*n = 0;
	for (unsigned k = 0; k < 3; k++)
		link[k] = (struct madp_reorder_link){
			.delay_us = (int64_t)mams_prng_below(rng, 80) * 1000,
			.known = true,
			.heard_at = at(0)};
	for (uint32_t sn = 0; sn < N; sn++) {
		unsigned slot = (unsigned)mams_prng_below(rng, 3);
		unsigned copies = 1 + !mams_prng_below(rng, 20);

		if (mams_prng_below(rng, 100) == 0)
			continue;
		sent++;
		for (; copies; copies--) {
			events[*n].ms = sn / 4 + link[slot].delay_us / 1000;
			events[*n].sn = sn;
			events[(*n)++].slot = (uint8_t)slot;
		}
	}
	return sent;
}

static void came_out(int64_t sn, int64_t *last, unsigned *got)
{
	if (sn <= *last)
		CU_FAIL("out of order");
	*last = sn;
	++*got;
}

static void random_flows(void)
{
	struct mams_prng rng = mams_prng_init(41);

	for (unsigned life = 0; life < 60; life++) {
		int64_t last = -1;
		unsigned got = 0;
		unsigned n;
		unsigned sent;

		fresh();
		sent = make_events(&rng, &n);
		for (int64_t ms = 0; ms < N / 4 + 300; ms++) {
			int64_t sn;

			for (unsigned i = 0; i < n; i++) {
				if (events[i].ms != ms)
					continue;
				if (in(events[i].sn, events[i].slot, ms) == MADP_REORDER_DELIVER)
					came_out(events[i].sn, &last, &got);
				while ((sn = out(ms)) >= 0)
					came_out(sn, &last, &got);
			}
			while ((sn = out(ms)) >= 0)
				came_out(sn, &last, &got);
		}
		CU_ASSERT_EQUAL(got, sent);
		CU_ASSERT_EQUAL(r.held, 0);
		done();
	}
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"in order needs no memory", in_order_needs_no_memory},
		{"wraps at 24 bits", wraps_at_24_bits},
		{"one link waits for nothing", one_link_waits_for_nothing},
		{"waits for the slower link", waits_for_the_slower_link},
		{"passed by all is lost", passed_by_all_is_lost},
		{"lossless waits for the silent", lossless_waits_for_the_silent},
		{"lossless waits for what a dead link held",
			lossless_waits_for_what_a_dead_link_held},
		{"sender tells where to wait", sender_tells_where_to_wait},
		{"what went on a link before it was left is waited for",
			what_went_on_a_link_before_it_was_left_is_waited_for},
		{"each gap is judged by the link that showed it",
			each_gap_is_judged_by_the_link_that_showed_it},
		{"late ones pass once where allowed", late_ones_pass_once_where_allowed},
		{"copies are waited for briefly", copies_are_waited_for_briefly},
		{"delays are even where asked for", delays_are_even_where_asked_for},
		{"gap before what waits", gap_before_what_waits},
		{"window grows and is bounded", window_grows_and_is_bounded},
		{"no memory", no_memory},
		{"sender begins anew", sender_begins_anew},
		{"random flows", random_flows},
	};

	return mams_suite_run("reorder", cases, MAMS_ARRAY_LEN(cases));
}
