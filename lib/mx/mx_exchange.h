/** @file mx_exchange.h
 *  Reliable exchanges over any transport: own requests until they are answered or given up, and the
 *  answers given, so that a repeated request is answered again without acting twice.
 *  Layer: mx (pure).  Source: seed 6.2 (sequence number), RFC 8743 8.3.1 (MAMS_TIMEOUT,
 * MAMS_RETRY). */
#pragma once

#include "lib/base/clock.h"
#include "lib/mx/mx.h"

#define MX_OPEN_MAX 24u  /**< own requests under way: one reconfiguration per link, and some */
#define MX_GIVEN_MAX 32u /**< answers remembered */

struct mx_timing {
	uint32_t timeout_ms;     /**< MAMS_TIMEOUT; doubles with each retry */
	uint32_t timeout_cap_ms; /**< it doubles up to this */
	uint32_t retries;        /**< MAMS_RETRY: sends after the first */
};

struct mx_open {
	struct mx_msg *msg; /**< NULL: free slot */
	mams_time deadline;
	uint32_t wait_ms;
	uint32_t sends;
	bool send; /**< to be (re)sent now */
	bool once; /**< has no response: gone when it is sent */
};

struct mx_given {
	enum mx_type type;
	uint32_t sequence_num;   /**< of the request; 0: free slot */
	struct mx_msg *response; /**< NULL: the request has none */
};

struct mx_exchange {
	uint32_t next_sequence;
	struct mx_timing timing;
	struct mx_open open[MX_OPEN_MAX];
	struct mx_given given[MX_GIVEN_MAX];
	size_t next_given;
};

/** @param first  first sequence number; random, so that a restarted peer's numbers are new ones */
void mx_exchange_init(struct mx_exchange *x, const struct mx_timing *timing, uint32_t first);
/** Drop all own requests; the answers given are still remembered. */
void mx_exchange_abandon(struct mx_exchange *x);
/** Forget everything but the counter. */
void mx_exchange_reset(struct mx_exchange *x);
void mx_exchange_fini(struct mx_exchange *x);
/** The number of the next own transaction, 1..2^32-1. */
uint32_t mx_exchange_number(struct mx_exchange *x);

/** From the first send of a request until it is given up. @return ms */
uint32_t mx_timing_patience(const struct mx_timing *t);

/** Start a transaction; numbers the message when it has no number yet.
 *  @param m        consumed, whatever is returned
 *  @param wait_ms  for the first answer; 0 = MAMS_TIMEOUT
 *  @return 0, -ENOMEM (m is NULL), -MAMS_ELIMIT */
MAMS_MUST int mx_exchange_begin(
	struct mx_exchange *x, struct mx_msg *m, uint32_t wait_ms, mams_time now);
/** Send a message that has no response; numbered, never repeated.
 *  @param m  consumed, whatever is returned
 *  @return 0, -ENOMEM (m is NULL), -MAMS_ELIMIT */
MAMS_MUST int mx_exchange_post(struct mx_exchange *x, struct mx_msg *m);
/** Does it answer an open request?  That request is then over.  One without a number answers by its
 *  type.
 *  @return false for class E8 */
bool mx_exchange_finish(struct mx_exchange *x, const struct mx_msg *response);
bool mx_exchange_has(const struct mx_exchange *x, enum mx_type request);
void mx_exchange_cancel(struct mx_exchange *x, enum mx_type request);

/** Mark what must be sent again.
 *  @return the type of one request that has used up its retries (it is dropped), else
 *          MX_TYPE_COUNT; call again until then */
enum mx_type mx_exchange_tick(struct mx_exchange *x, mams_time now);
/** Next message to put on the wire, borrowed until the exchange changes; NULL when none. */
const struct mx_msg *mx_exchange_next(struct mx_exchange *x);
mams_time mx_exchange_deadline(const struct mx_exchange *x);

/** Was this request answered before?
 *  @param response  the stored answer, borrowed; NULL when it has none */
bool mx_exchange_repeated(
	const struct mx_exchange *x, const struct mx_msg *request, const struct mx_msg **response);
/** Remember the answer of a request.
 *  @param response  consumed; NULL when it has none
 *  @return the stored answer, borrowed */
const struct mx_msg *mx_exchange_give(
	struct mx_exchange *x, const struct mx_msg *request, struct mx_msg *response);
