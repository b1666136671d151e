/* Every hand-made vector of tests/vectors/gma, both ways. */
#include "tests/support/gma_equal.h"
#include "tests/support/suite.h"
#include "tests/support/vector.h"

#include <stdio.h>
#include <string.h>

#define ROOM 64u

static unsigned pdus;

static bool form_of(const struct mams_vector *v, enum madp_gma_form *form)
{
	static const char *const names[] = {
		[MADP_GMA_BARE] = "bare",
		[MADP_GMA_TRAILER] = "trailer",
		[MADP_GMA_HEADER_IP] = "header_ip",
		[MADP_GMA_HEADER] = "header",
	};
	const char *form_name = mams_vector_text(v, "form");

	for (size_t i = 0; form_name && i < sizeof(names) / sizeof(names[0]); i++) {
		*form = (enum madp_gma_form)i;
		if (strcmp(form_name, names[i]) == 0)
			return true;
	}
	return false;
}

static struct madp_gma gma_of(const struct mams_vector *v, enum madp_gma_form form)
{
	return (struct madp_gma){
		.form = form,
		.flags = (uint16_t)mams_vector_number(v, "flags", 16),
		.fsl = (uint16_t)mams_vector_number(v, "fsl", 10),
		.connection_id = (uint8_t)mams_vector_number(v, "connection_id", 10),
		.flow_id = (uint8_t)mams_vector_number(v, "flow_id", 10),
		.frag_offset = (uint8_t)mams_vector_number(v, "frag_offset", 10),
		.frag_more = mams_vector_number(v, "frag_more", 10) != 0,
		.delivery_sn = (uint8_t)mams_vector_number(v, "delivery_sn", 10),
		.flow_sn = mams_vector_number(v, "flow_sn", 10),
		.timestamp_ms = mams_vector_number(v, "timestamp", 10),
		.ttl = (uint8_t)mams_vector_number(v, "ttl", 10),
		.next_header = (uint8_t)mams_vector_number(v, "next_header", 10),
		.first_len = mams_vector_number(v, "first_len", 10),
	};
}

static bool holds(const char *what, const struct mams_vector *v, const struct madp_pkt *p,
	const uint8_t *want, size_t len)
{
	if (p->len == len && memcmp(p->data, want, len) == 0)
		return true;
	printf("%s: %s is", v->name, what);
	for (uint32_t i = 0; i < p->len; i++)
		printf(" %02x", p->data[i]);
	printf("\n");
	return false;
}

static void check(const struct mams_vector *v)
{
	uint8_t sdu[256];
	uint8_t pdu[256];
	uint8_t buf[256 + 2 * ROOM];
	size_t sdu_len = mams_vector_octets(v, "sdu", sdu, sizeof(sdu));
	size_t pdu_len = mams_vector_octets(v, "pdu", pdu, sizeof(pdu));
	struct madp_pkt p = {
		.data = buf + ROOM, .len = (uint32_t)sdu_len, .head = ROOM, .tail = ROOM};
	struct madp_gma_rules r = {
		.header_optimization = mams_vector_number(v, "optimization", 10) != 0,
		.fc_lsb_first = mams_vector_number(v, "fc_lsb_first", 10) != 0,
	};
	struct madp_gma want;
	struct madp_gma got = {0};
	enum madp_gma_form form;

	if (!form_of(v, &form))
		return;
	pdus++;
	r.v4 = form;
	want = gma_of(v, form);
	memcpy(p.data, sdu, sdu_len);
	CU_ASSERT_EQUAL(madp_gma_encap(&r, &want, &p), MADP_OK);
	CU_ASSERT_TRUE(holds("pdu", v, &p, pdu, pdu_len));
	CU_ASSERT_EQUAL(madp_gma_size(form, want.flags), pdu_len - sdu_len);
	CU_ASSERT_EQUAL(madp_gma_decap(&r, &p, &got), MADP_OK);
	CU_ASSERT_TRUE(holds("sdu", v, &p, sdu, sdu_len));
	CU_ASSERT_TRUE(gma_equal(&want, &got));
	CU_ASSERT_EQUAL(p.head, ROOM);
}

static void vectors(void)
{
	CU_ASSERT_TRUE(mams_vector_each(MAMS_VECTORS, check) >= 14);
	CU_ASSERT_TRUE(pdus >= 14);
}

int main(void)
{
	static const struct mams_case cases[] = {{"vectors", vectors}};

	return mams_suite_run("gma_vectors", cases, 1);
}
