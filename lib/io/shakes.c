#include "lib/io/shakes.h"

#include <poll.h>

static struct mams_shake *first(const struct mams_shakes *q)
{
	struct mams_shake *s = TAILQ_FIRST(&q->begun);

	return s ? s : TAILQ_FIRST(&q->fresh);
}

static mams_time before(void *user)
{
	const struct mams_shakes *q = user;

	return first(q) ? mams_loop_now(q->loop) : MAMS_TIME_NEVER;
}

static void after(void *user)
{
	struct mams_shakes *q = user;
	struct mams_shake *s;

	for (unsigned i = 0; i < MAMS_SHAKES_PER_TURN && (s = first(q)); i++) {
		mams_shakes_drop(q, s);
		s->begun = true;
		q->step(q->user, s);
	}
}

int mams_shakes_init(struct mams_shakes *q, struct mams_loop *l,
	void (*step)(void *user, struct mams_shake *s), void *user)
{
	const struct mams_loop_source source = {.before = before, .after = after, .user = q};
	int rc;

	*q = (struct mams_shakes){.step = step, .user = user};
	TAILQ_INIT(&q->begun);
	TAILQ_INIT(&q->fresh);
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

static struct mams_shake_list *list_of(struct mams_shakes *q, const struct mams_shake *s)
{
	return s->begun ? &q->begun : &q->fresh;
}

void mams_shakes_put(struct mams_shakes *q, struct mams_shake *s)
{
	if (s->waits)
		return;
	s->waits = true;
	TAILQ_INSERT_TAIL(list_of(q, s), s, link);
}

void mams_shakes_drop(struct mams_shakes *q, struct mams_shake *s)
{
	if (!s->waits)
		return;
	s->waits = false;
	TAILQ_REMOVE(list_of(q, s), s, link);
}

bool mams_shakes_is_gone(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLRDHUP};

	return poll(&p, 1, 0) == 1;
}
