/** @file relay.h
 *  One ctl request over a connection of its own, to an N-MADP instance or to this NCM.  Layer:
 * adapter. Apart from what drives an instance (madp.h): nobody's session waits for it; and what
 * people ask over HTTPS is answered by what answers mamsctl. */
#pragma once

#include "lib/ctl/ctl_msg.h"
#include "lib/io/ctlsock.h"

struct ncm_relay;

/** Whom to ask: a path on this host, or else an instance on another one. */
struct ncm_relay_to {
	const char *path;
	struct mams_ctl_remote remote;
};

/** @param answer  NULL: none came in time; data[len] are its octets.  The relay is freed after the
 *  call. */
typedef void (*ncm_relay_fn)(
	void *user, const struct ctl_msg *answer, const char *data, size_t len);

/** @param request  with an id; consumed, also on failure; NULL: -ENOMEM */
MAMS_MUST int ncm_relay_new(struct mams_loop *l, const struct ncm_relay_to *to,
	struct ctl_msg *request, ncm_relay_fn done, void *user, struct ncm_relay **out);
void ncm_relay_free(struct ncm_relay *y); /**< nothing is told; accepts NULL */
