/* A connection is ours until the answer 101, and then its owner's: from there on only the pipe
 * knows it. */
#include "lib/io/wsd.h"

#include "lib/base/buf.h"
#include "lib/base/log.h"
#include "lib/io/gate.h"
#include "lib/io/httpd_listen.h"
#include "lib/io/peers.h"
#include "lib/io/shakes.h"
#include "lib/io/ws_handshake.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#define LOG_MODULE "wsd"
#define SWEEP_MS 100
#define REQUESTS_MAX 3 /* on one connection: a challenge, a stale nonce, the right answer */

struct wsd_counters {
	uint64_t accepted;
	uint64_t refused_limit;
	uint64_t refused_per_ip;
	uint64_t tls_failed;
	uint64_t slow;
	uint64_t bad_request;
	uint64_t unauthorized;
	uint64_t forbidden;
	uint64_t upgraded;
	uint64_t no_memory;
	uint64_t expelled;
};

#define ROW(field, name, help)                                                                     \
	{                                                                                          \
		name, help, MAMS_COUNTER, offsetof(struct wsd_counters, field)                     \
	}
const struct mams_metric mams_wsd_metrics[] = {
	ROW(accepted, "wss_accepted_total", "TCP connections accepted."),
	ROW(refused_limit, "wss_refused_connection_limit_total",
		"Connections refused: too many in all."),
	ROW(refused_per_ip, "wss_refused_address_limit_total",
		"Connections refused: too many from one address."),
	ROW(tls_failed, "wss_tls_failed_total", "Connections that ended in the TLS handshake."),
	ROW(slow, "wss_slow_handshakes_total", "Connections closed: no upgrade in time."),
	ROW(bad_request, "wss_bad_requests_total",
		"400, 404, 405, 426: not an opening handshake of RFC 6455 for our path."),
	ROW(unauthorized, "wss_unauthorized_total",
		"401: no credentials yet (as each Digest exchange begins), stale, or wrong."),
	ROW(forbidden, "wss_forbidden_total", "403: bad client certificate, or none."),
	ROW(upgraded, "wss_upgraded_total", "101: clients let in."),
	ROW(no_memory, "wss_no_memory_total", "Connections lost: out of memory."),
	ROW(expelled, "wss_expelled_total",
		"Connections ended: certificate revoked, or user removed."),
};
const size_t mams_wsd_n_metrics = MAMS_ARRAY_LEN(mams_wsd_metrics);

enum phase { TLS, REQUEST, CLOSING, OPEN };

struct conn {
	struct mams_wsd *d;
	int fd;
	unsigned ticket; /* of httpd_listen */
	struct mams_addr peer;
	gnutls_session_t tls;
	enum phase phase;
	mams_time deadline;
	struct mams_loop_fd *watch;
	struct mams_shake shake;
	struct mams_peer *counted;
	unsigned requests;
	char *identity; /* when OPEN */
	char *in;       /* while a request is read; then what came after it */
	size_t in_len;
	size_t in_used;
	struct mams_buf out;
	size_t out_sent;
	bool half_sent; /* GnuTLS holds a record that the socket did not take */
	TAILQ_ENTRY(conn) link;
};

TAILQ_HEAD(conn_list, conn);

struct mams_wsd {
	struct mams_loop *loop;
	mams_wsd_fn fn;
	void *user;
	char *path;
	struct mams_httpd_opts opts; /* its numbers only */
	struct mams_gate *gate;
	struct mams_httpd_listen *listen;
	struct mams_loop_timer *sweep;
	struct mams_shakes shakes;
	struct mams_peers peers;
	struct conn_list conns;
	size_t n_conns;
	struct mams_log_rl refused;
	struct wsd_counters counters;
};

const void *mams_wsd_counters(const struct mams_wsd *d)
{
	return &d->counters;
}

/* ---- a connection's end ---- */

static void conn_free(struct conn *c)
{
	if (c->d->listen)
		mams_httpd_listen_settled(c->d->listen, c->ticket);
	TAILQ_REMOVE(&c->d->conns, c, link);
	c->d->n_conns--;
	mams_peers_leave(&c->d->peers, c->counted);
	mams_shakes_drop(&c->d->shakes, &c->shake);
	mams_loop_fd_del(c->watch);
	gnutls_deinit(c->tls);
	close(c->fd);
	mams_buf_fini(&c->out);
	free(c->in);
	free(c->identity);
	free(c);
}

static void log_refused(struct conn *c, const char *why)
{
	char text[MAMS_ADDR_STRLEN];

	mams_log_limited(&c->d->refused, mams_loop_now(c->d->loop), MAMS_LOG_WARN, LOG_MODULE,
		"client refused peer=%s reason=\"%s\"", mams_addr_str(&c->peer, text), why);
}

/* ---- octets ---- */

static ssize_t tls_recv(struct conn *c, void *out, size_t size)
{
	ssize_t n;

	do {
		n = gnutls_record_recv(c->tls, out, size);
	} while (n == GNUTLS_E_INTERRUPTED || n == GNUTLS_E_WARNING_ALERT_RECEIVED);
	if (n == GNUTLS_E_AGAIN)
		return -EAGAIN;
	return n < 0 ? -ECONNRESET : n;
}

static ssize_t tls_send(struct conn *c, const void *data, size_t len)
{
	ssize_t n;

	do {
		n = c->half_sent ? gnutls_record_send(c->tls, NULL, 0)
				 : gnutls_record_send(c->tls, data, len);
	} while (n == GNUTLS_E_INTERRUPTED);
	c->half_sent = n == GNUTLS_E_AGAIN;
	if (n == GNUTLS_E_AGAIN)
		return -EAGAIN;
	return n < 0 ? -ECONNRESET : n;
}

/* What is queued of our answers.  @return 0, -EAGAIN, -ECONNRESET */
static int flush(struct conn *c)
{
	while (c->out_sent < c->out.len) {
		ssize_t n = tls_send(c, c->out.data + c->out_sent, c->out.len - c->out_sent);

		if (n < 0)
			return (int)n;
		c->out_sent += (size_t)n;
	}
	mams_buf_fini(&c->out);
	c->out = (struct mams_buf){0};
	c->out_sent = 0;
	return 0;
}

static ssize_t pipe_recv(void *io, void *out, size_t size)
{
	struct conn *c = io;
	size_t left = c->in_len - c->in_used;

	if (left > 0) {
		size = size < left ? size : left;
		memcpy(out, c->in + c->in_used, size);
		c->in_used += size;
		return (ssize_t)size;
	}
	free(c->in);
	c->in = NULL;
	return tls_recv(c, out, size);
}

static ssize_t pipe_send(void *io, const void *data, size_t len)
{
	struct conn *c = io;
	int rc = flush(c);

	return rc < 0 ? rc : tls_send(c, data, len);
}

static void pipe_close(void *io)
{
	struct conn *c = io;

	(void)gnutls_bye(c->tls, GNUTLS_SHUT_WR);
	conn_free(c);
}

/* ---- the answer ---- */

static void say(struct conn *c, unsigned status, const char *reason, const char *headers)
{
	mams_buf_printf(&c->out, "HTTP/1.1 %u %s\r\n%s%s\r\n", status, reason, headers,
		status == 101 ? "" : "Content-Length: 0\r\nCache-Control: no-store\r\n");
}

static void refuse(struct conn *c, unsigned status, const char *reason, const char *headers)
{
	char text[MAMS_DIGEST_HEADER_MAX + 64];

	snprintf(text, sizeof(text), "%sConnection: close\r\n", headers);
	say(c, status, reason, text);
	c->phase = CLOSING;
}

static void challenge(struct conn *c, bool stale)
{
	char value[MAMS_DIGEST_HEADER_MAX];
	char header[MAMS_DIGEST_HEADER_MAX + 32];

	c->d->counters.unauthorized++;
	mams_gate_challenge(c->d->gate, mams_loop_now(c->d->loop), stale, value);
	snprintf(header, sizeof(header), "WWW-Authenticate: %s\r\n", value);
	if (c->requests < REQUESTS_MAX)
		say(c, 401, "Unauthorized", header);
	else
		refuse(c, 401, "Unauthorized", header);
}

/* @return false when it has been answered with a refusal */
static bool authenticate(struct conn *c, const struct mams_ws_ask *a, char *identity)
{
	const struct mams_digest_request req = {
		.method = a->method, .target = a->target, .authorization = a->authorization};
	char why[64] = "";
	enum mams_httpd_verdict v =
		mams_gate_check(c->d->gate, c->tls, &req, mams_loop_now(c->d->loop), identity, why);

	if (v == MAMS_HTTPD_AUTH_OK)
		return true;
	if (why[0])
		log_refused(c, why);
	if (v == MAMS_HTTPD_AUTH_CERT_BAD || !mams_gate_has_users(c->d->gate)) {
		c->d->counters.forbidden++;
		refuse(c, 403, "Forbidden", "");
	} else {
		challenge(c, v == MAMS_HTTPD_AUTH_STALE);
	}
	return false;
}

static bool is_handshake(struct conn *c, const struct mams_ws_ask *a)
{
	if (strcmp(a->target, c->d->path) != 0)
		refuse(c, 404, "Not Found", "");
	else if (strcmp(a->method, "GET") != 0)
		refuse(c, 405, "Method Not Allowed", "Allow: GET\r\n");
	else if (!a->upgrades)
		refuse(c, 426, "Upgrade Required",
			"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n");
	else if (!a->key || !mams_ws_key_is_good(a->key) || a->has_body)
		refuse(c, 400, "Bad Request", "");
	else
		return true;
	c->d->counters.bad_request++;
	return false;
}

/* Only a client that has proved who he is learns what there is. */
static bool answer(struct conn *c, const struct mams_ws_ask *a, char *identity)
{
	char accept[MAMS_WS_ACCEPT_LEN + 1];
	char headers[160];

	c->requests++;
	if (!authenticate(c, a, identity) || !is_handshake(c, a))
		return false;
	if (mams_ws_accept(a->key, accept) < 0) {
		refuse(c, 503, "Service Unavailable", "");
		return false;
	}
	snprintf(headers, sizeof(headers),
		"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n",
		accept);
	say(c, 101, "Switching Protocols", headers);
	return true;
}

static void hand_over(struct conn *c, const char *identity)
{
	const struct mams_pipe pipe = {
		.recv = pipe_recv, .send = pipe_send, .close = pipe_close, .io = c, .fd = c->fd};

	c->identity = strdup(identity);
	if (!c->identity) {
		c->d->counters.no_memory++;
		conn_free(c);
		return;
	}
	c->d->counters.upgraded++;
	c->phase = OPEN;
	c->deadline = MAMS_TIME_NEVER;
	mams_loop_fd_del(c->watch);
	c->watch = NULL;
	c->d->fn(c->d->user, identity, &c->peer, &pipe);
}

/* ---- a turn ---- */

static int shake(struct conn *c)
{
	int rc;

	do {
		rc = gnutls_handshake(c->tls);
	} while (rc < 0 && rc != GNUTLS_E_AGAIN && !gnutls_error_is_fatal(rc));
	if (rc == GNUTLS_E_AGAIN)
		return -EAGAIN;
	if (rc < 0) {
		c->d->counters.tls_failed++;
		return -ECONNRESET;
	}
	c->in = malloc(MAMS_WS_REQUEST_MAX);
	if (!c->in) {
		c->d->counters.no_memory++;
		return -ENOMEM;
	}
	c->phase = REQUEST;
	mams_httpd_listen_settled(c->d->listen, c->ticket);
	return 0;
}

/* @return 0: a request was answered, 1: and its sender let in; -EAGAIN; -ECONNRESET */
static int take_request(struct conn *c, char *identity)
{
	struct mams_ws_ask ask;
	ssize_t n = tls_recv(c, c->in + c->in_len, MAMS_WS_REQUEST_MAX - c->in_len);
	bool in;
	int rc;

	if (n <= 0)
		return n == 0 ? -ECONNRESET : (int)n;
	c->in_len += (size_t)n;
	rc = mams_ws_ask(c->in, c->in_len, &ask);
	if (rc == -EAGAIN)
		return rc;
	if (rc < 0) {
		c->d->counters.bad_request++;
		refuse(c, 400, "Bad Request", "");
		return 0;
	}
	in = answer(c, &ask, identity);
	c->in_len -= ask.len;
	memmove(c->in, c->in + ask.len, c->in_len);
	return in ? 1 : 0;
}

static int step(struct conn *c, char *identity)
{
	int rc = c->phase == TLS ? shake(c) : 0;

	while (rc == 0) {
		rc = flush(c);
		if (rc == 0 && c->phase == CLOSING) {
			(void)gnutls_bye(c->tls, GNUTLS_SHUT_WR);
			return -ECONNRESET;
		}
		if (rc == 0)
			rc = take_request(c, identity);
		if (c->out.failed)
			return -ENOMEM;
	}
	/* the socket's buffer is empty: what does not fit into it now never will */
	return rc == 1 && flush(c) < 0 ? -ECONNRESET : rc;
}

static void wait(struct conn *c)
{
	if (c->phase == TLS)
		mams_httpd_listen_waits(c->d->listen, c->ticket, false);
	mams_loop_fd_set(
		c->watch, gnutls_record_get_direction(c->tls) ? MAMS_LOOP_WRITE : MAMS_LOOP_READ);
}

static void turn(struct conn *c)
{
	char identity[MAMS_HTTPD_IDENTITY_MAX];
	int rc = step(c, identity);

	if (rc == 1)
		hand_over(c, identity);
	else if (rc != -EAGAIN)
		conn_free(c);
	else
		wait(c);
}

static void shake_step(void *user, struct mams_shake *s)
{
	struct conn *c = (struct conn *)(void *)((char *)s - offsetof(struct conn, shake));

	(void)user;
	if (mams_shakes_is_gone(c->fd)) {
		c->d->counters.tls_failed++;
		conn_free(c);
		return;
	}
	turn(c);
}

static void conn_event(void *user, int fd, unsigned events)
{
	struct conn *c = user;

	(void)fd;
	(void)events;
	if (c->phase != TLS) {
		turn(c);
		return;
	}
	mams_loop_fd_set(c->watch, 0);
	mams_httpd_listen_waits(c->d->listen, c->ticket, true);
	mams_shakes_put(&c->d->shakes, &c->shake);
}

static void sweep(void *user)
{
	struct mams_wsd *d = user;
	mams_time now = mams_loop_now(d->loop);
	struct conn *next;
	bool waiting = false;

	/* the newest stand at the end, those handed over have no deadline */
	for (struct conn *c = TAILQ_FIRST(&d->conns); c; c = next) {
		next = TAILQ_NEXT(c, link);
		if (!mams_time_before(now, c->deadline)) {
			d->counters.slow++;
			log_refused(c, "no upgrade in time");
			conn_free(c);
		} else if (c->phase != OPEN) {
			waiting = true;
		}
	}
	mams_loop_timer_at(d->sweep, waiting ? mams_time_add_ms(now, SWEEP_MS) : MAMS_TIME_NEVER);
}

/* ---- accept ---- */

/* @return false: it is full, or there is no memory */
static bool count(struct mams_wsd *d, const struct mams_addr *peer, struct mams_peer **out)
{
	int rc;

	if (d->n_conns >= d->opts.max_connections) {
		d->counters.refused_limit++;
		return false;
	}
	rc = mams_peers_enter(&d->peers, peer, NULL, d->opts.max_per_ip, out);
	d->counters.refused_per_ip += rc == -MAMS_ELIMIT;
	d->counters.no_memory += rc == -ENOMEM;
	return rc == 0;
}

static void accepted(
	void *user, int fd, const struct sockaddr_storage *sa, socklen_t len, unsigned ticket)
{
	struct mams_wsd *d = user;
	struct mams_addr peer = {0};
	struct mams_peer *counted = NULL;
	struct conn *c = NULL;

	(void)len;
	if (mams_addr_from_sa((const struct sockaddr *)sa, &peer) < 0 ||
		!count(d, &peer, &counted)) {
		mams_httpd_listen_settled(d->listen, ticket);
		close(fd);
		return;
	}
	c = calloc(1, sizeof(*c));
	if (c) {
		*c = (struct conn){
			.d = d, .fd = fd, .peer = peer, .counted = counted, .ticket = ticket};
		c->deadline = mams_time_add_ms(mams_loop_now(d->loop), d->opts.request_ms);
	}
	if (!c || mams_gate_session(d->gate, fd, &c->tls) < 0 ||
		mams_loop_fd_add(d->loop, fd, MAMS_LOOP_READ, conn_event, c, &c->watch) < 0) {
		d->counters.no_memory++;
		mams_httpd_listen_settled(d->listen, ticket);
		mams_peers_leave(&d->peers, counted);
		close(fd);
		if (c && c->tls)
			gnutls_deinit(c->tls);
		free(c);
		return;
	}
	d->counters.accepted++;
	d->n_conns++;
	TAILQ_INSERT_TAIL(&d->conns, c, link);
	mams_loop_timer_at(d->sweep, mams_time_add_ms(mams_loop_now(d->loop), SWEEP_MS));
}

/* ---- start and end ---- */

int mams_wsd_new(struct mams_loop *l, const struct mams_httpd_opts *opts, const char *path,
	mams_wsd_fn fn, void *user, struct mams_wsd **out, struct mams_error *err)
{
	static const struct mams_httpd_path none;
	struct mams_wsd *d = calloc(1, sizeof(*d));
	int rc;

	if (!d)
		return -ENOMEM;
	d->loop = l;
	d->fn = fn;
	d->user = user;
	TAILQ_INIT(&d->conns);
	d->opts.request_ms = opts->request_ms ? opts->request_ms : 10000;
	d->opts.max_connections = opts->max_connections ? opts->max_connections : 1024;
	d->opts.max_per_ip = opts->max_per_ip ? opts->max_per_ip : 64;
	d->path = strdup(path);
	rc = mams_shakes_init(&d->shakes, l, shake_step, d);
	if (rc == 0)
		rc = d->path ? mams_gate_new(opts, &d->gate, err) : -ENOMEM;
	if (rc == 0)
		rc = mams_loop_timer_new(l, sweep, d, &d->sweep);
	if (rc == 0)
		rc = mams_httpd_listen_open(
			l, opts->listen, opts->n_listen, &none, accepted, d, &d->listen, err);
	if (rc < 0)
		mams_wsd_free(d);
	else
		*out = d;
	return rc;
}

void mams_wsd_free(struct mams_wsd *d)
{
	struct conn *c;

	if (!d)
		return;
	mams_httpd_listen_close(d->listen);
	d->listen = NULL;
	while ((c = TAILQ_FIRST(&d->conns)) != NULL)
		conn_free(c);
	mams_shakes_fini(&d->shakes);
	mams_loop_timer_del(d->sweep);
	mams_gate_free(d->gate);
	free(d->path);
	free(d);
}

/* Its owner finds the end of the stream, after the farewell that fn may send. */
static void expel(struct conn *c, mams_expelled_fn fn, void *user)
{
	c->d->counters.expelled++;
	log_refused(c, "not let in any more");
	if (fn)
		fn(user, c->identity);
	shutdown(c->fd, SHUT_RDWR);
}

int mams_wsd_reload(struct mams_wsd *d, mams_expelled_fn fn, void *user, struct mams_error *err)
{
	int rc = mams_gate_reload(d->gate, err);
	struct conn *c;

	TAILQ_FOREACH(c, &d->conns, link)
	{
		if (c->phase == OPEN && !mams_gate_still(d->gate, c->tls, c->identity))
			expel(c, fn, user);
	}
	return rc;
}
