/** @file fragment.h
 *  Cuts an SDU that is too long for a link into PDUs.  Layer: core (no I/O, no clock, no
 *  allocation).  Source: RFC 9188 section 5.
 *
 *  In the IP forms every PDU begins with a copy of the SDU's IP header and the data behind it is
 *  cut; in HEADER the whole SDU is cut, header and all.  Portions are as equal as possible: as few
 *  PDUs as the link allows, and none of them tiny. */
#pragma once

#include "trailer-madp/gma.h"

struct madp_fragmenter {
	const struct madp_gma_rules *rules; /**< borrowed */
	/** Fields of every PDU; FC is ours.  delivery_sn and timestamp_ms may be set before each
	 *  madp_fragment_next(), form and flags not. */
	struct madp_gma gma;
	const uint8_t *sdu; /**< borrowed */
	uint32_t len;
	uint32_t hlen;    /**< octets of the IP header in front of every portion; HEADER: 0 */
	uint32_t pos;     /**< of the next portion */
	uint32_t portion; /**< octets; the first `longer` ones have one more */
	uint32_t longer;
	uint32_t n; /**< PDUs in all */
	uint32_t i; /**< PDUs made */
};

/** Begin with sdu[len] (host's own, already checked).
 *  @param g        form and fields of the PDUs; Flow SN must be among them
 *  @param max_pdu  octets that a PDU may have on this link
 *  @return MADP_OK: one PDU without FC if the SDU fits, else fragments; MADP_TOO_LONG: more than
 * 128 would be needed, or max_pdu leaves no room; MADP_GMA_FORM: BARE, or not IPv4 in an IP form;
 *  MADP_GMA_NO_SN; MADP_GMA_FSL_FC; MADP_IP_SHORT, MADP_IP_HEADER */
enum madp_reason madp_fragment_init(struct madp_fragmenter *f, const struct madp_gma_rules *rules,
	const struct madp_gma *g, const uint8_t *sdu, uint32_t len, uint32_t max_pdu);
/** Octets of the next PDU; 0 after the last. */
uint32_t madp_fragment_size(const struct madp_fragmenter *f);
/** Write the next PDU into out, which has madp_fragment_size() octets.
 *  @return its octets, 0 after the last */
uint32_t madp_fragment_next(struct madp_fragmenter *f, uint8_t *out);
