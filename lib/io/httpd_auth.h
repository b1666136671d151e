/** @file httpd_auth.h
 *  Who is the client of an HTTPS connection?  Certificates (GnuTLS) and HTTP Digest users.
 *  Layer: io, internal to httpd.  Source: seed draft 9.1; RFC 7616 with SHA-256 only. */
#pragma once

#include "lib/base/clock.h"
#include "lib/base/err.h"

#include <gnutls/gnutls.h>
#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MAMS_HTTPD_HA1_BYTES 32

struct mams_httpd_users;

/** Read lines user:realm:HA1.  @return 0, -MAMS_EVALUE, -MAMS_EDENIED (file mode), -errno */
MAMS_MUST int mams_httpd_users_load(
	const char *path, const char *realm, struct mams_httpd_users **out, struct mams_error *err);
void mams_httpd_users_free(struct mams_httpd_users *u); /**< wipes the hashes; accepts NULL */
size_t mams_httpd_users_count(const struct mams_httpd_users *u);

enum mams_httpd_verdict {
	MAMS_HTTPD_AUTH_OK,
	MAMS_HTTPD_AUTH_NONE,        /**< no certificate, no Digest header */
	MAMS_HTTPD_AUTH_STALE,       /**< right form, nonce too old or used: try again */
	MAMS_HTTPD_AUTH_WRONG,       /**< unknown user or wrong password */
	MAMS_HTTPD_AUTH_UNSUPPORTED, /**< Digest by MD5, without qop, or another scheme */
	MAMS_HTTPD_AUTH_CERT_BAD,    /**< not of our CA, expired, not for clients, without a name */
};

/** The certificate of a TLS session: chain, validity and purpose.
 *  @param identity  identity[size], the one common name, on OK
 *  @param expires  wall-clock second from which the verdict no longer holds, on OK
 *  @return OK, NONE or CERT_BAD; why[64] says what was wrong */
enum mams_httpd_verdict mams_httpd_auth_cert(
	gnutls_session_t session, char *identity, size_t size, int64_t *expires, char *why);

/** The Authorization header of a request.
 *  @param identity  identity[size], the user name, on OK
 *  @return OK, NONE, STALE, WRONG or UNSUPPORTED */
enum mams_httpd_verdict mams_httpd_auth_digest(const struct mams_httpd_users *u,
	struct MHD_Connection *connection, const char *realm, char *identity, size_t size);
