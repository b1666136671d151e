#include "trailer-madp/desired.h"

#include "lib/io/ctlmsg.h"

static struct madp_gauge totals(const struct madp_link_count *n, mams_time now)
{
	return (struct madp_gauge){.owner = madp_load(&n->owner),
		.at = now,
		.tx_packets = madp_load(&n->tx_packets),
		.tx_octets = (uint32_t)madp_load(&n->tx_arrived_octets),
		.rx_packets = madp_load(&n->rx_packets),
		.rx_octets = madp_load(&n->rx_octets),
		.rx_counted = madp_load(&n->rx_counted),
		.rx_lost = madp_load(&n->lost),
		.tx_arrived = (uint32_t)madp_load(&n->tx_arrived),
		.tx_lost = (uint16_t)madp_load(&n->tx_lost),
		.downs = madp_load(&n->downs),
		.rx_queue_us = (uint32_t)madp_load(&n->rx_queue_us)};
}

static uint32_t kbps(uint64_t octets, int64_t us)
{
	return us > 0 ? (uint32_t)(octets * 8000 / (uint64_t)us) : 0;
}

/* The link of the session whose two directions are taken for equal: the nearest one. */
static const struct madp_link_count *nearest(const struct madp_account *a)
{
	const struct madp_link_count *best = NULL;

	for (size_t i = 0; i < MADP_LINKS_MAX; i++) {
		const struct madp_link_count *n = &a->link[i];

		if (madp_load(&n->owner) && madp_load(&n->min_rtt_us) &&
			(!best || madp_load(&n->min_rtt_us) < madp_load(&best->min_rtt_us)))
			best = n;
	}
	return best;
}

/* @param more_us  than the least delay of the nearest */
static uint32_t delay_of(const struct madp_link_count *nearest, int64_t more_us)
{
	int64_t us = (int64_t)madp_load(&nearest->min_rtt_us) / 2 + more_us;

	return us > 0 && us < UINT32_MAX ? (uint32_t)us : 0;
}

static uint32_t downlink_delay(const struct madp_link_count *n, const struct madp_link_count *best)
{
	/* of 32 bits, which may have gone round */
	int32_t more = (int32_t)((uint32_t)madp_load(&n->tx_owd_us) -
				 (uint32_t)madp_load(&best->tx_owd_us));

	return delay_of(best, more + (int64_t)madp_load(&best->tx_queue_us));
}

static uint32_t uplink_delay(const struct madp_link_count *n, const struct madp_link_count *best)
{
	return delay_of(best, (int64_t)(madp_load(&n->rx_owd_us) - madp_load(&best->rx_owd_us) +
					madp_load(&best->rx_queue_us)));
}

static struct ctl_quality_way downlink(const struct madp_link_count *n,
	const struct madp_link_count *best, const struct madp_gauge *was,
	const struct madp_gauge *is)
{
	uint32_t arrived = is->tx_arrived - was->tx_arrived;
	uint16_t lost = (uint16_t)(is->tx_lost - was->tx_lost);
	/* a peer that began anew counts from nothing */
	bool anew = arrived >= UINT32_MAX / 2 || lost >= UINT16_MAX / 2;
	uint32_t octets = anew ? 0 : is->tx_octets - was->tx_octets;
	struct ctl_quality_way w = {.used_kbps = kbps(octets, is->at.us - was->at.us),
		.rate_kbps = (uint32_t)(madp_load(&n->rate_bps) / 1000),
		.has_delay_us = best != NULL,
		.delay_us = best ? downlink_delay(n, best) : 0,
		.has_jitter_us = best != NULL,
		.jitter_us = (uint32_t)madp_load(&n->tx_jitter_us),
		.has_octets = true,
		.octets = octets};

	/* an estimate of a link that has more to give is of another day */
	w.has_rate_kbps = madp_load(&n->rate_seen) && w.used_kbps >= w.rate_kbps / 5 * 4;
	if (!anew && arrived + lost > 0) {
		w.has_packets = true;
		w.packets = arrived + lost;
		w.lost = lost;
	}
	return w;
}

static bool is_full(const struct madp_gauge *was, const struct madp_gauge *is, uint64_t packets)
{
	const uint32_t queue_us =
		was->rx_queue_us < is->rx_queue_us ? was->rx_queue_us : is->rx_queue_us;

	return queue_us >= MADP_GAUGE_QUEUE_US &&
	       packets * queue_us >= MADP_GAUGE_QUEUE_PACKETS * (uint64_t)(is->at.us - was->at.us);
}

static struct ctl_quality_way uplink(const struct madp_link_count *n,
	const struct madp_link_count *best, const struct madp_gauge *was,
	const struct madp_gauge *is)
{
	uint64_t packets = is->rx_counted - was->rx_counted;
	uint64_t lost = is->rx_lost - was->rx_lost;
	struct ctl_quality_way w = {
		.used_kbps = kbps(is->rx_octets - was->rx_octets, is->at.us - was->at.us),
		.has_rate_kbps = is_full(was, is, packets),
		.has_delay_us = best && packets > 0,
		.delay_us = best ? uplink_delay(n, best) : 0,
		.has_jitter_us = packets > 0,
		.jitter_us = (uint32_t)madp_load(&n->rx_jitter_us),
		.has_packets = packets > 0,
		.packets = (uint32_t)(packets + lost),
		.lost = (uint32_t)lost,
		.has_octets = true,
		.octets = is->rx_octets - was->rx_octets};

	w.rate_kbps = w.used_kbps;
	return w;
}

/* A packet that is being filled, and what becomes told with it. */
struct batch {
	struct ctl_msg *msg;
	struct {
		struct madp_gauge *gauge;
		struct madp_gauge is;
	} told[CTL_QUALITY_LINKS];
};

/* @return false: it cannot be told now */
static bool flush(struct mams_ctl_server *server, struct batch *b)
{
	size_t n = b->msg ? b->msg->quality.n_links : 0;
	struct ctl_msg *msg = b->msg;

	b->msg = NULL;
	if (!msg)
		return true;
	if (!mams_ctl_tell_news(server, msg))
		return false;
	for (size_t i = 0; i < n; i++)
		*b->told[i].gauge = b->told[i].is;
	return true;
}

static struct ctl_quality *room(struct batch *b)
{
	struct ctl_quality *q;

	if (!b->msg)
		b->msg = ctl_msg_new(CTL_QUALITY, 0);
	q = b->msg ? &b->msg->quality : NULL;
	if (q && !q->links)
		q->links = ctl_alloc(b->msg, CTL_QUALITY_LINKS * sizeof(*q->links));
	return q && q->links ? q : NULL;
}

/* What was lost before it was back is not of the link that there is now. */
static void begin_anew(struct ctl_quality_link *l)
{
	l->ul.back = l->dl.back = l->ul.has_back = l->dl.has_back = true;
	l->ul.has_packets = l->dl.has_packets = false;
	l->ul.packets = l->dl.packets = l->ul.lost = l->dl.lost = 0;
}

static bool look(struct batch *b, const struct madp_desired *d, const struct madp_link_count *n,
	struct madp_gauge *was, mams_time now)
{
	struct madp_gauge is;
	const struct madp_link_count *best;
	struct ctl_quality *q;
	struct ctl_quality_link *l;
	bool back;

	/* most links of most sessions are none: of those nothing else is read */
	if (madp_load(&n->owner) == 0)
		return false;
	is = totals(n, now);
	if (was->owner != is.owner || is.owner == 0) {
		*was = is;
		return false;
	}
	back = is.downs != was->downs && madp_load(&n->up);
	if (!back)
		is.downs = was->downs;
	if (!back && is.tx_packets - was->tx_packets + is.rx_packets - was->rx_packets <
			     MADP_GAUGE_PACKETS)
		return false;
	best = nearest(d->account);
	q = room(b);
	if (!q)
		return false;
	b->told[q->n_links].gauge = was;
	b->told[q->n_links].is = is;
	l = &q->links[q->n_links++];
	*l = (struct ctl_quality_link){.session_id = d->id,
		.has_connection_id = true,
		.connection_id = (uint8_t)(is.owner - 1),
		.ul = uplink(n, best, was, &is),
		.dl = downlink(n, best, was, &is)};
	if (back)
		begin_anew(l);
	return q->n_links == CTL_QUALITY_LINKS;
}

void madp_gauge_tell(struct mams_ctl_server *server, struct madp_desired *sessions, mams_time now)
{
	struct batch b = {0};

	for (struct madp_desired *d = sessions; d; d = d->by_client.next)
		for (size_t i = 0; i < MADP_LINKS_MAX; i++)
			if (look(&b, d, &d->account->link[i], &d->gauge[i], now) &&
				!flush(server, &b))
				return;
	(void)flush(server, &b);
}
