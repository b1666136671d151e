/** @file retain.h
 *  Lossless switching, sender's side: SDUs of one flow are kept by Flow SN until the peer reports
 *  them received, they are too old, or too many; when a link dies, what was sent on it alone is
 *  sent again on another, once, in order.  Layer: core (no I/O, no clock; memory for the ring is
 *  taken on demand and given back when empty).  O(1) per packet.
 *  Source: seed 6.6 (lossless switching), RFC 9188 3 and 4.1 (Flow SN for retransmission). */
#pragma once

#include "trailer-madp/links.h"

#define MADP_RETAIN_MIN 256u

struct madp_retain_entry {
	void *pkt;
	uint32_t len;
	uint32_t at; /**< sent, us, low 32 bits */
	uint8_t links;
	uint8_t resent;
};

struct madp_retain {
	struct madp_retain_entry *ring;
	uint32_t cap;     /**< entries, power of 2; 0 none */
	uint32_t n;       /**< kept */
	uint32_t first;   /**< Flow SN of the oldest */
	uint32_t acked;   /**< entries of the oldest that may be released */
	uint32_t cursor;  /**< entries from the oldest already looked at since the last link died */
	uint32_t cap_max; /**< packets */
	uint64_t octets;
	uint64_t octets_max;
	uint32_t age_us; /**< kept no longer */
	mams_time used_at;
	madp_linkset dead; /**< links whose packets are being sent again; 0 none */
	uint64_t n_resent, n_overrun, n_nomem;
};

/** @param cap_max     most packets, a power of 2
 *  @param octets_max  most octets
 *  @param age_us      kept no longer than this */
void madp_retain_init(
	struct madp_retain *r, uint32_t cap_max, uint64_t octets_max, uint32_t age_us);
/** An SDU goes out on these links; SNs are given in order without a gap.
 *  @return true: pkt is kept until madp_retain_reap() gives it back; false: not kept (no memory) */
bool madp_retain_put(struct madp_retain *r, uint32_t sn, void *pkt, uint32_t len,
	madp_linkset links, const struct madp_mem *mem, mams_time now);
/** The peer waits for this Flow SN: all before it are done with. */
void madp_retain_ack(struct madp_retain *r, uint32_t expect);
/** The next packet that need not be kept any more (reported, too old, too many); NULL = none. */
void *madp_retain_reap(struct madp_retain *r, const struct madp_mem *mem, mams_time now);
/** These links died: begin sending again. */
void madp_retain_link_down(struct madp_retain *r, madp_linkset dead);
/** The next to send again, oldest first; it stays kept.
 *  @param to  links that it is sent on now; 0: only look what comes next (len is filled, sn is not)
 *  @return packet or NULL: nothing (more) is to be sent again */
void *madp_retain_next(struct madp_retain *r, madp_linkset to, uint32_t *sn, uint32_t *len);
/** Is there something to be sent again?  What is new waits for it, to keep the order. */
bool madp_retain_is_pending(struct madp_retain *r);
/** Everything may be released (feature switched off, session ends). */
void madp_retain_drop(struct madp_retain *r);
/** When the oldest becomes too old; never = empty. */
mams_time madp_retain_deadline(const struct madp_retain *r, mams_time now);
void madp_retain_fini(struct madp_retain *r, const struct madp_mem *mem);
