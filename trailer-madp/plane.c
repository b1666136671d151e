#include "trailer-madp/plane.h"

#include "lib/mx/mx_control.h"
#include "trailer-madp/announce.h"

#define RESEND_US 300000  /* from finding a dead link out to having sent again what it held */
#define FORGET_US 5000000 /* after so long any sequence number of the peer's reports is new */

const struct madp_plane_conf madp_plane_defaults = {
	.role = MADP_PROBE_CLIENT,
	.sender = {.hold_packets = 2048,
		.hold_octets = 1024 * 1024,
		.hold_us = 200000,
		.lossless_octets = 1024 * 1024,
		.lossless_us = 1000000,
		.retain_packets = 8192,
		.retain_octets = 8 * 1024 * 1024,
		.retain_us = 2000000},
	.window = 16384,
	.report_us = 10000,
	.report_calm_us = 100000,
	.report_alone_us = 150000,
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

int madp_plane_slot(const struct madp_plane *p, uint8_t cid)
{
	for (unsigned i = 0; i < MADP_LINKS_MAX; i++) {
		if (madp_plane_is_known(p, i) && p->link[i].cid == cid)
			return (int)i;
	}
	return -1;
}

bool madp_plane_is_up(const struct madp_plane *p, unsigned slot)
{
	return madp_plane_is_known(p, slot) && p->link[slot].up;
}

static void settle(struct madp_plane *p, unsigned slot, enum madp_link_cause cause, mams_time now)
{
	struct madp_plane_link *l = &p->link[slot];
	bool up = madp_plane_is_heard(l) && !l->peer_down;

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
		if (madp_plane_is_known(p, i))
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
		.said_at = now};
	madp_probe_init(&l->probe, p->conf.role, &c->probe, now);
	l->probe.idle = p->idle;
	p->known |= madp_link_bit(slot);
	p->changed |= madp_link_bit(slot);
	madp_sender_link_add(&p->tx, slot, c->rate, c->bound, now);
	madp_receiver_link_add(&p->rx, slot, now);
	set_phases(p, now);
	madp_announce_soon(p, now);
}

void madp_plane_link_del(struct madp_plane *p, unsigned slot, mams_time now)
{
	if (!madp_plane_is_known(p, slot))
		return;
	if (p->link[slot].up)
		p->changed |= madp_link_bit(slot);
	p->link[slot].up = false;
	p->link[slot].cause = MADP_LINK_ADMIN;
	madp_sender_link_del(&p->tx, slot);
	madp_receiver_link_del(&p->rx, slot, now);
	p->known &= (madp_linkset)~madp_link_bit(slot);
	madp_announce_soon(p, now);
}

void madp_plane_carrier(struct madp_plane *p, unsigned slot, bool up, mams_time now)
{
	if (!madp_plane_is_known(p, slot) || p->link[slot].carrier == up)
		return;
	p->link[slot].carrier = up;
	madp_probe_carrier(&p->link[slot].probe, up, now);
	settle(p, slot, MADP_LINK_CARRIER, now);
	madp_announce_soon(p, now);
}

void madp_plane_proven(struct madp_plane *p, unsigned slot, mams_time now)
{
	if (!madp_plane_is_known(p, slot))
		return;
	p->link[slot].carrier = true;
	madp_probe_carrier(&p->link[slot].probe, true, now);
	settle(p, slot, MADP_LINK_CARRIER, now);
	madp_announce_soon(p, now);
}

void madp_plane_slept(struct madp_plane *p, int64_t us, mams_time now)
{
	for (unsigned i = 0; i < MADP_LINKS_MAX; i++) {
		if (madp_plane_is_known(p, i))
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

		if (madp_plane_is_known(p, i) && us > hold)
			hold = us;
	}
	madp_receiver_treat(&p->rx, cls, hold, pass_late);
	set_phases(p, now);
	madp_announce_soon(p, now);
	return 0;
}

void madp_plane_calm(struct madp_plane *p, unsigned cls, bool yes)
{
	p->calm &= (uint16_t) ~(1u << cls);
	if (yes)
		p->calm |= (uint16_t)(1u << cls);
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

void madp_plane_events(struct madp_plane *p, unsigned slot, mams_time now)
{
	struct madp_probe *probe = &p->link[slot].probe;
	unsigned ev = madp_probe_events(probe);

	if (ev & (MADP_PROBE_EV_INIT | MADP_PROBE_EV_ACTIVE))
		p->results |= madp_link_bit(slot);
	if (!(ev & (MADP_PROBE_EV_UP | MADP_PROBE_EV_SILENT)))
		return;
	settle(p, slot, MADP_LINK_SILENT, now);
	madp_announce_soon(p, now);
}

static madp_linkset slots_of(const struct madp_plane *p, uint16_t cids)
{
	madp_linkset set = 0;

	for (unsigned i = 0; i < MADP_LINKS_MAX; i++) {
		if (madp_plane_is_known(p, i) && (cids >> p->link[i].cid & 1))
			set |= madp_link_bit(i);
	}
	return set;
}

/* A report names all links of its sender: one that it leaves out was taken away there. */
static void take_links(struct madp_plane *p, const struct madp_report *r, mams_time now)
{
	madp_linkset gone = p->known;

	for (unsigned i = 0; i < r->n_links; i++) {
		int at = madp_plane_slot(p, r->link[i].cid);

		if (at < 0)
			continue;
		gone &= (madp_linkset)~madp_link_bit((unsigned)at);
		madp_pace_report(&p->tx.link[at], &r->link[i], now);
		p->link[at].peer_down = r->link[i].down;
		settle(p, (unsigned)at, MADP_LINK_PEER, now);
	}
	for (unsigned i = 0; gone >> i; i++) {
		if (!(gone & madp_link_bit(i)))
			continue;
		p->link[i].peer_down = true;
		settle(p, i, MADP_LINK_PEER, now);
	}
}

/** Where only data goes from the peer, and reports of it to the peer, one that is lost is not
 * noticed but by the peer, who says how old the newest is that it has.  Nobody could tell more than
 * that. */
static void look_missed(
	struct madp_plane *p, unsigned slot, const struct madp_report *r, mams_time now)
{
	struct madp_probe *probe = &p->link[slot].probe;

	/* where nothing flows there are probes, which are missed by themselves */
	if (now.us - p->used_at.us > 2 * madp_probe_interval_us(probe))
		return;
	for (unsigned i = 0; i < r->n_links; i++)
		if (r->link[i].cid == p->link[slot].cid && r->link[i].has_echo)
			madp_probe_missed(probe, r->link[i].held_us, now);
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
	take_links(p, &r, now);
	look_missed(p, slot, &r, now);
	for (unsigned i = 0; i < r.n_flows; i++) {
		madp_retain_ack(&p->tx.cls[r.flow[i].flow].retain, r.flow[i].expect);
		madp_receiver_links(&p->rx, r.flow[i].flow, slots_of(p, r.flow[i].cids), now);
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
	if (!madp_plane_is_known(p, slot) || len < 2 || pdu[1] != p->link[slot].cid) {
		p->n_control_bad++;
		return;
	}
	if (pdu[0] == MADP_REPORT_TYPE)
		on_report(p, slot, pdu, len, now);
	else
		on_mx_control(p, slot, pdu, len, now);
	madp_plane_events(p, slot, now);
}
