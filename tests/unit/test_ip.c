/* Inner IP headers: every length that can lie, every extension header that is followed, and the
 * checksum arithmetic against the plain sum. */
#include "tests/support/suite.h"
#include "trailer-madp/ip.h"

#include <string.h>

/* 10.1.2.3:1000 -> 192.0.2.9:53, UDP, DSCP 46, ECN 1, TTL 64; 28 octets and 4 of data */
static const uint8_t udp4[32] = {0x45, 0xb9, 0, 32, 0x12, 0x34, 0x40, 0, 64, 17, 0, 0, 10, 1, 2, 3,
	192, 0, 2, 9, 0x03, 0xe8, 0, 53, 0, 12, 0, 0, 'm', 'a', 'm', 's'};
/* 2001:db8::1 port 1000 -> 2001:db8::2 port 53, UDP, DSCP 46, ECN 1, Hop Limit 63 */
static const uint8_t udp6[52] = {0x6b, 0x90, 0, 0, 0, 12, 17, 63, 0x20, 0x01, 0x0d, 0xb8, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 1, 0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0x03,
	0xe8, 0, 53, 0, 12, 0, 0, 'm', 'a', 'm', 's'};

static uint8_t pkt[256];
static struct madp_ip ip;

static enum madp_reason parse(size_t len)
{
	return madp_ip_parse(pkt, len, &ip);
}

static void load(const uint8_t *from, size_t len)
{
	memset(pkt, 0, sizeof(pkt));
	memcpy(pkt, from, len);
}

static void ipv4(void)
{
	load(udp4, sizeof(udp4));
	CU_ASSERT_EQUAL(parse(32), MADP_OK);
	CU_ASSERT_EQUAL(ip.key.version, 4);
	CU_ASSERT_EQUAL(ip.key.proto, 17);
	CU_ASSERT_EQUAL(memcmp(ip.key.src, "\x0a\x01\x02\x03\0\0\0\0\0\0\0\0\0\0\0\0", 16), 0);
	CU_ASSERT_EQUAL(memcmp(ip.key.dst, "\xc0\0\x02\x09\0\0\0\0\0\0\0\0\0\0\0\0", 16), 0);
	CU_ASSERT_EQUAL(ip.key.sport, 1000);
	CU_ASSERT_EQUAL(ip.key.dport, 53);
	CU_ASSERT_EQUAL(ip.len, 32);
	CU_ASSERT_EQUAL(ip.header_len, 20);
	CU_ASSERT_EQUAL(ip.dscp, 46);
	CU_ASSERT_EQUAL(ip.ecn, 1);
	CU_ASSERT_EQUAL(ip.ttl, 64);
	CU_ASSERT_TRUE(ip.has_ports && !ip.is_fragment);
	CU_ASSERT_EQUAL(parse(200), MADP_OK); /* more may follow */
	CU_ASSERT_EQUAL(ip.len, 32);
}

static void ipv6(void)
{
	load(udp6, sizeof(udp6));
	CU_ASSERT_EQUAL(parse(52), MADP_OK);
	CU_ASSERT_EQUAL(ip.key.version, 6);
	CU_ASSERT_EQUAL(ip.key.proto, 17);
	CU_ASSERT_EQUAL(memcmp(ip.key.src, udp6 + 8, 16), 0);
	CU_ASSERT_EQUAL(memcmp(ip.key.dst, udp6 + 24, 16), 0);
	CU_ASSERT_EQUAL(ip.key.sport, 1000);
	CU_ASSERT_EQUAL(ip.key.dport, 53);
	CU_ASSERT_EQUAL(ip.len, 52);
	CU_ASSERT_EQUAL(ip.header_len, 40);
	CU_ASSERT_EQUAL(ip.dscp, 46);
	CU_ASSERT_EQUAL(ip.ecn, 1);
	CU_ASSERT_EQUAL(ip.ttl, 63);
	CU_ASSERT_TRUE(ip.has_ports && !ip.is_fragment);
}

static void lies(void)
{
	static const struct {
		const uint8_t *from;
		size_t len;
		size_t at;
		uint8_t value;
		enum madp_reason want;
	} cases[] = {
		{udp4, 0, 0, 0x45, MADP_IP_SHORT}, {udp4, 19, 0, 0x45, MADP_IP_SHORT},
		{udp4, 32, 0, 0x55, MADP_IP_VERSION}, {udp4, 32, 0, 0x05, MADP_IP_VERSION},
		{udp4, 32, 0, 0x44, MADP_IP_HEADER}, /* IHL below 5 */
		{udp4, 32, 0, 0x49, MADP_IP_HEADER}, /* header of 36 octets */
		{udp4, 32, 3, 33, MADP_IP_LENGTH},   /* one octet too many */
		{udp4, 31, 3, 32, MADP_IP_LENGTH},   /* one octet is lost */
		{udp4, 32, 3, 19, MADP_IP_LENGTH},   /* less than the header */
		{udp4, 32, 2, 0xff, MADP_IP_LENGTH}, /* 65,312 */
		{udp4, 32, 3, 20, MADP_OK},          /* nothing but the header */
		{udp4, 32, 3, 23, MADP_OK},          /* half a pair of ports */
		{udp6, 39, 0, 0x60, MADP_IP_SHORT}, {udp6, 51, 0, 0x60, MADP_IP_LENGTH},
		{udp6, 52, 5, 13, MADP_IP_LENGTH}, {udp6, 52, 4, 0xff, MADP_IP_LENGTH},
		{udp6, 52, 6, 0, MADP_IP_HEADER}, /* UDP ports as an extension of 1,864 octets */
		{udp6, 52, 6, 59, MADP_OK},       /* no next header */
		{udp6, 40, 5, 0, MADP_OK},        /* UDP announced, nothing there */
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		load(cases[i].from, cases[i].len);
		pkt[cases[i].at] = cases[i].value;
		if (parse(cases[i].len) != cases[i].want)
			printf("case %zu: %s\n", i, madp_reason_name(parse(cases[i].len)));
		CU_ASSERT_EQUAL(parse(cases[i].len), cases[i].want);
	}
	load(udp4, 32);
	pkt[3] = 23;
	CU_ASSERT_EQUAL(parse(32), MADP_OK);
	CU_ASSERT_TRUE(!ip.has_ports && ip.key.sport == 0);
}

static void fragments4(void)
{
	load(udp4, sizeof(udp4));
	pkt[6] = 0x20; /* first, more follow */
	CU_ASSERT_EQUAL(parse(32), MADP_OK);
	CU_ASSERT_TRUE(ip.is_fragment && ip.has_ports);
	pkt[6] = 0;
	pkt[7] = 1; /* last, offset 8 */
	CU_ASSERT_EQUAL(parse(32), MADP_OK);
	CU_ASSERT_TRUE(ip.is_fragment && !ip.has_ports);
	pkt[6] = 0xc0; /* reserved bit and Don't Fragment are no fragment */
	pkt[7] = 0;
	CU_ASSERT_EQUAL(parse(32), MADP_OK);
	CU_ASSERT_TRUE(!ip.is_fragment && ip.has_ports);
}

/** IPv6 with extension headers ext[n] of (type, octets), then UDP ports. */
static size_t build6(const uint8_t ext[][2], size_t n)
{
	size_t pos = 40;
	uint8_t *next = &pkt[6];

	load(udp6, 40);
	for (size_t i = 0; i < n; i++) {
		*next = ext[i][0];
		next = &pkt[pos];
		pkt[pos + 1] = ext[i][0] == 51 ? (uint8_t)(ext[i][1] / 4 - 2)
					       : (uint8_t)(ext[i][1] / 8 - 1);
		if (ext[i][0] == 44)
			pkt[pos + 1] = 0;
		pos += ext[i][1];
	}
	*next = 17;
	memcpy(pkt + pos, udp6 + 40, 12);
	pos += 12;
	pkt[5] = (uint8_t)(pos - 40);
	return pos;
}

static void extensions(void)
{
	static const uint8_t all[][2] = {{0, 8}, {60, 16}, {43, 24}, {44, 8}, {51, 24}, {60, 8}};
	static const uint8_t nine[][2] = {
		{60, 8}, {60, 8}, {60, 8}, {60, 8}, {60, 8}, {60, 8}, {60, 8}, {60, 8}, {60, 8}};
	size_t len = build6(all, 6);

	CU_ASSERT_EQUAL(parse(len), MADP_OK);
	CU_ASSERT_EQUAL(ip.header_len, 40 + 88);
	CU_ASSERT_EQUAL(ip.key.proto, 17);
	CU_ASSERT_EQUAL(ip.key.dport, 53);
	CU_ASSERT_TRUE(ip.has_ports && !ip.is_fragment); /* an atomic fragment is none */
	for (size_t cut = 41; cut < 40 + 88; cut++) {
		pkt[5] = (uint8_t)(cut - 40);
		(void)parse(cut); /* the sanitizer watches */
		CU_ASSERT_FALSE(ip.has_ports);
	}
	pkt[5] = 60; /* ends inside the authentication header */
	CU_ASSERT_EQUAL(parse(100), MADP_IP_HEADER);

	len = build6(nine, 9); /* eight are followed */
	CU_ASSERT_EQUAL(parse(len), MADP_OK);
	CU_ASSERT_TRUE(!ip.has_ports && ip.key.proto == 60);
}

static void fragments6(void)
{
	static const uint8_t frag[][2] = {{44, 8}, {60, 16}};
	size_t len = build6(frag, 2);

	pkt[43] = 1; /* M: first fragment */
	CU_ASSERT_EQUAL(parse(len), MADP_OK);
	CU_ASSERT_TRUE(ip.is_fragment && ip.has_ports);
	pkt[5] = 12; /* the first fragment cuts the chain */
	CU_ASSERT_EQUAL(parse(52), MADP_OK);
	CU_ASSERT_TRUE(ip.is_fragment && !ip.has_ports && ip.key.proto == 60);
	pkt[5] = (uint8_t)(len - 40);
	pkt[42] = 0x10; /* offset: what follows is data of another fragment's header */
	CU_ASSERT_EQUAL(parse(len), MADP_OK);
	CU_ASSERT_TRUE(ip.is_fragment && !ip.has_ports && ip.header_len == 48);
}

/** The sum of RFC 791, word by word. */
static uint16_t plain_checksum(const uint8_t *p, size_t len)
{
	uint32_t s = 0;

	for (size_t i = 0; i < len; i += 2)
		if (i != 10)
			s += (uint32_t)(p[i] << 8 | p[i + 1]);
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return (uint16_t)~s;
}

static void checksum(void)
{
	struct mams_prng r = mams_prng_init(1624);

	for (unsigned n = 0; n < 20000; n++) {
		size_t hlen = 20 + 4 * mams_prng_below(&r, 11);
		uint16_t sum;

		for (size_t i = 0; i < hlen; i++) /* many 0x00 and 0xff: where carries are */
			pkt[i] = mams_prng_below(&r, 2) ? (uint8_t)mams_prng_next(&r)
							: (uint8_t)(0 - mams_prng_below(&r, 2));
		pkt[0] = (uint8_t)(0x40 | hlen / 4);
		sum = plain_checksum(pkt, hlen);
		CU_ASSERT_EQUAL(madp_ip4_checksum(pkt, hlen), sum);
		madp_put16(pkt + 10, sum);
		CU_ASSERT_TRUE(madp_ip4_checksum_ok(pkt, hlen));
		madp_ip4_set_len(pkt, (uint16_t)mams_prng_next(&r));
		madp_ip4_set_ttl_proto(pkt, (uint8_t)mams_prng_next(&r), (uint8_t)n, true);
		CU_ASSERT_TRUE(madp_ip4_checksum_ok(pkt, hlen));
		CU_ASSERT_EQUAL(madp_get16(pkt + 10), plain_checksum(pkt, hlen));
		pkt[mams_prng_below(&r, hlen - 1) + 1] ^= 1;
		CU_ASSERT_FALSE(madp_ip4_checksum_ok(pkt, hlen));
		madp_ip4_set_len(pkt, (uint16_t)n);
		CU_ASSERT_FALSE(madp_ip4_checksum_ok(pkt, hlen));
	}
}

/* Data and SYN of TCP, not what only acknowledges; whatever the octets say, none beyond the end. */
static void streams(void)
{
	for (unsigned v = 4; v <= 6; v += 2) {
		size_t at = v == 4 ? 20 : 40;

		memset(pkt, 0, sizeof(pkt));
		pkt[0] = v == 4 ? 0x45 : 0x60;
		pkt[v == 4 ? 9 : 6] = 6;
		pkt[at + 12] = 8 << 4; /* timestamps */
		pkt[at + 13] = 0x10;
		CU_ASSERT_FALSE(madp_ip_is_stream(pkt, at + 32));
		CU_ASSERT_TRUE(madp_ip_is_stream(pkt, at + 33));
		pkt[at + 13] = 0x12;
		CU_ASSERT_TRUE(madp_ip_is_stream(pkt, at + 32));
		for (size_t len = 0; len < at + 20; len++)
			CU_ASSERT_FALSE(madp_ip_is_stream(pkt, len));
		pkt[v == 4 ? 9 : 6] = 17;
		CU_ASSERT_FALSE(madp_ip_is_stream(pkt, at + 100));
	}
}

static void names(void)
{
	for (unsigned i = 0; i < MADP_REASON_COUNT; i++) {
		CU_ASSERT_TRUE(strlen(madp_reason_name((enum madp_reason)i)) > 0);
		CU_ASSERT_TRUE(strlen(madp_reason_text((enum madp_reason)i)) > 0);
		for (unsigned k = 0; k < i; k++)
			CU_ASSERT_STRING_NOT_EQUAL(madp_reason_name((enum madp_reason)i),
				madp_reason_name((enum madp_reason)k));
	}
	CU_ASSERT_STRING_EQUAL(madp_reason_name(MADP_REASON_COUNT), "unknown");
	CU_ASSERT_STRING_EQUAL(madp_reason_text(MADP_REASON_COUNT), "unknown reason");
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"IPv4", ipv4},
		{"IPv6", ipv6},
		{"lengths that lie", lies},
		{"IPv4 fragments", fragments4},
		{"IPv6 extension headers", extensions},
		{"IPv6 fragments", fragments6},
		{"checksum: plain sum and RFC 1624 agree", checksum},
		{"names of reasons", names},
		{"streams of TCP", streams},
	};

	return mams_suite_run("ip", cases, sizeof(cases) / sizeof(cases[0]));
}
