/* Fragmentation and reassembly: every size over every link, in every form; fragments shuffled,
 * doubled, lost; fragments that contradict each other; memory and time that run out. */
#include "tests/support/sdu.h"
#include "trailer-madp/fragment.h"
#include "trailer-madp/reassembly.h"

#include <stdio.h>
#include <string.h>

#define SDU_MAX 65535u

/** The PDUs of one SDU. */
struct pdus {
	uint8_t data[MADP_GMA_FRAGMENTS_MAX][2048];
	uint32_t len[MADP_GMA_FRAGMENTS_MAX];
	uint32_t n;
};

static struct madp_reasm *reasm;
static struct madp_reasm_session session;
static uint8_t sdu[SDU_MAX];
static uint8_t got[SDU_MAX];
static struct pdus pdus;
static mams_time now;

static const struct madp_reasm_counters *counters(void)
{
	return madp_reasm_counters(reasm);
}

static void begin(const struct madp_reasm_conf *conf)
{
	reasm = madp_reasm_new(conf);
	CU_ASSERT_PTR_NOT_NULL_FATAL(reasm);
	session = (struct madp_reasm_session){0};
	now = mams_time_us(1000000);
}

static void end(void)
{
	madp_reasm_end(reasm, &session);
	CU_ASSERT_EQUAL(madp_reasm_blocks(reasm), 0);
	CU_ASSERT_EQUAL(session.blocks, 0);
	CU_ASSERT_EQUAL(session.sets, 0);
	CU_ASSERT_TRUE(mams_time_is_never(madp_reasm_deadline(reasm)));
	madp_reasm_free(reasm);
}

static enum madp_reason cut(const struct madp_gma_rules *rules, enum madp_gma_form form,
	uint32_t len, uint32_t max_pdu, uint32_t sn)
{
	const struct madp_gma g = {.form = form,
		.flags = MADP_GMA_FLOW_SN | MADP_GMA_DELIVERY_SN | MADP_GMA_CONNECTION_ID,
		.connection_id = 0x31,
		.flow_sn = sn};
	struct madp_fragmenter f;
	enum madp_reason why = madp_fragment_init(&f, rules, &g, sdu, len, max_pdu);
	uint32_t size;

	pdus.n = 0;
	if (why != MADP_OK)
		return why;
	while ((size = madp_fragment_size(&f))) {
		f.gma.delivery_sn = (uint8_t)pdus.n;
		CU_ASSERT_TRUE_FATAL(size <= sizeof(pdus.data[0]) && size <= max_pdu);
		pdus.len[pdus.n] = madp_fragment_next(&f, pdus.data[pdus.n]);
		CU_ASSERT_EQUAL(pdus.len[pdus.n], size);
		pdus.n++;
	}
	CU_ASSERT_EQUAL(madp_fragment_next(&f, NULL), 0);
	return MADP_OK;
}

/** Receive pdus.data[i] as another copy of it. */
static enum madp_reasm_result receive(
	const struct madp_gma_rules *rules, uint32_t i, uint32_t *sdu_len)
{
	static uint8_t buf[2048];
	struct madp_pkt p = {.data = buf, .len = pdus.len[i]};
	struct madp_gma g = {0};

	memcpy(buf, pdus.data[i], pdus.len[i]);
	CU_ASSERT_EQUAL_FATAL(madp_gma_decap(rules, &p, &g), MADP_OK);
	if (!madp_gma_is_fragment(&g)) {
		*sdu_len = p.len;
		memcpy(got, p.data, p.len);
		return MADP_REASM_COMPLETE;
	}
	CU_ASSERT_EQUAL(g.first_len, 0);
	CU_ASSERT_EQUAL(g.delivery_sn, (uint8_t)i);
	return madp_reasm_add(reasm, &session, &g, p.data, p.len, now, sdu_len);
}

static void shuffle(struct mams_prng *r, uint32_t *order, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		order[i] = i;
	for (uint32_t i = n; i > 1; i--) {
		uint32_t k = (uint32_t)mams_prng_below(r, i);
		uint32_t t = order[i - 1];

		order[i - 1] = order[k];
		order[k] = t;
	}
}

/** All PDUs in random order, some twice: the SDU once, and the same. */
static void whole_trip(struct mams_prng *r, const struct madp_gma_rules *rules, uint32_t len)
{
	uint32_t order[MADP_GMA_FRAGMENTS_MAX];
	uint32_t sdu_len = 0;
	uint32_t complete = 0;

	shuffle(r, order, pdus.n);
	for (uint32_t i = 0; i < pdus.n; i++) {
		for (uint32_t copy = 0; copy <= (mams_prng_below(r, 4) == 0 && pdus.n > 1);
			copy++) {
			if (receive(rules, order[i], &sdu_len) != MADP_REASM_COMPLETE)
				continue;
			complete++;
			if (pdus.n > 1)
				CU_ASSERT_EQUAL(madp_reasm_take(reasm, got), MADP_OK);
			CU_ASSERT_EQUAL(sdu_len, len);
			CU_ASSERT_EQUAL(memcmp(got, sdu, len), 0);
		}
	}
	CU_ASSERT_EQUAL(complete, 1);
}

static const enum madp_gma_form forms4[] = {MADP_GMA_TRAILER, MADP_GMA_HEADER_IP, MADP_GMA_HEADER};

/** Every size from the smallest packet to 9,000 octets over links of 1500, 1400 and 1280 octets
 * with outer IPv4 (28) and IPv6 (48), IPv4 in each form and IPv6. */
static void sizes(void)
{
	static const uint32_t links[] = {1500, 1400, 1280};
	struct mams_prng r = mams_prng_init(9000);
	uint32_t fragmented = 0;

	begin(&madp_reasm_defaults);
	for (uint32_t len = 20; len <= 9000; len++) {
		uint8_t version = mams_prng_below(&r, 2) && len >= 40 ? 6 : 4;
		struct madp_gma_rules rules = {.v4 = forms4[mams_prng_below(&r, 3)],
			.header_optimization = mams_prng_below(&r, 2),
			.fc_lsb_first = mams_prng_below(&r, 2)};
		uint32_t max = links[len % 3] - (mams_prng_below(&r, 2) ? 28 : 48);

		sdu_random(&r, version, sdu, len);
		CU_ASSERT_EQUAL_FATAL(
			cut(&rules, madp_gma_form_for(&rules, version), len, max, len), MADP_OK);
		fragmented += pdus.n > 1;
		CU_ASSERT_TRUE(pdus.n >= len / max && pdus.n <= len / (max - 40) + 1);
		whole_trip(&r, &rules, len);
		now.us += 1000;
	}
	CU_ASSERT_TRUE(fragmented > 7000);
	CU_ASSERT_EQUAL(counters()->complete, fragmented);
	CU_ASSERT_EQUAL(counters()->conflict + counters()->invalid + counters()->evicted, 0);
	end();
}

/** SDUs of all lengths in all forms over links of all lengths. */
static void property(void)
{
	struct mams_prng r = mams_prng_init(5);

	begin(&madp_reasm_defaults);
	for (uint32_t n = 0; n < 4000; n++) {
		uint8_t version = mams_prng_below(&r, 2) ? 6 : 4;
		struct madp_gma_rules rules = {.v4 = forms4[mams_prng_below(&r, 3)],
			.header_optimization = mams_prng_below(&r, 2)};
		enum madp_gma_form form = madp_gma_form_for(&rules, version);
		uint32_t len = 40 + (uint32_t)mams_prng_below(&r, n % 16 ? 4000 : SDU_MAX - 40);
		uint32_t max = 100 + (uint32_t)mams_prng_below(&r, 1900);
		enum madp_reason why;

		sdu_random(&r, version, sdu, len);
		why = cut(&rules, form, len, max, n);

		if (why == MADP_OK)
			whole_trip(&r, &rules, len);
		now.us += 10000;
	}
	end();
}

/** What is not whole within 500 ms never comes out, and its memory is given back. */
static void loss(void)
{
	struct mams_prng r = mams_prng_init(6);
	const struct madp_gma_rules rules = {.v4 = MADP_GMA_TRAILER};
	uint32_t lost = 0;
	uint32_t sdu_len;

	begin(&madp_reasm_defaults);
	for (uint32_t n = 0; n < 2000; n++) {
		bool missing = false;
		uint32_t complete = 0;

		sdu_random(&r, 4, sdu, 5000);
		CU_ASSERT_EQUAL(cut(&rules, MADP_GMA_TRAILER, 5000, 1372, n), MADP_OK);
		CU_ASSERT_EQUAL(pdus.n, 4);
		for (uint32_t i = 0; i < pdus.n; i++) {
			if (mams_prng_below(&r, 10) == 0) {
				missing = true;
				continue;
			}
			if (receive(&rules, i, &sdu_len) == MADP_REASM_COMPLETE) {
				complete++;
				CU_ASSERT_EQUAL(madp_reasm_take(reasm, got), MADP_OK);
			}
		}
		CU_ASSERT_EQUAL(complete, !missing);
		lost += missing;
		now.us += 20000;
	}
	CU_ASSERT_TRUE(lost > 200);
	now = mams_time_add_ms(now, 480);
	madp_reasm_tick(reasm, now);
	CU_ASSERT_TRUE(counters()->timeout <= lost && counters()->timeout >= lost - 4);
	CU_ASSERT_EQUAL(madp_reasm_blocks(reasm), 0);
	end();
}

static void deadline(void)
{
	const struct madp_gma_rules rules = {.v4 = MADP_GMA_TRAILER};
	struct mams_prng r = mams_prng_init(7);
	uint32_t sdu_len;

	begin(&madp_reasm_defaults);
	CU_ASSERT_TRUE(mams_time_is_never(madp_reasm_deadline(reasm)));
	sdu_random(&r, 4, sdu, 3000);
	CU_ASSERT_EQUAL(cut(&rules, MADP_GMA_TRAILER, 3000, 1400, 9), MADP_OK);
	CU_ASSERT_EQUAL(receive(&rules, 0, &sdu_len), MADP_REASM_KEPT);
	CU_ASSERT_EQUAL(madp_reasm_deadline(reasm).us, 1500000);
	now.us = 1499999;
	madp_reasm_tick(reasm, now);
	CU_ASSERT_EQUAL(counters()->timeout, 0);
	CU_ASSERT_EQUAL(receive(&rules, 1, &sdu_len), MADP_REASM_KEPT);
	now.us = 1500000;
	madp_reasm_tick(reasm, now);
	CU_ASSERT_EQUAL(counters()->timeout, 1);
	CU_ASSERT_EQUAL(madp_reasm_blocks(reasm), 0);
	CU_ASSERT_EQUAL(receive(&rules, 2, &sdu_len), MADP_REASM_KEPT); /* alone, a new one */
	end();
}

/** One fragment by hand; IPv6 in HEADER, so that the portion is all. */
static enum madp_reasm_result put(
	struct madp_reasm_session *s, uint32_t sn, uint8_t offset, bool more, uint32_t len)
{
	static const uint8_t octets[4096] = {0x60};
	const struct madp_gma g = {.form = MADP_GMA_HEADER,
		.flags = MADP_GMA_FC | MADP_GMA_FLOW_SN,
		.frag_offset = offset,
		.frag_more = more,
		.flow_sn = sn};
	uint32_t sdu_len = 0;
	enum madp_reasm_result result = madp_reasm_add(reasm, s, &g, octets, len, now, &sdu_len);

	return result;
}

static enum madp_reasm_result put_ip_form(struct madp_reasm_session *s, uint32_t sn, uint8_t offset)
{
	static const uint8_t octets[40] = {0x45};
	const struct madp_gma g = {.form = MADP_GMA_TRAILER,
		.flags = MADP_GMA_FC | MADP_GMA_FLOW_SN,
		.frag_offset = offset,
		.flow_sn = sn};
	uint32_t sdu_len = 0;

	return madp_reasm_add(reasm, s, &g, octets, sizeof(octets), now, &sdu_len);
}

static void contradictions(void)
{
	begin(&madp_reasm_defaults);
	/* twice the same: dropped, nothing else */
	CU_ASSERT_EQUAL(put(&session, 1, 1, true, 100), MADP_REASM_KEPT);
	CU_ASSERT_EQUAL(put(&session, 1, 1, true, 100), MADP_REASM_DROPPED);
	CU_ASSERT_EQUAL(counters()->duplicate, 1);
	/* again, another length: the SDU is discarded, and all that comes of it */
	CU_ASSERT_EQUAL(put(&session, 1, 1, true, 99), MADP_REASM_DROPPED);
	CU_ASSERT_EQUAL(counters()->conflict, 1);
	CU_ASSERT_EQUAL(madp_reasm_blocks(reasm), 0);
	CU_ASSERT_EQUAL(put(&session, 1, 0, true, 100), MADP_REASM_DROPPED);
	CU_ASSERT_EQUAL(counters()->late, 1);
	/* a second last one behind the first, before it, and in its place without MF */
	CU_ASSERT_EQUAL(put(&session, 2, 3, false, 100), MADP_REASM_KEPT);
	CU_ASSERT_EQUAL(put(&session, 2, 4, false, 100), MADP_REASM_DROPPED);
	CU_ASSERT_EQUAL(counters()->conflict, 2);
	CU_ASSERT_EQUAL(put(&session, 3, 3, false, 100), MADP_REASM_KEPT);
	CU_ASSERT_EQUAL(put(&session, 3, 2, false, 100), MADP_REASM_DROPPED);
	CU_ASSERT_EQUAL(counters()->conflict, 3);
	CU_ASSERT_EQUAL(put(&session, 4, 3, false, 100), MADP_REASM_KEPT);
	CU_ASSERT_EQUAL(put(&session, 4, 3, true, 100), MADP_REASM_DROPPED);
	CU_ASSERT_EQUAL(counters()->conflict, 4);
	/* behind the last one; a last one before others */
	CU_ASSERT_EQUAL(put(&session, 5, 3, false, 100), MADP_REASM_KEPT);
	CU_ASSERT_EQUAL(put(&session, 5, 4, true, 100), MADP_REASM_DROPPED);
	CU_ASSERT_EQUAL(put(&session, 6, 4, true, 100), MADP_REASM_KEPT);
	CU_ASSERT_EQUAL(put(&session, 6, 2, false, 100), MADP_REASM_DROPPED);
	CU_ASSERT_EQUAL(counters()->conflict, 6);
	/* one with a copy of the IP header, one without */
	CU_ASSERT_EQUAL(put(&session, 10, 0, true, 100), MADP_REASM_KEPT);
	CU_ASSERT_EQUAL(put_ip_form(&session, 10, 1), MADP_REASM_DROPPED);
	CU_ASSERT_EQUAL(counters()->conflict, 7);
	/* nothing in it; more than an IP packet holds */
	CU_ASSERT_EQUAL(put(&session, 7, 0, true, 0), MADP_REASM_DROPPED);
	CU_ASSERT_EQUAL(counters()->invalid, 1);
	for (uint8_t i = 0; i < 15; i++)
		CU_ASSERT_EQUAL(put(&session, 8, i, true, 4096), MADP_REASM_KEPT);
	CU_ASSERT_EQUAL(put(&session, 8, 15, true, 4096), MADP_REASM_DROPPED);
	CU_ASSERT_EQUAL(counters()->invalid, 2);
	CU_ASSERT_EQUAL(madp_reasm_blocks(reasm), 0);
	/* complete, but not one IPv6 packet; then its copies */
	CU_ASSERT_EQUAL(put(&session, 9, 1, false, 100), MADP_REASM_KEPT);
	CU_ASSERT_EQUAL(put(&session, 9, 0, true, 100), MADP_REASM_COMPLETE);
	CU_ASSERT_NOT_EQUAL(madp_reasm_take(reasm, got), MADP_OK);
	CU_ASSERT_EQUAL(counters()->invalid, 3);
	CU_ASSERT_EQUAL(put(&session, 9, 0, true, 100), MADP_REASM_DROPPED);
	CU_ASSERT_EQUAL(counters()->duplicate, 2);
	CU_ASSERT_EQUAL(madp_reasm_take(reasm, got), MADP_IP_SHORT); /* nothing to take */
	end();
}

/** Complete, not taken: gone with the next call, nothing leaks. */
static void not_taken(void)
{
	begin(&madp_reasm_defaults);
	CU_ASSERT_EQUAL(put(&session, 1, 1, false, 100), MADP_REASM_KEPT);
	CU_ASSERT_EQUAL(put(&session, 1, 0, true, 100), MADP_REASM_COMPLETE);
	CU_ASSERT_EQUAL(madp_reasm_blocks(reasm), 2);
	CU_ASSERT_EQUAL(put(&session, 2, 0, true, 100), MADP_REASM_KEPT);
	CU_ASSERT_EQUAL(madp_reasm_blocks(reasm), 1);
	CU_ASSERT_EQUAL(put(&session, 3, 1, false, 100), MADP_REASM_KEPT);
	CU_ASSERT_EQUAL(put(&session, 3, 0, true, 100), MADP_REASM_COMPLETE);
	end();
}

static void session_limits(void)
{
	static const struct madp_reasm_conf conf = {.blocks = 64,
		.sets = 32,
		.session_blocks = 16,
		.session_sets = 8,
		.timeout_ms = 500};

	begin(&conf);
	for (uint32_t sn = 0; sn < 9; sn++)
		CU_ASSERT_EQUAL(put(&session, sn, 0, true, 10), MADP_REASM_KEPT);
	CU_ASSERT_EQUAL(counters()->evicted, 1); /* the oldest */
	CU_ASSERT_EQUAL(session.sets, 8);
	CU_ASSERT_EQUAL(put(&session, 0, 1, true, 10), MADP_REASM_DROPPED);
	CU_ASSERT_EQUAL(counters()->late, 1);
	/* 7 sets of one block each and one that grows: the others go, then it ends itself */
	for (uint8_t i = 1; i < 16; i++)
		CU_ASSERT_EQUAL(put(&session, 8, i, true, 512), MADP_REASM_KEPT);
	CU_ASSERT_EQUAL(session.sets, 1);
	CU_ASSERT_EQUAL(session.blocks, 16);
	CU_ASSERT_EQUAL(put(&session, 8, 16, true, 1), MADP_REASM_DROPPED);
	CU_ASSERT_EQUAL(counters()->no_room, 1);
	CU_ASSERT_EQUAL(session.blocks, 0);
	end();
}

/** A session that fills all memory loses its own, not that of a quiet one. */
static void fairness(void)
{
	static const struct madp_reasm_conf conf = {.blocks = 64,
		.sets = 32,
		.session_blocks = 64,
		.session_sets = 32,
		.timeout_ms = 500};
	struct madp_reasm_session greedy = {0};
	struct madp_reasm_session late = {0};

	begin(&conf);
	CU_ASSERT_EQUAL(put(&session, 1, 1, true, 512), MADP_REASM_KEPT);
	for (uint32_t sn = 0; sn < 10000; sn++)
		CU_ASSERT_EQUAL(put(&greedy, sn, 0, true, 1024), MADP_REASM_KEPT);
	CU_ASSERT_EQUAL(madp_reasm_blocks(reasm), session.blocks + greedy.blocks);
	CU_ASSERT_TRUE(madp_reasm_blocks(reasm) <= 64);
	CU_ASSERT_EQUAL(session.blocks, 1);
	/* a third one gets what it needs at once */
	for (uint8_t i = 0; i < 12; i++)
		CU_ASSERT_EQUAL(put(&late, 1, i, true, 512), MADP_REASM_KEPT);
	CU_ASSERT_EQUAL(session.blocks, 1);
	CU_ASSERT_EQUAL(put(&session, 1, 2, false, 512), MADP_REASM_KEPT);
	CU_ASSERT_EQUAL(put(&session, 1, 0, true, 512), MADP_REASM_COMPLETE);
	madp_reasm_end(reasm, &greedy);
	madp_reasm_end(reasm, &late);
	CU_ASSERT_EQUAL(greedy.blocks + late.blocks, 0);
	end();
}

/** Two that hold exactly half each; a third is let in. */
static void newcomer(void)
{
	static const struct madp_reasm_conf conf = {.blocks = 64,
		.sets = 8,
		.session_blocks = 64,
		.session_sets = 8,
		.timeout_ms = 500};
	struct madp_reasm_session other = {0};
	struct madp_reasm_session late = {0};

	begin(&conf);
	for (uint32_t sn = 0; sn < 4; sn++) {
		CU_ASSERT_EQUAL(put(&session, sn, 0, true, 10), MADP_REASM_KEPT);
		CU_ASSERT_EQUAL(put(&other, sn, 0, true, 10), MADP_REASM_KEPT);
	}
	CU_ASSERT_EQUAL(put(&late, 1, 0, true, 10), MADP_REASM_KEPT);
	CU_ASSERT_EQUAL(counters()->evicted, 1);
	CU_ASSERT_EQUAL(session.sets + other.sets, 7);
	CU_ASSERT_EQUAL(put(&late, 1, 1, false, 10), MADP_REASM_COMPLETE);
	madp_reasm_end(reasm, &other);
	madp_reasm_end(reasm, &late);
	end();
}

static void flows_apart(void)
{
	struct madp_reasm_session other = {0};

	begin(&madp_reasm_defaults);
	CU_ASSERT_EQUAL(put(&session, 1, 0, true, 10), MADP_REASM_KEPT);
	CU_ASSERT_EQUAL(put(&other, 1, 1, false, 10), MADP_REASM_KEPT);
	CU_ASSERT_EQUAL(put(&session, 2, 1, false, 10), MADP_REASM_KEPT);
	CU_ASSERT_EQUAL(put(&session, 1, 1, false, 10), MADP_REASM_COMPLETE);
	CU_ASSERT_EQUAL(put(&other, 1, 0, true, 10), MADP_REASM_COMPLETE);
	madp_reasm_end(reasm, &other);
	end();
}

/** Hostile fragments of many sessions for a while: bounds hold, nothing leaks. */
static void hostile(void)
{
	static const struct madp_reasm_conf conf = {.blocks = 100,
		.sets = 20,
		.session_blocks = 40,
		.session_sets = 6,
		.timeout_ms = 500};
	struct madp_reasm_session many[8] = {{0}};
	struct mams_prng r = mams_prng_init(8);

	begin(&conf);
	for (uint32_t n = 0; n < 200000; n++) {
		struct madp_reasm_session *s = &many[mams_prng_below(&r, 8)];
		uint32_t blocks = 0;

		(void)put(s, (uint32_t)mams_prng_below(&r, 12), (uint8_t)mams_prng_below(&r, 5),
			mams_prng_below(&r, 4), (uint32_t)mams_prng_below(&r, 4097));
		if (mams_prng_below(&r, 3) == 0)
			(void)madp_reasm_take(reasm, got);
		if (mams_prng_below(&r, 50) == 0)
			madp_reasm_end(reasm, s);
		now.us += (int64_t)mams_prng_below(&r, 20000);
		for (size_t i = 0; i < 8; i++) {
			CU_ASSERT_TRUE(many[i].blocks <= 40 && many[i].sets <= 6);
			blocks += many[i].blocks;
		}
		CU_ASSERT_EQUAL(blocks, madp_reasm_blocks(reasm));
		CU_ASSERT_TRUE(blocks <= 100);
	}
	CU_ASSERT_TRUE(counters()->complete && counters()->conflict && counters()->evicted &&
		       counters()->timeout && counters()->duplicate && counters()->late &&
		       counters()->invalid && counters()->ended);
	for (size_t i = 0; i < 8; i++)
		madp_reasm_end(reasm, &many[i]);
	end();
}

static void fragment_refuses(void)
{
	const struct madp_gma_rules rules = {.v4 = MADP_GMA_TRAILER};
	struct madp_gma g = {.form = MADP_GMA_TRAILER, .flags = MADP_GMA_FLOW_SN};
	struct mams_prng r = mams_prng_init(1);
	struct madp_fragmenter f;

	sdu_random(&r, 4, sdu, 2000);
	CU_ASSERT_EQUAL(madp_fragment_init(&f, &rules, &g, sdu, 2000, 500), MADP_OK);
	CU_ASSERT_EQUAL(f.n, 5); /* 1,980 octets, 500 - 20 - 8 = 472 in each */
	/* 128 portions of 4 octets carry 512 */
	CU_ASSERT_EQUAL(madp_fragment_init(&f, &rules, &g, sdu, 532, 32), MADP_OK);
	CU_ASSERT_EQUAL(f.n, 128);
	CU_ASSERT_EQUAL(madp_fragment_init(&f, &rules, &g, sdu, 533, 32), MADP_TOO_LONG);
	CU_ASSERT_EQUAL(madp_fragment_init(&f, &rules, &g, sdu, 40, 28), MADP_TOO_LONG);
	CU_ASSERT_EQUAL(madp_fragment_init(&f, &rules, &g, sdu, 19, 100), MADP_IP_SHORT);
	g.flags = 0;
	CU_ASSERT_EQUAL(madp_fragment_init(&f, &rules, &g, sdu, 2000, 500), MADP_GMA_NO_SN);
	g.flags = MADP_GMA_FLOW_SN | MADP_GMA_FSL;
	CU_ASSERT_EQUAL(madp_fragment_init(&f, &rules, &g, sdu, 2000, 500), MADP_GMA_FSL_FC);
	g.flags = MADP_GMA_FLOW_SN;
	g.form = MADP_GMA_BARE;
	CU_ASSERT_EQUAL(madp_fragment_init(&f, &rules, &g, sdu, 2000, 500), MADP_GMA_FORM);
	g.form = MADP_GMA_HEADER;
	CU_ASSERT_EQUAL(madp_fragment_init(&f, &rules, &g, sdu, 2000, 500), MADP_OK);
	g.form = MADP_GMA_TRAILER;
	sdu[0] = 0x4f;
	CU_ASSERT_EQUAL(madp_fragment_init(&f, &rules, &g, sdu, 59, 40), MADP_IP_HEADER);
	sdu[0] = 0x60;
	CU_ASSERT_EQUAL(madp_fragment_init(&f, &rules, &g, sdu, 2000, 500), MADP_GMA_FORM);
}

static void configuration(void)
{
	static const struct madp_reasm_conf bad[] = {
		{.blocks = 1, .sets = 2, .session_blocks = 1, .session_sets = 1},
		{.blocks = 65535, .sets = 2, .session_blocks = 1, .session_sets = 1},
		{.blocks = 2, .sets = 1, .session_blocks = 1, .session_sets = 1},
		{.blocks = 2, .sets = 65535, .session_blocks = 1, .session_sets = 1},
		{.blocks = 2, .sets = 2, .session_blocks = 0, .session_sets = 1},
		{.blocks = 2, .sets = 2, .session_blocks = 1, .session_sets = 0},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CU_ASSERT_PTR_NULL(madp_reasm_new(&bad[i]));
	madp_reasm_free(NULL);
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"sizes 20..9000 over links of 1500, 1400, 1280", sizes},
		{"random: cut, shuffle, double, join", property},
		{"loss", loss},
		{"deadline", deadline},
		{"contradictions", contradictions},
		{"complete, not taken", not_taken},
		{"limits of a session", session_limits},
		{"fairness", fairness},
		{"a newcomer is let in", newcomer},
		{"sessions and SDUs apart", flows_apart},
		{"hostile fragments", hostile},
		{"fragmentation refuses", fragment_refuses},
		{"configuration", configuration},
	};

	return mams_suite_run("reassembly", cases, sizeof(cases) / sizeof(cases[0]));
}
