#include "lib/io/dtls.h"

#include "lib/io/dtls_cert.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>

#define SECRET_BYTES 32u
#define COOKIE_BYTES 32u
#define COOKIE_SECONDS 30 /* a cookie is good for one to two times that */

/* The first wait for an answer; doubled each time.  RFC 6347 4.2.4.1 wants 1 s unless the delays
 * of the path are known to be small: here another link waits to be joined. */
#define FIRST_WAIT_US 250000u
#define LAST_WAIT_US 4000000u

/* Forward secrecy and AEAD in all; AES first, since processors have it. */
#define BY_KEY "DHE-PSK-AES128-GCM-SHA256:DHE-PSK-AES256-GCM-SHA384:ECDHE-PSK-CHACHA20-POLY1305"
#define BY_CERTIFICATE                                                                             \
	"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"                               \
	"ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"                               \
	"ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
#define AT_LEAST ":@SECLEVEL=2"

struct mams_dtls_context {
	struct mams_dtls_conf conf;
	SSL_CTX *ssl;
	BIO_METHOD *io;
	struct mams_dtls *spare;          /* server: reads first flights, keeps nothing of them */
	uint8_t secrets[2][SECRET_BYTES]; /* of cookies: in force, and the one before */
	mams_time secret_until;
};

struct mams_dtls {
	struct mams_dtls_context *x;
	struct mams_dtls_peer peer;
	SSL *ssl;
	/* the datagram that OpenSSL may read, borrowed for a call */
	const uint8_t *in;
	size_t in_len;
	bool peek;
	/* where the next record goes, for a call; NULL: emit */
	uint8_t *out;
	size_t out_cap;
	size_t out_len;
	const uint8_t *address; /* of a first flight, for a call */
	size_t address_len;
	uint64_t sealed;
	uint8_t key[MAMS_DTLS_KEY_MAX]; /* client, until the handshake is over */
	size_t key_len;
	bool open;
	bool over;
	char identity[MAMS_DTLS_IDENTITY_MAX]; /* before the handshake: what it has to be */
	char why[96];
};

static struct mams_dtls *of(const SSL *ssl)
{
	return SSL_get_app_data(ssl);
}

/* ---- datagrams for OpenSSL ---- */

static int io_read(BIO *b, char *out, int cap)
{
	struct mams_dtls *d = BIO_get_data(b);
	size_t n = d->in_len < (size_t)cap ? d->in_len : (size_t)cap;

	BIO_clear_retry_flags(b);
	if (!d->in) {
		BIO_set_retry_read(b);
		return -1;
	}
	memcpy(out, d->in, n);
	if (!d->peek)
		d->in = NULL;
	return (int)n;
}

static int io_write(BIO *b, const char *data, int len)
{
	struct mams_dtls *d = BIO_get_data(b);

	BIO_clear_retry_flags(b);
	if (!d->out) {
		d->peer.emit(d->peer.user, (const uint8_t *)data, (size_t)len);
	} else if ((size_t)len <= d->out_cap) {
		memcpy(d->out, data, (size_t)len);
		d->out_len = (size_t)len;
	}
	return len;
}

static long io_ctrl(BIO *b, int cmd, long num, void *ptr)
{
	struct mams_dtls *d = BIO_get_data(b);

	(void)ptr;
	switch (cmd) {
	case BIO_CTRL_FLUSH:
	case BIO_CTRL_DGRAM_SET_NEXT_TIMEOUT:
		return 1;
	case BIO_CTRL_DGRAM_SET_PEEK_MODE:
		d->peek = num != 0;
		return 1;
	case BIO_CTRL_DGRAM_QUERY_MTU:
	case BIO_CTRL_DGRAM_GET_FALLBACK_MTU:
		return (long)d->peer.mtu;
	default:
		return 0;
	}
}

/* ---- cookies ---- */

static bool make_cookie(const struct mams_dtls *d, unsigned which, uint8_t cookie[COOKIE_BYTES])
{
	unsigned len = 0;

	return HMAC(EVP_sha256(), d->x->secrets[which], SECRET_BYTES, d->address, d->address_len,
		       cookie, &len) &&
	       len == COOKIE_BYTES;
}

static int cookie_make(SSL *ssl, unsigned char *cookie, unsigned *len)
{
	*len = COOKIE_BYTES;
	return make_cookie(of(ssl), 0, cookie);
}

static int cookie_check(SSL *ssl, const unsigned char *cookie, unsigned len)
{
	uint8_t ours[COOKIE_BYTES];

	if (len != COOKIE_BYTES)
		return 0;
	for (unsigned i = 0; i < 2; i++)
		if (make_cookie(of(ssl), i, ours) && CRYPTO_memcmp(ours, cookie, len) == 0)
			return 1;
	return 0;
}

static bool turn_secrets(struct mams_dtls_context *x, mams_time now)
{
	if (mams_time_before(now, x->secret_until))
		return true;
	memcpy(x->secrets[1], x->secrets[0], SECRET_BYTES);
	x->secret_until = mams_time_add_ms(now, COOKIE_SECONDS * 1000);
	return RAND_bytes(x->secrets[0], SECRET_BYTES) == 1;
}

/* ---- keys ---- */

static unsigned psk_client(SSL *ssl, const char *hint, char *identity, unsigned identity_cap,
	unsigned char *key, unsigned key_cap)
{
	const struct mams_dtls *d = of(ssl);

	(void)hint;
	if (d->key_len == 0 || d->key_len > key_cap || strlen(d->identity) >= identity_cap)
		return 0;
	snprintf(identity, identity_cap, "%s", d->identity);
	memcpy(key, d->key, d->key_len);
	return (unsigned)d->key_len;
}

static unsigned psk_server(SSL *ssl, const char *identity, unsigned char *key, unsigned key_cap)
{
	struct mams_dtls *d = of(ssl);
	const struct mams_dtls_conf *conf = &d->x->conf;
	uint8_t own[MAMS_DTLS_KEY_MAX];
	size_t n;

	if (!identity || strlen(identity) >= sizeof(d->identity))
		return 0;
	n = conf->key_of(conf->user, identity, own);
	if (n == 0 || n > sizeof(own) || n > key_cap)
		return 0;
	memcpy(key, own, n);
	mams_wipe(own, sizeof(own));
	snprintf(d->identity, sizeof(d->identity), "%s", identity);
	return (unsigned)n;
}

/* ---- context ---- */

/* Of the certificates of a server's peers, the first: is it that of who is expected here? */
static int check_name(int good, X509_STORE_CTX *store)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	const struct mams_dtls *d = ssl ? of(ssl) : NULL;

	if (!good || !d || !d->identity[0] || X509_STORE_CTX_get_error_depth(store) > 0 ||
		mams_dtls_cert_is_of(X509_STORE_CTX_get_current_cert(store), d->identity))
		return good;
	X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
	return 0;
}

static int load_certificates(struct mams_dtls_context *x, struct mams_error *err)
{
	int rc = mams_dtls_cert_load(x->ssl, &x->conf, err);

	SSL_CTX_set_verify(x->ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
		x->conf.server ? check_name : NULL);
	return rc;
}

static int set_up(struct mams_dtls_context *x, struct mams_error *err)
{
	SSL_CTX_set_options(x->ssl, SSL_OP_NO_QUERY_MTU | SSL_OP_NO_TICKET |
					    SSL_OP_NO_RENEGOTIATION | SSL_OP_COOKIE_EXCHANGE |
					    SSL_OP_CIPHER_SERVER_PREFERENCE);
	SSL_CTX_set_session_cache_mode(x->ssl, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_mode(x->ssl, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_dh_auto(x->ssl, 1);
	SSL_CTX_set_cookie_generate_cb(x->ssl, cookie_make);
	SSL_CTX_set_cookie_verify_cb(x->ssl, cookie_check);
	if (SSL_CTX_set_min_proto_version(x->ssl, DTLS1_2_VERSION) != 1 ||
		SSL_CTX_set_cipher_list(x->ssl, BY_KEY ":" BY_CERTIFICATE AT_LEAST) != 1)
		return mams_dtls_cert_fail(err, "openssl", "no DTLS 1.2 with AEAD ciphers");
	if (!x->conf.server)
		SSL_CTX_set_psk_client_callback(x->ssl, psk_client);
	else if (x->conf.key_of)
		SSL_CTX_set_psk_server_callback(x->ssl, psk_server);
	return x->conf.ca_file ? load_certificates(x, err) : 0;
}

static int make_method(struct mams_dtls_context *x)
{
	x->io = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "datagram");
	if (!x->io)
		return -ENOMEM;
	BIO_meth_set_read(x->io, io_read);
	BIO_meth_set_write(x->io, io_write);
	BIO_meth_set_ctrl(x->io, io_ctrl);
	return 0;
}

int mams_dtls_context_new(
	const struct mams_dtls_conf *conf, struct mams_dtls_context **out, struct mams_error *err)
{
	struct mams_dtls_context *x = calloc(1, sizeof(*x));
	int rc;

	if (!x)
		return -ENOMEM;
	x->conf = *conf;
	x->secret_until = (mams_time){INT64_MIN};
	x->ssl = SSL_CTX_new(conf->server ? DTLS_server_method() : DTLS_client_method());
	rc = x->ssl ? make_method(x) : -ENOMEM;
	if (rc == 0)
		rc = set_up(x, err);
	if (rc == 0 && RAND_bytes(&x->secrets[0][0], sizeof(x->secrets)) != 1)
		rc = -EIO;
	if (rc < 0)
		mams_dtls_context_free(x);
	else
		*out = x;
	return rc;
}

void mams_dtls_context_free(struct mams_dtls_context *x)
{
	if (!x)
		return;
	mams_dtls_free(x->spare);
	SSL_CTX_free(x->ssl);
	BIO_meth_free(x->io);
	mams_wipe(x->secrets, sizeof(x->secrets));
	free(x);
}

/* ---- associations ---- */

static unsigned next_wait(SSL *ssl, unsigned last_us)
{
	(void)ssl;
	if (last_us == 0)
		return FIRST_WAIT_US;
	return last_us < LAST_WAIT_US / 2 ? last_us * 2 : LAST_WAIT_US;
}

static struct mams_dtls *make(struct mams_dtls_context *x)
{
	struct mams_dtls *d = calloc(1, sizeof(*d));
	BIO *b;

	if (!d)
		return NULL;
	d->x = x;
	d->ssl = SSL_new(x->ssl);
	b = d->ssl ? BIO_new(x->io) : NULL;
	if (!b) {
		mams_dtls_free(d);
		return NULL;
	}
	BIO_set_data(b, d);
	BIO_set_init(b, 1);
	SSL_set_bio(d->ssl, b, b);
	SSL_set_app_data(d->ssl, d);
	DTLS_set_timer_cb(d->ssl, next_wait);
	return d;
}

static void set_peer(struct mams_dtls *d, const struct mams_dtls_peer *peer)
{
	d->peer = *peer;
	d->peer.name = NULL; /* borrowed no longer than this call */
	SSL_set_mtu(d->ssl, (long)peer->mtu);
}

static void learn_identity(struct mams_dtls *d)
{
	X509 *cert = SSL_get0_peer_certificate(d->ssl);

	if (cert && X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName,
			    d->identity, sizeof(d->identity)) < 0)
		d->identity[0] = '\0';
}

/* What went wrong, in OpenSSL's words; the queue is left empty for the next. */
static int fail(struct mams_dtls *d)
{
	unsigned long e = ERR_peek_last_error();
	const char *reason = e ? ERR_reason_error_string(e) : NULL;
	long verdict = SSL_get_verify_result(d->ssl);

	if (verdict == X509_V_ERR_APPLICATION_VERIFICATION)
		reason = "the certificate is another one's";
	else if (verdict != X509_V_OK)
		reason = X509_verify_cert_error_string(verdict);
	snprintf(d->why, sizeof(d->why), "%s", reason ? reason : "ended without a reason");
	ERR_clear_error();
	d->over = true;
	d->open = false;
	return -MAMS_EPEER;
}

/* A call returned rc: 0 when it only wants to read on. */
static int judge(struct mams_dtls *d, int rc)
{
	switch (SSL_get_error(d->ssl, rc)) {
	case SSL_ERROR_NONE:
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		return 0;
	case SSL_ERROR_ZERO_RETURN:
		d->over = true;
		d->open = false;
		snprintf(d->why, sizeof(d->why), "closed by the peer");
		return -ECONNRESET;
	default:
		return fail(d);
	}
}

static int go_on(struct mams_dtls *d)
{
	int rc;

	ERR_clear_error();
	rc = SSL_do_handshake(d->ssl);
	if (rc != 1)
		return judge(d, rc);
	d->open = true;
	learn_identity(d);
	mams_wipe(d->key, sizeof(d->key));
	return 0;
}

static int name_server(struct mams_dtls *d)
{
	const char *name = d->x->conf.peer_name;
	X509_VERIFY_PARAM *param = SSL_get0_param(d->ssl);

	if (!d->x->conf.ca_file || !name || X509_VERIFY_PARAM_set1_ip_asc(param, name) == 1)
		return 0;
	ERR_clear_error();
	return X509_VERIFY_PARAM_set1_host(param, name, 0) == 1 ? 0 : -MAMS_EVALUE;
}

int mams_dtls_connect(struct mams_dtls_context *x, const struct mams_dtls_peer *peer,
	const char *identity, const uint8_t *key, size_t key_len, struct mams_dtls **out)
{
	struct mams_dtls *d;
	int rc;

	if (identity && (strlen(identity) >= MAMS_DTLS_IDENTITY_MAX || key_len == 0 ||
				key_len > MAMS_DTLS_KEY_MAX))
		return -MAMS_EVALUE;
	d = make(x);
	if (!d)
		return -ENOMEM;
	set_peer(d, peer);
	if (identity) {
		snprintf(d->identity, sizeof(d->identity), "%s", identity);
		memcpy(d->key, key, key_len);
		d->key_len = key_len;
	}
	SSL_set_connect_state(d->ssl);
	/* what is offered is what is asked for: a server that has keys, too, would prefer those */
	rc = SSL_set_cipher_list(d->ssl, identity ? BY_KEY AT_LEAST : BY_CERTIFICATE AT_LEAST) == 1
		     ? name_server(d)
		     : -ENOMEM;
	if (rc == 0)
		rc = go_on(d);
	if (rc < 0)
		mams_dtls_free(d);
	else
		*out = d;
	return rc;
}

int mams_dtls_greet(struct mams_dtls_context *x, const struct mams_dtls_peer *peer,
	const uint8_t *address, size_t address_len, const uint8_t *data, size_t len, mams_time now,
	struct mams_dtls **out)
{
	struct mams_dtls *d = x->spare ? x->spare : make(x);
	BIO_ADDR *nowhere = BIO_ADDR_new();
	int rc;

	*out = NULL;
	x->spare = d;
	if (!d || !nowhere || !turn_secrets(x, now)) {
		BIO_ADDR_free(nowhere);
		return -ENOMEM;
	}
	set_peer(d, peer);
	snprintf(d->identity, sizeof(d->identity), "%s", peer->name ? peer->name : "");
	d->address = address;
	d->address_len = address_len;
	d->in = data;
	d->in_len = len;
	ERR_clear_error();
	rc = DTLSv1_listen(d->ssl, nowhere);
	BIO_ADDR_free(nowhere);
	d->peek = false;
	if (rc == 1) {
		x->spare = NULL;
		*out = d;
		return go_on(d);
	}
	ERR_clear_error();
	d->in = NULL;
	return 0;
}

/* ---- records ---- */

int mams_dtls_take_more(struct mams_dtls *d, uint8_t *plain, size_t cap)
{
	int n;

	if (!d->open)
		return 0;
	ERR_clear_error();
	n = SSL_read(d->ssl, plain, (int)(cap < MAMS_DTLS_PLAIN_MAX ? cap : MAMS_DTLS_PLAIN_MAX));
	return n > 0 ? n : judge(d, n);
}

int mams_dtls_take(struct mams_dtls *d, const uint8_t *data, size_t len, uint8_t *plain, size_t cap)
{
	int rc = 0;

	if (d->over)
		return -ECONNRESET;
	if (len == 0)
		return 0;
	d->in = data;
	d->in_len = len;
	if (!d->open)
		rc = go_on(d);
	if (rc == 0)
		rc = mams_dtls_take_more(d, plain, cap);
	d->in = NULL;
	return rc;
}

int mams_dtls_seal(struct mams_dtls *d, const uint8_t *plain, size_t len, uint8_t *out, size_t cap)
{
	int n;

	if (!d->open)
		return -ENOTCONN;
	if (len == 0 || len > MAMS_DTLS_PLAIN_MAX || cap < len + MAMS_DTLS_OVERHEAD)
		return -MAMS_ELIMIT;
	d->out = out;
	d->out_cap = cap;
	d->out_len = 0;
	ERR_clear_error();
	n = SSL_write(d->ssl, plain, (int)len);
	d->out = NULL;
	if (n != (int)len || d->out_len == 0)
		return fail(d);
	d->sealed++;
	return (int)d->out_len;
}

/* ---- time ---- */

mams_time mams_dtls_deadline(const struct mams_dtls *d, mams_time now)
{
	struct timeval left;

	if (d->over || DTLSv1_get_timeout(d->ssl, &left) != 1)
		return MAMS_TIME_NEVER;
	return mams_time_us(now.us + left.tv_sec * 1000000 + left.tv_usec);
}

int mams_dtls_tick(struct mams_dtls *d)
{
	if (d->over)
		return -MAMS_EPEER;
	ERR_clear_error();
	return DTLSv1_handle_timeout(d->ssl) < 0 ? fail(d) : 0;
}

/* ---- what it is ---- */

bool mams_dtls_is_open(const struct mams_dtls *d)
{
	return d->open;
}

bool mams_dtls_is_worn(const struct mams_dtls *d)
{
	return d->sealed >= MAMS_DTLS_RECORDS_MAX;
}

const char *mams_dtls_identity(const struct mams_dtls *d)
{
	return d->open ? d->identity : "";
}

const char *mams_dtls_cipher(const struct mams_dtls *d)
{
	return d->open ? SSL_get_cipher_name(d->ssl) : "";
}

const char *mams_dtls_why(const struct mams_dtls *d)
{
	return d->why;
}

void mams_dtls_close(struct mams_dtls *d)
{
	if (d && !d->over) {
		ERR_clear_error();
		(void)SSL_shutdown(d->ssl);
		ERR_clear_error();
	}
	mams_dtls_free(d);
}

void mams_dtls_free(struct mams_dtls *d)
{
	if (!d)
		return;
	SSL_free(d->ssl);
	mams_wipe(d, sizeof(*d));
	free(d);
}
