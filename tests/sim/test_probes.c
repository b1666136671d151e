/* What path estimation finds, against the truth of an emulated link (seed 6.5): ten settings of
 * rate, delay, jitter and loss, some of them slower than the test.  The cores of both ends are
 * real. */
#include "proxy/sounding.h"
#include "tests/sim/scene.h"
#include "tests/support/linkemu_wire.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AROUND 28 /* octets of IP and UDP around a PDU */
#define STEP_US 100
#define SIZE 1000u
#define PROBES_MAX 65536u

static const struct setting {
	double rate;        /* of the link, Mbit/s */
	double delay;       /* one way, ms */
	double jitter;      /* ms, uniform, added */
	double loss;        /* percent, each way */
	uint32_t queue;     /* octets */
	unsigned test_rate; /* Mbit/s */
} settings[] = {
	{50, 10, 0, 0, 100000, 2},
	{20, 40, 0, 1, 100000, 2},
	{10, 150, 0, 0, 100000, 2},
	{5, 350, 0, 5, 100000, 2},
	{100, 5, 5, 0, 100000, 10},
	{20, 20, 10, 2, 100000, 5},
	{8, 30, 0, 0, 30000, 20},
	{3, 60, 5, 1, 40000, 10},
	{1, 100, 0, 0, 20000, 5},
	{50, 15, 2, 10, 100000, 10},
};

/* The way between both ends, and when what left. */
struct path {
	struct wire down, up;
	int64_t sent[PROBES_MAX]; /* us, by sequence number */
	double down_us[PROBES_MAX];
	double sum_us; /* one-way delays of answered probes, mean of both ways */
	unsigned n;
};

static void set(struct wire *w, const struct setting *s, uint64_t seed)
{
	wire_init(w, seed);
	w->conf = (struct wire_conf){.rate = (uint64_t)(s->rate * 1e6),
		.delay_ns = (int64_t)(s->delay * 1e6),
		.jitter_ns = (int64_t)(s->jitter * 1e6),
		.queue = s->queue,
		.loss = s->loss,
		.burst = 1};
}

static void put(struct wire *w, const uint8_t *pdu, size_t len, mams_time now)
{
	uint8_t packet[PX_SOUNDING_PDU_MAX + AROUND] = {0};

	memcpy(packet + AROUND, pdu, len);
	wire_put(w, packet, (uint32_t)len + AROUND, now.us * 1000);
}

static uint16_t number(const uint8_t *pdu)
{
	return (uint16_t)(pdu[2] << 8 | pdu[3]);
}

/* One turn of both ends. */
static void turn(struct ccm_session *c, struct px_sounding *s, struct path *p, mams_time now)
{
	uint8_t pdu[PX_SOUNDING_PDU_MAX];
	struct wire_packet *w;
	size_t len;

	while ((len = px_sounding_next(s, now, pdu)) > 0) {
		p->sent[number(pdu)] = now.us;
		put(&p->down, pdu, len, now);
	}
	while ((w = wire_get(&p->down, now.us * 1000)) != NULL) {
		const uint8_t *in = w->data + AROUND;

		p->down_us[number(in)] = (double)(now.us - p->sent[number(in)]);
		len = ccm_estimate_pdu(c, 0, in, w->len - AROUND, 0, now, pdu);
		if (len > 0) {
			p->sent[number(in)] = now.us;
			put(&p->up, pdu, len, now);
		}
		free(w);
	}
	while ((w = wire_get(&p->up, now.us * 1000)) != NULL) {
		const uint8_t *in = w->data + AROUND;

		if (px_sounding_take(s, in, w->len - AROUND, now) && s->sent > 0 &&
			w->len > AROUND + 4) {
			p->sum_us +=
				(p->down_us[number(in)] + (double)(now.us - p->sent[number(in)])) /
				2;
			p->n++;
		}
		free(w);
	}
	len = ccm_estimate_tick(c, 0, 0, now, pdu);
	if (len > 0)
		put(&p->up, pdu, len, now);
}

static void estimate(struct scene *sc, const struct setting *t, struct path *p, uint64_t seed)
{
	struct ccm_session *c = &sc->w.clients[0].ccm;
	struct mx_msg *m = mx_msg_new(MX_PATH_EST_REQ, 99);
	const struct px_sounding_conf conf = {.init_ms = 1000,
		.init_rate = t->test_rate,
		.init_size = SIZE,
		.init_ack = true,
		.active_ms = 1000,
		.active_size = 100};
	struct px_sounding s;
	mams_time now = sc->w.now;

	CU_ASSERT_PTR_NOT_NULL_FATAL(m);
	memset(p, 0, sizeof(*p));
	set(&p->down, t, seed);
	set(&p->up, t, seed + 1);
	m->path_est_req = (struct mx_path_est_req){.connection_id = 0,
		.init_probe_test_duration_ms = conf.init_ms,
		.init_probe_test_rate_mbps = conf.init_rate,
		.init_probe_size_bytes = conf.init_size,
		.init_probe_ack_req = true,
		.active_probe_freq_ms = conf.active_ms,
		.active_probe_size_bytes = conf.active_size};
	CU_ASSERT_EQUAL_FATAL(ccm_estimate_req(c, m, now, NULL), 0);
	mx_msg_free(m);
	px_sounding_init(&s, &conf, now);
	while (c->estimate[0].on) {
		turn(c, &s, p, now);
		now.us += STEP_US;
	}
	world_run(&sc->w, 100); /* the results go to the NCM */
}

/* Half of the interval that holds so much of a binomial share 99 times of 100, percent. */
static double binomial99(double percent, double n)
{
	double x = percent / 100;

	return 100 * (2.576 * sqrt(x * (1 - x) / n) + 0.5 / n);
}

static void check(const struct setting *t, const struct ncm_path *found, const struct path *p)
{
	const double carried = t->rate * SIZE / (SIZE + AROUND);
	const bool full = t->test_rate > carried;
	const double n = (double)p->down.count.in;
	/* of a full link what its queue had no room for counts, too: the emulator tells how much */
	const double lost =
		full ? 100.0 * (double)(p->down.count.lost + p->down.count.queue_full) / n
		     : t->loss;
	const double rate =
		full ? carried * (1 - t->loss / 100) : t->test_rate * (1 - t->loss / 100);
	const double delay = p->sum_us / p->n;
	const double near = delay * 0.05 > 2000 ? delay * 0.05 : 2000;

	printf("%5.0f %5.0f %6.0f %5.0f %5u | %6.2f %6.2f | %6.2f %6.2f +-%.2f | %7.2f %7.2f\n",
		t->rate, t->delay, t->jitter, t->loss, t->test_rate, found->rate_mbps, rate,
		found->lost_percent, lost, binomial99(lost, n), found->delay_us / 1e3, delay / 1e3);
	CU_ASSERT(fabs(found->rate_mbps - rate) <= 0.1 * rate);
	CU_ASSERT(fabs(found->lost_percent - lost) <= binomial99(lost, n));
	CU_ASSERT(fabs(found->delay_us - delay) <= near);
}

static void ten_settings(void)
{
	static struct scene sc;
	static struct path p;

	scene_begin(&sc);
	sc.w.policy.control_port = 7444;
	sc.w.conf.probe_port = 7446;
	world_link(&sc.w, sc.w.clients, 0, true, "10.1.1.2");
	world_link(&sc.w, sc.w.clients, 1, true, "10.1.129.2");
	world_run(&sc.w, 2000);
	printf("\n rate delay jitter  loss  test |   rate  truth |   lost  truth        |   delay  "
	       " truth\n");
	for (size_t i = 0; i < MAMS_ARRAY_LEN(settings); i++) {
		estimate(&sc, &settings[i], &p, 41 + 2 * i);
		CU_ASSERT_TRUE(scene_session(&sc)->path[0].has_init);
		check(&settings[i], &scene_session(&sc)->path[0], &p);
		scene_session(&sc)->path[0] = (struct ncm_path){0};
		wire_fini(&p.down);
		wire_fini(&p.up);
	}
	scene_finish(&sc);
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"ten settings, Initialization phase", ten_settings},
	};

	return mams_suite_run("probes", cases, MAMS_ARRAY_LEN(cases));
}
