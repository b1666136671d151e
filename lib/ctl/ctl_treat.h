/** @file ctl_treat.h
 *  What a list of connections, a mode and the agreed features mean for one direction of a flow
 * class of the trailer MADP.  Layer: ctl (pure).  Source: seed 6.6 (lists and feature activation).
 *  CCM and NCM ask here, so that both ends of a tunnel understand the same. */
#pragma once

#include "lib/ctl/ctl_msg.h"

struct ctl_tr_wish {
	uint32_t have;   /**< bits of connection ids that the session has; not empty */
	uint32_t wanted; /**< those that are to carry; none of have: all of them */
	uint8_t first;   /**< of wanted: preferred where one is */
	uint8_t mode;    /**< 1 + enum ctl_tr_mode; 0: as what follows says */
	bool aggregate;  /**< several carry at once */
	bool lossless;
};

/** Without aggregation one carries, the others stand by in order; a link that is not wanted stands
 *  behind those that are, as a backup does.
 *  @param out  its lists live with m
 *  @return 0 or -ENOMEM */
MAMS_MUST int ctl_tr_treat(
	struct ctl_msg *m, const struct ctl_tr_wish *w, struct ctl_tr_treat *out);
