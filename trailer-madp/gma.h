/** @file gma.h
 *  Generic Multi-Access encapsulation: trailers and headers, written and read in place.  Layer:
 * core (no I/O, no clock, no allocation).  Source: RFC 9188 section 4 (formats 4.1 to 4.3), FC and
 * FSL sections 5 and 6; mx_header_optimization RFC 8743 C.2.11.2.  Host order in struct madp_gma,
 *  network order on the wire.
 *
 *  form          octets of the PDU
 *  BARE          [IP header][IP payload]: nothing added; the receiver sees that by the protocol
 *  TRAILER       [IPv4 header][IP payload][TTL .. Checksum, Next Header, Flags]
 *  HEADER_IP     [IPv4 header][Flags, TTL .. Checksum, Next Header][IP payload]
 *  HEADER        [Flags, Timestamp .. Checksum][IP header][IP payload]     ("non-IP", figure 7)
 *
 *  In the IP forms the protocol becomes 114 and the TTL 1; decapsulation restores both.  In one UDP
 *  tunnel the first octet tells HEADER from the others: its 0x40 bit is the Concatenation bit of
 * the flags, which HEADER never sets, and is set in the version of IPv4 and IPv6. */
#pragma once

#include "trailer-madp/ip.h"
#include "trailer-madp/pkt.h"
#include "trailer-madp/reason.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum madp_gma_form {
	MADP_GMA_BARE,
	MADP_GMA_TRAILER,
	MADP_GMA_HEADER_IP,
	MADP_GMA_HEADER,
};

/** Flags, section 4.1; bits 9-12 are reserved, 13-15 the version. */
#define MADP_GMA_CHECKSUM 0x8000u
#define MADP_GMA_FSL 0x4000u
#define MADP_GMA_CONNECTION_ID 0x2000u
#define MADP_GMA_FLOW_ID 0x1000u
#define MADP_GMA_FC 0x0800u
#define MADP_GMA_DELIVERY_SN 0x0400u
#define MADP_GMA_FLOW_SN 0x0200u
#define MADP_GMA_TIMESTAMP 0x0100u
#define MADP_GMA_TTL 0x0080u
#define MADP_GMA_ALL 0xff80u
#define MADP_GMA_SDU                                                                               \
	(MADP_GMA_CONNECTION_ID | MADP_GMA_DELIVERY_SN | MADP_GMA_FLOW_SN | MADP_GMA_TIMESTAMP)
#define MADP_GMA_RESERVED 0x0078u
#define MADP_GMA_VERSION_MASK 0x0007u

#define MADP_GMA_MAX 17u           /**< octets of the longest legal trailer or header */
#define MADP_GMA_SN_MASK 0xffffffu /**< Flow SN counts modulo 2^24 */
#define MADP_GMA_FRAGMENTS_MAX 128u

/** Control fields of one PDU.  A field without its flag is neither written nor filled. */
struct madp_gma {
	enum madp_gma_form form;
	uint16_t flags;        /**< MADP_GMA_*: as on the wire, reserved bits and version 0 */
	uint16_t fsl;          /**< octets of the first SDU; IP forms only */
	uint8_t connection_id; /**< anchor << 4 | delivery */
	uint8_t flow_id;
	uint8_t frag_offset; /**< 0..127, counted in fragments */
	bool frag_more;      /**< with frag_offset 0 and no more: the SDU is whole */
	uint8_t delivery_sn;
	uint32_t flow_sn;      /**< 0..2^24-1; of the last SDU, where there are several */
	uint32_t timestamp_ms; /**< sender's clock modulo 2^32 */
	uint8_t ttl;           /**< of the SDU; IP forms */
	uint8_t next_header;   /**< protocol of the first SDU; IP forms */
	/** Set by decapsulation: octets of the first SDU, at the front of the payload; less than
	 * the payload's length when more SDUs follow; 0 for a fragment. */
	uint32_t first_len;
};

/** What the two ends agreed on. */
struct madp_gma_rules {
	enum madp_gma_form v4;    /**< form of IPv4 SDUs, and of received PDUs with protocol 114 */
	bool header_optimization; /**< IP forms: length and checksum stay as in the SDU */
	bool fc_lsb_first;        /**< peer numbers FC's bits from the least significant */
	uint16_t refused;         /**< MADP_GMA_* not accepted on receipt; 0 as a rule */
};

/** Form for IPv4 SDUs by section 4: trailer when both ends can, else HEADER when the adaptation
 *  carries packets that are not IP (UDP does), else HEADER_IP. */
enum madp_gma_form madp_gma_choose(bool both_trailer, bool adaptation_non_ip);

/** Form for an SDU of this IP version (4 or 6): section 4, IPv6 is HEADER always. */
static inline enum madp_gma_form madp_gma_form_for(const struct madp_gma_rules *r, uint8_t version)
{
	return version == 4 ? r->v4 : MADP_GMA_HEADER;
}

/** Octets that flags take in form, 0..20 (FSL and FC together are not legal but counted). */
uint32_t madp_gma_size(enum madp_gma_form form, uint16_t flags);

static inline bool madp_gma_is_fragment(const struct madp_gma *g)
{
	return (g->flags & MADP_GMA_FC) && (g->frag_offset != 0 || g->frag_more);
}

/** Encapsulate the SDU, the SDUs or the IP header with a portion of an SDU in p, in place.
 *  g->form and g->flags say how; for the IP forms TTL and Next Header are taken from the packet,
 * the TTL flag is implied, and Total Length is made to cover the PDU (header_optimization: left).
 *  HEADER uses the head room, TRAILER the tail room, HEADER_IP the head room.
 *  @return MADP_OK; MADP_TOO_LONG (no room, or beyond 65535); MADP_GMA_FORM (not IPv4, or flags
 * that the form excludes, or BARE for IPv6 or a protocol 114 of the SDU's own); MADP_GMA_FSL_FC;
 *  MADP_IP_SHORT, MADP_IP_HEADER.  Else p is unchanged. */
enum madp_reason madp_gma_encap(
	const struct madp_gma_rules *r, const struct madp_gma *g, struct madp_pkt *p);

/** Decapsulate a received PDU in place; p must be exactly the PDU.  Afterwards p is the SDU, the
 *  SDUs one after the other (g->first_len < p->len), or a fragment: in the IP forms the SDU's IP
 *  header and a portion, in HEADER a portion.  Protocol, TTL, Total Length and checksum of the
 * first IP header are the SDU's again (of a fragment: the length covers header and portion, with
 *  header_optimization the whole SDU), and its checksum is verified.  A packet without GMA is taken
 *  (form BARE) where IPv4 has an IP form, and only IPv4: HEADER must be in every packet.
 *  @param g  filled: form and all fields whose flag is set
 *  @return MADP_OK, or why the PDU must be discarded; then g is unspecified and p to be dropped */
enum madp_reason madp_gma_decap(
	const struct madp_gma_rules *r, struct madp_pkt *p, struct madp_gma *g);

/** True for the reasons that a packet with protocol 114 gives when another protocol uses that
 * number (section 1.1): report it, and change to HEADER. */
bool madp_gma_is_foreign(enum madp_reason why);
