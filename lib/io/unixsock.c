#include "lib/io/unixsock.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define GROUPS_MAX 256

static int open_socket(int type)
{
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	return fd < 0 ? -errno : fd;
}

/* A socket file that nobody listens at is left over from a daemon that died. */
static int remove_stale(int type, const struct sockaddr_un *sa)
{
	MAMS_AUTO_FD int fd = -1;
	struct stat st;

	if (lstat(sa->sun_path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EADDRINUSE;
	fd = open_socket(type);
	if (fd < 0)
		return fd;
	if (connect(fd, (const struct sockaddr *)sa, sizeof(*sa)) == 0 || errno != ECONNREFUSED)
		return -EADDRINUSE;
	return unlink(sa->sun_path) < 0 ? -errno : 0;
}

static int bind_path(int fd, const struct sockaddr_un *sa, mode_t mode, gid_t gid, int backlog)
{
	const char *path = sa->sun_path;
	int rc;

	/* an unbound socket's mode is that of the file to come: never open to all, not for a moment
	 */
	if (fchmod(fd, 0600) < 0 || bind(fd, (const struct sockaddr *)sa, sizeof(*sa)) < 0)
		return -errno;
	if ((gid != (gid_t)-1 && lchown(path, (uid_t)-1, gid) < 0) || chmod(path, mode) < 0 ||
		listen(fd, backlog) < 0) {
		rc = -errno;
		unlink(path);
		return rc;
	}
	return 0;
}

int mams_unix_listen(int type, const char *path, mode_t mode, gid_t gid, int backlog)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd;
	int rc;

	if (strlen(path) >= sizeof(sa.sun_path))
		return -ENAMETOOLONG;
	memcpy(sa.sun_path, path, strlen(path) + 1);
	rc = remove_stale(type, &sa);
	if (rc < 0)
		return rc;
	fd = open_socket(type);
	if (fd < 0)
		return fd;
	rc = bind_path(fd, &sa, mode, gid, backlog);
	if (rc == 0)
		return fd;
	close(fd);
	return rc;
}

int mams_unix_peer(int fd, struct mams_unix_peer *out)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return -errno;
	*out = (struct mams_unix_peer){.uid = cred.uid, .gid = cred.gid, .pid = cred.pid};
	return 0;
}

bool mams_unix_in_group(int fd, const struct mams_unix_peer *peer, gid_t gid)
{
	gid_t groups[GROUPS_MAX];
	socklen_t len = sizeof(groups);

	if (gid == (gid_t)-1)
		return false;
	if (peer->gid == gid)
		return true;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) < 0)
		return false;
	for (size_t i = 0; i < len / sizeof(groups[0]); i++)
		if (groups[i] == gid)
			return true;
	return false;
}
