/** @file store.h
 *  Sessions on disk (SQLite), so that a restarted NCM goes on with them.  Layer: adapter.
 *  The file holds client keys: it is made with mode 0600. */
#pragma once

#include "ncm-service/session.h"

struct ncm_store;

/** @param err  names the file and the cure */
MAMS_MUST int ncm_store_open(const char *path, struct ncm_store **out, struct mams_error *err);
void ncm_store_close(struct ncm_store *st); /**< accepts NULL */
/** Written by ncm_store_commit(), or by the end.  @return 0 or -EIO (logged) */
MAMS_MUST int ncm_store_put(struct ncm_store *st, const struct ncm_saved *s);
MAMS_MUST int ncm_store_del(struct ncm_store *st, const char *identity);
/** Write what has been put and deleted since the last time. */
MAMS_MUST int ncm_store_commit(struct ncm_store *st);
/** Call fn for every stored session; admission is left to the policy in force.
 *  @return 0 or -EIO */
MAMS_MUST int ncm_store_each(
	struct ncm_store *st, void (*fn)(void *user, const struct ncm_saved *s), void *user);
/** Whether an N-MADP instance is drained.  @return 0 or -EIO (logged) */
MAMS_MUST int ncm_store_drained(struct ncm_store *st, const char *madp, bool drained);
/** Call fn for every drained instance.  @return 0 or -EIO */
MAMS_MUST int ncm_store_each_drained(
	struct ncm_store *st, void (*fn)(void *user, const char *madp), void *user);
