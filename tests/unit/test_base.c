#include "lib/base/addr.h"
#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/metrics.h"
#include "lib/base/timerq.h"
#include "tests/support/suite.h"

#include <string.h>

static void reader_error_sticks(void)
{
	static const uint8_t data[] = {1, 2, 3, 4, 5};
	struct mams_rd r = mams_rd_init(data, sizeof(data));

	CU_ASSERT_EQUAL(mams_rd_u8(&r), 1);
	CU_ASSERT_EQUAL(mams_rd_u16(&r), 0x0203);
	CU_ASSERT_EQUAL(mams_rd_u32(&r), 0);
	CU_ASSERT_EQUAL(r.err, -MAMS_ETRUNC);
	CU_ASSERT_EQUAL(mams_rd_u8(&r), 0);
	CU_ASSERT_EQUAL(mams_rd_left(&r), 0);
}

static void writer_stops_at_capacity(void)
{
	uint8_t out[4] = {0};
	struct mams_wr w = mams_wr_init(out, sizeof(out));

	mams_wr_u24(&w, 0x010203);
	mams_wr_u16(&w, 0xffff);
	CU_ASSERT_EQUAL(w.err, -MAMS_ELIMIT);
	CU_ASSERT_EQUAL(w.len, 3);
	CU_ASSERT_EQUAL(out[3], 0);
}

static void growable_buffer(void)
{
	struct mams_buf b = {0};
	char *text;

	for (int i = 0; i < 1000; i++)
		mams_buf_printf(&b, "%d,", i % 10);
	CU_ASSERT_EQUAL(b.len, 2000);
	text = mams_buf_take(&b);
	CU_ASSERT_PTR_NOT_NULL_FATAL(text);
	CU_ASSERT_EQUAL(strlen(text), 2000);
	free(text);
}

static void addresses(void)
{
	static const struct {
		const char *text;
		const char *printed; /* NULL: refused */
	} cases[] = {
		{"10.0.0.1:443", "10.0.0.1:443"},
		{"10.0.0.1", "10.0.0.1:99"},
		{"[2001:db8::1]:443", "[2001:db8::1]:443"},
		{"2001:db8::1", "[2001:db8::1]:99"},
		{"[2001:db8::1]", "[2001:db8::1]:99"},
		{"10.0.0.1:0", NULL},
		{"10.0.0.1:65536", NULL},
		{"10.0.0.1:", NULL},
		{"10.0.0.256", NULL},
		{"[2001:db8::1", NULL},
		{"[2001:db8::1]x", NULL},
		{"", NULL},
		{"example.org:1", NULL},
	};

	for (size_t i = 0; i < MAMS_ARRAY_LEN(cases); i++) {
		char text[MAMS_ADDR_STRLEN];
		struct mams_addr a;
		int rc = mams_addr_parse_port(cases[i].text, 99, &a);

		CU_ASSERT_EQUAL(rc == 0, cases[i].printed != NULL);
		if (rc == 0)
			CU_ASSERT_STRING_EQUAL(mams_addr_str_port(&a, text), cases[i].printed);
	}
}

static void address_kinds(void)
{
	struct mams_addr a;
	struct sockaddr_storage ss;
	struct mams_addr back;

	CU_ASSERT_EQUAL(mams_addr_parse("::ffff:192.0.2.1", &a), 0);
	mams_addr_unmap(&a);
	CU_ASSERT_EQUAL(a.family, AF_INET);
	a.port = 80;
	(void)mams_addr_to_sa(&a, &ss);
	CU_ASSERT_EQUAL(mams_addr_from_sa((struct sockaddr *)&ss, &back), 0);
	CU_ASSERT_TRUE(mams_addr_eq(&a, &back));
	CU_ASSERT_EQUAL(mams_addr_parse("127.9.9.9", &a), 0);
	CU_ASSERT_TRUE(mams_addr_is_loopback(&a));
	CU_ASSERT_EQUAL(mams_addr_parse("255.255.255.255", &a), 0);
	CU_ASSERT_TRUE(mams_addr_is_multicast(&a));
	CU_ASSERT_EQUAL(mams_addr_parse("fe80::1", &a), 0);
	CU_ASSERT_TRUE(mams_addr_is_linklocal(&a));
}

static void prefixes(void)
{
	struct mams_prefix p;
	struct mams_addr in;
	struct mams_addr out;

	CU_ASSERT_EQUAL(mams_addr_parse("10.9.255.255", &in), 0);
	CU_ASSERT_EQUAL(mams_addr_parse("10.10.0.0", &out), 0);
	CU_ASSERT_EQUAL(mams_prefix_parse("10.8.0.0/15", &p), 0);
	CU_ASSERT_TRUE(mams_prefix_has(&p, &in));
	CU_ASSERT_FALSE(mams_prefix_has(&p, &out));
	CU_ASSERT_NOT_EQUAL(mams_prefix_parse("10.9.0.0/15", &p), 0);
	CU_ASSERT_NOT_EQUAL(mams_prefix_parse("10.9.0.0/33", &p), 0);
	CU_ASSERT_EQUAL(mams_prefix_parse("::/0", &p), 0);
	CU_ASSERT_FALSE(mams_prefix_has(&p, &in));
}

static void time_arithmetic(void)
{
	mams_time t = mams_time_us(1500);

	CU_ASSERT_EQUAL(mams_time_ms_until(mams_time_us(0), t), 2);
	CU_ASSERT_EQUAL(mams_time_ms_until(t, mams_time_us(0)), 0);
	CU_ASSERT_EQUAL(mams_time_ms_until(t, MAMS_TIME_NEVER), INT32_MAX);
	CU_ASSERT_TRUE(mams_time_is_never(mams_time_add_ms(MAMS_TIME_NEVER, 5)));
}

static void metrics_exposition(void)
{
	struct {
		uint64_t drops;
	} counters = {7};
	const struct mams_metric rows[] = {{"drops_total", "Dropped things.", MAMS_COUNTER, 0}};
	struct mams_buf b = {0};

	mams_metrics_text(&b, "test", rows, 1, &counters);
	CU_ASSERT_STRING_EQUAL(b.data, "# HELP mams_test_drops_total Dropped things.\n"
				       "# TYPE mams_test_drops_total counter\n"
				       "mams_test_drops_total 7\n");
	mams_buf_clear(&b);
	mams_metrics_family(&b, "test", "links", MAMS_GAUGE, "Links.");
	mams_metrics_sample(&b, "test", "links",
		(struct mams_metric_label[]){{"access", "a\"b\\c\n"}, {"state", "up"}}, 2, 3);
	mams_metrics_sample(&b, "test", "seconds", NULL, 0, 1.25);
	CU_ASSERT_STRING_EQUAL(b.data, "# HELP mams_test_links Links.\n"
				       "# TYPE mams_test_links gauge\n"
				       "mams_test_links{access=\"a\\\"b\\\\c\\n\",state=\"up\"} 3\n"
				       "mams_test_seconds 1.25\n");
	mams_buf_fini(&b);
}

static void log_kept(void)
{
	const struct mams_log_line *l;

	CU_ASSERT_PTR_NULL(mams_log_kept(0));
	CU_ASSERT_EQUAL_FATAL(mams_log_keep(), 0);
	mams_log(MAMS_LOG_INFO, "test", "first client=%s", "a\nb");
	mams_log(MAMS_LOG_DEBUG, "test", "nobody hears this");
	mams_log(MAMS_LOG_WARN, "a_module_of_a_long_name", "second");
	l = mams_log_kept(0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(l);
	CU_ASSERT_STRING_EQUAL(l->text, "first client=a?b");
	CU_ASSERT_STRING_EQUAL(l->module, "test");
	CU_ASSERT_TRUE(l->wall_ms > 0);
	l = mams_log_kept(l->number);
	CU_ASSERT_PTR_NOT_NULL_FATAL(l);
	CU_ASSERT_STRING_EQUAL(l->text, "second");
	CU_ASSERT_EQUAL(l->level, MAMS_LOG_WARN);
	CU_ASSERT_PTR_NULL(mams_log_kept(l->number));
	for (unsigned i = 0; i < MAMS_LOG_KEPT; i++)
		mams_log(MAMS_LOG_INFO, "test", "line %u", i);
	l = mams_log_kept(0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(l);
	CU_ASSERT_STRING_EQUAL(l->text, "line 0");
	CU_ASSERT_EQUAL(l->number, 3);
	mams_log_keep_no_more();
	CU_ASSERT_PTR_NULL(mams_log_kept(0));
}

static mams_time at(int64_t ms)
{
	return mams_time_us(ms * 1000);
}

static void timers(void)
{
	enum { N = 500 };
	static struct mams_timer t[N];
	struct mams_timerq q = {0};
	struct mams_prng r = mams_prng_init(1);
	struct mams_timer *p;
	int64_t last = 0;
	size_t left = 0;

	for (size_t i = 0; i < N; i++)
		CU_ASSERT_EQUAL(
			mams_timerq_set(&q, &t[i], at(1 + (int64_t)mams_prng_below(&r, 1000))), 0);
	for (size_t i = 0; i < N; i += 3)
		CU_ASSERT_EQUAL(
			mams_timerq_set(&q, &t[i], at(1 + (int64_t)mams_prng_below(&r, 1000))), 0);
	for (size_t i = 0; i < N; i += 5)
		mams_timerq_del(&q, &t[i]);
	mams_timerq_del(&q, &t[0]);
	CU_ASSERT_EQUAL(mams_timerq_set(&q, &t[1], MAMS_TIME_NEVER), 0);
	CU_ASSERT_PTR_NULL(mams_timerq_pop(&q, at(0)));
	while ((p = mams_timerq_pop(&q, at(2000)))) {
		CU_ASSERT_TRUE(p->when.us >= last);
		CU_ASSERT_EQUAL(p->slot, 0);
		last = p->when.us;
		left++;
	}
	CU_ASSERT_EQUAL(left, N - N / 5 - 1);
	CU_ASSERT_TRUE(mams_time_is_never(mams_timerq_next(&q)));
	/* what was taken off can be armed again, in any order, and moved while it is */
	for (size_t i = N; i-- > 0;)
		CU_ASSERT_EQUAL(mams_timerq_set(&q, &t[i], at((int64_t)i)), 0);
	for (size_t i = 0; i < N; i++)
		CU_ASSERT_EQUAL(mams_timerq_set(&q, &t[i], at((int64_t)(i * 7 % N))), 0);
	for (size_t i = 0; i < N; i++) {
		p = mams_timerq_pop(&q, at(N));
		CU_ASSERT_TRUE(p != NULL && p->when.us == at((int64_t)i).us &&
			       p == &t[i * 143 % N]); /* 7 * 143 = 2 N + 1 */
	}
	CU_ASSERT_PTR_NULL(mams_timerq_pop(&q, at(N)));
	mams_timerq_fini(&q);
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"a reader's first error sticks", reader_error_sticks},
		{"a writer stops at its capacity", writer_stops_at_capacity},
		{"the growable buffer grows", growable_buffer},
		{"addresses parse and print", addresses},
		{"kinds of addresses", address_kinds},
		{"prefixes", prefixes},
		{"time arithmetic", time_arithmetic},
		{"metrics exposition", metrics_exposition},
		{"the newest log lines are kept", log_kept},
		{"timers", timers},
	};

	return mams_suite_run("base", cases, MAMS_ARRAY_LEN(cases));
}
