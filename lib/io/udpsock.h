/** @file udpsock.h
 *  A UDP socket bound to one interface, in our loop.  Layer: io. */
#pragma once

#include "lib/base/addr.h"
#include "lib/base/err.h"
#include "lib/io/loop.h"

#include <stdbool.h>
#include <stddef.h>

struct mams_udpsock;

struct mams_udpsock_opts {
	const struct mams_addr *local; /**< NULL: any, of the peer's family */
	const struct mams_addr *peer;  /**< connect to it; NULL: to none */
	const char *interface;         /**< nothing is sent or heard elsewhere; NULL: anywhere */
	uint32_t mark;                 /**< SO_MARK; 0: none */
	size_t max;                    /**< octets of a datagram */
};

/** data[len] is borrowed for the call; whole: false when it was longer than max.
 *  The socket may be freed from here. */
typedef void (*mams_udpsock_fn)(
	void *user, const struct mams_addr *peer, const char *data, size_t len, bool whole);

/** @return 0, -ENODEV (no such interface), -EADDRINUSE and other system errors; err names it */
MAMS_MUST int mams_udpsock_new(struct mams_loop *l, const struct mams_udpsock_opts *opts,
	mams_udpsock_fn cb, void *user, struct mams_udpsock **out, struct mams_error *err);
void mams_udpsock_free(struct mams_udpsock *s); /**< accepts NULL */
/** @param peer  NULL: the connected one
 *  @return 0 or a system error; -EAGAIN: dropped, as any network may */
MAMS_MUST int mams_udpsock_send(
	struct mams_udpsock *s, const struct mams_addr *peer, const void *data, size_t len);
