/** @file dest.h
 *  Where the N-MADP may connect to on behalf of a client.  Layer: core (no I/O).
 *  Source: RFC 8803 sections 6.2.5 and 9.  Never loopback, link-local, multicast, unset; never the
 *  host's own addresses and networks, unless an allow prefix names them; an own address needs a
 *  prefix of full length, so that allowing a server network does not open the host itself. */
#pragma once

#include "lib/base/addr.h"

#include <stdbool.h>
#include <stddef.h>

struct px_dest_policy {
	const struct mams_prefix *deny; /**< first, against everything */
	size_t n_deny;
	const struct mams_prefix *allow; /**< exceptions from the built-in refusals */
	size_t n_allow;
	const struct mams_prefix *own; /**< networks of the host's interfaces */
	size_t n_own;
	const struct mams_addr *self; /**< addresses of the host, port 0 */
	size_t n_self;
	bool others; /**< what no rule names is allowed */
};

bool px_dest_is_allowed(const struct px_dest_policy *p, const struct mams_addr *dst);
