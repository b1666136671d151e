/** @file control.h
 *  The control thread: configuration of the workers, the ctl socket, what workers report.
 *  Layer: adapter of mams-proxy.  What the controllers said is kept when they go away; they say
 *  everything again when they come back. */
#pragma once

#include "lib/io/loop.h"
#include "proxy/config.h"

struct px_control;

/** Open the listeners, start the workers, listen on the ctl socket.
 *  @param conf  borrowed */
MAMS_MUST int px_control_new(struct mams_loop *l, const struct px_conf *conf,
	struct px_control **out, struct mams_error *err);
/** Stop catching, abort all flows, end the workers.  Accepts NULL. */
void px_control_free(struct px_control *c);
