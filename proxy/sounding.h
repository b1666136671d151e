/** @file sounding.h
 *  Probes of one delivery connection of a client, as its N-MADP sends them.  Layer: core (no I/O,
 * no clock, no allocation).  Source: seed 6.5 (both phases); RFC 8743 8.6.2, 8.6.3.
 *
 *  The client tells the delay, and learns it from us: each probe says what we know.  After a test,
 *  PX_SOUNDING_WORDS short ones more say what its last answers have taught; they want no answer and
 *  are no part of it, which their size shows.
 *  Nothing is sent before a Keep-Alive has come from the very address that is to be probed: who
 *  reports another's address cannot have it flooded. */
#pragma once

#include "lib/base/addr.h"
#include "lib/base/clock.h"
#include "lib/mx/mx_control.h"

#define PX_SOUNDING_PDU_MAX 1500u
#define PX_SOUNDING_WORDS 2u
#define PX_SOUNDING_WORD 40u /**< octets; a probe of a test has 100 at least */
#define PX_SOUNDING_MARKS 64u

struct px_sounding_conf {
	uint8_t connection_id;
	bool active; /**< phase: the connection carries user data */
	uint32_t init_ms;
	uint32_t init_rate; /**< Mbit/s */
	uint32_t init_size; /**< octets of a PDU, likewise active_size */
	bool init_ack;
	uint32_t active_ms; /**< between two probes */
	uint32_t active_size;
	uint32_t active_duration_s; /**< 0: until replaced */
	bool active_ack;
};

struct px_sounding {
	struct px_sounding_conf conf;
	bool begun;
	mams_time until; /**< it is over then: not begun, silent, or at its end */
	mams_time begin;
	mams_time heard; /**< newest Keep-Alive or answer */
	uint32_t sent;
	uint32_t total; /**< so many probes; 0: no limit */
	uint16_t seq;
	uint32_t rtt_us; /**< mean of a test; active: smoothed; 0: none yet */
	uint64_t rtt_sum_us;
	uint32_t n_rtt;
	uint32_t words;                  /**< last ones said */
	mams_time at[PX_SOUNDING_MARKS]; /**< active: when probes were sent, by number mod; of a
					  * test, when each so many-th one was */
	uint32_t top;  /**< 1 + number of the newest that was answered; 0: none was */
	uint64_t seen; /**< bit i: number top - 1 - i was */
	uint64_t answered;
};

void px_sounding_init(struct px_sounding *s, const struct px_sounding_conf *conf, mams_time now);
/** A PDU came from the address that is probed.  @return false: none that belongs here */
bool px_sounding_take(struct px_sounding *s, const void *pdu, size_t len, mams_time now);
/** The next probe that is due.
 *  @return octets written to out[PX_SOUNDING_PDU_MAX]; 0: none is due */
size_t px_sounding_next(struct px_sounding *s, mams_time now, uint8_t *out);
mams_time px_sounding_deadline(const struct px_sounding *s);
bool px_sounding_is_over(const struct px_sounding *s, mams_time now);
/** Mbit/s that a test in the Initialization phase sends, or is going to; else 0. */
uint32_t px_sounding_rate(const struct px_sounding *s);
