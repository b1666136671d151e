/* A subflow that holds its connection up: at the N-MADP, which has it taken away, and at the
 * client, who makes it again. */
#include "tests/support/pm_play.h"

#define LATER ((mams_time){100000000})

/* The one that holds its connection up goes, as long as another carries. */
static void one_is_made_anew(void)
{
	struct pm_policy *p = pm_policy_new();
	struct mams_addr l = at("10.1.1.1:7443");
	struct mams_addr r = at("10.1.1.2:5000");
	struct mams_addr other = at("10.1.1.2:5001");
	struct mams_addr mapped = at("[::ffff:10.1.1.2]:5000");

	CU_ASSERT_EQUAL(pm_policy_bind(p, 5, "laptop", NULL, 0), 0);
	pm_policy_anew(p, 5, &l, &r); /* not yet there */
	pm_policy_connection(p, 5, true, &l, &r);
	pm_policy_anew(p, 5, &l, &r); /* the only one */
	CU_ASSERT(quiet(p, NOW));
	subflow(p, 5, "10.1.2.1:7443", "10.1.2.2:6000");
	pm_policy_anew(p, 6, &l, &r);
	pm_policy_anew(p, 5, &l, &other);
	CU_ASSERT(quiet(p, NOW));
	pm_policy_anew(p, 5, &l, &mapped);
	CU_ASSERT(expect(p, NOW, PM_DESTROY, "10.1.1.1"));
	pm_policy_anew(p, 5, &l, &r); /* it goes already */
	CU_ASSERT(quiet(p, NOW));
	pm_policy_subflow_closed(p, 5, &l, &r, NOW);
	CU_ASSERT_EQUAL(pm_policy_counters(p)->subflows_anew, 1);
	/* nor is the other one taken before it is back */
	l = at("10.1.2.1:7443");
	r = at("10.1.2.2:6000");
	pm_policy_anew(p, 5, &l, &r);
	CU_ASSERT(quiet(p, NOW));
	pm_policy_free(p);
}

/* Whose subflow the peer has taken away makes it again at once, and it carries soon. */
static void taken_by_the_peer(void)
{
	struct pm_policy *p = pm_policy_new();
	struct pm_path two[] = {
		{.connection_id = 0, .local = at("10.1.1.2"), .proxy = at("10.1.1.1:7443")},
		{.connection_id = 1, .local = at("10.1.2.2"), .proxy = at("10.1.2.1:7443")}};
	struct mams_addr l = at("10.1.1.2:5000");
	struct mams_addr r = at("10.1.1.1:7443");

	CU_ASSERT_EQUAL(pm_policy_paths(p, two, 2), 0);
	pm_policy_connection(p, 1, false, &l, &r);
	CU_ASSERT(expect(p, NOW, PM_CREATE, "10.1.2.2"));
	subflow(p, 1, "10.1.2.2:6000", "10.1.2.1:7443");
	for (int i = 0; i < 3; i++)
		CU_ASSERT(expect(p, mams_time_add_ms(NOW, 30 + i * 300), PM_PRIORITY, "10.1.2.2"));
	pm_policy_subflow_closed(p, 1, &l, &r, LATER);
	CU_ASSERT(expect(p, LATER, PM_CREATE, "10.1.1.2"));
	l.port = 5001;
	pm_policy_subflow(p, 1, &l, &r, LATER);
	CU_ASSERT(expect(p, mams_time_add_ms(LATER, 30), PM_PRIORITY, "10.1.1.2"));
	pm_policy_free(p);
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"one is made anew", one_is_made_anew},
		{"taken by the peer", taken_by_the_peer},
	};

	return mams_suite_run("pm_anew", cases, MAMS_ARRAY_LEN(cases));
}
