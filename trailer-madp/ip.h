/** @file ip.h
 *  IPv4 and IPv6 headers of user packets: read without trust, edited in place.  Layer: core (no
 *  I/O, no clock, no allocation).  Source: RFC 791, RFC 8200, checksum arithmetic RFC 1624.
 *  Nothing here looks beyond the ports. */
#pragma once

#include "trailer-madp/pkt.h"
#include "trailer-madp/reason.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MADP_IP4_HEADER 20u   /**< octets without options */
#define MADP_IP6_HEADER 40u   /**< octets without extension headers */
#define MADP_IP_MAX 65535u    /**< octets of the longest packet handled; no jumbograms */
#define MADP_IPPROTO_GMA 114u /**< "any 0-hop protocol", RFC 9188 section 4.4 */

/** The 5-tuple; without padding, so it compares and hashes as 40 octets. */
struct madp_tuple {
	uint8_t src[16]; /**< IPv4: 4 octets, the rest zero; network order */
	uint8_t dst[16];
	uint16_t sport; /**< host order; 0 without ports */
	uint16_t dport;
	uint8_t proto;   /**< IPv6: the upper layer's, behind extension headers */
	uint8_t version; /**< 4 or 6 */
	uint8_t zero[2];
};

struct madp_ip {
	struct madp_tuple key;
	uint16_t len;        /**< octets of the whole packet by its length field */
	uint16_t header_len; /**< octets before the upper layer (IPv6: with extension headers) */
	uint8_t dscp;        /**< 0..63 */
	uint8_t ecn;         /**< 0..3 */
	uint8_t ttl;         /**< TTL or Hop Limit */
	bool is_fragment;    /**< any IP fragment; only the first one may have ports */
	bool has_ports;      /**< TCP, UDP, UDP-Lite, SCTP or DCCP, and they are there */
};

/** Length in octets that the IP header at data[len] gives for its packet, or 0 with *why: the
 *  cheapest check, for splitting.  The length may be less than len, never more.
 *  *why: MADP_IP_SHORT, _VERSION, _HEADER, _LENGTH */
size_t madp_ip_length(const uint8_t *data, size_t len, enum madp_reason *why);

/** Read the packet at the front of data[len]; out->len may be less than len, never more.
 *  The IPv4 header checksum is not verified (madp_ip4_checksum_ok()).
 *  @return MADP_OK, or MADP_IP_SHORT, _VERSION, _HEADER, _LENGTH; then out is unspecified */
enum madp_reason madp_ip_parse(const uint8_t *data, size_t len, struct madp_ip *out);

/** Octets of the IPv4 header at ip (20..60), from its first octet. */
static inline uint32_t madp_ip4_header_len(const uint8_t *ip)
{
	return (ip[0] & 0x0fu) * 4u;
}

/** Is it of a TCP connection, and more than an acknowledgement: data, or SYN?  Octets from the
 * front of a packet, len of them.  Behind extension headers of IPv6 nothing is looked for. */
bool madp_ip_is_stream(const uint8_t *ip, size_t len);

/** Checksum for the IPv4 header ip[hlen] as if its field were zero; hlen from the header. */
uint16_t madp_ip4_checksum(const uint8_t *ip, size_t hlen);
bool madp_ip4_checksum_ok(const uint8_t *ip, size_t hlen);

/** New checksum after a 16-bit word changed from was to is (RFC 1624, equation 3); a wrong
 *  checksum stays wrong. */
static inline uint16_t madp_checksum_adjust(uint16_t sum, uint16_t was, uint16_t is)
{
	uint32_t s = (uint32_t)(uint16_t)~sum + (uint16_t)~was + is;

	s = (s & 0xffffu) + (s >> 16);
	s = (s & 0xffffu) + (s >> 16);
	return (uint16_t)~s;
}

/** Set Total Length and adjust the checksum. */
void madp_ip4_set_len(uint8_t *ip, uint16_t len);
/** Set TTL and Protocol and, if adjust, the checksum. */
void madp_ip4_set_ttl_proto(uint8_t *ip, uint8_t ttl, uint8_t proto, bool adjust);
