/** @file config_plane.h
 *  Anchors and N-MADP instances of the configuration: names become indexes, defaults are made.
 *  Layer: adapter. */
#pragma once

#include "ncm-service/config.h"

/** @return 0 or a negative code; err names section and cure */
MAMS_MUST int ncm_conf_plane(struct ncm_conf *c, const char *path, struct mams_error *err);
