/** @file admin.h
 *  The CCM's ctl socket: status and log level for mamsctl.  Layer: adapter. */
#pragma once

#include "ccm-agent/api.h"

struct ccm_admin;

/** @param agent  may be given later by ccm_admin_agent() */
MAMS_MUST int ccm_admin_new(
	struct mams_loop *l, const struct ccm_conf *conf, struct ccm_admin **out);
void ccm_admin_agent(struct ccm_admin *a, const struct ccm_agent *agent, const struct ccm_api *api);
void ccm_admin_free(struct ccm_admin *a); /**< accepts NULL */
