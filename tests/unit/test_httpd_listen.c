#include "lib/io/httpd_listen.h"
#include "tests/support/suite.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define CLIENTS 100
#define AT_A_TIME 64
#define YOUNG_MS 400

static struct mams_loop *loop;
static struct mams_loop_timer *end;
static struct mams_httpd_listen *listener;
static struct mams_addr address;
static int clients[CLIENTS];
static int accepted[CLIENTS];
static unsigned tickets[CLIENTS];
static size_t n_accepted;

static void on_accepted(
	void *user, int fd, const struct sockaddr_storage *sa, socklen_t len, unsigned ticket)
{
	(void)user;
	(void)sa;
	(void)len;
	CU_ASSERT_FATAL(n_accepted < CLIENTS);
	tickets[n_accepted] = ticket;
	accepted[n_accepted++] = fd;
}

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

static void begin(void)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(sa);
	struct mams_error err = {0};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	CU_ASSERT_FATAL(fd >= 0 && bind(fd, (struct sockaddr *)&sa, len) == 0);
	getsockname(fd, (struct sockaddr *)&sa, &len);
	close(fd);
	(void)!mams_addr_from_sa((struct sockaddr *)&sa, &address);
	n_accepted = 0;
	CU_ASSERT_EQUAL_FATAL(mams_loop_new(&loop), 0);
	CU_ASSERT_EQUAL_FATAL(mams_loop_timer_new(loop, stop, NULL, &end), 0);
	CU_ASSERT_EQUAL_FATAL(
		mams_httpd_listen_open(loop, &address, 1, NULL, on_accepted, NULL, &listener, &err),
		0);
}

/* All are in the backlog before the loop runs. */
static void dial(size_t n, const char *say)
{
	struct sockaddr_storage sa;
	socklen_t len = mams_addr_to_sa(&address, &sa);

	for (size_t i = 0; i < n; i++) {
		clients[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		CU_ASSERT_FATAL(clients[i] >= 0);
		CU_ASSERT_EQUAL_FATAL(connect(clients[i], (struct sockaddr *)&sa, len), 0);
		if (say)
			CU_ASSERT_EQUAL(write(clients[i], say, 1), 1);
	}
}

static void finish(size_t n)
{
	mams_httpd_listen_close(listener);
	mams_loop_timer_del(end);
	mams_loop_free(loop);
	for (size_t i = 0; i < n; i++)
		close(clients[i]);
	for (size_t i = 0; i < n_accepted; i++)
		close(accepted[i]);
}

static void some_at_a_time(void)
{
	begin();
	dial(CLIENTS, "x");
	run(YOUNG_MS / 2);
	CU_ASSERT_EQUAL(n_accepted, AT_A_TIME);
	for (size_t i = 0; i < 3; i++)
		mams_httpd_listen_settled(listener, tickets[i]);
	mams_httpd_listen_settled(listener, tickets[0]); /* twice is once */
	run(50);
	CU_ASSERT_EQUAL(n_accepted, AT_A_TIME + 3);
	run(2 * YOUNG_MS); /* who is slow keeps nobody out for ever */
	CU_ASSERT_EQUAL(n_accepted, CLIENTS);
	finish(CLIENTS);
}

/* However long those in front have to wait for us, no more are begun. */
static void who_waits_for_us_is_counted(void)
{
	begin();
	dial(CLIENTS, "x");
	run(50);
	CU_ASSERT_EQUAL_FATAL(n_accepted, AT_A_TIME);
	for (size_t i = 0; i < AT_A_TIME; i++)
		mams_httpd_listen_waits(listener, tickets[i], true);
	run(2 * YOUNG_MS);
	CU_ASSERT_EQUAL(n_accepted, AT_A_TIME);
	for (size_t i = 0; i < 3; i++)
		mams_httpd_listen_waits(listener, tickets[i], false);
	run(2 * YOUNG_MS);
	CU_ASSERT_TRUE(n_accepted >= AT_A_TIME + 3);
	mams_httpd_listen_waits(listener, 0, true);
	finish(CLIENTS);
}

static void silent_ones_take_no_room(void)
{
	begin();
	dial(CLIENTS, NULL);
	run(YOUNG_MS / 2);
	CU_ASSERT_EQUAL(n_accepted, CLIENTS);
	for (size_t i = 0; i < n_accepted; i++)
		CU_ASSERT_EQUAL(tickets[i], 0);
	mams_httpd_listen_settled(listener, 0);
	finish(CLIENTS);
}

static void who_has_left_is_not_begun(void)
{
	begin();
	dial(5, "x");
	shutdown(clients[1], SHUT_WR);
	close(clients[3]);
	clients[3] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	run(100);
	CU_ASSERT_EQUAL(n_accepted, 3);
	finish(5);
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"some at a time", some_at_a_time},
		{"who waits for us is counted", who_waits_for_us_is_counted},
		{"silent ones take no room", silent_ones_take_no_room},
		{"who has left is not begun", who_has_left_is_not_begun},
	};

	return mams_suite_run("httpd_listen", cases, sizeof(cases) / sizeof(cases[0]));
}
