/* N-MADP instances, anchors, capabilities, handover and redirect: both cores and the network
 * between them. */
#include "tests/sim/world.h"

#include <stdio.h>

#define WIFI 1u
#define LTE 2u

static int steer_anchor(struct world *w, uint64_t request, size_t anchor, uint32_t dl, uint32_t ul,
	struct mams_error *err)
{
	const struct ncm_order o = {.anchor = anchor, .dl = dl, .ul = ul};

	w->clients->steer_code = -1;
	return ncm_session_steer(world_session(w, w->clients), request, &o, w->now, err);
}

/* ---- N-MADP instances ---- */

#define EAST 1u
#define WEST 9u

static void instance_is_drained(void)
{
	struct world w;

	world_init_with(&w, 21, 1, 2, 1);
	world_up(&w);
	CU_ASSERT_STRING_EQUAL(world_at_madp(&w, 0), "east");
	CU_ASSERT_EQUAL(world_catches_by(&w), EAST);
	world_drain(&w, 0, true);
	world_run(&w, 1000);
	CU_ASSERT_STRING_EQUAL(world_at_madp(&w, 0), "west");
	CU_ASSERT(world_settled(&w, w.clients, WIFI | LTE));
	CU_ASSERT_EQUAL(world_catches_by(&w), WEST);
	CU_ASSERT_EQUAL(world_retired_paths(&w), 2); /* what runs there goes on over both links */
	CU_ASSERT_EQUAL(w.clients->moved, 1);        /* and no new one is taken there */
	CU_ASSERT_EQUAL(ncm_registry_madps(w.registry)->use[0].used, 0);
	CU_ASSERT_EQUAL(ncm_registry_madps(w.registry)->use[1].used, 1);
	/* a link that flaps serves both */
	world_link(&w, w.clients, 0, false, NULL);
	world_run(&w, 1000);
	CU_ASSERT_EQUAL(w.clients->applied.n_paths, 2);
	world_link(&w, w.clients, 0, true, "10.1.1.2");
	world_run(&w, 1000);
	CU_ASSERT_EQUAL(w.clients->applied.n_paths, 4);
	world_run(&w, 700000); /* not for ever */
	CU_ASSERT_EQUAL(world_retired_paths(&w), 0);
	CU_ASSERT(world_settled(&w, w.clients, WIFI | LTE));
	world_drain(&w, 0, false);
	world_run(&w, 1000);
	CU_ASSERT_STRING_EQUAL(world_at_madp(&w, 0), "west"); /* nobody is moved without need */
	world_drain(&w, 1, true);
	world_run(&w, 1000);
	CU_ASSERT_EQUAL(world_catches_by(&w), EAST);
	world_fini(&w);
}

static void instance_dies(void)
{
	struct world w;

	world_init_with(&w, 22, 1, 2, 1);
	world_up(&w);
	world_madp(&w, 0, false);
	world_run(&w, 2000);
	CU_ASSERT_EQUAL(world_catches_by(&w), EAST); /* it may come back */
	world_madp(&w, 0, true);
	world_run(&w, 5000);
	CU_ASSERT_EQUAL(world_catches_by(&w), EAST);
	world_madp(&w, 0, false);
	world_run(&w, 4500);
	CU_ASSERT_EQUAL(world_catches_by(&w), WEST);
	CU_ASSERT(world_settled(&w, w.clients, WIFI | LTE));
	/* the second one, too: nobody is left, the client keeps the one that it has */
	world_madp(&w, 1, false);
	world_run(&w, 10000);
	CU_ASSERT_STRING_EQUAL(world_at_madp(&w, 0), "west");
	world_madp(&w, 0, true);
	world_run(&w, 1000);
	CU_ASSERT_EQUAL(world_catches_by(&w), EAST);
	world_fini(&w);
}

static void new_instance_is_silent(void)
{
	struct world w;

	world_init_with(&w, 23, 1, 2, 1);
	world_up(&w);
	w.clients->deaf = 1;
	world_drain(&w, 0, true);
	world_run(&w, 5000);
	CU_ASSERT_EQUAL(world_catches_by(&w), EAST); /* made before it is broken */
	CU_ASSERT_EQUAL(w.clients->moved, 0);
	world_run(&w, 10000);
	CU_ASSERT_EQUAL(world_catches_by(&w), WEST);
	CU_ASSERT_EQUAL(w.clients->moved, 1);
	world_fini(&w);
}

static void assignment_survives_a_restart(void)
{
	struct world w;

	world_init_with(&w, 24, 1, 2, 1);
	world_up(&w);
	world_drain(&w, 0, true);
	world_run(&w, 1000);
	CU_ASSERT_EQUAL(world_catches_by(&w), WEST);
	world_restart_ncm(&w, true); /* both are as good: only the store says which */
	world_run(&w, 3000);
	CU_ASSERT_STRING_EQUAL(world_at_madp(&w, 0), "west");
	CU_ASSERT_EQUAL(world_catches_by(&w), WEST);
	CU_ASSERT_EQUAL(w.clients->ccm.counters.moves, 1);
	world_fini(&w);
}

static void links_of(struct world *w, size_t i)
{
	char text[MAMS_ADDR_STRLEN];

	snprintf(text, sizeof(text), "10.1.1.%zu", 20 + i);
	world_link(w, &w->clients[i], 0, true, text);
	snprintf(text, sizeof(text), "10.1.129.%zu", 20 + i);
	world_link(w, &w->clients[i], 1, true, text);
	world_run(w, 1000);
}

static void capacity(void)
{
	struct world w;
	const struct ncm_madps *m;

	world_init_with(&w, 25, 4, 2, 1);
	w.madps[0].capacity = 1;
	w.madps[1].capacity = 2;
	for (size_t i = 0; i < 4; i++)
		links_of(&w, i);
	m = ncm_registry_madps(w.registry);
	CU_ASSERT_EQUAL(m->use[0].used, 1);
	CU_ASSERT_EQUAL(m->use[1].used, 2);
	CU_ASSERT_EQUAL(ncm_registry_counters(w.registry)->madp_full, 1);
	/* refused, and yet with a session: the control plane is left */
	CU_ASSERT_EQUAL(w.clients[3].ccm.state, CCM_STATE_ACTIVE);
	CU_ASSERT_EQUAL(w.clients[3].applied.n_paths, 0);
	CU_ASSERT_FALSE(w.clients[3].applied.catching);
	CU_ASSERT(world_session(&w, &w.clients[3])->anchor[0].refused);
	world_run(&w, 100000);
	CU_ASSERT_EQUAL(ncm_registry_counters(w.registry)->madp_full, 1); /* said once */
	ccm_session_stop(&w.clients[0].ccm, w.now);
	world_run(&w, 3000);
	CU_ASSERT_EQUAL(m->use[0].used + m->use[1].used, 2);
	world_madp(&w, 0, true); /* whatever makes the NCM look again */
	world_run(&w, 2000);
	CU_ASSERT(world_settled(&w, &w.clients[3], WIFI | LTE));
	world_fini(&w);
}

/* ---- anchors ---- */

static void two_anchors(void)
{
	struct world w;
	struct mams_error err;
	struct ncm_session *s;

	world_init_with(&w, 26, 1, 2, 2);
	world_up(&w);
	s = world_session(&w, w.clients);
	CU_ASSERT_EQUAL(ncm_session_deliveries(s, 0), WIFI | LTE);
	CU_ASSERT_EQUAL(ncm_session_deliveries(s, 1), WIFI | LTE);
	CU_ASSERT_EQUAL(w.clients->ccm.anchor[1].id, 4);
	CU_ASSERT_FALSE(w.clients->ccm.anchor[1].proxied);
	CU_ASSERT_FALSE(w.clients->applied.native);
	/* the second one, without convergence, is moved; the first does not notice */
	CU_ASSERT_EQUAL(steer_anchor(&w, 31, 1, LTE, LTE, &err), 0);
	world_run(&w, 500);
	CU_ASSERT_EQUAL(w.clients->steer_code, 0);
	CU_ASSERT(w.clients->applied.native);
	CU_ASSERT_EQUAL(w.clients->applied.native_id, 1);
	CU_ASSERT_FALSE(w.clients->applied.paths[0].backup);
	CU_ASSERT_EQUAL(w.clients->backup, 0);
	/* and the other way round */
	CU_ASSERT_EQUAL(steer_anchor(&w, 32, 0, WIFI, WIFI, &err), 0);
	world_run(&w, 500);
	CU_ASSERT_EQUAL(w.clients->steer_code, 0);
	CU_ASSERT(w.clients->applied.paths[1].backup);
	CU_ASSERT_EQUAL(w.clients->applied.native_id, 1);
	/* what cannot be is said */
	CU_ASSERT_EQUAL(steer_anchor(&w, 33, 1, LTE, WIFI, &err), 0);
	world_run(&w, 500);
	CU_ASSERT_EQUAL(w.clients->steer_code, MAMS_EVALUE);
	CU_ASSERT_EQUAL(steer_anchor(&w, 34, 2, LTE, LTE, &err), -MAMS_EVALUE);
	/* the instance of the first moves: lists, and the second anchor, stay as they are */
	world_drain(&w, 0, true);
	world_run(&w, 1000);
	CU_ASSERT_EQUAL(world_catches_by(&w), WEST);
	CU_ASSERT(w.clients->applied.paths[1].backup);
	CU_ASSERT(w.clients->applied.native);
	CU_ASSERT_EQUAL(w.clients->applied.native_id, 1);
	/* the link of the list goes down: as the host routes; it comes back */
	world_link(&w, w.clients, 1, false, NULL);
	world_run(&w, 100);
	CU_ASSERT_FALSE(w.clients->applied.native);
	world_link(&w, w.clients, 1, true, "10.1.129.2");
	world_run(&w, 1000);
	CU_ASSERT(w.clients->applied.native);
	world_restart_ncm(&w, true);
	world_run(&w, 3000);
	CU_ASSERT(w.clients->applied.native);
	CU_ASSERT_EQUAL(world_session(&w, w.clients)->s.anchors[1].ul, LTE);
	world_fini(&w);
}

/* One that both links reach comes before one that has more room. */
static void reached_by_most_links(void)
{
	struct world w;

	world_init_with(&w, 35, 1, 2, 1);
	w.madps[0].access[1].n = 0;
	w.madps[0].capacity = 100;
	w.madps[1].capacity = 1;
	links_of(&w, 0);
	world_run(&w, 1000);
	CU_ASSERT_STRING_EQUAL(world_at_madp(&w, 0), "west");
	world_fini(&w);
	/* unless it is full */
	world_init_with(&w, 36, 2, 2, 1);
	w.madps[0].access[1].n = 0;
	w.madps[0].capacity = 100;
	w.madps[1].capacity = 1;
	links_of(&w, 0);
	links_of(&w, 1);
	CU_ASSERT_EQUAL(ncm_registry_madps(w.registry)->use[0].used, 1);
	CU_ASSERT_EQUAL(ncm_registry_madps(w.registry)->use[1].used, 1);
	world_fini(&w);
}

static void dead_instance_does_not_hold_up_the_other_anchor(void)
{
	struct world w;

	world_init_with(&w, 27, 1, 1, 2);
	world_up(&w);
	world_madp(&w, 0, false);
	world_run(&w, 10000);
	world_link(&w, w.clients, 0, true, "10.1.1.44");
	world_run(&w, 1000);
	CU_ASSERT_EQUAL(world_session(&w, w.clients)->state, NCM_STATE_ACTIVE);
	CU_ASSERT(world_session(&w, w.clients)->s.links[0].confirmed);
	world_madp(&w, 0, true);
	world_run(&w, 1000);
	CU_ASSERT(world_settled(&w, w.clients, WIFI | LTE));
	CU_ASSERT_EQUAL(world_catches_by(&w), EAST);
	world_fini(&w);
}

/* ---- negotiation ---- */

static bool dropped(const struct mx_drop *d, size_t n, enum mx_group g, unsigned item, bool by_peer)
{
	for (size_t i = 0; i < n; i++)
		if (d[i].group == g && d[i].item == item)
			return d[i].by_peer == by_peer;
	return false;
}

static void nothing_in_common(void)
{
	struct world w;
	const struct ncm_session *s;

	world_init(&w, 28, 1);
	w.conf.convergence = 1u << MX_CONV_GMA;
	w.conf.features = 1u << MX_F_MEASUREMENT | 1u << MX_F_FRAGMENTATION;
	world_up(&w);
	s = world_session(&w, w.clients);
	CU_ASSERT_EQUAL(w.clients->ccm.state, CCM_STATE_ACTIVE);
	CU_ASSERT_EQUAL(s->state, NCM_STATE_ACTIVE);
	CU_ASSERT_EQUAL(w.clients->applied.n_paths, 0);
	CU_ASSERT_EQUAL(s->s.features, 1u << MX_F_MEASUREMENT);
	CU_ASSERT_EQUAL(s->s.convergence, 0);
	CU_ASSERT(dropped(s->drops, s->n_drops, MX_GROUP_CONVERGENCE, MX_CONV_MPTCP_PROXY, true));
	CU_ASSERT(dropped(w.clients->ccm.drops, w.clients->ccm.n_drops, MX_GROUP_CONVERGENCE,
		MX_CONV_GMA, true));
	CU_ASSERT(dropped(w.clients->ccm.drops, w.clients->ccm.n_drops, MX_GROUP_FEATURE,
		MX_F_FRAGMENTATION, true));
	CU_ASSERT_EQUAL(ncm_registry_madps(w.registry)->use[0].used, 0);
	world_fini(&w);
}

static void both_flows_intersect(void)
{
	for (int seed_flow = 0; seed_flow < 2; seed_flow++) {
		struct world w;
		const struct ccm_session *c;
		const struct ncm_session *s;

		world_init(&w, 29, 1);
		w.policy.features = 1u << MX_F_LOSSLESS_SWITCHING | 1u << MX_F_MEASUREMENT;
		w.policy.n_accesses = 1; /* Wi-Fi only */
		w.conf.cap_wait_ms = seed_flow ? 5000 : 0;
		world_up(&w);
		world_run(&w, 3000);
		c = &w.clients->ccm;
		s = world_session(&w, w.clients);
		CU_ASSERT_EQUAL(c->features, w.policy.features);
		CU_ASSERT_EQUAL(s->s.features, w.policy.features);
		CU_ASSERT(dropped(
			c->drops, c->n_drops, MX_GROUP_FEATURE, MX_F_UPLINK_AGGREGATION, true));
		CU_ASSERT(dropped(c->drops, c->n_drops, MX_GROUP_DELIVERY, 1, true));
		CU_ASSERT_EQUAL(c->unwanted, LTE);
		CU_ASSERT(world_settled(&w, w.clients, WIFI));
		CU_ASSERT_EQUAL(c->link[1].sent.usable, false); /* not reported */
		world_fini(&w);
	}
}

/* ---- handover and redirect ---- */

static unsigned active_paths(const struct world *w)
{
	unsigned n = 0;

	for (size_t i = 0; i < w->clients->applied.n_paths; i++)
		n += !w->clients->applied.paths[i].backup;
	return n;
}

static void handover(void)
{
	struct world w;

	world_init(&w, 30, 1);
	world_up(&w);
	w.delay_ms = 0;
	w.hold_replies = true;
	world_link(&w, w.clients, 0, true, "10.1.1.66");
	world_run(&w, 100);
	CU_ASSERT_EQUAL(w.clients->ccm.state, CCM_STATE_HANDOVER);
	CU_ASSERT_EQUAL(ncm_registry_counters(w.registry)->handovers, 1);
	CU_ASSERT_EQUAL(w.clients->backup, WIFI); /* DL is off that connection ... */
	CU_ASSERT_EQUAL(active_paths(&w), 1);     /* ... and UL on a single path */
	w.hold_replies = false;
	world_run(&w, 12000); /* the UP setup is sent again after 10 s */
	CU_ASSERT_EQUAL(w.clients->ccm.state, CCM_STATE_ACTIVE);
	CU_ASSERT(world_settled(&w, w.clients, WIFI | LTE));
	CU_ASSERT_EQUAL(w.clients->backup, 0); /* until it is confirmed */
	CU_ASSERT_EQUAL(active_paths(&w), 2);
	CU_ASSERT_EQUAL(w.clients->fallbacks, 0);
	world_fini(&w);
}

static void handover_without_an_answer(void)
{
	struct world w;

	world_init(&w, 31, 1);
	world_up(&w);
	w.ncm_up = false;
	world_link(&w, w.clients, 0, true, "10.1.1.66");
	world_run(&w, 10);
	CU_ASSERT_EQUAL(w.clients->ccm.state, CCM_STATE_HANDOVER);
	world_run(&w, 12000); /* 1 + 2 + 4 s; the fourth wait ends after 11 */
	CU_ASSERT_EQUAL(w.clients->ccm.state, CCM_STATE_DISCOVERING);
	world_run(&w, 30000);
	CU_ASSERT_EQUAL(w.clients->fallbacks, 0);
	CU_ASSERT(w.clients->applied.catching);
	CU_ASSERT_EQUAL(w.clients->applied.n_paths, 1); /* the moved one is not admitted */
	CU_ASSERT_FALSE(w.clients->applied.paths[0].backup);
	world_run(&w, 5000); /* ncm_lost */
	CU_ASSERT_EQUAL(w.clients->fallbacks, 1);
	CU_ASSERT_FALSE(w.clients->applied.catching);
	w.ncm_up = true;
	world_run(&w, 30000);
	CU_ASSERT(world_settled(&w, w.clients, WIFI | LTE));
	world_fini(&w);
}

static void redirects_are_bounded(void)
{
	struct world w;
	uint64_t discovers;

	world_init(&w, 32, 1);
	w.serves_elsewhere = true;
	world_up(&w);
	world_run(&w, 50000);
	CU_ASSERT_EQUAL(w.clients->redirects, 4);
	discovers = w.clients->ccm.counters.discovers;
	CU_ASSERT(discovers <= 6);
	world_run(&w, 60000);
	CU_ASSERT(w.clients->ccm.counters.redirects_refused >= 1);
	CU_ASSERT(w.clients->ccm.counters.discovers <= discovers + 6);
	w.serves_elsewhere = false;
	world_run(&w, 130000);
	CU_ASSERT(world_settled(&w, w.clients, WIFI | LTE));
	CU_ASSERT_EQUAL(w.clients->ccm.redirects, 0);
	world_fini(&w);
}

/* A client of the seed draft: no session ids, no answer to keep-alives.  It lives as long as it
 * polls, and its own keep-alives, which a CCM of ours would send, are kept away. */
static void seed_client(void)
{
	struct world w;
	struct ncm_session *s;
	struct mams_error err;

	world_init(&w, 33, 1);
	w.seed_only = true;
	w.conf.cap_wait_ms = 5000;
	w.conf.keep_alive_ms = 100000000;
	w.conf.fallback_ms = 0;
	world_up(&w);
	s = world_session(&w, w.clients);
	CU_ASSERT_PTR_NOT_NULL_FATAL(s);
	CU_ASSERT(world_settled(&w, w.clients, WIFI | LTE));
	CU_ASSERT_FALSE(s->modern);
	CU_ASSERT_EQUAL(steer_anchor(&w, 41, 0, LTE, LTE, &err), 0);
	world_run(&w, 500);
	CU_ASSERT_EQUAL(w.clients->steer_code, 0);
	for (int i = 0; i < 40; i++) {
		s = world_session(&w, w.clients);
		CU_ASSERT_PTR_NOT_NULL_FATAL(s);
		ncm_session_seen(s, w.now);
		world_run(&w, 45000);
	}
	CU_ASSERT(ncm_registry_counters(w.registry)->retries_spent > 0);
	CU_ASSERT(world_settled(&w, w.clients, WIFI | LTE));
	world_run(&w, 200000); /* it polls no more */
	CU_ASSERT_PTR_NULL(world_session(&w, w.clients));
	world_fini(&w);
}

/* It knows no report of links before the UP setup: what it named in its capabilities is set up all
 * the same (requirements.md A.1-21), and again after a restart of the NCM. */
static bool no_reports(void *user, bool from_ccm, const struct mx_msg *m)
{
	(void)user;
	return !(from_ccm && m->type == MX_RECONF_REQ);
}

static void seed_client_without_reports(void)
{
	struct world w;
	struct ncm_session *s;

	world_init(&w, 34, 1);
	w.seed_only = true;
	w.tap = no_reports;
	w.conf.cap_wait_ms = 5000;
	w.conf.keep_alive_ms = 100000000;
	w.conf.fallback_ms = 0;
	w.conf.timing.retries = 20; /* of the reports, which nobody hears */
	world_link(&w, w.clients, 0, true, "10.1.1.2");
	world_link(&w, w.clients, 1, true, "10.1.129.2");
	world_run(&w, 1500);
	CU_ASSERT_EQUAL(w.clients->ccm.counters.setups, 0);
	world_run(&w, 2500);
	s = world_session(&w, w.clients);
	CU_ASSERT_PTR_NOT_NULL_FATAL(s);
	CU_ASSERT(world_settled(&w, w.clients, WIFI | LTE));
	CU_ASSERT(s->s.links[0].confirmed && s->s.links[1].confirmed);
	CU_ASSERT_FALSE(mams_addr_is_set(&s->s.links[0].address));
	world_restart_ncm(&w, true);
	world_run(&w, 3000);
	CU_ASSERT(world_settled(&w, w.clients, WIFI | LTE));
	world_fini(&w);
}

/* An NCM of the seed: no session ids, no keep-alives.  It lives as long as it answers our polls. */
static void seed_ncm(void)
{
	struct world w;
	uint64_t discovers;

	world_init(&w, 35, 1);
	w.seed_ncm = true;
	w.conf.cap_wait_ms = 5000;
	world_up(&w);
	CU_ASSERT(world_settled(&w, w.clients, WIFI | LTE));
	CU_ASSERT_FALSE(w.clients->ccm.modern);
	discovers = w.clients->ccm.counters.discovers;
	for (int i = 0; i < 40; i++) {
		struct ncm_session *s = world_session(&w, w.clients);

		CU_ASSERT_PTR_NOT_NULL_FATAL(s);
		ncm_session_seen(s, w.now);
		ccm_session_reached(&w.clients->ccm, w.now);
		world_run(&w, 45000);
	}
	CU_ASSERT(w.clients->ccm.counters.unanswered > 0);
	CU_ASSERT_EQUAL(w.clients->ccm.counters.discovers, discovers);
	CU_ASSERT_EQUAL(w.clients->fallbacks, 0);
	CU_ASSERT(world_settled(&w, w.clients, WIFI | LTE));
	/* another address is no handover that waits for an answer which never comes */
	world_link(&w, w.clients, 0, true, "10.1.1.77");
	world_run(&w, 5000);
	CU_ASSERT_EQUAL(w.clients->ccm.counters.handovers, 0);
	CU_ASSERT(world_settled(&w, w.clients, WIFI | LTE));
	w.ncm_up = false; /* and when it answers nothing any more */
	world_run(&w, 200000);
	CU_ASSERT(w.clients->ccm.counters.discovers > discovers);
	CU_ASSERT_EQUAL(w.clients->fallbacks, 1);
	world_fini(&w);
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"an instance is drained", instance_is_drained},
		{"an instance dies", instance_dies},
		{"the new instance is silent", new_instance_is_silent},
		{"the assignment survives a restart", assignment_survives_a_restart},
		{"capacity", capacity},
		{"two anchors", two_anchors},
		{"a dead instance does not hold up the other anchor",
			dead_instance_does_not_hold_up_the_other_anchor},
		{"reached by most links", reached_by_most_links},
		{"nothing in common", nothing_in_common},
		{"both flows intersect", both_flows_intersect},
		{"handover", handover},
		{"a handover without an answer", handover_without_an_answer},
		{"redirects are bounded", redirects_are_bounded},
		{"a client of the seed", seed_client},
		{"a client of the seed that reports no link", seed_client_without_reports},
		{"an NCM of the seed", seed_ncm},
	};

	return mams_suite_run("instances", cases, MAMS_ARRAY_LEN(cases));
}
