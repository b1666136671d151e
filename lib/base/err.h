/** @file err.h
 *  Error codes, parse-error detail, assertion for bugs, cleanup macros.  Layer: base.
 *  Functions return int: 0, -errno for system errors, or -MAMS_E... for our own codes; results go
 *  through the last pointer.  Nothing below main.c calls exit(). */
#pragma once

#include <stddef.h>
#include <stdlib.h>

#define MAMS_MUST __attribute__((warn_unused_result))
#define MAMS_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

/** Own codes, in a range apart from errno.  Returned negated, like errno values. */
enum mams_err {
	MAMS_ETRUNC = 4096, /**< input shorter than its own lengths demand */
	MAMS_EPROTO,        /**< input breaks the protocol's syntax */
	MAMS_EVALUE,        /**< a value is outside its range */
	MAMS_EMISSING,      /**< a required element is absent */
	MAMS_EUNKNOWN,      /**< unknown name, type, id or session */
	MAMS_ESTATE,        /**< not allowed in this state or direction */
	MAMS_EPEER,         /**< the peer refused or answered wrongly */
	MAMS_ELIMIT,        /**< a size, count or rate limit is reached */
	MAMS_EDENIED,       /**< authenticated, but not allowed */
};

/** Words for a return value of any mams_ function (negative or positive code). */
const char *mams_strerror(int err);

/** Detail of a parse error, owned by the caller; every parser accepts NULL in its place. */
struct mams_error {
	char text[160];  /**< what is wrong and what would be right */
	char where[128]; /**< path such as mx_capability_req.anchor_connections[2].connection_id */
	int line;        /**< line of a file, 0 where there is none */
};

/** Fill err (may be NULL) and return -code, so a parser can write: return mams_fail(...).
 *  @param where  path of the offending element, may be NULL */
int mams_fail(struct mams_error *err, int code, const char *where, const char *fmt, ...)
	MAMS_PRINTF(4, 5);

/** For bugs only, never for input: always on, prints and aborts. */
#define mams_assert(cond) ((cond) ? (void)0 : mams_assert_failed(#cond, __FILE__, __LINE__))
void mams_assert_failed(const char *cond, const char *file, int line) __attribute__((noreturn));

/** Overwrite a secret so that the compiler cannot leave it out. */
void mams_wipe(void *p, size_t len);

static inline void mams_cleanup_free(void *p)
{
	free(*(void **)p);
}
void mams_cleanup_fd(int *fd);
/** Scope-bound release of local memory and descriptors (style rule 5-6): nowhere else. */
#define MAMS_AUTO_FREE __attribute__((cleanup(mams_cleanup_free)))
#define MAMS_AUTO_FD __attribute__((cleanup(mams_cleanup_fd)))

#define MAMS_ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define MAMS_CONTAINER_OF(ptr, type, member)                                                       \
	((type *)(void *)((char *)(ptr)-offsetof(type, member)))
