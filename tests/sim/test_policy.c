/* Automatic steering in a session: a client with wifi (0) and lte (1), real cores at both ends, and
 * a policy.  What is measured of its links is set as the N-MADP would have told it. */
#include "lib/steer/conf.h"
#include "lib/steer/words.h"
#include "ncm-service/feed.h"
#include "ncm-service/steerer.h"
#include "ncm-service/steering.h"
#include "ncm-service/usage.h"
#include "tests/sim/scene.h"

#include <stdio.h>
#include <string.h>

#define WIFI 1u
#define LTE 2u

static const char *wifi_first[] = {"wifi", "lte"};
static struct steer_class class;
static struct steer_policy policy;

/* The session is ACTIVE, and a second look has been taken. */
static void begin(struct scene *s, enum steer_mode mode)
{
	class = (struct steer_class){.name = "all",
		.mode = (int)mode,
		.order = wifi_first,
		.n_order = 2,
		.delay_max_ms = 50,
		.delay_good_ms = 30,
		.loss_max_ppm = 20000,
		.dwell_ms = 60000,
		.probation_ms = 10000,
		.never_worse = true};
	policy = (struct steer_policy){.classes = &class, .n_classes = 1};
	scene_begin(s);
	s->w.policy.steer = &policy;
	scene_up(s);
	world_run(&s->w, 20000);
	CU_ASSERT(world_settled(&s->w, s->w.clients, WIFI | LTE));
}

static void set(struct scene *s, uint8_t link, uint32_t delay_us, uint32_t loss)
{
	const struct ncm_way_quality q = {.has_rate = true,
		.rate_kbps = 10000,
		.has_delay = true,
		.delay_us = delay_us,
		.has_loss = true,
		.loss_ppm = loss,
		.at = s->w.now};

	scene_session(s)->quality[link].dl = q;
	scene_session(s)->quality[link].ul = q;
	ncm_steerer_news(scene_session(s), s->w.now);
}

static uint32_t dl(const struct scene *s)
{
	return scene_session(s)->s.anchors[0].dl;
}

static const struct steer_record *last(const struct scene *s)
{
	mams_time at;
	const struct steer_record *r = ncm_steerer_record(scene_session(s), 0, &at);

	CU_ASSERT_PTR_NOT_NULL_FATAL(r);
	return r;
}

static void the_policy_steers(void)
{
	static struct scene s;
	char why[128] = "";

	begin(&s, STEER_ACTIVE_STANDBY);
	CU_ASSERT_EQUAL(scene_count(&s, 0, MX_TRAFFIC_STEERING_REQ), 1);
	CU_ASSERT_EQUAL(dl(&s), WIFI);
	CU_ASSERT_EQUAL(scene_session(&s)->s.anchors[0].ul, WIFI);
	CU_ASSERT_EQUAL(s.w.clients->backup, LTE);
	CU_ASSERT_EQUAL(s.w.clients->stored.anchors[0].dl, WIFI);
	CU_ASSERT_FALSE(s.w.clients->stored.anchors[0].held);
	CU_ASSERT_EQUAL(last(&s)->decision.what, STEER_APPLY);
	CU_ASSERT(steer_record_repeats(last(&s), why, sizeof(why)));
	CU_ASSERT_STRING_EQUAL(last(&s)->client, s.w.clients->identity);
	/* nothing changes, so nothing is said */
	world_run(&s.w, 300000);
	CU_ASSERT_EQUAL(scene_count(&s, 0, MX_TRAFFIC_STEERING_REQ), 1);
	scene_finish(&s);
}

/* Load-balancing over all that there is is what a session begins with. */
static void what_is_wanted_is_not_ordered(void)
{
	static struct scene s;

	begin(&s, STEER_LOAD_BALANCING);
	world_run(&s.w, 100000);
	CU_ASSERT_EQUAL(scene_count(&s, 0, MX_TRAFFIC_STEERING_REQ), 0);
	CU_ASSERT_EQUAL(dl(&s) & (WIFI | LTE), WIFI | LTE);
	/* a harmful link is left out, when its time has come */
	for (unsigned t = 0; t < 10; t++) {
		set(&s, 0, 10000, 0);
		set(&s, 1, 350000, 0);
		world_run(&s.w, 2000);
	}
	CU_ASSERT_EQUAL(dl(&s), WIFI);
	CU_ASSERT_EQUAL(last(&s)->decision.shares[1].dl, STEER_R_HARM_DELAY);
	scene_finish(&s);
}

static void lost_links_and_their_return(void)
{
	static struct scene s;

	begin(&s, STEER_ACTIVE_STANDBY);
	world_link(&s.w, s.w.clients, 0, false, NULL);
	world_run(&s.w, 5000);
	CU_ASSERT_EQUAL(dl(&s), LTE);
	CU_ASSERT(last(&s)->decision.forced);
	CU_ASSERT_EQUAL(last(&s)->decision.shares[0].dl, STEER_R_NOT_READY);
	world_link(&s.w, s.w.clients, 0, true, "10.1.1.2");
	world_run(&s.w, 40000);
	CU_ASSERT(world_settled(&s.w, s.w.clients, WIFI | LTE));
	CU_ASSERT_EQUAL(dl(&s), LTE);
	CU_ASSERT_EQUAL(last(&s)->decision.what, STEER_WAIT);
	world_run(&s.w, 30000);
	CU_ASSERT_EQUAL(dl(&s), WIFI);
	CU_ASSERT_EQUAL(scene_count(&s, 0, MX_TRAFFIC_STEERING_REQ), 3);
	scene_finish(&s);
}

static void dead_but_up_is_left_at_once(void)
{
	static struct scene s;
	size_t from;

	begin(&s, STEER_ACTIVE_STANDBY);
	from = s.n;
	set(&s, 0, 10000, 600000);
	world_run(&s.w, 11000);
	CU_ASSERT_EQUAL(dl(&s), LTE);
	CU_ASSERT_EQUAL(scene_count(&s, from, MX_TRAFFIC_STEERING_REQ), 1);
	scene_finish(&s);
}

/* What spoke against it was of the link that there was. */
static void back_is_another_link(void)
{
	static const struct ncm_way_report back = {.back = true};
	static struct scene s;

	begin(&s, STEER_ACTIVE_STANDBY);
	set(&s, 0, 10000, 600000);
	world_run(&s.w, 100000);
	CU_ASSERT_EQUAL(dl(&s), LTE);
	ncm_session_quality(scene_session(&s), 0, NCM_QUALITY_TRAILER, &back, &back, s.w.now);
	world_run(&s.w, 9000);
	CU_ASSERT_EQUAL(dl(&s), LTE); /* a probation all the same */
	world_run(&s.w, 4000);
	CU_ASSERT_EQUAL(dl(&s), WIFI);
	scene_finish(&s);
}

/* Of the better link, what it is used for goes across its threshold and back, for 10 minutes.
 * @return switches, each at least a minute after the one before */
static unsigned switches(enum steer_mode mode, unsigned half_period_s, bool loses)
{
	static struct scene s;
	mams_time before = {0};
	unsigned n = 0;
	uint32_t was;

	begin(&s, mode);
	was = dl(&s);
	for (unsigned t = 0; t < 600; t++) {
		const bool bad = t / half_period_s % 2 == 0;

		set(&s, 0, bad && !loses ? 90000 : 10000, bad && loses ? 50000 : 0);
		set(&s, 1, 40000, 0);
		world_run(&s.w, 1000);
		if (dl(&s) == was)
			continue;
		was = dl(&s);
		if (n++ > 0)
			CU_ASSERT(mams_time_ms_until(before, s.w.now) >= 60000);
		before = s.w.now;
	}
	/* and no order that says what is so already */
	CU_ASSERT(s.n < SCENE_SEEN_MAX);
	CU_ASSERT(scene_count(&s, 0, MX_TRAFFIC_STEERING_REQ) <= n + 1);
	scene_finish(&s);
	return n;
}

static void oscillation_is_one_switch_a_minute(void)
{
	for (int m = 0; m < STEER_MODES; m++) {
		for (unsigned i = 0; i < 4; i++) {
			const unsigned n = switches((enum steer_mode)m, 1 + i % 2, i / 2);

			CU_ASSERT(n >= 1 && n <= 10);
		}
	}
}

static void an_operators_order_holds(void)
{
	static const struct ncm_order to_lte = {.dl = LTE, .ul = LTE};
	static struct scene s;
	struct mams_error err = {0};

	begin(&s, STEER_ACTIVE_STANDBY);
	CU_ASSERT_EQUAL(ncm_session_steer(scene_session(&s), 9, &to_lte, s.w.now, &err), 0);
	world_run(&s.w, 300000);
	CU_ASSERT_EQUAL(dl(&s), LTE);
	CU_ASSERT_EQUAL(ncm_steerer_state(scene_session(&s), 0, NULL), NCM_STEERED_HELD);
	CU_ASSERT(s.w.clients->stored.anchors[0].held);
	/* also after a restart */
	world_restart_ncm(&s.w, true);
	world_run(&s.w, 100000);
	CU_ASSERT(world_settled(&s.w, s.w.clients, WIFI | LTE));
	CU_ASSERT_EQUAL(dl(&s), LTE);
	ncm_steerer_auto(scene_session(&s), s.w.now);
	world_run(&s.w, 40000);
	CU_ASSERT_EQUAL(dl(&s), WIFI);
	CU_ASSERT_EQUAL(ncm_steerer_state(scene_session(&s), 0, NULL), NCM_STEERED_AUTO);
	scene_finish(&s);
}

/* Its own order under way is no reason to refuse an operator's. */
static void an_operator_goes_first(void)
{
	static const struct ncm_order to_both = {.dl = WIFI | LTE, .ul = WIFI | LTE};
	static struct scene s;
	struct mams_error err = {0};
	struct ncm_session *n;

	begin(&s, STEER_ACTIVE_STANDBY);
	n = scene_session(&s);
	s.lost = 1u << MX_TRAFFIC_STEERING_REQ;
	set(&s, 0, 10000, 600000);
	world_run(&s.w, 5000);
	CU_ASSERT(n->steer.open && n->steer.request == NCM_STEERER_REQUEST);
	s.lost = 0;
	CU_ASSERT_EQUAL(ncm_session_steer(n, 9, &to_both, s.w.now, &err), 0);
	world_run(&s.w, 5000);
	CU_ASSERT_EQUAL(s.w.clients->steer_code, 0);
	CU_ASSERT_EQUAL(dl(&s), WIFI | LTE);
	CU_ASSERT_EQUAL(ncm_steerer_state(n, 0, NULL), NCM_STEERED_HELD);
	scene_finish(&s);
}

/* A client that does not do what it is told is asked less and less often. */
static void refusals_are_no_loop(void)
{
	static struct scene s;
	const char *why = NULL;
	unsigned n = 0;
	size_t from;
	uint32_t number = 0;

	begin(&s, STEER_ACTIVE_STANDBY);
	s.lost = 1u << MX_TRAFFIC_STEERING_RSP;
	from = s.n;
	for (unsigned t = 0; t < 900; t++) {
		set(&s, 0, 90000, 0);
		set(&s, 1, 10000, 0);
		world_run(&s.w, 1000);
	}
	for (size_t i = from; i < s.n; i++) {
		n += s.list[i].type == MX_TRAFFIC_STEERING_REQ && s.list[i].number != number;
		if (s.list[i].type == MX_TRAFFIC_STEERING_REQ)
			number = s.list[i].number;
	}
	CU_ASSERT(s.n < SCENE_SEEN_MAX);
	CU_ASSERT(n >= 3 && n <= 5); /* 0, 1, 3, 7 minutes */
	CU_ASSERT_EQUAL(dl(&s), WIFI);
	CU_ASSERT_EQUAL(ncm_steerer_state(scene_session(&s), 0, &why), NCM_STEERED_REFUSED);
	CU_ASSERT_STRING_EQUAL(why, "the client does not answer");
	CU_ASSERT(scene_session(&s)->counters->policy_refused >= 3);
	scene_finish(&s);
}

static void another_policy_while_it_runs(void)
{
	static struct scene s;
	static struct steer_class other;
	static struct steer_policy second;

	begin(&s, STEER_ACTIVE_STANDBY);
	world_run(&s.w, 60000);
	other = class;
	other.mode = STEER_LOAD_BALANCING;
	second = (struct steer_policy){.classes = &other, .n_classes = 1};
	s.w.policy.steer = &second;
	ncm_steerer_renew(scene_session(&s), s.w.now);
	memset(&class, 0, sizeof(class));
	memset(&policy, 0, sizeof(policy));
	world_run(&s.w, 20000);
	CU_ASSERT_EQUAL(dl(&s), WIFI | LTE);
	/* none: operators alone steer */
	s.w.policy.steer = NULL;
	ncm_steerer_renew(scene_session(&s), s.w.now);
	CU_ASSERT_EQUAL(ncm_steerer_count(scene_session(&s)), 0);
	world_run(&s.w, 20000);
	CU_ASSERT(world_settled(&s.w, s.w.clients, WIFI | LTE));
	scene_finish(&s);
}

static void post(struct scene *s, struct ncm_feed *f, const char *statement)
{
	char text[200];
	struct mams_error err;

	snprintf(text, sizeof(text), "{\"statements\":[{\"access\":\"wifi\",%s}]}", statement);
	CU_ASSERT_EQUAL(ncm_feed_take(f, "oam", text, strlen(text), s->w.now, 1000, &err), 0);
	CU_ASSERT_TRUE(ncm_steerer_network(scene_session(s), s->w.now));
	CU_ASSERT_FALSE(ncm_steerer_network(scene_session(s), s->w.now));
}

static void hints_of_the_network(void)
{
	static struct scene s;
	struct ncm_feed *f;

	begin(&s, STEER_ACTIVE_STANDBY);
	f = ncm_feed_new(&s.w.policy);
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	scene_session(&s)->feed = f;
	CU_ASSERT_FALSE(ncm_steerer_network(scene_session(&s), s.w.now));
	post(&s, f, "\"valid_for\":600,\"maintenance\":{\"from\":1010,\"until\":1500}");
	world_run(&s.w, 2000); /* no dwell time holds this up */
	CU_ASSERT_EQUAL(dl(&s), LTE);
	CU_ASSERT_EQUAL(last(&s)->decision.shares[0].dl, STEER_R_MAINTENANCE);
	post(&s, f, "\"valid_for\":0");
	world_run(&s.w, 120000);
	CU_ASSERT_EQUAL(dl(&s), WIFI);
	post(&s, f, "\"valid_for\":600,\"load_percent\":100");
	world_run(&s.w, 120000);
	CU_ASSERT_EQUAL(dl(&s), LTE);
	CU_ASSERT_EQUAL(last(&s)->decision.shares[0].dl, STEER_R_CROWDED);
	scene_session(&s)->feed = NULL;
	ncm_feed_free(f);
	scene_finish(&s);
}

/* What an N-MADP has counted in a second. */
static void carried(struct scene *s, uint8_t link, uint64_t octets)
{
	const struct ncm_way_report up = {.octets = octets / 4};
	const struct ncm_way_report down = {.octets = octets - octets / 4};

	ncm_session_quality(scene_session(s), link, NCM_QUALITY_PROXY, &up, &down, s->w.now);
	world_run(&s->w, 1000);
}

/* The client is asked for its charge, and tells it when it is low, or again high. */
static void a_low_battery(void)
{
	static struct scene s;
	static struct ncm_measure battery = {.name = "battery",
		.connection_type = MX_WIFI,
		.parameter = MX_M_BATTERY,
		.period_ms = 60000,
		.low = 20,
		.high = 100};
	struct ccm_session *ccm;
	struct mams_buf words = {0};
	char why[128] = "";

	begin(&s, STEER_LOAD_BALANCING);
	scene_finish(&s);
	scene_begin(&s);
	s.w.policy.steer = &policy;
	s.w.policy.measures = &battery;
	s.w.policy.n_measures = 1;
	class.battery_low = 20;
	scene_up(&s);
	ccm = &s.w.clients->ccm;
	world_run(&s.w, 80000);
	ccm_session_measured(ccm, 0, MX_M_BATTERY, 64);
	world_run(&s.w, 70000);
	CU_ASSERT_EQUAL(dl(&s) & (WIFI | LTE), WIFI | LTE);
	ccm_session_measured(ccm, 0, MX_M_BATTERY, 20);
	world_run(&s.w, 11000); /* a crossed threshold does not wait for the period */
	CU_ASSERT_EQUAL(dl(&s), WIFI);
	CU_ASSERT_EQUAL(last(&s)->decision.shares[1].dl, STEER_R_BATTERY);
	CU_ASSERT(steer_record_repeats(last(&s), why, sizeof(why)));
	steer_words(last(&s), 0, &words);
	CU_ASSERT_PTR_NOT_NULL(strstr(words.data, "battery 20 %, low at 20 %"));
	CU_ASSERT_PTR_NOT_NULL(strstr(words.data, "the client's battery is low, so one carries"));
	mams_buf_fini(&words);
	/* nothing may be said of it for a while, and without it the other does */
	world_link(&s.w, s.w.clients, 0, false, NULL);
	world_run(&s.w, 5000);
	CU_ASSERT_EQUAL(dl(&s) & LTE, LTE);
	world_link(&s.w, s.w.clients, 0, true, "10.1.1.2");
	ccm_session_measured(ccm, 0, MX_M_BATTERY, 100);
	world_run(&s.w, 150000);
	CU_ASSERT_EQUAL(dl(&s) & (WIFI | LTE), WIFI | LTE);
	CU_ASSERT_EQUAL(last(&s)->input.battery, 100);
	scene_finish(&s);
}

static void quota_by_measured_use(void)
{
	static struct scene s;
	struct steer_price price = {
		.access = "lte", .quota_mb = 100, .quota_per = STEER_PER_DAY, .quota_near = 90};
	uint64_t used;

	begin(&s, STEER_LOAD_BALANCING);
	policy.prices = &price;
	policy.n_prices = 1;
	carried(&s, 0, 500000000); /* wifi has none */
	for (unsigned i = 0; i < 89; i++)
		carried(&s, 1, 1000000);
	world_run(&s.w, 60000);
	CU_ASSERT_EQUAL(dl(&s) & (WIFI | LTE), WIFI | LTE);
	/* a restart forgets a 64th part at most */
	world_restart_ncm(&s.w, true);
	CU_ASSERT_PTR_NOT_NULL(ncm_usage_of(scene_session(&s), 1, s.w.now, &used));
	CU_ASSERT(used >= 87000000 && used <= 89000000);
	world_run(&s.w, 70000);
	carried(&s, 1, 91000000 - used);
	world_run(&s.w, 70000);
	CU_ASSERT_EQUAL(dl(&s), WIFI);
	CU_ASSERT_EQUAL(last(&s)->decision.shares[1].dl, STEER_R_NEAR);
	CU_ASSERT_EQUAL(last(&s)->input.links[1].used_mb, 91);
	carried(&s, 1, 10000000);
	world_run(&s.w, 70000);
	CU_ASSERT_EQUAL(dl(&s), WIFI);
	/* another session is none of another client */
	ncm_session_terminate(scene_session(&s), MX_INTERNAL_ERROR, s.w.now);
	world_run(&s.w, 100000);
	CU_ASSERT(world_settled(&s.w, s.w.clients, WIFI | LTE));
	CU_ASSERT_PTR_NOT_NULL(ncm_usage_of(scene_session(&s), 1, s.w.now, &used));
	CU_ASSERT_EQUAL(used, 101000000);
	CU_ASSERT_EQUAL(dl(&s), WIFI);
	/* without wifi it carries all the same; and the next day it is as before */
	world_link(&s.w, s.w.clients, 0, false, NULL);
	world_run(&s.w, 10000);
	CU_ASSERT_EQUAL(dl(&s) & LTE, LTE);
	world_link(&s.w, s.w.clients, 0, true, "10.1.1.9");
	world_run(&s.w, 100000);
	CU_ASSERT_EQUAL(dl(&s), WIFI);
	world_run(&s.w, 86400000);
	CU_ASSERT_PTR_NOT_NULL(ncm_usage_of(scene_session(&s), 1, s.w.now, &used));
	CU_ASSERT_EQUAL(used, 0);
	CU_ASSERT_EQUAL(dl(&s) & (WIFI | LTE), WIFI | LTE);
	scene_finish(&s);
}

int main(void)
{
	static const struct mams_case cases[] = {{"the policy steers", the_policy_steers},
		{"what is wanted is not ordered", what_is_wanted_is_not_ordered},
		{"lost links and their return", lost_links_and_their_return},
		{"dead but up is left at once", dead_but_up_is_left_at_once},
		{"back is another link", back_is_another_link},
		{"oscillation is one switch a minute", oscillation_is_one_switch_a_minute},
		{"an operator's order holds", an_operators_order_holds},
		{"an operator goes first", an_operator_goes_first},
		{"refusals are no loop", refusals_are_no_loop},
		{"another policy while it runs", another_policy_while_it_runs},
		{"hints of the network", hints_of_the_network}, {"a low battery", a_low_battery},
		{"quota by measured use", quota_by_measured_use}};

	return mams_suite_run("policy", cases, MAMS_ARRAY_LEN(cases));
}
