/** @file masquerade.h
 *  Source NAT for anchor addresses that mean nothing outside of this host.  Layer: adapter.  An
 *  nftables table of our own, inet mams_trailer, which the kernel removes with this process; no
 *  other table is touched. */
#pragma once

#include "lib/base/addr.h"
#include "lib/base/err.h"

struct madp_masquerade;

/** @param tun  name that our devices begin with: packets between clients stay as they are
 *  @return 0, -EIO; err has the first line of what nftables says */
MAMS_MUST int madp_masquerade_new(const struct mams_prefix *nets, size_t n, const char *tun,
	struct madp_masquerade **out, struct mams_error *err);
void madp_masquerade_free(struct madp_masquerade *m); /**< accepts NULL */
