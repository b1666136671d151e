#include "lib/io/ctlsock_private.h"

#include "lib/io/unixsock.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define LOG_MODULE "ctlsock"

#define QUEUE_MAX_BYTES (1024u * 1024u)
#define RETRY_FIRST_MS 100
#define RETRY_MAX_MS 1000
#define ACCEPT_PAUSE_MS 100

static int fill_address(const char *path, struct sockaddr_un *sa)
{
	*sa = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof(sa->sun_path))
		return -ENAMETOOLONG;
	memcpy(sa->sun_path, path, strlen(path) + 1);
	return 0;
}

/* One packet of the largest size must fit: the kernel's default is smaller. */
static int open_socket(int flags)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | flags, 0);
	int size = MAMS_CTL_MAX_BYTES + 4096;

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) < 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	return fd;
}

/* ---- connection, either side ---- */

static void drop_queue(struct mams_ctl_conn *c)
{
	struct mams_ctl_packet *p;

	while ((p = STAILQ_FIRST(&c->queue)) != NULL) {
		STAILQ_REMOVE_HEAD(&c->queue, link);
		mams_wipe(p->data, p->len);
		free(p);
	}
	c->queued = 0;
}

static void conn_free(void *user)
{
	struct mams_ctl_conn *c = user;

	mams_loop_timer_del(c->retry);
	mams_loop_timer_del(c->patience);
	free(c->rx);
	free(c->path);
	free(c);
}

static void hang_up(struct mams_ctl_conn *c)
{
	mams_ctl_tls_hang_up(c);
	if (c->fd < 0)
		return;
	mams_loop_fd_del(c->watch);
	c->watch = NULL;
	close(c->fd);
	c->fd = -1;
	drop_queue(c);
	if (c->rx)
		mams_wipe(c->rx, c->rx_most); /* the rest is no page of ours yet */
}

/* A callback of this connection may be on the stack: the memory goes at the end of the turn. */
void mams_ctl_conn_release(struct mams_ctl_conn *c)
{
	c->dead = true;
	hang_up(c);
	if (c->server) {
		TAILQ_REMOVE(&c->server->conns, c, link);
		c->server->n_conns--;
		c->server = NULL;
	}
	if (c->retry)
		mams_loop_timer_at(c->retry, MAMS_TIME_NEVER);
	/* out of memory here leaks one dead connection, which is better than a dangling one */
	if (mams_loop_defer(c->loop, conn_free, c) < 0)
		log_err("no memory to release a connection");
}

void mams_ctl_conn_opened(struct mams_ctl_conn *c)
{
	c->open = true;
	if (c->ops->opened)
		c->ops->opened(c->user, c);
}

static void dial_later(struct mams_ctl_conn *c)
{
	mams_loop_timer_at(c->retry, mams_time_add_ms(mams_loop_now(c->loop), c->retry_ms));
	c->retry_ms = c->retry_ms * 2 > RETRY_MAX_MS ? RETRY_MAX_MS : c->retry_ms * 2;
}

void mams_ctl_conn_ended(struct mams_ctl_conn *c)
{
	bool was_open = c->open;

	hang_up(c);
	c->open = false;
	c->greeting = false;
	if (was_open)
		c->retry_ms = RETRY_FIRST_MS;
	if (was_open && c->ops->closed)
		c->ops->closed(c->user, c);
	if (c->dead)
		return;
	if (c->server)
		mams_ctl_conn_release(c);
	else
		dial_later(c);
}

static int send_now(int fd, const char *data, size_t len)
{
	ssize_t n;

	do {
		n = send(fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

static void flush_queue(struct mams_ctl_conn *c)
{
	struct mams_ctl_packet *p;

	while ((p = STAILQ_FIRST(&c->queue)) != NULL) {
		/* a dead peer shows as the end of input, which tells the owner */
		if (send_now(c->fd, p->data, p->len) == -EAGAIN)
			return;
		STAILQ_REMOVE_HEAD(&c->queue, link);
		c->queued -= p->len;
		mams_wipe(p->data, p->len);
		free(p);
	}
	mams_loop_fd_set(c->watch, MAMS_LOOP_READ);
}

/* @return false when the connection has ended */
static bool read_packet(struct mams_ctl_conn *c)
{
	ssize_t n = recv(c->fd, c->rx, MAMS_CTL_MAX_BYTES, MSG_DONTWAIT | MSG_TRUNC);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n > (ssize_t)MAMS_CTL_MAX_BYTES) {
		log_warn("packet too long, connection closed bytes=%zd limit=%u", n,
			MAMS_CTL_MAX_BYTES);
		n = 0;
	}
	if (n <= 0) {
		mams_ctl_conn_ended(c);
		return false;
	}
	if ((size_t)n > c->rx_most)
		c->rx_most = (size_t)n;
	c->rx[n] = '\0';
	mams_ctl_conn_packet(c, c->rx, (size_t)n);
	return !c->dead && c->fd >= 0;
}

static void conn_event(void *user, int fd, unsigned events)
{
	struct mams_ctl_conn *c = user;

	(void)fd;
	if (c->dead || c->fd < 0)
		return;
	if (events & MAMS_LOOP_WRITE)
		flush_queue(c);
	if (!(events & MAMS_LOOP_READ))
		return;
	for (int i = 0; i < MAMS_CTL_PACKETS_PER_EVENT; i++) {
		if (!read_packet(c))
			return;
	}
}

struct mams_ctl_conn *mams_ctl_conn_new(
	struct mams_loop *l, const struct mams_ctl_server_ops *ops, void *user)
{
	struct mams_ctl_conn *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->loop = l;
	c->ops = ops;
	c->user = user;
	c->fd = -1;
	c->retry_ms = RETRY_FIRST_MS;
	STAILQ_INIT(&c->queue);
	return c;
}

static struct mams_ctl_conn *local_new(
	struct mams_loop *l, const struct mams_ctl_server_ops *ops, void *user)
{
	struct mams_ctl_conn *c = mams_ctl_conn_new(l, ops, user);

	if (!c)
		return NULL;
	c->rx = malloc(MAMS_CTL_MAX_BYTES + 1);
	if (c->rx)
		return c;
	free(c);
	return NULL;
}

/* ---- server ---- */

static bool peer_is_allowed(struct mams_ctl_server *s, int fd)
{
	struct mams_unix_peer peer;

	if (mams_unix_peer(fd, &peer) < 0)
		return false;
	if (peer.uid == 0 || peer.uid == geteuid() || mams_unix_in_group(fd, &peer, s->gid))
		return true;
	mams_log_limited(&s->refused, mams_loop_now(s->loop), MAMS_LOG_WARN, LOG_MODULE,
		"peer refused path=%s uid=%u pid=%d", s->path, peer.uid, peer.pid);
	return false;
}

static int adopt(struct mams_ctl_server *s, int fd)
{
	struct mams_ctl_conn *c;
	int size = MAMS_CTL_MAX_BYTES + 4096;
	int rc;

	if (s->n_conns >= MAMS_CTL_CONNS_MAX)
		return -MAMS_ELIMIT;
	if (!peer_is_allowed(s, fd))
		return -MAMS_EDENIED;
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) < 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	c = local_new(s->loop, s->ops, s->user);
	if (!c)
		return -ENOMEM;
	rc = mams_loop_fd_add(s->loop, fd, MAMS_LOOP_READ, conn_event, c, &c->watch);
	if (rc < 0) {
		conn_free(c);
		return rc;
	}
	c->fd = fd;
	c->server = s;
	s->n_conns++;
	TAILQ_INSERT_TAIL(&s->conns, c, link);
	mams_ctl_conn_greet(c);
	return 0;
}

static void accept_again(void *user)
{
	struct mams_ctl_server *s = user;

	mams_loop_fd_set(s->watch, MAMS_LOOP_READ);
}

static void accept_event(void *user, int listener, unsigned events)
{
	struct mams_ctl_server *s = user;
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	(void)events;
	if (fd >= 0) {
		if (adopt(s, fd) < 0)
			close(fd);
		return;
	}
	if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED)
		return;
	/* out of descriptors: the waiting peer would make this event return without end */
	mams_log_limited(&s->refused, mams_loop_now(s->loop), MAMS_LOG_ERR, LOG_MODULE,
		"cannot accept path=%s error=%s", s->path, strerror(errno));
	mams_loop_fd_set(s->watch, 0);
	mams_loop_timer_at(s->resume, mams_time_add_ms(mams_loop_now(s->loop), ACCEPT_PAUSE_MS));
}

int mams_ctl_listen(struct mams_loop *l, const char *path, gid_t gid,
	const struct mams_ctl_server_ops *ops, void *user, struct mams_ctl_server **out)
{
	struct mams_ctl_server *s = calloc(1, sizeof(*s));
	int rc = -ENOMEM;

	if (!s)
		return -ENOMEM;
	*s = (struct mams_ctl_server){.loop = l, .ops = ops, .user = user, .gid = gid, .fd = -1};
	TAILQ_INIT(&s->conns);
	s->path = strdup(path);
	if (!s->path)
		goto fail;
	rc = mams_unix_listen(SOCK_SEQPACKET, path, 0660, gid, MAMS_CTL_CONNS_MAX);
	if (rc >= 0)
		s->fd = rc;
	if (rc < 0) {
		free(s->path); /* not ours to unlink */
		s->path = NULL;
		goto fail;
	}
	rc = mams_loop_timer_new(l, accept_again, s, &s->resume);
	if (rc == 0)
		rc = mams_loop_fd_add(l, s->fd, MAMS_LOOP_READ, accept_event, s, &s->watch);
	if (rc < 0)
		goto fail;
	*out = s;
	return 0;
fail:
	mams_ctl_server_free(s);
	return rc;
}

void mams_ctl_server_free(struct mams_ctl_server *s)
{
	struct mams_ctl_conn *c;

	if (!s)
		return;
	while ((c = TAILQ_FIRST(&s->conns)) != NULL)
		mams_ctl_conn_release(c);
	mams_ctl_tls_listener_free(s->tls);
	mams_loop_fd_del(s->watch);
	mams_loop_timer_del(s->resume);
	mams_cleanup_fd(&s->fd);
	if (s->path)
		unlink(s->path);
	free(s->path);
	free(s);
}

void mams_ctl_broadcast(struct mams_ctl_server *s, const char *data, size_t len)
{
	struct mams_ctl_conn *c;

	TAILQ_FOREACH(c, &s->conns, link)
	{
		int rc = c->open ? mams_ctl_send(c, data, len) : 0;

		if (rc < 0)
			mams_log_limited(&s->refused, mams_loop_now(s->loop), MAMS_LOG_WARN,
				LOG_MODULE, "event not sent path=%s error=%s", s->path,
				mams_strerror(rc));
	}
}

void mams_ctl_want_news(struct mams_ctl_conn *c)
{
	c->news = true;
}

bool mams_ctl_is_news_wanted(const struct mams_ctl_server *s)
{
	const struct mams_ctl_conn *c;

	TAILQ_FOREACH(c, &s->conns, link)
	{
		if (c->open && c->news)
			return true;
	}
	return false;
}

static bool has_read_all(const struct mams_ctl_conn *c)
{
	const char *data;

	return c->stream ? mams_ctl_stream_out(c->stream, &data) == 0 : STAILQ_EMPTY(&c->queue);
}

bool mams_ctl_news(struct mams_ctl_server *s, const char *data, size_t len)
{
	struct mams_ctl_conn *c;
	bool told = false;

	TAILQ_FOREACH(c, &s->conns, link)
	{
		if (c->open && c->news && has_read_all(c))
			told |= mams_ctl_send(c, data, len) == 0;
	}
	return told;
}

/* ---- client ---- */

static int try_connect(struct mams_ctl_conn *c)
{
	struct sockaddr_un sa;
	int fd;
	int rc = fill_address(c->path, &sa);

	if (rc < 0)
		return rc;
	fd = open_socket(SOCK_NONBLOCK);
	if (fd < 0)
		return fd;
	rc = connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 ? -errno : 0;
	if (rc == 0)
		rc = mams_loop_fd_add(c->loop, fd, MAMS_LOOP_READ, conn_event, c, &c->watch);
	if (rc < 0)
		close(fd);
	else
		c->fd = fd;
	return rc;
}

static void retry_event(void *user)
{
	struct mams_ctl_conn *c = user;
	int rc;

	if (c->fd >= 0) { /* says nothing of versions */
		mams_ctl_conn_opened(c);
		return;
	}
	rc = c->remote ? mams_ctl_tls_connect(c) : try_connect(c);

	if (rc == 0 && !c->remote)
		mams_ctl_conn_greet(c);
	if (rc == 0) /* it becomes open later, or not */
		return;
	log_debug("not connected path=%s error=%s", c->path ? c->path : c->remote->name,
		mams_strerror(rc));
	dial_later(c);
}

int mams_ctl_dial(struct mams_loop *l, const char *path, const struct mams_ctl_server_ops *ops,
	void *user, struct mams_ctl_conn **out)
{
	struct sockaddr_un sa;
	struct mams_ctl_conn *c;
	int rc = fill_address(path, &sa);

	if (rc < 0)
		return rc;
	c = local_new(l, ops, user);
	if (!c)
		return -ENOMEM;
	c->path = strdup(path);
	rc = c->path ? mams_loop_timer_new(l, retry_event, c, &c->retry) : -ENOMEM;
	if (rc < 0) {
		conn_free(c);
		return rc;
	}
	/* in the next turn, so that *out is set before opened() is called */
	mams_loop_timer_at(c->retry, mams_loop_now(l));
	*out = c;
	return 0;
}

int mams_ctl_dial_tls(struct mams_loop *l, const struct mams_ctl_remote *to,
	const struct mams_ctl_server_ops *ops, void *user, struct mams_ctl_conn **out)
{
	struct mams_ctl_conn *c = mams_ctl_conn_new(l, ops, user);
	int rc;

	if (!c)
		return -ENOMEM;
	c->remote = to;
	rc = mams_loop_timer_new(l, retry_event, c, &c->retry);
	if (rc < 0) {
		conn_free(c);
		return rc;
	}
	mams_loop_timer_at(c->retry, mams_loop_now(l));
	*out = c;
	return 0;
}

int mams_ctl_send(struct mams_ctl_conn *c, const char *data, size_t len)
{
	return c->open ? mams_ctl_conn_send(c, data, len) : -ENOTCONN;
}

int mams_ctl_conn_send(struct mams_ctl_conn *c, const char *data, size_t len)
{
	struct mams_ctl_packet *p;
	int rc;

	if (c->fd < 0)
		return -ENOTCONN;
	if (len == 0)
		return -EINVAL; /* would read as the end of the connection */
	if (c->stream)
		return mams_ctl_tls_send(c, data, len);
	if (len > MAMS_CTL_MAX_BYTES || c->queued + len > QUEUE_MAX_BYTES)
		return -MAMS_ELIMIT;
	if (STAILQ_EMPTY(&c->queue)) {
		rc = send_now(c->fd, data, len);
		if (rc == 0)
			return 0;
		if (rc != -EAGAIN)
			return rc == -EMSGSIZE ? -MAMS_ELIMIT : -ENOTCONN;
	}
	p = malloc(sizeof(*p) + len);
	if (!p)
		return -ENOMEM;
	p->len = len;
	memcpy(p->data, data, len);
	STAILQ_INSERT_TAIL(&c->queue, p, link);
	c->queued += len;
	mams_loop_fd_set(c->watch, MAMS_LOOP_READ | MAMS_LOOP_WRITE);
	return 0;
}

void mams_ctl_close(struct mams_ctl_conn *c)
{
	if (c && !c->dead)
		mams_ctl_conn_release(c);
}

bool mams_ctl_is_open(const struct mams_ctl_conn *c)
{
	return c->open;
}

void mams_ctl_set_user(struct mams_ctl_conn *c, void *per_conn)
{
	c->per_conn = per_conn;
}

void *mams_ctl_get_user(const struct mams_ctl_conn *c)
{
	return c->per_conn;
}

/* ---- blocking call ---- */

static int receive_answer(int fd, int timeout_ms, char **out, size_t *out_len)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	mams_time end = mams_time_add_ms(mams_clock_now(), timeout_ms);
	char *buf;
	ssize_t n;
	int ready;

	do {
		ready = poll(&p, 1, mams_time_ms_until(mams_clock_now(), end));
	} while (ready < 0 && errno == EINTR);
	if (ready <= 0)
		return ready == 0 ? -ETIMEDOUT : -errno;
	buf = malloc(MAMS_CTL_MAX_BYTES + 1);
	if (!buf)
		return -ENOMEM;
	n = recv(fd, buf, MAMS_CTL_MAX_BYTES, MSG_TRUNC);
	if (n <= 0 || n > (ssize_t)MAMS_CTL_MAX_BYTES) {
		int rc = n < 0 ? -errno : n == 0 ? -ECONNRESET : -MAMS_ELIMIT;

		free(buf);
		return rc;
	}
	buf[n] = '\0';
	*out = buf;
	*out_len = (size_t)n;
	return 0;
}

int mams_ctl_call(
	const char *path, const char *data, size_t len, int timeout_ms, char **out, size_t *out_len)
{
	MAMS_AUTO_FD int fd = -1;
	struct timeval limit = {.tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000};
	struct sockaddr_un sa;
	int rc = fill_address(path, &sa);

	if (rc < 0)
		return rc;
	if (len == 0 || len > MAMS_CTL_MAX_BYTES)
		return -MAMS_ELIMIT;
	fd = open_socket(0);
	if (fd < 0)
		return fd;
	/* covers a connect that waits for a full backlog, too */
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) < 0 ||
		connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	if (send(fd, data, len, MSG_NOSIGNAL) < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	return receive_answer(fd, timeout_ms, out, out_len);
}
