/* When the signal of a link fades, and when it is good again. */
#include "ccm-agent/fade.h"
#include "lib/base/err.h"
#include "tests/support/suite.h"

static const struct ccm_fade_conf conf = {.low = -75, .good = -69, .ahead_ms = 1000};
static struct ccm_fade fade;
static mams_time now;

static void begin(void)
{
	fade = (struct ccm_fade){0};
	now = mams_time_us(1000000);
}

/* @return has it changed? */
static bool put(int dbm, int64_t after_ms)
{
	now = mams_time_add_ms(now, after_ms);
	return ccm_fade_put(&fade, &conf, dbm, now);
}

static void below_the_level(void)
{
	begin();
	for (unsigned i = 0; i < 20; i++)
		CU_ASSERT_FALSE(put(-74 + (int)(i % 2), 250));
	CU_ASSERT_FALSE(put(-76, 250));
	CU_ASSERT_TRUE(put(-76, 250));
	CU_ASSERT_TRUE(fade.on);
	CU_ASSERT_FALSE(put(-77, 250));
	/* the first word is believed */
	begin();
	CU_ASSERT_TRUE(put(-75, 0));
}

static void alone_is_not_believed(void)
{
	begin();
	put(-60, 0);
	put(-60, 250);
	CU_ASSERT_FALSE(put(-95, 250));
	CU_ASSERT_FALSE(put(-60, 250));
	CU_ASSERT_FALSE(put(-61, 250));
	CU_ASSERT_FALSE(fade.on);
}

static void good_again_after_a_while(void)
{
	begin();
	put(-80, 0);
	put(-80, 250);
	/* between the two levels nothing happens, for however long */
	for (unsigned i = 0; i < 100; i++)
		CU_ASSERT_FALSE(put(-70, 250));
	CU_ASSERT_TRUE(fade.on);
	/* the second good one of three counts, and 3 s from there */
	CU_ASSERT_FALSE(put(-69, 250));
	for (unsigned i = 0; i <= 11; i++)
		CU_ASSERT_FALSE(put(-65, 250));
	CU_ASSERT_TRUE(put(-65, 250));
	CU_ASSERT_FALSE(fade.on);
}

static void a_fall_back_begins_anew(void)
{
	begin();
	put(-80, 0);
	for (unsigned turn = 0; turn < 5; turn++) {
		for (unsigned i = 0; i < 11; i++)
			CU_ASSERT_FALSE(put(-60, 250));
		for (unsigned i = 0; i < 3; i++)
			CU_ASSERT_FALSE(put(-72, 250));
	}
	CU_ASSERT_TRUE(fade.on);
}

/* 5 dB a second: low within a second is seen at about -70. */
static void a_steady_fall(void)
{
	int dbm = -50;

	begin();
	while (!put(dbm, 200) && dbm > -80)
		dbm--;
	CU_ASSERT_TRUE(fade.on);
	CU_ASSERT(dbm <= -67 && dbm >= -71);
	/* 1 dB a second is left to the level */
	begin();
	dbm = -60;
	while (!put(dbm, 1000) && dbm > -80)
		dbm--;
	CU_ASSERT(dbm <= -75 && dbm >= -76);
}

/* +-3 dB of chance around a good level is no fall. */
static void noise_is_no_fall(void)
{
	struct mams_prng p = mams_prng_init(7);

	begin();
	for (unsigned i = 0; i < 10000; i++)
		CU_ASSERT_FALSE(put(-62 + (int)mams_prng_below(&p, 7) - 3, 250));
}

static void silence(void)
{
	begin();
	CU_ASSERT_TRUE(mams_time_is_never(ccm_fade_deadline(&fade)));
	put(-80, 0);
	/* one word of a good signal is enough when nothing else is said */
	CU_ASSERT_FALSE(put(-60, 10000));
	CU_ASSERT_FALSE(ccm_fade_tick(&fade, mams_time_add_ms(now, CCM_FADE_BACK_MS - 1)));
	CU_ASSERT_TRUE(ccm_fade_tick(&fade, ccm_fade_deadline(&fade)));
	CU_ASSERT_EQUAL(ccm_fade_deadline(&fade).us, MAMS_TIME_NEVER.us);
	begin();
	put(-80, 0);
	CU_ASSERT_FALSE(ccm_fade_tick(&fade, mams_time_add_ms(now, CCM_FADE_DEAF_MS - 1)));
	CU_ASSERT_TRUE(ccm_fade_tick(&fade, mams_time_add_ms(now, CCM_FADE_DEAF_MS)));
	CU_ASSERT_FALSE(fade.on);
}

static void nobody_looks(void)
{
	const struct ccm_fade_conf none = {0};

	begin();
	CU_ASSERT_FALSE(ccm_fade_put(&fade, &none, -120, now));
	CU_ASSERT_FALSE(fade.on);
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"below the level", below_the_level},
		{"alone is not believed", alone_is_not_believed},
		{"good again after a while", good_again_after_a_while},
		{"a fall back begins anew", a_fall_back_begins_anew},
		{"a steady fall", a_steady_fall},
		{"noise is no fall", noise_is_no_fall},
		{"silence", silence},
		{"nobody looks", nobody_looks},
	};

	return mams_suite_run("fade", cases, MAMS_ARRAY_LEN(cases));
}
