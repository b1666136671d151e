#include "lib/ctl/ctl_quality.h"
#include "ncm-service/steerer.h"
#include "ncm-service/usage.h"

#define USED_US 1500000 /* what a source used stands so long: it tells once a second */
#define FRESH_US 10000000
#define RATE_US 60000000
#define FADE 0.75
#define PACKETS_MANY 200
#define PACKETS_FORMER 600
#define PACKETS_LEAST 50 /* below, one lost packet says too much */

bool ncm_quality_is_fresh(const struct ncm_way_quality *q, mams_time now)
{
	return q->at.us != 0 && now.us - q->at.us < FRESH_US;
}

static uint32_t sum_of(uint64_t a, uint64_t b)
{
	return a + b < UINT32_MAX ? (uint32_t)(a + b) : UINT32_MAX;
}

/* What the source and the others use; those come and go at moments of their own.
 * @return what the others used for certain meanwhile */
static uint64_t take_used(struct ncm_way_quality *q, enum ncm_quality_source from,
	const struct ncm_way_report *r, mams_time now)
{
	uint64_t others = 0;
	uint64_t steady = 0;
	bool fresh = now.us - q->by[from].at.us < USED_US;

	for (size_t i = 0; i < NCM_QUALITY_SOURCES; i++)
		if (i != from && now.us - q->by[i].at.us < USED_US) {
			others += q->by[i].used_kbps;
			steady += q->by[i].steady_kbps;
		}
	q->used_kbps = sum_of(r->used_kbps, others);
	q->by[from].steady_kbps = !fresh                                 ? 0
				  : r->used_kbps < q->by[from].used_kbps ? r->used_kbps
									 : q->by[from].used_kbps;
	q->by[from].used_kbps = r->used_kbps;
	q->by[from].at = now;
	return steady;
}

/* @param others  what they used went over the same link */
static void take_rate(
	struct ncm_way_quality *q, const struct ncm_way_report *r, uint64_t others, mams_time now)
{
	const uint32_t rate = sum_of(r->rate_kbps, others);
	const uint32_t used = sum_of(r->used_kbps, others);

	if (!r->has_rate && now.us - q->rate_at.us >= RATE_US)
		q->has_rate = false;
	if (r->has_rate && !q->has_rate)
		q->rate_kbps = rate;
	else if (r->has_rate && rate > q->rate_kbps)
		q->rate_kbps += (rate - q->rate_kbps + 1) / 2;
	else if (r->has_rate)
		q->rate_kbps -= (q->rate_kbps - rate) / 4;
	if (r->has_rate) {
		q->has_rate = true;
		q->rate_at = now;
	}
	if (q->has_rate && q->rate_kbps < used)
		q->rate_kbps = used;
}

static void approach(bool *has, uint32_t *value, bool told, uint32_t to)
{
	if (!told)
		return;
	*value = *has ? (uint32_t)(((uint64_t)*value + to) / 2) : to;
	*has = true;
}

static double share_of(const struct ncm_way_report *r)
{
	return r->packets == 0 || r->lost > r->packets ? 1 : (double)r->lost / r->packets;
}

/* So many of a report's packets are lost by the link, and not in finding out what it carries. */
static double lost_of(
	struct ncm_way_quality *q, enum ncm_quality_source from, const struct ncm_way_report *r)
{
	const double share = share_of(r);
	const double before = q->share[from];

	q->share[from] = share;
	return r->packets * (r->packets >= PACKETS_MANY && before < share ? before : share);
}

static void take_loss(
	struct ncm_way_quality *q, enum ncm_quality_source from, const struct ncm_way_report *r)
{
	/* what was, fades; a second of many packets does not outweigh many of few */
	const double most = r->packets > PACKETS_FORMER ? r->packets : PACKETS_FORMER;
	const double was = q->packets * FADE > most ? most : q->packets * FADE;

	if (!r->has_packets)
		return;
	if (!q->has_share[from]) {
		q->has_share[from] = true;
		q->share[from] = share_of(r);
		/* which of the two it was the next one will tell */
		if (r->packets >= PACKETS_MANY && r->lost > 0)
			return;
	}
	q->lost = q->packets > 0 ? q->lost * was / q->packets : 0;
	q->packets = was + r->packets;
	q->lost += lost_of(q, from, r);
	q->has_loss = q->packets >= PACKETS_LEAST;
	if (q->has_loss)
		q->loss_ppm = (uint32_t)(q->lost * 1e6 / q->packets + 0.5);
}

static void begin_anew(struct ncm_way_quality *q)
{
	q->has_delay = q->has_jitter = q->has_loss = false;
	q->packets = q->lost = 0;
	for (size_t i = 0; i < NCM_QUALITY_SOURCES; i++)
		q->has_share[i] = false;
}

void ncm_quality_take(struct ncm_way_quality *q, enum ncm_quality_source from,
	const struct ncm_way_report *r, mams_time now)
{
	if (!ncm_quality_is_fresh(q, now))
		*q = (struct ncm_way_quality){0};
	if (r->back)
		begin_anew(q);
	q->at = now;
	take_rate(q, r, take_used(q, from, r, now), now);
	approach(&q->has_delay, &q->delay_us, r->has_delay, r->delay_us);
	approach(&q->has_jitter, &q->jitter_us, r->has_jitter, r->jitter_us);
	take_loss(q, from, r);
}

void ncm_session_quality(struct ncm_session *s, uint8_t id, enum ncm_quality_source from,
	const struct ncm_way_report *ul, const struct ncm_way_report *dl, mams_time now)
{
	ncm_quality_take(&s->quality[id].ul, from, ul, now);
	ncm_quality_take(&s->quality[id].dl, from, dl, now);
	s->counters->quality_reports++;
	ncm_steerer_back(s, id, ul->back, dl->back, now);
	ncm_usage_take(s, id, ul->octets + dl->octets, now);
	ncm_steerer_news(s, now);
}

struct ncm_way_report ncm_quality_report(const struct ctl_quality_way *w)
{
	return (struct ncm_way_report){.has_rate = w->has_rate_kbps,
		.has_delay = w->has_delay_us,
		.has_jitter = w->has_jitter_us,
		.has_packets = w->has_packets,
		.back = w->has_back && w->back,
		.rate_kbps = w->rate_kbps,
		.used_kbps = w->used_kbps,
		.delay_us = w->delay_us,
		.jitter_us = w->jitter_us,
		.packets = w->packets,
		.lost = w->lost,
		.octets = w->octets};
}
