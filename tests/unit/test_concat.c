/* Concatenation and splitting: what may stand together, numbering, lengths that lie, and random
 * packets together and apart. */
#include "tests/support/sdu.h"
#include "trailer-madp/concat.h"

#include <string.h>

static uint8_t buf[4096];
static struct madp_concat c;
static const mams_time soon = {5000};
static const struct madp_gma_rules trailer = {.v4 = MADP_GMA_TRAILER};

static bool add(const uint8_t *sdu, uint32_t len, uint32_t sn)
{
	uint8_t version = sdu[0] >> 4;
	uint8_t *room = madp_concat_room(&c, version, len, sn);

	if (!room)
		return false;
	memcpy(room, sdu, len);
	madp_concat_commit(&c, version, len, sn, soon);
	return true;
}

static void together(void)
{
	struct mams_prng r = mams_prng_init(1);
	uint8_t a[200];
	uint8_t six[100];
	struct madp_gma g = {.form = MADP_GMA_TRAILER, .flags = MADP_GMA_FLOW_SN};
	struct madp_pkt pdu;

	sdu_random(&r, 4, a, 200);
	sdu_random(&r, 6, six, 100);
	madp_concat_init(&c, buf, sizeof(buf), 1472);
	CU_ASSERT_TRUE(mams_time_is_never(madp_concat_deadline(&c)));
	CU_ASSERT_EQUAL(madp_concat_take(&c, &trailer, &g, &pdu), MADP_IP_SHORT);
	CU_ASSERT_PTR_NULL(madp_concat_room(&c, 4, 1440, 1)); /* nothing could stand beside it */
	CU_ASSERT_PTR_NOT_NULL(madp_concat_room(&c, 4, 1435, 1));
	CU_ASSERT_TRUE(add(a, 200, MADP_GMA_SN_MASK));
	CU_ASSERT_EQUAL(madp_concat_deadline(&c).us, 5000);
	CU_ASSERT_FALSE(add(a, 200, 1));   /* one is missing between them */
	CU_ASSERT_FALSE(add(six, 100, 0)); /* another client address */
	for (uint32_t i = 0; i < 6; i++)
		CU_ASSERT_TRUE(add(a, 200, i));
	CU_ASSERT_FALSE(add(a, 200, 6)); /* 7 x 200 + 17 octets are 1,417 */
	CU_ASSERT_EQUAL(madp_concat_take(&c, &trailer, &g, &pdu), MADP_OK);
	CU_ASSERT_EQUAL(g.fsl, 200);
	CU_ASSERT_EQUAL(g.flow_sn, 5);
	CU_ASSERT_EQUAL(pdu.len, 1400 + 1 + 3 + 2 + 1 + 2);
	CU_ASSERT_EQUAL(madp_get16(pdu.data + 2), pdu.len);
	CU_ASSERT_TRUE(mams_time_is_never(madp_concat_deadline(&c)));
	/* one alone is an ordinary PDU */
	CU_ASSERT_TRUE(add(a, 200, 6));
	CU_ASSERT_EQUAL(madp_concat_take(&c, &trailer, &g, &pdu), MADP_OK);
	CU_ASSERT_EQUAL(g.flags & MADP_GMA_FSL, 0);
	g.flags = 0;
	CU_ASSERT_TRUE(add(a, 200, 7));
	CU_ASSERT_EQUAL(madp_concat_take(&c, &trailer, &g, &pdu), MADP_GMA_NO_SN);
	madp_concat_init(&c, buf, 20, 1472); /* no room at all */
	CU_ASSERT_PTR_NULL(madp_concat_room(&c, 4, 20, 1));
}

/** Three SDUs (32, 28, 32 octets) behind each other; see tests/vectors/gma/header_three.txt. */
static void three(struct madp_pkt *p)
{
	struct mams_prng r = {3};

	sdu_random(&r, 4, buf, 32);
	sdu_random(&r, 4, buf + 32, 28);
	sdu_random(&r, 4, buf + 60, 32);
	*p = (struct madp_pkt){.data = buf, .len = 92};
}

static void numbering(void)
{
	struct madp_gma g = {
		.form = MADP_GMA_HEADER, .flags = MADP_GMA_FLOW_SN, .flow_sn = 6, .first_len = 32};
	struct madp_concat_sdu sdu;
	struct madp_split s;
	struct madp_pkt p;

	three(&p);
	CU_ASSERT_EQUAL(madp_split_init(&s, &p, &g), MADP_OK);
	CU_ASSERT_EQUAL(s.n, 3);
	for (uint32_t sn = 4; sn <= 6; sn++) { /* section 6's example */
		CU_ASSERT_TRUE(madp_split_next(&s, &sdu));
		CU_ASSERT_EQUAL(sdu.flow_sn, sn);
		CU_ASSERT_EQUAL(sdu.len, sn == 5 ? 28 : 32);
	}
	CU_ASSERT_FALSE(madp_split_next(&s, &sdu));
	g.flow_sn = 0; /* the circle of 2^24 */
	CU_ASSERT_EQUAL(madp_split_init(&s, &p, &g), MADP_OK);
	CU_ASSERT_TRUE(madp_split_next(&s, &sdu));
	CU_ASSERT_EQUAL(sdu.flow_sn, 0xfffffe);
}

static void lies(void)
{
	static const struct {
		uint32_t at;
		uint8_t value;
		enum madp_reason want;
	} cases[] = {
		{0, 0x45, MADP_OK},
		{32, 0x00, MADP_IP_VERSION},
		{32, 0x44, MADP_IP_HEADER},
		{35, 27, MADP_IP_VERSION}, /* the third begins one octet early */
		{35, 19, MADP_IP_LENGTH},
		{63, 31, MADP_IP_SHORT}, /* one octet is left over */
		{63, 33, MADP_IP_LENGTH},
		{3, 60, MADP_GMA_BAD_FSL},
	};
	struct madp_gma g = {.form = MADP_GMA_TRAILER,
		.flags = MADP_GMA_FLOW_SN | MADP_GMA_FSL,
		.fsl = 32,
		.first_len = 32};
	struct madp_split s;
	struct madp_pkt p;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		three(&p);
		buf[59] = 0;
		buf[cases[i].at] = cases[i].value;
		CU_ASSERT_EQUAL(madp_split_init(&s, &p, &g), cases[i].want);
	}
	three(&p);
	g.flags = MADP_GMA_FSL;
	CU_ASSERT_EQUAL(madp_split_init(&s, &p, &g), MADP_GMA_NO_SN);
	p.len = 0;
	CU_ASSERT_EQUAL(madp_split_init(&s, &p, &g), MADP_IP_SHORT);
}

static void families(void)
{
	struct mams_prng r = mams_prng_init(2);
	struct madp_gma g = {.form = MADP_GMA_HEADER, .flags = MADP_GMA_FLOW_SN, .first_len = 40};
	struct madp_pkt p = {.data = buf, .len = 80};
	struct madp_split s;

	sdu_random(&r, 6, buf, 40);
	sdu_random(&r, 6, buf + 40, 40);
	CU_ASSERT_EQUAL(madp_split_init(&s, &p, &g), MADP_OK);
	g.form = MADP_GMA_TRAILER;
	CU_ASSERT_EQUAL(madp_split_init(&s, &p, &g), MADP_GMA_FORM);
	g.form = MADP_GMA_HEADER;
	sdu_random(&r, 4, buf + 40, 40);
	CU_ASSERT_EQUAL(madp_split_init(&s, &p, &g), MADP_GMA_FORM);
}

static void property(void)
{
	static const enum madp_gma_form forms[] = {
		MADP_GMA_TRAILER, MADP_GMA_HEADER_IP, MADP_GMA_HEADER};
	static uint8_t sdus[100][400];
	uint32_t len[100];
	struct mams_prng r = mams_prng_init(66);

	for (unsigned n = 0; n < 3000; n++) {
		uint8_t version = mams_prng_below(&r, 3) ? 4 : 6;
		struct madp_gma_rules rules = {.v4 = forms[mams_prng_below(&r, 3)],
			.header_optimization = mams_prng_below(&r, 2)};
		struct madp_gma g = {.form = madp_gma_form_for(&rules, version),
			.flags = MADP_GMA_FLOW_SN |
				 (mams_prng_below(&r, 2) ? MADP_GMA_CHECKSUM : 0)};
		uint32_t sn = (uint32_t)mams_prng_next(&r) & MADP_GMA_SN_MASK;
		uint32_t max = 500 + (uint32_t)mams_prng_below(&r, 1000);
		struct madp_gma got = {0};
		struct madp_concat_sdu sdu;
		struct madp_split s;
		struct madp_pkt pdu;
		uint32_t i = 0;

		madp_concat_init(&c, buf, sizeof(buf), max);
		for (; i < 100; i++) {
			len[i] = 40 + (uint32_t)mams_prng_below(&r, 350);
			sdu_random(&r, version, sdus[i], len[i]);
			if (!add(sdus[i], len[i], (sn + i) & MADP_GMA_SN_MASK))
				break;
		}
		CU_ASSERT_TRUE_FATAL(i > 0);
		CU_ASSERT_EQUAL_FATAL(madp_concat_take(&c, &rules, &g, &pdu), MADP_OK);
		CU_ASSERT_TRUE(pdu.len <= max);
		CU_ASSERT_EQUAL_FATAL(madp_gma_decap(&rules, &pdu, &got), MADP_OK);
		CU_ASSERT_EQUAL_FATAL(madp_split_init(&s, &pdu, &got), MADP_OK);
		CU_ASSERT_EQUAL(s.n, i);
		for (uint32_t k = 0; k < i; k++) {
			CU_ASSERT_TRUE_FATAL(madp_split_next(&s, &sdu));
			CU_ASSERT_EQUAL(sdu.flow_sn, (sn + k) & MADP_GMA_SN_MASK);
			CU_ASSERT_EQUAL_FATAL(sdu.len, len[k]);
			CU_ASSERT_EQUAL(memcmp(sdu.data, sdus[k], len[k]), 0);
		}
		CU_ASSERT_FALSE(madp_split_next(&s, &sdu));
	}
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"what stands together", together},
		{"numbering", numbering},
		{"lengths that lie", lies},
		{"families", families},
		{"random: together and apart", property},
	};

	return mams_suite_run("concat", cases, sizeof(cases) / sizeof(cases[0]));
}
