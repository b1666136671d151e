/** @file timerq.h
 *  Deadlines of many things: a binary heap in which each knows its position, so re-arming and
 *  cancelling cost log n.  Times and positions are the queue's own: to find its way, and to move
 *  others, it neither reads nor writes the things, of which there may be more than a cache holds.
 *  Layer: base (pure). */
#pragma once

#include "lib/base/clock.h"
#include "lib/base/err.h"

#include <stddef.h>
#include <stdint.h>

/** Embedded in the object; zero-initialised is "not armed". */
struct mams_timer {
	mams_time when;
	uint32_t slot; /**< number in the queue + 1; 0 not armed */
	uint32_t kind; /**< the owner's; says what the timer is embedded in */
};

struct mams_timerq_entry {
	mams_time when;
	uint32_t id; /**< in armed[] */
};

struct mams_timerq_armed {
	struct mams_timer *timer;
	uint32_t at; /**< position in the heap; of a free one: the next free one + 1 */
};

/** Zero-initialised is empty.  The things stay the caller's. */
struct mams_timerq {
	struct mams_timerq_entry *heap;
	struct mams_timerq_armed *armed; /**< armed[cap] */
	size_t n;
	size_t cap;
	uint32_t free; /**< first free one of armed[] + 1; 0 none */
};

void mams_timerq_fini(struct mams_timerq *q);
/** Arm or re-arm; MAMS_TIME_NEVER disarms. @return 0 or -ENOMEM (not armed) */
MAMS_MUST int mams_timerq_set(struct mams_timerq *q, struct mams_timer *t, mams_time when);
void mams_timerq_del(struct mams_timerq *q, struct mams_timer *t);
/** Time of the earliest; MAMS_TIME_NEVER when empty. */
mams_time mams_timerq_next(const struct mams_timerq *q);
/** The earliest, when it is due; it stays armed.  Else NULL. */
struct mams_timer *mams_timerq_due(const struct mams_timerq *q, mams_time now);
/** Take the earliest off when it is due, else NULL. */
struct mams_timer *mams_timerq_pop(struct mams_timerq *q, mams_time now);
