#include "lib/io/keypair.h"

#include "lib/base/log.h"
#include "lib/io/pem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#define LOG_MODULE "keypair"
#define CHAIN_MAX 8

struct pair {
	gnutls_pcert_st certs[CHAIN_MAX];
	unsigned n;
	gnutls_privkey_t key;
	SLIST_ENTRY(pair) link;
};

struct mams_keypair {
	char *cert_file;
	char *key_file;
	/** The first is in force.  Handshakes may be under way with the others, and GnuTLS does not
	 *  tell when they are done: they stay, one for each rotation. */
	SLIST_HEAD(, pair) pairs;
};

static gnutls_datum_t datum(const char *text)
{
	return (gnutls_datum_t){(unsigned char *)(uintptr_t)text, (unsigned)strlen(text)};
}

static void pair_free(struct pair *p)
{
	for (unsigned i = 0; i < p->n; i++)
		gnutls_pcert_deinit(&p->certs[i]);
	if (p->key)
		gnutls_privkey_deinit(p->key);
	free(p);
}

/* Two halves of different pairs would fail in every handshake. */
static bool belong_together(const struct pair *p)
{
	unsigned char of_cert[64];
	unsigned char of_key[64];
	size_t n = sizeof(of_cert);
	size_t m = sizeof(of_key);
	gnutls_pubkey_t pub;
	bool ok = gnutls_pubkey_init(&pub) == 0;

	if (!ok)
		return false;
	ok = gnutls_pubkey_get_key_id(p->certs[0].pubkey, 0, of_cert, &n) == 0 &&
	     gnutls_pubkey_import_privkey(pub, p->key, 0, 0) == 0 &&
	     gnutls_pubkey_get_key_id(pub, 0, of_key, &m) == 0 && n == m &&
	     memcmp(of_cert, of_key, n) == 0;
	gnutls_pubkey_deinit(pub);
	return ok;
}

static int parse(const struct mams_keypair *k, const char *cert, const char *key, struct pair *p,
	struct mams_error *err)
{
	gnutls_datum_t text = datum(cert);
	unsigned n = CHAIN_MAX;
	int rc = gnutls_pcert_list_import_x509_raw(
		p->certs, &n, &text, GNUTLS_X509_FMT_PEM, GNUTLS_X509_CRT_LIST_FAIL_IF_UNSORTED);

	if (rc < 0)
		return mams_fail(err, MAMS_EVALUE, k->cert_file, "not a usable certificate: %s",
			gnutls_strerror(rc));
	p->n = n;
	text = datum(key);
	rc = gnutls_privkey_init(&p->key);
	if (rc == 0)
		rc = gnutls_privkey_import_x509_raw(p->key, &text, GNUTLS_X509_FMT_PEM, NULL, 0);
	if (rc < 0)
		return mams_fail(
			err, MAMS_EVALUE, k->key_file, "not a usable key: %s", gnutls_strerror(rc));
	if (!belong_together(p))
		return mams_fail(err, MAMS_EVALUE, k->key_file,
			"not the key of the certificate in %s", k->cert_file);
	return 0;
}

static bool is_in_force(const struct mams_keypair *k, const struct pair *p)
{
	const struct pair *now = SLIST_FIRST(&k->pairs);

	return now && now->n == p->n && now->certs[0].cert.size == p->certs[0].cert.size &&
	       memcmp(now->certs[0].cert.data, p->certs[0].cert.data, p->certs[0].cert.size) == 0;
}

int mams_keypair_reload(struct mams_keypair *k, struct mams_error *err)
{
	struct pair *p = calloc(1, sizeof(*p));
	char *cert = NULL;
	char *key = NULL;
	int rc = p ? mams_pem_read(k->cert_file, false, &cert, err) : -ENOMEM;

	if (rc == 0)
		rc = mams_pem_read(k->key_file, true, &key, err);
	if (rc == 0)
		rc = parse(k, cert, key, p, err);
	if (key)
		mams_wipe(key, strlen(key));
	free(key);
	free(cert);
	if (rc == 0 && !is_in_force(k, p)) {
		SLIST_INSERT_HEAD(&k->pairs, p, link);
		log_info("certificate read file=%s", k->cert_file);
	} else if (p) {
		pair_free(p);
	}
	return rc;
}

int mams_keypair_new(const char *cert_file, const char *key_file, struct mams_keypair **out,
	struct mams_error *err)
{
	struct mams_keypair *k = calloc(1, sizeof(*k));
	int rc = -ENOMEM;

	if (k) {
		k->cert_file = strdup(cert_file);
		k->key_file = strdup(key_file);
		if (k->cert_file && k->key_file)
			rc = mams_keypair_reload(k, err);
	}
	if (rc < 0)
		mams_keypair_free(k);
	else
		*out = k;
	return rc;
}

void mams_keypair_free(struct mams_keypair *k)
{
	struct pair *p;

	if (!k)
		return;
	while ((p = SLIST_FIRST(&k->pairs)) != NULL) {
		SLIST_REMOVE_HEAD(&k->pairs, link);
		pair_free(p);
	}
	free(k->key_file);
	free(k->cert_file);
	free(k);
}

void mams_keypair_get(
	const struct mams_keypair *k, gnutls_pcert_st **certs, unsigned *n, gnutls_privkey_t *key)
{
	struct pair *p = SLIST_FIRST(&k->pairs);

	*certs = p->certs;
	*n = p->n;
	*key = p->key;
}
