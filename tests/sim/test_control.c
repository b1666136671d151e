#include "tests/sim/world.h"

#include "ncm-service/feed.h"

#include <errno.h>
#include <stdio.h>

#define WIFI 1u
#define LTE 2u

static void up(struct world *w)
{
	world_link(w, w->clients, 0, true, "10.1.1.2");
	world_link(w, w->clients, 1, true, "10.1.129.2");
	world_run(w, 1500);
}

static void sets_up_both_links(void)
{
	struct world w;

	world_init(&w, 1, 1);
	up(&w);
	CU_ASSERT(world_settled(&w, w.clients, WIFI | LTE));
	CU_ASSERT_EQUAL(w.clients->ccm.counters.setups, 1);
	CU_ASSERT_EQUAL(w.clients->applied.paths[0].proxy.port, 7443);
	world_run(&w, 300000);
	CU_ASSERT(world_settled(&w, w.clients, WIFI | LTE));
	CU_ASSERT_EQUAL(w.clients->fallbacks, 0);
	world_fini(&w);
}

static void link_not_admitted_stays_out(void)
{
	struct world w;

	world_init(&w, 2, 1);
	world_link(&w, w.clients, 2, true, "192.168.7.2");
	up(&w);
	CU_ASSERT(world_settled(&w, w.clients, WIFI | LTE));
	world_fini(&w);
}

static void madp_is_told_again(void)
{
	struct world w;

	world_init(&w, 12, 1);
	w.clients->deaf = 3;
	up(&w);
	CU_ASSERT_FALSE(world_settled(&w, w.clients, WIFI | LTE));
	world_run(&w, 4 * w.policy.setup_timeout_ms);
	CU_ASSERT(world_settled(&w, w.clients, WIFI | LTE));
	world_fini(&w);
}

static void link_returns(void)
{
	struct world w;

	world_init(&w, 3, 1);
	up(&w);
	world_link(&w, w.clients, 0, false, NULL);
	world_run(&w, 10);
	CU_ASSERT_EQUAL(w.clients->applied.n_paths, 1);
	world_run(&w, 500);
	w.ncm_up = false;
	world_link(&w, w.clients, 0, true, "10.1.1.2");
	world_run(&w, 10);
	CU_ASSERT_EQUAL(w.clients->applied.n_paths, 2); /* at once, without the NCM */
	w.ncm_up = true;
	world_run(&w, 3000);
	CU_ASSERT(world_settled(&w, w.clients, WIFI | LTE));
	world_fini(&w);
}

static unsigned silent_paths(const struct world *w)
{
	unsigned n = 0;

	for (size_t i = 0; i < w->clients->applied.n_paths; i++)
		n += w->clients->applied.paths[i].silent;
	return n;
}

static bool tell_path(struct world *w, const char *local, const char *proxy, bool silent)
{
	struct mams_addr l;
	struct mams_addr p;
	bool news;

	mams_assert(mams_addr_parse(local, &l) == 0);
	mams_assert(mams_addr_parse_port(proxy, 0, &p) == 0);
	news = ccm_session_path(&w->clients->ccm, 0, &l, &p, silent);
	world_run(w, 500);
	return news;
}

/* The proxy hears nothing over wifi: the plugin does without it, the session goes on with it. */
static void path_is_silent(void)
{
	static struct world w;
	char proxy[MAMS_ADDR_STRLEN];
	uint64_t sends;

	world_init(&w, 4, 1);
	up(&w);
	mams_addr_str_port(&w.clients->applied.paths[0].proxy, proxy);
	sends = w.sends;
	CU_ASSERT_TRUE(tell_path(&w, "10.1.1.2", proxy, true));
	CU_ASSERT_FALSE(tell_path(&w, "10.1.1.2", proxy, true));
	CU_ASSERT_EQUAL(silent_paths(&w), 1);
	CU_ASSERT_TRUE(ccm_session_is_silent(&w.clients->ccm, 0));
	CU_ASSERT_TRUE(world_settled(&w, w.clients, WIFI | LTE));
	CU_ASSERT_EQUAL(w.sends, sends);
	/* of another proxy address, say of an instance that was left: not this path */
	CU_ASSERT_FALSE(tell_path(&w, "10.1.1.2", "192.0.2.99:7443", false));
	CU_ASSERT_EQUAL(silent_paths(&w), 1);
	CU_ASSERT_TRUE(tell_path(&w, "10.1.1.2", proxy, false));
	CU_ASSERT_EQUAL(silent_paths(&w), 0);
	/* what was said of a link that goes down is forgotten */
	CU_ASSERT_TRUE(tell_path(&w, "10.1.1.2", proxy, true));
	world_link(&w, w.clients, 0, false, NULL);
	world_run(&w, 1000);
	world_link(&w, w.clients, 0, true, "10.1.1.2");
	world_run(&w, 3000);
	CU_ASSERT_TRUE(world_settled(&w, w.clients, WIFI | LTE));
	CU_ASSERT_EQUAL(silent_paths(&w), 0);
	CU_ASSERT_EQUAL(w.clients->ccm.counters.paths_silent, 2);
	/* nor does it hold after a fallback, when nobody asks any more */
	CU_ASSERT_TRUE(tell_path(&w, "10.1.1.2", proxy, true));
	ccm_session_madp_lost(&w.clients->ccm, w.now);
	world_run(&w, 100);
	CU_ASSERT_EQUAL(silent_paths(&w), 0);
	world_fini(&w);
}

static void address_changes(void)
{
	struct world w;

	world_init(&w, 4, 1);
	up(&w);
	world_link(&w, w.clients, 0, true, "10.1.1.77");
	world_run(&w, 10);
	CU_ASSERT_EQUAL(w.clients->applied.n_paths, 1); /* not used before it is admitted */
	world_run(&w, 500);
	CU_ASSERT(world_settled(&w, w.clients, WIFI | LTE));
	world_link(&w, w.clients, 0, true, "172.16.0.9");
	world_run(&w, 500);
	CU_ASSERT(world_settled(&w, w.clients, LTE));
	world_fini(&w);
}

static int steer(
	struct world *w, uint64_t request, uint32_t dl, uint32_t ul, struct mams_error *err)
{
	const struct ncm_order o = {.dl = dl, .ul = ul};

	w->clients->steer_code = -1;
	return ncm_session_steer(world_session(w, w->clients), request, &o, w->now, err);
}

static void steering(void)
{
	const struct ccm_path *p;
	struct world w;
	struct mams_error err;

	world_init(&w, 5, 1);
	up(&w);
	CU_ASSERT_EQUAL(steer(&w, 9, LTE, LTE, &err), 0);
	world_run(&w, 500);
	CU_ASSERT_EQUAL(w.clients->steer_code, 0);
	CU_ASSERT(w.clients->applied.paths[0].backup && !w.clients->applied.paths[1].backup);
	CU_ASSERT_EQUAL(w.clients->backup, WIFI);
	w.clients->steer_code = -1;
	CU_ASSERT_EQUAL(steer(&w, 10, LTE, WIFI, &err), 0);
	world_run(&w, 500);
	CU_ASSERT_EQUAL(w.clients->steer_code, 0);
	p = w.clients->applied.paths;
	CU_ASSERT(!p[0].backup && !p[0].backup_up && p[0].backup_down);
	CU_ASSERT(!p[1].backup && p[1].backup_up && !p[1].backup_down);
	CU_ASSERT_EQUAL(w.clients->backup, WIFI);
	CU_ASSERT_EQUAL(steer(&w, 11, 4, 4, &err), -MAMS_EVALUE);
	CU_ASSERT_EQUAL(steer(&w, 12, LTE | WIFI, LTE | WIFI, &err), 0);
	world_run(&w, 500);
	CU_ASSERT_EQUAL(w.clients->backup, 0);
	world_fini(&w);
}

/* A link has moved, and its UP setup is under way when the operator steers. */
static void steering_waits_for_the_setup(void)
{
	struct world w;
	struct mams_error err;
	struct ncm_session *s;

	world_init(&w, 13, 1);
	up(&w);
	world_link(&w, w.clients, 0, true, "10.1.1.77");
	s = world_session(&w, w.clients);
	while (s->state == NCM_STATE_ACTIVE)
		world_run(&w, 1);
	CU_ASSERT_EQUAL(steer(&w, 9, LTE, LTE, &err), 0);
	CU_ASSERT_EQUAL(steer(&w, 10, LTE, LTE, &err), -MAMS_ESTATE);
	CU_ASSERT_EQUAL(w.clients->steer_code, -1);
	world_run(&w, 500);
	CU_ASSERT_EQUAL(w.clients->steer_code, 0);
	CU_ASSERT(w.clients->applied.paths[0].backup && !w.clients->applied.paths[1].backup);
	world_fini(&w);
}

/* Likewise, but the link that is asked for is not part of it any more, or the N-MADP is silent. */
static void steering_that_waited_in_vain(void)
{
	struct world w;
	struct mams_error err;
	struct ncm_session *s;

	world_init(&w, 14, 1);
	up(&w);
	world_link(&w, w.clients, 0, true, "10.1.1.77");
	s = world_session(&w, w.clients);
	while (s->state == NCM_STATE_ACTIVE)
		world_run(&w, 1);
	CU_ASSERT_EQUAL(steer(&w, 9, 4, 4, &err), 0);
	world_run(&w, 500);
	CU_ASSERT_EQUAL(w.clients->steer_code, MAMS_EVALUE);
	w.clients->steer_code = -1;
	w.clients->deaf = 1000;
	world_link(&w, w.clients, 0, true, "10.1.1.78");
	while (s->state == NCM_STATE_ACTIVE)
		world_run(&w, 1);
	CU_ASSERT_EQUAL(steer(&w, 10, LTE, LTE, &err), 0);
	world_run(&w, w.policy.setup_timeout_ms - 10);
	CU_ASSERT_EQUAL(w.clients->steer_code, -1);
	world_run(&w, 20);
	CU_ASSERT_EQUAL(w.clients->steer_code, ETIMEDOUT);
	world_fini(&w);
}

static void ncm_restarts(void)
{
	struct world w;
	uint64_t discovers;

	world_init(&w, 6, 1);
	up(&w);
	discovers = w.clients->ccm.counters.discovers;
	world_restart_ncm(&w, true); /* the session was stored: it goes on */
	world_run(&w, 60000);
	CU_ASSERT(world_settled(&w, w.clients, WIFI | LTE));
	CU_ASSERT_EQUAL(w.clients->ccm.counters.discovers, discovers);
	world_restart_ncm(&w, false); /* nothing stored: found again, paths never go away */
	world_run(&w, 120000);
	CU_ASSERT(world_settled(&w, w.clients, WIFI | LTE));
	CU_ASSERT_EQUAL(w.clients->fallbacks, 0);
	world_fini(&w);
}

/* A session that was stored does not end because its client is late: it may be one of thousands. */
static void ncm_restarts_before_the_client_is_back(void)
{
	struct world w;
	struct ncm_session *s;
	uint64_t id;

	world_init(&w, 16, 1);
	up(&w);
	id = world_session(&w, w.clients)->s.session_id;
	w.loss = 1000;
	world_restart_ncm(&w, true);
	world_run(&w, 28000); /* the setup that follows is long given up; keep-alives are not */
	s = world_session(&w, w.clients);
	CU_ASSERT_PTR_NOT_NULL_FATAL(s);
	CU_ASSERT_EQUAL(s->state, NCM_STATE_ACTIVE);
	CU_ASSERT_TRUE(s->away);
	w.loss = 0;
	world_run(&w, 20000);
	s = world_session(&w, w.clients);
	CU_ASSERT_PTR_NOT_NULL_FATAL(s);
	CU_ASSERT_FALSE(s->away);
	CU_ASSERT_EQUAL(s->s.session_id, id);
	CU_ASSERT_EQUAL(w.clients->fallbacks, 0);
	CU_ASSERT(world_settled(&w, w.clients, WIFI | LTE));
	world_fini(&w);
}

static void ncm_away_means_plain_network(void)
{
	struct world w;

	world_init(&w, 7, 1);
	up(&w);
	w.ncm_up = false;
	world_run(&w, 44000);
	CU_ASSERT(w.clients->applied.catching);
	world_run(&w, 20000);
	CU_ASSERT_EQUAL(w.clients->fallbacks, 1);
	CU_ASSERT(!w.clients->applied.catching);
	CU_ASSERT_EQUAL(w.clients->applied.n_paths, 2); /* running flows finish */
	ccm_session_drained(&w.clients->ccm);
	world_run(&w, 100);
	CU_ASSERT_EQUAL(w.clients->applied.n_paths, 0);
	w.ncm_up = true;
	world_run(&w, 130000);
	CU_ASSERT(world_settled(&w, w.clients, WIFI | LTE));
	world_fini(&w);
}

static void ccm_restarts(void)
{
	struct world w;

	world_init(&w, 8, 1);
	up(&w);
	world_restart_ccm(&w, w.clients);
	up(&w);
	CU_ASSERT(world_settled(&w, w.clients, WIFI | LTE));
	world_fini(&w);
}

static void stop_ends_the_session(void)
{
	struct world w;

	world_init(&w, 9, 1);
	up(&w);
	ccm_session_stop(&w.clients->ccm, w.now);
	world_run(&w, 3000);
	CU_ASSERT(w.clients->stopped);
	CU_ASSERT_EQUAL(w.clients->applied.n_paths, 0);
	CU_ASSERT_PTR_NULL(world_session(&w, w.clients));
	CU_ASSERT_EQUAL(w.clients->releases, 1);
	world_fini(&w);
}

static void ncm_gives_a_silent_client_up(void)
{
	struct world w;

	world_init(&w, 10, 1);
	up(&w);
	w.clients->up = false;
	world_run(&w, 60000);
	CU_ASSERT_PTR_NULL(world_session(&w, w.clients));
	CU_ASSERT_EQUAL(w.clients->releases, 1);
	world_fini(&w);
}

static void advice_is_taken_and_reported(void)
{
	struct world w;
	const struct ncm_measured *down;
	uint64_t reports;

	world_init(&w, 13, 1);
	up(&w);
	CU_ASSERT_EQUAL_FATAL(w.clients->ccm.n_ssids, 1);
	CU_ASSERT_STRING_EQUAL(w.clients->ccm.ssids[0].id, "office-5GHz");
	CU_ASSERT_EQUAL(ccm_session_measure_ms(&w.clients->ccm), 1000);
	for (int i = 0; i < 10; i++) {
		ccm_session_measured(&w.clients->ccm, 1, MX_M_DL_TPUT, 20 + i % 2);
		ccm_session_measured(
			&w.clients->ccm, 0, MX_M_DL_TPUT, 99); /* not asked for on Wi-Fi */
		world_run(&w, 1000);
	}
	CU_ASSERT_PTR_NULL(world_session(&w, w.clients)->measured[0]);
	CU_ASSERT_PTR_NOT_NULL_FATAL(world_session(&w, w.clients)->measured[1]);
	down = &world_session(&w, w.clients)->measured[1][MX_M_DL_TPUT];
	CU_ASSERT_EQUAL(down->n, NCM_MEASURED_MAX);
	reports = w.clients->ccm.counters.measurement_reports;
	CU_ASSERT(reports >= 9 && reports <= 11);
	/* a threshold does not wait for the period */
	ccm_session_measured(&w.clients->ccm, 1, MX_M_DL_TPUT, 41);
	world_run(&w, 100);
	CU_ASSERT_EQUAL(w.clients->ccm.counters.measurement_reports, reports + 1);
	CU_ASSERT(world_settled(&w, w.clients, WIFI | LTE));
	world_fini(&w);
}

/* A message of the client, straight into the NCM's core; returns its answer, borrowed. */
static const struct mx_msg *ask(struct world *w, struct mx_msg *m)
{
	const struct mx_msg *answer = NULL;
	struct ncm_action a;
	struct mams_error err;

	CU_ASSERT_PTR_NOT_NULL_FATAL(m);
	CU_ASSERT_EQUAL(ncm_session_input(world_session(w, w->clients), m, w->now, &err), 0);
	while (ncm_session_next(world_session(w, w->clients), &a))
		if (a.kind == NCM_ACT_REPLY)
			answer = a.msg;
	mx_msg_free(m);
	CU_ASSERT_PTR_NOT_NULL_FATAL(answer);
	return answer;
}

static void analytics_tell_what_was_reported(void)
{
	static int params[] = {MX_P_BANDWIDTH, MX_P_LATENCY};
	struct world w;
	struct mx_msg *m = mx_msg_new(MX_NETWORK_ANALYTICS_REQ, 77);
	const struct mx_network_analytics_rsp *r;

	world_init(&w, 14, 1);
	up(&w);
	for (int i = 0; i < 9; i++) {
		ccm_session_measured(&w.clients->ccm, 1, MX_M_DL_TPUT, i == 4 ? 35 : 20);
		world_run(&w, 1000);
	}
	m->network_analytics_req.params = params;
	m->network_analytics_req.n_params = 2;
	r = &ask(&w, m)->network_analytics_rsp;
	CU_ASSERT_EQUAL_FATAL(r->n_param_list, 3); /* wifi, lte, and the dock */
	CU_ASSERT_EQUAL(r->param_list[0].n_predictions, 0);
	CU_ASSERT_EQUAL_FATAL(r->param_list[1].n_predictions, 1);
	CU_ASSERT_EQUAL(r->param_list[1].predictions[0].param_name, MX_P_BANDWIDTH);
	CU_ASSERT_EQUAL(r->param_list[1].predictions[0].prediction, 22);
	CU_ASSERT_EQUAL(r->param_list[1].predictions[0].likelihood, 1 + 98 * 7 / 8);
	CU_ASSERT_EQUAL(r->param_list[1].predictions[0].validity_time, 1);
	world_fini(&w);
}

/* What the network predicts goes before what was reported. */
static void analytics_tell_what_the_network_says(void)
{
	static int params[] = {MX_P_BANDWIDTH, MX_P_LATENCY};
	static const char post[] =
		"{\"statements\":[{\"access\":\"lte\",\"valid_for\":90,\"rate_kbps\":4500},"
		"{\"access\":\"lte\",\"node_id\":\"c7\",\"valid_for\":30,\"delay_ms\":70}]}";
	struct world w;
	struct mx_msg *m = mx_msg_new(MX_NETWORK_ANALYTICS_REQ, 77);
	const struct mx_network_analytics_rsp *r;
	struct ncm_session *s;
	struct ncm_feed *feed;
	struct mams_error err;

	world_init(&w, 14, 1);
	up(&w);
	ccm_session_measured(&w.clients->ccm, 1, MX_M_DL_TPUT, 20);
	world_run(&w, 1000);
	s = world_session(&w, w.clients);
	feed = ncm_feed_new(s->policy);
	CU_ASSERT_PTR_NOT_NULL_FATAL(feed);
	s->feed = feed;
	snprintf(s->s.links[1].node_id, sizeof(s->s.links[1].node_id), "c7");
	CU_ASSERT_EQUAL(ncm_feed_take(feed, "oam", post, sizeof(post) - 1, w.now, 0, &err), 0);
	m->network_analytics_req.params = params;
	m->network_analytics_req.n_params = 2;
	r = &ask(&w, m)->network_analytics_rsp;
	CU_ASSERT_EQUAL_FATAL(r->n_param_list, 3);
	CU_ASSERT_EQUAL(r->param_list[0].n_predictions, 0);
	CU_ASSERT_EQUAL_FATAL(r->param_list[1].n_predictions, 2);
	CU_ASSERT_EQUAL(r->param_list[1].predictions[0].param_name, MX_P_BANDWIDTH);
	CU_ASSERT_EQUAL(r->param_list[1].predictions[0].prediction, 4.5);
	CU_ASSERT_EQUAL(r->param_list[1].predictions[1].param_name, MX_P_LATENCY);
	CU_ASSERT_EQUAL(r->param_list[1].predictions[1].prediction, 70);
	CU_ASSERT_EQUAL(r->param_list[1].predictions[1].validity_time, 30);
	s->feed = NULL;
	ncm_feed_free(feed);
	world_fini(&w);
}

static bool associated(struct world *w, uint8_t anchor, uint8_t configuration, uint32_t number)
{
	struct mx_app_madp_assoc one = {.anchor_conn_id = anchor,
		.has_mx_configuration_id = true,
		.mx_configuration_id = configuration};
	struct mx_msg *m = mx_msg_new(MX_APP_MADP_ASSOC_REQ, number);

	m->app_madp_assoc_req.app_madp_assoc_list = &one;
	m->app_madp_assoc_req.n_app_madp_assoc_list = 1;
	return ask(w, m)->app_madp_assoc_rsp.is_success;
}

static void association_needs_an_instance(void)
{
	struct world w;

	world_init(&w, 15, 1);
	up(&w);
	CU_ASSERT_TRUE(associated(&w, 0, 1, 101));
	CU_ASSERT_TRUE(associated(&w, 0, 2, 102));
	CU_ASSERT_FALSE(associated(&w, 0, 3, 103)); /* the dock is not set up */
	CU_ASSERT_FALSE(associated(&w, 5, 1, 104));
	CU_ASSERT_FALSE(associated(&w, 0, 0, 105));
	world_fini(&w);
}

/* A day of trouble: links flap, addresses change, either side restarts, the wire is bad; whenever
 * it is left in peace for a while, all is as it should be. */
static void trouble(uint64_t seed)
{
	struct world w;
	bool good = true;

	world_init(&w, seed, 1);
	for (int round = 0; good && round < 120; round++) {
		uint32_t wanted = 0;

		w.loss = 150;
		w.repeat = 100;
		w.delay_ms = 400;
		for (int k = 0; k < 6; k++) {
			unsigned what = (unsigned)mams_prng_below(&w.prng, 12);

			if (what == 0)
				world_restart_ncm(&w, mams_prng_below(&w.prng, 2) == 0);
			else if (what == 1)
				world_restart_ccm(&w, w.clients);
			else if (what == 2)
				w.ncm_up = !w.ncm_up;
			else if (what < 6)
				world_link(&w, w.clients, 0, what < 5,
					what == 3 ? "10.1.1.2" : "10.1.1.3");
			else if (what < 8)
				world_link(&w, w.clients, 1, what < 7, "10.1.129.2");
			world_run(&w, (int64_t)mams_prng_below(&w.prng, 20000));
		}
		w.ncm_up = true;
		w.loss = 0;
		world_link(&w, w.clients, 0, round % 3 != 0, "10.1.1.2");
		world_link(&w, w.clients, 1, true, "10.1.129.2");
		wanted = (round % 3 != 0 ? WIFI : 0) | LTE;
		world_run(&w, 200000);
		good = world_settled(&w, w.clients, wanted);
		if (!good)
			printf("seed %llu round %d: ccm %s, ncm %s, paths %zu\n",
				(unsigned long long)seed, round,
				ccm_state_name(w.clients->ccm.state),
				world_session(&w, w.clients)
					? ncm_state_name(world_session(&w, w.clients)->state)
					: "-",
				w.clients->applied.n_paths);
		for (int i = 0; !good && world_session(&w, w.clients) && i < 2; i++) {
			const struct ncm_link *n = &world_session(&w, w.clients)->s.links[i];
			const struct ccm_session_link *c = &w.clients->ccm.link[i];
			char a[4][MAMS_ADDR_STRLEN];

			printf(" link %d: ncm up %d %s setup %d %s; ccm up %d %s admitted %d %s\n",
				i, n->up, mams_addr_str(&n->address, a[0]), n->in_setup,
				mams_addr_str(&n->setup_address, a[1]), c->now.usable,
				mams_addr_str(&c->now.address, a[2]), c->admitted,
				mams_addr_str(&c->admitted_address, a[3]));
		}
	}
	CU_ASSERT(good);
	CU_ASSERT_EQUAL(w.clients->ccm.counters.actions_lost, 0);
	CU_ASSERT_EQUAL(ncm_registry_counters(w.registry)->actions_lost, 0);
	world_fini(&w);
}

static void days_of_trouble(void)
{
	struct mams_prng r = mams_prng_init(20261123);

	for (int i = 0; i < 20; i++)
		trouble(mams_prng_next(&r));
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"sets up both links", sets_up_both_links},
		{"a link that is not admitted stays out", link_not_admitted_stays_out},
		{"the N-MADP is told again", madp_is_told_again},
		{"a link returns", link_returns},
		{"a path is silent", path_is_silent},
		{"an address changes", address_changes},
		{"steering", steering},
		{"steering waits for the setup", steering_waits_for_the_setup},
		{"steering that waited in vain", steering_that_waited_in_vain},
		{"the NCM restarts", ncm_restarts},
		{"the NCM restarts before the client is back",
			ncm_restarts_before_the_client_is_back},
		{"the NCM stays away", ncm_away_means_plain_network},
		{"the CCM restarts", ccm_restarts},
		{"stop ends the session", stop_ends_the_session},
		{"a silent client is given up", ncm_gives_a_silent_client_up},
		{"advice is taken and reported", advice_is_taken_and_reported},
		{"analytics tell what was reported", analytics_tell_what_was_reported},
		{"analytics tell what the network says", analytics_tell_what_the_network_says},
		{"an association needs an instance", association_needs_an_instance},
		{"days of trouble", days_of_trouble},
	};

	return mams_suite_run("control", cases, MAMS_ARRAY_LEN(cases));
}
