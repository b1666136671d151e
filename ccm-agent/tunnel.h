/** @file tunnel.h
 *  An anchor connection by GMA: the session of the client's mams-trailer.  Layer: core (no I/O).
 *  Source: seed 5, 6.4, 6.6; RFC 8743 8.5, 8.7; RFC 9188. */
#pragma once

#include "ccm-agent/needs.h"
#include "lib/ctl/ctl_msg.h"

#define CCM_SECRET_MAX 96
#define CCM_DNS_MAX 8u
#define CCM_TUNNEL_CLASSES 7u /* Flow IDs of RFC 9188, but the one of all else */

/** What an UP setup says of it. */
struct ccm_inside {
	struct mams_addr anchor4, anchor6; /**< our addresses inside; at least one */
	uint16_t mtu;
	uint16_t control_port;
	int encapsulation; /**< enum ctl_tr_encapsulation */
	bool header_optimization;
	char secret[CCM_SECRET_MAX]; /**< base64 */
	struct mams_addr dns[CCM_DNS_MAX];
	size_t n_dns;
};

struct ccm_tunnel_link {
	uint8_t connection_id;
	const struct ccm_link_conf *conf;
	struct mams_addr local;
	struct mams_addr remote; /**< with port */
	uint32_t mtu;
	bool dtls;       /**< the tunnel is one with DTLS */
	bool client_nat; /**< there is none, but client NAT; remote is the next hop, without port */
	bool ipsec;      /**< inside an association, which stands: without one it is not here */
};

/** Among the ports of links that work, where 0 is one that does not: it works and has none. */
#define CCM_PORT_NONE 1u

/** A direction: which links, and how. */
struct ccm_tunnel_way {
	uint32_t links; /**< bits of connection ids */
	uint8_t first;
	uint8_t mode; /**< 1 + enum mx_mode; 0: as the features say */
	bool aggregate;
};

struct ccm_tunnel {
	bool on;       /**< the trailer holds the session */
	bool catching; /**< new flows of the host go into it */
	bool all;      /**< TCP as well: no proxy takes it */
	uint64_t session_id;
	uint8_t anchor_id;
	struct ccm_inside inside;
	struct ccm_tunnel_link links[CCM_LINKS_MAX];
	size_t n_links;
	struct ccm_tunnel_way ul, dl;
	struct ccm_class classes[CCM_TUNNEL_CLASSES]; /**< flows whose uplink is another */
	size_t n_classes;
	bool lossless, fragmentation, concatenation;
};

/** Its name at our trailer, which holds this one. */
#define CCM_TUNNEL_CLIENT "self"

bool ccm_tunnel_eq(const struct ccm_tunnel *a, const struct ccm_tunnel *b);
/** @return NULL on ENOMEM */
struct ctl_msg *ccm_tunnel_compose(const struct ccm_tunnel *t, uint32_t id);

struct ccm_session;
struct ccm_anchor;
struct ccm_target;
struct mx_convergence_config;
/** Can we do this configuration of an UP setup? */
bool ccm_tunnel_can(const struct ccm_session *s, const struct mx_convergence_config *c);
/** Take over what it says; links apart. */
void ccm_tunnel_take(struct ccm_anchor *a, const struct mx_convergence_config *c);
/** @param caught  TCP of applications goes through a proxy
 *  @param target  its tunnel and associations are filled */
void ccm_tunnel_want(const struct ccm_session *s, const struct ccm_anchor *a, bool caught,
	struct ccm_target *target);
