/* Packets of a link with client NAT.  The first octet chooses the side and whether the packet has
 * the address that is mapped; the rest is the packet.  What is taken must have the anchor address,
 * be untouched elsewhere, and be mapped back to the same packet. */
#include "trailer-madp/gma.h"
#include "trailer-madp/nat.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct madp_nat nat = {.anchor = {10, 60, 0, 2}, .link = {10, 1, 1, 2}};

static void must(bool is)
{
	if (!is)
		abort();
}

/** The same but for the address on that side, the checksum, and an Identification of 0. */
static void must_be_like(const uint8_t *a, const uint8_t *b, size_t len, enum madp_nat_side side)
{
	size_t at = side == MADP_NAT_SOURCE ? 12 : 16;

	must(memcmp(a, b, 4) == 0 && memcmp(a + 6, b + 6, 4) == 0);
	must(memcmp(a + 4, b + 4, 2) == 0 || madp_get16(a + 4) == 0);
	must(memcmp(a + (28 - at), b + (28 - at), 4) == 0);
	must(memcmp(a + 20, b + 20, len - 20) == 0);
}

static void map(uint8_t *pdu, size_t len, enum madp_nat_side side)
{
	uint8_t *was = malloc(len);
	uint32_t hlen = madp_ip4_header_len(pdu);
	bool mine = memcmp(madp_nat_address(pdu, side), nat.link, 4) == 0;

	if (!was)
		return;
	memcpy(was, pdu, len);
	must((madp_nat_in(pdu, side, &nat) == MADP_OK) == mine);
	if (!mine) {
		must(memcmp(was, pdu, len) == 0);
	} else {
		must(memcmp(madp_nat_address(pdu, side), nat.anchor, 4) == 0);
		must(madp_ip4_checksum_ok(pdu, hlen));
		must_be_like(was, pdu, len, side);
		must(madp_nat_out(pdu, side, &nat) == MADP_OK);
		must(madp_ip4_checksum_ok(pdu, hlen));
		must_be_like(was, pdu, len, side);
		must(memcmp(madp_nat_address(pdu, side), nat.link, 4) == 0);
	}
	free(was);
}

/** As the shell does: mapped back, then decapsulated. */
static void decapsulate(uint8_t *pdu, size_t len, enum madp_nat_side side)
{
	static const struct madp_gma_rules rules = {.v4 = MADP_GMA_TRAILER};
	struct madp_pkt p = {.data = pdu, .len = (uint32_t)len};
	struct madp_gma g;

	if (madp_nat_in(pdu, side, &nat) != MADP_OK || madp_gma_decap(&rules, &p, &g) != MADP_OK)
		return;
	must(p.len >= MADP_IP4_HEADER && p.len <= len);
	must(memcmp(madp_nat_address(p.data, side), nat.anchor, 4) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum madp_nat_side side;
	enum madp_reason why;
	size_t len = 0;
	uint8_t *buf;

	if (size < 1 || size > MADP_IP_MAX)
		return 0;
	side = data[0] & 1 ? MADP_NAT_DESTINATION : MADP_NAT_SOURCE;
	buf = malloc(size);
	if (!buf)
		return 0;
	memcpy(buf, data + 1, size - 1);
	if ((data[0] & 2) && size - 1 >= MADP_IP4_HEADER && madp_ip4_header_len(buf) >= 20 &&
		madp_ip4_header_len(buf) <= size - 1) {
		memcpy(buf + (side == MADP_NAT_SOURCE ? 12 : 16), nat.link, 4);
		madp_put16(buf + 10, madp_ip4_checksum(buf, madp_ip4_header_len(buf)));
	}
	why = madp_nat_look(buf, size - 1, &len);
	must(why < MADP_REASON_COUNT);
	if (why == MADP_OK) {
		must(len >= MADP_IP4_HEADER && len <= size - 1);
		map(buf, len, side);
		decapsulate(buf, len, side);
	}
	free(buf);
	return 0;
}
