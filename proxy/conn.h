/** @file conn.h
 *  One relayed connection: two legs, the pure flow state, and what it needs while it is being set
 * up. Layer: adapter of mams-proxy.  Lives in its worker's pool; an established idle one holds this
 *  struct and nothing else (less than 1 KiB). */
#pragma once

#include "proxy/convert.h"
#include "proxy/flow.h"
#include "proxy/worker.h"

#include <sys/epoll.h>

/** One socket of a connection, registered once, edge-triggered. */
struct px_leg {
	enum px_handle handle; /**< PX_HANDLE_LEG */
	int fd;                /**< -1 none */
	uint8_t side;
	bool readable; /**< recv() may succeed */
	bool writable;
	bool hangup; /**< the peer has ended: a short read is not the last one */
	bool failed; /**< EPOLLERR */
	bool mptcp;
	bool prompt;  /**< TCP_NODELAY is set */
	bool roomy;   /**< its receive buffer was looked after (room.h) */
	bool bounded; /**< its send buffer was (backlog.h) */
};

/** The leg that carries the uplink alone, once a flow is in two parts (apart.h). */
#define PX_LEG_UP 2
#define PX_LEGS 3

/** An attempt of the client role to reach the N-MADP over one path. */
struct px_try {
	enum px_handle handle; /**< PX_HANDLE_TRY */
	int fd;                /**< -1 none */
	uint8_t path;          /**< index into px_setup.paths */
	bool direct;           /**< straight to the server: no N-MADP, no Convert */
	bool ready;            /**< epoll said something */
	uint32_t sent;         /**< octets of the Convert message given to the kernel */
	mams_time started;
	struct px_conn *conn;
};

/** Needed until the relay starts, then returned to its pool. */
struct px_setup {
	uint8_t in[PX_CONVERT_MAX + 4]; /**< what the peer said first */
	uint32_t n_in;
	uint8_t out[PX_CONVERT_MAX];
	uint32_t n_out;
	struct px_convert_msg msg; /**< borrows in[] */
	bool fresh;                /**< network: epoll has not said anything of leg 0 yet */
	bool transparent;
	bool want_mptcp; /**< network: the client asks for MPTCP towards the server */
	bool counted;    /**< network: stands in its client's pending requests */
	uint32_t source; /**< network: slot in the worker's sources; UINT32_MAX none */
	/* client role */
	struct px_path paths[PX_PATHS_MAX]; /**< copy of the configuration this race runs on */
	size_t n_paths;
	uint8_t order[PX_PATHS_MAX];
	size_t next;    /**< next entry of order[] to try */
	uint32_t round; /**< how often order[] was walked through */
	uint8_t winner; /**< index into paths */
	bool early;     /**< client: application data may precede the converter's answer */
	uint8_t cookie[PX_CONVERT_COOKIE_MAX]; /**< client: to present; secret */
	uint32_t n_cookie;
	uint32_t cookie_tries;
	bool gone_direct;
	bool narrowed;   /**< client: paths are those of a flow class only */
	bool left_class; /**< client: these did not work */
	mams_time begun;
	mams_time next_at; /**< when to try the next path */
	struct px_try tries[PX_PATHS_MAX];
};

/** What makes two connections one flow (apart.h). */
struct px_part {
	uint64_t flow; /**< its number; 0 none */
	struct px_conn
		*twin;  /**< client: between the flow and its second connection, in the making */
	bool second;    /**< this is a second connection: it has one leg, and becomes a leg */
	bool refused;   /**< client: not again */
	uint32_t token; /**< of PX_LEG_UP, as reported to the plugin */
	uint8_t in[PX_CONVERT_TURN]; /**< network: what PX_LEG_UP has said so far */
	uint8_t n_in;
};

struct px_conn {
	struct px_leg leg[PX_LEGS];
	uint8_t from[2]; /**< leg that direction d comes over */
	uint8_t to[2];   /**< and goes to */
	struct px_flow flow;
	struct px_buf *held[2]; /**< octets of direction d the far leg did not take */
	struct px_setup *setup; /**< NULL once relaying */
	struct px_client *client;
	struct mams_timer timer;
	mams_time deadline; /**< of the current phase, before the relay */
	uint8_t dscp;       /**< client: of the application's SYN */
	struct mams_addr server;
	uint32_t token; /**< of an MPTCP connection reported to the plugin; 0 none */
	uint8_t gauge;  /**< network: 1 + its place in the worker's gauge; 0: none */
	bool unseen;    /**< network: octets moved while it had no place there */
	uint32_t only;  /**< client: paths that the plugin was told of, as bits; 0 any */
	uint32_t group; /**< client: of the path that was taken */
	mams_time won;  /**< client: when it was */
	struct px_part part;
	uint8_t backlog; /**< 1 + its place in the worker's backlog; 0: none */
	bool queued;     /**< in the run queue */
	bool filling;    /**< its receive buffers are looked at (room.h) */
	bool tuned;      /**< keepalive is set */
	bool ended;
	bool v4;
	TAILQ_ENTRY(px_conn) run;
	LIST_ENTRY(px_conn) all;
	LIST_ENTRY(px_conn) fill;
	LIST_ENTRY(px_conn) named; /**< network: when part.flow is set */
};

/** What is known of a socket before it becomes a leg. */
enum px_socket {
	PX_SOCKET_MPTCP = 1,     /**< it may be MPTCP; never wrongly left out */
	PX_SOCKET_CONNECTED = 2, /**< it can be written to */
	PX_SOCKET_ABORTS = 4,    /**< close() resets already: set, or inherited of its listener */
	PX_SOCKET_PROMPT = 8,    /**< TCP_NODELAY is set, or inherited */
};

/** A new connection around an accepted socket (consumed; -1: none yet); NULL when a limit or memory
 * is reached.
 *  @param mptcp  the socket is MPTCP */
struct px_conn *px_conn_new(struct px_worker *w, int fd, enum px_phase phase, bool mptcp);
/** Client role: tell the control thread that flows move (again). */
void px_conn_awake(struct px_worker *w);
/** Give leg side its connected or connecting socket and watch it; consumed on success.
 *  @param known  of enum px_socket */
MAMS_MUST int px_conn_attach(
	struct px_worker *w, struct px_conn *c, int side, int fd, unsigned known);
/** Do what the flow state asks for.  @return false when the connection has ended */
bool px_conn_settle(struct px_worker *w, struct px_conn *c);
/** A leg of another connection becomes PX_LEG_UP of c. @return 0 or -errno; then it stays */
MAMS_MUST int px_conn_adopt(struct px_worker *w, struct px_conn *c, struct px_leg *leg);
/** Keep octets of direction dir that came with the first message.  @return 0 or -ENOMEM */
MAMS_MUST int px_conn_keep(
	struct px_worker *w, struct px_conn *c, int dir, const uint8_t *data, size_t len);
/** Put into the run queue. */
void px_conn_wake(struct px_worker *w, struct px_conn *c);
/** Set the deadline of a phase before the relay, or re-arm for the relay. */
void px_conn_arm(struct px_worker *w, struct px_conn *c, mams_time when);
/** Both legs are joined: free the setup, start relaying. */
void px_conn_relay(struct px_worker *w, struct px_conn *c);
/** End it: abort resets both sides, otherwise both are closed in order. */
void px_conn_end(struct px_worker *w, struct px_conn *c, bool abort);
/** Something to do: called from the run queue. */
void px_conn_run(struct px_worker *w, struct px_conn *c);
void px_conn_timeout(struct px_worker *w, struct px_conn *c);
/** Free what ended during this turn. */
void px_conn_bury(struct px_worker *w);
/** The request is answered or gone: it no longer counts against its client and address. */
void px_conn_release_pending(struct px_worker *w, struct px_conn *c);

/** Phases, one file each. */
void px_hello_run(struct px_worker *w, struct px_conn *c);  /**< hello.c */
void px_origin_run(struct px_worker *w, struct px_conn *c); /**< origin.c */
void px_origin_timeout(struct px_worker *w, struct px_conn *c);
void px_race_run(struct px_worker *w, struct px_conn *c); /**< race.c */
void px_race_timeout(struct px_worker *w, struct px_conn *c);
/** Client: what its subflows have told of the paths, before it ends. */
void px_race_learn(struct px_worker *w, const struct px_conn *c);
void px_confirm_run(struct px_worker *w, struct px_conn *c); /**< confirm.c */
void px_answer_run(struct px_worker *w, struct px_conn *c);  /**< answer.c */

/** What follows accept(): wait for the Convert message, connect to c->server, race the paths. */
void px_hello_start(struct px_worker *w, struct px_conn *c);
void px_origin_start(struct px_worker *w, struct px_conn *c);
void px_race_start(struct px_worker *w, struct px_conn *c);
/** Once more, with the cookie the converter has just given; closes leg 1. */
void px_race_again(struct px_worker *w, struct px_conn *c, struct px_octets cookie);
/** Client: the plugin learns which paths this connection may use, where flow classes are set. */
void px_bind_class(struct px_worker *w, struct px_conn *c);
/** The connection carries one direction from now on. */
void px_bind_part(struct px_worker *w, struct px_conn *c);
/** The classes, or the lists, may have changed: tell the plugin of every connection that is now of
 * another. */
void px_bind_again(struct px_worker *w);
/** What the plugin was told of this connection, told again. */
void px_bind_tell(struct px_worker *w, struct px_conn *c);
/** Close all attempts; for px_conn_end(). */
void px_race_drop(struct px_conn *c);

void px_hello_bind(struct px_worker *w, struct px_conn *c);
/** Error 3 with a cookie bound to the address where the configuration says so, else error 32. */
void px_answer_missing_cookie(struct px_worker *w, struct px_conn *c);
/** Is it the cookie bound to this client's address? */
bool px_answer_is_our_cookie(struct px_worker *w, struct px_conn *c, struct px_octets cookie);
/** Send a complete Convert message and wait for the client to go. */
void px_answer_send(struct px_worker *w, struct px_conn *c, const uint8_t *data, size_t len);
/** Answer with an Error TLV and wait for the client to go (RFC 8803 6.2.8); in transparent mode,
 *  where nobody speaks Convert, reset. */
void px_answer_error(struct px_worker *w, struct px_conn *c, enum px_convert_code code,
	uint8_t first, struct px_octets rest);
