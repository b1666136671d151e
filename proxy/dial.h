/** @file dial.h
 *  Client role: a plain TCP connection to the N-MADP over one path.  Layer: adapter of mams-proxy.
 */
#pragma once

#include "proxy/config.h"

/** Begin one: from the link's own address to this link's proxy address, marked as ours.
 *  @return its descriptor, not yet connected, or -errno */
MAMS_MUST int px_dial(const struct px_conf *conf, const struct px_path *path);
