/** @file holds.h
 *  What N-MADP instances hold of our clients: a record is made before an instance is told of a
 *  client and goes when the instance has answered that it forgot it, so that no instance serves a
 *  client for good whose session has ended while it, or we, were away.  Layer: core (no I/O, no
 *  clock).  A client's records are kept in the store as one text: a line "SESSION INSTANCE" each.
 */
#pragma once

#include "lib/base/err.h"
#include "ncm-service/policy.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mams_buf;
struct ncm_holds;

enum ncm_hold_state {
	NCM_HOLD_NEW,   /**< not in the store yet: the instance is told after that */
	NCM_HOLD_KEPT,  /**< of a session that goes on */
	NCM_HOLD_DUE,   /**< the instance has to forget it, and has not been told */
	NCM_HOLD_ASKED, /**< it has been told, and has not answered */
};

struct ncm_hold {
	const char *client;
	uint64_t session_id;
	size_t madp; /**< index */
	enum ncm_hold_state state;
	uint32_t request; /**< ASKED: its number */
};

/** @param limit  records at most */
struct ncm_holds *ncm_holds_new(const struct ncm_policy *p, size_t limit);
void ncm_holds_free(struct ncm_holds *h); /**< accepts NULL */

/** The instance is to be told of the client.
 *  @return 0 (it is NEW: the store first), 1 (known), -MAMS_ELIMIT, -ENOMEM */
MAMS_MUST int ncm_holds_add(
	struct ncm_holds *h, const char *client, uint64_t session_id, size_t madp);
/** The next one that is NEW: KEPT from now on.  NULL: none */
const struct ncm_hold *ncm_holds_stored(struct ncm_holds *h);
/** The instance has to forget this session.
 *  @return 0 (it was not known), 1 (it was), -MAMS_ELIMIT, -ENOMEM */
MAMS_MUST int ncm_holds_release(
	struct ncm_holds *h, const char *client, uint64_t session_id, size_t madp);
/** All of a client that lives() does not want are DUE. */
void ncm_holds_review(struct ncm_holds *h, const char *client,
	bool (*lives)(void *user, const struct ncm_hold *x), void *user);
void ncm_holds_forget(struct ncm_holds *h, const char *client); /**< another NCM answers for it */

/** The next one that this instance has to forget; NULL: none, or enough have been asked. */
const struct ncm_hold *ncm_holds_due(const struct ncm_holds *h, size_t madp);
void ncm_holds_asked(struct ncm_holds *h, const struct ncm_hold *x, uint32_t request);
/** The instance has answered a request: if it was one of these, it is gone.
 *  @param client  client[size], filled with whose it was
 *  @return it was one */
bool ncm_holds_answered(
	struct ncm_holds *h, size_t madp, uint32_t request, char *client, size_t size);
/** The connection has ended: what was ASKED is DUE again. */
void ncm_holds_lost(struct ncm_holds *h, size_t madp);

/** A client's records as text, "" when it has none.  @param out  appended to; NUL-terminated */
void ncm_holds_write(const struct ncm_holds *h, const char *client, struct mams_buf *out);
/** Add what ncm_holds_write() wrote, as KEPT.  Left out: what is not understood, and instances that
 *  the policy does not have.  @return how many were left out */
size_t ncm_holds_read(struct ncm_holds *h, const char *client, const char *text);
/** Call fn for every client with records; fn changes nothing. */
void ncm_holds_each(
	const struct ncm_holds *h, void (*fn)(void *user, const char *client), void *user);
/** Of one instance. */
size_t ncm_holds_at(const struct ncm_holds *h, size_t madp);
size_t ncm_holds_count(const struct ncm_holds *h);
