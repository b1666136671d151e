#include "trailer-madp/sched.h"

#include <string.h>

#define HYSTERESIS_US 1000
#define VTIME_LAG 131072ull /* 64 KB at a weight of half */

static const struct {
	const char *name;
	enum madp_mode mode;
} names[] = {
	{"single", MADP_MODE_SINGLE},
	{"active-standby", MADP_MODE_ACTIVE_STANDBY},
	{"smallest-delay", MADP_MODE_SMALLEST_DELAY},
	{"priority", MADP_MODE_PRIORITY},
	{"split", MADP_MODE_SPLIT},
	{"duplicate", MADP_MODE_DUPLICATE},
	/* 3GPP TS 23.501 5.32.8 */
	{"priority-based", MADP_MODE_PRIORITY},
	{"load-balancing", MADP_MODE_SPLIT},
	{"redundant", MADP_MODE_DUPLICATE},
};

int madp_mode_parse(const char *name)
{
	for (size_t i = 0; i < MAMS_ARRAY_LEN(names); i++) {
		if (strcmp(names[i].name, name) == 0)
			return (int)names[i].mode;
	}
	return -1;
}

const char *madp_mode_name(enum madp_mode mode)
{
	for (size_t i = 0; i < MAMS_ARRAY_LEN(names); i++) {
		if (names[i].mode == mode)
			return names[i].name;
	}
	return "unknown";
}

bool madp_treat_needs_reports(const struct madp_treat *t)
{
	return t->lossless || t->mode == MADP_MODE_SMALLEST_DELAY ||
	       t->mode == MADP_MODE_PRIORITY || t->mode == MADP_MODE_SPLIT;
}

madp_linkset madp_treat_set(const struct madp_treat *t)
{
	madp_linkset set = 0;

	for (unsigned i = 0; i < t->n_links; i++)
		set |= madp_link_bit(t->links[i]);
	return set;
}

int madp_treat_check(const struct madp_treat *t)
{
	madp_linkset set = 0;

	if ((unsigned)t->mode > MADP_MODE_DUPLICATE || t->n_links == 0 ||
		t->n_links > MADP_LINKS_MAX)
		return -MAMS_EVALUE;
	for (unsigned i = 0; i < t->n_links; i++) {
		if (t->links[i] >= MADP_LINKS_MAX || (set & madp_link_bit(t->links[i])))
			return -MAMS_EVALUE;
		set |= madp_link_bit(t->links[i]);
	}
	return 0;
}

/* Comparable between links of one session, nothing else. */
static int64_t delay(const struct madp_pace *p, bool by_owd)
{
	return by_owd ? p->owd_us : (int64_t)p->rtt_us / 2;
}

/* One-way delays count when the peer has told them of every link in question. */
static bool all_have_owd(const struct madp_treat *t, const struct madp_pace *links, madp_linkset up)
{
	for (unsigned i = 0; i < t->n_links; i++) {
		if ((up & madp_link_bit(t->links[i])) && !links[t->links[i]].has_owd)
			return false;
	}
	return true;
}

static madp_linkset first_of(const struct madp_treat *t, madp_linkset up)
{
	for (unsigned i = 0; i < t->n_links; i++) {
		if (up & madp_link_bit(t->links[i]))
			return madp_link_bit(t->links[i]);
	}
	return 0;
}

madp_linkset madp_treat_used(const struct madp_treat *t, madp_linkset up)
{
	const madp_linkset set = madp_treat_set(t);

	return t->mode == MADP_MODE_ACTIVE_STANDBY && (set & up) ? first_of(t, up) : set;
}

static madp_linkset pick_single(struct madp_sched *s, const struct madp_treat *t, madp_linkset up)
{
	madp_linkset set;

	if (s->current && (up & madp_link_bit(s->current - 1u)))
		return madp_link_bit(s->current - 1u);
	set = first_of(t, up);
	s->current = set ? (uint8_t)(__builtin_ctz(set) + 1) : 0;
	return set;
}

static madp_linkset pick_delay(struct madp_sched *s, const struct madp_treat *t,
	const struct madp_pace *links, madp_linkset up, uint32_t len, mams_time now)
{
	bool by_owd = all_have_owd(t, links, up);
	int64_t best = INT64_MAX;
	int64_t current = INT64_MAX;
	uint8_t slot = 0;

	for (unsigned i = 0; i < t->n_links; i++) {
		const struct madp_pace *p = &links[t->links[i]];
		int64_t cost;

		if (!(up & madp_link_bit(t->links[i])))
			continue;
		cost = madp_pace_departure(p, len, now).us - now.us + delay(p, by_owd) +
		       p->jitter_us;
		if (cost < best) {
			best = cost;
			slot = (uint8_t)(t->links[i] + 1);
		}
		if (s->current == t->links[i] + 1)
			current = cost;
	}
	if (current == INT64_MAX || current - best > HYSTERESIS_US)
		s->current = slot;
	return s->current ? madp_link_bit(s->current - 1u) : 0;
}

static void sooner(mams_time *wait, mams_time t)
{
	*wait = mams_time_min(*wait, t);
}

static madp_linkset pick_priority(const struct madp_treat *t, struct madp_pace *links,
	madp_linkset up, mams_time now, mams_time *wait)
{
	for (unsigned i = 0; i < t->n_links; i++) {
		mams_time w = MAMS_TIME_NEVER;

		if (!(up & madp_link_bit(t->links[i])))
			continue;
		if (madp_pace_ready(&links[t->links[i]], now, &w))
			return madp_link_bit(t->links[i]);
		madp_pace_hold(&links[t->links[i]]);
		sooner(wait, w);
	}
	return 0;
}

/* Weights count while a link that has one is up. */
static bool has_weights(const struct madp_treat *t, madp_linkset up)
{
	for (unsigned i = 0; i < t->n_links; i++) {
		if (t->weight[i] && (up & madp_link_bit(t->links[i])))
			return true;
	}
	return false;
}

/* What a link owes by its weight is forgotten beyond a little, or one that was down would get
 * everything when it is back. */
static void serve(struct madp_sched *s, const struct madp_treat *t, unsigned i, uint32_t len)
{
	uint64_t top = 0;

	s->vtime[t->links[i]] += (uint64_t)len * 100 / t->weight[i];
	for (unsigned k = 0; k < t->n_links; k++)
		top = s->vtime[t->links[k]] > top ? s->vtime[t->links[k]] : top;
	for (unsigned k = 0; k < t->n_links; k++) {
		if (s->vtime[t->links[k]] + VTIME_LAG < top)
			s->vtime[t->links[k]] = top - VTIME_LAG;
	}
}

static madp_linkset pick_split(struct madp_sched *s, const struct madp_treat *t,
	struct madp_pace *links, madp_linkset up, uint32_t len, mams_time now, mams_time *wait)
{
	bool weighted = has_weights(t, up);
	bool by_owd = all_have_owd(t, links, up);
	int64_t best = INT64_MAX;
	unsigned found = t->n_links;

	for (unsigned i = 0; i < t->n_links; i++) {
		struct madp_pace *p = &links[t->links[i]];
		mams_time w = MAMS_TIME_NEVER;
		int64_t cost;

		if (!(up & madp_link_bit(t->links[i])) || (weighted && !t->weight[i]))
			continue;
		if (!madp_pace_ready(p, now, &w)) {
			madp_pace_hold(p);
			sooner(wait, w);
			continue;
		}
		cost = weighted ? (int64_t)s->vtime[t->links[i]]
				: madp_pace_departure(p, len, now).us + delay(p, by_owd);
		if (cost < best) {
			best = cost;
			found = i;
		}
	}
	if (found == t->n_links)
		return 0;
	if (weighted)
		serve(s, t, found, len);
	return madp_link_bit(t->links[found]);
}

madp_linkset madp_sched_pick(struct madp_sched *s, const struct madp_treat *t,
	struct madp_pace *links, madp_linkset up, uint32_t len, mams_time now, mams_time *wait)
{
	up &= madp_treat_set(t);
	*wait = MAMS_TIME_NEVER;
	if (!up)
		return 0;
	switch (t->mode) {
	case MADP_MODE_SINGLE:
		return pick_single(s, t, up);
	case MADP_MODE_ACTIVE_STANDBY:
		return first_of(t, up);
	case MADP_MODE_SMALLEST_DELAY:
		return pick_delay(s, t, links, up, len, now);
	case MADP_MODE_PRIORITY:
		return pick_priority(t, links, up, now, wait);
	case MADP_MODE_SPLIT:
		return pick_split(s, t, links, up, len, now, wait);
	case MADP_MODE_DUPLICATE:
		return up;
	}
	return 0;
}
