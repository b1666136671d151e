/** @file dtls_cert.h
 *  Certificates of DTLS: files into OpenSSL's context, and whose a certificate is.  Layer: io;
 *  internal to lib/io/dtls. */
#pragma once

#include "lib/base/err.h"
#include "lib/io/dtls.h"

#include <openssl/ssl.h>

/** What OpenSSL's queue says about a file; the queue is empty then. @return -MAMS_EVALUE */
int mams_dtls_cert_fail(struct mams_error *err, const char *file, const char *what);
/** The files of conf, its ca_file set. @return 0, -MAMS_EVALUE: err names the file */
MAMS_MUST int mams_dtls_cert_load(
	SSL_CTX *ssl, const struct mams_dtls_conf *conf, struct mams_error *err);
/** Has it one common name, and is that this one? */
bool mams_dtls_cert_is_of(const X509 *cert, const char *name);
