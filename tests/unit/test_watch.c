/* Paths that fall silent: a small world of paths that carry, owe, answer or do not, in virtual
 * time.
 */
#include "proxy/watch.h"

#include "tests/support/suite.h"

#include <string.h>

#define WIFI 0
#define LTE 1
#define PATHS 2

struct link {
	bool carries;   /* segments arrive all the time ... */
	int64_t gap_ms; /* ... with such pauses */
	bool owed;
	bool dead;   /* nothing passes */
	bool no_syn; /* attempts are lost, the rest is not */
	int64_t rtt_ms;
	int64_t heard_ms;  /* when */
	int64_t answer_ms; /* when the answer to the last attempt is there; -1: none under way */
};

static struct world {
	struct px_watch w;
	struct px_path paths[PATHS];
	struct px_path_health health[PATHS];
	struct link link[PATHS];
	int64_t now_ms;
	int64_t look_ms; /* next */
	uint64_t octets;
	bool open;
	unsigned asked[PATHS];
	int64_t lost_ms[PATHS]; /* last; -1: never */
	int64_t back_ms[PATHS];
	unsigned lost;
	unsigned looks;
	bool sleeps;
	uint64_t slept_at; /* octets */
} x;

static mams_time at(int64_t ms)
{
	return mams_time_us(ms * 1000);
}

static void begin(int64_t silence_ms)
{
	const struct px_watch_conf conf = {.silence_ms = silence_ms, .ask_ms = 200};

	memset(&x, 0, sizeof(x));
	px_watch_init(&x.w, &conf);
	x.now_ms = 100000;
	x.look_ms = x.now_ms;
	x.open = true;
	for (uint8_t i = 0; i < PATHS; i++) {
		x.paths[i] = (struct px_path){.connection_id = i, .health = &x.health[i]};
		x.paths[i].local.family = AF_INET;
		x.paths[i].local.ip[3] = (uint8_t)(i + 1);
		x.paths[i].proxy = x.paths[i].local;
		x.paths[i].proxy.port = 7443;
		x.link[i] = (struct link){.carries = true, .rtt_ms = 30, .answer_ms = -1};
		x.lost_ms[i] = -1;
		x.back_ms[i] = -1;
	}
	px_watch_paths(&x.w, x.paths, PATHS);
}

static void act(void)
{
	struct px_watch_action a;

	while (px_watch_next(&x.w, &a)) {
		struct link *l = &x.link[a.path];

		switch (a.kind) {
		case PX_WATCH_ASK:
			x.asked[a.path]++;
			if (!l->dead && !l->no_syn && l->answer_ms < 0)
				l->answer_ms = x.now_ms + l->rtt_ms;
			break;
		case PX_WATCH_LOST:
			x.lost_ms[a.path] = x.now_ms;
			x.lost++;
			l->carries = false; /* its subflows are taken away */
			l->owed = false;
			break;
		case PX_WATCH_BACK:
			x.back_ms[a.path] = x.now_ms;
			l->carries = true;
			break;
		}
	}
}

static void look(void)
{
	mams_time now = at(x.now_ms);
	mams_time next;

	x.looks++;
	px_watch_flows(&x.w, x.open, x.octets, now);
	for (size_t i = 0; i < x.w.n; i++) {
		struct link *l = &x.link[i];
		struct px_watch_sample s = {.any = x.w.paths[i].state != PX_WATCH_SILENT,
			.owed = l->owed,
			.heard_ms = x.now_ms - l->heard_ms,
			.rtt_us = l->rtt_ms * 1000};

		if (l->answer_ms >= 0 && l->answer_ms <= x.now_ms) {
			l->answer_ms = -1;
			px_watch_answer(&x.w, i, now);
		}
		px_watch_seen(&x.w, i, &s, now);
	}
	px_watch_tick(&x.w, now);
	act();
	next = px_watch_deadline(&x.w, now);
	x.look_ms = mams_time_is_never(next) ? INT64_MAX : (next.us + 999) / 1000;
	x.sleeps = px_watch_sleeps(&x.w, now);
	x.slept_at = x.octets;
}

static void run(int64_t ms)
{
	for (int64_t end = x.now_ms + ms; x.now_ms < end; x.now_ms++) {
		for (size_t i = 0; i < PATHS; i++) {
			struct link *l = &x.link[i];

			if (!l->carries || l->dead || x.now_ms - l->heard_ms < l->gap_ms)
				continue;
			l->heard_ms = x.now_ms;
			x.octets++;
		}
		if (x.now_ms >= x.look_ms || (x.sleeps && x.octets > x.slept_at))
			look();
	}
}

/* A download: all that is seen is that nothing comes any more. */
static void busy_path_falls_silent(void)
{
	int64_t hole;

	begin(250);
	run(3000);
	CU_ASSERT_EQUAL(x.asked[WIFI] + x.asked[LTE], 0);
	x.link[WIFI].dead = true;
	hole = x.now_ms;
	run(2000);
	CU_ASSERT(x.lost_ms[WIFI] > hole + 600 && x.lost_ms[WIFI] <= hole + 1000);
	CU_ASSERT_EQUAL(x.lost_ms[LTE], -1);
	CU_ASSERT_EQUAL(x.asked[LTE], 0);
	run(10000);
	x.link[WIFI].dead = false;
	hole = x.now_ms;
	run(1000);
	CU_ASSERT(x.back_ms[WIFI] >= hole && x.back_ms[WIFI] <= hole + 330);
	run(5000);
	CU_ASSERT_EQUAL(x.lost, 1);
}

/* An upload after a pause: an acknowledgement is owed. */
static void owing_path_falls_silent(void)
{
	int64_t sent;

	begin(250);
	x.link[WIFI].carries = false;
	x.link[LTE].carries = false;
	run(5000);
	CU_ASSERT_EQUAL(x.asked[WIFI], 0);
	x.link[WIFI].dead = true;
	x.link[WIFI].owed = true;
	x.octets++;
	sent = x.now_ms;
	run(3000);
	/* it was looked at seldom, and lte had to be asked whether it is better */
	CU_ASSERT(x.lost_ms[WIFI] > sent && x.lost_ms[WIFI] <= sent + 2100);
	CU_ASSERT(x.asked[LTE] >= 1 && x.asked[LTE] <= 2);
}

static void acknowledged_in_time(void)
{
	begin(250);
	x.link[WIFI].carries = false;
	for (int i = 0; i < 50; i++) {
		x.link[WIFI].owed = true;
		run(210);
		x.link[WIFI].owed = false;
		x.link[WIFI].heard_ms = x.now_ms;
		run(1000);
	}
	CU_ASSERT_EQUAL(x.asked[WIFI], 0);
	CU_ASSERT_EQUAL(x.lost, 0);
}

/* Whatever is heard counts, whether attempts come through or not. */
static void congested_path_is_alive(void)
{
	begin(250);
	x.link[WIFI].no_syn = true;
	x.link[WIFI].gap_ms = 700;
	x.link[WIFI].owed = true;
	run(60000);
	CU_ASSERT(x.asked[WIFI] > 0);
	CU_ASSERT_EQUAL(x.lost, 0);
}

/* The server pauses: one question each, a second at most between them. */
static void pause_is_no_silence(void)
{
	begin(250);
	run(3000);
	x.link[WIFI].carries = false;
	x.link[LTE].carries = false;
	run(60000);
	CU_ASSERT_EQUAL(x.asked[WIFI], 1);
	CU_ASSERT_EQUAL(x.asked[LTE], 1);
	CU_ASSERT_EQUAL(x.lost, 0);
	/* on and off */
	for (int i = 0; i < 20; i++) {
		x.link[WIFI].carries = true;
		run(600);
		x.link[WIFI].carries = false;
		run(600);
	}
	CU_ASSERT(x.asked[WIFI] <= 22);
	CU_ASSERT_EQUAL(x.lost, 0);
}

static void slow_answers(void)
{
	begin(250);
	x.link[WIFI].rtt_ms = 550;
	run(3000);
	x.link[WIFI].carries = false;
	run(60000);
	CU_ASSERT(x.asked[WIFI] >= 1 && x.asked[WIFI] <= 2);
	CU_ASSERT_EQUAL(x.lost, 0);
}

/* Nothing is gained by moving from one dead path to another. */
static void all_silent(void)
{
	begin(250);
	run(3000);
	x.link[WIFI].dead = true;
	run(60);
	x.link[LTE].dead = true;
	run(120000);
	CU_ASSERT_EQUAL(x.lost, 0);
	/* asked more and more seldom */
	CU_ASSERT(x.asked[WIFI] < 250);
	x.link[LTE].dead = false;
	run(5000);
	CU_ASSERT(x.lost_ms[WIFI] > 0);
	CU_ASSERT_EQUAL(x.lost_ms[LTE], -1);
}

static void one_path_is_not_watched(void)
{
	begin(250);
	px_watch_paths(&x.w, x.paths, 1);
	run(3000);
	x.link[WIFI].dead = true;
	run(10000);
	CU_ASSERT_EQUAL(x.asked[WIFI], 0);
	CU_ASSERT_EQUAL(x.looks, 1);
}

static void switched_off(void)
{
	begin(0);
	run(3000);
	x.link[WIFI].dead = true;
	run(10000);
	CU_ASSERT_EQUAL(x.looks, 1);
	CU_ASSERT_EQUAL(x.asked[WIFI], 0);
}

static void nothing_without_flows(void)
{
	unsigned asked;
	unsigned looks;

	begin(250);
	run(3000);
	x.link[WIFI].dead = true;
	run(2000);
	CU_ASSERT_EQUAL(x.lost, 1);
	x.open = false;
	run(1000);
	asked = x.asked[WIFI];
	looks = x.looks;
	x.link[WIFI].dead = false;
	run(60000);
	CU_ASSERT_EQUAL(x.asked[WIFI], asked);
	CU_ASSERT_EQUAL(x.looks, looks);
	CU_ASSERT_EQUAL(x.back_ms[WIFI], -1);
	/* the next flow is what asks */
	x.open = true;
	x.look_ms = x.now_ms;
	run(400);
	CU_ASSERT(x.back_ms[WIFI] > 0);
}

/* Flows that come and go all the time do not make us ask all the time. */
static void short_flows(void)
{
	unsigned asked;

	begin(250);
	run(3000);
	x.link[WIFI].dead = true;
	run(2000);
	asked = x.asked[WIFI];
	for (int i = 0; i < 500; i++) {
		x.open = true;
		x.look_ms = x.now_ms;
		run(5);
		x.open = false;
		x.look_ms = x.now_ms;
		run(5);
	}
	CU_ASSERT(x.asked[WIFI] - asked <= 26);
}

/* The sooner it is silent again, the longer it must have answered. */
static void relapse(void)
{
	int64_t alive;

	begin(250);
	for (unsigned i = 0; i < 3; i++) {
		run(1500);
		x.link[WIFI].dead = true;
		run(3000);
		CU_ASSERT_EQUAL(x.lost, i + 1);
		x.link[WIFI].dead = false;
		alive = x.now_ms;
		run(1500);
		CU_ASSERT(x.back_ms[WIFI] > alive);
		CU_ASSERT(i < 2 || x.back_ms[WIFI] >= alive + 600);
	}
	run(15000);
	x.link[WIFI].dead = true;
	run(3000);
	x.link[WIFI].dead = false;
	alive = x.now_ms;
	run(1500);
	CU_ASSERT(x.back_ms[WIFI] <= alive + 330);
}

static void idle_flows_are_not_looked_at(void)
{
	begin(250);
	run(3000);
	x.link[WIFI].carries = false;
	x.link[LTE].carries = false;
	run(3000);
	x.looks = 0;
	run(60000);
	CU_ASSERT(x.looks <= 2);
	CU_ASSERT_EQUAL(x.look_ms, INT64_MAX);
	/* a path that has died meanwhile is missed as soon as anything goes there */
	x.link[WIFI].dead = true;
	x.link[WIFI].owed = true;
	x.link[LTE].carries = true;
	run(1000);
	CU_ASSERT(x.lost_ms[WIFI] > 0);
	CU_ASSERT_EQUAL(x.lost_ms[LTE], -1);
	/* what is owed is looked for, as long as it takes */
	x.link[LTE].carries = false;
	x.link[LTE].owed = true;
	run(20000);
	CU_ASSERT_NOT_EQUAL(x.look_ms, INT64_MAX);
}

/* The thread was kept from running: what lies there is an answer all the same. */
static void late_look(void)
{
	begin(250);
	run(3000);
	x.link[WIFI].carries = false;
	run(400);
	CU_ASSERT_EQUAL(x.asked[WIFI], 1);
	x.look_ms = x.now_ms + 5000;
	run(10000);
	CU_ASSERT_EQUAL(x.lost, 0);
	CU_ASSERT_EQUAL(x.asked[WIFI], 1);
}

static void path_set_changes(void)
{
	struct px_path swapped[PATHS];

	begin(250);
	run(3000);
	x.link[WIFI].dead = true;
	run(2000);
	CU_ASSERT_EQUAL(x.w.paths[WIFI].state, PX_WATCH_SILENT);
	swapped[0] = x.paths[LTE];
	swapped[1] = x.paths[WIFI];
	px_watch_paths(&x.w, swapped, PATHS);
	CU_ASSERT_EQUAL(x.w.paths[0].state, PX_WATCH_GOOD);
	CU_ASSERT_EQUAL(x.w.paths[1].state, PX_WATCH_SILENT);
	/* another address: another path */
	swapped[1].local.ip[3] = 77;
	px_watch_paths(&x.w, swapped, PATHS);
	CU_ASSERT_EQUAL(x.w.paths[1].state, PX_WATCH_GOOD);
}

static void last_path_is_silent(void)
{
	begin(250);
	run(3000);
	x.link[WIFI].dead = true;
	run(2000);
	CU_ASSERT_EQUAL(x.lost, 1);
	px_watch_paths(&x.w, x.paths, 1);
	x.link[WIFI].dead = false;
	x.look_ms = x.now_ms;
	run(1000);
	CU_ASSERT(x.back_ms[WIFI] > 0);
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"a busy path falls silent", busy_path_falls_silent},
		{"a path that owes falls silent", owing_path_falls_silent},
		{"acknowledged in time", acknowledged_in_time},
		{"a congested path is alive", congested_path_is_alive},
		{"a pause is no silence", pause_is_no_silence},
		{"slow answers", slow_answers},
		{"all silent", all_silent},
		{"one path is not watched", one_path_is_not_watched},
		{"switched off", switched_off},
		{"nothing without flows", nothing_without_flows},
		{"short flows", short_flows},
		{"relapse", relapse},
		{"idle flows are not looked at", idle_flows_are_not_looked_at},
		{"a late look", late_look},
		{"the path set changes", path_set_changes},
		{"the last path is silent", last_path_is_silent},
	};

	return mams_suite_run("watch", cases, MAMS_ARRAY_LEN(cases));
}
