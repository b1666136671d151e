/** @file links.h
 *  Model of the configured links, fed by kernel events.  Layer: core (no I/O).
 *  Source: seed 4.2 (CCM watches the links), 6.4 (reconfiguration on link and address changes).
 *  A link is usable when its interface is up and running, it has a global address, and a way out of
 *  it is known: a gateway, configured or learned and remembered, or a point-to-point interface. */
#pragma once

#include "ccm-agent/fade.h"
#include "lib/base/addr.h"
#include "lib/mx/mx.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CCM_LINKS_MAX MX_MAX_CONNECTIONS
#define CCM_ADDRS_MAX 8u /**< per interface; more are ignored and counted */
#define CCM_IFNAME_MAX 16

/** From the configuration. */
struct ccm_link_conf {
	const char *name;
	uint32_t connection_id; /**< 0..15 */
	int connection_type;    /**< enum mx_connection_type */
	const char *interface;
	struct mams_addr gateway;  /**< IPv4, unset: learned from the main table */
	struct mams_addr gateway6; /**< IPv6, likewise */
	const char *ssid;          /**< of the network, told in reports; NULL: none */
	const char *node_id;       /**< of the base station or access point, likewise */
	uint32_t priority;         /**< 0 first: order in which new connections try the links */
	struct ccm_fade_conf fade; /**< when its signal fades */
};

/** What the outside sees of a link. */
struct ccm_link_state {
	bool usable;
	uint32_t ifindex;
	struct mams_addr address;
	struct mams_addr gateway; /**< unset: on-link (point-to-point) */
	uint32_t mtu;
	uint32_t outages; /**< so far: routes vanish with each, even one too short to be seen */
};

struct ccm_link {
	const struct ccm_link_conf *conf; /**< NULL: connection id not configured */
	bool present;
	bool running; /**< administratively up, with carrier */
	bool point_to_point;
	uint32_t ifindex;
	uint32_t mtu;
	struct mams_addr addrs[CCM_ADDRS_MAX];
	size_t n_addrs;
	struct mams_addr learned4;
	struct mams_addr learned6;
	uint32_t outages;
	struct ccm_link_state now;
	struct ccm_link_state told; /**< last returned by ccm_links_next() */
};

struct ccm_links {
	struct ccm_link link[CCM_LINKS_MAX]; /**< by connection id */
	uint64_t ignored_addresses;
};

/** @param conf  conf[n], borrowed; ids unique and below CCM_LINKS_MAX */
void ccm_links_init(struct ccm_links *l, const struct ccm_link_conf *conf, size_t n);

/** Events were lost: what follows is everything there is.  What was learned of gateways stays. */
void ccm_links_forget(struct ccm_links *l);

struct ccm_iface_event {
	uint32_t ifindex;
	const char *name;
	bool present; /**< false: deleted */
	bool running;
	bool point_to_point;
	uint32_t mtu;
};
void ccm_links_iface(struct ccm_links *l, const struct ccm_iface_event *e);
/** Global-scope address that may be used (no tentative one). */
void ccm_links_address(
	struct ccm_links *l, uint32_t ifindex, const struct mams_addr *a, bool present);
/** Default route of the main table.  A vanished one is remembered: it goes with the interface. */
void ccm_links_default_route(
	struct ccm_links *l, uint32_t ifindex, const struct mams_addr *gateway, bool present);

/** Next link whose state differs from what was last returned.
 *  @return false when none */
bool ccm_links_next(struct ccm_links *l, uint8_t *connection_id, struct ccm_link_state *out);
bool ccm_link_state_eq(const struct ccm_link_state *a, const struct ccm_link_state *b);
/** By name; NULL when unknown. */
const struct ccm_link *ccm_links_by_name(const struct ccm_links *l, const char *name);
