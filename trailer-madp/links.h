/** @file links.h
 *  What the cores of the data plane share: link slots, link sets, memory that is taken on demand.
 *  Layer: core (no I/O, no clock).
 *
 *  A session has up to MADP_LINKS_MAX delivery connections.  Cores know them by slot, 0..7; the
 *  shell maps a slot to the delivery connection id (RFC 9188 4.1, 4 bits) and back.  Flow classes
 *  are numbered 0..MADP_CLASSES_MAX-1; the number is the Flow ID on the wire and each class has its
 *  own Flow SN.
 *  All lengths are octets, all rates bit/s, all durations microseconds unless a name says
 *  otherwise. */
#pragma once

#include "lib/base/clock.h"
#include "lib/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MADP_LINKS_MAX 8
#define MADP_CLASSES_MAX 8
#define MADP_SN_MASK 0xFFFFFFu /**< Flow SN: 24 bits (RFC 9188 4.1) */

/** Bit i is slot i. */
typedef uint8_t madp_linkset;

static inline madp_linkset madp_link_bit(unsigned slot)
{
	return (madp_linkset)(1u << slot);
}

/** Signed distance from SN b to SN a on the circle of 2^24; positive when a is newer. */
static inline int32_t madp_sn_diff(uint32_t a, uint32_t b)
{
	return (int32_t)((a - b) << 8) >> 8;
}

static inline uint32_t madp_sn_add(uint32_t sn, int32_t n)
{
	return (sn + (uint32_t)n) & MADP_SN_MASK;
}

/** Where windows come from; never called per packet.  get() returns cleared memory or NULL, put()
 *  gets the same size.  One per worker, so that a bound over all sessions can be kept. */
struct madp_mem {
	void *(*get)(void *user, size_t size);
	void (*put)(void *user, void *p, size_t size);
	void *user;
};
