/** @file madp_private.h
 *  The N-MADP instances as the parts of their adapter share them.  Layer: adapter, internal.
 *  madp.c: who is granted and released; madp_drain.c: who is empty; madp_rules.c: how downlinks are
 *  treated. */
#pragma once

#include "lib/ctl/ctl_msg.h"
#include "ncm-service/madp.h"

#include <uthash.h>

/* A grant, or an order to probe, that the proxy has not answered yet. */
struct grant {
	uint32_t id;
	size_t madp;
	uint64_t session_id;
	bool probe; /* of this connection */
	uint8_t connection_id;
	UT_hash_handle hh;
};

#define NO_PLUGIN SIZE_MAX

struct instance {
	struct ncm_trailer *trailer; /* NULL: it is a proxy, with a plugin */
	struct ncm_pool *pool;       /* of a trailer: all with the same addresses have it */
	struct mams_ctl_remote to;   /* when it is on another host */
	struct mams_ctl_conn *proxy;
	size_t plugin; /* index: instances on one host share it */
	bool has_open, empty;
	uint64_t open; /* drained: connections, or sessions of a trailer, that it has yet */
};

struct plugin {
	struct mams_ctl_conn *conn; /* NULL: on another host, where any proxy passes on to it */
};

struct ncm_madp {
	struct mams_loop *loop;
	const struct ncm_policy *policy;
	struct ncm_registry *registry;
	struct instance instances[NCM_MADPS_MAX];
	struct plugin plugins[NCM_MADPS_MAX];
	size_t n_plugins;
	struct grant *grants;
	struct mams_ctl_context *context; /* of instances on other hosts; NULL: there is none */
	struct ncm_holds *holds;
	struct mams_loop_timer *ask; /* drained ones */
	uint32_t next_id;
	const struct ncm_madp_ops *ops;
	void *user;
};

/** @param msg  consumed; NULL: no memory.  @return as mams_ctl_say() */
MAMS_MUST int ncm_madp_say(struct mams_ctl_conn *c, struct ctl_msg *msg);

/* madp_quality.c */
/** @param madp  index of the instance that tells */
void ncm_madp_take_quality(
	struct ncm_madp *m, size_t madp, enum ncm_quality_source from, const struct ctl_quality *q);

/** A trailer tells of a path of a client. */
void ncm_madp_take_path(const struct ncm_madp *m, size_t madp, const struct ctl_tr_event *e);

/* madp_drain.c */
/** The instance says how many connections, or sessions, it has. */
void ncm_madp_take_open(struct ncm_madp *m, size_t madp, uint64_t open);
/** A timer's; user is the struct ncm_madp. */
void ncm_madp_ask_drained(void *user);

/* madp_rules.c */
/** A plugin (index) has come, and knows nothing. */
void ncm_madp_tell_rules(struct ncm_madp *m, size_t plugin);
void ncm_madp_forget_rules(struct ncm_madp *m, const struct ncm_session *s);
