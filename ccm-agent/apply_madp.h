/** @file apply_madp.h
 *  The client's user plane as the CCM drives it: path sets to mams-proxy and to the mptcpd plugin
 *  over ctl.  Layer: adapter.  Both keep what they were told when we are away, and are told
 *  everything again whenever a connection is made. */
#pragma once

#include "ccm-agent/config.h"
#include "ccm-agent/plan.h"
#include "lib/io/loop.h"

struct ccm_madp;
struct ctl_path;

struct ccm_madp_ops {
	/** The last ccm_madp_set() is done by both, refused, or has timed out. */
	void (*done)(void *user, bool good);
	/** The proxy reaches the N-MADP, or does not. */
	void (*peer)(void *user, bool reachable);
	/** The proxy tells how a path is.
	 *  @param e  of kind PATH_*, with a path; NULL: the proxy is gone, and with it what it said
	 * of paths */
	void (*path)(void *user, const struct ctl_px_event *e);
	/** Answer to ccm_madp_ask_flows(). */
	void (*flows)(void *user, uint64_t open);
};

MAMS_MUST int ccm_madp_new(struct mams_loop *l, const struct ccm_conf *conf,
	const struct ccm_madp_ops *ops, void *user, struct ccm_madp **out);
void ccm_madp_free(struct ccm_madp *m); /**< accepts NULL; tells nobody anything */

/** Take over a target; what is told to whom is the plan's business. */
void ccm_madp_set(struct ccm_madp *m, const struct ccm_target *t, bool plugin, bool proxy);
/** @return false when the proxy is not connected */
bool ccm_madp_ask_flows(struct ccm_madp *m);
bool ccm_madp_proxy_up(const struct ccm_madp *m);
bool ccm_madp_plugin_up(const struct ccm_madp *m);

/** Without a loop: tell both to hold no path, for --cleanup.  Whoever does not answer is left. */
void ccm_madp_clear(const struct ccm_conf *conf);
