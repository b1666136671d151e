#include "trailer-madp/announce.h"

#include "lib/mx/mx_control.h"

#define URGENT_ROUNDS 3
#define URGENT_US 20000
#define SELDOM_US 500000 /* reports that stand for probes come as often at least */

void madp_announce_soon(struct madp_plane *p, mams_time now)
{
	p->urgent = p->known;
	p->urgent_n = URGENT_ROUNDS;
	p->urgent_at = now;
}

/** When something of ours with a timestamp last went out on a link. */
static mams_time said_at(const struct madp_plane *p, unsigned slot)
{
	mams_time data = p->tx.link[slot].sent_at;

	return mams_time_before(p->link[slot].said_at, data) ? data : p->link[slot].said_at;
}

static size_t encode(const struct mx_control *c, uint8_t *buf)
{
	int len = mx_control_encode(c, buf, MADP_CONTROL_MAX);

	return len > 0 ? (size_t)len : 0;
}

static size_t put_ack(struct madp_plane *p, uint8_t *buf, unsigned *slot)
{
	struct madp_ack a = p->ack[--p->n_acks];

	*slot = a.slot;
	return encode(&(struct mx_control){.kind = MX_CONTROL_ACK,
			      .cid = p->link[a.slot].cid,
			      .sn = a.seq,
			      .active = a.active,
			      .lsb_first = a.lsb_first},
		buf);
}

static size_t put_probe(struct madp_plane *p, unsigned slot, const struct madp_probe_pdu *pdu,
	uint8_t *buf, mams_time now)
{
	uint8_t pad[MADP_CONTROL_MAX];
	struct mx_control c = {.cid = p->link[slot].cid, .sn = pdu->seq};

	if (pdu->kind == MADP_PROBE_KEEP_ALIVE) {
		c.kind = MX_CONTROL_KEEP_ALIVE;
		return encode(&c, buf);
	}
	c.kind = MX_CONTROL_REQ;
	c.want_ack = pdu->ack;
	c.active = pdu->active;
	c.padding = pad;
	c.padding_len = mx_control_padding(false, pdu->size);
	madp_probe_pad_put(&p->link[slot].probe, madp_timestamp(now), pad, c.padding_len);
	return encode(&c, buf);
}

static uint64_t received(const struct madp_plane *p)
{
	uint64_t n = 0;

	for (unsigned i = 0; p->known >> i; i++)
		if (madp_plane_is_known(p, i))
			n += p->rx.meter[i].packets;
	return n;
}

static uint64_t sent(const struct madp_plane *p)
{
	uint64_t n = 0;

	for (unsigned i = 0; p->known >> i; i++)
		if (madp_plane_is_known(p, i))
			n += p->tx.link[i].sent_octets;
	return n;
}

static uint16_t cids_of(const struct madp_plane *p, madp_linkset set)
{
	uint16_t cids = 0;

	for (unsigned i = 0; p->known >> i; i++) {
		if (madp_plane_is_known(p, i) && (set & madp_link_bit(i)))
			cids |= (uint16_t)(1u << p->link[i].cid);
	}
	return cids;
}

/** @param all  of all flows, not only of those that carry something */
static size_t put_report(struct madp_plane *p, unsigned slot, bool all, uint8_t *buf, mams_time now)
{
	unsigned flows = all ? (1u << MADP_CLASSES_MAX) - 1 : p->tx.begun | p->rx.begun;
	struct madp_report r = {
		.cid = p->link[slot].cid, .seq = ++p->report_seq, .ts_ms = madp_timestamp(now)};
	uint8_t cid[MADP_LINKS_MAX] = {0};
	uint16_t sends[MADP_CLASSES_MAX] = {0};

	for (unsigned i = 0; p->known >> i; i++)
		cid[i] = p->link[i].cid;
	for (unsigned i = 0; flows >> i; i++)
		if (flows >> i & 1)
			sends[i] = cids_of(p, madp_treat_used(&p->tx.cls[i].treat, p->tx.up));
	madp_receiver_report(&p->rx, cid, sends, &r, now);
	for (unsigned i = 0; i < r.n_links; i++) {
		int at = madp_plane_slot(p, r.link[i].cid);

		r.link[i].down = !madp_plane_is_heard(&p->link[at]);
	}
	p->report_at = now;
	p->reported = received(p);
	p->link[slot].said_at = now;
	return madp_report_encode(&r, buf);
}

static size_t put_urgent(struct madp_plane *p, uint8_t *buf, unsigned *slot, mams_time now)
{
	if (mams_time_before(now, p->urgent_at))
		return 0;
	for (unsigned i = 0; p->known >> i; i++) {
		if (!(p->urgent & madp_link_bit(i)))
			continue;
		p->urgent &= (madp_linkset)~madp_link_bit(i);
		if (!madp_plane_is_known(p, i) || !p->link[i].carrier)
			continue;
		*slot = i;
		return put_report(p, i, true, buf, now);
	}
	if (--p->urgent_n) {
		p->urgent = p->known;
		p->urgent_at = mams_time_us(now.us + URGENT_US);
	} else {
		p->urgent_at = MAMS_TIME_NEVER;
	}
	return 0;
}

/* The usable link that brings a report back soonest. */
static int best_link(const struct madp_plane *p)
{
	int best = -1;

	for (unsigned i = 0; p->known >> i; i++) {
		if (madp_plane_is_up(p, i) &&
			(best < 0 || p->tx.link[i].rtt_us < p->tx.link[best].rtt_us))
			best = (int)i;
	}
	return best;
}

/* Only the N-MADP sends probes, so it stays awake as long as the C-MADP may be: while that one's
 * reports come.  A C-MADP that wakes says so on every link, since what woke it may be under way on
 * one that is dead. */
static mams_time idle_at(const struct madp_plane *p)
{
	mams_time used = mams_time_us(p->used_at.us + (int64_t)p->conf.idle_us);
	mams_time told = mams_time_us(p->peer_at.us + (int64_t)p->conf.idle_us);
	bool listens = p->conf.role == MADP_PROBE_NETWORK && p->peer_seen;

	return listens && mams_time_before(used, told) ? told : used;
}

static void look_idle(struct madp_plane *p, mams_time now)
{
	uint64_t moved = received(p) + sent(p);
	bool idle;

	if (moved != p->moved) {
		int64_t gap = now.us - p->used_at.us;

		p->moved = moved;
		p->gap_us = gap < UINT32_MAX ? (uint32_t)gap : UINT32_MAX;
		p->used_at = now;
	}
	idle = mams_time_before(idle_at(p), now);
	if (idle == p->idle)
		return;
	p->idle = idle;
	for (unsigned i = 0; p->known >> i; i++) {
		if (madp_plane_is_known(p, i))
			madp_probe_idle(&p->link[i].probe, idle, now);
	}
	if (!idle)
		madp_announce_soon(p, now);
}

/** There is nothing to choose from where a session has one link. */
static bool is_alone(const struct madp_plane *p)
{
	return !(p->known & (p->known - 1u));
}

/** An N-MADP's reports on a session's only link stand for probes, once the peer has shown that it
 *  knows what a report is, and so hears us by it. */
static bool is_told(const struct madp_plane *p)
{
	return is_alone(p) && p->peer_seen && p->conf.role == MADP_PROBE_NETWORK;
}

/** As long as from one probe to the next. */
static int64_t probe_us(const struct madp_plane *p)
{
	int best = best_link(p);
	int64_t us = best < 0 ? 0 : madp_probe_interval_us(&p->link[best].probe);

	if (us > SELDOM_US)
		us = SELDOM_US;
	return us > p->conf.report_alone_us ? us : p->conf.report_alone_us;
}

/** How long a report that nobody goes by waits.
 *  @param flows  data comes or goes in this turn: looked after for a report alone, the session
 *  would have to come into the caches for it alone */
static int64_t calm_us(const struct madp_plane *p, bool flows)
{
	int64_t us = is_alone(p) ? p->conf.report_alone_us : p->conf.report_calm_us;
	int64_t most;

	if (!is_alone(p) || p->conf.role != MADP_PROBE_NETWORK)
		return us * (flows ? 4 : 5) / 4;
	us = probe_us(p);
	most = us * 7 / 6;
	if (!flows)
		return most;
	/* the next such turn may be too late, if they come as they have come */
	us = us * 3 / 4;
	return most - p->gap_us > us ? most - p->gap_us : us;
}

/** When data that has come wants a report. */
static mams_time fast_at(const struct madp_plane *p, bool flows)
{
	int64_t us = p->rx.begun & ~p->calm ? p->conf.report_us : calm_us(p, flows);

	return received(p) != p->reported ? mams_time_us(p->report_at.us + us) : MAMS_TIME_NEVER;
}

/** When a link wants a report whatever flows on others.  Of a session's only one data tells as
 * much, or a probe. */
static mams_time quiet_at(const struct madp_plane *p, unsigned slot)
{
	bool alone = is_alone(p);
	mams_time from = alone ? said_at(p, slot) : p->link[slot].said_at;

	if (p->idle || !p->conf.report_quiet_us || (alone && p->conf.role == MADP_PROBE_NETWORK))
		return MAMS_TIME_NEVER;
	from = mams_time_us(from.us + (int64_t)p->conf.report_quiet_us);
	if (!alone)
		return from;
	return mams_time_min(from, madp_probe_miss_at(&p->link[slot].probe, p->link[slot].said_at));
}

static bool is_due(const struct madp_plane *p, mams_time now)
{
	return !mams_time_before(now, fast_at(p, p->used_at.us == now.us));
}

static size_t put_due_report(struct madp_plane *p, uint8_t *buf, unsigned *slot, mams_time now)
{
	int best = best_link(p);

	if (best >= 0 && is_due(p, now)) {
		*slot = (unsigned)best;
		if (is_told(p))
			madp_probe_told(&p->link[best].probe, now);
		return put_report(p, *slot, false, buf, now);
	}
	for (unsigned i = 0; p->known >> i; i++) {
		if (!madp_plane_is_known(p, i) || !p->link[i].carrier ||
			mams_time_before(now, quiet_at(p, i)))
			continue;
		*slot = i;
		return put_report(p, i, false, buf, now);
	}
	return 0;
}

/** Where reports stand for probes, a probe stands for a report, too, unless the last was one, too.
 *  What the report would have told comes with the next. */
static void tell_by_probe(struct madp_plane *p, unsigned slot, mams_time asked, mams_time now)
{
	if (!is_told(p) || !mams_time_before(asked, p->report_at))
		return;
	p->report_at = now;
	madp_probe_told(&p->link[slot].probe, now);
}

static size_t put_due_probe(struct madp_plane *p, uint8_t *buf, unsigned *slot, mams_time now)
{
	struct madp_probe_pdu pdu;

	for (unsigned i = 0; p->known >> i; i++) {
		struct madp_probe *probe = &p->link[i].probe;
		mams_time asked = probe->asked_at;
		bool due;

		if (!madp_plane_is_known(p, i) || !p->link[i].carrier)
			continue;
		if (is_told(p) && is_due(p, now))
			madp_probe_instead(probe, now);
		due = madp_probe_next(probe, p->rx.meter[i].octets, now, &pdu);
		madp_plane_events(p, i, now);
		if (!due)
			continue;
		*slot = i;
		tell_by_probe(p, i, asked, now);
		return put_probe(p, i, &pdu, buf, now);
	}
	return 0;
}

size_t madp_plane_control_next(struct madp_plane *p, mams_time now, uint8_t *buf, unsigned *slot)
{
	size_t len;

	look_idle(p, now);
	while (p->n_acks) {
		len = put_ack(p, buf, slot);
		if (madp_plane_is_known(p, *slot) && p->link[*slot].carrier)
			return len;
	}
	len = put_due_probe(p, buf, slot, now);
	if (len == 0)
		len = put_urgent(p, buf, slot, now);
	return len ? len : put_due_report(p, buf, slot, now);
}

mams_time madp_plane_deadline(const struct madp_plane *p, mams_time now)
{
	mams_time t = mams_time_min(p->urgent_at, madp_sender_deadline(&p->tx, now));

	t = mams_time_min(t, madp_receiver_deadline(&p->rx));
	if (best_link(p) >= 0)
		t = mams_time_min(t, fast_at(p, false));
	if (!p->idle)
		t = mams_time_min(t, mams_time_us(idle_at(p).us + 1));
	for (unsigned i = 0; p->known >> i; i++) {
		if (!madp_plane_is_known(p, i) || !p->link[i].carrier)
			continue;
		t = mams_time_min(t, madp_probe_deadline(&p->link[i].probe));
		t = mams_time_min(t, quiet_at(p, i));
	}
	return p->n_acks ? now : t;
}
