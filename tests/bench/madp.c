/* The data plane's cores alone: nanoseconds per packet, one JSON line per figure.  See README of
 * the benchmarks: not run by ctest. */
#include "trailer-madp/flowclass.h"
#include "trailer-madp/plane.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define N 4000000u

static void *get(void *user, size_t n)
{
	(void)user;
	return calloc(1, n);
}

static void put(void *user, void *p, size_t n)
{
	(void)user;
	(void)n;
	free(p);
}

static const struct madp_mem mem = {get, put, NULL};
static double began;

/* The process's own time: what else runs on the machine does not count. */
static double cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static void begin(void)
{
	began = cpu_ns();
}

static void end(const char *name, uint64_t n)
{
	double ns = (cpu_ns() - began) / (double)n;

	printf("{\"name\":\"%s\",\"unit\":\"ns/op\",\"value\":%.1f,\"n\":%llu}\n", name, ns,
		(unsigned long long)n);
}

static void bench_classify(void)
{
	static uint64_t tag[4096];
	static uint8_t cls[4096];
	static struct madp_rules rules;
	struct madp_class_cache c;
	uint8_t pkt[40] = {0x45, 0, 0, 40, 0, 0, 0, 0, 64, 17};
	unsigned sum = 0;

	madp_class_cache_init(&c, tag, cls, 4096, 7);
	for (unsigned i = 0; i < MADP_RULES_MAX; i++) {
		struct madp_rule rule = madp_rule_any((uint8_t)(i % MADP_CLASSES_MAX));

		rule.remote_port[0] = rule.remote_port[1] = (uint16_t)(i + 1);
		if (madp_rules_add(&rules, &rule) < 0)
			abort();
	}
	begin();
	for (unsigned i = 0; i < N; i++) {
		struct madp_flow_key k;

		pkt[21] = (uint8_t)i; /* 256 flows */
		if (madp_flow_key_read(pkt, sizeof(pkt), true, 0, &k))
			sum += madp_classify(&c, &rules, 1, &k);
	}
	end("key and class, 256 flows, 64 rules", N);
	if (sum == 1)
		abort();
}

static void bench_sender(enum madp_mode mode, bool lossless, const char *name)
{
	static struct madp_sender s;
	struct madp_treat t = {.mode = mode, .n_links = 2, .links = {0, 1}, .lossless = lossless};
	mams_time now = mams_time_us(1000);
	struct madp_out out;

	madp_sender_init(&s, &madp_sender_defaults, &mem, now);
	madp_sender_link_add(&s, 0, 40000000000ull, 0, now);
	madp_sender_link_add(&s, 1, 60000000000ull, 0, now);
	if (madp_sender_treat(&s, 0, &t, now) < 0)
		abort();
	begin();
	for (unsigned i = 0; i < N; i++) {
		now.us += i % 4 == 0;
		if (madp_sender_input(&s, 0, &s, 1400, now, &out) != 1)
			continue;
		for (unsigned l = 0; l < 2; l++) {
			if (out.links & madp_link_bit(l))
				(void)madp_sender_pdu(&s, 0, l, 1441, now);
		}
		s.link[0].flight = s.link[1].flight = 0;
		if (lossless && i % 64 == 0) {
			madp_retain_ack(&s.cls[0].retain, out.sn - 100);
			while (madp_sender_reap(&s, now))
				;
		}
	}
	end(name, N);
	madp_sender_drop(&s);
	while (madp_sender_reap(&s, now))
		;
	madp_sender_fini(&s);
}

static void bench_receiver(uint32_t lag, const char *name)
{
	static struct madp_receiver r;
	mams_time now = mams_time_us(1000);
	uint64_t got = 0;

	madp_receiver_init(&r, 16384, &mem, now);
	madp_receiver_link_add(&r, 0, now);
	madp_receiver_link_add(&r, 1, now);
	begin();
	for (uint32_t i = 0; i < N; i++) {
		/* odd ones come `lag` packets later, on the other link */
		uint32_t sn = i % 2 ? i - lag : i;
		struct madp_in in = {.wire_len = 1441,
			.has_ts = true,
			.has_delivery_sn = true,
			.ts_ms = sn / 400,
			.delivery_sn = (uint8_t)(sn / 2)};
		uint32_t len;
		unsigned cls;

		now.us += i % 4 == 0;
		if (i % 2 && i < lag)
			continue;
		(void)madp_receiver_pdu(&r, i % 2, &in, now);
		if (madp_receiver_sdu(&r, 0, i % 2, sn & MADP_SN_MASK, &r, 1400, false, now) ==
			MADP_REORDER_DELIVER) {
			got++;
			while (madp_receiver_in_order(&r, 0, &len, now))
				got++;
		}
		/* a turn of the worker */
		while (i % 64 == 63 && madp_receiver_next(&r, &cls, &len, now))
			got++;
	}
	end(name, got);
	{
		uint32_t len;
		unsigned cls;

		while (madp_receiver_drain(&r, &cls, &len))
			;
	}
	madp_receiver_fini(&r);
}

int main(void)
{
	bench_classify();
	bench_sender(MADP_MODE_SINGLE, false, "send, single");
	bench_sender(MADP_MODE_SPLIT, false, "send, split over two");
	bench_sender(MADP_MODE_SPLIT, true, "send, split over two, lossless");
	bench_sender(MADP_MODE_DUPLICATE, false, "send, duplicate over two");
	bench_receiver(0, "receive, in order");
	bench_receiver(600, "receive, half of them 600 packets late");
	return 0;
}
