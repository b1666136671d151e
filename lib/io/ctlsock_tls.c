#include "lib/io/ctlsock_private.h"
#include "lib/io/tcpsock.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LOG_MODULE "ctlsock"

#define HANDSHAKE_MS 5000
#define PACKET_MS 10000  /* from its first octet to its last */
#define STRANGERS_MAX 16 /* accepted, and not yet let in */
#define READS_PER_EVENT 8
#define READ_CHUNK 16384
#define BACKLOG 16
#define ACCEPTS_PER_EVENT 4
#define ACCEPT_PAUSE_MS 100
/* A link that is cut is noticed after about four seconds, also with nothing under way. */
#define KEEPALIVE_S 1
#define KEEPALIVE_COUNT 3
#define UNANSWERED_MS 4000

struct mams_ctl_tls_listener {
	struct mams_ctl_server *s;
	struct mams_ctl_context *context;
	const char *const *names;
	size_t n_names;
	int fd;
	struct mams_loop_fd *watch;
	struct mams_loop_timer *resume;
};

static void set_options(int fd)
{
	mams_tcp_keep(fd, KEEPALIVE_S, KEEPALIVE_S, KEEPALIVE_COUNT);
	mams_tcp_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, UNANSWERED_MS);
}

/* ---- a connection's end ---- */

void mams_ctl_tls_hang_up(struct mams_ctl_conn *c)
{
	mams_ctl_stream_free(c->stream);
	c->stream = NULL;
	c->connecting = false;
	c->let_in = false;
	c->waiting = false;
	if (c->patience)
		mams_loop_timer_at(c->patience, MAMS_TIME_NEVER);
}

static void end(struct mams_ctl_conn *c, const char *why)
{
	char peer[MAMS_ADDR_STRLEN];
	struct mams_log_rl *rl = c->server ? &c->server->refused : &c->trouble;

	mams_log_limited(rl, mams_loop_now(c->loop), MAMS_LOG_WARN, LOG_MODULE,
		c->open ? "connection between hosts has ended: %s peer=%s"
			: "no connection between hosts: %s peer=%s",
		why, mams_addr_str_port(&c->peer, peer));
	if (c->server && !c->open)
		mams_ctl_conn_release(c); /* nobody knew of it */
	else
		mams_ctl_conn_ended(c);
}

static void lose_patience(void *user)
{
	struct mams_ctl_conn *c = user;

	c->waiting = false;
	end(c, c->connecting ? "it does not answer"
		: c->let_in  ? "half of a packet, and no more"
			     : "the TLS handshake takes too long");
}

/* ---- a connection at work ---- */

/* @return 0, or what has gone wrong */
static int flush(struct mams_ctl_conn *c)
{
	const char *data;
	size_t n;

	while ((n = mams_ctl_stream_out(c->stream, &data)) > 0) {
		ssize_t k = send(c->fd, data, n, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return errno == EAGAIN ? 0 : -errno;
		mams_ctl_stream_sent(c->stream, (size_t)k);
	}
	return 0;
}

static void watch(struct mams_ctl_conn *c)
{
	const char *data;
	bool more = mams_ctl_stream_out(c->stream, &data) > 0;

	mams_loop_fd_set(c->watch, MAMS_LOOP_READ | (more ? MAMS_LOOP_WRITE : 0));
}

/* Who is let in has all the time between packets, none within one. */
static void arm(struct mams_ctl_conn *c)
{
	bool wants = !c->let_in || mams_ctl_stream_partial(c->stream);

	if (wants && !c->waiting)
		mams_loop_timer_at(c->patience, mams_time_add_ms(mams_loop_now(c->loop),
							c->let_in ? PACKET_MS : HANDSHAKE_MS));
	else if (!wants && c->waiting)
		mams_loop_timer_at(c->patience, MAMS_TIME_NEVER);
	c->waiting = wants;
}

static bool is_over(const struct mams_ctl_conn *c)
{
	return c->dead || c->fd < 0;
}

static void let_in(struct mams_ctl_conn *c)
{
	mams_loop_timer_at(c->patience, MAMS_TIME_NEVER);
	c->waiting = false;
	c->let_in = true;
	mams_ctl_conn_greet(c);
}

/* What has come is given out.  @return false: the connection is over */
static bool give_out(struct mams_ctl_conn *c)
{
	const char *data;
	size_t len;

	for (;;) {
		data = mams_ctl_stream_packet(c->stream, &len);
		if (!c->let_in && mams_ctl_stream_ready(c->stream)) {
			let_in(c);
			if (is_over(c))
				return false;
		}
		if (!data)
			return true;
		mams_ctl_conn_packet(c, data, len);
		if (is_over(c))
			return false;
	}
}

/* @return false: the connection is over, and has been ended */
static bool receive(struct mams_ctl_conn *c)
{
	char chunk[READ_CHUNK];

	for (int i = 0; i < READS_PER_EVENT; i++) {
		ssize_t n = recv(c->fd, chunk, sizeof(chunk), MSG_DONTWAIT);
		int rc;

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return true;
		if (n <= 0) {
			end(c, n < 0 ? strerror(errno) : "the peer has ended it");
			return false;
		}
		rc = mams_ctl_stream_in(c->stream, chunk, (size_t)n);
		if (rc == 0 && !give_out(c))
			return false;
		if (mams_ctl_stream_over(c->stream)) {
			(void)flush(c); /* the peer is to know why */
			end(c, mams_ctl_stream_why(c->stream));
			return false;
		}
	}
	return true;
}

static int connected(struct mams_ctl_conn *c)
{
	int error = 0;
	socklen_t len = sizeof(error);

	c->connecting = false;
	if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		return -errno;
	return -error;
}

static void event(void *user, int fd, unsigned events)
{
	struct mams_ctl_conn *c = user;
	int rc = 0;

	(void)fd;
	if (is_over(c))
		return;
	if (c->connecting)
		rc = connected(c);
	else if ((events & MAMS_LOOP_READ) && !receive(c))
		return;
	if (rc == 0)
		rc = flush(c);
	if (rc < 0) {
		end(c, strerror(-rc));
		return;
	}
	watch(c);
	arm(c);
}

/* ---- one side ---- */

int mams_ctl_tls_connect(struct mams_ctl_conn *c)
{
	struct sockaddr_storage sa;
	socklen_t len = mams_addr_to_sa(&c->remote->address, &sa);
	int fd = socket(sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int rc;

	if (fd < 0)
		return -errno;
	set_options(fd);
	rc = connect(fd, (struct sockaddr *)&sa, len) == 0 || errno == EINPROGRESS ? 0 : -errno;
	if (rc == 0)
		rc = mams_ctl_stream_new(c->remote->context, &c->remote->name, 1, &c->stream);
	if (rc == 0)
		rc = mams_loop_fd_add(c->loop, fd, MAMS_LOOP_WRITE, event, c, &c->watch);
	if (rc == 0 && !c->patience)
		rc = mams_loop_timer_new(c->loop, lose_patience, c, &c->patience);
	if (rc < 0) {
		mams_loop_fd_del(c->watch);
		c->watch = NULL;
		mams_ctl_tls_hang_up(c);
		close(fd);
		return rc;
	}
	c->fd = fd;
	c->peer = c->remote->address;
	c->connecting = true;
	arm(c);
	return 0;
}

int mams_ctl_tls_send(struct mams_ctl_conn *c, const char *data, size_t len)
{
	int rc = c->let_in ? mams_ctl_stream_say(c->stream, data, len) : -ENOTCONN;

	if (rc < 0)
		return rc;
	/* a dead peer shows with the next event, which tells the owner */
	(void)!flush(c);
	watch(c);
	return 0;
}

/* ---- the other side ---- */

/* Strangers do not keep out whoever may come in: the oldest of them goes. */
static void make_room(struct mams_ctl_server *s)
{
	struct mams_ctl_conn *oldest = NULL;
	struct mams_ctl_conn *c;
	size_t n = 0;

	TAILQ_FOREACH(c, &s->conns, link)
	{
		if (c->open)
			continue;
		if (!oldest)
			oldest = c;
		n++;
	}
	if (oldest && (n >= STRANGERS_MAX || s->n_conns >= MAMS_CTL_CONNS_MAX))
		end(oldest, "too many others wait to be let in");
}

static int adopt(struct mams_ctl_tls_listener *t, int fd, const struct mams_addr *peer)
{
	struct mams_ctl_server *s = t->s;
	struct mams_ctl_conn *c;
	int rc;

	make_room(s);
	if (s->n_conns >= MAMS_CTL_CONNS_MAX)
		return -MAMS_ELIMIT;
	c = mams_ctl_conn_new(s->loop, s->ops, s->user);
	if (!c)
		return -ENOMEM;
	c->peer = *peer;
	rc = mams_ctl_stream_new(t->context, t->names, t->n_names, &c->stream);
	if (rc == 0)
		rc = mams_loop_timer_new(s->loop, lose_patience, c, &c->patience);
	if (rc == 0)
		rc = mams_loop_fd_add(s->loop, fd, MAMS_LOOP_READ, event, c, &c->watch);
	if (rc < 0) {
		mams_ctl_conn_release(c);
		return rc;
	}
	set_options(fd);
	c->fd = fd;
	c->server = s;
	s->n_conns++;
	TAILQ_INSERT_TAIL(&s->conns, c, link);
	arm(c);
	return 0;
}

static void accept_again(void *user)
{
	struct mams_ctl_tls_listener *t = user;

	mams_loop_fd_set(t->watch, MAMS_LOOP_READ);
}

static void accept_event(void *user, int listener, unsigned events)
{
	struct mams_ctl_tls_listener *t = user;

	(void)events;
	for (int i = 0; i < ACCEPTS_PER_EVENT; i++) {
		struct sockaddr_storage sa;
		socklen_t len = sizeof(sa);
		struct mams_addr peer = {0};
		int fd = accept4(
			listener, (struct sockaddr *)&sa, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0)
			break;
		if (mams_addr_from_sa((struct sockaddr *)&sa, &peer) < 0 || adopt(t, fd, &peer) < 0)
			close(fd);
		errno = 0;
	}
	if (errno != EMFILE && errno != ENFILE && errno != ENOBUFS && errno != ENOMEM)
		return;
	/* the waiting peer would make this event return without end */
	mams_log_limited(&t->s->refused, mams_loop_now(t->s->loop), MAMS_LOG_ERR, LOG_MODULE,
		"cannot accept error=%s", strerror(errno));
	mams_loop_fd_set(t->watch, 0);
	mams_loop_timer_at(t->resume, mams_time_add_ms(mams_loop_now(t->s->loop), ACCEPT_PAUSE_MS));
}

int mams_ctl_offer_check(const struct mams_ctl_offer *o, const char *path, struct mams_error *err)
{
	bool any = o->files.ca_file || o->files.cert_file || o->files.key_file || o->n_names;

	if (o->n_listen == 0)
		return any ? mams_fail(err, MAMS_EMISSING, path,
				     "ctl_listen is required with ctl_ca, ctl_certificate, ctl_key "
				     "and ctl_peers")
			   : 0;
	if (o->n_listen > 1)
		return mams_fail(err, MAMS_EVALUE, path, "ctl_listen: one address");
	if (!o->files.ca_file || !o->files.cert_file || !o->files.key_file || o->n_names == 0)
		return mams_fail(err, MAMS_EMISSING, path,
			"ctl_listen needs ctl_ca, ctl_certificate, ctl_key and ctl_peers");
	return 0;
}

int mams_ctl_listen_tls(
	struct mams_ctl_server *s, const struct mams_ctl_offer *offer, struct mams_error *err)
{
	struct mams_ctl_tls_listener *t;
	char text[MAMS_ADDR_STRLEN];
	int rc;

	if (offer->n_listen == 0)
		return 0;
	t = calloc(1, sizeof(*t));
	if (!t)
		return -ENOMEM;
	t->s = s;
	t->names = (const char *const *)offer->names;
	t->n_names = offer->n_names;
	t->fd = -1;
	s->tls = t;
	rc = mams_ctl_context_new(&offer->files, true, &t->context, err);
	if (rc < 0)
		return rc;
	t->fd = mams_tcp_listen(offer->listen, BACKLOG);
	if (t->fd < 0)
		return mams_fail(err, -t->fd, mams_addr_str_port(offer->listen, text),
			"cannot listen: %s", strerror(-t->fd));
	rc = mams_loop_timer_new(s->loop, accept_again, t, &t->resume);
	return rc < 0 ? rc
		      : mams_loop_fd_add(
				s->loop, t->fd, MAMS_LOOP_READ, accept_event, t, &t->watch);
}

void mams_ctl_tls_listener_free(struct mams_ctl_tls_listener *t)
{
	if (!t)
		return;
	mams_loop_fd_del(t->watch);
	mams_loop_timer_del(t->resume);
	if (t->fd >= 0)
		close(t->fd);
	mams_ctl_context_free(t->context);
	free(t);
}
