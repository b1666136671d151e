/* MX Control PDUs, octet by octet from RFC 8743 8.6, and random ones there and back again. */
#include "lib/mx/mx_control.h"
#include "tests/support/suite.h"
#include "tests/support/vector.h"

#include <stdio.h>
#include <string.h>

static struct mx_control got;

static struct mx_control control_of(const struct mams_vector *v, uint8_t padding[64])
{
	const char *kind = mams_vector_text(v, "type");
	struct mx_control c = {
		.kind = strcmp(kind, "req") == 0   ? MX_CONTROL_REQ
			: strcmp(kind, "ack") == 0 ? MX_CONTROL_ACK
						   : MX_CONTROL_KEEP_ALIVE,
		.cid = (uint8_t)mams_vector_number(v, "cid", 10),
		.sn = (uint16_t)mams_vector_number(v, "sn", 10),
		.want_ack = mams_vector_number(v, "want_ack", 10),
		.active = mams_vector_number(v, "active", 10),
		.has_rcid = mams_vector_text(v, "rcid") != NULL,
		.rcid = (uint8_t)mams_vector_number(v, "rcid", 10),
		.lsb_first = mams_vector_number(v, "lsb_first", 10),
	};

	c.padding_len = mams_vector_octets(v, "padding", padding, 64);
	c.padding = padding;
	return c;
}

static bool same(const struct mx_control *a, const struct mx_control *b)
{
	return a->kind == b->kind && a->cid == b->cid && a->sn == b->sn &&
	       a->want_ack == b->want_ack && a->active == b->active && a->has_rcid == b->has_rcid &&
	       a->rcid == b->rcid && a->lsb_first == b->lsb_first &&
	       a->padding_len == b->padding_len &&
	       (a->padding_len == 0 || memcmp(a->padding, b->padding, a->padding_len) == 0);
}

static unsigned seen;

static void check(const struct mams_vector *v)
{
	const char *form = mams_vector_text(v, "form");
	uint8_t padding[64];
	uint8_t pdu[128];
	uint8_t out[128];
	struct mx_control want;
	size_t len;

	if (!form || strcmp(form, "control") != 0)
		return;
	seen++;
	want = control_of(v, padding);
	len = mams_vector_octets(v, "pdu", pdu, sizeof(pdu));
	if (!mams_vector_number(v, "decode_only", 10)) {
		CU_ASSERT_EQUAL(mx_control_encode(&want, out, sizeof(out)), (int)len);
		CU_ASSERT_EQUAL(memcmp(out, pdu, len), 0);
	}
	CU_ASSERT_EQUAL(mx_control_decode(pdu, len, want.kind == MX_CONTROL_REQ, &got), 0);
	CU_ASSERT_TRUE(same(&want, &got));
	if (!same(&want, &got))
		printf("%s differs\n", v->name);
}

static void vectors(void)
{
	mams_vector_each(MAMS_VECTORS, check);
	CU_ASSERT_TRUE(seen >= 7);
}

static void refused(void)
{
	static const struct {
		uint8_t pdu[8];
		size_t len;
		bool network;
		int want;
	} cases[] = {
		{{0}, 0, true, -MAMS_ETRUNC},
		{{0}, 1, true, -MAMS_ETRUNC},
		{{0, 1}, 2, true, -MAMS_ETRUNC},
		{{0, 1, 0}, 3, true, -MAMS_ETRUNC},
		{{0, 1, 0, 1}, 4, true, 0},
		{{0, 1, 0, 1}, 4, false, 0},
		{{0, 1, 0, 1, 0}, 5, true, -MAMS_EPROTO}, /* octets behind a Keep-Alive */
		{{2, 1, 0, 1}, 4, true, -MAMS_EUNKNOWN},  /* reserved types */
		{{2, 1}, 2, true, -MAMS_EUNKNOWN},
		{{240, 1, 0, 1}, 4, true, -MAMS_EUNKNOWN},
		{{1, 1, 0, 1}, 4, true, -MAMS_ETRUNC},       /* REQ without a flag */
		{{1, 1, 0, 1, 0xa0}, 5, true, -MAMS_ETRUNC}, /* R-CID announced, not there */
		{{1, 1, 0, 1, 0x05}, 5, true, -MAMS_ETRUNC}, /* the same, least significant first */
		{{1, 1, 0, 1, 0x88}, 5, true, -MAMS_EPROTO}, /* reserved either way */
		{{1, 1, 0, 1, 0x10}, 5, true, -MAMS_EPROTO},
		{{1, 1, 0, 1, 0x60}, 5, true, 0}, /* R-CID bit without ACK: no R-CID */
		{{1, 1, 0}, 3, false, -MAMS_ETRUNC},
		{{1, 1, 0, 1}, 4, false, 0}, /* ACK of two octets */
		{{1, 1, 0, 1, 0x40}, 5, false, 0},
		{{1, 1, 0, 1, 0x18}, 5, false, -MAMS_EPROTO},
		{{1, 1, 0, 1, 0x40, 0}, 6, false, -MAMS_EPROTO},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int rc = mx_control_decode(cases[i].pdu, cases[i].len, cases[i].network, &got);

		if (rc != cases[i].want)
			printf("case %zu: %d\n", i, rc);
		CU_ASSERT_EQUAL(rc, cases[i].want);
	}
}

static void encode_refuses(void)
{
	struct mx_control c = {.kind = MX_CONTROL_REQ, .has_rcid = true};
	uint8_t out[16];

	CU_ASSERT_EQUAL(mx_control_encode(&c, out, sizeof(out)), -MAMS_EVALUE);
	c.want_ack = true;
	CU_ASSERT_EQUAL(mx_control_encode(&c, out, sizeof(out)), 6);
	CU_ASSERT_EQUAL(mx_control_encode(&c, out, 5), -MAMS_ELIMIT);
	c.padding_len = 11;
	CU_ASSERT_EQUAL(mx_control_encode(&c, out, sizeof(out)), -MAMS_ELIMIT);
	c = (struct mx_control){.kind = MX_CONTROL_ACK, .padding_len = 1};
	CU_ASSERT_EQUAL(mx_control_encode(&c, out, sizeof(out)), -MAMS_EVALUE);
	c = (struct mx_control){.kind = MX_CONTROL_KEEP_ALIVE, .has_rcid = true};
	CU_ASSERT_EQUAL(mx_control_encode(&c, out, sizeof(out)), -MAMS_EVALUE);

	CU_ASSERT_EQUAL(mx_control_padding(false, 100), 95);
	CU_ASSERT_EQUAL(mx_control_padding(true, 100), 94);
	CU_ASSERT_EQUAL(mx_control_padding(true, 6), 0);
	CU_ASSERT_EQUAL(mx_control_padding(true, 0), 0);
}

static void property(void)
{
	struct mams_prng r = mams_prng_init(8743);
	uint8_t padding[64];
	uint8_t out[128];

	for (unsigned n = 0; n < 20000; n++) {
		struct mx_control c = {
			.kind = (enum mx_control_kind)mams_prng_below(&r, 3),
			.cid = (uint8_t)mams_prng_next(&r),
			.sn = (uint16_t)mams_prng_next(&r),
			.padding = padding,
		};
		int len;

		if (c.kind != MX_CONTROL_KEEP_ALIVE)
			c.active = mams_prng_below(&r, 2);
		if (c.kind == MX_CONTROL_REQ) {
			c.want_ack = mams_prng_below(&r, 2);
			c.has_rcid = c.want_ack && mams_prng_below(&r, 2);
			c.rcid = c.has_rcid ? (uint8_t)mams_prng_next(&r) : 0;
			c.padding_len = mams_prng_below(&r, sizeof(padding));
		}
		/* without a flag set the order of bits cannot be told, and does not matter */
		c.lsb_first = (c.active || c.want_ack) && mams_prng_below(&r, 2);
		for (size_t i = 0; i < c.padding_len; i++)
			padding[i] = (uint8_t)mams_prng_next(&r);
		len = mx_control_encode(&c, out, sizeof(out));
		CU_ASSERT_TRUE_FATAL(len >= 4);
		CU_ASSERT_EQUAL(
			mx_control_decode(out, (size_t)len, c.kind == MX_CONTROL_REQ, &got), 0);
		CU_ASSERT_TRUE(same(&c, &got));
	}
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"vectors", vectors},
		{"refused", refused},
		{"encode refuses", encode_refuses},
		{"random: there and back again", property},
	};

	return mams_suite_run("mx_control", cases, sizeof(cases) / sizeof(cases[0]));
}
