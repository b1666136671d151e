/** @file keypair.h
 *  A TLS server's certificate and key for GnuTLS, which may be replaced while it serves.
 *  Layer: io.  Source: requirements of seed draft 9.1 (TLS).
 *  Connections keep what they began with; handshakes that begin after mams_keypair_reload() have
 *  the new one. */
#pragma once

#include "lib/base/err.h"

#include <gnutls/abstract.h>

struct mams_keypair;

/** @param cert_file  PEM, the certificate and its chain; its name is copied
 *  @param key_file  PEM; refused when readable by group or others; copied
 *  @return 0, -MAMS_EVALUE (no PEM, or the two do not belong together), -MAMS_EDENIED (file mode),
 *          -errno; err names the file */
MAMS_MUST int mams_keypair_new(const char *cert_file, const char *key_file,
	struct mams_keypair **out, struct mams_error *err);
/** Accepts NULL; no session that it was given to is left. */
void mams_keypair_free(struct mams_keypair *k);
/** Read the files again.  What is wrong, or the same as before, leaves the old one in force. */
MAMS_MUST int mams_keypair_reload(struct mams_keypair *k, struct mams_error *err);
/** For a gnutls_certificate_retrieve_function2; what it gives is valid until mams_keypair_free().
 */
void mams_keypair_get(
	const struct mams_keypair *k, gnutls_pcert_st **certs, unsigned *n, gnutls_privkey_t *key);
