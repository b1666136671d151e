/* The link emulator's wires in virtual time: rate, queue, delay, order, and chances that come out
 * as set. */
#include "tests/support/linkemu_wire.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MS 1000000

static struct wire w;

static void fresh(const char *const *words)
{
	wire_init(&w, 42);
	for (; *words; words++)
		CU_ASSERT_TRUE(wire_set(&w.conf, *words));
}

#define FRESH(...) fresh((const char *const[]){__VA_ARGS__, NULL})

static void put(uint32_t value, uint32_t len, int64_t now)
{
	uint8_t data[1500] = {0};

	memcpy(data, &value, sizeof(value));
	wire_put(&w, data, len, now);
}

static int64_t get(int64_t now)
{
	struct wire_packet *p = wire_get(&w, now);
	uint32_t value;

	if (!p)
		return -1;
	memcpy(&value, p->data, sizeof(value));
	free(p);
	return value;
}

static void rate_and_delay(void)
{
	FRESH("rate=8mbit", "delay=10", "queue=5k");
	for (uint32_t i = 0; i < 7; i++)
		put(i, 1000, 0); /* a millisecond each */
	CU_ASSERT_EQUAL(w.count.queue_full, 2);
	for (uint32_t i = 0; i < 5; i++) {
		CU_ASSERT_EQUAL(wire_next(&w), (11 + i) * MS);
		CU_ASSERT_EQUAL(get((11 + i) * MS - 1), -1);
		CU_ASSERT_EQUAL(get((11 + i) * MS), i);
	}
	CU_ASSERT_EQUAL(wire_next(&w), INT64_MAX);
	put(9, 1000, 20 * MS);
	CU_ASSERT_EQUAL(get(31 * MS), 9);
	wire_fini(&w);
}

static void chances(void)
{
	FRESH("loss=2", "duplicate=3%", "reorder=1", "reorder_delay=1ms");
	for (uint32_t i = 0; i < 1000000; i++) {
		put(i, 100, i * 10ll);
		while (get(i * 10ll) >= 0)
			;
	}
	CU_ASSERT(fabs((double)w.count.lost - 20000) < 600);
	CU_ASSERT(fabs((double)w.count.duplicated - 29400) < 700);
	CU_ASSERT(fabs((double)w.count.reordered - 9800) < 400);
	wire_fini(&w);
}

static void bursts_keep_the_share(void)
{
	unsigned runs = 0;
	bool was_lost = false;

	FRESH("loss=2", "burst=5");
	for (uint32_t i = 0; i < 1000000; i++) {
		bool lost;

		put(i, 100, i);
		lost = get(i) < 0;
		runs += lost && !was_lost;
		was_lost = lost;
	}
	CU_ASSERT(fabs((double)w.count.lost - 20000) < 2000);
	CU_ASSERT(fabs((double)w.count.lost / runs - 5) < 0.5);
	wire_fini(&w);
}

static void jitter_keeps_order_and_reorder_does_not(void)
{
	for (unsigned reorder = 0; reorder < 2; reorder++) {
		int64_t last = -1;
		unsigned overtaken = 0;

		FRESH("delay=10", "jitter=5ms", reorder ? "reorder=10" : "reorder=0");
		for (uint32_t i = 0; i < 20000; i++) {
			int64_t v;

			put(i, 100, i * 100000ll);
			while ((v = get(i * 100000ll)) >= 0) {
				overtaken += v < last;
				last = v > last ? v : last;
			}
		}
		CU_ASSERT_EQUAL(overtaken > 1000, reorder);
		CU_ASSERT(reorder || overtaken == 0);
		wire_fini(&w);
	}
}

static void dead_swallows(void)
{
	FRESH("dead=1");
	put(1, 100, 0);
	CU_ASSERT_EQUAL(get(MS), -1);
	CU_ASSERT_TRUE(wire_set(&w.conf, "dead=0"));
	put(2, 100, 0);
	CU_ASSERT_EQUAL(get(MS), 2);
	put(3, 100, 0);
	wire_clear(&w);
	CU_ASSERT_EQUAL(get(MS), -1);
	CU_ASSERT_EQUAL(w.count.dead, 2);
	wire_fini(&w);
}

/* What goes in with a right checksum comes out with one, and with everything else as it was. */
static void strips_mptcp(void)
{
	/* 10.0.0.1 to 10.0.0.2, SYN: MSS, MP_CAPABLE of four octets, NOP, window scale */
	static const uint8_t syn[] = {0x45, 0, 0, 52, 0, 0, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10,
		0, 0, 2, 1, 2, 3, 4, 0, 0, 0, 1, 0, 0, 0, 0, 0x80, 2, 0xff, 0xff, 0x12, 0x34, 0, 0,
		2, 4, 5, 0xb4, 30, 4, 0x10, 1, 1, 3, 3, 7};
	struct wire_packet *p;
	uint32_t before = 0;
	uint32_t after = 0;

	FRESH("strip=1");
	wire_put(&w, syn, sizeof(syn), 0);
	p = wire_get(&w, MS);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_EQUAL(memcmp(p->data, syn, 36), 0);
	CU_ASSERT_EQUAL(memcmp(p->data + 40, "\2\4\5\xb4\1\1\1\1\1\3\3\7", 12), 0);
	for (size_t i = 20; i < sizeof(syn); i++) {
		before += (uint32_t)syn[i] << (i % 2 ? 0 : 8);
		after += (uint32_t)p->data[i] << (i % 2 ? 0 : 8);
	}
	CU_ASSERT_EQUAL(before % 0xffff, after % 0xffff);
	CU_ASSERT_EQUAL(w.count.stripped, 1);
	free(p);
	wire_fini(&w);
}

static void words(void)
{
	static const char *const wrong[] = {"rate", "rate=", "rate=fast", "rate=1", "rate=1x",
		"delay=-1", "delay=1h", "loss=101", "loss=x", "speed=1", "burst=1x", "queue=2g",
		"averyveryverylongname=1", ""};
	struct wire_conf c = {0};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		CU_ASSERT_FALSE(wire_set(&c, wrong[i]));
	CU_ASSERT_TRUE(wire_set(&c, "rate=1.5m"));
	CU_ASSERT_EQUAL(c.rate, 1500000);
	CU_ASSERT_TRUE(wire_set(&c, "rate=none"));
	CU_ASSERT_EQUAL(c.rate, 0);
	CU_ASSERT_TRUE(wire_set(&c, "delay=250us"));
	CU_ASSERT_EQUAL(c.delay_ns, 250000);
	CU_ASSERT_TRUE(wire_set(&c, "queue=100k"));
	CU_ASSERT_EQUAL(c.queue, 100000);
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"rate and delay", rate_and_delay},
		{"chances", chances},
		{"bursts keep the share", bursts_keep_the_share},
		{"jitter keeps order, reorder does not", jitter_keeps_order_and_reorder_does_not},
		{"dead swallows", dead_swallows},
		{"strips MPTCP", strips_mptcp},
		{"words", words},
	};

	return mams_suite_run("linkemu", cases, sizeof(cases) / sizeof(*cases));
}
