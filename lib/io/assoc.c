#include "lib/io/assoc.h"

#define PATIENCE_MS 10000 /* of a negotiation: two round trips and some arithmetic */
#define PAUSE_FIRST_MS 500u
#define PAUSE_MAX_MS 15000u
#define STABLE_MS 10000

const char *mams_assoc_state_name(enum mams_assoc_state s)
{
	switch (s) {
	case MAMS_ASSOC_OFF:
		return "no charon";
	case MAMS_ASSOC_LOAD:
		return "loading";
	case MAMS_ASSOC_WAIT:
		return "waiting";
	case MAMS_ASSOC_NEGOTIATE:
		return "negotiating";
	case MAMS_ASSOC_UP:
		return "up";
	}
	return "?";
}

static void want(struct mams_assoc *a, enum mams_assoc_action what)
{
	a->todo |= 1u << what;
}

static void unwant(struct mams_assoc *a, enum mams_assoc_action what)
{
	a->todo &= ~(1u << what);
}

static void to(struct mams_assoc *a, enum mams_assoc_state state, const char *why)
{
	if (a->state != state || a->why != why)
		want(a, MAMS_ASSOC_DO_TELL);
	a->state = state;
	a->why = why;
	a->timed = false;
}

static void arm(struct mams_assoc *a, mams_time now, int64_t ms)
{
	a->until = mams_time_add_ms(now, ms);
	a->timed = true;
}

static void negotiate(struct mams_assoc *a, mams_time now)
{
	to(a, MAMS_ASSOC_NEGOTIATE, a->why);
	arm(a, now, PATIENCE_MS);
	want(a, MAMS_ASSOC_DO_INITIATE);
}

/* Try again after a pause; who waits for the peer waits on. */
static void rest(struct mams_assoc *a, const char *why, mams_time now)
{
	to(a, MAMS_ASSOC_WAIT, why);
	unwant(a, MAMS_ASSOC_DO_INITIATE);
	if (!a->initiate && !a->unloaded)
		return;
	a->pause_ms = a->pause_ms == 0 ? PAUSE_FIRST_MS : a->pause_ms * 2;
	if (a->pause_ms > PAUSE_MAX_MS)
		a->pause_ms = PAUSE_MAX_MS;
	arm(a, now, a->pause_ms);
}

void mams_assoc_charon(struct mams_assoc *a, bool up, mams_time now)
{
	(void)now;
	a->n_children = 0;
	a->pause_ms = 0;
	a->unloaded = false;
	a->todo &= 1u << MAMS_ASSOC_DO_TELL;
	if (up) {
		to(a, MAMS_ASSOC_LOAD, a->why);
		want(a, MAMS_ASSOC_DO_LOAD);
	} else {
		to(a, MAMS_ASSOC_OFF, a->why);
	}
}

void mams_assoc_refused(struct mams_assoc *a, const char *why, mams_time now)
{
	a->n_children = 0;
	a->unloaded = true;
	rest(a, why, now);
}

void mams_assoc_loaded(struct mams_assoc *a, bool good, mams_time now)
{
	if (a->state != MAMS_ASSOC_LOAD)
		return; /* the secret of one that stands */
	a->unloaded = false;
	if (!good)
		mams_assoc_refused(a, "charon refuses the configuration", now);
	else if (a->n_children > 0)
		to(a, MAMS_ASSOC_UP, NULL);
	else if (a->initiate)
		negotiate(a, now);
	else
		to(a, MAMS_ASSOC_WAIT, a->why);
}

static void child_up(struct mams_assoc *a, uint64_t id, mams_time now)
{
	for (size_t i = 0; i < a->n_children; i++)
		if (a->children[i] == id)
			return;
	if (a->n_children == MAMS_ASSOC_CHILDREN) /* the oldest is of no use any more */
		a->children[0] = a->children[--a->n_children];
	a->children[a->n_children++] = id;
	if (a->state != MAMS_ASSOC_UP)
		a->up_at = now;
	to(a, MAMS_ASSOC_UP, NULL);
	unwant(a, MAMS_ASSOC_DO_INITIATE);
}

void mams_assoc_child(struct mams_assoc *a, uint64_t id, bool up, mams_time now)
{
	if (a->state == MAMS_ASSOC_OFF)
		return;
	if (up) {
		child_up(a, id, now);
		return;
	}
	for (size_t i = 0; i < a->n_children; i++)
		if (a->children[i] == id)
			a->children[i--] = a->children[--a->n_children];
	if (a->n_children > 0 || a->state != MAMS_ASSOC_UP)
		return;
	if (!mams_time_before(now, mams_time_add_ms(a->up_at, STABLE_MS)))
		a->pause_ms = 0;
	rest(a, "the association has ended", now);
}

void mams_assoc_failed(struct mams_assoc *a, const char *why, mams_time now)
{
	if (a->state != MAMS_ASSOC_NEGOTIATE && (a->initiate || a->state != MAMS_ASSOC_WAIT))
		return;
	if (a->initiate)
		want(a, MAMS_ASSOC_DO_TERMINATE);
	rest(a, why, now);
}

void mams_assoc_anew(struct mams_assoc *a, mams_time now)
{
	if (a->state != MAMS_ASSOC_UP || !a->initiate)
		return;
	a->n_children = 0;
	want(a, MAMS_ASSOC_DO_TERMINATE);
	rest(a, "nothing comes through it", now);
}

void mams_assoc_tick(struct mams_assoc *a, mams_time now)
{
	if (!a->timed || mams_time_before(now, a->until))
		return;
	if (a->state == MAMS_ASSOC_NEGOTIATE) {
		mams_assoc_failed(a, "the peer does not answer", now);
	} else if (a->unloaded) {
		to(a, MAMS_ASSOC_LOAD, a->why);
		want(a, MAMS_ASSOC_DO_LOAD);
	} else {
		negotiate(a, now);
	}
}

mams_time mams_assoc_deadline(const struct mams_assoc *a)
{
	return a->timed ? a->until : MAMS_TIME_NEVER;
}

bool mams_assoc_next(struct mams_assoc *a, enum mams_assoc_action *out)
{
	for (unsigned i = MAMS_ASSOC_DO_LOAD; i <= MAMS_ASSOC_DO_TELL; i++) {
		if (!(a->todo & 1u << i))
			continue;
		a->todo &= ~(1u << i);
		*out = (enum mams_assoc_action)i;
		return true;
	}
	return false;
}
