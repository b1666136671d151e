/** @file appreq.h
 *  Flows of applications: categories of the operator's policy (RFC 8743 9), and those that a client
 *  has associated with MX configurations; and the steering that follows.  Layer: core (no I/O, no
 * clock).  Source: RFC 8743 8.8 (association), 8.7 (UL lists per traffic flow template).
 *
 *  An association request names all flows of the client: it replaces the one before, and one
 *  without any template ends them.  A flow that stands with several configurations may use the
 *  connections of all of them, in that order.  The operator has the last word: only accesses with
 *  "applications", only connections in the session's own lists, and his own categories stand in
 *  front. */
#pragma once

#include "ncm-service/session.h"

#define NCM_FLOWS_MAX 32u

struct ncm_flow {
	char remote[64]; /**< CIDR; "": any */
	bool has_protocol;
	uint8_t protocol;
	uint16_t port_first, port_last; /**< of the server */
	bool has_dscp;
	uint8_t dscp;
	const char *name;             /**< of the operator's category; NULL: the client's own */
	uint8_t order[NCM_LINKS_MAX]; /**< connection ids for the uplink, best first */
	size_t n_order;
	uint8_t ul_mode;  /**< 1 + enum mx_mode; 0: the first carries, the others stand by */
	uint32_t dl;      /**< bits of connection ids; 0: the anchor's */
	bool dl_steered;  /**< dl is an operator's order: the anchor's lists do not bound it */
	uint8_t dl_first; /**< preferred */
	uint8_t dl_mode;
};

struct ncm_appreq {
	struct ncm_flow flows[NCM_FLOWS_MAX];
	size_t n_flows;
	size_t anchor; /**< index; flows of one anchor only */
};

#define NCM_ALL_FLOWS_MAX (NCM_FLOWS_MAX + NCM_APPS_MAX)

/** Take over an association request, as a whole or not at all.
 *  @return success: every instance exists, may be used by applications, and can tell the flows */
bool ncm_appreq_take(struct ncm_session *s, const struct mx_app_madp_assoc_req *q);
/** The flows of an anchor that have connections of their own; the first that matches decides.  In a
 *  tunnel the first has Flow ID 1, the second 2, and so on, at both ends.
 *  @param o    of which anchor (index), and what its traffic of an application is about to become,
 *              when that is ordered
 *  @param may  bits of connection ids that the lists allow; order has these only, unless the
 *              application is steered by itself
 *  @return how many */
size_t ncm_appreq_flows(const struct ncm_session *s, const struct ncm_order *o, uint32_t may,
	struct ncm_flow out[NCM_ALL_FLOWS_MAX]);
/** What is kept of an application (index of the policy); NULL: it is not steered. */
const struct ncm_saved_app *ncm_appreq_steered(const struct ncm_session *s, size_t app);
/** An order for an application is in effect. */
void ncm_appreq_keep(struct ncm_session *s, const struct ncm_order *o);
/** The user plane has changed. */
void ncm_appreq_setup(struct ncm_session *s);
/** Steer, if that is due and nothing else is under way. */
void ncm_appreq_step(struct ncm_session *s, mams_time now);
/** The capabilities are agreed anew, or the session ends. */
void ncm_appreq_forget(struct ncm_session *s);
