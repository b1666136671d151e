/** @file status.h
 *  What the session has agreed on, and its anchors, for mamsctl.  Layer: adapter. */
#pragma once

#include "ccm-agent/session.h"
#include "lib/base/metrics.h"
#include "lib/ctl/ctl_msg.h"

void ccm_status_agreed(struct ctl_msg *msg, const struct ccm_session *s);
/** An answer about one class of flows, TCP: where new connections go, and why.
 *  @return NULL on ENOMEM */
struct ctl_msg *ccm_status_why(
	const struct ccm_session *s, const struct ccm_target *applied, uint32_t id, mams_time now);
/** @param applied  where TCP goes */
void ccm_status_anchors(
	struct ctl_msg *msg, const struct ccm_session *s, const struct ccm_target *applied);
/** Round trips of the subflows that links carry now, into the links of the status. */
void ccm_status_rtt(struct ctl_msg *msg, const struct ccm_session *s);
/** Gauges of session and links, for Prometheus. */
void ccm_status_metrics(struct mams_buf *out, const struct ccm_session *s);
