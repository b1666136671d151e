/** @file timerq.h
 *  Deadlines of a worker's flows: a binary heap with the position kept in each node, so re-arming
 *  and cancelling cost log n and the memory is one pointer a flow.  Layer: core (no I/O, no clock).
 */
#pragma once

#include "lib/base/clock.h"
#include "lib/base/err.h"

#include <stddef.h>
#include <stdint.h>

/** Embedded in the object; zero-initialised is "not armed". */
struct px_timer {
	mams_time when;
	uint32_t slot; /**< position + 1; 0 not armed */
	uint32_t kind; /**< the owner's; says what the timer is embedded in */
};

struct px_timerq {
	struct px_timer **heap;
	size_t n;
	size_t cap;
};

void px_timerq_fini(struct px_timerq *q);
/** Arm or re-arm; MAMS_TIME_NEVER disarms. @return 0 or -ENOMEM (not armed) */
MAMS_MUST int px_timerq_set(struct px_timerq *q, struct px_timer *t, mams_time when);
void px_timerq_del(struct px_timerq *q, struct px_timer *t);
/** Time of the earliest; MAMS_TIME_NEVER when empty. */
mams_time px_timerq_next(const struct px_timerq *q);
/** Take the earliest off when it is due, else NULL. */
struct px_timer *px_timerq_pop(struct px_timerq *q, mams_time now);
