#include "lib/io/sockdiag.h"

#include <libmnl/libmnl.h>

#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

#define BUFFER 32768

struct search {
	const struct mams_addr *addr;
	bool found;
};

static int take(const struct nlmsghdr *h, void *user)
{
	const struct inet_diag_msg *m = mnl_nlmsg_get_payload(h);
	struct search *s = user;

	if (mnl_nlmsg_get_payload_len(h) >= sizeof(*m) && m->idiag_family == s->addr->family &&
		memcmp(m->id.idiag_dst, s->addr->ip, s->addr->family == AF_INET ? 4 : 16) == 0)
		s->found = true;
	return MNL_CB_OK;
}

/* What is asked for. */
struct question {
	uint8_t family;
	bool udp;
	uint8_t extensions;
	uint16_t remote_port; /* 0: any */
};

static int dump(struct mnl_socket *sock, const struct question *about, mnl_cb_t cb, void *user)
{
	char space[256] = {0};
	char buffer[BUFFER];
	struct nlmsghdr *h = mnl_nlmsg_put_header(space);
	struct inet_diag_req_v2 *q;

	h->nlmsg_type = SOCK_DIAG_BY_FAMILY;
	h->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	h->nlmsg_seq = 1;
	q = mnl_nlmsg_put_extra_header(h, sizeof(*q));
	q->sdiag_family = about->family;
	q->sdiag_protocol = about->udp ? IPPROTO_UDP : IPPROTO_TCP;
	q->idiag_ext = about->extensions;
	q->id.idiag_dport = htons(about->remote_port);
	q->idiag_states = 1u << TCP_ESTABLISHED | 1u << TCP_SYN_RECV | 1u << TCP_FIN_WAIT1 |
			  1u << TCP_FIN_WAIT2 | 1u << TCP_CLOSE_WAIT | 1u << TCP_LAST_ACK |
			  1u << TCP_CLOSING;
	if (mnl_socket_sendto(sock, h, h->nlmsg_len) < 0)
		return -errno;
	for (;;) {
		ssize_t len = mnl_socket_recvfrom(sock, buffer, sizeof(buffer));
		int rc;

		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0)
			return -errno;
		rc = mnl_cb_run(buffer, (size_t)len, 1, mnl_socket_get_portid(sock), cb, user);
		if (rc < 0)
			return -errno;
		if (rc == MNL_CB_STOP)
			return 0;
	}
}

static int ask(const struct question *about, mnl_cb_t cb, void *user)
{
	struct mnl_socket *sock = mnl_socket_open2(NETLINK_SOCK_DIAG, SOCK_CLOEXEC);
	int rc;

	if (!sock)
		return -errno;
	rc = mnl_socket_bind(sock, 0, MNL_SOCKET_AUTOPID) < 0 ? -errno
							      : dump(sock, about, cb, user);
	mnl_socket_close(sock);
	return rc;
}

int mams_sockdiag_peer(const struct mams_addr *a, bool *yes)
{
	struct search s = {.addr = a};
	int rc = ask(&(struct question){.family = a->family}, take, &s);

	*yes = rc == 0 && s.found;
	return rc;
}

int mams_sockdiag_udp(const struct mams_addr *remote, bool *yes)
{
	const struct question about = {
		.family = remote->family, .udp = true, .remote_port = remote->port};
	struct search s = {.addr = remote};
	int rc = ask(&about, take, &s);

	*yes = rc == 0 && s.found;
	return rc;
}

struct walk {
	void (*fn)(void *user, const struct mams_tcp_socket *s);
	void *user;
};

static void fill(
	struct mams_tcp_socket *out, const struct inet_diag_msg *m, const struct tcp_info *ti)
{
	size_t n = m->idiag_family == AF_INET ? 4 : 16;
	uint32_t heard = ti->tcpi_last_data_recv < ti->tcpi_last_ack_recv ? ti->tcpi_last_data_recv
									  : ti->tcpi_last_ack_recv;

	*out = (struct mams_tcp_socket){
		.local = {.family = m->idiag_family, .port = ntohs(m->id.idiag_sport)},
		.remote = {.family = m->idiag_family, .port = ntohs(m->id.idiag_dport)},
		.owed = ti->tcpi_unacked > 0,
		.heard_ms = heard,
		.rtt_us = ti->tcpi_rtt};
	memcpy(out->local.ip, m->id.idiag_src, n);
	memcpy(out->remote.ip, m->id.idiag_dst, n);
}

static int take_info(const struct nlattr *attr, void *user)
{
	const struct nlattr **info = user;

	if (mnl_attr_get_type(attr) == INET_DIAG_INFO)
		*info = attr;
	return MNL_CB_OK;
}

static int take_socket(const struct nlmsghdr *h, void *user)
{
	const struct inet_diag_msg *m = mnl_nlmsg_get_payload(h);
	const struct walk *w = user;
	const struct nlattr *info = NULL;
	struct tcp_info ti = {0};
	struct mams_tcp_socket s;
	size_t len;

	if (mnl_nlmsg_get_payload_len(h) < sizeof(*m) ||
		(m->idiag_family != AF_INET && m->idiag_family != AF_INET6) ||
		mnl_attr_parse(h, sizeof(*m), take_info, &info) < 0 || !info)
		return MNL_CB_OK;
	/* older and newer kernels tell less and more */
	len = mnl_attr_get_payload_len(info);
	memcpy(&ti, mnl_attr_get_payload(info), len < sizeof(ti) ? len : sizeof(ti));
	fill(&s, m, &ti);
	w->fn(w->user, &s);
	return MNL_CB_OK;
}

int mams_sockdiag_tcp(uint8_t family, uint16_t remote_port,
	void (*fn)(void *user, const struct mams_tcp_socket *s), void *user)
{
	const struct question about = {.family = family,
		.extensions = 1u << (INET_DIAG_INFO - 1),
		.remote_port = remote_port};
	struct walk w = {.fn = fn, .user = user};

	return ask(&about, take_socket, &w);
}

static int take_owner(const struct nlmsghdr *h, void *user)
{
	const struct inet_diag_msg *m = mnl_nlmsg_get_payload(h);
	int64_t *uid = user;

	if (mnl_nlmsg_get_payload_len(h) >= sizeof(*m))
		*uid = m->idiag_uid;
	return MNL_CB_STOP;
}

/* Of the one connection between these addresses. */
static void put_request(struct nlmsghdr *h, uint16_t type, uint16_t flags,
	const struct mams_addr *from, const struct mams_addr *to)
{
	size_t n = from->family == AF_INET ? 4 : 16;
	struct inet_diag_req_v2 *q;

	h->nlmsg_type = type;
	h->nlmsg_flags = flags;
	h->nlmsg_seq = 1;
	q = mnl_nlmsg_put_extra_header(h, sizeof(*q));
	q->sdiag_family = from->family;
	q->sdiag_protocol = IPPROTO_TCP;
	q->idiag_states = UINT32_MAX;
	q->id.idiag_sport = htons(from->port);
	q->id.idiag_dport = htons(to->port);
	memcpy(q->id.idiag_src, from->ip, n);
	memcpy(q->id.idiag_dst, to->ip, n);
	q->id.idiag_cookie[0] = INET_DIAG_NOCOOKIE;
	q->id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
}

int mams_sockdiag_owner(
	const struct mams_addr *local, const struct mams_addr *remote, uint32_t *uid)
{
	struct mnl_socket *sock = mnl_socket_open2(NETLINK_SOCK_DIAG, SOCK_CLOEXEC);
	char space[256] = {0};
	char buffer[BUFFER];
	struct nlmsghdr *h = mnl_nlmsg_put_header(space);
	int64_t found = -1;
	ssize_t len;
	int rc = 0;

	if (!sock)
		return -errno;
	/* as the other end has it */
	put_request(h, SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST, remote, local);
	if (mnl_socket_bind(sock, 0, MNL_SOCKET_AUTOPID) < 0 ||
		mnl_socket_sendto(sock, h, h->nlmsg_len) < 0) {
		rc = -errno;
	} else {
		len = mnl_socket_recvfrom(sock, buffer, sizeof(buffer));
		if (len < 0 || mnl_cb_run(buffer, (size_t)len, 1, mnl_socket_get_portid(sock),
				       take_owner, &found) < 0)
			rc = -errno;
	}
	mnl_socket_close(sock);
	if (rc == 0 && found < 0)
		rc = -ENOENT;
	if (rc == 0)
		*uid = (uint32_t)found;
	return rc;
}

static int order_end(
	struct mnl_socket *sock, const struct mams_addr *local, const struct mams_addr *remote)
{
	char space[256] = {0};
	char buffer[BUFFER];
	struct nlmsghdr *h = mnl_nlmsg_put_header(space);
	ssize_t len;

	put_request(h, SOCK_DESTROY, NLM_F_REQUEST | NLM_F_ACK, local, remote);
	if (mnl_socket_sendto(sock, h, h->nlmsg_len) < 0)
		return -errno;
	len = mnl_socket_recvfrom(sock, buffer, sizeof(buffer));
	if (len < 0)
		return -errno;
	return mnl_cb_run(buffer, (size_t)len, 1, mnl_socket_get_portid(sock), NULL, NULL) < 0
		       ? -errno
		       : 0;
}

int mams_sockdiag_destroy(const struct mams_addr *local, const struct mams_addr *remote)
{
	struct mnl_socket *sock = mnl_socket_open2(NETLINK_SOCK_DIAG, SOCK_CLOEXEC);
	int rc;

	if (!sock)
		return -errno;
	rc = mnl_socket_bind(sock, 0, MNL_SOCKET_AUTOPID) < 0 ? -errno
							      : order_end(sock, local, remote);
	mnl_socket_close(sock);
	return rc;
}
