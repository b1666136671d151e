/** @file cluster.h
 *  Several NCM instances behind one address: which of them has which session, by a Redis that they
 *  share.  Layer: adapter.
 *
 *  A session belongs to one instance, which keeps its state machine; Redis holds what a restart
 *  must know, and whose it is.  An instance that does not say within three seconds that it is alive
 *  has lost its sessions: another takes one when its client speaks to it, those of silent clients
 *  half a minute later.  Instances speak to each other by Redis's channels.  Without Redis each
 * goes on with the sessions that it has, and takes no new ones.
 *
 *  An instance that was stopped for long, or has not heard from Redis, does not touch its sessions
 *  before Redis has said which are still its own: ncm_cluster_may_act().
 *
 *  An instance is named NAME#RUN: a restarted one is another. */
#pragma once

#include "lib/base/metrics.h"
#include "lib/ctl/ctl_msg.h"
#include "lib/io/loop.h"
#include "ncm-service/config.h"
#include "ncm-service/store.h"

#define NCM_INSTANCE_MAX 96

struct ncm_cluster;

struct ncm_cluster_ops {
	/** Ours from now on.  @return it was not already */
	bool (*adopt)(void *user, const struct ncm_saved *s);
	/** What N-MADP instances hold of a client that is ours, as the store has it; after adopt().
	 */
	void (*recall)(void *user, const char *identity, const char *text);
	/** What a client that is ours has used of quotas in sessions before; before adopt(). */
	void (*used)(void *user, const char *identity, const char *text);
	/** Another has it.  @return we had it */
	bool (*lose)(void *user, const char *identity);
	bool (*has)(void *user, const char *identity);         /**< a session, active or not */
	void (*refresh)(void *user);                           /**< put again all that we have */
	void (*packet)(void *user, const struct ctl_msg *msg); /**< CTL_NCM_PEER, for us */
	/** Nobody took what ncm_cluster_send() was given. */
	void (*undelivered)(void *user, const char *instance, const struct ctl_msg *msg);
	void (*dead)(void *user, const char *instance);
	/** An N-MADP instance, by name: what we know, and what an operator has said anywhere. */
	bool (*is_drained)(void *user, const char *madp);
	void (*set_drained)(void *user, const char *madp, bool drained);
};

enum ncm_claim {
	NCM_CLAIM_OURS,   /**< the session, if there is one, has been adopted */
	NCM_CLAIM_THEIRS, /**< another instance's, which lives */
	NCM_CLAIM_BUSY,   /**< cannot be said now */
};
/** @param instance  THEIRS only; borrowed */
typedef void (*ncm_claim_fn)(void *user, enum ncm_claim what, const char *instance);

MAMS_MUST int ncm_cluster_new(struct mams_loop *l, const struct ncm_conf *conf,
	struct ncm_cluster **out, struct mams_error *err);
void ncm_cluster_start(struct ncm_cluster *c, const struct ncm_cluster_ops *ops, void *user);
/** Also its store.  Our sessions are everybody's at once.  Accepts NULL. */
void ncm_cluster_free(struct ncm_cluster *c);
struct ncm_store *ncm_cluster_store(struct ncm_cluster *c);
const char *ncm_cluster_self(const struct ncm_cluster *c);
bool ncm_cluster_is_up(const struct ncm_cluster *c);
/** Is what we have certainly ours?  If not, a claim tells. */
bool ncm_cluster_may_act(const struct ncm_cluster *c);

/** Whose is this identity's session?  Nobody's becomes ours.  fn is called later, never from here.
 *  @return 0, -ENOTCONN (no Redis), -ENOMEM, -MAMS_ELIMIT */
MAMS_MUST int ncm_cluster_claim(
	struct ncm_cluster *c, const char *identity, ncm_claim_fn fn, void *user);
/** What was claimed has no session, and needs none. */
void ncm_cluster_release(struct ncm_cluster *c, const char *identity);
/** @param msg  consumed; from is filled in */
void ncm_cluster_send(struct ncm_cluster *c, const char *instance, struct ctl_msg *msg);

struct ncm_cluster_counters {
	uint64_t adopted;
	uint64_t lost;
	uint64_t sent;
	uint64_t undelivered;
	uint64_t bad_packets;
	uint64_t up;
};
extern const struct mams_metric ncm_cluster_counter_rows[];
extern const size_t ncm_cluster_n_counter_rows;
const struct ncm_cluster_counters *ncm_cluster_counters(const struct ncm_cluster *c);
