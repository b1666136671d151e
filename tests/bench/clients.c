/* A crowd of CCMs: real session cores and transports of mams-ccm, each with a certificate of its
 * own; only the host's network is not touched.  See usage(). */
#include "tests/bench/clients.h"
#include "ccm-agent/compose.h"
#include "ccm-agent/uplink.h"
#include "lib/base/err.h"
#include "lib/base/log.h"
#include "lib/ctl/ctl_msg.h"
#include "lib/io/ctlmsg.h"

#include <curl/curl.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

#define LOG_MODULE "clients"
#define LINKS 2
#define CLIENT_OCTETS (220u << 10) /* of heap: libcurl's and OpenSSL's most of all */
#define SAMPLES_MAX 1000000
#define REFUSALS_TOLD 10
#define GIVEN_UP_S 25 /* an NCM that has been killed does not answer */
#define AFTER_S 60    /* whom we have asked for something in vain is asked again for so long */

static const struct ccm_link_conf link_conf[LINKS] = {
	{.name = "wifi", .connection_id = 0, .connection_type = MX_WIFI, .interface = "wifi"},
	{.name = "lte",
		.connection_id = 1,
		.connection_type = MX_LTE,
		.interface = "lte",
		.priority = 1},
};

struct clients_opt opt = {.dir = ".", .n = 1000, .window = 128};

static double ms_since(mams_time from)
{
	return 1e3 * clients_s(from, mams_clock_now());
}

/* ---- the crowd ---- */

struct client {
	struct ccm_conf conf;
	struct ccm_session session;
	struct ccm_uplink *uplink;
	struct mams_loop_timer *timer;
	char cert[512];
	bool active;
	bool applying;
	mams_time asked; /* the NCM has not answered our request to steer it; 0: it has */
	uint32_t asked_id;
	bool delivered;     /* that request has reached it */
	mams_time unserved; /* when it was asked for what has not been applied since; 0: nothing */
};

static struct mams_loop *loop;
static struct client *clients;
static size_t n_started;
static size_t n_active;
static mams_time began;
static mams_time all_active;
static struct mams_loop_timer *clock_timer;
static struct mams_loop_fd *input;
static mams_time steady; /* when all were there and we were told to go on; 0: not yet */
static struct mams_ctl_conn *ctl;
static uint64_t steers, steers_sent, steers_applied, steers_refused, lost;
static float *delivery_ms, *answer_ms;
static int64_t *asked_us; /* by request id */
static struct client **asked_of;
static size_t n_delivery, n_answer;
static double longest_s; /* that a client went without what it was asked for */
static uint64_t prng = 88172645463325252ull;

static void start_more(void);

static uint64_t draw(void)
{
	prng ^= prng << 13;
	prng ^= prng >> 7;
	prng ^= prng << 17;
	return prng;
}

static bool is_complete(const struct ccm_session *s)
{
	bool all = s->state == CCM_STATE_ACTIVE;

	for (size_t i = 0; i < LINKS; i++)
		all = all && s->link[i].admitted;
	return all;
}

static void run(struct client *c)
{
	struct ccm_action a;

	while (ccm_session_next(&c->session, &a)) {
		if (a.kind == CCM_ACT_SEND)
			ccm_uplink_send(c->uplink, a.msg);
		else if (a.kind == CCM_ACT_APPLY)
			c->applying = true;
	}
	ccm_uplink_listen(c->uplink, ccm_session_polls(&c->session));
	mams_loop_timer_at(
		c->timer, c->applying ? mams_loop_now(loop) : ccm_session_deadline(&c->session));
	if (!c->active && is_complete(&c->session)) {
		c->active = true;
		n_active++;
		if (n_active == opt.n)
			all_active = mams_clock_now();
		start_more();
	} else if (c->active && c->session.state != CCM_STATE_ACTIVE) {
		c->active = false;
		n_active--;
		lost++;
	}
}

static void tick(void *user)
{
	struct client *c = user;

	if (c->applying) {
		c->applying = false;
		ccm_session_applied(&c->session, 3, NULL, mams_loop_now(loop));
	}
	ccm_session_tick(&c->session, mams_loop_now(loop));
	run(c);
}

static void on_message(void *user, const struct mx_msg *m)
{
	struct client *c = user;
	struct mams_error err;

	if (m->type == MX_TRAFFIC_STEERING_REQ && c->asked.us && !c->delivered) {
		delivery_ms[n_delivery++] = (float)ms_since(c->asked);
		c->delivered = true;
	}
	(void)!ccm_session_input(&c->session, m, mams_loop_now(loop), &err);
	run(c);
}

static void on_unknown(void *user)
{
	struct client *c = user;

	ccm_session_unknown(&c->session, mams_loop_now(loop));
	run(c);
}

static void on_reached(void *user)
{
	struct client *c = user;

	ccm_session_reached(&c->session, mams_loop_now(loop));
}

static const struct ccm_uplink_ops uplink_ops = {
	.message = on_message, .unknown = on_unknown, .reached = on_reached};

static void start_one(size_t i)
{
	static char key[512];
	static char ca[512];
	struct client *c = &clients[i];
	struct mams_error err = {0};
	char text[64];
	int rc;

	snprintf(key, sizeof(key), "%s/clients.key", opt.dir);
	snprintf(ca, sizeof(ca), "%s/ca.crt", opt.dir);
	clients_cert(c->cert, sizeof(c->cert), i);
	c->conf = (struct ccm_conf){.ncm = &opt.url,
		.n_ncm = 1,
		.ca = ca,
		.certificate = c->cert,
		.key = key,
		.udp_max = 8192,
		.session = {.timing = {.timeout_ms = 1000, .timeout_cap_ms = 4000, .retries = 3},
			.discovery_ms = 5000,
			.discovery_slow_ms = 60000,
			.cap_wait_ms = 3000,
			.keep_alive_ms = 30000,
			.features = CCM_FEATURES,
			.convergence = 1u << MX_CONV_MPTCP_PROXY,
			.links = link_conf,
			.n_links = LINKS}};
	if (opt.patient) {
		c->conf.session.timing.timeout_ms *= 10;
		c->conf.session.timing.timeout_cap_ms *= 5;
		c->conf.session.discovery_ms *= 10;
	}
	ccm_session_init(&c->session, &c->conf.session, draw());
	rc = ccm_uplink_new(loop, &c->conf, &uplink_ops, c, &c->uplink, &err);
	if (rc == 0)
		rc = mams_loop_timer_new(loop, tick, c, &c->timer);
	if (rc < 0)
		clients_die(err.text[0] ? err.text : "client", rc);
	ccm_session_start(&c->session, mams_loop_now(loop));
	for (uint8_t k = 0; k < LINKS; k++) {
		struct ccm_link_state st = {.usable = true, .ifindex = k + 1u, .mtu = 1500};

		snprintf(
			text, sizeof(text), "10.%u.%zu.%zu", k ? 96 : 64, i / 250 + 1, i % 250 + 1);
		(void)!mams_addr_parse(text, &st.address);
		ccm_session_link(&c->session, k, &st, mams_loop_now(loop));
	}
	run(c);
}

static void start_more(void)
{
	while (n_started < opt.n && n_started - n_active < opt.window)
		start_one(n_started++);
}

/* ---- steering, by the NCM's ctl socket as an operator would ---- */

static void served(struct client *c)
{
	double s = c->unserved.us ? clients_s(c->unserved, mams_clock_now()) : 0;

	longest_s = s > longest_s ? s : longest_s;
	c->unserved.us = 0;
}

static void answered(uint32_t id, const struct ctl_result *r)
{
	struct client *c = asked_of[id - 1];
	double ms = (double)(mams_clock_now().us - asked_us[id - 1]) / 1e3;

	if (c->asked_id == id)
		c->asked.us = 0;
	if (r->code == 0) {
		steers_applied++;
		served(c);
		answer_ms[n_answer++] = (float)ms;
	} else if (steers_refused++ < REFUSALS_TOLD) {
		fprintf(stderr, "clients: steering of c%05zu refused after %.1f ms: %s\n",
			(size_t)(c - clients), ms, r->text);
	}
}

static void on_packet(void *user, struct mams_ctl_conn *c, const char *data, size_t len)
{
	struct ctl_msg *m = NULL;
	struct mams_error err;

	(void)user;
	(void)c;
	if (ctl_decode(data, len, &m, &err) < 0)
		return;
	if (m->type == CTL_RESULT && m->id > 0 && m->id <= steers)
		answered(m->id, &m->result);
	ctl_msg_free(m);
}

static const struct mams_ctl_server_ops ctl_ops = {.packet = on_packet};

/* The next one's turn: every one gets his; at the end only who has been asked in vain. */
static struct client *whose_turn(bool all)
{
	static size_t turn;

	for (size_t i = 0; i < opt.n; i++) {
		struct client *c = &clients[turn++ % opt.n];

		if (all || c->unserved.us)
			return c;
	}
	return NULL;
}

static void steer_one(bool all)
{
	struct client *c = whose_turn(all);
	struct ctl_msg *m;
	struct mams_error err;
	const char **both;
	char name[32];

	/* the NCM would rightly refuse a second request before it has answered the first */
	if (c && clients_s(c->asked, mams_clock_now()) > GIVEN_UP_S)
		c->asked.us = 0;
	if (!c || c->asked.us || steers >= SAMPLES_MAX)
		return;
	m = ctl_msg_new(CTL_STEER, (uint32_t)++steers);
	both = m ? ctl_alloc(m, 2 * sizeof(*both)) : NULL;
	if (!both)
		clients_die("steer", -ENOMEM);
	both[0] = "wifi";
	both[1] = "lte";
	snprintf(name, sizeof(name), "c%05zu", (size_t)(c - clients));
	m->steer.client = name;
	m->steer.dl = m->steer.ul = both;
	m->steer.n_dl = m->steer.n_ul = 1 + draw() % 2;
	c->asked = mams_clock_now();
	c->asked_id = (uint32_t)steers;
	if (!c->unserved.us)
		c->unserved = c->asked;
	c->delivered = false;
	asked_us[steers - 1] = c->asked.us;
	asked_of[steers - 1] = c;
	if (mams_ctl_say(ctl, m, &err) == 0)
		steers_sent++;
}

/* ---- phases ---- */

static void usage_line(const char *what)
{
	struct rusage r;

	getrusage(RUSAGE_SELF, &r);
	printf("%s clients=%zu active=%zu s=%.2f lost=%llu cpu_s=%.1f\n", what, opt.n, n_active,
		clients_s(began, mams_clock_now()), (unsigned long long)lost,
		(double)r.ru_utime.tv_sec + (double)r.ru_stime.tv_sec);
	fflush(stdout);
}

static int by_value(const void *a, const void *b)
{
	float x = *(const float *)a;
	float y = *(const float *)b;

	return (x > y) - (x < y);
}

static double percentile(float *v, size_t n, double p)
{
	if (n == 0)
		return -1;
	qsort(v, n, sizeof(*v), by_value);
	return (double)v[(size_t)(p * (double)(n - 1))];
}

/* Whoever has started us has measured what he wanted. */
static void on_line(void *user, int fd, unsigned events)
{
	char line[64];

	(void)user;
	(void)events;
	if (read(fd, line, sizeof(line)) <= 0 || !opt.rate) {
		mams_loop_stop(loop);
		return;
	}
	steady = mams_clock_now();
	mams_loop_fd_del(input);
}

static void steer_some(mams_time now, bool all)
{
	static mams_time last;

	if (!last.us)
		last = now;
	while (clients_s(last, now) * opt.rate >= 1) {
		last.us += 1000000 / opt.rate;
		steer_one(all);
	}
}

static bool all_served(void)
{
	for (size_t i = 0; i < opt.n; i++)
		if (clients[i].unserved.us)
			return false;
	return true;
}

static void hold(mams_time now)
{
	double s = clients_s(steady, now);

	if (s > opt.hold_s && (all_served() || s > opt.hold_s + AFTER_S))
		mams_loop_stop(loop);
	else
		steer_some(now, s <= opt.hold_s);
}

static void every_10ms(void *user)
{
	static bool told;
	mams_time now = mams_clock_now();

	(void)user;
	mams_loop_timer_at(clock_timer, mams_time_add_ms(mams_loop_now(loop), 10));
	if (!all_active.us) {
		if (clients_s(began, now) > 600)
			clients_die("not all sessions were set up within 600 s", 0);
	} else if (!told) {
		told = true;
		printf("setups=%zu s=%.2f per_s=%.1f\n", opt.n, clients_s(began, all_active),
			(double)opt.n / clients_s(began, all_active));
		usage_line("active");
		if (mams_loop_fd_add(loop, 0, MAMS_LOOP_READ, on_line, NULL, &input) < 0)
			clients_die("standard input", -errno);
	} else if (steady.us) {
		hold(now);
	}
}

static int crowd(void)
{
	int rc = mams_loop_new(&loop);

	clients = calloc(opt.n, sizeof(*clients));
	delivery_ms = calloc(SAMPLES_MAX, sizeof(*delivery_ms));
	answer_ms = calloc(SAMPLES_MAX, sizeof(*answer_ms));
	asked_us = calloc(SAMPLES_MAX, sizeof(*asked_us));
	asked_of = calloc(SAMPLES_MAX, sizeof(struct client *));
	/* another run's sequence numbers: the NCM may still know the last one's */
	if (getrandom(&prng, sizeof(prng), 0) != sizeof(prng) || !prng)
		clients_die("random", -errno);
	if (rc < 0 || !clients || !delivery_ms || !answer_ms || !asked_us || !asked_of)
		clients_die("memory", -ENOMEM);
	if (opt.ctl)
		rc = mams_ctl_dial(loop, opt.ctl, &ctl_ops, NULL, &ctl);
	if (rc == 0)
		rc = mams_loop_timer_new(loop, every_10ms, NULL, &clock_timer);
	if (rc < 0)
		clients_die("start", rc);
	began = mams_clock_now();
	start_more();
	mams_loop_timer_at(clock_timer, mams_time_add_ms(mams_loop_now(loop), 10));
	mams_loop_run(loop);
	usage_line("end");
	for (size_t i = 0; i < opt.n; i++)
		served(&clients[i]); /* not until now, at least */
	printf("steers=%llu applied=%llu refused=%llu delivered=%zu "
	       "delivery_p50_ms=%.2f delivery_p99_ms=%.2f answer_p99_ms=%.2f "
	       "longest_unserved_s=%.1f\n",
		(unsigned long long)steers_sent, (unsigned long long)steers_applied,
		(unsigned long long)steers_refused, n_delivery,
		percentile(delivery_ms, n_delivery, 0.5), percentile(delivery_ms, n_delivery, 0.99),
		percentile(answer_ms, n_answer, 0.99), longest_s);
	/* the kernel closes what is open; the NCM has to cope */
	return n_active == opt.n && steers_applied == steers_sent ? 0 : 1;
}

/* Memory that a process has not had before is dear in a virtual machine, and neither handshakes nor
 * sessions are to pay for it. */
static void warm_heap(void)
{
	size_t len = opt.n * (size_t)CLIENT_OCTETS;
	void *heap;

	mallopt(M_MMAP_THRESHOLD, INT_MAX);
	mallopt(M_TRIM_THRESHOLD, INT_MAX);
	heap = malloc(len);
	if (heap)
		mams_wipe(heap, len);
	free(heap);
}

static int usage(void)
{
	puts("usage: mams-bench-clients [options] certs|bare|crowd\n\n"
	     "  certs   make client certificates c00000.crt ... and clients.key in DIR, by its CA\n"
	     "  bare    TLS handshakes with client certificates and nothing else, a second\n"
	     "  crowd   sessions from discovery to ACTIVE; then waits for a line on standard "
	     "input;\n"
	     "          then holds them, steering as an operator would\n\n"
	     "  -d DIR   of ca.crt, ca.key and the clients' files\n"
	     "  -u URL   of the NCM: https:// or wss://\n"
	     "  -n N     clients, or handshakes (1000)\n"
	     "  -w N     under way at a time (128)\n"
	     "  -c CTL   ctl socket of the NCM\n"
	     "  -r N     steering requests a second (0)\n"
	     "  -s S     for so many seconds\n"
	     "  -p       clients wait ten times as long for an answer\n");
	return 2;
}

int main(int argc, char **argv)
{
	int o;

	while ((o = getopt(argc, argv, "d:u:n:w:c:r:s:p")) != -1) {
		switch (o) {
		case 'd':
			opt.dir = optarg;
			break;
		case 'u':
			opt.url = optarg;
			break;
		case 'n':
			opt.n = strtoul(optarg, NULL, 10);
			break;
		case 'w':
			opt.window = strtoul(optarg, NULL, 10);
			break;
		case 'c':
			opt.ctl = optarg;
			break;
		case 'r':
			opt.rate = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'p':
			opt.patient = true;
			break;
		case 's':
			opt.hold_s = (unsigned)strtoul(optarg, NULL, 10);
			break;
		default:
			return usage();
		}
	}
	if (optind != argc - 1 || opt.n == 0 || opt.window == 0)
		return usage();
	signal(SIGPIPE, SIG_IGN);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	if (strcmp(argv[optind], "certs") == 0)
		return clients_make_certs();
	if (!opt.url)
		return usage();
	warm_heap();
	if (strcmp(argv[optind], "bare") == 0)
		return clients_bare();
	return strcmp(argv[optind], "crowd") == 0 ? crowd() : usage();
}
