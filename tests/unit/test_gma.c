/* GMA PDUs: what must be refused and by which counter, and random packets there and back again. */
#include "tests/support/gma_equal.h"
#include "tests/support/suite.h"

#include <string.h>

#define ROOM 32u
#define SIZE 1600u

static uint8_t buf[SIZE + 2 * ROOM];
static struct madp_pkt p;
static struct madp_gma got;
static struct madp_gma_rules rules;

/** SDU A of tests/vectors/gma, with a correct checksum. */
static const uint8_t sdu_a[32] = {0x45, 0xb9, 0, 32, 0x12, 0x34, 0x40, 0, 64, 17, 0x59, 0xd3, 10, 1,
	2, 3, 192, 0, 2, 9, 0x03, 0xe8, 0, 53, 0, 12, 0, 0, 'm', 'a', 'm', 's'};

static void load(const uint8_t *data, size_t len)
{
	memset(buf, 0xee, sizeof(buf));
	memcpy(buf + ROOM, data, len);
	p = (struct madp_pkt){.data = buf + ROOM, .len = (uint32_t)len, .head = ROOM, .tail = ROOM};
}

/** SDU A behind encapsulation in form with flags; extra octets of other fields are fixed. */
static void make(enum madp_gma_form form, uint16_t flags)
{
	const struct madp_gma g = {
		.form = form,
		.flags = flags,
		.fsl = 32,
		.connection_id = 0x31,
		.frag_more = true,
		.flow_sn = 6,
		.timestamp_ms = 99,
	};

	rules = (struct madp_gma_rules){.v4 = form};
	load(sdu_a, sizeof(sdu_a));
	CU_ASSERT_EQUAL(madp_gma_encap(&rules, &g, &p), MADP_OK);
}

static enum madp_reason decap(void)
{
	return madp_gma_decap(&rules, &p, &got);
}

/** Give a changed IPv4 PDU the length and checksum that belong to it. */
static void seal(void)
{
	madp_put16(p.data + 2, (uint16_t)p.len);
	madp_put16(p.data + 10, madp_ip4_checksum(p.data, 20));
}

/** The last two octets of a trailer PDU are the flags. */
static void trailer_flags(uint16_t flags)
{
	make(MADP_GMA_TRAILER, MADP_GMA_FLOW_SN);
	madp_put16(p.data + p.len - 2, flags);
}

static void refused_flags(void)
{
	static const struct {
		uint16_t flags;
		enum madp_reason want;
	} cases[] = {
		{0x0280, MADP_OK}, {0x0281, MADP_GMA_VERSION}, {0x0282, MADP_GMA_VERSION},
		{0x0284, MADP_GMA_VERSION}, {0x0288, MADP_GMA_FLAG}, {0x0290, MADP_GMA_FLAG},
		{0x02a0, MADP_GMA_FLAG}, {0x02c0, MADP_GMA_FLAG}, {0x0200, MADP_GMA_NO_TTL},
		{0x0000, MADP_GMA_NO_TTL}, {0x4a80, MADP_GMA_FSL_FC},
		{0x8280, MADP_GMA_BAD_CHECKSUM}, /* reads an octet of the SDU as checksum */
		{0x0880, MADP_GMA_NO_SN},        /* reads Flow SN 6 as FC */
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		trailer_flags(cases[i].flags);
		CU_ASSERT_EQUAL(decap(), cases[i].want);
	}
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		make(MADP_GMA_HEADER_IP, MADP_GMA_FLOW_SN);
		madp_put16(p.data + 20, cases[i].flags);
		if (cases[i].want != MADP_GMA_NO_SN)
			CU_ASSERT_EQUAL(decap(), cases[i].want);
	}
	trailer_flags(0x0280);
	rules.refused = MADP_GMA_FLOW_SN;
	CU_ASSERT_EQUAL(decap(), MADP_GMA_FLAG);
}

static void refused_header(void)
{
	static const struct {
		uint16_t flags;
		enum madp_reason want;
	} cases[] = {
		{0x0200, MADP_OK},
		{0x0204, MADP_GMA_VERSION},
		{0x0240, MADP_GMA_FLAG},
		{0x0280, MADP_GMA_FORM},   /* TTL */
		{0x0000, MADP_IP_VERSION}, /* Flow SN 6 taken for an IP header */
		{0x0900, MADP_GMA_NO_SN},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		make(MADP_GMA_HEADER, MADP_GMA_FLOW_SN);
		madp_put16(p.data, cases[i].flags);
		CU_ASSERT_EQUAL(decap(), cases[i].want);
	}
}

/** Every PDU cut at every place, and octets behind it. */
static void lengths(void)
{
	static const enum madp_gma_form forms[] = {
		MADP_GMA_TRAILER, MADP_GMA_HEADER_IP, MADP_GMA_HEADER, MADP_GMA_BARE};

	for (size_t f = 0; f < 4; f++) {
		for (size_t n = 0;; n++) {
			make(forms[f], forms[f] == MADP_GMA_BARE ? 0 : MADP_GMA_FLOW_SN);
			if (n == p.len)
				break;
			p.len = (uint32_t)n;
			CU_ASSERT_NOT_EQUAL(decap(), MADP_OK);
			if (n >= 20 && forms[f] != MADP_GMA_HEADER) {
				make(forms[f], forms[f] == MADP_GMA_BARE ? 0 : MADP_GMA_FLOW_SN);
				p.len = (uint32_t)n;
				seal(); /* now only GMA itself can be wrong */
				(void)decap();
			}
		}
		if (forms[f] == MADP_GMA_HEADER)
			continue; /* more SDUs may follow */
		make(forms[f], forms[f] == MADP_GMA_BARE ? 0 : MADP_GMA_FLOW_SN);
		p.len++;
		CU_ASSERT_EQUAL(decap(), MADP_IP_LENGTH);
	}
	p.len = 0;
	CU_ASSERT_EQUAL(decap(), MADP_GMA_SHORT);

	/* header optimization: the SDU's length field must be that of what is left */
	load(sdu_a, 32);
	p.data[3] = 33;
	madp_put16(p.data + 10, madp_ip4_checksum(p.data, 20));
	rules = (struct madp_gma_rules){.v4 = MADP_GMA_TRAILER, .header_optimization = true};
	CU_ASSERT_EQUAL(
		madp_gma_encap(&rules, &(struct madp_gma){.form = MADP_GMA_TRAILER}, &p), MADP_OK);
	CU_ASSERT_EQUAL(decap(), MADP_IP_LENGTH);

	/* a trailer larger than everything behind the IP header */
	load(sdu_a, 24);
	p.data[9] = MADP_IPPROTO_GMA;
	madp_put16(p.data + 22, 0x0380);
	seal();
	rules = (struct madp_gma_rules){.v4 = MADP_GMA_TRAILER};
	CU_ASSERT_EQUAL(decap(), MADP_GMA_SHORT);
	load(sdu_a, 21);
	p.data[9] = MADP_IPPROTO_GMA;
	seal();
	CU_ASSERT_EQUAL(decap(), MADP_GMA_SHORT);
	load(sdu_a, 32);
	p.data[9] = MADP_IPPROTO_GMA;
	p.data[0] = 0x49;
	CU_ASSERT_EQUAL(decap(), MADP_IP_HEADER);
	p.data[0] = 0x44;
	CU_ASSERT_EQUAL(decap(), MADP_IP_HEADER);
}

static void first_length(void)
{
	const struct madp_gma g = {.form = MADP_GMA_TRAILER, .flags = MADP_GMA_FSL, .fsl = 32};

	for (unsigned fsl = 0; fsl < 40; fsl++) {
		struct madp_gma own = g;
		enum madp_reason want = fsl < 20 || fsl > 32 ? MADP_GMA_BAD_FSL : MADP_OK;

		rules = (struct madp_gma_rules){.v4 = MADP_GMA_TRAILER};
		own.fsl = (uint16_t)fsl;
		load(sdu_a, sizeof(sdu_a));
		CU_ASSERT_EQUAL(madp_gma_encap(&rules, &own, &p), MADP_OK);
		CU_ASSERT_EQUAL(decap(), want);
	}
}

static void checksums(void)
{
	for (unsigned bit = 0; bit < 8 * 12; bit++) { /* TTL TS SN CID checksum NH flags */
		enum madp_reason why;

		make(MADP_GMA_TRAILER, MADP_GMA_CHECKSUM | MADP_GMA_FLOW_SN | MADP_GMA_TIMESTAMP |
					       MADP_GMA_CONNECTION_ID);
		p.data[p.len - 13 + bit / 8] ^= (uint8_t)(1 << bit % 8);
		why = decap();
		if (bit != 11 * 8 + 7) /* the one that says there is a checksum */
			CU_ASSERT_NOT_EQUAL(why, MADP_OK);
		if (bit / 8 < 11)
			CU_ASSERT_EQUAL(why, MADP_GMA_BAD_CHECKSUM);
		CU_ASSERT(why < MADP_REASON_COUNT); /* an index of counters */
	}
	make(MADP_GMA_TRAILER, 0);
	p.data[10] ^= 1;
	CU_ASSERT_EQUAL(decap(), MADP_IP_CHECKSUM);
	make(MADP_GMA_TRAILER, 0);
	p.data[19] ^= 1; /* a destination that changed on the way does not become right */
	CU_ASSERT_EQUAL(decap(), MADP_IP_CHECKSUM);
}

/** Which form may carry what: section 4. */
static void forms(void)
{
	static const uint8_t udp6[48] = {0x60, 0, 0, 0, 0, 8, 17, 64};
	struct madp_gma g = {.form = MADP_GMA_TRAILER};

	CU_ASSERT_EQUAL(madp_gma_choose(true, true), MADP_GMA_TRAILER);
	CU_ASSERT_EQUAL(madp_gma_choose(true, false), MADP_GMA_TRAILER);
	CU_ASSERT_EQUAL(madp_gma_choose(false, true), MADP_GMA_HEADER);
	CU_ASSERT_EQUAL(madp_gma_choose(false, false), MADP_GMA_HEADER_IP);
	rules = (struct madp_gma_rules){.v4 = MADP_GMA_TRAILER};
	CU_ASSERT_EQUAL(madp_gma_form_for(&rules, 4), MADP_GMA_TRAILER);
	CU_ASSERT_EQUAL(madp_gma_form_for(&rules, 6), MADP_GMA_HEADER);

	load(udp6, sizeof(udp6));
	CU_ASSERT_EQUAL(madp_gma_encap(&rules, &g, &p), MADP_GMA_FORM);
	g.form = MADP_GMA_HEADER_IP;
	CU_ASSERT_EQUAL(madp_gma_encap(&rules, &g, &p), MADP_GMA_FORM);
	g.form = MADP_GMA_BARE;
	CU_ASSERT_EQUAL(madp_gma_encap(&rules, &g, &p), MADP_GMA_FORM);
	CU_ASSERT_EQUAL(decap(), MADP_GMA_FORM); /* IPv6 without a GMA header */
	g.form = MADP_GMA_HEADER;
	CU_ASSERT_EQUAL(madp_gma_encap(&rules, &g, &p), MADP_OK);
	CU_ASSERT_EQUAL(decap(), MADP_OK);

	load(sdu_a, sizeof(sdu_a));
	rules.v4 = MADP_GMA_HEADER;
	CU_ASSERT_EQUAL(decap(), MADP_GMA_FORM); /* non-IP: in every packet */
	make(MADP_GMA_TRAILER, 0);
	rules.v4 = MADP_GMA_HEADER;
	CU_ASSERT_EQUAL(decap(), MADP_GMA_FORM); /* 114, not agreed on */
	make(MADP_GMA_TRAILER, 0);
	g.form = MADP_GMA_BARE;
	CU_ASSERT_EQUAL(madp_gma_encap(&rules, &g, &p), MADP_GMA_FORM); /* would be misread */

	g.form = MADP_GMA_HEADER;
	g.flags = MADP_GMA_FSL;
	CU_ASSERT_EQUAL(madp_gma_encap(&rules, &g, &p), MADP_GMA_FORM);
	g.flags = MADP_GMA_TTL;
	CU_ASSERT_EQUAL(madp_gma_encap(&rules, &g, &p), MADP_GMA_FORM);
	g.form = MADP_GMA_TRAILER;
	g.flags = MADP_GMA_FSL | MADP_GMA_FC;
	CU_ASSERT_EQUAL(madp_gma_encap(&rules, &g, &p), MADP_GMA_FSL_FC);
}

/** No room, too long, not IP: an error, and the packet as it was. */
static void encap_refuses(void)
{
	static uint8_t big[MADP_IP_MAX + 64];
	static const enum madp_gma_form all[] = {
		MADP_GMA_TRAILER, MADP_GMA_HEADER_IP, MADP_GMA_HEADER};

	for (size_t f = 0; f < 3; f++) {
		const struct madp_gma g = {.form = all[f], .flags = MADP_GMA_FLOW_SN};
		uint32_t size = madp_gma_size(all[f],
			(uint16_t)(g.flags | (all[f] == MADP_GMA_HEADER ? 0 : MADP_GMA_TTL)));

		rules = (struct madp_gma_rules){.v4 = all[f]};
		load(sdu_a, sizeof(sdu_a));
		p.head = p.tail = size - 1;
		CU_ASSERT_EQUAL(madp_gma_encap(&rules, &g, &p), MADP_TOO_LONG);
		CU_ASSERT_EQUAL(memcmp(p.data, sdu_a, sizeof(sdu_a)), 0);
		CU_ASSERT_EQUAL(p.len, sizeof(sdu_a));
		p.head = p.tail = size;
		CU_ASSERT_EQUAL(madp_gma_encap(&rules, &g, &p), MADP_OK);
		CU_ASSERT_EQUAL(p.head + p.tail, size);
		if (all[f] == MADP_GMA_HEADER)
			continue;
		memcpy(big + 32, sdu_a, 20);
		p = (struct madp_pkt){.data = big + 32, .len = MADP_IP_MAX, .head = 32, .tail = 32};
		CU_ASSERT_EQUAL(madp_gma_encap(&rules, &g, &p), MADP_TOO_LONG);
		p.len = MADP_IP_MAX - size;
		CU_ASSERT_EQUAL(madp_gma_encap(&rules, &g, &p), MADP_OK);
		load(sdu_a, 19);
		CU_ASSERT_EQUAL(madp_gma_encap(&rules, &g, &p), MADP_IP_SHORT);
		load(sdu_a, 20);
		p.data[0] = 0x46;
		CU_ASSERT_EQUAL(madp_gma_encap(&rules, &g, &p), MADP_IP_HEADER);
	}
}

static void foreign(void)
{
	/* an IP packet of another 0-hop protocol: 24 octets of text */
	load((const uint8_t *)"0123456789abcdefghijsome other protocol", 39);
	memcpy(p.data, sdu_a, 20);
	p.data[9] = MADP_IPPROTO_GMA;
	seal();
	rules = (struct madp_gma_rules){.v4 = MADP_GMA_TRAILER};
	CU_ASSERT_TRUE(madp_gma_is_foreign(decap()));
	CU_ASSERT_FALSE(madp_gma_is_foreign(MADP_OK));
	CU_ASSERT_FALSE(madp_gma_is_foreign(MADP_IP_CHECKSUM));
}

/** A random SDU with a right IPv4 checksum, or an IPv6 one, at the middle of buf. */
static void random_sdu(struct mams_prng *r, bool v6)
{
	uint32_t hlen = v6 ? 40 : 20 + 4 * (uint32_t)mams_prng_below(r, 11);
	uint32_t len = hlen + (uint32_t)mams_prng_below(r, SIZE - hlen);

	p = (struct madp_pkt){.data = buf + ROOM, .len = len, .head = ROOM, .tail = ROOM};
	p.tail += SIZE - len;
	for (uint32_t i = 0; i < len; i++)
		p.data[i] = (uint8_t)mams_prng_next(r);
	if (v6) {
		p.data[0] = 0x60;
		madp_put16(p.data + 4, (uint16_t)(len - 40));
		return;
	}
	p.data[0] = (uint8_t)(0x40 | hlen / 4);
	madp_put16(p.data + 2, (uint16_t)len);
	madp_put16(p.data + 10, madp_ip4_checksum(p.data, hlen));
}

static struct madp_gma random_gma(struct mams_prng *r, enum madp_gma_form form, uint32_t len)
{
	struct madp_gma g = {.form = form, .flags = (uint16_t)mams_prng_next(r) & MADP_GMA_ALL};

	if (form == MADP_GMA_HEADER)
		g.flags &= (uint16_t) ~(MADP_GMA_TTL | MADP_GMA_FSL);
	else
		g.flags |= MADP_GMA_TTL;
	if (g.flags & MADP_GMA_FSL)
		g.flags &= (uint16_t)~MADP_GMA_FC;
	if (g.flags & MADP_GMA_FC) {
		g.flags |= MADP_GMA_FLOW_SN;
		g.frag_offset = (uint8_t)mams_prng_below(r, 128);
		g.frag_more = mams_prng_below(r, 2);
	}
	if (g.flags & MADP_GMA_FSL)
		g.fsl = (uint16_t)len;
	if (g.flags & MADP_GMA_CONNECTION_ID)
		g.connection_id = (uint8_t)mams_prng_next(r);
	if (g.flags & MADP_GMA_FLOW_ID)
		g.flow_id = (uint8_t)mams_prng_next(r);
	if (g.flags & MADP_GMA_DELIVERY_SN)
		g.delivery_sn = (uint8_t)mams_prng_next(r);
	if (g.flags & MADP_GMA_FLOW_SN)
		g.flow_sn = mams_prng_next(r) & MADP_GMA_SN_MASK;
	if (g.flags & MADP_GMA_TIMESTAMP)
		g.timestamp_ms = (uint32_t)mams_prng_next(r);
	return g;
}

static void property(void)
{
	struct mams_prng r = mams_prng_init(9188);
	static uint8_t copy[SIZE];

	for (unsigned n = 0; n < 50000; n++) {
		bool v6 = mams_prng_below(&r, 4) == 0;
		enum madp_gma_form form =
			v6 ? MADP_GMA_HEADER : (enum madp_gma_form)(1 + mams_prng_below(&r, 3));
		struct madp_gma g;
		uint32_t len;

		rules = (struct madp_gma_rules){.v4 = v6 ? MADP_GMA_TRAILER : form,
			.header_optimization = mams_prng_below(&r, 2),
			.fc_lsb_first = mams_prng_below(&r, 2)};
		random_sdu(&r, v6);
		len = p.len;
		memcpy(copy, p.data, len);
		g = random_gma(&r, form, len);
		CU_ASSERT_EQUAL_FATAL(madp_gma_encap(&rules, &g, &p), MADP_OK);
		CU_ASSERT_EQUAL(p.len, len + madp_gma_size(form, g.flags));
		if (form != MADP_GMA_HEADER)
			CU_ASSERT_TRUE(p.data[8] == 1 && p.data[9] == MADP_IPPROTO_GMA);
		memset(&got, 0, sizeof(got));
		CU_ASSERT_EQUAL_FATAL(decap(), MADP_OK);
		if (form != MADP_GMA_HEADER) {
			g.ttl = copy[8];
			g.next_header = copy[9];
		}
		g.first_len = madp_gma_is_fragment(&g) ? 0 : len;
		CU_ASSERT_TRUE(gma_equal(&g, &got));
		CU_ASSERT_EQUAL(p.len, len);
		CU_ASSERT_EQUAL(memcmp(copy, p.data, len), 0);
	}
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"flags that are refused, IP forms", refused_flags},
		{"flags that are refused, non-IP", refused_header},
		{"lengths", lengths},
		{"first SDU length", first_length},
		{"checksums", checksums},
		{"forms", forms},
		{"encapsulation refuses", encap_refuses},
		{"foreign use of protocol 114", foreign},
		{"random: there and back again", property},
	};

	return mams_suite_run("gma", cases, sizeof(cases) / sizeof(cases[0]));
}
