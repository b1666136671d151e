#include "lib/io/httpd.h"
#include "lib/io/httpd_auth.h"
#include "tests/support/suite.h"
#include "tests/support/tls_rig.h"

#include <gnutls/crypto.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char big[70000];

/* ---- who gets in ---- */

static void certificates(void)
{
	static const struct {
		const char *cert;
		int status;
	} cases[] = {
		{"good", 200},
		{"expired", 403},
		{"foreign", 403},
		{"twonames", 403},
		{"ncm", 403}, /* of our CA, but not for clients */
		{NULL, 403},
	};
	struct rig g;

	rig_init(&g, true, false);
	rig_start(&g);
	for (size_t i = 0; i < MAMS_ARRAY_LEN(cases); i++) {
		struct rig_client c;
		unsigned before = g.requests;

		rig_client_init(&c, &g, cases[i].cert, NULL);
		CU_ASSERT_EQUAL(rig_exchange(&c, "POST", "/m?q=1", "{}", 2), cases[i].status);
		CU_ASSERT_EQUAL(g.requests - before, cases[i].status == 200);
		CU_ASSERT_EQUAL(c.len, cases[i].status == 200 ? 2 : 0);
		rig_client_fini(&c);
	}
	CU_ASSERT_STRING_EQUAL(g.identity, "good");
	CU_ASSERT_STRING_EQUAL(g.query, "1");
	CU_ASSERT_EQUAL(rig_counter(&g, "https_bad_certificate_total"), 4);
	CU_ASSERT_EQUAL(rig_counter(&g, "https_no_credentials_total"), 1);
	rig_stop(&g);
}

static void copy_file(const char *from, const char *to)
{
	char text[8192];
	FILE *f = fopen(rig_file(from), "re");
	size_t n = f ? fread(text, 1, sizeof(text), f) : 0;

	CU_ASSERT_TRUE_FATAL(n > 0);
	fclose(f);
	f = fopen(rig_file(to), "we");
	CU_ASSERT_TRUE_FATAL(f && fwrite(text, 1, n, f) == n && fclose(f) == 0);
}

/* A list that revokes takes effect on connections that stand, too. */
static void revoked(void)
{
	struct rig g;
	struct rig_client good;
	struct rig_client gone;
	struct mams_error err = {0};

	rig_init(&g, true, false);
	g.opts.client_crl_file = rig_file("live.crl");
	rig_start(&g);
	rig_client_init(&good, &g, "good", NULL);
	rig_client_init(&gone, &g, "gone", NULL);
	CU_ASSERT_EQUAL(rig_exchange(&good, "POST", "/m", "{}", 2), 200);
	CU_ASSERT_EQUAL(rig_exchange(&gone, "POST", "/m", "{}", 2), 200);
	copy_file("live.crl", "first.crl");
	copy_file("ca.crl", "live.crl");
	CU_ASSERT_EQUAL(mams_httpd_reload(g.h, NULL, NULL, &err), 0);
	CU_ASSERT_EQUAL(rig_exchange(&good, "POST", "/m", "{}", 2), 200);
	CU_ASSERT_EQUAL(rig_exchange(&gone, "POST", "/m", "{}", 2), 403);
	CU_ASSERT_EQUAL(rig_counter(&g, "https_connections_total"), 2);
	/* another authority's list, or none at all, is refused, and the old one stays */
	copy_file("other/ca.crl", "live.crl");
	CU_ASSERT_EQUAL(mams_httpd_reload(g.h, NULL, NULL, &err), -MAMS_EVALUE);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "not signed by the CA"));
	CU_ASSERT_EQUAL(rig_exchange(&gone, "POST", "/m", "{}", 2), 403);
	copy_file("ca.crt", "live.crl");
	CU_ASSERT_EQUAL(mams_httpd_reload(g.h, NULL, NULL, &err), -MAMS_EVALUE);
	CU_ASSERT_EQUAL(rig_exchange(&gone, "POST", "/m", "{}", 2), 403);
	CU_ASSERT_EQUAL(rig_exchange(&good, "POST", "/m", "{}", 2), 200);
	copy_file("first.crl", "live.crl");
	rig_client_fini(&good);
	rig_client_fini(&gone);
	rig_stop(&g);
}

/* A bad certificate is not made good by a password. */
static void digest_users(void)
{
	static const struct {
		const char *cert;
		const char *user;
		int status;
		const char *identity;
	} cases[] = {
		{NULL, "alice", 200, "alice"},
		{NULL, "wrong", 401, NULL},
		{NULL, "bob", 401, NULL},
		{"expired", "alice", 403, NULL},
		{NULL, NULL, 401, NULL},
		{"good", "alice", 200, "good"},
	};
	struct rig g;

	rig_init(&g, true, true);
	rig_start(&g);
	for (size_t i = 0; i < MAMS_ARRAY_LEN(cases); i++) {
		struct rig_client c;
		unsigned before = g.requests;

		rig_client_init(&c, &g, cases[i].cert, cases[i].user);
		CU_ASSERT_EQUAL(rig_exchange(&c, "POST", "/m", big, 60000), cases[i].status);
		CU_ASSERT_EQUAL(g.requests - before, cases[i].status == 200);
		CU_ASSERT_EQUAL(c.len, cases[i].status == 200 ? 60000 : 0);
		if (cases[i].identity)
			CU_ASSERT_STRING_EQUAL(g.identity, cases[i].identity);
		rig_client_fini(&c);
	}
	CU_ASSERT_EQUAL(rig_counter(&g, "https_wrong_password_total"), 2);
	rig_stop(&g);
}

/* The second request carries the first one's nonce, and the body with it. */
static void digest_keeps_its_nonce(void)
{
	struct rig g;
	struct rig_client c;

	rig_init(&g, false, true);
	rig_start(&g);
	rig_client_init(&c, &g, NULL, "alice");
	for (int i = 0; i < 5; i++) {
		CU_ASSERT_EQUAL(rig_exchange(&c, "POST", "/m", big, 60000), 200);
		CU_ASSERT_EQUAL(c.len, 60000);
		CU_ASSERT_EQUAL(rig_exchange(&c, "GET", "/p", NULL, 0), 204);
	}
	CU_ASSERT_EQUAL(g.requests, 10);
	CU_ASSERT_EQUAL(rig_counter(&g, "https_no_credentials_total"), 2);
	CU_ASSERT_EQUAL(rig_counter(&g, "https_stale_nonce_total"), 0);
	CU_ASSERT_EQUAL(rig_counter(&g, "https_connections_total"), 1);
	rig_client_fini(&c);
	rig_stop(&g);
}

static void hex_sha256(const char *text, char *out)
{
	unsigned char hash[32];

	CU_ASSERT_EQUAL(gnutls_hash_fast(GNUTLS_DIG_SHA256, text, strlen(text), hash), 0);
	for (size_t i = 0; i < sizeof(hash); i++)
		snprintf(out + 2 * i, 3, "%02x", hash[i]);
}

static void ask_nonce(struct rig *g, char *nonce)
{
	struct rig_raw raw = {.send = {"GET /m HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"}};
	const char *p;

	rig_raw_run(g, &raw);
	p = strstr(raw.reply, "nonce=\"");
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	snprintf(nonce, 128, "%.*s", (int)strcspn(p + 7, "\""), p + 7);
	CU_ASSERT_PTR_NOT_NULL(strstr(raw.reply, "SHA-256"));
	CU_ASSERT_PTR_NULL(strstr(raw.reply, "MD5"));
}

/* A correct answer to nonce for GET uri, but for what the caller changes. */
static void digest_request(char *out, size_t size, const char *nonce, const char *uri,
	const char *sent_uri, const char *extra)
{
	char ha1[65];
	char ha2[65];
	char response[65];
	char text[512];

	hex_sha256("alice:mams:correct horse", ha1);
	snprintf(text, sizeof(text), "GET:%s", uri);
	hex_sha256(text, ha2);
	snprintf(text, sizeof(text), "%s:%s:00000001:abc:auth:%s", ha1, nonce, ha2);
	hex_sha256(text, response);
	snprintf(out, size,
		"GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
		"Authorization: Digest username=\"alice\", realm=\"mams\", nonce=\"%s\", "
		"uri=\"%s\", "
		"response=\"%s\", cnonce=\"abc\", nc=00000001%s\r\n\r\n",
		sent_uri, nonce, uri, response, extra);
}

static void forged_digests(void)
{
	static const struct {
		const char *sent_uri;
		const char *extra;
		const char *status;
	} cases[] = {
		{"/m", ", qop=auth, algorithm=SHA-256", " 200 "},
		{"/m", ", qop=auth, algorithm=MD5", " 401 "},
		{"/m", ", qop=auth", " 401 "}, /* no algorithm means MD5 */
		{"/m", ", algorithm=SHA-256", " 401 "},
		{"/m", ", qop=auth, algorithm=SHA-256-sess", " 401 "},
		{"/other", ", qop=auth, algorithm=SHA-256", " 401 "},
	};
	struct rig g;
	char nonce[128];
	char text[2048];
	struct rig_raw raw = {.send = {text}};

	rig_init(&g, false, true);
	rig_start(&g);
	for (size_t i = 0; i < MAMS_ARRAY_LEN(cases); i++) {
		ask_nonce(&g, nonce);
		digest_request(text, sizeof(text), nonce, "/m", cases[i].sent_uri, cases[i].extra);
		rig_raw_run(&g, &raw);
		CU_ASSERT_EQUAL(strncmp(raw.reply + 8, i ? cases[i].status : " 204 ", 5), 0);
		if (i)
			continue;
		/* the same octets again: replayed */
		rig_raw_run(&g, &raw);
		CU_ASSERT_PTR_NOT_NULL(strstr(raw.reply, " 401 "));
		CU_ASSERT_PTR_NOT_NULL(strstr(raw.reply, "stale"));
	}
	/* a nonce we never gave */
	digest_request(text, sizeof(text),
		"00000000000000000000000000000000000000000000000000000000000000000000000000000000",
		"/m", "/m", cases[0].extra);
	rig_raw_run(&g, &raw);
	CU_ASSERT_PTR_NOT_NULL(strstr(raw.reply, " 401 "));
	raw.send[0] = "GET /m HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
		      "Authorization: Basic YWxpY2U6Y29ycmVjdCBob3JzZQ==\r\n\r\n";
	rig_raw_run(&g, &raw);
	CU_ASSERT_PTR_NOT_NULL(strstr(raw.reply, " 401 "));
	CU_ASSERT_EQUAL(g.requests, 1);
	CU_ASSERT_TRUE(rig_counter(&g, "https_auth_unsupported_total") >= 4);
	rig_stop(&g);
}

static void tls_versions(void)
{
	static const struct {
		const char *priorities;
		bool refused;
	} cases[] = {
		{"NORMAL:-VERS-ALL:+VERS-TLS1.3", false},
		{"NORMAL:-VERS-ALL:+VERS-TLS1.2", false},
		{"NORMAL:-VERS-ALL:+VERS-TLS1.1", true},
	};
	struct rig g;

	rig_init(&g, true, false);
	rig_start(&g);
	for (size_t i = 0; i < MAMS_ARRAY_LEN(cases); i++) {
		struct rig_raw raw = {.priorities = cases[i].priorities,
			.send = {"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"}};

		rig_raw_run(&g, &raw);
		CU_ASSERT_EQUAL(raw.tls_failed, cases[i].refused);
		CU_ASSERT_EQUAL(strstr(raw.reply, " 403 ") != NULL, !cases[i].refused);
	}
	rig_run(&g, 50);
	CU_ASSERT_EQUAL(rig_counter(&g, "https_without_request_total"), 1);
	CU_ASSERT_EQUAL(rig_counter(&g, "https_connections_open"), 0);
	rig_stop(&g);
}

/* ---- what they may send ---- */

static void body_limit(void)
{
	struct rig g;
	struct rig_client c;
	struct rig_raw raw = {
		.send = {"POST /m HTTP/1.1\r\nHost: x\r\nContent-Length: 70000\r\n\r\n"}};

	rig_init(&g, true, false);
	rig_start(&g);
	rig_client_init(&c, &g, "good", NULL);
	CU_ASSERT_EQUAL(rig_exchange(&c, "POST", "/m", big, 65536), 200);
	CU_ASSERT_EQUAL(c.len, 65536);
	CU_ASSERT_EQUAL(rig_exchange(&c, "POST", "/m", big, 65537), 413);
	CU_ASSERT_EQUAL(rig_exchange(&c, "POST", "/m", "x", 1), 200);
	CU_ASSERT_EQUAL(rig_counter(&g, "https_body_too_long_total"), 1);
	/* a stranger is not told about limits, and his body is not waited for */
	rig_raw_run(&g, &raw);
	CU_ASSERT_PTR_NOT_NULL(strstr(raw.reply, " 403 "));
	CU_ASSERT_TRUE(raw.ended_ms < 1000);
	CU_ASSERT_EQUAL(g.requests, 2);
	rig_client_fini(&c);
	rig_stop(&g);
}

/* Without Content-Length the octets are counted. */
static void chunked_body_limit(void)
{
	static char chunk[70100];
	static char endless[140100];
	struct rig g;
	struct rig_raw raw = {.send = {"POST /m HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
				       "Transfer-Encoding: chunked\r\n\r\n",
				      chunk}};

	snprintf(chunk, sizeof(chunk), "%x\r\n%.*s\r\n0\r\n\r\n", 70000, 70000, big);
	snprintf(endless, sizeof(endless), "%x\r\n%.*s%.*s", 200000, 69999, big, 69999, big);
	rig_init(&g, true, false);
	rig_start(&g);
	rig_raw_run(&g, &raw);
	CU_ASSERT_PTR_NOT_NULL(strstr(raw.reply, " 403 "));
	CU_ASSERT_EQUAL(rig_counter(&g, "https_body_too_long_total"), 1);
	raw.send[1] = endless;
	rig_raw_run(&g, &raw);
	CU_ASSERT_STRING_EQUAL(raw.reply, "");
	CU_ASSERT_TRUE(raw.ended_ms < 1500);
	rig_stop(&g);
}

static void slow_and_idle(void)
{
	struct rig g;
	struct rig_raw drip = {
		.send = {"GE", "T / HT", "TP/1.1\r\n", "Host: x\r\n"}, .gap_ms = 250};
	struct rig_raw body = {.send = {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 90\r\n\r\n",
				       "abc", "def", "ghi"},
		.gap_ms = 250};
	struct rig_raw idle = {.send = {"GET / HTTP/1.1\r\nHost: x\r\n\r\n"}, .gap_ms = 10};

	rig_init(&g, true, false);
	g.opts.request_ms = 400;
	g.opts.idle_ms = 600;
	rig_start(&g);
	rig_raw_run(&g, &drip);
	CU_ASSERT_TRUE(drip.ended_ms >= 400 && drip.ended_ms < 1400);
	CU_ASSERT_STRING_EQUAL(drip.reply, "");
	rig_raw_run(&g, &body);
	CU_ASSERT_TRUE(body.ended_ms >= 400 && body.ended_ms < 1400);
	CU_ASSERT_STRING_EQUAL(body.reply, "");
	rig_raw_run(&g, &idle);
	CU_ASSERT_PTR_NOT_NULL(strstr(idle.reply, " 403 "));
	CU_ASSERT_TRUE(idle.ended_ms >= 600 && idle.ended_ms < 1400);
	rig_run(&g, 50);
	CU_ASSERT_EQUAL(rig_counter(&g, "https_slow_requests_total"), 2);
	CU_ASSERT_EQUAL(rig_counter(&g, "https_idle_timeouts_total"), 1);
	CU_ASSERT_EQUAL(rig_counter(&g, "https_connections_open"), 0);
	rig_stop(&g);
}

static void connection_limits(void)
{
	struct rig g;
	struct sockaddr_storage sa;
	socklen_t len;
	int fds[8];

	rig_init(&g, true, false);
	g.opts.max_per_ip = 3;
	g.opts.max_connections = 5;
	rig_start(&g);
	for (size_t i = 0; i < MAMS_ARRAY_LEN(fds); i++) {
		const struct mams_addr *to = &g.listen[i >= 4];

		len = mams_addr_to_sa(to, &sa);
		fds[i] = socket(sa.ss_family, SOCK_STREAM, 0);
		CU_ASSERT_EQUAL(connect(fds[i], (struct sockaddr *)&sa, len), 0);
	}
	rig_run(&g, 50);
	CU_ASSERT_EQUAL(rig_counter(&g, "https_connections_open"), 5);
	CU_ASSERT_EQUAL(rig_counter(&g, "https_refused_address_limit_total"), 1);
	CU_ASSERT_EQUAL(rig_counter(&g, "https_refused_connection_limit_total"), 2);
	for (size_t i = 0; i < MAMS_ARRAY_LEN(fds); i++)
		close(fds[i]);
	rig_run(&g, 50);
	CU_ASSERT_EQUAL(rig_counter(&g, "https_connections_open"), 0);
	rig_stop(&g);
}

/* ---- unfinished handshakes ---- */

static unsigned turns;

static mams_time count_turn(void *user)
{
	(void)user;
	turns++;
	return MAMS_TIME_NEVER;
}

static int dial(const struct rig *g)
{
	struct sockaddr_storage sa;
	socklen_t len = mams_addr_to_sa(&g->listen[0], &sa);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	CU_ASSERT_EQUAL_FATAL(connect(fd, (struct sockaddr *)&sa, len), 0);
	return fd;
}

/* Clients that stop within the handshake cost nothing, keep nobody out, and are ended in time. */
static void unfinished_handshakes(void)
{
	/* a TLS record of 512 octets, a hello in it: its beginning */
	static const unsigned char part[] = {22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3};
	const struct mams_loop_source source = {.before = count_turn, .user = &turns};
	struct rig g;
	struct rig_client c;
	int fds[20];

	rig_init(&g, true, false);
	g.opts.request_ms = 1500;
	rig_start(&g);
	CU_ASSERT_EQUAL_FATAL(mams_loop_source_add(g.l, &source), 0);
	for (size_t i = 0; i < MAMS_ARRAY_LEN(fds); i++) {
		fds[i] = dial(&g);
		/* nothing, a part, what is no TLS */
		if (i % 3 == 1)
			CU_ASSERT_EQUAL(write(fds[i], part, sizeof(part)), sizeof(part));
		if (i % 3 == 2)
			CU_ASSERT_EQUAL(write(fds[i], "GET / HTTP/1.1\r\n", 16), 16);
	}
	rig_run(&g, 100);
	CU_ASSERT_EQUAL(rig_counter(&g, "https_connections_open"), 14);
	turns = 0;
	rig_run(&g, 300);
	CU_ASSERT_TRUE(turns < 50); /* those of the sweep */
	rig_client_init(&c, &g, "good", NULL);
	CU_ASSERT_EQUAL(rig_exchange(&c, "POST", "/m", "{}", 2), 200);
	CU_ASSERT_EQUAL(write(fds[1], part + 5, 6), 6);
	rig_run(&g, 2000);
	CU_ASSERT_EQUAL(rig_counter(&g, "https_slow_requests_total"), 14);
	CU_ASSERT_EQUAL(rig_counter(&g, "https_connections_open"), 1);
	for (size_t i = 0; i < MAMS_ARRAY_LEN(fds); i++)
		close(fds[i]);
	/* and it can be stopped while some are under way */
	fds[0] = dial(&g);
	CU_ASSERT_EQUAL(write(fds[0], part, sizeof(part)), sizeof(part));
	rig_run(&g, 50);
	rig_client_fini(&c);
	mams_loop_source_del(g.l, &turns);
	rig_stop(&g);
	close(fds[0]);
}

/* ---- configuration ---- */

static void write_file(const char *name, const char *text, mode_t mode)
{
	FILE *f = fopen(rig_file(name), "w");

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	fputs(text, f);
	fclose(f);
	CU_ASSERT_EQUAL(chmod(rig_file(name), mode), 0);
}

static void users_files(void)
{
#define H "1111111111111111111111111111111111111111111111111111111111111111"
	static const struct {
		const char *text;
		int rc;
		int line;
	} cases[] = {
		{"", 0, 0},
		{"# words\n\na:mams:" H "\nb:mams:" H, 0, 0},
		{"a:mams:" H "\nb:other:" H "\n", -MAMS_EVALUE, 2},
		{"a:mams:" H "1\n", -MAMS_EVALUE, 1},
		{"a:mams\n", -MAMS_EVALUE, 1},
		{"a:mams:" H ":x\n", -MAMS_EVALUE, 1},
		{"a\"b:mams:" H "\n", -MAMS_EVALUE, 1},
		{"a:mams:" H "\nb:mams:" H "\na:mams:" H "\n", -MAMS_EVALUE, 0},
		{"a:mams:G" H "\n", -MAMS_EVALUE, 1},
		{":mams:" H "\n", -MAMS_EVALUE, 1},
	};
	struct mams_httpd_users *u;
	struct mams_error err;

	for (size_t i = 0; i < MAMS_ARRAY_LEN(cases); i++) {
		int rc;

		err = (struct mams_error){0};
		write_file("tmp", cases[i].text, 0600);
		rc = mams_httpd_users_load(rig_file("tmp"), "mams", &u, &err);
		CU_ASSERT_EQUAL(rc, cases[i].rc);
		CU_ASSERT_EQUAL(err.line, cases[i].line);
		if (rc == 0)
			mams_httpd_users_free(u);
		else
			CU_ASSERT_PTR_NOT_NULL(strstr(err.where, "tmp"));
	}
	write_file("tmp", "a:mams:" H "\n", 0640);
	CU_ASSERT_EQUAL(mams_httpd_users_load(rig_file("tmp"), "mams", &u, &err), -MAMS_EDENIED);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "chmod 0600"));
	CU_ASSERT_EQUAL(mams_httpd_users_load(rig_file("none"), "mams", &u, &err), -ENOENT);
#undef H
}

static void expect_refused(struct rig *g, int rc, const char *words)
{
	static const struct mams_httpd_ops ops = {0};
	struct mams_httpd *h;
	struct mams_error err = {0};

	CU_ASSERT_EQUAL(mams_httpd_new(g->l, &g->opts, &ops, g, &h, &err), rc);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, words));
}

static void bad_configurations(void)
{
	struct rig g;
	char path[128];

	rig_init(&g, false, false);
	expect_refused(&g, -MAMS_EMISSING, "nobody could authenticate");
	snprintf(path, sizeof(path), "%s", rig_file("tmp"));
	g.opts.client_ca_file = rig_file("ca.crt");
	write_file("tmp", "-----BEGIN CERTIFICATE-----\nx\n", 0600);
	g.opts.key_file = path;
	expect_refused(&g, -MAMS_EVALUE, "not a usable key");
	CU_ASSERT_EQUAL(chmod(path, 0644), 0);
	expect_refused(&g, -MAMS_EDENIED, "chmod 0600");
	write_file("tmp", "no key\n", 0600);
	expect_refused(&g, -MAMS_EVALUE, "not a PEM file");
	mams_loop_free(g.l);
	/* an address in use */
	rig_init(&g, true, false);
	rig_start(&g);
	expect_refused(&g, -EADDRINUSE, "in use");
	rig_stop(&g);
}

static void users_read_again(void)
{
	struct rig g;
	struct rig_client c;
	char path[128];

	rig_init(&g, false, true);
	snprintf(path, sizeof(path), "%s", rig_file("tmp"));
	write_file("tmp", "", 0600);
	g.opts.digest_file = path;
	rig_start(&g);
	rig_client_init(&c, &g, NULL, "alice");
	CU_ASSERT_EQUAL(rig_exchange(&c, "GET", "/", NULL, 0), 401);
	rename(rig_file("users"), path);
	CU_ASSERT_EQUAL(mams_httpd_reload(g.h, NULL, NULL, NULL), 0);
	CU_ASSERT_EQUAL(rig_exchange(&c, "GET", "/", NULL, 0), 204);
	rename(path, rig_file("users"));
	/* a broken file changes nothing */
	write_file("tmp", "rubbish\n", 0600);
	CU_ASSERT_EQUAL(mams_httpd_reload(g.h, NULL, NULL, NULL), -MAMS_EVALUE);
	CU_ASSERT_EQUAL(rig_exchange(&c, "GET", "/", NULL, 0), 204);
	rig_client_fini(&c);
	rig_stop(&g);
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"certificates", certificates},
		{"revoked certificates", revoked},
		{"Digest users", digest_users},
		{"Digest keeps its nonce", digest_keeps_its_nonce},
		{"forged Digests", forged_digests},
		{"TLS versions", tls_versions},
		{"body limit", body_limit},
		{"chunked body limit", chunked_body_limit},
		{"slow and idle clients", slow_and_idle},
		{"connection limits", connection_limits},
		{"unfinished handshakes", unfinished_handshakes},
		{"users files", users_files},
		{"bad configurations", bad_configurations},
		{"users read again", users_read_again},
	};
	int rc = 1;

	signal(SIGPIPE, SIG_IGN);
	memset(big, 'b', sizeof(big));
	if (rig_make_files())
		rc = mams_suite_run("httpd", cases, MAMS_ARRAY_LEN(cases));
	rig_remove_files();
	return rc;
}
