/** @file frame.h
 *  MX Control PDUs as user-plane packets.  Layer: core (pure).
 *  Source: RFC 8743 8.6.1, figure 8: UDP messages, sent as normal user-plane packets over the
 *  delivery connection.  DECISION: an IPv4 packet without Flow SN, whatever the anchor's family;
 *  the N-MADP is 192.0.0.1 and a client without IPv4 anchor 192.0.0.2, the addresses that RFC 6333
 *  5.7 sets aside for the two ends of a tunnel; both ports are the MX Control port of the set-up
 *  ("udp_port").  They never leave the tunnel. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MADP_FRAME_HDR 28u /**< octets of IPv4 and UDP header */

extern const uint8_t madp_frame_network[4]; /**< 192.0.0.1 */
extern const uint8_t madp_frame_client[4];  /**< 192.0.0.2 */

/** Headers before a PDU at sdu[MADP_FRAME_HDR], len octets. @return octets of the packet */
size_t madp_frame_put(
	uint8_t *sdu, const uint8_t *src, const uint8_t *dst, uint16_t port, size_t len);
/** Is sdu[len] such a packet? @return the PDU's octets, from sdu + MADP_FRAME_HDR; 0: it is none */
size_t madp_frame_get(
	const uint8_t *sdu, size_t len, const uint8_t *src, const uint8_t *dst, uint16_t port);
