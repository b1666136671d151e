/* Decisions: two links together are never worse than the best one alone. */
#include "tests/support/steer_play.h"
#include "tests/support/suite.h"

static const struct {
	const char *what;
	bool call, tunnel;
	uint32_t rate[2], delay_us[2], loss[2], idle_us;
	uint32_t links;
	enum steer_reason why; /* of LTE */
} pairs[] = {
	{"both good", false, false, {50000, 50000}, {10000, 20000}, {0, 0}, 0, 3, STEER_R_CARRIES},
	{"a bit farther", false, false, {50000, 50000}, {10000, 150000}, {0, 0}, 0, 3,
		STEER_R_CARRIES},
	{"too far", false, false, {50000, 50000}, {10000, 350000}, {0, 0}, 0, 1,
		STEER_R_HARM_DELAY},
	{"far, and the rest is our own queue", false, false, {20000, 20000}, {28000, 245000},
		{0, 0}, 150000, 3, STEER_R_CARRIES},
	{"as far, but a connection's buffers do not hold it", false, false, {50000, 50000},
		{10000, 155000}, {0, 0}, 150000, 1, STEER_R_HARM_DELAY},
	{"and ours do", false, true, {50000, 50000}, {10000, 155000}, {0, 0}, 150000, 3,
		STEER_R_CARRIES},
	{"near, with a long queue", false, false, {50000, 50000}, {10000, 260000}, {0, 0}, 10000, 3,
		STEER_R_CARRIES},
	{"far and slow", false, false, {100000, 5000}, {10000, 150000}, {0, 0}, 0, 1,
		STEER_R_HARM_DELAY},
	{"near and slow", false, false, {100000, 5000}, {10000, 10000}, {0, 0}, 0, 3,
		STEER_R_CARRIES},
	{"1 % lost", false, false, {50000, 50000}, {10000, 10000}, {0, 10000}, 0, 3,
		STEER_R_CARRIES},
	{"5 % lost", false, true, {50000, 50000}, {10000, 10000}, {0, 50000}, 0, 1,
		STEER_R_HARM_LOSS},
	{"5 % lost, a little nearer, and no rate known", false, true, {0, 0}, {11927, 11899},
		{0, 52888}, 0, 1, STEER_R_HARM_LOSS},
	{"5 % lost of a full link", false, false, {50000, 50000}, {10000, 10000}, {0, 50000}, 0, 3,
		STEER_R_CARRIES},
	{"5 % lost, and slow, of a full link", false, false, {50000, 12000}, {10000, 30000},
		{0, 50000}, 10000, 3, STEER_R_CARRIES},
	{"5 % lost, and slow", false, false, {50000, 12000}, {10000, 10000}, {0, 50000}, 0, 1,
		STEER_R_HARM_LOSS},
	{"1 % lost with an empty queue, and little brought", false, false, {50000, 10000},
		{20000, 11000}, {2000, 10000}, 10000, 1, STEER_R_HARM_LOSS},
	{"1 % lost with a full one", false, false, {50000, 10000}, {20000, 31000}, {2000, 10000},
		10000, 3, STEER_R_CARRIES},
	{"1 % lost, and much brought", false, false, {50000, 20000}, {20000, 11000}, {2000, 10000},
		10000, 3, STEER_R_CARRIES},
	{"5 % lost, and no rate known", false, false, {0, 0}, {10000, 10000}, {0, 50000}, 0, 1,
		STEER_R_HARM_LOSS},
	{"5 % lost on both", false, false, {50000, 50000}, {10000, 10000}, {50000, 50000}, 0, 3,
		STEER_R_CARRIES},
	{"a full queue", false, false, {50000, 20000}, {10000, 160000}, {0, 0}, 0, 3,
		STEER_R_CARRIES},
	{"a fuller one, and little brought", false, false, {50000, 15000}, {10000, 209000}, {0, 0},
		8000, 1, STEER_R_HARM_BLOAT},
	{"a fuller one, and a good part", false, false, {50000, 20000}, {10000, 209000}, {0, 0},
		8000, 3, STEER_R_CARRIES},
	{"which in a tunnel the others wait for", false, true, {50000, 20000}, {10000, 209000},
		{0, 0}, 8000, 1, STEER_R_HARM_BLOAT},
	{"faster, and so worth it", false, false, {50000, 60000}, {209000, 209000}, {0, 0}, 8000, 3,
		STEER_R_CARRIES},
	{"a call, 10 ms more", true, false, {50000, 50000}, {10000, 20000}, {0, 0}, 0, 3,
		STEER_R_CARRIES},
	{"a call, 11 ms more", true, false, {50000, 50000}, {10000, 21000}, {0, 0}, 0, 1,
		STEER_R_HARM_DELAY},
};

static void harmful_links_are_left_out(void)
{
	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		struct play *p = play_of(STEER_LOAD_BALANCING);

		p->c.call_like = pairs[i].call;
		p->in.tunnel = pairs[i].tunnel;
		for (int k = 0; k < 2; k++)
			set(p, k, pairs[i].rate[k], pairs[i].delay_us[k], pairs[i].loss[k]);
		p->links[LTE].dl.has_used = p->links[LTE].ul.has_used = true;
		p->links[LTE].dl.used_kbps = p->links[LTE].ul.used_kbps = pairs[i].rate[1];
		p->links[LTE].dl.has_idle = p->links[LTE].ul.has_idle = pairs[i].idle_us > 0;
		p->links[LTE].dl.idle_us = p->links[LTE].ul.idle_us = pairs[i].idle_us;
		step(p, 1000);
		if (dl(p) != pairs[i].links || p->shares[LTE].dl != (int)pairs[i].why)
			CU_FAIL(pairs[i].what);
		p->in.told = false;
		p->c.never_worse = false;
		step(p, 1000);
		CU_ASSERT_EQUAL(dl(p), 3);
	}
}

static void carries(struct play *p, int link, uint32_t kbps)
{
	p->links[link].dl.has_used = p->links[link].ul.has_used = true;
	p->links[link].dl.used_kbps = p->links[link].ul.used_kbps = kbps;
}

static void is_idle(struct play *p, int link, uint32_t delay_us)
{
	p->links[link].dl.has_idle = p->links[link].ul.has_idle = true;
	p->links[link].dl.idle_us = p->links[link].ul.idle_us = delay_us;
}

/* A link out for its distance stays out while the other's queue makes it look nearer, and while it
 * is not known any more what that one carries. */
static void a_far_link_stays_out(void)
{
	struct play *p = play_of(STEER_LOAD_BALANCING);

	set(p, WIFI, 47000, 24000, 0);
	is_idle(p, WIFI, 11900);
	set(p, LTE, 800, 156000, 0);
	is_idle(p, LTE, 151000);
	step(p, 1000);
	CU_ASSERT_EQUAL(dl(p), 1);
	CU_ASSERT_EQUAL(p->shares[LTE].dl, STEER_R_HARM_DELAY);
	p->in.since_ms = 60000;
	set(p, WIFI, 48000, 46000, 0);
	is_idle(p, WIFI, 11900);
	step(p, 1000);
	CU_ASSERT_EQUAL(p->shares[LTE].dl, STEER_R_HARM_DELAY);
	set(p, WIFI, 0, 12000, 0);
	is_idle(p, WIFI, 11900);
	step(p, 1000);
	CU_ASSERT_EQUAL(dl(p), 1);
	/* not when it has come near */
	set(p, WIFI, 48000, 12000, 0);
	set(p, LTE, 800, 20000, 0);
	is_idle(p, LTE, 20000);
	p->in.since_ms = 60000;
	step(p, 1000);
	CU_ASSERT_EQUAL(dl(p), 3);
}

/* Over MPTCP: what a connection gets of 100 Mbit/s and a link beside it. */
static const struct {
	const char *what;
	bool tunnel;
	uint32_t rate[2], used[2];
	uint32_t queue_us, age_ms; /* of the good one */
	uint32_t links;
} slowed[] = {
	{"it waits for the slow one", false, {95000, 10000}, {40700, 8800}, 9000, 0, 1},
	{"the slow one adds to it", false, {95000, 10000}, {80000, 8800}, 9000, 0, 3},
	{"no more is wanted", false, {95000, 10000}, {15000, 8800}, 9000, 0, 3},
	{"the good one carries what it can, as its queue is full", false, {95000, 10000},
		{40700, 8800}, 45000, 0, 3},
	{"the good one has stopped by itself", false, {20300, 6300}, {650, 5900}, 9000, 0, 3},
	{"the good one tells nothing any more", false, {95000, 10000}, {40700, 8800}, 9000, 1300,
		3},
	{"what the good one could is not known", false, {0, 10000}, {40700, 8800}, 9000, 0, 3},
	{"nor what the other could", false, {95000, 0}, {40700, 8800}, 9000, 0, 3},
	{"the other is not slow", false, {50000, 20000}, {20000, 10000}, 9000, 0, 3},
	{"in a tunnel there is order without it", true, {95000, 10000}, {40700, 8800}, 9000, 0, 3},
};

static void a_slow_link_does_not_slow_down(void)
{
	for (size_t i = 0; i < sizeof(slowed) / sizeof(*slowed); i++) {
		struct play *p = play_of(STEER_LOAD_BALANCING);

		p->in.tunnel = slowed[i].tunnel;
		for (int k = 0; k < 2; k++) {
			set(p, k, slowed[i].rate[k], k == LTE ? 50000 : 11000 + slowed[i].queue_us,
				0);
			is_idle(p, k, 11000);
			carries(p, k, slowed[i].used[k]);
		}
		p->links[WIFI].dl.age_ms = p->links[WIFI].ul.age_ms = slowed[i].age_ms;
		for (unsigned t = 0; t < 2; t++)
			step(p, 1000);
		/* a moment of it says nothing: it begins anew */
		carries(p, WIFI, slowed[i].rate[0]);
		step(p, 1000);
		carries(p, WIFI, slowed[i].used[WIFI]);
		for (unsigned t = 0; t < 2; t++)
			step(p, 1000);
		CU_ASSERT_EQUAL(dl(p), 3);
		p->in.since_ms = 60000;
		step(p, 1000);
		if (dl(p) != slowed[i].links ||
			p->shares[LTE].dl != (dl(p) == 1 ? STEER_R_HARM_RATE : STEER_R_CARRIES))
			CU_FAIL(slowed[i].what);
		/* it stays out while only the other carries */
		set(p, LTE, 0, 50000, 0);
		carries(p, WIFI, slowed[i].rate[0]);
		p->in.since_ms = 60000;
		step(p, 1000);
		CU_ASSERT_EQUAL(dl(p), slowed[i].links);
	}
}

/* A twelfth is not worth what MPTCP may wait for it. */
static void what_adds_nothing_is_left_out(void)
{
	struct play *p = play_of(STEER_LOAD_BALANCING);

	set(p, WIFI, 95000, 20000, 0);
	set(p, LTE, 5000, 20000, 0);
	step(p, 1000);
	step(p, 1900);
	/* its rate may be of before it was let in */
	CU_ASSERT_EQUAL(dl(p), 3);
	p->in.since_ms = 60000;
	step(p, 1000);
	CU_ASSERT_EQUAL(p->shares[LTE].dl, STEER_R_HARM_LITTLE);
	CU_ASSERT_EQUAL(dl(p), 1);
	set(p, LTE, 10000, 20000, 0);
	p->in.since_ms = 60000;
	step(p, 1000);
	CU_ASSERT_EQUAL(dl(p), 1);
	set(p, LTE, 11000, 20000, 0);
	step(p, 60000);
	CU_ASSERT_EQUAL(dl(p), 3);
	/* one that has come back with the rate that it had is tried */
	p->links[LTE].ready = false;
	step(p, 60000);
	p->links[LTE].ready = true;
	set(p, LTE, 600, 20000, 0);
	p->links[LTE].ready_ms = 10000;
	p->in.since_ms = 60000;
	step(p, 1900);
	CU_ASSERT_EQUAL(dl(p), 3);
	/* and is out for good, though it would be on probation */
	p->links[LTE].ready_ms = 5000;
	p->in.since_ms = 2000;
	step(p, 1000);
	for (unsigned t = 0; t < 20; t++) {
		CU_ASSERT_EQUAL(p->shares[LTE].dl, STEER_R_HARM_LITTLE);
		step(p, 1000);
	}
	CU_ASSERT_EQUAL(dl(p), 1);
	/* in a tunnel nobody waits for it */
	p = play_of(STEER_LOAD_BALANCING);
	p->in.tunnel = true;
	set(p, WIFI, 95000, 20000, 0);
	set(p, LTE, 5000, 20000, 0);
	step(p, 1000);
	p->in.since_ms = 60000;
	step(p, 1000);
	CU_ASSERT_EQUAL(dl(p), 3);
}

/* @return seconds until it is let in for want of figures */
static unsigned until_tried(struct play *p)
{
	unsigned s = 0;

	p->links[LTE].dl = p->links[LTE].ul = (struct steer_figures){0};
	for (; dl(p) == 1 && s < 10000; s++)
		step(p, 1000);
	return s;
}

/* A link that is tried again harms for a moment only, and each time it is tried later. */
static void harm_that_comes_again(void)
{
	struct play *p = play_of(STEER_LOAD_BALANCING);

	set(p, WIFI, 50000, 10000, 0);
	for (unsigned n = 0; n < 6; n++) {
		const unsigned after = n < 3 ? 300u << n : 2400;
		unsigned s;

		set(p, LTE, 50000, 350000, 0);
		step(p, 2000);
		CU_ASSERT_EQUAL(dl(p), 1);
		CU_ASSERT_EQUAL(p->d.forced, n > 0);
		s = until_tried(p);
		CU_ASSERT(s >= after - 3 && s <= after + 3);
		CU_ASSERT_EQUAL(dl(p), 3);
	}
	/* what has carried well for a dwell time has nothing against it any more */
	set(p, LTE, 50000, 20000, 0);
	for (unsigned s = 0; s <= 60; s++)
		step(p, 1000);
	CU_ASSERT_EQUAL(dl(p), 3);
	p->in.since_ms = 30000;
	set(p, LTE, 50000, 350000, 0);
	step(p, 1000);
	CU_ASSERT_EQUAL(p->d.what, STEER_WAIT);
	CU_ASSERT_EQUAL(dl(p), 3);
	p->in.since_ms = 60000;
	step(p, 1000);
	CU_ASSERT_EQUAL(dl(p), 1);
	/* nor has what is let in since it has become better */
	p->in.since_ms = 60000;
	p->links[LTE].dl_mark.ms = p->links[LTE].ul_mark.ms = 10000;
	set(p, LTE, 50000, 20000, 0);
	step(p, 1000);
	CU_ASSERT_EQUAL(dl(p), 3);
	set(p, LTE, 50000, 350000, 0);
	step(p, 1000);
	CU_ASSERT_EQUAL(dl(p), 3);
}

/* What is delivered in a burst is no rate: a link that loses carries what TCP makes of it. */
static void a_lossy_link_brings_little(void)
{
	struct play *p = play_of(STEER_LOAD_BALANCING);

	set(p, WIFI, 50000, 29000, 2000);
	set(p, LTE, 40000, 12700, 10000);
	is_idle(p, LTE, 12200);
	carries(p, LTE, 6000);
	step(p, 1000);
	CU_ASSERT_EQUAL(dl(p), 1);
	CU_ASSERT_EQUAL(p->shares[LTE].dl, STEER_R_HARM_LOSS);
	/* beside one that is no faster it is worth it */
	p = play_of(STEER_LOAD_BALANCING);
	set(p, WIFI, 10000, 29000, 2000);
	set(p, LTE, 9000, 12700, 10000);
	is_idle(p, LTE, 12200);
	carries(p, LTE, 6000);
	step(p, 1000);
	CU_ASSERT_EQUAL(dl(p), 3);
}

/* GMA: one TCP connection over a good link and one that loses a little. */
static const struct {
	const char *what;
	uint32_t rate; /* of wifi, as known */
	uint32_t loss[2], used[2];
	uint32_t links;
} held[] = {
	{"1 % lost, and both carry little", 50000, {0, 10000}, {4400, 4400}, 1},
	{"what the good one has is not known", 0, {0, 10000}, {4400, 4400}, 3},
	{"many connections carry more than wifi could", 50000, {0, 10000}, {45000, 40000}, 3},
	{"no more is wanted, and more would go", 3000, {0, 10000}, {1600, 1600}, 3},
	{"too few packets to tell", 50000, {0, 10000}, {100, 100}, 3},
	{"wifi loses as much", 50000, {10000, 10000}, {4400, 4400}, 3},
	{"next to nothing lost", 50000, {0, 300}, {25000, 25000}, 3},
};

static void one_connection_is_not_held_back(void)
{
	for (size_t i = 0; i < sizeof(held) / sizeof(*held); i++) {
		struct play *p = play_of(STEER_LOAD_BALANCING);

		p->in.tunnel = true;
		for (int k = 0; k < 2; k++) {
			set(p, k, k == WIFI ? held[i].rate : 0, 12000, held[i].loss[k]);
			carries(p, k, held[i].used[k]);
		}
		step(p, 1000);
		if (dl(p) != held[i].links)
			CU_FAIL(held[i].what);
		if (held[i].links == 1)
			CU_ASSERT_EQUAL(p->shares[LTE].dl, STEER_R_HARM_RATE);
		/* each octet by itself, each subflow with its own loss: MPTCP */
		p->in.told = p->in.tunnel = false;
		p->links[LTE].dl_on = p->links[LTE].ul_on = true;
		p->links[LTE].dl_mark.why = p->links[LTE].ul_mark.why = STEER_R_CARRIES;
		step(p, 1000);
		if (held[i].used[1] > 100)
			CU_ASSERT_EQUAL(dl(p), 3);
	}
}

/* What so little loss did is not seen where nothing is carried: it is tried again after a while. */
static void held_back_is_tried_again(void)
{
	struct play *p = play_of(STEER_LOAD_BALANCING);

	p->in.tunnel = true;
	for (int k = 0; k < 2; k++) {
		set(p, k, 50000, 12000, k == LTE ? 10000 : 0);
		carries(p, k, 4400);
	}
	step(p, 1000);
	CU_ASSERT_EQUAL(dl(p), 1);
	set(p, LTE, 0, 12000, 0);
	p->in.since_ms = 60000;
	for (unsigned t = 0; t < 290; t++)
		step(p, 1000);
	CU_ASSERT_EQUAL(dl(p), 1);
	for (unsigned t = 0; t < 20; t++)
		step(p, 1000);
	CU_ASSERT_EQUAL(dl(p), 3);
}

/* Of two that are as near, the one that loses less carries what wants the smallest delay. */
static void smallest_delay_without_loss(void)
{
	for (int tunnel = 0; tunnel < 2; tunnel++) {
		struct play *p = play_of(STEER_SMALLEST_DELAY);

		p->in.tunnel = tunnel;
		set(p, WIFI, 0, 14000, 0);
		set(p, LTE, 0, 10000, 10000);
		step(p, 1000);
		CU_ASSERT_EQUAL(dl(p), 1);
		CU_ASSERT_EQUAL(p->shares[LTE].dl, STEER_R_HARM_LOSS);
		/* also when nothing is known of the other's */
		p->in.told = false;
		p->links[LTE].dl_on = p->links[LTE].ul_on = true;
		p->links[LTE].dl_mark.why = p->links[LTE].ul_mark.why = STEER_R_CARRIES;
		p->links[WIFI].dl.has_loss = p->links[WIFI].ul.has_loss = false;
		step(p, 1000);
		CU_ASSERT_EQUAL(dl(p), 1);
		/* the same as before when the other is far */
		p->in.told = false;
		set(p, WIFI, 0, 40000, 0);
		step(p, 1000);
		CU_ASSERT_EQUAL(dl(p), tunnel ? 3 : 2);
		/* and when it is told to */
		p->in.told = p->c.never_worse = false;
		set(p, WIFI, 0, 14000, 0);
		step(p, 1000);
		CU_ASSERT(!tunnel || dl(p) == 3);
	}
}

static void each_direction_by_itself(void)
{
	struct play *p = play_of(STEER_LOAD_BALANCING);

	p->in.tunnel = true;
	set(p, WIFI, 50000, 10000, 0);
	set(p, LTE, 50000, 10000, 0);
	p->links[LTE].ul.loss_ppm = 50000;
	step(p, 1000);
	CU_ASSERT_EQUAL(dl(p), 3);
	CU_ASSERT_EQUAL(ul(p), 1);
	/* where both go the same way the worse one counts */
	p = play_of(STEER_LOAD_BALANCING);
	p->in.apart = false;
	set(p, WIFI, 50000, 10000, 0);
	set(p, LTE, 10000, 10000, 0);
	p->links[LTE].ul.loss_ppm = 50000;
	step(p, 1000);
	CU_ASSERT_EQUAL(dl(p), 1);
	CU_ASSERT_EQUAL(ul(p), 1);
}

/* Acknowledgements are too few for figures of their own, and one that comes late holds up all. */
static void a_direction_is_as_far_as_the_other(void)
{
	struct play *p = play_of(STEER_LOAD_BALANCING);

	p->in.tunnel = true;
	set(p, WIFI, 50000, 10000, 0);
	set(p, LTE, 50000, 350000, 0);
	p->links[LTE].ul.has_delay = false;
	step(p, 1000);
	CU_ASSERT_EQUAL(dl(p), 1);
	CU_ASSERT_EQUAL(ul(p), 1);
	CU_ASSERT_EQUAL(p->shares[LTE].ul, STEER_R_HARM_DELAY);
	/* but its queue is its own */
	p = play_of(STEER_LOAD_BALANCING);
	p->in.tunnel = true;
	set(p, WIFI, 50000, 10000, 0);
	set(p, LTE, 50000, 350000, 0);
	p->links[LTE].dl.has_idle = true;
	p->links[LTE].dl.idle_us = 10000;
	p->links[LTE].ul.has_delay = false;
	step(p, 1000);
	CU_ASSERT_EQUAL(dl(p), 3);
	CU_ASSERT_EQUAL(ul(p), 3);
}

/* What it loses because it is full says nothing for a link that carries nothing. */
static void a_full_link_is_not_left_for_an_unknown_one(void)
{
	struct play *p = play_of(STEER_LOAD_BALANCING);

	p->in.tunnel = true;
	set(p, WIFI, 50000, 52000, 635);
	carries(p, WIFI, 45000);
	set(p, LTE, 0, 250000, 0);
	p->links[LTE].dl.has_loss = p->links[LTE].ul.has_loss = false;
	step(p, 1000);
	CU_ASSERT_EQUAL(dl(p) & 1, 1);
	CU_ASSERT_EQUAL(p->shares[WIFI].dl, STEER_R_CARRIES);
}

/* A link that has just come is taken out at once, one that has come back into the set waits. */
static void harm_of_a_new_link_does_not_wait(void)
{
	struct play *p = play_of(STEER_LOAD_BALANCING);

	p->in.tunnel = true;
	p->in.told = true;
	p->in.since_ms = 5000;
	p->links[LTE].ready_ms = 5000;
	set(p, WIFI, 50000, 10000, 0);
	set(p, LTE, 50000, 350000, 0);
	step(p, 1000);
	CU_ASSERT_EQUAL(dl(p), 1);
	CU_ASSERT(p->d.forced);
	p = play_of(STEER_LOAD_BALANCING);
	p->in.tunnel = true;
	p->in.told = true;
	p->in.dl_mode = p->in.ul_mode = 1 + STEER_LOAD_BALANCING;
	p->in.since_ms = 5000;
	set(p, WIFI, 50000, 10000, 0);
	set(p, LTE, 50000, 350000, 0);
	step(p, 1000);
	CU_ASSERT_EQUAL(dl(p), 3);
	CU_ASSERT_EQUAL(p->d.what, STEER_WAIT);
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"harmful links are left out", harmful_links_are_left_out},
		{"one connection is not held back", one_connection_is_not_held_back},
		{"held back is tried again", held_back_is_tried_again},
		{"smallest delay without loss", smallest_delay_without_loss},
		{"each direction by itself", each_direction_by_itself},
		{"a direction is as far as the other", a_direction_is_as_far_as_the_other},
		{"a full link is not left for an unknown one",
			a_full_link_is_not_left_for_an_unknown_one},
		{"a far link stays out", a_far_link_stays_out},
		{"a slow link does not slow down", a_slow_link_does_not_slow_down},
		{"what adds nothing is left out", what_adds_nothing_is_left_out},
		{"harm that comes again", harm_that_comes_again},
		{"a lossy link brings little", a_lossy_link_brings_little},
		{"harm of a new link does not wait", harm_of_a_new_link_does_not_wait}};

	return mams_suite_run("steer_harm", cases, sizeof(cases) / sizeof(*cases));
}
