/** @file httpc_pool.h
 *  libcurl's multi handles in our loop.  Layer: io, internal to httpc.
 *  Idle connections cannot be closed one by one: they belong to a multi handle.  So there is one
 *  current, which takes new exchanges, and retired ones, which live until their last exchange has
 *  ended and then close what they have. */
#pragma once

#include "lib/base/err.h"
#include "lib/io/loop.h"

#include <curl/curl.h>

struct mams_httpc_pools;
struct mams_httpc_pool;

/** An exchange has ended; it is still to be removed. */
typedef void (*mams_httpc_done_fn)(void *user, CURL *easy, CURLcode code);

MAMS_MUST int mams_httpc_pools_new(
	struct mams_loop *l, mams_httpc_done_fn done, void *user, struct mams_httpc_pools **out);
/** Every exchange has been removed; accepts NULL.  Not from within done(). */
void mams_httpc_pools_free(struct mams_httpc_pools *s);
/** From now on a fresh one is current. */
void mams_httpc_pools_retire(struct mams_httpc_pools *s);

/** Start an exchange; *out is what removes it again. */
MAMS_MUST int mams_httpc_pools_add(
	struct mams_httpc_pools *s, CURL *easy, struct mams_httpc_pool **out);
/** Its connection is closed when the exchange is unfinished, else kept. */
void mams_httpc_pool_remove(struct mams_httpc_pool *p, CURL *easy);
