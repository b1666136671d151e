/** @file netwatch.h
 *  Kernel events -> links, and what they say of our own routes.  Layer: adapter. */
#pragma once

#include "ccm-agent/apply_net.h"
#include "ccm-agent/links.h"
#include "lib/io/loop.h"

struct ccm_netwatch;

/** @param links    filled at once with what there is; borrowed
 *  @param net      told of addresses that come and go, and of what others take away; borrowed
 *  @param changed  called after every batch of events */
MAMS_MUST int ccm_netwatch_new(struct mams_loop *l, struct ccm_links *links, struct ccm_net *net,
	mams_loop_fn changed, void *user, struct ccm_netwatch **out);
void ccm_netwatch_free(struct ccm_netwatch *w); /**< accepts NULL */
