/* Network role, second phase: the connection to the server.  Confirmed to the client only after the
 * server has accepted; a refusal, an ICMP error and silence each have their Convert error (RFC 8803
 * sections 4.2 and 6.2.8). */
#include "proxy/conn.h"

#include "lib/io/mptcp.h"
#include "proxy/apart.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define RETRY_S 1 /* delay we suggest after a network failure: it concerns one server only */

static const struct px_octets nothing;

static void set_int(int fd, int level, int option, int value)
{
	(void)setsockopt(fd, level, option, &value, sizeof(value));
}

/** The kernel keeps the ICMP message that ended a connect: of IPv4 always, of IPv6 only with this.
 *  Off again once connected, since it would also make soft errors fatal. */
static void want_icmp(int fd, uint8_t family, bool on)
{
	if (family == AF_INET6)
		set_int(fd, IPPROTO_IPV6, IPV6_RECVERR, on);
}

/** The ICMP code behind a failed connect.  @return -1 when no ICMP message is recorded */
static int icmp_code(int fd)
{
	char control[256];
	struct msghdr m = {.msg_control = control, .msg_controllen = sizeof(control)};

	if (recvmsg(fd, &m, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
		return -1;
	for (struct cmsghdr *h = CMSG_FIRSTHDR(&m); h; h = CMSG_NXTHDR(&m, h)) {
		struct sock_extended_err e;

		if (!(h->cmsg_level == IPPROTO_IP && h->cmsg_type == IP_RECVERR) &&
			!(h->cmsg_level == IPPROTO_IPV6 && h->cmsg_type == IPV6_RECVERR))
			continue;
		memcpy(&e, CMSG_DATA(h), sizeof(e));
		if (e.ee_origin == SO_EE_ORIGIN_ICMP || e.ee_origin == SO_EE_ORIGIN_ICMP6)
			return e.ee_code;
	}
	return -1;
}

/** Codes of ICMP destination unreachable for errors that never left this host. */
static int local_code(int err, uint8_t family)
{
	if (family == AF_INET6)
		return err == ENETUNREACH ? 0 : err == EACCES ? 1 : 3;
	return err == ENETUNREACH ? 0 : err == EACCES ? 13 : 1;
}

static void unreachable(struct px_worker *w, struct px_conn *c, int code)
{
	px_inc(&w->counters.server_unreachable);
	px_answer_error(w, c, PX_CONVERT_UNREACHABLE, (uint8_t)code, nothing);
}

static void drop_origin(struct px_conn *c)
{
	if (c->leg[1].fd < 0)
		return;
	close(c->leg[1].fd);
	c->leg[1].fd = -1;
}

static void connect_failed(struct px_worker *w, struct px_conn *c, int err, int code)
{
	drop_origin(c);
	if (code >= 0) {
		unreachable(w, c, code);
		return;
	}
	switch (err) {
	case ECONNREFUSED:
	case ECONNRESET:
	case EPIPE:
		px_inc(&w->counters.server_refused);
		px_answer_error(w, c, PX_CONVERT_RST, 0, nothing);
		break;
	case ENETUNREACH:
	case EHOSTUNREACH:
	case EACCES:
	case ENETDOWN:
	case EHOSTDOWN:
		unreachable(w, c, local_code(err, c->server.family));
		break;
	case EMFILE:
	case ENFILE:
	case ENOMEM:
	case ENOBUFS:
	case EADDRNOTAVAIL:
		px_answer_error(w, c, PX_CONVERT_NO_RESOURCES, RETRY_S, nothing);
		break;
	default:
		px_inc(&w->counters.server_timeout);
		px_answer_error(w, c, PX_CONVERT_NET_FAILURE, RETRY_S, nothing);
		break;
	}
}

/** The server sees the client's own address (RFC 8803 4.4.1); the replies come back to us by the
 *  `socket transparent` rule. */
static int bind_as_client(int fd, const struct px_conn *c)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);
	struct mams_addr peer;

	if (getpeername(c->leg[0].fd, (struct sockaddr *)&sa, &len) != 0 ||
		mams_addr_from_sa((struct sockaddr *)&sa, &peer) != 0)
		return -ENOTCONN;
	mams_addr_unmap(&peer);
	peer.port = 0;
	if (peer.family != c->server.family)
		return -EAFNOSUPPORT;
	len = mams_addr_to_sa(&peer, &sa);
	if (peer.family == AF_INET)
		set_int(fd, IPPROTO_IP, IP_TRANSPARENT, 1);
	else
		set_int(fd, IPPROTO_IPV6, IPV6_TRANSPARENT, 1);
	return bind(fd, (struct sockaddr *)&sa, len) == 0 ? 0 : -errno;
}

/** @return descriptor, connected or connecting, or -errno */
static int open_origin(struct px_worker *w, struct px_conn *c)
{
	const struct px_settings *set = &w->cfg->set;
	int protocol = c->setup->want_mptcp ? IPPROTO_MPTCP : IPPROTO_TCP;
	int fd = socket(c->server.family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
	struct sockaddr_storage sa;
	socklen_t len = mams_addr_to_sa(&c->server, &sa);
	int err = 0;

	if (fd < 0)
		return -errno;
	if (set->mark)
		set_int(fd, SOL_SOCKET, SO_MARK, (int)set->mark);
	want_icmp(fd, c->server.family, true);
	if (c->setup->transparent && set->keep_source)
		err = bind_as_client(fd, c);
	if (!err && connect(fd, (struct sockaddr *)&sa, len) != 0 && errno != EINPROGRESS)
		err = -errno;
	if (err)
		close(fd);
	return err ? err : fd;
}

void px_origin_start(struct px_worker *w, struct px_conn *c)
{
	int fd;
	int err;

	c->flow.phase = PX_PHASE_CONNECT;
	if (!px_dest_is_allowed(&w->cfg->dest, &c->server)) {
		px_answer_error(w, c, PX_CONVERT_NOT_AUTHORIZED, 0, nothing);
		return;
	}
	if (c->setup->transparent)
		px_hello_bind(w, c);
	fd = open_origin(w, c);
	if (fd < 0) {
		connect_failed(w, c, -fd, -1);
		return;
	}
	err = px_conn_attach(w, c, 1, fd, c->setup->want_mptcp ? PX_SOCKET_MPTCP : 0);
	if (err) {
		close(fd);
		connect_failed(w, c, -err, -1);
		return;
	}
	px_conn_arm(w, c, mams_time_add_ms(w->now, w->cfg->set.connect_ms));
}

/** What the server's SYN+ACK agreed to, as TCP options (6.2.6); the kernel does not keep the
 * octets, but tells what it negotiated. */
static size_t synack_options(int fd, bool mptcp, uint8_t out[24])
{
	struct tcp_info ti = {0};
	socklen_t len = sizeof(ti);
	struct mams_mptcp_info mi;
	size_t n = 0;

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &ti, &len) != 0)
		return 0;
	out[n++] = PX_TCPOPT_MSS;
	out[n++] = 4;
	out[n++] = (uint8_t)(ti.tcpi_snd_mss >> 8);
	out[n++] = (uint8_t)ti.tcpi_snd_mss;
	if (ti.tcpi_options & TCPI_OPT_SACK) {
		out[n++] = PX_TCPOPT_SACK_PERMITTED;
		out[n++] = 2;
	}
	if (ti.tcpi_options & TCPI_OPT_WSCALE) {
		out[n++] = PX_TCPOPT_WSCALE;
		out[n++] = 3;
		out[n++] = ti.tcpi_snd_wscale;
	}
	if (mptcp && mams_mptcp_info(fd, &mi) == 0 && !mi.fallback) {
		out[n++] = PX_TCPOPT_MPTCP;
		out[n++] = 2;
	}
	return n;
}

static void connected(struct px_worker *w, struct px_conn *c)
{
	struct px_setup *s = c->setup;
	uint8_t options[24 + PX_CONVERT_NAME];
	size_t n_options;
	struct mams_wr wr = mams_wr_init(s->out, sizeof(s->out));

	want_icmp(c->leg[1].fd, c->server.family, false);
	if (s->transparent) {
		px_conn_relay(w, c);
		return;
	}
	n_options = synack_options(c->leg[1].fd, s->want_mptcp, options);
	if (px_apart_name(w, c)) {
		px_convert_name(c->part.flow, options + n_options);
		n_options += PX_CONVERT_NAME;
	}
	px_convert_begin(&wr);
	if (s->msg.has_info)
		px_convert_put_supported(&wr, px_convert_supported());
	px_convert_put_ext_header(&wr, (struct px_octets){.data = options, .len = n_options});
	if (px_convert_end(&wr) != 0 ||
		send(c->leg[0].fd, wr.data, wr.len, MSG_NOSIGNAL) != (ssize_t)wr.len ||
		px_conn_keep(w, c, 0, s->in + s->msg.len, s->n_in - s->msg.len) != 0) {
		px_conn_end(w, c, true);
		return;
	}
	px_conn_relay(w, c);
}

void px_origin_run(struct px_worker *w, struct px_conn *c)
{
	int err = 0;
	socklen_t len = sizeof(err);

	/* the client may have given up: the loser of a race, or an application that closed */
	if (c->leg[0].failed) {
		px_inc(&w->counters.client_gone);
		px_conn_end(w, c, true);
		return;
	}
	if (c->leg[1].fd < 0 || !c->leg[1].writable)
		return;
	if ((c->leg[1].failed || c->leg[1].hangup) &&
		getsockopt(c->leg[1].fd, SOL_SOCKET, SO_ERROR, &err, &len) != 0)
		err = errno;
	if (err)
		connect_failed(w, c, err, icmp_code(c->leg[1].fd));
	else
		connected(w, c);
}

void px_origin_timeout(struct px_worker *w, struct px_conn *c)
{
	connect_failed(w, c, ETIMEDOUT, -1);
}
