/** @file control.h
 *  The control thread of mams-trailer: ctl socket, sessions as the control plane wants them,
 *  addresses and routes of this host, events.  Layer: adapter. */
#pragma once

#include "lib/io/loop.h"
#include "trailer-madp/config.h"

struct madp_control;

/** @param conf  borrowed */
MAMS_MUST int madp_control_new(struct mams_loop *l, const struct madp_conf *conf,
	struct madp_control **out, struct mams_error *err);
void madp_control_free(struct madp_control *c); /**< accepts NULL */
