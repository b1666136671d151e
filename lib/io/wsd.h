/** @file wsd.h
 *  WebSocket server of the control plane: TLS by GnuTLS, the opening handshake of RFC 6455, and who
 *  the client is, as httpd.h has it.  Layer: io.  Source: RFC 8743 7.1, 14.1 (wss).
 *
 *  Why not on libmicrohttpd's upgrade: in 0.9.75 an upgraded TLS connection is forwarded through
 *  buffers of four octets, a TLS record for each, and the client's end never reaches the program.
 */
#pragma once

#include "lib/io/httpd.h"
#include "lib/io/ws.h"

struct mams_wsd;

/** A client has been let in.  pipe is for mams_ws_new(); whoever has it frees it before
 *  mams_wsd_free().  identity and peer are borrowed for the call. */
typedef void (*mams_wsd_fn)(void *user, const char *identity, const struct mams_addr *peer,
	const struct mams_pipe *pipe);

/** Start listening.
 *  @param opts  as for httpd; body_max, idle_ms and hold_ms do not apply
 *  @param path  the one there is, copied
 *  @return as mams_httpd_new() */
MAMS_MUST int mams_wsd_new(struct mams_loop *l, const struct mams_httpd_opts *opts,
	const char *path, mams_wsd_fn fn, void *user, struct mams_wsd **out,
	struct mams_error *err);
void mams_wsd_free(struct mams_wsd *d); /**< accepts NULL; not from within fn */
/** Read certificate and key, Digest file and revocation list again; what is wrong leaves the old
 * one in force.  Connections of clients who would not be let in any more end.
 *  @param fn  of each of them; NULL: nobody wants to know */
MAMS_MUST int mams_wsd_reload(
	struct mams_wsd *d, mams_expelled_fn fn, void *user, struct mams_error *err);

extern const struct mams_metric mams_wsd_metrics[];
extern const size_t mams_wsd_n_metrics;
const void *mams_wsd_counters(const struct mams_wsd *d);
