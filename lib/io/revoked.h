/** @file revoked.h
 *  A certificate revocation list of our client CA.  Layer: io (files; no sockets).
 *  Source: RFC 5280 5.  A list past its next update is still used, and said in the log. */
#pragma once

#include "lib/base/err.h"

#include <gnutls/x509.h>
#include <stdbool.h>

struct mams_revoked;

/** @param crl_file, ca_file  PEM; every list of the file must be signed by the CA
 *  @return 0, -MAMS_EVALUE (no list, or not the CA's), -errno; err names the file */
MAMS_MUST int mams_revoked_load(const char *crl_file, const char *ca_file,
	struct mams_revoked **out, struct mams_error *err);
void mams_revoked_free(struct mams_revoked *r); /**< accepts NULL */
/** @param r  NULL: nothing is revoked */
bool mams_revoked_has(const struct mams_revoked *r, gnutls_x509_crt_t crt);
