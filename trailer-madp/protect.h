/** @file protect.h
 *  IPsec of links at the N-MADP (MX adaptation "IPsec"): the responder's side of each association,
 *  and the packet filter that keeps the addresses kept for it closed without one.  Layer: adapter.
 *  Source: seed 5, 6.4, section 7; RFC 3948.
 *
 *  What a session's link wants is told with the session; charon may be mams-proxy's, too, since
 * each of the two touches only what bears its name. */
#pragma once

#include "lib/ctl/ctl_msg.h"
#include "lib/io/loop.h"
#include "trailer-madp/config.h"

struct madp_protect;

struct madp_protect_ops {
	/** The association of this link has gone. */
	void (*lost)(void *user, uint64_t session, uint8_t cid);
};

/** The filter as the configuration says: before anything is open, and it stays when we end. */
MAMS_MUST int madp_protect_guard(const struct madp_conf *conf, struct mams_error *err);
/** @param conf, ops  borrowed */
MAMS_MUST int madp_protect_new(struct mams_loop *l, const struct madp_conf *conf,
	const struct madp_protect_ops *ops, void *user, struct madp_protect **out);
/** Removes the associations and secrets from charon.  Accepts NULL. */
void madp_protect_free(struct madp_protect *p);
/** Can this be done? @param p  NULL: no IPsec at all */
MAMS_MUST int madp_protect_check(
	const struct madp_protect *p, const struct ctl_tr_session_set *m, struct mams_error *err);
/** It was checked, and the session has been taken over.
 *  @return 0 or -ENOMEM: that link stays down */
MAMS_MUST int madp_protect_set(struct madp_protect *p, const struct ctl_tr_session_set *m);
void madp_protect_del(struct madp_protect *p, uint64_t session); /**< p may be NULL */
/** In words, of msg's memory; NULL: the link has none. */
const char *madp_protect_state(
	const struct madp_protect *p, struct ctl_msg *msg, uint64_t session, uint8_t cid);
