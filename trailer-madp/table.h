/** @file table.h
 *  An nftables table of our own, which the kernel removes with this process.  Layer: adapter. */
#pragma once

#include "lib/base/buf.h"
#include "lib/base/err.h"

struct madp_table;

/** @param rules  a whole `table` with `flags owner`; finished and freed here
 *  @return 0, -ENOMEM, -EIO; err has the first line of what nftables says */
MAMS_MUST int madp_table_new(
	struct mams_buf *rules, struct madp_table **out, struct mams_error *err);
void madp_table_free(struct madp_table *t); /**< accepts NULL */
