#include "trailer-madp/nat.h"

#include <string.h>

#define ID_AT 4u
#define FRAGMENT_AT 6u
#define PROTOCOL_AT 9u
#define CHECKSUM_AT 10u
#define IS_FRAGMENT 0x3fffu /* More Fragments, or an offset */
#define SOME_ID 0x7272u     /* for those that have none: any, but always the same */

enum madp_reason madp_nat_look(const uint8_t *data, size_t len, size_t *out)
{
	enum madp_reason why;
	size_t total = madp_ip_length(data, len, &why);

	if (total == 0)
		return why;
	if (data[0] >> 4 != 4)
		return MADP_IP_VERSION;
	if (data[PROTOCOL_AT] != MADP_IPPROTO_GMA)
		return MADP_NAT_PROTOCOL;
	if (!madp_ip4_checksum_ok(data, madp_ip4_header_len(data)))
		return MADP_IP_CHECKSUM;
	*out = total;
	return MADP_OK;
}

/** Put a 16-bit word at an even place of the header. */
static void put_word(uint8_t *ip, size_t at, uint16_t is)
{
	uint16_t sum = madp_get16(ip + CHECKSUM_AT);

	madp_put16(ip + CHECKSUM_AT, madp_checksum_adjust(sum, madp_get16(ip + at), is));
	madp_put16(ip + at, is);
}

static enum madp_reason exchange(
	uint8_t *pdu, enum madp_nat_side side, const uint8_t was[4], const uint8_t is[4])
{
	size_t at = side == MADP_NAT_SOURCE ? 12 : 16;

	if (memcmp(pdu + at, was, 4) != 0)
		return MADP_NAT_ADDRESS;
	put_word(pdu, at, madp_get16(is));
	put_word(pdu, at + 2, madp_get16(is + 2));
	return MADP_OK;
}

enum madp_reason madp_nat_out(uint8_t *pdu, enum madp_nat_side side, const struct madp_nat *nat)
{
	enum madp_reason why = exchange(pdu, side, nat->anchor, nat->link);

	if (why == MADP_OK && (madp_get16(pdu + FRAGMENT_AT) & IS_FRAGMENT) &&
		madp_get16(pdu + ID_AT) == 0)
		put_word(pdu, ID_AT, SOME_ID);
	return why;
}

enum madp_reason madp_nat_in(uint8_t *pdu, enum madp_nat_side side, const struct madp_nat *nat)
{
	return exchange(pdu, side, nat->link, nat->anchor);
}
