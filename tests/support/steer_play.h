/** @file steer_play.h
 *  Two links, wifi (0) and lte (1), of which something is known, and the decisions that come of it.
 *  Layer: tests. */
#pragma once

#include "lib/steer/steer.h"

enum { WIFI, LTE };

/* A client with two links, as its steering goes on. */
struct play {
	struct steer_class c;
	struct steer_link links[2];
	struct steer_input in;
	struct steer_share shares[STEER_LINKS_MAX];
	struct steer_decision d;
	unsigned changes;
};

static inline struct play *play_of(enum steer_mode mode)
{
	static const char *wifi_first[] = {"wifi", "lte"};
	static struct play p;

	p = (struct play){.c = {.name = "all",
				  .mode = (int)mode,
				  .order = wifi_first,
				  .n_order = 2,
				  .dwell_ms = 60000,
				  .probation_ms = 10000,
				  .never_worse = true},
		.links = {{.id = 0,
				  .access = "wifi",
				  .ready = true,
				  .ready_ms = 100000,
				  .dl_on = true,
				  .ul_on = true},
			{.id = 1,
				.access = "lte",
				.ready = true,
				.ready_ms = 100000,
				.dl_on = true,
				.ul_on = true}}};
	p.in = (struct steer_input){.apart = true, .links = p.links, .n_links = 2};
	return &p;
}

static inline void set(struct play *p, int link, uint32_t rate, uint32_t delay_us, uint32_t loss)
{
	const struct steer_figures f = {.has_rate = rate > 0,
		.rate_kbps = rate,
		.has_delay = true,
		.delay_us = delay_us,
		.has_loss = true,
		.loss_ppm = loss};

	p->links[link].dl = f;
	p->links[link].ul = f;
}

static inline void decide(struct play *p)
{
	steer_decide(&p->c, &p->in, p->shares, &p->d);
}

/* Decide, do it, and let time pass. */
static inline void step(struct play *p, uint32_t ms)
{
	bool change = false;

	decide(p);
	for (size_t i = 0; i < 2; i++) {
		const struct steer_share *s = &p->shares[i];
		struct steer_link *l = &p->links[i];

		if (p->d.what == STEER_APPLY) {
			change |= l->dl_on != s->dl_on || l->ul_on != s->ul_on;
			l->dl_on = s->dl_on;
			l->ul_on = s->ul_on;
		}
		l->dl_mark = s->dl_mark;
		l->ul_mark = s->ul_mark;
		l->dl_mark.ms += ms;
		l->ul_mark.ms += ms;
		l->ready_ms += ms;
	}
	if (p->d.what == STEER_APPLY) {
		p->in.told = true;
		p->in.since_ms = 0;
		p->in.dl_mode = p->d.dl_mode;
		p->in.ul_mode = p->d.ul_mode;
	}
	p->changes += change;
	p->in.since_ms += ms;
}

static inline uint32_t dl(const struct play *p)
{
	return (p->links[0].dl_on ? 1u : 0) | (p->links[1].dl_on ? 2u : 0);
}

static inline uint32_t ul(const struct play *p)
{
	return (p->links[0].ul_on ? 1u : 0) | (p->links[1].ul_on ? 2u : 0);
}
