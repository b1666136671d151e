#include "proxy/gauge.h"

#include "proxy/conn.h"

#include <stdlib.h>
#include <string.h>

#define QUEUE_US 2000u /* a queue that is empty may cost so much */
#define DSS 20u        /* octets of MPTCP's option in a segment with data (RFC 8684 3.3) */

/* Octets around the payload of a segment; retransmissions count in sent and segs_sent alike. */
static uint64_t around(const struct mams_mptcp_subflow *f, uint64_t segs)
{
	return f->pmtu > f->mss ? segs * (f->pmtu - f->mss + DSS) : 0;
}

/* It sends what the network takes, and no less: something waits, or the window is full. */
static bool is_limited(const struct mams_mptcp_subflow *f)
{
	return f->notsent > 0 || f->unacked >= f->cwnd;
}

bool px_sample_of(const struct mams_mptcp_subflow *was, const struct mams_mptcp_subflow *is,
	bool waits, struct px_sample *out)
{
	static const struct mams_mptcp_subflow none;
	uint32_t again;
	uint32_t spurious;
	uint64_t payload;
	uint32_t rate = 0;

	if (!was)
		was = &none;
	*out = (struct px_sample){.local = is->local, .remote = is->remote};
	out->local.port = 0;
	out->remote.port = 0;
	out->sent = is->segs_sent - was->segs_sent;
	payload = is->bytes_sent - was->bytes_sent;
	again = is->retransmits - was->retransmits;
	spurious = is->spurious - was->spurious;
	out->lost = again > spurious ? again - spurious : 0;
	if (out->lost > out->sent)
		out->lost = out->sent;
	out->acked = is->bytes_acked - was->bytes_acked + around(is, out->sent - out->lost);
	out->received = is->bytes_received - was->bytes_received +
			around(is, is->segs_received - was->segs_received);
	if (is->bytes_acked == was->bytes_acked)
		out->acked = 0; /* and what was sent tells no round trip */
	if (out->acked) {
		out->rtt_us = is->rtt_us;
		out->jitter_us = is->rttvar_us;
	}
	if (out->acked && payload && (waits || is_limited(is)))
		rate = (uint32_t)(is->delivery_rate * 8 / 1000 * (payload + around(is, out->sent)) /
				  payload);
	out->rate_kbps = is_limited(is) ? rate : 0;
	out->train_kbps = is_limited(is) ? 0 : rate;
	return out->sent || out->received;
}

/* Octets that it has been given and that have not arrived. */
static uint64_t held_by(const struct mams_mptcp_subflow *f)
{
	return f->notsent + (uint64_t)f->unacked * f->mss;
}

/* How long these octets take over it, as it sends now. */
static uint64_t us_for(uint64_t octets, const struct mams_mptcp_subflow *f)
{
	const uint64_t window = (uint64_t)f->cwnd * f->mss;

	return window ? octets * f->rtt_us / window : 0;
}

bool px_holds_up(const struct mams_mptcp_subflow *f, const struct mams_mptcp_subflow *was,
	const struct mams_mptcp_subflow *is)
{
	const uint64_t held = held_by(f);
	const uint64_t wait = us_for(held, f);

	if (is->notsent > 0 || is->unacked >= is->cwnd / 2 || is->bytes_acked <= was->bytes_acked)
		return false;
	return f->notsent > 0 && wait >= PX_HOLDUP_US && us_for(held, is) + is->rtt_us < wait / 2;
}

bool px_lags(const struct mams_mptcp_subflow *f, uint64_t best)
{
	const uint64_t window = (uint64_t)f->cwnd * f->mss;

	if (!is_limited(f) || f->cwnd < f->ssthresh || f->rtt_us == 0)
		return false;
	return f->rtt_us < f->min_rtt_us + f->min_rtt_us / 4 + QUEUE_US &&
	       window * 1000000 / f->rtt_us < best / 2;
}

static void drop(struct px_gauge *g, struct px_gauge_slot *s)
{
	s->conn->gauge = 0;
	s->conn->unseen = true;
	s->conn = NULL;
	g->used--;
}

static const struct mams_mptcp_subflow *last_of(
	const struct px_gauge_slot *s, const struct mams_mptcp_subflow *is)
{
	for (size_t i = 0; i < s->n; i++)
		if (mams_addr_eq(&s->last[i].local, &is->local) &&
			mams_addr_eq(&s->last[i].remote, &is->remote))
			return &s->last[i];
	return NULL;
}

static void tell(struct px_worker *w, struct px_client *client, const struct px_sample *sample)
{
	struct px_note note = {
		.kind = PX_NOTE_SAMPLE, .client = px_client_ref(client), .sample = *sample};

	if (px_notes_put(w->notes, &note))
		return;
	px_client_unref(note.client);
	px_inc(&w->counters.notes_dropped);
}

static void tell_anew(struct px_worker *w, int fd, const struct mams_mptcp_subflow *f)
{
	struct px_note note = {
		.kind = PX_NOTE_ANEW, .subflow = {.local = f->local, .remote = f->remote}};
	struct mams_mptcp_info info;

	if (mams_mptcp_info(fd, &info) != 0)
		return;
	note.token = info.token;
	px_inc(px_notes_put(w->notes, &note) ? &w->counters.subflows_anew
					     : &w->counters.notes_dropped);
}

static void forget(struct px_gauge_slot *s)
{
	for (size_t i = 0; i < PX_GAUGE_SUBFLOWS; i++)
		s->best[i].octets -= s->best[i].octets / 64;
}

/* @return the most that the link of `is` has brought in a second, this one too */
static uint64_t best_of(struct px_gauge_slot *s, const struct mams_mptcp_subflow *was,
	const struct mams_mptcp_subflow *is)
{
	const uint64_t octets = was ? is->bytes_acked - was->bytes_acked : 0;
	struct px_gauge_best *place = &s->best[0];

	for (size_t i = 0; i < PX_GAUGE_SUBFLOWS; i++) {
		struct px_gauge_best *b = &s->best[i];

		if (mams_addr_eq_ip(&b->local, &is->local) &&
			mams_addr_eq_ip(&b->remote, &is->remote)) {
			b->octets = b->octets < octets ? octets : b->octets;
			return b->octets;
		}
		if (b->octets < place->octets)
			place = b;
	}
	*place = (struct px_gauge_best){.local = is->local, .remote = is->remote, .octets = octets};
	return octets;
}

/* Is one holding the others up? */
static void free_others(struct px_worker *w, struct px_gauge_slot *s,
	const struct mams_mptcp_subflow *now, size_t n)
{
	if (s->rest > 0) {
		s->rest--;
		return;
	}
	for (size_t i = 0; i < n * n; i++) {
		const struct mams_mptcp_subflow *f = &now[i / n];
		const struct mams_mptcp_subflow *other = &now[i % n];
		const struct mams_mptcp_subflow *was = last_of(s, other);

		if (f == other || !was || !px_holds_up(f, was, other))
			continue;
		tell_anew(w, s->conn->leg[0].fd, f);
		s->rest = PX_GAUGE_REST;
		return;
	}
}

/* Is one slow where its link is not?  The one that lacks most. */
static void renew(struct px_worker *w, struct px_gauge_slot *s,
	const struct mams_mptcp_subflow *now, size_t n)
{
	uint64_t most = 0;
	size_t which = n;

	forget(s);
	for (size_t i = 0; i < n; i++) {
		const uint64_t best = best_of(s, last_of(s, &now[i]), &now[i]);

		if (best <= most || !px_lags(&now[i], best))
			continue;
		most = best;
		which = i;
	}
	if (n < 2 || which == n || s->rest > 0)
		return;
	tell_anew(w, s->conn->leg[0].fd, &now[which]);
	s->rest = PX_GAUGE_REST;
}

/* A connection that has fallen back to TCP has no subflows that could be told; a kernel that tells
 * none of any need not be asked again. */
static void untold(struct px_worker *w, int fd)
{
	struct mams_mptcp_info info;

	px_inc(&w->counters.subflows_untold);
	if (mams_mptcp_info(fd, &info) == 0 && !info.fallback)
		w->gauge.off = true;
}

/* The kernel takes no more of what is for the client. */
static bool waits(const struct px_conn *c)
{
	return (c->held[0] && c->to[0] == 0) || (c->held[1] && c->to[1] == 0);
}

/* @return false: nothing has moved */
static bool tell_all(struct px_worker *w, const struct px_gauge_slot *s,
	const struct mams_mptcp_subflow *now, size_t n)
{
	struct px_sample sample;
	bool moved = false;

	for (size_t i = 0; i < n; i++) {
		const struct mams_mptcp_subflow *was = last_of(s, &now[i]);

		if (!px_sample_of(was, &now[i], waits(s->conn), &sample))
			continue;
		moved = true;
		/* of one that was there before its place, it is not known what is new */
		if (was || s->known)
			tell(w, s->conn->client, &sample);
	}
	return moved;
}

/* @return false: nothing has moved, or nothing is told */
static bool look(struct px_worker *w, struct px_gauge_slot *s)
{
	struct mams_mptcp_subflow now[PX_GAUGE_SUBFLOWS];
	size_t n;
	bool moved;

	if (mams_mptcp_subflows(s->conn->leg[0].fd, now, PX_GAUGE_SUBFLOWS, &n) < 0) {
		untold(w, s->conn->leg[0].fd);
		return false;
	}
	moved = tell_all(w, s, now, n);
	free_others(w, s, now, n);
	renew(w, s, now, n);
	memcpy(s->last, now, n * sizeof(now[0]));
	s->n = (uint8_t)n;
	s->known = true;
	return moved;
}

static void arm(struct px_worker *w)
{
	/* all workers look at the same moments, so that a link's figures are of one period */
	mams_time next = mams_time_us((w->now.us / PX_GAUGE_PERIOD_US + 1) * PX_GAUGE_PERIOD_US);

	w->gauge.timer.kind = PX_TIMER_GAUGE;
	w->gauge.off |= mams_timerq_set(&w->timers, &w->gauge.timer, next) != 0;
}

void px_gauge_tick(struct px_worker *w)
{
	struct px_gauge *g = &w->gauge;
	bool awaited = g->awaited;

	g->awaited = false;
	for (size_t i = 0; i < PX_GAUGE_SLOTS; i++) {
		struct px_gauge_slot *s = &g->slots[i];

		if (!s->conn)
			continue;
		s->turns++;
		if (g->off || !look(w, s) || (awaited && s->turns >= PX_GAUGE_TURNS))
			drop(g, s);
	}
	if (g->used)
		arm(w);
}

void px_gauge_moved(struct px_worker *w, struct px_conn *c)
{
	struct px_gauge *g = &w->gauge;
	size_t i = 0;

	if (c->gauge || g->off || !c->client || !c->leg[0].mptcp)
		return;
	if (g->used == PX_GAUGE_SLOTS) {
		g->awaited = true;
		c->unseen = true;
		return;
	}
	if (!g->slots)
		g->slots = calloc(PX_GAUGE_SLOTS, sizeof(*g->slots));
	g->off = !g->slots;
	if (g->off)
		return;
	while (g->slots[i].conn)
		i++;
	g->slots[i].conn = c;
	g->slots[i].known = !c->unseen;
	g->slots[i].turns = 0;
	g->slots[i].n = 0;
	g->slots[i].rest = 0;
	memset(g->slots[i].best, 0, sizeof(g->slots[i].best));
	c->gauge = (uint8_t)(i + 1);
	if (g->used++ == 0)
		arm(w);
}

/* What it has moved since the last look counts: many last no second. */
void px_gauge_ended(struct px_worker *w, struct px_conn *c)
{
	struct px_gauge_slot *s = c->gauge ? &w->gauge.slots[c->gauge - 1] : NULL;
	struct mams_mptcp_subflow now[PX_GAUGE_SUBFLOWS];
	size_t n;

	if (!s)
		return;
	if (mams_mptcp_subflows(c->leg[0].fd, now, PX_GAUGE_SUBFLOWS, &n) == 0)
		(void)tell_all(w, s, now, n);
	drop(&w->gauge, s);
}

void px_gauge_fini(struct px_worker *w)
{
	free(w->gauge.slots);
	w->gauge.slots = NULL;
}
