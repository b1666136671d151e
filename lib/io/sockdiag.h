/** @file sockdiag.h
 *  Which TCP sockets this host has (NETLINK_SOCK_DIAG).  Layer: io. */
#pragma once

#include "lib/base/addr.h"
#include "lib/base/err.h"

#include <stdbool.h>

/** Does any connected TCP socket of this host have this address, whatever the port, as its peer?
 *  @return 0 or -errno (-ENOENT: the kernel has no inet_diag) */
MAMS_MUST int mams_sockdiag_peer(const struct mams_addr *a, bool *yes);
