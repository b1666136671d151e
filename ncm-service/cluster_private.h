/** @file cluster_private.h
 *  The cluster as its two halves share it.  Layer: adapter, internal.
 *  cluster.c: whose sessions are, the store, packets; cluster_life.c: who lives. */
#pragma once

#include "lib/base/log.h"
#include "lib/io/redis.h"
#include "ncm-service/cluster.h"

#include <sys/queue.h>

/* Something asked of Redis. */
struct ask {
	struct ncm_cluster *c;
	ncm_claim_fn fn; /* of a claim */
	void *user;
	char *text;          /* identity, or instance */
	struct ctl_msg *msg; /* of a packet */
	mams_time sent;      /* of a beat */
	uint32_t drains;     /* of a question what is drained */
	bool claim;
	LIST_ENTRY(ask) link;
};

/* An instance that is dead, as long as it is not forgotten in Redis. */
struct dead {
	char instance[NCM_INSTANCE_MAX];
	mams_time since;
	bool seen; /* in Redis's last answer */
	LIST_ENTRY(dead) link;
};

struct ncm_cluster {
	struct ncm_store store;
	struct mams_loop *loop;
	struct mams_redis *redis;
	struct mams_loop_timer *timer;
	char name[48];
	char run[20];
	char self[NCM_INSTANCE_MAX];
	char prefix[64];
	LIST_HEAD(, ask) asks;
	LIST_HEAD(, ask) releases; /* to be asked: of clients without a session */
	LIST_HEAD(, dead) dead;
	bool opening;         /* Redis has not yet answered to our first sign of life */
	bool unsure;          /* others may have taken sessions, Redis is being asked */
	mams_time sure_until; /* until then nobody can take ours */
	mams_time alone_from; /* from then on, without Redis, nobody will */
	mams_time settled;
	const struct ncm_cluster_ops *ops;
	void *user;
	const struct ncm_policy *policy;
	uint32_t drains; /* orders of our operators, to drain and to use again */
	struct ncm_cluster_counters counters;
	struct mams_log_rl trouble;
};

struct ask *ncm_cluster_ask_new(struct ncm_cluster *c, const char *text);
void ncm_cluster_ask_free(struct ask *a);
/** Run a script; its ARGV are prefix, instance, and args[n]. */
MAMS_MUST int ncm_cluster_eval(struct ncm_cluster *c, mams_redis_fn fn, void *user,
	const char *script, const char *const *args, size_t n);
/** No reply, or a refusal, which is logged. */
bool ncm_cluster_is_bad(struct ncm_cluster *c, const struct mams_redis_reply *reply);

void ncm_cluster_release_old(struct ncm_cluster *c);

/* cluster_life.c */
void ncm_cluster_opened(void *user);
void ncm_cluster_closed(void *user);
void ncm_cluster_beat(void *user);
void ncm_cluster_forget_dead(struct ncm_cluster *c);
