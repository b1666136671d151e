/** @file httpc.h
 *  HTTPS client of the control plane: libcurl multi in our loop.  Layer: io.
 *  Source: seed draft 4.1, 9.1 (https, TLS, HTTP Digest, client certificates preferred).
 *  One client talks to one server at a time (mams_httpc_set_base() changes it); connections are
 * kept alive, and requests run in parallel on their own connections. */
#pragma once

#include "lib/base/err.h"
#include "lib/io/loop.h"
#include "lib/io/pipe.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mams_httpc;
struct mams_httpc_handle;

#define MAMS_HTTPC_BODY_MAX 131072u

/** Strings are copied.  Zero means the default in brackets. */
struct mams_httpc_opts {
	const char *base_url;      /**< "https://host:port", without a path */
	const char *ca_file;       /**< PEM; the only authorities believed; required */
	const char *cert_file;     /**< PEM client certificate, NULL for none */
	const char *key_file;      /**< PEM; refused when readable by group or others */
	const char *digest_user;   /**< NULL: no Digest */
	const char *password_file; /**< first line; refused when readable by group or others */
	const char *interface;     /**< "if!NAME" or "host!ADDRESS" to bind to; NULL for any */
	uint32_t mark;             /**< SO_MARK of the sockets; needs CAP_NET_ADMIN; 0 for none */
	unsigned connect_ms;       /**< TCP and TLS [3000] */
	size_t body_max;           /**< octets of an answer [131072] */
};

struct mams_httpc_request {
	const char *method; /**< "GET" or "POST" */
	const char *path;   /**< with the leading slash, query included */
	const void *body;   /**< body[len], copied; POST only */
	size_t len;
	const char *content_type; /**< NULL: application/json */
	unsigned timeout_ms;      /**< of the whole exchange; 0 for none */
	const char *interface;    /**< overrides the client's; NULL keeps it */
};

/** The exchange is over; called from the loop, never from mams_httpc_send().
 *  @param status  HTTP status, or -ETIMEDOUT, -ECONNREFUSED (no connection), -EADDRNOTAVAIL (the
 *                 interface or address to bind to), -ECONNRESET (connection lost), -MAMS_EDENIED
 *                 (the server's certificate, or ours unreadable), -MAMS_ELIMIT (answer too long),
 *                 -MAMS_EPEER (other)
 *  @param body  body[len], NUL-terminated, borrowed for the call */
typedef void (*mams_httpc_fn)(void *user, int status, const char *body, size_t len);

MAMS_MUST int mams_httpc_new(struct mams_loop *l, const struct mams_httpc_opts *opts,
	struct mams_httpc **out, struct mams_error *err);
/** Cancels what runs, without callbacks.  Accepts NULL.  Not from within a mams_httpc_fn. */
void mams_httpc_free(struct mams_httpc *c);

/** Requests started from now on go to another server. */
MAMS_MUST int mams_httpc_set_base(struct mams_httpc *c, const char *base_url);
const char *mams_httpc_base(const struct mams_httpc *c);
/** Connect elsewhere than the base URL says, whose name the certificate still must have.
 *  @param via  as libcurl's CONNECT_TO has it, "::host:port"; NULL: not */
MAMS_MUST int mams_httpc_set_via(struct mams_httpc *c, const char *via);
/** Bind connections made from now on; NULL for any.  Idle connections are closed. */
MAMS_MUST int mams_httpc_set_interface(struct mams_httpc *c, const char *interface);
/** Patience with connections made from now on. */
void mams_httpc_set_connect_ms(struct mams_httpc *c, unsigned ms);
/** Close idle connections, so that the next request starts afresh (after a link change). */
void mams_httpc_close_idle(struct mams_httpc *c);

/** @param out  valid until cb is called or mams_httpc_cancel(); may be NULL */
MAMS_MUST int mams_httpc_send(struct mams_httpc *c, const struct mams_httpc_request *req,
	mams_httpc_fn cb, void *user, struct mams_httpc_handle **out);
/** Ends the exchange and its connection at once; cb is not called; accepts NULL. */
void mams_httpc_cancel(struct mams_httpc_handle *x);

/* ---- a connection and nothing else ---- */

struct mams_httpc_pipe;

/** The attempt is over; called from the loop.
 *  @param status  0, or as for mams_httpc_fn
 *  @param why  words for a log line
 *  @param pipe  with 0 only; copied; its close() ends the connection */
typedef void (*mams_httpc_pipe_fn)(
	void *user, int status, const char *why, const struct mams_pipe *pipe);

/** Connect with all that the client has been told of TLS, certificates and binding.
 *  @param out  valid until cb is called or mams_httpc_pipe_cancel() */
MAMS_MUST int mams_httpc_pipe_open(
	struct mams_httpc *c, mams_httpc_pipe_fn cb, void *user, struct mams_httpc_pipe **out);
void mams_httpc_pipe_cancel(struct mams_httpc_pipe *x); /**< without cb; accepts NULL */

/* ---- WebSocket ---- */

struct mams_httpc_ws;

/** The opening handshake is over; called from the loop.
 *  @param status  101, another HTTP status, or as for mams_httpc_fn
 *  @param pipe  with 101 only: for mams_ws_new() */
typedef void (*mams_httpc_ws_fn)(void *user, int status, const struct mams_pipe *pipe);

/** Connect, authenticate and upgrade, on a connection of its own (RFC 6455 4.1).
 *  @param path  with the leading slash
 *  @param timeout_ms  of the whole handshake
 *  @param out  valid until cb is called or mams_httpc_ws_cancel() */
MAMS_MUST int mams_httpc_ws_open(struct mams_httpc *c, const char *path, unsigned timeout_ms,
	mams_httpc_ws_fn cb, void *user, struct mams_httpc_ws **out);
void mams_httpc_ws_cancel(struct mams_httpc_ws *x); /**< without cb; accepts NULL */
