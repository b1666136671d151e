/** @file compose.h
 *  The messages that the CCM writes.  Layer: core (no I/O).  Source: seed 6.3 to 6.6.
 *  Each returns a new message of the caller's, or NULL on ENOMEM. */
#pragma once

#include "ccm-agent/session.h"

#define CCM_FEATURES ((1u << MX_F_COUNT) - 1)

struct mx_msg *ccm_compose_discover(const struct ccm_session *s);
struct mx_msg *ccm_compose_capability(const struct ccm_session *s, enum mx_type type);
struct mx_msg *ccm_compose_capability_ack(const struct ccm_session *s, int value);
struct mx_msg *ccm_compose_reconf(const struct ccm_session *s, uint8_t connection_id, int action);
/** @param ok     bits of connection ids that work
 *  @param ports  as ccm_session_applied(); CCM_PORT_NONE: works, and has none to tell */
struct mx_msg *ccm_compose_setup_cnf(
	const struct ccm_session *s, uint32_t ok, const uint16_t *ports);
/** The features now really in effect for an anchor. */
struct mx_msg *ccm_compose_steering_rsp(const struct ccm_session *s, const struct ccm_anchor *a);
struct mx_msg *ccm_compose_keep_alive(const struct ccm_session *s, enum mx_type type);
struct mx_msg *ccm_compose_handover(const struct ccm_session *s, uint8_t connection_id);
struct mx_msg *ccm_compose_termination(const struct ccm_session *s, enum mx_type type, int reason);
/** NULL also when nothing is due. */
struct mx_msg *ccm_compose_measurement_report(struct ccm_session *s, mams_time now);
/** @param init, active  one of them is NULL; NULL also for an NCM of the seed, which gives no id */
struct mx_msg *ccm_compose_path_results(const struct ccm_session *s, uint8_t id,
	const struct mx_init_probe_results *init, const struct mx_active_probe_results *active);
/** Everything that can be predicted. */
struct mx_msg *ccm_compose_analytics_req(const struct ccm_session *s);
/** All flows of applications, with the configurations of their links; it replaces the one before.
 *  @param k  k[n]; none: an association without any template, which ends them
 *  @return NULL also when they do not fit a message */
struct mx_msg *ccm_compose_assoc_req(
	const struct ccm_session *s, const struct ccm_class *k, size_t n);
