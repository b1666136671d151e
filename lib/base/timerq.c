#include "lib/base/timerq.h"

#include <errno.h>

void mams_timerq_fini(struct mams_timerq *q)
{
	free(q->heap);
	free(q->armed);
	*q = (struct mams_timerq){0};
}

static void put(struct mams_timerq *q, size_t i, struct mams_timerq_entry e)
{
	q->heap[i] = e;
	q->armed[e.id].at = (uint32_t)i;
}

static void sift_up(struct mams_timerq *q, size_t i, struct mams_timerq_entry e)
{
	while (i > 0) {
		size_t parent = (i - 1) / 2;

		if (!mams_time_before(e.when, q->heap[parent].when))
			break;
		put(q, i, q->heap[parent]);
		i = parent;
	}
	put(q, i, e);
}

static void sift_down(struct mams_timerq *q, size_t i, struct mams_timerq_entry e)
{
	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= q->n)
			break;
		if (child + 1 < q->n &&
			mams_time_before(q->heap[child + 1].when, q->heap[child].when))
			child++;
		if (!mams_time_before(q->heap[child].when, e.when))
			break;
		put(q, i, q->heap[child]);
		i = child;
	}
	put(q, i, e);
}

/** A heap that is larger than armed[] does no harm, should there be no memory for that one. */
static int grow(struct mams_timerq *q)
{
	size_t cap = q->cap ? q->cap * 2 : 64;
	struct mams_timerq_entry *heap = reallocarray(q->heap, cap, sizeof(*heap));
	struct mams_timerq_armed *armed;

	if (!heap)
		return -ENOMEM;
	q->heap = heap;
	armed = reallocarray(q->armed, cap, sizeof(*armed));
	if (!armed)
		return -ENOMEM;
	q->armed = armed;
	for (size_t i = cap; i-- > q->cap;) {
		armed[i] = (struct mams_timerq_armed){.at = q->free};
		q->free = (uint32_t)i + 1;
	}
	q->cap = cap;
	return 0;
}

int mams_timerq_set(struct mams_timerq *q, struct mams_timer *t, mams_time when)
{
	struct mams_timerq_entry e = {.when = when, .id = t->slot - 1};

	if (mams_time_is_never(when)) {
		mams_timerq_del(q, t);
		return 0;
	}
	if (t->slot && t->when.us == when.us)
		return 0;
	if (t->slot) {
		size_t at = q->armed[e.id].at;

		if (mams_time_before(when, q->heap[at].when))
			sift_up(q, at, e);
		else
			sift_down(q, at, e);
		t->when = when;
		return 0;
	}
	if (!q->free && grow(q) != 0)
		return -ENOMEM;
	e.id = q->free - 1;
	q->free = q->armed[e.id].at;
	q->armed[e.id].timer = t;
	t->slot = e.id + 1;
	t->when = when;
	sift_up(q, q->n++, e);
	return 0;
}

void mams_timerq_del(struct mams_timerq *q, struct mams_timer *t)
{
	struct mams_timerq_entry last;
	uint32_t id = t->slot - 1;
	size_t at;

	if (!t->slot)
		return;
	t->slot = 0;
	at = q->armed[id].at;
	q->armed[id] = (struct mams_timerq_armed){.at = q->free};
	q->free = id + 1;
	last = q->heap[--q->n];
	if (at == q->n)
		return;
	if (at > 0 && mams_time_before(last.when, q->heap[(at - 1) / 2].when))
		sift_up(q, at, last);
	else
		sift_down(q, at, last);
}

mams_time mams_timerq_next(const struct mams_timerq *q)
{
	return q->n ? q->heap[0].when : MAMS_TIME_NEVER;
}

struct mams_timer *mams_timerq_due(const struct mams_timerq *q, mams_time now)
{
	if (q->n == 0 || mams_time_before(now, q->heap[0].when))
		return NULL;
	return q->armed[q->heap[0].id].timer;
}

struct mams_timer *mams_timerq_pop(struct mams_timerq *q, mams_time now)
{
	struct mams_timer *t = mams_timerq_due(q, now);

	if (t)
		mams_timerq_del(q, t);
	return t;
}
