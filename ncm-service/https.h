/** @file https.h
 *  The control plane over HTTPS.  Layer: adapter.  Source: seed 4.1; requirements.md B.1.
 *   POST /mams/v1/message  one MX message; 200 with the response, 204 without one, 4xx with words
 *   GET  /mams/v1/poll     200 with an NCM-started message as soon as there is one, else 204
 *  One poll per session is held.
 *   POST /mams/v1/network-information  204, 400 with words, 429; of feed_clients alone, else 403
 *   GET  /mams/v1/network-information  200 with what is in force */
#pragma once

#include "lib/io/httpd.h"
#include "ncm-service/intake.h"

struct ncm_https;

MAMS_MUST int ncm_https_new(struct ncm_intake *in, struct ncm_https **out, struct mams_error *err);
void ncm_https_free(struct ncm_https *h); /**< accepts NULL */
/** Read the Digest users and the revoked certificates again. */
MAMS_MUST int ncm_https_reload(
	struct ncm_https *h, mams_expelled_fn fn, void *user, struct mams_error *err);
const struct mams_httpd *ncm_https_httpd(const struct ncm_https *h);

struct ncm_https_counters {
	uint64_t posts;
	uint64_t polls;
	uint64_t polls_replaced;
	uint64_t feed_denied;
	uint64_t bad_route;
};
extern const struct mams_metric ncm_https_counter_rows[];
extern const size_t ncm_https_n_counter_rows;
const struct ncm_https_counters *ncm_https_counters(const struct ncm_https *h);
