/* How often the receiver reports. */
#include "tests/support/world.h"

#define SECOND 1000000

static struct world w;

/* 10 a second, or 100 where the sender goes by them. */
static void reports_are_as_often_as_they_are_needed(void)
{
	static const struct {
		enum madp_mode mode;
		bool lossless;
		bool often;
	} of[] = {{MADP_MODE_SINGLE, false, false}, {MADP_MODE_ACTIVE_STANDBY, false, false},
		{MADP_MODE_DUPLICATE, false, false}, {MADP_MODE_SINGLE, true, true},
		{MADP_MODE_SMALLEST_DELAY, false, true}, {MADP_MODE_PRIORITY, false, true},
		{MADP_MODE_SPLIT, false, true}};

	for (unsigned i = 0; i < MAMS_ARRAY_LEN(of); i++) {
		struct world_flow *f = &w.flow[WORLD_CLIENT][0];
		uint64_t n;

		world_init(&w, 30 + i, 2, &madp_plane_defaults);
		world_link(&w, 0, 20000000, 10000, 100000);
		world_link(&w, 1, 50000000, 20000, 200000);
		world_run(&w, SECOND / 2);
		world_treat(&w, WORLD_CLIENT, 0, of[i].mode, "01", of[i].lossless);
		world_source(&w, WORLD_CLIENT, 0, 5000000, 1000);
		world_run(&w, SECOND);
		n = w.plane[WORLD_CLIENT].n_reports;
		world_run(&w, 2 * SECOND);
		n = w.plane[WORLD_CLIENT].n_reports - n;
		CU_ASSERT(of[i].often ? n >= 150 && n <= 260 : n >= 15 && n <= 45);
		f->rate = 0;
		world_run(&w, SECOND);
		CU_ASSERT_EQUAL(f->got, f->seq);
		world_fini(&w);
	}
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"reports are as often as they are needed",
			reports_are_as_often_as_they_are_needed},
	};

	return mams_suite_run("announce", cases, MAMS_ARRAY_LEN(cases));
}
