/** @file pm_genl.h
 *  Commands to the kernel's userspace path manager, as generic netlink of our own (ELL).
 *  Layer: adapter of the plugin.  Source: Linux include/uapi/linux/mptcp.h, family "mptcp_pm".
 *  libmptcpd 0.12 is not used for them: its add_subflow drops the backup flag, its add_addr insists
 *  on a listener of its own, and none of its calls tells whether the kernel agreed. */
#pragma once

#include "plugins/pm_policy.h"

struct pm_genl;

struct pm_genl_ops {
	/** The kernel answered; err is 0 or a negative errno. */
	void (*done)(void *user, const struct pm_action *a, int err);
	/** The family is there: commands may be sent from now on. */
	void (*ready)(void *user);
};

struct pm_genl *pm_genl_new(const struct pm_genl_ops *ops, void *user);
void pm_genl_free(struct pm_genl *g); /**< accepts NULL */
bool pm_genl_is_ready(const struct pm_genl *g);
/** done() follows, always. */
void pm_genl_send(struct pm_genl *g, const struct pm_action *a);
