/** @file csum.h
 *  The Internet checksum (RFC 1071) over long payloads, quickly.  Layer: core (pure).
 *  Sums are kept in the order of the host's memory, as 64-bit partial sums; only the octets that
 *  are put into a packet are the wire's.  Every piece but the last has an even length. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/** Add p[len] to a partial sum. */
uint64_t madp_csum_add(uint64_t sum, const void *p, size_t len);
/** The same, and copy it to dst, which does not overlap. */
uint64_t madp_csum_copy(uint64_t sum, void *dst, const void *p, size_t len);
/** Addresses, protocol and length of the pseudo-header (RFC 9293 3.1, RFC 8200 8.1).
 *  @param ip    an IPv4 or IPv6 header, whole
 *  @param l4    octets of TCP or UDP header and payload */
uint64_t madp_csum_pseudo(const uint8_t *ip, uint8_t protocol, size_t l4);

/** 16 bits, not complemented; store with memcpy. */
static inline uint16_t madp_csum_fold(uint64_t sum)
{
	sum = (sum & 0xffffffffu) + (sum >> 32);
	sum = (sum & 0xffffffffu) + (sum >> 32);
	sum = (sum & 0xffffu) + (sum >> 16);
	sum = (sum & 0xffffu) + (sum >> 16);
	return (uint16_t)sum;
}
