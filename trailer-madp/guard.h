/** @file guard.h
 *  DTLS of a path, between PDUs and datagrams (MX adaptation "UDP_with_DTLS").  Layer: adapter.
 *  Source: seed draft 5, 6.4; RFC 6347.
 *
 *  The proof of proof.h comes first, in the clear: it binds the client's address to the path and
 *  holds nothing secret.  Then the C-MADP, as DTLS client, makes an association on that path, by
 *  the session's secret as pre-shared key and "SESSION-CONNECTION" as identity; or, where the
 *  configuration has certificates, by those alone: the client's must have the session's client as
 *  its common name, the N-MADP's the name that the client expects.  Everything else
 * goes as its records; until it is open nothing is sent, and what comes in the clear is dropped.
 *
 *  A client whose address has changed proves itself anew and goes on with the association that it
 *  has.  A new association takes the place of a worn one, or of one whose other end is gone, while
 *  the old one still carries: the client sends on the new one once it is open, the N-MADP once it
 *  has heard the client on it, and both read the old one for a while.  DECISION: the identity, and
 *  that the proof comes before DTLS. */
#pragma once

#include "lib/base/clock.h"
#include "lib/base/err.h"

#include "trailer-madp/note.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct madp_worker;
struct madp_path;
struct madp_outbox;
struct mams_dtls;

struct madp_guard {
	bool on; /**< the path must be protected; all else zero without it */
	struct madp_outbox *out;
	bool waiting;           /**< the path has been proven, but not yet heard through DTLS */
	struct mams_dtls *now;  /**< that is sent on */
	struct mams_dtls *next; /**< whose handshake is under way */
	struct mams_dtls *old;  /**< that is read until old_until */
	mams_time old_until;
	mams_time since;          /**< that now is in use */
	mams_time retry_at;       /**< client: when to begin again */
	uint32_t wait_ms;         /**< before that */
	uint32_t incarnation;     /**< of the peer when now was made */
	char told[MADP_NOTE_WHY]; /**< why it failed, as told: once, until it is open */
	uint8_t random[32];       /**< network: of the ClientHello that next began with */
};

/** The path's peer is proven.  Client: begin a handshake. */
void madp_guard_start(struct madp_worker *w, struct madp_path *path);
/** The secret has changed.  Client: make an association by the new one. */
void madp_guard_renew(struct madp_worker *w, struct madp_path *path);
/** The path goes: tell the peer, forget. */
void madp_guard_end(struct madp_worker *w, struct madp_path *path);
bool madp_guard_is_open(const struct madp_path *path);
/** A datagram of the path's proven peer.
 *  @param data  data[len]: becomes the PDUs, one behind the other
 *  @param sizes  filled with their lengths, MADP_GUARD_PDUS at most
 *  @return how many; 0: handshake, or dropped */
#define MADP_GUARD_PDUS 8u
size_t madp_guard_take(struct madp_worker *w, struct madp_path *path, uint8_t *data, size_t len,
	size_t sizes[MADP_GUARD_PDUS]);
/** Is it a record of DTLS (RFC 7983: first octet 20 to 63)? */
static inline bool madp_guard_is_record(const uint8_t *data, size_t len)
{
	return len > 0 && data[0] >= 20 && data[0] <= 63;
}
/** As madp_outbox_reserve() and madp_outbox_commit(), through DTLS where the path has it.
 *  @return where to build the PDU; NULL: too long, or not open */
uint8_t *madp_guard_reserve(struct madp_worker *w, struct madp_path *path, size_t len);
void madp_guard_commit(struct madp_worker *w, struct madp_path *path, size_t len);
/** Send what is due: flights again, a new handshake. */
void madp_guard_tick(struct madp_worker *w, struct madp_path *path);
mams_time madp_guard_deadline(const struct madp_worker *w, const struct madp_path *path);
/** Of the worker: its contexts. */
MAMS_MUST int madp_guard_init(struct madp_worker *w);
void madp_guard_fini(struct madp_worker *w);
