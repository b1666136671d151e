#include "lib/io/udpbatch.h"

#include "lib/io/sockopt.h"

#include <errno.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

union control {
	char space[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

struct mams_udp_rx {
	struct mmsghdr msgs[MAMS_UDP_RX_BATCH];
	struct iovec iov[MAMS_UDP_RX_BATCH];
	struct sockaddr_storage from[MAMS_UDP_RX_BATCH];
	union control control[MAMS_UDP_RX_BATCH];
	uint8_t data[MAMS_UDP_RX_BATCH][MAMS_UDP_RX_MAX];
};

static int set_up(int fd, const struct mams_udp_opts *o, const char **what)
{
	bool v6 = o->local.family == AF_INET6;
	int probe = v6 ? IPV6_PMTUDISC_PROBE : IP_PMTUDISC_PROBE;
	int one = 1;
	int rc = mams_sock_leave_by(fd, o->device, o->mark, what);

	if (rc < 0)
		return rc;
	*what = "MTU_DISCOVER";
	if (setsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_MTU_DISCOVER : IP_MTU_DISCOVER,
		    &probe, sizeof(probe)) < 0)
		return -errno;
	mams_sock_buffers(fd, o->send_octets, o->receive_octets);
	/* without it every datagram comes alone, and everything works */
	(void)!setsockopt(fd, IPPROTO_UDP, UDP_GRO, &one, sizeof(one));
	return mams_sock_ends(fd, &o->local, &o->remote, what);
}

uint16_t mams_udp_port(int fd)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} a = {0};
	socklen_t len = sizeof(a);

	if (getsockname(fd, &a.any, &len) < 0)
		return 0;
	return ntohs(a.any.sa_family == AF_INET6 ? a.v6.sin6_port : a.v4.sin_port);
}

int mams_udp_open(const struct mams_udp_opts *o, int *out, struct mams_error *err)
{
	const char *what = "socket";
	char text[MAMS_ADDR_STRLEN];
	int fd = socket(o->local.family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int rc = fd < 0 ? -errno : set_up(fd, o, &what);

	if (rc < 0) {
		if (fd >= 0)
			close(fd);
		return mams_fail(err, -rc, mams_addr_str_port(&o->local, text), "udp: %s: %s", what,
			strerror(-rc));
	}
	*out = fd;
	return 0;
}

static void put_segment_size(struct msghdr *h, union control *c, uint16_t size)
{
	struct cmsghdr *m = &c->align;

	m->cmsg_level = IPPROTO_UDP;
	m->cmsg_type = UDP_SEGMENT;
	m->cmsg_len = CMSG_LEN(sizeof(size));
	memcpy(CMSG_DATA(m), &size, sizeof(size));
	h->msg_control = c;
	h->msg_controllen = CMSG_SPACE(sizeof(size));
}

size_t mams_udp_send(int fd, const struct mams_udp_out *out, size_t n, int *why)
{
	struct mmsghdr msgs[MAMS_UDP_BATCH];
	struct iovec iov[MAMS_UDP_BATCH];
	union control control[MAMS_UDP_BATCH];
	int sent;

	*why = 0;
	for (size_t i = 0; i < n; i++) {
		struct msghdr *h = &msgs[i].msg_hdr;

		iov[i] = (struct iovec){(void *)(uintptr_t)out[i].data, out[i].len};
		*h = (struct msghdr){.msg_name = (void *)(uintptr_t)out[i].to,
			.msg_namelen = out[i].to_len,
			.msg_iov = &iov[i],
			.msg_iovlen = 1};
		if (out[i].segment < out[i].len)
			put_segment_size(h, &control[i], out[i].segment);
	}
	sent = sendmmsg(fd, msgs, (unsigned)n, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (sent < 0) {
		*why = -errno;
		return 0;
	}
	return (size_t)sent;
}

int mams_udp_rx_new(struct mams_udp_rx **out)
{
	struct mams_udp_rx *rx = calloc(1, sizeof(*rx));

	if (!rx)
		return -ENOMEM;
	for (size_t i = 0; i < MAMS_UDP_RX_BATCH; i++)
		rx->iov[i] = (struct iovec){rx->data[i], MAMS_UDP_RX_MAX};
	*out = rx;
	return 0;
}

void mams_udp_rx_free(struct mams_udp_rx *rx)
{
	free(rx);
}

static size_t segment_size(struct msghdr *h, size_t len)
{
	for (struct cmsghdr *m = CMSG_FIRSTHDR(h); m; m = CMSG_NXTHDR(h, m)) {
		int size;

		if (m->cmsg_level != IPPROTO_UDP || m->cmsg_type != UDP_GRO)
			continue;
		memcpy(&size, CMSG_DATA(m), sizeof(size));
		if (size > 0)
			return (size_t)size;
	}
	return len ? len : 1;
}

int mams_udp_recv(struct mams_udp_rx *rx, int fd, struct mams_udp_in *in)
{
	int n;

	for (size_t i = 0; i < MAMS_UDP_RX_BATCH; i++)
		rx->msgs[i].msg_hdr = (struct msghdr){.msg_name = &rx->from[i],
			.msg_namelen = sizeof(rx->from[i]),
			.msg_iov = &rx->iov[i],
			.msg_iovlen = 1,
			.msg_control = &rx->control[i],
			.msg_controllen = sizeof(rx->control[i])};
	n = recvmmsg(fd, rx->msgs, MAMS_UDP_RX_BATCH, MSG_DONTWAIT, NULL);
	if (n < 0)
		return -errno;
	for (int i = 0; i < n; i++) {
		struct msghdr *h = &rx->msgs[i].msg_hdr;
		size_t len = rx->msgs[i].msg_len;

		in[i] = (struct mams_udp_in){.data = rx->data[i],
			.len = len,
			.segment = segment_size(h, len),
			.whole = (h->msg_flags & MSG_TRUNC) == 0,
			.from = (const struct sockaddr *)&rx->from[i]};
	}
	return n;
}
