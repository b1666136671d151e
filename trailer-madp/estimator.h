/** @file estimator.h
 *  Receiver's measurements of one link: octets, one-way delay relative to the sender's clock,
 *  standing queue, jitter, loss by Delivery SN.  Layer: core (no I/O, no clock, no allocation, O(1)
 *  per packet).
 *  Source: RFC 9188 1.1 and 4.1 (Timestamp in ms mod 2^32; Delivery SN 8 bit, per delivery
 *  connection and flow); seed 6.5 (lost probes, delay, rate).
 *
 *  Clocks of both ends are not compared: only differences between links of one session and against
 *  the least delay of the last 10 to 20 s have a meaning. */
#pragma once

#include "trailer-madp/links.h"
#include "trailer-madp/report.h"

/** Loss of one (link, flow) by Delivery SN; tolerates reordering by 63. */
struct madp_loss {
	uint64_t seen;   /**< bit i: SN top-i arrived */
	uint32_t top;    /**< newest SN, extended */
	uint32_t gap_us; /**< smoothed time between packets */
	bool begun;
	mams_time top_at; /**< when top arrived */
};

struct madp_meter {
	uint64_t octets;
	uint64_t packets;
	uint64_t lost;      /**< gone for good: not arrived within 63 newer ones of their flow */
	uint64_t reordered; /**< arrived after a newer one of their flow on this link */
	uint64_t duplicate; /**< Delivery SN seen before */
	mams_time heard_at; /**< newest packet of any kind; never = none */
	mams_time data_at;  /**< newest counted packet; never = none */
	mams_time ts_at;    /**< when ts_ms arrived; never = none */
	bool low_begun;     /**< a Timestamp came since the last report */
	mams_time epoch;    /**< of the two periods of least delay */
	int64_t base[2];    /**< least relative delay, this period and the one before */
	int64_t low_us;     /**< least relative delay since the last report */
	int64_t owd_us;     /**< smoothed relative delay, 1/8 per packet */
	int64_t last_us;
	uint32_t
		jitter_us; /**< smoothed absolute difference of successive delays, RFC 3550 6.4.1 */
	uint32_t late_us;  /**< how much later than newer packets old ones come (in-link reordering)
			    */
	uint32_t ts_ms;    /**< newest Timestamp */
	int64_t ts_ext_us; /**< the same, extended */
	uint64_t rate;     /**< bit/s received, over the last full 100 ms */
	mams_time bin_at;
	uint64_t bin_octets;
	struct madp_loss loss[MADP_CLASSES_MAX];
};

void madp_meter_init(struct madp_meter *m, mams_time now);
/** Anything authentic arrived on the link, len octets with outer headers (0: not to be counted). */
void madp_meter_heard(struct madp_meter *m, uint32_t len, mams_time now);
/** It carried a Timestamp. */
void madp_meter_timestamp(struct madp_meter *m, uint32_t ts_ms, mams_time now);
/** It carried a Delivery SN of this flow. */
void madp_meter_sn(struct madp_meter *m, unsigned flow, uint8_t delivery_sn, mams_time now);
/** Fill r from the totals and begin a new period of least delay.  r->cid and r->down are left. */
void madp_meter_report(struct madp_meter *m, struct madp_report_link *r, mams_time now);
/** Delay of this link minus that of another of the same session, us; 0 while one is unknown. */
int64_t madp_meter_delay_diff(const struct madp_meter *m, const struct madp_meter *other);
/** Standing queue now: smoothed delay above the least of the last seconds, us. */
uint32_t madp_meter_queue_us(const struct madp_meter *m);
bool madp_meter_has_delay(const struct madp_meter *m);
