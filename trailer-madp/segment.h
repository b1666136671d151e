/** @file segment.h
 *  Cut what the TUN device gives, up to 64 KiB of one TCP or UDP flow under one header, into the
 *  packets that would have been sent without segmentation offload (GMA SDUs).  Layer: core (pure).
 *  Headers, IPv4 identification, TCP sequence numbers and flags, lengths and checksums are those
 *  of RFC 791, 8200, 9293 and 768; CWR stays on the first segment (RFC 3168 6.1.2), FIN and PSH on
 *  the last. */
#pragma once

#include "lib/base/err.h"
#include "trailer-madp/offload.h"

#include <stddef.h>

struct madp_segment {
	const uint8_t *pkt; /**< [len], borrowed until the last segment is written */
	size_t len;
	size_t hdr; /**< octets of headers, repeated in each segment */
	size_t pos; /**< payload octets written */
	uint16_t l4;
	uint16_t gso;
	uint16_t csum_offset;
	uint16_t index;
	enum madp_offload_kind kind;
	bool partial;
};

/** Take pkt[len].
 *  @return 0, -MAMS_ETRUNC (shorter than its headers say), -MAMS_EPROTO (no IP packet, or the
 *          offload does not fit it) */
MAMS_MUST int madp_segment_init(
	struct madp_segment *s, const struct madp_offload *o, const uint8_t *pkt, size_t len);
/** How many are left. */
size_t madp_segment_left(const struct madp_segment *s);
/** Octets of the next one; 0: all are written. */
size_t madp_segment_size(const struct madp_segment *s);
/** Write the next one to out[madp_segment_size()]. */
void madp_segment_write(struct madp_segment *s, uint8_t *out);
