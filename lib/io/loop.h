/** @file loop.h
 *  libuv, wrapped: descriptors, timers, signals, deferred release.  Layer: io.
 *  One loop per thread.  Objects removed during dispatch are freed at the end of the iteration, so
 * a stale event meets a dead but valid object.  A turn longer than 50 ms is counted. */
#pragma once

#include "lib/base/clock.h"
#include "lib/base/err.h"

struct mams_loop;
struct mams_loop_fd;
struct mams_loop_timer;

#define MAMS_LOOP_READ 0x1u
#define MAMS_LOOP_WRITE 0x2u
#define MAMS_LOOP_HANGUP 0x4u /**< the peer has closed its direction or reset */

/** events: MAMS_LOOP_...; errors of the descriptor appear as READ and WRITE. */
typedef void (*mams_loop_fd_fn)(void *user, int fd, unsigned events);
typedef void (*mams_loop_fn)(void *user);
typedef void (*mams_loop_signal_fn)(void *user, int signum);

MAMS_MUST int mams_loop_new(struct mams_loop **out);
/** Ends remaining watches; accepts NULL. */
void mams_loop_free(struct mams_loop *l);
/** Run until mams_loop_stop(). */
void mams_loop_run(struct mams_loop *l);
void mams_loop_stop(struct mams_loop *l);
/** Time cached at the start of this turn. */
mams_time mams_loop_now(const struct mams_loop *l);
uint64_t mams_loop_slow_turns(const struct mams_loop *l);

/** Watch fd, level-triggered; fd stays the caller's. */
MAMS_MUST int mams_loop_fd_add(struct mams_loop *l, int fd, unsigned events, mams_loop_fd_fn cb,
	void *user, struct mams_loop_fd **out);
void mams_loop_fd_set(struct mams_loop_fd *w, unsigned events);
void mams_loop_fd_del(struct mams_loop_fd *w); /**< accepts NULL */

/** A one-shot timer, not yet armed. */
MAMS_MUST int mams_loop_timer_new(
	struct mams_loop *l, mams_loop_fn cb, void *user, struct mams_loop_timer **out);
/** Arm or re-arm; MAMS_TIME_NEVER disarms. */
void mams_loop_timer_at(struct mams_loop_timer *t, mams_time when);
void mams_loop_timer_del(struct mams_loop_timer *t); /**< accepts NULL */

MAMS_MUST int mams_loop_signal_add(
	struct mams_loop *l, int signum, mams_loop_signal_fn cb, void *user);

/** Run cb once at the end of this iteration (deferred release of objects). */
MAMS_MUST int mams_loop_defer(struct mams_loop *l, mams_loop_fn cb, void *user);

/** Foreign sources (MHD, curl): before() is called just before the loop blocks and returns the
 *  latest time to wake; after() is called right after it woke. */
struct mams_loop_source {
	mams_time (*before)(void *user);
	void (*after)(void *user);
	void *user;
};
MAMS_MUST int mams_loop_source_add(struct mams_loop *l, const struct mams_loop_source *s);
void mams_loop_source_del(struct mams_loop *l, const void *user);
