/** @file pool.h
 *  Anchor addresses of one trailer MADP, or of several that share a network: which client has
 *  which.  Layer: core (no I/O).
 *  A client's place in the networks comes from its identity, so that it gets the same address again
 *  after a restart of whoever; the next free place when another client has that one.  The MADP,
 *  which outlives us, has the last word: a place that it calls taken is passed over. */
#pragma once

#include "lib/base/addr.h"
#include "lib/base/err.h"

struct ncm_pool;

/** @param nets  nets[n]: at most one of each family
 *  @return NULL on ENOMEM */
struct ncm_pool *ncm_pool_new(const struct mams_prefix *nets, size_t n);
void ncm_pool_free(struct ncm_pool *p); /**< accepts NULL */
/** The addresses of a session, the same as long as it holds them.
 *  @param ip4, ip6  unset where there is no network of that family
 *  @return 0, -MAMS_ELIMIT (all are taken), -ENOMEM */
MAMS_MUST int ncm_pool_take(struct ncm_pool *p, uint64_t session_id, const char *identity,
	struct mams_addr *ip4, struct mams_addr *ip6);
/** A session of before a restart had these: it has them again, unless they are another's by now or
 *  of other networks.  @param ip4, ip6  unset: it had none of that family
 *  @return has it got them? */
bool ncm_pool_keep(struct ncm_pool *p, uint64_t session_id, const struct mams_addr *ip4,
	const struct mams_addr *ip6);
/** Somebody whom we do not know has them: ncm_pool_take() gives others. */
void ncm_pool_pass(struct ncm_pool *p, uint64_t session_id);
/** One more instance has the session with its addresses; it has taken them. */
void ncm_pool_hold(struct ncm_pool *p, uint64_t session_id);
/** One fewer; without any the addresses are free. */
void ncm_pool_give(struct ncm_pool *p, uint64_t session_id);
/** The session is over, and no instance has ever had it. */
void ncm_pool_leave(struct ncm_pool *p, uint64_t session_id);
/** What was passed over may be free again. */
void ncm_pool_forget(struct ncm_pool *p);
