#include "trailer-madp/retain.h"

#define QUIET_US 1000000
#define SLACK 64 /* entries kept free, so that a put before the next reap finds room */

void madp_retain_init(struct madp_retain *r, uint32_t cap_max, uint64_t octets_max, uint32_t age_us)
{
	*r = (struct madp_retain){.cap_max = cap_max,
		.octets_max = octets_max,
		.age_us = age_us,
		.used_at = MAMS_TIME_NEVER};
}

static struct madp_retain_entry *entry(const struct madp_retain *r, uint32_t i)
{
	return &r->ring[(r->first + i) & (r->cap - 1)];
}

static bool grow(struct madp_retain *r, const struct madp_mem *mem)
{
	struct madp_retain old = *r;
	uint32_t cap = r->cap ? r->cap * 2 : MADP_RETAIN_MIN;
	struct madp_retain_entry *ring;

	if (cap > r->cap_max)
		return false;
	ring = mem->get(mem->user, cap * sizeof(*ring));
	if (!ring) {
		r->n_nomem++;
		return false;
	}
	r->ring = ring;
	r->cap = cap;
	for (uint32_t i = 0; i < r->n; i++)
		*entry(r, i) = *entry(&old, i);
	if (old.ring)
		mem->put(mem->user, old.ring, old.cap * sizeof(*ring));
	return true;
}

bool madp_retain_put(struct madp_retain *r, uint32_t sn, void *pkt, uint32_t len,
	madp_linkset links, const struct madp_mem *mem, mams_time now)
{
	if (r->n == 0)
		r->first = sn;
	/* after one that was not kept there is a hole: keep nothing until the ring is empty */
	if (madp_sn_add(r->first, (int32_t)r->n) != sn || (r->n == r->cap && !grow(r, mem))) {
		r->n_overrun++;
		return false;
	}
	*entry(r, r->n) = (struct madp_retain_entry){pkt, len, (uint32_t)now.us, links, 0};
	r->n++;
	r->octets += len;
	r->used_at = now;
	if (r->n > r->cap_max - SLACK && r->acked < r->n - (r->cap_max - SLACK)) {
		r->acked = r->n - (r->cap_max - SLACK);
		r->n_overrun++;
	}
	return true;
}

void madp_retain_ack(struct madp_retain *r, uint32_t expect)
{
	int32_t n = madp_sn_diff(expect, r->first);

	if (n > (int32_t)r->acked && n <= (int32_t)r->n)
		r->acked = (uint32_t)n;
}

void *madp_retain_reap(struct madp_retain *r, const struct madp_mem *mem, mams_time now)
{
	while (r->n) {
		struct madp_retain_entry *e = entry(r, 0);
		bool old = (uint32_t)now.us - e->at > r->age_us;
		void *pkt = e->pkt;

		if (r->acked == 0 && !old && r->octets <= r->octets_max)
			return NULL;
		if (r->acked == 0)
			r->n_overrun += !old;
		else
			r->acked--;
		r->octets -= e->len;
		r->first = madp_sn_add(r->first, 1);
		r->n--;
		if (r->cursor)
			r->cursor--;
		if (pkt)
			return pkt;
	}
	if (r->ring && now.us - r->used_at.us > QUIET_US)
		madp_retain_fini(r, mem);
	return NULL;
}

void madp_retain_link_down(struct madp_retain *r, madp_linkset dead)
{
	r->dead |= dead;
	r->cursor = 0;
}

void *madp_retain_next(struct madp_retain *r, madp_linkset to, uint32_t *sn, uint32_t *len)
{
	if (r->cursor < r->acked)
		r->cursor = r->acked;
	while (r->dead && r->cursor < r->n) {
		struct madp_retain_entry *e = entry(r, r->cursor);

		if (e->pkt && !(e->links & ~r->dead)) {
			if (!to) {
				*len = e->len;
				return e->pkt;
			}
			*sn = madp_sn_add(r->first, (int32_t)r->cursor);
			*len = e->len;
			e->links = to;
			if (e->resent < UINT8_MAX)
				e->resent++;
			r->cursor++;
			r->n_resent++;
			return e->pkt;
		}
		r->cursor++;
	}
	r->dead = 0;
	return NULL;
}

bool madp_retain_is_pending(struct madp_retain *r)
{
	uint32_t sn;
	uint32_t len;

	return r->dead && madp_retain_next(r, 0, &sn, &len);
}

void madp_retain_drop(struct madp_retain *r)
{
	r->acked = r->n;
	r->dead = 0;
}

mams_time madp_retain_deadline(const struct madp_retain *r, mams_time now)
{
	if (r->n == 0)
		return r->ring ? mams_time_us(r->used_at.us + QUIET_US + 1) : MAMS_TIME_NEVER;
	if (r->acked || r->octets > r->octets_max)
		return now;
	return mams_time_us(now.us + (int64_t)r->age_us + 1 -
			    (int64_t)(uint32_t)((uint32_t)now.us - entry(r, 0)->at));
}

void madp_retain_fini(struct madp_retain *r, const struct madp_mem *mem)
{
	if (r->ring)
		mem->put(mem->user, r->ring, r->cap * sizeof(*r->ring));
	r->ring = NULL;
	r->cap = 0;
	r->n = r->acked = r->cursor = 0;
	r->octets = 0;
}
