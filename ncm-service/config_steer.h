/** @file config_steer.h
 *  The policy of automatic steering that a configuration names: read, and held against its
 *  accesses, anchors and applications.  Layer: adapter. */
#pragma once

#include "ncm-service/config.h"

/** Read c->policy_file, if one is named, into c->steer and c->policy.steer; an earlier one is left
 *  as it is when the new one is wrong.
 *  @param old  filled with the earlier one, for the caller to free when nobody uses it any more
 *  @return 0 or a negative code; err says what is wrong where */
MAMS_MUST int ncm_conf_steer(struct ncm_conf *c, struct steer_policy **old, struct mams_error *err);
void ncm_conf_steer_free(struct steer_policy *p); /**< accepts NULL */
