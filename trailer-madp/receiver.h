/** @file receiver.h
 *  Receiving side of one session: measures links, puts SDUs in order, says what to report.  Layer:
 *  core (no I/O, no clock, no allocation per packet).
 *  Source: RFC 9188 1.1, 4.1, 6. */
#pragma once

#include "trailer-madp/estimator.h"
#include "trailer-madp/reorder.h"
#include "trailer-madp/report.h"

struct madp_receiver {
	struct madp_mem mem;
	madp_linkset known;
	uint32_t window;     /**< most packets per class that wait for order, a power of 2 */
	mams_time delays_at; /**< when view was made */
	uint16_t busy;       /**< bit per flow that has a window */
	uint16_t begun;      /**< bit per flow of which something came */
	uint16_t even;       /**< bit per flow whose delays may be made even */
	struct madp_meter meter[MADP_LINKS_MAX];
	struct madp_reorder_link view[MADP_LINKS_MAX];
	struct madp_reorder flow[MADP_CLASSES_MAX];
};

/** @param window  power of 2, MADP_REORDER_MIN..MADP_REORDER_MAX */
void madp_receiver_init(
	struct madp_receiver *r, uint32_t window, const struct madp_mem *mem, mams_time now);
/** Held packets must have been taken out by madp_receiver_drain(). */
void madp_receiver_fini(struct madp_receiver *r);
void madp_receiver_link_add(struct madp_receiver *r, unsigned slot, mams_time now);
void madp_receiver_link_del(struct madp_receiver *r, unsigned slot, mams_time now);
/** The link is known to be dead (or alive again): nothing is expected from it. */
void madp_receiver_link_up(struct madp_receiver *r, unsigned slot, bool up, mams_time now);
/** The peer has begun anew: its Flow SNs, too.  Held packets must have been taken out by
 *  madp_receiver_drain(). */
void madp_receiver_restart(struct madp_receiver *r);
/** How a class is put in order.
 *  @param hold_us  lossless switching: how long to wait for what a silent link may have held; 0 off
 *  @param pass_late  deliver what comes too late rather than drop it */
void madp_receiver_treat(struct madp_receiver *r, unsigned cls, uint32_t hold_us, bool pass_late);
/** The class is split over links: are their delays made even for what asks for it? A sender whose
 *  window follows the least round trip it has ever seen (BBR) fills no more than the fast link
 *  otherwise, and one that takes a rising round trip for a queue (HyStart of CUBIC) is slow to. */
void madp_receiver_split(struct madp_receiver *r, unsigned cls, bool yes);
/** The class is sent on all its links at once: nothing waits long for order (reorder.h). */
void madp_receiver_twice(struct madp_receiver *r, unsigned cls, bool yes);
static inline bool madp_receiver_is_split(const struct madp_receiver *r, unsigned cls)
{
	return r->even >> cls & 1;
}

/** Links that the sender says it may use for a class; all, until it does. */
void madp_receiver_links(struct madp_receiver *r, unsigned cls, madp_linkset may, mams_time now);

/** Fields of one PDU as they arrived. */
struct madp_in {
	uint32_t wire_len; /**< with outer headers; counted as the sender counts it */
	bool has_ts, has_delivery_sn;
	uint32_t ts_ms;
	uint8_t delivery_sn;
	uint8_t cls; /**< Flow ID; 0 when absent */
};
/** A PDU arrived on a link: once per PDU, before its SDUs. @return false: class or slot unknown */
bool madp_receiver_pdu(
	struct madp_receiver *r, unsigned slot, const struct madp_in *in, mams_time now);
/** Something other than data arrived on a known link. @param ts_ms  its timestamp, or NULL */
void madp_receiver_heard(
	struct madp_receiver *r, unsigned slot, const uint32_t *ts_ms, mams_time now);
/** One SDU of it (reassembled or split off). See enum madp_reorder_result for who owns pkt.
 *  @param even  it asks for an even delay, should its class be split */
enum madp_reorder_result madp_receiver_sdu(struct madp_receiver *r, unsigned cls, unsigned slot,
	uint32_t sn, void *pkt, uint32_t len, bool even, mams_time now);
/** The next SDU of a class that follows without a gap on the one just delivered; until NULL after
 * each that was.  What is missing is given up by madp_receiver_next() only, when all that has
 * arrived was read. */
void *madp_receiver_in_order(struct madp_receiver *r, unsigned cls, uint32_t *len, mams_time now);
/** The next SDU that may be delivered; until NULL when all was read, and at each deadline.  Gives
 * back windows that were not needed for a while.
 *  @param cls, len  filled */
void *madp_receiver_next(struct madp_receiver *r, unsigned *cls, uint32_t *len, mams_time now);
mams_time madp_receiver_deadline(const struct madp_receiver *r);
/** Everything that waits, in order per class; NULL when nothing. */
void *madp_receiver_drain(struct madp_receiver *r, unsigned *cls, uint32_t *len);
/** Fill link[] and flow[] of a report; begins a new measuring period.
 *  @param cid    cid[MADP_LINKS_MAX], delivery connection id by slot
 *  @param sends  sends[MADP_CLASSES_MAX], ids on which this side may send a class, bit per id */
void madp_receiver_report(struct madp_receiver *r, const uint8_t *cid, const uint16_t *sends,
	struct madp_report *out, mams_time now);
