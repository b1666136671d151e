/** @file linkemu_wire.h
 *  One direction of an emulated link: serialisation at a rate, byte queue, delay, jitter, loss,
 *  repetition, reordering, a middlebox that takes MPTCP out.  Layer: tests (no clock: `now` is an
 * argument). Packets are copied in and handed out again at their time.  Everything random comes
 * from a seed.
 */
#pragma once

#include "tests/support/suite.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wire_conf {
	uint64_t rate; /**< bit/s; 0 unlimited */
	int64_t delay_ns;
	int64_t jitter_ns; /**< uniform, added; order is kept */
	uint32_t queue;    /**< octets that wait for the rate, tail drop */
	double loss;       /**< percent */
	double burst;     /**< packets that are lost in a row, on average; at most 1: independent */
	double duplicate; /**< percent that come twice */
	double reorder;   /**< percent that come reorder_ns later, overtaken by others */
	int64_t reorder_ns;
	bool strip; /**< options of MPTCP become NOPs, as at middleboxes that let pass what they
		       know */
	bool dead;  /**< swallows everything, tells nobody */
};

struct wire_counters {
	uint64_t in, in_octets, out, out_octets;
	uint64_t stripped; /**< packets */
	uint64_t lost, queue_full, duplicated, reordered, dead, no_memory, refused;
};

struct wire_packet {
	int64_t at; /**< when it comes out, ns */
	uint64_t order;
	uint32_t len;
	uint8_t data[];
};

struct wire {
	struct wire_conf conf;
	struct wire_counters count;
	struct mams_prng rng;
	bool bad;        /**< in a burst of loss */
	int64_t free_at; /**< when everything taken in has left the queue */
	int64_t last_at; /**< when the last one comes out that keeps its order */
	uint64_t order;
	struct wire_packet **heap; /**< by time, then order */
	size_t n, cap;
};

void wire_init(struct wire *w, uint64_t seed);
void wire_fini(struct wire *w);
/** Set one "name=value" of the configuration: rate=20m, delay=10ms, jitter=5ms, queue=100k, loss=1,
 *  burst=4, duplicate=1, reorder=1, reorder_delay=5ms, strip=0|1, dead=0|1.  @return false: no
 *  such name, or no such value */
bool wire_set(struct wire_conf *c, const char *word);
/** A packet of len octets enters. */
void wire_put(struct wire *w, const void *data, uint32_t len, int64_t now);
/** When the next one comes out; INT64_MAX none. */
int64_t wire_next(const struct wire *w);
/** The next that is due, or NULL; the caller frees it. */
struct wire_packet *wire_get(struct wire *w, int64_t now);
/** What is under way is lost. */
void wire_clear(struct wire *w);
