/* The control law, per report.  q is the standing queue, Q the one that is wanted:
 *   gain = 1 + (Q - q) / 2 (rtt + report interval)
 * What leaves at gain g for one round trip changes the queue by (g - 1) rtt, so half of the error
 * is made good per round trip: stable whatever the round trip, since the delay of the loop is the
 * round trip itself.  Every four seconds Q is nothing for one round trip: without that the least
 * delay ever seen would, after some time, be one with a queue. */
#include "trailer-madp/pace.h"

#include "trailer-madp/report.h"

#include <string.h>

#define BUSY_US 3000u        /* a standing queue that shows that the link is in full use */
#define IDLE_US 1500u        /* none */
#define PACKET 1500u         /* of planning */
#define SAMPLE_US 10000u     /* least length of a rate sample */
#define NOISE_LEAST_US 1000u /* less counts for nothing */
#define NOISE_MOST_US 20000u
#define NOISE_WINDOW 8u       /* the least of so many times the noise is taken for the queue */
#define TRAIN_SAMPLE_US 1000u /* of one of the first train */
#define TRAIN_WHOLE_US 3000u  /* of one train by when it was sent: to the millisecond */
#define SAMPLE_PACKETS 4u
#define LOSS_PACKETS 16u
#define CHANCE_PACKETS 4u
#define HEAVY_LOSS_PPM 100000u /* so much lost: in full use, whatever the queue says */
#define REPORT_US 10000u
#define BURST_US 4000u
#define LATE_US 30000 /* so much of a pause of ours is made up for */
#define RAISE_US 10000
#define TRY_ROUNDS 4
#define TRY_ROUNDS_MOST 8
#define TRY_US 8000
#define TRY_MOST_US 16000
#define YOUNG_ROUNDS 8
#define YOUNG_OCTETS (16ull * MADP_PACE_TRAIN)
#define YOUNG_JITTER_US 150
#define YOUNG_US 12000
#define YOUNG_MOST_US 24000
#define DRAIN_EVERY_MS 4000
#define UNREPORTED_US 1000000 /* a peer that never reports is not waited for */
#define RTT_DEFAULT_US 100000u
#define GAIN_ONE 1000

void madp_pace_init(struct madp_pace *p, uint64_t rate, uint64_t bound, mams_time now)
{
	*p = (struct madp_pace){.rate = rate,
		.bound = bound,
		.filled = now,
		.busy_until = now,
		.begun_at = MAMS_TIME_NEVER,
		.sent_at = now,
		.report_at = MAMS_TIME_NEVER,
		.round_at = now,
		.drain_at = mams_time_add_ms(now, DRAIN_EVERY_MS),
		.window = MADP_PACE_TRAIN,
		.credit = 2 * PACKET,
		.starting = rate == 0};
	if (bound && rate > bound)
		p->rate = bound;
	p->pace = p->rate;
}

void madp_pace_restart(struct madp_pace *p, mams_time now)
{
	uint64_t rate = p->rate;
	uint64_t bound = p->bound;
	uint32_t rtt = p->rtt_us;

	madp_pace_init(p, rate, bound, now);
	p->rtt_us = rtt;
}

static uint64_t rtt_of(const struct madp_pace *p)
{
	return p->rtt_us ? p->rtt_us : RTT_DEFAULT_US;
}

/* What is left of the noise in the least of a window: a link without queue shows so much. */
static uint32_t rest_us(const struct madp_pace *p)
{
	return p->noise_us < NOISE_LEAST_US ? 0 : p->noise_us / 2;
}

static uint32_t window_us(const struct madp_pace *p)
{
	return p->noise_us < NOISE_LEAST_US ? 0 : NOISE_WINDOW * p->noise_us;
}

/* The queue that is wanted: a little more than a packet or two take. */
static uint64_t queue_wanted_us(const struct madp_pace *p)
{
	uint64_t two = p->rate ? 2ull * PACKET * 8 * 1000000 / p->rate : 0;

	return MADP_PACE_QUEUE_US + rest_us(p) + (two < 100000 ? two : 100000);
}

static int64_t burst_of(const struct madp_pace *p, int64_t us)
{
	int64_t b = (int64_t)(p->pace * (uint64_t)us / 8000000);

	return b > 2 * (int64_t)PACKET ? b : 2 * (int64_t)PACKET;
}

static int64_t burst(const struct madp_pace *p)
{
	return burst_of(p, BURST_US);
}

/* What was saved up while nothing waited is little, or it would leave in a burst.  What could not
 * leave because our turn came late may: the link was empty meanwhile. */
static int64_t credit_at(const struct madp_pace *p, mams_time now)
{
	int64_t dt = now.us - p->filled.us;
	int64_t most = burst(p);
	int64_t c = p->credit;

	if (dt <= 0 || c >= most)
		return c;
	if (p->waits && dt > BURST_US)
		most = burst_of(p, dt < LATE_US ? dt : LATE_US);
	c += (int64_t)(p->pace / 8 * (uint64_t)(dt < 1000000 ? dt : 1000000) / 1000000);
	return c < most ? c : most;
}

static void refill(struct madp_pace *p, mams_time now)
{
	p->credit = credit_at(p, now);
	p->filled = now;
}

/* What may be under way: far more than the control law lets out; it stops a link that answers no
 * more. */
static uint64_t flight_most(const struct madp_pace *p)
{
	uint64_t us = 2 * (rtt_of(p) + queue_wanted_us(p) + 2 * REPORT_US);

	return p->starting ? p->window : p->rate / 8 * us / 1000000 + 8ull * PACKET;
}

static bool peer_is_mute(const struct madp_pace *p, mams_time now)
{
	return mams_time_is_never(p->report_at) && !mams_time_is_never(p->begun_at) &&
	       now.us - p->begun_at.us > UNREPORTED_US;
}

bool madp_pace_ready(const struct madp_pace *p, mams_time now, mams_time *wait)
{
	int64_t credit;
	int64_t silent_us = 2 * (int64_t)rtt_of(p) + 100000;

	if (peer_is_mute(p, now))
		return true;
	if (p->flight >= flight_most(p) && now.us - p->sent_at.us < silent_us) {
		*wait = mams_time_us(p->sent_at.us + silent_us);
		return false;
	}
	if (p->starting || p->pace == 0)
		return true;
	credit = credit_at(p, now);
	if (credit > 0)
		return true;
	*wait = mams_time_us(now.us + (1 - credit) * 8000000 / (int64_t)p->pace + 1);
	return false;
}

void madp_pace_hold(struct madp_pace *p)
{
	p->held_back = p->waits = true;
}

mams_time madp_pace_departure(const struct madp_pace *p, uint32_t len, mams_time now)
{
	mams_time t = mams_time_before(p->busy_until, now) ? now : p->busy_until;

	if (p->rate)
		t.us += (int64_t)(len * 8000000ull / p->rate);
	return t;
}

static void put_mark(struct madp_pace *p, uint32_t ts_ms)
{
	p->mark = (uint8_t)((p->mark + 1) % MADP_PACE_MARKS);
	if (p->n_marks < MADP_PACE_MARKS)
		p->n_marks++;
	p->marks[p->mark] = (struct madp_pace_mark){ts_ms, (uint32_t)p->sent_octets};
}

/* One mark per sixteenth of a round trip at most, so that they reach back two round trips; and one
 * at the end of what was sent before a pause, since between marks the pace is taken to be even. */
static void mark(struct madp_pace *p, uint32_t ts_ms)
{
	uint32_t apart = (uint32_t)(rtt_of(p) / 16000) + 1;

	if (p->n_marks && ts_ms - p->last_ms > apart && p->last_ms + 1 != p->marks[p->mark].ts_ms)
		put_mark(p, p->last_ms + 1);
	if (p->n_marks == 0 || ts_ms - p->marks[p->mark].ts_ms >= apart)
		put_mark(p, ts_ms);
	p->last_ms = ts_ms;
}

void madp_pace_sent(struct madp_pace *p, uint32_t len, uint32_t ts_ms, mams_time now)
{
	if (now.us - p->sent_at.us > 2 * (int64_t)rtt_of(p) + 100000)
		p->flight = 0; /* whatever it was has arrived or is lost */
	if (mams_time_is_never(p->begun_at))
		p->begun_at = now;
	mark(p, ts_ms);
	p->busy_until = madp_pace_departure(p, len, now);
	refill(p, now);
	p->waits = false;
	p->credit -= len;
	if (p->credit < -(int64_t)(4 * 65536))
		p->credit = -(
			int64_t)(4 * 65536); /* modes that do not ask may overdraw, not for ever */
	p->sent_octets += len;
	p->flight += len;
	p->sent_at = now;
}

void madp_pace_rtt(struct madp_pace *p, uint32_t rtt_us)
{
	if (rtt_us == 0)
		rtt_us = 1;
	p->rtt_us = p->rtt_us ? (p->rtt_us * 7 + rtt_us) / 8 : rtt_us;
	if (p->min_rtt_us == 0 || rtt_us < p->min_rtt_us)
		p->min_rtt_us = rtt_us;
}

/* What had been sent when the sender's clock stood at the end of ts_ms, between two marks in
 * proportion.  false: before all marks. */
static bool sent_by(const struct madp_pace *p, uint32_t ts_ms, uint64_t *octets)
{
	struct madp_pace_mark after = {p->last_ms + 1, (uint32_t)p->sent_octets};

	for (unsigned i = 0; i < p->n_marks; i++) {
		const struct madp_pace_mark *m =
			&p->marks[(p->mark + MADP_PACE_MARKS - i) % MADP_PACE_MARKS];
		uint32_t span = after.ts_ms - m->ts_ms;
		uint32_t in = ts_ms + 1 - m->ts_ms;

		if ((int32_t)(ts_ms - m->ts_ms) >= 0) {
			if (in > span)
				in = span;
			*octets = p->sent_octets - ((uint32_t)p->sent_octets - m->octets) +
				  (uint64_t)(after.octets - m->octets) * in / span;
			return true;
		}
		after = *m;
	}
	return false;
}

/* A few in a short sample are chance. */
static uint32_t loss_ppm(uint32_t received, uint32_t lost)
{
	uint32_t sent = received + lost;

	if (sent < LOSS_PACKETS || lost <= CHANCE_PACKETS)
		return 0;
	return (uint32_t)((uint64_t)(lost - CHANCE_PACKETS) * 1000000 / sent);
}

static void set_rate(struct madp_pace *p, uint64_t rate)
{
	if (rate < 64000)
		rate = 64000;
	p->rate = p->bound && rate > p->bound ? p->bound : rate;
}

/* What the trains took is paid for: they have arrived, or are on their way.  What was learnt from a
 * few of them that jitter had stretched may be far too low (grow_up()). */
static void end_start(struct madp_pace *p)
{
	p->starting = false;
	p->credit = 0;
	p->young =
		p->jitter_us >= YOUNG_JITTER_US && p->sent_octets < YOUNG_OCTETS ? YOUNG_ROUNDS : 0;
	p->young_us = YOUNG_US;
	p->young_from = p->rate;
}

/* Busy only when the queue never ran empty: a pause within the sample would count as a slow link.
 * Reports come while packets do, so a queue shorter than the time between them says nothing. */
static void learn(struct madp_pace *p, uint64_t sample, uint32_t us)
{
	/* without noise a sample of several reports is one of a slow flow, and says nothing */
	uint32_t apart = window_us(p) ? p->from.gap_us : us;
	bool standing = p->from.queue_us >= BUSY_US + rest_us(p) &&
			apart <= p->from.queue_us + 3 * REPORT_US;
	bool busy = standing || p->loss_ppm >= HEAVY_LOSS_PPM;

	if (p->starting) {
		if (sample > p->rate)
			set_rate(p, sample);
		if (busy || p->held_back)
			end_start(p);
	} else if ((p->tried || p->young) && sample > p->rate) {
		set_rate(p, sample);
	} else if (busy) {
		/* far off at once, near slowly: single samples are noisy */
		if (sample < p->rate * 3 / 4 || sample > p->rate * 5 / 4)
			set_rate(p, (p->rate + sample) / 2);
		else
			set_rate(p, (p->rate * 7 + sample) / 8);
	} else if (sample > p->rate) {
		set_rate(p, sample);
	}
}

/* When the train was sent that begins after what the newest report told of: there was a pause
 * before it.
 * @return false: there was none */
static bool train_begin(const struct madp_pace *p, uint32_t *ts_ms)
{
	const uint64_t acked = p->sent_octets - p->flight;
	unsigned n = 0;

	for (unsigned i = 0; i < p->n_marks; i++) {
		const struct madp_pace_mark *m =
			&p->marks[(p->mark + MADP_PACE_MARKS - i) % MADP_PACE_MARKS];

		if (m->octets != (uint32_t)acked)
			continue;
		if (n++ == 0)
			*ts_ms = m->ts_ms;
	}
	return n > 1 || (n == 1 && acked == 0);
}

/* A train that came within one report shows no two moments of its arrival; but its first packet
 * came when it was sent, and the least delay later that was reported of the link. */
static void take_train(struct madp_pace *p, const struct madp_report_link *r)
{
	uint32_t octets = r->octets - p->octets;
	uint32_t ts_ms = 0;
	uint32_t us;

	if (!train_begin(p, &ts_ms))
		return;
	us = r->rx_us - (ts_ms * 1000u + (uint32_t)p->least_owd_us);
	if (octets >= SAMPLE_PACKETS * PACKET && octets >= p->flight - p->flight / 8 &&
		us >= TRAIN_WHOLE_US + 4 * p->jitter_us && us < rtt_of(p))
		learn(p, (uint64_t)octets * 8000000 / us, us);
}

static void take_sample(struct madp_pace *p, const struct madp_report_link *r)
{
	uint32_t us = r->rx_us - p->from.rx_us;
	uint32_t packets = r->packets - p->from.packets;
	uint32_t least = p->starting ? TRAIN_SAMPLE_US : SAMPLE_US + 2 * window_us(p);
	/* two trains and the pause between them */
	bool between = p->starting && us > rtt_of(p) / 2 + 2 * REPORT_US;

	if (r->queue_us < p->from.queue_us)
		p->from.queue_us = r->queue_us;
	if (r->rx_us - p->rx_us > p->from.gap_us)
		p->from.gap_us = r->rx_us - p->rx_us;
	if (p->from.begun && !between && (us < least || (packets < SAMPLE_PACKETS && us < 1000000)))
		return;
	if (p->from.begun && !between && us < 10000000) {
		p->loss_ppm = loss_ppm(packets, (uint16_t)(r->lost - p->from.lost));
		learn(p, (uint64_t)(r->octets - p->from.octets) * 8000000 / us, us);
	}
	p->from.begun = true;
	p->from.queue_us = UINT32_MAX;
	p->from.gap_us = 0;
	p->from.rx_us = r->rx_us;
	p->from.octets = r->octets;
	p->from.packets = r->packets;
	p->from.lost = r->lost;
}

static bool draining(const struct madp_pace *p, mams_time now)
{
	return !mams_time_before(now, p->drain_at);
}

/* What makes so much queue within a round trip, if the link carries no more. */
static int64_t gain_of(const struct madp_pace *p, uint32_t queue_us)
{
	int64_t gain = GAIN_ONE * (int64_t)queue_us / (int64_t)rtt_of(p);

	return GAIN_ONE + (gain < GAIN_ONE / 2 ? gain : GAIN_ONE / 2);
}

static int64_t try_gain(const struct madp_pace *p)
{
	return gain_of(p, p->try_us);
}

/* Where noise may be taken for a queue, only trying tells whether the link carries more: one round
 * trip faster, by little; again and by more as long as more arrives. */
static void try_more(struct madp_pace *p, bool draining)
{
	const uint64_t half = p->try_from / 1000 * (uint64_t)(try_gain(p) + GAIN_ONE) / 2;

	if (p->tried) {
		bool more = p->rate > half;

		p->try_us = more && p->try_us < TRY_MOST_US ? 2 * p->try_us
			    : more                          ? p->try_us
							    : TRY_US;
		p->try_rounds = more                              ? TRY_ROUNDS
				: p->try_rounds < TRY_ROUNDS_MOST ? 2 * p->try_rounds
								  : TRY_ROUNDS_MOST;
		p->full_rounds = more ? TRY_ROUNDS : 0;
	}
	p->tried = p->trying;
	p->trying = false;
	if (p->tried || !p->held_back || draining || p->noise_us < NOISE_LEAST_US)
		return;
	if (p->try_us == 0) {
		p->try_us = TRY_US;
		p->try_rounds = TRY_ROUNDS;
	}
	if (p->full_rounds < p->try_rounds)
		p->full_rounds++;
	p->trying = p->full_rounds >= p->try_rounds;
	p->try_from = p->rate;
}

/* Jitter stretches the first trains, which are short, and then they tell of half of the link.  Go
 * on faster than they say, by more as long as more arrives; what a round does shows in the next
 * one. */
static void grow_up(struct madp_pace *p)
{
	bool more = p->rate > p->young_from / 100 * 104;

	if (!p->young)
		return;
	p->young--;
	if (more && p->young_us < YOUNG_MOST_US)
		p->young_us *= 2;
	if (!p->held_back || (!more && p->young < YOUNG_ROUNDS - 1))
		p->young = 0;
	p->young_from = p->rate;
}

static void end_round(struct madp_pace *p, mams_time now)
{
	if (now.us - p->round_at.us < (int64_t)rtt_of(p) + REPORT_US)
		return;
	if (p->held_back && p->queue_us < IDLE_US + rest_us(p) && !draining(p, now)) {
		if (p->idle_rounds < 8)
			p->idle_rounds++;
	} else {
		p->idle_rounds = 0;
	}
	try_more(p, draining(p, now));
	grow_up(p);
	p->held_back = false;
	p->round_at = now;
}

static void set_pace(struct madp_pace *p, mams_time now)
{
	int64_t rtt = (int64_t)rtt_of(p);
	int64_t wanted = (int64_t)queue_wanted_us(p);
	int64_t gain;
	int64_t most = p->idle_rounds >= 4 ? 2 * GAIN_ONE : GAIN_ONE * 5 / 4;

	refill(p, now);
	if (draining(p, now)) {
		wanted = 0;
		if (now.us - p->drain_at.us > rtt + 2 * REPORT_US)
			p->drain_at = mams_time_add_ms(now, DRAIN_EVERY_MS);
	}
	gain = GAIN_ONE + GAIN_ONE * (wanted - (int64_t)p->queue_us) /
				  (2 * (rtt + REPORT_US + (int64_t)window_us(p)));
	/* The link carries more than we know: go up by what fills RAISE_US of queue before it
	 * shows. */
	if (p->idle_rounds >= 2)
		gain = GAIN_ONE + GAIN_ONE * RAISE_US / rtt;
	if (gain > most)
		gain = most;
	if (p->young && (int64_t)p->queue_us < wanted && gain < gain_of(p, p->young_us))
		gain = gain_of(p, p->young_us);
	if (p->trying && gain < try_gain(p))
		gain = try_gain(p);
	if (gain < GAIN_ONE / 2)
		gain = GAIN_ONE / 2;
	p->pace = p->rate * (uint64_t)gain / GAIN_ONE;
	if (p->bound && p->pace > p->bound)
		p->pace = p->bound;
}

static uint32_t least_of(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static void take_queue(struct madp_pace *p, const struct madp_report_link *r)
{
	uint32_t diff = r->queue_us > p->raw_us ? r->queue_us - p->raw_us : p->raw_us - r->queue_us;

	diff = least_of(diff, NOISE_MOST_US);
	p->noise_us =
		(uint32_t)((int32_t)p->noise_us + ((int32_t)diff - (int32_t)p->noise_us) / 16);
	p->raw_us = r->queue_us;
	if (r->rx_us - p->low.rx_us >= window_us(p)) {
		p->low.us[1] = p->low.us[0];
		p->low.us[0] = r->queue_us;
		p->low.rx_us = r->rx_us;
	}
	p->low.us[0] = least_of(p->low.us[0], r->queue_us);
	p->queue_us =
		p->noise_us < NOISE_LEAST_US ? r->queue_us : least_of(p->low.us[0], p->low.us[1]);
}

/* While the rate is not known: a window that was not used up tells nothing of a larger one, and is
 * not kept for a burst to come, such as what a dead link held.  @return was it used up? */
static bool take_window(struct madp_pace *p)
{
	if (!p->starting)
		return false;
	if (p->flight + p->window / 8 >= p->window)
		return true;
	if (p->flight + MADP_PACE_TRAIN < p->window)
		p->window = (uint32_t)p->flight + MADP_PACE_TRAIN;
	return false;
}

/* What was sent after the newest packet that has come is all that can be on its way, behind the
 * queue that this one met.  Where the rate is taken for too low, and the mode does not ask for
 * room, busy_until would run away from the clock, and the link would seem ever farther. */
static void limit_busy(struct madp_pace *p, const struct madp_report_link *r, mams_time now)
{
	const int32_t age_ms = (int32_t)((uint32_t)((uint64_t)now.us / 1000) - r->echo_ms);
	int64_t latest = now.us - (int64_t)age_ms * 1000 + r->queue_us + REPORT_US;

	if (p->rate == 0)
		return;
	latest += (int64_t)(p->flight * 8000000 / p->rate);
	if (p->busy_until.us > latest)
		p->busy_until.us = latest;
}

void madp_pace_report(struct madp_pace *p, const struct madp_report_link *r, mams_time now)
{
	uint32_t rtt_us = madp_report_rtt_us(r, now);
	uint64_t sent;
	bool grows;

	p->report_at = now;
	if (!r->has_echo)
		return;
	p->owd_us = r->owd_us;
	if (!p->has_owd || (int32_t)((uint32_t)r->owd_us - (uint32_t)p->least_owd_us) < 0)
		p->least_owd_us = r->owd_us;
	p->has_owd = true;
	p->jitter_us = r->jitter_us;
	if (rtt_us)
		madp_pace_rtt(p, rtt_us);
	grows = take_window(p);
	if (p->starting)
		take_train(p, r);
	if (sent_by(p, r->echo_ms, &sent)) {
		p->flight = p->sent_octets - sent;
		limit_busy(p, r, now);
	}
	if (r->octets == p->octets)
		return;
	if (grows)
		p->window += r->octets - p->octets;
	p->octets = r->octets;
	p->packets = r->packets;
	p->lost = r->lost;
	take_queue(p, r);
	take_sample(p, r);
	p->rx_us = r->rx_us;
	end_round(p, now);
	set_pace(p, now);
}
