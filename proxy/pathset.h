/** @file pathset.h
 *  Client role: what the CCM has told, taken over as a whole or not at all.  Layer: adapter of
 *  mams-proxy. */
#pragma once

#include "lib/ctl/ctl_msg.h"
#include "proxy/classes.h"
#include "proxy/key.h"

#define PX_HEALTH_MAX 256

/** What experience teaches of a path is kept while the path comes and goes. */
struct px_path_memory {
	uint8_t connection_id;
	struct mams_addr local;
	struct mams_addr proxy;
	struct px_path_health health;
};

struct px_pathset {
	struct px_path paths[PX_PATHS_MAX];
	size_t n_paths;
	bool apart; /**< uplink and downlink use different ones */
	bool idle;  /**< no new connection is caught */
	bool bind;  /**< the plugin must know of connections */
	struct px_class classes[PX_CLASSES_MAX];
	size_t n_classes;
	uint8_t cookie[PX_KEY_MAX]; /**< secret */
	size_t cookie_len;
	struct px_path_memory memory[PX_HEALTH_MAX];
	size_t n_memory;
};

/** @return 0, -MAMS_ELIMIT, -MAMS_EVALUE; then s is as it was */
MAMS_MUST int px_pathset_take(
	struct px_pathset *s, const struct ctl_px_paths *m, struct mams_error *err);
