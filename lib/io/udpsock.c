#include "lib/io/udpsock.h"

#include "lib/base/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LOG_MODULE "udp"
#define DATAGRAMS_PER_EVENT 64

struct mams_udpsock {
	struct mams_loop *loop;
	int fd;
	size_t max;
	mams_udpsock_fn cb;
	void *user;
	struct mams_loop_fd *watch;
	bool freed;
	char data[];
};

static void release(void *user)
{
	free(user);
}

void mams_udpsock_free(struct mams_udpsock *s)
{
	if (!s || s->freed)
		return;
	s->freed = true;
	mams_loop_fd_del(s->watch);
	close(s->fd);
	if (mams_loop_defer(s->loop, release, s) < 0)
		log_err("a socket's memory is lost, out of memory");
}

static void fd_event(void *user, int fd, unsigned events)
{
	struct mams_udpsock *s = user;

	(void)events;
	for (int i = 0; i < DATAGRAMS_PER_EVENT && !s->freed; i++) {
		struct sockaddr_storage sa;
		socklen_t len = sizeof(sa);
		struct mams_addr peer;
		ssize_t n = recvfrom(fd, s->data, s->max + 1, MSG_DONTWAIT | MSG_TRUNC,
			(struct sockaddr *)&sa, &len);

		/* an ICMP error of an earlier datagram is read off like this, and is no end */
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0 || mams_addr_from_sa((const struct sockaddr *)&sa, &peer) < 0)
			continue;
		s->cb(s->user, &peer, s->data, (size_t)n > s->max ? s->max : (size_t)n,
			(size_t)n <= s->max);
	}
}

int mams_udpsock_send(
	struct mams_udpsock *s, const struct mams_addr *peer, const void *data, size_t len)
{
	struct sockaddr_storage sa;
	socklen_t sa_len = peer ? mams_addr_to_sa(peer, &sa) : 0;
	ssize_t n = sendto(s->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL,
		peer ? (const struct sockaddr *)&sa : NULL, sa_len);

	return n < 0 ? -errno : 0;
}

static int set_up(int fd, const struct mams_udpsock_opts *o, const char **what)
{
	struct sockaddr_storage sa;
	socklen_t len;

	*what = o->interface;
	if (o->interface && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, o->interface,
				    (socklen_t)strlen(o->interface)) < 0)
		return -errno;
	*what = "SO_MARK";
	if (o->mark && setsockopt(fd, SOL_SOCKET, SO_MARK, &o->mark, sizeof(o->mark)) < 0)
		return -errno;
	*what = "bind";
	if (o->local) {
		len = mams_addr_to_sa(o->local, &sa);
		if (bind(fd, (const struct sockaddr *)&sa, len) < 0)
			return -errno;
	}
	*what = "connect";
	if (o->peer) {
		len = mams_addr_to_sa(o->peer, &sa);
		if (connect(fd, (const struct sockaddr *)&sa, len) < 0)
			return -errno;
	}
	return 0;
}

int mams_udpsock_new(struct mams_loop *l, const struct mams_udpsock_opts *opts, mams_udpsock_fn cb,
	void *user, struct mams_udpsock **out, struct mams_error *err)
{
	struct mams_udpsock *s = calloc(1, sizeof(*s) + opts->max + 1);
	const char *what = "socket";
	int family = opts->local ? opts->local->family : opts->peer->family;
	int rc;

	if (!s)
		return -ENOMEM;
	s->loop = l;
	s->max = opts->max;
	s->cb = cb;
	s->user = user;
	s->fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	rc = s->fd < 0 ? -errno : set_up(s->fd, opts, &what);
	if (rc == 0)
		rc = mams_loop_fd_add(l, s->fd, MAMS_LOOP_READ, fd_event, s, &s->watch);
	if (rc < 0) {
		char text[MAMS_ADDR_STRLEN] = "";

		if (s->fd >= 0)
			close(s->fd);
		free(s);
		if (opts->local)
			mams_addr_str(opts->local, text);
		else
			mams_addr_str(opts->peer, text);
		return mams_fail(err, -rc, text, "udp: %s: %s", what, strerror(-rc));
	}
	*out = s;
	return 0;
}
