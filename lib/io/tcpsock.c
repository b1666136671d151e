#include "lib/io/tcpsock.h"

#include "lib/base/log.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LOG_MODULE "tcpsock"

void mams_tcp_option(int fd, int level, int name, int value)
{
	if (setsockopt(fd, level, name, &value, sizeof(value)) < 0)
		log_debug("socket option not set option=%d error=%s", name, strerror(errno));
}

void mams_tcp_keep(int fd, int idle_s, int interval_s, int count)
{
	mams_tcp_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	mams_tcp_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	mams_tcp_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, idle_s);
	mams_tcp_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, interval_s);
	mams_tcp_option(fd, IPPROTO_TCP, TCP_KEEPCNT, count);
}

int mams_tcp_listen(const struct mams_addr *at, int backlog)
{
	struct sockaddr_storage sa;
	socklen_t len = mams_addr_to_sa(at, &sa);
	int fd = socket(sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int rc;

	if (fd < 0)
		return -errno;
	mams_tcp_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (sa.ss_family == AF_INET6)
		mams_tcp_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	if (bind(fd, (struct sockaddr *)&sa, len) == 0 && listen(fd, backlog) == 0)
		return fd;
	rc = -errno;
	close(fd);
	return rc;
}
