/** @file replay.h
 *  A trace (traced.h) given to a session's state machine again.  Layer: core (no I/O, no clock).
 *  From a start line on the session is given what the trace says it was given, at those times; what
 *  it says and does is held against what is recorded.  Of messages that it sends type and number
 *  count, of decisions of the policy that they come out the same.
 *
 *  Orders of the policy are taken from the trace like an operator's. */
#pragma once

#include "lib/ctl/ctl_msg.h"

struct ncm_replay;

enum ncm_replayed_kind {
	NCM_REPLAYED_CHANGE,   /**< of the session, as recorded */
	NCM_REPLAYED_MISSING,  /**< recorded, and did not come about */
	NCM_REPLAYED_EXTRA,    /**< not recorded, and came about */
	NCM_REPLAYED_DECISION, /**< comes out another way */
	NCM_REPLAYED_GAP,      /**< lines are missing: nothing is compared until the next start */
};

struct ncm_replayed {
	enum ncm_replayed_kind kind;
	uint64_t time_ms; /**< of the trace, since 1970 */
	char *text;
	char *cause; /**< what the session had been given */
};

struct ncm_replay_sum {
	size_t lines;
	size_t before; /**< of these, before a start line: not replayed */
	size_t starts;
	size_t changes, messages, decisions; /**< as recorded */
	size_t differ;
};

struct ncm_replay *ncm_replay_new(void);    /**< NULL on ENOMEM */
void ncm_replay_free(struct ncm_replay *r); /**< accepts NULL */
/** @return 0, or a negative code when the line makes no sense: err says where and why */
MAMS_MUST int ncm_replay_line(
	struct ncm_replay *r, const struct ctl_trace *t, struct mams_error *err);
/** What the lines have brought, oldest first.
 *  @param out  owned by the caller (ncm_replayed_fini)
 *  @return false: no more */
bool ncm_replay_next(struct ncm_replay *r, struct ncm_replayed *out);
void ncm_replayed_fini(struct ncm_replayed *x);
struct ncm_replay_sum ncm_replay_sum(const struct ncm_replay *r);
