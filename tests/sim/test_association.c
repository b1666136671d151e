/* Needs of applications, from the CCM API to the user plane and back: both cores, a virtual clock
 * (RFC 8743 B.4.2, 8.8, 8.7, 8.12). */
#include "tests/sim/world.h"

#include "ncm-service/appreq.h"

#include <stdio.h>
#include <string.h>

#define WIFI 1u
#define LTE 2u

/* To port, at most so many ms. */
static struct ccm_need latency(uint16_t port, uint32_t ms)
{
	struct ccm_need n = {.n_streams = 1};

	n.streams[0] = (struct ccm_stream){CCM_TCP, port, port, {.latency_ms = ms}};
	return n;
}

static void up(struct world *w, uint64_t seed)
{
	world_init(w, seed, 1);
	w->policy.accesses[0].latency_ms = 10;
	w->policy.accesses[1].latency_ms = 50;
	world_link(w, w->clients, 0, true, "10.1.1.2");
	world_link(w, w->clients, 1, true, "10.1.129.2");
	world_run(w, 1500);
	CU_ASSERT(world_settled(w, w->clients, WIFI | LTE));
	w->clients->verdict = -1;
}

static uint32_t post(struct world *w, const struct ccm_need *n, int64_t life_ms)
{
	int64_t id = ccm_session_need(&w->clients->ccm, n, 1000,
		life_ms ? mams_time_add_ms(w->now, life_ms) : MAMS_TIME_NEVER, w->now);

	CU_ASSERT(id > 0);
	world_link(w, w->clients, 2, false, NULL); /* runs the actions */
	return (uint32_t)id;
}

static int steer(struct world *w, uint64_t request, uint32_t bits)
{
	const struct ncm_order o = {.dl = bits, .ul = bits};
	struct mams_error err;

	return ncm_session_steer(world_session(w, w->clients), request, &o, w->now, &err);
}

/* Are flows to port tied to exactly these links, in the user plane? */
static bool tied(const struct world *w, uint16_t port, const char *links, size_t n)
{
	const struct ccm_target *t = &w->clients->applied;

	for (size_t i = 0; i < t->n_classes; i++) {
		const struct ccm_class *k = &t->classes[i];

		if (port < k->port_first || port > k->port_last)
			continue;
		return k->n_links == n && memcmp(k->links, links, n) == 0;
	}
	return false;
}

static void to_the_fast_link_and_back(void)
{
	struct ccm_need n = latency(8080, 20);
	struct world w;
	uint32_t id;

	up(&w, 1);
	id = post(&w, &n, 0);
	world_run(&w, 500);
	CU_ASSERT_EQUAL(w.clients->need, id);
	CU_ASSERT_EQUAL(w.clients->verdict, CCM_VERDICT_EFFECT);
	CU_ASSERT(tied(&w, 8080, "\0", 1));
	CU_ASSERT_FALSE(tied(&w, 80, "\0", 1));
	/* the rest is as before: no link is backup */
	CU_ASSERT(!w.clients->applied.paths[0].backup && !w.clients->applied.paths[1].backup);
	CU_ASSERT_EQUAL(w.clients->ccm.anchor[0].dl, WIFI | LTE);
	ccm_session_need_end(&w.clients->ccm, id, w.now);
	world_link(&w, w.clients, 2, false, NULL);
	world_run(&w, 500);
	CU_ASSERT_EQUAL(w.clients->applied.n_classes, 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(world_session(&w, w.clients));
	CU_ASSERT_PTR_NULL(world_session(&w, w.clients)->app);
	world_fini(&w);
}

static void what_cannot_be_had_is_said(void)
{
	struct ccm_need n = latency(8080, 5);
	struct world w;

	up(&w, 2);
	post(&w, &n, 0);
	world_run(&w, 500);
	CU_ASSERT_EQUAL(w.clients->verdict, CCM_VERDICT_REFUSED);
	CU_ASSERT_PTR_NOT_NULL(w.clients->verdict_text);
	CU_ASSERT_EQUAL(w.clients->applied.n_classes, 0);
	/* an access that the operator keeps for himself */
	w.policy.accesses[0].applications = false;
	n = latency(8080, 20);
	w.clients->verdict = -1;
	post(&w, &n, 0);
	world_run(&w, 500);
	CU_ASSERT_EQUAL(w.clients->verdict, CCM_VERDICT_REFUSED);
	CU_ASSERT_STRING_EQUAL(w.clients->verdict_text, "the NCM does not agree");
	CU_ASSERT_EQUAL(world_session(&w, w.clients)->counters->associations_refused, 1);
	CU_ASSERT_EQUAL(w.clients->applied.n_classes, 0);
	w.policy.accesses[0].applications = true;
	/* a good one is not lost with the bad one beside it */
	n = latency(81, 20);
	post(&w, &n, 0);
	n = latency(82, 1);
	post(&w, &n, 0);
	world_run(&w, 1000);
	CU_ASSERT(tied(&w, 81, "\0", 1));
	CU_ASSERT_EQUAL(w.clients->applied.n_classes, 1);
	world_fini(&w);
}

static void expires(void)
{
	struct ccm_need n = latency(8080, 20);
	struct world w;

	up(&w, 3);
	post(&w, &n, 60000);
	world_run(&w, 59000);
	CU_ASSERT(tied(&w, 8080, "\0", 1));
	world_run(&w, 2000);
	CU_ASSERT_EQUAL(w.clients->verdict, CCM_VERDICT_EXPIRED);
	CU_ASSERT_EQUAL(w.clients->applied.n_classes, 0);
	world_fini(&w);
}

static void survives_the_ncm(void)
{
	struct ccm_need n = latency(8080, 20);
	struct world w;

	up(&w, 4);
	post(&w, &n, 0);
	world_run(&w, 500);
	world_restart_ncm(&w, true);
	CU_ASSERT(tied(&w, 8080, "\0", 1)); /* the user plane is not touched */
	CU_ASSERT_PTR_NULL(world_session(&w, w.clients)->app);
	world_run(&w, 5000);
	CU_ASSERT_PTR_NOT_NULL_FATAL(world_session(&w, w.clients)->app);
	CU_ASSERT_EQUAL(world_session(&w, w.clients)->app->n_flows, 1);
	CU_ASSERT(tied(&w, 8080, "\0", 1));
	/* without its store: discovery, and all of it again */
	world_restart_ncm(&w, false);
	world_run(&w, 120000);
	CU_ASSERT(world_settled(&w, w.clients, WIFI | LTE));
	CU_ASSERT(tied(&w, 8080, "\0", 1));
	world_fini(&w);
}

static void without_an_ncm(void)
{
	struct ccm_need n = latency(8080, 20);
	struct world w;
	uint32_t id;

	up(&w, 5);
	w.ncm_up = false;
	id = post(&w, &n, 0);
	CU_ASSERT_EQUAL(ccm_session_predict(&w.clients->ccm, w.now), 0);
	CU_ASSERT_EQUAL(ccm_session_predict(&w.clients->ccm, w.now), 0);
	world_run(&w, 20000);
	CU_ASSERT_EQUAL(w.clients->need, id);
	CU_ASSERT_EQUAL(w.clients->verdict, CCM_VERDICT_AWAY);
	CU_ASSERT_EQUAL(w.clients->analytics, 1); /* two asked, one exchange */
	CU_ASSERT_PTR_NOT_NULL(w.clients->analytics_text);
	w.ncm_up = true;
	world_run(&w, 60000);
	CU_ASSERT(world_settled(&w, w.clients, WIFI | LTE));
	CU_ASSERT_EQUAL(ccm_session_predict(&w.clients->ccm, w.now), 0);
	world_link(&w, w.clients, 2, false, NULL);
	world_run(&w, 500);
	CU_ASSERT_EQUAL(w.clients->analytics, 2);
	CU_ASSERT_PTR_NULL(w.clients->analytics_text);
	CU_ASSERT_PTR_NOT_NULL_FATAL(w.clients->ccm.app.analytics);
	CU_ASSERT_EQUAL(w.clients->ccm.app.analytics->network_analytics_rsp.n_param_list, 3);
	world_fini(&w);
}

/* The operator has the last word, and the flows go where the needs say as soon as they may. */
static void beside_an_operator(void)
{
	struct ccm_need n = latency(8080, 20);
	struct world w;

	up(&w, 6);
	post(&w, &n, 0);
	world_run(&w, 500);
	CU_ASSERT_EQUAL(steer(&w, 9, LTE), 0);
	world_run(&w, 500);
	CU_ASSERT_EQUAL(w.clients->steer_code, 0);
	CU_ASSERT_EQUAL(w.clients->applied.n_classes, 0);
	CU_ASSERT(w.clients->applied.paths[0].backup);
	CU_ASSERT_EQUAL(steer(&w, 10, LTE | WIFI), 0);
	world_run(&w, 500);
	CU_ASSERT(tied(&w, 8080, "\0", 1));
	CU_ASSERT_FALSE(w.clients->applied.paths[0].backup);
	world_fini(&w);
}

/* Predictions change: the flow moves when its limit is no longer kept, and not before. */
static void follows_predictions(void)
{
	struct ccm_need n = latency(8080, 60);
	struct world w;

	up(&w, 7);
	post(&w, &n, 0);
	world_run(&w, 500);
	CU_ASSERT(tied(&w, 8080, "\0\1", 2));
	w.policy.accesses[0].latency_ms = 59;
	world_run(&w, 65000);
	CU_ASSERT(tied(&w, 8080, "\0\1", 2));
	w.policy.accesses[0].latency_ms = 61;
	world_run(&w, 65000);
	CU_ASSERT(tied(&w, 8080, "\1", 1));
	/* nothing keeps it any more: it stays where it is */
	w.policy.accesses[1].latency_ms = 99;
	world_run(&w, 65000);
	CU_ASSERT(tied(&w, 8080, "\1", 1));
	world_fini(&w);
}

static void links_come_and_go(void)
{
	struct ccm_need n = latency(8080, 20);
	struct world w;

	up(&w, 8);
	post(&w, &n, 0);
	world_run(&w, 500);
	world_link(&w, w.clients, 0, false, NULL);
	world_run(&w, 3000);
	CU_ASSERT(world_settled(&w, w.clients, LTE));
	world_link(&w, w.clients, 0, true, "10.1.1.2");
	world_run(&w, 3000);
	CU_ASSERT(world_settled(&w, w.clients, WIFI | LTE));
	CU_ASSERT(tied(&w, 8080, "\0", 1));
	CU_ASSERT(!w.clients->applied.paths[0].backup && !w.clients->applied.paths[1].backup);
	world_fini(&w);
}

static void bad_wire(void)
{
	for (uint64_t seed = 1; seed <= 40; seed++) {
		struct ccm_need n = latency(8080, 20);
		struct world w;

		up(&w, seed);
		w.loss = 150;
		w.repeat = 100;
		post(&w, &n, 0);
		world_run(&w, 60000);
		if (w.clients->verdict == CCM_VERDICT_AWAY) { /* said so: it may ask again */
			post(&w, &n, 0);
			world_run(&w, 60000);
		}
		w.loss = 0;
		w.repeat = 0;
		world_run(&w, 120000);
		if (!tied(&w, 8080, "\0", 1))
			fprintf(stderr, "seed %llu verdict %d\n", (unsigned long long)seed,
				w.clients->verdict);
		CU_ASSERT(tied(&w, 8080, "\0", 1));
		CU_ASSERT(world_settled(&w, w.clients, WIFI | LTE));
		world_fini(&w);
	}
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"to the fast link and back", to_the_fast_link_and_back},
		{"what cannot be had is said", what_cannot_be_had_is_said},
		{"a need expires", expires},
		{"survives the NCM", survives_the_ncm},
		{"without an NCM", without_an_ncm},
		{"beside an operator", beside_an_operator},
		{"follows predictions", follows_predictions},
		{"links come and go", links_come_and_go},
		{"a bad wire", bad_wire},
	};

	return mams_suite_run("association", cases, MAMS_ARRAY_LEN(cases));
}
