/* Probes of one connection as the N-MADP sends them: opened by the client, in time, bounded. */
#include "proxy/sounding.h"
#include "tests/support/suite.h"

#include <string.h>

static const struct px_sounding_conf init = {.connection_id = 1,
	.init_ms = 500,
	.init_rate = 2,
	.init_size = 1000,
	.init_ack = true,
	.active_ms = 200,
	.active_size = 120,
	.active_duration_s = 10,
	.active_ack = true};

static mams_time at(int64_t ms)
{
	return (mams_time){1000000 + ms * 1000};
}

static bool say(
	struct px_sounding *s, enum mx_control_kind kind, uint8_t cid, uint16_t sn, int64_t ms)
{
	const struct mx_control c = {.kind = kind, .cid = cid, .sn = sn};
	uint8_t pdu[8];
	int n = mx_control_encode(&c, pdu, sizeof(pdu));

	CU_ASSERT_FATAL(n > 0);
	return px_sounding_take(s, pdu, (size_t)n, at(ms));
}

/* All that is due. @return probes; the last one in *got */
static unsigned drain(struct px_sounding *s, int64_t ms, struct mx_control *got)
{
	static uint8_t pdu[PX_SOUNDING_PDU_MAX];
	unsigned n = 0;
	size_t len;

	while ((len = px_sounding_next(s, at(ms), pdu)) > 0) {
		CU_ASSERT_EQUAL_FATAL(mx_control_decode(pdu, len, true, got), 0);
		if (len == PX_SOUNDING_WORD) {
			CU_ASSERT_FALSE(s->conf.active || got->want_ack);
			continue;
		}
		CU_ASSERT_EQUAL(len, s->conf.active ? s->conf.active_size : s->conf.init_size);
		n++;
	}
	return n;
}

static void nobody_who_has_not_shown_himself(void)
{
	struct px_sounding s;
	struct mx_control got;

	px_sounding_init(&s, &init, at(0));
	CU_ASSERT_EQUAL(drain(&s, 5000, &got), 0);
	CU_ASSERT_FALSE(say(&s, MX_CONTROL_KEEP_ALIVE, 2, 0, 5000)); /* of another connection */
	CU_ASSERT_FALSE(say(&s, MX_CONTROL_ACK, 1, 0, 5000));        /* of no probe */
	CU_ASSERT_EQUAL(drain(&s, 6000, &got), 0);
	CU_ASSERT_FALSE(px_sounding_is_over(&s, at(14999)));
	CU_ASSERT(px_sounding_is_over(&s, at(15000)));
	CU_ASSERT_EQUAL(px_sounding_deadline(&s).us, at(15000).us);
}

static void initialization(void)
{
	struct px_sounding s;
	struct mx_control got = {0};
	unsigned n = 0;

	px_sounding_init(&s, &init, at(0));
	CU_ASSERT_EQUAL(px_sounding_rate(&s), 2);
	CU_ASSERT(say(&s, MX_CONTROL_KEEP_ALIVE, 1, 0, 100));
	for (int64_t ms = 100; ms < 600; ms++) {
		unsigned now = drain(&s, ms, &got);

		CU_ASSERT(now <= 1); /* a probe in 4 ms */
		n += now;
		CU_ASSERT(!now || (got.want_ack && !got.active && got.cid == 1));
		if (now && got.sn == 0)
			CU_ASSERT(say(&s, MX_CONTROL_ACK, 1, 0, ms + 30));
		if (now && got.sn == 0)
			CU_ASSERT_FALSE(say(&s, MX_CONTROL_ACK, 1, 0, ms + 30)); /* twice */
	}
	CU_ASSERT_EQUAL(n, mx_control_init_probes(500, 2, 1000));
	CU_ASSERT_EQUAL(n, 125);
	CU_ASSERT_EQUAL(s.rtt_us, 30000);
	CU_ASSERT_EQUAL(mx_control_pad_rtt(got.padding, got.padding_len), 30000);
	CU_ASSERT_EQUAL(px_sounding_deadline(&s).us, at(1000).us);
	CU_ASSERT(say(&s, MX_CONTROL_ACK, 1, 1, 1090)); /* late */
	CU_ASSERT_EQUAL(drain(&s, 1400, &got), 0);
	CU_ASSERT_EQUAL(s.words, PX_SOUNDING_WORDS);
	CU_ASSERT_EQUAL(mx_control_pad_rtt(got.padding, got.padding_len), s.rtt_us);
	CU_ASSERT_FALSE(px_sounding_is_over(&s, at(1599)));
	CU_ASSERT(px_sounding_is_over(&s, at(1600)));
}

static void active(void)
{
	struct px_sounding_conf c = init;
	struct px_sounding s;
	struct mx_control got = {0};
	unsigned n = 0;

	c.active = true;
	c.active_ack = false;
	px_sounding_init(&s, &c, at(0));
	CU_ASSERT_EQUAL(px_sounding_rate(&s), 0);
	CU_ASSERT(say(&s, MX_CONTROL_KEEP_ALIVE, 1, 0, 0));
	for (int64_t ms = 0; ms < 11000; ms += 10)
		n += drain(&s, ms, &got);
	CU_ASSERT(got.active && !got.want_ack);
	CU_ASSERT_EQUAL(n, 50);
	CU_ASSERT(px_sounding_is_over(&s, at(10000)));
	/* without a duration: as long as the client shows that it is there */
	c.active_duration_s = 0;
	px_sounding_init(&s, &c, at(0));
	CU_ASSERT(say(&s, MX_CONTROL_KEEP_ALIVE, 1, 0, 0));
	CU_ASSERT(say(&s, MX_CONTROL_KEEP_ALIVE, 1, 1, 50000));
	CU_ASSERT_FALSE(px_sounding_is_over(&s, at(109999)));
	CU_ASSERT(px_sounding_is_over(&s, at(110000)));
}

static void padding(void)
{
	uint8_t pad[64];

	memset(pad, 0xff, sizeof(pad));
	mx_control_pad_put(1234, pad, sizeof(pad));
	CU_ASSERT_EQUAL(mx_control_pad_rtt(pad, sizeof(pad)), 1234);
	CU_ASSERT_EQUAL(pad[63], 0);
	CU_ASSERT_EQUAL(mx_control_pad_rtt(pad, 11), 0);
	mx_control_pad_put(1234, pad, 5);
	CU_ASSERT_EQUAL(mx_control_pad_rtt(pad, 5), 0);
	pad[0] = 1;
	CU_ASSERT_EQUAL(mx_control_pad_rtt(pad, sizeof(pad)), 0);
	CU_ASSERT_EQUAL(mx_control_init_probes(100, 1, 1500), 8);
	CU_ASSERT_EQUAL(mx_control_init_probes(1, 1, 1500), 1);
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"nobody is probed who has not shown himself", nobody_who_has_not_shown_himself},
		{"initialization phase: duration, rate, size", initialization},
		{"active phase: interval, duration", active},
		{"the round trip in the padding", padding},
	};

	return mams_suite_run("sounding", cases, MAMS_ARRAY_LEN(cases));
}
