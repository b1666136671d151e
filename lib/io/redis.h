/** @file redis.h
 *  A Redis server, over TLS, in our loop: commands and one channel.  Layer: io.
 *  Protocol by hiredis, connection by libcurl.  Two connections, because one that is subscribed
 *  takes no commands.  What is lost is made again; what was under way when it was lost is told. */
#pragma once

#include "lib/base/err.h"
#include "lib/io/loop.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mams_redis;
struct mams_redis_reply;

struct mams_redis_opts {
	const char *server;        /**< "host:port" or "[address]:port" */
	const char *ca_file;       /**< PEM; required */
	const char *user;          /**< NULL: Redis's default user */
	const char *password_file; /**< first line; NULL: none */
	const char *channel;       /**< to be subscribed; NULL: none */
};

struct mams_redis_ops {
	void (*opened)(void *user); /**< authenticated and subscribed; commands are taken */
	void (*closed)(void *user); /**< after opened(); every waiting command was told before */
	void (*message)(void *user, const char *data, size_t len); /**< borrowed */
};

/** @param reply  borrowed; NULL: the connection was lost, the command may or may not have been
 *                carried out */
typedef void (*mams_redis_fn)(void *user, const struct mams_redis_reply *reply);

/** @param opts  copied
 *  @return 0, -MAMS_EMISSING, -MAMS_EDENIED, -errno; err names file or option */
MAMS_MUST int mams_redis_new(struct mams_loop *l, const struct mams_redis_opts *opts,
	const struct mams_redis_ops *ops, void *user, struct mams_redis **out,
	struct mams_error *err);
void mams_redis_free(struct mams_redis *r); /**< no callback any more; accepts NULL */
bool mams_redis_is_open(const struct mams_redis *r);

#define MAMS_REDIS_ARGS_MAX 12

/** @param argv  argv[n], NUL-terminated texts, copied
 *  @param fn  NULL: the reply is of no interest
 *  @return 0, -ENOTCONN, -MAMS_ELIMIT, -ENOMEM */
MAMS_MUST int mams_redis_command(
	struct mams_redis *r, mams_redis_fn fn, void *user, const char *const *argv, size_t n);

/** Put what has been commanded on its way now, not at the end of this turn. */
void mams_redis_flush(struct mams_redis *r);

/** The server's own words for an error; NULL: it is none. */
const char *mams_redis_error(const struct mams_redis_reply *reply);
int64_t mams_redis_integer(const struct mams_redis_reply *reply); /**< 0 when it is none */
/** Texts of an array, or the one text; NULL: absent or nil. */
size_t mams_redis_count(const struct mams_redis_reply *reply);
const char *mams_redis_text(const struct mams_redis_reply *reply, size_t i, size_t *len);
