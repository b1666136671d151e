/** @file trace.h
 *  Who watches a client (mamsctl trace) is told the lines of its trace (traced.h).  Layer: adapter.
 *  Costs nothing while nobody watches.  now is what the session is given with it. */
#pragma once

#include "lib/io/ctlsock.h"
#include "ncm-service/session.h"

struct ctl_trace_input;
struct ncm_trace;

MAMS_MUST int ncm_trace_new(struct ncm_trace **out);
void ncm_trace_free(struct ncm_trace *t); /**< accepts NULL */

/** From now on c is told of this client, also when it has no session yet.
 *  @return 0, -MAMS_ELIMIT (too many watch), -ENOMEM */
MAMS_MUST int ncm_trace_add(struct ncm_trace *t, struct mams_ctl_conn *c, const char *identity);
void ncm_trace_closed(struct ncm_trace *t, const struct mams_ctl_conn *c);

/* Before it happens: */

/** A message of the client.  @param s  NULL: it has no session */
void ncm_trace_message(struct ncm_trace *t, const char *identity, enum ncm_transport transport,
	const struct ncm_session *s, const struct mx_msg *m, mams_time now);
/** The session is given something else.
 *  @param in  NULL: only time
 *  @param text  NULL: words are found, but for CTL_TRACE_ENDED */
void ncm_trace_input(struct ncm_trace *t, const struct ncm_session *s,
	const struct ctl_trace_input *in, const char *text, mams_time now);

/* When it happens: */

/** A message to the client that no session has made. */
void ncm_trace_answer(struct ncm_trace *t, const char *identity, enum ncm_transport transport,
	const struct mx_msg *m, mams_time now);
void ncm_trace_action(struct ncm_trace *t, const struct ncm_session *s, const struct ncm_action *a,
	mams_time now);
/** The data plane says something of it, in words, that changes nothing here. */
void ncm_trace_plane(
	struct ncm_trace *t, const struct ncm_session *s, const char *text, mams_time now);
/** An N-MADP instance has come or gone: all who watch are told. */
void ncm_trace_madps(struct ncm_trace *t, const struct ncm_madps *m, mams_time now);
