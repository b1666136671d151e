/** @file analytics.h
 *  What the next value of a measurement may be, and the answer that tells it.  Layer: core (no
 * I/O). Source: RFC 8743 8.12.  The prediction is what the network says (feed.h), or else that what
 * was reported last goes on: its mean; how likely that is follows from how often it was so before.
 */
#pragma once

#include "ncm-service/feed.h"
#include "ncm-service/session.h"

/** @param out  param_name and additional_param are left to the caller
 *  @return false when nothing is known */
bool ncm_predict(const struct ncm_measured *m, struct mx_prediction *out);
/** What the network says of a link; nothing of one that is not admitted. */
struct ncm_forecast ncm_forecast_of(const struct ncm_session *s, uint8_t id, mams_time now);
/** MX Network Analytics RSP.  @return NULL on ENOMEM */
struct mx_msg *ncm_analytics(
	const struct ncm_session *s, const struct mx_network_analytics_req *req, mams_time now);
