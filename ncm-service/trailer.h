/** @file trailer.h
 *  One mams-trailer as the NCM drives it: sessions of clients over ctl.  Layer: adapter.
 *  It keeps what it was told when we are away, and is told everything again whenever a connection
 * is made.  Secrets are drawn here and kept with the session, as are the client's addresses: after
 * a restart of the NCM it says the same again. */
#pragma once

#include "lib/ctl/ctl_msg.h"
#include "lib/io/ctlsock.h"
#include "ncm-service/registry.h"

struct ncm_pool;
struct ncm_trailer;

struct ncm_trailer_ops {
	/** It has the session. @param t  borrowed */
	void (*prepared)(void *user, uint64_t session_id, size_t madp, const struct ncm_tunnel *t);
	/** It has answered a request that is no session's. @return it was ncm_trailer_release()'s
	 */
	bool (*answered)(void *user, size_t madp, uint32_t request);
	/** More is known of links of its sessions. */
	void (*quality)(void *user, size_t madp, const struct ctl_quality *q);
	/** A path of one of its sessions has come or gone, or its far end moved. */
	void (*path)(void *user, size_t madp, const struct ctl_tr_event *e);
	/** So many sessions it has, of whatever NCM (ncm_trailer_ask()). */
	void (*open)(void *user, size_t madp, uint64_t sessions);
	/** It is there, and wants to be told everything; or it is gone. */
	void (*connected)(void *user, size_t madp, bool up);
};

/** @param madp  index of its section; all borrowed
 *  @param pool  of its anchor addresses, which other instances may share
 *  @param context  of a trailer on another host */
MAMS_MUST int ncm_trailer_new(struct mams_loop *l, const struct ncm_policy *policy, size_t madp,
	struct ncm_registry *registry, struct ncm_pool *pool, struct mams_ctl_context *context,
	const struct ncm_trailer_ops *ops, void *user, struct ncm_trailer **out);
void ncm_trailer_free(struct ncm_trailer *t); /**< accepts NULL; its sessions stay */

/** A session of the store has addresses of this trailer, which is told of it later. */
void ncm_trailer_keep(struct ncm_trailer *t, const struct ncm_session *s);
/** Have it hold the session as it is now.  Without a connection it is done when there is one. */
void ncm_trailer_set(struct ncm_trailer *t, const struct ncm_session *s);
/** The session is over: what it has here is given back when the trailer has been told. */
void ncm_trailer_over(struct ncm_trailer *t, uint64_t session_id);
/** Have it forget this session.  @param request  number, for ops->answered()
 *  @return 0, -ENOTCONN and as mams_ctl_say() */
MAMS_MUST int ncm_trailer_release(
	struct ncm_trailer *t, const char *identity, uint64_t session_id, uint32_t *request);
/** How many sessions has it? */
void ncm_trailer_ask(struct ncm_trailer *t);
bool ncm_trailer_up(const struct ncm_trailer *t);
