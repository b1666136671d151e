/** @file dtls.h
 *  DTLS 1.2 associations by OpenSSL: datagrams in, datagrams out, a deadline.  Layer: io; no
 * socket. Source: seed draft 5 and 6.4 (MX adaptation "UDP tunnel with DTLS"); RFC 6347, RFC 7525.
 *  Keys: a pre-shared key (the Shared Secret of the MX UP Setup) or certificates on both sides;
 *  AEAD with forward secrecy only.  Records that are replayed, or whose MAC is wrong, are dropped.
 *  A context and all of its associations belong to one thread. */
#pragma once

#include "lib/base/clock.h"
#include "lib/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MAMS_DTLS_IDENTITY_MAX 128u /**< with the NUL */
#define MAMS_DTLS_KEY_MAX 64u
#define MAMS_DTLS_PLAIN_MAX 16384u
/** Octets that a record adds at the most: header 13, explicit nonce 8, tag 16. */
#define MAMS_DTLS_OVERHEAD 37u
/** After so many records sent an association is worn: a new one should take its place. */
#define MAMS_DTLS_RECORDS_MAX (1u << 24)

struct mams_dtls_context;
struct mams_dtls;

struct mams_dtls_conf {
	bool server;
	/** PEM files; ca_file NULL: by pre-shared key only.  What ca_file signed is let in, but for
	 *  what crl_file (may be NULL) revokes. */
	const char *ca_file;
	const char *cert_file;
	const char *key_file;
	const char *crl_file;
	const char *peer_name; /**< client: DNS name or address in the server's certificate */
	/** Server: the key of an identity into key; NULL: no pre-shared keys.
	 *  @return its length, 0: unknown */
	size_t (*key_of)(void *user, const char *identity, uint8_t key[MAMS_DTLS_KEY_MAX]);
	void *user;
};

/** @return 0, -MAMS_EVALUE (a file is wrong; err says which), -ENOMEM */
MAMS_MUST int mams_dtls_context_new(
	const struct mams_dtls_conf *conf, struct mams_dtls_context **out, struct mams_error *err);
void mams_dtls_context_free(
	struct mams_dtls_context *x); /**< after its associations; NULL is fine */

/** One side of an association. */
struct mams_dtls_peer {
	/** A datagram of the handshake for the peer; data[len] is borrowed for the call. */
	void (*emit)(void *user, const uint8_t *data, size_t len);
	void *user;
	size_t mtu; /**< octets of the largest UDP payload, at least 256 */
	/** Server: the common name that the peer's certificate must have, copied; NULL: any that
	 *  the CA has signed. */
	const char *name;
};

/** Client: begin, with the first flight.
 *  @param identity  with key[key_len], both copied; NULL: by certificate
 *  @return 0, -MAMS_EVALUE (key or identity too long), -ENOMEM */
MAMS_MUST int mams_dtls_connect(struct mams_dtls_context *x, const struct mams_dtls_peer *peer,
	const char *identity, const uint8_t *key, size_t key_len, struct mams_dtls **out);

/** Server: a datagram from an address that has no association.  Keeps nothing until the address
 *  has repeated a cookie of ours, and answers with less than came (RFC 6347 4.2.1).
 *  @param address  address[address_len] in any fixed form; what the cookie is bound to
 *  @param out  the association whose handshake has begun; NULL: answered by a cookie, or
 *              dropped, because it is no ClientHello.  Also after -MAMS_EPEER, for
 *              mams_dtls_why()
 *  @return 0, -ENOMEM, or as mams_dtls_take() */
MAMS_MUST int mams_dtls_greet(struct mams_dtls_context *x, const struct mams_dtls_peer *peer,
	const uint8_t *address, size_t address_len, const uint8_t *data, size_t len, mams_time now,
	struct mams_dtls **out);

/** Take a datagram of the peer.
 *  @param plain  plain[cap], at least MAMS_DTLS_PLAIN_MAX: what it says, if it says anything
 *  @return octets in plain; 0: nothing for the owner (handshake, dropped); -ECONNRESET: the peer
 *          has closed; -MAMS_EPEER: failed, mams_dtls_why() says how */
MAMS_MUST int mams_dtls_take(
	struct mams_dtls *d, const uint8_t *data, size_t len, uint8_t *plain, size_t cap);
/** A datagram may hold several records: the next of the last datagram, as mams_dtls_take(). */
MAMS_MUST int mams_dtls_take_more(struct mams_dtls *d, uint8_t *plain, size_t cap);

/** Make one record of plain[len].
 *  @param out  out[cap], cap at least len + MAMS_DTLS_OVERHEAD
 *  @return its length, -ENOTCONN (not open), -MAMS_ELIMIT (too long), -MAMS_EPEER */
MAMS_MUST int mams_dtls_seal(
	struct mams_dtls *d, const uint8_t *plain, size_t len, uint8_t *out, size_t cap);

/** When to call mams_dtls_tick(); never, when the handshake is over. */
mams_time mams_dtls_deadline(const struct mams_dtls *d, mams_time now);
/** Send the last flight again, if it is time. @return 0, -MAMS_EPEER (given up) */
MAMS_MUST int mams_dtls_tick(struct mams_dtls *d);

bool mams_dtls_is_open(const struct mams_dtls *d);
bool mams_dtls_is_worn(const struct mams_dtls *d);
/** Whom the handshake proved: PSK identity or the certificate's common name; "" before. */
const char *mams_dtls_identity(const struct mams_dtls *d);
const char *mams_dtls_cipher(const struct mams_dtls *d); /**< "" before the handshake is over */
const char *mams_dtls_why(const struct mams_dtls *d);    /**< of a failure; "" when none */
/** Tell the peer, by emit(), and free; accepts NULL. */
void mams_dtls_close(struct mams_dtls *d);
/** Free without a word; accepts NULL. */
void mams_dtls_free(struct mams_dtls *d);
