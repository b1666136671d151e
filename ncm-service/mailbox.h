/** @file mailbox.h
 *  What waits for each session's client, and the channel by which it is reached now.
 *  Layer: adapter.  Source: requirements.md A.1-5 (how the NCM starts a message).
 *  A client is where it spoke last: a new channel takes the old one's place. */
#pragma once

#include "lib/base/addr.h"
#include "lib/base/err.h"
#include "ncm-service/policy.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NCM_MAILBOX_MAX 32u /**< messages that wait for one client */

struct ncm_mailbox;
struct ncm_box;
struct ncm_channel;
struct ncm_away;

enum ncm_dismissal {
	NCM_CHANNEL_REPLACED, /**< the client has come by another, or should */
	NCM_CHANNEL_ENDED,    /**< the session is over */
};

/** Called by the mailbox only.  Both may detach and free the channel. */
struct ncm_channel_ops {
	enum ncm_transport transport;
	/** A message for the client, text[len], borrowed.  @return taken */
	bool (*deliver)(struct ncm_channel *c, const char *text, size_t len);
	/** It is detached; nothing of it is used any more. */
	void (*dismiss)(struct ncm_channel *c, enum ncm_dismissal why);
};

/** First member of what a transport has per client. */
struct ncm_channel {
	const struct ncm_channel_ops *ops;
	struct mams_addr peer;
	struct ncm_box *box;   /**< the mailbox's; NULL: attached to none */
	struct ncm_away *away; /**< the front's; NULL: no other instance has the session */
};

MAMS_MUST int ncm_mailbox_new(struct ncm_mailbox **out);
/** Channels are left as they are, detached.  Accepts NULL. */
void ncm_mailbox_free(struct ncm_mailbox *m);

/** A message for a session's client, now or when he comes; text[len] becomes the mailbox's.
 *  @return 0, -MAMS_ELIMIT (too many wait already), -ENOMEM */
MAMS_MUST int ncm_mailbox_put(struct ncm_mailbox *m, uint64_t session_id, char *text, size_t len);
/** The client of this session is reached by c from now on; what waits is delivered. */
MAMS_MUST int ncm_mailbox_attach(struct ncm_mailbox *m, uint64_t session_id, struct ncm_channel *c);
void ncm_mailbox_detach(struct ncm_channel *c); /**< attached or not */
/** The session is over, or another instance's: its channel is dismissed, what waits is thrown away.
 */
void ncm_mailbox_end(struct ncm_mailbox *m, uint64_t session_id, enum ncm_dismissal why);

/** While a client's message is dealt with, whatever is put waits: first the answer to it, then what
 * it led to.  (A request before the answer to a discovery is none that the client can take, and
 * comes again only after MAMS_TIMEOUT.)  Each hold has its go_on. */
void ncm_mailbox_hold(struct ncm_mailbox *m);
void ncm_mailbox_go_on(struct ncm_mailbox *m);

/** The client was seen, by a channel of this transport. */
void ncm_mailbox_seen(struct ncm_mailbox *m, uint64_t session_id, enum ncm_transport transport,
	const struct mams_addr *peer);
/** Where and how it was last seen; "-" and unset when not yet.  transport is static text. */
void ncm_mailbox_where(const struct ncm_mailbox *m, uint64_t session_id, const char **transport,
	struct mams_addr *peer);
