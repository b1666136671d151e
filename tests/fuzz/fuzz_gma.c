/* Received PDUs.  The first octet chooses what was agreed on, the rest is the PDU.  What
 * decapsulates is encapsulated and decapsulated again: fields and packet must be the same. */
#include "tests/support/gma_equal.h"

#include <stdlib.h>
#include <string.h>

#define ROOM 64u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_ip(const struct madp_pkt *p, const struct madp_gma *g)
{
	struct madp_ip ip;

	if (madp_ip_parse(p->data, p->len, &ip) != MADP_OK)
		return;
	if (ip.len > p->len || ip.header_len > ip.len)
		abort();
	if (g->first_len && ip.len != g->first_len)
		abort();
}

/** 0xffff and 0 are the same checksum; arithmetic may change one into the other. */
static void normalise(struct madp_pkt *p)
{
	if (p->len >= MADP_IP4_HEADER && p->data[0] >> 4 == 4 && madp_get16(p->data + 10) == 0xffff)
		madp_put16(p->data + 10, 0);
}

static void again(const struct madp_gma_rules *r, struct madp_pkt *p, const struct madp_gma *g)
{
	static uint8_t copy[MADP_IP_MAX];
	struct madp_gma g2;
	uint32_t len = p->len;

	normalise(p);
	memcpy(copy, p->data, len);
	if (madp_gma_encap(r, g, p) != MADP_OK)
		abort();
	memset(&g2, 0, sizeof(g2));
	if (madp_gma_decap(r, p, &g2) != MADP_OK)
		abort();
	normalise(p);
	if (p->len != len || memcmp(copy, p->data, len) != 0)
		abort();
	if (!gma_equal(g, &g2))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct madp_gma_rules r = {0};
	struct madp_gma g = {0};
	enum madp_reason why;
	struct madp_pkt p;
	uint8_t *buf;

	if (size < 1 || size > MADP_IP_MAX)
		return 0;
	r.v4 = (enum madp_gma_form)(data[0] & 3);
	r.header_optimization = data[0] & 4;
	r.fc_lsb_first = data[0] & 8;
	r.refused = data[0] & 16 ? MADP_GMA_FC | MADP_GMA_FSL : 0;
	buf = malloc(size + 2 * ROOM);
	if (!buf)
		return 0;
	memcpy(buf + ROOM, data + 1, size - 1);
	p = (struct madp_pkt){
		.data = buf + ROOM, .len = (uint32_t)size - 1, .head = ROOM, .tail = ROOM + 1};
	why = madp_gma_decap(&r, &p, &g);
	if (why >= MADP_REASON_COUNT) /* the shell counts by it */
		abort();
	if (why == MADP_OK) {
		check_ip(&p, &g);
		again(&r, &p, &g);
	}
	free(buf);
	return 0;
}
