#include "lib/io/revoked.h"

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/io/pem.h"

#include <errno.h>
#include <string.h>

#define LOG_MODULE "revoked"

struct mams_revoked {
	gnutls_x509_crl_t *lists;
	unsigned n;
};

static gnutls_datum_t datum(const char *text)
{
	return (gnutls_datum_t){(unsigned char *)(uintptr_t)text, (unsigned)strlen(text)};
}

/* One that anybody could have written revokes nothing. */
static bool is_signed(const struct mams_revoked *r, const char *ca_pem)
{
	gnutls_datum_t text = datum(ca_pem);
	gnutls_x509_crt_t *ca = NULL;
	unsigned n = 0;
	bool ok = gnutls_x509_crt_list_import2(&ca, &n, &text, GNUTLS_X509_FMT_PEM, 0) >= 0;

	for (unsigned i = 0; i < r->n && ok; i++) {
		unsigned status = 0;

		/* how old it is is another question */
		ok = gnutls_x509_crl_verify(
			     r->lists[i], ca, n, GNUTLS_VERIFY_DISABLE_TIME_CHECKS, &status) == 0 &&
		     status == 0;
	}
	for (unsigned i = 0; i < n; i++)
		gnutls_x509_crt_deinit(ca[i]);
	gnutls_free(ca);
	return ok;
}

static void look_at_dates(const struct mams_revoked *r, const char *file)
{
	for (unsigned i = 0; i < r->n; i++) {
		int64_t next = gnutls_x509_crl_get_next_update(r->lists[i]);

		if (next >= 0 && next < mams_clock_wall())
			log_warn("revocation list should have been replaced; it is used on file=%s",
				file);
	}
}

int mams_revoked_load(const char *crl_file, const char *ca_file, struct mams_revoked **out,
	struct mams_error *err)
{
	struct mams_revoked *r = calloc(1, sizeof(*r));
	char *crl = NULL;
	char *ca = NULL;
	gnutls_datum_t text;
	int rc = r ? mams_pem_read(crl_file, false, &crl, err) : -ENOMEM;

	if (rc == 0)
		rc = mams_pem_read(ca_file, false, &ca, err);
	if (rc == 0) {
		text = datum(crl);
		if (gnutls_x509_crl_list_import2(&r->lists, &r->n, &text, GNUTLS_X509_FMT_PEM, 0) <
			0)
			rc = mams_fail(err, MAMS_EVALUE, crl_file, "not a revocation list");
	}
	if (rc == 0 && !is_signed(r, ca))
		rc = mams_fail(err, MAMS_EVALUE, crl_file, "not signed by the CA in %s", ca_file);
	free(crl);
	free(ca);
	if (rc < 0) {
		mams_revoked_free(r);
		return rc;
	}
	look_at_dates(r, crl_file);
	*out = r;
	return 0;
}

void mams_revoked_free(struct mams_revoked *r)
{
	if (!r)
		return;
	for (unsigned i = 0; i < r->n; i++)
		gnutls_x509_crl_deinit(r->lists[i]);
	gnutls_free(r->lists);
	free(r);
}

bool mams_revoked_has(const struct mams_revoked *r, gnutls_x509_crt_t crt)
{
	/* 0: not in them; an error is no reason to let anybody in */
	return r && gnutls_x509_crt_check_revocation(crt, r->lists, r->n) != 0;
}
