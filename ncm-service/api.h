/** @file api.h
 *  The control plane's transports, side by side: https always, wss and udp where configured.
 *  Layer: adapter.  Source: requirements.md A.1; each transport's own file says more. */
#pragma once

#include "ncm-service/service.h"

struct ncm_api;
struct ncm_cluster;
struct ncm_feeder;
struct ncm_front;

/** @param cluster  borrowed; NULL: this is the only instance */
MAMS_MUST int ncm_api_new(struct mams_loop *l, const struct ncm_conf *conf, struct ncm_service *v,
	struct ncm_cluster *cluster, struct ncm_api **out, struct mams_error *err);
void ncm_api_free(struct ncm_api *a); /**< accepts NULL */
/** Read the Digest users and the revoked certificates again. */
void ncm_api_reload(struct ncm_api *a);
/* for the service's ops */
void ncm_api_send(struct ncm_api *a, struct ncm_session *s, const struct mx_msg *m);
void ncm_api_gone(struct ncm_api *a, const struct ncm_session *s);
void ncm_api_moved(struct ncm_api *a, const struct ncm_session *s);
struct ncm_front *ncm_api_front(struct ncm_api *a); /**< for the cluster's ops */

struct ncm_feeder *ncm_api_feeder(const struct ncm_api *a); /**< what the network says */

/** Where and how the session's client was last seen; "-" and unset when not yet. */
void ncm_api_where(const struct ncm_api *a, const struct ncm_session *s, const char **transport,
	struct mams_addr *peer);

/** One table of counters, and what it points into. */
struct ncm_api_counters {
	const struct mams_metric *rows;
	size_t n;
	const void *base;
	const char *program; /**< of their metrics: two tables may have a name in common */
};
#define NCM_API_COUNTERS_MAX 8
/** Of all transports that are in use, into out[NCM_API_COUNTERS_MAX]; returns how many tables. */
size_t ncm_api_counters(const struct ncm_api *a, struct ncm_api_counters *out);
