/** @file peers.h
 *  How many connections each peer of a server has: a peer is an address, or a user of this host.
 *  Layer: io, internal. */
#pragma once

#include "lib/base/addr.h"
#include "lib/base/err.h"

struct mams_peer;

/** All peers of a server; NULL: none. */
struct mams_peers {
	struct mams_peer *all;
};

/** One connection more.
 *  @param uid  the user, whatever the address; NULL: the address counts
 *  @param out  for mams_peers_leave()
 *  @return 0, -MAMS_ELIMIT (it has max), -ENOMEM */
MAMS_MUST int mams_peers_enter(struct mams_peers *p, const struct mams_addr *a, const uint32_t *uid,
	unsigned max, struct mams_peer **out);
/** One less.  @param peer  NULL: it was not counted */
void mams_peers_leave(struct mams_peers *p, struct mams_peer *peer);
