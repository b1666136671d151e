/* ctl between hosts, by the loopback interface: who is let in, what is carried, who is cut off. */
#include "lib/io/ctlsock.h"
#include "tests/support/suite.h"
#include "tests/support/tls_rig.h"

#include <openssl/ssl.h>

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static char path[64];
static const char *let_in[] = {"good", "expired", "foreign"};

struct side {
	struct mams_loop *l;
	struct mams_ctl_conn *last;
	int opened;
	int closed;
	int packets;
	size_t octets;
	bool echo;
	bool stop; /* the loop, with the next thing that happens */
};

static void happened(const struct side *s)
{
	if (s->stop)
		mams_loop_stop(s->l);
}

static void on_opened(void *user, struct mams_ctl_conn *c)
{
	struct side *s = user;

	s->opened++;
	s->last = c;
	happened(s);
}

static void on_packet(void *user, struct mams_ctl_conn *c, const char *data, size_t len)
{
	struct side *s = user;

	s->packets++;
	s->octets += len;
	CU_ASSERT_EQUAL(data[len], '\0');
	if (s->echo)
		CU_ASSERT_EQUAL(mams_ctl_send(c, data, len), 0);
	happened(s);
}

static void on_closed(void *user, struct mams_ctl_conn *c)
{
	struct side *s = user;

	(void)c;
	s->closed++;
	s->last = NULL;
	happened(s);
}

static const struct mams_ctl_server_ops ops = {
	.opened = on_opened, .packet = on_packet, .closed = on_closed};

struct world {
	struct mams_loop *l;
	struct mams_ctl_server *server;
	struct mams_addr at;
	struct side theirs, ours;
	char files[6][256];
	struct mams_ctl_remote to;
	struct mams_ctl_conn *conn;
	struct mams_loop_timer *end;
};

static void stop(void *user)
{
	mams_loop_stop(user);
}

static void run(struct world *w, int ms)
{
	mams_loop_timer_at(w->end, mams_time_add_ms(mams_clock_now(), ms));
	mams_loop_run(w->l);
	mams_loop_timer_at(w->end, MAMS_TIME_NEVER);
}

/* A loaded machine takes its time. */
static void until(struct world *w, const int *n, int least)
{
	mams_time end = mams_time_add_ms(mams_clock_now(), 20000);

	while (*n < least && mams_time_before(mams_clock_now(), end))
		run(w, 20);
	CU_ASSERT_TRUE(*n >= least);
}

static struct mams_ctl_files files_of(struct world *w, size_t at, const char *ca, const char *name)
{
	snprintf(w->files[at], sizeof(w->files[at]), "%s", rig_file(ca));
	snprintf(w->files[at + 1], sizeof(w->files[at + 1]), "%s.crt", rig_file(name));
	snprintf(w->files[at + 2], sizeof(w->files[at + 2]), "%s.key", rig_file(name));
	return (struct mams_ctl_files){.ca_file = w->files[at],
		.cert_file = w->files[at + 1],
		.key_file = w->files[at + 2]};
}

static struct mams_addr free_address(void)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(sa);
	struct mams_addr a = {0};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	CU_ASSERT_EQUAL_FATAL(bind(fd, (struct sockaddr *)&sa, len), 0);
	CU_ASSERT_EQUAL_FATAL(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
	close(fd);
	(void)!mams_addr_from_sa((struct sockaddr *)&sa, &a);
	return a;
}

static void serve(struct world *w)
{
	const struct mams_ctl_offer offer = {.listen = &w->at,
		.n_listen = 1,
		.files = files_of(w, 0, "ca.crt", "ncm"),
		.names = let_in,
		.n_names = MAMS_ARRAY_LEN(let_in)};
	struct mams_error err = {0};

	CU_ASSERT_EQUAL_FATAL(
		mams_ctl_listen(w->l, path, (gid_t)-1, &ops, &w->theirs, &w->server), 0);
	CU_ASSERT_EQUAL_FATAL(mams_ctl_listen_tls(w->server, &offer, &err), 0);
}

static void begin(struct world *w)
{
	*w = (struct world){.at = free_address()};
	snprintf(path, sizeof(path), "/tmp/mams-ctltls-%d.ctl", getpid());
	CU_ASSERT_EQUAL_FATAL(mams_loop_new(&w->l), 0);
	CU_ASSERT_EQUAL_FATAL(mams_loop_timer_new(w->l, stop, w->l, &w->end), 0);
	w->theirs.l = w->ours.l = w->l;
	serve(w);
}

/* @param name  that the server's certificate is to be for */
static void dial(struct world *w, const char *ca, const char *cert, const char *name)
{
	const struct mams_ctl_files files = files_of(w, 3, ca, cert);
	struct mams_error err = {0};

	w->to = (struct mams_ctl_remote){.address = w->at, .name = name};
	CU_ASSERT_EQUAL_FATAL(mams_ctl_context_new(&files, false, &w->to.context, &err), 0);
	CU_ASSERT_EQUAL_FATAL(mams_ctl_dial_tls(w->l, &w->to, &ops, &w->ours, &w->conn), 0);
}

static void finish(struct world *w)
{
	mams_ctl_close(w->conn);
	mams_ctl_server_free(w->server);
	mams_loop_timer_del(w->end);
	mams_loop_free(w->l); /* what waits for the end of the turn goes here */
	mams_ctl_context_free(w->to.context);
}

static void carries(void)
{
	static char big[MAMS_CTL_MAX_BYTES + 1];
	struct world w;

	begin(&w);
	memset(big, 'x', sizeof(big));
	w.theirs.echo = true;
	dial(&w, "ca.crt", "good", "127.0.0.1");
	CU_ASSERT_EQUAL(mams_ctl_send(w.conn, "early", 5), -ENOTCONN);
	until(&w, &w.ours.opened, 1);
	CU_ASSERT_EQUAL(w.theirs.opened, 1);
	CU_ASSERT_TRUE_FATAL(mams_ctl_is_open(w.conn));
	CU_ASSERT_EQUAL(mams_ctl_send(w.conn, "{}", 2), 0);
	CU_ASSERT_EQUAL(mams_ctl_send(w.conn, big, MAMS_CTL_MAX_BYTES), 0);
	CU_ASSERT_EQUAL(mams_ctl_send(w.conn, "", 0), -EINVAL);
	CU_ASSERT_EQUAL(mams_ctl_send(w.conn, big, sizeof(big)), -MAMS_ELIMIT);
	until(&w, &w.ours.packets, 2);
	CU_ASSERT_EQUAL(w.theirs.packets, 2);
	CU_ASSERT_EQUAL(w.ours.packets, 2);
	CU_ASSERT_EQUAL(w.ours.octets, MAMS_CTL_MAX_BYTES + 2);
	mams_ctl_broadcast(w.server, "event", 5);
	until(&w, &w.ours.packets, 3);
	CU_ASSERT_EQUAL(w.ours.closed + w.theirs.closed, 0);
	finish(&w);
}

/* Whoever does not read has so much waiting for him, and no more. */
static void a_full_queue(void)
{
	static char big[MAMS_CTL_MAX_BYTES];
	struct world w;
	int n = 0;

	begin(&w);
	memset(big, 'x', sizeof(big));
	dial(&w, "ca.crt", "good", "127.0.0.1");
	until(&w, &w.ours.opened, 1);
	while (n < 100 && mams_ctl_send(w.conn, big, sizeof(big)) == 0)
		n++;
	CU_ASSERT_TRUE(n >= 4 && n < 100);
	CU_ASSERT_EQUAL(mams_ctl_send(w.conn, big, sizeof(big)), -MAMS_ELIMIT);
	until(&w, &w.theirs.packets, n);
	CU_ASSERT_EQUAL(w.theirs.packets, n);
	CU_ASSERT_EQUAL(mams_ctl_send(w.conn, "{}", 2), 0);
	finish(&w);
}

static void refused(const char *ca, const char *cert, const char *name)
{
	struct world w;

	begin(&w);
	dial(&w, ca, cert, name);
	run(&w, 600);
	CU_ASSERT_EQUAL(w.ours.opened, 0);
	CU_ASSERT_EQUAL(w.theirs.opened, 0);
	CU_ASSERT_FALSE(mams_ctl_is_open(w.conn));
	CU_ASSERT_EQUAL(mams_ctl_send(w.conn, "{}", 2), -ENOTCONN);
	finish(&w);
}

static void who_is_not_let_in(void)
{
	refused("ca.crt", "expired", "127.0.0.1");
	refused("ca.crt", "foreign", "127.0.0.1");
	refused("ca.crt", "gone", "127.0.0.1");     /* of our CA, as a customer's is */
	refused("ca.crt", "good", "nmadp.example"); /* the server is another one */
	refused("ca.crt", "good", "127.0.0.2");
	refused("other/ca.crt", "good", "127.0.0.1"); /* or anybody */
}

static void comes_back(void)
{
	struct world w;

	begin(&w);
	dial(&w, "ca.crt", "good", "localhost");
	until(&w, &w.ours.opened, 1);
	mams_ctl_server_free(w.server);
	until(&w, &w.ours.closed, 1);
	CU_ASSERT_FALSE(mams_ctl_is_open(w.conn));
	serve(&w);
	until(&w, &w.ours.opened, 2);
	CU_ASSERT_TRUE(mams_ctl_is_open(w.conn));
	finish(&w);
}

static int raw(const struct world *w)
{
	struct sockaddr_storage sa;
	socklen_t len = mams_addr_to_sa(&w->at, &sa);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT_EQUAL_FATAL(connect(fd, (struct sockaddr *)&sa, len), 0);
	return fd;
}

static bool is_cut(int fd)
{
	char c;

	errno = EAGAIN;
	return recv(fd, &c, 1, MSG_DONTWAIT | MSG_PEEK) == 0 || errno != EAGAIN;
}

static void count_cut(struct world *w, const int *fd, size_t n, int least)
{
	mams_time end = mams_time_add_ms(mams_clock_now(), 20000);
	int cut = 0;

	while (cut < least && mams_time_before(mams_clock_now(), end)) {
		run(w, 50);
		cut = 0;
		for (size_t i = 0; i < n; i++)
			cut += is_cut(fd[i]);
	}
	CU_ASSERT_TRUE(cut >= least);
}

/* Those who say nothing keep nobody out, and no more than some of them are kept. */
static void strangers(void)
{
	struct world w;
	int fd[40];

	begin(&w);
	for (size_t i = 0; i < MAMS_ARRAY_LEN(fd); i++) {
		fd[i] = raw(&w);
		run(&w, 5);
	}
	count_cut(&w, fd, MAMS_ARRAY_LEN(fd), 24);
	dial(&w, "ca.crt", "good", "127.0.0.1");
	until(&w, &w.ours.opened, 1);
	count_cut(&w, fd, MAMS_ARRAY_LEN(fd), 40); /* after five seconds */
	for (size_t i = 0; i < MAMS_ARRAY_LEN(fd); i++)
		close(fd[i]);
	CU_ASSERT_TRUE(mams_ctl_is_open(w.conn));
	finish(&w);
}

static void no_tls(void)
{
	static const char hello[] = "GET / HTTP/1.1\r\n\r\n";
	struct world w;
	char answer[64];
	int fd;

	begin(&w);
	fd = raw(&w);
	CU_ASSERT_EQUAL(write(fd, hello, sizeof(hello) - 1), (ssize_t)sizeof(hello) - 1);
	run(&w, 300);
	while (recv(fd, answer, sizeof(answer), MSG_DONTWAIT) > 0)
		;
	count_cut(&w, &fd, 1, 1);
	close(fd);
	dial(&w, "ca.crt", "good", "127.0.0.1");
	until(&w, &w.ours.opened, 1);
	finish(&w);
}

static void files(void)
{
	struct world w = {0};
	struct mams_ctl_files f = files_of(&w, 0, "ca.crt", "good");
	struct mams_ctl_context *x = NULL;
	struct mams_error err = {0};
	char key[256];

	chmod(f.key_file, 0644);
	CU_ASSERT_EQUAL(mams_ctl_context_new(&f, true, &x, &err), -MAMS_EDENIED);
	CU_ASSERT_STRING_EQUAL(err.where, f.key_file);
	chmod(f.key_file, 0600);
	snprintf(key, sizeof(key), "%s", rig_file("ncm.key"));
	f.key_file = key;
	CU_ASSERT_EQUAL(mams_ctl_context_new(&f, true, &x, &err), -MAMS_EVALUE);
	CU_ASSERT_STRING_EQUAL(err.where, key);
	f.ca_file = "/dev/null";
	CU_ASSERT_EQUAL(mams_ctl_context_new(&f, true, &x, &err), -MAMS_EVALUE);
	CU_ASSERT_STRING_EQUAL(err.where, "/dev/null");
}

/* ---- by hand: what no client of ours says ---- */

struct hand {
	SSL_CTX *ctx;
	SSL *ssl;
	BIO *in, *out;
	struct mams_ctl_context *x;
	struct mams_ctl_stream *s;
};

static int pump(struct hand *h)
{
	const char *data;
	char octets[4096];
	int rc = 0;
	int n;

	while (rc == 0 && (n = BIO_read(h->out, octets, sizeof(octets))) > 0)
		rc = mams_ctl_stream_in(h->s, octets, (size_t)n);
	for (size_t k; (k = mams_ctl_stream_out(h->s, &data)) > 0;) {
		CU_ASSERT_EQUAL(BIO_write(h->in, data, (int)k), (int)k);
		mams_ctl_stream_sent(h->s, k);
	}
	return rc;
}

static void hand_begin(struct hand *h, struct world *w)
{
	const struct mams_ctl_files theirs = files_of(w, 0, "ca.crt", "ncm");
	const struct mams_ctl_files ours = files_of(w, 3, "ca.crt", "good");
	struct mams_error err = {0};

	CU_ASSERT_EQUAL_FATAL(mams_ctl_context_new(&theirs, true, &h->x, &err), 0);
	CU_ASSERT_EQUAL_FATAL(mams_ctl_stream_new(h->x, (const char *const *)let_in,
				      MAMS_ARRAY_LEN(let_in), &h->s),
		0);
	h->ctx = SSL_CTX_new(TLS_client_method());
	CU_ASSERT_EQUAL_FATAL(
		SSL_CTX_use_certificate_file(h->ctx, ours.cert_file, SSL_FILETYPE_PEM), 1);
	CU_ASSERT_EQUAL_FATAL(
		SSL_CTX_use_PrivateKey_file(h->ctx, ours.key_file, SSL_FILETYPE_PEM), 1);
	h->ssl = SSL_new(h->ctx);
	h->in = BIO_new(BIO_s_mem());
	h->out = BIO_new(BIO_s_mem());
	SSL_set_bio(h->ssl, h->in, h->out);
	SSL_set_connect_state(h->ssl);
	for (int i = 0; i < 4 && SSL_do_handshake(h->ssl) != 1; i++)
		CU_ASSERT_EQUAL(pump(h), 0);
	CU_ASSERT_EQUAL(pump(h), 0);
	CU_ASSERT_TRUE_FATAL(mams_ctl_stream_ready(h->s));
}

static void hand_end(struct hand *h)
{
	SSL_free(h->ssl);
	SSL_CTX_free(h->ctx);
	mams_ctl_stream_free(h->s);
	mams_ctl_context_free(h->x);
}

static void say(struct hand *h, const void *data, size_t len)
{
	CU_ASSERT_EQUAL(SSL_write(h->ssl, data, (int)len), (int)len);
	(void)pump(h);
}

static void packets(void)
{
	struct world w = {0};
	struct hand h = {0};
	size_t len = 0;
	const char *p;

	hand_begin(&h, &w);
	say(&h, "\0\0", 2);
	CU_ASSERT_PTR_NULL(mams_ctl_stream_packet(h.s, &len));
	CU_ASSERT_TRUE(mams_ctl_stream_partial(h.s));
	say(&h, "\0\3ab", 4);
	CU_ASSERT_PTR_NULL(mams_ctl_stream_packet(h.s, &len));
	say(&h, "c\0\0\0\1d\0", 7);
	p = mams_ctl_stream_packet(h.s, &len);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_EQUAL(len, 3);
	CU_ASSERT_STRING_EQUAL(p, "abc");
	CU_ASSERT_FALSE(mams_ctl_stream_partial(h.s));
	p = mams_ctl_stream_packet(h.s, &len);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_STRING_EQUAL(p, "d");
	CU_ASSERT_PTR_NULL(mams_ctl_stream_packet(h.s, &len));
	CU_ASSERT_EQUAL(mams_ctl_stream_over(h.s), 0);
	say(&h, "\4\0\1", 3); /* 262145 octets, one too many */
	CU_ASSERT_PTR_NULL(mams_ctl_stream_packet(h.s, &len));
	CU_ASSERT_EQUAL(mams_ctl_stream_over(h.s), -MAMS_ELIMIT);
	hand_end(&h);
	memset(&h, 0, sizeof(h));
	hand_begin(&h, &w);
	say(&h, "\0\0\0\0", 4);
	CU_ASSERT_PTR_NULL(mams_ctl_stream_packet(h.s, &len));
	CU_ASSERT_EQUAL(mams_ctl_stream_over(h.s), -MAMS_EPROTO);
	CU_ASSERT_EQUAL(mams_ctl_stream_say(h.s, "{}", 2), -ENOTCONN);
	hand_end(&h);
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"packets of any size", carries},
		{"a peer that does not read", a_full_queue},
		{"who is not let in", who_is_not_let_in},
		{"it comes back", comes_back},
		{"strangers", strangers},
		{"no TLS", no_tls},
		{"files", files},
		{"lengths", packets},
	};
	int rc;

	if (!rig_make_files())
		return 1;
	rc = mams_suite_run("ctltls", cases, MAMS_ARRAY_LEN(cases));
	rig_remove_files();
	return rc;
}
