/* RFC 8803 messages, octet by octet from the figures of section 6. */
#include "proxy/convert.h"
#include "tests/support/suite.h"

#include <string.h>

#define ANSWERS(data, want) check_answer(data, sizeof(data), want)

static struct px_convert_msg msg;

static enum px_convert_verdict at_converter(const uint8_t *data, size_t len)
{
	return px_convert_decode(PX_AT_CONVERTER, data, len, &msg);
}

static enum px_convert_verdict at_client(const uint8_t *data, size_t len)
{
	return px_convert_decode(PX_AT_CLIENT, data, len, &msg);
}

static void check_answer(const uint8_t *data, size_t len, enum px_convert_code want)
{
	CU_ASSERT_EQUAL(at_converter(data, len), PX_CONVERT_ANSWER);
	CU_ASSERT_EQUAL(msg.error_code, want);
	CU_ASSERT_EQUAL(at_client(data, len), PX_CONVERT_RESET);
}

/* figures 13 and 17: base Connect to 192.0.2.33 port 443, then two octets of user data */
static const uint8_t connect_v4[] = {0x01, 0x06, 0x22, 0x63, 0x0a, 0x05, 0x01, 0xbb, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 33, 'h', 'i'};
/* the same to [2001:db8::7]:80 with Cookie 01..06 (padded) first */
static const uint8_t connect_v6[] = {0x01, 0x09, 0x22, 0x63, 0x16, 0x03, 0, 0, 1, 2, 3, 4, 5, 6, 0,
	0, 0x0a, 0x05, 0x00, 0x50, 0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7};

static void connect_tlv(void)
{
	char text[MAMS_ADDR_STRLEN];

	for (size_t n = 0; n < 24; n++)
		CU_ASSERT_EQUAL(at_converter(connect_v4, n), PX_CONVERT_MORE);
	CU_ASSERT_EQUAL(at_converter(connect_v4, 5), PX_CONVERT_MORE);
	CU_ASSERT_EQUAL(msg.len, 24);
	CU_ASSERT_EQUAL(at_converter(connect_v4, sizeof(connect_v4)), PX_CONVERT_OK);
	CU_ASSERT_EQUAL(msg.len, 24);
	CU_ASSERT_TRUE(msg.has_connect && !msg.has_info && !msg.has_cookie);
	CU_ASSERT_STRING_EQUAL(mams_addr_str_port(&msg.peer, text), "192.0.2.33:443");
	CU_ASSERT_EQUAL(msg.options.len, 0);

	CU_ASSERT_EQUAL(at_converter(connect_v6, sizeof(connect_v6)), PX_CONVERT_OK);
	CU_ASSERT_STRING_EQUAL(mams_addr_str_port(&msg.peer, text), "[2001:db8::7]:80");
	CU_ASSERT_TRUE(msg.has_cookie);
	CU_ASSERT_EQUAL(msg.cookie.len, 8);
	CU_ASSERT_EQUAL(memcmp(msg.cookie.data, "\1\2\3\4\5\6\0\0", 8), 0);
}

static void encode_connect(void)
{
	uint8_t out[64];
	struct mams_wr w = mams_wr_init(out, sizeof(out));
	struct mams_addr a;

	CU_ASSERT_EQUAL(mams_addr_parse_port("192.0.2.33:443", 0, &a), 0);
	px_convert_begin(&w);
	px_convert_put_connect(&w, &a, (struct px_octets){.len = 0});
	CU_ASSERT_EQUAL(px_convert_end(&w), 0);
	CU_ASSERT_EQUAL(w.len, 24);
	CU_ASSERT_EQUAL(memcmp(out, connect_v4, 24), 0);

	w = mams_wr_init(out, sizeof(out));
	CU_ASSERT_EQUAL(mams_addr_parse_port("[2001:db8::7]:80", 0, &a), 0);
	px_convert_begin(&w);
	px_convert_put_cookie(
		&w, (struct px_octets){.data = (const uint8_t *)"\1\2\3\4\5\6", .len = 6});
	px_convert_put_connect(&w, &a, (struct px_octets){.len = 0});
	CU_ASSERT_EQUAL(px_convert_end(&w), 0);
	CU_ASSERT_EQUAL(w.len, sizeof(connect_v6));
	CU_ASSERT_EQUAL(memcmp(out, connect_v6, sizeof(connect_v6)), 0);
}

static void header(void)
{
	static const uint8_t foreign[] = {'G', 'E', 'T', ' '};
	static const uint8_t zero_length[] = {1, 0, 0x22, 0x63};
	static const uint8_t version0[] = {0, 1, 0x22, 0x63};
	static const uint8_t version2[] = {2, 2, 0x22, 0x63};
	static const uint8_t empty[] = {1, 1, 0x22, 0x63};

	CU_ASSERT_EQUAL(at_converter(foreign, 4), PX_CONVERT_FOREIGN);
	CU_ASSERT_EQUAL(at_client(foreign, 4), PX_CONVERT_FOREIGN);
	CU_ASSERT_EQUAL(at_converter(zero_length, 4), PX_CONVERT_RESET);
	CU_ASSERT_EQUAL(at_client(zero_length, 4), PX_CONVERT_RESET);
	ANSWERS(version0, PX_CONVERT_BAD_VERSION);
	ANSWERS(version2, PX_CONVERT_BAD_VERSION);
	CU_ASSERT_EQUAL(at_converter(empty, 4), PX_CONVERT_ANSWER);
	CU_ASSERT_EQUAL(msg.error_code, PX_CONVERT_MALFORMED);
	CU_ASSERT_EQUAL(at_client(empty, 4), PX_CONVERT_OK);
}

static void violations(void)
{
	static const uint8_t repeated[] = {1, 3, 0x22, 0x63, 1, 1, 0, 0, 1, 1, 0, 0};
	static const uint8_t type0[] = {1, 2, 0x22, 0x63, 0, 1, 0, 0};
	static const uint8_t unknown[] = {1, 2, 0x22, 0x63, 99, 1, 0, 0};
	static const uint8_t length0[] = {1, 2, 0x22, 0x63, 1, 0, 0, 0};
	static const uint8_t beyond[] = {1, 2, 0x22, 0x63, 1, 2, 0, 0};
	static const uint8_t long_info[] = {1, 3, 0x22, 0x63, 1, 2, 0, 0, 0, 0, 0, 0};
	static const uint8_t short_connect[] = {1, 3, 0x22, 0x63, 10, 2, 1, 0xbb, 0, 0, 0, 0};
	static const uint8_t empty_cookie[] = {1, 3, 0x22, 0x63, 22, 1, 0, 0, 1, 1, 0, 0};
	static const uint8_t cookie_only[] = {1, 3, 0x22, 0x63, 22, 2, 0, 0, 1, 1, 0, 0};

	ANSWERS(repeated, PX_CONVERT_MALFORMED);
	ANSWERS(type0, PX_CONVERT_UNSUPPORTED);
	ANSWERS(unknown, PX_CONVERT_UNSUPPORTED);
	ANSWERS(length0, PX_CONVERT_MALFORMED);
	ANSWERS(beyond, PX_CONVERT_MALFORMED);
	ANSWERS(long_info, PX_CONVERT_MALFORMED);
	ANSWERS(short_connect, PX_CONVERT_MALFORMED);
	ANSWERS(empty_cookie, PX_CONVERT_MALFORMED);
	CU_ASSERT_EQUAL(at_converter(cookie_only, sizeof(cookie_only)), PX_CONVERT_ANSWER);
	CU_ASSERT_EQUAL(msg.error_code, PX_CONVERT_MALFORMED);
}

/** TLVs that only the other side may send. */
static void directions(void)
{
	static const uint8_t error[] = {1, 2, 0x22, 0x63, 30, 1, 96, 0};
	static const uint8_t supported[] = {1, 3, 0x22, 0x63, 21, 2, 0, 0, 30, 0, 0, 0};
	static const uint8_t info[] = {1, 2, 0x22, 0x63, 1, 1, 0, 0};

	CU_ASSERT_EQUAL(at_converter(error, sizeof(error)), PX_CONVERT_ANSWER);
	CU_ASSERT_EQUAL(msg.error_code, PX_CONVERT_UNSUPPORTED);
	CU_ASSERT_EQUAL(at_client(error, sizeof(error)), PX_CONVERT_OK);
	CU_ASSERT_TRUE(msg.has_error);
	CU_ASSERT_EQUAL(msg.error_code, 96);
	CU_ASSERT_EQUAL(msg.error_value.len, 1);
	CU_ASSERT_EQUAL(at_converter(supported, sizeof(supported)), PX_CONVERT_ANSWER);
	CU_ASSERT_EQUAL(at_client(supported, sizeof(supported)), PX_CONVERT_OK);
	CU_ASSERT_TRUE(msg.has_supported);
	CU_ASSERT_EQUAL(msg.supported.data[0], 30);
	CU_ASSERT_EQUAL(at_converter(info, sizeof(info)), PX_CONVERT_OK);
	CU_ASSERT_TRUE(msg.has_info && !msg.has_connect);
	CU_ASSERT_EQUAL(at_client(info, sizeof(info)), PX_CONVERT_RESET);
}

/** 6.2.5: addresses no converter connects to. */
static void addresses(void)
{
	static const char *const refused[] = {"127.0.0.1:80", "127.9.9.9:80", "224.0.0.1:80",
		"255.255.255.255:80", "0.0.0.0:80", "[::1]:80", "[ff02::1]:80", "[::]:80",
		"192.0.2.1"};
	struct mams_addr a;

	for (size_t i = 0; i < MAMS_ARRAY_LEN(refused); i++) {
		uint8_t out[64];
		struct mams_wr w = mams_wr_init(out, sizeof(out));

		CU_ASSERT_EQUAL(mams_addr_parse_port(refused[i], 0, &a), 0);
		px_convert_begin(&w);
		px_convert_put_connect(&w, &a, (struct px_octets){.len = 0});
		CU_ASSERT_EQUAL(px_convert_end(&w), 0);
		CU_ASSERT_EQUAL(at_converter(out, w.len), PX_CONVERT_ANSWER);
		CU_ASSERT_EQUAL(msg.error_code, PX_CONVERT_MALFORMED);
	}
}

static enum px_convert_verdict with_options(const uint8_t *options, size_t n)
{
	static uint8_t out[128];
	struct mams_wr w = mams_wr_init(out, sizeof(out));
	struct mams_addr a;

	CU_ASSERT_EQUAL(mams_addr_parse_port("192.0.2.33:443", 0, &a), 0);
	px_convert_begin(&w);
	px_convert_put_connect(&w, &a, (struct px_octets){.data = options, .len = n});
	CU_ASSERT_EQUAL(px_convert_end(&w), 0);
	return at_converter(out, w.len);
}

static void tcp_options(void)
{
	uint8_t bad[32];
	bool mptcp = false;

	/* MPTCP, SACK-permitted, timestamp without values; MSS, window scale, NOP ignored */
	CU_ASSERT_EQUAL(with_options((const uint8_t *)"\36\2\4\2\10\2\2\4\5\264\1\3\3\7", 14),
		PX_CONVERT_OK);
	CU_ASSERT_EQUAL(px_convert_check_options(msg.options, bad, &mptcp), 0);
	CU_ASSERT_TRUE(mptcp);
	/* TCP-AO always, Fast Open and MPTCP with a value cannot be copied: 33 lists each kind once
	 */
	CU_ASSERT_EQUAL(
		with_options((const uint8_t *)"\35\4\0\0\42\2\36\3\0\35\2", 11), PX_CONVERT_OK);
	CU_ASSERT_EQUAL(px_convert_check_options(msg.options, bad, NULL), 3);
	CU_ASSERT_EQUAL(memcmp(bad, "\35\42\36", 3), 0);
	/* lengths that lie */
	CU_ASSERT_EQUAL(with_options((const uint8_t *)"\36\1\0\0", 4), PX_CONVERT_ANSWER);
	CU_ASSERT_EQUAL(msg.error_code, PX_CONVERT_MALFORMED);
	CU_ASSERT_EQUAL(with_options((const uint8_t *)"\36\11\0\0", 4), PX_CONVERT_ANSWER);
	CU_ASSERT_EQUAL(with_options((const uint8_t *)"\4\2\1\36", 4), PX_CONVERT_ANSWER);
	CU_ASSERT_EQUAL(with_options((const uint8_t *)"\4\2\0\36", 4), PX_CONVERT_ANSWER);
}

/** Figures 16, 20, 22 and 23, octet by octet. */
static void answers(void)
{
	static const uint8_t supported[] = {1, 3, 0x22, 0x63, 21, 2, 0, 0, 30, 4, 8, 0};
	static const uint8_t ext[] = {1, 3, 0x22, 0x63, 20, 2, 0, 0, 4, 2, 0, 0};
	static const uint8_t version[] = {1, 2, 0x22, 0x63, 30, 1, 0, 1};
	static const uint8_t malformed[] = {
		1, 4, 0x22, 0x63, 30, 3, 1, 0, 1, 2, 0x22, 0x63, 1, 0, 0, 0};
	static const uint8_t options[] = {1, 3, 0x22, 0x63, 30, 2, 33, 29, 34, 0, 0, 0};
	static const uint8_t missing[] = {1, 3, 0x22, 0x63, 30, 2, 3, 0, 9, 8, 7, 6};
	uint8_t out[64];
	struct mams_wr w;

#define BUILD(expected, put)                                                                       \
	do {                                                                                       \
		w = mams_wr_init(out, sizeof(out));                                                \
		px_convert_begin(&w);                                                              \
		put;                                                                               \
		CU_ASSERT_EQUAL(px_convert_end(&w), 0);                                            \
		CU_ASSERT_EQUAL(w.len, sizeof(expected));                                          \
		CU_ASSERT_EQUAL(memcmp(out, expected, sizeof(expected)), 0);                       \
	} while (0)
#define OCTETS(text, n) ((struct px_octets){.data = (const uint8_t *)(text), .len = (n)})

	BUILD(supported, px_convert_put_supported(&w, px_convert_supported()));
	BUILD(ext, px_convert_put_ext_header(&w, OCTETS("\4\2", 2)));
	BUILD(version, px_convert_put_error(&w, PX_CONVERT_BAD_VERSION, 1, OCTETS("", 0)));
	BUILD(malformed, px_convert_put_error(
				 &w, PX_CONVERT_MALFORMED, 0, OCTETS("\1\2\42\143\1\0\0\0", 8)));
	BUILD(options, px_convert_put_error(&w, PX_CONVERT_BAD_OPTION, 29, OCTETS("\42", 1)));
	BUILD(missing,
		px_convert_put_error(&w, PX_CONVERT_MISSING_COOKIE, 0, OCTETS("\11\10\7\6", 4)));
}

static void limits(void)
{
	static uint8_t big[2000];
	uint8_t out[PX_CONVERT_MAX];
	struct mams_wr w = mams_wr_init(out, sizeof(out));

	/* an echo is cut so that the message keeps to 255 words */
	px_convert_begin(&w);
	px_convert_put_error(
		&w, PX_CONVERT_MALFORMED, 0, (struct px_octets){.data = big, .len = sizeof(big)});
	CU_ASSERT_EQUAL(px_convert_end(&w), 0);
	CU_ASSERT_EQUAL(w.len, PX_CONVERT_MAX);
	CU_ASSERT_EQUAL(at_client(out, w.len), PX_CONVERT_OK);
	w = mams_wr_init(out, sizeof(out));
	px_convert_begin(&w);
	px_convert_put_cookie(&w, (struct px_octets){.data = big, .len = sizeof(big)});
	CU_ASSERT_EQUAL(px_convert_end(&w), -MAMS_ELIMIT);
	CU_ASSERT_STRING_EQUAL(px_convert_code_name(97), "destination unreachable");
	CU_ASSERT_STRING_EQUAL(px_convert_code_name(5), "unknown error");
}

static const uint8_t attach[] = {0x01, 0x04, 0x22, 0x63, 0xc0, 0x03, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8};
static const uint8_t turn[] = {
	0x01, 0x06, 0x22, 0x63, 0xc0, 0x05, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 1, 0, 0, 0, 2};

/** A flow in two parts: what is not of RFC 8803. */
static void attach_tlv(void)
{
	const uint64_t octets = UINT64_C(0x100000002);
	uint8_t out[64];
	struct mams_wr w = mams_wr_init(out, sizeof(out));

	CU_ASSERT_EQUAL(at_converter(attach, sizeof(attach)), PX_CONVERT_OK);
	CU_ASSERT_TRUE(msg.has_attach && !msg.has_turn && !msg.has_connect);
	CU_ASSERT_EQUAL(msg.flow, UINT64_C(0x0102030405060708));
	CU_ASSERT_EQUAL(at_client(attach, sizeof(attach)), PX_CONVERT_OK);
	CU_ASSERT_EQUAL(at_converter(turn, sizeof(turn)), PX_CONVERT_OK);
	CU_ASSERT_TRUE(msg.has_attach && msg.has_turn);
	CU_ASSERT_EQUAL(msg.turn, octets);
	for (size_t n = 0; n < sizeof(turn); n++)
		CU_ASSERT_EQUAL(at_converter(turn, n), PX_CONVERT_MORE);
	px_convert_begin(&w);
	px_convert_put_attach(&w, UINT64_C(0x0102030405060708), NULL);
	CU_ASSERT_EQUAL(px_convert_end(&w), 0);
	CU_ASSERT_EQUAL_FATAL(w.len, sizeof(attach));
	CU_ASSERT_EQUAL(memcmp(out, attach, sizeof(attach)), 0);
	w = mams_wr_init(out, sizeof(out));
	px_convert_begin(&w);
	px_convert_put_attach(&w, UINT64_C(0x0102030405060708), &octets);
	CU_ASSERT_EQUAL(px_convert_end(&w), 0);
	CU_ASSERT_EQUAL_FATAL(w.len, PX_CONVERT_TURN);
	CU_ASSERT_EQUAL(memcmp(out, turn, sizeof(turn)), 0);
}

static void attach_violations(void)
{
	static const uint8_t short_number[] = {
		0x01, 0x03, 0x22, 0x63, 0xc0, 0x02, 0, 0, 1, 2, 3, 4};
	static const uint8_t half_turn[] = {
		0x01, 0x05, 0x22, 0x63, 0xc0, 0x04, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 1};
	static const uint8_t too_long[] = {0x01, 0x07, 0x22, 0x63, 0xc0, 0x06, 0, 0, 1, 2, 3, 4, 5,
		6, 7, 8, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 0};
	static const uint8_t no_flow[] = {
		0x01, 0x04, 0x22, 0x63, 0xc0, 0x03, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
	static const uint8_t twice[] = {0x01, 0x07, 0x22, 0x63, 0xc0, 0x03, 0, 0, 1, 2, 3, 4, 5, 6,
		7, 8, 0xc0, 0x03, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8};
	static const uint8_t and_info[] = {
		0x01, 0x05, 0x22, 0x63, 0xc0, 0x03, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 0x01, 0x01, 0, 0};

	ANSWERS(short_number, PX_CONVERT_MALFORMED);
	ANSWERS(half_turn, PX_CONVERT_MALFORMED);
	ANSWERS(too_long, PX_CONVERT_MALFORMED);
	ANSWERS(no_flow, PX_CONVERT_MALFORMED);
	ANSWERS(twice, PX_CONVERT_MALFORMED);
	ANSWERS(and_info, PX_CONVERT_MALFORMED);
}

static void names(void)
{
	uint8_t options[4 + PX_CONVERT_NAME + 4] = {PX_TCPOPT_MSS, 4, 5, 6};
	struct px_octets o = {.data = options, .len = 4};

	CU_ASSERT_EQUAL(px_convert_named(o), 0);
	px_convert_name(UINT64_C(0x8877665544332211), options + 4);
	o.len = sizeof(options); /* with padding */
	CU_ASSERT_EQUAL(px_convert_named(o), UINT64_C(0x8877665544332211));
	options[6] ^= 1; /* an experiment of somebody else */
	CU_ASSERT_EQUAL(px_convert_named(o), 0);
	options[6] ^= 1;
	options[5] = 4 + PX_CONVERT_NAME; /* beyond the end */
	CU_ASSERT_EQUAL(px_convert_named(o), 0);
	options[5] = 8;
	o.len = 12;
	CU_ASSERT_EQUAL(px_convert_named(o), 0);
}

/** Whatever single octet is changed, the decoder stays inside and the verdict is one of its own. */
static void damage(void)
{
	for (size_t i = 0; i < sizeof(connect_v6); i++)
		for (unsigned v = 0; v < 256; v++) {
			uint8_t data[sizeof(connect_v6)];

			memcpy(data, connect_v6, sizeof(data));
			data[i] = (uint8_t)v;
			CU_ASSERT_TRUE(at_converter(data, sizeof(data)) <= PX_CONVERT_ANSWER);
			CU_ASSERT_NOT_EQUAL(at_client(data, sizeof(data)), PX_CONVERT_ANSWER);
		}
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"connect", connect_tlv},
		{"encode_connect", encode_connect},
		{"header", header},
		{"violations", violations},
		{"directions", directions},
		{"addresses", addresses},
		{"tcp_options", tcp_options},
		{"answers", answers},
		{"limits", limits},
		{"attach", attach_tlv},
		{"attach_violations", attach_violations},
		{"names", names},
		{"damage", damage},
	};

	return mams_suite_run("convert", cases, MAMS_ARRAY_LEN(cases));
}
