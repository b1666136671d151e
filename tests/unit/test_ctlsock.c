#include "lib/io/ctlmsg.h"
#include "tests/support/suite.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* One side of a conversation and what it saw. */
struct side {
	struct mams_loop *l;
	struct mams_ctl_conn *last;
	int opened;
	int closed;
	int packets;
	size_t bytes;
	int stop_after; /* packets; 0: never */
	bool echo;
	bool answer; /* every packet by a result with its id, code 7 and its text */
	uint32_t last_id;
	uint32_t last_code;
	char text[64];
};

static char dir[64];
static char path[96];

static void on_opened(void *user, struct mams_ctl_conn *c)
{
	struct side *s = user;

	s->opened++;
	s->last = c;
}

static void take_message(struct side *s, struct mams_ctl_conn *c, const char *data, size_t len)
{
	struct mams_error err = {0};
	struct ctl_msg *m = NULL;

	CU_ASSERT_EQUAL_FATAL(ctl_decode(data, len, &m, &err), 0);
	s->last_id = m->id;
	s->last_code = m->result.code;
	if (m->type == CTL_STATUS_REQ)
		mams_ctl_answer_result(c, m->id, 7, "seven");
	else
		snprintf(s->text, sizeof(s->text), "%s", m->result.text);
	ctl_msg_free(m);
}

static void on_packet(void *user, struct mams_ctl_conn *c, const char *data, size_t len)
{
	struct side *s = user;

	s->packets++;
	s->bytes += len;
	CU_ASSERT_EQUAL(data[len], '\0');
	if (s->answer)
		take_message(s, c, data, len);
	if (s->echo)
		CU_ASSERT_EQUAL(mams_ctl_send(c, data, len), 0);
	if (s->stop_after && s->packets >= s->stop_after)
		mams_loop_stop(s->l);
}

static void on_closed(void *user, struct mams_ctl_conn *c)
{
	struct side *s = user;

	s->closed++;
	if (s->last == c)
		s->last = NULL;
}

static const struct mams_ctl_server_ops ops = {
	.opened = on_opened, .packet = on_packet, .closed = on_closed};

static void stop_cb(void *user)
{
	mams_loop_stop(user);
}

static void run_for(struct mams_loop *l, int ms)
{
	struct mams_loop_timer *t;

	CU_ASSERT_EQUAL_FATAL(mams_loop_timer_new(l, stop_cb, l, &t), 0);
	mams_loop_timer_at(t, mams_time_add_ms(mams_clock_now(), ms));
	mams_loop_run(l);
	mams_loop_timer_del(t);
}

static struct mams_loop *new_loop(void)
{
	struct mams_loop *l;

	CU_ASSERT_EQUAL_FATAL(mams_loop_new(&l), 0);
	return l;
}

static int raw_client(void)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
	CU_ASSERT_EQUAL(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	return fd;
}

static void round_trip(void)
{
	struct mams_loop *l = new_loop();
	struct side srv = {.l = l, .echo = true};
	struct side cli = {.l = l, .stop_after = 2};
	struct mams_ctl_server *s;
	struct mams_ctl_conn *c;
	static char big[MAMS_CTL_MAX_BYTES];
	struct stat st;

	memset(big, 'b', sizeof(big));
	CU_ASSERT_EQUAL_FATAL(mams_ctl_listen(l, path, (gid_t)-1, &ops, &srv, &s), 0);
	CU_ASSERT_EQUAL(stat(path, &st), 0);
	CU_ASSERT_EQUAL(st.st_mode & 07777, 0660);
	CU_ASSERT_EQUAL_FATAL(mams_ctl_dial(l, path, &ops, &cli, &c), 0);
	CU_ASSERT_EQUAL(mams_ctl_send(c, "early", 5), -ENOTCONN);
	run_for(l, 30);
	CU_ASSERT_TRUE_FATAL(mams_ctl_is_open(c));
	CU_ASSERT_EQUAL(srv.opened, 1);
	CU_ASSERT_EQUAL(mams_ctl_send(c, "{}", 2), 0);
	CU_ASSERT_EQUAL(mams_ctl_send(c, big, sizeof(big)), 0);
	CU_ASSERT_EQUAL(mams_ctl_send(c, big, 0), -EINVAL);
	CU_ASSERT_EQUAL(mams_ctl_send(c, big, sizeof(big) + 1), -MAMS_ELIMIT);
	run_for(l, 2000);
	CU_ASSERT_EQUAL(cli.packets, 2);
	CU_ASSERT_EQUAL(cli.bytes, sizeof(big) + 2);
	mams_ctl_broadcast(s, "event", 5);
	run_for(l, 20);
	CU_ASSERT_EQUAL(cli.packets, 3);
	mams_ctl_close(c);
	run_for(l, 20);
	CU_ASSERT_EQUAL(srv.closed, 1);
	CU_ASSERT_EQUAL(cli.closed, 0); /* our own close is no news */
	mams_ctl_server_free(s);
	CU_ASSERT_NOT_EQUAL(stat(path, &st), 0);
	mams_loop_free(l);
}

static void messages(void)
{
	struct mams_loop *l = new_loop();
	struct side srv = {.l = l, .answer = true};
	struct side cli = {.l = l, .answer = true};
	struct mams_error err = {0};
	struct mams_ctl_server *s;
	struct mams_ctl_conn *c;

	CU_ASSERT_EQUAL_FATAL(mams_ctl_listen(l, path, (gid_t)-1, &ops, &srv, &s), 0);
	CU_ASSERT_EQUAL_FATAL(mams_ctl_dial(l, path, &ops, &cli, &c), 0);
	CU_ASSERT_EQUAL(mams_ctl_say(c, ctl_msg_new(CTL_STATUS_REQ, 1), &err), -ENOTCONN);
	run_for(l, 30);
	CU_ASSERT_EQUAL(mams_ctl_say(c, NULL, &err), -ENOMEM);
	CU_ASSERT_EQUAL(mams_ctl_say(c, ctl_msg_new(CTL_STATUS_REQ, 5), &err), 0);
	run_for(l, 30);
	CU_ASSERT_EQUAL(srv.last_id, 5);
	CU_ASSERT_EQUAL(cli.last_id, 5);
	CU_ASSERT_EQUAL(cli.last_code, 7);
	CU_ASSERT_STRING_EQUAL(cli.text, "seven");
	mams_ctl_tell_all(s, ctl_result_new(0, 9, "to everybody"));
	mams_ctl_tell_all(s, NULL); /* logged; nobody is told */
	run_for(l, 30);
	CU_ASSERT_EQUAL(cli.packets, 2);
	CU_ASSERT_EQUAL(cli.last_code, 9);
	CU_ASSERT_STRING_EQUAL(cli.text, "to everybody");
	mams_ctl_close(c);
	mams_ctl_server_free(s);
	mams_loop_free(l);
	CU_ASSERT_EQUAL(mams_ctl_say_once(path, ctl_msg_new(CTL_STATUS_REQ, 1), 50), -ENOENT);
}

/* Who wants news and reads them is told; who does not read misses some, and nothing piles up. */
static void news(void)
{
	struct mams_loop *l = new_loop();
	struct side srv = {.l = l};
	struct side cli = {.l = l};
	struct mams_ctl_server *s;
	struct mams_ctl_conn *c;
	static char big[100000];
	int told = 0;
	int fd;

	memset(big, 'b', sizeof(big));
	CU_ASSERT_EQUAL_FATAL(mams_ctl_listen(l, path, (gid_t)-1, &ops, &srv, &s), 0);
	CU_ASSERT_EQUAL_FATAL(mams_ctl_dial(l, path, &ops, &cli, &c), 0);
	run_for(l, 30);
	CU_ASSERT_FALSE(mams_ctl_is_news_wanted(s));
	CU_ASSERT_FALSE(mams_ctl_news(s, "news", 4));
	mams_ctl_want_news(srv.last);
	CU_ASSERT_TRUE(mams_ctl_is_news_wanted(s));
	CU_ASSERT_TRUE(mams_ctl_news(s, "news", 4));
	run_for(l, 30);
	CU_ASSERT_EQUAL(cli.packets, 1);
	mams_ctl_close(c);
	run_for(l, 30);
	CU_ASSERT_FALSE(mams_ctl_is_news_wanted(s));
	fd = raw_client(); /* it reads nothing */
	run_for(l, 30);
	mams_ctl_want_news(srv.last);
	for (int i = 0; i < 100; i++)
		told += mams_ctl_news(s, big, sizeof(big));
	CU_ASSERT_TRUE(told >= 1 && told < 20);
	close(fd);
	mams_ctl_server_free(s);
	mams_loop_free(l);
}

static void the_dialler_comes_back(void)
{
	struct mams_loop *l = new_loop();
	struct side srv = {.l = l};
	struct side cli = {.l = l};
	struct mams_ctl_server *s;
	struct mams_ctl_conn *c;

	CU_ASSERT_EQUAL_FATAL(mams_ctl_dial(l, path, &ops, &cli, &c), 0);
	run_for(l, 20);
	CU_ASSERT_EQUAL(cli.opened, 0);
	for (int i = 1; i <= 3; i++) {
		CU_ASSERT_EQUAL_FATAL(mams_ctl_listen(l, path, (gid_t)-1, &ops, &srv, &s), 0);
		run_for(l, 600);
		CU_ASSERT_EQUAL(cli.opened, i);
		CU_ASSERT_EQUAL(cli.closed, i - 1);
		mams_ctl_server_free(s);
		run_for(l, 20);
		CU_ASSERT_EQUAL(cli.closed, i);
		CU_ASSERT_FALSE(mams_ctl_is_open(c));
	}
	/* dropped by the server alone */
	CU_ASSERT_EQUAL_FATAL(mams_ctl_listen(l, path, (gid_t)-1, &ops, &srv, &s), 0);
	run_for(l, 600);
	CU_ASSERT_PTR_NOT_NULL_FATAL(srv.last);
	mams_ctl_close(srv.last);
	run_for(l, 200);
	CU_ASSERT_EQUAL(cli.opened, 5);
	mams_ctl_close(c);
	mams_ctl_server_free(s);
	mams_loop_free(l);
}

static void stale_and_live_paths(void)
{
	struct mams_loop *l = new_loop();
	struct side srv = {.l = l};
	struct mams_ctl_server *s;
	struct mams_ctl_server *second;
	char long_path[200];
	pid_t pid = fork();
	int fd;

	if (pid == 0) { /* dies without cleaning up */
		if (mams_ctl_listen(l, path, (gid_t)-1, &ops, &srv, &s) < 0)
			_exit(1);
		_exit(0);
	}
	CU_ASSERT_EQUAL(waitpid(pid, NULL, 0), pid);
	CU_ASSERT_EQUAL(access(path, F_OK), 0);
	CU_ASSERT_EQUAL_FATAL(mams_ctl_listen(l, path, (gid_t)-1, &ops, &srv, &s), 0);
	CU_ASSERT_EQUAL(mams_ctl_listen(l, path, (gid_t)-1, &ops, &srv, &second), -EADDRINUSE);
	mams_ctl_server_free(s);
	/* a file of somebody else's is left alone */
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	close(fd);
	CU_ASSERT_EQUAL(mams_ctl_listen(l, path, (gid_t)-1, &ops, &srv, &s), -EADDRINUSE);
	CU_ASSERT_EQUAL(access(path, F_OK), 0);
	unlink(path);
	memset(long_path, 'p', sizeof(long_path) - 1);
	long_path[sizeof(long_path) - 1] = '\0';
	CU_ASSERT_EQUAL(mams_ctl_listen(l, long_path, (gid_t)-1, &ops, &srv, &s), -ENAMETOOLONG);
	mams_loop_free(l);
}

static void an_oversize_packet_ends_the_connection(void)
{
	struct mams_loop *l = new_loop();
	struct side srv = {.l = l, .echo = true};
	struct mams_ctl_server *s;
	static char big[MAMS_CTL_MAX_BYTES + 1];
	int size = 4 * (int)MAMS_CTL_MAX_BYTES;
	char answer[8];
	int bad;
	int good;

	CU_ASSERT_EQUAL_FATAL(mams_ctl_listen(l, path, (gid_t)-1, &ops, &srv, &s), 0);
	bad = raw_client();
	good = raw_client();
	if (setsockopt(bad, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) < 0)
		CU_ASSERT_EQUAL(setsockopt(bad, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)), 0);
	CU_ASSERT_EQUAL(send(bad, big, sizeof(big), 0), (ssize_t)sizeof(big));
	CU_ASSERT_EQUAL(send(good, "hello", 5, 0), 5);
	run_for(l, 50);
	CU_ASSERT_EQUAL(srv.packets, 1);
	CU_ASSERT_EQUAL(srv.closed, 1);
	CU_ASSERT_EQUAL(recv(bad, answer, sizeof(answer), 0), 0);
	CU_ASSERT_EQUAL(recv(good, answer, sizeof(answer), 0), 5);
	close(bad);
	close(good);
	mams_ctl_server_free(s);
	mams_loop_free(l);
}

static void a_peer_that_does_not_read(void)
{
	struct mams_loop *l = new_loop();
	struct side srv = {.l = l};
	struct mams_ctl_server *s;
	static char big[100000];
	size_t sent = 0;
	size_t got = 0;
	int rc;
	int fd;

	CU_ASSERT_EQUAL_FATAL(mams_ctl_listen(l, path, (gid_t)-1, &ops, &srv, &s), 0);
	fd = raw_client();
	run_for(l, 20);
	CU_ASSERT_PTR_NOT_NULL_FATAL(srv.last);
	while ((rc = mams_ctl_send(srv.last, big, sizeof(big))) == 0)
		sent++;
	CU_ASSERT_EQUAL(rc, -MAMS_ELIMIT);
	CU_ASSERT_TRUE(sent >= 10 && sent < 30);
	/* it wakes up: everything queued arrives whole and the queue is open again */
	for (int i = 0; i < 40 && got < sent; i++) {
		while (recv(fd, big, sizeof(big), MSG_DONTWAIT) == (ssize_t)sizeof(big))
			got++;
		run_for(l, 5);
	}
	CU_ASSERT_EQUAL(got, sent);
	CU_ASSERT_EQUAL(mams_ctl_send(srv.last, "more", 4), 0);
	close(fd);
	/* gone with the queue full */
	run_for(l, 20);
	CU_ASSERT_EQUAL(srv.closed, 1);
	mams_ctl_server_free(s);
	mams_loop_free(l);
}

struct caller {
	int rc;
	char *out;
	size_t len;
	int timeout_ms;
};

static void *call_thread(void *arg)
{
	struct caller *c = arg;

	c->rc = mams_ctl_call(path, "ping", 4, c->timeout_ms, &c->out, &c->len);
	return NULL;
}

static void blocking_call(void)
{
	struct mams_loop *l = new_loop();
	struct side srv = {.l = l, .echo = true};
	struct caller caller = {.timeout_ms = 2000};
	struct mams_ctl_server *s;
	pthread_t thread;

	CU_ASSERT_EQUAL(mams_ctl_call(path, "ping", 4, 100, &caller.out, &caller.len), -ENOENT);
	CU_ASSERT_EQUAL_FATAL(mams_ctl_listen(l, path, (gid_t)-1, &ops, &srv, &s), 0);
	CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, call_thread, &caller), 0);
	run_for(l, 100);
	pthread_join(thread, NULL);
	CU_ASSERT_EQUAL_FATAL(caller.rc, 0);
	CU_ASSERT_EQUAL(caller.len, 4);
	CU_ASSERT_STRING_EQUAL(caller.out, "ping");
	free(caller.out);
	/* a daemon that does not answer */
	CU_ASSERT_EQUAL(mams_ctl_call(path, "ping", 4, 50, &caller.out, &caller.len), -ETIMEDOUT);
	mams_ctl_server_free(s);
	mams_loop_free(l);
}

/* The child becomes uid 65534: with its group allowed it gets in, without it does not. */
static void credentials(void)
{
	for (int allowed = 0; allowed <= 1; allowed++) {
		struct mams_loop *l = new_loop();
		struct side srv = {.l = l};
		struct mams_ctl_server *s;
		pid_t pid;
		int rc;

		if (geteuid() != 0) {
			mams_loop_free(l);
			return; /* only root can become somebody else */
		}
		CU_ASSERT_EQUAL_FATAL(
			mams_ctl_listen(l, path, allowed ? 65533 : (gid_t)-1, &ops, &srv, &s), 0);
		if (!allowed)
			CU_ASSERT_EQUAL(chmod(path, 0666), 0);
		pid = fork();
		if (pid == 0) {
			struct sockaddr_un sa = {.sun_family = AF_UNIX};
			int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);

			snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
			if (setgid(65533) < 0 || setuid(65534) < 0)
				_exit(2);
			_exit(connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0);
		}
		run_for(l, 100);
		CU_ASSERT_EQUAL(waitpid(pid, &rc, 0), pid);
		CU_ASSERT_EQUAL(rc, 0);
		CU_ASSERT_EQUAL(srv.opened, allowed);
		mams_ctl_server_free(s);
		mams_loop_free(l);
	}
}

/* ---- versions ---- */

static int raw_server(void)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
	CU_ASSERT_EQUAL(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	CU_ASSERT_EQUAL(listen(fd, 4), 0);
	return fd;
}

/* The dialler's hello, which the raw server answers by this. @return the accepted socket */
static int answer_hello(int server, const char *answer)
{
	char text[256];
	int fd = accept(server, NULL, NULL);
	ssize_t n;

	CU_ASSERT_FATAL(fd >= 0);
	n = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);
	CU_ASSERT_FATAL(n > 0);
	text[n] = '\0';
	CU_ASSERT_STRING_EQUAL(
		text, "{\"ctl\":1,\"type\":\"hello\",\"id\":1,\"least\":1,\"most\":1}");
	if (answer)
		CU_ASSERT_EQUAL(
			send(fd, answer, strlen(answer), MSG_NOSIGNAL), (ssize_t)strlen(answer));
	return fd;
}

/* Whatever listens where we dial: of before hello, mute, newer, or too new. */
static void the_dialler_greets(void)
{
	static const struct {
		const char *answer;
		int opened; /* within 200 ms */
		int packets;
	} cases[] = {
		{"{\"ctl\":1,\"type\":\"hello\",\"id\":1,\"least\":1,\"most\":8}", 1, 0},
		{"{\"ctl\":1,\"type\":\"result\",\"id\":0,\"code\":4100,\"text\":\"unknown\"}", 1,
			0},
		{"{\"ctl\":1,\"type\":\"metrics_req\",\"id\":0}", 1, 1},
		{NULL, 0, 0},
		{"{\"ctl\":1,\"type\":\"hello\",\"id\":1,\"least\":2,\"most\":8}", 0, 0},
		{"{\"ctl\":1,\"type\":\"result\",\"id\":1,\"code\":4101,\"text\":\"2 to 8\"}", 0,
			0},
	};

	for (size_t i = 0; i < MAMS_ARRAY_LEN(cases); i++) {
		struct mams_loop *l = new_loop();
		struct side cli = {.l = l};
		int server = raw_server();
		struct mams_ctl_conn *c;
		int fd;

		CU_ASSERT_EQUAL_FATAL(mams_ctl_dial(l, path, &ops, &cli, &c), 0);
		run_for(l, 50);
		CU_ASSERT_EQUAL(cli.opened, 0);
		CU_ASSERT_EQUAL(mams_ctl_send(c, "early", 5), -ENOTCONN);
		fd = answer_hello(server, cases[i].answer);
		run_for(l, 200);
		CU_ASSERT_EQUAL(cli.opened, cases[i].opened);
		CU_ASSERT_EQUAL(cli.packets, cases[i].packets);
		CU_ASSERT_EQUAL(cli.closed, 0);
		if (!cases[i].opened) { /* mute is version 1; who was refused is dialled again */
			run_for(l, cases[i].answer ? 300 : 1000);
			CU_ASSERT_EQUAL(cli.opened, !cases[i].answer);
		}
		if (!cases[i].opened && cases[i].answer) {
			close(fd);
			fd = answer_hello(server, cases[0].answer);
			run_for(l, 50);
			CU_ASSERT_EQUAL(cli.opened, 1);
		}
		mams_ctl_close(c);
		close(fd);
		close(server);
		unlink(path);
		mams_loop_free(l);
	}
}

static void the_server_is_greeted(void)
{
	static const char good[] = "{\"ctl\":1,\"type\":\"hello\",\"id\":9,\"least\":1,\"most\":3}";
	static const char bad[] = "{\"ctl\":1,\"type\":\"hello\",\"id\":9,\"least\":2,\"most\":3}";
	struct mams_loop *l = new_loop();
	struct side srv = {.l = l, .echo = true};
	struct mams_ctl_server *s;
	char text[256] = {0};

	CU_ASSERT_EQUAL_FATAL(mams_ctl_listen(l, path, (gid_t)-1, &ops, &srv, &s), 0);
	for (int i = 0; i < 2; i++) {
		const char *hello = i ? bad : good;
		int fd = raw_client();

		CU_ASSERT_EQUAL(send(fd, hello, strlen(hello), 0), (ssize_t)strlen(hello));
		run_for(l, 30);
		CU_ASSERT(recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT) > 0);
		CU_ASSERT_PTR_NOT_NULL(strstr(text, i ? "2 to 3 are spoken there" : "\"hello\""));
		CU_ASSERT_EQUAL(srv.packets, i);
		/* only the first packet of a connection is one */
		CU_ASSERT_EQUAL(send(fd, hello, strlen(hello), 0), (ssize_t)strlen(hello));
		run_for(l, 30);
		CU_ASSERT_EQUAL(srv.packets, i + 1);
		CU_ASSERT_EQUAL(mams_ctl_server_counters(s)->versions_refused, (uint64_t)i);
		close(fd);
	}
	mams_ctl_server_free(s);
	mams_loop_free(l);
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"round trip, largest packet, broadcast", round_trip},
		{"messages: said, answered, told to all", messages},
		{"news", news},
		{"the dialler comes back", the_dialler_comes_back},
		{"stale and live paths", stale_and_live_paths},
		{"an oversize packet ends the connection", an_oversize_packet_ends_the_connection},
		{"a peer that does not read", a_peer_that_does_not_read},
		{"blocking call", blocking_call},
		{"peer credentials", credentials},
		{"the dialler greets", the_dialler_greets},
		{"the server is greeted", the_server_is_greeted},
	};
	int rc;

	snprintf(dir, sizeof(dir), "/tmp/mams-ctl-XXXXXX");
	if (!mkdtemp(dir) || chmod(dir, 0755) < 0)
		return 1;
	snprintf(path, sizeof(path), "%s/ctl", dir);
	rc = mams_suite_run("ctlsock", cases, MAMS_ARRAY_LEN(cases));
	rmdir(dir);
	return rc;
}
