/* The client's end while libcurl still works for it: nothing of it may be used that is gone.  What
 * goes wrong is a sanitizer's report; the exchanges themselves are tested with the servers. */
#include "lib/io/httpc.h"
#include "tests/support/suite.h"
#include "tests/support/tls_rig.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct mams_loop *loop;
static struct mams_loop_timer *end;
static char url[48];
static int listener;
static unsigned told;

static void stop(void *user)
{
	(void)user;
	mams_loop_stop(loop);
}

static void run(int ms)
{
	mams_loop_timer_at(end, mams_time_add_ms(mams_clock_now(), ms));
	mams_loop_run(loop);
}

/* Connections are made and nobody says a word. */
static void start(struct mams_httpc **c)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const struct mams_httpc_opts opts = {.base_url = url, .ca_file = rig_file("ca.crt")};
	socklen_t len = sizeof(sa);
	struct mams_error err;

	told = 0;
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	CU_ASSERT_FATAL(listener >= 0 && bind(listener, (struct sockaddr *)&sa, len) == 0);
	CU_ASSERT_FATAL(listen(listener, 8) == 0);
	getsockname(listener, (struct sockaddr *)&sa, &len);
	snprintf(url, sizeof(url), "https://127.0.0.1:%u", ntohs(sa.sin_port));
	CU_ASSERT_EQUAL_FATAL(mams_loop_new(&loop), 0);
	CU_ASSERT_EQUAL_FATAL(mams_loop_timer_new(loop, stop, NULL, &end), 0);
	CU_ASSERT_EQUAL_FATAL(mams_httpc_new(loop, &opts, c, &err), 0);
}

static void finish(void)
{
	run(20);
	mams_loop_timer_del(end);
	mams_loop_free(loop);
	close(listener);
}

static bool was_called(void)
{
	int fd = accept(listener, NULL, NULL);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static void piped(void *user, int status, const char *why, const struct mams_pipe *pipe)
{
	(void)user;
	(void)status;
	(void)why;
	told++;
	if (pipe)
		pipe->close(pipe->io);
}

static void upgraded(void *user, int status, const struct mams_pipe *pipe)
{
	(void)user;
	(void)status;
	(void)pipe;
	told++;
}

static void pipe_given_up(void)
{
	struct mams_httpc *c;
	struct mams_httpc_pipe *x;

	start(&c);
	CU_ASSERT_EQUAL(mams_httpc_pipe_open(c, piped, NULL, &x), 0);
	mams_httpc_pipe_cancel(x); /* libcurl's timer is due before the deferred release */
	mams_httpc_free(c);
	finish();
	CU_ASSERT_EQUAL(told, 0);
}

static void pipe_given_up_half_way(void)
{
	struct mams_httpc *c;
	struct mams_httpc_pipe *x;

	start(&c);
	CU_ASSERT_EQUAL(mams_httpc_pipe_open(c, piped, NULL, &x), 0);
	run(50);
	CU_ASSERT(was_called());
	mams_httpc_pipe_cancel(x);
	mams_httpc_free(c);
	finish();
	CU_ASSERT_EQUAL(told, 0);
}

static void websocket_given_up(void)
{
	struct mams_httpc *c;
	struct mams_httpc_ws *x;

	start(&c);
	CU_ASSERT_EQUAL(mams_httpc_ws_open(c, "/", 1000, upgraded, NULL, &x), 0);
	mams_httpc_ws_cancel(x);
	mams_httpc_free(c);
	finish();
	CU_ASSERT_EQUAL(told, 0);
}

/* Where to connect to is read by libcurl at its first turn, not when it is told. */
static void sent_elsewhere_meanwhile(void)
{
	struct mams_httpc *c;
	struct mams_httpc_pipe *x;
	char via[48];

	start(&c);
	snprintf(via, sizeof(via), "::127.0.0.1:%s", strrchr(url, ':') + 1);
	CU_ASSERT_EQUAL(mams_httpc_set_base(c, "https://ncm.invalid:1"), 0);
	CU_ASSERT_EQUAL(mams_httpc_set_via(c, via), 0);
	CU_ASSERT_EQUAL(mams_httpc_pipe_open(c, piped, NULL, &x), 0);
	CU_ASSERT_EQUAL(mams_httpc_set_via(c, NULL), 0);
	run(50);
	CU_ASSERT(was_called());
	mams_httpc_pipe_cancel(x);
	mams_httpc_free(c);
	finish();
}

static void freed_with_all_under_way(void)
{
	const struct mams_httpc_request req = {.method = "GET", .path = "/", .timeout_ms = 1000};
	struct mams_httpc *c;
	struct mams_httpc_pipe *x;

	start(&c);
	CU_ASSERT_EQUAL(mams_httpc_send(c, &req, NULL, NULL, NULL), 0);
	CU_ASSERT_EQUAL(mams_httpc_pipe_open(c, piped, NULL, &x), 0);
	mams_httpc_pipe_cancel(x);
	mams_httpc_free(c);
	mams_loop_timer_del(end);
	mams_loop_free(loop); /* what is deferred happens here */
	close(listener);
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"a pipe is given up with its client", pipe_given_up},
		{"half way", pipe_given_up_half_way},
		{"a WebSocket is given up with its client", websocket_given_up},
		{"sent elsewhere meanwhile", sent_elsewhere_meanwhile},
		{"freed with all under way", freed_with_all_under_way},
	};

	int rc;

	if (!rig_make_files())
		return 1;
	rc = mams_suite_run("httpc", cases, sizeof(cases) / sizeof(cases[0]));
	rig_remove_files();
	return rc;
}
