/* linkemu: emulated links between network namespaces, in one process: a TUN device at each end, and
 * between them rate, queue, delay, jitter, loss, repetition, reordering, carrier.
 *
 *   linkemu [-S SEED] [-m MTU] -s SOCKET LINK...
 *       LINK is NAME:NAMESPACE-A:NAMESPACE-B[:SETTINGS], settings with commas between them; those
 *       of both directions, or with "ab." or "ba." before the name those of one.  Both devices are
 *       called NAME.  Ends with SIGTERM or SIGINT, then prints the counters.
 *   linkemu -c SOCKET COMMAND...
 *       - set NAME SETTINGS: from now on
 *       - down NAME [a|b]: no carrier (at both ends, or one that sees it); what is under way is
 *         lost
 *       - up NAME
 *       - show: counters of all links
 *
 * A packet comes out at its time or up to QUANTUM_NS later. */
#include "tests/support/linkemu_wire.h"

#include "lib/base/err.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define LINKS_MAX 8
#define QUANTUM_NS 100000
#define READS 64 /* packets from one device before the others have their turn */
#define TEXT_MAX 4096

struct link {
	char name[IFNAMSIZ];
	int fd[2];           /* device at end a and b */
	struct wire wire[2]; /* from a to b, and back */
};

static struct link links[LINKS_MAX];
static unsigned n_links;
static unsigned mtu = 1500;
static int timer_fd;
static int64_t armed = INT64_MAX;

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static void die(const char *what)
{
	fprintf(stderr, "linkemu: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* ---- devices ---- */

static void enter(const char *ns)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), strchr(ns, '/') ? "%s" : "/run/netns/%s", ns);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET) < 0)
		die(ns);
	close(fd);
}

/* The default queue of 500 packets in front of the device would drop what the wire should queue. */
static int open_tun(const char *ns, const char *name)
{
	struct ifreq ifr = {.ifr_flags = IFF_TUN | IFF_NO_PI};
	int fd;
	int s;

	enter(ns); /* the device belongs to where it is opened */
	fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		die("/dev/net/tun");
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	if (ioctl(fd, TUNSETIFF, &ifr) < 0)
		die(name);
	s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ifr.ifr_qlen = 20000;
	if (s < 0 || ioctl(s, SIOCSIFTXQLEN, &ifr) < 0)
		die("queue length");
	ifr.ifr_mtu = (int)mtu;
	if (ioctl(s, SIOCSIFMTU, &ifr) < 0)
		die("MTU");
	close(s);
	return fd;
}

static void carrier(struct link *l, unsigned end, int on)
{
	if (ioctl(l->fd[end], TUNSETCARRIER, &on) < 0)
		die("carrier");
}

/* ---- packets ---- */

static void rearm(void)
{
	struct itimerspec when = {0};
	int64_t next = INT64_MAX;

	for (unsigned i = 0; i < 2 * n_links; i++) {
		int64_t t = wire_next(&links[i / 2].wire[i % 2]);

		next = t < next ? t : next;
	}
	if (next == armed || next == INT64_MAX)
		return;
	armed = next;
	/* one wake-up for all that is due within a quantum */
	next = next + QUANTUM_NS / 2;
	when.it_value.tv_sec = next / 1000000000;
	when.it_value.tv_nsec = next % 1000000000;
	timerfd_settime(timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
}

static void release(void)
{
	int64_t now = now_ns();

	for (unsigned i = 0; i < 2 * n_links; i++) {
		struct link *l = &links[i / 2];
		struct wire *w = &l->wire[i % 2];
		struct wire_packet *p;

		while ((p = wire_get(w, now))) {
			if (write(l->fd[!(i % 2)], p->data, p->len) < 0)
				w->count.refused++; /* the device is down */
			free(p);
		}
	}
}

static void take_in(unsigned i)
{
	static uint8_t buf[65536];
	struct link *l = &links[i / 2];
	int64_t now = now_ns();

	for (unsigned n = 0; n < READS; n++) {
		ssize_t len = read(l->fd[i % 2], buf, sizeof(buf));

		if (len <= 0)
			return;
		wire_put(&l->wire[i % 2], buf, (uint32_t)len, now);
	}
}

/* ---- settings and commands ---- */

static bool set_word(struct link *l, const char *word)
{
	if (strncmp(word, "ab.", 3) == 0)
		return wire_set(&l->wire[0].conf, word + 3);
	if (strncmp(word, "ba.", 3) == 0)
		return wire_set(&l->wire[1].conf, word + 3);
	return wire_set(&l->wire[0].conf, word) && wire_set(&l->wire[1].conf, word);
}

/* All or nothing: words with commas or blanks between them. @return NULL or the word that is wrong
 */
static const char *set_all(struct link *l, char *words)
{
	struct wire_conf old[2] = {l->wire[0].conf, l->wire[1].conf};
	char *save;

	for (char *w = strtok_r(words, ", ", &save); w; w = strtok_r(NULL, ", ", &save)) {
		if (set_word(l, w))
			continue;
		l->wire[0].conf = old[0];
		l->wire[1].conf = old[1];
		return w;
	}
	return NULL;
}

static struct link *find(const char *name)
{
	for (unsigned i = 0; name && i < n_links; i++) {
		if (strcmp(links[i].name, name) == 0)
			return &links[i];
	}
	return NULL;
}

static size_t show(char *out, size_t cap)
{
	size_t len = 0;

	for (unsigned i = 0; i < 2 * n_links; i++) {
		const struct wire *w = &links[i / 2].wire[i % 2];
		const struct wire_counters *c = &w->count;

		len += (size_t)snprintf(out + len, cap - len,
			"%s %s in=%" PRIu64 " out=%" PRIu64 " octets=%" PRIu64 " lost=%" PRIu64
			" queue_full=%" PRIu64 " duplicated=%" PRIu64 " reordered=%" PRIu64
			" dead=%" PRIu64 " stripped=%" PRIu64 " refused=%" PRIu64
			" no_memory=%" PRIu64 " waiting=%zu\n",
			links[i / 2].name, i % 2 ? "ba" : "ab", c->in, c->out, c->out_octets,
			c->lost, c->queue_full, c->duplicated, c->reordered, c->dead, c->stripped,
			c->refused, c->no_memory, w->n);
		if (len >= cap)
			return cap - 1;
	}
	return len;
}

static void set_carrier(struct link *l, const char *end, bool up)
{
	for (unsigned e = 0; e < 2; e++) {
		if (!end || up || *end == "ab"[e])
			carrier(l, e, up);
		l->wire[e].conf.dead = !up;
		if (!up)
			wire_clear(&l->wire[e]);
	}
}

static void command(char *text, char *answer, size_t cap)
{
	char *save;
	const char *verb = strtok_r(text, " \n", &save);
	struct link *l;
	const char *wrong;

	if (verb && strcmp(verb, "show") == 0) {
		(void)show(answer, cap);
		return;
	}
	l = verb ? find(strtok_r(NULL, " \n", &save)) : NULL;
	if (!l) {
		snprintf(answer, cap, "error: no such command or link\n");
	} else if (strcmp(verb, "set") == 0) {
		wrong = set_all(l, save);
		if (wrong)
			snprintf(answer, cap, "error: %s\n", wrong);
		else
			snprintf(answer, cap, "ok\n");
	} else if (strcmp(verb, "down") == 0 || strcmp(verb, "up") == 0) {
		set_carrier(l, strtok_r(NULL, " \n", &save), *verb == 'u');
		snprintf(answer, cap, "ok\n");
	} else {
		snprintf(answer, cap, "error: no such command\n");
	}
}

static void serve(int listener)
{
	char text[TEXT_MAX];
	char answer[TEXT_MAX] = "";
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	struct timeval patience = {.tv_usec = 200000};
	ssize_t n;

	if (fd < 0)
		return;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	n = read(fd, text, sizeof(text) - 1);
	if (n > 0) {
		text[n] = '\0';
		command(text, answer, sizeof(answer));
		if (write(fd, answer, strlen(answer)) < 0)
			perror("linkemu: answer");
	}
	close(fd);
}

/* ---- start ---- */

static struct sockaddr_un address(const char *path)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};

	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
	return sa;
}

static int ask(const char *path, char **words, int n)
{
	struct sockaddr_un sa = address(path);
	char text[TEXT_MAX] = "";
	size_t len = 0;
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	ssize_t got;

	for (int i = 0; i < n && len < sizeof(text); i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s ", words[i]);
	if (len >= sizeof(text) || fd < 0 || connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 ||
		write(fd, text, len) < 0)
		die(path);
	got = read(fd, text, sizeof(text) - 1);
	if (got <= 0)
		die(path);
	text[got] = '\0';
	close(fd);
	fputs(text, strncmp(text, "error", 5) == 0 ? stderr : stdout);
	return strncmp(text, "error", 5) == 0;
}

static void add_link(char *spec, uint64_t seed)
{
	char *save;
	struct link *l = &links[n_links];
	const char *name = strtok_r(spec, ":", &save);
	const char *ns[2];
	const char *wrong;
	int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	ns[0] = strtok_r(NULL, ":", &save);
	ns[1] = strtok_r(NULL, ":", &save);
	if (!name || !ns[0] || !ns[1] || n_links == LINKS_MAX) {
		fprintf(stderr,
			"linkemu: a link is NAME:NAMESPACE:NAMESPACE[:SETTINGS], %d at most\n",
			LINKS_MAX);
		exit(2);
	}
	snprintf(l->name, sizeof(l->name), "%s", name);
	for (unsigned e = 0; e < 2; e++) {
		wire_init(&l->wire[e], seed * 1000003 + n_links * 2 + e + 1);
		l->fd[e] = open_tun(ns[e], name);
		if (home < 0 || setns(home, CLONE_NEWNET) < 0)
			die("back home");
	}
	close(home);
	wrong = set_all(l, save ? save : (char[]){""});
	if (wrong) {
		fprintf(stderr, "linkemu: %s: %s\n", name, wrong);
		exit(2);
	}
	n_links++;
}

static void watch(int ep, int fd, uint32_t what)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.u32 = what};

	if (epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev) < 0)
		die("epoll");
}

enum { EV_TIMER = 100, EV_SIGNAL, EV_CONTROL };

static void run(int listener)
{
	int ep = epoll_create1(EPOLL_CLOEXEC);
	sigset_t set;
	struct epoll_event ev[16];
	uint64_t expired;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	watch(ep, timer_fd, EV_TIMER);
	watch(ep, signalfd(-1, &set, SFD_CLOEXEC), EV_SIGNAL);
	watch(ep, listener, EV_CONTROL);
	for (unsigned i = 0; i < 2 * n_links; i++)
		watch(ep, links[i / 2].fd[i % 2], i);
	for (;;) {
		int n = epoll_wait(ep, ev, MAMS_ARRAY_LEN(ev), -1);

		for (int i = 0; i < n; i++) {
			uint32_t what = ev[i].data.u32;

			if (what == EV_SIGNAL)
				return;
			if (what == EV_CONTROL)
				serve(listener);
			else if (what != EV_TIMER)
				take_in(what);
			/* read before it is armed anew, or a wake-up is lost */
			else if (read(timer_fd, &expired, sizeof(expired)) > 0)
				armed = INT64_MAX;
		}
		release();
		rearm();
	}
}

static int listen_at(const char *path)
{
	struct sockaddr_un sa = address(path);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	unlink(path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 || listen(fd, 8) < 0)
		die(path);
	return fd;
}

int main(int argc, char **argv)
{
	const char *path = NULL;
	char text[TEXT_MAX];
	uint64_t seed = 1;
	int listener;
	int opt;

	while ((opt = getopt(argc, argv, "c:s:S:m:")) != -1) {
		switch (opt) {
		case 'c':
			return ask(optarg, argv + optind, argc - optind);
		case 's':
			path = optarg;
			break;
		case 'S':
			seed = strtoull(optarg, NULL, 0);
			break;
		case 'm':
			mtu = (unsigned)strtoul(optarg, NULL, 0);
			break;
		default:
			return 2;
		}
	}
	if (!path || optind == argc) {
		fprintf(stderr, "usage: linkemu [-S SEED] [-m MTU] -s SOCKET LINK...\n"
				"       linkemu -c SOCKET COMMAND...\n");
		return 2;
	}
	for (int i = optind; i < argc; i++)
		add_link(argv[i], seed);
	listener = listen_at(path);
	run(listener);
	unlink(path);
	fwrite(text, 1, show(text, sizeof(text)), stdout);
	for (unsigned i = 0; i < 2 * n_links; i++)
		wire_fini(&links[i / 2].wire[i % 2]);
	return 0;
}
