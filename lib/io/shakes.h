/** @file shakes.h
 *  TLS handshakes, a few steps in a turn of the loop.  Layer: io.
 *
 *  A step costs a large part of a millisecond, and a crowd that comes at once would have all of its
 *  steps done in one turn, while everybody who is already there waits.  Here it queues: who has
 *  begun first, or a crowd would have all of its first steps done before anyone's last one, when
 *  everyone has given up; and after every few steps all else that is ready.  (One at a time would
 *  keep the loop from doing things together: it halves how many clients can be set up in a second.)
 */
#pragma once

#include "lib/io/loop.h"

#include <sys/queue.h>

#define MAMS_SHAKES_PER_TURN 4u

/** Embedded in a connection. */
struct mams_shake {
	bool waits;
	bool begun; /**< has had a step */
	TAILQ_ENTRY(mams_shake) link;
};

struct mams_shakes {
	struct mams_loop *loop;
	void (*step)(void *user, struct mams_shake *s);
	void *user;
	TAILQ_HEAD(mams_shake_list, mams_shake) begun, fresh;
};

/** @param step  called for the first of those that wait, which then no longer waits */
MAMS_MUST int mams_shakes_init(struct mams_shakes *q, struct mams_loop *l,
	void (*step)(void *user, struct mams_shake *s), void *user);
void mams_shakes_fini(struct mams_shakes *q); /**< also when it is all zero */
/** There is something to do; does nothing for one that waits already. */
void mams_shakes_put(struct mams_shakes *q, struct mams_shake *s);
/** The client of a TCP connection has ended it: a handshake would be for nobody. */
bool mams_shakes_is_gone(int fd);
/** Its connection ends. */
void mams_shakes_drop(struct mams_shakes *q, struct mams_shake *s);
