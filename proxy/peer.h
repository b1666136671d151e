/** @file peer.h
 *  Client role: is the N-MADP there?  Asked by Convert Info over each path in turn while it is not.
 *  Layer: adapter of mams-proxy.  Source: RFC 8803 section 6.2.3 (Info). */
#pragma once

#include "lib/io/loop.h"
#include "proxy/config.h"
#include "proxy/snapshot.h"

struct px_peer;

/** @param back  called once when the N-MADP answers; asking then ends */
MAMS_MUST int px_peer_new(struct mams_loop *l, const struct px_conf *conf, mams_loop_fn back,
	void *user, struct px_peer **out);
void px_peer_free(struct px_peer *p); /**< accepts NULL; wipes the cookie */
/** Ask from now on, at once and then every conf->probe_ms.
 *  @param s  paths and cookie are copied; may be given anew while asking */
void px_peer_ask(struct px_peer *p, const struct px_snapshot *s);
void px_peer_rest(struct px_peer *p);
