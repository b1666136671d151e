/** @file tunnel.h
 *  An anchor connection by GMA: the session of the N-MADP's mams-trailer, and what the client is
 * told of it.  Layer: core (no I/O).  Source: seed 5, 6.4, 6.6; RFC 8743 8.5, 8.7; RFC 9188. */
#pragma once

#include "lib/ctl/ctl_msg.h"
#include "ncm-service/session.h"

/** Of MX Control PDUs, at both ends inside the tunnel. */
#define NCM_TUNNEL_CONTROL_PORT 7500

/** The anchor (index) that has a trailer MADP; -1: none. */
int ncm_tunnel_anchor(const struct ncm_session *s);
/** Adaptations of GMA on the accesses of an anchor: bits of enum mx_adaptation. */
uint32_t ncm_tunnel_adaptations(const struct ncm_policy *p, const struct ncm_anchor_conf *anchor);
/** Does the client have the adaptation that GMA has on the link's access?  Without it the link has
 *  no GMA: never a tunnel less safe than the access's. */
bool ncm_tunnel_may(const struct ncm_session *s, const struct ncm_link *l);
/** Is GMA's adaptation on the link's access client NAT? */
bool ncm_tunnel_is_nat(const struct ncm_session *s, const struct ncm_link *l);
/** What a client is called at a trailer: its identity, if it is not too long. */
#define NCM_TUNNEL_SESSION "session " /* and the number: a client with a long name */
const char *ncm_tunnel_client(struct ctl_msg *m, const char *identity, uint64_t session_id);
/** The session as an instance's mams-trailer is to have it: links, and how the downlink uses them.
 *  @param t   its port is not needed
 *  @return NULL: no memory, or there is no link to speak of */
struct ctl_msg *ncm_tunnel_compose(
	const struct ncm_session *s, size_t madp, const struct ncm_tunnel *t, uint32_t id);
/** The anchor's MX configuration for the client. @return false on ENOMEM */
bool ncm_tunnel_put(struct mx_msg *m, const struct ncm_session *s, size_t anchor, uint32_t links,
	struct mx_convergence_config *c);
/** The trailer MADP has it: remembered.  @return has anything that a client was told changed? */
bool ncm_tunnel_take(struct ncm_session *s, const struct ncm_tunnel *t);
/** Features of an anchor as they are now: agreed, and not switched off by steering. */
uint32_t ncm_tunnel_features(const struct ncm_session *s, size_t anchor);
