/** @file nat.h
 *  Client NAT of GMA PDUs (MX adaptation "Client_NAT"): on the link a PDU has the link's address
 *  where the SDU has the anchor address.  Layer: core (no I/O, no clock, no allocation).
 *  Source: seed 5 (source NAT at the client, inverse mapping at the N-MADP), RFC 9188 4.1, 4.4,
 *  checksum arithmetic RFC 1624.
 *
 *      C-MADP, uplink     source       anchor -> link   leaves the client
 *      N-MADP, uplink     source       link -> anchor   arrives
 *      N-MADP, downlink   destination  anchor -> link   leaves the N-MADP
 *      C-MADP, downlink   destination  link -> anchor   arrives
 *
 *  The other address stays as it is, and so does all behind the IP header: of a PDU with protocol
 *  114 nobody on the way looks at ports or at checksums of TCP, UDP or ICMP, and the other end puts
 *  the address back that they were computed with.  So there is a mapping for each link, and none
 *  for each flow: no ports, no table to fill, nothing that expires.  IPv4 only, as IP encapsulation
 *  is (RFC 9188 4.1). */
#pragma once

#include "trailer-madp/ip.h"

/** Which address of a PDU is the client's. */
enum madp_nat_side {
	MADP_NAT_SOURCE,      /**< uplink */
	MADP_NAT_DESTINATION, /**< downlink */
};

/** The mapping of one link; IPv4 addresses in network order. */
struct madp_nat {
	uint8_t anchor[4]; /**< of the client, inside */
	uint8_t link[4];   /**< of the client on this link */
};

/** Is data[len], as it came from a link, an IPv4 packet that can be a PDU?  It may be longer than
 *  the packet by what a link pads short frames with.
 *  @param out  filled: octets of the packet, at most len
 *  @return MADP_OK; MADP_IP_SHORT, _VERSION, _HEADER, _LENGTH, _CHECKSUM; MADP_NAT_PROTOCOL */
enum madp_reason madp_nat_look(const uint8_t *data, size_t len, size_t *out);

/** Octets of a PDU's address on that side. */
static inline const uint8_t *madp_nat_address(const uint8_t *pdu, enum madp_nat_side side)
{
	return pdu + (side == MADP_NAT_SOURCE ? 12 : 16);
}

/** A PDU leaves: the link's address takes the place of the anchor address.
 *  Where the SDU is a fragment without Identification (0 is a legal one) the PDU gets one, since a
 *  sending kernel gives each packet without one another, and the fragments must stay of one kind.
 *  @param pdu  an IPv4 header and what follows; the header's checksum is right, and stays so
 *  @return MADP_OK; MADP_NAT_ADDRESS: it has another address than the anchor's; then unchanged */
enum madp_reason madp_nat_out(uint8_t *pdu, enum madp_nat_side side, const struct madp_nat *nat);

/** A PDU that madp_nat_look() found good arrives: the anchor address takes the place of the link's.
 *  @return MADP_OK; MADP_NAT_ADDRESS: it has another address than the link's; then unchanged */
enum madp_reason madp_nat_in(uint8_t *pdu, enum madp_nat_side side, const struct madp_nat *nat);
