/** @file uses.h
 *  What clients without a session have used of quotas in a period that is not over: who ends a
 *  session goes on with the quota in the next one.  Layer: core (no I/O, no clock).
 *  As text, for the store: a line "OCTETS UNTIL ACCESS" each. */
#pragma once

#include "ncm-service/session.h"

struct ncm_uses;
struct mams_buf;

/** @param limit  clients at most; who has been away longest makes room */
struct ncm_uses *ncm_uses_new(size_t limit);
void ncm_uses_free(struct ncm_uses *u); /**< accepts NULL */
/** The client's session has ended, or the store has it.  What is known already is added to as
 *  ncm_uses_join() does.
 *  @param wall  seconds since 1970: periods that are over are left out, of others, too */
void ncm_uses_keep(struct ncm_uses *u, const char *client,
	const struct ncm_used used[NCM_LINKS_MAX], uint64_t wall);
/** It has a session again: add to its use what was kept, which is forgotten. */
void ncm_uses_take(struct ncm_uses *u, const char *client, struct ncm_used used[NCM_LINKS_MAX]);
size_t ncm_uses_count(const struct ncm_uses *u);

/** Both are of one client: of an access the later period counts, and of the same the larger use. */
void ncm_uses_join(struct ncm_used to[NCM_LINKS_MAX], const struct ncm_used from[NCM_LINKS_MAX]);
/** When the last of its periods ends, seconds since 1970; 0: nothing is used. */
uint64_t ncm_uses_until(const struct ncm_used used[NCM_LINKS_MAX]);
/** @param out  appended to; NUL-terminated */
void ncm_uses_write(const struct ncm_used used[NCM_LINKS_MAX], struct mams_buf *out);
/** What is not understood is left out. */
void ncm_uses_read(const char *text, struct ncm_used used[NCM_LINKS_MAX]);
