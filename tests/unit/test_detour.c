/* When no network lets MPTCP through, and for how long. */
#include "ccm-agent/detour.h"
#include "lib/base/err.h"
#include "tests/support/suite.h"

#include <string.h>

#define HOUR_MS 3600000u

static struct ccm_session s;
static struct ccm_target t;
static struct mams_addr local[2];
static struct mams_addr proxy[2];
static mams_time now;

static struct mams_addr address(const char *text, uint16_t port)
{
	struct mams_addr a;

	CU_ASSERT_EQUAL(mams_addr_parse(text, &a), 0);
	a.port = port;
	return a;
}

/* Two links, caught by the proxy, and a tunnel that carries. */
static void begin(void)
{
	memset(&s, 0, sizeof(s));
	t = (struct ccm_target){.catching = true, .n_paths = 2};
	now = mams_time_us(1000000);
	for (uint8_t i = 0; i < 2; i++) {
		local[i] = address(i ? "10.0.2.1" : "10.0.1.1", 0);
		proxy[i] = address(i ? "10.1.2.1" : "10.1.1.1", 7443);
		t.paths[i] = (struct ccm_path){
			.connection_id = i, .caught = true, .local = local[i], .proxy = proxy[i]};
	}
	ccm_detour_tunnel(&s, true);
}

static bool plain(uint8_t id, uint32_t for_ms)
{
	return ccm_detour_path(&s, id, &local[id], &proxy[id], for_ms, now);
}

static void all_of_them(void)
{
	begin();
	CU_ASSERT_FALSE(ccm_detour_wanted(&s, &t));
	CU_ASSERT_TRUE(plain(0, HOUR_MS));
	CU_ASSERT_FALSE(ccm_detour_wanted(&s, &t));
	CU_ASSERT_TRUE(plain(1, HOUR_MS));
	CU_ASSERT_FALSE(plain(1, HOUR_MS));
	CU_ASSERT_TRUE(ccm_detour_wanted(&s, &t));
	CU_ASSERT_EQUAL(s.counters.paths_plain, 2);
	/* one that passes MPTCP after all */
	CU_ASSERT_TRUE(plain(1, 0));
	CU_ASSERT_FALSE(plain(1, 0));
	CU_ASSERT_FALSE(ccm_detour_wanted(&s, &t));
}

static void only_what_remains(void)
{
	begin();
	plain(0, HOUR_MS);
	/* up, but nothing comes back over it */
	t.paths[1].silent = true;
	CU_ASSERT_TRUE(ccm_detour_wanted(&s, &t));
	t.paths[1].silent = false;
	CU_ASSERT_FALSE(ccm_detour_wanted(&s, &t));
	/* of an instance that has been left: nothing new goes there */
	t.paths[1].caught = false;
	CU_ASSERT_TRUE(ccm_detour_wanted(&s, &t));
	t.n_paths = 1;
	CU_ASSERT_TRUE(ccm_detour_wanted(&s, &t));
	t.paths[0].silent = true;
	CU_ASSERT_FALSE(ccm_detour_wanted(&s, &t));
}

static void another_network(void)
{
	begin();
	t.n_paths = 1;
	plain(0, HOUR_MS);
	t.paths[0].local = address("10.0.3.1", 0);
	CU_ASSERT_FALSE(ccm_detour_wanted(&s, &t));
	t.paths[0].local = local[0];
	t.paths[0].proxy = proxy[1];
	CU_ASSERT_FALSE(ccm_detour_wanted(&s, &t));
}

static void for_so_long(void)
{
	begin();
	t.n_paths = 1;
	CU_ASSERT_EQUAL(ccm_detour_deadline(&s).us, MAMS_TIME_NEVER.us);
	plain(0, HOUR_MS);
	now = mams_time_add_ms(now, HOUR_MS - 1);
	ccm_detour_tick(&s, now);
	CU_ASSERT_TRUE(ccm_detour_wanted(&s, &t));
	now = mams_time_add_ms(now, 1);
	CU_ASSERT_EQUAL(ccm_detour_deadline(&s).us, now.us);
	ccm_detour_tick(&s, now);
	CU_ASSERT_FALSE(ccm_detour_wanted(&s, &t));
	CU_ASSERT_EQUAL(ccm_detour_deadline(&s).us, MAMS_TIME_NEVER.us);
}

/* Without a tunnel, after a fallback, without the proxy that told it. */
static void not_without(void)
{
	begin();
	t.n_paths = 1;
	plain(0, HOUR_MS);
	ccm_detour_tunnel(&s, false);
	CU_ASSERT_FALSE(ccm_detour_wanted(&s, &t));
	ccm_detour_tunnel(&s, true);
	CU_ASSERT_TRUE(ccm_detour_wanted(&s, &t));
	t.catching = false;
	CU_ASSERT_FALSE(ccm_detour_wanted(&s, &t));
	t.catching = true;
	ccm_detour_forget(&s);
	CU_ASSERT_FALSE(ccm_detour_wanted(&s, &t));
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"all of them", all_of_them},
		{"only what remains", only_what_remains},
		{"another network", another_network},
		{"for so long", for_so_long},
		{"not without", not_without},
	};

	return mams_suite_run("detour", cases, MAMS_ARRAY_LEN(cases));
}
