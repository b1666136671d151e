#include "tests/support/suite.h"
#include "tools/mamsctl/show.h"
#include "tools/mamsctl/table.h"

#include <string.h>

static void bytes_have_units(void)
{
	static const struct {
		uint64_t v;
		const char *text;
	} cases[] = {
		{0, "0 B"},
		{1023, "1023 B"},
		{1024, "1.0 KiB"},
		{1536, "1.5 KiB"},
		{1048575, "1.0 MiB"},
		{20971520, "20.0 MiB"},
		{UINT64_MAX, "16.0 EiB"},
	};
	char buf[TBL_UNIT_LEN];

	for (size_t i = 0; i < MAMS_ARRAY_LEN(cases); i++)
		CU_ASSERT_STRING_EQUAL(tbl_bytes_str(cases[i].v, buf), cases[i].text);
}

static void durations_have_units(void)
{
	static const struct {
		uint64_t ms;
		const char *text;
	} cases[] = {
		{0, "0 ms"},
		{999, "999 ms"},
		{1000, "1.0 s"},
		{59999, "59.9 s"},
		{185000, "3 min 05 s"},
		{7800000, "2 h 10 min"},
		{273600000, "3 d 4 h"},
	};
	char buf[TBL_UNIT_LEN];

	for (size_t i = 0; i < MAMS_ARRAY_LEN(cases); i++)
		CU_ASSERT_STRING_EQUAL(tbl_duration_str(cases[i].ms, buf), cases[i].text);
}

static void columns_are_aligned(void)
{
	static const struct tbl_column columns[] = {{"NAME", false}, {"N", true}, {"END", false}};
	struct tbl t = tbl_init(columns, MAMS_ARRAY_LEN(columns));
	struct mams_buf out = {0};

	tbl_print(&t, 2, &out);
	CU_ASSERT_EQUAL(out.len, 0);
	tbl_text(&t, "w\xc3\xa4"
		     "fi\x1b");
	tbl_number(&t, 5);
	tbl_text(&t, NULL);
	tbl_text(&t, "a");
	tbl_number(&t, 123);
	tbl_text(&t, "b");
	tbl_print(&t, 1, &out);
	CU_ASSERT_STRING_EQUAL(out.data, " NAME     N  END\n"
					 " w\xc3\xa4"
					 "fi?    5  -\n"
					 " a      123  b\n");
	mams_buf_fini(&out);
	tbl_fini(&t);
}

static void sessions_are_shown(void)
{
	struct ctl_link_status links[] = {
		{.connection_id = 0,
			.name = "wifi",
			.type = "Wi-Fi",
			.up = true,
			.admitted = true,
			.mtu = 1500,
			.ul = true,
			.dl = true},
		{.connection_id = 1, .name = "lte", .type = "LTE", .admitted = true, .mtu = 1400},
	};
	struct ctl_session_status session = {.client = "alice",
		.ncm_id = 1,
		.session_id = 77,
		.state = "active",
		.transport = "wss",
		.age_ms = 65000,
		.links = links,
		.n_links = 2,
		.madp = "m1"};
	struct ctl_ncm_status s = {.sessions = &session, .n_sessions = 1};
	struct mams_buf out = {0};

	show_sessions(&s, &out);
	CU_ASSERT_PTR_NOT_NULL_FATAL(out.data);
	CU_ASSERT_PTR_NOT_NULL(strstr(out.data, "alice   1/77     active  -     wss  1 min 05 s"));
	CU_ASSERT_PTR_NOT_NULL(strstr(out.data, "alice    0  wifi  Wi-Fi  up     yes     UL DL"));
	CU_ASSERT_PTR_NOT_NULL(strstr(out.data, "alice    1  lte   LTE    down   yes     backup"));
	mams_buf_clear(&out);
	s.n_sessions = 0;
	show_sessions(&s, &out);
	CU_ASSERT_STRING_EQUAL(out.data, "  no session\n");
	mams_buf_fini(&out);
}

static void every_status_is_shown(void)
{
	static struct ctl_counter counters[] = {{"refused_total", 3}, {"quiet_total", 0}};
	static const enum ctl_type types[] = {
		CTL_NCM_STATUS, CTL_CCM_STATUS, CTL_PX_STATUS, CTL_PM_STATUS};

	for (size_t i = 0; i < MAMS_ARRAY_LEN(types); i++) {
		struct ctl_msg m = {.type = types[i]};
		struct mams_buf out = {0};

		if (types[i] == CTL_NCM_STATUS)
			m.ncm_status = (struct ctl_ncm_status){
				.version = "1", .counters = counters, .n_counters = 2};
		else if (types[i] == CTL_CCM_STATUS)
			m.ccm_status = (struct ctl_ccm_status){.version = "1",
				.state = "idle",
				.counters = counters,
				.n_counters = 2};
		else if (types[i] == CTL_PX_STATUS)
			m.px_status = (struct ctl_px_status){.version = "1",
				.role = "client",
				.counters = counters,
				.n_counters = 2};
		else
			m.pm_status = (struct ctl_pm_status){
				.version = "1", .counters = counters, .n_counters = 2};
		show_status(&m, false, &out);
		CU_ASSERT_PTR_NULL(strstr(out.data, "refused_total"));
		show_status(&m, true, &out);
		CU_ASSERT_PTR_NOT_NULL(strstr(out.data, "refused_total      3\n"));
		CU_ASSERT_PTR_NULL(strstr(out.data, "quiet_total"));
		mams_buf_fini(&out);
	}
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"bytes have units", bytes_have_units},
		{"durations have units", durations_have_units},
		{"columns are aligned, control characters shown", columns_are_aligned},
		{"sessions and their links", sessions_are_shown},
		{"every daemon's status, counters when asked", every_status_is_shown},
	};

	return mams_suite_run("mamsctl_table", cases, MAMS_ARRAY_LEN(cases));
}
