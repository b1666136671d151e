#include "proxy/dial.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

static int begin(int fd, const struct px_conf *conf, const struct px_path *path)
{
	struct sockaddr_storage sa;
	socklen_t len = mams_addr_to_sa(&path->local, &sa);
	uint32_t mark = conf->mark;

	if (setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) < 0 ||
		bind(fd, (struct sockaddr *)&sa, len) < 0)
		return -errno;
	len = mams_addr_to_sa(&path->proxy, &sa);
	if (connect(fd, (struct sockaddr *)&sa, len) < 0 && errno != EINPROGRESS)
		return -errno;
	return 0;
}

int px_dial(const struct px_conf *conf, const struct px_path *path)
{
	int fd = socket(path->proxy.family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int rc = fd < 0 ? -errno : begin(fd, conf, path);

	if (rc == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return rc;
}
