/** @file uplink.h
 *  The CCM's conversation with the NCM over HTTPS: POST of messages, and a long-poll for what the
 *  NCM starts.  Layer: adapter.  Source: seed 4.1; routes as in ncm-service/api.h.
 *  Routes to the NCM are tried in turn: every URL by the host's own routing, then bound to each
 *  usable link; the one that works is kept until it fails. */
#pragma once

#include "ccm-agent/config.h"
#include "lib/io/loop.h"

struct ccm_uplink;

struct ccm_uplink_ops {
	void (*message)(void *user, const struct mx_msg *m);
	/** The NCM does not know our session. */
	void (*unknown)(void *user);
};

struct ccm_uplink_counters {
	uint64_t posts;
	uint64_t posts_failed;
	uint64_t polls;
	uint64_t polls_failed;
	uint64_t refused;     /**< 401, 403: our credentials, or not our session */
	uint64_t rejected;    /**< other 4xx, 5xx */
	uint64_t bad_message; /**< not decodable */
	uint64_t switches;    /**< another route to the NCM was taken */
};
extern const struct mams_metric ccm_uplink_counter_rows[];
extern const size_t ccm_uplink_n_counter_rows;

MAMS_MUST int ccm_uplink_new(struct mams_loop *l, const struct ccm_conf *conf,
	const struct ccm_uplink_ops *ops, void *user, struct ccm_uplink **out,
	struct mams_error *err);
void ccm_uplink_free(struct ccm_uplink *u); /**< accepts NULL; not from within ops */
void ccm_uplink_send(struct ccm_uplink *u, const struct mx_msg *m);
/** Keep a poll open, or not. */
void ccm_uplink_poll(struct ccm_uplink *u, bool on);
/** The links have changed: interfaces[n] are usable now; polls start afresh. */
void ccm_uplink_links(struct ccm_uplink *u, const char *const *interfaces, size_t n);
const struct ccm_uplink_counters *ccm_uplink_counters(const struct ccm_uplink *u);
const char *ccm_uplink_url(const struct ccm_uplink *u);
