/* The opening handshake of a WebSocket, on a connection that libcurl makes. */
#include "lib/io/digest.h"
#include "lib/io/httpc_private.h"
#include "lib/io/ws_handshake.h"

#include <errno.h>
#include <string.h>

#define LOG_MODULE "httpc"
#define AUTHORIZATION_MAX 3072

struct mams_httpc_ws {
	struct mams_httpc *client;
	struct mams_httpc_pipe *attempt; /* NULL: over */
	struct mams_pipe pipe;           /* io NULL: not connected */
	char *path;
	mams_httpc_ws_fn cb; /* NULL: the handshake is over */
	void *user;
	struct mams_loop_timer *timer;
	struct mams_loop_fd *watch;
	bool answered; /* a challenge */
	char key[MAMS_WS_KEY_LEN + 1];
	struct mams_buf out;
	size_t out_sent;
	char in[MAMS_WS_RESPONSE_MAX];
	size_t in_len;
	size_t in_used; /* what follows are frames */
};

static void release(void *user)
{
	struct mams_httpc_ws *x = user;

	mams_wipe(x->out.data, x->out.len);
	mams_buf_fini(&x->out);
	mams_httpc_unref(x->client);
	free(x->path);
	free(x);
}

/* Not at once: we may be on the stack. */
static void let_go(struct mams_httpc_ws *x)
{
	mams_loop_fd_del(x->watch);
	x->watch = NULL;
	mams_loop_timer_del(x->timer);
	x->timer = NULL;
	x->cb = NULL;
	mams_httpc_pipe_cancel(x->attempt);
	x->attempt = NULL;
	if (x->pipe.io)
		x->pipe.close(x->pipe.io);
	x->pipe.io = NULL;
	if (mams_loop_defer(x->client->loop, release, x) < 0)
		log_err("a connection is lost to its owner, out of memory");
}

/* ---- the pipe ---- */

static ssize_t pipe_recv(void *io, void *out, size_t size)
{
	struct mams_httpc_ws *x = io;
	size_t left = x->in_len - x->in_used;

	if (left == 0)
		return x->pipe.recv(x->pipe.io, out, size);
	size = size < left ? size : left;
	memcpy(out, x->in + x->in_used, size);
	x->in_used += size;
	return (ssize_t)size;
}

static ssize_t pipe_send(void *io, const void *data, size_t len)
{
	const struct mams_httpc_ws *x = io;

	return x->pipe.send(x->pipe.io, data, len);
}

static void pipe_close(void *io)
{
	let_go(io);
}

/* ---- the handshake ---- */

static void fail(struct mams_httpc_ws *x, int status, const char *why)
{
	struct mams_httpc *c = x->client;
	mams_httpc_ws_fn cb = x->cb;
	void *user = x->user;

	if (status < 0)
		mams_log_limited(&c->failures, mams_loop_now(c->loop), MAMS_LOG_WARN, LOG_MODULE,
			"no WebSocket server=%s path=%s error=\"%s\"", c->base_url, x->path, why);
	let_go(x);
	cb(user, status, NULL);
}

static void succeed(struct mams_httpc_ws *x)
{
	const struct mams_pipe pipe = {.recv = pipe_recv,
		.send = pipe_send,
		.close = pipe_close,
		.io = x,
		.fd = x->pipe.fd};
	mams_httpc_ws_fn cb = x->cb;

	x->cb = NULL;
	mams_loop_fd_del(x->watch);
	x->watch = NULL;
	mams_loop_timer_del(x->timer);
	x->timer = NULL;
	cb(x->user, 101, &pipe);
}

static int write_request(struct mams_httpc_ws *x, const char *challenge)
{
	struct mams_httpc *c = x->client;
	const char *host = c->base_url + strlen("https://");
	char authorization[AUTHORIZATION_MAX];
	int rc = 0;

	mams_buf_clear(&x->out);
	x->out_sent = 0;
	x->in_len = 0;
	if (challenge)
		rc = mams_digest_answer(challenge, c->user, c->password, "GET", x->path,
			authorization, sizeof(authorization));
	if (rc == 0)
		rc = mams_ws_make_key(x->key);
	if (rc == 0)
		mams_ws_request(&x->out, host, x->path, x->key, challenge ? authorization : NULL);
	if (rc == 0 && x->out.failed)
		rc = -ENOMEM;
	if (rc == 0)
		mams_loop_fd_set(x->watch, MAMS_LOOP_READ | MAMS_LOOP_WRITE);
	return rc;
}

static void take_response(struct mams_httpc_ws *x, const struct mams_ws_response *r)
{
	struct mams_httpc *c = x->client;
	char accept[MAMS_WS_ACCEPT_LEN + 1];

	if (r->status == 401 && c->user && !x->answered && r->challenge[0] && !r->closes) {
		x->answered = true;
		if (write_request(x, r->challenge) < 0)
			fail(x, -MAMS_EPEER, "the server's Digest challenge is not usable");
		return;
	}
	if (r->status != 101) {
		fail(x, (int)r->status, "");
		return;
	}
	if (!r->upgrades || mams_ws_accept(x->key, accept) < 0 || strcmp(accept, r->accept) != 0) {
		fail(x, -MAMS_EPEER, "the server's upgrade does not fit our request");
		return;
	}
	x->in_used = r->len;
	succeed(x);
}

static int flush(struct mams_httpc_ws *x)
{
	while (x->out_sent < x->out.len) {
		ssize_t n = pipe_send(x, x->out.data + x->out_sent, x->out.len - x->out_sent);

		if (n < 0)
			return (int)n;
		x->out_sent += (size_t)n;
	}
	mams_loop_fd_set(x->watch, MAMS_LOOP_READ);
	return 0;
}

static void handshake_event(void *user, int fd, unsigned events)
{
	struct mams_httpc_ws *x = user;
	struct mams_ws_response r;
	ssize_t n;
	int rc = flush(x);

	(void)fd;
	(void)events;
	if (rc < 0 && rc != -EAGAIN) {
		fail(x, rc, "connection lost");
		return;
	}
	n = x->pipe.recv(x->pipe.io, x->in + x->in_len, sizeof(x->in) - x->in_len);
	if (n == -EAGAIN)
		return;
	if (n <= 0) {
		fail(x, -ECONNRESET, "connection lost");
		return;
	}
	x->in_len += (size_t)n;
	rc = mams_ws_response(x->in, x->in_len, &r);
	if (rc == 0)
		take_response(x, &r);
	else if (rc != -EAGAIN)
		fail(x, -MAMS_EPEER, "the server's answer is not HTTP/1.1");
}

static void connected(void *user, int status, const char *why, const struct mams_pipe *pipe)
{
	struct mams_httpc_ws *x = user;
	int rc;

	x->attempt = NULL;
	if (status < 0) {
		fail(x, status, why);
		return;
	}
	x->pipe = *pipe;
	rc = mams_loop_fd_add(x->client->loop, pipe->fd, 0, handshake_event, x, &x->watch);
	if (rc == 0)
		rc = write_request(x, NULL);
	if (rc < 0)
		fail(x, rc, mams_strerror(rc));
}

static void too_late(void *user)
{
	fail(user, -ETIMEDOUT, "the opening handshake takes too long");
}

int mams_httpc_ws_open(struct mams_httpc *c, const char *path, unsigned timeout_ms,
	mams_httpc_ws_fn cb, void *user, struct mams_httpc_ws **out)
{
	struct mams_httpc_ws *x = calloc(1, sizeof(*x));
	int rc = -ENOMEM;

	if (!x)
		return -ENOMEM;
	mams_httpc_ref(c);
	x->client = c;
	x->cb = cb;
	x->user = user;
	x->path = strdup(path);
	if (x->path)
		rc = mams_loop_timer_new(c->loop, too_late, x, &x->timer);
	if (rc == 0)
		rc = mams_httpc_pipe_open(c, connected, x, &x->attempt);
	if (rc < 0) {
		mams_loop_timer_del(x->timer);
		release(x);
		return rc;
	}
	mams_loop_timer_at(x->timer, mams_time_add_ms(mams_loop_now(c->loop), timeout_ms));
	*out = x;
	return 0;
}

void mams_httpc_ws_cancel(struct mams_httpc_ws *x)
{
	if (x)
		let_go(x);
}
