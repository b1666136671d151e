/** @file httpd_private.h
 *  Connections and requests as the parts of httpd share them.  Layer: io, internal.
 *  httpd.c: server and libmicrohttpd's turn in the loop; httpd_conn.c: phases and deadlines of a
 *  connection; httpd_shake.c: its TLS handshake; httpd_req.c: authentication, body, answer of a
 *  request. */
#pragma once

#include "lib/base/buf.h"
#include "lib/base/log.h"
#include "lib/io/digest.h"
#include "lib/io/httpd.h"
#include "lib/io/httpd_auth.h"
#include "lib/io/httpd_listen.h"
#include "lib/io/keypair.h"
#include "lib/io/peers.h"
#include "lib/io/revoked.h"
#include "lib/io/shakes.h"

#include <microhttpd.h>
#include <sys/queue.h>

struct mams_httpd_counters {
	uint64_t connections;
	uint64_t connections_open;
	uint64_t refused_connections;
	uint64_t refused_per_ip;
	uint64_t without_request;
	uint64_t requests;
	uint64_t no_credentials;
	uint64_t wrong_password;
	uint64_t stale_nonce;
	uint64_t auth_unsupported;
	uint64_t bad_certificate;
	uint64_t body_too_long;
	uint64_t idle_timeouts;
	uint64_t slow_requests;
	uint64_t held_too_long;
	uint64_t clients_gone;
	uint64_t no_memory;
};

/** One deadline each, checked by one sweep. */
enum mams_httpd_phase {
	MAMS_HTTPD_IDLE,    /**< TLS handshake (request_ms), or waiting for a request (idle_ms) */
	MAMS_HTTPD_READING, /**< request line seen, body not complete: request_ms */
	MAMS_HTTPD_HELD,    /**< the owner has the request, MHD has it suspended: hold_ms */
	MAMS_HTTPD_WRITING, /**< an answer is on its way: request_ms */
};

/** Ours from accept() to libmicrohttpd's CLOSED notice. */
struct mams_httpd_conn {
	struct mams_httpd *h;
	struct MHD_Connection *mhd;
	int fd;
	struct mams_addr peer; /**< unset: of the UNIX socket */
	bool user_known;       /**< with opts.anyone */
	struct mams_unix_peer who;
	enum mams_httpd_phase phase;
	mams_time deadline;
	unsigned ticket; /* of httpd_listen */
	struct mams_peer *counted;
	bool seen_request;
	bool shut;                  /**< we have ended it; MHD has yet to notice */
	struct mams_loop_fd *watch; /**< HELD, or in its handshake: while MHD has it suspended */
	struct mams_shake shake;
	bool apart; /**< suspended in its handshake */
	struct mams_httpd_req *req;
	char *target; /**< of the request line, as it came */
	/** The certificate is verified once, and again when it has run out. */
	bool cert_checked;
	unsigned cert_generation; /**< of the revocation list it was checked by */
	enum mams_httpd_verdict cert;
	int64_t cert_expires;
	char identity[MAMS_HTTPD_IDENTITY_MAX]; /**< who was let in last; "": nobody */
	TAILQ_ENTRY(mams_httpd_conn) link;
};

struct mams_httpd_req {
	struct mams_httpd_conn *conn;
	char method[16];
	char *path;
	char identity[MAMS_HTTPD_IDENTITY_MAX];
	enum mams_httpd_verdict verdict;
	struct mams_buf body;
	size_t received; /**< octets of body, kept or not */
	void *per_request;
	bool in_callback;
	bool delivered; /**< the owner knows it */
	bool dropped;   /**< the client is gone: MHD is to close */
	struct MHD_Response *response;
	unsigned status;
};

struct mams_httpd {
	struct mams_loop *loop;
	const struct mams_httpd_ops *ops;
	void *user;
	struct mams_httpd_opts opts; /**< its numbers only */
	char *realm;
	char *digest_file;
	bool wants_certs;
	char *ca_file;
	char *crl_file;
	struct mams_keypair *keypair;   /**< NULL: no TLS */
	struct mams_revoked *revoked;   /**< NULL: none */
	unsigned generation;            /**< counts its replacements */
	struct mams_httpd_users *users; /**< NULL: no Digest */
	struct mams_digest *digest;     /**< NULL: no Digest */
	struct MHD_Daemon *mhd;
	struct mams_loop_fd *watch;
	struct mams_loop_timer *sweep;
	struct mams_httpd_listen *listen;
	struct mams_httpd_conn *adding; /**< between MHD_add_connection() and its notice */
	bool tls;
	struct mams_peers peers;
	struct mams_shakes shakes;
	/** Handshakes that go a step in MHD's next turn; NULL: has ended meanwhile. */
	struct mams_httpd_conn *shaken[MAMS_SHAKES_PER_TURN];
	size_t n_shaken;
	mams_time mhd_deadline;
	bool ready;               /**< MHD has something to do */
	unsigned char random[32]; /**< for its nonces; it keeps the pointer */
	char mhd_said[160];       /**< its last message, for errors at start */
	struct mams_log_rl refused;
	struct mams_log_rl dropped;
	struct mams_httpd_counters counters;
	TAILQ_HEAD(, mams_httpd_conn) conns;
};

void mams_httpd_conn_enter(struct mams_httpd_conn *c, enum mams_httpd_phase phase);
/** Suspend it in MHD and watch for its hang-up. @return 0 or a system error */
MAMS_MUST int mams_httpd_conn_hold(struct mams_httpd_conn *c);
/** Give a held one back to MHD, which then calls mams_httpd_req_handle() again. */
void mams_httpd_conn_unhold(struct mams_httpd_conn *c);
/** A new connection begins its TLS handshake. */
void mams_httpd_shake_begin(struct mams_httpd_conn *c);
/** Give it back to MHD, when it is suspended in its handshake. */
void mams_httpd_shake_give(struct mams_httpd_conn *c);
/** Its turn has come; of mams_shakes. */
void mams_httpd_shake_step(void *user, struct mams_shake *s);
/** The connection ends. */
void mams_httpd_shake_end(struct mams_httpd_conn *c);
/** MHD has had its turn: are those handshakes over? */
void mams_httpd_shake_look(struct mams_httpd *h);
/** Deadlines of all connections; a timer callback. */
void mams_httpd_conn_sweep(void *user);

/* libmicrohttpd's callbacks of a request, as its header has them. */
enum MHD_Result mams_httpd_req_handle(void *user, struct MHD_Connection *mhd, const char *url,
	const char *method, const char *version, const char *upload, size_t *upload_len,
	void **slot);
void *mams_httpd_req_line(void *user, const char *uri, struct MHD_Connection *mhd);
void mams_httpd_req_completed(
	void *user, struct MHD_Connection *mhd, void **slot, enum MHD_RequestTerminationCode why);
struct mams_httpd_conn *mams_httpd_conn_of(struct MHD_Connection *mhd);
/** Would he who was let in last be let in now, too?  True when nobody was. */
bool mams_httpd_conn_still(struct mams_httpd_conn *c);
