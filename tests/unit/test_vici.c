#include "lib/io/unixsock.h"
#include "lib/io/vici.h"
#include "tests/support/suite.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHARON "/usr/lib/ipsec/charon"

/* ---- our end, and a charon made of a script ---- */

struct rig {
	struct mams_loop *l;
	struct mams_vici *v;
	char dir[64], path[96];
	int listener, peer;
	struct mams_loop_fd *accepting, *reading;
	struct mams_loop_timer *limit;
	uint8_t got[4096];
	size_t n_got;
	unsigned packets; /* that the script has seen */
	bool mute;
	unsigned ups, downs, events, stop_at_ups, stop_at_downs, stop_at_answers;
	unsigned answers;
	int rc[8];
	uintptr_t which[8];
	char text[8][64]; /* value of "key" in the answers */
	char last_event[32];
	bool free_in_answer;
};

static const char *const wanted_events[] = {"child-updown", "no-such", NULL};

static void say(struct rig *g, const void *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		CU_ASSERT_EQUAL(send(g->peer, (const uint8_t *)data + i, 1, MSG_NOSIGNAL), 1);
}

static void say_packet(struct rig *g, enum mams_vici_type type, const char *name, const char *key,
	const char *value)
{
	uint8_t room[256];
	struct mams_vici_writer w = mams_vici_begin(room, sizeof(room), type, name);
	int len;

	if (key)
		mams_vici_value(&w, key, value);
	len = mams_vici_finish(&w);
	CU_ASSERT_FATAL(len > 0);
	say(g, room, (size_t)len);
}

/* What charon would answer: to a command its own name. */
static void answer(struct rig *g, const struct mams_vici_packet *p)
{
	char name[64];

	g->packets++;
	mams_vici_string(&p->name, name, sizeof(name));
	if (p->type == MAMS_VICI_REGISTER)
		say_packet(g, strcmp(name, "no-such") ? MAMS_VICI_CONFIRM : MAMS_VICI_NO_EVENT,
			NULL, NULL, NULL);
	else if (strcmp(name, "refused") == 0)
		say_packet(g, MAMS_VICI_RESPONSE, NULL, "success", "no");
	else if (strcmp(name, "unknown") == 0)
		say_packet(g, MAMS_VICI_UNKNOWN, NULL, NULL, NULL);
	else if (strcmp(name, "length") == 0)
		say(g, "\xff\xff\xff\xff", 4);
	else if (strcmp(name, "twice") == 0)
		for (int i = 0; i < 2; i++)
			say_packet(g, MAMS_VICI_RESPONSE, NULL, NULL, NULL);
	else if (strcmp(name, "client") == 0)
		say_packet(g, MAMS_VICI_REQUEST, "ask", NULL, NULL);
	else if (strcmp(name, "bye") == 0)
		shutdown(g->peer, SHUT_RDWR);
	else
		say_packet(g, MAMS_VICI_RESPONSE, NULL, "key", name);
}

static void on_read(void *user, int fd, unsigned events)
{
	struct rig *g = user;
	ssize_t n = recv(fd, g->got + g->n_got, sizeof(g->got) - g->n_got, MSG_DONTWAIT);
	struct mams_vici_packet p;
	size_t len;

	(void)events;
	if (n <= 0) {
		mams_loop_fd_del(g->reading);
		g->reading = NULL;
		close(g->peer);
		g->peer = -1;
		return;
	}
	g->n_got += (size_t)n;
	while (g->n_got >= 4 && g->n_got >= 4 + (len = (size_t)g->got[2] << 8 | g->got[3])) {
		CU_ASSERT_EQUAL(mams_vici_packet(g->got + 4, len, &p), 0);
		if (!g->mute || p.type == MAMS_VICI_REGISTER)
			answer(g, &p);
		g->n_got -= 4 + len;
		memmove(g->got, g->got + 4 + len, g->n_got);
	}
}

static void on_accept(void *user, int fd, unsigned events)
{
	struct rig *g = user;

	(void)events;
	g->peer = accept(fd, NULL, NULL);
	g->n_got = 0;
	CU_ASSERT_FATAL(g->peer >= 0);
	CU_ASSERT_EQUAL(
		mams_loop_fd_add(g->l, g->peer, MAMS_LOOP_READ, on_read, g, &g->reading), 0);
}

static void up(void *user)
{
	struct rig *g = user;

	CU_ASSERT(mams_vici_is_up(g->v));
	if (++g->ups == g->stop_at_ups)
		mams_loop_stop(g->l);
}

static void down(void *user, const char *why)
{
	struct rig *g = user;

	CU_ASSERT(why && *why);
	CU_ASSERT(!mams_vici_is_up(g->v));
	if (++g->downs == g->stop_at_downs)
		mams_loop_stop(g->l);
}

static void event(void *user, const struct mams_vici_packet *e)
{
	struct rig *g = user;

	g->events++;
	mams_vici_string(&e->name, g->last_event, sizeof(g->last_event));
}

static const struct mams_vici_ops ops = {.up = up, .down = down, .event = event};

static void answered(void *user, uintptr_t which, int rc, const struct mams_vici_text *body)
{
	struct rig *g = user;
	struct mams_vici_text t = {0};

	CU_ASSERT_FATAL(g->answers < MAMS_ARRAY_LEN(g->rc));
	g->rc[g->answers] = rc;
	g->which[g->answers] = which;
	if (mams_vici_find(body, "key", &t) == 0)
		mams_vici_string(&t, g->text[g->answers], sizeof(g->text[0]));
	g->answers++;
	if (g->free_in_answer) {
		mams_vici_free(g->v);
		g->v = NULL;
	}
	if (g->answers == g->stop_at_answers)
		mams_loop_stop(g->l);
}

static void too_late(void *user)
{
	struct rig *g = user;

	CU_FAIL("it takes too long");
	mams_loop_stop(g->l);
}

static void rig_new(struct rig *g, bool script)
{
	*g = (struct rig){.listener = -1, .peer = -1, .dir = "/tmp/mams-vici.XXXXXX"};
	CU_ASSERT_FATAL(mkdtemp(g->dir) != NULL);
	snprintf(g->path, sizeof(g->path), "%s/vici", g->dir);
	CU_ASSERT_FATAL(mams_loop_new(&g->l) == 0);
	CU_ASSERT_EQUAL(mams_loop_timer_new(g->l, too_late, g, &g->limit), 0);
	mams_loop_timer_at(g->limit, mams_time_add_ms(mams_clock_now(), 60000));
	if (script) {
		g->listener = mams_unix_listen(SOCK_STREAM, g->path, 0600, (gid_t)-1, 4);
		CU_ASSERT_FATAL(g->listener >= 0);
		CU_ASSERT_EQUAL(mams_loop_fd_add(g->l, g->listener, MAMS_LOOP_READ, on_accept, g,
					&g->accepting),
			0);
	}
	CU_ASSERT_FATAL(mams_vici_new(g->l, g->path, wanted_events, &ops, g, &g->v) == 0);
}

static void rig_free(struct rig *g)
{
	mams_vici_free(g->v);
	mams_loop_fd_del(g->accepting);
	mams_loop_fd_del(g->reading);
	if (g->listener >= 0)
		close(g->listener);
	if (g->peer >= 0)
		close(g->peer);
	mams_loop_timer_del(g->limit);
	mams_loop_free(g->l);
	unlink(g->path);
	rmdir(g->dir);
}

static int ask(struct rig *g, const char *name, uintptr_t which)
{
	uint8_t room[300];
	struct mams_vici_writer w = mams_vici_begin(room, sizeof(room), MAMS_VICI_REQUEST, name);
	int rc;

	mams_vici_value(&w, "data", "secret");
	rc = mams_vici_ask(g->v, &w, answered, which);
	for (size_t i = 0; i < w.w.len; i++)
		CU_ASSERT_EQUAL(room[i], 0);
	return rc;
}

static void run_to_up(struct rig *g)
{
	g->stop_at_ups = g->ups + 1;
	mams_loop_run(g->l);
	CU_ASSERT_EQUAL_FATAL(g->ups, g->stop_at_ups);
}

static void commands(void)
{
	struct rig g;

	rig_new(&g, true);
	CU_ASSERT_EQUAL(ask(&g, "early", 0), -ENOTCONN);
	run_to_up(&g);
	CU_ASSERT_EQUAL(g.packets, 2);
	CU_ASSERT_EQUAL(ask(&g, "first", 11), 0);
	CU_ASSERT_EQUAL(ask(&g, "refused", 12), 0);
	CU_ASSERT_EQUAL(ask(&g, "unknown", 13), 0);
	CU_ASSERT_EQUAL(ask(&g, "last", 14), 0);
	say_packet(&g, MAMS_VICI_EVENT, "child-updown", "up", "yes");
	g.stop_at_answers = 4;
	mams_loop_run(g.l);
	CU_ASSERT_EQUAL(g.answers, 4);
	CU_ASSERT_EQUAL(g.rc[0], 0);
	CU_ASSERT_EQUAL(g.which[0], 11);
	CU_ASSERT_STRING_EQUAL(g.text[0], "first");
	CU_ASSERT_EQUAL(g.rc[1], -MAMS_EPEER);
	CU_ASSERT_EQUAL(g.rc[2], -MAMS_EUNKNOWN);
	CU_ASSERT_EQUAL(g.rc[3], 0);
	CU_ASSERT_STRING_EQUAL(g.text[3], "last");
	CU_ASSERT_EQUAL(g.which[3], 14);
	CU_ASSERT_EQUAL(g.events, 1);
	CU_ASSERT_STRING_EQUAL(g.last_event, "child-updown");
	CU_ASSERT_EQUAL(g.downs, 0);
	rig_free(&g);
}

/* It ends, or says what makes no sense: everybody who waits is told, and it is dialled anew. */
static void lost(void)
{
	static const char *const ways[] = {"bye", "length", "twice", "client"};

	for (size_t i = 0; i < MAMS_ARRAY_LEN(ways); i++) {
		struct rig g;

		rig_new(&g, true);
		run_to_up(&g);
		CU_ASSERT_EQUAL(ask(&g, ways[i], 1), 0);
		if (strcmp(ways[i], "twice") != 0)
			CU_ASSERT_EQUAL(ask(&g, "waits", 2), 0);
		g.stop_at_downs = 1;
		mams_loop_run(g.l);
		CU_ASSERT_EQUAL(g.downs, 1);
		CU_ASSERT_EQUAL(g.rc[g.answers - 1], strcmp(ways[i], "twice") ? -EPIPE : 0);
		CU_ASSERT_EQUAL(g.answers, strcmp(ways[i], "twice") ? 2 : 1);
		run_to_up(&g);
		CU_ASSERT_EQUAL(ask(&g, "again", 3), 0);
		g.stop_at_answers = g.answers + 1;
		mams_loop_run(g.l);
		CU_ASSERT_STRING_EQUAL(g.text[g.answers - 1], "again");
		rig_free(&g);
	}
}

static void freed(void)
{
	struct rig g;

	rig_new(&g, true);
	run_to_up(&g);
	CU_ASSERT_EQUAL(ask(&g, "first", 1), 0);
	CU_ASSERT_EQUAL(ask(&g, "second", 2), 0);
	g.free_in_answer = true;
	g.stop_at_answers = 1;
	mams_loop_run(g.l);
	CU_ASSERT_EQUAL(g.answers, 1);
	rig_free(&g);
	/* with answers under way, and before it has ever connected */
	rig_new(&g, true);
	run_to_up(&g);
	CU_ASSERT_EQUAL(ask(&g, "first", 1), 0);
	rig_free(&g);
	CU_ASSERT_EQUAL(g.answers, 0);
	rig_new(&g, false);
	rig_free(&g);
}

static void too_many(void)
{
	struct rig g;
	int n = 0;

	rig_new(&g, true);
	run_to_up(&g);
	g.mute = true;
	while (n < 1000 && ask(&g, "x", 0) == 0)
		n++;
	CU_ASSERT_EQUAL(n, 256);
	CU_ASSERT_EQUAL(ask(&g, "x", 0), -MAMS_ELIMIT);
	rig_free(&g);
}

/* ---- charon itself, in namespaces of its own ---- */

static void write_conf(const struct rig *g, const char *path)
{
	FILE *f = fopen(path, "w");

	CU_ASSERT_FATAL(f != NULL);
	fprintf(f,
		"charon {\nload = random nonce aes sha1 sha2 hmac kdf gcm openssl curve25519"
		" kernel-libipsec kernel-netlink socket-default vici\nplugins {\nvici {\nsocket = "
		"unix://%s\n}\n"
		"kernel-libipsec {\nload = yes\n}\n}\n}\n",
		g->path);
	CU_ASSERT_EQUAL(fclose(f), 0);
}

static pid_t start_charon(const char *conf)
{
	pid_t pid = fork();
	int null;

	if (pid != 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	null = open("/dev/null", O_RDWR);
	if (unshare(CLONE_NEWNS | CLONE_NEWNET) < 0 ||
		mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
		mount("none", "/run", "tmpfs", 0, NULL) < 0 || null < 0)
		_exit(3);
	dup2(null, 1);
	dup2(null, 2);
	setenv("STRONGSWAN_CONF", conf, 1);
	execl(CHARON, "charon", (char *)NULL);
	_exit(4);
}

static void kill_charon(pid_t pid)
{
	int status;

	CU_ASSERT_EQUAL(kill(pid, SIGKILL), 0);
	CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
	CU_ASSERT(WIFSIGNALED(status));
}

static void load_secret(struct rig *g)
{
	uint8_t room[300];
	struct mams_vici_writer w =
		mams_vici_begin(room, sizeof(room), MAMS_VICI_REQUEST, "load-shared");

	mams_vici_value(&w, "id", "one");
	mams_vici_value(&w, "type", "IKE");
	mams_vici_value(&w, "data", "0123456789abcdef");
	mams_vici_list_of(&w, "owners", "client.example");
	CU_ASSERT_EQUAL(mams_vici_ask(g->v, &w, answered, 1), 0);
}

static void real(void)
{
	struct rig g;
	char conf[100];
	pid_t pid;

	rig_new(&g, false);
	snprintf(conf, sizeof(conf), "%s/conf", g.dir);
	write_conf(&g, conf);
	pid = start_charon(conf);
	CU_ASSERT_FATAL(pid > 0);
	run_to_up(&g);
	load_secret(&g);
	CU_ASSERT_EQUAL(ask(&g, "stats", 2), 0);
	CU_ASSERT_EQUAL(ask(&g, "unload-conn", 3), 0);
	CU_ASSERT_EQUAL(ask(&g, "no-such-command", 4), 0);
	g.stop_at_answers = 4;
	mams_loop_run(g.l);
	CU_ASSERT_EQUAL(g.rc[0], 0);
	CU_ASSERT_EQUAL(g.rc[1], 0);
	CU_ASSERT_EQUAL(g.rc[2], -MAMS_EPEER);
	CU_ASSERT_EQUAL(g.rc[3], -MAMS_EUNKNOWN);
	/* killed, and started again: the connection finds it */
	kill_charon(pid);
	g.stop_at_downs = 1;
	if (g.downs == 0)
		mams_loop_run(g.l);
	CU_ASSERT_EQUAL(g.downs, 1);
	pid = start_charon(conf);
	run_to_up(&g);
	load_secret(&g);
	g.stop_at_answers = 5;
	mams_loop_run(g.l);
	CU_ASSERT_EQUAL(g.rc[4], 0);
	kill_charon(pid);
	unlink(conf);
	rig_free(&g);
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"events, then commands in order", commands},
		{"it is lost and dialled anew", lost},
		{"freed whenever one likes", freed},
		{"no more than charon can take", too_many},
		{"charon itself", real},
	};

	return mams_suite_run("vici", cases, MAMS_ARRAY_LEN(cases));
}
