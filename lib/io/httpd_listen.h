/** @file httpd_listen.h
 *  The listening sockets of httpd: several addresses, one accept loop.  Layer: io, internal. */
#pragma once

#include "lib/base/addr.h"
#include "lib/base/err.h"
#include "lib/io/loop.h"

#include <stdbool.h>
#include <stddef.h>

struct mams_httpd_listen;

/** fd is non-blocking and the callee's from now on.
 *  @param ticket  for mams_httpd_listen_settled() */
typedef void (*mams_httpd_accepted_fn)(
	void *user, int fd, const struct sockaddr_storage *sa, socklen_t len, unsigned ticket);

struct mams_httpd_path {
	const char *path; /**< NULL: no UNIX socket */
	unsigned mode;
	gid_t gid;
};

/** When thousands come at once, all of their handshakes together take longer than any of them
 * waits, and nobody is ever served.  So only some are begun at a time; the others wait in the
 * backlog, and who has given up there costs nothing.
 *  @param addrs  addrs[n] with ports
 *  @param at  may be NULL
 *  @return 0, -EADDRINUSE, -EADDRNOTAVAIL and other system errors; err names the address */
MAMS_MUST int mams_httpd_listen_open(struct mams_loop *l, const struct mams_addr *addrs, size_t n,
	const struct mams_httpd_path *at, mams_httpd_accepted_fn cb, void *user,
	struct mams_httpd_listen **out, struct mams_error *err);
/** It waits for its turn with us, or for its client: which counts only for a while. */
void mams_httpd_listen_waits(struct mams_httpd_listen *s, unsigned ticket, bool for_us);
/** This connection has made its handshake, or has ended. */
void mams_httpd_listen_settled(struct mams_httpd_listen *s, unsigned ticket);
void mams_httpd_listen_close(struct mams_httpd_listen *s); /**< accepts NULL; removes the path */
