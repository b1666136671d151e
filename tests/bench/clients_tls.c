/* The clients' certificates, and TLS handshakes alone by the libraries that the CCMs use. */
#include "tests/bench/clients.h"

#include "lib/base/err.h"

#include <curl/curl.h>
#include <errno.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

void clients_die(const char *what, int rc)
{
	fprintf(stderr, "clients: %s: %s\n", what, rc ? mams_strerror(rc) : "failed");
	exit(1);
}

double clients_s(mams_time from, mams_time to)
{
	return (double)(to.us - from.us) / 1e6;
}

/* ---- certificates ---- */

void clients_cert(char *out, size_t size, size_t i)
{
	snprintf(out, size, "%s/c%05zu.crt", opt.dir, i);
}

static void load_pem(const char *name, gnutls_datum_t *out)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", opt.dir, name);
	if (gnutls_load_file(path, out) < 0)
		clients_die(path, 0);
}

static void write_file(const char *path, const gnutls_datum_t *text)
{
	FILE *f = fopen(path, "we");

	if (!f || fwrite(text->data, 1, text->size, f) != text->size || fclose(f) != 0)
		clients_die(path, -errno);
}

static void make_cert(
	size_t i, gnutls_x509_privkey_t key, gnutls_x509_crt_t ca, gnutls_x509_privkey_t ca_key)
{
	gnutls_x509_crt_t crt;
	gnutls_datum_t pem;
	char name[32];
	char path[512];
	uint32_t serial = (uint32_t)i + 1000;
	time_t now = time(NULL);

	snprintf(name, sizeof(name), "c%05zu", i);
	clients_cert(path, sizeof(path), i);
	gnutls_x509_crt_init(&crt);
	gnutls_x509_crt_set_version(crt, 3);
	gnutls_x509_crt_set_dn_by_oid(
		crt, GNUTLS_OID_X520_COMMON_NAME, 0, name, (unsigned)strlen(name));
	gnutls_x509_crt_set_key(crt, key);
	gnutls_x509_crt_set_serial(crt, &serial, sizeof(serial));
	gnutls_x509_crt_set_activation_time(crt, now - 60);
	gnutls_x509_crt_set_expiration_time(crt, now + 86400);
	gnutls_x509_crt_set_key_purpose_oid(crt, GNUTLS_KP_TLS_WWW_CLIENT, 0);
	if (gnutls_x509_crt_sign2(crt, ca, ca_key, GNUTLS_DIG_SHA256, 0) < 0 ||
		gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &pem) < 0)
		clients_die("certificate", 0);
	write_file(path, &pem);
	gnutls_free(pem.data);
	gnutls_x509_crt_deinit(crt);
}

int clients_make_certs(void)
{
	gnutls_datum_t ca_text;
	gnutls_datum_t ca_key_text;
	gnutls_datum_t pem;
	gnutls_x509_crt_t ca;
	gnutls_x509_privkey_t ca_key;
	gnutls_x509_privkey_t key;
	char path[512];

	load_pem("ca.crt", &ca_text);
	load_pem("ca.key", &ca_key_text);
	gnutls_x509_crt_init(&ca);
	gnutls_x509_privkey_init(&ca_key);
	gnutls_x509_privkey_init(&key);
	if (gnutls_x509_crt_import(ca, &ca_text, GNUTLS_X509_FMT_PEM) < 0 ||
		gnutls_x509_privkey_import2(ca_key, &ca_key_text, GNUTLS_X509_FMT_PEM, NULL, 0) <
			0 ||
		gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA,
			GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0) < 0 ||
		gnutls_x509_privkey_export2_pkcs8(
			key, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN, &pem) < 0)
		clients_die("keys", 0);
	snprintf(path, sizeof(path), "%s/clients.key", opt.dir);
	umask(077);
	write_file(path, &pem);
	for (size_t i = 0; i < opt.n; i++)
		make_cert(i, key, ca, ca_key);
	return 0;
}

/* ---- bare TLS handshakes, by the same libraries ---- */

static void bare_start(CURLM *m, size_t i)
{
	CURL *e = curl_easy_init();
	char cert[512];
	char key[512];
	char ca[512];

	clients_cert(cert, sizeof(cert), i % opt.n);
	snprintf(key, sizeof(key), "%s/clients.key", opt.dir);
	snprintf(ca, sizeof(ca), "%s/ca.crt", opt.dir);
	curl_easy_setopt(e, CURLOPT_URL, opt.url);
	curl_easy_setopt(e, CURLOPT_CONNECT_ONLY, 1L);
	curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(e, CURLOPT_CAINFO, ca);
	curl_easy_setopt(e, CURLOPT_CAPATH, NULL);
	curl_easy_setopt(e, CURLOPT_SSLCERT, cert);
	curl_easy_setopt(e, CURLOPT_SSLKEY, key);
	curl_easy_setopt(e, CURLOPT_PROXY, "");
	curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, 30000L);
	curl_easy_setopt(e, CURLOPT_FORBID_REUSE, 1L);
	curl_easy_setopt(e, CURLOPT_SSL_SESSIONID_CACHE, 0L);
	curl_multi_add_handle(m, e);
}

int clients_bare(void)
{
	CURLM *m = curl_multi_init();
	size_t started = 0;
	size_t done = 0;
	size_t failed = 0;
	mams_time start = mams_clock_now();

	/* connect-only connections stay in the cache: those done are pushed out by the new ones */
	curl_multi_setopt(m, CURLMOPT_MAXCONNECTS, 1L);
	while (done < opt.n) {
		CURLMsg *msg;
		int left;

		while (started < opt.n && started - done < opt.window)
			bare_start(m, started++);
		curl_multi_perform(m, &left);
		while ((msg = curl_multi_info_read(m, &left)) != NULL) {
			CURL *e = msg->easy_handle;

			done++;
			failed += msg->data.result != CURLE_OK;
			curl_multi_remove_handle(m, e);
			curl_easy_cleanup(e);
		}
		curl_multi_poll(m, NULL, 0, 10, NULL);
	}
	printf("handshakes=%zu failed=%zu per_s=%.1f\n", done, failed,
		(double)done / clients_s(start, mams_clock_now()));
	curl_multi_cleanup(m);
	return failed ? 1 : 0;
}
