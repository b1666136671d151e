#include "trailer-madp/estimator.h"

#define PERIOD_MS 10000
#define BIN_US 100000
#define WINDOW 64
#define QUEUE_MOST_US 10000000

void madp_meter_init(struct madp_meter *m, mams_time now)
{
	*m = (struct madp_meter){.heard_at = MAMS_TIME_NEVER,
		.data_at = MAMS_TIME_NEVER,
		.ts_at = MAMS_TIME_NEVER,
		.epoch = now,
		.bin_at = now};
}

bool madp_meter_has_delay(const struct madp_meter *m)
{
	return !mams_time_is_never(m->ts_at);
}

void madp_meter_heard(struct madp_meter *m, uint32_t len, mams_time now)
{
	m->heard_at = now;
	if (len == 0)
		return;
	m->data_at = now;
	m->octets += len;
	m->packets++;
	if (now.us - m->bin_at.us >= BIN_US) {
		m->rate = (m->octets - m->bin_octets) * 8000000 / (uint64_t)(now.us - m->bin_at.us);
		m->bin_at = now;
		m->bin_octets = m->octets;
	}
}

static void first_delay(struct madp_meter *m, uint32_t ts_ms, mams_time now)
{
	m->ts_ms = ts_ms;
	m->ts_ext_us = (int64_t)ts_ms * 1000;
	m->epoch = now;
	m->base[0] = m->base[1] = m->low_us = m->owd_us = m->last_us = now.us - m->ts_ext_us;
	m->low_begun = true;
	m->ts_at = now;
}

void madp_meter_timestamp(struct madp_meter *m, uint32_t ts_ms, mams_time now)
{
	int32_t step = (int32_t)(ts_ms - m->ts_ms);
	int64_t d;
	int64_t diff;

	if (!madp_meter_has_delay(m)) {
		first_delay(m, ts_ms, now);
		return;
	}
	/* The peer's clock jumped: it began anew.  An old packet is never that old. */
	if (step > 3600000 || step < -60000) {
		first_delay(m, ts_ms, now);
		return;
	}
	d = now.us - (m->ts_ext_us + (int64_t)step * 1000);
	if (step >= 0) {
		m->ts_ms = ts_ms;
		m->ts_ext_us += (int64_t)step * 1000;
		m->ts_at = now;
	}
	if (now.us - m->epoch.us >= (int64_t)PERIOD_MS * 1000) {
		bool stale = now.us - m->epoch.us >= (int64_t)2 * PERIOD_MS * 1000;

		m->base[1] = stale ? d : m->base[0];
		m->base[0] = d;
		m->epoch = now;
	}
	if (d < m->base[0])
		m->base[0] = d;
	if (!m->low_begun || d < m->low_us)
		m->low_us = d;
	m->low_begun = true;
	m->owd_us += (d - m->owd_us) / 8;
	diff = d > m->last_us ? d - m->last_us : m->last_us - d;
	if (diff > 10000000)
		diff = 10000000;
	m->jitter_us = (uint32_t)((int64_t)m->jitter_us + (diff - (int64_t)m->jitter_us) / 16);
	m->last_us = d;
}

static int64_t least(const struct madp_meter *m)
{
	return m->base[0] < m->base[1] ? m->base[0] : m->base[1];
}

static uint32_t above_least(const struct madp_meter *m, int64_t delay_us)
{
	int64_t us = delay_us - least(m);

	return us > 0 ? (uint32_t)(us < QUEUE_MOST_US ? us : QUEUE_MOST_US) : 0;
}

static unsigned missing(uint64_t seen, unsigned oldest)
{
	return oldest - (unsigned)__builtin_popcountll(oldest == 64 ? seen : seen << (64 - oldest));
}

/* The window moves on by n: what leaves it unseen is lost. */
static void advance(struct madp_meter *m, struct madp_loss *l, unsigned n)
{
	if (n >= WINDOW) {
		m->lost += missing(l->seen, WINDOW) + (n - WINDOW);
		l->seen = 1;
	} else {
		m->lost += missing(l->seen >> (WINDOW - n), n);
		l->seen = l->seen << n | 1;
	}
	l->top += n;
}

void madp_meter_sn(struct madp_meter *m, unsigned flow, uint8_t delivery_sn, mams_time now)
{
	struct madp_loss *l = &m->loss[flow];
	int d = (int8_t)(uint8_t)(delivery_sn - (uint8_t)l->top);

	if (!l->begun) {
		/* nothing before the first counts as lost */
		*l = (struct madp_loss){
			.seen = UINT64_MAX, .top = delivery_sn, .begun = true, .top_at = now};
		return;
	}
	if (d > 0) {
		int64_t gap = (now.us - l->top_at.us) / d;

		l->gap_us = (uint32_t)((int64_t)l->gap_us +
				       ((gap < 1000000 ? gap : 1000000) - (int64_t)l->gap_us) / 16);
		advance(m, l, (unsigned)d);
		l->top_at = now;
		m->late_us -= m->late_us / 1024;
		return;
	}
	if (-d >= WINDOW) {
		/* Too far back to be believed: half of the circle and more was lost. */
		advance(m, l, (unsigned)(256 + d));
		l->top_at = now;
	} else if (l->seen >> -d & 1) {
		m->duplicate++;
	} else {
		/* it should have come before as many as have passed it */
		int64_t late = now.us - l->top_at.us - (int64_t)l->gap_us * d;

		l->seen |= 1ull << -d;
		m->reordered++;
		if (late > (int64_t)m->late_us)
			m->late_us = (uint32_t)(late < 1000000 ? late : 1000000);
	}
}

void madp_meter_report(struct madp_meter *m, struct madp_report_link *r, mams_time now)
{
	int64_t held = madp_meter_has_delay(m) ? now.us - m->ts_at.us : 0;

	r->has_echo = madp_meter_has_delay(m);
	r->packets = (uint32_t)m->packets;
	r->octets = (uint32_t)m->octets;
	r->rx_us = mams_time_is_never(m->data_at) ? 0 : (uint32_t)m->data_at.us;
	r->echo_ms = m->ts_ms;
	r->held_us = held < 1000000 ? (uint32_t)held : 1000000;
	r->queue_us = above_least(m, m->low_begun ? m->low_us : m->owd_us);
	r->jitter_us = m->jitter_us;
	r->owd_us = (int32_t)(uint32_t)m->owd_us;
	r->lost = (uint16_t)m->lost;
	m->low_begun = false;
}

int64_t madp_meter_delay_diff(const struct madp_meter *m, const struct madp_meter *other)
{
	if (!madp_meter_has_delay(m) || !madp_meter_has_delay(other))
		return 0;
	return m->owd_us - other->owd_us;
}

uint32_t madp_meter_queue_us(const struct madp_meter *m)
{
	return madp_meter_has_delay(m) ? above_least(m, m->owd_us) : 0;
}
