/** @file advice.h
 *  What RFC 8743 added to the seed's control plane, on the client's side: measurements and advice.
 *  Layer: core (no I/O).  Source: RFC 8743 8.9, 8.10. */
#pragma once

#include "ccm-agent/session.h"

int ccm_advice_measurement_conf(
	struct ccm_session *s, const struct mx_msg *m, mams_time now, struct mams_error *err);
int ccm_advice_ssid(
	struct ccm_session *s, const struct mx_msg *m, mams_time now, struct mams_error *err);
/** Does a steering request leave the feature "measurement" on? */
/** Report what is due. */
void ccm_advice_tick(struct ccm_session *s, mams_time now);
mams_time ccm_advice_deadline(const struct ccm_session *s, mams_time now);
