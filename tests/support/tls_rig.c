#include "tests/support/tls_rig.h"

#include "lib/base/clock.h"
#include "tests/support/suite.h"

#include <gnutls/gnutls.h>

#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[64];

/* Everything that the tests need, made once.  The expired certificate needs "openssl ca", which
 * alone takes dates. */
static const char script[] =
	"set -e; cd \"$1\"; ca=$2; exec >log 2>&1\n"
	"$ca -d . init; $ca -d . -s 127.0.0.1 -s ::1 -s localhost server ncm\n"
	"$ca -d . client good; $ca -d . client expired\n"
	"$ca -d other init; $ca -d other client foreign; cp other/foreign.* .\n"
	"$ca -d . client dummy; $ca -d . revoke dummy; cp ca.crl live.crl\n"
	"$ca -d . client gone; cp gone.crt keep; $ca -d . revoke gone; mv keep gone.crt\n"
	"$ca -d other revoke foreign\n"
	"printf 'correct horse\\n' >pw-alice; printf 'wrong horse\\n' >pw-bob\n"
	"printf 'wrong horse\\n' >pw-wrong; chmod 600 pw-*\n"
	"$ca -d . -u users -p pw-alice digest-add alice\n"
	"mkdir db; : >db/index; echo 01 >db/serial\n"
	"cat >cnf <<X\n"
	"[ca]\ndefault_ca = d\n[d]\ndatabase = db/index\nserial = db/serial\nnew_certs_dir = db\n"
	"default_md = sha256\npolicy = p\nx509_extensions = e\nunique_subject = no\n"
	"[p]\ncommonName = supplied\n[e]\nextendedKeyUsage = clientAuth\n"
	"[t]\nextendedKeyUsage = clientAuth\nbasicConstraints = CA:FALSE\n"
	"X\n"
	"openssl req -new -subj /CN=expired -key expired.key -out csr\n"
	"openssl ca -batch -config cnf -cert ca.crt -keyfile ca.key -in csr -out expired.crt "
	"-notext -startdate 20200101000000Z -enddate 20210101000000Z\n"
	"openssl req -new -subj /CN=one/CN=two -key good.key -out csr\n"
	"openssl x509 -req -in csr -CA ca.crt -CAkey ca.key -set_serial 77 -days 2 "
	"-extfile cnf -extensions t -out twonames.crt; cp good.key twonames.key; "
	"chmod 600 *.key\n";

int rig_script(const char *text)
{
	pid_t pid = fork();
	int status = -1;

	if (pid == 0) {
		execl("/bin/bash", "bash", "-c", text, "rig", dir, MAMS_CA, (char *)NULL);
		_exit(127);
	}
	waitpid(pid, &status, 0);
	return status;
}

bool rig_make_files(void)
{
	snprintf(dir, sizeof(dir), "/tmp/mams-tls-XXXXXX");
	return mkdtemp(dir) && rig_script(script) == 0;
}

void rig_remove_files(void)
{
	rig_script("rm -rf \"$1\"");
}

const char *rig_file(const char *name)
{
	static char paths[4][256];
	static unsigned next;
	char *p = paths[next++ % 4];

	snprintf(p, sizeof(paths[0]), "%s/%s", dir, name);
	return p;
}

/* ---- server ---- */

static void on_request(void *user, struct mams_httpd_req *r)
{
	struct rig *g = user;
	size_t len;
	const char *body = mams_httpd_body(r, &len);
	const char *q = mams_httpd_query(r, "q");

	g->requests++;
	snprintf(g->identity, sizeof(g->identity), "%s", mams_httpd_identity(r));
	snprintf(g->query, sizeof(g->query), "%s", q ? q : "");
	CU_ASSERT_TRUE(mams_addr_is_loopback(mams_httpd_peer(r)));
	if (strcmp(mams_httpd_path(r), "/hold") != 0) {
		mams_httpd_reply(r, len ? 200 : 204, len ? "application/json" : NULL, body, len);
		return;
	}
	for (size_t i = 0; i < RIG_HELD_MAX; i++) {
		if (!g->held[i]) {
			g->held[i] = r;
			return;
		}
	}
	CU_FAIL("more requests held than the rig has room for");
}

static void on_gone(void *user, struct mams_httpd_req *r)
{
	struct rig *g = user;

	g->gone++;
	for (size_t i = 0; i < RIG_HELD_MAX; i++) {
		if (g->held[i] == r)
			g->held[i] = NULL;
	}
}

static const struct mams_httpd_ops ops = {.request = on_request, .gone = on_gone};

static uint16_t free_port(void)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(sa);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	CU_ASSERT_EQUAL_FATAL(bind(fd, (struct sockaddr *)&sa, len), 0);
	CU_ASSERT_EQUAL_FATAL(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
	close(fd);
	return ntohs(sa.sin_port);
}

void rig_init(struct rig *g, bool certs, bool digest)
{
	static char paths[4][256];

	*g = (struct rig){0};
	CU_ASSERT_EQUAL_FATAL(mams_loop_new(&g->l), 0);
	CU_ASSERT_EQUAL_FATAL(mams_addr_parse("127.0.0.1", &g->listen[0]), 0);
	CU_ASSERT_EQUAL_FATAL(mams_addr_parse("::1", &g->listen[1]), 0);
	g->listen[0].port = g->listen[1].port = free_port();
	snprintf(paths[0], sizeof(paths[0]), "%s/ncm.crt", dir);
	snprintf(paths[1], sizeof(paths[1]), "%s/ncm.key", dir);
	snprintf(paths[2], sizeof(paths[2]), "%s/ca.crt", dir);
	snprintf(paths[3], sizeof(paths[3]), "%s/users", dir);
	g->opts = (struct mams_httpd_opts){
		.listen = g->listen,
		.n_listen = 2,
		.cert_file = paths[0],
		.key_file = paths[1],
		.client_ca_file = certs ? paths[2] : NULL,
		.digest_file = digest ? paths[3] : NULL,
	};
}

void rig_start(struct rig *g)
{
	struct mams_error err = {0};
	int rc = mams_httpd_new(g->l, &g->opts, &ops, g, &g->h, &err);

	if (rc < 0)
		printf("server: %s: %s\n", err.where, err.text);
	CU_ASSERT_EQUAL_FATAL(rc, 0);
}

void rig_stop(struct rig *g)
{
	mams_httpd_free(g->h);
	mams_loop_free(g->l);
}

static void stop_cb(void *user)
{
	mams_loop_stop(user);
}

void rig_run(struct rig *g, int ms)
{
	struct mams_loop_timer *t;

	CU_ASSERT_EQUAL_FATAL(mams_loop_timer_new(g->l, stop_cb, g->l, &t), 0);
	mams_loop_timer_at(t, mams_time_add_ms(mams_clock_now(), ms));
	mams_loop_run(g->l);
	mams_loop_timer_del(t);
}

uint64_t rig_counter(const struct rig *g, const char *name)
{
	for (size_t i = 0; i < mams_httpd_n_metrics; i++) {
		if (strcmp(mams_httpd_metrics[i].name, name) == 0)
			return mams_metric_value(&mams_httpd_metrics[i], mams_httpd_counters(g->h));
	}
	CU_FAIL("no such counter");
	return 0;
}

/* ---- client ---- */

void rig_client_init(struct rig_client *rc, struct rig *g, const char *cert, const char *user)
{
	char names[3][80];
	char url[64];
	struct mams_error err = {0};
	struct mams_httpc_opts o = {
		.base_url = url, .ca_file = rig_file("ca.crt"), .connect_ms = 2000};
	int status;

	*rc = (struct rig_client){.g = g, .stop_at = 1};
	snprintf(url, sizeof(url), "https://127.0.0.1:%u", g->listen[0].port);
	if (cert) {
		snprintf(names[0], sizeof(names[0]), "%s.crt", cert);
		snprintf(names[1], sizeof(names[1]), "%s.key", cert);
		o.cert_file = rig_file(names[0]);
		o.key_file = rig_file(names[1]);
	}
	if (user) {
		snprintf(names[2], sizeof(names[2]), "pw-%s", user);
		o.digest_user = strcmp(user, "wrong") == 0 ? "alice" : user;
		o.password_file = rig_file(names[2]);
	}
	status = mams_httpc_new(g->l, &o, &rc->c, &err);
	if (status < 0)
		printf("client: %s: %s\n", err.where, err.text);
	CU_ASSERT_EQUAL_FATAL(status, 0);
}

void rig_client_fini(struct rig_client *rc)
{
	mams_httpc_free(rc->c);
}

void rig_client_cb(void *user, int status, const char *body, size_t len)
{
	struct rig_client *rc = user;

	rc->status = status;
	rc->len = len;
	snprintf(rc->body, sizeof(rc->body), "%s", body);
	CU_ASSERT_EQUAL(body[len], '\0');
	if (++rc->done == rc->stop_at)
		mams_loop_stop(rc->g->l);
}

int rig_exchange(
	struct rig_client *rc, const char *method, const char *path, const void *body, size_t len)
{
	const struct mams_httpc_request req = {
		.method = method, .path = path, .body = body, .len = len, .timeout_ms = 4000};

	rc->status = 0;
	rc->done = 0;
	rc->stop_at = 1;
	CU_ASSERT_EQUAL_FATAL(mams_httpc_send(rc->c, &req, rig_client_cb, rc, NULL), 0);
	rig_run(rc->g, 5000);
	CU_ASSERT_EQUAL(rc->done, 1);
	return rc->status;
}

/* ---- raw client ---- */

/* A record holds 16 KiB. */
static bool say(gnutls_session_t s, const char *text)
{
	size_t left = strlen(text);

	while (left) {
		ssize_t n = gnutls_record_send(s, text, left);

		if (n < 0)
			return false;
		text += n;
		left -= (size_t)n;
	}
	return true;
}

static void talk(struct rig_raw *raw, gnutls_session_t s)
{
	size_t got = 0;
	ssize_t n;

	for (size_t i = 0; i < MAMS_ARRAY_LEN(raw->send) && raw->send[i]; i++) {
		if (!say(s, raw->send[i]))
			break;
		usleep((useconds_t)raw->gap_ms * 1000);
	}
	do {
		n = gnutls_record_recv(s, raw->reply + got, sizeof(raw->reply) - 1 - got);
		got += n > 0 ? (size_t)n : 0;
	} while (n > 0 || n == GNUTLS_E_INTERRUPTED);
}

static void *raw_thread(void *arg)
{
	struct rig_raw *raw = arg;
	gnutls_certificate_credentials_t cred;
	gnutls_session_t s;
	struct sockaddr_storage sa;
	socklen_t len = mams_addr_to_sa(&raw->g->listen[0], &sa);
	struct timeval limit = {.tv_sec = 2, .tv_usec = 500000};
	mams_time start = mams_clock_now();
	int fd = socket(sa.ss_family, SOCK_STREAM, 0);
	int rc;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	gnutls_certificate_allocate_credentials(&cred);
	gnutls_init(&s, GNUTLS_CLIENT);
	gnutls_credentials_set(s, GNUTLS_CRD_CERTIFICATE, cred);
	gnutls_priority_set_direct(s, raw->priorities ? raw->priorities : "NORMAL", NULL);
	raw->tls_failed = true;
	if (connect(fd, (struct sockaddr *)&sa, len) == 0) {
		gnutls_transport_set_int(s, fd);
		do {
			rc = gnutls_handshake(s);
		} while (rc < 0 && !gnutls_error_is_fatal(rc) && rc != GNUTLS_E_AGAIN);
		raw->tls_failed = rc < 0;
		if (rc == 0)
			talk(raw, s);
	}
	raw->ended_ms = (int)((mams_clock_now().us - start.us) / 1000);
	gnutls_deinit(s);
	gnutls_certificate_free_credentials(cred);
	close(fd);
	return NULL;
}

void rig_raw_run(struct rig *g, struct rig_raw *raw)
{
	raw->g = g;
	memset(raw->reply, 0, sizeof(raw->reply));
	CU_ASSERT_EQUAL_FATAL(pthread_create(&raw->thread, NULL, raw_thread, raw), 0);
	for (int i = 0; i < 300; i++) {
		rig_run(g, 10);
		if (pthread_tryjoin_np(raw->thread, NULL) == 0)
			return;
	}
	pthread_join(raw->thread, NULL);
}
