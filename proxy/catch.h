/** @file catch.h
 *  Client role: redirects new TCP connections of applications to our listeners by nftables.
 *  Layer: adapter of mams-proxy (libnftables).  One table, "inet mams", owned by this process: the
 *  kernel removes it when the process ends, however it ends, and nobody else can change it. */
#pragma once

#include "proxy/config.h"

struct px_catch;

/** @param conf  borrowed */
MAMS_MUST int px_catch_new(const struct px_conf *conf, struct px_catch **out);
void px_catch_free(struct px_catch *c); /**< removes the table; accepts NULL */
/** Catch from now on; proxies[n] are exempt besides what the configuration says.
 *  @return 0 or -EIO; err tells what nftables said */
MAMS_MUST int px_catch_on(
	struct px_catch *c, const struct mams_addr *proxies, size_t n, struct mams_error *err);
/** New connections go where they want.
 *  @param running  connections are still relayed: a chain that catches nothing stays for them,
 *                  because the kernel translates addresses only while there is one;
 *                  px_catch_drained() removes it */
void px_catch_off(struct px_catch *c, bool running);
/** No connection is relayed any more. */
void px_catch_drained(struct px_catch *c);
bool px_catch_is_on(const struct px_catch *c);
bool px_catch_is_draining(const struct px_catch *c);
