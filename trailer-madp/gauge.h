/** @file gauge.h
 *  What the cores know of links with traffic, for the NCM: once a second what is new.  Layer:
 *  adapter of mams-trailer, network role, control thread.
 *
 *  - used: octets that came, with outer headers; downlink as the peer reports them.
 *  - rate, downlink: the sender's estimate (pace.h) while the link is in full use;
 *    uplink: what came in a second at whose both ends a queue stood, if so many packets fit
 *    into it: a link that has become longer shows a queue, too, until that is its least delay.
 *  - delay: of the link with the least round trip, half of that and its standing queue; of the
 *    others, by how much their packets take longer in that direction.
 *  - jitter: RFC 3550 6.4.1, of time stamps in ms; downlink as the peer reports it.
 *  - lost: by Delivery SN; downlink as the peer reports it.
 *  - back: it was down since it was told of last, and is up.
 *  A link is told of when it has moved MADP_GAUGE_PACKETS; until then its figures add up. */
#pragma once

#include "lib/base/clock.h"
#include "lib/io/ctlsock.h"

#define MADP_GAUGE_PERIOD_MS 1000
#define MADP_GAUGE_PACKETS 10u
#define MADP_GAUGE_QUEUE_US 2500u   /**< standing queue of a link in full use, */
#define MADP_GAUGE_QUEUE_PACKETS 2u /**< and so many in it */

struct madp_desired;

/** The totals of a link when it was told of last. */
struct madp_gauge {
	uint64_t owner; /**< of the account; 0: none yet */
	mams_time at;
	uint64_t tx_packets, rx_packets;
	uint64_t rx_octets, rx_counted, rx_lost;
	uint32_t tx_arrived, tx_octets;
	uint16_t tx_lost;
	uint64_t downs; /**< how often it went down until then, told of as back again */
	uint32_t rx_queue_us;
};

/** @param sessions  by client */
void madp_gauge_tell(struct mams_ctl_server *server, struct madp_desired *sessions, mams_time now);
