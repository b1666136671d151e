/** @file worker.h
 *  A share-nothing worker: one thread, one epoll set, its own TUN device, UDP sockets, sessions,
 *  timers and memory.  Layer: adapter.  A session belongs to one worker: the N-MADP's port tells
 *  which one for what comes from clients, a route to that worker's TUN device for what goes to
 *  them, so no packet ever changes threads.  The control thread gives orders through a mailbox and
 *  gets notes back. */
#pragma once

#include "lib/base/timerq.h"
#include "lib/io/tun.h"
#include "trailer-madp/classify.h"
#include "trailer-madp/coalesce.h"
#include "trailer-madp/counters.h"
#include "trailer-madp/note.h"
#include "trailer-madp/outbox.h"
#include "trailer-madp/session.h"

#include <pthread.h>

#define MADP_SOCKS_MAX 32u
#define MADP_USED_MAX 512u

/** First member of everything that epoll_event.data.ptr points to. */
enum madp_handle {
	MADP_HANDLE_MAILBOX,
	MADP_HANDLE_TUN,
	MADP_HANDLE_SOCK,
};

/** mams_timer.kind */
enum madp_timer_kind {
	MADP_TIMER_SESSION,
};

STAILQ_HEAD(madp_orders, madp_order);
STAILQ_HEAD(madp_touched, madp_session);

struct madp_mailbox {
	int handle;
	int fd;
	pthread_mutex_t lock;
	struct madp_orders orders; /**< under lock */
	bool stop;                 /**< under lock */
};

/** Limits of one worker. */
struct madp_limits {
	size_t sdu_octets; /**< longest SDU */
	size_t sdus;       /**< SDUs that wait, all sessions together */
	size_t windows;    /**< octets of windows and rings, all sessions together */
	uint32_t proofs;   /**< per second, that cost a MAC */
};

struct madp_worker {
	pthread_t thread;
	unsigned index;
	enum madp_role role;
	struct madp_limits limits;
	int epfd;
	mams_time now; /**< of this turn */
	struct madp_mailbox mailbox;
	int tun_handle;
	struct mams_tun tun;
	struct madp_sock sock[MADP_SOCKS_MAX]; /**< fd -1: free */
	struct mams_udp_rx *rx;
	struct madp_outbox out;
	struct madp_slab sdus; /**< SDUs that wait: for order, for a link, for being sent again */
	void *spare;           /**< one of them, for the next SDU */
	struct madp_reasm *reassembly;
	size_t windows; /**< octets in use */
	size_t windows_max;
	struct madp_coalesce coalesce;
	void *used[MADP_USED_MAX]; /**< SDUs given to coalesce, to be put back after its flush */
	size_t n_used;
	struct madp_session *ids;
	struct madp_session *anchors4;
	struct madp_session *anchors6;
	struct madp_path *peers;
	struct madp_session *only;    /**< client: the host's packets go there */
	struct madp_session *parting; /**< client: of the N-MADP that it has moved from; NULL */
	struct madp_touched touched;
	struct mams_timerq timers;
	uint32_t scopes;
	struct madp_classes *classes;
	uint8_t own_key[32];            /**< of server nonces */
	const struct madp_certs *certs; /**< borrowed */
	struct mams_dtls_context *dtls;
	uint8_t *clear; /**< a PDU that becomes a record */
	int64_t proof_second;
	uint32_t proofs;          /**< in that second */
	struct madp_notes *notes; /**< borrowed */
	struct madp_counters counters;
	uint8_t *tun_data; /**< [MAMS_TUN_HEADER + MAMS_TUN_PACKET] */
	uint8_t *whole;    /**< [MAMS_TUN_PACKET], an SDU that is being cut */
	bool stopping;
};

/** w->index, role, limits, certs, notes, tun and sock[].fd, local of the network role are set by
 * the caller, every other sock[].fd is -1, the rest is zero.  Descriptors are consumed. */
MAMS_MUST int madp_worker_start(struct madp_worker *w);
/** An order for it, consumed.  From the control thread. */
void madp_worker_order(struct madp_worker *w, struct madp_order *o);
/** End the sessions, end the thread, free everything. */
void madp_worker_stop(struct madp_worker *w);

/* ---- from the worker's own thread ---- */

MAMS_MUST int madp_worker_watch(struct madp_worker *w, int fd, void *handle);
void madp_worker_random(struct madp_worker *w, void *p, size_t len);
void madp_worker_tell(
	struct madp_worker *w, const struct madp_path *path, enum madp_note_kind kind);
/** With a reason, such as of a handshake that failed. */
void madp_worker_tell_why(struct madp_worker *w, const struct madp_path *path,
	enum madp_note_kind kind, const char *why);
/** TUN device -> links: what the device has, bounded. */
void madp_egress_run(struct madp_worker *w);
/** Send what the cores have become able to send. */
void madp_egress_pump(struct madp_worker *w, struct madp_session *s);
/** Links -> TUN device: what the socket has, bounded. */
void madp_ingress_run(struct madp_worker *w, struct madp_sock *sock);
/** Deliver what the cores have become able to deliver. */
void madp_ingress_pump(struct madp_worker *w, struct madp_session *s);
/** Where a datagram came from. @return false: neither IPv4 nor IPv6 */
bool madp_peer_key_of(
	const struct madp_sock *sock, const struct sockaddr *sa, struct madp_peer_key *k);

void madp_deliver_init(struct madp_worker *w);
/** One SDU in order, for the TUN device. @param pooled  one of w->sdus, given back after use */
void madp_deliver(struct madp_worker *w, const uint8_t *sdu, size_t len, void *pooled);
/** Write out what was coalesced and give its memory back. */
void madp_deliver_flush(struct madp_worker *w);

/** An SDU without Flow SN: an MX Control PDU? @return false: it is none */
bool madp_control_take(
	struct madp_worker *w, struct madp_path *path, const uint8_t *sdu, size_t len);
/** A datagram of an unknown sender: only the beginning of a proof is looked at. */
void madp_control_stranger(struct madp_worker *w, struct madp_sock *sock,
	const struct sockaddr *from, const uint8_t *data, size_t len);
/** Send what is due: proofs, and what the plane has to say. */
void madp_control_pump(struct madp_worker *w, struct madp_session *s);
/** When to ask again. */
mams_time madp_control_deadline(const struct madp_worker *w, const struct madp_session *s);
