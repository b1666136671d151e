/** @file apply_ipsec.h
 *  IPsec of this client's links: associations in charon, and the packet filter that keeps TCP of a
 *  protected link to its proxy address, and UDP to its tunnel's end, from leaving without one.
 * Layer: adapter.
 *  The filter is there before an association or a path is, and stays when this agent is killed. */
#pragma once

#include "ccm-agent/config.h"
#include "ccm-agent/protect.h"
#include "lib/io/loop.h"

struct ccm_ipsec;

struct ccm_ipsec_ops {
	/** Not called from ccm_ipsec_set(). */
	void (*sa)(void *user, const struct ccm_sa *sa, bool up);
};

MAMS_MUST int ccm_ipsec_new(struct mams_loop *l, const struct ccm_conf *conf,
	const struct ccm_ipsec_ops *ops, void *user, struct ccm_ipsec **out);
void ccm_ipsec_free(
	struct ccm_ipsec *x); /**< accepts NULL; charon and filter keep what they have */
/** What is wanted now.  Before the paths are told.
 *  @return bits of the connections whose associations are under way or stand: charon is there */
uint32_t ccm_ipsec_set(struct ccm_ipsec *x, const struct ccm_target *t);
/** Nothing comes back over this path, though its association stands: it is negotiated anew. */
void ccm_ipsec_silent(struct ccm_ipsec *x, uint8_t connection_id, const struct mams_addr *local);
/** In words; NULL: the connection has none. */
const char *ccm_ipsec_state(
	const struct ccm_ipsec *x, uint8_t connection_id, char *out, size_t cap);
/** Paths have been taken back: wait, 1 s at most, until no TCP connection of this host goes to a
 *  proxy that was protected, and no UDP socket to a tunnel's end, while associations still carry
 * its last packets; what has not closed after half of that (one whose other end is gone goes on
 * trying for minutes) is ended.
 *  @return false: one does; it would go on in the clear.  x NULL: true */
bool ccm_ipsec_settle(const struct ccm_ipsec *x);
/** Nothing of us is left in charon, nor, with open, in the filter. */
void ccm_ipsec_clear(const struct ccm_conf *conf, bool open);
