/** @file certs.h
 *  Certificates for DTLS, of the configuration.  Layer: adapter.  Without them each session's
 * secret is the key. */
#pragma once

#include "lib/base/err.h"

#include <stdbool.h>

struct mams_dtls_conf;

/** PEM files and a name, borrowed from the configuration; all NULL: none. */
struct madp_certs {
	const char *ca;
	const char *certificate;
	const char *key;
	const char *peer; /**< client: DNS name or address in the N-MADP's certificate */
};

static inline bool madp_certs_are_used(const struct madp_certs *c)
{
	return c->ca != NULL;
}

/** Are they whole, readable, secret, and do they belong together?
 *  @param path  the configuration file, for err
 *  @return 0, -MAMS_EVALUE, -MAMS_EMISSING, -MAMS_EDENIED (the key's file mode), -errno; err says
 *          which file and why */
MAMS_MUST int madp_certs_check(
	const struct madp_certs *c, bool network, const char *path, struct mams_error *err);
/** Into conf, borrowed. */
void madp_certs_put(const struct madp_certs *c, struct mams_dtls_conf *conf);
