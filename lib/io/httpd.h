/** @file httpd.h
 *  HTTPS server of the control plane: libmicrohttpd (TLS by GnuTLS) in our loop.  Layer: io.
 *  Source: seed draft 4.1, 9.1 (https, TLS, HTTP Digest); RFC 7616 (Digest, SHA-256 only).
 *  The owner sees only requests whose body is complete and whose client has proved who it is:
 *  by a certificate of the client CA (identity = common name), else by Digest (identity = user
 *  name).  Everyone else gets 401 or 403 without a word, a counter and a rate-limited log line.
 *  For programs of this host it can also listen at a UNIX socket or on loopback, without TLS, and
 *  leave to the owner who may do what: the peer is then known by its user. */
#pragma once

#include "lib/base/addr.h"
#include "lib/base/err.h"
#include "lib/base/metrics.h"
#include "lib/io/loop.h"
#include "lib/io/unixsock.h"

#include <stddef.h>
#include <stdint.h>

struct mams_httpd;
struct mams_httpd_req;

#define MAMS_HTTPD_BODY_MAX 65536u
#define MAMS_HTTPD_IDENTITY_MAX 128u /**< octets of a common name or user name */

/** Borrowed for the call of mams_httpd_new() only.  Zero means the default in brackets. */
struct mams_httpd_opts {
	const struct mams_addr *listen; /**< listen[n_listen], address and port */
	size_t n_listen;
	const char *unix_path;       /**< listen there as well; NULL: no */
	unsigned unix_mode;          /**< of its file [0600] */
	gid_t unix_gid;              /**< its group, (gid_t)-1: as it comes */
	bool anyone;                 /**< no credentials; UNIX socket and loopback only */
	const char *cert_file;       /**< PEM, server certificate and its chain; NULL: no TLS, with
				      *   anyone only */
	const char *key_file;        /**< PEM; refused when readable by group or others */
	const char *client_ca_file;  /**< PEM; NULL: no client certificates */
	const char *client_crl_file; /**< PEM, of that CA; NULL: none is revoked */
	const char *digest_file;     /**< lines user:realm:HA1 (hex SHA-256); NULL: no Digest */
	const char *realm;           /**< of Digest ["mams"] */
	size_t body_max;             /**< octets; a longer body gets 413 [65536] */
	unsigned idle_ms;            /**< connection without a request [60000] */
	unsigned request_ms;         /**< TLS handshake, or first octet to whole request [10000] */
	unsigned hold_ms;            /**< longest time an answer may take [120000] */
	unsigned max_connections;    /**< [1024] */
	unsigned max_per_ip;         /**< connections of one address [64] */
};

struct mams_httpd_ops {
	/** A complete, authenticated request.  The owner answers it by mams_httpd_reply(), now or
	 *  later; r is valid until then or until gone(). */
	void (*request)(void *user, struct mams_httpd_req *r);
	/** The client went away (or hold_ms passed) before r was answered: r is no longer valid.
	 *  Not called for requests already answered. */
	void (*gone)(void *user, struct mams_httpd_req *r);
};

/** Start listening.
 *  @param ops  borrowed, must outlive the server
 *  @param err  may be NULL; names the file and the cure
 *  @return 0, -MAMS_EVALUE (a file is wrong), -EADDRINUSE and other system errors */
MAMS_MUST int mams_httpd_new(struct mams_loop *l, const struct mams_httpd_opts *opts,
	const struct mams_httpd_ops *ops, void *user, struct mams_httpd **out,
	struct mams_error *err);
/** Closes all connections; unanswered requests end without gone().  Accepts NULL.  Not to be called
 *  from one of the server's own callbacks. */
void mams_httpd_free(struct mams_httpd *h);

/** A client who was let in would not be let in any more, over none of his connections. */
typedef void (*mams_expelled_fn)(void *user, const char *identity);
/** Read certificate and key, Digest file and revocation list again; what is wrong leaves the old
 * one in force.  Who is let in is asked again at each request.
 *  @param fn  called before it returns, as often as need be; NULL: nobody wants to know */
MAMS_MUST int mams_httpd_reload(
	struct mams_httpd *h, mams_expelled_fn fn, void *user, struct mams_error *err);

/* Of a request; all borrowed from r. */
const char *mams_httpd_identity(const struct mams_httpd_req *r);
const char *mams_httpd_method(const struct mams_httpd_req *r);
const char *mams_httpd_path(const struct mams_httpd_req *r);
/** Value of ?name=value, NULL when absent. */
const char *mams_httpd_query(const struct mams_httpd_req *r, const char *name);
/** NUL-terminated; never NULL. */
const char *mams_httpd_body(const struct mams_httpd_req *r, size_t *len);
/** Value of a header, NULL when absent. */
const char *mams_httpd_header(const struct mams_httpd_req *r, const char *name);
/** Unset for a UNIX socket. */
const struct mams_addr *mams_httpd_peer(const struct mams_httpd_req *r);
/** The owner's own pointer on a request it keeps. */
void mams_httpd_set_user(struct mams_httpd_req *r, void *per_request);
void *mams_httpd_get_user(const struct mams_httpd_req *r);

/** With anyone: which user of this host asks.  On loopback pid is 0 and gid (gid_t)-1.
 *  @return 0, or -ENOENT when it is not known (its socket has been closed) */
MAMS_MUST int mams_httpd_user(const struct mams_httpd_req *r, struct mams_unix_peer *out);
/** Is that user's process a member of a group?  False on loopback. */
bool mams_httpd_in_group(const struct mams_httpd_req *r, gid_t gid);
/** The process at the other end of a UNIX socket, as a pidfd of the caller's. @return it, -errno */
MAMS_MUST int mams_httpd_pidfd(const struct mams_httpd_req *r);

struct mams_httpd_header {
	const char *name;
	const char *value;
};

/** As mams_httpd_reply(), with headers h[n]. */
void mams_httpd_reply_with(struct mams_httpd_req *r, unsigned status, const char *content_type,
	const void *body, size_t len, const struct mams_httpd_header *h, size_t n);
/** Answer; r is invalid afterwards.
 *  @param content_type  NULL for none
 *  @param body  body[len], copied; NULL when len is 0 */
void mams_httpd_reply(struct mams_httpd_req *r, unsigned status, const char *content_type,
	const void *body, size_t len);

/** Counter rows, and the struct they point into. */
extern const struct mams_metric mams_httpd_metrics[];
extern const size_t mams_httpd_n_metrics;
const void *mams_httpd_counters(const struct mams_httpd *h);
