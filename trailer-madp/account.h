/** @file account.h
 *  Counters of one session, shared between its worker, which alone writes, and the control thread,
 *  which reads them for status at any time.  Layer: adapter. */
#pragma once

#include "trailer-madp/counters.h"
#include "trailer-madp/links.h"

#include <stdatomic.h>
#include <stdbool.h>

struct madp_link_count {
	uint64_t owner;      /**< delivery connection id + 1 whose figures these are; 0 nobody's */
	uint64_t tx_packets; /**< PDUs */
	uint64_t tx_octets;  /**< with outer headers */
	uint64_t tx_dropped; /**< by the kernel: queue full, or error */
	uint64_t rx_packets;
	uint64_t rx_octets;
	uint64_t rx_refused;
	uint64_t lost;
	uint64_t reordered;
	uint64_t duplicate;
	uint64_t rtt_us;
	uint64_t rate_bps;
	uint64_t rate_seen; /**< 0 or 1: rate_bps was seen with the link in full use */
	uint64_t min_rtt_us;
	uint64_t tx_queue_us; /**< standing queue of what we send, and the five that follow: as the
				 peer reports */
	uint64_t tx_owd_us;   /**< delay by the peer's clock; int32_t, compare links only */
	uint64_t tx_jitter_us;
	uint64_t tx_arrived;        /**< packets, mod 2^32 */
	uint64_t tx_arrived_octets; /**< mod 2^32 */
	uint64_t tx_lost;           /**< packets, mod 2^16 */
	uint64_t rx_counted;        /**< packets among which lost ones are counted */
	uint64_t rx_queue_us;
	uint64_t rx_owd_us; /**< delay by ours; int64_t, compare links only */
	uint64_t rx_jitter_us;
	uint64_t proven; /**< 0 or 1: the peer has shown that it knows the secret */
	uint64_t up;     /**< 0 or 1 */
	uint64_t dtls;   /**< 0 or 1: its DTLS association is open */
	uint64_t downs;  /**< how often it went down */
};

struct madp_class_count {
	uint64_t tx_sdus;
	uint64_t tx_octets;
	uint64_t tx_dropped; /**< no link, or nothing that could hold it */
	uint64_t tx_held;
	uint64_t tx_again; /**< sent again after a link died */
	uint64_t rx_sdus;
	uint64_t rx_octets;
	uint64_t rx_held;   /**< waited for order */
	uint64_t rx_passed; /**< of rx_sdus: given up, and counted in lost, before they came */
	uint64_t duplicate;
	uint64_t late;
	uint64_t lost; /**< given up by the reorder window */
	uint64_t reassembly_failed;
};

struct madp_account {
	_Atomic uint32_t refs;
	struct madp_link_count link[MADP_LINKS_MAX];
	struct madp_class_count cls[MADP_CLASSES_MAX];
	uint64_t spoofed;
};

struct madp_account *madp_account_new(void); /**< one reference; NULL on ENOMEM */
struct madp_account *madp_account_ref(struct madp_account *a);
void madp_account_unref(struct madp_account *a); /**< accepts NULL */
