/* Against a real redis-server with TLS and a password, on loopback. */
#include "lib/io/redis.h"
#include "tests/support/suite.h"
#include "tests/support/tls_rig.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char server[32];
static char port[8];
static pid_t pid;

static struct mams_loop *loop;
static struct mams_loop_timer *end;
static struct mams_redis *redis;
static unsigned opened, closed, told, lost;
static char last[64];
static char published[64];

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

/* Until n is reached, at most 8 s. */
static void run_until(const unsigned *count, unsigned n)
{
	for (int i = 0; i < 400 && *count < n; i++)
		run(20);
}

static void on_opened(void *user)
{
	(void)user;
	opened++;
}

static void on_closed(void *user)
{
	(void)user;
	closed++;
}

static void on_message(void *user, const char *data, size_t len)
{
	(void)user;
	snprintf(published, sizeof(published), "%.*s", (int)len, data);
}

static const struct mams_redis_ops ops = {
	.opened = on_opened, .closed = on_closed, .message = on_message};

static void on_reply(void *user, const struct mams_redis_reply *reply)
{
	const char *text = reply ? mams_redis_error(reply) : NULL;

	(void)user;
	told++;
	lost += !reply;
	last[0] = '\0';
	for (size_t i = 0; reply && !text && i < mams_redis_count(reply); i++) {
		const char *one = mams_redis_text(reply, i, NULL);

		snprintf(last + strlen(last), sizeof(last) - strlen(last), "[%s]",
			one ? one : "nil");
	}
	if (text)
		snprintf(last, sizeof(last), "%.20s", text);
	else if (reply && mams_redis_integer(reply))
		snprintf(last, sizeof(last), "%lld", (long long)mams_redis_integer(reply));
}

static const char *command(const char *const *argv, size_t n)
{
	unsigned before = told;

	if (mams_redis_command(redis, on_reply, NULL, argv, n) < 0)
		return "not taken";
	run_until(&told, before + 1);
	return told == before + 1 ? last : "no reply";
}
#define COMMAND(...)                                                                               \
	command((const char *const[]){__VA_ARGS__},                                                \
		sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

/* ---- the server ---- */

static void pick_port(void)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(sa);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	mams_assert(fd >= 0 && bind(fd, (struct sockaddr *)&sa, len) == 0);
	getsockname(fd, (struct sockaddr *)&sa, &len);
	close(fd);
	snprintf(port, sizeof(port), "%u", ntohs(sa.sin_port));
	snprintf(server, sizeof(server), "127.0.0.1:%s", port);
}

static void write_secret(const char *name, const char *text)
{
	int fd = open(rig_file(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	mams_assert(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

static void server_start(void)
{
	char conf[1024];

	snprintf(conf, sizeof(conf),
		"bind 127.0.0.1\nport 0\ntls-port %s\ntls-cert-file %s\ntls-key-file %s\n"
		"tls-ca-cert-file %s\ntls-auth-clients no\nsave \"\"\nrequirepass correct-horse\n",
		port, rig_file("ncm.crt"), rig_file("ncm.key"), rig_file("ca.crt"));
	write_secret("redis.conf", conf);
	pid = fork();
	if (pid == 0) {
		int null = open("/dev/null", O_RDWR | O_CLOEXEC);

		prctl(PR_SET_PDEATHSIG, SIGKILL); /* it does not outlive us, whatever happens */
		dup2(null, 1);
		dup2(null, 2);
		execlp("redis-server", "redis-server", rig_file("redis.conf"), (char *)NULL);
		_exit(127);
	}
	mams_assert(pid > 0);
}

static void server_kill(void)
{
	if (pid > 0) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	pid = 0;
}

static void redis_start(const char *ca, const char *password)
{
	const struct mams_redis_opts opts = {.server = server,
		.ca_file = rig_file(ca),
		.password_file = rig_file(password),
		.channel = "to:us"};
	struct mams_error err = {0};

	opened = closed = told = lost = 0;
	published[0] = '\0';
	CU_ASSERT_EQUAL_FATAL(mams_loop_new(&loop), 0);
	CU_ASSERT_EQUAL_FATAL(mams_loop_timer_new(loop, stop, NULL, &end), 0);
	CU_ASSERT_EQUAL_FATAL(mams_redis_new(loop, &opts, &ops, NULL, &redis, &err), 0);
}

static void redis_stop(void)
{
	mams_redis_free(redis);
	run(50); /* what libcurl still has to do */
	mams_loop_timer_del(end);
	mams_loop_free(loop);
}

/* ---- cases ---- */

static void replies(void)
{
	redis_start("ca.crt", "redis.password");
	CU_ASSERT_STRING_EQUAL(COMMAND("PING"), "not taken");
	run_until(&opened, 1);
	CU_ASSERT_EQUAL_FATAL(opened, 1);
	CU_ASSERT(mams_redis_is_open(redis));
	CU_ASSERT_STRING_EQUAL(COMMAND("SET", "k", "a b\r\nc"), "[OK]");
	CU_ASSERT_STRING_EQUAL(COMMAND("GET", "k"), "[a b\r\nc]");
	CU_ASSERT_STRING_EQUAL(COMMAND("GET", "none"), "[nil]");
	CU_ASSERT_STRING_EQUAL(COMMAND("SADD", "s", "x", "y"), "2");
	CU_ASSERT_STRING_EQUAL(COMMAND("EVAL", "return {'a',false,'b'}", "0"), "[a][nil][b]");
	CU_ASSERT_STRING_EQUAL(COMMAND("EVAL", "return {}", "0"), "");
	CU_ASSERT_STRING_EQUAL(COMMAND("NONSENSE"), "ERR unknown command ");
	CU_ASSERT_STRING_EQUAL(COMMAND("PUBLISH", "to:nobody", "x"), "[nil]"); /* 0 */
	CU_ASSERT_STRING_EQUAL(COMMAND("PUBLISH", "to:us", "hello"), "1");
	for (int i = 0; i < 50 && !published[0]; i++)
		run(10);
	CU_ASSERT_STRING_EQUAL(published, "hello");
	redis_stop();
}

static void a_large_one(void)
{
	char *text = malloc(1000001);

	CU_ASSERT_PTR_NOT_NULL_FATAL(text);
	memset(text, 'x', 1000000);
	text[1000000] = '\0';
	redis_start("ca.crt", "redis.password");
	run_until(&opened, 1);
	CU_ASSERT_STRING_EQUAL(COMMAND("APPEND", "large", text), "1000000");
	CU_ASSERT_NOT_EQUAL(strcmp(COMMAND("GET", "large"), "no reply"), 0);
	redis_stop();
	free(text);
}

static void killed_and_back(void)
{
	const char *const wait[] = {"BLPOP", "nothing", "0"};

	redis_start("ca.crt", "redis.password");
	run_until(&opened, 1);
	CU_ASSERT_EQUAL_FATAL(mams_redis_command(redis, on_reply, NULL, wait, 3), 0);
	run(100);
	server_kill();
	run_until(&closed, 1);
	CU_ASSERT_EQUAL(closed, 1);
	CU_ASSERT_EQUAL(told, 1); /* what was under way has been told */
	CU_ASSERT_EQUAL(lost, 1);
	CU_ASSERT(!mams_redis_is_open(redis));
	CU_ASSERT_STRING_EQUAL(COMMAND("PING"), "not taken");
	server_start();
	run_until(&opened, 2);
	CU_ASSERT_EQUAL(opened, 2);
	CU_ASSERT_STRING_EQUAL(COMMAND("PING"), "[PONG]");
	CU_ASSERT_STRING_EQUAL(COMMAND("PUBLISH", "to:us", "again"), "1");
	redis_stop();
}

/* A server that is there and says nothing is as good as none. */
static void silent(void)
{
	redis_start("ca.crt", "redis.password");
	run_until(&opened, 1);
	kill(pid, SIGSTOP);
	run_until(&closed, 1);
	CU_ASSERT_EQUAL(closed, 1);
	kill(pid, SIGCONT);
	run_until(&opened, 2);
	CU_ASSERT_EQUAL(opened, 2);
	redis_stop();
}

static void refused(void)
{
	redis_start("ca.crt", "redis.wrong");
	run(800);
	CU_ASSERT_EQUAL(opened, 0);
	redis_stop();
	redis_start("other/ca.crt", "redis.password"); /* not whom it pretends to be */
	run(800);
	CU_ASSERT_EQUAL(opened, 0);
	redis_stop();
}

static void password_of_everybody(void)
{
	const struct mams_redis_opts opts = {.server = server,
		.ca_file = rig_file("ca.crt"),
		.password_file = rig_file("redis.password")};
	struct mams_error err = {0};
	struct mams_redis *r;

	CU_ASSERT_EQUAL_FATAL(mams_loop_new(&loop), 0);
	chmod(rig_file("redis.password"), 0644);
	CU_ASSERT_EQUAL(mams_redis_new(loop, &opts, &ops, NULL, &r, &err), -MAMS_EDENIED);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.where, "redis.password"));
	chmod(rig_file("redis.password"), 0600);
	mams_loop_free(loop);
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"replies", replies},
		{"a large one", a_large_one},
		{"killed and back", killed_and_back},
		{"silent", silent},
		{"refused", refused},
		{"password of everybody", password_of_everybody},
	};
	int rc;

	if (!rig_make_files())
		return 1;
	write_secret("redis.password", "correct-horse\n");
	write_secret("redis.wrong", "battery-staple\n");
	pick_port();
	server_start();
	rc = mams_suite_run("redis", cases, sizeof(cases) / sizeof(cases[0]));
	server_kill();
	rig_remove_files();
	return rc;
}
