/** @file timerq.h
 *  Deadlines of many things: a binary heap with the position kept in each node, so re-arming and
 *  cancelling cost log n.  The heap has the times, too: to find its way it reads nothing of the
 *  things, of which there may be more than a cache holds.  Layer: base (pure). */
#pragma once

#include "lib/base/clock.h"
#include "lib/base/err.h"

#include <stddef.h>
#include <stdint.h>

/** Embedded in the object; zero-initialised is "not armed". */
struct mams_timer {
	mams_time when;
	uint32_t slot; /**< position + 1; 0 not armed */
	uint32_t kind; /**< the owner's; says what the timer is embedded in */
};

struct mams_timerq_entry {
	mams_time when;
	struct mams_timer *timer;
};

/** Zero-initialised is empty.  The things stay the caller's. */
struct mams_timerq {
	struct mams_timerq_entry *heap;
	size_t n;
	size_t cap;
};

void mams_timerq_fini(struct mams_timerq *q);
/** Arm or re-arm; MAMS_TIME_NEVER disarms. @return 0 or -ENOMEM (not armed) */
MAMS_MUST int mams_timerq_set(struct mams_timerq *q, struct mams_timer *t, mams_time when);
void mams_timerq_del(struct mams_timerq *q, struct mams_timer *t);
/** Time of the earliest; MAMS_TIME_NEVER when empty. */
mams_time mams_timerq_next(const struct mams_timerq *q);
/** Take the earliest off when it is due, else NULL. */
struct mams_timer *mams_timerq_pop(struct mams_timerq *q, mams_time now);
