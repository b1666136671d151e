/** @file proof.h
 *  Proof that a peer knows its session's secret, before anything else of it is believed, and again
 *  whenever its address changes.  Layer: core (no I/O, no clock, no allocation; the MAC function is
 *  the caller's).
 *  Source: RFC 8743 8.6.1 leaves Types of the MX Control PDU reserved.  DECISION: Type 241, which a
 *  peer that does not know it discards.
 *
 *      C-MADP                              N-MADP
 *        | -- HELLO  client nonce ----------> |  keeps nothing
 *        | <- CHALLENGE  server nonce ------- |  server nonce = MAC over the address it came from
 *        | -- PROOF  both nonces -----------> |  address, time and both MACs right: path is there
 *        | <- ACCEPT ------------------------ |
 *
 *  All four have the same length, so nobody is answered with more than was sent, and all carry a
 *  MAC by the session's secret: who does not know it gets no answer.  The server nonce binds the
 *  exchange to the address of the HELLO and to the number of exchanges that the path has had, so a
 *  recorded PROOF moves nothing, from whatever address.
 *
 *  Octets: 0 Type 241, 1 delivery connection id, 2 step, 3 zero, 4..11 session id, 12..27 client
 *  nonce, 28..43 server nonce, 44..47 incarnation of the sender, 48..63 MAC: the first 16 octets of
 *  HMAC-SHA256 over "mams proof" and octets 0..47.
 *  An incarnation is a random number of the sender's state of the session: when it has changed,
 *  Flow SNs begin anew. */
#pragma once

#include "lib/base/clock.h"
#include "lib/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MADP_PROOF_TYPE 241
#define MADP_PROOF_SIZE 64u
#define MADP_NONCE 16u

enum madp_proof_step {
	MADP_PROOF_HELLO = 1,
	MADP_PROOF_CHALLENGE,
	MADP_PROOF_PROOF,
	MADP_PROOF_ACCEPT,
};

struct madp_proof {
	uint8_t cid;
	uint8_t step; /**< enum madp_proof_step */
	uint64_t session;
	uint8_t client[MADP_NONCE];
	uint8_t server[MADP_NONCE];
	uint32_t incarnation;
};

/** HMAC-SHA256. */
typedef void (*madp_mac_fn)(
	const uint8_t *key, size_t key_len, const uint8_t *data, size_t len, uint8_t out[32]);

struct madp_secret {
	madp_mac_fn mac;
	const uint8_t *key; /**< key[len], borrowed */
	size_t len;
};

/** Write p to pdu[MADP_PROOF_SIZE]. */
void madp_proof_encode(const struct madp_proof *p, const struct madp_secret *secret, uint8_t *pdu);
/** Read pdu[len] without belief: the MAC is not looked at.
 *  @return 0, -MAMS_ETRUNC, or -MAMS_EPROTO (type, step, length, octet 3) */
MAMS_MUST int madp_proof_decode(const uint8_t *pdu, size_t len, struct madp_proof *out);
/** Is the MAC of pdu[MADP_PROOF_SIZE] right?  Takes the same time wherever it differs. */
bool madp_proof_verify(const uint8_t *pdu, const struct madp_secret *secret);

/** What a server nonce is bound to. */
struct madp_proof_bond {
	uint8_t address[20]; /**< where the HELLO came from and where to, in any fixed form */
	uint32_t generation; /**< exchanges that the path has had */
};

/** Server nonce for a HELLO.  @param own  the N-MADP's own secret, told to nobody */
void madp_proof_challenge(const struct madp_proof *p, const struct madp_proof_bond *bond,
	const struct madp_secret *own, mams_time now, uint8_t out[MADP_NONCE]);
/** Is the server nonce of a PROOF ours, for this bond, and at most 20 s old? */
bool madp_proof_is_bound(const struct madp_proof *p, const struct madp_proof_bond *bond,
	const struct madp_secret *own, mams_time now);

/** The client's side of one path; zero-initialised is at rest. */
struct madp_prover {
	uint8_t step; /**< last sent; 0 at rest */
	uint32_t wait_ms;
	mams_time next_at; /**< when to send again */
	uint8_t client[MADP_NONCE];
	uint8_t server[MADP_NONCE];
};

/** Begin an exchange. @param nonce  MADP_NONCE random octets */
void madp_prover_start(struct madp_prover *p, const uint8_t *nonce, mams_time now);
bool madp_prover_is_busy(const struct madp_prover *p);
/** What to send now; false: nothing. session, cid and incarnation of *out are the caller's to set.
 */
bool madp_prover_next(struct madp_prover *p, mams_time now, struct madp_proof *out);
/** A verified PDU of this path came. @return true: accepted, the exchange is over */
bool madp_prover_input(struct madp_prover *p, const struct madp_proof *in, mams_time now);
mams_time madp_prover_deadline(const struct madp_prover *p);
