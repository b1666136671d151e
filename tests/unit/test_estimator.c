/* What the receiver measures: loss by an 8-bit number, relative delay, queue, jitter; its report.
 */
#include "trailer-madp/estimator.h"

#include "tests/support/suite.h"

#include <stdlib.h>
#include <string.h>

static struct madp_meter m;

static mams_time at(int64_t us)
{
	return mams_time_us(us);
}

static void loss_by_delivery_sn(void)
{
	madp_meter_init(&m, at(0));
	for (unsigned i = 0; i < 1000; i++) {
		if (i % 100 != 7)
			madp_meter_sn(&m, 0, (uint8_t)(200 + i), at(i));
	}
	for (unsigned i = 1000; i < 1100; i++) /* those in doubt leave the window */
		madp_meter_sn(&m, 0, (uint8_t)(200 + i), at(i));
	CU_ASSERT_EQUAL(m.lost, 10);
	CU_ASSERT_EQUAL(m.reordered, 0);
	madp_meter_sn(&m, 0, (uint8_t)(200 + 1099), at(2000));
	CU_ASSERT_EQUAL(m.duplicate, 1);
	/* another flow has its own numbers */
	madp_meter_sn(&m, 1, 5, at(2000));
	CU_ASSERT_EQUAL(m.lost, 10);
}

/* A permutation within 60 loses nothing; numbers that never come are lost, each once. */
static void reordering_is_not_loss(void)
{
	struct mams_prng r = mams_prng_init(12);

	for (unsigned life = 0; life < 50; life++) {
		uint64_t lost = 0;
		uint64_t moved = 0;
		uint32_t back = UINT32_MAX;

		madp_meter_init(&m, at(0));
		madp_meter_sn(&m, 0, 0, at(0));
		for (uint32_t sn = 1; sn < 20000; sn++) {
			if (back == UINT32_MAX && mams_prng_below(&r, 100) == 0) {
				back = sn;
				continue;
			}
			if (mams_prng_below(&r, 50) == 0) {
				lost++;
				continue;
			}
			madp_meter_sn(&m, 0, (uint8_t)sn, at(sn * 100));
			if (back != UINT32_MAX && sn - back > 20) {
				madp_meter_sn(&m, 0, (uint8_t)back, at(sn * 100));
				moved++;
				back = UINT32_MAX;
				CU_ASSERT(m.late_us >= 1000 && m.late_us <= 10000);
			}
		}
		lost += back != UINT32_MAX;
		for (uint32_t sn = 20000; sn < 20064; sn++)
			madp_meter_sn(&m, 0, (uint8_t)sn, at(sn * 100));
		CU_ASSERT_EQUAL(m.lost, lost);
		CU_ASSERT_EQUAL(m.reordered, moved);
		CU_ASSERT_EQUAL(m.duplicate, 0);
	}
}

/* The sender's clock runs through its wrap; what counts is the difference. */
static void delay_queue_and_jitter(void)
{
	struct madp_meter other;
	struct madp_report_link rep = {0};
	uint32_t ts = UINT32_MAX - 500;

	madp_meter_init(&m, at(0));
	madp_meter_init(&other, at(0));
	CU_ASSERT_EQUAL(madp_meter_delay_diff(&m, &other), 0);
	for (unsigned i = 0; i < 1000; i++) {
		madp_meter_heard(&m, 1400, at(i * 1000 + 10000));
		madp_meter_timestamp(&m, ts + i, at(i * 1000 + 10000));
		madp_meter_timestamp(&other, ts + i, at(i * 1000 + 60000));
	}
	CU_ASSERT_EQUAL(madp_meter_delay_diff(&other, &m), 50000);
	CU_ASSERT_EQUAL(madp_meter_queue_us(&m), 0);
	CU_ASSERT_EQUAL(m.jitter_us, 0);
	CU_ASSERT(llabs((long long)m.rate - 11200000) < 300000);
	madp_meter_report(&m, &rep, at(1015000));
	CU_ASSERT_EQUAL(rep.queue_us, 0);
	CU_ASSERT_EQUAL(rep.held_us, 6000);
	CU_ASSERT_EQUAL(rep.echo_ms, ts + 999);
	CU_ASSERT_EQUAL(rep.packets, 1000);
	/* a queue of 8 ms builds: the least since the report stands for it */
	for (unsigned i = 1000; i < 1100; i++)
		madp_meter_timestamp(&m, ts + i, at(i * 1000 + 18000));
	madp_meter_report(&m, &rep, at(1118000));
	CU_ASSERT_EQUAL(rep.queue_us, 8000);
	CU_ASSERT(m.jitter_us > 0 && m.jitter_us < 1000);
	/* the least delay is forgotten after two periods, and the new one holds */
	for (unsigned i = 1100; i < 25000; i++)
		madp_meter_timestamp(&m, ts + i, at(i * 1000ll + 18000));
	madp_meter_report(&m, &rep, at(25018000));
	CU_ASSERT_EQUAL(rep.queue_us, 0);
}

static void peer_clock_may_begin_anew(void)
{
	struct madp_report_link rep = {0};

	madp_meter_init(&m, at(0));
	madp_meter_timestamp(&m, 4000000000u, at(1000));
	madp_meter_timestamp(&m, 17, at(2000));
	madp_meter_timestamp(&m, 18, at(3000));
	madp_meter_report(&m, &rep, at(3000));
	CU_ASSERT_EQUAL(rep.queue_us, 0);
	CU_ASSERT_EQUAL(rep.echo_ms, 18);
}

static struct madp_report sample(struct mams_prng *r)
{
	struct madp_report p = {.cid = (uint8_t)mams_prng_below(r, 16),
		.seq = (uint16_t)mams_prng_next(r),
		.ts_ms = (uint32_t)mams_prng_next(r),
		.n_links = (uint8_t)mams_prng_below(r, MADP_LINKS_MAX + 1),
		.n_flows = (uint8_t)mams_prng_below(r, MADP_CLASSES_MAX + 1)};

	for (unsigned i = 0; i < p.n_links; i++) {
		p.link[i] = (struct madp_report_link){.cid = (uint8_t)(i * 2),
			.down = mams_prng_below(r, 2),
			.has_echo = mams_prng_below(r, 2),
			.packets = (uint32_t)mams_prng_next(r),
			.octets = (uint32_t)mams_prng_next(r),
			.rx_us = (uint32_t)mams_prng_next(r),
			.echo_ms = (uint32_t)mams_prng_next(r),
			.held_us = (uint32_t)mams_prng_below(r, 65536) * 10,
			.queue_us = (uint32_t)mams_prng_below(r, 65536) * 10,
			.jitter_us = (uint32_t)mams_prng_below(r, 65536) * 10,
			.owd_us = (int32_t)mams_prng_next(r),
			.lost = (uint16_t)mams_prng_next(r)};
	}
	for (unsigned i = 0; i < p.n_flows; i++)
		p.flow[i] = (struct madp_report_flow){(uint8_t)i,
			(uint32_t)mams_prng_below(r, 1 << 24), (uint16_t)mams_prng_next(r)};
	return p;
}

static void reports_round_trip(void)
{
	struct mams_prng r = mams_prng_init(240);
	uint8_t buf[MADP_REPORT_MAX + 1];
	struct madp_report back;

	for (unsigned n = 0; n < 10000; n++) {
		struct madp_report p = sample(&r);
		size_t len = madp_report_encode(&p, buf);

		CU_ASSERT_EQUAL_FATAL(madp_report_decode(buf, len, &back), 0);
		CU_ASSERT_EQUAL(memcmp(&p, &back, sizeof(p)), 0);
		CU_ASSERT_EQUAL(madp_report_decode(buf, len - 1, &back), -MAMS_ETRUNC);
		CU_ASSERT_EQUAL(madp_report_decode(buf, len + 1, &back), -MAMS_EPROTO);
	}
}

static void bad_reports(void)
{
	struct madp_report p = {.n_links = 2, .n_flows = 1, .link = {{.cid = 1}, {.cid = 2}}};
	uint8_t buf[MADP_REPORT_MAX];
	struct madp_report back;
	size_t len = madp_report_encode(&p, buf);

	CU_ASSERT_EQUAL(len, 9 + 2 * 30 + 6);
	buf[0] = 1;
	CU_ASSERT_EQUAL(madp_report_decode(buf, len, &back), -MAMS_EPROTO);
	buf[0] = MADP_REPORT_TYPE;
	buf[8] = 0x91; /* nine links */
	CU_ASSERT_EQUAL(madp_report_decode(buf, len, &back), -MAMS_EPROTO);
	buf[8] = 0x21;
	buf[9] = 2; /* the same link twice */
	CU_ASSERT_EQUAL(madp_report_decode(buf, len, &back), -MAMS_EPROTO);
	buf[9] = 16;
	CU_ASSERT_EQUAL(madp_report_decode(buf, len, &back), -MAMS_EPROTO);
	buf[9] = 1;
	buf[10] = 1; /* unknown flag */
	CU_ASSERT_EQUAL(madp_report_decode(buf, len, &back), -MAMS_EPROTO);
	buf[10] = 0;
	buf[9 + 60] = MADP_CLASSES_MAX;
	CU_ASSERT_EQUAL(madp_report_decode(buf, len, &back), -MAMS_EPROTO);
	buf[9 + 60] = 0;
	CU_ASSERT_EQUAL(madp_report_decode(buf, len, &back), 0);
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"loss by Delivery SN", loss_by_delivery_sn},
		{"reordering is not loss", reordering_is_not_loss},
		{"delay, queue and jitter", delay_queue_and_jitter},
		{"peer's clock may begin anew", peer_clock_may_begin_anew},
		{"reports round trip", reports_round_trip},
		{"bad reports", bad_reports},
	};

	return mams_suite_run("estimator", cases, MAMS_ARRAY_LEN(cases));
}
