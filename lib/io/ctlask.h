/** @file ctlask.h
 *  One ctl request of a daemon over a connection of its own, to another daemon or to itself: what
 * people ask of it over HTTP is answered by what answers mamsctl, and nothing else waits for it.
 * Layer: io. */
#pragma once

#include "lib/ctl/ctl_msg.h"
#include "lib/io/ctlsock.h"

struct mams_ctl_ask;

/** Whom to ask: a path on this host, or else a daemon on another one. */
struct mams_ctl_ask_to {
	const char *path;
	struct mams_ctl_remote remote;
};

/** @param answer  NULL: none came in time; data[len] are its octets.  It is freed after the call.
 */
typedef void (*mams_ctl_ask_fn)(
	void *user, const struct ctl_msg *answer, const char *data, size_t len);

/** @param request  with an id; consumed, also on failure; NULL: -ENOMEM */
MAMS_MUST int mams_ctl_ask_new(struct mams_loop *l, const struct mams_ctl_ask_to *to,
	struct ctl_msg *request, mams_ctl_ask_fn done, void *user, struct mams_ctl_ask **out);
void mams_ctl_ask_free(struct mams_ctl_ask *y); /**< nothing is told; accepts NULL */
