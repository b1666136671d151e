/** @file settings.h
 *  The configuration of one session, immutable once published and replaced as a whole.  Layer:
 *  adapter.  The control thread builds it from a ctl message; the session's worker owns it then. */
#pragma once

#include "lib/base/addr.h"
#include "trailer-madp/gma.h"
#include "trailer-madp/links.h"
#include "trailer-madp/probe.h"
#include "trailer-madp/sched.h"

enum madp_role { MADP_ROLE_CLIENT, MADP_ROLE_NETWORK };

#define MADP_NAME 64    /**< octets of an identity with its NUL */
#define MADP_KEY_MIN 16 /**< octets of a session's secret */
#define MADP_KEY_MAX 64

struct madp_rules;

/** One delivery connection. */
struct madp_link_set {
	char name[MADP_NAME];
	uint8_t cid;             /**< delivery connection id, 0..15 */
	uint32_t mtu;            /**< of the link, outer headers included; less what IPsec takes */
	struct mams_addr local;  /**< client: the link's address */
	struct mams_addr remote; /**< client: the N-MADP's address and port */
	char device[16];         /**< client: the interface; "": by address only */
	uint16_t port;           /**< client: of its socket */
	uint64_t rate;           /**< first estimate, bit/s; 0 unknown */
	uint64_t bound;          /**< upper bound, bit/s; 0 none */
	bool dtls;               /**< nothing but the proof goes in the clear */
	bool client_nat;         /**< PDUs without a tunnel, with the link's address */
	bool ipsec;              /**< inside an association; network: at an address kept for that */
	bool outer6;             /**< its addresses are, or for all we know may be, of IPv6 */
};

/** A direction of a class; links are connection ids, the worker makes slots of them. */
struct madp_class_set {
	char name[MADP_NAME];
	bool used;
	struct madp_treat send;
	bool peer_lossless; /**< the other end keeps and sends again */
	bool pass_late;
	bool peer_splits;
	bool peer_repeats; /**< it sends on all links at once */
	bool peer_needs_reports;
	enum madp_mode ul;
	enum madp_mode dl;
};

struct madp_session_set {
	char client[MADP_NAME];
	uint64_t id;
	uint8_t key[MADP_KEY_MAX];
	size_t key_len;
	struct mams_addr anchor4; /**< of the client inside the tunnel; unset: none */
	struct mams_addr anchor6;
	uint8_t anchor_cid; /**< anchor connection id, 0..15 */
	uint16_t mtu;       /**< of SDUs */
	uint16_t control_port;
	struct madp_gma_rules gma;
	bool fragmentation; /**< cut what is too long for a link */
	bool concatenation; /**< send small ones together */
	struct madp_probe_conf probe;
	struct madp_link_set link[MADP_LINKS_MAX];
	size_t n_links;
	struct madp_class_set cls[MADP_CLASSES_MAX];
	struct madp_rules *rules; /**< owned; never NULL; not changed after it was fitted */
};

struct madp_session_set *madp_session_set_new(void); /**< NULL on ENOMEM */
/** It is complete: give back the memory of rules that it has not. */
void madp_session_set_fit(struct madp_session_set *s);
void madp_session_set_free(struct madp_session_set *s); /**< accepts NULL; wipes the key */
bool madp_session_set_same_key(const struct madp_session_set *a, const struct madp_session_set *b);
/** The largest packet inside that goes over every link in one piece, with the longest encapsulation
 *  of the session's packets; not more than it was told.  When what is too long is cut, what it was
 * told. Never less than a host must take: 1280 with IPv6 inside, 576 (RFC 8200 5, RFC 791). */
uint16_t madp_session_set_mtu(const struct madp_session_set *s);
/** Octets around a PDU: IP and UDP header, DTLS record. */
uint8_t madp_outer(bool client_nat, bool dtls, bool v6);
/** The same link, to the same peer, from the same address? */
bool madp_link_set_same(const struct madp_link_set *a, const struct madp_link_set *b);
