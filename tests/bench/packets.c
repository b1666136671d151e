/* Packets per second without loss, and round trips, for benchmarks of tunnels.
 *
 *   mams-bench-packets sink ADDRESS:PORT REPORT-ADDRESS:PORT
 *   mams-bench-packets send -s OCTETS -t SECONDS [-w WINDOW] ADDRESS:PORT REPORT-ADDRESS:PORT
 *   mams-bench-packets ping -s OCTETS -n COUNT ADDRESS:PORT
 *
 * The sink tells over another way, not the tunnel, how many it has; the sender keeps at most WINDOW
 * under way, so nothing need be lost, and what is lost is counted.  OCTETS is the UDP payload.
 * Prints key=value words. */
#include "lib/base/addr.h"
#include "lib/base/clock.h"

#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BATCH 32
#define MAX 9000
#define REPORT_EVERY 128 /* a quarter of the window: what is measured is no ping-pong */
#define STALL_MS 100
#define UNANSWERED 20u /* so many round trips without an answer: there is no way back */
#define ECHO 0xec

struct head {
	uint32_t n;
	uint8_t kind;
};

static int udp(const char *text, bool listen)
{
	struct sockaddr_storage sa;
	struct mams_addr a;
	int size = 16 << 20;
	socklen_t len;
	int fd;

	if (mams_addr_parse_port(text, 0, &a) < 0)
		return -1;
	len = mams_addr_to_sa(&a, &sa);
	fd = socket(a.family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	(void)!setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	(void)!setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	if (fd < 0 || (listen ? bind(fd, (struct sockaddr *)&sa, len)
			      : connect(fd, (struct sockaddr *)&sa, len)) < 0) {
		perror(text);
		exit(1);
	}
	return fd;
}

static void batch(struct mmsghdr *m, struct iovec *v, uint8_t (*data)[MAX], size_t len)
{
	memset(m, 0, BATCH * sizeof(*m));
	for (size_t i = 0; i < BATCH; i++) {
		v[i] = (struct iovec){data[i], len};
		m[i].msg_hdr.msg_iov = &v[i];
		m[i].msg_hdr.msg_iovlen = 1;
	}
}

/** Count what comes; a packet of number 0 begins anew; echoes go straight back. */
static void sink(const char *at, const char *report_to)
{
	static uint8_t data[BATCH][MAX];
	int in = udp(at, true);
	int out = udp(report_to, false);
	struct mmsghdr m[BATCH];
	struct iovec v[BATCH];
	uint64_t got = 0;
	uint64_t told = 0;

	for (;;) {
		struct pollfd p = {.fd = in, .events = POLLIN};
		struct sockaddr_storage from;
		int n = poll(&p, 1, got == told ? -1 : 1);

		if (n > 0) {
			batch(m, v, data, MAX);
			m[0].msg_hdr.msg_name = &from;
			m[0].msg_hdr.msg_namelen = sizeof(from);
			n = recvmmsg(in, m, BATCH, MSG_DONTWAIT, NULL);
		}
		for (int i = 0; i < n; i++) {
			struct head h;

			memcpy(&h, data[i], sizeof(h));
			if (h.kind == ECHO) {
				(void)!sendto(in, data[i], m[i].msg_len, 0,
					(struct sockaddr *)&from, m[0].msg_hdr.msg_namelen);
				continue;
			}
			if (h.n == 0)
				got = told = 0;
			got++;
		}
		if (got != told && (n <= 0 || got - told >= REPORT_EVERY)) {
			(void)!send(out, &got, sizeof(got), MSG_DONTWAIT);
			told = got;
		}
	}
}

struct job {
	size_t size;
	int seconds;
	uint32_t window;
	uint32_t count;
};

/** Read all reports; wait for one when the window is full. */
static uint64_t reports(int fd, uint64_t have, int wait_ms)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	uint64_t n;

	if (poll(&p, 1, wait_ms) <= 0)
		return have;
	while (recv(fd, &n, sizeof(n), MSG_DONTWAIT) == (ssize_t)sizeof(n))
		if (n > have)
			have = n;
	return have;
}

static int send_all(const struct job *j, const char *to, const char *report_at)
{
	static uint8_t data[BATCH][MAX];
	int out = udp(to, false);
	int in = udp(report_at, true);
	struct mmsghdr m[BATCH];
	struct iovec v[BATCH];
	uint64_t sent = 0;
	uint64_t got = 0;
	uint64_t lost = 0;
	mams_time begin = mams_clock_now();
	mams_time now = begin;

	batch(m, v, data, j->size);
	while (now.us - begin.us < j->seconds * INT64_C(1000000)) {
		uint64_t room = j->window - (sent - lost - got);
		unsigned n = room < BATCH ? (unsigned)room : BATCH;
		uint64_t before = got;
		int done;

		for (unsigned i = 0; i < n; i++) {
			struct head h = {.n = (uint32_t)(sent + i)};

			memcpy(data[i], &h, sizeof(h));
		}
		done = n ? sendmmsg(out, m, n, 0) : 0;
		if (done > 0)
			sent += (uint64_t)done;
		got = reports(in, got, n ? 0 : STALL_MS);
		if (n == 0 && got == before) /* what is under way will not come any more */
			lost = sent - got;
		now = mams_clock_now();
	}
	printf("sent=%llu received=%llu lost=%llu pps=%.0f\n", (unsigned long long)sent,
		(unsigned long long)got, (unsigned long long)lost,
		(double)got * 1e6 / (double)(now.us - begin.us));
	return 0;
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a;
	int64_t y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

static int ping(const struct job *j, const char *to)
{
	int fd = udp(to, false);
	int64_t *us = calloc(j->count, sizeof(*us));
	uint8_t data[MAX] = {0};
	uint32_t n = 0;

	if (!us)
		return 1;
	for (uint32_t i = 0; i < j->count && i - n < UNANSWERED; i++) {
		const struct head h = {.n = i + 1, .kind = ECHO};
		struct pollfd p = {.fd = fd, .events = POLLIN};
		mams_time begin = mams_clock_now();

		memcpy(data, &h, sizeof(h));
		(void)!send(fd, data, j->size, 0);
		if (poll(&p, 1, STALL_MS) > 0 && recv(fd, data, sizeof(data), 0) > 0)
			us[n++] = mams_clock_now().us - begin.us;
		usleep(200);
	}
	qsort(us, n, sizeof(*us), compare);
	printf("answered=%u p50_us=%lld p99_us=%lld\n", n, n ? (long long)us[n / 2] : -1,
		n ? (long long)us[n * 99 / 100] : -1);
	free(us);
	return n ? 0 : 1;
}

int main(int argc, char **argv)
{
	struct job j = {.size = 64, .seconds = 2, .window = 512, .count = 2000};
	int c;

	while ((c = getopt(argc, argv, "s:t:w:n:")) != -1) {
		unsigned long v = optarg ? strtoul(optarg, NULL, 10) : 0;

		if (c == 's')
			j.size = v < sizeof(struct head) ? sizeof(struct head) : v > MAX ? MAX : v;
		else if (c == 't')
			j.seconds = (int)v;
		else if (c == 'w')
			j.window = (uint32_t)v;
		else if (c == 'n')
			j.count = (uint32_t)v;
		else
			return 2;
	}
	argc -= optind;
	argv += optind;
	if (argc == 3 && strcmp(argv[0], "sink") == 0)
		sink(argv[1], argv[2]);
	if (argc == 3 && strcmp(argv[0], "send") == 0)
		return send_all(&j, argv[1], argv[2]);
	if (argc == 2 && strcmp(argv[0], "ping") == 0)
		return ping(&j, argv[1]);
	fprintf(stderr, "usage: see the head of tests/bench/packets.c\n");
	return 2;
}
