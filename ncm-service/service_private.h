/** @file service_private.h
 *  The NCM at work, as its parts share it.  Layer: adapter, internal.
 *  service.c: sessions and their clients; service_madp.c: N-MADP instances and what they tell. */
#pragma once

#include "ncm-service/decisions.h"
#include "ncm-service/near.h"
#include "ncm-service/service.h"

struct ncm_service {
	struct mams_loop *loop;
	const struct ncm_conf *conf;
	struct ncm_store *store;
	struct ncm_registry *registry;
	struct ncm_madp *madp;
	struct ncm_trace *trace;
	struct ncm_decisions *decisions;
	struct ncm_near near;
	struct mams_loop_timer *timer;
	struct mams_loop_timer *instances; /* when one that is away counts as dead */
	struct mams_loop_timer *room;      /* somebody has left: who was refused? */
	bool looking_for_room;
	mams_time armed;
	const struct ncm_service_ops *ops;
	void *user;
	const struct mx_msg **reply;    /**< of the message being put in */
	struct mx_msg *elsewhere;       /**< the last answer that redirected a client */
	struct mams_loop_timer *commit; /* of the store */
	bool committing;
};

/* service.c */
/** The store is written after this turn, whatever else it brings. */
void ncm_service_commit(struct ncm_service *v);
void ncm_service_arm(struct ncm_service *v);
void ncm_service_arm_session(struct ncm_service *v, struct ncm_session *s);

/* service_madp.c */
extern const struct ncm_madp_ops ncm_service_madp_ops;
/** Somebody has left an instance. */
void ncm_service_look_for_room(struct ncm_service *v);
/** Has it come to be far from its instances? */
void ncm_service_look_near(struct ncm_service *v, struct ncm_session *s);
/** Timers'; user is the struct ncm_service. */
void ncm_service_there_is_room(void *user);
void ncm_service_watch_instances(void *user);
/** What instances hold of this client goes into the store. */
void ncm_service_put_held(void *user, const char *client);
