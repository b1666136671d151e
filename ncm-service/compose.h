/** @file compose.h
 *  The messages that the NCM writes.  Layer: core (no I/O).  Source: seed 6.3 to 6.6.
 *  Each returns a new message of the caller's, or NULL on ENOMEM. */
#pragma once

#include "ncm-service/session.h"

/** Features that this NCM can offer; the policy may offer fewer. */
#define NCM_FEATURES ((1u << MX_F_COUNT) - 1)

struct mx_msg *ncm_compose_system_info(const struct ncm_policy *p, enum ncm_transport transport);
/** System INFO that names another NCM instead of us. */
struct mx_msg *ncm_compose_redirect(
	const struct ncm_policy *p, const struct ncm_redirect *r, enum ncm_transport transport);
/** REQ of the seed's flow, or RSP of RFC 8743's, which repeats what both sides can. */
struct mx_msg *ncm_compose_capability(const struct ncm_session *s, enum mx_type type);
/** All anchors with all their admitted links, up or not: a link that returns with the same address
 *  is usable at once. */
struct mx_msg *ncm_compose_up_setup(const struct ncm_session *s);
struct mx_msg *ncm_compose_steering(const struct ncm_session *s, const struct ncm_order *o);
struct mx_msg *ncm_compose_keep_alive(const struct ncm_session *s, enum mx_type type);
struct mx_msg *ncm_compose_termination(const struct ncm_session *s, enum mx_type type, int reason);
struct mx_msg *ncm_compose_ssid_indication(const struct ncm_policy *p);
struct mx_msg *ncm_compose_measurement_conf(const struct ncm_session *s);
struct mx_msg *ncm_compose_path_est(const struct ncm_probe_conf *c, uint8_t id);
struct mx_msg *ncm_compose_assoc_rsp(const struct ncm_session *s, bool is_success);
