/** @file instance.h
 *  The workers of a process, and which of them carries a session.  Layer: adapter. */
#pragma once

#include "trailer-madp/config.h"
#include "trailer-madp/worker.h"

struct madp_instance {
	struct madp_worker *workers;
	unsigned n_workers;
	struct madp_notes notes;
};

/** Open devices and sockets, start the threads. @return 0 or a negative code; err names what */
MAMS_MUST int madp_instance_start(
	struct madp_instance *in, const struct madp_conf *conf, struct mams_error *err);
void madp_instance_stop(struct madp_instance *in); /**< also of one that did not start */
/** Sum over all workers. */
void madp_instance_counters(const struct madp_instance *in, struct madp_counters *out);
