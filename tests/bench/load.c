/* Load for the benchmark of the proxies: a server that sends as much as each
 * connection asks for, and a client that asks.  One thread, epoll; figures are
 * printed as key=value.
 *
 * A request is 8 octets, network byte order: so many octets are wanted; 0 means
 * one octet and then nothing until the client leaves.  Through mams-proxy it
 * follows a Convert message. */
#include "lib/base/addr.h"
#include "lib/base/clock.h"
#include "proxy/convert.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif
#define BUFFER (256u * 1024u)
#define EVENTS 256
#define REQUEST 8u

struct peer {
	int fd;
	bool asked; /**< client: request sent; server: request read */
	bool counted;
	uint8_t head[PX_CONVERT_MAX]; /**< server: the request so far; client: the
					 Convert answer */
	size_t n_head;
	uint64_t left;
};

struct options {
	bool mptcp;
	bool idle;
	struct mams_addr to;     /**< whom to connect to, or where to listen */
	struct mams_addr server; /**< behind mams-proxy; unset: no Convert */
	uint8_t cookie[PX_CONVERT_COOKIE_MAX];
	size_t cookie_len;
	unsigned connections;
	uint64_t octets;
	unsigned seconds;
};

static uint8_t buffer[BUFFER];

static void die(const char *what)
{
	fprintf(stderr, "mams-bench-load: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void watch(int epoll, struct peer *p, uint32_t events, int op)
{
	struct epoll_event e = {.events = events, .data.ptr = p};

	if (epoll_ctl(epoll, op, p->fd, &e) != 0)
		die("epoll_ctl");
}

static void finish(struct peer *p)
{
	close(p->fd);
	p->fd = -1;
}

static int new_socket(const struct options *o)
{
	int on = 1;
	int fd = socket(o->to.family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
		o->mptcp ? IPPROTO_MPTCP : IPPROTO_TCP);

	if (fd < 0)
		die("socket");
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	return fd;
}

/* ---- server ---- */

static bool read_request(struct peer *p)
{
	ssize_t n = recv(p->fd, p->head + p->n_head, REQUEST - p->n_head, 0);
	uint64_t wanted;

	if (n == 0 || (n < 0 && errno != EAGAIN))
		return false;
	p->n_head += n > 0 ? (size_t)n : 0;
	if (p->n_head < REQUEST)
		return true;
	memcpy(&wanted, p->head, sizeof(wanted));
	p->asked = true;
	p->left = be64toh(wanted);
	if (p->left == 0)
		return send(p->fd, "", 1, MSG_NOSIGNAL) == 1;
	return true;
}

/** @return false when it is over */
static bool serve(int epoll, struct peer *p)
{
	if (!p->asked) {
		if (!read_request(p))
			return false;
		if (p->asked && p->left > 0)
			watch(epoll, p, EPOLLOUT, EPOLL_CTL_MOD);
		return true;
	}
	if (p->left == 0)
		return recv(p->fd, buffer, sizeof(buffer), 0) > 0;
	for (;;) {
		size_t want = p->left < BUFFER ? (size_t)p->left : BUFFER;
		ssize_t n = send(p->fd, buffer, want, MSG_NOSIGNAL);

		if (n < 0)
			return errno == EAGAIN;
		p->left -= (uint64_t)n;
		if (p->left == 0)
			return false;
	}
}

static void take_clients(int epoll, int listener)
{
	int fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct peer *p = calloc(1, sizeof(*p));

		if (!p)
			die("calloc");
		p->fd = fd;
		watch(epoll, p, EPOLLIN, EPOLL_CTL_ADD);
	}
}

static _Noreturn void run_server(const struct options *o)
{
	struct epoll_event events[EVENTS];
	struct sockaddr_storage sa;
	socklen_t len = mams_addr_to_sa(&o->to, &sa);
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	struct peer own = {.fd = new_socket(o)};

	if (bind(own.fd, (struct sockaddr *)&sa, len) != 0 || listen(own.fd, 4096) != 0)
		die("listen");
	watch(epoll, &own, EPOLLIN, EPOLL_CTL_ADD);
	for (;;) {
		int n = epoll_wait(epoll, events, EVENTS, -1);

		for (int i = 0; i < n; i++) {
			struct peer *p = events[i].data.ptr;

			if (p == &own) {
				take_clients(epoll, own.fd);
			} else if (!serve(epoll, p)) {
				finish(p);
				free(p);
			}
		}
	}
}

/* ---- client ---- */

struct client {
	const struct options *o;
	int epoll;
	uint8_t request[PX_CONVERT_MAX + REQUEST];
	size_t n_request;
	uint64_t octets;
	uint64_t done;
	uint64_t failed;
	unsigned ready;
};

static void make_request(struct client *c)
{
	const uint64_t wanted = htobe64(c->o->idle ? 0 : c->o->octets);
	struct mams_wr w = mams_wr_init(c->request, PX_CONVERT_MAX);

	if (mams_addr_is_set(&c->o->server)) {
		px_convert_begin(&w);
		px_convert_put_connect(&w, &c->o->server, (struct px_octets){0});
		px_convert_put_cookie(&w, (struct px_octets){c->o->cookie, c->o->cookie_len});
		if (px_convert_end(&w) < 0)
			die("Convert message");
	}
	memcpy(c->request + w.len, &wanted, sizeof(wanted));
	c->n_request = w.len + sizeof(wanted);
}

static void start(struct client *c, struct peer *p)
{
	struct sockaddr_storage sa;
	socklen_t len = mams_addr_to_sa(&c->o->to, &sa);

	*p = (struct peer){.fd = new_socket(c->o), .left = c->o->idle ? 1 : c->o->octets};
	if (connect(p->fd, (struct sockaddr *)&sa, len) != 0 && errno != EINPROGRESS)
		die("connect");
	watch(c->epoll, p, EPOLLOUT, EPOLL_CTL_ADD);
}

/** Octets of the answer that are payload; the Convert answer goes first. */
static size_t payload(struct client *c, struct peer *p, size_t n)
{
	size_t skip = 0;

	while (mams_addr_is_set(&c->o->server) && skip < n &&
		(p->n_head < PX_CONVERT_HEADER || p->n_head < 4u * p->head[1])) {
		if (p->n_head == PX_CONVERT_MAX)
			break;
		p->head[p->n_head++] = buffer[skip++];
	}
	return n - skip;
}

/** @return false when this connection is over */
static bool receive(struct client *c, struct peer *p)
{
	for (;;) {
		ssize_t n = recv(p->fd, buffer, sizeof(buffer), 0);
		size_t got;

		if (n < 0 && errno == EAGAIN)
			return true;
		if (n <= 0) {
			c->failed += p->left > 0;
			return false;
		}
		got = payload(c, p, (size_t)n);
		c->octets += got;
		p->left -= got < p->left ? got : p->left;
		if (p->left > 0)
			continue;
		if (c->o->idle) {
			c->ready++;
			return true;
		}
		c->done++;
		return false;
	}
}

static void client_event(struct client *c, struct peer *p, mams_time end, mams_time now)
{
	bool alive = true;

	if (!p->asked) {
		alive = send(p->fd, c->request, c->n_request, MSG_NOSIGNAL) ==
			(ssize_t)c->n_request;
		c->failed += !alive;
		p->asked = true;
		if (alive)
			watch(c->epoll, p, EPOLLIN, EPOLL_CTL_MOD);
	} else {
		alive = receive(c, p);
	}
	if (alive)
		return;
	finish(p);
	if (mams_time_before(now, end) && !c->o->idle)
		start(c, p);
}

/** What is still open is reset: MPTCP keeps a connection that was closed in the usual way, and all
 *  that still arrives for it, for a minute, and the memory for the next measurement is gone. */
static void reset_all(struct peer *peers, unsigned n)
{
	const struct linger l = {.l_onoff = 1};

	for (unsigned i = 0; i < n; i++) {
		if (peers[i].fd < 0)
			continue;
		(void)setsockopt(peers[i].fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
		finish(&peers[i]);
	}
}

static int run_client(const struct options *o)
{
	struct client c = {.o = o, .epoll = epoll_create1(EPOLL_CLOEXEC)};
	struct peer *peers = calloc(o->connections, sizeof(*peers));
	struct epoll_event events[EVENTS];
	mams_time begun = mams_clock_now();
	mams_time end = mams_time_add_ms(begun, (int64_t)o->seconds * 1000);
	mams_time now = begun;
	unsigned started = 0;

	if (!peers)
		die("calloc");
	make_request(&c);
	while (mams_time_before(now, end) && !(o->idle && c.ready + c.failed >= o->connections)) {
		int n;

		while (started < o->connections && (!o->idle || started < c.ready + 100))
			start(&c, &peers[started++]);
		n = epoll_wait(c.epoll, events, EVENTS, 100);
		now = mams_clock_now();
		for (int i = 0; i < n; i++)
			client_event(&c, events[i].data.ptr, end, now);
	}
	printf("octets=%llu done=%llu failed=%llu ready=%u seconds=%.3f\n",
		(unsigned long long)c.octets, (unsigned long long)c.done,
		(unsigned long long)c.failed, c.ready, (double)(now.us - begun.us) / 1e6);
	fflush(stdout);
	if (o->idle) /* held until whoever started us has looked */
		(void)!read(0, buffer, 1);
	reset_all(peers, started);
	free(peers);
	close(c.epoll);
	return 0;
}

static void usage(int status)
{
	fputs("usage: mams-bench-load server ADDRESS:PORT\n"
	      "       mams-bench-load client [-m] [-i] [-n CONNECTIONS] [-b OCTETS] "
	      "[-t SECONDS]\n"
	      "                       [-s SERVER:PORT -k FILE] ADDRESS:PORT\n"
	      "-m MPTCP; -i open connections and hold them until standard input "
	      "ends; -s through\n"
	      "mams-proxy at ADDRESS:PORT with the cookie (octets) in FILE\n",
		status ? stderr : stdout);
	exit(status);
}

static void read_cookie(struct options *o, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, o->cookie, sizeof(o->cookie));

	if (n <= 0)
		die(path);
	close(fd);
	o->cookie_len = (size_t)n;
}

int main(int argc, char **argv)
{
	struct options o = {.connections = 1, .octets = UINT64_C(1) << 40, .seconds = 3};
	struct rlimit files = {.rlim_cur = 20000, .rlim_max = 20000};
	bool server = argc > 1 && strcmp(argv[1], "server") == 0;
	int opt;

	if (argc < 3 || (!server && strcmp(argv[1], "client") != 0))
		usage(argc > 1 && strcmp(argv[1], "-h") == 0 ? 0 : 2);
	(void)setrlimit(RLIMIT_NOFILE, &files);
	optind = 2;
	while ((opt = getopt(argc, argv, "min:b:t:s:k:")) != -1) {
		if (opt == 'm')
			o.mptcp = true;
		else if (opt == 'i')
			o.idle = true;
		else if (opt == 'n')
			o.connections = (unsigned)strtoul(optarg, NULL, 10);
		else if (opt == 'b')
			o.octets = strtoull(optarg, NULL, 10);
		else if (opt == 't')
			o.seconds = (unsigned)strtoul(optarg, NULL, 10);
		else if (opt == 's' && mams_addr_parse_port(optarg, 0, &o.server) < 0)
			usage(2);
		else if (opt == 'k')
			read_cookie(&o, optarg);
		else if (opt == '?')
			usage(2);
	}
	if (optind != argc - 1 || mams_addr_parse_port(argv[optind], 0, &o.to) < 0)
		usage(2);
	if (server)
		run_server(&o);
	return run_client(&o);
}
