#include "proxy/watch.h"

#define LOOK_MS 100 /* while octets move */
#define LOOK_SELDOM_MS 1000
#define STILL_MS 2000 /* so long without an octet before they are looked at seldom */
#define BUSY_SIGNS 3u
#define SIGN_MS 10 /* ages of signs of life are known as exactly as the kernel's ticks */
#define PATIENCE_MAX_MS 1000
#define CLEARED_MS 1000 /* a path that has answered is not suspected again for so long */
#define RELAPSE_MS 5000 /* one that is silent again so soon must answer more often */
#define WANTED_MAX 8u
#define ASK_SHARE 60    /* a silent path is asked after so large a part of its silence ... */
#define ASK_MAX_MS 5000 /* ... at most this */

void px_watch_init(struct px_watch *w, const struct px_watch_conf *conf)
{
	*w = (struct px_watch){.conf = *conf};
}

static bool is_path(const struct px_watch_path *a, const struct px_path *b)
{
	return a->connection_id == b->connection_id && mams_addr_eq_ip(&a->local, &b->local) &&
	       mams_addr_eq(&a->proxy, &b->proxy);
}

void px_watch_paths(struct px_watch *w, const struct px_path *paths, size_t n)
{
	struct px_watch old = *w;

	w->n = n < PX_PATHS_MAX ? n : PX_PATHS_MAX;
	w->ask = 0;
	w->lost = 0;
	w->back = 0;
	for (size_t i = 0; i < w->n; i++) {
		w->paths[i] = (struct px_watch_path){.connection_id = paths[i].connection_id,
			.local = paths[i].local,
			.proxy = paths[i].proxy,
			.owes = MAMS_TIME_NEVER,
			.wanted = 1};
		for (size_t k = 0; k < old.n; k++)
			if (is_path(&old.paths[k], &paths[i]))
				w->paths[i] = old.paths[k];
	}
}

void px_watch_flows(struct px_watch *w, bool open, uint64_t octets, mams_time now)
{
	bool begins = open && !w->open;

	w->open = open;
	if (octets != w->octets || begins)
		w->moved = now;
	w->octets = octets;
	for (size_t i = 0; i < w->n; i++) {
		struct px_watch_path *p = &w->paths[i];

		if (p->state == PX_WATCH_SILENT && begins) {
			p->next = mams_time_add_ms(p->asked_at, w->conf.ask_ms);
			p->answers = 0;
		}
		if (p->state == PX_WATCH_SUSPECT && !open)
			p->state = PX_WATCH_GOOD;
	}
}

/* Twice the round trip, within limits. */
static int64_t patience_ms(const struct px_watch_path *p, int64_t least)
{
	int64_t ms = p->rtt_us * 2 / 1000;

	if (ms > PATIENCE_MAX_MS)
		ms = PATIENCE_MAX_MS;
	return ms > least ? ms : least;
}

/* The longer it has been so, the more seldom. */
static mams_time ask_again(const struct px_watch *w, const struct px_watch_path *p, mams_time now)
{
	int64_t ms = (now.us - p->since.us) / 1000 / ASK_SHARE;

	if (ms > ASK_MAX_MS)
		ms = ASK_MAX_MS;
	return mams_time_add_ms(now, patience_ms(p, ms > w->conf.ask_ms ? ms : w->conf.ask_ms));
}

static void ask(struct px_watch *w, size_t path, mams_time now)
{
	w->paths[path].asked_at = now;
	w->ask |= 1u << path;
}

static void clear(struct px_watch_path *p, mams_time now)
{
	p->state = PX_WATCH_GOOD;
	p->busy = 0;
	p->owes = MAMS_TIME_NEVER;
	p->next = mams_time_add_ms(now, CLEARED_MS);
}

void px_watch_answer(struct px_watch *w, size_t path, mams_time now)
{
	struct px_watch_path *p = &w->paths[path];

	p->alive = now;
	switch (p->state) {
	case PX_WATCH_GOOD:
		return;
	case PX_WATCH_SUSPECT:
		clear(p, now);
		return;
	case PX_WATCH_SILENT:
		if (++p->answers < p->wanted)
			return;
		clear(p, now);
		p->back = now;
		w->back |= 1u << path;
		return;
	}
}

/* @return is there news of it? */
static bool hears(struct px_watch_path *p, mams_time heard, int64_t silence_ms)
{
	if (!mams_time_before(mams_time_add_ms(p->heard, SIGN_MS), heard))
		return false;
	if (mams_time_before(mams_time_add_ms(p->heard, silence_ms), heard))
		p->busy = 0;
	p->busy++;
	p->heard = heard;
	p->alive = heard;
	return true;
}

void px_watch_seen(struct px_watch *w, size_t path, const struct px_watch_sample *s, mams_time now)
{
	struct px_watch_path *p = &w->paths[path];
	bool news;

	p->used = s->any;
	if (!s->any)
		return;
	p->rtt_us = s->rtt_us;
	news = hears(p, mams_time_add_ms(now, -s->heard_ms), w->conf.silence_ms);
	if (!s->owed)
		p->owes = MAMS_TIME_NEVER;
	else if (news || mams_time_is_never(p->owes))
		p->owes = now;
	if (news && p->state == PX_WATCH_SUSPECT)
		p->state = PX_WATCH_GOOD;
	else if (news && p->state == PX_WATCH_SILENT)
		px_watch_answer(w, path, now);
}

static bool is_suspicious(const struct px_watch *w, const struct px_watch_path *p, mams_time now)
{
	mams_time from = p->heard;

	if (!p->used || mams_time_before(now, p->next))
		return false;
	if (p->busy < BUSY_SIGNS) {
		if (mams_time_is_never(p->owes))
			return false;
		from = mams_time_before(from, p->owes) ? p->owes : from;
	}
	return !mams_time_before(now, mams_time_add_ms(from, patience_ms(p, w->conf.silence_ms)));
}

/* A path that works, other than this one; those of which we do not know are asked. */
static bool others_live(struct px_watch *w, const struct px_watch_path *p, mams_time now)
{
	bool any = false;

	for (size_t i = 0; i < w->n; i++) {
		const struct px_watch_path *o = &w->paths[i];

		if (o == p || o->state != PX_WATCH_GOOD)
			continue;
		if (!mams_time_before(o->alive, p->since))
			any = true;
		else
			ask(w, i, now);
	}
	return any;
}

static void lose(struct px_watch *w, size_t path)
{
	struct px_watch_path *p = &w->paths[path];
	bool relapse =
		p->back.us > 0 && mams_time_before(p->since, mams_time_add_ms(p->back, RELAPSE_MS));

	p->wanted = !relapse ? 1 : p->wanted < WANTED_MAX ? p->wanted * 2 : WANTED_MAX;
	p->answers = 0;
	p->state = PX_WATCH_SILENT;
	w->lost |= 1u << path;
}

static void look_at(struct px_watch *w, size_t path, mams_time now)
{
	struct px_watch_path *p = &w->paths[path];

	if (p->state == PX_WATCH_GOOD) {
		if (w->n < 2 || !is_suspicious(w, p, now))
			return;
		p->state = PX_WATCH_SUSPECT;
		p->since = now;
		p->asked = 0;
		p->next = now;
	}
	if (p->state == PX_WATCH_SUSPECT && !p->used) {
		p->state = PX_WATCH_GOOD; /* its connections have ended */
		return;
	}
	if (mams_time_before(now, p->next))
		return;
	if (p->state == PX_WATCH_SUSPECT && p->asked > 0 && others_live(w, p, now) &&
		p->asked >= PX_WATCH_ASKED)
		lose(w, path);
	if (p->state == PX_WATCH_SILENT && mams_time_before(p->alive, p->asked_at))
		p->answers = 0;
	p->asked++;
	p->next = ask_again(w, p, now);
	ask(w, path, now);
}

void px_watch_tick(struct px_watch *w, mams_time now)
{
	if (!w->open || w->conf.silence_ms == 0)
		return;
	for (size_t i = 0; i < w->n; i++)
		look_at(w, i, now);
}

static bool take_bit(uint32_t *bits, size_t *path)
{
	if (*bits == 0)
		return false;
	*path = (size_t)__builtin_ctz(*bits);
	*bits &= *bits - 1;
	return true;
}

bool px_watch_next(struct px_watch *w, struct px_watch_action *out)
{
	if (take_bit(&w->lost, &out->path))
		out->kind = PX_WATCH_LOST;
	else if (take_bit(&w->back, &out->path))
		out->kind = PX_WATCH_BACK;
	else if (take_bit(&w->ask, &out->path))
		out->kind = PX_WATCH_ASK;
	else
		return false;
	return true;
}

static bool has_been_still(const struct px_watch *w, int64_t ms, mams_time now)
{
	return !mams_time_before(now, mams_time_add_ms(w->moved, ms));
}

bool px_watch_sleeps(const struct px_watch *w, mams_time now)
{
	if (!w->open || w->conf.silence_ms == 0 || w->n < 2 ||
		!has_been_still(w, STILL_MS + PATIENCE_MAX_MS + w->conf.silence_ms, now))
		return false;
	for (size_t i = 0; i < w->n; i++) {
		const struct px_watch_path *p = &w->paths[i];

		if (p->state != PX_WATCH_GOOD || (p->used && !mams_time_is_never(p->owes)))
			return false;
	}
	return true;
}

mams_time px_watch_deadline(const struct px_watch *w, mams_time now)
{
	bool still = has_been_still(w, STILL_MS, now);
	mams_time t = w->n > 1 ? mams_time_add_ms(now, still ? LOOK_SELDOM_MS : LOOK_MS)
			       : MAMS_TIME_NEVER;

	if (!w->open || w->conf.silence_ms == 0 || px_watch_sleeps(w, now))
		return MAMS_TIME_NEVER;
	for (size_t i = 0; i < w->n; i++)
		if (w->paths[i].state != PX_WATCH_GOOD)
			t = mams_time_min(t, w->paths[i].next);
	return t;
}
