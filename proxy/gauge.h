/** @file gauge.h
 *  What the kernel knows of the subflows of clients' connections (MPTCP_FULL_INFO), at no extra
 *  traffic.  Layer: adapter of mams-proxy, network role; one per worker.
 *  Source: seed 6.5; Linux tcp_info.
 *
 *  A worker looks at PX_GAUGE_SLOTS of its connections once a second, and when they end: those that
 * moved octets when a place was free.  One that is idle gives its place back, and when others wait,
 * everybody does after PX_GAUGE_TURNS seconds; so the busy ones are seen most.  What was seen of a
 * subflow goes to the control thread as a note, which adds it up (meter.h).  While nothing moves,
 * nothing is done. */
#pragma once

#include "lib/base/timerq.h"
#include "lib/io/mptcp.h"

#define PX_GAUGE_SLOTS 64u
#define PX_GAUGE_SUBFLOWS 8u
#define PX_GAUGE_TURNS 4u
#define PX_GAUGE_PERIOD_US 1000000
#define PX_GAUGE_REST 4u /**< a subflow that is made anew has to find out what its link carries */
#define PX_HOLDUP_US 500000

struct px_conn;
struct px_worker;

/** One subflow since it was looked at last; of octets those of whole IP packets. */
struct px_sample {
	struct mams_addr local, remote; /**< port 0 */
	uint64_t acked;                 /**< octets that the client has acknowledged */
	uint64_t received;              /**< octets */
	uint32_t sent;                  /**< packets with data */
	uint32_t lost;                  /**< of these; retransmitted, and not for nothing */
	uint32_t rtt_us;
	uint32_t jitter_us;
	uint32_t rate_kbps; /**< at which packets are delivered now; 0: the link was not in full use
			     */
	uint32_t train_kbps; /**< else, where the connection waits for another subflow; 0: no more
			      * was wanted */
};

/** What a link has brought to a connection in a second. */
struct px_gauge_best {
	struct mams_addr local, remote; /**< port 0 */
	uint64_t octets;                /**< the most; a 64th is forgotten each look.  0: free */
};

struct px_gauge_slot {
	struct px_conn *conn; /**< NULL: free */
	bool known;           /**< last[] means something */
	uint8_t rest;         /**< looks until a subflow may be made anew again */
	uint8_t turns;
	uint8_t n;
	struct mams_mptcp_subflow last[PX_GAUGE_SUBFLOWS];
	struct px_gauge_best best[PX_GAUGE_SUBFLOWS];
};

struct px_gauge {
	struct px_gauge_slot *slots; /**< [PX_GAUGE_SLOTS], made when first needed; NULL: none */
	struct mams_timer timer;
	uint32_t used;
	bool awaited; /**< somebody found no place since the last look */
	bool off;     /**< the kernel does not tell, or there is no memory */
};

/** Octets of this connection have moved. */
void px_gauge_moved(struct px_worker *w, struct px_conn *c);
/** It ends; its sockets are open. */
void px_gauge_ended(struct px_worker *w, struct px_conn *c);
void px_gauge_tick(struct px_worker *w);
void px_gauge_fini(struct px_worker *w);
/** The kernel gives a subflow what its send buffer holds, and keeps to it: on a link that has
 * become slow, or was the only one for a while, that may be seconds, in which all else waits for it
 * and the others run out of what they may send.  Only taking the subflow away gives it back.
 *  @param was, is  another subflow of the connection at the last look, and now
 *  @return `is` lives, may send and has nothing to send, and what f holds would take PX_HOLDUP_US
 * or more, and less than half of that over `is` */
bool px_holds_up(const struct mams_mptcp_subflow *f, const struct mams_mptcp_subflow *was,
	const struct mams_mptcp_subflow *is);
/** A subflow that began, or lost packets, while its link was a slow one adds one packet a round
 * trip when the link is fast again, for many seconds.  A new one finds out in a few round trips.
 *  @param best  octets that its link has brought in a second
 *  @return f sends no less than it may, the link's queue is empty, and that is less than half of
 * best */
bool px_lags(const struct mams_mptcp_subflow *f, uint64_t best);
/** What has come since `was` (NULL: the beginning).
 *  @param waits  the connection has more than its buffer takes: where another subflow is what it
 *                waits for, this one stands idle between trains, which go as fast as the link
 *  @return false: nothing */
bool px_sample_of(const struct mams_mptcp_subflow *was, const struct mams_mptcp_subflow *is,
	bool waits, struct px_sample *out);
