/** @file protect.h
 *  IPsec of delivery connections, as an UP setup asks for it.  Layer: core (no I/O).
 *  Source: seed 6.4, 7, figure 8: link up, parameters, IKEv2, association active, then the subflow,
 *  or the tunnel over this link.
 */
#pragma once

#include "ccm-agent/session.h"

/** Can we do this connection's adaptation in a configuration of the MPTCP proxy? */
bool ccm_protect_can(const struct ccm_session *s, const struct mx_convergence_config *c,
	const struct mx_setup_delivery *d);
/** Is it a secret that an association can have? @param secret  NULL: no */
bool ccm_protect_is_secret(const char *secret);
/** Take over what it says of it. */
void ccm_protect_take(struct ccm_lane *lane, const struct mx_setup_delivery *d);
/** May the link's path, or its tunnel, be used?  If it needs an association, that is wanted.
 *  @return false: it needs one that does not stand */
bool ccm_protect_path(const struct ccm_session *s, const struct ccm_anchor *a, uint8_t id,
	struct ccm_target *out);
/** An association stands, or no longer does; the user plane follows (CCM_ACT_APPLY).
 *  @param proxy  port ignored
 *  @return is this news? */
bool ccm_session_sa(struct ccm_session *s, const struct ccm_sa *sa, bool up);
bool ccm_protect_same(const struct ccm_assoc *a, const struct ccm_sa *sa);
