/** @file trace.h
 *  Who watches a client (mamsctl trace): each message from and to it with its secrets masked, and
 * each change of state.  Layer: adapter.  Costs nothing while nobody watches. */
#pragma once

#include "lib/io/ctlsock.h"
#include "ncm-service/service.h"

struct ncm_trace;

MAMS_MUST int ncm_trace_new(struct ncm_trace **out);
void ncm_trace_free(struct ncm_trace *t); /**< accepts NULL */

/** From now on c is told of this client, also when it has no session yet.
 *  @return 0, -MAMS_ELIMIT (too many watch), -ENOMEM */
MAMS_MUST int ncm_trace_add(struct ncm_trace *t, struct mams_ctl_conn *c, const char *identity);
void ncm_trace_closed(struct ncm_trace *t, const struct mams_ctl_conn *c);

/** @param sent  to the client; else from it */
void ncm_trace_message(struct ncm_trace *t, const char *identity, enum ncm_transport transport,
	bool sent, const struct mx_msg *m);
/** Of the kinds that are for the log, states and links are told. */
void ncm_trace_action(struct ncm_trace *t, const struct ncm_session *s, const struct ncm_action *a);
