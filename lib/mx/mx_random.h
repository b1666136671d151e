/** @file mx_random.h
 *  A random valid message of a type, from the rows of mx_tables.c: presence, ranges, names, lists;
 *  then the rules between fields are made to hold.  Layer: mx (pure); a library for tests only.
 *  Messages stay below MX_MAX_BYTES when encoded. */
#pragma once

#include "lib/mx/mx.h"

/** Where the randomness comes from. */
struct mx_random {
	uint64_t (*below)(void *user, uint64_t n); /**< uniform in 0..n-1; n > 0 */
	void *user;
	size_t text_left; /**< octets of long texts the message may still have */
};

/** @return a message the caller frees with mx_msg_free(); NULL on ENOMEM or when we do not know
 *          the type */
struct mx_msg *mx_random_msg(struct mx_random *r, enum mx_type type);
