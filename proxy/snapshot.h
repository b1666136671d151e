/** @file snapshot.h
 *  Everything a worker needs to know, immutable once published, replaced as a whole.  Layer:
 * adapter of mams-proxy.  The control thread builds a snapshot and hands a reference to every
 * worker; a flow keeps none, so a change holds for what is decided after it. */
#pragma once

#include "lib/io/mptcp.h"
#include "proxy/classes.h"
#include "proxy/clients.h"
#include "proxy/dest.h"
#include "proxy/flow.h"
#include "proxy/paths.h"

#include <stdatomic.h>

enum px_role { PX_ROLE_CLIENT, PX_ROLE_NETWORK };

/** Plain values of the configuration. */
struct px_settings {
	enum px_role role;
	uint32_t workers;
	uint32_t max_flows;              /**< of the process */
	uint32_t max_pending_per_client; /**< requests not yet answered, RFC 8803 9.3 */
	uint32_t max_pending_per_source; /**< connections of one address that have not named a
					    server */
	uint32_t buffer_size;            /**< octets */
	struct px_flow_limits limits;
	int64_t hello_ms;   /**< network: for the whole Convert message */
	int64_t connect_ms; /**< network: for the server to accept */
	int64_t tail_ms;    /**< network: for the client to close after an Error TLV */
	int64_t race_ms;    /**< client: patience with one path before the next is tried as well */
	int64_t attempt_ms; /**< client: an attempt is given up; below the kernel's fallback to TCP
			     */
	int64_t confirm_ms; /**< client: for the converter's answer */
	uint32_t
		rounds; /**< client: how often every path is tried before the peer counts as down */
	uint32_t mark;  /**< SO_MARK of our own sockets; 0 none */
	uint32_t keepalive_s; /**< first probe after so long without traffic; 0 off */
	char congestion[MAMS_CONGESTION_LEN]; /**< of MPTCP sockets; "": the system's */
	bool fastopen;
	bool fail_open; /**< client: connect straight to the server when no path works */
	bool splice;
	bool keep_source; /**< network, transparent: the server sees the client's address */
	bool need_cookie; /**< network: only clients of CTL_PX_CLIENT_SET */
	bool bind_plugin; /**< network: report each MPTCP connection to the plugin */
	/** network: clients of these networks are given a cookie bound to their address when they
	 *  bring none (RFC 8803 6.2.7, 9.2: where hosts are securely identified by address) */
	struct mams_prefix cookie_networks[8];
	size_t n_cookie_networks;
	uint8_t cookie_secret[32];
};

struct px_snapshot {
	_Atomic uint32_t refs;
	struct px_settings set;
	struct px_dest_policy dest;         /**< network */
	struct px_clients *clients;         /**< network; owned */
	struct px_path paths[PX_PATHS_MAX]; /**< client */
	size_t n_paths;
	struct px_class classes[PX_CLASSES_MAX]; /**< client */
	size_t n_classes;
	uint8_t cookie[512]; /**< client: secret */
	size_t cookie_len;
	bool apart;  /**< client: uplink and downlink use different paths */
	bool direct; /**< client: the N-MADP is down, connect straight to the server */
};

struct px_snapshot *px_snapshot_new(void); /**< one reference; NULL on ENOMEM */
struct px_snapshot *px_snapshot_ref(struct px_snapshot *s);
void px_snapshot_unref(struct px_snapshot *s); /**< accepts NULL; wipes the cookie */
