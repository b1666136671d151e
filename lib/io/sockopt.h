/** @file sockopt.h
 *  What sockets of a link have in common.  Layer: io. */
#pragma once

#include "lib/base/addr.h"
#include "lib/base/err.h"

/** Leave by this interface (NULL: any), with this mark (0: none).
 *  @param what  what was refused, when something is
 *  @return 0 or -errno */
MAMS_MUST int mams_sock_leave_by(int fd, const char *device, uint32_t mark, const char **what);

/** Our end and the other one; what is not set is left open.
 *  @return as mams_sock_leave_by() */
MAMS_MUST int mams_sock_ends(
	int fd, const struct mams_addr *local, const struct mams_addr *remote, const char **what);

/** Octets of the kernel's buffers, 0: as they are; with NET_ADMIN beyond net.core.[rw]mem_max, else
 *  as far as that goes. */
void mams_sock_buffers(int fd, int send_octets, int receive_octets);
