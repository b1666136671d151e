/** @file sockdiag.h
 *  Which TCP and UDP sockets this host has (NETLINK_SOCK_DIAG).  Layer: io. */
#pragma once

#include "lib/base/addr.h"
#include "lib/base/err.h"

#include <stdbool.h>
#include <stdint.h>

/** Does any connected TCP socket of this host have this address, whatever the port, as its peer?
 *  @return 0 or -errno (-ENOENT: the kernel has no inet_diag) */
MAMS_MUST int mams_sockdiag_peer(const struct mams_addr *a, bool *yes);
/** Has this host a UDP socket connected to this address and port?
 *  @return 0 or -errno */
MAMS_MUST int mams_sockdiag_udp(const struct mams_addr *remote, bool *yes);
/** A connected TCP socket of this host; subflows of MPTCP are such sockets. */
struct mams_tcp_socket {
	struct mams_addr local; /**< with ports */
	struct mams_addr remote;
	bool owed;        /**< something that it has sent is not yet acknowledged */
	int64_t heard_ms; /**< ago: the latest data or acknowledgement of its peer */
	int64_t rtt_us;   /**< smoothed */
};
/** Every connected TCP socket of a family whose peer has this port.
 *  @param fn  called for each; the socket is borrowed for the call
 *  @return 0 or -errno */
MAMS_MUST int mams_sockdiag_tcp(uint8_t family, uint16_t remote_port,
	void (*fn)(void *user, const struct mams_tcp_socket *s), void *user);
/** End a TCP socket of this host at once, whatever it still wants to send.  Needs CAP_NET_ADMIN.
 *  @return 0 or -errno (-ENOENT: gone; -EOPNOTSUPP: the kernel has no INET_DIAG_DESTROY) */
MAMS_MUST int mams_sockdiag_destroy(const struct mams_addr *local, const struct mams_addr *remote);
/** Whose socket is the other end of a TCP connection within this host?
 *  @param local, remote  the connection as seen from our end, with ports
 *  @return 0 or -errno (-ENOENT: there is no such socket) */
MAMS_MUST int mams_sockdiag_owner(
	const struct mams_addr *local, const struct mams_addr *remote, uint32_t *uid);
