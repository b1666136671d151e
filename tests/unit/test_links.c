/* The CCM's model of its links, and the plan from what is applied to what is wanted. */
#include "ccm-agent/plan.h"
#include "tests/support/suite.h"

#include <string.h>

static const struct ccm_link_conf conf[] = {
	{.name = "wifi", .connection_id = 0, .interface = "wlan0"},
	{.name = "lte", .connection_id = 1, .interface = "wwan0", .priority = 1},
};
static struct ccm_links links;

static struct mams_addr addr(const char *text)
{
	struct mams_addr a = {0};

	CU_ASSERT_EQUAL_FATAL(mams_addr_parse(text, &a), 0);
	return a;
}

static void iface(uint32_t index, const char *name, bool present, bool running)
{
	const struct ccm_iface_event e = {.ifindex = index,
		.name = name,
		.present = present,
		.running = running,
		.mtu = 1500};

	ccm_links_iface(&links, &e);
}

static void address(uint32_t index, const char *text, bool present)
{
	const struct mams_addr a = addr(text);

	ccm_links_address(&links, index, &a, present);
}

static void gateway(uint32_t index, const char *text)
{
	const struct mams_addr a = addr(text);

	ccm_links_default_route(&links, index, &a, true);
}

static void start(void)
{
	ccm_links_init(&links, conf, MAMS_ARRAY_LEN(conf));
	iface(3, "wlan0", true, true);
	address(3, "192.0.2.7", true);
	gateway(3, "192.0.2.1");
}

/** The next change must be of this link; returns its state. */
static struct ccm_link_state change(uint8_t id)
{
	struct ccm_link_state st = {0};
	uint8_t got = 99;

	CU_ASSERT_TRUE(ccm_links_next(&links, &got, &st));
	CU_ASSERT_EQUAL(got, id);
	return st;
}

static void no_change(void)
{
	struct ccm_link_state st;
	uint8_t got;

	CU_ASSERT_FALSE(ccm_links_next(&links, &got, &st));
}

static void usable(void)
{
	struct ccm_link_state st;
	const struct mams_addr a = addr("192.0.2.7");

	start();
	st = change(0);
	CU_ASSERT_TRUE(st.usable);
	CU_ASSERT_TRUE(mams_addr_eq_ip(&st.address, &a));
	CU_ASSERT_EQUAL(st.mtu, 1500);
	no_change();
	iface(9, "docker0", true, true); /* nobody configured it */
	address(9, "172.17.0.1", true);
	gateway(9, "172.17.0.254");
	no_change();
}

static void needs_all_three(void)
{
	ccm_links_init(&links, conf, MAMS_ARRAY_LEN(conf));
	iface(3, "wlan0", true, false);
	address(3, "192.0.2.7", true);
	gateway(3, "192.0.2.1");
	no_change(); /* no carrier */
	iface(3, "wlan0", true, true);
	CU_ASSERT_TRUE(change(0).usable);
	address(3, "192.0.2.7", false);
	CU_ASSERT_FALSE(change(0).usable);
	address(3, "192.0.2.8", true); /* the gateway is remembered */
	CU_ASSERT_TRUE(change(0).usable);
}

static void flap(void)
{
	struct ccm_link_state before;
	struct ccm_link_state after;

	start();
	before = change(0);
	iface(3, "wlan0", true, false);
	iface(3, "wlan0", true, true);
	after = change(0); /* too short to be seen down, but its routes are gone */
	CU_ASSERT_TRUE(after.usable);
	CU_ASSERT_EQUAL(after.outages, before.outages + 1);
}

static void address_stays(void)
{
	const struct mams_addr first = addr("192.0.2.7");
	const struct mams_addr six = addr("2001:db8::7");
	struct ccm_link_state st;

	start();
	(void)change(0);
	address(3, "192.0.2.9", true);
	no_change(); /* the one in use stays */
	address(3, "2001:db8::7", true);
	gateway(3, "fe80::1");
	no_change();
	address(3, "192.0.2.9", false);
	address(3, "192.0.2.7", false);
	st = change(0);
	CU_ASSERT_TRUE(mams_addr_eq_ip(&st.address, &six));
	address(3, "192.0.2.7", true);
	no_change();
	(void)first;
}

static void other_index(void)
{
	struct ccm_link_state st;

	start();
	(void)change(0);
	iface(3, "wlan0", false, false);
	CU_ASSERT_FALSE(change(0).usable);
	iface(12, "wlan0", true, true);
	no_change(); /* its addresses went with the old one */
	address(12, "192.0.2.7", true);
	st = change(0);
	CU_ASSERT_EQUAL(st.ifindex, 12);
	iface(12, "wlan1", true, true); /* renamed away */
	CU_ASSERT_FALSE(change(0).usable);
}

static void too_many_addresses(void)
{
	char text[32];

	start();
	for (int i = 0; i < 40; i++) {
		snprintf(text, sizeof(text), "198.51.100.%d", i + 1);
		address(3, text, true);
	}
	CU_ASSERT_EQUAL(links.ignored_addresses, 40 - (CCM_ADDRS_MAX - 1));
	CU_ASSERT_TRUE(change(0).usable);
}

/* ---- plan ---- */

static struct ccm_target target(size_t n_links)
{
	struct ccm_target t = {.catching = n_links > 0};

	for (size_t i = 0; i < n_links; i++) {
		t.paths[i] = (struct ccm_path){.connection_id = (uint8_t)i,
			.caught = true,
			.local = links.link[i].now.address,
			.proxy = addr("203.0.113.1")};
		t.n_paths++;
	}
	ccm_plan_routes(&t, &links);
	return t;
}

static void both_links(void)
{
	start();
	iface(4, "wwan0", true, true);
	address(4, "198.51.100.7", true);
	gateway(4, "198.51.100.1");
}

static void plan_order(void)
{
	struct ccm_step s[CCM_STEPS_MAX];
	struct ccm_target none = {0};
	struct ccm_target two;
	struct ccm_target one;

	both_links();
	two = target(2);
	CU_ASSERT_EQUAL(ccm_plan(&none, &none, s), 0);
	CU_ASSERT_EQUAL(ccm_plan(&none, &two, s), 4);
	CU_ASSERT_EQUAL(s[0].kind, CCM_STEP_ROUTE_ADD);
	CU_ASSERT_EQUAL(s[1].kind, CCM_STEP_ROUTE_ADD);
	CU_ASSERT_EQUAL(s[2].kind, CCM_STEP_PM_PATHS);
	CU_ASSERT_EQUAL(s[3].kind, CCM_STEP_PX_PATHS);
	CU_ASSERT_EQUAL(ccm_plan(&two, &two, s), 0);
	/* a link goes: traffic moves before its route does */
	one = target(1);
	CU_ASSERT_EQUAL(ccm_plan(&two, &one, s), 3);
	CU_ASSERT_EQUAL(s[0].kind, CCM_STEP_PM_PATHS);
	CU_ASSERT_EQUAL(s[1].kind, CCM_STEP_PX_PATHS);
	CU_ASSERT_EQUAL(s[2].kind, CCM_STEP_ROUTE_DEL);
	CU_ASSERT_EQUAL(s[2].route.connection_id, 1);
}

/* Paths to an instance that was left are the plugin's business only; they need no routes of their
 * own, and none of the proxy's. */
static void plan_retired(void)
{
	struct ccm_step s[CCM_STEPS_MAX];
	struct ccm_target before;
	struct ccm_target after;

	start();
	both_links();
	before = target(2);
	after = target(2);
	after.paths[2] = after.paths[0];
	after.paths[2].caught = false;
	after.paths[2].group = 7;
	after.paths[2].proxy = addr("203.0.113.9");
	after.n_paths = 3;
	ccm_plan_routes(&after, &links);
	CU_ASSERT_EQUAL(after.n_routes, 2);
	CU_ASSERT_EQUAL(ccm_plan(&before, &after, s), 1);
	CU_ASSERT_EQUAL(s[0].kind, CCM_STEP_PM_PATHS);
	CU_ASSERT_EQUAL(ccm_plan(&after, &before, s), 1);
}

/* A silent path is kept from the plugin alone: the proxy goes on asking over it, by its route. */
static void plan_silent(void)
{
	struct ccm_step s[CCM_STEPS_MAX];
	struct ccm_target before;
	struct ccm_target after;

	start();
	both_links();
	before = target(2);
	after = target(2);
	after.paths[1].silent = true;
	ccm_plan_routes(&after, &links);
	CU_ASSERT_EQUAL(after.n_routes, 2);
	CU_ASSERT_EQUAL(ccm_plan(&before, &after, s), 1);
	CU_ASSERT_EQUAL(s[0].kind, CCM_STEP_PM_PATHS);
	CU_ASSERT_EQUAL(ccm_plan(&after, &after, s), 0);
	CU_ASSERT_EQUAL(ccm_plan(&after, &before, s), 1);
	CU_ASSERT_EQUAL(s[0].kind, CCM_STEP_PM_PATHS);
}

/* TCP that goes into the tunnel is the proxy's matter, and keeps its paths. */
static void plan_detour(void)
{
	struct ccm_step s[CCM_STEPS_MAX];
	struct ccm_target before;
	struct ccm_target after;

	start();
	both_links();
	before = target(2);
	after = target(2);
	after.detour = true;
	ccm_plan_routes(&after, &links);
	ccm_plan_routes(&before, &links);
	CU_ASSERT_EQUAL(ccm_plan(&before, &after, s), 1);
	CU_ASSERT_EQUAL(s[0].kind, CCM_STEP_PX_PATHS);
	CU_ASSERT_EQUAL(ccm_plan(&after, &after, s), 0);
	CU_ASSERT_EQUAL(ccm_plan(&after, &before, s), 1);
}

static void plan_native(void)
{
	struct ccm_step s[CCM_STEPS_MAX];
	struct ccm_target none = {0};
	struct ccm_target lte = {.native = true, .native_id = 1};
	struct ccm_target wifi = {.native = true, .native_id = 0};

	start();
	both_links();
	ccm_plan_routes(&lte, &links);
	ccm_plan_routes(&wifi, &links);
	CU_ASSERT_EQUAL(ccm_plan(&none, &lte, s), 2);
	CU_ASSERT_EQUAL(s[0].kind, CCM_STEP_ROUTE_ADD);
	CU_ASSERT_EQUAL(s[1].kind, CCM_STEP_NATIVE);
	CU_ASSERT_EQUAL(s[1].route.connection_id, 1);
	CU_ASSERT_EQUAL(ccm_plan(&lte, &lte, s), 0);
	CU_ASSERT_EQUAL(ccm_plan(&lte, &wifi, s), 3); /* the new one first, the old one last */
	CU_ASSERT_EQUAL(s[1].kind, CCM_STEP_NATIVE);
	CU_ASSERT_EQUAL(s[2].kind, CCM_STEP_ROUTE_DEL);
	CU_ASSERT_EQUAL(ccm_plan(&wifi, &none, s), 2);
	CU_ASSERT_EQUAL(s[0].kind, CCM_STEP_FREE);
}

static void plan_outage(void)
{
	struct ccm_step s[CCM_STEPS_MAX];
	struct ccm_target before;
	struct ccm_target after;

	both_links();
	before = target(2);
	iface(4, "wwan0", true, false);
	iface(4, "wwan0", true, true);
	after = target(2);
	/* the same route, to be made again; nothing for the proxies to do */
	CU_ASSERT_EQUAL(ccm_plan(&before, &after, s), 1);
	CU_ASSERT_EQUAL(s[0].kind, CCM_STEP_ROUTE_ADD);
	CU_ASSERT_EQUAL(s[0].route.connection_id, 1);
}

static void plan_key(void)
{
	struct ccm_step s[CCM_STEPS_MAX];
	struct ccm_target before;
	struct ccm_target after;

	both_links();
	before = after = target(2);
	snprintf(after.client_key, sizeof(after.client_key), "bmV3");
	CU_ASSERT_EQUAL(ccm_plan(&before, &after, s), 1);
	CU_ASSERT_EQUAL(s[0].kind, CCM_STEP_PX_PATHS);
	after = before;
	after.catching = false;
	CU_ASSERT_EQUAL(ccm_plan(&before, &after, s), 1);
	CU_ASSERT_EQUAL(s[0].kind, CCM_STEP_PX_PATHS);
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"usable", usable},
		{"carrier, address and gateway", needs_all_three},
		{"flap", flap},
		{"the address in use stays", address_stays},
		{"another interface of the name", other_index},
		{"too many addresses", too_many_addresses},
		{"plan: order", plan_order},
		{"plan: an instance that was left", plan_retired},
		{"plan: a silent path", plan_silent},
		{"plan: by the tunnel", plan_detour},
		{"plan: the native network", plan_native},
		{"plan: outage", plan_outage},
		{"plan: key, catching", plan_key},
	};

	return mams_suite_run("links", cases, MAMS_ARRAY_LEN(cases));
}
