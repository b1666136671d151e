/** @file ws.h
 *  One WebSocket connection: framing by wslay on whatever carries the octets.  Layer: io.
 *  Source: RFC 6455; RFC 8743 7.1 (MX messages as text frames).
 *  Silence is met with a ping; a second silence, a message that does not get finished, and a peer
 *  that does not read end the connection.  Nothing of the peer's is kept beyond the limits below.
 */
#pragma once

#include "lib/base/err.h"
#include "lib/base/metrics.h"
#include "lib/io/loop.h"
#include "lib/io/pipe.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct mams_ws;

/* Close codes of RFC 6455 7.4.1 that we name. */
#define MAMS_WS_NORMAL 1000
#define MAMS_WS_GOING_AWAY 1001
#define MAMS_WS_PROTOCOL 1002
#define MAMS_WS_UNSUPPORTED 1003
#define MAMS_WS_ABNORMAL 1006 /**< never on the wire: the connection ended without a close */
#define MAMS_WS_INVALID 1007
#define MAMS_WS_POLICY 1008
#define MAMS_WS_TOO_BIG 1009
#define MAMS_WS_INTERNAL 1011

#define MAMS_WS_KEY_LEN 24    /**< of Sec-WebSocket-Key */
#define MAMS_WS_ACCEPT_LEN 28 /**< of Sec-WebSocket-Accept */

/** Zero means the default in brackets. */
struct mams_ws_opts {
	size_t message_max;  /**< octets of a message received [65536] */
	size_t queue_max;    /**< octets waiting to be sent [262144] */
	unsigned silence_ms; /**< nothing received: ping; as long again: over [20000] */
	unsigned message_ms; /**< first octet of a message to its last [10000] */
};

/** Shared by many connections. */
struct mams_ws_counters {
	uint64_t opened;
	uint64_t open;
	uint64_t messages_in;
	uint64_t messages_out;
	uint64_t pings;          /**< ours */
	uint64_t silent;         /**< ended: no answer to a ping */
	uint64_t slow;           /**< ended: a message unfinished, or the peer does not read */
	uint64_t violations;     /**< ended by us with 1002, 1003, 1007 or 1009 */
	uint64_t queue_full;     /**< messages not sent */
	uint64_t closed_by_peer; /**< with a close frame */
	uint64_t broken;         /**< ended without one */
};
extern const struct mams_metric mams_ws_counter_rows[];
extern const size_t mams_ws_n_counter_rows;

struct mams_ws_ops {
	/** A whole text message; text[len] is borrowed for the call and not NUL-terminated. */
	void (*message)(void *user, const char *text, size_t len);
	/** It is over; to be freed.  Not called after mams_ws_free(). */
	void (*closed)(void *user, unsigned code);
};

/** @param pipe  taken over, also when this fails
 *  @param client  our role: clients mask
 *  @param ops, counters  borrowed, must outlive it */
MAMS_MUST int mams_ws_new(struct mams_loop *l, const struct mams_pipe *pipe, bool client,
	const struct mams_ws_opts *opts, const struct mams_ws_ops *ops, void *user,
	struct mams_ws_counters *counters, struct mams_ws **out);
/** At once, without a close frame; also from within ops.  Accepts NULL. */
void mams_ws_free(struct mams_ws *w);
/** @return 0, -MAMS_ELIMIT (the peer does not read), -MAMS_ESTATE (closing) */
MAMS_MUST int mams_ws_send(struct mams_ws *w, const char *text, size_t len);
/** A ping now: closed() comes within the time when there is nobody any more.
 *  @param within_ms  for whatever answer */
void mams_ws_probe(struct mams_ws *w, unsigned within_ms);
/** Send what is queued and a close frame; closed() follows when the peer answers, or soon. */
void mams_ws_close(struct mams_ws *w, unsigned code);

/** A fresh Sec-WebSocket-Key, into out[MAMS_WS_KEY_LEN + 1]. */
MAMS_MUST int mams_ws_make_key(char *out);
/** Is it 16 octets in base64? */
bool mams_ws_key_is_good(const char *key);
/** The Sec-WebSocket-Accept that belongs to a key, into out[MAMS_WS_ACCEPT_LEN + 1]. */
MAMS_MUST int mams_ws_accept(const char *key, char *out);
