/** @file madp.h
 *  The N-MADP as the NCM drives it: ctl connections to mams-proxy and to the mptcpd plugin.
 *  Layer: adapter.  Both keep what they were told when we are away, and are told everything again
 *  whenever a connection is made. */
#pragma once

#include "lib/io/loop.h"
#include "ncm-service/registry.h"

struct ncm_madp;

struct ncm_madp_ops {
	/** The proxy knows the key of this session. */
	void (*prepared)(void *user, uint64_t session_id);
};

/** @param registry  borrowed: who must be told about after a reconnect */
MAMS_MUST int ncm_madp_new(struct mams_loop *l, const char *proxy_socket, const char *pm_socket,
	const struct ncm_registry *registry, struct ncm_madp **out);
void ncm_madp_set_ops(struct ncm_madp *m, const struct ncm_madp_ops *ops, void *user);
void ncm_madp_free(struct ncm_madp *m); /**< accepts NULL */

/** Without a connection it is done when there is one. */
void ncm_madp_grant(struct ncm_madp *m, const struct ncm_session *s);
void ncm_madp_revoke(struct ncm_madp *m, const struct ncm_session *s);
void ncm_madp_policy(struct ncm_madp *m, const struct ncm_session *s);
bool ncm_madp_proxy_up(const struct ncm_madp *m);
bool ncm_madp_plugin_up(const struct ncm_madp *m);
