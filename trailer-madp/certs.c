#include "trailer-madp/certs.h"

#include "lib/io/dtls.h"
#include "lib/io/pem.h"

#include <stdlib.h>
#include <string.h>

void madp_certs_put(const struct madp_certs *c, struct mams_dtls_conf *conf)
{
	conf->ca_file = c->ca;
	conf->cert_file = c->certificate;
	conf->key_file = c->key;
	conf->peer_name = conf->server ? NULL : c->peer;
}

static int check_file(const char *file, bool secret, struct mams_error *err)
{
	char *text = NULL;
	int rc = mams_pem_read(file, secret, &text, err);

	if (text && secret)
		mams_wipe(text, strlen(text));
	free(text);
	return rc;
}

/** OpenSSL's own judgement. */
static int check_together(const struct madp_certs *c, bool network, struct mams_error *err)
{
	struct mams_dtls_conf conf = {.server = network};
	struct mams_dtls_context *x = NULL;
	int rc;

	madp_certs_put(c, &conf);
	rc = mams_dtls_context_new(&conf, &x, err);
	if (rc == 0)
		mams_dtls_context_free(x);
	return rc;
}

/** Whose mistake it is, beside the file. */
static int name_both(int rc, const char *path, struct mams_error *err)
{
	struct mams_error of_file;

	if (rc == 0 || !err)
		return rc;
	of_file = *err;
	return mams_fail(err, -rc, path, "%s: %s", of_file.where, of_file.text);
}

int madp_certs_check(
	const struct madp_certs *c, bool network, const char *path, struct mams_error *err)
{
	int rc;

	if (network && c->peer)
		return mams_fail(err, MAMS_EVALUE, path,
			"dtls_peer is of the client role: a client's certificate must have the "
			"client's identity as its common name");
	if (!c->ca && !c->certificate && !c->key && !c->peer)
		return 0;
	if (!c->ca || !c->certificate || !c->key)
		return mams_fail(err, MAMS_EMISSING, path,
			"dtls_ca, dtls_certificate and dtls_key: all of them, or none");
	if (!network && (!c->peer || !c->peer[0]))
		return mams_fail(err, MAMS_EMISSING, path,
			"dtls_peer is required with dtls_ca: the name or address in the N-MADP's "
			"certificate");
	rc = check_file(c->ca, false, err);
	if (rc == 0)
		rc = check_file(c->certificate, false, err);
	if (rc == 0)
		rc = check_file(c->key, true, err);
	if (rc == 0)
		rc = check_together(c, network, err);
	return name_both(rc, path, err);
}
