#include "trailer-madp/receiver.h"

#define VIEW_US 2000 /* how old the picture of the links may be that gaps are judged by */

static uint16_t bit_of(unsigned cls)
{
	return (uint16_t)(1u << cls);
}

void madp_receiver_init(
	struct madp_receiver *r, uint32_t window, const struct madp_mem *mem, mams_time now)
{
	*r = (struct madp_receiver){.mem = *mem, .window = window, .delays_at = now};
	for (unsigned i = 0; i < MADP_LINKS_MAX; i++)
		madp_meter_init(&r->meter[i], now);
	for (unsigned i = 0; i < MADP_CLASSES_MAX; i++)
		madp_reorder_init(&r->flow[i], window);
}

void madp_receiver_fini(struct madp_receiver *r)
{
	for (unsigned i = 0; i < MADP_CLASSES_MAX; i++)
		madp_reorder_fini(&r->flow[i], &r->mem);
}

void madp_receiver_link_up(struct madp_receiver *r, unsigned slot, bool up, mams_time now)
{
	for (unsigned i = 0; i < MADP_CLASSES_MAX; i++) {
		if (up)
			madp_reorder_link_up(&r->flow[i], slot);
		else
			madp_reorder_link_down(&r->flow[i], slot, now);
	}
}

void madp_receiver_link_add(struct madp_receiver *r, unsigned slot, mams_time now)
{
	madp_meter_init(&r->meter[slot], now);
	r->view[slot] = (struct madp_reorder_link){0};
	r->known |= madp_link_bit(slot);
	madp_receiver_link_up(r, slot, true, now);
}

void madp_receiver_link_del(struct madp_receiver *r, unsigned slot, mams_time now)
{
	madp_receiver_link_up(r, slot, false, now);
	r->known &= (madp_linkset)~madp_link_bit(slot);
}

void madp_receiver_restart(struct madp_receiver *r)
{
	r->busy = r->begun = 0;
	for (unsigned i = 0; i < MADP_CLASSES_MAX; i++) {
		const struct madp_reorder was = r->flow[i];
		struct madp_reorder *f = &r->flow[i];

		madp_reorder_fini(f, &r->mem);
		madp_reorder_init(f, was.cap_max);
		f->hold_us = was.hold_us;
		f->pass_late = was.pass_late;
		f->twice = was.twice;
		f->dead = was.dead;
		f->n_delivered = was.n_delivered;
		f->n_held = was.n_held;
		f->n_duplicate = was.n_duplicate;
		f->n_late = was.n_late;
		f->n_lost = was.n_lost;
		f->n_dropped = was.n_dropped;
		for (unsigned k = 0; k < MADP_LINKS_MAX; k++)
			r->meter[k].loss[i] = (struct madp_loss){0};
	}
}

void madp_receiver_treat(struct madp_receiver *r, unsigned cls, uint32_t hold_us, bool pass_late)
{
	r->flow[cls].hold_us = hold_us;
	r->flow[cls].pass_late = pass_late;
}

void madp_receiver_split(struct madp_receiver *r, unsigned cls, bool yes)
{
	r->even &= (uint16_t)~bit_of(cls);
	if (yes)
		r->even |= bit_of(cls);
}

void madp_receiver_twice(struct madp_receiver *r, unsigned cls, bool yes)
{
	r->flow[cls].twice = yes;
}

void madp_receiver_links(struct madp_receiver *r, unsigned cls, madp_linkset may, mams_time now)
{
	madp_reorder_may(&r->flow[cls], may, now);
}

static void look(struct madp_receiver *r, mams_time now)
{
	if (now.us - r->delays_at.us < VIEW_US)
		return;
	r->delays_at = now;
	for (unsigned i = 0; r->known >> i; i++) {
		const struct madp_meter *m = &r->meter[i];

		if (!(r->known & madp_link_bit(i)))
			continue;
		r->view[i] = (struct madp_reorder_link){.delay_us = m->owd_us,
			.late_us = m->late_us,
			.jitter_us = m->jitter_us,
			.heard_at = m->heard_at,
			.queue_us = madp_meter_queue_us(m),
			.known = madp_meter_has_delay(m)};
	}
}

bool madp_receiver_pdu(
	struct madp_receiver *r, unsigned slot, const struct madp_in *in, mams_time now)
{
	struct madp_meter *m;

	if (slot >= MADP_LINKS_MAX || !(r->known & madp_link_bit(slot)) ||
		in->cls >= MADP_CLASSES_MAX)
		return false;
	m = &r->meter[slot];
	madp_meter_heard(m, in->wire_len, now);
	if (in->has_ts)
		madp_meter_timestamp(m, in->ts_ms, now);
	if (in->has_delivery_sn)
		madp_meter_sn(m, in->cls, in->delivery_sn, now);
	look(r, now);
	return true;
}

void madp_receiver_heard(
	struct madp_receiver *r, unsigned slot, const uint32_t *ts_ms, mams_time now)
{
	madp_meter_heard(&r->meter[slot], 0, now);
	if (ts_ms)
		madp_meter_timestamp(&r->meter[slot], *ts_ms, now);
	look(r, now);
}

enum madp_reorder_result madp_receiver_sdu(struct madp_receiver *r, unsigned cls, unsigned slot,
	uint32_t sn, void *pkt, uint32_t len, bool even, mams_time now)
{
	enum madp_reorder_result how;

	r->flow[cls].even = even && madp_receiver_is_split(r, cls);
	how = madp_reorder_input(&r->flow[cls], sn, slot, r->view, pkt, len, &r->mem, now);
	r->begun |= bit_of(cls);
	if (r->flow[cls].slots)
		r->busy |= bit_of(cls);
	return how;
}

void *madp_receiver_in_order(struct madp_receiver *r, unsigned cls, uint32_t *len, mams_time now)
{
	return madp_reorder_in_order(&r->flow[cls], r->view, len, now);
}

void *madp_receiver_next(struct madp_receiver *r, unsigned *cls, uint32_t *len, mams_time now)
{
	for (unsigned i = 0; r->busy >> i; i++) {
		void *pkt;

		if (!(r->busy & bit_of(i)))
			continue;
		pkt = r->flow[i].held ? madp_reorder_next(&r->flow[i], r->view, len, now) : NULL;
		if (pkt) {
			*cls = i;
			return pkt;
		}
		madp_reorder_trim(&r->flow[i], &r->mem, now);
		if (!r->flow[i].slots)
			r->busy &= (uint16_t)~bit_of(i);
	}
	return NULL;
}

mams_time madp_receiver_deadline(const struct madp_receiver *r)
{
	mams_time t = MAMS_TIME_NEVER;

	for (unsigned i = 0; r->busy >> i; i++)
		if (r->busy & bit_of(i))
			t = mams_time_min(t, mams_time_min(madp_reorder_deadline(&r->flow[i]),
						     madp_reorder_trim_at(&r->flow[i])));
	return t;
}

void *madp_receiver_drain(struct madp_receiver *r, unsigned *cls, uint32_t *len)
{
	for (unsigned i = 0; i < MADP_CLASSES_MAX; i++) {
		void *pkt = madp_reorder_drain(&r->flow[i], len);

		if (pkt) {
			*cls = i;
			return pkt;
		}
	}
	return NULL;
}

void madp_receiver_report(struct madp_receiver *r, const uint8_t *cid, const uint16_t *sends,
	struct madp_report *out, mams_time now)
{
	out->n_links = out->n_flows = 0;
	for (unsigned i = 0; i < MADP_LINKS_MAX; i++) {
		struct madp_report_link *l = &out->link[out->n_links];

		if (!(r->known & madp_link_bit(i)))
			continue;
		*l = (struct madp_report_link){.cid = cid[i]};
		madp_meter_report(&r->meter[i], l, now);
		out->n_links++;
	}
	for (unsigned i = 0; i < MADP_CLASSES_MAX; i++) {
		if (!(r->begun & bit_of(i)) && !sends[i])
			continue;
		out->flow[out->n_flows++] = (struct madp_report_flow){
			.flow = (uint8_t)i, .expect = r->flow[i].expect, .cids = sends[i]};
	}
}
