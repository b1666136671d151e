/** @file flow.h
 *  Life of a relayed pair of connections: half-close, reset, idleness, accounting.  Layer: core (no
 *  I/O, no clock, no allocation).  Source: RFC 8803 section 4.2 (teardown of one leg follows the
 *  other), RFC 8684 section 3.3.3 (DATA_FIN), seed section 7.
 *
 *  Leg 0 is the side that was accepted, leg 1 the side that was opened; direction d runs from leg d
 *  to the other leg.  The owner reports what happened, then asks px_flow_next() until it says none:
 *  end of stream -> half-close of the far leg once everything before it was handed over;
 *  both ends of stream -> close; a leg that broke -> what it had sent before is still delivered
 *  (as between two hosts), then the other leg is aborted. */
#pragma once

#include "lib/base/clock.h"

#include <stdbool.h>
#include <stdint.h>

enum px_phase {
	PX_PHASE_HELLO,   /**< network: the Convert message is not complete yet */
	PX_PHASE_CONNECT, /**< the other leg is being opened */
	PX_PHASE_CONFIRM, /**< client: leg 1 stands, the converter's answer is outstanding */
	PX_PHASE_RELAY,
	PX_PHASE_TAIL, /**< network: an Error TLV was sent; the peer closes or resets */
	PX_PHASE_OVER,
};

struct px_flow_limits {
	int64_t idle_ms;        /**< no octet either way */
	int64_t half_closed_ms; /**< the same once one direction has ended */
	int64_t flush_ms;       /**< how long a broken leg's last octets may take */
};

/** How the uplink of a flow reaches us (apart.h). */
enum px_uplink {
	PX_UPLINK_ONE,     /**< over the connection that the downlink has, too */
	PX_UPLINK_ASKED,   /**< so far; another one is attached, and will say from where on */
	PX_UPLINK_TURNING, /**< so far; it has said */
	PX_UPLINK_TWO,     /**< over the other one */
};

/** What the end of the connection that a direction came over means. */
enum px_end {
	PX_END_FLOW,  /**< the direction has ended */
	PX_END_WAIT,  /**< the other connection will tell */
	PX_END_SHORT, /**< octets are missing */
};

struct px_dir {
	uint64_t octets; /**< handed to the far leg */
	bool eof;        /**< the near leg has ended in order */
	bool held;       /**< octets were read and not yet handed over */
	bool shut;       /**< the far leg was told */
};

struct px_flow {
	enum px_phase phase;
	int broken;   /**< leg that was reset or failed; -1 none */
	bool drained; /**< nothing more can be read from the broken leg */
	bool flushed; /**< the far leg's kernel has delivered everything */
	bool expired; /**< a limit was reached: it ends, whatever is left */
	struct px_dir dir[2];
	enum px_uplink uplink; /**< of direction 0 */
	uint64_t turn;         /**< so many of its octets come before */
	mams_time last;        /**< of activity */
	mams_time broken_at;
};

enum px_act {
	PX_ACT_NONE,
	PX_ACT_SHUT_0, /**< half-close leg 0 */
	PX_ACT_SHUT_1,
	PX_ACT_FLUSH, /**< find out whether the leg opposite the broken one has delivered all */
	PX_ACT_CLOSE, /**< close both in order: that sends what end was not sent yet */
	PX_ACT_ABORT, /**< reset both */
};

void px_flow_init(struct px_flow *f, enum px_phase phase, mams_time now);
void px_flow_moved(struct px_flow *f, int dir, uint64_t octets, mams_time now);
void px_flow_held(struct px_flow *f, int dir, bool held);
void px_flow_eof(struct px_flow *f, int dir);
/** The other connection has said from which octet on it carries the uplink.
 *  @return false when more have come already: nobody can tell which ones are right */
bool px_flow_turn(struct px_flow *f, uint64_t octets);
enum px_end px_flow_end(const struct px_flow *f, int dir);
/** Is the next octet of this direction one of the other connection?  Asked per read. */
static inline bool px_flow_turns(const struct px_flow *f, int dir)
{
	return dir == 0 && f->uplink == PX_UPLINK_TURNING && f->dir[0].octets >= f->turn;
}
/** Leg was reset or failed; a second report changes nothing. */
void px_flow_broken(struct px_flow *f, int leg, mams_time now);
/** The broken leg has nothing left to read. */
void px_flow_drained(struct px_flow *f);
/** Answer to PX_ACT_FLUSH. */
void px_flow_flushed(struct px_flow *f);
/** May octets of this direction still be moved? */
bool px_flow_can_move(const struct px_flow *f, int dir);
/** What to do now; PX_ACT_CLOSE and PX_ACT_ABORT come once and end the flow. */
enum px_act px_flow_next(struct px_flow *f);
/** When to call px_flow_tick() at the latest. */
mams_time px_flow_deadline(const struct px_flow *f, const struct px_flow_limits *lim);
/** @return true when a limit was reached: px_flow_next() says what to do, whatever happens before
 * it is asked, and there is no further deadline */
bool px_flow_tick(struct px_flow *f, const struct px_flow_limits *lim, mams_time now);
