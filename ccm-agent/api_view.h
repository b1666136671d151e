/** @file api_view.h
 *  The session as the CCM API shows it.  Layer: adapter.  Source: RFC 8743 B.4.1, B.4.3. */
#pragma once

#include "ccm-agent/session.h"
#include "lib/base/buf.h"

/** Body of GET capabilities. */
MAMS_MUST int ccm_api_view_capability(
	const struct ccm_session *s, struct mams_buf *out, struct mams_error *err);
/** Body of GET predictive_link_params, of the last answer of the NCM. */
MAMS_MUST int ccm_api_view_predictions(
	const struct ccm_session *s, struct mams_buf *out, struct mams_error *err);
/** Body of GET app_requirements: those of this owner, or all of them.
 *  @param id  only this one; 0: all
 *  @param n   filled with how many there are */
MAMS_MUST int ccm_api_view_needs(const struct ccm_session *s, bool all, uint32_t owner, uint32_t id,
	mams_time now, struct mams_buf *out, size_t *n, struct mams_error *err);
