/* Probing of a link: both phases, keep-alive, liveness, round trip; both ends joined by a wire that
 * delays and loses. */
#include "trailer-madp/probe.h"

#include "tests/support/suite.h"

#include <math.h>
#include <string.h>

static struct madp_probe n; /* N-MADP */
static struct madp_probe c; /* C-MADP */
static struct mams_prng rng;
static int64_t now_ms;

/* What is under way: REQs to the client, ACKs back. */
static struct wire {
	struct {
		int64_t at_ms;
		struct madp_probe_pdu pdu;
	} q[4096];
	unsigned first, n;
} to_client, to_network;
static int64_t delay_ms;
static unsigned loss_percent;
static unsigned reqs, acks_wanted, keep_alives, largest;

static mams_time now(void)
{
	return mams_time_us(now_ms * 1000);
}

static void send(struct wire *w, const struct madp_probe_pdu *pdu)
{
	if (mams_prng_below(&rng, 100) < loss_percent)
		return;
	CU_ASSERT_FATAL(w->n < MAMS_ARRAY_LEN(w->q));
	w->q[(w->first + w->n) % MAMS_ARRAY_LEN(w->q)].at_ms = now_ms + delay_ms;
	w->q[(w->first + w->n++) % MAMS_ARRAY_LEN(w->q)].pdu = *pdu;
}

static bool arrives(struct wire *w, struct madp_probe_pdu *pdu)
{
	if (w->n == 0 || w->q[w->first].at_ms > now_ms)
		return false;
	*pdu = w->q[w->first].pdu;
	w->first = (w->first + 1) % MAMS_ARRAY_LEN(w->q);
	w->n--;
	return true;
}

static void fresh(const struct madp_probe_conf *conf, int64_t delay, unsigned loss)
{
	now_ms = 1000;
	delay_ms = delay;
	loss_percent = loss;
	reqs = acks_wanted = keep_alives = largest = 0;
	to_client.n = to_network.n = 0;
	rng = (struct mams_prng){77};
	madp_probe_init(&n, MADP_PROBE_NETWORK, conf, now());
	madp_probe_init(&c, MADP_PROBE_CLIENT, conf, now());
}

static void sent_by_network(const struct madp_probe_pdu *pdu)
{
	CU_ASSERT_EQUAL(pdu->kind, MADP_PROBE_REQ);
	reqs++;
	acks_wanted += pdu->ack;
	largest = pdu->size > largest ? pdu->size : largest;
	send(&to_client, pdu);
}

/* A millisecond at a time. @param octets  user data that the client has received by now */
static void run(int64_t ms, uint64_t octets)
{
	struct madp_probe_pdu pdu;

	for (int64_t end = now_ms + ms; now_ms < end; now_ms++) {
		while (madp_probe_next(&n, octets, now(), &pdu))
			sent_by_network(&pdu);
		while (madp_probe_next(&c, octets, now(), &pdu)) {
			CU_ASSERT_EQUAL(pdu.kind, MADP_PROBE_KEEP_ALIVE);
			keep_alives++;
			madp_probe_heard(&n, now());
		}
		CU_ASSERT(madp_probe_deadline(&n).us > now().us);
		CU_ASSERT(madp_probe_deadline(&c).us > now().us);
		while (arrives(&to_client, &pdu)) {
			if (madp_probe_on_req(&c, pdu.seq, pdu.ack, pdu.active, pdu.size, now()))
				send(&to_network, &pdu);
		}
		while (arrives(&to_network, &pdu))
			CU_ASSERT_TRUE(madp_probe_on_ack(&n, pdu.seq, now()));
	}
}

/* 2 s at 1 Mbit/s in probes of 500 octets: 500 of them, 5 % lost each way. */
static void init_phase(void)
{
	const struct madp_probe_conf conf = {.init_duration_ms = 2000,
		.init_rate_mbps = 1,
		.init_size = 500,
		.init_ack = true,
		.active_interval_ms = 1000,
		.active_size = 100,
		.idle_factor = 1};

	fresh(&conf, 20, 5);
	run(4000, 0);
	CU_ASSERT(reqs >= 500 && reqs <= 510);
	CU_ASSERT_EQUAL(largest, 500);
	CU_ASSERT(madp_probe_events(&c) & MADP_PROBE_EV_INIT);
	CU_ASSERT(madp_probe_events(&n) & MADP_PROBE_EV_INIT);
	CU_ASSERT(fabs(c.result.lost_percent - 5) < 3);
	CU_ASSERT(fabs(n.result.lost_percent - 9.75) < 4);
	CU_ASSERT(fabs(c.result.rate_mbps - 0.95) < 0.05);
	CU_ASSERT(fabs(n.result.rate_mbps - 0.9) < 0.06);
	CU_ASSERT(n.result.delay_us >= 19000 && n.result.delay_us <= 21000);
	run(3000, 0);
	CU_ASSERT_EQUAL(madp_probe_events(&c) & MADP_PROBE_EV_INIT, 0); /* once */
}

/* Nothing arrives: the test ends all the same, and says so. */
static void init_phase_of_a_dead_link(void)
{
	const struct madp_probe_conf conf = {.init_duration_ms = 500,
		.init_rate_mbps = 10,
		.init_size = 1000,
		.active_interval_ms = 200};

	fresh(&conf, 20, 100);
	run(5000, 0);
	CU_ASSERT(madp_probe_events(&c) & MADP_PROBE_EV_INIT);
	CU_ASSERT_EQUAL(c.result.lost_percent, 100);
	CU_ASSERT_EQUAL(c.result.rate_mbps, 0);
}

static void active_phase(void)
{
	const struct madp_probe_conf conf = {.active_interval_ms = 250,
		.active_size = 1200,
		.active_duration_s = 10,
		.active_ack = true,
		.idle_factor = 1};

	fresh(&conf, 5, 0);
	madp_probe_phase(&n, true, now());
	madp_probe_phase(&c, true, now());
	reqs = acks_wanted = 0;
	run(5000, 1000);
	run(5010, 12501000);
	CU_ASSERT(reqs >= 40 && reqs <= 41);
	CU_ASSERT_EQUAL(acks_wanted, reqs);
	CU_ASSERT_EQUAL(largest, 1200);
	CU_ASSERT(madp_probe_events(&c) & MADP_PROBE_EV_ACTIVE);
	CU_ASSERT(fabs(c.result.tput_mbps - 10) < 0.1);
	CU_ASSERT(n.rtt_us >= 9000 && n.rtt_us <= 11000);
	CU_ASSERT_EQUAL(n.n_stray, 0);
}

/* Without answers wanted none is sent while the link is heard otherwise. */
static void answers_are_a_matter_of_configuration(void)
{
	const struct madp_probe_conf conf = {.active_interval_ms = 200, .idle_factor = 1};

	fresh(&conf, 5, 0);
	madp_probe_phase(&n, true, now());
	acks_wanted = 0;
	for (unsigned i = 0; i < 300; i++) {
		madp_probe_heard(&n, now());
		run(10, 0);
	}
	CU_ASSERT(reqs >= 15);
	CU_ASSERT_EQUAL(acks_wanted, 0);
	run(2000, 0); /* nothing else is heard: now they are needed */
	CU_ASSERT(acks_wanted >= 5);
	CU_ASSERT_TRUE(n.alive);
}

static void keep_alive(void)
{
	const struct madp_probe_conf conf = {.active_interval_ms = 1000, .keep_alive_ms = 15000};

	fresh(&conf, 5, 0);
	run(60001, 0);
	CU_ASSERT_EQUAL(keep_alives, 5);
}

/* Silent within three intervals whenever it dies, and alive again after two answers. */
static void silence_and_return(void)
{
	struct madp_probe_conf conf = madp_probe_defaults;

	conf.active_interval_ms = 100;
	for (unsigned phase = 0; phase < 100; phase += 7) {
		int64_t died;
		int64_t found[2] = {0, 0};

		fresh(&conf, 60, 0);
		run(1000 + phase, 0);
		died = now_ms;
		loss_percent = 100;
		to_client.n = to_network.n = 0;
		while (now_ms < died + 400) {
			run(1, 0);
			found[0] = found[0] || n.alive ? found[0] : now_ms - died;
			found[1] = found[1] || c.alive ? found[1] : now_ms - died;
		}
		CU_ASSERT(found[0] > 100 && found[0] <= 300);
		CU_ASSERT(found[1] > 100 && found[1] <= 300);
		CU_ASSERT_EQUAL(madp_probe_events(&n), MADP_PROBE_EV_SILENT);
		loss_percent = 0;
		run(500, 0);
		CU_ASSERT_TRUE(n.alive && c.alive);
		CU_ASSERT_EQUAL(madp_probe_events(&n), MADP_PROBE_EV_UP);
	}
}

/* A tenth lost each way is no silence; a C-MADP that was never probed judges nothing. */
static void loss_is_not_silence(void)
{
	struct madp_probe_conf conf = madp_probe_defaults;

	fresh(&conf, 10, 10);
	run(600000, 0);
	CU_ASSERT_EQUAL(madp_probe_events(&n) & MADP_PROBE_EV_SILENT, 0);
	CU_ASSERT_EQUAL(madp_probe_events(&c) & MADP_PROBE_EV_SILENT, 0);
	fresh(&conf, 10, 100);
	run(60000, 0);
	CU_ASSERT_TRUE(c.alive);
	CU_ASSERT_FALSE(n.alive);
}

/* A machine that stood still for ten seconds has heard nothing; that is no silence, and afterwards
 * silence is what it was. */
static void a_pause_is_not_silence(void)
{
	for (unsigned told = 0; told < 2; told++) {
		int64_t died;

		fresh(&madp_probe_defaults, 10, 0);
		run(1000, 0);
		now_ms += 10000;
		if (told) {
			madp_probe_slept(&c, 10000000, now());
			madp_probe_slept(&n, 10000000, now());
		}
		run(1, 0);
		CU_ASSERT_EQUAL(c.alive && n.alive, told);
		if (!told)
			continue;
		run(1000, 0);
		CU_ASSERT_TRUE(c.alive && n.alive);
		died = now_ms;
		loss_percent = 100;
		while (now_ms < died + 600)
			run(1, 0);
		CU_ASSERT_FALSE(c.alive || n.alive);
	}
}

/* An end whose turns are always late finds silence, later by one of them. */
static void small_pauses_do_not_add_up(void)
{
	int64_t died;

	fresh(&madp_probe_defaults, 10, 0);
	run(1000, 0);
	died = now_ms;
	loss_percent = 100;
	to_client.n = to_network.n = 0;
	while (now_ms < died + 500 + 35) {
		run(1, 0);
		if ((now_ms - died) % 40 == 0) {
			madp_probe_slept(&c, 30000, now());
			madp_probe_slept(&n, 30000, now());
		}
	}
	CU_ASSERT_FALSE(c.alive || n.alive);
}

/* Ten seconds of reports that stand for probes. @return probes */
static unsigned told_every(int64_t ms, bool hears, unsigned interval_ms)
{
	struct madp_probe_conf conf = madp_probe_defaults;

	conf.active_interval_ms = interval_ms;
	fresh(&conf, 10, 0);
	madp_probe_phase(&n, true, now());
	run(1000, 0);
	reqs = 0;
	n.heard_at = now();
	if (!hears)
		to_network.n = to_client.n = 0;
	for (int64_t end = now_ms + 10000; now_ms < end;) {
		if (hears)
			madp_probe_heard(&n, now());
		madp_probe_told(&n, now());
		loss_percent = hears ? 0 : 100;
		run(ms, 0);
	}
	return reqs;
}

static void what_else_was_sent_stands_for_probes(void)
{
	unsigned seldom = told_every(150, true, 200);

	CU_ASSERT(seldom >= 9 && seldom <= 12);
	CU_ASSERT(n.alive && n.rtt_us > 0);
	/* one that is not heard is asked as ever, and more often, and found dead */
	CU_ASSERT(told_every(150, false, 200) >= 49);
	CU_ASSERT_FALSE(n.alive);
	/* what is told is too seldom to stand for them all, or they are seldom themselves */
	CU_ASSERT(told_every(450, true, 100) >= 60);
	seldom = told_every(150, true, 4000);
	CU_ASSERT(seldom >= 2 && seldom <= 3);
	madp_probe_told(&c, now());
	CU_ASSERT(mams_time_is_never(c.next_at));
}

static void stray_answers(void)
{
	fresh(&madp_probe_defaults, 10, 0);
	run(1000, 0);
	CU_ASSERT_FALSE(madp_probe_on_ack(&n, 12345, now()));
	CU_ASSERT_FALSE(madp_probe_on_ack(&n, n.seq, now()) && madp_probe_on_ack(&n, n.seq, now()));
	CU_ASSERT_FALSE(madp_probe_on_ack(&c, 1, now()));
	CU_ASSERT_FALSE(madp_probe_on_req(&n, 1, true, true, 100, now()));
	CU_ASSERT(n.n_stray >= 1);
}

static void padding(void)
{
	uint8_t pad[64];
	uint32_t ts = 0;

	fresh(&madp_probe_defaults, 30, 0);
	run(1000, 0);
	madp_probe_pad_put(&n, 4711, pad, sizeof(pad));
	CU_ASSERT_TRUE(madp_probe_pad_get(&c, pad, sizeof(pad), &ts));
	CU_ASSERT_EQUAL(ts, 4711);
	CU_ASSERT(c.peer_rtt_us >= 59000 && c.peer_rtt_us <= 61000);
	CU_ASSERT_FALSE(madp_probe_pad_get(&c, pad, MADP_PROBE_PAD - 1, &ts));
	memset(pad, 0, sizeof(pad)); /* of somebody else */
	CU_ASSERT_FALSE(madp_probe_pad_get(&c, pad, sizeof(pad), &ts));
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"init phase", init_phase},
		{"init phase of a dead link", init_phase_of_a_dead_link},
		{"active phase", active_phase},
		{"answers are a matter of configuration", answers_are_a_matter_of_configuration},
		{"keep-alive", keep_alive},
		{"silence and return", silence_and_return},
		{"loss is not silence", loss_is_not_silence},
		{"a pause is not silence", a_pause_is_not_silence},
		{"small pauses do not add up", small_pauses_do_not_add_up},
		{"what else was sent stands for probes", what_else_was_sent_stands_for_probes},
		{"stray answers", stray_answers},
		{"padding", padding},
	};

	return mams_suite_run("probe", cases, MAMS_ARRAY_LEN(cases));
}
