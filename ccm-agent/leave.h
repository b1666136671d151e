/** @file leave.h
 *  Make before break: a link whose signal fades is left while it still works.  Layer: core (no
 *  I/O, no clock).  Source: RFC 8743 8.3.2; seed 4.2; requirements.md C.1, C.2.
 *
 *  The NCM is told by a Keep-Alive REQ of reason Handover, and leaves the link for the downlink
 *  until the next Reconf REQ of the link; we do at once, and hold the uplink to one link until it
 *  has answered.  A link that fades stays set up and stands behind all others: what is under way
 *  there arrives, and when no other is left it carries.  When its signal is good again an update
 *  with nothing new tells so. */
#pragma once

#include "ccm-agent/session.h"

/** What a list comes to while links fade: those of it that stay; if none does, all that stay; if
 * nothing does, the list as it is.
 *  @param have  links that work; all as bits of connection ids */
uint32_t ccm_leave_list(const struct ccm_session *s, uint32_t list, uint32_t have);
/** The same for flows of a class. */
void ccm_leave_class(const struct ccm_session *s, struct ccm_class *k, uint32_t have);

/** Tell the NCM of links that fade and of which it does not know, when others can carry. */
void ccm_leave_review(struct ccm_session *s, mams_time now);
/** The NCM knows of no link that it is being left. */
void ccm_leave_forget(struct ccm_session *s);
void ccm_leave_tick(struct ccm_session *s, mams_time now);
mams_time ccm_leave_deadline(const struct ccm_session *s);
