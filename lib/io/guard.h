/** @file guard.h
 *  Fail closed: TCP between a protected link and its proxy address, and UDP between it and the
 * trailer's, pass inside IPsec or not at all.  Layer: io.  Source: seed section 7.
 *
 *  A table of nftables without an owner: it stands when the daemon that made it is dead, and until
 * it is replaced or removed.  Its chains come before all others.  What leaves or enters by charon's
 * TUN device (ipsec0 ...), or transformed by the kernel's IPsec, passes.  So do IKE and ESP in UDP:
 * they have ports of their own.  Where datagrams are kept in, ICMP errors are, too, since they
 * quote what they are about. */
#pragma once

#include "lib/base/addr.h"
#include "lib/base/err.h"

#include <stdbool.h>

/** The N-MADP's end is its proxy, or the end of a tunnel. */
struct mams_guard_rule {
	struct mams_addr local; /**< with network: the N-MADP's end, with port; else the link's */
	struct mams_addr
		remote; /**< with network: unset, it holds for all clients; else that end */
	bool network;
	bool udp;       /**< a tunnel's end; else TCP */
	uint16_t ports; /**< udp: so many from that of the N-MADP's end on; 0 is 1 */
};

/** Replace the table as a whole, in one transaction; no rules: remove it.
 *  @param table  name, such as "mams_guard_client"
 *  @return 0 or a negative code; err says what nftables says */
MAMS_MUST int mams_guard_set(
	const char *table, const struct mams_guard_rule *rules, size_t n, struct mams_error *err);
