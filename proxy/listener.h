/** @file listener.h
 *  Listening sockets of both roles and what is accepted from them.  Layer: adapter of mams-proxy.
 *  Each worker has its own (SO_REUSEPORT).  They stay open for the life of the process: a join
 * needs a listener on its address and port (RFC 8684 3.2; measured). */
#pragma once

#include "proxy/worker.h"

enum px_listen_kind {
	PX_LISTEN_APP,         /**< client: plain TCP, redirected applications */
	PX_LISTEN_CONVERT,     /**< network: MPTCP, Convert message first */
	PX_LISTEN_TRANSPARENT, /**< network: MPTCP by TPROXY, the local address is the server's */
	PX_LISTEN_JOIN,        /**< network: MPTCP, additional subflows only */
};

struct px_listener {
	enum px_handle handle; /**< PX_HANDLE_LISTENER */
	int fd;
	enum px_listen_kind kind;
};

/** What to listen on, from the configuration. */
struct px_listen {
	enum px_listen_kind kind;
	struct mams_addr addr;
};

/** @return 0 or -errno */
MAMS_MUST int px_listener_open(
	const struct px_listen *l, const struct px_settings *set, struct px_listener *out);
/** Accept what waits, a bounded number. */
void px_listener_run(struct px_worker *w, struct px_listener *l);
