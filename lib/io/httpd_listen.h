/** @file httpd_listen.h
 *  The listening sockets of httpd: several addresses, one accept loop.  Layer: io, internal. */
#pragma once

#include "lib/base/addr.h"
#include "lib/base/err.h"
#include "lib/io/loop.h"

#include <stddef.h>

struct mams_httpd_listen;

/** fd is non-blocking and the callee's from now on. */
typedef void (*mams_httpd_accepted_fn)(
	void *user, int fd, const struct sockaddr_storage *sa, socklen_t len);

struct mams_httpd_path {
	const char *path; /**< NULL: no UNIX socket */
	unsigned mode;
	gid_t gid;
};

/** @param addrs  addrs[n] with ports
 *  @return 0, -EADDRINUSE, -EADDRNOTAVAIL and other system errors; err names the address */
MAMS_MUST int mams_httpd_listen_open(struct mams_loop *l, const struct mams_addr *addrs, size_t n,
	const struct mams_httpd_path *at, mams_httpd_accepted_fn cb, void *user,
	struct mams_httpd_listen **out, struct mams_error *err);
void mams_httpd_listen_close(struct mams_httpd_listen *s); /**< accepts NULL; removes the path */
