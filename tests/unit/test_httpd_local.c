/* The HTTP server for programs of this host: UNIX socket and loopback, no TLS, peers known by their
 * user. */
#include "lib/io/httpd.h"
#include "tests/support/suite.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

struct local {
	struct mams_loop *l;
	struct mams_httpd *h;
	struct mams_loop_timer *stop;
	struct mams_httpd_opts opts;
	struct mams_addr listen;
	char path[64];
	unsigned requests;
	unsigned gone;
	bool hold;
	struct mams_httpd_req *held;
	struct mams_unix_peer who;
	int who_rc;
	int pidfd;
	bool in_group;
	char origin[32];
	char body[64];
};

static void answer(struct mams_httpd_req *r)
{
	static const struct mams_httpd_header more[] = {
		{"Location", "/there"}, {"Retry-After", "5"}};

	mams_httpd_reply_with(r, 202, "text/plain", "hello", 5, more, 2);
}

static void on_request(void *user, struct mams_httpd_req *r)
{
	struct local *g = user;
	const char *origin = mams_httpd_header(r, "Origin");
	size_t len;

	g->requests++;
	g->who_rc = mams_httpd_user(r, &g->who);
	g->in_group = mams_httpd_in_group(r, getegid());
	g->pidfd = mams_httpd_pidfd(r);
	snprintf(g->origin, sizeof(g->origin), "%s", origin ? origin : "");
	snprintf(g->body, sizeof(g->body), "%s", mams_httpd_body(r, &len));
	if (g->hold)
		g->held = r;
	else
		answer(r);
}

static void on_gone(void *user, struct mams_httpd_req *r)
{
	struct local *g = user;

	CU_ASSERT_PTR_EQUAL(r, g->held);
	g->held = NULL;
	g->gone++;
}

static const struct mams_httpd_ops ops = {.request = on_request, .gone = on_gone};

static void stop(void *user)
{
	mams_loop_stop(((struct local *)user)->l);
}

static void begin(struct local *g)
{
	*g = (struct local){.pidfd = -1};
	CU_ASSERT_EQUAL_FATAL(mams_loop_new(&g->l), 0);
	CU_ASSERT_EQUAL_FATAL(mams_loop_timer_new(g->l, stop, g, &g->stop), 0);
	snprintf(g->path, sizeof(g->path), "/tmp/mams-httpd-%d.sock", getpid());
	g->opts = (struct mams_httpd_opts){.unix_path = g->path,
		.unix_mode = 0640,
		.unix_gid = (gid_t)-1,
		.anyone = true,
		.body_max = 64};
}

static void start(struct local *g)
{
	struct mams_error err = {0};

	CU_ASSERT_EQUAL_FATAL(mams_httpd_new(g->l, &g->opts, &ops, g, &g->h, &err), 0);
}

static void end(struct local *g)
{
	mams_httpd_free(g->h);
	mams_loop_timer_del(g->stop);
	mams_loop_free(g->l);
	if (g->pidfd >= 0)
		close(g->pidfd);
	CU_ASSERT_EQUAL(access(g->path, F_OK), -1);
}

static void run(struct local *g, int ms)
{
	mams_loop_timer_at(g->stop, mams_time_add_ms(mams_clock_now(), ms));
	mams_loop_run(g->l);
}

static int dial(const struct local *g)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", g->path);
	CU_ASSERT_EQUAL_FATAL(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	return fd;
}

static int dial_tcp(const struct local *g)
{
	struct sockaddr_storage sa;
	socklen_t len = mams_addr_to_sa(&g->listen, &sa);
	int fd = socket(sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	CU_ASSERT_EQUAL_FATAL(connect(fd, (struct sockaddr *)&sa, len), 0);
	return fd;
}

/* Say it, run the server, read what came; the socket stays open. */
static const char *talk(struct local *g, int fd, const char *text)
{
	static char reply[2048];
	ssize_t n;

	CU_ASSERT_EQUAL(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	for (int i = 0; i < 100; i++) {
		run(g, 10);
		n = recv(fd, reply, sizeof(reply) - 1, MSG_DONTWAIT);
		if (n >= 0) {
			reply[n] = '\0';
			return reply;
		}
	}
	return "";
}

#define GET "GET /a HTTP/1.1\r\nHost: localhost\r\n"

static void unix_socket(void)
{
	struct local g;
	struct stat st;
	const char *reply;
	int fd;

	begin(&g);
	start(&g);
	CU_ASSERT_EQUAL_FATAL(stat(g.path, &st), 0);
	CU_ASSERT_EQUAL(st.st_mode & 07777, 0640);
	fd = dial(&g);
	reply = talk(&g, fd, GET "Origin: null\r\n\r\n");
	CU_ASSERT_PTR_NOT_NULL(strstr(reply, "HTTP/1.1 202"));
	CU_ASSERT_PTR_NOT_NULL(strstr(reply, "Location: /there\r\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(reply, "Retry-After: 5\r\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(reply, "\r\n\r\nhello"));
	CU_ASSERT_STRING_EQUAL(g.origin, "null");
	CU_ASSERT_EQUAL(g.who_rc, 0);
	CU_ASSERT_EQUAL(g.who.uid, geteuid());
	CU_ASSERT_EQUAL(g.who.pid, getpid());
	CU_ASSERT(g.in_group);
	CU_ASSERT(g.pidfd >= 0);
	/* the connection is kept, and a body comes whole or not at all */
	reply = talk(&g, fd, "POST /a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}");
	CU_ASSERT_PTR_NOT_NULL(strstr(reply, "HTTP/1.1 202"));
	CU_ASSERT_STRING_EQUAL(g.body, "{}");
	reply = talk(&g, fd, "POST /a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 65\r\n\r\n");
	CU_ASSERT_PTR_NOT_NULL(strstr(reply, "HTTP/1.1 413"));
	CU_ASSERT_EQUAL(g.requests, 2);
	close(fd);
	end(&g);
}

static void held(void)
{
	struct local g;
	int fd;

	begin(&g);
	start(&g);
	g.hold = true;
	fd = dial(&g);
	CU_ASSERT_EQUAL(write(fd, GET "\r\n", strlen(GET) + 2), (ssize_t)strlen(GET) + 2);
	run(&g, 100);
	CU_ASSERT_PTR_NOT_NULL_FATAL(g.held);
	answer(g.held);
	CU_ASSERT_PTR_NOT_NULL(strstr(talk(&g, fd, ""), "HTTP/1.1 202"));
	CU_ASSERT_EQUAL(write(fd, GET "\r\n", strlen(GET) + 2), (ssize_t)strlen(GET) + 2);
	run(&g, 100);
	close(fd);
	run(&g, 100);
	CU_ASSERT_EQUAL(g.gone, 1);
	end(&g);
}

static void loopback(void)
{
	struct local g;
	int fd;

	begin(&g);
	CU_ASSERT_EQUAL(mams_addr_parse_port("127.0.0.1:1", 0, &g.listen), 0);
	g.listen.port = (uint16_t)(20000 + getpid() % 20000);
	g.opts.listen = &g.listen;
	g.opts.n_listen = 1;
	start(&g);
	fd = dial_tcp(&g);
	CU_ASSERT_PTR_NOT_NULL(strstr(talk(&g, fd, GET "\r\n"), "HTTP/1.1 202"));
	CU_ASSERT_EQUAL(g.who_rc, 0);
	CU_ASSERT_EQUAL(g.who.uid, geteuid());
	CU_ASSERT_EQUAL(g.who.pid, 0);
	CU_ASSERT_FALSE(g.in_group);
	CU_ASSERT(g.pidfd < 0);
	close(fd);
	end(&g);
}

static int try(struct local *g, struct mams_error *err)
{
	int rc = mams_httpd_new(g->l, &g->opts, &ops, g, &g->h, err);

	if (rc == 0)
		mams_httpd_free(g->h);
	g->h = NULL;
	return rc;
}

/* Without credentials nobody beyond this host can be let in. */
static void refused(void)
{
	struct mams_error err = {0};
	struct local g;
	struct local other;

	begin(&g);
	CU_ASSERT_EQUAL(mams_addr_parse_port("192.0.2.1:8080", 0, &g.listen), 0);
	g.opts.listen = &g.listen;
	g.opts.n_listen = 1;
	CU_ASSERT_EQUAL(try(&g, &err), -MAMS_EVALUE);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "loopback"));
	CU_ASSERT_EQUAL(mams_addr_parse_port("0.0.0.0:8080", 0, &g.listen), 0);
	CU_ASSERT_EQUAL(try(&g, &err), -MAMS_EVALUE);
	g.opts.n_listen = 0;
	g.opts.anyone = false;
	CU_ASSERT_EQUAL(try(&g, &err), -MAMS_EMISSING);
	g.opts.anyone = true;
	/* one server a path; a dead one's socket is replaced */
	start(&g);
	begin(&other);
	CU_ASSERT_EQUAL(try(&other, &err), -EADDRINUSE);
	mams_httpd_free(g.h);
	CU_ASSERT_EQUAL(try(&other, &err), 0);
	g.h = NULL;
	end(&g);
	end(&other);
}

static void garbage(void)
{
	static const char *const lines[] = {"\r\n\r\n", "GET\r\n\r\n", "\x16\x03\x01\x02\x00\x01",
		"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: x\r\n\r\n",
		"GET /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nab"};
	struct local g;

	begin(&g);
	g.opts.request_ms = 200;
	start(&g);
	for (size_t i = 0; i < MAMS_ARRAY_LEN(lines); i++) {
		int fd = dial(&g);

		CU_ASSERT_EQUAL(write(fd, lines[i], strlen(lines[i])), (ssize_t)strlen(lines[i]));
		run(&g, 20);
		close(fd);
	}
	run(&g, 300);
	CU_ASSERT_EQUAL(g.requests, 0);
	g.hold = false;
	{
		int fd = dial(&g);

		CU_ASSERT_PTR_NOT_NULL(strstr(talk(&g, fd, GET "\r\n"), "HTTP/1.1 202"));
		close(fd);
	}
	end(&g);
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"UNIX socket", unix_socket},
		{"held requests", held},
		{"loopback", loopback},
		{"refused", refused},
		{"garbage", garbage},
	};

	return mams_suite_run("httpd_local", cases, MAMS_ARRAY_LEN(cases));
}
