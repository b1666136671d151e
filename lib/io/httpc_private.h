/** @file httpc_private.h
 *  The client and its exchanges as the parts of httpc share them.  Layer: io, internal.
 *  httpc.c: exchanges; httpc_ws.c: opening a WebSocket; httpc_pool.c: libcurl in the loop. */
#pragma once

#include "lib/base/buf.h"
#include "lib/base/log.h"
#include "lib/io/httpc.h"
#include "lib/io/httpc_pool.h"

#include <sys/queue.h>

/* One exchange; between exchanges an idle easy handle. */
struct mams_httpc_handle {
	struct mams_httpc *client;
	struct mams_httpc_pool *pool; /* NULL: idle */
	CURL *easy;
	char *kind; /* method and path without query */
	mams_httpc_fn cb;
	void *user;
	char *body;
	size_t body_len;
	struct curl_slist *headers;
	struct mams_buf answer;
	bool too_long;
	mams_time lives; /* its connection did then; NEVER: who knows */
	char error[CURL_ERROR_SIZE];
	TAILQ_ENTRY(mams_httpc_handle) link;
};

TAILQ_HEAD(handle_list, mams_httpc_handle);

struct mams_httpc {
	struct mams_loop *loop;
	unsigned refs; /**< its owner, and each connection that is not yet released */
	char *base_url;
	char *ca_file;
	char *cert_file;
	char *key_file;
	char *user;
	char *password;
	char *interface;
	struct curl_slist *via; /**< CONNECT_TO; NULL: none */
	uint32_t mark;
	unsigned connect_ms;
	size_t body_max;
	struct mams_httpc_pools *pools;
	size_t n_idle;
	struct mams_log_rl failures;
	struct handle_list active;
	struct handle_list idle;
};

/** libcurl may ask for the client's settings as long as a handle of it exists, which at the end of
 * a connection is until the turn's end: it is gone when the last has let go. */
void mams_httpc_ref(struct mams_httpc *c);
void mams_httpc_unref(struct mams_httpc *c);
/** Everything but the request itself: security, binding, sockets. */
void mams_httpc_set_up(struct mams_httpc *c, CURL *e, const char *interface);
/** As mams_httpc_fn has them. */
int mams_httpc_error(CURLcode code);
