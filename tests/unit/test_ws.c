#include "lib/base/buf.h"
#include "lib/io/ws.h"
#include "tests/support/suite.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- one end, over a socket pair ---- */

struct end {
	struct mams_loop *l;
	struct mams_ws *ws;
	struct mams_ws_counters counters;
	struct mams_buf got; /* the last message */
	unsigned messages;
	unsigned code; /* of the end; 0: still open */
	bool echo;
	bool free_on_message;
};

static void on_message(void *user, const char *text, size_t len)
{
	struct end *e = user;

	e->messages++;
	mams_buf_clear(&e->got);
	mams_buf_add(&e->got, text, len);
	if (e->echo)
		CU_ASSERT_EQUAL(mams_ws_send(e->ws, text, len), 0);
	if (e->free_on_message) {
		mams_ws_free(e->ws);
		e->ws = NULL;
	}
}

static void on_closed(void *user, unsigned code)
{
	struct end *e = user;

	e->code = code;
	mams_ws_free(e->ws);
	e->ws = NULL;
	mams_loop_stop(e->l);
}

static const struct mams_ws_ops end_ops = {.message = on_message, .closed = on_closed};

static ssize_t fd_recv(void *io, void *out, size_t size)
{
	ssize_t n = recv(*(int *)io, out, size, MSG_DONTWAIT);

	return n >= 0 ? n : -errno;
}

static ssize_t fd_send(void *io, const void *data, size_t len)
{
	ssize_t n = send(*(int *)io, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);

	return n >= 0 ? n : -errno;
}

static void fd_close(void *io)
{
	close(*(int *)io);
	free(io);
}

static void stop(void *user)
{
	mams_loop_stop(user);
}

static void run(struct mams_loop *l, int ms)
{
	struct mams_loop_timer *t;

	CU_ASSERT_EQUAL_FATAL(mams_loop_timer_new(l, stop, l, &t), 0);
	mams_loop_timer_at(t, mams_time_add_ms(mams_clock_now(), ms));
	mams_loop_run(l);
	mams_loop_timer_del(t);
}

/* A server of ours at one end; the other descriptor is returned. */
static int end_open(struct end *e, const struct mams_ws_opts *opts)
{
	int fds[2];
	int *io = malloc(sizeof(*io));
	struct mams_pipe pipe = {.recv = fd_recv, .send = fd_send, .close = fd_close, .io = io};

	*e = (struct end){.echo = true};
	CU_ASSERT_EQUAL_FATAL(mams_loop_new(&e->l), 0);
	CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	*io = pipe.fd = fds[0];
	CU_ASSERT_EQUAL_FATAL(
		mams_ws_new(e->l, &pipe, false, opts, &end_ops, e, &e->counters, &e->ws), 0);
	return fds[1];
}

static void end_close(struct end *e, int fd)
{
	mams_ws_free(e->ws);
	CU_ASSERT_EQUAL(e->counters.open, 0);
	mams_buf_fini(&e->got);
	mams_loop_free(e->l);
	close(fd);
}

/* A frame as a client writes it; mask 0: unmasked. */
static void put_frame(
	struct mams_buf *b, unsigned first, uint8_t mask, const char *data, size_t len)
{
	uint8_t head[10] = {(uint8_t)first};
	size_t n = 2;

	if (len < 126) {
		head[1] = (uint8_t)len;
	} else {
		head[1] = 127;
		for (int i = 0; i < 8; i++)
			head[n++] = (uint8_t)((uint64_t)len >> (56 - 8 * i));
	}
	head[1] |= mask ? 0x80 : 0;
	mams_buf_add(b, head, n);
	if (mask)
		mams_buf_add(b, (uint8_t[]){mask, mask, mask, mask}, 4);
	for (size_t i = 0; i < len; i++) {
		char c = (char)(data[i] ^ mask);

		mams_buf_add(b, &c, 1);
	}
}

static void send_all(int fd, struct mams_buf *b)
{
	CU_ASSERT_EQUAL(send(fd, b->data, b->len, MSG_NOSIGNAL), (ssize_t)b->len);
	mams_buf_clear(b);
}

/* What the server says when one bad frame comes. */
static void bad_frames(void)
{
	static char big[70000];
	static const struct {
		unsigned first;
		uint8_t mask;
		const char *data;
		size_t len;
		unsigned close;
	} cases[] = {
		{0x81, 0, "{}", 2, 1002},              /* not masked */
		{0x80, 0x11, "{}", 2, 1002},           /* continues nothing */
		{0xc1, 0x11, "{}", 2, 1002},           /* reserved bit */
		{0x83, 0x11, "{}", 2, 1002},           /* reserved opcode */
		{0x09, 0x11, "", 0, 1005},             /* a ping in pieces: wslay gives no code */
		{0x82, 0x11, "{}", 2, 1003},           /* binary */
		{0x81, 0x11, "\"\xff\xfe\"", 4, 1007}, /* no UTF-8 */
		{0x81, 0x11, big, sizeof(big), 1009},
	};
	struct mams_ws_opts opts = {0};
	struct mams_buf b = {0};

	memset(big, 'x', sizeof(big));
	for (size_t i = 0; i < MAMS_ARRAY_LEN(cases); i++) {
		struct end e;
		int fd = end_open(&e, &opts);
		uint8_t reply[16];

		put_frame(&b, cases[i].first, cases[i].mask, cases[i].data, cases[i].len);
		send_all(fd, &b);
		run(e.l, 50);
		CU_ASSERT_EQUAL(e.messages, 0);
		CU_ASSERT_EQUAL(recv(fd, reply, sizeof(reply), MSG_DONTWAIT),
			cases[i].close == 1005 ? 2 : 4);
		CU_ASSERT_EQUAL(reply[0], 0x88);
		if (cases[i].close != 1005)
			CU_ASSERT_EQUAL((unsigned)(reply[2] << 8 | reply[3]), cases[i].close);
		shutdown(fd, SHUT_RDWR);
		run(e.l, 2000);
		CU_ASSERT_EQUAL(e.code, cases[i].close);
		CU_ASSERT_EQUAL(e.counters.violations, 1);
		end_close(&e, fd);
	}
	mams_buf_fini(&b);
}

static void fragments_and_pings(void)
{
	struct mams_ws_opts opts = {0};
	struct end e;
	int fd = end_open(&e, &opts);
	struct mams_buf b = {0};
	uint8_t reply[64];

	put_frame(&b, 0x01, 0x22, "{\"a\"", 4);
	put_frame(&b, 0x89, 0x33, "hi", 2); /* between the pieces */
	put_frame(&b, 0x80, 0x44, ":1}", 3);
	send_all(fd, &b);
	run(e.l, 50);
	CU_ASSERT_EQUAL(e.messages, 1);
	CU_ASSERT_EQUAL(e.got.len, 7);
	CU_ASSERT_NSTRING_EQUAL(e.got.data, "{\"a\":1}", 7);
	/* pong first, then the echo */
	CU_ASSERT_EQUAL(recv(fd, reply, sizeof(reply), MSG_DONTWAIT), 4 + 9);
	CU_ASSERT_EQUAL(memcmp(reply, "\x8a\x02hi\x81\x07{\"a\":1}", 13), 0);
	put_frame(&b, 0x88, 0x55, "\x03\xe8", 2);
	send_all(fd, &b);
	run(e.l, 1000);
	CU_ASSERT_EQUAL(e.code, 1000);
	CU_ASSERT_EQUAL(e.counters.closed_by_peer, 1);
	CU_ASSERT_EQUAL(recv(fd, reply, sizeof(reply), MSG_DONTWAIT), 4);
	mams_buf_fini(&b);
	end_close(&e, fd);
}

static void silence(void)
{
	struct mams_ws_opts opts = {.silence_ms = 60, .message_ms = 100};
	struct end e;
	int fd = end_open(&e, &opts);
	uint8_t reply[16];

	run(e.l, 1000);
	CU_ASSERT_EQUAL(e.code, 1006);
	CU_ASSERT_EQUAL(e.counters.silent, 1);
	CU_ASSERT_EQUAL(e.counters.pings, 1);
	CU_ASSERT_EQUAL(recv(fd, reply, sizeof(reply), MSG_DONTWAIT), 2);
	CU_ASSERT_EQUAL(reply[0], 0x89);
	end_close(&e, fd);
}

/* A message begun and never finished, kept alive by pongs. */
static void slow_sender(void)
{
	struct mams_ws_opts opts = {.silence_ms = 1000, .message_ms = 100};
	struct end e;
	int fd = end_open(&e, &opts);
	struct mams_buf b = {0};

	for (int i = 0; i < 20 && !e.code; i++) {
		put_frame(&b, i ? 0x00 : 0x01, 0x66, "x", 1);
		send_all(fd, &b);
		run(e.l, 20);
	}
	CU_ASSERT_EQUAL(e.code, 1006);
	CU_ASSERT_EQUAL(e.counters.slow, 1);
	CU_ASSERT_EQUAL(e.messages, 0);
	mams_buf_fini(&b);
	end_close(&e, fd);
}

/* A peer that sends pings and reads nothing costs no more than a few pongs. */
static void ping_flood(void)
{
	struct mams_ws_opts opts = {.silence_ms = 5000, .message_ms = 5000};
	struct end e;
	int fd = end_open(&e, &opts);
	struct mams_buf b = {0};
	size_t sent = 0;

	put_frame(&b, 0x89, 0x77, "0123456789012345678901234567890123456789", 40);
	for (int i = 0; i < 200 && !e.code; i++) {
		while (sent < (size_t)1 << 22 &&
			send(fd, b.data, b.len, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)b.len)
			sent += b.len;
		run(e.l, 10);
	}
	CU_ASSERT_EQUAL(e.code, 1006);
	CU_ASSERT_EQUAL(e.counters.slow, 1);
	mams_buf_fini(&b);
	end_close(&e, fd);
}

static void queue_limit(void)
{
	struct mams_ws_opts opts = {.queue_max = 1000};
	struct end e;
	int fd = end_open(&e, &opts);
	char text[300];

	memset(text, 'q', sizeof(text));
	for (int i = 0; i < 3; i++)
		CU_ASSERT_EQUAL(mams_ws_send(e.ws, text, sizeof(text)), 0);
	CU_ASSERT_EQUAL(mams_ws_send(e.ws, text, sizeof(text)), -MAMS_ELIMIT);
	CU_ASSERT_EQUAL(e.counters.queue_full, 1);
	run(e.l, 30);
	CU_ASSERT_EQUAL(mams_ws_send(e.ws, text, sizeof(text)), 0);
	mams_ws_close(e.ws, MAMS_WS_GOING_AWAY);
	CU_ASSERT_EQUAL(mams_ws_send(e.ws, text, sizeof(text)), -MAMS_ESTATE);
	run(e.l, 3000);
	CU_ASSERT_EQUAL(e.code, 1001);
	end_close(&e, fd);
}

static void freed_by_its_owner(void)
{
	struct mams_ws_opts opts = {0};
	struct end e;
	int fd = end_open(&e, &opts);
	struct mams_buf b = {0};

	e.echo = false;
	e.free_on_message = true;
	put_frame(&b, 0x81, 0x12, "{}", 2);
	put_frame(&b, 0x81, 0x12, "{}", 2);
	send_all(fd, &b);
	run(e.l, 50);
	CU_ASSERT_EQUAL(e.messages, 1);
	CU_ASSERT_EQUAL(e.code, 0);
	mams_buf_fini(&b);
	end_close(&e, fd);
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"bad frames", bad_frames},
		{"fragments and pings", fragments_and_pings},
		{"silence", silence},
		{"slow sender", slow_sender},
		{"ping flood", ping_flood},
		{"queue limit", queue_limit},
		{"freed by its owner", freed_by_its_owner},
	};

	signal(SIGPIPE, SIG_IGN);
	return mams_suite_run("ws", cases, MAMS_ARRAY_LEN(cases));
}
