/** @file counters.h
 *  What a worker counts.  Layer: adapter of mams-proxy.  One struct per worker, written by it
 * alone, summed by the control thread; every refusal has its reason in its name. */
#pragma once

#include "lib/base/metrics.h"

#include <stddef.h>
#include <stdint.h>

struct px_counters {
	uint64_t accepted;
	uint64_t accepted_mptcp;
	uint64_t accepted_tcp;
	uint64_t relayed;
	uint64_t closed;
	uint64_t aborted;
	uint64_t octets_up;
	uint64_t octets_down;
	uint64_t idle_expired;
	uint64_t accept_failed;
	uint64_t flow_limit;
	uint64_t source_limit;
	uint64_t client_limit;
	uint64_t no_memory;
	uint64_t hello_foreign;
	uint64_t hello_reset;
	uint64_t hello_timeout;
	uint64_t hello_closed;
	uint64_t answered[128]; /**< Error TLVs sent, by code */
	uint64_t error_limited; /**< Error TLVs not sent: too many to one source */
	uint64_t info_answered;
	uint64_t server_refused;
	uint64_t server_unreachable;
	uint64_t server_timeout;
	uint64_t client_gone; /**< the client left before the server had answered */
	uint64_t loop_refused;
	uint64_t path_attempts;
	uint64_t path_failed;
	uint64_t path_lost;  /**< attempts aborted because another path was faster */
	uint64_t path_none;  /**< flows for which no path could be established */
	uint64_t classed;    /**< flows of a class that has paths of its own */
	uint64_t class_left; /**< of these, over other paths: their own did not work */
	/* client: flows in two parts (apart.h) */
	uint64_t apart;         /**< second connections that carry the uplink of their flow */
	uint64_t apart_asked;   /**< begun */
	uint64_t apart_failed;  /**< of these, no path worked, or no answer came in time */
	uint64_t apart_refused; /**< of these, by the N-MADP */
	uint64_t apart_late;    /**< of these, the flow or its uplink had ended */
	uint64_t apart_unnamed; /**< flows that the N-MADP has not named: they stay in one part */
	/* network */
	uint64_t attached;          /**< connections that are to carry the uplink of a flow */
	uint64_t attach_turned;     /**< of these, that do */
	uint64_t attach_dropped;    /**< of these, given up by the client before */
	uint64_t attach_wrong_turn; /**< of these, said nonsense: the flow was reset */
	uint64_t attach_malformed;  /**< refused: not the message that it has to be */
	uint64_t attach_unknown;    /**< refused: no such flow, or no more */
	uint64_t attach_foreign;    /**< refused: the flow of another client, or without a cookie */
	uint64_t attach_twice;      /**< refused: the flow has one */
	uint64_t attach_ended;      /**< refused: the flow's uplink has ended */
	uint64_t attach_busy;       /**< refused: too many wait for their flow's worker */
	uint64_t direct;            /**< flows connected straight to the server */
	uint64_t syn_data_sent;
	uint64_t syn_data_acked;
	uint64_t path_stripped; /**< paths given up because SYN payloads vanish */
	uint64_t fallbacks;     /**< to plain TCP, of connections to the N-MADP */
	uint64_t peer_gone;     /**< the N-MADP ended before its answer */
	uint64_t peer_errors;   /**< Error TLVs received */
	uint64_t received[128]; /**< of these, by code */
	uint64_t peer_invalid;  /**< answers that were no valid Convert message */
	uint64_t notes_dropped;
	uint64_t paths_asked; /**< of the control thread, like the next two */
	uint64_t paths_silent;
	uint64_t paths_back;
	uint64_t spliced;
	uint64_t subflows_untold;
	uint64_t subflows_anew;
	uint64_t rooms_widened;
};

/** Rows for status and metrics; *n rows. */
const struct mams_metric *px_counters_rows(size_t *n);
/** into += from; reads values that another thread writes. */
void px_counters_add(struct px_counters *into, const struct px_counters *from);

/** Add to a counter that another thread may be reading. */
static inline void px_add(uint64_t *counter, uint64_t n)
{
	__atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
}

static inline void px_inc(uint64_t *counter)
{
	px_add(counter, 1);
}
