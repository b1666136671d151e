/** @file associate.h
 *  How the needs of applications become treatment of their flows.  Layer: core (no I/O, no clock).
 *  Source: RFC 8743 B.4.2, 8.12 (analytics), 8.8 (application-MADP association), 8.7 (steering by
 *  traffic flow templates).
 *
 *    need posted -> Network Analytics REQ -> the links that keep the need's limits
 *                -> App MADP Association REQ: its flows with the MX configurations of these links
 *                -> the NCM agrees, and sends a Traffic Steering REQ with a template per flow
 *                -> user plane: a class of flows with paths of its own
 *
 *  One association is under way at a time, and it names all flows: it replaces the one before.
 *  Without an NCM accepted needs wait; they are put to it again with every UP setup. */
#pragma once

#include "ccm-agent/needs.h"
#include "lib/mx/mx.h"

struct ccm_session;

#define CCM_NEED_REVIEW_MS 30000 /**< predictions are asked for again, while there are needs */
#define CCM_FRESH_MS 2000        /**< predictions not older than this serve for another need */

enum ccm_verdict {
	CCM_VERDICT_EFFECT,   /**< in effect */
	CCM_VERDICT_ACCEPTED, /**< the NCM has accepted, steering is still to come */
	CCM_VERDICT_REFUSED,  /**< cannot be had; the need is gone */
	CCM_VERDICT_AWAY,     /**< no NCM, or it does not answer; the need is gone */
	CCM_VERDICT_EXPIRED,  /**< its time is over; the need is gone */
};

struct ccm_associate {
	struct ccm_needs needs;
	struct ccm_quality quality[CCM_LINKS_MAX];
	struct mx_msg *analytics; /**< the last answer; NULL: none yet */
	mams_time analytics_at;
	bool predicting; /**< somebody waits for the next one */
	mams_time review;
	mams_time due;  /**< there is something new */
	bool stale;     /**< the NCM must be told of the accepted needs (again) */
	bool told;      /**< it holds an association of ours that is not empty */
	uint32_t asked; /**< the need that the association under way would add; 0: none */
	struct ccm_class wanted[CCM_CLASSES_MAX];
	size_t n_wanted;
	/* of the last steering request that was taken over */
	struct ccm_class classes[CCM_CLASSES_MAX];
	size_t n_classes;
};

void ccm_associate_init(struct ccm_session *s);
void ccm_associate_fini(struct ccm_session *s);

/* ---- for the API ---- */

/** Post a need; its fate comes by CCM_ACT_NEED.
 *  @return its id, -MAMS_ESTATE (no user plane is set up), -MAMS_ELIMIT (too many needs) */
MAMS_MUST int64_t ccm_session_need(struct ccm_session *s, const struct ccm_need *in, uint32_t owner,
	mams_time expires, mams_time now);
/** Withdraw it; its flows are treated like all others again. */
void ccm_session_need_end(struct ccm_session *s, uint32_t id, mams_time now);
/** Ask the NCM for predictions; CCM_ACT_ANALYTICS follows, once for all who asked meanwhile.
 *  @return 0 or -MAMS_ESTATE */
MAMS_MUST int ccm_session_predict(struct ccm_session *s, mams_time now);

/* ---- for the session ---- */

int ccm_associate_analytics(
	struct ccm_session *s, const struct mx_msg *m, mams_time now, struct mams_error *err);
int ccm_associate_rsp(
	struct ccm_session *s, const struct mx_msg *m, mams_time now, struct mams_error *err);
/** The user plane is set up, or steered: as the session says. */
void ccm_associate_setup(struct ccm_session *s, mams_time now);
void ccm_associate_steered(struct ccm_session *s, mams_time now);
/** An own request was given up. @return false when it is not of ours */
bool ccm_associate_expired(struct ccm_session *s, enum mx_type type, mams_time now);
/** The session is lost: nothing that was under way will be answered. */
void ccm_associate_lost(struct ccm_session *s);
/** Capabilities are agreed anew: the NCM has forgotten all associations. */
void ccm_associate_forget(struct ccm_session *s);
void ccm_associate_tick(struct ccm_session *s, mams_time now);
mams_time ccm_associate_deadline(const struct ccm_session *s);
