#include "lib/io/shakes.h"

static mams_time before(void *user)
{
	const struct mams_shakes *q = user;

	return TAILQ_EMPTY(&q->waiting) ? MAMS_TIME_NEVER : mams_loop_now(q->loop);
}

static void after(void *user)
{
	struct mams_shakes *q = user;
	struct mams_shake *s;

	for (unsigned i = 0; i < MAMS_SHAKES_PER_TURN && (s = TAILQ_FIRST(&q->waiting)); i++) {
		mams_shakes_drop(q, s);
		q->step(q->user, s);
	}
}

int mams_shakes_init(struct mams_shakes *q, struct mams_loop *l,
	void (*step)(void *user, struct mams_shake *s), void *user)
{
	const struct mams_loop_source source = {.before = before, .after = after, .user = q};
	int rc;

	*q = (struct mams_shakes){.step = step, .user = user};
	TAILQ_INIT(&q->waiting);
	rc = mams_loop_source_add(l, &source);
	if (rc == 0)
		q->loop = l;
	return rc;
}

void mams_shakes_fini(struct mams_shakes *q)
{
	if (q->loop)
		mams_loop_source_del(q->loop, q);
	q->loop = NULL;
}

void mams_shakes_put(struct mams_shakes *q, struct mams_shake *s)
{
	if (s->waits)
		return;
	s->waits = true;
	TAILQ_INSERT_TAIL(&q->waiting, s, link);
}

void mams_shakes_drop(struct mams_shakes *q, struct mams_shake *s)
{
	if (!s->waits)
		return;
	s->waits = false;
	TAILQ_REMOVE(&q->waiting, s, link);
}
