/** @file assoc.h
 *  One IPsec association as its owner wants it: when to load, to negotiate, to give up, to try
 * again. Layer: io, but pure: no socket, no clock, no allocation.  Source: seed section 7,
 * figure 8.
 *
 *  Say what happened, then take actions by mams_assoc_next() until there is none.  The side that
 * does not initiate loads and waits.  Failed negotiations are tried again, 0.5 s later, then 1 s, 2
 * s ... 15 s; one that has lasted for 10 s makes it 0.5 s again. */
#pragma once

#include "lib/base/clock.h"

#include <stddef.h>

enum mams_assoc_state {
	MAMS_ASSOC_OFF,       /**< charon is not there */
	MAMS_ASSOC_LOAD,      /**< charon is being told */
	MAMS_ASSOC_WAIT,      /**< for the peer, or for the next try */
	MAMS_ASSOC_NEGOTIATE, /**< IKE is under way, at our wish */
	MAMS_ASSOC_UP,        /**< what it protects may flow */
};
const char *mams_assoc_state_name(enum mams_assoc_state s);

enum mams_assoc_action {
	MAMS_ASSOC_DO_LOAD,      /**< secret and configuration; answer by mams_assoc_loaded() */
	MAMS_ASSOC_DO_TERMINATE, /**< whatever there is of it in charon */
	MAMS_ASSOC_DO_INITIATE,
	MAMS_ASSOC_DO_TELL, /**< the state is another one, or there is another reason */
};

#define MAMS_ASSOC_CHILDREN 8u

/** Zero-initialised, and initiate set: charon is not there. */
struct mams_assoc {
	bool initiate;
	enum mams_assoc_state state;
	const char *why; /**< static words: of the last failure; NULL once it was up */
	mams_time until; /**< in WAIT and NEGOTIATE, if timed */
	bool timed;
	bool unloaded; /**< it was refused: it is loaded anew */
	uint32_t pause_ms;
	mams_time up_at;
	uint64_t children[MAMS_ASSOC_CHILDREN]; /**< unique ids of child SAs that stand */
	size_t n_children;
	unsigned todo; /**< bits of enum mams_assoc_action */
};

void mams_assoc_charon(struct mams_assoc *a, bool up, mams_time now);
void mams_assoc_loaded(struct mams_assoc *a, bool good, mams_time now);
/** It has been removed from charon, or is not to be loaded now: later.
 *  @param why  static words */
void mams_assoc_refused(struct mams_assoc *a, const char *why, mams_time now);
/** A child SA has come or gone; a new one may come before the old one goes. */
void mams_assoc_child(struct mams_assoc *a, uint64_t id, bool up, mams_time now);
/** @param why  static words */
void mams_assoc_failed(struct mams_assoc *a, const char *why, mams_time now);
/** Nothing comes through it, whatever charon thinks: negotiate anew. */
void mams_assoc_anew(struct mams_assoc *a, mams_time now);
void mams_assoc_tick(struct mams_assoc *a, mams_time now);
mams_time mams_assoc_deadline(const struct mams_assoc *a);
/** @return false: nothing to do */
bool mams_assoc_next(struct mams_assoc *a, enum mams_assoc_action *out);
