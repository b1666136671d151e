/** @file advice.h
 *  What RFC 8743 added to the seed's control plane, on the network's side: measurements, advice,
 *  associations, analytics.  Layer: core (no I/O).  Source: RFC 8743 8.8 to 8.10, 8.12. */
#pragma once

#include "ncm-service/session.h"

/** The connections of the MADP instance that an association names, as bits; 0: there is no such.
 *  @param anchor  filled with the anchor's index */
uint32_t ncm_advice_instance(
	const struct ncm_session *s, const struct mx_app_madp_assoc *a, size_t *anchor);
int ncm_advice_assoc(
	struct ncm_session *s, const struct mx_msg *m, mams_time now, struct mams_error *err);
int ncm_advice_report(
	struct ncm_session *s, const struct mx_msg *m, mams_time now, struct mams_error *err);
int ncm_advice_analytics(
	struct ncm_session *s, const struct mx_msg *m, mams_time now, struct mams_error *err);
/** The user plane stands: tell the client which networks to prefer and what to measure, unless it
 *  was told since the capabilities were agreed. */
void ncm_advice_give(struct ncm_session *s);
/** The capabilities are agreed anew, or the session ends. */
void ncm_advice_forget(struct ncm_session *s);
