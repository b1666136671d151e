/** @file gate.h
 *  TLS for a server's connections, and who is let in: certificate and key, client CA, Digest users.
 *  Layer: io.  Source: seed draft 9.1; RFC 7616.  (httpd has libmicrohttpd do its TLS.) */
#pragma once

#include "lib/io/digest.h"
#include "lib/io/httpd.h"
#include "lib/io/httpd_auth.h"

struct mams_gate;

/** @param opts  its files and realm
 *  @return 0, -MAMS_EVALUE (a file is wrong), -MAMS_EMISSING, -MAMS_EDENIED (file mode) */
MAMS_MUST int mams_gate_new(
	const struct mams_httpd_opts *opts, struct mams_gate **out, struct mams_error *err);
void mams_gate_free(struct mams_gate *g); /**< accepts NULL; no session is left */
/** Read certificate and key, Digest file and revocation list again; what is wrong leaves the old
 * one in force. */
MAMS_MUST int mams_gate_reload(struct mams_gate *g, struct mams_error *err);

/** A non-blocking TLS server session on fd; the caller's. */
MAMS_MUST int mams_gate_session(const struct mams_gate *g, int fd, gnutls_session_t *out);
/** @param req  authorization may be NULL
 *  @param identity  identity[MAMS_HTTPD_IDENTITY_MAX], on OK
 *  @param why  why[64], set when it is worth a log line */
enum mams_httpd_verdict mams_gate_check(struct mams_gate *g, gnutls_session_t tls,
	const struct mams_digest_request *req, mams_time now, char *identity, char *why);
/** Would this connection's client be let in now, too? */
bool mams_gate_still(const struct mams_gate *g, gnutls_session_t tls, const char *identity);
bool mams_gate_has_users(const struct mams_gate *g);
/** Value of WWW-Authenticate, into out[MAMS_DIGEST_HEADER_MAX]; with users only. */
void mams_gate_challenge(struct mams_gate *g, mams_time now, bool stale, char *out);
