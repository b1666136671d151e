/** @file unixsock.h
 *  Listening at a path: mode and group from the first moment, stale sockets replaced.  Layer: io.
 */
#pragma once

#include "lib/base/err.h"

#include <stdbool.h>
#include <sys/types.h>

/** @param type  SOCK_STREAM or SOCK_SEQPACKET
 *  @param mode  of the file
 *  @param gid   its group, (gid_t)-1: as it comes
 *  @return the descriptor, non-blocking, or -errno: -EADDRINUSE when somebody listens there, or a
 *          file that is no socket stands there */
MAMS_MUST int mams_unix_listen(int type, const char *path, mode_t mode, gid_t gid, int backlog);

struct mams_unix_peer {
	uid_t uid;
	gid_t gid;
	pid_t pid;
};
/** Who has connected; as it was then. @return 0 or -errno */
MAMS_MUST int mams_unix_peer(int fd, struct mams_unix_peer *out);
/** Is the peer a member of this group, by its first or a further one? */
bool mams_unix_in_group(int fd, const struct mams_unix_peer *peer, gid_t gid);
