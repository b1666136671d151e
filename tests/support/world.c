#include "tests/support/world.h"

#include <stdlib.h>
#include <string.h>

#define SLEPT_US 20000 /* as of a worker */

static void *mem_get(void *user, size_t size)
{
	struct world *w = user;

	w->mem_now += size;
	if (w->mem_now > w->mem_most)
		w->mem_most = w->mem_now;
	return calloc(1, size);
}

static void mem_put(void *user, void *p, size_t size)
{
	struct world *w = user;

	w->mem_now -= size;
	free(p);
}

/* Both ends have clocks of their own. */
static mams_time side_now(const struct world *w, unsigned side)
{
	return mams_time_us(w->now_us + (side ? 987654321098 : 0));
}

static void unref(struct world *w, struct world_pkt *p)
{
	if (--p->refs == 0) {
		w->pkts--;
		free(p);
	}
}

void world_init(struct world *w, uint64_t seed, unsigned n_links, const struct madp_plane_conf *c)
{
	memset(w, 0, sizeof(*w));
	w->rng = mams_prng_init(seed);
	w->now_us = 1000000;
	w->n_links = n_links;
	w->probe_ms = 100;
	for (unsigned s = 0; s < 2; s++) {
		struct madp_plane_conf conf = *c;
		struct madp_mem mem = {mem_get, mem_put, w};

		conf.role = s ? MADP_PROBE_NETWORK : MADP_PROBE_CLIENT;
		madp_plane_init(&w->plane[s], &conf, &mem, side_now(w, s));
		for (unsigned i = 0; i < n_links; i++) {
			struct madp_link_conf l = {
				.cid = (uint8_t)(i + 1), .probe = madp_probe_defaults};

			l.probe.active_interval_ms = w->probe_ms;
			madp_plane_link_add(&w->plane[s], i, &l, side_now(w, s));
			(void)madp_plane_changed(&w->plane[s]);
		}
	}
}

void world_link(struct world *w, unsigned link, uint64_t rate, int64_t delay_us, uint32_t queue)
{
	for (unsigned s = 0; s < 2; s++) {
		w->wire[s][link].rate = rate;
		w->wire[s][link].delay_us = delay_us;
		w->wire[s][link].queue = queue;
	}
}

void world_probes(struct world *w, uint32_t ms)
{
	w->probe_ms = ms;
	for (unsigned s = 0; s < 2; s++) {
		for (unsigned i = 0; i < w->n_links; i++) {
			struct madp_probe *p = &w->plane[s].link[i].probe;
			struct madp_probe_conf c = p->conf;

			c.active_interval_ms = ms;
			madp_probe_configure(p, &c, side_now(w, s));
		}
	}
}

void world_source(struct world *w, enum world_side from, unsigned cls, uint64_t rate, uint32_t len)
{
	struct world_flow *f = &w->flow[from][cls];

	f->rate = rate;
	f->len = len;
	f->next_us = w->now_us;
	f->frac = 0;
}

/* ---- wires ---- */

static void push(struct world_wire *wire, const struct world_pdu *pdu)
{
	if (wire->n == wire->cap) {
		size_t cap = wire->cap ? wire->cap * 2 : 256;
		struct world_pdu *q = calloc(cap, sizeof(*q));

		CU_ASSERT_PTR_NOT_NULL_FATAL(q);
		for (size_t i = 0; i < wire->n; i++)
			q[i] = wire->q[(wire->first + i) % wire->cap];
		free(wire->q);
		wire->q = q;
		wire->cap = cap;
		wire->first = 0;
	}
	wire->q[(wire->first + wire->n++) % wire->cap] = *pdu;
}

static void transmit(struct world *w, unsigned from, unsigned link, struct world_pdu *pdu)
{
	struct world_wire *wire = &w->wire[from][link];
	int64_t start = wire->free_us > w->now_us ? wire->free_us : w->now_us;
	uint64_t backlog =
		wire->rate ? (uint64_t)(start - w->now_us) * (wire->rate / 8) / 1000000 : 0;
	int64_t at;

	wire->sent++;
	wire->dropped_dead += wire->dead;
	if (wire->dead)
		return;
	if (wire->rate && backlog + pdu->len > wire->queue) {
		wire->dropped_queue++;
		return;
	}
	wire->free_us = start + (wire->rate ? (int64_t)(pdu->len * 8000000ull / wire->rate) : 0);
	if (mams_prng_below(&w->rng, 1000000) < wire->loss_ppm) {
		wire->dropped_loss++;
		return;
	}
	at = wire->free_us + wire->delay_us;
	if (wire->jitter_us)
		at += (int64_t)mams_prng_below(&w->rng, (uint64_t)wire->jitter_us);
	if (at < wire->last_us)
		at = wire->last_us;
	wire->last_us = at;
	wire->octets += pdu->len;
	pdu->at_us = at;
	if (pdu->pkt)
		pdu->pkt->refs++;
	push(wire, pdu);
}

static void swallow(struct world *w, unsigned link)
{
	for (unsigned s = 0; s < 2; s++) {
		struct world_wire *wire = &w->wire[s][link];

		while (wire->n) {
			struct world_pdu *pdu = &wire->q[wire->first];

			if (pdu->pkt)
				unref(w, pdu->pkt);
			wire->first = (wire->first + 1) % wire->cap;
			wire->n--;
			wire->dropped_dead++;
		}
		wire->free_us = wire->last_us = w->now_us;
	}
}

void world_blackhole(struct world *w, unsigned link, bool dead)
{
	w->wire[0][link].dead = w->wire[1][link].dead = dead;
	if (dead)
		swallow(w, link);
}

/* ---- planes ---- */

static void send_out(struct world *w, unsigned side, struct madp_out *out)
{
	struct world_pkt *pkt = out->pkt;

	for (unsigned i = 0; i < w->n_links; i++) {
		struct world_pdu pdu = {.pkt = pkt, .sn = out->sn};

		if (!(out->links & madp_link_bit(i)))
			continue;
		pdu.len = pkt->len + WORLD_OVERHEAD;
		pdu.in.wire_len = pdu.len;
		pdu.in.has_ts = pdu.in.has_delivery_sn = true;
		pdu.in.ts_ms = madp_timestamp(side_now(w, side));
		pdu.in.cls = out->cls;
		pdu.in.delivery_sn = madp_sender_pdu(
			&w->plane[side].tx, out->cls, i, pdu.len, side_now(w, side));
		transmit(w, side, i, &pdu);
	}
	if (!out->kept)
		unref(w, pkt);
}

static void drain_sender(struct world *w, unsigned side)
{
	struct madp_out out;
	void *p;

	while (madp_sender_next(&w->plane[side].tx, side_now(w, side), &out))
		send_out(w, side, &out);
	while ((p = madp_sender_reap(&w->plane[side].tx, side_now(w, side))))
		unref(w, p);
}

static void generate(struct world *w, unsigned side, unsigned cls)
{
	struct world_flow *f = &w->flow[side][cls];
	struct world_pkt *pkt = calloc(1, sizeof(*pkt));
	struct madp_out out;
	uint64_t num = f->len * 8000000ull + f->frac;
	int rc;

	CU_ASSERT_PTR_NOT_NULL_FATAL(pkt);
	w->pkts++;
	*pkt = (struct world_pkt){1, f->len, f->seq++, w->now_us, cls};
	f->next_us += (int64_t)(num / f->rate);
	f->frac = num % f->rate;
	rc = madp_sender_input(&w->plane[side].tx, cls, pkt, f->len, side_now(w, side), &out);
	if (rc == 1) {
		send_out(w, side, &out);
	} else if (rc < 0) {
		f->refused++;
		unref(w, pkt);
	}
	drain_sender(w, side);
}

static void deliver(struct world *w, unsigned from, struct world_pkt *pkt)
{
	struct world_flow *f = &w->flow[from][pkt->cls];
	int64_t took = w->now_us - pkt->born_us;
	size_t at = pkt->seq / 8;

	if (at >= f->seen_cap) {
		size_t cap = (at + 1) * 2 + 65536;

		f->seen = realloc(f->seen, cap);
		CU_ASSERT_PTR_NOT_NULL_FATAL(f->seen);
		memset(f->seen + f->seen_cap, 0, cap - f->seen_cap);
		f->seen_cap = cap;
	}
	f->repeated += f->seen[at] >> (pkt->seq % 8) & 1;
	f->seen[at] |= (uint8_t)(1u << (pkt->seq % 8));
	if (f->got_octets == 0)
		f->first_got_us = (uint64_t)w->now_us;
	f->disordered += f->got && pkt->seq < f->top;
	if (pkt->seq > f->top)
		f->top = pkt->seq;
	f->got++;
	f->got_octets += pkt->len;
	f->last_got_us = (uint64_t)w->now_us;
	if (took > f->delay_max_us)
		f->delay_max_us = took;
	f->delay_over += f->delay_limit_us && took > f->delay_limit_us;
	unref(w, pkt);
}

static void drain_in_order(struct world *w, unsigned side, unsigned cls)
{
	uint32_t len;
	void *p;

	while ((p = madp_receiver_in_order(&w->plane[side].rx, cls, &len, side_now(w, side))))
		deliver(w, !side, p);
}

static void drain_receiver(struct world *w, unsigned side)
{
	unsigned cls;
	uint32_t len;
	void *p;

	while ((p = madp_receiver_next(&w->plane[side].rx, &cls, &len, side_now(w, side))))
		deliver(w, !side, p);
}

static void arrive(struct world *w, unsigned from, unsigned link)
{
	struct world_wire *wire = &w->wire[from][link];
	struct world_pdu pdu = wire->q[wire->first];
	struct madp_plane *p = &w->plane[!from];

	wire->first = (wire->first + 1) % wire->cap;
	wire->n--;
	if (!pdu.pkt) {
		madp_plane_control(p, link, pdu.control, pdu.len - 28, side_now(w, !from));
		drain_sender(w, !from);
	} else {
		enum madp_reorder_result how;

		CU_ASSERT_TRUE(madp_plane_pdu(p, link, &pdu.in, side_now(w, !from)));
		how = madp_receiver_sdu(&p->rx, pdu.in.cls, link, pdu.sn, pdu.pkt, pdu.pkt->len,
			false, side_now(w, !from));
		if (how == MADP_REORDER_DELIVER || how == MADP_REORDER_PASS)
			deliver(w, from, pdu.pkt);
		else if (how != MADP_REORDER_HELD)
			unref(w, pdu.pkt);
		drain_in_order(w, !from, pdu.in.cls);
	}
}

static void tick(struct world *w, unsigned side)
{
	struct world_pdu pdu = {0};
	uint8_t buf[MADP_CONTROL_MAX];
	unsigned slot;
	size_t len;

	while ((len = madp_plane_control_next(&w->plane[side], side_now(w, side), buf, &slot))) {
		CU_ASSERT_FATAL(len <= sizeof(pdu.control));
		memcpy(pdu.control, buf, len);
		pdu.len = (uint32_t)len + 28;
		transmit(w, side, slot, &pdu);
	}
	drain_sender(w, side);
	drain_receiver(w, side);
}

void world_treat(struct world *w, enum world_side from, unsigned cls, enum madp_mode mode,
	const char *links, bool lossless)
{
	struct madp_treat t = {.mode = mode, .lossless = lossless};
	uint32_t hold = lossless ? w->probe_ms * 2500 + 300000 : 0;

	for (; *links; links++)
		t.links[t.n_links++] = (uint8_t)(*links - '0');
	CU_ASSERT_EQUAL_FATAL(
		madp_plane_treat(&w->plane[from], cls, &t, false, false, side_now(w, from)), 0);
	madp_receiver_treat(&w->plane[!from].rx, cls, hold, false);
	madp_plane_calm(&w->plane[!from], cls, !madp_treat_needs_reports(&t));
	tick(w, from);
}

void world_carrier(struct world *w, unsigned link, bool client_sees, bool network_sees, bool up)
{
	world_blackhole(w, link, !up);
	if (client_sees)
		madp_plane_carrier(&w->plane[0], link, up, side_now(w, 0));
	if (network_sees)
		madp_plane_carrier(&w->plane[1], link, up, side_now(w, 1));
	tick(w, 0);
	tick(w, 1);
}

void world_take(struct world *w, unsigned link, bool away)
{
	const struct madp_link_conf l = {
		.cid = (uint8_t)(link + 1), .probe = w->plane[1].link[link].probe.conf};

	world_blackhole(w, link, away);
	if (away) {
		madp_plane_link_del(&w->plane[0], link, side_now(w, 0));
	} else {
		madp_plane_link_add(&w->plane[0], link, &l, side_now(w, 0));
		for (unsigned s = 0; s < 2; s++)
			madp_plane_proven(&w->plane[s], link, side_now(w, s));
	}
	tick(w, 0);
	tick(w, 1);
}

/* When the next packet of a wire is read. */
static int64_t arrival(const struct world *w, unsigned from, unsigned link)
{
	const struct world_wire *wire = &w->wire[from][link];
	int64_t at = wire->n ? wire->q[wire->first].at_us : INT64_MAX;

	return at < w->asleep_us[!from] ? w->asleep_us[!from] : at;
}

/* When the next packet of a source is taken. */
static int64_t source_at(const struct world *w, unsigned from, unsigned cls)
{
	const struct world_flow *f = &w->flow[from][cls];
	int64_t us = f->burst_us ? f->burst_us : 1;
	int64_t at = f->rate ? (f->next_us + us - 1) / us * us : INT64_MAX;

	return at < w->asleep_us[from] ? w->asleep_us[from] : at;
}

void world_sleep(struct world *w, enum world_side side, int64_t us)
{
	w->asleep_us[side] = w->now_us + us;
}

static void set_due(struct world *w, unsigned side)
{
	mams_time next = madp_plane_deadline(&w->plane[side], side_now(w, side));

	w->due_us[side] =
		mams_time_is_never(next) ? INT64_MAX : next.us - (side_now(w, side).us - w->now_us);
	if (w->due_us[side] < w->now_us)
		w->due_us[side] = w->now_us;
}

/* A turn, as a worker's: when all is read that has come. */
static void turn(struct world *w, unsigned side)
{
	int64_t late_us = w->now_us - w->due_us[side];

	if (w->due_us[side] && late_us > SLEPT_US)
		madp_plane_slept(&w->plane[side], late_us, side_now(w, side));
	tick(w, side);
	set_due(w, side);
}

/* What happens next, and when: a source, an arrival, or a deadline of a plane. */
static int64_t step(struct world *w, int64_t until, bool due[2])
{
	int64_t at[2];
	int64_t t = until;

	for (unsigned s = 0; s < 2; s++) {
		mams_time d = madp_plane_deadline(&w->plane[s], side_now(w, s));

		at[s] = mams_time_is_never(d) ? INT64_MAX : d.us - (side_now(w, s).us - w->now_us);
		at[s] = at[s] < w->asleep_us[s] ? w->asleep_us[s] : at[s];
		t = at[s] < t ? at[s] : t;
		for (unsigned i = 0; i < w->n_links; i++) {
			t = arrival(w, s, i) < t ? arrival(w, s, i) : t;
		}
		for (unsigned c = 0; c < MADP_CLASSES_MAX; c++) {
			t = source_at(w, s, c) < t ? source_at(w, s, c) : t;
		}
	}
	t = t > w->now_us ? t : w->now_us;
	due[0] = at[0] <= t;
	due[1] = at[1] <= t;
	return t;
}

void world_run(struct world *w, int64_t us)
{
	int64_t until = w->now_us + us;
	unsigned same = 0;

	while (w->now_us < until) {
		bool due[2];
		bool read[2] = {false, false};
		int64_t t = step(w, until, due);

		/* a deadline that is always due would stop time */
		same = t == w->now_us ? same + 1 : 0;
		CU_ASSERT_FATAL(same < 100000);
		w->now_us = t;
		for (unsigned s = 0; s < 2; s++) {
			for (unsigned i = 0; i < w->n_links; i++) {
				while (arrival(w, s, i) <= t) {
					arrive(w, s, i);
					read[!s] = true;
				}
			}
			for (unsigned c = 0; c < MADP_CLASSES_MAX; c++) {
				if (source_at(w, s, c) > t)
					continue;
				generate(w, s, c);
				set_due(w, s); /* what was sent may have put it off */
			}
		}
		for (unsigned s = 0; s < 2; s++) {
			if (due[s] || read[s])
				turn(w, s);
		}
	}
}

void world_forget(struct world *w, enum world_side from, unsigned cls)
{
	struct world_flow *f = &w->flow[from][cls];

	f->delay_over = f->got_octets = 0;
	f->delay_max_us = 0;
}

double world_goodput(const struct world *w, enum world_side from, unsigned cls)
{
	const struct world_flow *f = &w->flow[from][cls];

	if (f->got_octets <= f->len)
		return 0;
	return (double)(f->got_octets - f->len) * 8e6 / (double)(f->last_got_us - f->first_got_us);
}

void world_fini(struct world *w)
{
	unsigned cls;
	uint32_t len;
	void *p;

	for (unsigned i = 0; i < w->n_links; i++)
		swallow(w, i);
	for (unsigned s = 0; s < 2; s++) {
		madp_sender_drop(&w->plane[s].tx);
		w->now_us += 1000;
		while ((p = madp_sender_reap(&w->plane[s].tx, side_now(w, s))))
			unref(w, p);
		while ((p = madp_receiver_drain(&w->plane[s].rx, &cls, &len)))
			unref(w, p);
		madp_plane_fini(&w->plane[s]);
		for (unsigned i = 0; i < WORLD_LINKS; i++)
			free(w->wire[s][i].q);
		for (unsigned i = 0; i < MADP_CLASSES_MAX; i++)
			free(w->flow[s][i].seen);
	}
	CU_ASSERT_EQUAL(w->pkts, 0);
	CU_ASSERT_EQUAL(w->mem_now, 0);
}

void world_two_links(struct world *w, uint64_t seed, int64_t delay0_us, int64_t delay1_us)
{
	world_init(w, seed, 2, &madp_plane_defaults);
	world_link(w, 0, 20000000, delay0_us, 100000);
	world_link(w, 1, 50000000, delay1_us, 200000);
	world_run(w, 500000);
}

void world_settle(struct world *w)
{
	for (unsigned i = 0; i < MADP_CLASSES_MAX; i++)
		w->flow[0][i].rate = w->flow[1][i].rate = 0;
	world_run(w, 2000000);
}

uint64_t world_lost(const struct world *w, enum world_side from)
{
	const struct world_flow *f = &w->flow[from][0];

	return f->seq - f->got - f->refused;
}

void world_in_order(const struct world *w, enum world_side from)
{
	CU_ASSERT_EQUAL(w->flow[from][0].disordered, 0);
	CU_ASSERT_EQUAL(w->flow[from][0].repeated, 0);
}
