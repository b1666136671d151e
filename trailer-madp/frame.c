#include "trailer-madp/frame.h"

#include "trailer-madp/csum.h"

#include <string.h>

#define UDP 17

const uint8_t madp_frame_network[4] = {192, 0, 0, 1};
const uint8_t madp_frame_client[4] = {192, 0, 0, 2};

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static void put16(uint8_t *p, size_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static uint16_t complement(uint64_t sum)
{
	uint16_t s = (uint16_t)~madp_csum_fold(sum);

	return s ? s : 0xffff;
}

size_t madp_frame_put(
	uint8_t *sdu, const uint8_t *src, const uint8_t *dst, uint16_t port, size_t len)
{
	uint8_t *udp = sdu + 20;
	uint16_t sum;

	memset(sdu, 0, MADP_FRAME_HDR);
	sdu[0] = 0x45;
	put16(sdu + 2, MADP_FRAME_HDR + len);
	sdu[6] = 0x40;
	sdu[8] = 1;
	sdu[9] = UDP;
	memcpy(sdu + 12, src, 4);
	memcpy(sdu + 16, dst, 4);
	sum = complement(madp_csum_add(0, sdu, 20));
	memcpy(sdu + 10, &sum, 2);
	put16(udp, port);
	put16(udp + 2, port);
	put16(udp + 4, 8 + len);
	sum = complement(madp_csum_add(madp_csum_pseudo(sdu, UDP, 8 + len), udp, 8 + len));
	memcpy(udp + 6, &sum, 2);
	return MADP_FRAME_HDR + len;
}

size_t madp_frame_get(
	const uint8_t *sdu, size_t len, const uint8_t *src, const uint8_t *dst, uint16_t port)
{
	const uint8_t *udp = sdu + 20;

	if (len <= MADP_FRAME_HDR || sdu[0] != 0x45 || get16(sdu + 2) != len ||
		(get16(sdu + 6) & 0x3fff) != 0 || sdu[9] != UDP)
		return 0;
	if (memcmp(sdu + 12, src, 4) != 0 || memcmp(sdu + 16, dst, 4) != 0 || get16(udp) != port ||
		get16(udp + 2) != port || get16(udp + 4) != len - 20)
		return 0;
	/* no checksum is allowed in IPv4 */
	if (get16(udp + 6) != 0 &&
		madp_csum_fold(madp_csum_add(
			madp_csum_pseudo(sdu, UDP, len - 20), udp, len - 20)) != 0xffff)
		return 0;
	return len - MADP_FRAME_HDR;
}
