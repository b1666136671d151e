/** @file netwatch.h
 *  Kernel events -> links.  Layer: adapter. */
#pragma once

#include "ccm-agent/links.h"
#include "lib/io/loop.h"

struct ccm_netwatch;

struct ccm_netwatch_ops {
	void (*changed)(void *user); /**< after every batch of events */
	/** The host has lost an address, or has it again. */
	void (*address)(void *user, const struct mams_addr *a, bool present);
};

/** @param links    filled at once with what there is; borrowed
 *  @param ops      borrowed */
MAMS_MUST int ccm_netwatch_new(struct mams_loop *l, struct ccm_links *links,
	const struct ccm_netwatch_ops *ops, void *user, struct ccm_netwatch **out);
void ccm_netwatch_free(struct ccm_netwatch *w); /**< accepts NULL */
