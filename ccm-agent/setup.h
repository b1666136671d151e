/** @file setup.h
 *  What UP setup and steering messages mean for the links.  Layer: core (no I/O).
 *  Source: seed 6.4 (setup), 6.6 (traffic steering); requirements.md B.8, B.14. */
#pragma once

#include "ccm-agent/session.h"

/** Take over a whole setup: what it does not name is no longer admitted. */
void ccm_setup_admit(struct ccm_session *s, const struct mx_up_setup_conf_req *u);
/** The lists of a steering request as bits of connection ids.
 *  @param plain  filled: one uplink list for any traffic, which is all that MPTCP can do
 *  @return 0 or -MAMS_EVALUE (unknown anchor, or a connection that is not set up) */
MAMS_MUST int ccm_setup_lists(const struct ccm_session *s, const struct mx_traffic_steering_req *r,
	uint32_t *dl, uint32_t *ul, bool *plain, struct mams_error *err);
