/** @file api.h
 *  HTTPS routes of the control plane.  Layer: adapter.  Source: seed 4.1; requirements.md B.1.
 *   POST /mams/v1/message  one MX message; 200 with the response, 204 without one, 4xx with words
 *   GET  /mams/v1/poll     200 with an NCM-started message as soon as there is one, else 204
 *  NCM-started messages wait in a short queue per session; one poll per session is held. */
#pragma once

#include "lib/io/httpd.h"
#include "ncm-service/service.h"

struct ncm_api;

/** @param steered  where steering results go on to */
MAMS_MUST int ncm_api_new(struct mams_loop *l, const struct ncm_conf *conf, struct ncm_service *v,
	struct ncm_api **out, struct mams_error *err);
void ncm_api_free(struct ncm_api *a); /**< accepts NULL */
/** Read the Digest users again. */
void ncm_api_reload(struct ncm_api *a);
/* for the service's ops */
void ncm_api_send(struct ncm_api *a, struct ncm_session *s, const struct mx_msg *m);
void ncm_api_gone(struct ncm_api *a, const struct ncm_session *s);

struct ncm_api_counters {
	uint64_t posts;
	uint64_t polls;
	uint64_t polls_replaced;
	uint64_t bad_message; /**< E1, E2, E3, E7 at decoding */
	uint64_t unknown_session;
	uint64_t foreign_session;
	uint64_t bad_route;
	uint64_t outbox_full;
};
extern const struct mams_metric ncm_api_counter_rows[];
extern const size_t ncm_api_n_counter_rows;
const struct ncm_api_counters *ncm_api_counters(const struct ncm_api *a);
const struct mams_httpd *ncm_api_httpd(const struct ncm_api *a);
/** Where the session's client was last seen; unset when not yet. */
struct mams_addr ncm_api_peer(const struct ncm_api *a, const struct ncm_session *s);
