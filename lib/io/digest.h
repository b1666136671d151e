/** @file digest.h
 *  HTTP Digest authentication: the server's side, and an answer of the client's.  Layer: io (no
 * sockets, no clock; hashes by GnuTLS). Source: RFC 7616, SHA-256 and qop=auth only: MD5, -sess,
 * auth-int and userhash are refused.
 *
 *  Why not libmicrohttpd's: in 0.9.75 all clients that ask for the same thing within one second get
 *  the same nonce, and the second one to answer is refused for good, as if his password were wrong.
 *  Nonces here are unique and carry their own proof (HMAC), so that nobody can fill our memory by
 *  asking for them; only those used with the right password are remembered, for their counts. */
#pragma once

#include "lib/base/clock.h"
#include "lib/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MAMS_DIGEST_HA1_BYTES 32
#define MAMS_DIGEST_USER_MAX 128   /**< octets with NUL */
#define MAMS_DIGEST_HEADER_MAX 512 /**< of a challenge, with NUL */

struct mams_digest;

enum mams_digest_verdict {
	MAMS_DIGEST_OK,
	MAMS_DIGEST_STALE,       /**< right password; nonce too old, unknown, or count used */
	MAMS_DIGEST_WRONG,       /**< unknown user or wrong password */
	MAMS_DIGEST_UNSUPPORTED, /**< another scheme or algorithm, or malformed */
};

/** What a request says; all strings NUL-terminated and borrowed. */
struct mams_digest_request {
	const char *method;
	const char *target;        /**< as on the request line, query included */
	const char *authorization; /**< the header's value */
};

/** Where the passwords are. */
struct mams_digest_users {
	/** HA1 of a user, 32 octets, borrowed; NULL when unknown. */
	const uint8_t *(*ha1)(const void *list, const char *name);
	const void *list;
};

/** @param realm  without quotes and backslashes; at most 64 octets; copied
 *  @param key  key[32], random: nonces of another key are stale
 *  @param slots  nonces remembered at a time */
MAMS_MUST int mams_digest_new(
	const char *realm, const uint8_t *key, size_t slots, struct mams_digest **out);
void mams_digest_free(struct mams_digest *d); /**< accepts NULL */

/** Value of a WWW-Authenticate header with a fresh nonce, into out[MAMS_DIGEST_HEADER_MAX]. */
void mams_digest_challenge(struct mams_digest *d, mams_time now, bool stale, char *out);

/** @param name  name[MAMS_DIGEST_USER_MAX], filled on OK */
enum mams_digest_verdict mams_digest_check(struct mams_digest *d,
	const struct mams_digest_request *req, const struct mams_digest_users *users, mams_time now,
	char *name);

/** The client's side: value of an Authorization header, the first answer to a nonce.
 *  @param challenge  value of the WWW-Authenticate header
 *  @param out  out[size], NUL-terminated
 *  @return 0, -MAMS_EPROTO (not Digest, or malformed), -MAMS_EUNKNOWN (not SHA-256 with qop=auth),
 *          -MAMS_ELIMIT (out too small) */
MAMS_MUST int mams_digest_answer(const char *challenge, const char *user, const char *password,
	const char *method, const char *target, char *out, size_t size);
