/** @file admin_steer.h
 *  Steering by operators: the session is looked for here and, when several instances share
 * sessions, at the one that has it; the result goes back to who asked.  Layer: adapter. */
#pragma once

#include "lib/ctl/ctl_msg.h"
#include "lib/io/ctlsock.h"
#include "ncm-service/cluster.h"
#include "ncm-service/service.h"

struct ncm_steers;

/** @param cluster  NULL: this is the only instance */
MAMS_MUST int ncm_steers_new(struct mams_loop *l, struct ncm_service *v,
	struct ncm_cluster *cluster, struct ncm_steers **out);
void ncm_steers_free(struct ncm_steers *st); /**< accepts NULL */

/** @param msg  CTL_STEER, with text[len] as it came; answered with CTL_RESULT, now or later */
void ncm_steers_take(struct ncm_steers *st, struct mams_ctl_conn *c, const struct ctl_msg *msg,
	const char *text, size_t len);
void ncm_steers_closed(struct ncm_steers *st, const struct mams_ctl_conn *c);
/** The service's result. */
void ncm_steers_done(struct ncm_steers *st, uint64_t request, int code, const char *text);

/* the cluster's side */
/** @param msg  CTL_NCM_PEER: STEER or STEERED */
void ncm_steers_packet(struct ncm_steers *st, const struct ctl_msg *msg);
void ncm_steers_undelivered(struct ncm_steers *st, const struct ctl_msg *msg);
void ncm_steers_dead(struct ncm_steers *st, const char *instance);

/** Does the operator's name mean this session: identity or session id; NULL means each. */
bool ncm_session_is_called(const struct ncm_session *s, const char *client);
/** The session that is meant.  @return NULL: none, or several; err says so */
struct ncm_session *ncm_session_pick(
	struct ncm_service *v, const char *client, struct mams_error *err);
/** Links by their accesses' names or connection ids.
 *  @param names  names[n]
 *  @param out  bits by connection id are added
 *  @return 0, -MAMS_EVALUE (no such admitted link) */
MAMS_MUST int ncm_session_take_links(const struct ncm_session *s, const char *const *names,
	size_t n, uint32_t *out, struct mams_error *err);
