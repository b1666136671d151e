/* Timers of one link:
 *   next_at        the next Probe-REQ for liveness: every interval, every eighth while in doubt
 *   init_sent      the next probe of the init phase's test, while init_end is set (N-MADP)
 *   init_end       when that test is over and its result is made (both ends)
 *   active_end     when one active probe duration is over
 *   keep_alive_at  the next Keep-Alive (C-MADP)
 *   heard_at       + patience + slept_us: silent */
#include "trailer-madp/probe.h"

#include "lib/base/buf.h"

#include <string.h>

#define HEAD 5 /* type, CID, sequence number, flags */
#define SIZE_MAX_MX 1500
#define GRACE_MS 500  /* after the test's last probe, for those under way */
#define START_MS 2000 /* how long the C-MADP waits for the first one */
#define ALIVE_AFTER 2
#define SELDOM_US 1000000 /* as often at least, or at each interval, the round trip is measured */
#define EARLY_US 150000   /* a probe due so soon goes in place of what else would be sent */
#define TOLD_US 640000    /* reports tell how long ago up to 655 ms, and come more often */
#define MAGIC 0x4d414d53u

const struct madp_probe_conf madp_probe_defaults = {
	.init_duration_ms = 0,
	.init_rate_mbps = 1,
	.init_size = 100,
	.init_ack = true,
	.active_interval_ms = 200,
	.active_size = 100,
	.active_duration_s = 10,
	.active_ack = true,
	.keep_alive_ms = 15000,
	.idle_factor = 10,
};

static void fill_in(struct madp_probe_conf *c)
{
	const struct madp_probe_conf *d = &madp_probe_defaults;

	if (c->init_rate_mbps == 0)
		c->init_rate_mbps = d->init_rate_mbps;
	if (c->init_size < HEAD)
		c->init_size = d->init_size;
	if (c->active_interval_ms == 0)
		c->active_interval_ms = d->active_interval_ms;
	if (c->active_size < HEAD)
		c->active_size = d->active_size;
	if (c->active_duration_s == 0)
		c->active_duration_s = d->active_duration_s;
	if (c->idle_factor == 0)
		c->idle_factor = 1;
	if (c->init_size > SIZE_MAX_MX)
		c->init_size = SIZE_MAX_MX;
	if (c->active_size > SIZE_MAX_MX)
		c->active_size = SIZE_MAX_MX;
}

static int64_t interval_us(const struct madp_probe *p)
{
	return (int64_t)p->conf.active_interval_ms * 1000 * (p->idle ? p->conf.idle_factor : 1);
}

int64_t madp_probe_interval_us(const struct madp_probe *p)
{
	return interval_us(p);
}

static int64_t patience_us(const struct madp_probe *p)
{
	return interval_us(p) * 5 / 2;
}

/** What should have been heard by now was not, once it is later than this. */
static int64_t doubt_us(const struct madp_probe *p)
{
	return interval_us(p) * 5 / 4 + 10000;
}

/** The same where what should have been heard are reports. */
static int64_t missed_us(const struct madp_probe *p)
{
	int64_t us = doubt_us(p);

	return us < TOLD_US ? us : TOLD_US;
}

/** Until that is over, probes follow each other so. */
static int64_t doubt_gap_us(const struct madp_probe *p)
{
	return interval_us(p) / 8;
}

uint32_t madp_probe_patience_us(const struct madp_probe *p)
{
	return p->conf.active_interval_ms * 2500;
}

/* ---- phases ---- */

static int64_t init_gap_us(const struct madp_probe *p)
{
	int64_t us = (int64_t)p->conf.init_size * 8 / p->conf.init_rate_mbps;

	return us > 0 ? us : 1;
}

static void begin_phase(struct madp_probe *p, mams_time now)
{
	p->init_end = p->init_sent = p->active_end = MAMS_TIME_NEVER;
	memset(&p->got, 0, sizeof(p->got));
	p->init_n = 0;
	if (p->active) {
		p->active_from = now;
		p->active_end = mams_time_add_ms(now, (int64_t)p->conf.active_duration_s * 1000);
		p->active_begun = false;
	} else if (p->conf.init_duration_ms) {
		p->init_expected =
			(uint32_t)((int64_t)p->conf.init_duration_ms * 1000 / init_gap_us(p));
		p->init_end = mams_time_add_ms(now, (int64_t)p->conf.init_duration_ms + GRACE_MS);
		if (p->role == MADP_PROBE_NETWORK)
			p->init_sent = now;
		else
			p->init_end = mams_time_add_ms(p->init_end, START_MS);
	}
}

void madp_probe_init(struct madp_probe *p, enum madp_probe_role role,
	const struct madp_probe_conf *conf, mams_time now)
{
	*p = (struct madp_probe){.conf = *conf,
		.role = role,
		.alive = true,
		.heard_at = now,
		.heard_req_at = MAMS_TIME_NEVER,
		.next_at = role == MADP_PROBE_NETWORK ? now : MAMS_TIME_NEVER,
		.keep_alive_at = MAMS_TIME_NEVER};
	madp_probe_configure(p, conf, now);
}

void madp_probe_configure(struct madp_probe *p, const struct madp_probe_conf *conf, mams_time now)
{
	p->conf = *conf;
	fill_in(&p->conf);
	if (p->role == MADP_PROBE_CLIENT && p->conf.keep_alive_ms)
		p->keep_alive_at = now;
	if (p->role == MADP_PROBE_NETWORK)
		p->next_at = now;
	begin_phase(p, now);
}

void madp_probe_phase(struct madp_probe *p, bool active, mams_time now)
{
	if (p->active == active)
		return;
	p->active = active;
	begin_phase(p, now);
}

/* ---- liveness ---- */

static void set_alive(struct madp_probe *p, bool alive)
{
	p->good = 0;
	if (p->alive == alive)
		return;
	p->alive = alive;
	p->events &= (uint8_t) ~(MADP_PROBE_EV_UP | MADP_PROBE_EV_SILENT);
	p->events |= alive ? MADP_PROBE_EV_UP : MADP_PROBE_EV_SILENT;
}

static void hear(struct madp_probe *p, mams_time now)
{
	if (mams_time_before(p->heard_at, now)) /* it may be ahead, see madp_probe_idle() */
		p->heard_at = now;
	p->slept_us = 0;
}

void madp_probe_heard(struct madp_probe *p, mams_time now)
{
	mams_time soon = mams_time_us(now.us + doubt_gap_us(p));

	hear(p, now);
	if (!p->alive && p->role == MADP_PROBE_NETWORK)
		p->next_at = mams_time_min(p->next_at, soon); /* two answers make it alive */
}

void madp_probe_idle(struct madp_probe *p, bool idle, mams_time now)
{
	if (p->idle == idle)
		return;
	p->idle = idle;
	if (idle || p->conf.idle_factor == 1)
		return;
	/* Probes were seldom: silence counts from when the first new one, or its answer, can be
	 * here. */
	p->heard_at = mams_time_us(now.us + (p->rtt_us ? p->rtt_us : p->peer_rtt_us));
	p->slept_us = 0;
	if (p->role == MADP_PROBE_NETWORK)
		p->next_at = now;
}

/* Not their sum: an end that is always a little late reads and asks between its pauses all the
 * same, and its silence would never be over. */
void madp_probe_slept(struct madp_probe *p, int64_t us, mams_time now)
{
	int64_t most = now.us - p->heard_at.us;

	if (us > most)
		us = most;
	if (us > p->slept_us)
		p->slept_us = us;
}

/** Does what else is sent stand for probes?  Not while the peer is not heard: it is asked then. */
static bool may_stand(const struct madp_probe *p, mams_time now)
{
	return p->role == MADP_PROBE_NETWORK && p->alive && interval_us(p) < SELDOM_US &&
	       now.us - p->heard_at.us <= interval_us(p);
}

void madp_probe_told(struct madp_probe *p, mams_time now)
{
	/* longer than until what else is sent comes next */
	int64_t us = interval_us(p) * 5 / 4;
	int64_t left = p->asked_at.us + SELDOM_US - now.us;

	if (!may_stand(p, now))
		return;
	us = us < left ? us : left;
	if (now.us + us > p->next_at.us)
		p->next_at = mams_time_us(now.us + us);
}

void madp_probe_instead(struct madp_probe *p, mams_time now)
{
	if (may_stand(p, now) && p->asked_at.us + SELDOM_US - now.us < EARLY_US)
		p->next_at = mams_time_min(p->next_at, now);
}

void madp_probe_missed(struct madp_probe *p, uint32_t us, mams_time now)
{
	mams_time soon = mams_time_us(p->asked_at.us + doubt_gap_us(p));

	if (p->role == MADP_PROBE_NETWORK && p->alive && us > missed_us(p))
		p->next_at = mams_time_min(p->next_at, mams_time_before(soon, now) ? now : soon);
}

static void answered(struct madp_probe *p, mams_time now)
{
	hear(p, now);
	if (!p->alive && ++p->good >= ALIVE_AFTER)
		set_alive(p, true);
}

void madp_probe_carrier(struct madp_probe *p, bool up, mams_time now)
{
	p->heard_at = now;
	p->slept_us = 0;
	set_alive(p, up);
	p->events = 0; /* whoever tells it knows it */
	if (p->role == MADP_PROBE_NETWORK)
		p->next_at = now;
	if (!mams_time_is_never(p->keep_alive_at))
		p->keep_alive_at = now;
}

/* A C-MADP that has never seen a probe cannot expect one. */
static mams_time silent_at(const struct madp_probe *p)
{
	if (!p->alive || (p->role == MADP_PROBE_CLIENT && mams_time_is_never(p->heard_req_at)))
		return MAMS_TIME_NEVER;
	return mams_time_us(p->heard_at.us + patience_us(p) + p->slept_us);
}

static bool in_doubt(const struct madp_probe *p, mams_time now)
{
	return p->alive && now.us - p->heard_at.us > doubt_us(p);
}

mams_time madp_probe_miss_at(const struct madp_probe *p, mams_time said)
{
	int64_t first = p->heard_at.us + missed_us(p) + 1;
	int64_t next = said.us + doubt_gap_us(p);

	if (p->role != MADP_PROBE_CLIENT || mams_time_is_never(silent_at(p)))
		return MAMS_TIME_NEVER;
	return mams_time_us(first > next ? first : next);
}

/* ---- what arrives ---- */

static void count_init(struct madp_probe *p, uint32_t size, mams_time now)
{
	if (mams_time_is_never(p->init_end))
		return;
	if (p->got.n == 0) {
		p->got.from = now;
		if (p->role == MADP_PROBE_CLIENT)
			p->init_end =
				mams_time_add_ms(now, (int64_t)p->conf.init_duration_ms + GRACE_MS);
	} else {
		p->got.octets += size;
	}
	p->got.to = now;
	p->got.n++;
}

bool madp_probe_on_req(
	struct madp_probe *p, uint16_t seq, bool ack, bool active, uint32_t size, mams_time now)
{
	(void)seq;
	if (p->role != MADP_PROBE_CLIENT)
		return false;
	p->heard_req_at = now;
	answered(p, now);
	if (!active && size == p->conf.init_size)
		count_init(p, size, now);
	return ack;
}

static void learn_rtt(struct madp_probe *p, int64_t us)
{
	uint32_t rtt = us < 1 ? 1 : us > 60000000 ? 60000000 : (uint32_t)us;
	uint32_t off;

	if (p->rtt_us == 0) {
		p->rtt_us = rtt;
		p->rttvar_us = rtt / 2;
		return;
	}
	off = rtt > p->rtt_us ? rtt - p->rtt_us : p->rtt_us - rtt;
	p->rttvar_us = (p->rttvar_us * 3 + off) / 4;
	p->rtt_us = (uint32_t)(((uint64_t)p->rtt_us * 7 + rtt) / 8);
}

bool madp_probe_on_ack(struct madp_probe *p, uint16_t seq, mams_time now)
{
	unsigned i = seq % MADP_PROBE_OUTSTANDING;

	if (!p->out[i].used || p->out[i].seq != seq) {
		/* during the test more are under way than are remembered */
		if (p->role == MADP_PROBE_NETWORK && !mams_time_is_never(p->init_end) &&
			(uint16_t)(p->seq - seq) <= p->init_n) {
			count_init(p, p->conf.init_size, now);
			answered(p, now);
			return true;
		}
		p->n_stray++;
		return false;
	}
	p->out[i].used = false;
	p->n_answered++;
	learn_rtt(p, (uint32_t)now.us - p->out[i].at);
	if (p->out[i].init)
		count_init(p, p->conf.init_size, now);
	answered(p, now);
	return true;
}

/* ---- what goes out, and what is due ---- */

static void req(struct madp_probe *p, bool test, mams_time now, struct madp_probe_pdu *out)
{
	unsigned i;

	p->seq++;
	p->asked_at = now;
	i = p->seq % MADP_PROBE_OUTSTANDING;
	*out = (struct madp_probe_pdu){.kind = MADP_PROBE_REQ,
		.seq = p->seq,
		.active = p->active,
		.ack = p->active ? p->conf.active_ack : p->conf.init_ack,
		.size = p->active || !test ? p->conf.active_size : p->conf.init_size};
	/* without an answer the link could not be told from a dead one */
	if (!test && now.us - p->heard_at.us > interval_us(p) / 2)
		out->ack = true;
	p->n_sent++;
	if (!out->ack)
		return;
	p->n_lost += p->out[i].used;
	p->out[i].used = true;
	p->out[i].init = test;
	p->out[i].seq = p->seq;
	p->out[i].at = (uint32_t)now.us;
}

static void end_init(struct madp_probe *p)
{
	int64_t us = p->got.to.us - p->got.from.us;
	uint32_t expected = p->role == MADP_PROBE_NETWORK ? p->init_n : p->init_expected;
	uint32_t lost = expected > p->got.n ? expected - p->got.n : 0;

	p->result.lost_percent = expected ? 100.0 * lost / expected : 0;
	p->result.rate_mbps = us > 0 ? (double)p->got.octets * 8 / (double)us : 0;
	p->result.delay_us = (p->rtt_us ? p->rtt_us : p->peer_rtt_us) / 2;
	p->init_end = p->init_sent = MAMS_TIME_NEVER;
	p->events |= MADP_PROBE_EV_INIT;
}

static void end_active(struct madp_probe *p, uint64_t octets, mams_time now)
{
	int64_t us = now.us - p->active_from.us;

	p->result.tput_mbps = us > 0 ? (double)(octets - p->active_octets) * 8 / (double)us : 0;
	p->active_from = now;
	p->active_octets = octets;
	p->active_end = mams_time_add_ms(now, (int64_t)p->conf.active_duration_s * 1000);
	p->events |= MADP_PROBE_EV_ACTIVE;
}

static void due(struct madp_probe *p, uint64_t octets, mams_time now)
{
	if (!mams_time_before(now, silent_at(p)))
		set_alive(p, false);
	if (!mams_time_is_never(p->init_end) && !mams_time_before(now, p->init_end))
		end_init(p);
	if (p->active && !p->active_begun) {
		p->active_octets = octets;
		p->active_begun = true;
	}
	if (!mams_time_is_never(p->active_end) && !mams_time_before(now, p->active_end))
		end_active(p, octets, now);
}

bool madp_probe_next(
	struct madp_probe *p, uint64_t octets, mams_time now, struct madp_probe_pdu *out)
{
	mams_time doubt;

	due(p, octets, now);
	if (!mams_time_before(now, p->keep_alive_at)) {
		*out = (struct madp_probe_pdu){
			.kind = MADP_PROBE_KEEP_ALIVE, .seq = ++p->keep_alive_seq, .size = 4};
		p->keep_alive_at = mams_time_add_ms(now, p->conf.keep_alive_ms);
		return true;
	}
	if (!mams_time_before(now, p->init_sent)) {
		req(p, true, now, out);
		p->init_n++;
		p->init_sent = p->init_n < p->init_expected
				       ? mams_time_us(p->init_sent.us + init_gap_us(p))
				       : MAMS_TIME_NEVER;
		return true;
	}
	if (mams_time_is_never(p->next_at))
		return false;
	doubt = mams_time_us(p->next_at.us - interval_us(p) * 7 / 8);
	if (mams_time_before(now, p->next_at) &&
		(!in_doubt(p, now) || mams_time_before(now, doubt)))
		return false;
	req(p, false, now, out);
	p->next_at = mams_time_us(now.us + interval_us(p));
	return true;
}

mams_time madp_probe_deadline(const struct madp_probe *p)
{
	mams_time t = mams_time_min(p->next_at, p->keep_alive_at);

	t = mams_time_min(t, mams_time_min(p->init_end, p->init_sent));
	t = mams_time_min(t, mams_time_min(p->active_end, silent_at(p)));
	if (p->role == MADP_PROBE_NETWORK && p->alive) {
		int64_t doubt = p->heard_at.us + doubt_us(p) + 1;
		int64_t early = p->next_at.us - interval_us(p) * 7 / 8;

		t = mams_time_min(t, mams_time_us(doubt > early ? doubt : early));
	}
	return t;
}

unsigned madp_probe_events(struct madp_probe *p)
{
	unsigned e = p->events;

	p->events = 0;
	return e;
}

/* ---- padding ---- */

void madp_probe_pad_put(const struct madp_probe *p, uint32_t ts_ms, uint8_t *pad, size_t len)
{
	struct mams_wr w = mams_wr_init(pad, len);

	memset(pad, 0, len);
	if (len < MADP_PROBE_PAD)
		return;
	mams_wr_u32(&w, MAGIC);
	mams_wr_u32(&w, ts_ms);
	mams_wr_u32(&w, p->rtt_us);
}

bool madp_probe_pad_get(struct madp_probe *p, const uint8_t *pad, size_t len, uint32_t *ts_ms)
{
	struct mams_rd r = mams_rd_init(pad, len);

	if (len < MADP_PROBE_PAD || mams_rd_u32(&r) != MAGIC)
		return false;
	*ts_ms = mams_rd_u32(&r);
	p->peer_rtt_us = mams_rd_u32(&r);
	return true;
}
