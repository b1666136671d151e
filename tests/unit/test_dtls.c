#include "lib/io/dtls.h"
#include "tests/support/suite.h"
#include "tests/support/tls_rig.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MTU 1200u
#define QUEUE 64u

/* Datagrams on their way to one side. */
struct pipe {
	uint8_t data[QUEUE][MTU];
	size_t len[QUEUE];
	unsigned n;
	size_t octets; /* of all that was ever put in */
	size_t longest;
	unsigned drop_every; /* 0: none */
	unsigned seen;
};

struct pair {
	struct mams_dtls_context *cx, *sx;
	struct mams_dtls *c, *s;
	struct pipe to_server, to_client;
	mams_time now;
	const char *name; /* that the client's certificate has to have */
};

static const uint8_t key[32] = "a key of thirty-two octets, ours";
static const uint8_t address[] = {192, 0, 2, 1, 0x12, 0x34};
static uint8_t plain[MAMS_DTLS_PLAIN_MAX];

static size_t key_of(void *user, const char *identity, uint8_t out[MAMS_DTLS_KEY_MAX])
{
	(void)user;
	if (strcmp(identity, "session-7.wifi") != 0)
		return 0;
	memcpy(out, key, sizeof(key));
	return sizeof(key);
}

static void put(void *user, const uint8_t *data, size_t len)
{
	struct pipe *p = user;

	CU_ASSERT_TRUE_FATAL(len <= MTU && p->n < QUEUE);
	p->octets += len;
	p->longest = len > p->longest ? len : p->longest;
	if (p->drop_every && ++p->seen % p->drop_every == 0)
		return;
	memcpy(p->data[p->n], data, len);
	p->len[p->n++] = len;
}

static struct mams_dtls_context *context(bool server, const char *cert)
{
	struct mams_dtls_conf conf = {.server = server, .key_of = server ? key_of : NULL};
	char name[4][160];
	struct mams_dtls_context *x = NULL;
	struct mams_error err = {0};

	if (cert) {
		snprintf(name[0], sizeof(name[0]), "%s", rig_file("ca.crt"));
		snprintf(name[1], sizeof(name[1]), "%s.crt", rig_file(cert));
		snprintf(name[2], sizeof(name[2]), "%s.key", rig_file(cert));
		snprintf(name[3], sizeof(name[3]), "%s", rig_file("ca.crl"));
		conf.ca_file = name[0];
		conf.cert_file = name[1];
		conf.key_file = name[2];
		conf.crl_file = server ? name[3] : NULL;
		conf.peer_name = server ? NULL : "127.0.0.1";
	}
	CU_ASSERT_EQUAL_FATAL(mams_dtls_context_new(&conf, &x, &err), 0);
	return x;
}

static void begin(struct pair *p, const char *identity, const uint8_t *k)
{
	const struct mams_dtls_peer peer = {put, &p->to_server, MTU, NULL};

	p->now = mams_clock_now();
	CU_ASSERT_EQUAL_FATAL(
		mams_dtls_connect(p->cx, &peer, identity, k, k ? sizeof(key) : 0, &p->c), 0);
}

static int to_server(struct pair *p, const uint8_t *data, size_t len)
{
	const struct mams_dtls_peer peer = {put, &p->to_client, MTU, p->name};

	if (p->s)
		return mams_dtls_take(p->s, data, len, plain, sizeof(plain));
	return mams_dtls_greet(p->sx, &peer, address, sizeof(address), data, len, p->now, &p->s);
}

/* Until nothing is on its way. @return the first failure */
static int settle(struct pair *p)
{
	static struct pipe now;
	int rc = 0;

	while (p->to_server.n + p->to_client.n > 0) {
		now = p->to_server;
		p->to_server.n = 0;
		for (unsigned i = 0; i < now.n && rc >= 0; i++)
			rc = to_server(p, now.data[i], now.len[i]);
		now = p->to_client;
		p->to_client.n = 0;
		for (unsigned i = 0; i < now.n && rc >= 0; i++)
			rc = mams_dtls_take(p->c, now.data[i], now.len[i], plain, sizeof(plain));
		if (rc < 0)
			break;
	}
	return rc;
}

static void end(struct pair *p)
{
	mams_dtls_free(p->c);
	mams_dtls_free(p->s);
	mams_dtls_context_free(p->cx);
	mams_dtls_context_free(p->sx);
}

/* One message each way. */
static void talk(struct pair *p, size_t len)
{
	static uint8_t said[MAMS_DTLS_PLAIN_MAX];
	static uint8_t record[MAMS_DTLS_PLAIN_MAX + MAMS_DTLS_OVERHEAD];
	struct mams_dtls *side[2] = {p->c, p->s};
	int n;

	memset(said, 'x', len);
	for (int i = 0; i < 2; i++) {
		n = mams_dtls_seal(side[i], said, len, record, sizeof(record));
		CU_ASSERT_TRUE_FATAL(n > (int)len && n <= (int)(len + MAMS_DTLS_OVERHEAD));
		CU_ASSERT_EQUAL(
			mams_dtls_take(side[1 - i], record, (size_t)n, plain, sizeof(plain)),
			(int)len);
		CU_ASSERT_EQUAL(memcmp(plain, said, len), 0);
		/* the same record again is a replay */
		CU_ASSERT_EQUAL(
			mams_dtls_take(side[1 - i], record, (size_t)n, plain, sizeof(plain)), 0);
		record[n - 1] ^= 1;
		CU_ASSERT_EQUAL(
			mams_dtls_take(side[1 - i], record, (size_t)n, plain, sizeof(plain)), 0);
	}
}

static void by_key(void)
{
	struct pair p = {.cx = context(false, NULL), .sx = context(true, NULL)};

	begin(&p, "session-7.wifi", key);
	CU_ASSERT_EQUAL(mams_dtls_seal(p.c, key, 1, plain, sizeof(plain)), -ENOTCONN);
	CU_ASSERT_EQUAL(settle(&p), 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p.s);
	CU_ASSERT_TRUE(mams_dtls_is_open(p.c) && mams_dtls_is_open(p.s));
	CU_ASSERT_STRING_EQUAL(mams_dtls_identity(p.s), "session-7.wifi");
	CU_ASSERT_STRING_EQUAL(mams_dtls_cipher(p.s), "DHE-PSK-AES128-GCM-SHA256");
	CU_ASSERT_TRUE(mams_time_is_never(mams_dtls_deadline(p.c, p.now)));
	CU_ASSERT_EQUAL(mams_dtls_tick(p.c), 0);
	for (size_t len = 1; len <= MAMS_DTLS_PLAIN_MAX; len = len * 2 + 1)
		talk(&p, len);
	CU_ASSERT_EQUAL(mams_dtls_seal(p.c, plain, 100, plain, 100), -MAMS_ELIMIT);
	CU_ASSERT_EQUAL(mams_dtls_seal(p.c, plain, 0, plain, 100), -MAMS_ELIMIT);
	CU_ASSERT_FALSE(mams_dtls_is_worn(p.c));
	/* the client closes, the server hears it */
	mams_dtls_close(p.c);
	p.c = NULL;
	CU_ASSERT_EQUAL_FATAL(p.to_server.n, 1);
	CU_ASSERT_EQUAL(to_server(&p, p.to_server.data[0], p.to_server.len[0]), -ECONNRESET);
	CU_ASSERT_EQUAL(mams_dtls_seal(p.s, key, 1, plain, sizeof(plain)), -ENOTCONN);
	end(&p);
}

static void by_wrong_key(void)
{
	static const struct {
		const char *identity;
		const uint8_t *key;
	} wrong[] = {
		{"session-7.wifi", (const uint8_t *)"another key of thirty-two octets"},
		{"session-8.wifi", key},
	};

	for (size_t i = 0; i < MAMS_ARRAY_LEN(wrong); i++) {
		struct pair p = {.cx = context(false, NULL), .sx = context(true, NULL)};

		begin(&p, wrong[i].identity, wrong[i].key);
		CU_ASSERT_EQUAL(settle(&p), i == 0 ? 0 : -MAMS_EPEER);
		/* a Finished that cannot be read is dropped, and nobody is let in */
		CU_ASSERT_TRUE(!p.s || !mams_dtls_is_open(p.s));
		CU_ASSERT_FALSE(mams_dtls_is_open(p.c));
		CU_ASSERT_STRING_EQUAL(mams_dtls_identity(p.c), "");
		end(&p);
	}
}

static void by_certificate(void)
{
	static const struct {
		const char *name;
		const char *expected;
		const char *why; /* what the server says; NULL: let in */
	} clients[] = {
		{"good", NULL, NULL},
		{"good", "good", NULL},
		{"good", "better", "another one's"},
		{"good", "goo", "another one's"},
		{"twonames", "one", "another one's"},
		{"twonames", "two", "another one's"},
		{"expired", "expired", "expired"},
		{"gone", "gone", "revoked"},
		{"foreign", "foreign", "unable to get local issuer"},
	};

	for (size_t i = 0; i < MAMS_ARRAY_LEN(clients); i++) {
		struct pair p = {.cx = context(false, clients[i].name),
			.sx = context(true, "ncm"),
			.name = clients[i].expected};

		begin(&p, NULL, NULL);
		CU_ASSERT_EQUAL(settle(&p), clients[i].why ? -MAMS_EPEER : 0);
		CU_ASSERT_PTR_NOT_NULL_FATAL(p.s);
		CU_ASSERT_EQUAL(mams_dtls_is_open(p.s), !clients[i].why);
		if (clients[i].why) {
			CU_ASSERT_PTR_NOT_NULL(strstr(mams_dtls_why(p.s), clients[i].why));
		} else {
			CU_ASSERT_STRING_EQUAL(mams_dtls_identity(p.s), "good");
			talk(&p, 1000);
		}
		CU_ASSERT_TRUE(p.to_client.longest <= MTU); /* its chain is longer than that */
		end(&p);
	}
}

static void the_server_must_be_the_one(void)
{
	/* a server that shows a client's certificate, of the right CA but of another name */
	struct pair p = {.cx = context(false, "good"), .sx = context(true, "good")};

	begin(&p, NULL, NULL);
	CU_ASSERT_EQUAL(settle(&p), -MAMS_EPEER);
	CU_ASSERT_TRUE(mams_dtls_why(p.c)[0] != '\0');
	CU_ASSERT_FALSE(mams_dtls_is_open(p.c));
	end(&p);
}

/* Sleep until the handshake wants to send again. */
static void wait_for(const struct mams_dtls *d)
{
	mams_time at = mams_dtls_deadline(d, mams_clock_now());

	if (mams_time_is_never(at))
		return;
	usleep((useconds_t)mams_time_ms_until(mams_clock_now(), at) * 1000 + 1000);
}

static void a_lossy_handshake(void)
{
	struct pair p = {.cx = context(false, NULL), .sx = context(true, NULL)};
	bool open = false;

	p.to_server.drop_every = 3;
	p.to_client.drop_every = 2;
	begin(&p, "session-7.wifi", key);
	for (int i = 0; i < 6 && !open; i++) {
		CU_ASSERT_EQUAL_FATAL(settle(&p), 0);
		open = p.s && mams_dtls_is_open(p.s) && mams_dtls_is_open(p.c);
		if (open)
			break;
		wait_for(p.c);
		CU_ASSERT_EQUAL(mams_dtls_tick(p.c), 0);
		if (p.s) {
			wait_for(p.s);
			CU_ASSERT_EQUAL(mams_dtls_tick(p.s), 0);
		}
	}
	CU_ASSERT_TRUE(open);
	end(&p);
}

static void first_flights_cost_no_state(void)
{
	struct pair p = {.cx = context(false, NULL), .sx = context(true, NULL)};
	const struct mams_dtls_peer peer = {put, &p.to_client, MTU, NULL};
	struct mallinfo2 before = {0};
	uint8_t hello[MTU];
	size_t len;

	begin(&p, "session-7.wifi", key);
	CU_ASSERT_EQUAL_FATAL(p.to_server.n, 1);
	len = p.to_server.len[0];
	memcpy(hello, p.to_server.data[0], len);
	for (uint32_t i = 0; i < 10000; i++) {
		uint8_t from[6] = {10, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i, 1, 2};
		struct mams_dtls *d = NULL;

		p.to_client.n = 0;
		p.to_client.octets = 0;
		CU_ASSERT_EQUAL(
			mams_dtls_greet(p.sx, &peer, from, sizeof(from), hello, len, p.now, &d), 0);
		CU_ASSERT_PTR_NULL(d);
		CU_ASSERT_EQUAL(p.to_client.n, 1);
		CU_ASSERT_TRUE(p.to_client.octets < len);
		if (i == 10)
			before = mallinfo2();
	}
	CU_ASSERT_TRUE(mallinfo2().uordblks < before.uordblks + 4096);
	end(&p);
}

static void a_cookie_is_of_one_address_and_ages(void)
{
	static const struct {
		uint8_t last; /* octet of the address that repeats the cookie */
		int after_s;
		bool good;
	} cases[] = {{1, 0, true}, {2, 0, false}, {1, 29, true}, {1, 61, false}};

	for (size_t i = 0; i < MAMS_ARRAY_LEN(cases); i++) {
		struct pair p = {.cx = context(false, NULL), .sx = context(true, NULL)};
		const struct mams_dtls_peer peer = {put, &p.to_client, MTU, NULL};
		uint8_t from[] = {192, 0, 2, 1};
		struct mams_dtls *d = NULL;
		mams_time later;

		begin(&p, "session-7.wifi", key);
		CU_ASSERT_EQUAL(mams_dtls_greet(p.sx, &peer, from, sizeof(from),
					p.to_server.data[0], p.to_server.len[0], p.now, &d),
			0);
		p.to_server.n = 0;
		CU_ASSERT_EQUAL(mams_dtls_take(p.c, p.to_client.data[0], p.to_client.len[0], plain,
					sizeof(plain)),
			0);
		CU_ASSERT_EQUAL_FATAL(p.to_server.n, 1);
		from[3] = cases[i].last;
		/* twice, so that secrets turn as they do where datagrams keep coming */
		for (int k = 1; k <= 2 && !d; k++) {
			later = mams_time_add_ms(p.now, cases[i].after_s * 1000 / 2 * k);
			CU_ASSERT_EQUAL(mams_dtls_greet(p.sx, &peer, from, sizeof(from),
						p.to_server.data[0],
						k == 1 && cases[i].after_s ? 5 : p.to_server.len[0],
						later, &d),
				0);
		}
		CU_ASSERT_EQUAL(d != NULL, cases[i].good);
		mams_dtls_free(d);
		end(&p);
	}
}

static void wrong_files(void)
{
	static const struct {
		const char *ca, *cert, *key, *crl;
		const char *named;
	} cases[] = {
		{"none", "ncm.crt", "ncm.key", NULL, "none"},
		{"ca.crt", "none.crt", "ncm.key", NULL, "none.crt"},
		{"ca.crt", "ncm.crt", "good.key", NULL, "good.key"},
		{"ca.crt", "ncm.crt", "ncm.key", "ncm.key", "ncm.key"},
	};

	for (size_t i = 0; i < MAMS_ARRAY_LEN(cases); i++) {
		struct mams_dtls_conf conf = {.server = true,
			.ca_file = rig_file(cases[i].ca),
			.cert_file = rig_file(cases[i].cert),
			.key_file = rig_file(cases[i].key),
			.crl_file = cases[i].crl ? rig_file(cases[i].crl) : NULL};
		struct mams_dtls_context *x = NULL;
		struct mams_error err = {0};

		CU_ASSERT_EQUAL(mams_dtls_context_new(&conf, &x, &err), -MAMS_EVALUE);
		CU_ASSERT_PTR_NOT_NULL(strstr(err.where, cases[i].named));
	}
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"by pre-shared key; replays and broken records dropped", by_key},
		{"wrong key, unknown identity", by_wrong_key},
		{"by certificate: good, another one's, expired, revoked, foreign", by_certificate},
		{"a server of another name", the_server_must_be_the_one},
		{"a handshake with losses", a_lossy_handshake},
		{"10,000 first flights cost no state", first_flights_cost_no_state},
		{"a cookie is of one address, and ages", a_cookie_is_of_one_address_and_ages},
		{"wrong files are named", wrong_files},
	};
	int rc;

	if (!rig_make_files())
		return 1;
	rc = mams_suite_run("dtls", cases, MAMS_ARRAY_LEN(cases));
	rig_remove_files();
	return rc;
}
