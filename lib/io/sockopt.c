#include "lib/io/sockopt.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

int mams_sock_leave_by(int fd, const char *device, uint32_t mark, const char **what)
{
	*what = "SO_BINDTODEVICE";
	if (device &&
		setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device, (socklen_t)strlen(device)) < 0)
		return -errno;
	*what = "SO_MARK";
	if (mark && setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) < 0)
		return -errno;
	return 0;
}

int mams_sock_ends(
	int fd, const struct mams_addr *local, const struct mams_addr *remote, const char **what)
{
	struct sockaddr_storage sa;
	socklen_t len;

	*what = "bind";
	if (mams_addr_is_set(local)) {
		len = mams_addr_to_sa(local, &sa);
		if (bind(fd, (const struct sockaddr *)&sa, len) < 0)
			return -errno;
	}
	*what = "connect";
	if (mams_addr_is_set(remote)) {
		len = mams_addr_to_sa(remote, &sa);
		if (connect(fd, (const struct sockaddr *)&sa, len) < 0)
			return -errno;
	}
	return 0;
}

static void set_buffer(int fd, int forced, int plain, int octets)
{
	if (octets > 0 && setsockopt(fd, SOL_SOCKET, forced, &octets, sizeof(octets)) < 0)
		(void)!setsockopt(fd, SOL_SOCKET, plain, &octets, sizeof(octets));
}

void mams_sock_buffers(int fd, int send_octets, int receive_octets)
{
	set_buffer(fd, SO_SNDBUFFORCE, SO_SNDBUF, send_octets);
	set_buffer(fd, SO_RCVBUFFORCE, SO_RCVBUF, receive_octets);
}
