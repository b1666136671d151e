/** @file service.h
 *  The NCM at work: sessions' actions are carried out, their timers run.  Layer: adapter.
 *  api puts messages in, admin asks and steers; both get their answers by callbacks given here. */
#pragma once

#include "lib/io/loop.h"
#include "ncm-service/config.h"
#include "ncm-service/madp.h"
#include "ncm-service/registry.h"
#include "ncm-service/store.h"

struct ncm_service;
struct ncm_trace;

struct ncm_service_ops {
	/** NCM-started message for a session's client. */
	void (*send)(void *user, struct ncm_session *s, const struct mx_msg *m);
	/** The session is about to be freed. */
	void (*gone)(void *user, struct ncm_session *s);
	/** Likewise, because another instance has it. */
	void (*moved)(void *user, struct ncm_session *s);
	void (*steered)(void *user, uint64_t request, int code, const char *text);
	/** Are the sessions certainly ours?  As long as not, no timer of theirs runs. */
	bool (*may_act)(void *user);
};

/** @param conf, store  borrowed */
MAMS_MUST int ncm_service_new(struct mams_loop *l, const struct ncm_conf *conf,
	struct ncm_store *store, struct ncm_service **out);
void ncm_service_free(struct ncm_service *v); /**< accepts NULL */
void ncm_service_set_ops(struct ncm_service *v, const struct ncm_service_ops *ops, void *user);
/** Read the store and dial the N-MADP.  @return 0 or a negative code; err may name a file */
MAMS_MUST int ncm_service_start(struct ncm_service *v, struct mams_error *err);

/** A message from an authenticated client, by this transport.
 *  @param reply  filled with the answer, borrowed until the session's next input; NULL: none
 *  @return 0, -ENOENT (E4), -MAMS_EDENIED (E5), and what ncm_session_input() returns */
MAMS_MUST int ncm_service_message(struct ncm_service *v, const char *identity,
	enum ncm_transport transport, const struct mx_msg *m, const struct mx_msg **reply,
	struct mams_error *err);
MAMS_MUST int ncm_service_steer(struct ncm_service *v, struct ncm_session *s, uint64_t request,
	const struct ncm_order *order, struct mams_error *err);
/** New clients go to other instances, its own are moved; or it is in use again.  Remembered.
 *  @return 0 or -MAMS_EUNKNOWN */
MAMS_MUST int ncm_service_drain(
	struct ncm_service *v, const char *name, bool drain, struct mams_error *err);
/** The order has been given at another instance, and is stored. */
void ncm_service_set_drained(struct ncm_service *v, const char *name, bool drain);

/* for the cluster's ops */
/** A session that another instance had.  @return it was not here already */
bool ncm_service_adopt(struct ncm_service *v, const struct ncm_saved *stored);
/** What N-MADP instances hold of a client that is ours now, with a session or without. */
void ncm_service_recall(struct ncm_service *v, const char *client, const char *text);
/** What a client that is ours now has used of quotas in sessions before (uses.h). */
void ncm_service_used(struct ncm_service *v, const char *client, const char *text);
/** Another instance has this identity's session: nothing is told to anyone but the client's channel
 *  and whoever steers.  @return we had it */
bool ncm_service_lose(struct ncm_service *v, const char *identity);
void ncm_service_refresh(struct ncm_service *v); /**< put every session into the store again */

/** The client of a session is at the transport. */
void ncm_service_seen(struct ncm_service *v, struct ncm_session *s);
/** Estimate these connections (bits) of a session now.  @return false: none can be */
bool ncm_service_probe(struct ncm_service *v, struct ncm_session *s, uint32_t links);
/** Something was done to a session from outside: its actions are carried out. */
void ncm_service_run(struct ncm_service *v, struct ncm_session *s);
struct ncm_registry *ncm_service_registry(struct ncm_service *v);
const struct ncm_madp *ncm_service_madp(const struct ncm_service *v);
struct ncm_trace *ncm_service_trace(const struct ncm_service *v); /**< who watches a client */
