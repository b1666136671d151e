/** @file traced.h
 *  The lines of a trace: all that one session is given and does (lib/ctl/ctl_trace.h).  Layer: core
 *  (no I/O, no clock).  Who writes them sets time_ms; replay.h reads them again.
 *
 *  Before anything is given to a session ncm_traced_before() is asked until it has no more line;
 * then comes the line of what is given, then those of the session's actions as they are carried
 * out. */
#pragma once

#include "lib/ctl/ctl_msg.h"
#include "ncm-service/session.h"

/** What one reader of a trace has been told. */
struct ncm_traced {
	char identity[NCM_IDENTITY_MAX]; /**< whose trace it is; set by the owner */
	uint32_t number;                 /**< of the newest line */
	bool started;                    /**< of this session: */
	uint64_t session_id;
	bool any_madps;
	struct ncm_madp_use madps[NCM_MADPS_MAX];
};

/* Each makes a line, owned by the caller; it borrows what it is made of, and goes first.
 * NULL: there is none, or no memory. */

/** @param m  what the session is given next; NULL: no message */
struct ctl_msg *ncm_traced_before(
	struct ncm_traced *t, const struct ncm_session *s, const struct mx_msg *m, mams_time now);
/** How the instances are, if the reader does not know. */
struct ctl_msg *ncm_traced_madps(struct ncm_traced *t, const struct ncm_madps *m, mams_time now);
/** @param s  NULL: there is no session to which it belongs
 *  @param sent  to the client; else from it */
struct ctl_msg *ncm_traced_message(struct ncm_traced *t, const struct ncm_session *s,
	enum ncm_transport transport, bool sent, const struct mx_msg *m, mams_time now);
/** What the session is given besides messages; NULL: time.
 *  @param text  for ENDED; else NULL, words are found */
struct ctl_msg *ncm_traced_input(struct ncm_traced *t, const struct ncm_session *s,
	const struct ctl_trace_input *in, const char *text, mams_time now);
/** What the data plane says of it that changes nothing here. */
struct ctl_msg *ncm_traced_plane(
	struct ncm_traced *t, const struct ncm_session *s, const char *text, mams_time now);
/** An action on its way. */
struct ctl_msg *ncm_traced_action(struct ncm_traced *t, const struct ncm_session *s,
	const struct ncm_action *a, mams_time now);

/** @param out, app  filled; out may name app */
void ncm_traced_order(
	const struct ncm_order *o, bool own, struct ctl_trace_order *out, struct ctl_ncm_app *app);
/** An action of the kind that a trace has as an event, in words.
 *  @return false: it is not of that kind */
bool ncm_traced_words(
	const struct ncm_session *s, const struct ncm_action *a, char *out, size_t size);
