/* Automatic steering of an anchor by GMA beside one by MPTCP, and of an application alone: what
 * both trailers are told in each mode. */
#include "lib/steer/conf.h"
#include "ncm-service/steerer.h"
#include "ncm-service/tunnel.h"
#include "tests/sim/tunnels.h"

#include <stdio.h>
#include <string.h>

enum { OF_PROXY, OF_TUNNEL, OF_VOICE, CLASSES };

static const char *lte_first[] = {"lte", "wifi"};
static struct ncm_app_conf voice = {.name = "voice",
	.dscp = 46,
	.protocol = 255,
	.port_last = UINT16_MAX,
	.order = {0, 1},
	.n_order = 2};
static struct steer_class classes[CLASSES];
static struct steer_policy policy;

static void begin(struct scene *s, enum steer_mode mode)
{
	for (size_t i = 0; i < CLASSES; i++)
		classes[i] = (struct steer_class){.mode = (int)mode,
			.order = lte_first,
			.n_order = 2,
			.loss_max_ppm = 20000,
			.dwell_ms = 60000,
			.probation_ms = 10000,
			.never_worse = true};
	classes[OF_PROXY].name = "tcp";
	classes[OF_TUNNEL].name = "rest";
	classes[OF_TUNNEL].anchor = "udp";
	classes[OF_VOICE].name = "calls";
	classes[OF_VOICE].application = "voice";
	policy = (struct steer_policy){.classes = classes, .n_classes = CLASSES};
	tunnels_begin(s);
	s->w.policy.apps = &voice;
	s->w.policy.n_apps = 1;
	s->w.policy.steer = &policy;
	scene_up(s);
	world_run(&s->w, 90000);
}

/* "UL DL" of a class of the tunnel, as either end is told for the direction that it sends. */
static const char *said(const struct scene *s, unsigned cls)
{
	static char text[90];
	struct ctl_msg *c = ccm_tunnel_compose(tunnels_client(s), 1);
	struct ctl_msg *m = ncm_tunnel_compose(scene_session(s), 1, &scene_session(s)->s.tunnel, 1);

	CU_ASSERT_FATAL(c && m && cls < c->tr_session_set.n_classes);
	CU_ASSERT_EQUAL_FATAL(c->tr_session_set.n_classes, m->tr_session_set.n_classes);
	snprintf(text, sizeof(text), "%s %s", tunnels_said(&c->tr_session_set.classes[cls].ul),
		tunnels_said(&m->tr_session_set.classes[cls].dl));
	ctl_msg_free(c);
	ctl_msg_free(m);
	return text;
}

static void each_mode(void)
{
	static const struct {
		uint32_t proxy;
		const char *tunnel;
		const char *voice;
	} wanted[STEER_MODES] = {[STEER_ACTIVE_STANDBY] = {LTE, "1!:1,0 1!:1,0", "1!:1,0 1!:1,0"},
		[STEER_SMALLEST_DELAY] = {LTE, "2!:0,1 2!:0,1", "2!:1,0 2!:1,0"},
		[STEER_LOAD_BALANCING] = {WIFI | LTE, "4!:0,1 4!:0,1", "4!:1,0 4!:1,0"},
		[STEER_PRIORITY_BASED] = {LTE, "1!:1,0 1!:1,0", "3!:1,0 3!:1,0"},
		[STEER_REDUNDANT] = {WIFI | LTE, "5!:0,1 5!:0,1", "5!:1,0 5!:1,0"}};

	for (int m = 0; m < STEER_MODES; m++) {
		struct scene s;
		unsigned orders;

		begin(&s, (enum steer_mode)m);
		CU_ASSERT_EQUAL(
			scene_session(&s)->s.anchors[PROXY].dl & (WIFI | LTE), wanted[m].proxy);
		CU_ASSERT_STRING_EQUAL(said(&s, 0), wanted[m].tunnel);
		CU_ASSERT_STRING_EQUAL(said(&s, 1), wanted[m].voice);
		/* one order each, and none while nothing changes */
		orders = scene_count(&s, 0, MX_TRAFFIC_STEERING_REQ);
		world_run(&s.w, 200000);
		CU_ASSERT_EQUAL(scene_count(&s, 0, MX_TRAFFIC_STEERING_REQ), orders);
		CU_ASSERT_EQUAL(scene_session(&s)->counters->policy_refused, 0);
		scene_finish(&s);
	}
}

static void set_loss(const struct scene *s, uint8_t link, uint32_t ul, uint32_t dl)
{
	struct ncm_quality *q = &scene_session(s)->quality[link];

	q->ul = (struct ncm_way_quality){.has_loss = true, .loss_ppm = ul, .at = s->w.now};
	q->dl = (struct ncm_way_quality){.has_loss = true, .loss_ppm = dl, .at = s->w.now};
}

/* Only the uplink of lte loses: each anchor and the application leave it in that direction, those
 * by MPTCP, as long as both directions go the same way there, in both. */
static void each_direction(void)
{
	struct scene s;
	const struct steer_record *r;
	mams_time at;

	begin(&s, STEER_ACTIVE_STANDBY);
	for (unsigned t = 0; t < 20; t++) {
		set_loss(&s, 1, 50000, 0);
		world_run(&s.w, 2000);
	}
	CU_ASSERT_STRING_EQUAL(said(&s, 0), "1!:0,1 1!:1,0");
	CU_ASSERT_STRING_EQUAL(said(&s, 1), "1!:0,1 1!:1,0");
	CU_ASSERT_EQUAL(scene_session(&s)->s.anchors[PROXY].ul, WIFI);
	r = ncm_steerer_record(scene_session(&s), OF_VOICE, &at);
	CU_ASSERT_PTR_NOT_NULL_FATAL(r);
	CU_ASSERT_EQUAL(r->decision.shares[1].ul, STEER_R_LOSS);
	CU_ASSERT_EQUAL(r->decision.shares[1].dl, STEER_R_CARRIES);
	scene_finish(&s);
}

/* A download over both links, of which lte loses 1 %, has a tenth of what wifi alone has. */
static void one_connection_is_not_held_back(void)
{
	struct scene s;
	char why[128] = "";
	mams_time at;

	begin(&s, STEER_LOAD_BALANCING);
	CU_ASSERT_STRING_EQUAL(said(&s, 0), "4!:0,1 4!:0,1");
	for (unsigned t = 0; t < 10; t++) {
		for (uint8_t i = 0; i < 2; i++) {
			struct ncm_way_quality *q = &scene_session(&s)->quality[i].dl;

			*q = (struct ncm_way_quality){.has_rate = true,
				.has_delay = true,
				.has_loss = true,
				.rate_kbps = 50000,
				.used_kbps = 4400,
				.delay_us = 12000,
				.loss_ppm = i == 1 ? 10000 : 0,
				.at = s.w.now};
		}
		world_run(&s.w, 2000);
	}
	CU_ASSERT_STRING_EQUAL(said(&s, 0), "4!:0,1 1!:0,1");
	CU_ASSERT_EQUAL(
		ncm_steerer_record(scene_session(&s), OF_TUNNEL, &at)->decision.shares[1].dl,
		STEER_R_HARM_RATE);
	CU_ASSERT(steer_record_repeats(
		ncm_steerer_record(scene_session(&s), OF_TUNNEL, &at), why, sizeof(why)));
	/* each subflow has its own loss */
	CU_ASSERT_EQUAL(scene_session(&s)->s.anchors[PROXY].dl & (WIFI | LTE), WIFI | LTE);
	scene_finish(&s);
}

enum { UL, DL, WAYS };

/* What a class is told now: its end that sends by UL, and the one that sends by DL. */
static void told(const struct scene *s, int cls, char ways[WAYS][40])
{
	const struct ncm_saved_anchor *a = &scene_session(s)->s.anchors[PROXY];

	if (cls == OF_PROXY) {
		snprintf(ways[UL], 40, "%u", a->ul);
		snprintf(ways[DL], 40, "%u", a->dl);
	} else {
		sscanf(said(s, cls == OF_VOICE), "%39s %39s", ways[UL], ways[DL]);
	}
}

/* The loss of lte goes across its limit and back, for ten minutes.
 * @return switches of all classes, of each direction of each at most one a minute */
static unsigned swings(enum steer_mode mode, unsigned half_period_s)
{
	struct scene s;
	char was[CLASSES][WAYS][40];
	mams_time before[CLASSES][WAYS];
	unsigned n[CLASSES][WAYS] = {0};
	unsigned sum = 0;

	begin(&s, mode);
	for (int c = 0; c < CLASSES; c++)
		told(&s, c, was[c]);
	for (unsigned i = 0; i < 600 * CLASSES * WAYS; i++) {
		const unsigned t = i / (CLASSES * WAYS);
		const unsigned c = i / WAYS % CLASSES;
		const unsigned w = i % WAYS;
		const uint32_t loss = t / half_period_s % 2 == 0 ? 50000 : 0;
		char now[WAYS][40];

		if (c + w == 0) {
			set_loss(&s, 1, loss, loss);
			world_run(&s.w, 1000);
		}
		told(&s, (int)c, now);
		if (strcmp(now[w], was[c][w]) == 0)
			continue;
		if (n[c][w]++ > 0)
			CU_ASSERT(mams_time_ms_until(before[c][w], s.w.now) >= 60000);
		before[c][w] = s.w.now;
		memcpy(was[c][w], now[w], sizeof(now[w]));
		sum++;
	}
	scene_finish(&s);
	return sum;
}

static void oscillation_is_one_switch_a_minute(void)
{
	for (int m = 0; m < STEER_MODES; m++) {
		CU_ASSERT(swings((enum steer_mode)m, 1) >= 1);
		CU_ASSERT(swings((enum steer_mode)m, 2) >= 1);
	}
}

/* An operator's order for the application holds for it alone; steered no longer, it is the policy's
 * again. */
static void an_operator_has_one_of_them(void)
{
	struct scene s;
	struct ncm_order o = {
		.app = 1, .steered = {.name = "voice", .ul = {WIFI, 0, 0}, .dl = {WIFI, 0, 0}}};

	begin(&s, STEER_ACTIVE_STANDBY);
	CU_ASSERT_EQUAL(tunnels_steer(&s, o), 0);
	world_run(&s.w, 100000);
	CU_ASSERT_EQUAL(ncm_steerer_state(scene_session(&s), OF_VOICE, NULL), NCM_STEERED_HELD);
	CU_ASSERT_EQUAL(ncm_steerer_state(scene_session(&s), OF_TUNNEL, NULL), NCM_STEERED_AUTO);
	CU_ASSERT_STRING_EQUAL(said(&s, 1), "1!:0,1 1!:0,1");
	CU_ASSERT_EQUAL(ncm_steerer_class(scene_session(&s), TUNNEL, 0), OF_VOICE);
	CU_ASSERT_EQUAL(ncm_steerer_class(scene_session(&s), TUNNEL, -1), OF_TUNNEL);
	CU_ASSERT_EQUAL(ncm_steerer_class(scene_session(&s), PROXY, -1), OF_PROXY);
	o.steered = (struct ncm_saved_app){.name = ""};
	CU_ASSERT_EQUAL(tunnels_steer(&s, o), 0);
	world_run(&s.w, 30000);
	CU_ASSERT_EQUAL(ncm_steerer_state(scene_session(&s), OF_VOICE, NULL), NCM_STEERED_AUTO);
	CU_ASSERT_STRING_EQUAL(said(&s, 1), "1!:1,0 1!:1,0");
	scene_finish(&s);
}

int main(void)
{
	static const struct mams_case cases[] = {{"each mode", each_mode},
		{"each direction", each_direction},
		{"one connection is not held back", one_connection_is_not_held_back},
		{"oscillation is one switch a minute", oscillation_is_one_switch_a_minute},
		{"an operator has one of them", an_operator_has_one_of_them}};

	return mams_suite_run("policy_tunnel", cases, MAMS_ARRAY_LEN(cases));
}
