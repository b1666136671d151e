/* WebSocket frames, as server and as client, through a pipe of memory: the first octet chooses the
 * role, the second how many octets come at a time. */
#include "lib/io/ws.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct end {
	struct mams_loop *l;
	struct mams_ws *ws;
	const uint8_t *data;
	size_t left;
	size_t step;
	int fd;
	bool closed;
};

static ssize_t pipe_recv(void *io, void *out, size_t size)
{
	struct end *e = io;
	size_t n = size < e->step ? size : e->step;

	n = n < e->left ? n : e->left;
	if (n == 0)
		return 0; /* the end */
	memcpy(out, e->data, n);
	e->data += n;
	e->left -= n;
	return (ssize_t)n;
}

static ssize_t pipe_send(void *io, const void *data, size_t len)
{
	(void)io;
	(void)data;
	return (ssize_t)len;
}

static void pipe_close(void *io)
{
	struct end *e = io;

	if (e->closed)
		abort();
	e->closed = true;
	close(e->fd);
}

static void on_message(void *user, const char *text, size_t len)
{
	struct end *e = user;

	(void)!mams_ws_send(e->ws, text, len);
}

static void on_closed(void *user, unsigned code)
{
	struct end *e = user;

	(void)code;
	mams_ws_free(e->ws);
	e->ws = NULL;
	mams_loop_stop(e->l);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct mams_ws_opts opts = {.message_max = 4096};
	static const struct mams_ws_ops ops = {.message = on_message, .closed = on_closed};
	struct mams_ws_counters counters = {0};
	struct end e = {0};
	struct mams_pipe pipe = {
		.recv = pipe_recv, .send = pipe_send, .close = pipe_close, .io = &e};

	if (size < 2 || mams_loop_new(&e.l) < 0)
		return 0;
	e.data = data + 2;
	e.left = size - 2;
	e.step = data[1] ? data[1] : 4096;
	e.fd = pipe.fd = eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC); /* always readable */
	if (mams_ws_new(e.l, &pipe, data[0] & 1, &opts, &ops, &e, &counters, &e.ws) < 0)
		abort();
	mams_loop_run(e.l); /* the end of the data ends the connection */
	mams_loop_free(e.l);
	if (!e.closed || counters.open != 0)
		abort();
	return 0;
}
