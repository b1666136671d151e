/** @file counters.h
 *  What the workers of mams-trailer count.  Layer: adapter.  A counter has one writer, its worker,
 *  and is read by the control thread at any time. */
#pragma once

#include "lib/base/metrics.h"
#include "trailer-madp/reason.h"
#include "trailer-madp/reassembly.h"

#include <stdint.h>

struct madp_counters {
	uint64_t tun_reads; /**< packets read from the TUN device, large ones counted once */
	uint64_t tun_octets;
	uint64_t tun_invalid;
	uint64_t tun_foreign;
	uint64_t tun_unclaimed;
	uint64_t tun_writes;
	uint64_t tun_joined;
	uint64_t tun_write_failed;
	uint64_t sdus_sent;
	uint64_t sdus_received;
	uint64_t pdus_sent;
	uint64_t pdus_received;
	uint64_t control_sent;
	uint64_t control_received;
	uint64_t send_calls;
	uint64_t receive_calls;
	uint64_t send_full;
	uint64_t send_failed;
	uint64_t receive_failed;
	uint64_t no_link;
	uint64_t hold_full;
	uint64_t hold_expired;
	uint64_t too_long;
	uint64_t no_memory;
	uint64_t unknown_source;
	uint64_t cut;
	uint64_t wrong_connection;
	uint64_t unknown_flow;
	uint64_t no_sequence;
	uint64_t spoofed_source;
	uint64_t foreign_destination;
	uint64_t duplicate;
	uint64_t late;
	uint64_t ahead;
	uint64_t proof_accepted;
	uint64_t proof_outside;
	uint64_t proof_unknown;
	uint64_t proof_refused;
	uint64_t proof_stale;
	uint64_t proof_limited;
	uint64_t moves;
	uint64_t peer_restarted;
	uint64_t control_unknown;
	uint64_t notes_dropped;
	uint64_t concatenated;
	uint64_t split;
	uint64_t fragmented;
	uint64_t fragments_sent;
	uint64_t dtls_open;
	uint64_t dtls_failed;
	uint64_t dtls_dropped;
	uint64_t dtls_closed;
	struct madp_reasm_counters reassembly;
	uint64_t refused[MADP_REASON_COUNT]; /**< PDUs discarded, by enum madp_reason */
};

/** Rows for status and metrics; *n rows. */
const struct mams_metric *madp_counters_rows(size_t *n);
/** into += from; reads values that another thread writes. */
void madp_counters_add(struct madp_counters *into, const struct madp_counters *from);

/** Add to a counter that another thread may be reading. */
static inline void madp_add(uint64_t *counter, uint64_t n)
{
	__atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
}

static inline void madp_inc(uint64_t *counter)
{
	madp_add(counter, 1);
}

static inline uint64_t madp_load(const uint64_t *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}
