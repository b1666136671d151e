/** @file reassembly.h
 *  Fragments of SDUs, gathered until one is complete.  Layer: core (no I/O, no clock; all memory is
 *  taken at the beginning).  Source: RFC 9188 section 5.
 *
 *  One per worker, for all its sessions.  Fragments are known by session, Flow ID and Flow SN and
 *  stand in the order of their offset, which counts fragments, not octets: nothing can overlap by
 *  octets, but a fragment can come twice (dropped), come again with another length, be a second
 * last one, or lie behind the last one; the last three discard the whole SDU.  What is complete or
 *  discarded is remembered until its time is over, so that copies that come later over another link
 *  open nothing.
 *
 *  Memory is bounded in all and per session.  When it is short, what a session holds above its even
 *  share goes first, the oldest before the newer: a session that sends fragments without end harms
 *  itself. */
#pragma once

#include "lib/base/clock.h"
#include "trailer-madp/gma.h"

#include <stddef.h>

#define MADP_REASM_BLOCK 512u /**< octets of memory are counted in these */

struct madp_reasm;
struct madp_reasm_set;

struct madp_reasm_conf {
	uint32_t blocks;         /**< in all, 2..65534 */
	uint32_t sets;           /**< SDUs gathered or remembered at a time, 2..65534 */
	uint32_t session_blocks; /**< at most, for one session */
	uint32_t session_sets;   /**< SDUs gathered at a time, for one session */
	uint32_t timeout_ms;     /**< from an SDU's first fragment */
};
/** 16 MiB, 1,024 SDUs; a session 1 MiB and 64 SDUs; 500 ms. */
extern const struct madp_reasm_conf madp_reasm_defaults;
/** Octets that the defaults take in all, bookkeeping included, are fewer than these. */
#define MADP_REASM_MEMORY (17u << 20)

/** X(symbol, counter name): what became of fragments and SDUs */
#define MADP_REASM_COUNTERS(X)                                                                     \
	X(fragments, "fragments received")                                                         \
	X(complete, "SDUs complete")                                                               \
	X(duplicate, "fragments that had come before")                                             \
	X(late, "fragments of SDUs that were discarded")                                           \
	X(conflict, "SDUs discarded: fragments contradict each other")                             \
	X(invalid, "SDUs discarded: empty fragment, too long, or not one IP packet")               \
	X(timeout, "SDUs discarded: incomplete for too long")                                      \
	X(evicted, "SDUs discarded: memory was needed")                                            \
	X(no_room, "fragments dropped: no memory for this session")                                \
	X(ended, "SDUs discarded: the session ended")

struct madp_reasm_counters {
#define X(symbol, text) uint64_t symbol;
	MADP_REASM_COUNTERS(X)
#undef X
};

/** Part of a session, embedded; zeroed is new. */
struct madp_reasm_session {
	struct madp_reasm_set *open; /**< oldest first */
	uint32_t sets;
	uint32_t blocks;
};

enum madp_reasm_result {
	MADP_REASM_KEPT,     /**< the SDU is not complete yet */
	MADP_REASM_COMPLETE, /**< call madp_reasm_take() */
	MADP_REASM_DROPPED,  /**< a counter says why */
};

/** @return NULL without memory, or for values out of range */
struct madp_reasm *madp_reasm_new(const struct madp_reasm_conf *conf);
void madp_reasm_free(struct madp_reasm *r); /**< accepts NULL; sessions must not be used after */

/** A fragment, as madp_gma_decap() leaves it: data[len], copied.
 *  @param g        its fields; madp_gma_is_fragment()
 *  @param sdu_len  filled with MADP_REASM_COMPLETE: octets that madp_reasm_take() will write */
enum madp_reasm_result madp_reasm_add(struct madp_reasm *r, struct madp_reasm_session *s,
	const struct madp_gma *g, const uint8_t *data, uint32_t len, mams_time now,
	uint32_t *sdu_len);
/** The SDU that the last call of madp_reasm_add() completed, into out[sdu_len]; its memory is free
 *  then.  Not taken, it is lost with the next call.
 *  @return MADP_OK: exactly one IP packet of sdu_len octets with a right header; else do not use it
 *  (MADP_IP_...; counted as invalid) */
enum madp_reason madp_reasm_take(struct madp_reasm *r, uint8_t *out);
/** Discard what is too old. */
void madp_reasm_tick(struct madp_reasm *r, mams_time now);
/** When to call it at the latest; never when nothing waits. */
mams_time madp_reasm_deadline(const struct madp_reasm *r);
/** The session ends: forget all that is its. */
void madp_reasm_end(struct madp_reasm *r, struct madp_reasm_session *s);

const struct madp_reasm_counters *madp_reasm_counters(const struct madp_reasm *r);
/** Blocks in use; times MADP_REASM_BLOCK it is octets. */
uint32_t madp_reasm_blocks(const struct madp_reasm *r);
