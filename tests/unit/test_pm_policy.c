#include "tests/support/pm_play.h"

#include <stdio.h>
#include <string.h>

static struct pm_path path(uint8_t id, const char *local, const char *proxy, bool backup)
{
	return (struct pm_path){
		.connection_id = id, .local = at(local), .proxy = at(proxy), .backup = backup};
}

static void set_two(struct pm_policy *p, bool wifi_backup)
{
	struct pm_path two[] = {path(0, "10.1.1.2", "10.1.1.1:7443", wifi_backup),
		path(1, "10.1.2.2", "10.1.2.1:7443", false)};

	CU_ASSERT_EQUAL(pm_policy_paths(p, two, 2), 0);
}

static void set_lte_only(struct pm_policy *p)
{
	struct pm_path one = path(1, "10.1.2.2", "10.1.2.1:7443", false);

	CU_ASSERT_EQUAL(pm_policy_paths(p, &one, 1), 0);
}

static void connect_wifi(struct pm_policy *p, uint32_t token)
{
	struct mams_addr l = at("10.1.1.2:5000");
	struct mams_addr r = at("10.1.1.1:7443");

	pm_policy_connection(p, token, false, &l, &r);
}

static void closed(struct pm_policy *p, uint32_t token, const char *local, const char *remote)
{
	struct mams_addr l = at(local);
	struct mams_addr r = at(remote);

	pm_policy_subflow_closed(p, token, &l, &r, NOW);
}

/* Then, and not before. */
static bool expect_at(
	struct pm_policy *p, int64_t ms, enum pm_action_kind kind, const char *local, bool backup)
{
	struct mams_addr l = at(local);
	struct pm_action a;

	return quiet(p, mams_time_add_ms(NOW, ms - 1)) &&
	       pm_policy_next(p, mams_time_add_ms(NOW, ms), &a) && a.kind == kind &&
	       mams_addr_eq_ip(&a.local, &l) && a.backup == backup;
}

/* A priority, once the one before has been said. */
static bool is_next(struct pm_policy *p, uint32_t token, const char *local, bool backup)
{
	struct mams_addr l = at(local);
	struct pm_action a;

	return pm_policy_next(p, mams_time_add_ms(NOW, 30), &a) && a.kind == PM_PRIORITY &&
	       a.token == token && mams_addr_eq_ip(&a.local, &l) && a.backup == backup;
}

/* A normal subflow from then on, or a backup, said three times. */
static void settle(struct pm_policy *p, const char *local, bool backup)
{
	CU_ASSERT(expect_at(p, 30, PM_PRIORITY, local, backup));
	CU_ASSERT(expect_at(p, 330, PM_PRIORITY, local, backup));
	CU_ASSERT(expect_at(p, 630, PM_PRIORITY, local, backup));
	CU_ASSERT(quiet(p, mams_time_add_ms(NOW, 100000)));
}

static struct pm_policy *both_up(void)
{
	struct pm_policy *p = pm_policy_new();

	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	set_two(p, false);
	connect_wifi(p, 1);
	CU_ASSERT(expect(p, NOW, PM_CREATE, "10.1.2.2"));
	CU_ASSERT(quiet(p, NOW));
	subflow(p, 1, "10.1.2.2:6000", "10.1.2.1:7443");
	settle(p, "10.1.2.2", false);
	return p;
}

static void one_subflow_per_path(void)
{
	struct pm_policy *p = both_up();

	CU_ASSERT(quiet(p, mams_time_add_ms(NOW, 100000)));
	pm_policy_free(p);
}

/* The kernel of the peer puts octets in the wrong place that come before it has settled. */
static void joins_as_backup(void)
{
	struct pm_policy *p = pm_policy_new();
	struct pm_action a;

	set_two(p, true); /* wifi is backup, lte is not */
	connect_wifi(p, 1);
	CU_ASSERT_FATAL(pm_policy_next(p, NOW, &a));
	while (a.kind == PM_PRIORITY) /* of the first subflow */
		CU_ASSERT_FATAL(pm_policy_next(p, NOW, &a));
	CU_ASSERT_EQUAL(a.kind, PM_CREATE);
	CU_ASSERT(a.backup);
	pm_policy_closed(p, 1);
	set_two(p, false);
	connect_wifi(p, 2);
	CU_ASSERT_FATAL(pm_policy_next(p, NOW, &a));
	CU_ASSERT(a.kind == PM_CREATE && a.backup);
	subflow(p, 2, "10.1.2.2:6000", "10.1.2.1:7443");
	CU_ASSERT(expect_at(p, 30, PM_PRIORITY, "10.1.2.2", false));
	a = (struct pm_action){.kind = PM_PRIORITY,
		.token = 2,
		.local = at("10.1.2.2:6000"),
		.remote = at("10.1.2.1:7443")};
	pm_policy_failed(p, &a, mams_time_add_ms(NOW, 30));
	CU_ASSERT(expect_at(p, 230, PM_PRIORITY, "10.1.2.2", false));
	CU_ASSERT(expect_at(p, 530, PM_PRIORITY, "10.1.2.2", false));
	pm_policy_free(p);
}

static void strangers_are_left_alone(void)
{
	struct pm_policy *p = pm_policy_new();
	struct mams_addr l = at("10.1.1.2:5000");
	struct mams_addr r = at("198.51.100.9:443");

	set_two(p, false);
	pm_policy_connection(p, 1, false, &l, &r);
	CU_ASSERT(quiet(p, NOW));
	pm_policy_free(p);
}

static void path_goes_and_returns(void)
{
	struct pm_policy *p = both_up();

	set_lte_only(p);
	CU_ASSERT(expect(p, NOW, PM_WITHDRAW, "10.1.1.2"));
	CU_ASSERT(expect(p, NOW, PM_DESTROY, "10.1.1.2"));
	CU_ASSERT(quiet(p, NOW));
	closed(p, 1, "10.1.1.2:5000", "10.1.1.1:7443");
	CU_ASSERT(quiet(p, NOW));
	set_two(p, false);
	CU_ASSERT(expect(p, NOW, PM_CREATE, "10.1.1.2"));
	pm_policy_free(p);
}

/* It returns before the kernel has reported the old subflow closed. */
static void path_returns_early(void)
{
	struct pm_policy *p = both_up();

	set_lte_only(p);
	CU_ASSERT(expect(p, NOW, PM_WITHDRAW, "10.1.1.2"));
	set_two(p, false);
	CU_ASSERT(expect(p, NOW, PM_DESTROY, "10.1.1.2"));
	CU_ASSERT(expect(p, NOW, PM_CREATE, "10.1.1.2"));
	CU_ASSERT(quiet(p, NOW));
	pm_policy_free(p);
}

static void address_changes(void)
{
	struct pm_policy *p = both_up();
	struct pm_path two[] = {path(0, "10.1.1.77", "10.1.1.1:7443", false),
		path(1, "10.1.2.2", "10.1.2.1:7443", false)};

	CU_ASSERT_EQUAL(pm_policy_paths(p, two, 2), 0);
	CU_ASSERT(expect(p, NOW, PM_WITHDRAW, "10.1.1.2"));
	CU_ASSERT(expect(p, NOW, PM_DESTROY, "10.1.1.2"));
	CU_ASSERT(expect(p, NOW, PM_CREATE, "10.1.1.77"));
	CU_ASSERT(quiet(p, NOW));
	pm_policy_free(p);
}

static void last_subflow_stays(void)
{
	struct pm_policy *p = both_up();

	CU_ASSERT_EQUAL(pm_policy_paths(p, NULL, 0), 0);
	CU_ASSERT(expect(p, NOW, PM_WITHDRAW, "10.1.2.2"));
	CU_ASSERT(expect(p, NOW, PM_DESTROY, "10.1.2.2"));
	CU_ASSERT(quiet(p, NOW)); /* running connections finish */
	pm_policy_free(p);
}

static struct pm_path in_group(uint32_t group, uint8_t id, const char *local, const char *proxy)
{
	struct pm_path p = path(id, local, proxy, false);

	p.group = group;
	return p;
}

/* New connections go to another N-MADP instance; those of the old one keep their subflows, and get
 * back the one that they lose. */
static void groups_do_not_mix(void)
{
	struct pm_policy *p = both_up(); /* group 0 */
	struct pm_path four[] = {in_group(9, 0, "10.1.1.2", "10.1.1.7:7443"),
		in_group(9, 1, "10.1.2.2", "10.1.2.7:7443"),
		in_group(0, 0, "10.1.1.2", "10.1.1.1:7443"),
		in_group(0, 1, "10.1.2.2", "10.1.2.1:7443")};
	struct mams_addr l = at("10.1.1.2:5001");
	struct mams_addr r = at("10.1.1.7:7443");
	struct pm_action a;

	CU_ASSERT_EQUAL(pm_policy_paths(p, four, 4), 0);
	CU_ASSERT(quiet(p, NOW));
	pm_policy_connection(p, 2, false, &l, &r);
	CU_ASSERT_FATAL(pm_policy_next(p, NOW, &a));
	CU_ASSERT_EQUAL(a.kind, PM_CREATE);
	CU_ASSERT_EQUAL(a.token, 2);
	r = at("10.1.2.7:7443");
	CU_ASSERT(mams_addr_eq(&a.remote, &r));
	subflow(p, 2, "10.1.2.2:6001", "10.1.2.7:7443");
	settle(p, "10.1.2.2", false);
	closed(p, 1, "10.1.1.2:5000", "10.1.1.1:7443");
	CU_ASSERT_FATAL(pm_policy_next(p, mams_time_add_ms(NOW, 5000), &a));
	CU_ASSERT_EQUAL(a.token, 1);
	r = at("10.1.1.1:7443");
	CU_ASSERT(mams_addr_eq(&a.remote, &r));
	/* the old group is given up: its last subflow stays, the other goes, nothing is joined */
	subflow(p, 1, "10.1.1.2:5002", "10.1.1.1:7443");
	CU_ASSERT_EQUAL(pm_policy_paths(p, four, 2), 0);
	CU_ASSERT(expect(p, NOW, PM_WITHDRAW, "10.1.1.2"));
	CU_ASSERT(expect(p, NOW, PM_DESTROY, "10.1.1.2"));
	CU_ASSERT(quiet(p, mams_time_add_ms(NOW, 100000)));
	four[2].group = 9;
	CU_ASSERT_EQUAL(pm_policy_paths(p, four, 3), -MAMS_EVALUE); /* one link twice */
	pm_policy_free(p);
}

/* What is out on a link that is to carry no longer comes by the others. */
static void retires(void)
{
	struct pm_policy *p = both_up();
	struct pm_action a;

	set_two(p, true);
	CU_ASSERT(expect(p, NOW, PM_WITHDRAW, "10.1.1.2"));
	CU_ASSERT(expect(p, NOW, PM_DESTROY, "10.1.1.2"));
	CU_ASSERT_FATAL(pm_policy_next(p, NOW, &a));
	CU_ASSERT(a.kind == PM_CREATE && a.id == 1 && a.backup);
	CU_ASSERT(quiet(p, NOW));
	closed(p, 1, "10.1.1.2:5000", "10.1.1.1:7443");
	subflow(p, 1, "10.1.1.2:5007", "10.1.1.1:7443");
	CU_ASSERT(quiet(p, mams_time_add_ms(NOW, 100000)));
	set_two(p, false);
	CU_ASSERT(expect(p, mams_time_add_ms(NOW, 100000), PM_PRIORITY, "10.1.1.2"));
	pm_policy_free(p);
}

/* One that works, and only fades, keeps its subflow: it is said, and what is out there arrives. */
static void fades_gently(void)
{
	struct pm_path two[] = {path(0, "10.1.1.2", "10.1.1.1:7443", true),
		path(1, "10.1.2.2", "10.1.2.1:7443", false)};
	struct pm_policy *p = both_up();

	two[0].gently = true;
	CU_ASSERT_EQUAL(pm_policy_paths(p, two, 2), 0);
	CU_ASSERT(is_next(p, 1, "10.1.1.2", true) && quiet(p, mams_time_add_ms(NOW, 30)));
	pm_policy_free(p);
}

/* There is no other, or it is to carry no more than this one: it is only said. */
static void stays_as_backup(void)
{
	struct pm_path two[] = {path(0, "10.1.1.2", "10.1.1.1:7443", true),
		path(1, "10.1.2.2", "10.1.2.1:7443", true)};
	struct pm_policy *p = pm_policy_new();

	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_EQUAL(pm_policy_paths(p, two, 1), 0);
	connect_wifi(p, 1);
	CU_ASSERT(expect(p, NOW, PM_PRIORITY, "10.1.1.2"));
	pm_policy_free(p);
	p = both_up();
	CU_ASSERT_EQUAL(pm_policy_paths(p, two, 2), 0);
	CU_ASSERT(is_next(p, 1, "10.1.1.2", true));
	CU_ASSERT(is_next(p, 1, "10.1.2.2", true));
	CU_ASSERT(quiet(p, mams_time_add_ms(NOW, 30)));
	pm_policy_free(p);
}

/* Who is to carry instead comes before who carried goes. */
static void changes_about(void)
{
	struct pm_policy *p = both_up();
	mams_time later = mams_time_add_ms(NOW, 5000);

	set_two(p, true);
	CU_ASSERT(expect(p, NOW, PM_WITHDRAW, "10.1.1.2"));
	CU_ASSERT(expect(p, NOW, PM_DESTROY, "10.1.1.2"));
	CU_ASSERT(expect(p, NOW, PM_CREATE, "10.1.1.2"));
	closed(p, 1, "10.1.1.2:5000", "10.1.1.1:7443");
	subflow(p, 1, "10.1.1.2:5007", "10.1.1.1:7443");
	CU_ASSERT(quiet(p, later));
	{
		struct pm_path two[] = {path(0, "10.1.1.2", "10.1.1.1:7443", false),
			path(1, "10.1.2.2", "10.1.2.1:7443", true)};

		CU_ASSERT_EQUAL(pm_policy_paths(p, two, 2), 0);
	}
	CU_ASSERT(expect(p, later, PM_PRIORITY, "10.1.1.2"));
	CU_ASSERT(expect(p, later, PM_WITHDRAW, "10.1.2.2"));
	CU_ASSERT(expect(p, later, PM_DESTROY, "10.1.2.2"));
	CU_ASSERT(expect(p, later, PM_CREATE, "10.1.2.2"));
	CU_ASSERT(quiet(p, later));
	pm_policy_free(p);
}

static void refused_creation_is_tried_again(void)
{
	static const int64_t waits[] = {200, 400, 800, 1600, 2000, 2000};
	struct pm_policy *p = pm_policy_new();
	mams_time now = NOW;
	struct pm_action a;

	set_two(p, false);
	connect_wifi(p, 1);
	for (size_t i = 0; i < MAMS_ARRAY_LEN(waits); i++) {
		CU_ASSERT(pm_policy_next(p, now, &a));
		CU_ASSERT_EQUAL(a.kind, PM_CREATE);
		CU_ASSERT_EQUAL(a.id, 2);
		pm_policy_failed(p, &a, now);
		CU_ASSERT(quiet(p, now));
		CU_ASSERT_EQUAL(pm_policy_deadline(p).us, now.us + waits[i] * 1000);
		now = pm_policy_deadline(p);
	}
	/* a path that was away and returns is tried at once, and from the beginning */
	pm_policy_failed(p, &a, now);
	CU_ASSERT_EQUAL(pm_policy_paths(p, NULL, 0), 0);
	CU_ASSERT(quiet(p, now));
	set_lte_only(p);
	CU_ASSERT(expect(p, now, PM_CREATE, "10.1.2.2"));
	/* no word at all: much later */
	CU_ASSERT(quiet(p, mams_time_add_ms(now, 9900)));
	CU_ASSERT(pm_policy_next(p, mams_time_add_ms(now, 10000), &a));
	pm_policy_free(p);
}

static struct mams_addr announced = {.family = AF_INET, .port = 9001, .ip = {10, 1, 2, 1}};

static void network_side(void)
{
	struct pm_policy *p = pm_policy_new();
	struct pm_rule rules[] = {
		{.local = at("10.1.1.1"), .backup = true}, {.local = at("10.1.2.1")}};
	struct mams_addr l = at("10.1.1.1:7443");
	struct mams_addr r = at("10.1.1.2:5000");

	/* any order: policy, binding, connection */
	CU_ASSERT_EQUAL(pm_policy_bind(p, 5, "laptop", &announced, 1), 0);
	CU_ASSERT(quiet(p, NOW));
	pm_policy_connection(p, 5, true, &l, &r);
	CU_ASSERT(expect(p, NOW, PM_ANNOUNCE, "10.1.2.1"));
	CU_ASSERT(quiet(p, NOW));
	CU_ASSERT_EQUAL(pm_policy_rules(p, "laptop", rules, 2), 0);
	CU_ASSERT(expect(p, NOW, PM_PRIORITY, "10.1.1.1"));
	subflow(p, 5, "10.1.2.1:7443", "10.1.2.2:6000");
	CU_ASSERT(quiet(p, NOW));
	rules[1].backup = true;
	rules[0].backup = false;
	CU_ASSERT_EQUAL(pm_policy_rules(p, "laptop", rules, 2), 0);
	CU_ASSERT(expect(p, NOW, PM_PRIORITY, "10.1.1.1"));
	CU_ASSERT(expect(p, NOW, PM_PRIORITY, "10.1.2.1"));
	CU_ASSERT(quiet(p, NOW));
	CU_ASSERT_EQUAL(pm_policy_bind(p, 5, "laptop", &announced, 1), 0); /* told again */
	CU_ASSERT(quiet(p, NOW));
	pm_policy_closed(p, 5);
	CU_ASSERT_EQUAL(pm_policy_rules(p, "laptop", NULL, 0), 0);
	pm_policy_free(p);
}

static void bad_input(void)
{
	struct pm_policy *p = pm_policy_new();
	struct pm_path many[PM_PATHS_MAX + 1] = {0};
	struct pm_path twice[] = {path(3, "10.1.1.2", "10.1.1.1:7443", false),
		path(3, "10.1.2.2", "10.1.2.1:7443", false)};
	struct pm_path mixed = path(0, "10.1.1.2", "[fd01::1]:7443", false);
	struct mams_addr l = at("10.1.1.2:1");

	CU_ASSERT_EQUAL(pm_policy_paths(p, many, PM_PATHS_MAX + 1), -MAMS_ELIMIT);
	CU_ASSERT_EQUAL(pm_policy_paths(p, twice, 2), -MAMS_EVALUE);
	CU_ASSERT_EQUAL(pm_policy_paths(p, &mixed, 1), -MAMS_EVALUE);
	pm_policy_subflow(p, 99, &l, &l, NOW);
	pm_policy_subflow_closed(p, 99, &l, &l, NOW);
	pm_policy_closed(p, 99);
	CU_ASSERT_EQUAL(pm_policy_counters(p)->unknown_token, 3);
	connect_wifi(p, 7);
	for (int i = 0; i < 40; i++) {
		char text[32];

		snprintf(text, sizeof(text), "10.1.9.2:%d", 100 + i);
		subflow(p, 7, text, "10.1.1.1:7443");
	}
	CU_ASSERT(pm_policy_counters(p)->too_many_subflows > 0);
	pm_policy_free(p);
}

/* RFC 8743 8.7: a connection whose flow uses one of two links. */
static void class_of_one_link(void)
{
	struct pm_policy *p = pm_policy_new();

	set_two(p, false);
	CU_ASSERT_EQUAL(pm_policy_restrict(p, 1, 1u << 1, PM_WAY_BOTH), 0);
	connect_wifi(p, 1);
	/* first make, then break */
	CU_ASSERT(expect(p, NOW, PM_CREATE, "10.1.2.2"));
	CU_ASSERT(quiet(p, NOW));
	subflow(p, 1, "10.1.2.2:6000", "10.1.2.1:7443");
	CU_ASSERT(expect(p, NOW, PM_WITHDRAW, "10.1.1.2"));
	CU_ASSERT(expect(p, NOW, PM_DESTROY, "10.1.1.2"));
	closed(p, 1, "10.1.1.2:5000", "10.1.1.1:7443");
	settle(p, "10.1.2.2", false);
	/* the class ends: both links again, the one that carries stays */
	CU_ASSERT_EQUAL(pm_policy_restrict(p, 1, 0, PM_WAY_BOTH), 0);
	CU_ASSERT(expect(p, NOW, PM_CREATE, "10.1.1.2"));
	CU_ASSERT(quiet(p, NOW));
	pm_policy_free(p);
}

/* Its link goes: over the other one rather than not at all; and back when it returns. */
static void class_without_its_link(void)
{
	struct pm_policy *p = both_up();

	CU_ASSERT_EQUAL(pm_policy_restrict(p, 1, 1u << 0, PM_WAY_BOTH), 0);
	CU_ASSERT(expect(p, NOW, PM_WITHDRAW, "10.1.2.2"));
	CU_ASSERT(expect(p, NOW, PM_DESTROY, "10.1.2.2"));
	closed(p, 1, "10.1.2.2:6000", "10.1.2.1:7443");
	CU_ASSERT(quiet(p, NOW));
	set_lte_only(p);
	CU_ASSERT(expect(p, NOW, PM_CREATE, "10.1.2.2"));
	subflow(p, 1, "10.1.2.2:6001", "10.1.2.1:7443");
	CU_ASSERT(expect(p, NOW, PM_WITHDRAW, "10.1.1.2"));
	CU_ASSERT(expect(p, NOW, PM_DESTROY, "10.1.1.2"));
	closed(p, 1, "10.1.1.2:5000", "10.1.1.1:7443");
	set_two(p, false);
	CU_ASSERT(expect(p, NOW, PM_CREATE, "10.1.1.2"));
	subflow(p, 1, "10.1.1.2:5001", "10.1.1.1:7443");
	CU_ASSERT(expect(p, NOW, PM_WITHDRAW, "10.1.2.2"));
	CU_ASSERT(expect(p, NOW, PM_DESTROY, "10.1.2.2"));
	pm_policy_free(p);
}

/* With classes, a connection of which nothing is known yet gets no second subflow for a while. */
static void waits_for_its_class(void)
{
	struct pm_policy *p = pm_policy_new();

	set_two(p, false);
	pm_policy_wait_bind(p, true);
	connect_wifi(p, 1);
	CU_ASSERT(quiet(p, NOW));
	CU_ASSERT_EQUAL(pm_policy_deadline(p).us, NOW.us + 300000);
	CU_ASSERT_EQUAL(pm_policy_restrict(p, 1, 1u << 0, PM_WAY_BOTH), 0);
	CU_ASSERT(quiet(p, mams_time_add_ms(NOW, 1000)));
	connect_wifi(p, 2);
	CU_ASSERT(quiet(p, NOW));
	CU_ASSERT_EQUAL(pm_policy_restrict(p, 2, 0, PM_WAY_BOTH), 0);
	CU_ASSERT(expect(p, NOW, PM_CREATE, "10.1.2.2"));
	/* nobody says anything */
	connect_wifi(p, 3);
	CU_ASSERT(quiet(p, NOW));
	CU_ASSERT(expect(p, mams_time_add_ms(NOW, 300), PM_CREATE, "10.1.2.2"));
	pm_policy_free(p);
}

/* One flow has two connections: of its downlink by wifi, of its uplink by lte. */
static void one_direction_each(void)
{
	struct pm_policy *p = both_up();
	struct pm_path two[] = {path(0, "10.1.1.2", "10.1.1.1:7443", false),
		path(1, "10.1.2.2", "10.1.2.1:7443", false)};

	two[0].backup_up = true;
	two[1].backup_down = true;
	CU_ASSERT_EQUAL(pm_policy_paths(p, two, 2), 0);
	CU_ASSERT(quiet(p, NOW)); /* nobody has said that it carries one alone */
	CU_ASSERT_EQUAL(pm_policy_restrict(p, 1, 0, PM_WAY_DOWN), 0);
	CU_ASSERT(expect(p, NOW, PM_WITHDRAW, "10.1.2.2"));
	CU_ASSERT(expect(p, NOW, PM_DESTROY, "10.1.2.2"));
	CU_ASSERT(expect(p, NOW, PM_CREATE, "10.1.2.2"));
	closed(p, 1, "10.1.2.2:6000", "10.1.2.1:7443");
	subflow(p, 1, "10.1.2.2:6001", "10.1.2.1:7443");
	CU_ASSERT(quiet(p, mams_time_add_ms(NOW, 100000)));
	connect_wifi(p, 2);
	CU_ASSERT_EQUAL(pm_policy_restrict(p, 2, 0, PM_WAY_UP), 0);
	CU_ASSERT(expect(p, NOW, PM_PRIORITY, "10.1.1.2"));
	CU_ASSERT(expect(p, NOW, PM_CREATE, "10.1.2.2"));
	CU_ASSERT(quiet(p, NOW));
	/* changed about */
	two[0] = path(0, "10.1.1.2", "10.1.1.1:7443", false);
	two[1] = path(1, "10.1.2.2", "10.1.2.1:7443", false);
	two[0].backup_down = true;
	two[1].backup_up = true;
	CU_ASSERT_EQUAL(pm_policy_paths(p, two, 2), 0);
	CU_ASSERT(is_next(p, 1, "10.1.2.2", false));
	CU_ASSERT(expect(p, NOW, PM_WITHDRAW, "10.1.1.2"));
	CU_ASSERT(expect(p, NOW, PM_DESTROY, "10.1.1.2"));
	CU_ASSERT(expect(p, NOW, PM_CREATE, "10.1.1.2"));
	CU_ASSERT(is_next(p, 2, "10.1.1.2", false));
	CU_ASSERT(quiet(p, NOW));
	pm_policy_free(p);
}

/* The client's uplink list is its own business; its downlink list does not rule what goes up. */
static void rules_are_for_downlink(void)
{
	struct pm_policy *p = pm_policy_new();
	struct mams_addr l = at("10.1.1.1:7443");
	struct mams_addr r = at("10.1.1.2:5000");
	struct pm_rule rule = {.local = at("10.1.1.1"), .backup = true};

	CU_ASSERT_EQUAL(pm_policy_rules(p, "laptop", &rule, 1), 0);
	for (uint32_t token = 1; token < 3; token++) {
		pm_policy_connection(p, token, true, &l, &r);
		CU_ASSERT_EQUAL(pm_policy_bind(p, token, "laptop", NULL, 0), 0);
		CU_ASSERT_EQUAL(
			pm_policy_restrict(p, token, 0, token == 1 ? PM_WAY_UP : PM_WAY_BOTH), 0);
		CU_ASSERT(token == 1 ? quiet(p, NOW) : expect(p, NOW, PM_PRIORITY, "10.1.1.1"));
	}
	pm_policy_free(p);
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"one subflow per path", one_subflow_per_path},
		{"joins as backup", joins_as_backup},
		{"other connections are left alone", strangers_are_left_alone},
		{"a path goes and returns", path_goes_and_returns},
		{"a path returns early", path_returns_early},
		{"an address changes", address_changes},
		{"the last subflow stays", last_subflow_stays},
		{"groups do not mix", groups_do_not_mix},
		{"retires", retires},
		{"fades gently", fades_gently},
		{"stays as backup", stays_as_backup},
		{"changes about", changes_about},
		{"a refused creation is tried again", refused_creation_is_tried_again},
		{"a class of one link", class_of_one_link},
		{"a class without its link", class_without_its_link},
		{"waits for its class", waits_for_its_class},
		{"one direction each", one_direction_each},
		{"network side", network_side},
		{"rules are for downlink", rules_are_for_downlink},
		{"bad input", bad_input},
	};

	return mams_suite_run("pm_policy", cases, MAMS_ARRAY_LEN(cases));
}
