/* A call: numbered packets at a steady rate both ways at once, and how they came, for benchmarks.
 *
 *   mams-bench-call answer [-t] [-o FILE] ADDRESS:PORT
 *   mams-bench-call call [-t] [-o FILE] [-B SOURCE] -r PACKETS-PER-SECOND -s OCTETS -d SECONDS
 *       ADDRESS:PORT
 *
 * UDP, or with -t TCP (TCP_NODELAY; a packet is a message of so many octets).  The caller says what
 * it wants with its first message; the other end sends the same.  Both ends are on one machine, so
 * one clock stamps and reads.  Each end prints key=value words of what it received; delays are one
 * way, in ms, and of all packets: one that is lost is as late as can be (99999).  What has not come
 * LINGER_MS after the last one was due is lost; of the others those count as late that take more
 * than LATE_MS, which no call waits for (ITU-T G.114). */
#include "lib/base/addr.h"
#include "lib/base/clock.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LINGER_MS 3000
#define LATE_MS 400
#define NEVER_US INT64_C(99999000)
#define OCTETS_MAX 1400u
#define PACKETS_MAX 1000000u

struct head {
	uint32_t n;
	uint32_t rate, octets, packets; /* of the call: the first that comes tells */
	int64_t sent_us;
};

struct call {
	int fd;
	bool tcp;
	struct head want;
	uint32_t sent;
	mams_time start;
	uint8_t in[OCTETS_MAX * 64];
	size_t n_in;       /* TCP: octets of messages not yet whole */
	int64_t *delay_us; /* by number; -1: not come */
	uint32_t received, twice;
	uint8_t out[OCTETS_MAX];
	size_t left; /* TCP: octets of out that the kernel has not taken */
};

static int die(const char *what)
{
	perror(what);
	exit(1);
}

static int64_t now_us(void)
{
	return mams_clock_now().us;
}

static bool begin(struct call *c, const struct head *want)
{
	if (want->rate == 0 || want->octets < sizeof(struct head) || want->octets > OCTETS_MAX ||
		want->packets == 0 || want->packets > PACKETS_MAX)
		return false;
	c->want = *want;
	c->start = mams_clock_now();
	c->delay_us = malloc(want->packets * sizeof(*c->delay_us));
	for (uint32_t i = 0; c->delay_us && i < want->packets; i++)
		c->delay_us[i] = -1;
	return c->delay_us != NULL;
}

static mams_time due(const struct call *c, uint32_t n)
{
	return mams_time_us(c->start.us + (int64_t)n * 1000000 / c->want.rate);
}

/* What the kernel does not take over UDP is lost, as it would be on a full link. */
static void put(struct call *c)
{
	ssize_t n;

	if (c->left == 0) {
		struct head h = c->want;

		h.n = c->sent++;
		h.sent_us = now_us();
		memcpy(c->out, &h, sizeof(h));
		c->left = c->want.octets;
	}
	n = send(c->fd, c->out + c->want.octets - c->left, c->left, MSG_NOSIGNAL);
	if (n > 0)
		c->left -= (size_t)n;
	else if (n < 0 && c->tcp && errno != EAGAIN && errno != EINTR)
		die("send");
	if (!c->tcp)
		c->left = 0;
}

static void came(struct call *c, const uint8_t *data)
{
	struct head h;

	memcpy(&h, data, sizeof(h));
	if (h.n >= c->want.packets)
		return;
	if (c->delay_us[h.n] >= 0) {
		c->twice++;
		return;
	}
	c->delay_us[h.n] = now_us() - h.sent_us;
	c->received++;
}

/* By the caller's first message. */
static bool begin_as_told(struct call *c)
{
	struct head h;

	if (c->n_in < sizeof(h))
		return false;
	memcpy(&h, c->in, sizeof(h));
	return begin(c, &h);
}

/* @return false: the other end has gone */
static bool take(struct call *c)
{
	size_t at = 0;
	ssize_t n = recv(c->fd, c->in + c->n_in, sizeof(c->in) - c->n_in, MSG_DONTWAIT);

	if (n <= 0)
		return n < 0 && (errno == EAGAIN || errno == EINTR || !c->tcp);
	c->n_in += (size_t)n;
	if (!c->delay_us && !begin_as_told(c)) {
		fprintf(stderr, "call: not a call\n");
		exit(1);
	}
	for (; c->n_in - at >= c->want.octets; at += c->want.octets)
		came(c, c->in + at);
	if (!c->tcp)
		at = c->n_in;
	memmove(c->in, c->in + at, c->n_in - at);
	c->n_in -= at;
	return true;
}

static int by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

static void print(const struct call *c)
{
	const uint32_t packets = c->want.packets;
	uint32_t late = 0;
	uint32_t n = 0;

	for (uint32_t i = 0; i < packets; i++) {
		if (c->delay_us[i] < 0) {
			c->delay_us[i] = NEVER_US;
			continue;
		}
		late += c->delay_us[i] > LATE_MS * 1000;
		n++;
	}
	qsort(c->delay_us, packets, sizeof(*c->delay_us), by_value);
	printf("sent=%" PRIu32 " received=%" PRIu32 " lost=%" PRIu32 " late=%" PRIu32
	       " gone=%" PRIu32 " twice=%" PRIu32,
		c->sent, n, packets - n, late, packets - n + late, c->twice);
	for (int p = 50; packets > 0 && p <= 100; p = p == 50 ? 95 : p == 95 ? 99 : p + 1)
		printf(" p%d_ms=%.2f", p,
			(double)c->delay_us[(uint64_t)(packets - 1) * (unsigned)p / 100] / 1000);
	printf("\n");
	fflush(stdout);
}

static void print_seconds(const struct call *c, const char *path)
{
	FILE *f = fopen(path, "w");

	if (!f)
		die(path);
	for (uint32_t first = 0; first < c->want.packets; first += c->want.rate) {
		uint32_t lost = 0;
		uint32_t late = 0;
		int64_t most = 0;

		for (uint32_t i = first; i < first + c->want.rate && i < c->want.packets; i++) {
			lost += c->delay_us[i] < 0;
			late += c->delay_us[i] > LATE_MS * 1000;
			if (c->delay_us[i] > most)
				most = c->delay_us[i];
		}
		fprintf(f, "%" PRIu32 " %" PRIu32 " %" PRIu32 " %" PRId64 "\n",
			first / c->want.rate, lost, late, most / 1000);
	}
	if (fclose(f) != 0)
		die(path);
}

/* Both directions, until the last packet was due and LINGER_MS have gone. */
static void talk(struct call *c, const char *seconds)
{
	mams_time end = mams_time_add_ms(due(c, c->want.packets), LINGER_MS);
	struct pollfd p = {.fd = c->fd};

	for (mams_time now = mams_clock_now(); mams_time_before(now, end); now = mams_clock_now()) {
		bool more = c->sent < c->want.packets || c->left > 0;
		mams_time next = c->left > 0 || !more ? end : due(c, c->sent);
		int64_t wait = next.us > now.us ? next.us - now.us : 0;
		struct timespec ts = {wait / 1000000, wait % 1000000 * 1000};

		if (!more && c->received == c->want.packets)
			break;
		if (more && c->left == 0 && wait <= 0) {
			put(c);
			continue;
		}
		p.events = POLLIN | (c->left > 0 ? POLLOUT : 0);
		if (ppoll(&p, 1, &ts, NULL) <= 0)
			continue;
		if (p.revents & POLLOUT)
			put(c);
		if (p.revents & (POLLIN | POLLHUP | POLLERR) && !take(c))
			break;
	}
	if (seconds)
		print_seconds(c, seconds);
	print(c);
}

static void bind_to(int fd, const char *source)
{
	struct sockaddr_storage sa;
	struct mams_addr a;
	socklen_t len;

	if (mams_addr_parse_port(source, 0, &a) < 0)
		die(source);
	len = mams_addr_to_sa(&a, &sa);
	if (bind(fd, (struct sockaddr *)&sa, len) < 0)
		die(source);
}

/* @param source  of a caller; NULL: as routed */
static int open_at(const char *text, bool tcp, bool listens, const char *source)
{
	struct sockaddr_storage sa;
	struct mams_addr a;
	socklen_t len;
	int fd, one = 1;

	if (mams_addr_parse_port(text, 0, &a) < 0)
		die(text);
	fd = socket(a.family, (tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0);
	if (tcp)
		(void)!setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	(void)!setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (source)
		bind_to(fd, source);
	len = mams_addr_to_sa(&a, &sa);
	if (fd < 0 || (listens ? bind(fd, (struct sockaddr *)&sa, len)
			       : connect(fd, (struct sockaddr *)&sa, len)) < 0)
		die(text);
	if (tcp && listens && listen(fd, 1) < 0)
		die(text);
	return fd;
}

/* One call; the socket of UDP is bound to whoever called. */
static void answer(const char *where, bool tcp, const char *each)
{
	static struct call c;
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);
	int fd = open_at(where, tcp, true, NULL);
	struct pollfd p = {.fd = fd, .events = POLLIN};

	c.tcp = tcp;
	c.fd = fd;
	if (tcp)
		c.fd = accept(fd, NULL, NULL);
	else if (poll(&p, 1, -1) == 1 &&
		 recvfrom(fd, c.in, sizeof(c.in), MSG_PEEK, (struct sockaddr *)&sa, &len) > 0)
		(void)!connect(fd, (struct sockaddr *)&sa, len);
	if (c.fd < 0)
		die("accept");
	p.fd = c.fd;
	while (!c.delay_us)
		if (poll(&p, 1, -1) < 0 || !take(&c))
			die("no call");
	talk(&c, each);
}

int main(int argc, char **argv)
{
	static struct call c;
	struct head want = {.rate = 50, .octets = 200};
	const char *source = NULL;
	const char *each = NULL;
	unsigned seconds = 5;
	bool tcp = false;
	int o;

	signal(SIGPIPE, SIG_IGN);
	while ((o = getopt(argc - (argc > 1), argv + (argc > 1), "to:r:s:d:B:")) != -1) {
		if (o == 't')
			tcp = true;
		else if (o == 'o')
			each = optarg;
		else if (o == 'r')
			want.rate = (uint32_t)strtoul(optarg, NULL, 10);
		else if (o == 'B')
			source = optarg;
		else if (o == 's')
			want.octets = (uint32_t)strtoul(optarg, NULL, 10);
		else if (o == 'd')
			seconds = (unsigned)strtoul(optarg, NULL, 10);
		else
			optind = argc;
	}
	if (argc < 3 || optind + 2 != argc) {
		fprintf(stderr, "usage: see the head of tests/bench/call.c\n");
		return 2;
	}
	if (strcmp(argv[1], "answer") == 0) {
		answer(argv[argc - 1], tcp, each);
		return 0;
	}
	want.packets = want.rate * seconds;
	c.tcp = tcp;
	c.fd = open_at(argv[argc - 1], tcp, false, source);
	if (!begin(&c, &want))
		return 2;
	talk(&c, each);
	return 0;
}
