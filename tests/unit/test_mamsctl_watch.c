#include "tests/support/suite.h"
#include "tools/mamsctl/watch_view.h"

#include <string.h>

static struct ctl_way_status way = {.used_kbps = 0, .age_ms = 100};
static struct ctl_link_status links[] = {
	{.connection_id = 0, .name = "wifi", .up = true, .admitted = true, .dl = true, .ul = true},
	{.connection_id = 1, .name = "lte", .up = false},
};
static struct ctl_session_status session = {
	.client = "lap\033[2Jtop", .session_id = 7, .links = links, .n_links = 2};
static struct ctl_madp_status madp = {.name = "east", .state = "dead", .used = 3};
static struct ctl_access_status access_ = {.name = "wifi", .up = 1, .dl_kbps = 20000};
static struct ctl_ncm_status status = {.version = "1",
	.sessions_total = 1,
	.sessions_troubled = 1,
	.sessions = &session,
	.n_sessions = 1,
	.madps = &madp,
	.n_madps = 1,
	.accesses = &access_,
	.n_accesses = 1};

static const struct watch_screen wide = {100, 160, false};

static void sparklines_move(void)
{
	struct watch_history *h = watch_history_new();
	struct mams_buf out = {0};

	CU_ASSERT_PTR_NOT_NULL_FATAL(h);
	links[0].dl_quality = &way;
	for (uint32_t i = 0; i < 8; i++) {
		way.used_kbps = i * 1000;
		watch_take(h, &status);
	}
	watch_print(h, &status, &wide, &out);
	CU_ASSERT_PTR_NOT_NULL(strstr(out.data, "▁▂▃▄▅▆▇█"));
	CU_ASSERT_PTR_NOT_NULL(strstr(out.data, "7.0 Mbit/s"));
	CU_ASSERT_PTR_NOT_NULL(strstr(out.data, "N-MADP east: dead, 3 anchor connections"));
	CU_ASSERT_PTR_NOT_NULL(strstr(out.data, "access wifi                  1 up      0 down"));
	/* figures that nobody renews are none */
	way.age_ms = 5000;
	mams_buf_clear(&out);
	watch_take(h, &status);
	watch_print(h, &status, &wide, &out);
	CU_ASSERT_PTR_NULL(strstr(out.data, "7.0 Mbit/s"));
	CU_ASSERT_PTR_NOT_NULL(strstr(out.data, "▁▂▃▄▅▆▇█▁"));
	way.age_ms = 100;
	mams_buf_fini(&out);
	watch_history_free(h);
}

static void more_than_a_window(void)
{
	struct watch_history *h = watch_history_new();
	struct mams_buf out = {0};

	CU_ASSERT_PTR_NOT_NULL_FATAL(h);
	way.used_kbps = 9000;
	watch_take(h, &status);
	way.used_kbps = 1000;
	for (uint32_t i = 0; i < WATCH_POINTS; i++)
		watch_take(h, &status);
	watch_print(h, &status, &wide, &out);
	/* the peak has left it, the rest is its own top */
	CU_ASSERT_PTR_NOT_NULL(strstr(out.data, "████████████████████████████"));
	CU_ASSERT_PTR_NULL(strstr(out.data, "▂"));
	mams_buf_fini(&out);
	watch_history_free(h);
}

static void bounds(void)
{
	struct watch_history *h = watch_history_new();
	struct mams_buf out = {0};

	CU_ASSERT_PTR_NOT_NULL_FATAL(h);
	watch_take(h, &status);
	watch_print(h, &status, &(struct watch_screen){6, 80, false}, &out);
	CU_ASSERT_PTR_NOT_NULL(strstr(out.data, "wifi       up"));
	CU_ASSERT_PTR_NULL(strstr(out.data, "lte"));
	/* 80 columns have no room for sparklines */
	CU_ASSERT_PTR_NULL(strstr(out.data, "▁"));
	CU_ASSERT_EQUAL(strcspn(strstr(out.data, "lap?"), "\n"), 79);
	mams_buf_clear(&out);
	watch_print(h, &status, &(struct watch_screen){100, 80, true}, &out);
	/* what is wrong is red, and a name cannot steer the terminal */
	CU_ASSERT_PTR_NOT_NULL(strstr(out.data, "\033[31mlap?[2Jtop"));
	CU_ASSERT_PTR_NULL(strstr(out.data, "\033[2J"));
	/* a session that is gone is forgotten */
	status.n_sessions = 0;
	watch_take(h, &status);
	status.n_sessions = 1;
	mams_buf_clear(&out);
	watch_print(h, &status, &wide, &out);
	CU_ASSERT_PTR_NULL(strstr(out.data, "▁"));
	mams_buf_fini(&out);
	watch_history_free(h);
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"sparklines move", sparklines_move},
		{"more points than a sparkline has", more_than_a_window},
		{"height, colour, names, and what is gone", bounds},
	};

	return mams_suite_run("mamsctl_watch", cases, MAMS_ARRAY_LEN(cases));
}
