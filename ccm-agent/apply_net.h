/** @file apply_net.h
 *  Source routes of the links, and the kernel's MPTCP settings.  Layer: adapter.
 *  Everything can be found again and undone by another process: routes by their protocol number,
 *  settings by the state file. */
#pragma once

#include "ccm-agent/config.h"
#include "ccm-agent/plan.h"
#include "lib/io/loop.h"

struct ccm_net;

/** @param l  NULL: to clear only */
MAMS_MUST int ccm_net_open(struct mams_loop *l, const struct ccm_conf *conf, struct ccm_net **out,
	struct mams_error *err);
void ccm_net_close(struct ccm_net *n); /**< accepts NULL; undoes nothing */
/** MPTCP on, userspace path manager. */
MAMS_MUST int ccm_net_settings(struct ccm_net *n, struct mams_error *err);
/** @return 0 or -errno (logged) */
MAMS_MUST int ccm_net_add(struct ccm_net *n, const struct ccm_route *r);
void ccm_net_del(struct ccm_net *n, const struct ccm_route *r);
/** What nobody sends elsewhere leaves by this link's table from now on (RFC 8743 12).
 *  @return 0 or -errno (logged) */
MAMS_MUST int ccm_net_native(struct ccm_net *n, uint8_t connection_id);
void ccm_net_free(struct ccm_net *n); /**< as the host routes, again */
/** The way into the tunnel. */
struct ccm_net_tunnel {
	uint32_t ifindex;
	struct mams_addr anchor4, anchor6; /**< the device's addresses */
	bool catching; /**< what the host sends goes there, unless exempt; else only what has an
			*   address of the device already */
	bool all;      /**< TCP as well */
};
/** @param t  NULL: there is none
 *  @return 0 or -errno (logged): there is none then */
MAMS_MUST int ccm_net_tunnel(struct ccm_net *n, const struct ccm_net_tunnel *t);
/** The host has an address, or has lost it.  A lost one of a connection between an application and
 *  the proxy goes on to work within this host, when it was guarded. */
void ccm_net_address(struct ccm_net *n, const struct mams_addr *a, bool present);
/** Guard addresses against their loss, or no longer.  Lost ones are held until no connection uses
 *  them any more. */
void ccm_net_guard(struct ccm_net *n, bool on);
/** A process has taken rules or routes of ours away: all that shall stand is put back soon.
 *  @param port  of its socket, our own is no news; 0: it may have been so */
void ccm_net_taken(struct ccm_net *n, uint32_t port);
/** Remove all our rules and routes and put the settings back. */
void ccm_net_clear(struct ccm_net *n);
