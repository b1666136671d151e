/* Memory of reassembly under hostile fragments: hundreds of sessions send what is never complete,
 * contradicts itself, comes twice, shuffled or with gaps; what is measured stays inside what the
 * header says, and the one session that does right loses nothing. */
#include "lib/base/err.h"
#include "tests/support/sdu.h"
#include "trailer-madp/fragment.h"
#include "trailer-madp/reassembly.h"

#include <malloc.h>
#include <stdio.h>
#include <string.h>
#if defined(__SANITIZE_ADDRESS__)
size_t __sanitizer_get_current_allocated_bytes(void); /* its header is clang's */
#endif

#define HOSTILE 400u
#define MIB (1024u * 1024u)
#define SDU 5000u
#define PARTS 4u

static struct madp_reasm *reasm;
static struct madp_reasm_session hostile[HOSTILE];
static struct madp_reasm_session honest;
static mams_time now;

/** Octets that this process has from the heap. */
static size_t heap(void)
{
#if defined(__SANITIZE_ADDRESS__)
	return __sanitizer_get_current_allocated_bytes();
#else
	const struct mallinfo2 m = mallinfo2();

	return m.uordblks + m.hblkhd;
#endif
}

/* ---- who sends ---- */

static void send_part(struct madp_reasm_session *s, uint32_t sn, uint8_t flow, uint8_t offset,
	bool more, uint32_t len)
{
	static const uint8_t octets[4096] = {0x60};
	static uint8_t out[MADP_IP_MAX];
	const struct madp_gma g = {.form = MADP_GMA_HEADER,
		.flags = MADP_GMA_FC | MADP_GMA_FLOW_SN | MADP_GMA_FLOW_ID,
		.flow_id = flow,
		.frag_offset = offset,
		.frag_more = more,
		.flow_sn = sn};
	uint32_t sdu_len;

	if (madp_reasm_add(reasm, s, &g, octets, len, now, &sdu_len) == MADP_REASM_COMPLETE)
		(void)madp_reasm_take(reasm, out);
}

/** What a session does is its number's last digit. */
static void misbehave(struct mams_prng *r, uint32_t i, uint32_t turn)
{
	struct madp_reasm_session *s = &hostile[i];
	const uint32_t big = 3500 + (uint32_t)mams_prng_below(r, 597);
	const uint8_t flow = (uint8_t)mams_prng_below(r, 8);
	const uint8_t at = (uint8_t)mams_prng_below(r, 128);

	switch (i % 7) {
	case 6: /* as much as a session may have, again and again */
		for (uint8_t part = 0; part < 8; part++)
			send_part(s, turn, 7, part, true, 4096);
		break;
	case 0: /* one SDU grows, and never ends */
		send_part(s, turn / 128, 0, (uint8_t)(turn % 128), true, big);
		break;
	case 1: /* first parts without end */
		send_part(s, turn, flow, 0, true, big);
		break;
	case 2: /* last parts, whose others never come */
		send_part(s, turn, flow, at ? at : 1, false, big);
		break;
	case 3: /* a few SDUs over and over, that contradict themselves */
		send_part(s, (uint32_t)mams_prng_below(r, 3), 0, at % 4, turn % 3, big - turn % 2);
		break;
	case 4: /* the same part twice, in the smallest pieces, and from the far end */
		send_part(s, turn / 8, 0, (uint8_t)(127 - turn % 8), true, 1);
		send_part(s, turn / 8, 0, (uint8_t)(127 - turn % 8), true, 1);
		break;
	default: /* anything */
		send_part(s, (uint32_t)mams_prng_next(r) & MADP_GMA_SN_MASK, flow, at,
			mams_prng_below(r, 2), (uint32_t)mams_prng_below(r, 4097));
		break;
	}
}

/** One SDU in shuffled parts, each twice.
 *  @param crowd  so many hostile sessions send between them
 *  @return did it come out, and as it was?  A second time is no harm: when memory is short, what
 *          is complete is forgotten early, and its Flow SN is known to the reorder buffer */
static bool behave(struct mams_prng *r, uint32_t turn, uint32_t crowd)
{
	static const struct madp_gma_rules rules = {.v4 = MADP_GMA_TRAILER};
	static uint8_t sdu[SDU], got[SDU], pdu[2 * PARTS][2048];
	const struct madp_gma g = {
		.form = MADP_GMA_HEADER, .flags = MADP_GMA_FLOW_SN, .flow_sn = turn};
	struct madp_fragmenter f;
	uint32_t len[2 * PARTS], n = 0, out_len = 0, came = 0;
	bool same = false;

	sdu_random(r, 6, sdu, SDU);
	CU_ASSERT_EQUAL_FATAL(madp_fragment_init(&f, &rules, &g, sdu, SDU, 1372), MADP_OK);
	while (madp_fragment_size(&f))
		len[n] = madp_fragment_next(&f, pdu[n]), n++;
	CU_ASSERT_EQUAL_FATAL(n, PARTS);
	for (uint32_t k = 0; k < 2 * PARTS; k++) {
		const uint32_t from = (k * (turn % 2 ? 3 : 1) + turn) % PARTS;
		uint8_t copy[2048];
		struct madp_pkt p = {.data = copy, .len = len[from]};
		struct madp_gma in = {0};

		memcpy(copy, pdu[from], len[from]);
		CU_ASSERT_EQUAL_FATAL(madp_gma_decap(&rules, &p, &in), MADP_OK);
		if (madp_reasm_add(reasm, &honest, &in, p.data, p.len, now, &out_len) ==
			MADP_REASM_COMPLETE) {
			came++;
			same = (came == 1 || same) && madp_reasm_take(reasm, got) == MADP_OK &&
			       out_len == SDU && memcmp(got, sdu, SDU) == 0;
		}
		for (uint32_t i = k; i < crowd; i += 2 * PARTS)
			misbehave(r, i, turn);
	}
	return came >= 1 && same;
}

/* ---- what is measured ---- */

static uint32_t check_bounds(void)
{
	uint32_t blocks = honest.blocks;
	uint32_t sets = honest.sets;
	bool each = true;

	for (uint32_t i = 0; i < HOSTILE; i++) {
		each &= hostile[i].blocks <= madp_reasm_defaults.session_blocks &&
			hostile[i].sets <= madp_reasm_defaults.session_sets;
		blocks += hostile[i].blocks;
		sets += hostile[i].sets;
	}
	CU_ASSERT_TRUE(each);
	CU_ASSERT_EQUAL(blocks, madp_reasm_blocks(reasm));
	CU_ASSERT_TRUE(blocks * MADP_REASM_BLOCK <= 16 * MIB);
	CU_ASSERT_TRUE(sets <= madp_reasm_defaults.sets);
	return blocks;
}

static void begin(size_t *full)
{
	const size_t before = heap();

	reasm = madp_reasm_new(&madp_reasm_defaults);
	CU_ASSERT_PTR_NOT_NULL_FATAL(reasm);
	memset(hostile, 0, sizeof(hostile));
	honest = (struct madp_reasm_session){0};
	now = mams_time_us(1000000);
	*full = heap();
	CU_ASSERT_TRUE(*full - before >= 16 * MIB && *full - before < MADP_REASM_MEMORY);
}

static void end(void)
{
	for (uint32_t i = 0; i < HOSTILE; i++)
		madp_reasm_end(reasm, &hostile[i]);
	madp_reasm_end(reasm, &honest);
	CU_ASSERT_EQUAL(madp_reasm_blocks(reasm), 0);
	madp_reasm_free(reasm);
}

static void crowd(void)
{
	struct mams_prng r = mams_prng_init(513);
	const struct madp_reasm_counters *c;
	size_t full;
	uint32_t peak = 0;
	uint32_t whole = 0;

	begin(&full);
	for (uint32_t turn = 0; turn < 1000; turn++) {
		const uint32_t crowd = turn < 300 ? 30 : turn < 600 ? 120 : HOSTILE;
		const uint32_t blocks = (whole += behave(&r, turn, crowd), check_bounds());

		peak = blocks > peak ? blocks : peak;
		if (turn % 50 == 0)
			CU_ASSERT_EQUAL(heap(), full); /* not an octet more */
		now.us += 3000;
	}
	c = madp_reasm_counters(reasm);
	printf("  %llu fragments, at most %u KiB of %u KiB, %llu evicted, %llu timeouts\n",
		(unsigned long long)c->fragments, peak / 2, 16 * 1024,
		(unsigned long long)c->evicted, (unsigned long long)c->timeout);
	CU_ASSERT_EQUAL(whole, 1000);
	CU_ASSERT_TRUE(peak >= madp_reasm_defaults.blocks / 2); /* the bound was in sight */
	CU_ASSERT_TRUE(c->evicted && c->conflict && c->duplicate && c->late);
	/* when they stop, all of it comes back within the timeout */
	now = mams_time_add_ms(now, madp_reasm_defaults.timeout_ms);
	madp_reasm_tick(reasm, now);
	CU_ASSERT_EQUAL(check_bounds(), 0);
	end();
}

/** One against one: a flood from a single session takes 1 MiB and no more. */
static void alone(void)
{
	struct mams_prng r = mams_prng_init(514);
	size_t full;
	uint32_t peak = 0;

	begin(&full);
	for (uint32_t n = 0; n < 100000; n++) {
		send_part(&hostile[0], n / 16, 0, (uint8_t)(n % 16), true, 4000);
		peak = hostile[0].blocks > peak ? hostile[0].blocks : peak;
		if (n % 100 == 0)
			CU_ASSERT_TRUE(behave(&r, n, 0));
	}
	CU_ASSERT_TRUE(peak <= madp_reasm_defaults.session_blocks);
	CU_ASSERT_TRUE(peak > madp_reasm_defaults.session_blocks * 9 / 10);
	CU_ASSERT_EQUAL(heap(), full);
	end();
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"hundreds of hostile sessions, one that does right", crowd},
		{"one flood", alone},
	};

	return mams_suite_run("reassembly_memory", cases, MAMS_ARRAY_LEN(cases));
}
