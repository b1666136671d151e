/* Client NAT: a worked PDU, what is refused, and the property that the two ends undo each other
 * whatever the packet. */
#include "lib/base/err.h"
#include "tests/support/sdu.h"
#include "trailer-madp/gma.h"
#include "trailer-madp/nat.h"

#include <string.h>

/* 10.60.0.2:1000 -> 192.0.2.9:53, UDP, as the application sent it.  By hand: the header's words are
 * 4500 0020 1234 4000 4011 0a3c 0002 c000 0209, sum 1a3ac, folded a3ad, checksum 5c52; UDP with the
 * pseudo-header 0a3c 0002 c000 0209 0011 000c and 03e8 0035 000c 6d61 6d73, sum 1ab61, folded ab62,
 * checksum 549d. */
static const uint8_t sdu[32] = {0x45, 0, 0, 32, 0x12, 0x34, 0x40, 0, 64, 17, 0x5c, 0x52, 10, 60, 0,
	2, 192, 0, 2, 9, 0x03, 0xe8, 0, 53, 0, 12, 0x54, 0x9d, 'm', 'a', 'm', 's'};
/* The same on the link of 10.1.1.2, smallest trailer: length 36, TTL 1, protocol 114; 4500 0024
 * 1234 4000 0172 0a01 0102 c000 0209, sum 165d6, folded 65d7, checksum 9a28; trailer TTL 64, Next
 * Header 17, Flags 0080.  UDP is as it was. */
static const uint8_t wire[36] = {0x45, 0, 0, 36, 0x12, 0x34, 0x40, 0, 1, 114, 0x9a, 0x28, 10, 1, 1,
	2, 192, 0, 2, 9, 0x03, 0xe8, 0, 53, 0, 12, 0x54, 0x9d, 'm', 'a', 'm', 's', 64, 17, 0, 0x80};

static const struct madp_nat nat = {.anchor = {10, 60, 0, 2}, .link = {10, 1, 1, 2}};
static const struct madp_gma_rules rules = {.v4 = MADP_GMA_TRAILER};

static uint8_t buf[2048];

static void load(const uint8_t *from, size_t len)
{
	memset(buf, 0, sizeof(buf));
	memcpy(buf, from, len);
}

static void worked_uplink(void)
{
	const struct madp_gma g = {.form = MADP_GMA_TRAILER, .flags = MADP_GMA_TTL};
	struct madp_pkt p = {.data = buf, .len = sizeof(sdu), .tail = 64};
	struct madp_gma back;
	size_t len;

	load(sdu, sizeof(sdu));
	CU_ASSERT_EQUAL(madp_gma_encap(&rules, &g, &p), MADP_OK);
	CU_ASSERT_EQUAL(madp_nat_out(buf, MADP_NAT_SOURCE, &nat), MADP_OK);
	CU_ASSERT_EQUAL(p.len, sizeof(wire));
	CU_ASSERT_EQUAL(memcmp(buf, wire, sizeof(wire)), 0);
	/* Ethernet fills up to 46 octets */
	CU_ASSERT_EQUAL(madp_nat_look(buf, 46, &len), MADP_OK);
	CU_ASSERT_EQUAL(len, sizeof(wire));
	CU_ASSERT_EQUAL(madp_nat_in(buf, MADP_NAT_SOURCE, &nat), MADP_OK);
	p = (struct madp_pkt){.data = buf, .len = (uint32_t)len};
	CU_ASSERT_EQUAL(madp_gma_decap(&rules, &p, &back), MADP_OK);
	CU_ASSERT_EQUAL(p.len, sizeof(sdu));
	CU_ASSERT_EQUAL(memcmp(buf, sdu, sizeof(sdu)), 0);
}

/* Downlink it is the destination; the source, which is some server's, stays. */
static void destination(void)
{
	load(wire, sizeof(wire));
	memcpy(buf + 12, wire + 16, 4);
	memcpy(buf + 16, nat.anchor, 4);
	madp_put16(buf + 10, madp_ip4_checksum(buf, MADP_IP4_HEADER));
	CU_ASSERT_EQUAL(madp_nat_out(buf, MADP_NAT_SOURCE, &nat), MADP_NAT_ADDRESS);
	CU_ASSERT_EQUAL(madp_nat_out(buf, MADP_NAT_DESTINATION, &nat), MADP_OK);
	CU_ASSERT_EQUAL(memcmp(buf + 12, wire + 16, 4), 0);
	CU_ASSERT_EQUAL(memcmp(buf + 16, nat.link, 4), 0);
	CU_ASSERT_TRUE(madp_ip4_checksum_ok(buf, MADP_IP4_HEADER));
	CU_ASSERT_EQUAL(memcmp(madp_nat_address(buf, MADP_NAT_DESTINATION), nat.link, 4), 0);
	CU_ASSERT_EQUAL(madp_nat_in(buf, MADP_NAT_SOURCE, &nat), MADP_NAT_ADDRESS);
	CU_ASSERT_EQUAL(madp_nat_in(buf, MADP_NAT_DESTINATION, &nat), MADP_OK);
	CU_ASSERT_EQUAL(memcmp(buf + 16, nat.anchor, 4), 0);
}

static void look_refuses(void)
{
	size_t out = 77;

	load(wire, sizeof(wire));
	for (size_t len = 0; len < sizeof(wire); len++)
		CU_ASSERT_EQUAL(madp_nat_look(buf, len, &out),
			len < MADP_IP4_HEADER ? MADP_IP_SHORT : MADP_IP_LENGTH);
	buf[10] ^= 1;
	CU_ASSERT_EQUAL(madp_nat_look(buf, sizeof(wire), &out), MADP_IP_CHECKSUM);
	buf[9] = 17;
	CU_ASSERT_EQUAL(madp_nat_look(buf, sizeof(wire), &out), MADP_NAT_PROTOCOL);
	buf[0] = 0x4f;
	CU_ASSERT_EQUAL(madp_nat_look(buf, sizeof(wire), &out), MADP_IP_HEADER);
	buf[0] = 0x44;
	CU_ASSERT_EQUAL(madp_nat_look(buf, sizeof(wire), &out), MADP_IP_HEADER);
	buf[0] = 0x25;
	CU_ASSERT_EQUAL(madp_nat_look(buf, sizeof(wire), &out), MADP_IP_VERSION);
	memset(buf, 0, 60);
	buf[0] = 0x60;
	buf[6] = 114;
	CU_ASSERT_EQUAL(madp_nat_look(buf, 60, &out), MADP_IP_VERSION);
	CU_ASSERT_EQUAL(out, 77);
}

/* Whose address it is not stays as it is, to the last octet. */
static void others_are_not_touched(void)
{
	uint8_t before[sizeof(wire)];

	load(wire, sizeof(wire));
	buf[15] ^= 0x80;
	memcpy(before, buf, sizeof(before));
	CU_ASSERT_EQUAL(madp_nat_in(buf, MADP_NAT_SOURCE, &nat), MADP_NAT_ADDRESS);
	CU_ASSERT_EQUAL(madp_nat_out(buf, MADP_NAT_SOURCE, &nat), MADP_NAT_ADDRESS);
	CU_ASSERT_EQUAL(memcmp(buf, before, sizeof(before)), 0);
}

/* A sending kernel fills in an Identification of 0, each time another one. */
static void fragments_without_identification(void)
{
	static const struct {
		uint16_t fragment; /* flags and offset */
		uint16_t id;
		bool changes;
	} t[] = {
		{0x2000, 0, true},     /* the first */
		{0x20b9, 0, true},     /* one in the middle */
		{0x00b9, 0, true},     /* the last */
		{0x4000, 0, false},    /* whole, Don't Fragment */
		{0x0000, 0, false},    /* whole */
		{0x2000, 0x55, false}, /* has one */
	};
	uint16_t first = 0;

	for (size_t i = 0; i < MAMS_ARRAY_LEN(t); i++) {
		uint16_t id;

		load(wire, sizeof(wire));
		memcpy(buf + 12, nat.anchor, 4);
		madp_put16(buf + 4, t[i].id);
		madp_put16(buf + 6, t[i].fragment);
		madp_put16(buf + 10, madp_ip4_checksum(buf, MADP_IP4_HEADER));
		CU_ASSERT_EQUAL(madp_nat_out(buf, MADP_NAT_SOURCE, &nat), MADP_OK);
		CU_ASSERT_TRUE(madp_ip4_checksum_ok(buf, MADP_IP4_HEADER));
		id = madp_get16(buf + 4);
		CU_ASSERT_EQUAL(id != t[i].id, t[i].changes);
		if (i == 0)
			first = id;
		if (t[i].changes)
			CU_ASSERT_EQUAL(id, first);
	}
}

static void prepare(
	struct mams_prng *r, uint32_t len, enum madp_nat_side side, const struct madp_nat *n)
{
	sdu_random(r, 4, buf, len);
	/* half of them whole packets, and few without an Identification */
	if (mams_prng_below(r, 2))
		madp_put16(buf + 6, 0x4000);
	buf[9] = (uint8_t)(buf[9] == MADP_IPPROTO_GMA ? 6 : buf[9]);
	memcpy(buf + (side == MADP_NAT_SOURCE ? 12 : 16), n->anchor, 4);
	madp_put16(buf + 10, madp_ip4_checksum(buf, MADP_IP4_HEADER));
}

/** 0xffff and 0 are the same checksum. */
static void normalise(uint8_t *ip)
{
	if (madp_get16(ip + 10) == 0xffff)
		madp_put16(ip + 10, 0);
}

/* Any packet, any two addresses: the other end has it as it was, and on the link nothing but the
 * one address and the checksum differ from the PDU without NAT. */
static void both_ends_undo_each_other(void)
{
	const struct madp_gma g = {
		.form = MADP_GMA_TRAILER, .flags = MADP_GMA_TTL | MADP_GMA_FLOW_SN, .flow_sn = 7};
	struct mams_prng r = mams_prng_init(1141);
	uint8_t before[2048];
	unsigned bad = 0;

	for (unsigned i = 0; i < 20000; i++) {
		enum madp_nat_side side = (enum madp_nat_side)mams_prng_below(&r, 2);
		uint32_t len = MADP_IP4_HEADER + (uint32_t)mams_prng_below(&r, 1400);
		size_t at = side == MADP_NAT_SOURCE ? 12 : 16;
		struct madp_nat n;
		struct madp_pkt p = {.data = buf, .len = len, .tail = 64};
		struct madp_gma back;
		size_t total = 0;

		for (size_t k = 0; k < 4; k++) {
			n.anchor[k] = (uint8_t)mams_prng_next(&r);
			n.link[k] = (uint8_t)mams_prng_next(&r);
		}
		prepare(&r, len, side, &n);
		if (madp_gma_encap(&rules, &g, &p) != MADP_OK)
			bad++;
		memcpy(before, buf, p.len);
		bad += madp_nat_out(buf, side, &n) != MADP_OK;
		bad += !madp_ip4_checksum_ok(buf, MADP_IP4_HEADER);
		bad += memcmp(buf + at, n.link, 4) != 0;
		bad += memcmp(buf + 20, before + 20, p.len - 20) != 0;
		bad += memcmp(buf + 6, before + 6, 4) != 0;
		bad += memcmp(buf + (28 - at), before + (28 - at), 4) != 0;
		bad += madp_nat_look(buf, p.len, &total) != MADP_OK || total != p.len;
		bad += madp_nat_in(buf, side, &n) != MADP_OK;
		if (madp_get16(before + 4) == 0) /* a fragment may have got one */
			madp_put16(before + 4, madp_get16(buf + 4));
		madp_put16(before + 10, madp_ip4_checksum(before, MADP_IP4_HEADER));
		normalise(before);
		normalise(buf);
		bad += memcmp(buf, before, p.len) != 0;
		bad += madp_gma_decap(&rules, &p, &back) != MADP_OK || p.len != len;
	}
	CU_ASSERT_EQUAL(bad, 0);
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"a worked PDU", worked_uplink},
		{"downlink: the destination", destination},
		{"what is no PDU", look_refuses},
		{"other addresses", others_are_not_touched},
		{"fragments without Identification", fragments_without_identification},
		{"both ends undo each other", both_ends_undo_each_other},
	};

	return mams_suite_run("nat", cases, MAMS_ARRAY_LEN(cases));
}
