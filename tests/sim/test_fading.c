/* A link whose signal fades is left while it still works: a client with wifi (0) and lte (1), real
 * cores at both ends. */
#include "lib/steer/conf.h"
#include "ncm-service/steerer.h"
#include "tests/sim/tunnels.h"

#include <string.h>

#define GOOD (-60)
#define BAD (-80)

static struct scene s;

/* Its signal from now on, said each 250 ms. */
static void signal_for(uint8_t link, int dbm, int64_t ms)
{
	for (; ms > 0; ms -= 250) {
		ccm_session_signal(&s.w.clients->ccm, link, dbm, s.w.now);
		world_run(&s.w, ms < 250 ? ms : 250);
	}
}

/* What the client's new connections and subflows use. */
static uint32_t in_use(void)
{
	const struct ccm_target *t = &s.w.clients->applied;
	uint32_t bits = 0;

	for (size_t i = 0; i < t->n_paths; i++)
		bits |= t->paths[i].backup ? 0 : 1u << t->paths[i].connection_id;
	return bits;
}

static uint32_t paths(void)
{
	const struct ccm_target *t = &s.w.clients->applied;
	uint32_t bits = 0;

	for (size_t i = 0; i < t->n_paths; i++)
		bits |= 1u << t->paths[i].connection_id;
	return bits;
}

static enum ccm_state state(void)
{
	return s.w.clients->ccm.state;
}

static void begin(void)
{
	scene_begin(&s);
	scene_up(&s);
	signal_for(0, GOOD, 2000);
	CU_ASSERT_EQUAL(in_use(), WIFI | LTE);
	CU_ASSERT_EQUAL(s.w.clients->backup, 0);
}

static void is_left_before_it_breaks(void)
{
	const struct seen *req;
	size_t from;

	begin();
	from = s.n;
	s.lost = 1u << MX_KEEP_ALIVE_RSP;
	signal_for(0, BAD, 500);
	req = scene_the(&s, from, MX_KEEP_ALIVE_REQ);
	CU_ASSERT_EQUAL(req->msg->keep_alive.keep_alive_reason, MX_KA_HANDOVER);
	CU_ASSERT_EQUAL(req->msg->keep_alive.connection_id, 0);
	CU_ASSERT_STRING_EQUAL(req->msg->keep_alive.delivery_node_id, "ap-7");
	/* the uplink is held to lte, the NCM has left wifi; its path stands */
	CU_ASSERT_EQUAL(state(), CCM_STATE_HANDOVER);
	CU_ASSERT_EQUAL(in_use(), LTE);
	CU_ASSERT_EQUAL(paths(), WIFI | LTE);
	CU_ASSERT_EQUAL(s.w.clients->backup, WIFI);
	s.lost = 0;
	signal_for(0, BAD, 3000);
	CU_ASSERT_EQUAL(state(), CCM_STATE_ACTIVE);
	CU_ASSERT_EQUAL(in_use(), LTE);
	CU_ASSERT_EQUAL(s.w.clients->ccm.counters.handovers, 1);
	/* it breaks, and nothing that is used changes */
	world_link(&s.w, s.w.clients, 0, false, NULL);
	world_run(&s.w, 1000);
	CU_ASSERT_EQUAL(paths(), LTE);
	CU_ASSERT_EQUAL(in_use(), LTE);
	/* another time, another signal */
	world_link(&s.w, s.w.clients, 0, true, "10.1.1.2");
	world_run(&s.w, 3000);
	CU_ASSERT_EQUAL(in_use(), WIFI | LTE);
	CU_ASSERT_EQUAL(s.w.clients->backup, 0);
	CU_ASSERT_EQUAL(s.w.clients->fallbacks, 0);
	scene_finish(&s);
}

static void comes_back(void)
{
	size_t from;

	begin();
	signal_for(0, BAD, 1000);
	from = s.n;
	signal_for(0, -72, 10000); /* neither good nor bad */
	CU_ASSERT_EQUAL(in_use(), LTE);
	signal_for(0, GOOD, 2500);
	CU_ASSERT_EQUAL(in_use(), LTE);
	CU_ASSERT_EQUAL(scene_count(&s, from, MX_RECONF_REQ), 0);
	signal_for(0, GOOD, 1500);
	CU_ASSERT_EQUAL(in_use(), WIFI | LTE);
	CU_ASSERT_EQUAL(scene_count(&s, from, MX_RECONF_REQ), 1);
	CU_ASSERT_EQUAL(
		scene_the(&s, from, MX_RECONF_REQ)->msg->reconf_req.reconf_action, MX_UPDATE);
	CU_ASSERT_EQUAL(s.w.clients->backup, 0);
	/* nothing was set up anew */
	CU_ASSERT_EQUAL(scene_count(&s, from, MX_UP_SETUP_CONF_REQ), 0);
	CU_ASSERT_EQUAL(s.w.clients->ccm.counters.fadings, 1);
	scene_finish(&s);
}

/* On top of what was ordered: wifi alone, say. */
static void lists_give_way(void)
{
	const struct ncm_order wifi = {.dl = WIFI, .ul = WIFI};
	struct mams_error err;

	begin();
	CU_ASSERT_EQUAL(ncm_session_steer(scene_session(&s), 1, &wifi, s.w.now, &err), 0);
	world_run(&s.w, 1000);
	CU_ASSERT_EQUAL(in_use(), WIFI);
	CU_ASSERT_EQUAL(s.w.clients->backup, LTE);
	signal_for(0, BAD, 1000);
	CU_ASSERT_EQUAL(in_use(), LTE);
	CU_ASSERT_EQUAL(s.w.clients->backup, WIFI);
	signal_for(0, GOOD, 4500);
	CU_ASSERT_EQUAL(in_use(), WIFI);
	CU_ASSERT_EQUAL(s.w.clients->backup, LTE);
	scene_finish(&s);
}

/* Better than nothing; and left when there is another. */
static void the_only_one_is_kept(void)
{
	begin();
	world_link(&s.w, s.w.clients, 1, false, NULL);
	signal_for(0, BAD, 3000);
	CU_ASSERT_EQUAL(in_use(), WIFI);
	CU_ASSERT_EQUAL(s.w.clients->ccm.counters.handovers, 0);
	world_link(&s.w, s.w.clients, 1, true, "10.1.129.2");
	signal_for(0, BAD, 3000);
	CU_ASSERT_EQUAL(in_use(), LTE);
	CU_ASSERT_EQUAL(s.w.clients->backup, WIFI);
	/* both fade: both are used */
	signal_for(1, -120, 1000);
	signal_for(0, BAD, 250);
	CU_ASSERT_EQUAL(in_use(), WIFI | LTE);
	scene_finish(&s);
}

/* It stays left, whatever else is set up or told. */
static void a_setup_in_between(void)
{
	size_t from;

	begin();
	signal_for(0, BAD, 1000);
	from = s.n;
	world_link(&s.w, s.w.clients, 1, true, "10.1.129.77");
	signal_for(0, BAD, 4000);
	CU_ASSERT(scene_count(&s, from, MX_UP_SETUP_CONF_REQ) >= 1);
	CU_ASSERT_EQUAL(state(), CCM_STATE_ACTIVE);
	CU_ASSERT_EQUAL(in_use(), LTE);
	CU_ASSERT_EQUAL(s.w.clients->backup, WIFI);
	/* an update of its own ends it for the NCM, so it is said again */
	s.w.clients->ccm.link[0].now.mtu = 1400;
	world_link(&s.w, s.w.clients, 0, true, "10.1.1.2");
	signal_for(0, BAD, 2000);
	CU_ASSERT_EQUAL(s.w.clients->backup, WIFI);
	/* and another life of the NCM, with what its store holds */
	world_restart_ncm(&s.w, true);
	signal_for(0, BAD, 60000);
	CU_ASSERT_EQUAL(s.w.clients->backup, WIFI);
	CU_ASSERT_EQUAL(in_use(), LTE);
	scene_finish(&s);
}

/* What was announced outlives the NCM: it does not wait for the client to say it again. */
static void a_new_life_of_the_ncm(void)
{
	begin();
	signal_for(0, BAD, 2000);
	CU_ASSERT_EQUAL(s.w.clients->backup, WIFI);
	world_restart_ncm(&s.w, true);
	CU_ASSERT(scene_session(&s)->s.links[0].handover);
	s.w.clients->backup = 0;
	signal_for(0, BAD, 5000);
	CU_ASSERT_EQUAL(s.w.clients->backup, WIFI);
	CU_ASSERT_EQUAL(in_use(), LTE);
	scene_finish(&s);
}

/* The link is left all the same, and nothing else. */
static void the_ncm_is_away(void)
{
	begin();
	s.w.ncm_up = false;
	signal_for(0, BAD, 1000);
	CU_ASSERT_EQUAL(state(), CCM_STATE_HANDOVER);
	CU_ASSERT_EQUAL(in_use(), LTE);
	signal_for(0, BAD, 14000);
	CU_ASSERT_EQUAL(state(), CCM_STATE_DISCOVERING);
	CU_ASSERT_EQUAL(in_use(), LTE);
	CU_ASSERT_EQUAL(paths(), WIFI | LTE);
	CU_ASSERT(s.w.clients->applied.catching);
	CU_ASSERT_EQUAL(s.w.clients->fallbacks, 0);
	/* it goes, and the one that fades is all there is; it comes again */
	world_link(&s.w, s.w.clients, 1, false, NULL);
	signal_for(0, BAD, 1000);
	CU_ASSERT_EQUAL(in_use(), WIFI);
	world_link(&s.w, s.w.clients, 1, true, "10.1.129.2");
	signal_for(0, BAD, 1000);
	CU_ASSERT_EQUAL(in_use(), LTE);
	/* who is there again is told again */
	world_restart_ncm(&s.w, true);
	s.w.ncm_up = true;
	signal_for(0, BAD, 30000);
	CU_ASSERT_EQUAL(state(), CCM_STATE_ACTIVE);
	CU_ASSERT_EQUAL(s.w.clients->backup, WIFI);
	CU_ASSERT_EQUAL(s.w.clients->fallbacks, 0);
	signal_for(0, GOOD, 5000);
	CU_ASSERT_EQUAL(in_use(), WIFI | LTE);
	CU_ASSERT_EQUAL(s.w.clients->backup, 0);
	scene_finish(&s);
}

/* It has no word for it; we do without. */
static void an_ncm_of_the_seed(void)
{
	scene_begin(&s);
	s.w.seed_ncm = true;
	s.w.conf.cap_wait_ms = 5000;
	scene_up(&s);
	world_run(&s.w, 3000);
	CU_ASSERT_EQUAL(in_use(), WIFI | LTE);
	signal_for(0, BAD, 2000);
	CU_ASSERT_EQUAL(in_use(), LTE);
	CU_ASSERT_EQUAL(state(), CCM_STATE_ACTIVE);
	CU_ASSERT_EQUAL(scene_count(&s, 0, MX_KEEP_ALIVE_REQ), 0);
	signal_for(0, GOOD, 5000);
	CU_ASSERT_EQUAL(in_use(), WIFI | LTE);
	scene_finish(&s);
}

static void a_tunnel(void)
{
	tunnels_begin(&s);
	scene_up(&s);
	world_run(&s.w, 2000);
	tunnels_treatments(&s, "4!:0,1", "4!:0,1");
	signal_for(0, BAD, 1000);
	/* wifi stands behind lte, at either end */
	tunnels_treatments(&s, "1!:1,0", "1!:1,0");
	signal_for(0, GOOD, 5000);
	tunnels_treatments(&s, "4!:0,1", "4!:0,1");
	scene_finish(&s);
}

/* Loss hits anything; what is said last counts. */
static void hard_times(void)
{
	for (uint64_t seed = 1; seed <= 20; seed++) {
		const bool bad = seed % 2 > 0;

		scene_begin(&s);
		world_fini(&s.w);
		world_init(&s.w, seed, 1);
		s.w.loss = 200;
		s.w.repeat = 100;
		s.w.delay_ms = 30;
		scene_up(&s);
		for (unsigned i = 0; i < 6; i++) {
			signal_for(0, BAD, 2000);
			signal_for(0, GOOD, 5000);
		}
		s.w.loss = 0;
		signal_for(0, bad ? BAD : GOOD, 60000);
		CU_ASSERT_EQUAL(in_use(), bad ? LTE : WIFI | LTE);
		CU_ASSERT_EQUAL(s.w.clients->backup, bad ? WIFI : 0);
		scene_finish(&s);
	}
}

/* ---- the policy ---- */

static const struct steer_record *last(void)
{
	mams_time at;
	const struct steer_record *r = ncm_steerer_record(scene_session(&s), 0, &at);

	CU_ASSERT_PTR_NOT_NULL_FATAL(r);
	return r;
}

static void the_policy_takes_it_out(void)
{
	static const char *wifi_first[] = {"wifi", "lte"};
	static struct steer_class class = {.name = "all",
		.mode = STEER_ACTIVE_STANDBY,
		.order = wifi_first,
		.n_order = 2,
		.dwell_ms = 20000,
		.probation_ms = 10000};
	static struct steer_policy policy = {.classes = &class, .n_classes = 1};
	char why[128] = "";
	const struct ncm_saved_anchor *a;

	scene_begin(&s);
	s.w.policy.steer = &policy;
	scene_up(&s);
	signal_for(0, GOOD, 30000);
	a = &scene_session(&s)->s.anchors[0];
	CU_ASSERT_EQUAL(a->dl, WIFI);
	signal_for(0, BAD, 2500);
	CU_ASSERT_EQUAL(a->dl, LTE);
	CU_ASSERT_EQUAL(a->ul, LTE);
	CU_ASSERT(last()->decision.forced);
	CU_ASSERT_EQUAL(last()->decision.shares[0].dl, STEER_R_FADING);
	CU_ASSERT_EQUAL(last()->input.links[0].fading, true);
	CU_ASSERT(steer_record_repeats(last(), why, sizeof(why)));
	/* back, but on probation, and not before the dwell time */
	signal_for(0, GOOD, 8000);
	CU_ASSERT_EQUAL(a->dl, LTE);
	signal_for(0, GOOD, 30000);
	CU_ASSERT_EQUAL(a->dl, WIFI);
	CU_ASSERT_EQUAL(in_use(), WIFI);
	scene_finish(&s);
}

/* What a source of the platform reads of the LTE link, whose section names no cell. */
static void the_cell_is_heard(void)
{
	struct ccm_heard h = {.node_id = "26201-1a2b3c"};
	const struct seen *req;
	struct ccm_session *ccm;
	size_t from;

	begin();
	ccm = &s.w.clients->ccm;
	ccm_heard_value(&h, MX_M_LTE_RSRP, -95);
	ccm_heard_value(&h, MX_M_WLAN_RSSI, -10); /* which it does not have */
	from = s.n;
	ccm_session_heard(ccm, 1, &h, s.w.now);
	world_run(&s.w, 500);
	req = scene_the(&s, from, MX_RECONF_REQ);
	CU_ASSERT_EQUAL(req->msg->reconf_req.reconf_action, MX_UPDATE);
	CU_ASSERT_STRING_EQUAL(req->msg->reconf_req.delivery_node_id, "26201-1a2b3c");
	CU_ASSERT_STRING_EQUAL(scene_session(&s)->s.links[1].node_id, "26201-1a2b3c");
	/* told once; another one is told, and what the configuration says goes first */
	from = s.n;
	ccm_session_heard(ccm, 1, &h, s.w.now);
	ccm_session_heard(ccm, 0, &(struct ccm_heard){.ssid = "home", .node_id = "x"}, s.w.now);
	world_run(&s.w, 500);
	CU_ASSERT_EQUAL(scene_count(&s, from, MX_RECONF_REQ), 0);
	CU_ASSERT_STRING_EQUAL(scene_session(&s)->s.links[0].ssid, "office-5GHz");
	memcpy(h.node_id, "26201-4d5e6f", sizeof("26201-4d5e6f"));
	ccm_session_heard(ccm, 1, &h, s.w.now);
	world_run(&s.w, 500);
	CU_ASSERT_EQUAL(scene_count(&s, from, MX_RECONF_REQ), 1);
	CU_ASSERT_STRING_EQUAL(scene_session(&s)->s.links[1].node_id, "26201-4d5e6f");
	/* it fades by the same figures, and the handover names the cell */
	from = s.n;
	ccm_heard_value(&h, MX_M_LTE_RSRP, -115);
	for (int i = 0; i < 3; i++) {
		ccm_session_heard(ccm, 1, &h, s.w.now);
		world_run(&s.w, 250);
	}
	req = scene_the(&s, from, MX_KEEP_ALIVE_REQ);
	CU_ASSERT_STRING_EQUAL(req->msg->keep_alive.delivery_node_id, "26201-4d5e6f");
	CU_ASSERT_EQUAL(in_use(), WIFI);
	/* gone, it is heard no more */
	world_link(&s.w, s.w.clients, 1, false, NULL);
	world_run(&s.w, 1000);
	CU_ASSERT_EQUAL(ccm->link[1].heard.known, 0);
	ccm_session_heard(ccm, 1, &h, s.w.now);
	CU_ASSERT_EQUAL(ccm->link[1].heard.known, 0);
	scene_finish(&s);
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"is left before it breaks", is_left_before_it_breaks},
		{"comes back", comes_back},
		{"lists give way", lists_give_way},
		{"the only one is kept", the_only_one_is_kept},
		{"a setup in between", a_setup_in_between},
		{"a new life of the NCM", a_new_life_of_the_ncm},
		{"the NCM is away", the_ncm_is_away},
		{"an NCM of the seed", an_ncm_of_the_seed},
		{"a tunnel", a_tunnel},
		{"hard times", hard_times},
		{"the policy takes it out", the_policy_takes_it_out},
		{"the cell is heard", the_cell_is_heard},
	};

	return mams_suite_run("fading", cases, MAMS_ARRAY_LEN(cases));
}
