/** @file tcpsock.h
 *  TCP sockets as the daemons want them.  Layer: io. */
#pragma once

#include "lib/base/addr.h"
#include "lib/base/err.h"

/** Listen, without blocking; an IPv6 address is for IPv6 only.
 *  @return the descriptor or -errno */
MAMS_MUST int mams_tcp_listen(const struct mams_addr *at, int backlog);

/** Small packets go at once; a peer that is gone without a word is noticed idle_s + count *
 *  interval_s seconds after the last octet.  What the kernel refuses is not had. */
void mams_tcp_keep(int fd, int idle_s, int interval_s, int count);

/** One option more, likewise no condition. */
void mams_tcp_option(int fd, int level, int name, int value);
