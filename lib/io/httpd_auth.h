/** @file httpd_auth.h
 *  Who is the client of an HTTPS connection?  Certificates (GnuTLS) and the file of Digest users.
 *  Layer: io, internal to httpd.  Source: seed draft 9.1. */
#pragma once

#include "lib/base/err.h"
#include "lib/io/digest.h"

#include <gnutls/gnutls.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mams_httpd_users;
struct mams_revoked;

/** Read lines user:realm:HA1.  @return 0, -MAMS_EVALUE, -MAMS_EDENIED (file mode), -errno */
MAMS_MUST int mams_httpd_users_load(
	const char *path, const char *realm, struct mams_httpd_users **out, struct mams_error *err);
void mams_httpd_users_free(struct mams_httpd_users *u); /**< wipes the hashes; accepts NULL */
size_t mams_httpd_users_count(const struct mams_httpd_users *u);
/** For struct mams_digest_users; list is a struct mams_httpd_users. */
const uint8_t *mams_httpd_users_ha1(const void *list, const char *name);

enum mams_httpd_verdict {
	MAMS_HTTPD_AUTH_OK,
	MAMS_HTTPD_AUTH_NONE,        /**< no certificate, no Digest header */
	MAMS_HTTPD_AUTH_STALE,       /**< right form, nonce too old or used: try again */
	MAMS_HTTPD_AUTH_WRONG,       /**< unknown user or wrong password */
	MAMS_HTTPD_AUTH_UNSUPPORTED, /**< Digest by MD5, without qop, or another scheme */
	MAMS_HTTPD_AUTH_CERT_BAD,    /**< not of our CA, expired, not for clients, without a name */
};

/** The certificate of a TLS session: chain, validity, purpose, and that nothing of it is revoked.
 *  @param revoked  NULL: nothing is
 *  @param identity  identity[size], the one common name, on OK
 *  @param expires  wall-clock second from which the verdict no longer holds, on OK
 *  @return OK, NONE or CERT_BAD; why[64] says what was wrong */
enum mams_httpd_verdict mams_httpd_auth_cert(gnutls_session_t session,
	const struct mams_revoked *revoked, char *identity, size_t size, int64_t *expires,
	char *why);
