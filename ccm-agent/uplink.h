/** @file uplink.h
 *  The CCM's conversation with the NCM: messages out and in, over the transport and the way that
 *  work now.  Layer: adapter.  Source: seed 4.1, appendix A; RFC 8743 7.1; requirements.md A.1.
 *  Ways and their order: ways.h; what carries the messages: carrier.h. */
#pragma once

#include "ccm-agent/config.h"
#include "lib/io/loop.h"

struct ccm_uplink;

struct ccm_uplink_ops {
	void (*message)(void *user, const struct mx_msg *m);
	/** The NCM does not know our session. */
	void (*unknown)(void *user);
	/** The NCM has answered, without a message. */
	void (*reached)(void *user);
};

extern const struct mams_metric ccm_uplink_counter_rows[];
extern const size_t ccm_uplink_n_counter_rows;
const void *ccm_uplink_counters(const struct ccm_uplink *u);

MAMS_MUST int ccm_uplink_new(struct mams_loop *l, const struct ccm_conf *conf,
	const struct ccm_uplink_ops *ops, void *user, struct ccm_uplink **out,
	struct mams_error *err);
void ccm_uplink_free(struct ccm_uplink *u); /**< accepts NULL; not from within ops */
void ccm_uplink_send(struct ccm_uplink *u, const struct mx_msg *m);
/** Be there for what the NCM starts, or not. */
void ccm_uplink_listen(struct ccm_uplink *u, bool on);
/** The links have changed: interfaces[n] are usable now. */
void ccm_uplink_links(struct ccm_uplink *u, const char *const *interfaces, size_t n);
/** More ways, from MX System INFO. */
void ccm_uplink_endpoints(struct ccm_uplink *u, const struct mx_system_info *info);
/** To the NCM that this one has named instead of itself. */
void ccm_uplink_redirect(struct ccm_uplink *u);
/** New connections to the NCM, with certificate and key as the files have them now. */
void ccm_uplink_renew(struct ccm_uplink *u);
/** A session is agreed over the way in use. */
void ccm_uplink_settle(struct ccm_uplink *u);
const char *ccm_uplink_url(const struct ccm_uplink *u);       /**< in use; "-": none */
const char *ccm_uplink_transport(const struct ccm_uplink *u); /**< https, wss, udp; "-": none */
