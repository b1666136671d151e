/* How often the receiver reports. */
#include "tests/support/world.h"

#define SECOND 1000000

static struct world w;

/* 10 a second, or 100 where the sender goes by them. */
static void reports_are_as_often_as_they_are_needed(void)
{
	static const struct {
		enum madp_mode mode;
		bool lossless;
		bool often;
	} of[] = {{MADP_MODE_SINGLE, false, false}, {MADP_MODE_ACTIVE_STANDBY, false, false},
		{MADP_MODE_DUPLICATE, false, false}, {MADP_MODE_SINGLE, true, true},
		{MADP_MODE_SMALLEST_DELAY, false, true}, {MADP_MODE_PRIORITY, false, true},
		{MADP_MODE_SPLIT, false, true}};

	for (unsigned i = 0; i < MAMS_ARRAY_LEN(of); i++) {
		struct world_flow *f = &w.flow[WORLD_CLIENT][0];
		uint64_t n;

		world_init(&w, 30 + i, 2, &madp_plane_defaults);
		world_link(&w, 0, 20000000, 10000, 100000);
		world_link(&w, 1, 50000000, 20000, 200000);
		world_run(&w, SECOND / 2);
		world_treat(&w, WORLD_CLIENT, 0, of[i].mode, "01", of[i].lossless);
		world_source(&w, WORLD_CLIENT, 0, 5000000, 1000);
		world_run(&w, SECOND);
		n = w.plane[WORLD_CLIENT].n_reports;
		world_run(&w, 2 * SECOND);
		n = w.plane[WORLD_CLIENT].n_reports - n;
		CU_ASSERT(of[i].often ? n >= 150 && n <= 260 : n >= 15 && n <= 45);
		f->rate = 0;
		world_run(&w, SECOND);
		CU_ASSERT_EQUAL(f->got, f->seq);
		world_fini(&w);
	}
}

/* A session's only link dies while data flows one way. @return us until the end has found it */
static int64_t found(enum world_side side, enum world_side from, int64_t phase_us)
{
	int64_t died;

	world_init(&w, 50, 1, &madp_plane_defaults);
	world_link(&w, 0, 50000000, 10000, 200000);
	world_probes(&w, 200);
	world_treat(&w, from, 0, MADP_MODE_SINGLE, "0", false);
	world_source(&w, from, 0, 2000000, 1000);
	world_run(&w, 3 * SECOND + phase_us);
	CU_ASSERT_TRUE(madp_plane_is_up(&w.plane[side], 0));
	world_blackhole(&w, 0, true);
	died = w.now_us;
	while (madp_plane_is_up(&w.plane[side], 0) && w.now_us < died + 2 * SECOND)
		world_run(&w, 1000);
	died = w.now_us - died;
	world_blackhole(&w, 0, false);
	world_run(&w, SECOND);
	CU_ASSERT_TRUE(madp_plane_is_up(&w.plane[side], 0));
	w.flow[from][0].rate = 0;
	world_run(&w, 2 * SECOND);
	world_fini(&w);
	return died;
}

/* Three probe intervals, as where there are probes. */
static void silence_of_the_only_link_is_found_in_time(void)
{
	for (int64_t phase = 0; phase < 1000000; phase += 93000) {
		CU_ASSERT(found(WORLD_CLIENT, WORLD_CLIENT, phase) <= 600000);
		CU_ASSERT(found(WORLD_NETWORK, WORLD_CLIENT, phase) <= 600000);
		CU_ASSERT(found(WORLD_CLIENT, WORLD_NETWORK, phase) <= 600000);
		CU_ASSERT(found(WORLD_NETWORK, WORLD_NETWORK, phase) <= 600000);
	}
}

/* What is sent of a session with one link, of which data goes up only, for ten seconds. */
static void told_on_the_only_link(
	uint32_t probe_ms, int64_t burst_us, uint64_t *probes, uint64_t *reports)
{
	const struct madp_probe *probe = &w.plane[WORLD_NETWORK].link[0].probe;

	world_init(&w, 51, 1, &madp_plane_defaults);
	world_link(&w, 0, 50000000, 10000, 200000);
	world_probes(&w, probe_ms);
	world_treat(&w, WORLD_CLIENT, 0, MADP_MODE_SINGLE, "0", false);
	world_source(&w, WORLD_CLIENT, 0, 2000000, 1000);
	w.flow[WORLD_CLIENT][0].burst_us = burst_us;
	world_run(&w, 2 * SECOND);
	*probes = probe->n_sent;
	*reports = w.plane[WORLD_CLIENT].n_reports;
	world_run(&w, 10 * SECOND);
	*probes = probe->n_sent - *probes;
	*reports = w.plane[WORLD_CLIENT].n_reports - *reports;
	CU_ASSERT_TRUE(madp_plane_is_up(&w.plane[WORLD_CLIENT], 0));
}

/* Where data comes up one link, its reports are all that is sent down but for a probe a second, in
 * place of one of them. */
static void reports_on_the_only_link_stand_for_probes(void)
{
	static const int64_t bursts[] = {0, 20000, 46000, 70000, 130000, 210000, 300000};
	const struct madp_probe *probe = &w.plane[WORLD_NETWORK].link[0].probe;
	uint64_t probes;
	uint64_t reports;

	for (size_t i = 0; i < MAMS_ARRAY_LEN(bursts); i++) {
		told_on_the_only_link(200, bursts[i], &probes, &reports);
		CU_ASSERT(probes >= 8 && probes <= 14);
		CU_ASSERT(probes + reports >= 43 && probes + reports <= 60);
		w.flow[WORLD_CLIENT][0].rate = 0;
		world_run(&w, SECOND);
		probes = probe->n_sent;
		world_run(&w, 2 * SECOND); /* nothing to report, not yet idle: probes again */
		CU_ASSERT(probe->n_sent - probes >= 9);
		/* what came last was told, though a probe may have gone in place of a report */
		CU_ASSERT_EQUAL(w.plane[WORLD_NETWORK].reported,
			w.plane[WORLD_NETWORK].rx.meter[0].packets);
		world_fini(&w);
	}
	/* where probes are seldom, reports are not as seldom */
	told_on_the_only_link(1000, 0, &probes, &reports);
	CU_ASSERT(probes >= 9 && probes <= 11);
	CU_ASSERT(probes + reports >= 18 && probes + reports <= 23);
	w.flow[WORLD_CLIENT][0].rate = 0;
	world_run(&w, 2 * SECOND);
	world_fini(&w);
}

/* A report that is lost is asked for, as a probe is repeated: loss alone makes no link silent. */
static void lose(uint32_t probe_ms, unsigned least, unsigned most)
{
	uint64_t probes;

	world_init(&w, 52, 1, &madp_plane_defaults);
	world_link(&w, 0, 50000000, 10000, 200000);
	world_probes(&w, probe_ms);
	world_treat(&w, WORLD_CLIENT, 0, MADP_MODE_SINGLE, "0", false);
	world_source(&w, WORLD_CLIENT, 0, 2000000, 1000);
	world_run(&w, SECOND);
	w.wire[0][0].loss_ppm = w.wire[1][0].loss_ppm = 200000;
	probes = w.plane[WORLD_NETWORK].link[0].probe.n_sent;
	for (unsigned i = 0; i < 120000; i++) {
		world_run(&w, 1000);
		if (!madp_plane_is_up(&w.plane[WORLD_CLIENT], 0) ||
			!madp_plane_is_up(&w.plane[WORLD_NETWORK], 0))
			break;
	}
	CU_ASSERT_TRUE(madp_plane_is_up(&w.plane[WORLD_CLIENT], 0));
	CU_ASSERT_TRUE(madp_plane_is_up(&w.plane[WORLD_NETWORK], 0));
	probes = w.plane[WORLD_NETWORK].link[0].probe.n_sent - probes;
	CU_ASSERT(probes >= least && probes <= most);
	w.flow[WORLD_CLIENT][0].rate = 0;
	world_run(&w, 2 * SECOND);
	world_fini(&w);
}

static void loss_on_the_only_link_is_not_silence(void)
{
	lose(200, 140, 300);
	lose(1000, 130, 220);
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"reports are as often as they are needed",
			reports_are_as_often_as_they_are_needed},
		{"silence of the only link is found in time",
			silence_of_the_only_link_is_found_in_time},
		{"reports on the only link stand for probes",
			reports_on_the_only_link_stand_for_probes},
		{"loss on the only link is not silence", loss_on_the_only_link_is_not_silence},
	};

	return mams_suite_run("announce", cases, MAMS_ARRAY_LEN(cases));
}
