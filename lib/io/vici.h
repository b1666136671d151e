/** @file vici.h
 *  The connection to charon (strongSwan) in our loop.  Layer: io.
 *  It connects by itself and again whenever charon has gone; commands wait in a queue and go out
 * one at a time, as charon answers in order; events come in between.  Octets of commands are wiped
 * once they are sent, as there may be a secret among them. */
#pragma once

#include "lib/io/loop.h"
#include "lib/io/vici_msg.h"

struct mams_vici;

struct mams_vici_ops {
	/** charon answers, and its events are ours from here on. */
	void (*up)(void *user);
	/** It has gone: all that it held has gone with it.  Called once after each up(). */
	void (*down)(void *user, const char *why);
	/** event->name and event->body are borrowed for the call. */
	void (*event)(void *user, const struct mams_vici_packet *event);
};

/** What a command has led to.
 *  @param rc    0, -MAMS_EPEER (charon says no), -MAMS_EUNKNOWN (it has no such command), -EPIPE
 * (it has gone, nobody knows what it did)
 *  @param body  borrowed for the call; empty unless charon has answered */
typedef void (*mams_vici_answer_fn)(
	void *user, uintptr_t which, int rc, const struct mams_vici_text *body);

/** Connect to the socket at path, first attempt from the loop.
 *  @param events  names that are wanted, borrowed, the last NULL; NULL: none
 *  @param ops     borrowed; all three are set */
MAMS_MUST int mams_vici_new(struct mams_loop *l, const char *path, const char *const *events,
	const struct mams_vici_ops *ops, void *user, struct mams_vici **out);
/** No callback comes any more, of commands neither.  Accepts NULL; may be called from a callback.
 */
void mams_vici_free(struct mams_vici *v);
bool mams_vici_is_up(const struct mams_vici *v);

/** Finish a command begun with MAMS_VICI_REQUEST, and queue it.  The writer's memory is wiped.
 *  @param cb     called exactly once, later, unless this fails; NULL: nobody asks
 *  @param which  for cb
 *  @return 0, -ENOTCONN, -MAMS_ELIMIT (too long, or 256 wait), -MAMS_EPROTO (writer), -ENOMEM */
MAMS_MUST int mams_vici_ask(struct mams_vici *v, struct mams_vici_writer *command,
	mams_vici_answer_fn cb, uintptr_t which);
