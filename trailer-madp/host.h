/** @file host.h
 *  Anchor addresses on this host.  Layer: adapter.
 *  A client has its own on its device.  At the N-MADP a host route leads what is for it to the
 *  session's worker, from the moment the client is heard in its session here: one that moves from
 *  another instance takes its address with it then, and not before it can be reached. */
#pragma once

#include "lib/io/nl.h"
#include "trailer-madp/desired.h"

struct madp_host {
	struct mams_nl *nl;
	const struct madp_conf *conf;
	const struct madp_instance *instance;
};

/** The session's addresses are those of s from now on, with this MTU.
 *  @param d  with the former ones; not changed
 *  @return 0 or -errno */
MAMS_MUST int madp_host_take(const struct madp_host *h, const struct madp_desired *d,
	const struct madp_session_set *s, uint16_t mtu);
/** N-MADP: the client of the session has been heard. */
void madp_host_heard(const struct madp_host *h, struct madp_desired *d);
/** The session ends. */
void madp_host_leave(const struct madp_host *h, const struct madp_desired *d);
