/** @file steering.h
 *  What a steering request means for an anchor's links and for flows of applications.
 *  Layer: core (no I/O).  Source: seed 6.6; RFC 8743 8.7, C.1.8.1, C.2.16; requirements.md B.14. */
#pragma once

#include "ccm-agent/session.h"

/** What a steering request asks for. */
struct ccm_order {
	struct ccm_anchor *anchor;
	uint32_t dl, ul; /**< bits of connection ids, for all that no template names */
	uint8_t first;   /**< default_uplink_delivery */
	struct ccm_class classes[CCM_CLASSES_MAX];
	size_t n_classes;
	bool plain; /**< MPTCP can do all of it */
};
/** @return 0 or -MAMS_EVALUE: unknown anchor or configuration, a connection that is not set up */
MAMS_MUST int ccm_steering_order(struct ccm_session *s, const struct mx_traffic_steering_req *r,
	struct ccm_order *out, struct mams_error *err);
