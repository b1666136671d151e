#include "lib/io/gate.h"

#include "lib/base/log.h"
#include "lib/io/keypair.h"
#include "lib/io/pem.h"
#include "lib/io/revoked.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define LOG_MODULE "gate"
#define NONCES 4096
#define TLS_PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

struct mams_gate {
	char *realm;
	char *digest_file;
	bool wants_certs;
	char *ca_file;
	char *crl_file;
	struct mams_revoked *revoked; /* NULL: none */
	struct mams_httpd_users *users;
	struct mams_digest *digest;
	struct mams_keypair *keypair;
	gnutls_certificate_credentials_t credentials;
	gnutls_priority_t priorities;
};

bool mams_gate_has_users(const struct mams_gate *g)
{
	return g->users != NULL;
}

void mams_gate_challenge(struct mams_gate *g, mams_time now, bool stale, char *out)
{
	mams_digest_challenge(g->digest, now, stale, out);
}

/* A certificate decides, when there is one: a bad one is not made good by a password. */
enum mams_httpd_verdict mams_gate_check(struct mams_gate *g, gnutls_session_t tls,
	const struct mams_digest_request *req, mams_time now, char *identity, char *why)
{
	const struct mams_digest_users users = {.ha1 = mams_httpd_users_ha1, .list = g->users};
	enum mams_httpd_verdict v = MAMS_HTTPD_AUTH_NONE;
	int64_t expires;

	if (g->wants_certs)
		v = mams_httpd_auth_cert(
			tls, g->revoked, identity, MAMS_HTTPD_IDENTITY_MAX, &expires, why);
	if (v != MAMS_HTTPD_AUTH_NONE)
		return v;
	if (!g->users)
		snprintf(why, 64, "no certificate");
	if (!g->users || !req->authorization)
		return MAMS_HTTPD_AUTH_NONE;
	switch (mams_digest_check(g->digest, req, &users, now, identity)) {
	case MAMS_DIGEST_OK:
		return MAMS_HTTPD_AUTH_OK;
	case MAMS_DIGEST_STALE:
		return MAMS_HTTPD_AUTH_STALE;
	case MAMS_DIGEST_WRONG:
		snprintf(why, 64, "unknown user or wrong password");
		return MAMS_HTTPD_AUTH_WRONG;
	case MAMS_DIGEST_UNSUPPORTED:
		break;
	}
	snprintf(why, 64, "not Digest with SHA-256 and qop=auth");
	return MAMS_HTTPD_AUTH_UNSUPPORTED;
}

bool mams_gate_still(const struct mams_gate *g, gnutls_session_t tls, const char *identity)
{
	char now[MAMS_HTTPD_IDENTITY_MAX];
	char why[64];
	int64_t expires;
	enum mams_httpd_verdict v = MAMS_HTTPD_AUTH_NONE;

	if (g->wants_certs)
		v = mams_httpd_auth_cert(tls, g->revoked, now, sizeof(now), &expires, why);
	if (v == MAMS_HTTPD_AUTH_NONE)
		return g->users && mams_httpd_users_ha1(g->users, identity);
	return v == MAMS_HTTPD_AUTH_OK;
}

int mams_gate_session(const struct mams_gate *g, int fd, gnutls_session_t *out)
{
	gnutls_session_t s;

	if (gnutls_init(&s, GNUTLS_SERVER | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL) < 0)
		return -ENOMEM;
	gnutls_transport_set_int(s, fd);
	gnutls_session_set_ptr(s, (void *)(uintptr_t)g);
	if (g->wants_certs)
		gnutls_certificate_server_set_request(s, GNUTLS_CERT_REQUEST);
	if (gnutls_priority_set(s, g->priorities) < 0 ||
		gnutls_credentials_set(s, GNUTLS_CRD_CERTIFICATE, g->credentials) < 0) {
		gnutls_deinit(s);
		return -ENOMEM;
	}
	*out = s;
	return 0;
}

static int reload_users(struct mams_gate *g, struct mams_error *err);
static int reload_revoked(struct mams_gate *g, struct mams_error *err);

/* ---- start and end ---- */

static int give_certificate(gnutls_session_t tls, const gnutls_datum_t *names, int n_names,
	const gnutls_pk_algorithm_t *algorithms, int n_algorithms, gnutls_pcert_st **certs,
	unsigned *n, gnutls_privkey_t *key)
{
	const struct mams_gate *g = gnutls_session_get_ptr(tls);

	(void)names;
	(void)n_names;
	(void)algorithms;
	(void)n_algorithms;
	mams_keypair_get(g->keypair, certs, n, key);
	return 0;
}

static int trust(struct mams_gate *g, const char *ca_file, struct mams_error *err)
{
	char *ca = NULL;
	int rc = mams_pem_read(ca_file, false, &ca, err);

	if (rc == 0) {
		const gnutls_datum_t t = {(unsigned char *)ca, (unsigned)strlen(ca)};
		int n = gnutls_certificate_set_x509_trust_mem(
			g->credentials, &t, GNUTLS_X509_FMT_PEM);

		if (n <= 0)
			rc = mams_fail(err, MAMS_EVALUE, ca_file, "%s",
				gnutls_strerror(n < 0 ? n : GNUTLS_E_NO_CERTIFICATE_FOUND));
	}
	free(ca);
	return rc;
}

static int load_tls(struct mams_gate *g, const struct mams_httpd_opts *o, struct mams_error *err)
{
	int rc = mams_keypair_new(o->cert_file, o->key_file, &g->keypair, err);

	g->wants_certs = o->client_ca_file != NULL;
	if (rc < 0)
		return rc;
	if (gnutls_certificate_allocate_credentials(&g->credentials) < 0 ||
		gnutls_priority_init(&g->priorities, TLS_PRIORITIES, NULL) < 0)
		return -ENOMEM;
	gnutls_certificate_set_retrieve_function2(g->credentials, give_certificate);
	return g->wants_certs ? trust(g, o->client_ca_file, err) : 0;
}

static int load_users(struct mams_gate *g, const struct mams_httpd_opts *o, struct mams_error *err)
{
	uint8_t key[32];
	int rc;

	g->realm = strdup(o->realm ? o->realm : "mams");
	g->digest_file = o->digest_file ? strdup(o->digest_file) : NULL;
	if (!g->realm || (o->digest_file && !g->digest_file))
		return -ENOMEM;
	if (!g->digest_file)
		return 0;
	if (getrandom(key, sizeof(key), 0) != (ssize_t)sizeof(key))
		return -errno;
	rc = mams_digest_new(g->realm, key, NONCES, &g->digest);
	mams_wipe(key, sizeof(key));
	return rc < 0 ? rc : reload_users(g, err);
}

int mams_gate_new(
	const struct mams_httpd_opts *opts, struct mams_gate **out, struct mams_error *err)
{
	struct mams_gate *g = calloc(1, sizeof(*g));
	int rc;

	if (!g)
		return -ENOMEM;
	rc = load_users(g, opts, err);
	if (rc == 0 && opts->client_crl_file && opts->client_ca_file) {
		g->ca_file = strdup(opts->client_ca_file);
		g->crl_file = strdup(opts->client_crl_file);
		rc = g->ca_file && g->crl_file ? reload_revoked(g, err) : -ENOMEM;
	}
	if (rc == 0 && !opts->client_ca_file && !g->users)
		rc = mams_fail(err, MAMS_EMISSING, NULL,
			"nobody could authenticate: give a client CA, a Digest file, or both");
	if (rc == 0)
		rc = load_tls(g, opts, err);
	if (rc < 0)
		mams_gate_free(g);
	else
		*out = g;
	return rc;
}

void mams_gate_free(struct mams_gate *g)
{
	if (!g)
		return;
	if (g->credentials)
		gnutls_certificate_free_credentials(g->credentials);
	if (g->priorities)
		gnutls_priority_deinit(g->priorities);
	mams_keypair_free(g->keypair);
	mams_httpd_users_free(g->users);
	mams_digest_free(g->digest);
	mams_revoked_free(g->revoked);
	free(g->crl_file);
	free(g->ca_file);
	free(g->digest_file);
	free(g->realm);
	free(g);
}

static int reload_users(struct mams_gate *g, struct mams_error *err)
{
	struct mams_httpd_users *users;
	int rc;

	if (!g->digest_file)
		return 0;
	rc = mams_httpd_users_load(g->digest_file, g->realm, &users, err);
	if (rc < 0)
		return rc;
	mams_httpd_users_free(g->users);
	g->users = users;
	return 0;
}

static int reload_revoked(struct mams_gate *g, struct mams_error *err)
{
	struct mams_revoked *revoked;
	int rc;

	if (!g->crl_file)
		return 0;
	rc = mams_revoked_load(g->crl_file, g->ca_file, &revoked, err);
	if (rc < 0)
		return rc;
	mams_revoked_free(g->revoked);
	g->revoked = revoked;
	return 0;
}

int mams_gate_reload(struct mams_gate *g, struct mams_error *err)
{
	int rc = mams_keypair_reload(g->keypair, err);
	int rc2 = reload_revoked(g, rc < 0 ? NULL : err);
	int rc3;

	rc = rc < 0 ? rc : rc2;
	rc3 = reload_users(g, rc < 0 ? NULL : err);
	return rc < 0 ? rc : rc3;
}
