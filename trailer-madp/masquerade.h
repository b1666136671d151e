/** @file masquerade.h
 *  Source NAT for anchor addresses that mean nothing outside of this host.  Layer: adapter.  Table
 *  inet mams_trailer; no other table is touched. */
#pragma once

#include "lib/base/addr.h"
#include "trailer-madp/table.h"

/** @param tun  name that our devices begin with: packets between clients stay as they are
 *  @return as madp_table_new() */
MAMS_MUST int madp_masquerade_new(const struct mams_prefix *nets, size_t n, const char *tun,
	struct madp_table **out, struct mams_error *err);
