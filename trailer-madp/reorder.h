/** @file reorder.h
 *  SDUs of one flow in the order of their Flow SN.  Layer: core (no I/O, no clock; memory for a
 *  window is taken when the first gap opens and given back when the flow has been quiet).  O(1) per
 *  packet.
 *  Source: RFC 9188 4.1 (Flow SN, 24 bit), 6 (with concatenation each SDU has its own); seed 5.
 *
 *  A missing SDU is given up when nothing can bring it any more:
 *  - every link that carries this flow has delivered a newer one, or anything that was sent later
 *    (links keep order, but for the lateness that was measured on them), or
 *  - the time that the slowest of those links needs longer than the one that showed the gap is
 *    over; with lossless switching: the time in which the sender finds out about a dead link and
 *    sends again.
 *  No constant decides, and without a gap nothing waits, unless delays are to be even (`even`).
 *
 *  A flow that is sent on all its links (`twice`) has a copy of what is missing on its way, and its
 *  delay matters: a gap waits for MADP_REORDER_TWICE_US at most, and only for links whose copy is
 *  due by then.  A copy that comes later is passed on out of order, once. */
#pragma once

#include "trailer-madp/links.h"

#define MADP_REORDER_MIN 256u   /**< slots of the first window */
#define MADP_REORDER_MAX 65536u /**< and of the largest that may be configured */
#define MADP_REORDER_LEN_MAX 131071u
#define MADP_REORDER_TWICE_US 60000 /**< what the receiver of a call evens out by itself */
#define MADP_REORDER_TWICE 4096u    /**< slots where late copies must be known from repeated ones */

enum madp_reorder_result {
	MADP_REORDER_DELIVER, /**< next in order: the caller delivers it now, then asks for more */
	MADP_REORDER_HELD,    /**< kept; comes out by madp_reorder_next() */
	MADP_REORDER_DUPLICATE, /**< arrived before */
	MADP_REORDER_LATE,      /**< given up before */
	MADP_REORDER_PASS,      /**< given up before, but pass_late: deliver it out of order */
	MADP_REORDER_NOMEM,     /**< no window could be had: dropped */
	MADP_REORDER_AHEAD,     /**< too far ahead to be believed yet: dropped */
};

/** What the receiver knows of the links; by slot. */
struct madp_reorder_link {
	int64_t delay_us; /**< relative one-way delay, comparable between links */
	uint32_t late_us; /**< in-link lateness: jitter that overtakes */
	uint32_t jitter_us;
	mams_time heard_at; /**< newest packet of any kind on the link */
	uint32_t queue_us;  /**< part of delay_us that comes and goes */
	bool known;
};

struct madp_reorder_slot {
	void *pkt;
	uint32_t len : 17;
	uint32_t wait : 12; /**< comes out so long after its arrival, in units of 64 us */
	uint32_t link : 3;  /**< that brought it */
	uint32_t at;        /**< arrival, us, low 32 bits */
};

/** What a packet in order reads and writes comes first. */
struct madp_reorder {
	uint32_t expect;  /**< Flow SN to be delivered next */
	uint32_t top;     /**< newest seen */
	uint32_t held;    /**< packets in the window */
	uint32_t cap;     /**< slots of the window, power of 2; 0 none */
	uint32_t cap_max; /**< the most it may grow to */
	uint32_t run;     /**< everything from here to expect was delivered */
	uint32_t known;   /**< from here on `delivered` tells; before, nobody remembers */
	bool begun;
	bool flush; /**< the sender has begun anew: give everything out */
	bool pass_late;
	bool twice; /**< the sender uses all links at once; late ones pass then, too */
	bool even; /**< what is given next comes out as late as if it had come by the slowest of the
		      links that may carry the flow */
	uint8_t far_n;
	uint8_t gap_slot;    /**< link that showed the gap */
	madp_linkset may;    /**< links that the sender may use for this flow */
	madp_linkset left;   /**< links that it might use before, */
	madp_linkset passed; /**< links that delivered something newer than `expect` */
	madp_linkset dead;   /**< links known to be */
	mams_time gap_at;    /**< when the gap at `expect` was seen; never = no gap */
	struct madp_reorder_slot *slots;
	uint64_t n_delivered, n_lost;
	uint32_t link_top[MADP_LINKS_MAX];
	mams_time link_at[MADP_LINKS_MAX]; /**< newest of this flow on the link; never = none */
	mams_time deadline;
	mams_time passed_at; /**< when the last link passed it; never = not all have */
	mams_time used_at;
	mams_time left_at; /**< when a link was last taken from those that the sender may use */
	mams_time died_at[MADP_LINKS_MAX]; /**< when the link last died; never = it did not */
	uint64_t *delivered;               /**< bit per SN below expect, as many as slots */
	uint64_t held_octets;
	uint32_t far_sn;  /**< last SN that was too far off; so many agreed with it: far_n */
	uint32_t next_sn; /**< first that is held, beyond the gap */
	uint32_t hold_us; /**< lossless: wait so long for what a silent link may hold; 0 off */
	uint64_t n_held, n_duplicate, n_late, n_dropped;
};

/** @param cap_max  largest window in packets, a power of 2, MADP_REORDER_MIN..MADP_REORDER_MAX */
void madp_reorder_init(struct madp_reorder *r, uint32_t cap_max);
/** Gives the window back.  Held packets must be taken out first by madp_reorder_drain(). */
void madp_reorder_fini(struct madp_reorder *r, const struct madp_mem *mem);
/** The sender says which links it uses for this flow.  What it sent on others before may be slower
 *  than its word. */
void madp_reorder_may(struct madp_reorder *r, madp_linkset may, mams_time now);
/** One SDU.
 *  @param len   MADP_REORDER_LEN_MAX at most
 *  @param sn    Flow SN
 *  @param slot  link that it came on
 *  @param link  link[MADP_LINKS_MAX], what is known of delays
 *  @param pkt   kept when MADP_REORDER_HELD is returned, else still the caller's */
enum madp_reorder_result madp_reorder_input(struct madp_reorder *r, uint32_t sn, unsigned slot,
	const struct madp_reorder_link *link, void *pkt, uint32_t len, const struct madp_mem *mem,
	mams_time now);
/** The next SDU, if none is missing before it: while more that has arrived is yet to be read,
 * nothing is given up, though its time may be over.
 *  @param len  filled */
void *madp_reorder_in_order(
	struct madp_reorder *r, const struct madp_reorder_link *link, uint32_t *len, mams_time now);
/** The next SDU that may be delivered; to be asked until NULL after each input and each deadline.
 *  @param len  filled */
void *madp_reorder_next(
	struct madp_reorder *r, const struct madp_reorder_link *link, uint32_t *len, mams_time now);
/** When a gap is given up; never = nothing waits. */
mams_time madp_reorder_deadline(const struct madp_reorder *r);
/** Take everything out, in order, whatever is missing: NULL when empty. */
void *madp_reorder_drain(struct madp_reorder *r, uint32_t *len);
/** The link is known to be dead: nothing more is expected from it; with lossless switching, what it
 *  held is, from another link. */
void madp_reorder_link_down(struct madp_reorder *r, unsigned slot, mams_time now);
/** It lives: something may come from it, until the sender tells otherwise. */
void madp_reorder_link_up(struct madp_reorder *r, unsigned slot);
/** Give the window back when it is empty and was not needed for a second. */
void madp_reorder_trim(struct madp_reorder *r, const struct madp_mem *mem, mams_time now);
/** When that is to be called; never = there is none, or it is not empty. */
mams_time madp_reorder_trim_at(const struct madp_reorder *r);
