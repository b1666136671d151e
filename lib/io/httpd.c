#include "lib/io/httpd_private.h"

#include "lib/io/pem.h"
#include "lib/io/sockdiag.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#define LOG_MODULE "httpd"

#define NONCES 4096
/* Of libmicrohttpd for each connection, used or not: a request's headers, and a piece of its body
 * at a time.  The kernel's and GnuTLS's come on top. */
#define CONNECTION_BYTES 8192
#define TLS_PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

#define ROW(field, name, help, kind)                                                               \
	{                                                                                          \
		name, help, kind, offsetof(struct mams_httpd_counters, field)                      \
	}
const struct mams_metric mams_httpd_metrics[] = {
	ROW(connections, "https_connections_total", "Connections accepted.", MAMS_COUNTER),
	ROW(connections_open, "https_connections_open", "Connections open now.", MAMS_GAUGE),
	ROW(refused_connections, "https_refused_connection_limit_total",
		"Connections refused: too many in all.", MAMS_COUNTER),
	ROW(refused_per_ip, "https_refused_address_limit_total",
		"Connections refused: too many from one address.", MAMS_COUNTER),
	ROW(without_request, "https_without_request_total",
		"Connections that ended before a request: TLS failed or nothing came.",
		MAMS_COUNTER),
	ROW(requests, "https_requests_total", "Authenticated requests.", MAMS_COUNTER),
	ROW(no_credentials, "https_no_credentials_total",
		"Requests without certificate or Digest answer (as each Digest exchange begins).",
		MAMS_COUNTER),
	ROW(wrong_password, "https_wrong_password_total",
		"Requests refused: unknown user or wrong password.", MAMS_COUNTER),
	ROW(stale_nonce, "https_stale_nonce_total", "Digest answers to a nonce too old or used.",
		MAMS_COUNTER),
	ROW(auth_unsupported, "https_auth_unsupported_total",
		"Requests refused: Digest with MD5 or without qop, or another scheme.",
		MAMS_COUNTER),
	ROW(bad_certificate, "https_bad_certificate_total",
		"Requests refused: client certificate foreign, expired, or not for this use.",
		MAMS_COUNTER),
	ROW(body_too_long, "https_body_too_long_total", "Requests refused: body over the limit.",
		MAMS_COUNTER),
	ROW(idle_timeouts, "https_idle_timeouts_total", "Connections closed: no request came.",
		MAMS_COUNTER),
	ROW(slow_requests, "https_slow_requests_total",
		"Connections closed: request or answer took too long on the wire.", MAMS_COUNTER),
	ROW(held_too_long, "https_held_too_long_total",
		"Requests that the program did not answer in time.", MAMS_COUNTER),
	ROW(clients_gone, "https_clients_gone_total", "Clients that left before the answer.",
		MAMS_COUNTER),
	ROW(no_memory, "https_no_memory_total", "Requests refused: out of memory.", MAMS_COUNTER),
};
const size_t mams_httpd_n_metrics = MAMS_ARRAY_LEN(mams_httpd_metrics);

const void *mams_httpd_counters(const struct mams_httpd *h)
{
	return &h->counters;
}

/* ---- connections ---- */

static void conn_free(struct mams_httpd_conn *c)
{
	c->h->counters.connections_open--;
	c->h->counters.without_request += !c->seen_request;
	if (!c->seen_request && c->h->listen)
		mams_httpd_listen_settled(c->h->listen, c->ticket);
	TAILQ_REMOVE(&c->h->conns, c, link);
	mams_peers_leave(&c->h->peers, c->counted);
	mams_httpd_shake_end(c);
	mams_loop_fd_del(c->watch);
	free(c->target);
	free(c);
}

static void notify_connection(void *user, struct MHD_Connection *mhd, void **slot,
	enum MHD_ConnectionNotificationCode code)
{
	struct mams_httpd *h = user;
	struct mams_httpd_conn *c = *slot;

	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		c = h->adding;
		h->adding = NULL;
		if (c)
			c->mhd = mhd;
		*slot = c;
	} else if (c) {
		*slot = NULL;
		conn_free(c);
	}
}

/* Of users of this host, each has his share.  @return false: it is full, or there is no memory */
static bool count(struct mams_httpd *h, struct mams_httpd_conn *new)
{
	const uint32_t uid = new->who.uid;
	int rc;

	if (h->counters.connections_open >= h->opts.max_connections) {
		h->counters.refused_connections++;
		return false;
	}
	rc = mams_peers_enter(&h->peers, &new->peer, new->user_known ? &uid : NULL,
		h->opts.max_per_ip, &new->counted);
	h->counters.refused_per_ip += rc == -MAMS_ELIMIT;
	h->counters.no_memory += rc == -ENOMEM;
	return rc == 0;
}

static int know_peer(
	struct mams_httpd *h, const struct sockaddr_storage *sa, struct mams_httpd_conn *c)
{
	struct sockaddr_storage ours;
	struct mams_addr local;
	socklen_t len = sizeof(ours);
	uint32_t uid;

	if (sa->ss_family == AF_UNIX) {
		c->user_known = mams_unix_peer(c->fd, &c->who) == 0;
		return c->user_known ? 0 : -EACCES;
	}
	if (mams_addr_from_sa((const struct sockaddr *)sa, &c->peer) < 0)
		return -EAFNOSUPPORT;
	if (!h->opts.anyone || getsockname(c->fd, (struct sockaddr *)&ours, &len) < 0 ||
		mams_addr_from_sa((const struct sockaddr *)&ours, &local) < 0 ||
		mams_sockdiag_owner(&local, &c->peer, &uid) < 0)
		return 0;
	c->user_known = true;
	c->who = (struct mams_unix_peer){.uid = uid, .gid = (gid_t)-1};
	return 0;
}

static void accepted(
	void *user, int fd, const struct sockaddr_storage *sa, socklen_t len, unsigned ticket)
{
	struct mams_httpd *h = user;
	struct mams_httpd_conn *c = calloc(1, sizeof(*c));
	char text[MAMS_ADDR_STRLEN];

	if (!c) {
		h->counters.no_memory++;
		mams_httpd_listen_settled(h->listen, ticket);
		close(fd);
		return;
	}
	c->h = h;
	c->fd = fd;
	c->ticket = ticket;
	if (know_peer(h, sa, c) < 0 || !count(h, c)) {
		mams_log_limited(&h->dropped, mams_loop_now(h->loop), MAMS_LOG_WARN, LOG_MODULE,
			"connection refused, too many peer=%s", mams_addr_str(&c->peer, text));
		mams_httpd_listen_settled(h->listen, ticket);
		close(fd);
		free(c);
		return;
	}
	mams_httpd_conn_enter(c, MAMS_HTTPD_IDLE);
	TAILQ_INSERT_TAIL(&h->conns, c, link);
	h->counters.connections++;
	if (h->counters.connections_open++ == 0)
		mams_httpd_conn_sweep(h);
	h->adding = c;
	/* closes fd when it fails; c is then ours unless the notices have come and gone */
	if (MHD_add_connection(h->mhd, fd, (const struct sockaddr *)sa, len) != MHD_YES &&
		h->adding) {
		h->counters.no_memory++;
		conn_free(c);
	} else if (h->tls && c->mhd) {
		mams_httpd_shake_begin(c);
	}
	h->adding = NULL;
	h->ready = true;
}

/* ---- libmicrohttpd in the loop ---- */

static void mhd_event(void *user, int fd, unsigned events)
{
	struct mams_httpd *h = user;

	(void)fd;
	(void)events;
	h->ready = true;
}

/* It reads sockets edge-triggered: what it did not finish shows only in its timeout. */
static mams_time before(void *user)
{
	struct mams_httpd *h = user;
	MHD_UNSIGNED_LONG_LONG ms;

	h->mhd_deadline = MAMS_TIME_NEVER;
	if (MHD_get_timeout(h->mhd, &ms) == MHD_YES)
		h->mhd_deadline = mams_time_add_ms(
			mams_loop_now(h->loop), ms > INT32_MAX ? INT32_MAX : (int64_t)ms);
	return h->ready ? mams_loop_now(h->loop) : h->mhd_deadline;
}

static void after(void *user)
{
	struct mams_httpd *h = user;

	if (!h->ready && mams_time_before(mams_loop_now(h->loop), h->mhd_deadline))
		return;
	h->ready = false;
	MHD_run(h->mhd);
	mams_httpd_shake_look(h);
}

static void mhd_log(void *user, const char *fmt, va_list ap) MAMS_PRINTF(2, 0);
static void mhd_log(void *user, const char *fmt, va_list ap)
{
	struct mams_httpd *h = user;

	vsnprintf(h->mhd_said, sizeof(h->mhd_said), fmt, ap);
	h->mhd_said[strcspn(h->mhd_said, "\n")] = '\0';
	log_debug("libmicrohttpd: %s", h->mhd_said);
}

static int reload_users(struct mams_httpd *h, struct mams_error *err);
static int reload_revoked(struct mams_httpd *h, struct mams_error *err);

/* ---- start and end ---- */

/* libmicrohttpd has no pointer of ours to give, but the connection's. */
static int give_certificate(gnutls_session_t tls, const gnutls_datum_t *names, int n_names,
	const gnutls_pk_algorithm_t *algorithms, int n_algorithms, gnutls_pcert_st **certs,
	unsigned *n, gnutls_privkey_t *key)
{
	const struct mams_httpd_conn *c = mams_httpd_conn_of(gnutls_session_get_ptr(tls));

	(void)names;
	(void)n_names;
	(void)algorithms;
	(void)n_algorithms;
	if (!c)
		return -1;
	mams_keypair_get(c->h->keypair, certs, n, key);
	return 0;
}

static int load_pem(const struct mams_httpd_opts *opts, struct mams_httpd *h, char **client_ca,
	struct mams_error *err)
{
	int rc;

	if (!opts->cert_file)
		return 0;
	h->tls = true;
	rc = mams_keypair_new(opts->cert_file, opts->key_file, &h->keypair, err);
	if (rc == 0 && opts->client_ca_file)
		rc = mams_pem_read(opts->client_ca_file, false, client_ca, err);
	h->wants_certs = opts->client_ca_file != NULL;
	return rc;
}

static int start_mhd(struct mams_httpd *h, char *client_ca, struct mams_error *err)
{
	const bool tls = h->tls;
	const unsigned flags = MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME |
			       MHD_USE_ERROR_LOG | (tls ? (unsigned)MHD_USE_TLS : 0);
	struct MHD_OptionItem items[] = {
		{MHD_OPTION_EXTERNAL_LOGGER, (intptr_t)mhd_log, h},
		{MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)notify_connection, h},
		{MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)mams_httpd_req_completed, h},
		{MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)mams_httpd_req_line, h},
		{MHD_OPTION_CONNECTION_LIMIT, (intptr_t)h->opts.max_connections + 8, NULL},
		{MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_BYTES, NULL},
		{MHD_OPTION_STRICT_FOR_CLIENT, 1, NULL},
		{MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, NULL},
		{tls ? MHD_OPTION_HTTPS_CERT_CALLBACK : MHD_OPTION_END, 0,
			(void *)(uintptr_t)give_certificate},
		{MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)TLS_PRIORITIES},
		{client_ca ? MHD_OPTION_HTTPS_MEM_TRUST : MHD_OPTION_END, 0, client_ca},
		{MHD_OPTION_END, 0, NULL},
	};

	h->mhd = MHD_start_daemon(flags, 0, NULL, NULL, mams_httpd_req_handle, h, MHD_OPTION_ARRAY,
		items, MHD_OPTION_END);
	if (!h->mhd)
		return mams_fail(err, MAMS_EVALUE, NULL, "cannot start HTTPS: %s", h->mhd_said);
	return 0;
}

static int watch_mhd(struct mams_httpd *h)
{
	const struct mams_loop_source source = {.before = before, .after = after, .user = h};
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(h->mhd, MHD_DAEMON_INFO_EPOLL_FD);
	int rc;

	if (!info)
		return -EINVAL;
	/* before MHD's own turn: what a handshake waits for is done in the same one */
	rc = mams_shakes_init(&h->shakes, h->loop, mams_httpd_shake_step, h);
	if (rc == 0)
		rc = mams_loop_timer_new(h->loop, mams_httpd_conn_sweep, h, &h->sweep);
	if (rc == 0)
		rc = mams_loop_fd_add(
			h->loop, info->epoll_fd, MAMS_LOOP_READ, mhd_event, h, &h->watch);
	if (rc == 0)
		rc = mams_loop_source_add(h->loop, &source);
	return rc;
}

static void take_numbers(struct mams_httpd *h, const struct mams_httpd_opts *o)
{
	h->opts.body_max = o->body_max ? o->body_max : MAMS_HTTPD_BODY_MAX;
	h->opts.idle_ms = o->idle_ms ? o->idle_ms : 60000;
	h->opts.request_ms = o->request_ms ? o->request_ms : 10000;
	h->opts.hold_ms = o->hold_ms ? o->hold_ms : 120000;
	h->opts.max_connections = o->max_connections ? o->max_connections : 1024;
	h->opts.max_per_ip = o->max_per_ip ? o->max_per_ip : 64;
	h->opts.anyone = o->anyone;
}

static int take_users(struct mams_httpd *h, const struct mams_httpd_opts *o, struct mams_error *err)
{
	uint8_t key[32];
	int rc;

	h->realm = strdup(o->realm ? o->realm : "mams");
	h->digest_file = o->digest_file ? strdup(o->digest_file) : NULL;
	if (!h->realm || (o->digest_file && !h->digest_file))
		return -ENOMEM;
	if (!h->digest_file)
		return 0;
	if (getrandom(key, sizeof(key), 0) != (ssize_t)sizeof(key))
		return -errno;
	rc = mams_digest_new(h->realm, key, NONCES, &h->digest);
	mams_wipe(key, sizeof(key));
	if (rc == -MAMS_EVALUE)
		return mams_fail(err, MAMS_EVALUE, h->realm,
			"not usable as a realm: at most 64 characters, no quotes or backslashes");
	return rc < 0 ? rc : reload_users(h, err);
}

static int take_revoked(
	struct mams_httpd *h, const struct mams_httpd_opts *o, struct mams_error *err)
{
	if (!o->client_crl_file || !o->client_ca_file)
		return 0;
	h->ca_file = strdup(o->client_ca_file);
	h->crl_file = strdup(o->client_crl_file);
	return h->ca_file && h->crl_file ? reload_revoked(h, err) : -ENOMEM;
}

/* Who may ask must be known: by credentials, or because he is of this host. */
static int check_access(
	const struct mams_httpd *h, const struct mams_httpd_opts *o, struct mams_error *err)
{
	char text[MAMS_ADDR_STRLEN];

	for (size_t i = 0; o->anyone && i < o->n_listen; i++)
		if (!mams_addr_is_loopback(&o->listen[i]))
			return mams_fail(err, MAMS_EVALUE, mams_addr_str(&o->listen[i], text),
				"without credentials only loopback addresses can be listened at");
	if (!o->anyone && !o->client_ca_file && !h->users)
		return mams_fail(err, MAMS_EMISSING, NULL,
			"nobody could authenticate: give a client CA, a Digest file, or both");
	if (!o->anyone && (!o->cert_file || o->unix_path))
		return mams_fail(err, MAMS_EMISSING, NULL,
			"credentials need TLS, and are not asked for at a UNIX socket");
	return 0;
}

int mams_httpd_new(struct mams_loop *l, const struct mams_httpd_opts *opts,
	const struct mams_httpd_ops *ops, void *user, struct mams_httpd **out,
	struct mams_error *err)
{
	struct mams_httpd *h = calloc(1, sizeof(*h));
	const struct mams_httpd_path at = {opts->unix_path, opts->unix_mode, opts->unix_gid};
	char *client_ca = NULL;
	int rc;

	if (!h)
		return -ENOMEM;
	h->loop = l;
	h->ops = ops;
	h->user = user;
	TAILQ_INIT(&h->conns);
	take_numbers(h, opts);
	rc = take_users(h, opts, err);
	if (rc == 0)
		rc = take_revoked(h, opts, err);
	if (rc == 0)
		rc = check_access(h, opts, err);
	if (rc == 0)
		rc = load_pem(opts, h, &client_ca, err);
	if (rc == 0)
		rc = start_mhd(h, client_ca, err);
	free(client_ca);
	if (rc == 0)
		rc = watch_mhd(h);
	if (rc == 0)
		rc = mams_httpd_listen_open(
			l, opts->listen, opts->n_listen, &at, accepted, h, &h->listen, err);
	if (rc < 0) {
		mams_httpd_free(h);
		return rc;
	}
	*out = h;
	return 0;
}

void mams_httpd_free(struct mams_httpd *h)
{
	struct mams_httpd_conn *c;

	if (!h)
		return;
	mams_httpd_listen_close(h->listen);
	h->listen = NULL;
	TAILQ_FOREACH(c, &h->conns, link)
	{
		/* libmicrohttpd aborts when it is stopped with a connection suspended */
		mams_httpd_shake_give(c);
		if (c->phase != MAMS_HTTPD_HELD)
			continue;
		c->req->dropped = true;
		mams_httpd_conn_unhold(c);
	}
	mams_loop_source_del(h->loop, h);
	mams_shakes_fini(&h->shakes);
	mams_loop_fd_del(h->watch);
	if (h->mhd)
		MHD_stop_daemon(h->mhd);
	mams_loop_timer_del(h->sweep);
	mams_keypair_free(h->keypair);
	mams_httpd_users_free(h->users);
	mams_digest_free(h->digest);
	mams_revoked_free(h->revoked);
	free(h->crl_file);
	free(h->ca_file);
	free(h->digest_file);
	free(h->realm);
	free(h);
}

static int reload_users(struct mams_httpd *h, struct mams_error *err)
{
	struct mams_httpd_users *users;
	int rc;

	if (!h->digest_file)
		return 0;
	rc = mams_httpd_users_load(h->digest_file, h->realm, &users, err);
	if (rc < 0)
		return rc;
	mams_httpd_users_free(h->users);
	h->users = users;
	log_info("Digest users read file=%s users=%zu", h->digest_file,
		mams_httpd_users_count(users));
	return 0;
}

static int reload_revoked(struct mams_httpd *h, struct mams_error *err)
{
	struct mams_revoked *revoked;
	int rc;

	if (!h->crl_file)
		return 0;
	rc = mams_revoked_load(h->crl_file, h->ca_file, &revoked, err);
	if (rc < 0)
		return rc;
	mams_revoked_free(h->revoked);
	h->revoked = revoked;
	h->generation++;
	log_info("revocation list read file=%s", h->crl_file);
	return 0;
}

/* A client may have come back with a new certificate, and his old connection be idle. */
static bool is_let_in(struct mams_httpd *h, const char *identity)
{
	struct mams_httpd_conn *c;

	TAILQ_FOREACH(c, &h->conns, link)
	{
		if (strcmp(c->identity, identity) == 0 && mams_httpd_conn_still(c))
			return true;
	}
	return false;
}

static void tell_expelled(struct mams_httpd *h, mams_expelled_fn fn, void *user)
{
	struct mams_httpd_conn *c;

	TAILQ_FOREACH(c, &h->conns, link)
	{
		char identity[MAMS_HTTPD_IDENTITY_MAX];

		if (!c->identity[0] || mams_httpd_conn_still(c))
			continue;
		memcpy(identity, c->identity, sizeof(identity));
		c->identity[0] = '\0';
		if (fn && !is_let_in(h, identity))
			fn(user, identity);
	}
}

int mams_httpd_reload(struct mams_httpd *h, mams_expelled_fn fn, void *user, struct mams_error *err)
{
	int rc = h->keypair ? mams_keypair_reload(h->keypair, err) : 0;
	int rc2 = reload_revoked(h, rc < 0 ? NULL : err);
	int rc3;

	rc = rc < 0 ? rc : rc2;
	rc3 = reload_users(h, rc < 0 ? NULL : err);
	tell_expelled(h, fn, user);
	return rc < 0 ? rc : rc3;
}
