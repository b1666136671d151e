/** @file mxcontrol.h
 *  MX Control PDUs: Keep-Alive, Probe-REQ, Probe-ACK.  Layer: core (no I/O, no clock, no
 * allocation). Source: RFC 8743 8.6.1 (format), 8.6.2, 8.6.3.  Host order in struct madp_mxcontrol,
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

#define MADP_MXCONTROL_HEAD 4u /**< octets of Type, CID and sequence number */

enum madp_mxcontrol_kind {
	MADP_MXCONTROL_KEEP_ALIVE,
	MADP_MXCONTROL_REQ,
	MADP_MXCONTROL_ACK,
};

/** Type octets, section 8.6.1. */
enum madp_mxcontrol_type {
	MADP_MXCONTROL_TYPE_KEEP_ALIVE = 0,
	MADP_MXCONTROL_TYPE_PROBE = 1,
};

struct madp_mxcontrol {
	enum madp_mxcontrol_kind kind;
	uint8_t cid;    /**< delivery connection that carries the PDU */
	uint16_t sn;    /**< of an ACK: that of the REQ */
	bool want_ack;  /**< REQ: an answer is expected */
	bool active;    /**< probes: Active phase, else Initialization */
	bool has_rcid;  /**< REQ with want_ack: answer over delivery connection rcid */
	bool lsb_first; /**< Probing Flag numbered from the least significant bit; answer alike */
	uint8_t rcid;
	const uint8_t *padding; /**< REQ: padding[padding_len], borrowed; NULL to write zeros */
	size_t padding_len;     /**< octets; encoded: see madp_mxcontrol_encode() */
};

/** Write a PDU into out[cap].
 *  @param c  padding_len octets of c->padding are written, or of zeros where that is NULL
 *  @return octets written; -MAMS_ELIMIT: they do not fit; -MAMS_EVALUE: R-CID without want_ack, or
 *  padding in other than a REQ */
MAMS_MUST int madp_mxcontrol_encode(const struct madp_mxcontrol *c, uint8_t *out, size_t cap);

/** Octets of padding that make a REQ with or without R-CID as long as the configured probe size (of
 *  the whole PDU); 0 where it is longer anyway. */
size_t madp_mxcontrol_padding(bool has_rcid, size_t probe_size);

/** Read a PDU.
 *  @param pdu      UDP payload, len octets; borrowed by out->padding
 *  @param network  it comes from the N-MADP: a probe is a REQ; else an ACK
 *  @param out      filled on success
 *  @return 0; -MAMS_ETRUNC: shorter than its fields; -MAMS_EUNKNOWN: reserved type; -MAMS_EPROTO:
 *  octets behind a Keep-Alive or an ACK, or reserved bits of the Probing Flag.  R-CID without an
 *  answer wanted, which only SHOULD NOT be, reads as no R-CID. */
MAMS_MUST int madp_mxcontrol_decode(
	const uint8_t *pdu, size_t len, bool network, struct madp_mxcontrol *out);
