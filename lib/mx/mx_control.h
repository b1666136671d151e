/** @file mx_control.h
 *  MX Control PDUs: Keep-Alive, Probe-REQ, Probe-ACK.  Layer: core (no I/O, no clock, no
 * allocation). Source: RFC 8743 8.6.1 (format), 8.6.2, 8.6.3.  Host order in struct mx_control,
 * network order on the wire.
 *
 *    0 Type   1 CID   2..3 sequence number   then, of a probe: Probing Flag, [R-CID], padding
 *
 *  REQ and ACK have one type: the N-MADP asks, the C-MADP answers, so the direction tells them
 *  apart.  An ACK is stated to be 3 octets long with a field of 2: the third is the Probing Flag
 *  with nothing but the Probe Type; 2 are taken, too.  Bits are numbered from the most significant;
 *  a peer that numbers them the other way is recognised by the reserved bits, which are zero. */
#pragma once

#include "lib/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MX_CONTROL_HEAD 4u /**< octets of Type, CID and sequence number */

enum mx_control_kind {
	MX_CONTROL_KEEP_ALIVE,
	MX_CONTROL_REQ,
	MX_CONTROL_ACK,
};

/** Type octets, section 8.6.1. */
enum mx_control_type {
	MX_CONTROL_TYPE_KEEP_ALIVE = 0,
	MX_CONTROL_TYPE_PROBE = 1,
};

struct mx_control {
	enum mx_control_kind kind;
	uint8_t cid;    /**< delivery connection that carries the PDU */
	uint16_t sn;    /**< of an ACK: that of the REQ */
	bool want_ack;  /**< REQ: an answer is expected */
	bool active;    /**< probes: Active phase, else Initialization */
	bool has_rcid;  /**< REQ with want_ack: answer over delivery connection rcid */
	bool lsb_first; /**< Probing Flag numbered from the least significant bit; answer alike */
	uint8_t rcid;
	const uint8_t *padding; /**< REQ: padding[padding_len], borrowed; NULL to write zeros */
	size_t padding_len;     /**< octets; encoded: see mx_control_encode() */
};

/** Write a PDU into out[cap].
 *  @param c  padding_len octets of c->padding are written, or of zeros where that is NULL
 *  @return octets written; -MAMS_ELIMIT: they do not fit; -MAMS_EVALUE: R-CID without want_ack, or
 *  padding in other than a REQ */
MAMS_MUST int mx_control_encode(const struct mx_control *c, uint8_t *out, size_t cap);

/** Octets of padding that make a REQ with or without R-CID as long as the configured probe size (of
 *  the whole PDU); 0 where it is longer anyway. */
size_t mx_control_padding(bool has_rcid, size_t probe_size);

/** Read a PDU.
 *  @param pdu      UDP payload, len octets; borrowed by out->padding
 *  @param network  it comes from the N-MADP: a probe is a REQ; else an ACK
 *  @param out      filled on success
 *  @return 0; -MAMS_ETRUNC: shorter than its fields; -MAMS_EUNKNOWN: reserved type; -MAMS_EPROTO:
 *  octets behind a Keep-Alive or an ACK, or reserved bits of the Probing Flag.  R-CID without an
 *  answer wanted, which only SHOULD NOT be, reads as no R-CID. */
MAMS_MUST int mx_control_decode(
	const uint8_t *pdu, size_t len, bool network, struct mx_control *out);

/** Probes of a test in the Initialization phase; both sides count with it.
 *  @param size  octets of a whole PDU, at least 1 */
static inline uint32_t mx_control_init_probes(
	uint32_t duration_ms, uint32_t rate_mbps, uint32_t size)
{
	uint64_t n = (uint64_t)duration_ms * rate_mbps * 1000u / 8u / size;

	return n > UINT32_MAX ? UINT32_MAX : n ? (uint32_t)n : 1u;
}

#define MX_CONTROL_PAD 12u /**< octets of padding that we fill and understand */
/** The padding of a REQ, which RFC 8743 leaves free, tells the other side the round trip that the
 *  sender knows.
 *  @param rtt_us  0: none yet
 *  @param pad     [len], filled; too short: zeros */
void mx_control_pad_put(uint32_t rtt_us, uint8_t *pad, size_t len);
/** @return 0: it tells none, or is none of ours */
uint32_t mx_control_pad_rtt(const uint8_t *pad, size_t len);
