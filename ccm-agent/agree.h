/** @file agree.h
 *  What the capabilities of client and network have in common.  Layer: core (no I/O).
 *  Source: seed 6.3; RFC 8743 8.4; requirements.md B.5, B.6. */
#pragma once

#include "ccm-agent/session.h"

/** What this client offers. */
struct mx_offer ccm_offer(const struct ccm_session *s);
/** Intersect the NCM's REQ or RSP with it.  @return 0 or -MAMS_EVALUE */
MAMS_MUST int ccm_agree(
	struct ccm_session *s, const struct mx_msg *capability, struct mams_error *err);
/** Why something is not used, in words. */
const char *ccm_drop_reason(const struct mx_drop *d);
