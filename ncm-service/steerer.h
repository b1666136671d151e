/** @file steerer.h
 *  Automatic steering of one session: what is known of its links goes to lib/steer, its decisions
 *  become steering orders like an operator's.  Layer: core (no I/O, no clock).
 *  Source: seed 6.6; lib/steer/steer.h says how.
 *
 *  An operator's order holds: its traffic is left alone until ncm_steerer_auto().  Orders that the
 *  client refuses or does not answer are given again after a minute, then two, up to an hour. */
#pragma once

#include "lib/steer/record.h"
#include "ncm-service/session.h"

#define NCM_STEERER_REQUEST UINT64_MAX /* number of its steering requests */

/** What became of a class of the policy in a session. */
enum ncm_steered {
	NCM_STEERED_AUTO,
	NCM_STEERED_HELD,    /**< by an operator's order */
	NCM_STEERED_REFUSED, /**< the client has not done the last one */
	NCM_STEERED_NOT,     /**< the session has no such anchor or application */
};

/** The policy is new, or another: classes that it still has keep what is known.  The old one may be
 *  freed afterwards. */
void ncm_steerer_renew(struct ncm_session *s, mams_time now);
void ncm_steerer_forget(struct ncm_session *s); /**< before the session is freed */
/** Something has happened that decisions may depend on: look again, a second after the last look at
 *  the earliest. */
void ncm_steerer_news(struct ncm_session *s, mams_time now);
/** A link that was gone carries again, in these directions: what spoke against it before does no
 *  longer, and its probation begins. */
void ncm_steerer_back(struct ncm_session *s, uint8_t id, bool ul, bool dl, mams_time now);
/** ncm_feed_look() may say something else.  @return of a link of this session it does: that is news
 */
bool ncm_steerer_network(struct ncm_session *s, mams_time now);
void ncm_steerer_tick(struct ncm_session *s, mams_time now);
mams_time ncm_steerer_deadline(const struct ncm_session *s);
/** Result of an order of its own.  @param text  static words */
void ncm_steerer_done(struct ncm_session *s, int code, const char *text);
/** Operators' orders hold no longer. */
void ncm_steerer_auto(struct ncm_session *s, mams_time now);

/** How many classes; 0: no policy. */
size_t ncm_steerer_count(const struct ncm_session *s);
/** @param why  filled with static words, of REFUSED; may be NULL */
enum ncm_steered ncm_steerer_state(const struct ncm_session *s, size_t class, const char **why);
/** The class that steers an anchor (index), or of it an application (index; -1: the anchor's own).
 *  @return -1: none */
int ncm_steerer_class(const struct ncm_session *s, size_t anchor, int app);
/** The last decision that changed something or wanted to, or else the last one.
 *  @param at  filled with its time
 *  @return borrowed until the session's next input; NULL: none yet */
const struct steer_record *ncm_steerer_record(
	const struct ncm_session *s, size_t class, mams_time *at);
