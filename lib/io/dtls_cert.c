#include "lib/io/dtls_cert.h"

#include <openssl/err.h>
#include <string.h>

int mams_dtls_cert_fail(struct mams_error *err, const char *file, const char *what)
{
	unsigned long e = ERR_peek_last_error();
	const char *reason = e ? ERR_reason_error_string(e) : NULL;
	int rc = mams_fail(err, MAMS_EVALUE, file, "%s: %s", what,
		reason ? reason : "cannot be read, or is none");

	ERR_clear_error();
	return rc;
}

static int load_crl(SSL_CTX *ssl, const char *file, struct mams_error *err)
{
	X509_STORE *store = SSL_CTX_get_cert_store(ssl);
	X509_LOOKUP *lookup = X509_STORE_add_lookup(store, X509_LOOKUP_file());

	if (!lookup || X509_load_crl_file(lookup, file, X509_FILETYPE_PEM) < 1)
		return mams_dtls_cert_fail(err, file, "no revocation list in PEM");
	X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK);
	return 0;
}

int mams_dtls_cert_load(SSL_CTX *ssl, const struct mams_dtls_conf *c, struct mams_error *err)
{
	if (SSL_CTX_load_verify_locations(ssl, c->ca_file, NULL) != 1)
		return mams_dtls_cert_fail(err, c->ca_file, "no CA certificates in PEM");
	if (SSL_CTX_use_certificate_chain_file(ssl, c->cert_file) != 1)
		return mams_dtls_cert_fail(err, c->cert_file, "no certificate in PEM");
	if (SSL_CTX_use_PrivateKey_file(ssl, c->key_file, SSL_FILETYPE_PEM) != 1)
		return mams_dtls_cert_fail(
			err, c->key_file, "no key in PEM, or not the certificate's");
	return c->crl_file ? load_crl(ssl, c->crl_file, err) : 0;
}

bool mams_dtls_cert_is_of(const X509 *cert, const char *name)
{
	const X509_NAME *subject = X509_get_subject_name(cert);
	int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
	const ASN1_STRING *own;

	if (at < 0 || X509_NAME_get_index_by_NID(subject, NID_commonName, at) >= 0)
		return false;
	own = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
	return (size_t)ASN1_STRING_length(own) == strlen(name) &&
	       memcmp(ASN1_STRING_get0_data(own), name, strlen(name)) == 0;
}
