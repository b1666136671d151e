#include "tests/sim/world.h"

#include <stdio.h>

#define WIFI 1u
#define LTE 2u

static void up(struct world *w)
{
	world_link(w, 0, true, "10.1.1.2");
	world_link(w, 1, true, "10.1.2.2");
	world_run(w, 1500);
}

static void sets_up_both_links(void)
{
	struct world w;

	world_init(&w, 1);
	up(&w);
	CU_ASSERT(world_settled(&w, WIFI | LTE));
	CU_ASSERT_EQUAL(w.ccm.counters.setups, 1);
	CU_ASSERT_EQUAL(w.applied.paths[0].proxy.port, 7443);
	world_run(&w, 300000);
	CU_ASSERT(world_settled(&w, WIFI | LTE));
	CU_ASSERT_EQUAL(w.fallbacks, 0);
	world_fini(&w);
}

static void link_not_admitted_stays_out(void)
{
	struct world w;

	world_init(&w, 2);
	world_link(&w, 2, true, "192.168.7.2");
	up(&w);
	CU_ASSERT(world_settled(&w, WIFI | LTE));
	world_fini(&w);
}

static void madp_is_told_again(void)
{
	struct world w;

	world_init(&w, 12);
	w.deaf = 3;
	up(&w);
	CU_ASSERT_FALSE(world_settled(&w, WIFI | LTE));
	world_run(&w, 4 * w.policy.setup_timeout_ms);
	CU_ASSERT(world_settled(&w, WIFI | LTE));
	world_fini(&w);
}

static void link_returns(void)
{
	struct world w;

	world_init(&w, 3);
	up(&w);
	world_link(&w, 0, false, NULL);
	world_run(&w, 10);
	CU_ASSERT_EQUAL(w.applied.n_paths, 1);
	world_run(&w, 500);
	w.ncm_up = false;
	world_link(&w, 0, true, "10.1.1.2");
	world_run(&w, 10);
	CU_ASSERT_EQUAL(w.applied.n_paths, 2); /* at once, without the NCM */
	w.ncm_up = true;
	world_run(&w, 3000);
	CU_ASSERT(world_settled(&w, WIFI | LTE));
	world_fini(&w);
}

static void address_changes(void)
{
	struct world w;

	world_init(&w, 4);
	up(&w);
	world_link(&w, 0, true, "10.1.1.77");
	world_run(&w, 10);
	CU_ASSERT_EQUAL(w.applied.n_paths, 1); /* not used before it is admitted */
	world_run(&w, 500);
	CU_ASSERT(world_settled(&w, WIFI | LTE));
	world_link(&w, 0, true, "172.16.0.9");
	world_run(&w, 500);
	CU_ASSERT(world_settled(&w, LTE));
	world_fini(&w);
}

static void steering(void)
{
	struct world w;
	struct mams_error err;

	world_init(&w, 5);
	up(&w);
	CU_ASSERT_EQUAL(ncm_session_steer(world_session(&w), 9, LTE, LTE, w.now, &err), 0);
	world_run(&w, 500);
	CU_ASSERT_EQUAL(w.steer_code, 0);
	CU_ASSERT(w.applied.paths[0].backup && !w.applied.paths[1].backup);
	CU_ASSERT_EQUAL(w.backup, WIFI);
	w.steer_code = -1;
	CU_ASSERT_EQUAL(ncm_session_steer(world_session(&w), 10, LTE, WIFI, w.now, &err), 0);
	world_run(&w, 500);
	CU_ASSERT_EQUAL(w.steer_code, MAMS_EVALUE); /* said, not ignored */
	CU_ASSERT(w.applied.paths[0].backup && !w.applied.paths[1].backup);
	CU_ASSERT_EQUAL(ncm_session_steer(world_session(&w), 11, 4, 4, w.now, &err), -MAMS_EVALUE);
	CU_ASSERT_EQUAL(
		ncm_session_steer(world_session(&w), 12, LTE | WIFI, LTE | WIFI, w.now, &err), 0);
	world_run(&w, 500);
	CU_ASSERT_EQUAL(w.backup, 0);
	world_fini(&w);
}

static void ncm_restarts(void)
{
	struct world w;
	uint64_t discovers;

	world_init(&w, 6);
	up(&w);
	discovers = w.ccm.counters.discovers;
	world_restart_ncm(&w, true); /* the session was stored: it goes on */
	world_run(&w, 60000);
	CU_ASSERT(world_settled(&w, WIFI | LTE));
	CU_ASSERT_EQUAL(w.ccm.counters.discovers, discovers);
	world_restart_ncm(&w, false); /* nothing stored: found again, paths never go away */
	world_run(&w, 120000);
	CU_ASSERT(world_settled(&w, WIFI | LTE));
	CU_ASSERT_EQUAL(w.fallbacks, 0);
	world_fini(&w);
}

static void ncm_away_means_plain_network(void)
{
	struct world w;

	world_init(&w, 7);
	up(&w);
	w.ncm_up = false;
	world_run(&w, 44000);
	CU_ASSERT(w.applied.catching);
	world_run(&w, 20000);
	CU_ASSERT_EQUAL(w.fallbacks, 1);
	CU_ASSERT(!w.applied.catching);
	CU_ASSERT_EQUAL(w.applied.n_paths, 2); /* running flows finish */
	ccm_session_drained(&w.ccm);
	world_run(&w, 100);
	CU_ASSERT_EQUAL(w.applied.n_paths, 0);
	w.ncm_up = true;
	world_run(&w, 130000);
	CU_ASSERT(world_settled(&w, WIFI | LTE));
	world_fini(&w);
}

static void ccm_restarts(void)
{
	struct world w;

	world_init(&w, 8);
	up(&w);
	world_restart_ccm(&w);
	up(&w);
	CU_ASSERT(world_settled(&w, WIFI | LTE));
	world_fini(&w);
}

static void stop_ends_the_session(void)
{
	struct world w;

	world_init(&w, 9);
	up(&w);
	ccm_session_stop(&w.ccm, w.now);
	world_run(&w, 3000);
	CU_ASSERT(w.stopped);
	CU_ASSERT_EQUAL(w.applied.n_paths, 0);
	CU_ASSERT_PTR_NULL(world_session(&w));
	CU_ASSERT_EQUAL(w.releases, 1);
	world_fini(&w);
}

static void ncm_gives_a_silent_client_up(void)
{
	struct world w;

	world_init(&w, 10);
	up(&w);
	w.ccm_up = false;
	world_run(&w, 60000);
	CU_ASSERT_PTR_NULL(world_session(&w));
	CU_ASSERT_EQUAL(w.releases, 1);
	world_fini(&w);
}

/* A day of trouble: links flap, addresses change, either side restarts, the wire is bad; whenever
 * it is left in peace for a while, all is as it should be. */
static void trouble(uint64_t seed)
{
	struct world w;
	bool good = true;

	world_init(&w, seed);
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
				world_restart_ccm(&w);
			else if (what == 2)
				w.ncm_up = !w.ncm_up;
			else if (what < 6)
				world_link(&w, 0, what < 5, what == 3 ? "10.1.1.2" : "10.1.1.3");
			else if (what < 8)
				world_link(&w, 1, what < 7, "10.1.2.2");
			world_run(&w, (int64_t)mams_prng_below(&w.prng, 20000));
		}
		w.ncm_up = true;
		w.loss = 0;
		world_link(&w, 0, round % 3 != 0, "10.1.1.2");
		world_link(&w, 1, true, "10.1.2.2");
		wanted = (round % 3 != 0 ? WIFI : 0) | LTE;
		world_run(&w, 200000);
		good = world_settled(&w, wanted);
		if (!good)
			printf("seed %llu round %d: ccm %s, ncm %s, paths %zu\n",
				(unsigned long long)seed, round, ccm_state_name(w.ccm.state),
				world_session(&w) ? ncm_state_name(world_session(&w)->state) : "-",
				w.applied.n_paths);
		for (int i = 0; !good && world_session(&w) && i < 2; i++) {
			const struct ncm_link *n = &world_session(&w)->s.links[i];
			const struct ccm_session_link *c = &w.ccm.link[i];
			char a[4][MAMS_ADDR_STRLEN];

			printf(" link %d: ncm up %d %s setup %d %s; ccm up %d %s admitted %d %s\n",
				i, n->up, mams_addr_str(&n->address, a[0]), n->in_setup,
				mams_addr_str(&n->setup_address, a[1]), c->now.usable,
				mams_addr_str(&c->now.address, a[2]), c->admitted,
				mams_addr_str(&c->admitted_address, a[3]));
		}
	}
	CU_ASSERT(good);
	CU_ASSERT_EQUAL(w.ccm.counters.actions_lost, 0);
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
		{"an address changes", address_changes},
		{"steering", steering},
		{"the NCM restarts", ncm_restarts},
		{"the NCM stays away", ncm_away_means_plain_network},
		{"the CCM restarts", ccm_restarts},
		{"stop ends the session", stop_ends_the_session},
		{"a silent client is given up", ncm_gives_a_silent_client_up},
		{"days of trouble", days_of_trouble},
	};

	return mams_suite_run("control", cases, MAMS_ARRAY_LEN(cases));
}
