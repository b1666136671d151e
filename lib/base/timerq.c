#include "lib/base/timerq.h"

#include <errno.h>

void mams_timerq_fini(struct mams_timerq *q)
{
	free(q->heap);
	*q = (struct mams_timerq){0};
}

static void put(struct mams_timerq *q, size_t i, struct mams_timerq_entry e)
{
	q->heap[i] = e;
	e.timer->slot = (uint32_t)i + 1;
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

static int grow(struct mams_timerq *q)
{
	size_t cap = q->cap ? q->cap * 2 : 64;
	struct mams_timerq_entry *heap = reallocarray(q->heap, cap, sizeof(*heap));

	if (!heap)
		return -ENOMEM;
	q->heap = heap;
	q->cap = cap;
	return 0;
}

int mams_timerq_set(struct mams_timerq *q, struct mams_timer *t, mams_time when)
{
	if (mams_time_is_never(when)) {
		mams_timerq_del(q, t);
		return 0;
	}
	if (t->slot) {
		bool earlier = mams_time_before(when, t->when);

		t->when = when;
		if (earlier)
			sift_up(q, t->slot - 1, (struct mams_timerq_entry){when, t});
		else
			sift_down(q, t->slot - 1, (struct mams_timerq_entry){when, t});
		return 0;
	}
	if (q->n == q->cap && grow(q) != 0)
		return -ENOMEM;
	t->when = when;
	sift_up(q, q->n++, (struct mams_timerq_entry){when, t});
	return 0;
}

void mams_timerq_del(struct mams_timerq *q, struct mams_timer *t)
{
	struct mams_timerq_entry last;
	size_t i = t->slot;

	if (!i)
		return;
	i--;
	t->slot = 0;
	last = q->heap[--q->n];
	if (last.timer == t)
		return;
	if (i > 0 && mams_time_before(last.when, q->heap[(i - 1) / 2].when))
		sift_up(q, i, last);
	else
		sift_down(q, i, last);
}

mams_time mams_timerq_next(const struct mams_timerq *q)
{
	return q->n ? q->heap[0].when : MAMS_TIME_NEVER;
}

struct mams_timer *mams_timerq_pop(struct mams_timerq *q, mams_time now)
{
	struct mams_timer *t;

	if (q->n == 0 || mams_time_before(now, q->heap[0].when))
		return NULL;
	t = q->heap[0].timer;
	mams_timerq_del(q, t);
	return t;
}
