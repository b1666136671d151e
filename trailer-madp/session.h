/** @file session.h
 *  One client's session in its worker.  Layer: adapter. */
#pragma once

#include "lib/base/timerq.h"
#include "trailer-madp/account.h"
#include "trailer-madp/concat.h"
#include "trailer-madp/guard.h"
#include "trailer-madp/nat.h"
#include "trailer-madp/outbox.h"
#include "trailer-madp/plane.h"
#include "trailer-madp/proof.h"
#include "trailer-madp/reassembly.h"
#include "trailer-madp/settings.h"

#include <netinet/in.h>
#include <sys/queue.h>
#include <uthash.h>

/* Of more sessions than a cache holds, each step along a chain waits for memory: short chains. */
#undef HASH_BKT_CAPACITY_THRESH
#define HASH_BKT_CAPACITY_THRESH 5U

struct madp_worker;

/** Where datagrams of a proven peer come from: our socket, their address and port. */
struct madp_peer_key {
	uint8_t ip[16];
	uint16_t port; /**< network order */
	uint8_t family;
	uint8_t sock; /**< struct madp_sock.index */
};

/** Small SDUs of one class that leave together at the end of a turn. */
struct madp_collect {
	uint8_t *buf; /**< of the worker's sdus; NULL: nothing is collected */
	enum madp_gma_form form;
	uint8_t cls;
	struct madp_concat concat;
};

/** What each packet needs comes first. */
struct madp_path {
	struct madp_session *session;
	struct madp_link_count *count;
	struct madp_sock *sock; /**< NULL: no peer is known yet */
	struct madp_message *message;
	uint8_t slot;
	uint8_t cid;
	uint8_t connection_id; /**< anchor << 4 | delivery */
	uint8_t outer;         /**< octets around a PDU: IP and UDP header, DTLS record */
	bool used;
	bool proven;
	bool ipsec;  /**< nothing but inside an association; network: sock->inside */
	bool nat_on; /**< client NAT; all PDUs have the trailer then */
	uint32_t mtu;
	socklen_t peer_len;
	struct sockaddr_in6 peer;  /**< or sockaddr_in */
	struct madp_prover prover; /**< client */
	struct madp_collect collect;
	struct madp_guard guard;
	enum madp_nat_side nat_side; /**< of PDUs that leave */
	struct madp_nat nat;
	uint32_t generation; /**< network: proofs accepted */
	struct madp_peer_key key;
	UT_hash_handle hh;
};

/** What a turn needs comes first, then the plane with what it needs. */
struct madp_session {
	struct madp_session_set *set; /**< owned */
	struct madp_account *account;
	STAILQ_ENTRY(madp_session) turn;
	struct mams_timer timer;
	mams_time due;             /**< when it wanted to be looked after, at the latest */
	mams_time gauged;          /**< when the account was last told what is measured */
	mams_time data_at;         /**< of the last packet that came; of its parting */
	uint32_t scope;            /**< of the class cache */
	uint32_t incarnation;      /**< of this state of ours */
	uint32_t peer_incarnation; /**< 0: not heard yet */
	uint32_t told_incarnation; /**< network: of the peer whose reports were noted */
	madp_linkset paths;        /**< path[] that are used */
	bool parting;              /**< client: it has moved to another N-MADP */
	bool touched;              /**< stands in the worker's list of this turn */
	struct madp_plane plane;
	struct madp_path path[MADP_LINKS_MAX];
	struct madp_reasm_session reassembly;
	UT_hash_handle by_id;
	UT_hash_handle by_anchor4;
	UT_hash_handle by_anchor6;
};

/** What the control thread asks of a worker. */
struct madp_order {
	STAILQ_ENTRY(madp_order) next;
	uint64_t id;                  /**< session */
	struct madp_session_set *set; /**< NULL: the session ends; consumed */
	struct madp_account *account; /**< a reference moves */
	int fd[MADP_LINKS_MAX];       /**< client: sockets of set->link[i]; -1: as before */
	int out[MADP_LINKS_MAX];      /**< of those with client NAT, else -1 */
	bool moves;                   /**< client: set is for another N-MADP */
	bool losing;                  /**< set is NULL, and nothing ends but this link's path: */
	uint8_t lost;                 /**< connection id */
};

/** Carry out an order; it is consumed. */
void madp_session_order(struct madp_worker *w, struct madp_order *o);
/** Is there a link to send on? */
bool madp_session_carries(const struct madp_session *s);
/** Client: does the host's next packet go to the N-MADP that it has moved to? */
void madp_session_succeed(struct madp_worker *w, struct madp_session *s);
/** A session whose client has moved to another N-MADP ends when nothing more comes from there.
 *  @param next  when to look again, at the latest
 *  @return it has, and is freed */
bool madp_session_part(struct madp_worker *w, struct madp_session *s, mams_time *next);
/** End all sessions. */
void madp_session_end_all(struct madp_worker *w);
/** A proof says of which incarnation the peer is: of another one Flow SNs begin anew. */
void madp_session_meet(struct madp_worker *w, struct madp_session *s, uint32_t incarnation);
/** The peer of a path is proven: network: at this address from now on. */
void madp_session_prove(struct madp_worker *w, struct madp_path *path, struct madp_sock *sock,
	const struct sockaddr *from);
/** The path carries: the peer is proven and, where it must be, protected. */
void madp_session_ready(struct madp_worker *w, struct madp_path *path);
/** It does not any more. */
void madp_session_lost(struct madp_worker *w, struct madp_path *path);
/** The path is about to be looked up by its key. */
void madp_path_fetch(const struct madp_path *path);
/** A datagram of the path is about to be taken: what it and a turn of the session need begins to
 *  come into the cache. */
void madp_session_fetch(const struct madp_path *path);
/** Something happened to the session: look after it at the end of this turn. */
void madp_session_touch(struct madp_worker *w, struct madp_session *s);
/** Look after it: control PDUs, what waits, events, next deadline. */
void madp_session_turn(struct madp_worker *w, struct madp_session *s);
