/** @file madp.h
 *  The N-MADP instances as the NCM drives them: ctl connections to each mams-proxy and to the
 *  mptcpd plugins beside them, and to each mams-trailer (trailer.h).  Layer: adapter.  All keep
 * what they were told when we are away, and are told everything again whenever a connection is
 * made. */
#pragma once

#include "lib/io/ctlsock.h"
#include "ncm-service/holds.h"
#include "ncm-service/registry.h"

struct ncm_madp;

struct ctl_quality_way;

struct ncm_madp_measured {
	size_t madp;
	uint8_t id; /**< of the connection, below NCM_LINKS_MAX */
	enum ncm_quality_source from;
	struct ncm_way_report ul, dl;
	struct ctl_quality_way *told_ul, *told_dl; /**< what they were made of */
};

struct ncm_madp_ops {
	/** The instance's proxy knows the key of this session, or its trailer has the session.
	 *  @param tunnel  of a trailer; NULL: of a proxy */
	void (*prepared)(
		void *user, uint64_t session_id, size_t madp, const struct ncm_tunnel *tunnel);
	/** The instance's proxy is ready to probe this connection, or has no room for it. */
	void (*probing)(void *user, uint64_t session_id, uint8_t connection_id, bool ready);
	/** What runs over a link of this session was measured. */
	void (*measured)(void *user, struct ncm_session *s, const struct ncm_madp_measured *x);
	/** Something of this session that is for whoever watches it, in words. */
	void (*said)(void *user, const struct ncm_session *s, const char *text);
	/** The instance's proxy or trailer is there, or gone. */
	void (*connected)(void *user, size_t madp, bool up);
	/** What instances hold of this client has changed: ncm_holds_write() for the store, then
	 *  ncm_madp_stored(). */
	void (*held)(void *user, const char *client);
};

/** @param registry  borrowed: who must be told about after a reconnect
 *  @param files  for instances on other hosts; may be all NULL without one
 *  @return 0, -errno and as mams_ctl_context_new(); err names the file */
MAMS_MUST int ncm_madp_new(struct mams_loop *l, const struct ncm_policy *policy,
	struct ncm_registry *registry, const struct mams_ctl_files *files, struct ncm_madp **out,
	struct mams_error *err);
void ncm_madp_set_ops(struct ncm_madp *m, const struct ncm_madp_ops *ops, void *user);
void ncm_madp_free(struct ncm_madp *m); /**< accepts NULL */

/** The instance is told when the store has it, and when there is a connection. */
void ncm_madp_grant(struct ncm_madp *m, size_t madp, const struct ncm_session *s);
/** The same: an instance that lives on while it is away is told when it is back. */
void ncm_madp_revoke(struct ncm_madp *m, size_t madp, const struct ncm_session *s);
/** The store has what ops->held() told of. */
void ncm_madp_stored(struct ncm_madp *m);
/** What the store has of this client: an instance is told to forget what no session here claims.
 *  @param text  of ncm_holds_write() */
void ncm_madp_recall(struct ncm_madp *m, const char *client, const char *text);
/** Another NCM instance has the client: what N-MADP instances hold of it is that one's business. */
void ncm_madp_lose(struct ncm_madp *m, const char *client);
const struct ncm_holds *ncm_madp_holds(const struct ncm_madp *m);
/** Has the instance probe a connection. */
void ncm_madp_probe(struct ncm_madp *m, size_t madp, const struct ncm_session *s, uint8_t id);
/** Instances have been drained, or are in use again: a drained one is asked what it has yet.
 *  @param m  NULL: not yet made, it will look itself */
void ncm_madp_drained(struct ncm_madp *m);
/** Has a drained instance said that it has no connection and no session any more? */
bool ncm_madp_is_empty(const struct ncm_madp *m, size_t madp);
/** @param open  connections of a drained proxy, sessions of a trailer
 *  @return false: it is not drained, or has not said it yet */
bool ncm_madp_open(const struct ncm_madp *m, size_t madp, uint64_t *open);
void ncm_madp_policy(struct ncm_madp *m, size_t madp, const struct ncm_session *s);
/** The session is over: no plugin need remember it, and no instance. */
void ncm_madp_forget(struct ncm_madp *m, const struct ncm_session *s);
/** For further connections to instances on other hosts; NULL without one. */
struct mams_ctl_context *ncm_madp_context(const struct ncm_madp *m);
bool ncm_madp_proxy_up(const struct ncm_madp *m, size_t madp);
bool ncm_madp_plugin_up(const struct ncm_madp *m, size_t madp);
