/* The trace of a session, given to the state machine again: it comes to the same, and to something
 * else when the trace was touched. */
#include "lib/codec/field.h"
#include "ncm-service/replay.h"
#include "tests/sim/tunnels.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct world_trace trace;

static void watch(struct world *w)
{
	mams_buf_clear(&trace.lines);
	memset(&trace.traced, 0, sizeof(trace.traced));
	snprintf(
		trace.traced.identity, sizeof(trace.traced.identity), "%s", w->clients[0].identity);
	w->trace = &trace;
}

/* Links are estimated now and then. */
static void probe(struct world *w)
{
	static struct ncm_probe_conf probes[] = {
		{.name = "wifi", .connection_type = MX_WIFI, .period_ms = 7000},
		{.name = "lte", .connection_type = MX_LTE, .period_ms = 9000, .budget = 500},
	};

	for (size_t i = 0; i < MAMS_ARRAY_LEN(probes); i++) {
		probes[i].init_ms = 400;
		probes[i].init_rate = 1;
		probes[i].init_size = 500;
		probes[i].active_ms = 500;
		probes[i].active_size = 100;
		probes[i].active_duration_ms = 10000;
	}
	w->policy.probes = probes;
	w->policy.n_probes = MAMS_ARRAY_LEN(probes);
	w->policy.control_port = 7444;
	w->conf.probe_port = 7446;
}

/* Wi-Fi is carried inside IPsec. */
static void protect(struct world *w)
{
	w->policy.accesses[0].adaptation = NCM_ADAPT_IPSEC;
	w->conf.ipsec = true;
}

/* An operator's order, as the NCM takes and traces it. */
static void steer(struct world *w, struct ncm_order o)
{
	struct ncm_session *s = world_session(w, w->clients);
	struct ctl_trace_order order;
	struct ctl_ncm_app app;
	const struct ctl_trace_input in = {.kind = CTL_TRACE_STEER, .order = &order};
	struct mams_error err;

	if (!s)
		return;
	ncm_traced_order(&o, false, &order, &app);
	world_trace_input(w, s, &in);
	(void)!ncm_session_steer(s, 1, &o, w->now, &err);
}

struct outcome {
	int rc; /* of the line that makes no sense */
	size_t line;
	struct ncm_replay_sum sum;
	unsigned kinds[NCM_REPLAYED_GAP + 1];
	char first[512]; /* difference */
};

static void take_results(struct ncm_replay *r, struct outcome *out)
{
	struct ncm_replayed x;

	while (ncm_replay_next(r, &x)) {
		out->kinds[x.kind]++;
		if (x.kind != NCM_REPLAYED_CHANGE && !out->first[0])
			snprintf(out->first, sizeof(out->first), "line %zu: %d %s (%.60s)",
				out->line, (int)x.kind, x.text, x.cause);
		ncm_replayed_fini(&x);
	}
}

/* @param without  number of a line that is left out; 0: none */
static struct outcome replay(const char *text, size_t without)
{
	struct ncm_replay *r = ncm_replay_new();
	struct outcome out = {0};

	CU_ASSERT_PTR_NOT_NULL_FATAL(r);
	while (out.rc == 0 && *text) {
		const size_t len = strcspn(text, "\n");
		struct mams_error err = {0};
		struct ctl_msg *m = NULL;

		out.line++;
		if (out.line != without)
			out.rc = ctl_decode(text, len, &m, &err);
		if (out.rc == 0 && m)
			out.rc = ncm_replay_line(r, &m->trace, &err);
		if (out.rc < 0)
			snprintf(out.first, sizeof(out.first), "line %zu: %s: %s", out.line,
				err.where, err.text);
		ctl_msg_free(m);
		take_results(r, &out);
		text += len + (text[len] == '\n');
	}
	out.sum = ncm_replay_sum(r);
	ncm_replay_free(r);
	return out;
}

static struct outcome replay_same(void)
{
	const struct outcome o = replay(trace.lines.data ? trace.lines.data : "", 0);

	if (o.rc < 0 || o.sum.differ > 0)
		printf("\n%s\n", o.first);
	CU_ASSERT_EQUAL(o.rc, 0);
	CU_ASSERT_EQUAL(o.sum.differ, 0);
	CU_ASSERT_EQUAL(o.sum.changes, o.kinds[NCM_REPLAYED_CHANGE]);
	return o;
}

static void finish(void)
{
	mams_buf_fini(&trace.lines);
}

/* Set up, steered, a link that goes and comes, and the end. */
static void life(struct world *w)
{
	watch(w);
	world_link(w, w->clients, 0, true, "10.1.1.2");
	world_link(w, w->clients, 1, true, "10.1.129.2");
	world_run(w, 1500);
	steer(w, (struct ncm_order){.dl = WIFI, .ul = WIFI | LTE});
	world_run(w, 1500);
	world_link(w, w->clients, 0, false, NULL);
	world_run(w, 1500);
	world_link(w, w->clients, 0, true, "10.1.1.3");
	world_run(w, 40000);
	ccm_session_stop(&w->clients[0].ccm, w->now);
	world_run(w, 1500);
}

/* tests/vectors/trace.jsonl is written anew so: MAMS_LIFE=FILE test_trace */
static void write_life(void)
{
	const char *path = getenv("MAMS_LIFE");
	FILE *f = path ? fopen(path, "w") : NULL;

	if (f) {
		CU_ASSERT_EQUAL(fwrite(trace.lines.data, 1, trace.lines.len, f), trace.lines.len);
		fclose(f);
	}
}

static void comes_to_the_same(void)
{
	struct outcome o;
	struct world w;

	world_init(&w, 1, 1);
	life(&w);
	write_life();
	o = replay_same();
	CU_ASSERT_EQUAL(o.sum.starts, 1);
	CU_ASSERT_EQUAL(o.sum.before, 0);
	CU_ASSERT(o.sum.changes >= 15);
	CU_ASSERT(o.sum.messages >= 8);
	CU_ASSERT_PTR_NOT_NULL(strstr(trace.lines.data, "state SETUP_WAIT -> ACTIVE"));
	CU_ASSERT_PTR_NOT_NULL(strstr(trace.lines.data, "steering: applied"));
	CU_ASSERT_PTR_NOT_NULL(strstr(trace.lines.data, "link 0: down"));
	CU_ASSERT_PTR_NOT_NULL(strstr(trace.lines.data, "the session is over"));
	CU_ASSERT_PTR_NULL(strstr(trace.lines.data, "key-")); /* the client's */
	world_fini(&w);
	finish();
}

/* Instances come, go and are drained; messages are lost, late and twice; timers run out. */
static struct ncm_replay_sum hard_times(uint64_t seed)
{
	struct outcome o;
	struct world w;
	struct mams_prng r;

	world_init_with(&w, seed, 2, 3, 2);
	r = (struct mams_prng){seed + 1};
	if (seed % 2)
		probe(&w);
	if (seed % 3 == 0)
		protect(&w);
	w.loss = 150;
	w.repeat = 150;
	w.delay_ms = 300;
	for (uint64_t i = 0; i < 25; i++) {
		const uint64_t what = mams_prng_below(&r, 8);
		const uint8_t link = (uint8_t)mams_prng_below(&r, 2);
		char address[32];

		if (i == seed % 5) /* from the beginning, or amid it */
			watch(&w);
		snprintf(address, sizeof(address), "10.1.%u.%u", link ? 129 : 1,
			(unsigned)mams_prng_below(&r, 3) + 2);
		if (what < 4)
			world_link(&w, w.clients, link, mams_prng_below(&r, 4) > 0, address);
		else if (what == 4)
			world_madp(&w, mams_prng_below(&r, 3), mams_prng_below(&r, 2));
		else if (what == 5)
			world_drain(&w, mams_prng_below(&r, 3), mams_prng_below(&r, 2));
		else if (what == 6)
			steer(&w, (struct ncm_order){.dl = (uint32_t)mams_prng_below(&r, 4),
					  .ul = (uint32_t)mams_prng_below(&r, 4)});
		else
			world_restart_ccm(&w, w.clients);
		world_run(&w, (int64_t)mams_prng_below(&r, 4000));
	}
	world_run(&w, 100000);
	o = replay_same();
	if (o.sum.differ > 0)
		printf("seed %llu\n", (unsigned long long)seed);
	world_fini(&w);
	finish();
	return o.sum;
}

static void hard_times_come_to_the_same(void)
{
	size_t changes = 0;
	size_t messages = 0;

	for (uint64_t seed = 1; seed <= 20; seed++) {
		const struct ncm_replay_sum s = hard_times(seed);

		changes += s.changes;
		messages += s.messages;
	}
	CU_ASSERT(changes >= 500);
	CU_ASSERT(messages >= 500);
}

static void a_tunnel_comes_to_the_same(void)
{
	struct scene s;

	tunnels_begin(&s);
	watch(&s.w);
	scene_up(&s);
	steer(&s.w, (struct ncm_order){.anchor = TUNNEL,
			    .dl = WIFI | LTE,
			    .ul = WIFI | LTE,
			    .dl_mode = 1 + MX_MODE_DUPLICATE});
	world_run(&s.w, 1500);
	CU_ASSERT(replay_same().sum.changes >= 10);
	CU_ASSERT_PTR_NOT_NULL(strstr(trace.lines.data, "tunnel at port 7447"));
	CU_ASSERT_PTR_NULL(strstr(trace.lines.data, "c2VjcmV0")); /* its secret */
	scene_finish(&s);
	finish();
}

/* Whoever begins to watch while nothing is under way has the rest. */
static void begin_at_rest(bool probed, bool protected)
{
	struct outcome o;
	struct world w;

	world_init(&w, 1, 1);
	if (probed)
		probe(&w);
	if (protected)
		protect(&w);
	world_link(&w, w.clients, 0, true, "10.1.1.2");
	world_link(&w, w.clients, 1, true, "10.1.129.2");
	world_run(&w, 5000);
	steer(&w, (struct ncm_order){.dl = LTE, .ul = WIFI});
	world_run(&w, 5000);
	watch(&w);
	steer(&w, (struct ncm_order){.dl = WIFI, .ul = WIFI | LTE});
	world_run(&w, 5000);
	world_link(&w, w.clients, 1, false, NULL);
	world_run(&w, 40000);
	world_link(&w, w.clients, 1, true, "10.1.129.3");
	world_run(&w, 5000);
	o = replay_same();
	CU_ASSERT_EQUAL(o.sum.starts, 1);
	CU_ASSERT_EQUAL(o.sum.before, 0);
	CU_ASSERT(o.sum.changes >= 5);
	CU_ASSERT(o.sum.messages >= 3);
	CU_ASSERT_EQUAL(strstr(trace.lines.data, "is to probe link") != NULL, probed);
	world_fini(&w);
	finish();
}

static void begins_at_rest(void)
{
	begin_at_rest(false, false);
	begin_at_rest(true, false);
	begin_at_rest(false, true);
}

/* ... and otherwise what was before its next Discover is left out. */
static void begins_amid_something(void)
{
	struct outcome o;
	struct world w;

	world_init(&w, 1, 1);
	world_link(&w, w.clients, 0, true, "10.1.1.2");
	world_run(&w, 60);
	watch(&w);
	world_run(&w, 200);
	world_restart_ccm(&w, w.clients);
	world_link(&w, w.clients, 0, true, "10.1.1.2");
	world_run(&w, 5000);
	o = replay_same();
	CU_ASSERT_EQUAL(o.sum.starts, 1);
	CU_ASSERT(o.sum.before > 0);
	CU_ASSERT(o.sum.changes >= 5);
	world_fini(&w);
	finish();
}

/* Replaces the first `from` in the trace. */
static char *touched(const char *from, const char *to)
{
	const char *at = strstr(trace.lines.data, from);
	struct mams_buf out = {0};

	CU_ASSERT_PTR_NOT_NULL_FATAL(at);
	mams_buf_add(&out, trace.lines.data, (size_t)(at - trace.lines.data));
	mams_buf_printf(&out, "%s%s", to, at + strlen(from));
	return mams_buf_take(&out);
}

static struct outcome replay_touched(const char *from, const char *to)
{
	char *text = touched(from, to);
	struct outcome o = replay(text, 0);

	free(text);
	return o;
}

static void touched_is_found(void)
{
	static const char *const changes[][2] = {
		{"SETUP_WAIT -> ACTIVE", "SETUP_WAIT -> ENDED"}, /* another state */
		{"link 0: down", "link 1: down"},
		{"mx_reconf_rsp", "mx_keep_alive_rsp"},
		{"\"capability_ack\\\":\\\"MX_ACCEPT", "\"capability_ack\\\":\\\"MX_REJECT"},
		{"\"dl\":1,", "\"dl\":2048,"}, /* an order that would have been refused */
		{"\"kind\":\"prepared\"", "\"kind\":\"seen\""},
		{"\"gather_ms\\\":50", "\"gather_ms\\\":5000"},
	};
	struct outcome o;
	struct world w;

	world_init(&w, 1, 1);
	life(&w);
	for (size_t i = 0; i < MAMS_ARRAY_LEN(changes); i++) {
		if (!strstr(trace.lines.data, changes[i][0])) {
			printf("\nnot in the trace: %s\n", changes[i][0]);
			CU_FAIL("not in the trace");
			continue;
		}
		o = replay_touched(changes[i][0], changes[i][1]);
		if (o.rc == 0 && o.sum.differ == 0)
			printf("\nnot found: %s\n", changes[i][1]);
		CU_ASSERT_EQUAL(o.rc, 0);
		CU_ASSERT(o.sum.differ > 0);
	}
	o = replay(trace.lines.data, 12);
	CU_ASSERT_EQUAL(o.kinds[NCM_REPLAYED_GAP], 1);
	world_fini(&w);
	finish();
}

static void nonsense_is_named(void)
{
	static const struct {
		const char *from, *to, *where;
	} cases[] = {
		{"mx_discover", "mx_dinosaur", "message_type"},
		{"\"state\":\"NONE\"", "\"state\":\"DOWN\"", "state"},
		{"\"madp\":\"east\"", "\"madp\":\"moon\"", "madp"},
		{"\"anchor\":0,", "\"anchor\":3,", "order"},
		{"\\\"access\\\":1", "\\\"access\\\":16", "access"},
	};
	struct world w;

	world_init(&w, 1, 1);
	life(&w);
	for (size_t i = 0; i < MAMS_ARRAY_LEN(cases); i++) {
		const struct outcome o = replay_touched(cases[i].from, cases[i].to);

		CU_ASSERT(o.rc < 0);
		CU_ASSERT(o.line > 0);
		if (!strstr(o.first, cases[i].where))
			printf("\n%s: %s\n", cases[i].to, o.first);
		CU_ASSERT_PTR_NOT_NULL(strstr(o.first, cases[i].where));
	}
	world_fini(&w);
	finish();
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"a life comes to the same", comes_to_the_same},
		{"so do hard times", hard_times_come_to_the_same},
		{"so does a tunnel", a_tunnel_comes_to_the_same},
		{"watched from a moment of rest", begins_at_rest},
		{"watched from amid something", begins_amid_something},
		{"what was touched is found", touched_is_found},
		{"nonsense is named", nonsense_is_named},
	};

	return mams_suite_run("trace", cases, MAMS_ARRAY_LEN(cases));
}
