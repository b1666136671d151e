/** @file carrier.h
 *  One transport towards the NCM, as uplink sees it.  Layer: adapter.
 *  Source: requirements.md A.1-1 to A.1-5.  A carrier takes whole messages and brings whole
 *  messages; which way they go is given to it. */
#pragma once

#include "ccm-agent/config.h"
#include "ccm-agent/ways.h"
#include "lib/base/metrics.h"
#include "lib/io/loop.h"

#include <stddef.h>
#include <stdint.h>

struct ccm_carrier;

struct ccm_carrier_counters {
	uint64_t sent;
	uint64_t send_failed;
	uint64_t polls;
	uint64_t polls_failed;
	uint64_t connects;
	uint64_t connects_failed;
	uint64_t refused;  /**< 401, 403: our credentials, or not our session */
	uint64_t rejected; /**< other 4xx, 5xx */
	uint64_t too_long;
};

/** What a carrier tells; never from within a call of its ops. */
struct ccm_carrier_events {
	void (*message)(void *user, const char *text, size_t len);
	/** The NCM does not know our session. */
	void (*unknown)(void *user);
	/** The NCM has answered a poll, with nothing. */
	void (*reached)(void *user);
	/** The way given with this number does not work; status: HTTP's, or a negative code. */
	void (*failed)(void *user, unsigned number, int status, const char *what);
	void *user;
	struct ccm_carrier_counters *counters;
	struct mams_log_rl *quiet;
};

struct ccm_carrier_ops {
	/** Go this way from now on; what stands on the old one may end.
	 *  @param fresh  the links have changed: at once, however often it has failed before */
	void (*take)(
		struct ccm_carrier *c, const struct ccm_way *route, unsigned number, bool fresh);
	/** text[len], borrowed.  What is lost is sent again by the session. */
	void (*send)(struct ccm_carrier *c, const char *text, size_t len);
	/** Be there for what the NCM starts, or not. */
	void (*listen)(struct ccm_carrier *c, bool on);
	/** Not in use now: close what is open. */
	void (*rest)(struct ccm_carrier *c);
	void (*free)(struct ccm_carrier *c);
};

/** First member of each. */
struct ccm_carrier {
	const struct ccm_carrier_ops *ops;
	struct mams_loop *loop;
	const struct ccm_conf *conf;
	const struct ccm_carrier_events *events;
};

/* @param events  borrowed, must outlive it */
MAMS_MUST int ccm_carrier_https(struct mams_loop *l, const struct ccm_conf *conf,
	const struct ccm_carrier_events *events, struct ccm_carrier **out, struct mams_error *err);
MAMS_MUST int ccm_carrier_wss(struct mams_loop *l, const struct ccm_conf *conf,
	const struct ccm_carrier_events *events, struct ccm_carrier **out, struct mams_error *err);
MAMS_MUST int ccm_carrier_udp(struct mams_loop *l, const struct ccm_conf *conf,
	const struct ccm_carrier_events *events, struct ccm_carrier **out, struct mams_error *err);

/** An httpc that goes the configured way; shared by https and wss. */
struct mams_httpc;
MAMS_MUST int ccm_carrier_httpc(struct mams_loop *l, const struct ccm_conf *conf,
	struct mams_httpc **out, struct mams_error *err);
void ccm_carrier_httpc_take(struct mams_httpc *c, const struct ccm_way *route);
