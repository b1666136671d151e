/** @file steering.h
 *  What the lists of a session mean, and whether the client really applied new ones.
 *  Layer: core (no I/O).  Source: seed 6.6: the RSP tells the features that are in effect. */
#pragma once

#include "ncm-service/session.h"

/** The order is for a part of the anchor's traffic: it has the anchor's own lists, modes and
 *  features. */
void ncm_steering_lists(const struct ncm_session *s, struct ncm_order *o);
/** Can this order be given?  @return NULL, or static words why not */
const char *ncm_steering_check(const struct ncm_session *s, const struct ncm_order *o);
/** Those that the order activates. */
uint32_t ncm_steering_features(const struct ncm_session *s, const struct ncm_order *o);
/** Does the policy give uplink and downlink lists of their own?  With MPTCP_Proxy it could, but an
 *  N-MADP sees of a subflow's uplink its delay alone. */
bool ncm_steering_apart(const struct ncm_session *s, size_t anchor);
/** An order is in effect: kept.
 *  @param own  it is the policy's, else it holds against the policy */
void ncm_steering_keep(struct ncm_session *s, const struct ncm_order *o, bool own);
/** Judge the answer to the steering request that is open.
 *  @param text  filled with words for who asked
 *  @return 0 (applied), MAMS_EVALUE (cannot be), MAMS_EPEER (the client has not) */
MAMS_MUST int ncm_steering_verdict(
	const struct ncm_session *s, const struct mx_traffic_steering_rsp *r, const char **text);
