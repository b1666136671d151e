/* Who is not authenticated gets 401 or 403 with an empty body; what he sends is counted and thrown
 * away unread, so that a Digest client may keep its connection and try again.  A body that says
 * beforehand that it is too long is not waited for. */
#include "lib/io/httpd_private.h"

#include "lib/base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

#define LOG_MODULE "httpd"

struct mams_httpd_conn *mams_httpd_conn_of(struct MHD_Connection *mhd)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? info->socket_context : NULL;
}

/* ---- authentication ---- */

static enum mams_httpd_verdict check_cert(struct mams_httpd_conn *c)
{
	const union MHD_ConnectionInfo *info;
	char identity[MAMS_HTTPD_IDENTITY_MAX] = "";
	char why[64] = "";
	char text[MAMS_ADDR_STRLEN];

	if (c->cert_checked && c->cert_generation == c->h->generation &&
		mams_clock_wall() < c->cert_expires)
		return c->cert;
	info = MHD_get_connection_info(c->mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	if (!info)
		return MAMS_HTTPD_AUTH_NONE;
	c->cert_expires = INT64_MAX;
	c->cert_generation = c->h->generation;
	c->cert = mams_httpd_auth_cert(info->tls_session, c->h->revoked, identity, sizeof(identity),
		&c->cert_expires, why);
	if (c->cert == MAMS_HTTPD_AUTH_OK)
		memcpy(c->identity, identity, sizeof(identity));
	c->cert_checked = true;
	if (c->cert == MAMS_HTTPD_AUTH_CERT_BAD)
		mams_log_limited(&c->h->refused, mams_loop_now(c->h->loop), MAMS_LOG_WARN,
			LOG_MODULE, "client certificate refused peer=%s reason=\"%s\"",
			mams_addr_str(&c->peer, text), why);
	return c->cert;
}

static enum mams_httpd_verdict check_digest(struct mams_httpd_req *r)
{
	struct mams_httpd *h = r->conn->h;
	const struct mams_digest_users users = {.ha1 = mams_httpd_users_ha1, .list = h->users};
	const struct mams_digest_request req = {
		.method = r->method,
		.target = r->conn->target,
		.authorization = MHD_lookup_connection_value(
			r->conn->mhd, MHD_HEADER_KIND, MHD_HTTP_HEADER_AUTHORIZATION),
	};

	if (!req.authorization)
		return MAMS_HTTPD_AUTH_NONE;
	switch (mams_digest_check(h->digest, &req, &users, mams_loop_now(h->loop), r->identity)) {
	case MAMS_DIGEST_OK:
		memcpy(r->conn->identity, r->identity, sizeof(r->identity));
		return MAMS_HTTPD_AUTH_OK;
	case MAMS_DIGEST_STALE:
		return MAMS_HTTPD_AUTH_STALE;
	case MAMS_DIGEST_WRONG:
		return MAMS_HTTPD_AUTH_WRONG;
	case MAMS_DIGEST_UNSUPPORTED:
		break;
	}
	return MAMS_HTTPD_AUTH_UNSUPPORTED;
}

/* A certificate decides, when there is one: a bad one is not made good by a password. */
static enum mams_httpd_verdict authenticate(struct mams_httpd_req *r)
{
	struct mams_httpd_conn *c = r->conn;
	struct mams_httpd *h = c->h;
	enum mams_httpd_verdict v = MAMS_HTTPD_AUTH_NONE;

	if (h->opts.anyone)
		return MAMS_HTTPD_AUTH_OK;
	if (h->wants_certs)
		v = check_cert(c);
	if (v == MAMS_HTTPD_AUTH_OK)
		snprintf(r->identity, sizeof(r->identity), "%s", c->identity);
	else if (v == MAMS_HTTPD_AUTH_NONE && h->users)
		v = check_digest(r);
	return v;
}

bool mams_httpd_conn_still(struct mams_httpd_conn *c)
{
	enum mams_httpd_verdict v = MAMS_HTTPD_AUTH_NONE;

	if (!c->identity[0])
		return true;
	if (c->h->wants_certs)
		v = check_cert(c);
	if (v == MAMS_HTTPD_AUTH_NONE)
		return c->h->users && mams_httpd_users_ha1(c->h->users, c->identity);
	return v == MAMS_HTTPD_AUTH_OK;
}

static void count_verdict(struct mams_httpd_req *r)
{
	struct mams_httpd *h = r->conn->h;
	const char *why = NULL;
	char text[MAMS_ADDR_STRLEN];

	switch (r->verdict) {
	case MAMS_HTTPD_AUTH_OK:
		h->counters.requests++;
		return;
	case MAMS_HTTPD_AUTH_NONE:
		h->counters.no_credentials++;
		/* with Digest, the first half of every exchange looks like this */
		why = h->users ? NULL : "no certificate";
		break;
	case MAMS_HTTPD_AUTH_STALE:
		h->counters.stale_nonce++;
		break;
	case MAMS_HTTPD_AUTH_WRONG:
		h->counters.wrong_password++;
		why = "unknown user or wrong password";
		break;
	case MAMS_HTTPD_AUTH_UNSUPPORTED:
		h->counters.auth_unsupported++;
		why = "not Digest with SHA-256 and qop=auth";
		break;
	case MAMS_HTTPD_AUTH_CERT_BAD: /* its log line says more */
		h->counters.bad_certificate++;
		break;
	}
	if (why)
		mams_log_limited(&h->refused, mams_loop_now(h->loop), MAMS_LOG_WARN, LOG_MODULE,
			"client refused peer=%s reason=\"%s\"", mams_addr_str(&r->conn->peer, text),
			why);
}

/* ---- answers ---- */

static struct MHD_Response *empty_response(void)
{
	static char nothing[1];

	return MHD_create_response_from_buffer(0, nothing, MHD_RESPMEM_PERSISTENT);
}

static enum MHD_Result queue(
	struct mams_httpd_req *r, unsigned status, struct MHD_Response *response)
{
	enum MHD_Result rc;

	mams_httpd_conn_enter(r->conn, MAMS_HTTPD_WRITING);
	rc = MHD_queue_response(r->conn->mhd, status, response);
	MHD_destroy_response(response);
	return rc;
}

static enum MHD_Result answer_empty(struct mams_httpd_req *r, unsigned status)
{
	struct MHD_Response *response = empty_response();

	return response ? queue(r, status, response) : MHD_NO;
}

static enum MHD_Result answer_challenge(struct mams_httpd_req *r)
{
	struct mams_httpd *h = r->conn->h;
	struct MHD_Response *response = empty_response();
	char challenge[MAMS_DIGEST_HEADER_MAX];

	if (!response)
		return MHD_NO;
	mams_digest_challenge(
		h->digest, mams_loop_now(h->loop), r->verdict == MAMS_HTTPD_AUTH_STALE, challenge);
	MHD_add_response_header(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE, challenge);
	return queue(r, MHD_HTTP_UNAUTHORIZED, response);
}

static enum MHD_Result refuse(struct mams_httpd_req *r)
{
	if (r->conn->h->users && r->verdict != MAMS_HTTPD_AUTH_CERT_BAD)
		return answer_challenge(r);
	return answer_empty(r, MHD_HTTP_FORBIDDEN);
}

static enum MHD_Result answer_too_long(struct mams_httpd_req *r)
{
	r->conn->h->counters.body_too_long++;
	if (r->verdict != MAMS_HTTPD_AUTH_OK)
		return refuse(r);
	return answer_empty(r, MHD_HTTP_CONTENT_TOO_LARGE);
}

static enum MHD_Result send_response(struct mams_httpd_req *r)
{
	struct MHD_Response *response = r->response;

	r->response = NULL;
	return queue(r, r->status, response);
}

/* ---- the course of a request ---- */

/* Longer than the limit by its own word. */
static bool says_too_long(struct mams_httpd_req *r)
{
	const char *text = MHD_lookup_connection_value(
		r->conn->mhd, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);

	/* libmicrohttpd has refused what is no number */
	return text && strtoull(text, NULL, 10) > r->conn->h->opts.body_max;
}

static enum MHD_Result begin(
	struct mams_httpd_conn *c, const char *url, const char *method, struct mams_httpd_req **out)
{
	struct mams_httpd_req *r = calloc(1, sizeof(*r));

	if (r)
		r->path = strdup(url);
	if (!r || !r->path || !c->target) {
		c->h->counters.no_memory++;
		if (r)
			free(r->path);
		free(r);
		return MHD_NO;
	}
	r->conn = c;
	c->req = r;
	*out = r;
	mams_httpd_conn_enter(c, MAMS_HTTPD_READING);
	snprintf(r->method, sizeof(r->method), "%s", method);
	r->verdict = authenticate(r);
	count_verdict(r);
	return says_too_long(r) ? answer_too_long(r) : MHD_YES;
}

static enum MHD_Result take_body(struct mams_httpd_req *r, const char *data, size_t *len)
{
	size_t limit = r->conn->h->opts.body_max;

	r->received += *len;
	/* someone who goes on and on without ever having said how long */
	if (r->received > 2 * limit)
		return MHD_NO;
	if (r->verdict == MAMS_HTTPD_AUTH_OK && r->received <= limit)
		mams_buf_add(&r->body, data, *len);
	*len = 0;
	return MHD_YES;
}

static enum MHD_Result deliver(struct mams_httpd_req *r)
{
	struct mams_httpd *h = r->conn->h;

	if (r->received > h->opts.body_max)
		return answer_too_long(r);
	if (r->verdict != MAMS_HTTPD_AUTH_OK)
		return refuse(r);
	if (r->body.failed) {
		h->counters.no_memory++;
		return answer_empty(r, MHD_HTTP_SERVICE_UNAVAILABLE);
	}
	r->delivered = true;
	r->in_callback = true;
	h->ops->request(h->user, r);
	r->in_callback = false;
	if (r->response)
		return send_response(r);
	if (r->dropped)
		return MHD_NO;
	if (mams_httpd_conn_hold(r->conn) == 0)
		return MHD_YES;
	h->counters.no_memory++;
	if (h->ops->gone)
		h->ops->gone(h->user, r);
	return answer_empty(r, MHD_HTTP_SERVICE_UNAVAILABLE);
}

void *mams_httpd_req_line(void *user, const char *uri, struct MHD_Connection *mhd)
{
	struct mams_httpd_conn *c = mams_httpd_conn_of(mhd);

	(void)user;
	if (c) {
		if (!c->seen_request)
			mams_httpd_listen_settled(c->h->listen, c->ticket);
		c->seen_request = true;
		free(c->target);
		c->target = strdup(uri);
		mams_httpd_conn_enter(c, MAMS_HTTPD_READING);
	}
	return NULL; /* what *slot starts with */
}

enum MHD_Result mams_httpd_req_handle(void *user, struct MHD_Connection *mhd, const char *url,
	const char *method, const char *version, const char *upload, size_t *upload_len,
	void **slot)
{
	struct mams_httpd_req *r = *slot;
	struct mams_httpd_conn *c = mams_httpd_conn_of(mhd);
	enum MHD_Result rc;

	(void)user;
	(void)version;
	if (!c)
		return MHD_NO;
	if (!r) {
		rc = begin(c, url, method, &r);
		*slot = r;
		return rc;
	}
	if (*upload_len)
		return take_body(r, upload, upload_len);
	if (!r->delivered)
		return deliver(r);
	if (r->response)
		return send_response(r);
	return r->dropped ? MHD_NO : MHD_YES;
}

void mams_httpd_req_completed(
	void *user, struct MHD_Connection *mhd, void **slot, enum MHD_RequestTerminationCode why)
{
	struct mams_httpd_req *r = *slot;

	(void)user;
	(void)mhd;
	(void)why;
	if (!r)
		return;
	*slot = NULL;
	if (r->response)
		MHD_destroy_response(r->response);
	r->conn->req = NULL;
	mams_httpd_conn_enter(r->conn, MAMS_HTTPD_IDLE);
	mams_wipe(r->body.data, r->body.len);
	mams_buf_fini(&r->body);
	free(r->path);
	free(r);
}

/* ---- for the owner ---- */

void mams_httpd_reply_with(struct mams_httpd_req *r, unsigned status, const char *content_type,
	const void *body, size_t len, const struct mams_httpd_header *h, size_t n)
{
	struct MHD_Response *response;

	/* the library takes a non-const pointer and, told to copy, does not write to it */
	response = len ? MHD_create_response_from_buffer(
				 len, (void *)(uintptr_t)body, MHD_RESPMEM_MUST_COPY)
		       : empty_response();
	if (response && content_type)
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, content_type);
	if (response)
		MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	else
		r->conn->h->counters.no_memory++;
	for (size_t i = 0; response && i < n; i++)
		MHD_add_response_header(response, h[i].name, h[i].value);
	r->response = response;
	r->status = status;
	r->dropped = !response; /* the connection closes: the client sees that something failed */
	if (!r->in_callback)
		mams_httpd_conn_unhold(r->conn);
}

void mams_httpd_reply(struct mams_httpd_req *r, unsigned status, const char *content_type,
	const void *body, size_t len)
{
	mams_httpd_reply_with(r, status, content_type, body, len, NULL, 0);
}

int mams_httpd_user(const struct mams_httpd_req *r, struct mams_unix_peer *out)
{
	if (!r->conn->user_known)
		return -ENOENT;
	*out = r->conn->who;
	return 0;
}

bool mams_httpd_in_group(const struct mams_httpd_req *r, gid_t gid)
{
	const struct mams_httpd_conn *c = r->conn;

	return c->user_known && c->who.pid && mams_unix_in_group(c->fd, &c->who, gid);
}

int mams_httpd_pidfd(const struct mams_httpd_req *r)
{
	const struct mams_httpd_conn *c = r->conn;
	socklen_t len = sizeof(int);
	int fd = -1;

	if (!c->user_known || !c->who.pid)
		return -ENOENT;
	/* of the very process that connected; its number may have been given to another since */
	if (getsockopt(c->fd, SOL_SOCKET, SO_PEERPIDFD, &fd, &len) == 0)
		return fd;
	fd = (int)syscall(SYS_pidfd_open, c->who.pid, 0);
	return fd < 0 ? -errno : fd;
}

const char *mams_httpd_header(const struct mams_httpd_req *r, const char *name)
{
	return MHD_lookup_connection_value(r->conn->mhd, MHD_HEADER_KIND, name);
}

const char *mams_httpd_identity(const struct mams_httpd_req *r)
{
	return r->identity;
}

const char *mams_httpd_method(const struct mams_httpd_req *r)
{
	return r->method;
}

const char *mams_httpd_path(const struct mams_httpd_req *r)
{
	return r->path;
}

const char *mams_httpd_query(const struct mams_httpd_req *r, const char *name)
{
	return MHD_lookup_connection_value(r->conn->mhd, MHD_GET_ARGUMENT_KIND, name);
}

const char *mams_httpd_body(const struct mams_httpd_req *r, size_t *len)
{
	*len = r->body.len;
	return r->body.data ? r->body.data : "";
}

const struct mams_addr *mams_httpd_peer(const struct mams_httpd_req *r)
{
	return &r->conn->peer;
}

void mams_httpd_set_user(struct mams_httpd_req *r, void *per_request)
{
	r->per_request = per_request;
}

void *mams_httpd_get_user(const struct mams_httpd_req *r)
{
	return r->per_request;
}
