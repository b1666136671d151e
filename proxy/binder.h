/** @file binder.h
 *  Network role: tells the mptcpd plugin whose each MPTCP connection is, and what to announce on
 *  it.  Client role: tells it which paths a connection of a flow class may use.
 *  Layer: adapter of mams-proxy. */
#pragma once

#include "lib/io/loop.h"
#include "proxy/config.h"
#include "proxy/instance.h"

struct px_binder;

struct px_binder_counters {
	uint64_t bound;
	uint64_t not_told; /**< the plugin was not there; told when it is */
	uint64_t refused;
};

/** @param instance  borrowed: asked to repeat all bindings whenever the plugin appears
 *  @param there     called then, too */
MAMS_MUST int px_binder_new(struct mams_loop *l, const struct px_conf *conf,
	struct px_instance *instance, void (*there)(void *user), void *user,
	struct px_binder **out);
void px_binder_free(struct px_binder *b); /**< accepts NULL */
/** PX_NOTE_BOUND, PX_NOTE_ANEW */
void px_binder_tell(struct px_binder *b, const struct px_note *note);
/** A packet of an NCM, for the plugin as it is.  @return as mams_ctl_send() */
MAMS_MUST int px_binder_pass(struct px_binder *b, const char *data, size_t len);
const struct px_binder_counters *px_binder_counters(const struct px_binder *b);
