/* Many sessions on one N-MADP: what each costs at rest, and what its packets cost.
 *
 *   mams-bench-sessions -n SESSIONS [-a ACTIVE] -p PID -c CTL-SOCKET [-r PACKETS/S] [-k PHASES]
 * [-m] [-i] [-d] LOCAL NETWORK:PORT
 *
 * Configures SESSIONS sessions at the mams-trailer PID over its ctl socket, is the client of each
 * of them (a socket and a proof each, one link), lets them rest, then sends bursts of BURST
 * packets, each burst one flow, by turns on all of them.  Flows and pace are the same however many
 * sessions there are: BURST packets of a session come together, as from one write of a client that
 * segments, and the next of that session when all others have had their turn.  With -m the rate
 * grows then until packets are lost, each rate tried several times.  With -i nothing is sent and
 * nothing answered, it is for the memory; with -d, too, but each session has an association of
 * DTLS, and what that costs is told. Prints key=value words; CPU time and memory are the daemon's.
 */
#include "lib/base/addr.h"
#include "lib/base/clock.h"
#include "lib/io/ctlsock.h"
#include "lib/io/dtls.h"
#include "lib/io/udpbatch.h"
#include "lib/mx/mx_control.h"
#include "tests/bench/sessions_dtls.h"
#include "tests/bench/sessions_used.h"
#include "trailer-madp/csum.h"
#include "trailer-madp/frame.h"
#include "trailer-madp/gma.h"
#include "trailer-madp/mac.h"
#include "trailer-madp/proof.h"
#include "trailer-madp/report.h"
#include "trailer-madp/sender.h"

#include <openssl/evp.h>

#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define BURST 16u
#define FLOWS 2000u
#define SDU 1400u
#define PDU_MAX (SDU + MADP_GMA_MAX)
#define KEY 24u
#define CONTROL_PORT 7500
#define CONNECTION 1
#define REST_US 9000000 /* past what the N-MADP takes for a pause: then a session is idle */
#define PHASE_US INT64_C(600000)
#define SETTLE_US 30000 /* after it */
#define LOSS_MOST 0.001
#define TRIES 5
#define STOLEN_MOST 0.02
#define MORE 40
#define UDP 17

struct client {
	int fd;
	uint8_t anchor[4];
	uint32_t flow_sn;
	uint8_t delivery_sn;
	struct mams_dtls *dtls;
};

struct job {
	unsigned n;
	unsigned active;
	unsigned rate;
	unsigned phases;
	bool most; /**< look for the highest rate, too */
	bool idle; /**< memory only */
	bool dtls;
	unsigned turn;  /**< bursts sent so far */
	unsigned again; /**< phases measured anew */
	int pid;
	int ctl_fd;
	int epfd;
	struct mams_addr local;
	struct mams_addr network;
	uint8_t key[KEY];
	char key_text[KEY / 3 * 4 + 1];
	struct client *client;
	struct mams_udp_rx *rx;
};

static void fail(const char *what)
{
	fprintf(stderr, "mams-bench-sessions: %s\n", what);
	exit(1);
}

/* ---- setting up ---- */

static int dial(const char *path)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&sa, sizeof(sa)) < 0)
		fail(path);
	return fd;
}

/** Events are thrown away, lest they stand in the way of an answer. */
static void pass_over_events(const struct job *j)
{
	static char event[MAMS_CTL_MAX_BYTES];

	while (recv(j->ctl_fd, event, sizeof(event), MSG_DONTWAIT) > 0)
		;
}

/** @return the answer, until the next question */
static const char *ask(const struct job *j, const char *text)
{
	static char answer[MAMS_CTL_MAX_BYTES + 1];
	ssize_t n;

	if (send(j->ctl_fd, text, strlen(text), 0) < 0)
		fail("ctl does not listen");
	do {
		n = recv(j->ctl_fd, answer, sizeof(answer) - 1, 0);
		if (n <= 0)
			fail("no answer on ctl");
		answer[n] = '\0';
	} while (!strstr(answer, "\"id\":7,"));
	return answer;
}

static void configure(const struct job *j, unsigned i)
{
	static const char treat[] = "{\"mode\":\"single\",\"links\":[1],\"lossless\":false,"
				    "\"pass_late\":false}";
	const struct client *c = &j->client[i];
	char text[1024];
	const char *answer;

	snprintf(text, sizeof(text),
		"{\"ctl\":1,\"id\":7,\"type\":\"tr_session_set\",\"client\":\"client%u\","
		"\"session_id\":%u,\"secret\":\"%s\",\"anchor_connection_id\":0,\"mtu\":%u,"
		"\"control_port\":%u,\"encapsulation\":\"trailer\",\"header_optimization\":false,"
		"\"anchor4\":\"%u.%u.%u.%u\",\"links\":[{\"connection_id\":%u,\"name\":\"wifi\","
		"\"mtu\":1500,\"rate_kbps\":0,\"bound_kbps\":0,\"remote_port\":0,\"dtls\":%s}],"
		"\"classes\":[{\"flow_id\":0,\"ul\":%s,\"dl\":%s}]}",
		i, i + 1, j->key_text, SDU, CONTROL_PORT, c->anchor[0], c->anchor[1], c->anchor[2],
		c->anchor[3], CONNECTION, j->dtls ? "true" : "false", treat, treat);
	answer = ask(j, text);
	if (!strstr(answer, "tr_ready"))
		fail(answer);
}

static void send_proof(const struct job *j, unsigned i, const struct madp_proof *p)
{
	const struct madp_secret secret = {madp_mac, j->key, KEY};
	const struct client *c = &j->client[i];
	uint8_t pkt[MADP_FRAME_HDR + MADP_PROOF_SIZE];

	madp_proof_encode(p, &secret, pkt + MADP_FRAME_HDR);
	(void)!send(c->fd, pkt,
		madp_frame_put(pkt, c->anchor, madp_frame_network, CONTROL_PORT, MADP_PROOF_SIZE),
		0);
}

/** As a C-MADP says when it has come: which links it has. */
static void announce(const struct client *c)
{
	const struct madp_report r = {.cid = CONNECTION,
		.seq = 1,
		.ts_ms = madp_timestamp(mams_clock_now()),
		.n_links = 1,
		.link = {{.cid = CONNECTION}}};
	uint8_t pkt[MADP_FRAME_HDR + MADP_REPORT_MAX];
	size_t len = madp_report_encode(&r, pkt + MADP_FRAME_HDR);

	(void)!send(c->fd, pkt,
		madp_frame_put(pkt, c->anchor, madp_frame_network, CONTROL_PORT, len), 0);
}

/** Until the N-MADP accepts, or ten seconds are over. */
static bool prove(const struct job *j, unsigned i)
{
	mams_time begun = mams_clock_now();
	mams_time now = begun;
	uint8_t nonce[MADP_NONCE];
	struct madp_prover prover = {0};
	struct madp_proof p;

	(void)!getrandom(nonce, sizeof(nonce), 0);
	madp_prover_start(&prover, nonce, now);
	while (now.us - begun.us < 10000000) {
		struct pollfd ready = {.fd = j->client[i].fd, .events = POLLIN};
		uint8_t pkt[2048];
		ssize_t n;

		if (madp_prover_next(&prover, now, &p)) {
			p.session = i + 1;
			p.cid = CONNECTION;
			p.incarnation = 1;
			send_proof(j, i, &p);
		}
		n = poll(&ready, 1, 50) > 0 ? recv(ready.fd, pkt, sizeof(pkt), 0) : 0;
		now = mams_clock_now();
		if (n == MADP_FRAME_HDR + MADP_PROOF_SIZE &&
			madp_proof_decode(pkt + MADP_FRAME_HDR, MADP_PROOF_SIZE, &p) == 0 &&
			madp_prover_input(&prover, &p, now)) {
			announce(&j->client[i]);
			return true;
		}
	}
	return false;
}

/* ---- what the N-MADP asks ---- */

/** Probes are answered, everything else is thrown away. */
static void answer(const struct client *c, const uint8_t *pkt, size_t len)
{
	uint8_t out[MADP_FRAME_HDR + 64];
	struct mx_control m;
	size_t n = madp_frame_get(pkt, len, madp_frame_network, c->anchor, CONTROL_PORT);
	int rc;

	if (n == 0 || mx_control_decode(pkt + MADP_FRAME_HDR, n, true, &m) < 0 ||
		m.kind != MX_CONTROL_REQ || !m.want_ack)
		return;
	m = (struct mx_control){.kind = MX_CONTROL_ACK,
		.cid = CONNECTION,
		.sn = m.sn,
		.active = m.active,
		.lsb_first = m.lsb_first};
	rc = mx_control_encode(&m, out + MADP_FRAME_HDR, sizeof(out) - MADP_FRAME_HDR);
	if (rc > 0)
		(void)!send(c->fd, out,
			madp_frame_put(
				out, c->anchor, madp_frame_network, CONTROL_PORT, (size_t)rc),
			0);
}

/** What one client has got. */
static void hear(const struct job *j, const struct client *c)
{
	struct mams_udp_in in[MAMS_UDP_RX_BATCH];
	int n = mams_udp_recv(j->rx, c->fd, in);

	for (int i = 0; i < n; i++)
		for (size_t at = 0, len; at < in[i].len; at += len) {
			len = in[i].len - at < in[i].segment ? in[i].len - at : in[i].segment;
			answer(c, in[i].data + at, len);
		}
}

static void listen_us(const struct job *j, int64_t us)
{
	mams_time end = mams_clock_now();

	end.us += us;
	for (;;) {
		struct epoll_event ev[64];
		int64_t left = end.us - mams_clock_now().us;
		int n = epoll_wait(j->epfd, ev, 64, left > 0 ? (int)((left + 999) / 1000) : 0);

		for (int i = 0; i < n; i++) {
			if (ev[i].data.ptr)
				hear(j, ev[i].data.ptr);
			else
				pass_over_events(j);
		}
		if (left <= 0)
			return;
	}
}

/* ---- all of them ---- */

static void set_up(struct job *j)
{
	const struct mams_udp_opts opts = {.local = j->local, .remote = j->network};
	struct mams_error err;
	uint8_t raw[KEY];

	(void)!getrandom(raw, sizeof(raw), 0);
	memcpy(j->key, raw, KEY);
	EVP_EncodeBlock((unsigned char *)j->key_text, raw, KEY);
	j->client = calloc(j->n, sizeof(*j->client));
	if (!j->client || mams_udp_rx_new(&j->rx) < 0)
		fail("out of memory");
	for (unsigned i = 0; i < j->n; i++) {
		const uint8_t anchor[4] = {10, 60, (uint8_t)(1 + i / 250), (uint8_t)(2 + i % 250)};

		memcpy(j->client[i].anchor, anchor, 4);
		if (mams_udp_open(&opts, &j->client[i].fd, &err) < 0)
			fail(err.text);
		configure(j, i);
	}
	j->epfd = epoll_create1(EPOLL_CLOEXEC);
	if (epoll_ctl(j->epfd, EPOLL_CTL_ADD, j->ctl_fd, &(struct epoll_event){.events = EPOLLIN}) <
		0)
		fail("epoll");
	for (unsigned i = 0; i < j->n; i++) {
		struct epoll_event ev = {.events = EPOLLIN, .data.ptr = &j->client[i]};

		if (!prove(j, i))
			fail("a session was not proven");
		if (!j->idle && epoll_ctl(j->epfd, EPOLL_CTL_ADD, j->client[i].fd, &ev) < 0)
			fail("epoll");
		if (i % 64 == 0)
			listen_us(j, 0);
	}
}

/* ---- sending ---- */

static void put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/** A UDP packet of the client, to where nobody is. */
static void write_sdu(const struct client *c, unsigned flow, uint8_t *p)
{
	static const uint8_t nobody[4] = {198, 18, 0, 1};
	uint16_t sum;

	memset(p, 0, SDU);
	p[0] = 0x45;
	put16(p + 2, SDU);
	p[6] = 0x40;
	p[8] = 64;
	p[9] = UDP;
	memcpy(p + 12, c->anchor, 4);
	memcpy(p + 16, nobody, 4);
	sum = (uint16_t)~madp_csum_fold(madp_csum_add(0, p, 20));
	memcpy(p + 10, &sum, 2);
	put16(p + 20, 1024 + flow);
	put16(p + 22, 9);
	put16(p + 24, SDU - 20);
	sum = (uint16_t)~madp_csum_fold(
		madp_csum_add(madp_csum_pseudo(p, UDP, SDU - 20), p + 20, SDU - 20));
	memcpy(p + 26, &sum, 2);
}

static void send_burst(struct client *c, unsigned flow, mams_time now)
{
	static const struct madp_gma_rules rules = {.v4 = MADP_GMA_TRAILER};
	static uint8_t sdu[SDU];
	static uint8_t data[BURST * PDU_MAX];
	struct mams_udp_out out = {.data = data};
	int why;

	write_sdu(c, flow, sdu);
	for (unsigned i = 0; i < BURST; i++) {
		const struct madp_gma g = {.form = MADP_GMA_TRAILER,
			.flags = MADP_GMA_CONNECTION_ID | MADP_GMA_DELIVERY_SN | MADP_GMA_FLOW_SN |
				 MADP_GMA_TIMESTAMP | MADP_GMA_TTL,
			.connection_id = CONNECTION,
			.delivery_sn = c->delivery_sn++,
			.flow_sn = c->flow_sn,
			.timestamp_ms = madp_timestamp(now)};
		struct madp_pkt p = {.data = data + out.len, .len = SDU, .tail = MADP_GMA_MAX};

		memcpy(p.data, sdu, SDU);
		if (madp_gma_encap(&rules, &g, &p) != MADP_OK)
			fail("encapsulation");
		c->flow_sn = madp_sn_add(c->flow_sn, 1);
		out.len += p.len;
		out.segment = (uint16_t)p.len;
	}
	while (mams_udp_send(c->fd, &out, 1, &why) != 1) {
		struct pollfd room = {.fd = c->fd, .events = POLLOUT};

		if (why != -EAGAIN || poll(&room, 1, 1000) <= 0)
			fail("a burst could not be sent");
	}
}

/** @return packets sent */
static uint64_t send_all(struct job *j, double rate)
{
	mams_time begun = mams_clock_now();
	mams_time now = begun;
	uint64_t bursts = 0;

	while (now.us - begun.us < PHASE_US) {
		uint64_t due = (uint64_t)((double)(now.us - begun.us) * rate / 1e6) / BURST;

		for (; bursts < due; bursts++, j->turn++)
			send_burst(&j->client[j->turn % j->active], j->turn % FLOWS, now);
		now = mams_clock_now();
		/* what is late is not waited for */
		due = (uint64_t)((double)(now.us - begun.us) * rate / 1e6) / BURST;
		listen_us(j, due > bursts ? 0 : 1000);
		now = mams_clock_now();
	}
	return bursts * BURST;
}

/** Of the whole daemon. */
struct counts {
	unsigned long long sdus, control_sent, control_received, send_calls, receive_calls;
};

static struct counts count(const struct job *j)
{
	const char *status = ask(j, "{\"ctl\":1,\"id\":7,\"type\":\"status_req\","
				    "\"client\":\"client0\"}");

	return (struct counts){.sdus = bench_counter(status, "sdus_received_total"),
		.control_sent = bench_counter(status, "control_sent_total"),
		.control_received = bench_counter(status, "control_received_total"),
		.send_calls = bench_counter(status, "send_calls_total"),
		.receive_calls = bench_counter(status, "receive_calls_total")};
}

struct phase {
	double sent;
	double came;
	double cpu_ns; /**< while it was sent */
};

/** A phase in which the host of a virtual machine took its processors away tells of the host: then
 *  another one, MORE times in all. */
static struct phase measure_phase(struct job *j, double rate)
{
	struct phase p;
	double stolen;

	do {
		double before = (double)count(j).sdus;

		stolen = bench_stolen_us();
		p.cpu_ns = bench_cpu_ns(j->pid);
		p.sent = (double)send_all(j, rate);
		p.cpu_ns = bench_cpu_ns(j->pid) - p.cpu_ns;
		stolen = bench_stolen_us() - stolen;
		listen_us(j, SETTLE_US);
		p.came = (double)count(j).sdus - before;
	} while (stolen > STOLEN_MOST * PHASE_US && j->again++ < MORE);
	return p;
}

/** CPU time of a packet: the middle one of several phases, since the machine is not ours alone. */
static void measure_cost(struct job *j)
{
	double *ns = calloc(j->phases, sizeof(*ns));
	struct counts was = count(j);
	struct counts is;
	double lost = 0;
	double n = 0;

	if (!ns)
		fail("out of memory");
	for (unsigned i = 0; i < j->phases; i++) {
		struct phase p = measure_phase(j, j->rate);

		lost += p.sent - p.came;
		n += p.came;
		ns[i] = p.cpu_ns / p.came;
	}
	bench_sort(ns, j->phases);
	printf("lost=%.0f of=%.0f ns_per_packet=%.0f least_ns=%.0f ", lost, n + lost,
		ns[j->phases / 2], ns[0]);
	is = count(j);
	/* per burst */
	n = (double)(is.sdus - was.sdus) / BURST;
	printf("control_sent=%.2f control_received=%.2f send_calls=%.2f receive_calls=%.2f ",
		(double)(is.control_sent - was.control_sent) / n,
		(double)(is.control_received - was.control_received) / n,
		(double)(is.send_calls - was.send_calls) / n,
		(double)(is.receive_calls - was.receive_calls) / n);
	free(ns);
}

/** The most packets/s of which hardly any is lost: faster and faster, until it fails TRIES times.
 */
static void measure_most(struct job *j)
{
	double rate = j->rate;
	double most = 0;
	double cost = 0;
	unsigned failed = 0;

	while (failed < TRIES) {
		struct phase p = measure_phase(j, rate);

		if (p.came >= p.sent * (1 - LOSS_MOST) && p.sent >= 0.95 * rate * PHASE_US / 1e6) {
			most = p.came / PHASE_US * 1e6;
			cost = p.cpu_ns / p.came;
			failed = 0;
			rate *= 1.05;
		} else {
			failed++;
			listen_us(j, 500000);
		}
	}
	printf("most_pps=%.0f most_ns=%.0f ", most, cost);
}

/** Each session's association, one after the other: what a handshake costs here and there. */
static void associate(struct job *j)
{
	struct mams_dtls_context *x = bench_dtls_context();
	double network = bench_cpu_ns(j->pid);
	double own = bench_cpu_ns(getpid());

	if (!x)
		fail("no DTLS");
	for (unsigned i = 0; i < j->n; i++) {
		char identity[32];

		snprintf(identity, sizeof(identity), "%u-%u", i + 1, CONNECTION);
		j->client[i].dtls =
			bench_dtls_open(x, j->client[i].fd, identity, j->key, sizeof(j->key));
		if (!j->client[i].dtls)
			fail("an association was not made");
		if (i % 64 == 0)
			listen_us(j, 0);
	}
	network = (bench_cpu_ns(j->pid) - network) / j->n / 1e6;
	own = (bench_cpu_ns(getpid()) - own) / j->n / 1e6;
	printf("handshake_ms=%.3f of_network_ms=%.3f ", own + network, network);
	listen_us(j, REST_US);
	for (unsigned i = 0; i < j->n; i++)
		mams_dtls_free(j->client[i].dtls);
	mams_dtls_context_free(x);
}

static int measure(struct job *j)
{
	double empty = bench_memory_kib(j->pid);
	double rest;
	double cpu;

	set_up(j);
	if (j->dtls)
		associate(j);
	else
		listen_us(j, REST_US);
	rest = bench_memory_kib(j->pid) - empty;
	cpu = bench_cpu_ns(j->pid);
	listen_us(j, 1000000);
	printf("sessions=%u active=%u idle_kib=%.1f idle_cpu_percent=%.2f ", j->n, j->active,
		rest / j->n, (bench_cpu_ns(j->pid) - cpu) / 1e7);
	if (!j->idle)
		measure_cost(j);
	if (j->most)
		measure_most(j);
	printf("again=%u\n", j->again);
	mams_udp_rx_free(j->rx);
	free(j->client);
	return 0;
}

int main(int argc, char **argv)
{
	struct job j = {.n = 1, .rate = 200000, .phases = 5};
	int c;

	while ((c = getopt(argc, argv, "n:a:p:c:r:k:mid")) != -1) {
		unsigned long v = optarg ? strtoul(optarg, NULL, 10) : 0;

		if (c == 'n')
			j.n = v ? (unsigned)v : 1;
		else if (c == 'a')
			j.active = (unsigned)v;
		else if (c == 'p')
			j.pid = (int)v;
		else if (c == 'c')
			j.ctl_fd = dial(optarg);
		else if (c == 'r')
			j.rate = (unsigned)v;
		else if (c == 'm')
			j.most = true;
		else if (c == 'i')
			j.idle = true;
		else if (c == 'd')
			j.dtls = j.idle = true;
		else if (c == 'k')
			j.phases = v ? (unsigned)v : 1;
		else
			return 2;
	}
	if (j.active == 0 || j.active > j.n)
		j.active = j.n;
	if (argc - optind != 2 || !j.ctl_fd || !j.pid ||
		mams_addr_parse(argv[optind], &j.local) < 0 ||
		mams_addr_parse_port(argv[optind + 1], 0, &j.network) < 0) {
		fprintf(stderr, "usage: see the head of tests/bench/sessions.c\n");
		return 2;
	}
	return measure(&j);
}
