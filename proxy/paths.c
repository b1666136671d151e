#include "proxy/paths.h"

#define SUSPECT_MIN_US INT64_C(5000000)
#define SUSPECT_MAX_US INT64_C(60000000)
#define STRIPPED_LIMIT 8u
#define STRIPPED_US INT64_C(600000000)
#define PLAIN_LIMIT 2u
#define PLAIN_US INT64_C(3600000000)
#define NEAR_US INT64_C(30000000)
#define NEARER_US 5000 /* and a quarter: less is no reason to begin elsewhere */

static int64_t get(const _Atomic int64_t *v)
{
	return atomic_load_explicit(v, memory_order_relaxed);
}

static void set(_Atomic int64_t *v, int64_t to)
{
	atomic_store_explicit(v, to, memory_order_relaxed);
}

bool px_path_is_suspect(const struct px_path *p, mams_time now)
{
	return now.us < get(&p->health->suspect_until_us) ||
	       atomic_load_explicit(&p->health->silent, memory_order_relaxed);
}

void px_path_silent(const struct px_path *p, bool silent)
{
	bool was = atomic_exchange_explicit(&p->health->silent, silent, memory_order_relaxed);

	if (!was || silent)
		return;
	/* what it has failed at meanwhile says nothing of it */
	set(&p->health->suspect_for_us, 0);
	set(&p->health->suspect_until_us, 0);
}

/** Smaller is better. */
static uint64_t rank(const struct px_path *p, mams_time now)
{
	return (uint64_t)px_path_is_suspect(p, now) << 35 | (uint64_t)p->backup << 34 |
	       (uint64_t)px_path_is_plain(p, now) << 33 | p->priority;
}

/* 0: not known, or not any more */
static int64_t near_now(const struct px_path *p, mams_time now)
{
	return now.us < get(&p->health->near_until_us) ? get(&p->health->near_us) : 0;
}

/* What begins is short, most of it: it begins where the round trip is.  Another N-MADP is not begun
 * with for that. */
static void nearest_first(const struct px_path *paths, size_t n, mams_time now, uint8_t *order)
{
	const struct px_path *first = &paths[order[0]];
	const int64_t us = near_now(first, now);
	int64_t limit = us - us / 4 < us - NEARER_US ? us - us / 4 : us - NEARER_US;
	size_t best = 0;

	for (size_t i = 1; i < n && rank(&paths[order[i]], now) == rank(first, now); i++) {
		const struct px_path *p = &paths[order[i]];
		const int64_t it = near_now(p, now);

		if (p->group != first->group || it == 0 || it >= limit)
			continue;
		limit = it;
		best = i;
	}
	for (uint8_t it = order[best]; best > 0; best--) {
		order[best] = order[best - 1];
		order[best - 1] = it;
	}
}

size_t px_paths_order(
	const struct px_path *paths, size_t n, mams_time now, uint8_t order[PX_PATHS_MAX])
{
	if (n > PX_PATHS_MAX)
		n = PX_PATHS_MAX;
	for (size_t i = 0; i < n; i++) {
		uint64_t r = rank(&paths[i], now);
		size_t at = i;

		for (; at > 0 && rank(&paths[order[at - 1]], now) > r; at--)
			order[at] = order[at - 1];
		order[at] = (uint8_t)i;
	}
	if (n > 0)
		nearest_first(paths, n, now, order);
	return n;
}

void px_path_near(const struct px_path *p, int64_t us, mams_time now)
{
	const int64_t was = near_now(p, now);

	if (us <= 0)
		return;
	set(&p->health->near_us, was ? (was + us) / 2 : us);
	set(&p->health->near_until_us, now.us + NEAR_US);
}

void px_path_failed(const struct px_path *p, mams_time now)
{
	int64_t for_us = get(&p->health->suspect_for_us) * 2;

	atomic_fetch_add_explicit(&p->health->failures, 1, memory_order_relaxed);
	if (px_path_is_suspect(p, now))
		return;
	if (for_us < SUSPECT_MIN_US)
		for_us = SUSPECT_MIN_US;
	if (for_us > SUSPECT_MAX_US)
		for_us = SUSPECT_MAX_US;
	set(&p->health->suspect_for_us, for_us);
	set(&p->health->suspect_until_us, now.us + for_us);
}

void px_path_worked(const struct px_path *p, int64_t us)
{
	int64_t old = get(&p->health->connect_us);

	set(&p->health->connect_us, old ? old + (us - old) / 8 : us);
	set(&p->health->suspect_for_us, 0);
	set(&p->health->suspect_until_us, 0);
	atomic_fetch_add_explicit(&p->health->flows, 1, memory_order_relaxed);
}

bool px_path_syn_data(const struct px_path *p, bool acknowledged, mams_time now)
{
	uint32_t lost;

	if (acknowledged) {
		atomic_store_explicit(&p->health->syn_data_lost, 0, memory_order_relaxed);
		return false;
	}
	lost = atomic_fetch_add_explicit(&p->health->syn_data_lost, 1, memory_order_relaxed) + 1;
	if (lost < STRIPPED_LIMIT)
		return false;
	atomic_store_explicit(&p->health->syn_data_lost, 0, memory_order_relaxed);
	set(&p->health->suspect_until_us, now.us + STRIPPED_US);
	return true;
}

bool px_path_is_plain(const struct px_path *p, mams_time now)
{
	return now.us < get(&p->health->plain_until_us);
}

bool px_path_plain(const struct px_path *p, bool plain, mams_time now)
{
	bool known = px_path_is_plain(p, now);

	if (!plain) {
		atomic_store_explicit(&p->health->plain_in_row, 0, memory_order_relaxed);
		set(&p->health->plain_until_us, 0);
		return known;
	}
	if (atomic_fetch_add_explicit(&p->health->plain_in_row, 1, memory_order_relaxed) + 1 <
		PLAIN_LIMIT)
		return false;
	set(&p->health->plain_until_us, now.us + PLAIN_US);
	return !known;
}

uint32_t px_path_plain_ms(const struct px_path *p, mams_time now)
{
	int64_t left = get(&p->health->plain_until_us) - now.us;

	/* rounded up: what is remembered is never told as forgotten */
	return left > 0 ? (uint32_t)((left + 999) / 1000) : 0;
}

int64_t px_path_patience_us(const struct px_path *p, int64_t configured_us)
{
	int64_t twice = get(&p->health->connect_us) * 2;

	if (twice > 2 * configured_us)
		twice = 2 * configured_us;
	return twice > configured_us ? twice : configured_us;
}
