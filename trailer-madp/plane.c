#include "trailer-madp/plane.h"

#include "lib/mx/mx_control.h"

#define URGENT_ROUNDS 3
#define URGENT_US 20000
#define RESEND_US 300000  /* from finding a dead link out to having sent again what it held */
#define FORGET_US 5000000 /* after so long any sequence number of the peer's reports is new */

const struct madp_plane_conf madp_plane_defaults = {
	.role = MADP_PROBE_CLIENT,
	.sender = {.hold_packets = 2048,
		.hold_octets = 512 * 1024,
		.hold_us = 200000,
		.lossless_octets = 1024 * 1024,
		.lossless_us = 1000000,
		.retain_packets = 8192,
		.retain_octets = 8 * 1024 * 1024,
		.retain_us = 2000000},
	.window = 16384,
	.report_us = 10000,
	.report_quiet_us = 100000,
	.idle_us = 5000000,
};

void madp_plane_init(struct madp_plane *p, const struct madp_plane_conf *conf,
	const struct madp_mem *mem, mams_time now)
{
	*p = (struct madp_plane){.conf = *conf,
		.urgent_at = MAMS_TIME_NEVER,
		.peer_at = now,
		.used_at = now,
		.report_at = now};
	madp_sender_init(&p->tx, &conf->sender, mem, now);
	madp_receiver_init(&p->rx, conf->window, mem, now);
}

void madp_plane_fini(struct madp_plane *p)
{
	madp_sender_fini(&p->tx);
	madp_receiver_fini(&p->rx);
}

/* ---- links ---- */

static bool is_known(const struct madp_plane *p, unsigned slot)
{
	return slot < MADP_LINKS_MAX && (p->known & madp_link_bit(slot));
}

int madp_plane_slot(const struct madp_plane *p, uint8_t cid)
{
	for (unsigned i = 0; i < MADP_LINKS_MAX; i++) {
		if (is_known(p, i) && p->link[i].cid == cid)
			return (int)i;
	}
	return -1;
}

bool madp_plane_is_up(const struct madp_plane *p, unsigned slot)
{
	return is_known(p, slot) && p->link[slot].up;
}

static void tell_peer(struct madp_plane *p, mams_time now)
{
	p->urgent = p->known;
	p->urgent_n = URGENT_ROUNDS;
	p->urgent_at = now;
}

/* Do we hear it, and may we use it?  That is what the peer is told. */
static bool is_heard(const struct madp_plane_link *l)
{
	return l->carrier && l->probe.alive;
}

static void settle(struct madp_plane *p, unsigned slot, enum madp_link_cause cause, mams_time now)
{
	struct madp_plane_link *l = &p->link[slot];
	bool up = is_heard(l) && !l->peer_down;

	if (up == l->up)
		return;
	l->up = up;
	l->cause = cause;
	p->changed |= madp_link_bit(slot);
	madp_sender_link_up(&p->tx, slot, up, now);
	madp_receiver_link_up(&p->rx, slot, up, now);
}

/* A link is in the active phase while some class may send user data on it (seed 6.5). */
static void set_phases(struct madp_plane *p, mams_time now)
{
	madp_linkset used = 0;

	for (unsigned i = 0; i < MADP_CLASSES_MAX; i++)
		used |= madp_treat_set(&p->tx.cls[i].treat);
	for (unsigned i = 0; i < MADP_LINKS_MAX; i++) {
		if (is_known(p, i))
			madp_probe_phase(&p->link[i].probe, used & madp_link_bit(i), now);
	}
}

void madp_plane_link_add(
	struct madp_plane *p, unsigned slot, const struct madp_link_conf *c, mams_time now)
{
	struct madp_plane_link *l = &p->link[slot];

	*l = (struct madp_plane_link){.cid = c->cid,
		.carrier = true,
		.up = true,
		.cause = MADP_LINK_ADMIN,
		.quiet_at = now};
	madp_probe_init(&l->probe, p->conf.role, &c->probe, now);
	l->probe.idle = p->idle;
	p->known |= madp_link_bit(slot);
	p->changed |= madp_link_bit(slot);
	madp_sender_link_add(&p->tx, slot, c->rate, c->bound, now);
	madp_receiver_link_add(&p->rx, slot, now);
	set_phases(p, now);
	tell_peer(p, now);
}

void madp_plane_link_del(struct madp_plane *p, unsigned slot, mams_time now)
{
	if (!is_known(p, slot))
		return;
	if (p->link[slot].up)
		p->changed |= madp_link_bit(slot);
	p->link[slot].up = false;
	p->link[slot].cause = MADP_LINK_ADMIN;
	madp_sender_link_del(&p->tx, slot);
	madp_receiver_link_del(&p->rx, slot, now);
	p->known &= (madp_linkset)~madp_link_bit(slot);
	tell_peer(p, now);
}

void madp_plane_carrier(struct madp_plane *p, unsigned slot, bool up, mams_time now)
{
	if (!is_known(p, slot) || p->link[slot].carrier == up)
		return;
	p->link[slot].carrier = up;
	madp_probe_carrier(&p->link[slot].probe, up, now);
	settle(p, slot, MADP_LINK_CARRIER, now);
	tell_peer(p, now);
}

void madp_plane_proven(struct madp_plane *p, unsigned slot, mams_time now)
{
	if (!is_known(p, slot))
		return;
	p->link[slot].carrier = true;
	madp_probe_carrier(&p->link[slot].probe, true, now);
	settle(p, slot, MADP_LINK_CARRIER, now);
	tell_peer(p, now);
}

void madp_plane_slept(struct madp_plane *p, int64_t us, mams_time now)
{
	for (unsigned i = 0; i < MADP_LINKS_MAX; i++) {
		if (is_known(p, i))
			madp_probe_slept(&p->link[i].probe, us, now);
	}
}

int madp_plane_treat(struct madp_plane *p, unsigned cls, const struct madp_treat *t,
	bool peer_lossless, bool pass_late, mams_time now)
{
	uint32_t hold = 0;
	int rc = madp_sender_treat(&p->tx, cls, t, now);

	if (rc < 0)
		return rc;
	for (unsigned i = 0; peer_lossless && i < MADP_LINKS_MAX; i++) {
		uint32_t us = madp_probe_patience_us(&p->link[i].probe) + RESEND_US;

		if (is_known(p, i) && us > hold)
			hold = us;
	}
	madp_receiver_treat(&p->rx, cls, hold, pass_late);
	set_phases(p, now);
	tell_peer(p, now);
	return 0;
}

madp_linkset madp_plane_changed(struct madp_plane *p)
{
	madp_linkset set = p->changed;

	p->changed = 0;
	return set;
}

madp_linkset madp_plane_results(struct madp_plane *p)
{
	madp_linkset set = p->results;

	p->results = 0;
	return set;
}

/* ---- what arrives ---- */

static void heard(struct madp_plane *p, unsigned slot, const uint32_t *ts_ms, mams_time now)
{
	madp_probe_heard(&p->link[slot].probe, now);
	madp_receiver_heard(&p->rx, slot, ts_ms, now);
}

bool madp_plane_pdu(struct madp_plane *p, unsigned slot, const struct madp_in *in, mams_time now)
{
	if (!madp_receiver_pdu(&p->rx, slot, in, now))
		return false;
	madp_probe_heard(&p->link[slot].probe, now);
	return true;
}

static void take_events(struct madp_plane *p, unsigned slot, mams_time now)
{
	struct madp_probe *probe = &p->link[slot].probe;
	unsigned ev = madp_probe_events(probe);

	if (ev & (MADP_PROBE_EV_INIT | MADP_PROBE_EV_ACTIVE))
		p->results |= madp_link_bit(slot);
	if (!(ev & (MADP_PROBE_EV_UP | MADP_PROBE_EV_SILENT)))
		return;
	settle(p, slot, MADP_LINK_SILENT, now);
	tell_peer(p, now);
}

static madp_linkset slots_of(const struct madp_plane *p, uint16_t cids)
{
	madp_linkset set = 0;

	for (unsigned i = 0; i < MADP_LINKS_MAX; i++) {
		if (is_known(p, i) && (cids >> p->link[i].cid & 1))
			set |= madp_link_bit(i);
	}
	return set;
}

static void on_report(
	struct madp_plane *p, unsigned slot, const uint8_t *pdu, size_t len, mams_time now)
{
	struct madp_report r;

	if (madp_report_decode(pdu, len, &r) < 0) {
		p->n_control_bad++;
		return;
	}
	heard(p, slot, &r.ts_ms, now);
	if (p->peer_seen && (int16_t)(uint16_t)(r.seq - p->peer_seq) <= 0 &&
		now.us - p->peer_at.us < FORGET_US) {
		p->n_reports_old++;
		return;
	}
	p->peer_seen = true;
	p->peer_seq = r.seq;
	p->peer_at = now;
	p->n_reports++;
	for (unsigned i = 0; i < r.n_links; i++) {
		int at = madp_plane_slot(p, r.link[i].cid);

		if (at < 0)
			continue;
		madp_pace_report(&p->tx.link[at], &r.link[i], now);
		p->link[at].peer_down = r.link[i].down;
		settle(p, (unsigned)at, MADP_LINK_PEER, now);
	}
	for (unsigned i = 0; i < r.n_flows; i++) {
		madp_retain_ack(&p->tx.cls[r.flow[i].flow].retain, r.flow[i].expect);
		madp_receiver_links(&p->rx, r.flow[i].flow, slots_of(p, r.flow[i].cids));
	}
}

static void owe_ack(struct madp_plane *p, unsigned slot, const struct mx_control *req)
{
	if (p->n_acks == MADP_ACKS_OWED) {
		p->n_ack_full++;
		return;
	}
	p->ack[p->n_acks++] =
		(struct madp_ack){req->sn, req->active, req->lsb_first, (uint8_t)slot};
}

static void on_req(
	struct madp_plane *p, unsigned slot, const struct mx_control *c, size_t len, mams_time now)
{
	struct madp_probe *probe = &p->link[slot].probe;
	int at = c->has_rcid ? madp_plane_slot(p, c->rcid) : (int)slot;
	uint32_t ts_ms;

	if (at < 0) {
		p->n_control_bad++;
		return;
	}
	if (c->padding && madp_probe_pad_get(probe, c->padding, c->padding_len, &ts_ms))
		heard(p, slot, &ts_ms, now);
	else
		heard(p, slot, NULL, now);
	if (madp_probe_on_req(probe, c->sn, c->want_ack, c->active, (uint32_t)len, now))
		owe_ack(p, (unsigned)at, c);
}

/* The answer may come on another link than the probe went out on: it is that link which is heard,
 * and whose sequence numbers count. */
static void on_ack(struct madp_plane *p, unsigned slot, const struct mx_control *c, mams_time now)
{
	struct madp_probe *probe = &p->link[slot].probe;

	heard(p, slot, NULL, now);
	if (!madp_probe_on_ack(probe, c->sn, now)) {
		p->n_ack_stray++;
		return;
	}
	madp_pace_rtt(&p->tx.link[slot], probe->rtt_us);
}

static void on_mx_control(
	struct madp_plane *p, unsigned slot, const uint8_t *pdu, size_t len, mams_time now)
{
	struct mx_control c;
	int rc = mx_control_decode(pdu, len, p->conf.role == MADP_PROBE_CLIENT, &c);

	if (rc < 0) {
		p->n_control_unknown += rc == -MAMS_EUNKNOWN;
		p->n_control_bad += rc != -MAMS_EUNKNOWN;
		return;
	}
	switch (c.kind) {
	case MX_CONTROL_KEEP_ALIVE:
		heard(p, slot, NULL, now);
		break;
	case MX_CONTROL_REQ:
		on_req(p, slot, &c, len, now);
		break;
	case MX_CONTROL_ACK:
		on_ack(p, slot, &c, now);
		break;
	}
}

void madp_plane_control(
	struct madp_plane *p, unsigned slot, const uint8_t *pdu, size_t len, mams_time now)
{
	if (!is_known(p, slot) || len < 2 || pdu[1] != p->link[slot].cid) {
		p->n_control_bad++;
		return;
	}
	if (pdu[0] == MADP_REPORT_TYPE)
		on_report(p, slot, pdu, len, now);
	else
		on_mx_control(p, slot, pdu, len, now);
	take_events(p, slot, now);
}

/* ---- what goes out ---- */

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

	for (unsigned i = 0; i < MADP_LINKS_MAX; i++)
		n += p->rx.meter[i].packets;
	return n;
}

static uint64_t sent(const struct madp_plane *p)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < MADP_LINKS_MAX; i++)
		n += p->tx.link[i].sent_octets;
	return n;
}

static uint16_t cids_of(const struct madp_plane *p, madp_linkset set)
{
	uint16_t cids = 0;

	for (unsigned i = 0; i < MADP_LINKS_MAX; i++) {
		if (is_known(p, i) && (set & madp_link_bit(i)))
			cids |= (uint16_t)(1u << p->link[i].cid);
	}
	return cids;
}

static size_t put_report(struct madp_plane *p, unsigned slot, uint8_t *buf, mams_time now)
{
	struct madp_report r = {
		.cid = p->link[slot].cid, .seq = ++p->report_seq, .ts_ms = madp_timestamp(now)};
	uint8_t cid[MADP_LINKS_MAX];
	uint16_t sends[MADP_CLASSES_MAX] = {0};

	for (unsigned i = 0; i < MADP_LINKS_MAX; i++)
		cid[i] = p->link[i].cid;
	for (unsigned i = 0; i < MADP_CLASSES_MAX; i++)
		sends[i] = cids_of(p, madp_treat_set(&p->tx.cls[i].treat));
	madp_receiver_report(&p->rx, cid, sends, &r, now);
	for (unsigned i = 0; i < r.n_links; i++) {
		int at = madp_plane_slot(p, r.link[i].cid);

		r.link[i].down = !is_heard(&p->link[at]);
	}
	p->report_at = now;
	p->reported = received(p);
	p->link[slot].quiet_at = mams_time_us(now.us + p->conf.report_quiet_us);
	return madp_report_encode(&r, buf);
}

static size_t put_urgent(struct madp_plane *p, uint8_t *buf, unsigned *slot, mams_time now)
{
	if (mams_time_before(now, p->urgent_at))
		return 0;
	for (unsigned i = 0; i < MADP_LINKS_MAX; i++) {
		if (!(p->urgent & madp_link_bit(i)))
			continue;
		p->urgent &= (madp_linkset)~madp_link_bit(i);
		if (!is_known(p, i) || !p->link[i].carrier)
			continue;
		*slot = i;
		return put_report(p, i, buf, now);
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

	for (unsigned i = 0; i < MADP_LINKS_MAX; i++) {
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
		p->moved = moved;
		p->used_at = now;
	}
	idle = mams_time_before(idle_at(p), now);
	if (idle == p->idle)
		return;
	p->idle = idle;
	for (unsigned i = 0; i < MADP_LINKS_MAX; i++) {
		if (is_known(p, i))
			madp_probe_idle(&p->link[i].probe, idle, now);
	}
	if (!idle)
		tell_peer(p, now);
}

static mams_time fast_at(const struct madp_plane *p)
{
	return received(p) != p->reported ? mams_time_us(p->report_at.us + p->conf.report_us)
					  : MAMS_TIME_NEVER;
}

static size_t put_due_report(struct madp_plane *p, uint8_t *buf, unsigned *slot, mams_time now)
{
	int best = best_link(p);

	if (best >= 0 && !mams_time_before(now, fast_at(p))) {
		*slot = (unsigned)best;
		return put_report(p, *slot, buf, now);
	}
	for (unsigned i = 0; !p->idle && p->conf.report_quiet_us && i < MADP_LINKS_MAX; i++) {
		if (!is_known(p, i) || !p->link[i].carrier ||
			mams_time_before(now, p->link[i].quiet_at))
			continue;
		*slot = i;
		return put_report(p, i, buf, now);
	}
	return 0;
}

size_t madp_plane_control_next(struct madp_plane *p, mams_time now, uint8_t *buf, unsigned *slot)
{
	struct madp_probe_pdu pdu;
	size_t len;

	look_idle(p, now);
	while (p->n_acks) {
		len = put_ack(p, buf, slot);
		if (is_known(p, *slot) && p->link[*slot].carrier)
			return len;
	}
	for (unsigned i = 0; i < MADP_LINKS_MAX; i++) {
		bool due;

		if (!is_known(p, i) || !p->link[i].carrier)
			continue;
		due = madp_probe_next(&p->link[i].probe, p->rx.meter[i].octets, now, &pdu);
		take_events(p, i, now);
		if (due) {
			*slot = i;
			return put_probe(p, i, &pdu, buf, now);
		}
	}
	len = put_urgent(p, buf, slot, now);
	return len ? len : put_due_report(p, buf, slot, now);
}

mams_time madp_plane_deadline(const struct madp_plane *p, mams_time now)
{
	mams_time t = mams_time_min(p->urgent_at, madp_sender_deadline(&p->tx, now));

	t = mams_time_min(t, madp_receiver_deadline(&p->rx));
	if (best_link(p) >= 0)
		t = mams_time_min(t, fast_at(p));
	if (!p->idle)
		t = mams_time_min(t, mams_time_us(idle_at(p).us + 1));
	for (unsigned i = 0; i < MADP_LINKS_MAX; i++) {
		if (!is_known(p, i) || !p->link[i].carrier)
			continue;
		t = mams_time_min(t, madp_probe_deadline(&p->link[i].probe));
		if (!p->idle && p->conf.report_quiet_us)
			t = mams_time_min(t, p->link[i].quiet_at);
	}
	return p->n_acks ? now : t;
}
