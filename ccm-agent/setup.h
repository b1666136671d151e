/** @file setup.h
 *  What UP setup messages mean for anchors and links.  Layer: core (no I/O).
 *  Source: seed 6.4 (setup), 6.6 (traffic steering); RFC 8743 8.5, 8.7, 12; requirements.md B.8,
 *  B.14. */
#pragma once

#include "ccm-agent/session.h"

/** Does the user plane have this link, with the address that it has now? */
bool ccm_setup_carries(const struct ccm_session *s, uint8_t id);
/** Take over a whole setup: what it does not name is no longer admitted.  An anchor that has gone
 * to another N-MADP instance leaves its old paths to what still runs over them.
 *  @param group  draws a new group number */
void ccm_setup_admit(struct ccm_session *s, const struct mx_up_setup_conf_req *u, mams_time now,
	uint32_t (*group)(struct ccm_session *s));
/** Is a link in the user plane now: admitted, usable, with the address that was admitted? */
bool ccm_setup_carries(const struct ccm_session *s, uint8_t id);
/** Links that some anchor has, as bits. */
uint32_t ccm_setup_named(const struct ccm_session *s);
/** Links of anchors without convergence, which need nothing to be set up, as bits. */
uint32_t ccm_setup_native(const struct ccm_session *s);
/** Paths that were left are kept no longer than this. */
mams_time ccm_setup_deadline(const struct ccm_session *s);
/** @return true when some have been given up */
bool ccm_setup_tick(struct ccm_session *s, mams_time now);
/** The anchor by which applications' TCP goes: the first that has a proxy; NULL: none. */
const struct ccm_anchor *ccm_setup_caught(const struct ccm_session *s);
