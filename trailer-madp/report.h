/** @file report.h
 *  Measurement report: what the receiving side of a session tells the sending side.  Layer: core
 *  (no I/O, no clock, no allocation).
 *  Source: RFC 9188 1.1 and seed 6.5 ask that the receiver measures and the sender steers; no RFC
 *  defines the message.  DECISION: an MX Control PDU (RFC 8743 8.6.1) of a type from its reserved
 *  range, which a peer that does not know it discards.  Keep-Alive and Probe-ACK have a fixed
 *  length and no room; padding of a Probe-REQ flows one way only.
 *
 *  Octets, network byte order:
 *    0      type 240          1      delivery connection id on which it is sent
 *    2..3   sequence number   4..7   sender's timestamp clock, ms (RFC 9188 4.1)
 *    8      links n, then flows m: (n << 4 | m)
 *    per link, 30 octets:
 *      0      delivery connection id     1      flags: 0x80 not usable, 0x40 timestamp echoed
 *      2..5   packets received           6..9   octets received (with outer headers)
 *      10..13 receiver's clock at the newest packet, us
 *      14..17 timestamp of that packet, echoed
 *      18..19 how long it waited for this report, 10 us units, 65535 = longer
 *      20..21 standing queue: least one-way delay since the last report above the least of the last
 *             seconds, 10 us units
 *      22..23 jitter, 10 us units
 *      24..27 relative one-way delay, us, signed: comparable between links of this report
 *      28..29 lost packets by Delivery SN, mod 2^16
 *    per flow, 6 octets: flow id; next Flow SN that the receiver waits for, 3; the delivery
 *      connections on which the reporting side sends this flow, 2, bit i = id i
 *  All counts are totals, so that a lost report costs nothing. */
#pragma once

#include "trailer-madp/links.h"

#define MADP_REPORT_TYPE 240
#define MADP_REPORT_HEAD 9
#define MADP_REPORT_LINK 30
#define MADP_REPORT_FLOW 6
#define MADP_REPORT_MAX                                                                            \
	(MADP_REPORT_HEAD + MADP_LINKS_MAX * MADP_REPORT_LINK + MADP_CLASSES_MAX * MADP_REPORT_FLOW)

struct madp_report_link {
	uint8_t cid;   /**< delivery connection id */
	bool down;     /**< the reporting side does not hear this link or may not use it */
	bool has_echo; /**< echo_ms, held_us, rx_us, queue_us, jitter_us and owd_us mean something
			*/
	uint32_t packets;
	uint32_t octets;
	uint32_t rx_us;
	uint32_t echo_ms;
	uint32_t held_us;
	uint32_t queue_us;
	uint32_t jitter_us;
	int32_t owd_us;
	uint16_t lost;
};

struct madp_report_flow {
	uint8_t flow;
	uint32_t expect; /**< every SDU before this Flow SN was delivered or given up */
	uint16_t cids;   /**< bit per delivery connection id that we may send this flow on */
};

struct madp_report {
	uint8_t cid;
	uint16_t seq;
	uint32_t ts_ms;
	uint8_t n_links;
	uint8_t n_flows;
	struct madp_report_link link[MADP_LINKS_MAX];
	struct madp_report_flow flow[MADP_CLASSES_MAX];
};

/** @param buf  at least MADP_REPORT_MAX octets
 *  @return octets written */
size_t madp_report_encode(const struct madp_report *r, uint8_t *buf);
/** @param pdu  whole MX Control PDU, len octets
 *  @return 0, -MAMS_ETRUNC, or -MAMS_EPROTO: wrong type, counts beyond ours, trailing octets, an id
 *  above 15 or twice, a Flow SN above 24 bits */
MAMS_MUST int madp_report_decode(const uint8_t *pdu, size_t len, struct madp_report *out);
/** Round trip that an echo shows: now is of the clock of whoever set the timestamp. @return us, 0
 *  when there is none to be had */
uint32_t madp_report_rtt_us(const struct madp_report_link *l, mams_time now);
