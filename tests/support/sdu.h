/** @file sdu.h
 *  Random IP packets with right headers.  Layer: tests. */
#pragma once

#include "tests/support/suite.h"
#include "trailer-madp/ip.h"

/** A random packet of exactly len octets, at least 20 (IPv4, without options) or 40 (IPv6). */
static inline void sdu_random(struct mams_prng *r, uint8_t version, uint8_t *out, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++)
		out[i] = (uint8_t)mams_prng_next(r);
	if (version == 6) {
		out[0] = 0x60;
		madp_put16(out + 4, (uint16_t)(len - MADP_IP6_HEADER));
		return;
	}
	out[0] = 0x45;
	madp_put16(out + 2, (uint16_t)len);
	madp_put16(out + 10, madp_ip4_checksum(out, MADP_IP4_HEADER));
}
