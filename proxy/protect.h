/** @file protect.h
 *  IPsec of clients' links at the N-MADP: the responder's side of each association, and the packet
 *  filter that keeps the protected listeners closed without it.  Layer: adapter of mams-proxy.
 *  Source: seed section 7, figure 8. */
#pragma once

#include "lib/ctl/ctl_msg.h"
#include "lib/io/loop.h"
#include "proxy/config.h"

struct px_protect;

/** The filter as the configuration says: before anything listens, and it stays when we end. */
MAMS_MUST int px_protect_guard(const struct px_conf *conf, struct mams_error *err);
MAMS_MUST int px_protect_new(
	struct mams_loop *l, const struct px_conf *conf, struct px_protect **out);
/** Removes the associations and secrets from charon.  Accepts NULL. */
void px_protect_free(struct px_protect *p);
/** What a client has, if m says so.  @param p  NULL: anything at all is refused */
MAMS_MUST int px_protect_set(
	struct px_protect *p, const struct ctl_px_client_set *m, struct mams_error *err);
void px_protect_del(struct px_protect *p, const char *client);              /**< accepts NULL */
void px_protect_status(const struct px_protect *p, struct ctl_msg *status); /**< accepts NULL */
