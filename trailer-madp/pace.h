/** @file pace.h
 *  Sender's model of one link: how fast it carries, how much is under way, how long its queue is.
 *  Layer: core (no I/O, no clock, no allocation, O(1) per packet).
 *  Source: RFC 9188 1.1 (the receiver measures, the sender splits accordingly); the control law is
 *  our own.
 *
 *  The receiver reports octets received, its clock at the newest packet, and the least one-way
 *  delay since the last report above the least ever (report.h).  From these:
 *  - a rate measured while a queue stands (or a tenth is lost) is the link's rate; any other
 *    measurement can only raise the estimate, since the sender had no more to send;
 *  - packets leave at rate * gain; the gain steers the standing queue towards MADP_PACE_QUEUE_US,
 *    by as much per round trip as the round trip allows: full use without overflowing buffers;
 *  - what is under way is bounded by twice what the link holds.
 *  A link whose delay goes up and down by itself seems to have a queue where there is none.  How
 * far reports differ from each other tells how long to look before the least of them is believed.
 *  A link of unknown rate starts with a train of MADP_PACE_TRAIN octets; how far apart the link
 *  spaces it is the first estimate.  Nothing need be configured; a configured rate is the first
 *  estimate, and with `limit` the upper bound. */
#pragma once

#include "trailer-madp/links.h"

struct madp_report_link;

#define MADP_PACE_TRAIN 32768u
#define MADP_PACE_QUEUE_US 5000
#define MADP_PACE_MARKS 32

/** Octets sent up to a moment of the sender's millisecond clock, mod 2^32: marks reach back two
 * round trips, and each link of each session has many. */
struct madp_pace_mark {
	uint32_t ts_ms;
	uint32_t octets;
};

struct madp_pace {
	uint64_t rate;  /**< bit/s the link is believed to carry; 0 unknown */
	uint64_t bound; /**< configured upper bound, bit/s; 0 none */
	uint64_t pace;  /**< bit/s at which packets leave now; 0 = not limited */
	int64_t credit; /**< octets that may leave at `filled`; below 0 after a packet */
	mams_time filled;
	mams_time busy_until; /**< when the link will have carried all that was sent, at `rate` */
	uint64_t sent_octets;
	uint32_t window;    /**< starting: octets that may be under way */
	uint64_t flight;    /**< octets under way, by the last report, plus what was sent since */
	mams_time begun_at; /**< first packet since start or restart; never = none */
	mams_time sent_at;
	mams_time report_at; /**< of the newest report; never = none yet */
	mams_time round_at;  /**< begin of the current round trip */
	mams_time drain_at;  /**< when the queue is next let run empty, to see the least delay */
	struct {
		uint32_t rx_us; /**< where the running sample began: receiver's clock and totals */
		uint32_t octets;
		uint32_t packets;
		uint32_t queue_us; /**< least queue since */
		uint32_t gap_us;   /**< longest time between two reports since */
		uint16_t lost;
		bool begun;
	} from;
	uint32_t rx_us;    /**< receiver's clock of the newest report */
	uint32_t raw_us;   /**< queue that it tells */
	uint32_t noise_us; /**< smoothed absolute difference of successive ones */
	struct {
		uint32_t rx_us; /**< when the current one began */
		uint32_t us[2]; /**< least queue in it, and in the one before */
	} low;
	uint32_t last_ms;    /**< timestamp of the newest packet sent */
	uint32_t octets;     /**< totals of the newest report, */
	uint32_t packets;    /**< likewise */
	uint16_t lost;       /**< likewise, mod 2^16 */
	uint32_t rtt_us;     /**< smoothed; 0 unknown */
	uint32_t min_rtt_us; /**< least seen; 0 unknown */
	uint32_t queue_us;   /**< standing queue, as the newest reports tell */
	int32_t owd_us;      /**< relative one-way delay of the newest report: compare links only */
	int32_t least_owd_us; /**< least of all reports */
	uint32_t jitter_us;
	uint32_t loss_ppm; /**< of the last sample */
	bool has_owd;
	bool starting;       /**< the rate was not seen with the link in full use yet */
	bool held_back;      /**< a packet was kept from this link since the round began */
	bool waits;          /**< the same, since one was last sent on it */
	bool trying;         /**< this round leaves faster, to see whether the link carries more */
	bool tried;          /**< what is measured now left so */
	uint8_t full_rounds; /**< rounds held back since the last such one */
	uint8_t try_rounds;  /**< so many must be */
	uint32_t try_us;     /**< so much queue may it make, if the link does not */
	uint64_t try_from;   /**< rate before it */
	uint8_t young;       /**< rounds left in which the first rate is taken for too low */
	uint32_t young_us;   /**< so much queue may each of them make, if it is not */
	uint64_t young_from; /**< rate when the last of them ended */
	uint8_t idle_rounds; /**< rounds in a row held back with no queue: the link carries more */
	uint8_t n_marks;
	uint8_t mark; /**< newest */
	struct madp_pace_mark marks[MADP_PACE_MARKS];
};

/** @param rate   first estimate, 0 unknown
 *  @param bound  upper bound, 0 none */
void madp_pace_init(struct madp_pace *p, uint64_t rate, uint64_t bound, mams_time now);
/** The link came up again, or its address changed: what was under way is gone, the rate is kept as
 *  first estimate. */
void madp_pace_restart(struct madp_pace *p, mams_time now);
/** A PDU of len octets (with the outer IP and UDP headers) was sent.
 *  @param ts_ms  the Timestamp that it carries */
void madp_pace_sent(struct madp_pace *p, uint32_t len, uint32_t ts_ms, mams_time now);
/** The peer's report on this link. */
void madp_pace_report(struct madp_pace *p, const struct madp_report_link *r, mams_time now);
/** A round trip measured by a probe. */
void madp_pace_rtt(struct madp_pace *p, uint32_t rtt_us);
/** May a packet leave now? @param wait  filled when not: when at the latest to ask again */
bool madp_pace_ready(const struct madp_pace *p, mams_time now, mams_time *wait);
/** A packet was kept back because of this link: it is used to the full. */
void madp_pace_hold(struct madp_pace *p);
/** When a packet of len octets sent now would have left the link's queue; add owd_us to compare. */
mams_time madp_pace_departure(const struct madp_pace *p, uint32_t len, mams_time now);
