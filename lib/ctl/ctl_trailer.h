/** @file ctl_trailer.h
 *  ctl messages of the trailer MADP: CCM to C-MADP, NCM to N-MADP.  Layer: ctl (pure).  Included by
 *  ctl_msg.h.
 *  A session is configured as a whole, by one CTL_TR_SESSION_SET: links, flow classes, how each
 *  class is treated in each direction, secret, addresses.  The data plane takes it over at once or
 *  refuses it and keeps what it has.  What is as it was stays untouched: links keep their peers and
 *  measurements, flows their sequence numbers. */
#pragma once

#include "lib/base/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ctl_counter;
struct ctl_protect;

enum ctl_tr_encapsulation {
	CTL_TR_TRAILER,
	CTL_TR_HEADER_IP,
	CTL_TR_HEADER_NON_IP,
};

/** As enum madp_mode. */
enum ctl_tr_mode {
	CTL_TR_SINGLE,
	CTL_TR_ACTIVE_STANDBY,
	CTL_TR_SMALLEST_DELAY,
	CTL_TR_PRIORITY,
	CTL_TR_SPLIT,
	CTL_TR_DUPLICATE,
};

/** One delivery connection. */
struct ctl_tr_link {
	uint8_t connection_id; /**< 0..15 */
	const char *name;
	uint32_t mtu;            /**< octets, outer headers included */
	struct mams_addr local;  /**< client: the link's address; network: not needed */
	struct mams_addr remote; /**< client: the N-MADP's address on that access */
	uint16_t remote_port;    /**< client */
	const char *device;      /**< client: the interface; NULL: by address only */
	uint64_t rate_kbps;      /**< first estimate; 0 unknown */
	uint64_t bound_kbps;     /**< upper bound; 0 none */
	bool has_dtls, dtls;     /**< adaptation UDP_with_DTLS, the session's secret as key */
	/** Adaptation Client_NAT: no tunnel; remote_port is not used.  Both ends' `client_nat`. */
	bool has_client_nat, client_nat;
	/** Adaptation IPsec: the tunnel goes inside an association between the two addresses.
	 *  Client: it is the control plane's, and stands. */
	bool has_ipsec, ipsec;
	struct ctl_protect *protect; /**< network, with ipsec; NULL: it keeps what it has */
};

/** One direction of a class. */
struct ctl_tr_treat {
	int mode;       /**< enum ctl_tr_mode */
	uint8_t *links; /**< connection ids in order of preference */
	size_t n_links;
	uint8_t *weights; /**< split: percent for each of links; none: by measurement */
	size_t n_weights;
	bool lossless;
	bool pass_late;
};

/** Everything that is absent matches everything; local is the client's side. */
struct ctl_tr_rule {
	const char *local;  /**< prefix */
	const char *remote; /**< prefix */
	bool has_local_port_first, has_local_port_last, has_remote_port_first, has_remote_port_last,
		has_protocol, has_dscp, has_mark, has_flow_label;
	uint16_t local_port_first;
	uint16_t local_port_last;
	uint16_t remote_port_first;
	uint16_t remote_port_last;
	uint8_t protocol;
	uint8_t dscp;
	uint32_t mark;       /**< client: firewall mark of the application's packets */
	uint32_t flow_label; /**< IPv6; 0: any */
};

/** What no rule of another class names belongs to class 0, which needs no rules. */
struct ctl_tr_class {
	uint8_t flow_id; /**< 0..7, the Flow ID of RFC 9188 */
	const char *name;
	struct ctl_tr_rule *rules;
	size_t n_rules;
	struct ctl_tr_treat ul;
	struct ctl_tr_treat dl;
};

/** Parameters of RFC 8743 8.6; absent ones take defaults. */
struct ctl_tr_probe {
	uint32_t active_interval_ms;
	uint32_t active_size;
	bool active_ack;
	uint32_t keep_alive_ms;
};

/** Answered by CTL_TR_READY, or by CTL_RESULT when refused. */
struct ctl_tr_session_set {
	const char *client; /**< identity */
	uint64_t session_id;
	const char *secret;       /**< secret; base64, 16 to 64 octets */
	struct mams_addr anchor4; /**< the client's address inside; at least one of both */
	struct mams_addr anchor6;
	uint8_t anchor_connection_id;
	uint16_t mtu;          /**< of packets inside */
	uint16_t control_port; /**< of MX Control PDUs */
	int encapsulation;     /**< enum ctl_tr_encapsulation, of IPv4 packets */
	bool header_optimization;
	/** Sending: cut packets that are too long for a link (RFC 9188 5), send small ones together
	 *  (RFC 9188 6).  Both are always understood on receipt.  Absent: off. */
	bool has_fragmentation, has_concatenation;
	bool fragmentation;
	bool concatenation;
	struct ctl_tr_link *links;
	size_t n_links;
	struct ctl_tr_class *classes;
	size_t n_classes;
	struct ctl_tr_probe *probe; /**< NULL: defaults */
};

struct ctl_tr_session_del {
	const char *client;
	bool has_session_id;
	uint64_t session_id; /**< another session of this client stays; absent: whichever */
};

struct ctl_tr_port {
	uint8_t connection_id;
	uint16_t port; /**< that the link's socket has */
};

/** What the other side needs to know of a session that stands. */
struct ctl_tr_ready {
	uint16_t port;         /**< network: UDP port of this session, on every address of ours */
	const char *interface; /**< the TUN device that carries it */
	struct ctl_tr_port *ports; /**< client */
	size_t n_ports;
};

enum ctl_tr_event_kind {
	CTL_TR_PATH_UP,
	CTL_TR_PATH_DOWN,
	CTL_TR_PATH_PROVEN, /**< the peer has shown that it knows the secret, from a new address */
};

struct ctl_tr_event {
	int kind; /**< enum ctl_tr_event_kind */
	const char *client;
	uint8_t connection_id;
	const char *text;
};

struct ctl_tr_link_status {
	uint8_t connection_id;
	const char *name;
	bool proven;
	bool up;
	bool has_dtls, dtls; /**< of links with DTLS: is the association open? */
	bool has_client_nat, client_nat;
	bool has_ipsec, ipsec;
	const char *sa; /**< network, of links with IPsec: its association in words */
	uint32_t mtu;   /**< of an IP packet of the tunnel's: the link's, less what is around it */
	uint64_t tx_packets, tx_bytes, tx_dropped;
	uint64_t rx_packets, rx_bytes, rx_refused;
	uint64_t lost, reordered, duplicate;
	uint64_t rtt_us;
	uint64_t rate_bps;
	uint64_t downs;
};

struct ctl_tr_class_status {
	uint8_t flow_id;
	const char *name;
	const char *ul; /**< mode in effect */
	const char *dl;
	uint64_t tx_packets, tx_bytes, tx_dropped, tx_held, tx_again;
	uint64_t rx_packets, rx_bytes, rx_held, rx_passed;
	uint64_t lost, duplicate, late, reassembly_failed;
};

struct ctl_tr_session_status {
	const char *client;
	uint64_t session_id;
	struct mams_addr anchor4;
	struct mams_addr anchor6;
	uint16_t port;
	bool has_mtu;
	uint16_t mtu; /**< of packets inside, as this host's network is told */
	uint64_t spoofed;
	struct ctl_tr_link_status *links;
	size_t n_links;
	struct ctl_tr_class_status *classes;
	size_t n_classes;
};

struct ctl_tr_status {
	const char *role; /**< "client" or "network" */
	const char *version;
	uint64_t uptime_ms;
	uint64_t sessions_total; /**< the list may be shorter: what fits a packet */
	bool has_more;           /**< and so it goes on */
	uint64_t more;           /**< `after` of the next request */
	struct ctl_tr_session_status *sessions;
	size_t n_sessions;
	struct ctl_counter *counters;
	size_t n_counters;
};
