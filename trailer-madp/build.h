/** @file build.h
 *  A session's configuration from the message that brings it: everything is checked here, before
 *  anything changes.  Layer: adapter. */
#pragma once

#include "lib/ctl/ctl_msg.h"
#include "trailer-madp/settings.h"

/** @return 0, -MAMS_EVALUE, -MAMS_EMISSING, -MAMS_ELIMIT, -ENOMEM; err says what and where */
MAMS_MUST int madp_build(const struct ctl_tr_session_set *m, enum madp_role role,
	uint32_t packet_max, struct madp_session_set **out, struct mams_error *err);
