/** @file instance.h
 *  The data plane as one thing: all workers, their listeners, the notes they send.  Layer: adapter
 * of mams-proxy.  Owned by the control thread. */
#pragma once

#include "proxy/listener.h"
#include "proxy/worker.h"

struct px_instance {
	struct px_worker *workers; /**< [n_workers] */
	unsigned n_workers;
	struct px_notes notes;
	struct px_counters control; /**< of the control thread */
	_Atomic uint32_t flows;
	_Atomic bool asleep; /**< nobody watches the paths: the next octets are to be told */
	struct px_roster roster;
	struct px_snapshot *current; /**< last published */
};

/** Open the listeners for every worker and start.
 *  @param cfg   one reference is taken
 *  @param err   names the listener that failed */
MAMS_MUST int px_instance_start(struct px_instance *in, struct px_snapshot *cfg,
	const struct px_listen *listen, size_t n_listen, struct mams_error *err);
/** Replace the configuration of all workers; the reference is consumed. */
void px_instance_publish(struct px_instance *in, struct px_snapshot *cfg);
/** Sum of all threads. */
void px_instance_counters(const struct px_instance *in, struct px_counters *out);
void px_instance_repeat_bindings(struct px_instance *in);
void px_instance_stop(struct px_instance *in);
