/** @file web.h
 *  The operators' HTTPS service (admin_listen): what people and their tools see of the NCM.
 *  Layer: adapter.  Logins are those of httpd; of them viewers may read and operators steer.
 *   GET  /                    the status page, and its other files
 *   GET  /metrics             of this NCM, in the text format of Prometheus
 *   GET  /metrics?madp=NAME   of an N-MADP instance, asked for over ctl; 404 unknown, 504 silent
 *   POST /ctl                 one ctl request in JSON, as mamsctl sends it, and its answer:
 * status_req, network_req, events_req, policy; of operators steer, probe, drain, too; 400 with
 * words, 403, 415 (no application/json), 504 */
#pragma once

#include "ncm-service/api.h"

struct ncm_web;

MAMS_MUST int ncm_web_new(struct mams_loop *l, const struct ncm_conf *conf, struct ncm_service *v,
	const struct ncm_api *api, struct ncm_web **out, struct mams_error *err);
void ncm_web_free(struct ncm_web *w); /**< accepts NULL */
/** As ncm_api_reload(). */
void ncm_web_reload(struct ncm_web *w);
