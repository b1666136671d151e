/** @file agree.h
 *  What the capabilities of client and network have in common.  Layer: core (no I/O).
 *  Source: seed 6.3; RFC 8743 8.4; requirements.md B.5, B.6, C.2. */
#pragma once

#include "ncm-service/session.h"

/** What this NCM offers. */
struct mx_offer ncm_offer(const struct ncm_policy *p);
/** Why something is not used, in words. */
const char *ncm_drop_reason(const struct mx_drop *d);
/** Intersect the client's REQ or RSP with it; links that the client no longer has are forgotten.
 *  @return 0 or -MAMS_EVALUE */
MAMS_MUST int ncm_agree(
	struct ncm_session *s, const struct mx_msg *capability, struct mams_error *err);
