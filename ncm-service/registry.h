/** @file registry.h
 *  All sessions of this NCM: by identity, by session id, by deadline.  Layer: core (no I/O).
 *  Source: requirements.md B.1 E4, E5: an identity reaches only its own session. */
#pragma once

#include "ncm-service/session.h"

struct ncm_registry;

/** @param p  borrowed */
struct ncm_registry *ncm_registry_new(const struct ncm_policy *p, mams_time now);
void ncm_registry_free(struct ncm_registry *r); /**< and all sessions; accepts NULL */
struct ncm_counters *ncm_registry_counters(struct ncm_registry *r);
struct ncm_madps *ncm_registry_madps(struct ncm_registry *r);

/** What the network says, for sessions made from now on.  @param feed  borrowed */
void ncm_registry_set_feed(struct ncm_registry *r, const struct ncm_feed *feed);

/** What a client has used of quotas, as a store has it: for its session, or for its next one. */
void ncm_registry_used(
	struct ncm_registry *r, const char *identity, const struct ncm_used used[NCM_LINKS_MAX]);

/** The wall clock, for periods of quotas.  @param us  microseconds since 1970 */
void ncm_registry_set_wall(struct ncm_registry *r, int64_t us, mams_time now);

/** Make a session; identity and session_id must be new.
 *  @return 0, -MAMS_ELIMIT (max_sessions), -ENOMEM */
MAMS_MUST int ncm_registry_add(struct ncm_registry *r, const struct ncm_saved *saved,
	uint32_t first, mams_time now, struct ncm_session **out);
/** And free; what it has used of quotas is kept for the client's next session (uses.h). */
void ncm_registry_remove(struct ncm_registry *r, struct ncm_session *s);

struct ncm_session *ncm_registry_by_identity(const struct ncm_registry *r, const char *identity);
struct ncm_session *ncm_registry_by_id(const struct ncm_registry *r, uint64_t session_id);
/** The session that a message of this identity is for.
 *  @param id  what the message says; NULL: the identity's own
 *  @return 0, -MAMS_EUNKNOWN (E4), -MAMS_EDENIED (E5) */
MAMS_MUST int ncm_registry_find(const struct ncm_registry *r, const char *identity,
	const struct mx_session_id *id, struct ncm_session **out);
/** Iterate in no particular order: NULL starts, NULL ends.  The one returned may be removed before
 *  the next call only when next was fetched first. */
struct ncm_session *ncm_registry_next(const struct ncm_registry *r, const struct ncm_session *s);
size_t ncm_registry_count(const struct ncm_registry *r);

/** The session's next turn: after every input and every tick; MAMS_TIME_NEVER: none. */
void ncm_registry_arm(struct ncm_registry *r, struct ncm_session *s, mams_time when);
mams_time ncm_registry_deadline(const struct ncm_registry *r); /**< of all */
/** A session whose turn has come; it has none any more until it is armed again.  NULL: none left.
 */
struct ncm_session *ncm_registry_due(struct ncm_registry *r, mams_time now);
