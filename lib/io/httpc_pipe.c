/* libcurl makes the connection (TCP, TLS, certificates, binding) and then stays out of the way:
 * CONNECT_ONLY.  The multi handle is this connection's own, because libcurl closes connections it
 * takes for idle when others of the same handle are made. */
#include "lib/io/httpc_private.h"

#include <errno.h>

#define LOG_MODULE "httpc"

struct mams_httpc_pipe {
	struct mams_httpc *client;
	struct curl_slist *via; /* our own: the client may get another one meanwhile */
	struct mams_httpc_pools *pools;
	struct mams_httpc_pool *pool; /* NULL: easy is in none */
	CURL *easy;
	mams_httpc_pipe_fn cb; /* NULL: told */
	void *user;
	char error[CURL_ERROR_SIZE];
};

static void release(void *user)
{
	struct mams_httpc_pipe *x = user;

	if (x->pool)
		mams_httpc_pool_remove(x->pool, x->easy);
	curl_easy_cleanup(x->easy);
	mams_httpc_pools_free(x->pools);
	curl_slist_free_all(x->via);
	mams_httpc_unref(x->client);
	free(x);
}

/* Not at once: libcurl may be on the stack. */
static void let_go(void *io)
{
	struct mams_httpc_pipe *x = io;

	x->cb = NULL;
	if (mams_loop_defer(x->client->loop, release, x) < 0)
		log_err("a connection is lost to its owner, out of memory");
}

static ssize_t pipe_recv(void *io, void *out, size_t size)
{
	struct mams_httpc_pipe *x = io;
	size_t n = 0;
	CURLcode code = curl_easy_recv(x->easy, out, size, &n);

	if (code == CURLE_AGAIN)
		return -EAGAIN;
	return code == CURLE_OK ? (ssize_t)n : -ECONNRESET;
}

static ssize_t pipe_send(void *io, const void *data, size_t len)
{
	struct mams_httpc_pipe *x = io;
	size_t n = 0;
	CURLcode code = curl_easy_send(x->easy, data, len, &n);

	if (code == CURLE_AGAIN || (code == CURLE_OK && n == 0))
		return -EAGAIN;
	return code == CURLE_OK ? (ssize_t)n : -ECONNRESET;
}

static void connected(void *user, CURL *easy, CURLcode code)
{
	struct mams_httpc_pipe *x = user;
	struct mams_pipe pipe = {
		.recv = pipe_recv, .send = pipe_send, .close = let_go, .io = x, .fd = -1};
	mams_httpc_pipe_fn cb = x->cb;
	curl_socket_t fd = CURL_SOCKET_BAD;

	if (!cb)
		return;
	if (code == CURLE_OK)
		curl_easy_getinfo(easy, CURLINFO_ACTIVESOCKET, &fd);
	x->cb = NULL;
	pipe.fd = fd;
	if (fd != CURL_SOCKET_BAD) {
		cb(x->user, 0, "", &pipe);
		return;
	}
	cb(x->user, code == CURLE_OK ? -EBADF : mams_httpc_error(code),
		x->error[0] ? x->error : curl_easy_strerror(code), NULL);
	let_go(x);
}

static int start(struct mams_httpc_pipe *x, struct mams_httpc *c)
{
	int rc = mams_httpc_pools_new(c->loop, connected, x, &x->pools);

	if (rc < 0)
		return rc;
	if (c->via) {
		x->via = curl_slist_append(NULL, c->via->data);
		if (!x->via)
			return -ENOMEM;
	}
	mams_httpc_set_up(c, x->easy, c->interface);
	curl_easy_setopt(x->easy, CURLOPT_CONNECT_TO, x->via);
	curl_easy_setopt(x->easy, CURLOPT_URL, c->base_url);
	curl_easy_setopt(x->easy, CURLOPT_CONNECT_ONLY, 1L);
	curl_easy_setopt(x->easy, CURLOPT_ERRORBUFFER, x->error);
	return mams_httpc_pools_add(x->pools, x->easy, &x->pool);
}

int mams_httpc_pipe_open(
	struct mams_httpc *c, mams_httpc_pipe_fn cb, void *user, struct mams_httpc_pipe **out)
{
	struct mams_httpc_pipe *x = calloc(1, sizeof(*x));
	int rc = -ENOMEM;

	if (!x)
		return -ENOMEM;
	mams_httpc_ref(c);
	x->client = c;
	x->cb = cb;
	x->user = user;
	x->easy = curl_easy_init();
	if (x->easy)
		rc = start(x, c);
	if (rc < 0)
		release(x);
	else
		*out = x;
	return rc;
}

void mams_httpc_pipe_cancel(struct mams_httpc_pipe *x)
{
	if (x)
		let_go(x);
}
