#include "trailer-madp/csum.h"

#include <string.h>

/* Eight octets at once are two 32-bit words; 2^32 of them fit a 64-bit sum without a carry. */
static inline uint64_t halves(uint64_t w)
{
	return (w & 0xffffffffu) + (w >> 32);
}

static uint64_t tail(uint64_t sum, const uint8_t *p, size_t len)
{
	uint8_t last[8] = {0};
	uint64_t w;

	while (len >= 8) {
		memcpy(&w, p, 8);
		sum += halves(w);
		p += 8;
		len -= 8;
	}
	memcpy(last, p, len);
	memcpy(&w, last, 8);
	return sum + halves(w);
}

uint64_t madp_csum_add(uint64_t sum, const void *data, size_t len)
{
	const uint8_t *p = data;
	uint64_t other = 0;

	for (; len >= 32; p += 32, len -= 32) {
		uint64_t w[4];

		memcpy(w, p, 32);
		sum += halves(w[0]);
		other += halves(w[1]);
		sum += halves(w[2]);
		other += halves(w[3]);
	}
	return tail(sum + other, p, len);
}

uint64_t madp_csum_copy(uint64_t sum, void *dst, const void *data, size_t len)
{
	const uint8_t *p = data;
	uint8_t *to = dst;
	uint64_t other = 0;

	for (; len >= 32; p += 32, to += 32, len -= 32) {
		uint64_t w[4];

		memcpy(w, p, 32);
		memcpy(to, w, 32);
		sum += halves(w[0]);
		other += halves(w[1]);
		sum += halves(w[2]);
		other += halves(w[3]);
	}
	memcpy(to, p, len);
	return tail(sum + other, p, len);
}

uint64_t madp_csum_pseudo(const uint8_t *ip, uint8_t protocol, size_t l4)
{
	const uint8_t rest[8] = {0, protocol, 0, 0, (uint8_t)(l4 >> 24), (uint8_t)(l4 >> 16),
		(uint8_t)(l4 >> 8), (uint8_t)l4};
	uint64_t sum = madp_csum_add(0, rest, sizeof(rest));

	return ip[0] >> 4 == 4 ? madp_csum_add(sum, ip + 12, 8) : madp_csum_add(sum, ip + 8, 32);
}
