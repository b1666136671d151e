/** @file ctl_path.h
 *  A delivery connection as proxies and plugins are told of it.  Layer: ctl (pure). */
#pragma once

#include "lib/base/addr.h"

#include <stdbool.h>
#include <stdint.h>

/** One delivery connection as the user plane sees it. */
struct ctl_path {
	uint8_t connection_id;
	uint32_t group;         /**< paths to one N-MADP instance; subflows stay within a group */
	const char *name;       /**< link name of the CCM configuration */
	struct mams_addr local; /**< the link's own address */
	struct mams_addr proxy; /**< this link's proxy address (seed section 7) */
	uint16_t proxy_port;
	uint32_t priority; /**< 0 first: order in which a first subflow is tried */
	bool backup;       /**< subflow exists, carries nothing while another works */
	/** The same for connections that carry one direction of their flows; absent: as backup.
	 * Where the two differ, flows are to be carried apart. */
	bool has_backup_up, has_backup_down, has_gently;
	bool backup_up, backup_down;
	bool gently; /**< what is under way there when it becomes backup is let arrive */
};

/** What a connection carries of its flow, as the client sees it. */
enum ctl_way {
	CTL_WAY_BOTH,
	CTL_WAY_UP,
	CTL_WAY_DOWN,
};

/** Is it backup for a connection that carries this? */
static inline bool ctl_path_backup(const struct ctl_path *p, enum ctl_way way)
{
	if (way == CTL_WAY_UP && p->has_backup_up)
		return p->backup_up;
	if (way == CTL_WAY_DOWN && p->has_backup_down)
		return p->backup_down;
	return p->backup;
}
