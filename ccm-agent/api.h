/** @file api.h
 *  CCM API: what applications of this client may ask and require, over HTTP at a UNIX socket and,
 *  where configured, on loopback.  Layer: adapter.  Source: RFC 8743 appendices B.4 and D.
 *
 *    GET    /ccm/v1.0/capabilities             what is negotiated now
 *    POST   /ccm/v1.0/app_requirements         a need of the application; Location names it
 *    GET    /ccm/v1.0/app_requirements[/ID]    one's own (not in RFC 8743)
 *    DELETE /ccm/v1.0/app_requirements[/ID]    its end (not in RFC 8743)
 *    GET    /ccm/v1.0/predictive_link_params   predictions, asked of the NCM
 *    POST   /ccm/v1.0/link_signal              the platform tells a link's (not in RFC 8743) */
#pragma once

#include "ccm-agent/agent.h"
#include "lib/io/httpd.h"

struct ccm_api;

/** Listen.  @param conf  borrowed */
MAMS_MUST int ccm_api_new(struct mams_loop *l, const struct ccm_conf *conf, struct ccm_agent *agent,
	struct ccm_api **out, struct mams_error *err);
void ccm_api_free(struct ccm_api *a); /**< accepts NULL */

/** May the user ask who is at the other end, and does the request name this host by a name of its
 * own? Without a word of an answer. */
bool ccm_api_admits(const struct ccm_api *a, const struct mams_httpd_req *r);

extern const struct mams_metric ccm_api_counter_rows[];
extern const size_t ccm_api_n_counter_rows;
const void *ccm_api_counters(const struct ccm_api *a);
