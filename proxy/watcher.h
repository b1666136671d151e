/** @file watcher.h
 *  Client role: looks at the kernel's sockets for proxy/watch.h, and asks paths for it.  Layer:
 *  adapter of mams-proxy; of the control thread. */
#pragma once

#include "lib/io/loop.h"
#include "proxy/config.h"
#include "proxy/instance.h"

struct px_watcher;

/** A path has fallen silent, or answers again. */
typedef void (*px_watcher_fn)(void *user, const struct px_path *path, bool silent);

/** @param conf, instance  borrowed */
MAMS_MUST int px_watcher_new(struct mams_loop *l, const struct px_conf *conf,
	struct px_instance *instance, px_watcher_fn changed, void *user, struct px_watcher **out);
void px_watcher_free(struct px_watcher *w); /**< accepts NULL */
/** The path set has changed; the health of its paths is borrowed. */
void px_watcher_paths(struct px_watcher *w, const struct px_path *paths, size_t n);
/** The first flow has come, or flows that moved nothing do again. */
void px_watcher_wake(struct px_watcher *w);
/** Tell of every path how it is. */
void px_watcher_repeat(struct px_watcher *w);
