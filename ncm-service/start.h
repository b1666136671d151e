/** @file start.h
 *  Where the replay of a trace can begin: what a session is besides what is stored of it.  Layer:
 * core (no I/O, no clock). */
#pragma once

#include "lib/ctl/ctl_msg.h"
#include "ncm-service/session.h"

/** Does a start line tell all of the session that matters from now on?
 *  @param m  that it is given next; NULL: no message */
bool ncm_start_can(const struct ncm_session *s, const struct mx_msg *m);
/** @param policy  text, copied.  @return lives with m; NULL on ENOMEM */
struct ctl_trace_start *ncm_start_put(
	struct ctl_msg *m, const struct ncm_session *s, const char *policy, mams_time now);
/** Make a session that was made of what is stored the one that it was.
 *  @param draw  as of ncm_protect_fill()
 *  @return 0, -MAMS_EVALUE, -ENOMEM */
MAMS_MUST int ncm_start_take(struct ncm_session *s, const struct ctl_trace_start *st,
	void (*draw)(char out[NCM_KEY_MAX]), mams_time now, struct mams_error *err);
