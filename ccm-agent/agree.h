/** @file agree.h
 *  What the capabilities of client and network have in common.  Layer: core (no I/O).
 *  Source: seed 6.3; RFC 8743 8.4; requirements.md B.5, B.6. */
#pragma once

#include "ccm-agent/session.h"

/** What this client offers. */
struct mx_offer ccm_offer(const struct ccm_session *s);
/** A System INFO that the NCM has counted as a message of its own (C.4.2) answers a Discover, too:
 *  when one has stayed unanswered, for it could be one of long ago. @return whether it does */
bool ccm_agree_info(struct ccm_session *s, const struct mx_msg *m);
/** For the NCM's Capability REQ after System INFO, in ms. */
uint32_t ccm_agree_wait(const struct ccm_session_conf *c);
/** Intersect the NCM's REQ or RSP with it.  @return 0 or -MAMS_EVALUE */
MAMS_MUST int ccm_agree(
	struct ccm_session *s, const struct mx_msg *capability, struct mams_error *err);
/** Take over the session's name, which C.2.2 has in System INFO and 8.4 in the capabilities.
 *  @param id  NULL: the message has none
 *  @return whether it has one */
bool ccm_agree_id(struct ccm_session *s, const struct mx_session_id *id);
/** Why something is not used, in words. */
const char *ccm_drop_reason(const struct mx_drop *d);
