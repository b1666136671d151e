/** @file pkt.h
 *  One packet in a buffer of the caller's, with room on both sides: GMA headers grow into the head
 *  room, trailers into the tail room.  Layer: core (no I/O, no clock, no allocation). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct madp_pkt {
	uint8_t *data; /**< first octet of the packet, borrowed */
	uint32_t len;  /**< octets of the packet */
	uint32_t head; /**< free octets before data */
	uint32_t tail; /**< free octets after data[len] */
};

/** Octets in network order at p, not necessarily aligned. */
static inline uint16_t madp_get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t madp_get24(const uint8_t *p)
{
	return (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
}

static inline uint32_t madp_get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline void madp_put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void madp_put24(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 16);
	p[1] = (uint8_t)(v >> 8);
	p[2] = (uint8_t)v;
}

static inline void madp_put32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

/** Take n octets of the head room into the packet, at its front. False: there is no such room. */
static inline bool madp_pkt_push(struct madp_pkt *p, uint32_t n)
{
	if (p->head < n)
		return false;
	p->data -= n;
	p->head -= n;
	p->len += n;
	return true;
}

/** Give n octets at the front back to the head room; n <= len. */
static inline void madp_pkt_pull(struct madp_pkt *p, uint32_t n)
{
	p->data += n;
	p->head += n;
	p->len -= n;
}

/** Take n octets of the tail room into the packet, at its end. False: there is no such room. */
static inline bool madp_pkt_grow(struct madp_pkt *p, uint32_t n)
{
	if (p->tail < n)
		return false;
	p->tail -= n;
	p->len += n;
	return true;
}

/** Give n octets at the end back to the tail room; n <= len. */
static inline void madp_pkt_trim(struct madp_pkt *p, uint32_t n)
{
	p->tail += n;
	p->len -= n;
}
