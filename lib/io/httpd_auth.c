#include "lib/io/httpd_auth.h"

#include "lib/io/proc.h"
#include "lib/io/revoked.h"

#include <gnutls/x509.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define NAME_MAX_BYTES MAMS_DIGEST_USER_MAX
#define USERS_MAX 100000

struct user {
	char name[NAME_MAX_BYTES];
	uint8_t ha1[MAMS_DIGEST_HA1_BYTES];
};

struct mams_httpd_users {
	struct user *list; /* sorted by name */
	size_t n;
};

/* A name that can stand in a log line and in a header without quoting. */
static bool name_is_plain(const char *s)
{
	size_t n = strlen(s);

	if (n == 0 || n >= NAME_MAX_BYTES)
		return false;
	for (size_t i = 0; i < n; i++) {
		if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f || strchr("\"\\", s[i]))
			return false;
	}
	return true;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static bool parse_ha1(const char *hex, uint8_t *out)
{
	if (strlen(hex) != 2 * MAMS_DIGEST_HA1_BYTES)
		return false;
	for (size_t i = 0; i < MAMS_DIGEST_HA1_BYTES; i++) {
		int high = hex_digit(hex[2 * i]);
		int low = hex_digit(hex[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

static int parse_line(char *line, const char *realm, struct user *out, struct mams_error *err)
{
	char *save = NULL;
	const char *name = strtok_r(line, ":", &save);
	const char *in_realm = strtok_r(NULL, ":", &save);
	const char *ha1 = strtok_r(NULL, ":", &save);

	if (!name || !in_realm || !ha1 || strtok_r(NULL, ":", &save))
		return mams_fail(err, MAMS_EVALUE, NULL, "a line must be user:realm:hash");
	if (!name_is_plain(name))
		return mams_fail(err, MAMS_EVALUE, NULL,
			"the user name is too long or has control characters, quotes or "
			"backslashes");
	if (strcmp(in_realm, realm) != 0)
		return mams_fail(err, MAMS_EVALUE, NULL,
			"the realm is not this server's (%s): make the entry again", realm);
	if (!parse_ha1(ha1, out->ha1))
		return mams_fail(err, MAMS_EVALUE, NULL,
			"the hash must be SHA-256 of user:realm:password as 64 hex digits");
	snprintf(out->name, sizeof(out->name), "%s", name);
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct user *)a)->name, ((const struct user *)b)->name);
}

static int add_user(struct mams_httpd_users *u, const struct user *one, struct mams_error *err)
{
	struct user *list;

	if (u->n >= USERS_MAX)
		return mams_fail(err, MAMS_ELIMIT, NULL, "more than %d users", USERS_MAX);
	if ((u->n & (u->n + 1)) == 0) { /* grows at 0, 1, 3, 7 ... */
		list = calloc(2 * u->n + 1, sizeof(*list));
		if (!list)
			return -ENOMEM;
		if (u->n)
			memcpy(list, u->list, u->n * sizeof(*list));
		mams_wipe(u->list, u->n * sizeof(*list));
		free(u->list);
		u->list = list;
	}
	u->list[u->n++] = *one;
	return 0;
}

static int read_lines(
	FILE *f, struct mams_httpd_users *u, const char *realm, struct mams_error *err)
{
	char line[NAME_MAX_BYTES * 3 + 2 * MAMS_DIGEST_HA1_BYTES];
	struct user one;
	int number = 0;
	int rc = 0;

	while (rc == 0 && fgets(line, sizeof(line), f)) {
		number++;
		if (!strchr(line, '\n') && !feof(f)) {
			rc = mams_fail(err, MAMS_EVALUE, NULL, "the line is too long");
			break;
		}
		line[strcspn(line, "\r\n")] = '\0';
		if (line[0] == '\0' || line[0] == '#')
			continue;
		rc = parse_line(line, realm, &one, err);
		if (rc == 0)
			rc = add_user(u, &one, err);
	}
	if (rc < 0 && err)
		err->line = number;
	mams_wipe(line, sizeof(line));
	mams_wipe(&one, sizeof(one));
	return rc;
}

int mams_httpd_users_load(
	const char *path, const char *realm, struct mams_httpd_users **out, struct mams_error *err)
{
	struct mams_httpd_users *u;
	FILE *f;
	int rc = mams_proc_check_secret_file(path, err);

	if (rc < 0)
		return rc;
	f = fopen(path, "re");
	if (!f)
		return mams_fail(err, errno, path, "%s", strerror(errno));
	u = calloc(1, sizeof(*u));
	if (!u)
		rc = -ENOMEM;
	if (rc == 0)
		rc = read_lines(f, u, realm, err);
	fclose(f);
	if (rc == 0 && u->n)
		qsort(u->list, u->n, sizeof(*u->list), by_name);
	for (size_t i = 1; rc == 0 && i < u->n; i++) {
		if (by_name(&u->list[i - 1], &u->list[i]) == 0)
			rc = mams_fail(
				err, MAMS_EVALUE, path, "two entries for user %s", u->list[i].name);
	}
	if (rc < 0) {
		if (err && err->where[0] == '\0')
			snprintf(err->where, sizeof(err->where), "%s", path);
		mams_httpd_users_free(u);
		return rc;
	}
	*out = u;
	return 0;
}

void mams_httpd_users_free(struct mams_httpd_users *u)
{
	if (!u)
		return;
	mams_wipe(u->list, u->n * sizeof(*u->list));
	free(u->list);
	free(u);
}

size_t mams_httpd_users_count(const struct mams_httpd_users *u)
{
	return u->n;
}

const uint8_t *mams_httpd_users_ha1(const void *list, const char *name)
{
	const struct mams_httpd_users *u = list;
	const struct user *found;
	struct user key;

	if (strlen(name) >= sizeof(key.name) || u->n == 0)
		return NULL;
	snprintf(key.name, sizeof(key.name), "%s", name);
	found = bsearch(&key, u->list, u->n, sizeof(key), by_name);
	return found ? found->ha1 : NULL;
}

/* ---- certificates ---- */

/* Exactly one common name: with two, which of them would be the identity? */
static bool common_name(gnutls_x509_crt_t crt, char *out, size_t size)
{
	char second[NAME_MAX_BYTES];
	size_t n = size;

	if (gnutls_x509_crt_get_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, 0, out, &n) < 0)
		return false;
	if (strlen(out) != n || !name_is_plain(out))
		return false;
	n = sizeof(second);
	return gnutls_x509_crt_get_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 1, 0, second, &n) ==
	       GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE;
}

static bool chain_is_good(gnutls_session_t session, char *why)
{
	gnutls_typed_vdata_st purpose = {
		.type = GNUTLS_DT_KEY_PURPOSE_OID,
		.data = (unsigned char *)(uintptr_t)GNUTLS_KP_TLS_WWW_CLIENT,
		.size = 0, /* a string */
	};
	unsigned status = 0;

	if (gnutls_certificate_verify_peers(session, &purpose, 1, &status) < 0)
		snprintf(why, 64, "cannot be verified");
	else if (status & GNUTLS_CERT_EXPIRED)
		snprintf(why, 64, "expired");
	else if (status & GNUTLS_CERT_NOT_ACTIVATED)
		snprintf(why, 64, "not yet valid");
	else if (status & (GNUTLS_CERT_SIGNER_NOT_FOUND | GNUTLS_CERT_SIGNER_NOT_CA))
		snprintf(why, 64, "not signed by our CA");
	else if (status & GNUTLS_CERT_PURPOSE_MISMATCH)
		snprintf(why, 64, "not for TLS clients");
	else if (status)
		snprintf(why, 64, "invalid, status 0x%x", status);
	else
		return true;
	return false;
}

/* The verdict holds until the first certificate of the chain runs out. */
static bool read_chain(const gnutls_datum_t *chain, unsigned n, const struct mams_revoked *revoked,
	char *identity, size_t size, int64_t *expires, char *why)
{
	bool ok = true;

	*expires = INT64_MAX;
	snprintf(why, 64, "without exactly one usable common name");
	for (unsigned i = 0; i < n && ok; i++) {
		gnutls_x509_crt_t crt;
		time_t end;

		if (gnutls_x509_crt_init(&crt) < 0)
			return false;
		ok = gnutls_x509_crt_import(crt, &chain[i], GNUTLS_X509_FMT_DER) == 0;
		end = ok ? gnutls_x509_crt_get_expiration_time(crt) : -1;
		if (end >= 0 && end < *expires)
			*expires = end;
		if (ok && mams_revoked_has(revoked, crt)) {
			snprintf(why, 64, "revoked");
			ok = false;
		}
		if (ok && i == 0)
			ok = common_name(crt, identity, size);
		gnutls_x509_crt_deinit(crt);
	}
	return ok;
}

enum mams_httpd_verdict mams_httpd_auth_cert(gnutls_session_t session,
	const struct mams_revoked *revoked, char *identity, size_t size, int64_t *expires,
	char *why)
{
	unsigned n = 0;
	const gnutls_datum_t *chain = gnutls_certificate_get_peers(session, &n);

	if (!chain || n == 0)
		return MAMS_HTTPD_AUTH_NONE;
	if (gnutls_certificate_type_get2(session, GNUTLS_CTYPE_PEERS) != GNUTLS_CRT_X509) {
		snprintf(why, 64, "not X.509");
		return MAMS_HTTPD_AUTH_CERT_BAD;
	}
	if (!chain_is_good(session, why))
		return MAMS_HTTPD_AUTH_CERT_BAD;
	if (!read_chain(chain, n, revoked, identity, size, expires, why))
		return MAMS_HTTPD_AUTH_CERT_BAD;
	why[0] = '\0';
	return MAMS_HTTPD_AUTH_OK;
}
