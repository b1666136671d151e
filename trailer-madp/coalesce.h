/** @file coalesce.h
 *  Join packets that follow each other in one TCP or UDP flow into one large packet for the TUN
 *  device, as a network card's receive offload does.  The inverse of segment.h: the kernel, or the
 *  next network card, can cut the same packets again.  Layer: core (pure).
 *  Joined are packets whose headers differ only where segments of one send differ, and whose
 *  checksums are right: a damaged packet goes out alone and unchanged, for the receiver to refuse.
 *  Order within a flow is kept. */
#pragma once

#include "lib/base/err.h"
#include "trailer-madp/offload.h"

#include <stddef.h>

#define MADP_COALESCE_FLOWS 8u
#define MADP_COALESCE_PARTS 65u  /**< headers, and up to 64 payloads */
#define MADP_COALESCE_HDR 100u   /**< IPv6 and the longest TCP header */
#define MADP_COALESCE_MAX 65535u /**< octets of one IP packet */

/** A piece of a packet, borrowed. */
struct madp_part {
	const uint8_t *data;
	size_t len;
};

/** One packet for the TUN device: parts[n] one behind the other, len octets together. */
typedef void (*madp_coalesce_fn)(void *user, const struct madp_offload *o,
	const struct madp_part *parts, size_t n, size_t len);

struct madp_joined {
	struct madp_part parts[MADP_COALESCE_PARTS];
	uint8_t n;     /**< 0: free; 1: the first packet, whole */
	bool verified; /**< the first packet's checksum */
	bool tcp;
	uint8_t ip_hdr;
	uint8_t hdr;
	uint16_t gso;
	uint16_t id; /**< IPv4: expected identification */
	uint32_t seq;
	size_t len;
	uint64_t age;
	uint8_t head[MADP_COALESCE_HDR];
};

struct madp_coalesce {
	struct madp_joined flows[MADP_COALESCE_FLOWS];
	size_t open;
	size_t last; /**< where the previous packet went */
	uint64_t clock;
	bool udp;
	madp_coalesce_fn out;
	void *user;
};

/** @param udp  the device takes joined datagrams; if not, they go out as they are */
void madp_coalesce_init(struct madp_coalesce *c, bool udp, madp_coalesce_fn out, void *user);
/** One SDU, sdu[len]: a packet whose IP header's length is len.  Borrowed until the next flush. */
void madp_coalesce_add(struct madp_coalesce *c, const uint8_t *sdu, size_t len);
/** Give out what is open.  To be called before the memory of added packets is used again. */
void madp_coalesce_flush(struct madp_coalesce *c);
