/** @file apply_tunnel.h
 *  The client's mams-trailer as the CCM drives it over ctl, and the routes into its device.
 *  Layer: adapter.  It keeps its session when we are away, and is told it again whenever a
 * connection is made.  What the host sends goes into the tunnel only while a path of it works. */
#pragma once

#include "ccm-agent/apply_net.h"
#include "ccm-agent/config.h"
#include "lib/io/loop.h"

struct ccm_tun;

struct ccm_tun_ops {
	/** The last ccm_tun_set() is done, refused, or has timed out.
	 *  @param ports  [CCM_LINKS_MAX] of the links that work, else 0; NULL: there is no tunnel
	 */
	void (*done)(void *user, const uint16_t *ports);
	/** The host's packets go there from now on, or no more. */
	void (*carries)(void *user, bool carries);
};

/** @param net  borrowed */
MAMS_MUST int ccm_tun_new(struct mams_loop *l, const struct ccm_conf *conf, struct ccm_net *net,
	const struct ccm_tun_ops *ops, void *user, struct ccm_tun **out);
void ccm_tun_free(struct ccm_tun *t); /**< accepts NULL; tells nobody anything */
/** done() follows, at once or later. */
void ccm_tun_set(struct ccm_tun *t, const struct ccm_tunnel *wanted);
bool ccm_tun_up(const struct ccm_tun *t); /**< is mams-trailer there? */
/** Without a loop: have it end its session, for --cleanup; and no file of name servers. */
void ccm_tun_clear(const struct ccm_conf *conf);
