/* What the NCM makes of reports on what runs over a link. */
#include "ncm-service/session.h"
#include "tests/support/suite.h"

static struct ncm_way_quality q;
static int64_t s_now;

static mams_time at(double s)
{
	return mams_time_us(1000000 + (int64_t)(s * 1e6));
}

static void take(enum ncm_quality_source from, struct ncm_way_report r)
{
	ncm_quality_take(&q, from, &r, at((double)s_now++));
}

static void begin(void)
{
	q = (struct ncm_way_quality){0};
	s_now = 0;
}

static void the_first_report_is_taken_as_it_is(void)
{
	begin();
	CU_ASSERT_FALSE(ncm_quality_is_fresh(&q, at(0)));
	take(NCM_QUALITY_PROXY, (struct ncm_way_report){.has_rate = true,
					.has_delay = true,
					.rate_kbps = 20000,
					.used_kbps = 19000,
					.delay_us = 12000});
	CU_ASSERT_TRUE(ncm_quality_is_fresh(&q, at(0)));
	CU_ASSERT_EQUAL(q.rate_kbps, 20000);
	CU_ASSERT_EQUAL(q.used_kbps, 19000);
	CU_ASSERT_EQUAL(q.delay_us, 12000);
	CU_ASSERT_FALSE(q.has_jitter);
	CU_ASSERT_FALSE(q.has_loss);
	CU_ASSERT_FALSE(ncm_quality_is_fresh(&q, at(10)));
}

/* A rate is what a link carried when it was full: what is used at other times says nothing of it,
 * unless it is more. */
static void a_rate_rises_faster_than_it_falls(void)
{
	begin();
	take(NCM_QUALITY_PROXY, (struct ncm_way_report){.used_kbps = 300});
	CU_ASSERT_FALSE(q.has_rate);
	take(NCM_QUALITY_PROXY,
		(struct ncm_way_report){.has_rate = true, .rate_kbps = 10000, .used_kbps = 9000});
	take(NCM_QUALITY_PROXY,
		(struct ncm_way_report){.has_rate = true, .rate_kbps = 20000, .used_kbps = 9000});
	CU_ASSERT_EQUAL(q.rate_kbps, 15000);
	take(NCM_QUALITY_PROXY,
		(struct ncm_way_report){.has_rate = true, .rate_kbps = 7000, .used_kbps = 7000});
	CU_ASSERT_EQUAL(q.rate_kbps, 13000);
	take(NCM_QUALITY_PROXY, (struct ncm_way_report){.used_kbps = 300});
	CU_ASSERT_EQUAL(q.rate_kbps, 13000);
	CU_ASSERT_EQUAL(q.used_kbps, 300);
	take(NCM_QUALITY_PROXY, (struct ncm_way_report){.used_kbps = 18000});
	CU_ASSERT_EQUAL(q.rate_kbps, 18000);
}

/* TCP fills what UDP leaves: the link carries both. */
static void two_sources_share_a_link(void)
{
	begin();
	for (int i = 0; i < 20; i++) {
		take(NCM_QUALITY_TRAILER, (struct ncm_way_report){.used_kbps = 8000});
		s_now--;
		take(NCM_QUALITY_PROXY,
			(struct ncm_way_report){
				.has_rate = true, .rate_kbps = 12000, .used_kbps = 12000});
	}
	CU_ASSERT_EQUAL(q.used_kbps, 20000);
	CU_ASSERT_EQUAL(q.rate_kbps, 20000);
	s_now += 1; /* the proxy's flow has ended */
	take(NCM_QUALITY_TRAILER, (struct ncm_way_report){.used_kbps = 8000});
	CU_ASSERT_EQUAL(q.used_kbps, 8000);
	CU_ASSERT_EQUAL(q.rate_kbps, 20000);
}

static void loss_needs_packets(void)
{
	struct mams_prng rng = mams_prng_init(7);
	double worst = 0;

	begin();
	take(NCM_QUALITY_PROXY,
		(struct ncm_way_report){.has_packets = true, .packets = 10, .lost = 5});
	CU_ASSERT_FALSE(q.has_loss);
	for (int i = 0; i < 100; i++) {
		struct ncm_way_report r = {.has_packets = true, .packets = 1000};

		for (int k = 0; k < 1000; k++)
			r.lost += mams_prng_below(&rng, 100) < 2;
		take(NCM_QUALITY_PROXY, r);
		if (i > 10 &&
			worst < (q.loss_ppm > 20000 ? q.loss_ppm - 20000.0 : 20000.0 - q.loss_ppm))
			worst = q.loss_ppm > 20000 ? q.loss_ppm - 20000.0 : 20000.0 - q.loss_ppm;
	}
	CU_ASSERT_TRUE(q.has_loss);
	/* of some 2000 packets three deviations are 0.9 %, and the lesser of two is less */
	CU_ASSERT_TRUE(worst < 11000);
	take(NCM_QUALITY_PROXY,
		(struct ncm_way_report){.has_packets = true, .packets = 3, .lost = 9});
	CU_ASSERT_TRUE(q.loss_ppm <= 1000000);
}

static void lose(enum ncm_quality_source from, uint32_t packets, uint32_t lost)
{
	take(from, (struct ncm_way_report){.has_packets = true, .packets = packets, .lost = lost});
}

/* TCP that finds the end of a link loses a tenth of a second's packets, and then none. */
static void a_burst_is_not_the_links(void)
{
	begin();
	lose(NCM_QUALITY_PROXY, 2000, 200);
	CU_ASSERT_FALSE(q.has_loss);
	lose(NCM_QUALITY_TRAILER, 1000, 100);
	CU_ASSERT_EQUAL(q.loss_ppm, 0);
	lose(NCM_QUALITY_PROXY, 2000, 0);
	CU_ASSERT_EQUAL(q.loss_ppm, 0);
	/* what goes on is */
	lose(NCM_QUALITY_PROXY, 2000, 100);
	lose(NCM_QUALITY_PROXY, 2000, 100);
	CU_ASSERT_TRUE(q.loss_ppm > 20000);
	/* few packets lose one or none: the burst of one is no burst */
	begin();
	for (int i = 0; i < 40; i++)
		lose(NCM_QUALITY_TRAILER, 50, i % 2);
	CU_ASSERT_TRUE(q.loss_ppm > 7000 && q.loss_ppm < 13000);
}

/* A link that has grown well, and one that was gone. */
static void a_link_that_is_better_is_known_soon(void)
{
	begin();
	for (int i = 0; i < 10; i++)
		lose(NCM_QUALITY_TRAILER, 1000, 50);
	CU_ASSERT_TRUE(q.loss_ppm > 49000 && q.loss_ppm <= 50000);
	for (int i = 0; i < 3; i++)
		lose(NCM_QUALITY_TRAILER, 1000, 10);
	CU_ASSERT_TRUE(q.loss_ppm <= 15000);
	begin();
	for (int i = 0; i < 10; i++)
		take(NCM_QUALITY_TRAILER, (struct ncm_way_report){.has_rate = true,
						  .has_delay = true,
						  .has_jitter = true,
						  .has_packets = true,
						  .rate_kbps = 8000,
						  .delay_us = 400000,
						  .jitter_us = 90000,
						  .packets = 1000,
						  .lost = 300});
	CU_ASSERT_TRUE(q.loss_ppm > 295000 && q.loss_ppm <= 300000);
	take(NCM_QUALITY_TRAILER,
		(struct ncm_way_report){.back = true, .has_delay = true, .delay_us = 30000});
	CU_ASSERT_FALSE(q.has_loss || q.has_jitter);
	CU_ASSERT_EQUAL(q.delay_us, 30000);
	CU_ASSERT_EQUAL(q.rate_kbps, 8000);
	/* it may be the link's, or the end of the gap */
	lose(NCM_QUALITY_TRAILER, 1000, 10);
	CU_ASSERT_FALSE(q.has_loss);
	lose(NCM_QUALITY_TRAILER, 1000, 10);
	CU_ASSERT_TRUE(q.has_loss && q.loss_ppm == 10000);
}

static void what_is_old_is_forgotten(void)
{
	begin();
	take(NCM_QUALITY_PROXY, (struct ncm_way_report){.has_rate = true,
					.has_delay = true,
					.rate_kbps = 90000,
					.used_kbps = 90000,
					.delay_us = 90000});
	s_now += 11;
	take(NCM_QUALITY_PROXY,
		(struct ncm_way_report){.has_delay = true, .used_kbps = 100, .delay_us = 5000});
	CU_ASSERT_FALSE(q.has_rate);
	CU_ASSERT_EQUAL(q.delay_us, 5000);
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"the first report is taken as it is", the_first_report_is_taken_as_it_is},
		{"a rate rises faster than it falls", a_rate_rises_faster_than_it_falls},
		{"two sources share a link", two_sources_share_a_link},
		{"loss needs packets", loss_needs_packets},
		{"a burst is not the link's", a_burst_is_not_the_links},
		{"a link that is better is known soon", a_link_that_is_better_is_known_soon},
		{"what is old is forgotten", what_is_old_is_forgotten},
	};

	return mams_suite_run("quality", cases, MAMS_ARRAY_LEN(cases));
}
