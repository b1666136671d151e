#include "lib/io/ctlstream.h"

#include "lib/io/ctlsock.h"
#include "lib/io/proc.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEAD 4u
#define OUT_MAX (1024u * 1024u)
#define NAME_MAX_BYTES 256

struct mams_ctl_context {
	SSL_CTX *ssl;
	bool server;
};

struct mams_ctl_stream {
	struct mams_ctl_context *x;
	const char *const *names;
	size_t n_names;
	SSL *ssl;
	BIO *in, *out; /* the SSL's; encrypted */
	bool shaken;   /* the handshake is over, and the peer is who it should be */
	bool ready;
	int over; /* code, once it is */
	char why[160];
	char *rx; /* head and packet, as far as they have come; NUL after it */
	size_t rx_len;
	bool taken; /* what stands in rx has been given out */
};

/* ---- certificates ---- */

static int fail_file(struct mams_error *err, const char *path, const char *what)
{
	ERR_clear_error();
	return mams_fail(err, MAMS_EVALUE, path, "%s", what);
}

static int load(struct mams_ctl_context *x, const struct mams_ctl_files *f, struct mams_error *err)
{
	int rc = mams_proc_check_secret_file(f->key_file, err);

	if (rc < 0)
		return rc;
	if (SSL_CTX_load_verify_locations(x->ssl, f->ca_file, NULL) != 1)
		return fail_file(err, f->ca_file, "no CA certificates in PEM");
	if (SSL_CTX_use_certificate_chain_file(x->ssl, f->cert_file) != 1)
		return fail_file(err, f->cert_file, "no certificate in PEM");
	if (SSL_CTX_use_PrivateKey_file(x->ssl, f->key_file, SSL_FILETYPE_PEM) != 1)
		return fail_file(err, f->key_file, "no key in PEM, or not the certificate's");
	return 0;
}

int mams_ctl_context_new(const struct mams_ctl_files *files, bool server,
	struct mams_ctl_context **out, struct mams_error *err)
{
	struct mams_ctl_context *x = calloc(1, sizeof(*x));
	int rc = -ENOMEM;

	if (!x)
		return rc;
	x->server = server;
	x->ssl = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());
	if (x->ssl && SSL_CTX_set_min_proto_version(x->ssl, TLS1_3_VERSION) == 1) {
		/* whoever connects again shows his certificate again */
		SSL_CTX_set_session_cache_mode(x->ssl, SSL_SESS_CACHE_OFF);
		SSL_CTX_set_num_tickets(x->ssl, 0);
		SSL_CTX_set_verify(x->ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
		rc = load(x, files, err);
	}
	if (rc < 0)
		mams_ctl_context_free(x);
	else
		*out = x;
	return rc;
}

void mams_ctl_context_free(struct mams_ctl_context *x)
{
	if (!x)
		return;
	SSL_CTX_free(x->ssl);
	free(x);
}

/* ---- life ---- */

/* The server's certificate must be for the name or the address that we dialled. */
static bool expect(struct mams_ctl_stream *s, const char *name)
{
	unsigned char ip[16];

	if (inet_pton(AF_INET, name, ip) == 1 || inet_pton(AF_INET6, name, ip) == 1)
		return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(s->ssl), name) == 1;
	SSL_set_hostflags(s->ssl, X509_CHECK_FLAG_NO_WILDCARDS);
	return SSL_set1_host(s->ssl, name) == 1;
}

int mams_ctl_stream_new(struct mams_ctl_context *x, const char *const *names, size_t n,
	struct mams_ctl_stream **out)
{
	struct mams_ctl_stream *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->x = x;
	s->names = names;
	s->n_names = n;
	s->ssl = SSL_new(x->ssl);
	s->rx = malloc(HEAD + MAMS_CTL_MAX_BYTES + 1);
	s->in = s->ssl ? BIO_new(BIO_s_mem()) : NULL;
	s->out = s->in ? BIO_new(BIO_s_mem()) : NULL;
	if (!s->rx || !s->out || (!x->server && (n != 1 || !expect(s, names[0])))) {
		BIO_free(s->in);
		BIO_free(s->out);
		SSL_free(s->ssl);
		free(s->rx);
		free(s);
		return -ENOMEM;
	}
	BIO_set_mem_eof_return(s->in, -1); /* empty is not the end */
	SSL_set_bio(s->ssl, s->in, s->out);
	if (x->server)
		SSL_set_accept_state(s->ssl);
	else
		SSL_set_connect_state(s->ssl);
	*out = s;
	/* the client speaks first */
	return x->server ? 0 : mams_ctl_stream_in(s, "", 0);
}

void mams_ctl_stream_free(struct mams_ctl_stream *s)
{
	if (!s)
		return;
	SSL_free(s->ssl);
	mams_wipe(s->rx, s->rx_len); /* strangers never touch the rest of it */
	free(s->rx);
	free(s);
}

/* ---- in ---- */

static int end(struct mams_ctl_stream *s, int code, const char *why)
{
	if (!s->over) {
		s->over = code;
		snprintf(s->why, sizeof(s->why), "%s", why);
	}
	ERR_clear_error();
	return s->over;
}

/* What OpenSSL says of an operation that has failed. */
static int end_tls(struct mams_ctl_stream *s, int ret)
{
	long verdict = SSL_get_verify_result(s->ssl);
	int what = SSL_get_error(s->ssl, ret);
	unsigned long e = ERR_peek_error();

	if (what == SSL_ERROR_ZERO_RETURN)
		return end(s, -ECONNRESET, "the peer has ended the connection");
	if (verdict != X509_V_OK)
		return end(s, -MAMS_EDENIED, X509_verify_cert_error_string(verdict));
	if (ERR_GET_REASON(e) >= SSL_AD_REASON_OFFSET)
		return end(s, -MAMS_EDENIED, ERR_reason_error_string(e));
	return end(s, -MAMS_EPROTO, e ? ERR_reason_error_string(e) : "no TLS");
}

static bool is_awaiting(const struct mams_ctl_stream *s, int ret)
{
	int what = SSL_get_error(s->ssl, ret);

	return what == SSL_ERROR_WANT_READ || what == SSL_ERROR_WANT_WRITE;
}

/* A certificate of our CA may be a customer's. */
static int check_name(struct mams_ctl_stream *s)
{
	X509 *cert = SSL_get0_peer_certificate(s->ssl);
	char name[NAME_MAX_BYTES] = "";
	char why[sizeof(s->why)];
	int len = cert ? X509_NAME_get_text_by_NID(
				 X509_get_subject_name(cert), NID_commonName, name, sizeof(name))
		       : -1;

	for (size_t i = 0; len > 0 && i < s->n_names; i++)
		if (strcmp(s->names[i], name) == 0 && strlen(name) == (size_t)len)
			return 0;
	snprintf(why, sizeof(why), "certificate of %.80s, who is not one of the names configured",
		len > 0 ? name : "nobody");
	return end(s, -MAMS_EDENIED, why);
}

static int shake(struct mams_ctl_stream *s)
{
	static const unsigned char let_in[HEAD];
	int ret;

	ERR_clear_error();
	ret = SSL_do_handshake(s->ssl);
	if (ret != 1)
		return is_awaiting(s, ret) ? 0 : end_tls(s, ret);
	if (s->x->server) {
		int rc = check_name(s);

		if (rc < 0)
			return rc;
		ret = SSL_write(s->ssl, let_in, sizeof(let_in));
		if (ret != (int)sizeof(let_in))
			return end_tls(s, ret);
		s->ready = true;
	}
	s->shaken = true;
	return 0;
}

int mams_ctl_stream_in(struct mams_ctl_stream *s, const void *data, size_t n)
{
	if (s->over)
		return s->over;
	if (n && BIO_write(s->in, data, (int)n) != (int)n)
		return end(s, -ENOMEM, "no memory");
	return s->shaken ? 0 : shake(s);
}

static size_t length_of(const struct mams_ctl_stream *s)
{
	const unsigned char *p = (const unsigned char *)s->rx;

	return (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
}

/* How much is still wanted: of the head, then of the packet. */
static size_t wanted(const struct mams_ctl_stream *s)
{
	return s->rx_len < HEAD ? HEAD - s->rx_len : HEAD + length_of(s) - s->rx_len;
}

/* @return a packet, or a head of length 0, is whole */
static bool fill(struct mams_ctl_stream *s)
{
	for (;;) {
		size_t n = wanted(s);
		int ret;

		if (s->rx_len >= HEAD && length_of(s) > MAMS_CTL_MAX_BYTES) {
			(void)end(s, -MAMS_ELIMIT, "a packet is too long");
			return false;
		}
		if (n == 0)
			return true;
		ERR_clear_error();
		ret = SSL_read(s->ssl, s->rx + s->rx_len, (int)n);
		if (ret <= 0) {
			if (!is_awaiting(s, ret))
				(void)end_tls(s, ret);
			return false;
		}
		s->rx_len += (size_t)ret;
	}
}

const char *mams_ctl_stream_packet(struct mams_ctl_stream *s, size_t *len)
{
	if (s->taken) {
		mams_wipe(s->rx, s->rx_len);
		s->rx_len = 0;
		s->taken = false;
	}
	while (s->shaken && !s->over && fill(s)) {
		if (length_of(s) == 0) {
			if (s->ready) { /* said once, and not by a client */
				(void)end(s, -MAMS_EPROTO, "an empty packet");
				return NULL;
			}
			s->ready = true;
			s->rx_len = 0;
			continue;
		}
		if (!s->ready) {
			(void)end(s, -MAMS_EPROTO, "a packet before we were let in");
			return NULL;
		}
		s->taken = true;
		s->rx[s->rx_len] = '\0';
		*len = s->rx_len - HEAD;
		return s->rx + HEAD;
	}
	return NULL;
}

int mams_ctl_stream_over(const struct mams_ctl_stream *s)
{
	return s->over;
}

bool mams_ctl_stream_partial(const struct mams_ctl_stream *s)
{
	return s->rx_len > 0 && !s->taken;
}

bool mams_ctl_stream_ready(const struct mams_ctl_stream *s)
{
	return s->ready && !s->over;
}

const char *mams_ctl_stream_why(const struct mams_ctl_stream *s)
{
	return s->why;
}

/* ---- out ---- */

int mams_ctl_stream_say(struct mams_ctl_stream *s, const char *data, size_t len)
{
	unsigned char head[HEAD] = {(unsigned char)(len >> 24), (unsigned char)(len >> 16),
		(unsigned char)(len >> 8), (unsigned char)len};
	int ret;

	if (!mams_ctl_stream_ready(s))
		return -ENOTCONN;
	if (len == 0)
		return -EINVAL;
	if (len > MAMS_CTL_MAX_BYTES || (size_t)BIO_pending(s->out) + len > OUT_MAX)
		return -MAMS_ELIMIT;
	ERR_clear_error();
	ret = SSL_write(s->ssl, head, sizeof(head));
	if (ret == (int)sizeof(head))
		ret = SSL_write(s->ssl, data, (int)len);
	if (ret == (int)len)
		return 0;
	(void)end_tls(s, ret);
	return -ENOTCONN;
}

size_t mams_ctl_stream_out(struct mams_ctl_stream *s, const char **data)
{
	char *p = NULL;
	long n = BIO_get_mem_data(s->out, &p);

	*data = p;
	return n > 0 ? (size_t)n : 0;
}

void mams_ctl_stream_sent(struct mams_ctl_stream *s, size_t n)
{
	char gone[4096];

	while (n > 0) {
		int ret = BIO_read(s->out, gone, n < sizeof(gone) ? (int)n : (int)sizeof(gone));

		if (ret <= 0)
			return;
		n -= (size_t)ret;
	}
}
