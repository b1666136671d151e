/** @file protect.h
 *  IPsec of delivery connections: where the policy wants it, and what both ends are told.  Layer:
 * core (no I/O).  Source: seed 6.4, 7, figure 8.
 *
 *  DECISIONs: the secret of a link is drawn when the link is set up and again whenever it is set up
 *  anew or has another address; it is not stored: after a restart of the NCM the next setup brings
 * a new one, and what stands goes on.  It serves the subflows' association and the tunnel's, which
 * have names and addresses of their own.  tunnel_ip_addr is the N-MADP's address on that access;
 * the tunnel's own secret is the anchor's client_key then.  Over a transport without TLS no secret
 * is told, and IPsec is not agreed. */
#pragma once

#include "lib/ctl/ctl_msg.h"
#include "ncm-service/session.h"

/** Have subflows IPsec on the link's access?  (It is admitted.) */
bool ncm_protect_wanted(const struct ncm_policy *p, const struct ncm_link *l);
/** May its clients come from another address than the one they report? */
bool ncm_protect_nat(const struct ncm_policy *p, const struct ncm_link *l);
/** Has GMA's tunnel, for this client?  (It is admitted.) */
bool ncm_protect_tunnels(const struct ncm_session *s, const struct ncm_link *l);
/** Is it admitted, as far as IPsec is concerned, when so much is agreed? */
bool ncm_protect_can(const struct ncm_policy *p, const struct ncm_link *l, uint32_t adaptation);
/** Secrets that are missing. @param draw  writes a text of at most NCM_KEY_MAX with NUL */
void ncm_protect_fill(struct ncm_session *s, void (*draw)(char out[NCM_KEY_MAX]));
/** Into the setup's delivery connection, if it is protected.  @return false on ENOMEM */
bool ncm_protect_put(struct mx_msg *m, const struct ncm_session *s, uint8_t id,
	const struct mams_addr *proxy, struct mx_setup_delivery *d);
/** The association of the link's tunnel, as the instance's trailer is told.
 *  @param out  filled; NULL: it keeps what it has, while the secret is not known
 *  @return false on ENOMEM */
bool ncm_protect_tunnel(struct ctl_msg *m, const struct ncm_session *s, size_t anchor, uint8_t id,
	struct ctl_protect **out);
/** Into what the instance's proxy is told: all associations of the client, or nothing about them
 * while a secret is not known.  @return false on ENOMEM */
bool ncm_protect_tell(struct ctl_msg *m, const struct ncm_session *s, size_t madp);
/** Can a setup name the link: it has a secret, or needs none? */
bool ncm_protect_is_ready(const struct ncm_session *s, const struct ncm_link *l);
/** The link has gone: forget its secret, and have the N-MADP forget it. */
void ncm_protect_release(struct ncm_session *s, struct ncm_link *l);
