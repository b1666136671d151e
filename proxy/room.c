#include "proxy/room.h"

#include <sys/socket.h>
#include <unistd.h>

/* as setsockopt() takes it; the kernel doubles it for what packets cost beside their octets */
#define ROOM (4 << 20)

static bool set(int fd, int option, int octets)
{
	return setsockopt(fd, SOL_SOCKET, option, &octets, sizeof(octets)) == 0;
}

static int half_of_present(int fd)
{
	int octets = 0;
	socklen_t len = sizeof(octets);

	return getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &octets, &len) == 0 ? octets / 2 : 0;
}

bool px_room_can(bool plain)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool can;

	if (fd < 0)
		return false;
	can = (!plain && set(fd, SO_RCVBUFFORCE, ROOM)) ||
	      (set(fd, SO_RCVBUF, ROOM) && half_of_present(fd) >= ROOM);
	close(fd);
	return can;
}

void px_room_make(int fd)
{
	int octets = half_of_present(fd);

	if (octets < ROOM)
		octets = ROOM;
	if (!set(fd, SO_RCVBUFFORCE, octets))
		(void)set(fd, SO_RCVBUF, octets);
}
