/** @file sockdiag.h
 *  Which TCP sockets this host has (NETLINK_SOCK_DIAG).  Layer: io. */
#pragma once

#include "lib/base/addr.h"
#include "lib/base/err.h"

#include <stdbool.h>
#include <stdint.h>

/** Does any connected TCP socket of this host have this address, whatever the port, as its peer?
 *  @return 0 or -errno (-ENOENT: the kernel has no inet_diag) */
MAMS_MUST int mams_sockdiag_peer(const struct mams_addr *a, bool *yes);
/** Whose socket is the other end of a TCP connection within this host?
 *  @param local, remote  the connection as seen from our end, with ports
 *  @return 0 or -errno (-ENOENT: there is no such socket) */
MAMS_MUST int mams_sockdiag_owner(
	const struct mams_addr *local, const struct mams_addr *remote, uint32_t *uid);
