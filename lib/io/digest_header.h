/** @file digest_header.h
 *  What both sides of Digest share: the parameters of a header, and hashes as hex.
 *  Layer: io, internal to digest (no sockets, no clock).  Source: RFC 7616 3.3, 3.4. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MAMS_DIGEST_SHA256_HEX 64 /**< digits of a hash */

enum mams_digest_param {
	MAMS_DIGEST_P_USERNAME,
	MAMS_DIGEST_P_REALM,
	MAMS_DIGEST_P_NONCE,
	MAMS_DIGEST_P_URI,
	MAMS_DIGEST_P_RESPONSE,
	MAMS_DIGEST_P_ALGORITHM,
	MAMS_DIGEST_P_CNONCE,
	MAMS_DIGEST_P_QOP,
	MAMS_DIGEST_P_NC,
	MAMS_DIGEST_P_USERHASH,
	MAMS_DIGEST_P_OPAQUE,
	MAMS_DIGEST_P_COUNT
};

struct mams_digest_params {
	const char *value[MAMS_DIGEST_P_COUNT]; /* NULL: absent */
	char text[4096];                        /* the values, unquoted */
	size_t used;
};

/** Unknown parameters are skipped; false when it is not Digest, malformed, or has one twice. */
bool mams_digest_parse(const char *header, struct mams_digest_params *out);

/** @param out  out[2 * len + 1] */
void mams_digest_to_hex(const uint8_t *data, size_t len, char *out);
/** Exactly len octets, lower case. */
bool mams_digest_from_hex(const char *text, uint8_t *out, size_t len);
/** SHA-256 of the parts with a colon between them.
 *  @param out  out[MAMS_DIGEST_SHA256_HEX + 1] */
bool mams_digest_hash_parts(const char *const *parts, size_t n, char *out);
/** The response of RFC 7616 3.4.1 with qop=auth, likewise. */
bool mams_digest_response(const struct mams_digest_params *p, const char *ha1_hex,
	const char *method, const char *target, char *out);
