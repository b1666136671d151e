/* One direction after the other: judge each link, take the best tier that there is, choose from it
 * by the mode.  Then both together are held against what is in force. */
#include "lib/steer/steer.h"

#include <string.h>

struct way {
	struct steer_view v[STEER_LINKS_MAX];
	size_t n;
	size_t best; /* index; n: no link is ready */
	uint8_t mode;
	bool tunnel;
};

/* ---- what is known ---- */

static struct steer_figures fresh(const struct steer_figures *f)
{
	return f->age_ms <= STEER_MAX_AGE_MS ? *f : (struct steer_figures){0};
}

static uint32_t larger(bool has_a, uint32_t a, bool has_b, uint32_t b)
{
	if (!has_a || !has_b)
		return has_a ? a : b;
	return a > b ? a : b;
}

/* Where both directions must go the same way, the worse of the two counts; of the rate the
 * downlink's, which most traffic is. */
static struct steer_figures joined(const struct steer_figures *dl, const struct steer_figures *ul)
{
	struct steer_figures f = *dl;

	f.delay_us = larger(dl->has_delay, dl->delay_us, ul->has_delay, ul->delay_us);
	f.idle_us = larger(dl->has_idle, dl->idle_us, ul->has_idle, ul->idle_us);
	f.jitter_us = larger(dl->has_jitter, dl->jitter_us, ul->has_jitter, ul->jitter_us);
	f.loss_ppm = larger(dl->has_loss, dl->loss_ppm, ul->has_loss, ul->loss_ppm);
	f.has_delay |= ul->has_delay;
	f.has_idle |= ul->has_idle;
	f.has_jitter |= ul->has_jitter;
	f.has_loss |= ul->has_loss;
	return f;
}

/* How far a link is, is much the same both ways: a direction that carries too little to tell is
 * taken for as far as the other, without that one's queue. */
static struct steer_figures as_far(struct steer_figures f, const struct steer_figures *other)
{
	if (f.has_delay || !other->has_delay)
		return f;
	f.has_delay = true;
	f.delay_us = other->has_idle ? other->idle_us : other->delay_us;
	return f;
}

static size_t named(const struct steer_class *c, const char *access)
{
	size_t i = 0;

	while (i < c->n_order && strcmp(c->order[i], access) != 0)
		i++;
	return i;
}

static void look(
	const struct steer_class *c, const struct steer_input *in, bool down, struct way *w)
{
	*w = (struct way){.n = in->n_links < STEER_LINKS_MAX ? in->n_links : STEER_LINKS_MAX,
		.tunnel = in->tunnel};
	for (size_t i = 0; i < w->n; i++) {
		const struct steer_link *l = &in->links[i];
		const struct steer_figures dl = fresh(&l->dl);
		const struct steer_figures ul = fresh(&l->ul);
		struct steer_view *v = &w->v[i];

		v->link = l;
		v->on = down ? l->dl_on : l->ul_on;
		v->was = down ? l->dl_mark : l->ul_mark;
		v->f = !in->apart ? joined(&dl, &ul) : down ? as_far(dl, &ul) : as_far(ul, &dl);
		v->rank = named(c, l->access);
		steer_judge(c, in, v);
	}
}

/* ---- choice ---- */

static bool goes_first(const struct steer_view *a, const struct steer_view *b)
{
	if (a->rank != b->rank)
		return a->rank < b->rank;
	return a->link->cost < b->link->cost; /* else by connection id, as they stand */
}

static bool is_nearer(const struct steer_view *a, const struct steer_view *b)
{
	if (!a->f.has_delay || !b->f.has_delay)
		return a->f.has_delay && !b->f.has_delay;
	return a->f.delay_us < b->f.delay_us;
}

static bool is_faster(const struct steer_view *a, const struct steer_view *b)
{
	if (a->f.has_rate && b->f.has_rate)
		return a->f.rate_kbps > b->f.rate_kbps;
	return is_nearer(a, b);
}

/* For one TCP connection that goes over all, loss counts, too.  A rate that is not known says
 * nothing for a link. */
static bool brings_more(const struct steer_view *a, const struct steer_view *b)
{
	const double of_a = steer_alone(a);
	const double of_b = steer_alone(b);

	if (!a->f.has_rate && !b->f.has_rate && steer_is_lossy(a, b) != steer_is_lossy(b, a))
		return steer_is_lossy(b, a);
	if (a->f.has_rate && of_a > of_b)
		return true;
	if (b->f.has_rate && of_b > of_a)
		return false;
	return is_faster(a, b);
}

typedef bool (*better_fn)(const struct steer_view *a, const struct steer_view *b);

/* @return index of the best one of the bits; n: none */
static size_t best_of(const struct way *w, uint32_t bits, better_fn better)
{
	size_t best = w->n;

	for (size_t i = 0; i < w->n; i++)
		if ((bits & 1u << i) && (best == w->n || better(&w->v[i], &w->v[best]) ||
						(!better(&w->v[best], &w->v[i]) &&
							goes_first(&w->v[i], &w->v[best]))))
			best = i;
	return best;
}

static uint32_t on_bits(const struct way *w)
{
	uint32_t bits = 0;

	for (size_t i = 0; i < w->n; i++)
		bits |= w->v[i].on ? 1u << i : 0;
	return bits;
}

/* The one that carries is left only for one that is better by a margin. */
static size_t nearest(const struct way *w, uint32_t good, size_t now)
{
	const size_t best = best_of(w, good, is_nearer);
	const struct steer_figures *a = &w->v[best].f;

	if (best != now && now < w->n && (good & 1u << now)) {
		const struct steer_figures *b = &w->v[now].f;
		const uint64_t gain = b->delay_us / 5 > STEER_DELAY_GAIN_US ? b->delay_us / 5
									    : STEER_DELAY_GAIN_US;

		/* what is not known is no reason to move */
		if (!a->has_delay || !b->has_delay || a->delay_us + gain > b->delay_us)
			return now;
	}
	return best;
}

static size_t carrier(const struct way *w, const struct steer_input *in, bool down, bool told_first)
{
	const uint32_t on = on_bits(w);

	if (told_first && !in->told)
		return w->n;
	for (size_t i = 0; i < w->n; i++)
		if ((on & 1u << i) &&
			(told_first ? w->v[i].link->id == (down ? in->dl_first : in->ul_first)
				    : (on & (on - 1)) == 0))
			return i;
	return w->n;
}

/* What is carried is of a second, and TCP may have begun in it; what a link adds is of before it
 * was let in. */
static bool may_pass(const struct steer_input *in, const struct way *w, const struct steer_view *v,
	enum steer_reason r)
{
	if (r == STEER_R_HARM_LITTLE)
		return v->on && in->since_ms < STEER_WORTH_MS;
	return r == STEER_R_HARM_RATE && !w->tunnel && v->on && v->mark.ms < STEER_SLOWED_MS;
}

/* Out of the set, and marked so that it comes back only when clearly better. */
static uint32_t without_harm(
	const struct steer_class *c, const struct steer_input *in, struct way *w, uint32_t good)
{
	if (!c->never_worse)
		return good;
	w->best = best_of(w, good, c->call_like ? is_nearer : w->tunnel ? brings_more : is_faster);
	for (size_t i = 0; i < w->n; i++) {
		struct steer_view *v = &w->v[i];
		enum steer_reason r;

		if (!(good & 1u << i) || i == w->best)
			continue;
		r = steer_harm(c, w->tunnel, v, &w->v[w->best]);
		if (r == STEER_R_CARRIES)
			continue;
		v->mark = (struct steer_mark){
			.why = (int)r, .ms = v->was.why == (int)r ? v->was.ms : 0};
		if (may_pass(in, w, v, r))
			continue;
		good &= ~(1u << i);
		v->why = r;
	}
	return good;
}

/* What loses least always stays. */
static uint32_t without_loss(const struct steer_class *c, struct way *w, uint32_t good)
{
	uint32_t left = good;

	for (size_t i = 0; c->never_worse && i < w->n; i++)
		for (size_t k = 0; k < w->n; k++) {
			struct steer_view *v = &w->v[i];

			if (!(good & 1u << i) || !(good & 1u << k) || i == k ||
				!steer_is_lossy(v, &w->v[k]))
				continue;
			left &= ~(1u << i);
			v->why = STEER_R_HARM_LOSS;
			v->mark = (struct steer_mark){.why = STEER_R_HARM_LOSS,
				.ms = v->was.why == STEER_R_HARM_LOSS ? v->was.ms : 0};
		}
	return left ? left : good;
}

/* What has told nothing for a while carries nothing: its last figure is of before. */
static uint64_t carried(const struct steer_view *v)
{
	return v->f.has_used && v->f.age_ms <= STEER_USED_MS ? v->f.used_kbps : 0;
}

/* @param rest  bits: those of the lower ranks.  While the next one carries, too, what they carry
 *              would come back to this one: TCP may fill any of them first. */
static bool is_full(const struct way *w, size_t i, size_t next, uint32_t rest)
{
	const struct steer_view *v = &w->v[i];
	uint64_t used = carried(v);

	if (!v->f.has_rate || !v->f.has_used)
		return false;
	if (!w->v[next].on)
		return used * 100 >= (uint64_t)v->f.rate_kbps * STEER_FULL;
	for (size_t k = 0; k < w->n; k++)
		if (rest & 1u << k && w->v[k].on)
			used += carried(&w->v[k]);
	return used * 100 >= (uint64_t)v->f.rate_kbps * STEER_NOT_FULL;
}

static uint32_t while_full(const struct way *w, uint32_t good)
{
	uint32_t list = 0;
	size_t next = best_of(w, good, goes_first);
	bool full = true;

	while (next < w->n && full) {
		const uint32_t rest = good & ~list & ~(1u << next);
		const size_t after = best_of(w, rest, goes_first);

		list |= 1u << next;
		full = after < w->n && is_full(w, next, after, rest);
		next = after;
	}
	return list;
}

/* One radio takes less than two.  Which one is the operator's order, of smallest-delay the delay.
 */
static bool saves(const struct steer_class *c, const struct steer_input *in)
{
	return c->battery_low && in->has_battery && in->battery <= c->battery_low;
}

/* @return bits of indexes; fills best and mode (several links only) */
static uint32_t choose(const struct steer_class *c, const struct steer_input *in, bool down,
	uint32_t good, struct way *w)
{
	const bool app = in->tunnel && c->application;

	w->best = best_of(w, good, goes_first);
	if (saves(c, in) && c->mode != STEER_SMALLEST_DELAY)
		return 1u << w->best;
	switch ((enum steer_mode)c->mode) {
	case STEER_ACTIVE_STANDBY:
	case STEER_MODES:
		break;
	case STEER_SMALLEST_DELAY:
		good = without_loss(c, w, good);
		w->best = nearest(w, good, carrier(w, in, down, app));
		if (!in->tunnel || saves(c, in))
			break;
		w->mode = 1 + STEER_SMALLEST_DELAY;
		return good;
	case STEER_LOAD_BALANCING:
		w->mode = 1 + STEER_LOAD_BALANCING;
		return without_harm(c, in, w, good);
	case STEER_PRIORITY_BASED:
		w->mode = 1 + (app ? STEER_PRIORITY_BASED : STEER_LOAD_BALANCING);
		return app ? good : while_full(w, good);
	case STEER_REDUNDANT:
		w->mode = 1 + STEER_REDUNDANT;
		return good;
	}
	return 1u << w->best;
}

static enum steer_tier lowest(const struct way *w)
{
	enum steer_tier t = STEER_T_NONE;

	for (size_t i = 0; i < w->n; i++)
		if (steer_tier_of(w->v[i].why) < t)
			t = steer_tier_of(w->v[i].why);
	return t;
}

/* Does it come again for want of figures, or because they are good? */
static uint32_t tries_of(
	const struct steer_class *c, const struct steer_input *in, const struct steer_view *v)
{
	if (v->mark.why != STEER_R_CARRIES)
		return v->was.tries;
	if (v->was.why != STEER_R_CARRIES && !steer_mark_holds(&v->was))
		return steer_is_harm(v->was.why) ? v->was.tries + (v->was.tries < STEER_TRIES_MAX)
						 : 0;
	return v->was.why != STEER_R_CARRIES || (v->on && in->since_ms >= c->dwell_ms)
		       ? 0
		       : v->was.tries;
}

static void decide_way(
	const struct steer_class *c, const struct steer_input *in, bool down, struct way *w)
{
	enum steer_tier t;
	uint32_t good = 0;
	uint32_t list;

	look(c, in, down, w);
	t = lowest(w);
	w->best = w->n;
	if (t == STEER_T_NONE)
		return;
	for (size_t i = 0; i < w->n; i++)
		good |= steer_tier_of(w->v[i].why) == t ? 1u << i : 0;
	list = choose(c, in, down, good, w);
	for (size_t i = 0; i < w->n; i++)
		if (list & 1u << i)
			w->v[i].why = STEER_R_CARRIES;
		else if (saves(c, in) && (good & 1u << i) && c->mode != STEER_ACTIVE_STANDBY)
			w->v[i].why = STEER_R_BATTERY;
	for (size_t i = 0; i < w->n; i++) {
		w->v[i].mark.tries = tries_of(c, in, &w->v[i]);
		w->v[i].mark.has_tries = w->v[i].mark.tries > 0;
	}
	if (!in->tunnel || (list & (list - 1)) == 0)
		w->mode = 0;
}

/* ---- against what is in force ---- */

static bool is_wanted(const struct steer_view *v)
{
	return v->why == STEER_R_CARRIES;
}

/* It carries, is about to stop, and what shall carry instead is not.  Harm of a link that is new,
 * or is tried again, does not wait either: its coming was the last change. */
static bool is_lost(const struct steer_class *c, const struct way *w, const struct steer_view *v)
{
	if (!v->on || is_wanted(v) || w->best == w->n)
		return false;
	return steer_tier_of(v->why) >= STEER_T_GOING ||
	       (steer_is_harm(v->why) && (v->link->ready_ms < c->dwell_ms || v->was.tries > 0));
}

struct verdict {
	bool forced, left; /* left: some carry and need not stop */
};

static struct verdict compare(const struct steer_class *c, const struct way *w)
{
	struct verdict r = {0};

	for (size_t i = 0; i < w->n; i++) {
		r.forced |= is_lost(c, w, &w->v[i]);
		r.left |= w->v[i].on && !is_lost(c, w, &w->v[i]);
	}
	r.forced |= !r.left;
	return r;
}

static bool is_in_force(const struct way *dl, const struct way *ul)
{
	for (size_t i = 0; i < dl->n; i++)
		if (dl->v[i].on != is_wanted(&dl->v[i]) || ul->v[i].on != is_wanted(&ul->v[i]))
			return false;
	return true;
}

/* What is put in force: the wish, or before its time only what cannot wait. */
static bool put_on(
	const struct steer_class *c, const struct way *w, const struct steer_view *v, bool wish)
{
	if (w->best == w->n)
		return v->on;
	if (wish)
		return is_wanted(v);
	return v->on && !is_lost(c, w, v);
}

static void put_shares(const struct steer_class *c, const struct way *dl, const struct way *ul,
	bool dl_wish, bool ul_wish, struct steer_share *shares)
{
	for (size_t i = 0; i < dl->n; i++)
		shares[i] = (struct steer_share){.id = dl->v[i].link->id,
			.dl = (int)dl->v[i].why,
			.ul = (int)ul->v[i].why,
			.dl_on = put_on(c, dl, &dl->v[i], dl_wish),
			.ul_on = put_on(c, ul, &ul->v[i], ul_wish),
			.dl_mark = dl->v[i].mark,
			.ul_mark = ul->v[i].mark};
}

static uint32_t given(const struct way *w, const struct steer_share *shares, bool down)
{
	uint32_t on = 0;

	for (size_t i = 0; i < w->n; i++)
		on |= (down ? shares[i].dl_on : shares[i].ul_on) ? 1u << i : 0;
	return on;
}

static bool several(const struct way *w, const struct steer_share *shares, bool down)
{
	const uint32_t on = given(w, shares, down);

	return (on & (on - 1)) != 0;
}

/* The best, or while that one may not yet carry the first that does. */
static uint8_t first_of(const struct way *w, const struct steer_share *shares, bool down)
{
	const uint32_t on = given(w, shares, down);
	const bool has = w->best < w->n && (on & 1u << w->best);
	const size_t first = has ? w->best : best_of(w, on, goes_first);

	return first < w->n ? w->v[first].link->id : 0;
}

static bool other_treatment(
	const struct steer_class *c, const struct steer_input *in, const struct steer_decision *d)
{
	if (!in->tunnel)
		return false;
	return d->dl_mode != in->dl_mode || d->ul_mode != in->ul_mode ||
	       (c->application && (d->dl_first != in->dl_first || d->ul_first != in->ul_first));
}

static bool changes(const struct way *dl, const struct way *ul, const struct steer_share *shares)
{
	for (size_t i = 0; i < dl->n; i++)
		if (dl->v[i].on != shares[i].dl_on || ul->v[i].on != shares[i].ul_on)
			return true;
	return false;
}

static bool is_all(const struct way *dl, const struct way *ul, const struct steer_share *shares)
{
	for (size_t i = 0; i < dl->n; i++)
		if (is_wanted(&dl->v[i]) != shares[i].dl_on ||
			is_wanted(&ul->v[i]) != shares[i].ul_on)
			return false;
	return true;
}

/* Before its time: what carries goes on as it does, but for what is lost. */
static void not_yet(const struct steer_class *c, const struct way *dl, const struct way *ul,
	const struct steer_input *in, struct steer_decision *out)
{
	const struct verdict down = compare(c, dl);
	const struct verdict up = compare(c, ul);
	struct steer_share *shares = out->shares;

	/* where nothing that carries can stay, the wish is the way out */
	put_shares(c, dl, ul, !down.left, !up.left, shares);
	out->dl_mode = several(dl, shares, true) ? (in->dl_mode ? in->dl_mode : dl->mode) : 0;
	out->ul_mode = several(ul, shares, false) ? (in->ul_mode ? in->ul_mode : ul->mode) : 0;
	out->dl_first = first_of(dl, shares, true);
	out->ul_first = first_of(ul, shares, false);
	if (!out->forced || !changes(dl, ul, shares))
		out->what = STEER_WAIT;
	else if (is_all(dl, ul, shares))
		out->wait_ms = 0;
}

void steer_decide(const struct steer_class *c, const struct steer_input *in,
	struct steer_share shares[STEER_LINKS_MAX], struct steer_decision *out)
{
	const bool dwelt = !in->told || in->since_ms >= c->dwell_ms;
	struct way dl;
	struct way ul;

	decide_way(c, in, true, &dl);
	decide_way(c, in, false, &ul);
	*out = (struct steer_decision){.shares = shares,
		.n_shares = dl.n,
		.dl_mode = dl.mode,
		.ul_mode = ul.mode,
		.forced = compare(c, &dl).forced || compare(c, &ul).forced};
	put_shares(c, &dl, &ul, true, true, shares);
	out->dl_first = first_of(&dl, shares, true);
	out->ul_first = first_of(&ul, shares, false);
	if (dl.best == dl.n || (in->told && is_in_force(&dl, &ul) && !other_treatment(c, in, out)))
		return;
	out->what = STEER_APPLY;
	if (dwelt)
		return;
	out->wait_ms = c->dwell_ms - in->since_ms;
	not_yet(c, &dl, &ul, in, out);
}
