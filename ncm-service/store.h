/** @file store.h
 *  Where sessions are kept, so that a restarted NCM goes on with them.  Layer: adapter.
 *  Two places: a file of this NCM's own (SQLite, store_sqlite.c), or Redis, which several instances
 *  share (cluster.h).  Both hold client keys. */
#pragma once

#include "ncm-service/session.h"

struct ncm_store;

struct ncm_store_ops {
	int (*put)(struct ncm_store *st, const struct ncm_saved *s);
	int (*del)(struct ncm_store *st, const char *identity);
	int (*commit)(struct ncm_store *st);
	int (*each)(struct ncm_store *st, void (*fn)(void *user, const struct ncm_saved *s),
		void *user);
	int (*drained)(struct ncm_store *st, const char *madp, bool drained);
	int (*each_drained)(
		struct ncm_store *st, void (*fn)(void *user, const char *madp), void *user);
	int (*held)(struct ncm_store *st, const char *identity, const char *text);
	int (*each_held)(struct ncm_store *st,
		void (*fn)(void *user, const char *identity, const char *text), void *user);
	int (*used)(struct ncm_store *st, const char *identity, const char *text, uint64_t until);
	int (*each_used)(struct ncm_store *st,
		void (*fn)(void *user, const char *identity, const char *text), void *user);
	void (*close)(struct ncm_store *st);
};

/** First member of either. */
struct ncm_store {
	const struct ncm_store_ops *ops;
};

/** The file is made with mode 0600.  @param err  names the file and the cure */
MAMS_MUST int ncm_store_open(const char *path, struct ncm_store **out, struct mams_error *err);
void ncm_store_close(struct ncm_store *st); /**< accepts NULL */
/** Written by ncm_store_commit(), or by the end.  @return 0 or -EIO (logged) */
MAMS_MUST int ncm_store_put(struct ncm_store *st, const struct ncm_saved *s);
MAMS_MUST int ncm_store_del(struct ncm_store *st, const char *identity);
/** Write what has been put and deleted since the last time. */
MAMS_MUST int ncm_store_commit(struct ncm_store *st);
/** Call fn for every stored session that is there to go on with at a start; admission is left to
 *  the policy in force.  @return 0 or -EIO */
MAMS_MUST int ncm_store_each(
	struct ncm_store *st, void (*fn)(void *user, const struct ncm_saved *s), void *user);
/** Whether an N-MADP instance is drained.  @return 0, -EIO (logged), -ENOTCONN (no Redis) */
MAMS_MUST int ncm_store_drained(struct ncm_store *st, const char *madp, bool drained);
/** What N-MADP instances hold of this identity (holds.h), with a session or without; "": nothing.
 *  @return 0 or -EIO (logged) */
MAMS_MUST int ncm_store_held(struct ncm_store *st, const char *identity, const char *text);
/** Call fn for every identity of which something is held, that is known at a start.
 *  @return 0 or -EIO */
MAMS_MUST int ncm_store_each_held(struct ncm_store *st,
	void (*fn)(void *user, const char *identity, const char *text), void *user);
/** What this identity has used of quotas (uses.h), for its next session; forgotten when its last
 * period is over.  That of a session that goes on is put with it.  @return 0 or -EIO (logged) */
MAMS_MUST int ncm_store_used(
	struct ncm_store *st, const char *identity, const struct ncm_used used[NCM_LINKS_MAX]);
/** Call fn for every identity of which that is known at a start.  @return 0 or -EIO */
MAMS_MUST int ncm_store_each_used(struct ncm_store *st,
	void (*fn)(void *user, const char *identity, const char *text), void *user);
/** Call fn for every drained instance that is known at a start.  @return 0 or -EIO */
MAMS_MUST int ncm_store_each_drained(
	struct ncm_store *st, void (*fn)(void *user, const char *madp), void *user);
