/** @file hostnet.h
 *  The host's own addresses and networks, which clients must not reach through us.
 *  Layer: adapter of mams-proxy. */
#pragma once

#include "proxy/dest.h"

struct px_hostnet {
	struct mams_prefix *nets; /**< nets[n] */
	struct mams_addr *addrs;  /**< addrs[n], port 0 */
	size_t n;
};

/** Read them anew. @return 0 or -errno */
MAMS_MUST int px_hostnet_read(struct px_hostnet *out);
void px_hostnet_fini(struct px_hostnet *h);
