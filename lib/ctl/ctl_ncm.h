/** @file ctl_ncm.h
 *  ctl messages between NCM instances that share sessions, by the shared store.  Layer: ctl (pure).
 *  Included by ctl_msg.h. */
#pragma once

#include "lib/base/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ctl_peer_kind {
	CTL_PEER_TAKE,    /**< to the session's instance: its client has said text */
	CTL_PEER_TAKEN,   /**< the answer */
	CTL_PEER_ATTACH,  /**< its client can be reached by us */
	CTL_PEER_DETACH,  /**< no longer */
	CTL_PEER_DELIVER, /**< from the session's instance: text for the client */
	CTL_PEER_RETURN,  /**< it could not be delivered: the client is gone from us */
	CTL_PEER_DISMISS, /**< it is not to be reached by you any more */
	CTL_PEER_STEER,   /**< to the session's instance: text is an operator's CTL_STEER */
	CTL_PEER_STEERED, /**< the result */
	CTL_PEER_HELLO,   /**< we have Redis (again): tell us once more what we may have missed */
};

/** Between the instances that share sessions.  Members that a kind does not use are absent. */
struct ctl_ncm_peer {
	int kind;           /**< enum ctl_peer_kind */
	const char *from;   /**< the instance that says it */
	const char *client; /**< identity */
	uint32_t transport; /**< TAKE, ATTACH: enum ncm_transport */
	struct mams_addr address;
	uint16_t port;
	const char *text; /**< secret: an MX message, or an operator's request */
	uint32_t number;  /**< TAKE, TAKEN, STEER, STEERED: which */
	uint32_t
		outcome; /**< TAKEN: enum ncm_outcome; DISMISS: enum ncm_dismissal; STEERED: code */
	bool known;      /**< TAKEN: the client has a session */
	const char *where; /**< TAKEN: of the error */
	const char *words;
};

struct ctl_ncm_link {
	uint8_t connection_id;
	uint8_t type; /**< enum mx_connection_type */
	bool up;
	struct mams_addr address;
	uint32_t mtu;
	bool in_setup;
	struct mams_addr setup_address;
	bool confirmed;
	uint32_t report_num;
	bool has_left;
	bool left; /**< the client has announced that it leaves it */
	bool has_moved;
	bool moved; /**< it goes on elsewhere, and is not confirmed there yet */
};

struct ctl_ncm_anchor {
	uint8_t connection_id;
	const char *madp; /**< NULL: none */
	uint32_t dl;      /**< bits of connection ids */
	uint32_t ul;
	uint8_t dl_mode; /**< 1 + mode; 0: none named */
	uint8_t ul_mode;
	uint32_t off; /**< bits of enum mx_feature */
	bool has_held;
	bool held; /**< against the policy: an operator has steered it */
};

/** Traffic of an application that an operator has steered. */
struct ctl_ncm_app {
	const char *name;
	uint32_t dl; /**< bits of connection ids; 0: as configured */
	uint32_t ul;
	uint8_t dl_first; /**< of dl: preferred */
	uint8_t ul_first;
	uint8_t dl_mode; /**< 1 + mode; 0: none named */
	uint8_t ul_mode;
	bool has_held;
	bool held; /**< against the policy */
};

/** Of an access's quota, in this period. */
struct ctl_ncm_used {
	const char *access;
	uint64_t octets;
	uint64_t until; /**< seconds since 1970 */
};

struct ctl_ncm_session {
	const char *client;
	uint64_t session_id;
	const char *client_key; /**< secret */
	bool active;
	uint32_t features;
	uint32_t convergence;
	uint32_t adaptation;
	struct ctl_ncm_anchor *anchors;
	size_t n_anchors;
	const char *tunnel_secret; /**< secret; NULL: no tunnel */
	struct mams_addr anchor4;  /**< the client's, inside the tunnel */
	struct mams_addr anchor6;
	uint16_t tunnel_port;
	struct ctl_ncm_link *links;
	size_t n_links;
	struct ctl_ncm_app *apps;
	size_t n_apps;
	struct ctl_ncm_used *used;
	size_t n_used;
};
