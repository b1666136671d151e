/** @file page.h
 *  The agent's status page (page_listen), on loopback, for browsers of those who may use the CCM
 *  API.  Layer: adapter.  It shows and changes nothing.
 *
 *  - GET /: the page, and its other files
 *  - POST /ctl?of=ccm: a status_req in JSON, as mamsctl sends it, and its answer; of=proxy and
 *    of=trailer likewise, of these daemons; 400, 403, 404, 415, 504 with words */
#pragma once

#include "ccm-agent/api.h"

struct ccm_page;

/** @param conf, api  borrowed
 *  @param out        NULL when page_listen is not set */
MAMS_MUST int ccm_page_new(struct mams_loop *l, const struct ccm_conf *conf,
	const struct ccm_api *api, struct ccm_page **out, struct mams_error *err);
void ccm_page_free(struct ccm_page *p); /**< accepts NULL */
