/** @file ctl_msg.h
 *  Messages of ctl, the internal protocol: CCM and NCM to MADP instances and plugins, mamsctl to
 *  all.  Layer: ctl (pure; base and codec only, so that plugins can use it too).
 *  One JSON object per packet, from the same kind of field tables as MX messages (ctl_tables.c).
 *  A request carries an id; its answer (ctl_result or a status) repeats it.  Events have id 0. */
#pragma once

#include "lib/base/addr.h"
#include "lib/base/err.h"
#include "lib/ctl/ctl_ncm.h"
#include "lib/ctl/ctl_network.h"
#include "lib/ctl/ctl_path.h"
#include "lib/ctl/ctl_quality.h"
#include "lib/ctl/ctl_steering.h"
#include "lib/ctl/ctl_trace.h"
#include "lib/ctl/ctl_trailer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mams_buf;

#define CTL_MAX_BYTES 262144u /**< of one packet */
#define CTL_VERSION 1         /**< the highest that we speak */
#define CTL_VERSION_LEAST 1   /**< the lowest */

enum ctl_type {
	CTL_RESULT,        /**< answer to every request that has no status of its own */
	CTL_PX_PATHS,      /**< CCM -> C-MADP proxy: the whole desired path set */
	CTL_PX_CLIENT_SET, /**< NCM -> N-MADP proxy: this key may use the proxy */
	CTL_PX_CLIENT_DEL, /**< NCM -> N-MADP proxy: the key is no longer valid */
	CTL_PX_PROBE,      /**< NCM -> N-MADP proxy: probe this connection of a client */
	CTL_PX_EVENT,      /**< proxy -> whoever is connected */
	CTL_PM_PATHS,      /**< CCM -> client plugin: the whole desired path set */
	CTL_PM_BIND,       /**< N-MADP proxy -> network plugin: this connection is that client's;
			    *   C-MADP proxy -> client plugin: it may use these paths */
	CTL_PM_ANEW,    /**< N-MADP proxy -> network plugin: this subflow holds its connection up */
	CTL_PM_POLICY,  /**< NCM -> network plugin: downlink policy of one client */
	CTL_STEER,      /**< mamsctl -> NCM: issue an MX Traffic Steering REQ */
	CTL_STATUS_REQ, /**< anyone -> any daemon */
	CTL_PX_STATUS,
	CTL_PM_STATUS,
	CTL_NCM_STATUS,
	CTL_CCM_STATUS,
	CTL_LOG_LEVEL,      /**< anyone -> any daemon */
	CTL_PROBE,          /**< mamsctl -> NCM: estimate paths of a client now */
	CTL_DRAIN,          /**< mamsctl -> NCM: take an N-MADP instance out of use, or back */
	CTL_NETWORK_REQ,    /**< mamsctl -> NCM: as CTL_STATUS_REQ, for what the network says */
	CTL_NETWORK,        /**< what a network says of its accesses */
	CTL_TR_SESSION_SET, /**< CCM -> C-MADP, NCM -> N-MADP: a session, whole */
	CTL_TR_SESSION_DEL, /**< the same: it ends */
	CTL_TR_READY,       /**< answer to CTL_TR_SESSION_SET */
	CTL_TR_EVENT,       /**< trailer MADP -> whoever is connected */
	CTL_TR_STATUS,
	CTL_QUALITY,     /**< N-MADP -> NCM: what was measured of clients' links */
	CTL_NCM_PEER,    /**< NCM instance -> NCM instance, by the shared store */
	CTL_NCM_SESSION, /**< a session as it stands in the shared store */
	CTL_POLICY,      /**< mamsctl -> NCM: what does automatic steering do, or let it go on */
	CTL_POLICY_STATUS,
	CTL_METRICS_REQ, /**< anyone -> any daemon; as CTL_STATUS_REQ */
	CTL_METRICS,
	CTL_EVENTS_REQ, /**< mamsctl, status page -> NCM: as CTL_STATUS_REQ, with after */
	CTL_EVENTS,     /**< its newest log lines */
	CTL_TRACE_REQ,  /**< mamsctl -> NCM: as CTL_STATUS_REQ, with client; then events */
	CTL_TRACE,      /**< what comes from, goes to and becomes of that client */
	CTL_REPLAYED,   /**< of mamsctl replay --json: what has come of a trace */
	CTL_HELLO,      /**< whoever dials, first of all -> any daemon; its answer */
	CTL_TYPE_COUNT,
};

/** code is 0 or an enum mams_err / errno value; text says why in words. */
struct ctl_result {
	uint32_t code;
	const char *text;
};

/** The versions that the sender speaks.  Both sides then speak the highest that they have in
 * common. Members that are new within a version are optional, and ignored where they are not known.
 */
struct ctl_hello {
	uint32_t least, most;
};

/** TCP connections that use some of the paths only; of a list, the first that matches decides. */
struct ctl_flow_class {
	const char *remote; /**< server's network, CIDR; NULL: any */
	uint16_t port_first, port_last;
	bool has_dscp;
	uint8_t dscp;         /**< of the SYN; absent: any */
	uint8_t *connections; /**< connection ids, best first */
	size_t n_connections;
};

/** CCM -> C-MADP.  No paths: stop catching; running flows finish. */
struct ctl_px_paths {
	struct ctl_path *paths;
	size_t n_paths;
	struct ctl_flow_class *classes;
	size_t n_classes;
	const char *client_key; /**< secret; base64; NULL when the N-MADP wants none */
	bool has_idle;
	bool idle; /**< no new connection is caught: another way takes them */
};

/** IPsec between a client's link and an N-MADP's address (lib/io/ipsec.h): the N-MADP answers. */
struct ctl_protect {
	uint64_t ncm_id, session_id;
	uint8_t anchor_id;
	uint8_t connection_id;
	struct mams_addr local;  /**< the N-MADP's */
	struct mams_addr remote; /**< the client's link */
	const char *secret;
	bool has_nat, nat; /**< there may be one before the client */
};

struct ctl_px_client_set {
	const char *client;     /**< identity, for status and for the plugin */
	const char *client_key; /**< secret; base64 */
	bool has_session_id;
	uint64_t session_id;
	bool has_protecting;
	bool protecting; /**< protect is all that this client has; absent: it keeps what it has */
	struct ctl_protect *protect;
	size_t n_protect;
};

struct ctl_px_client_del {
	const char *client;
	bool has_session_id;
	uint64_t session_id; /**< another session of this client stays; absent: whichever */
};

/** Seed 6.5, RFC 8743 8.6: one connection of a client, from the instance's control port to the
 *  client's probe port.  It begins with the client's first Keep-Alive there. */
struct ctl_px_probe {
	const char *client;
	uint8_t connection_id;
	struct mams_addr local;
	uint16_t local_port;
	struct mams_addr remote;
	uint16_t remote_port;
	bool active; /**< phase */
	uint32_t init_ms;
	uint32_t init_rate; /**< Mbit/s */
	uint32_t init_size; /**< octets of a PDU */
	bool init_ack;
	uint32_t active_ms;
	uint32_t active_size;
	uint32_t active_duration_s; /**< 0: until replaced */
	bool active_ack;
	bool has_stop; /**< absent: false */
	bool stop;     /**< no longer; what runs ends */
};

enum ctl_px_event_kind {
	CTL_PX_PEER_UP,     /**< the N-MADP answers (again) */
	CTL_PX_PEER_DOWN,   /**< no path reaches the N-MADP; new connections go direct */
	CTL_PX_PATH_UP,     /**< nothing is wrong with this path (any more) */
	CTL_PX_PATH_SILENT, /**< nothing comes back over it, though its link is up */
	CTL_PX_PATH_PLAIN,  /**< its network strips MPTCP, or does no more */
	CTL_PX_PLUGIN_UP,   /**< the plugin beside it is there (again), and knows nothing */
};

struct ctl_px_event {
	int kind; /**< enum ctl_px_event_kind */
	const char *text;
	struct ctl_path *path; /**< PATH_UP, PATH_SILENT, PATH_PLAIN; else NULL */
	bool has_for_ms;
	uint32_t for_ms; /**< PATH_PLAIN: how long that is remembered; 0: MPTCP passes */
};

/** CCM -> client plugin: subflows exist exactly for these paths, on every connection whose peer is
 *  one of the proxy addresses. */
struct ctl_pm_paths {
	struct ctl_path *paths;
	size_t n_paths;
	bool has_wait_bind;
	bool wait_bind; /**< there are flow classes: further subflows wait a while for CTL_PM_BIND
			 */
};

struct ctl_pm_end_point {
	struct mams_addr address;
	uint16_t port;
};

/** announce: addresses of the N-MADP that this connection's peer may join, by ADD_ADDR; needed
 * where a join could not otherwise reach us (transparent mode, ports that differ per access). */
struct ctl_pm_bind {
	uint32_t token;     /**< MPTCP_INFO mptcpi_token of the accepted connection */
	const char *client; /**< NULL in transparent mode */
	struct ctl_pm_end_point *announce;
	size_t n_announce;
	uint8_t *only; /**< client side: connection ids of the paths it may use; none: all */
	size_t n_only;
	bool has_way; /**< absent: both */
	enum ctl_way way;
};

/** A subflow is to be made anew: what waits for it goes over the others then. */
struct ctl_pm_anew {
	uint32_t token;
	struct ctl_pm_end_point local, remote;
};

/** Downlink treatment of the subflows that end at one proxy address. */
struct ctl_pm_path {
	struct mams_addr local; /**< the N-MADP's address on that access */
	bool backup;
};

struct ctl_pm_policy {
	const char *client;
	struct ctl_pm_path *paths;
	size_t n_paths;
};

/** Names of links as the session knows them. */
struct ctl_probe {
	const char *client;
	const char **links;
	size_t n_links; /**< 0: all */
};

struct ctl_drain {
	const char *madp; /**< name of the instance */
	bool drain;       /**< false: in use again */
};

struct ctl_status_req {
	const char *client; /**< only this client; NULL for all */
	bool has_after;     /**< mams-trailer */
	uint64_t after;     /**< go on behind the `more` of the answer before; absent: the first */
	bool has_skip;      /**< mams-ncm */
	uint32_t skip;      /**< so many sessions have been told */
	bool has_limit;     /**< mams-ncm: no more sessions than that, and no counters */
	uint32_t limit;
	bool has_troubled; /**< mams-ncm; absent: false */
	bool troubled;     /**< sessions with something wrong only */
};

struct ctl_counter {
	const char *name;
	uint64_t value;
};

struct ctl_px_path_status {
	struct ctl_path path;
	bool up;
	bool has_plain;
	bool plain;        /**< its network strips MPTCP, as found within the last hour */
	uint64_t flows;    /**< first subflows opened over it since start */
	uint64_t failures; /**< attempts that failed or timed out */
};

struct ctl_px_client_status {
	const char *client;
	uint64_t flows_open;
	uint64_t flows_total;
	uint64_t bytes_up;
	uint64_t bytes_down;
};

/** An IPsec association, as an end of it sees it. */
struct ctl_sa_status {
	uint64_t session_id;
	uint8_t connection_id;
	struct mams_addr local, remote;
	const char *state;
	const char *why; /**< NULL: nothing is wrong */
};

struct ctl_px_status {
	const char *role; /**< "client" or "network" */
	const char *version;
	uint64_t uptime_ms;
	bool catching; /**< client role: the redirect is in place */
	uint64_t flows_open;
	struct ctl_px_path_status *paths;
	size_t n_paths;
	struct ctl_px_client_status *clients;
	size_t n_clients;
	struct ctl_sa_status *sas; /**< network role, IPsec */
	size_t n_sas;
	struct ctl_counter *counters;
	size_t n_counters;
};

struct ctl_pm_subflow {
	struct mams_addr local;
	uint16_t local_port;
	struct mams_addr remote;
	uint16_t remote_port;
	bool backup;
};

struct ctl_pm_connection {
	uint32_t token;
	bool server_side;
	const char *client; /**< NULL when not bound */
	struct ctl_pm_subflow *subflows;
	size_t n_subflows;
};

struct ctl_pm_status {
	const char *version;
	struct ctl_pm_connection *connections;
	size_t n_connections;
	struct ctl_counter *counters;
	size_t n_counters;
};

/** What a client has reported of a link (RFC 8743 8.10). */
struct ctl_measured {
	const char *name; /**< of the parameter */
	int64_t value;    /**< dBm, dB, percent, Mbit/s */
	uint64_t age_ms;
};

/** What path estimations have found (seed 6.5). */
struct ctl_path_est {
	bool has_init_age_ms, has_lost_ppm, has_rate_kbps, has_delay_us;
	uint32_t init_age_ms;
	uint32_t lost_ppm;
	uint32_t rate_kbps;
	uint32_t delay_us; /**< one way */
	bool has_active_age_ms, has_active_kbps;
	uint32_t active_age_ms;
	uint32_t active_kbps;
};

/** A network that the NCM advises (RFC 8743 8.9). */
struct ctl_preferred {
	const char *type; /**< ssid, bssid, hessid */
	const char *id;
};

struct ctl_link_status {
	uint8_t connection_id;
	const char *name;
	const char *type;      /**< Wi-Fi, LTE, ... */
	const char *interface; /**< CCM only */
	bool up;
	bool has_silent, has_fading, has_plain;
	bool silent;   /**< CCM only: up, but nothing comes back over it */
	bool plain;    /**< CCM only: its network strips MPTCP, as far as is known */
	bool fading;   /**< its signal does, so others carry */
	bool admitted; /**< the NCM has set it up as a delivery connection */
	struct mams_addr address;
	uint32_t mtu;
	const char
		*adaptation; /**< IPsec, of its subflows; NCM: of GMA's tunnel, too; NULL: none */
	const char *sa;      /**< CCM only: state of the association, and why */
	const char *ssid;    /**< as the client tells it to the NCM; NULL: none */
	const char *node_id; /**< likewise */
	bool ul;             /**< in the uplink list */
	bool dl;             /**< in the downlink list */
	uint64_t rx_bytes;   /**< of the interface (CCM) */
	uint64_t tx_bytes;
	bool has_rtt_us;
	uint32_t rtt_us; /**< CCM only: of the subflows that it carries now, the least */
	struct ctl_measured *measured; /**< NCM: by reports; CCM: by the radio */
	size_t n_measured;
	struct ctl_path_est *path_est;                  /**< NCM only; NULL: nothing yet */
	struct ctl_way_status *ul_quality, *dl_quality; /**< likewise */
	struct ctl_quota *quota;                        /**< likewise; NULL: it has none */
};

/** What a capability exchange did not agree on. */
struct ctl_dropped {
	const char *group; /**< feature, convergence, adaptation, delivery or anchor connection */
	const char *item;
	const char *reason;
};

/** One anchor connection of a session. */
struct ctl_anchor_status {
	const char *name; /**< NCM only */
	uint8_t connection_id;
	const char *type;
	const char *method; /**< MPTCP_Proxy, ...; "none": control plane only */
	const char *madp;   /**< instance, NCM only; NULL: none */
	bool refused;       /**< it needs an instance and there is none with room */
	bool has_tcp;
	bool tcp;                          /**< CCM only: applications' TCP goes by it now */
	struct mams_addr anchor4, anchor6; /**< GMA: the client's addresses inside */
	const char **dl;                   /**< names of links that carry the downlink */
	size_t n_dl;
	const char **ul;
	size_t n_ul;
	const char *steered_by; /**< NCM: operator, or policy and which; NULL: nobody has */
};

struct ctl_session_status {
	const char *client;
	uint64_t ncm_id;
	uint64_t session_id;
	const char *state;
	const char *address;   /**< of the CCM as the NCM saw it */
	const char *transport; /**< that it used last: https, wss, udp */
	uint64_t age_ms;
	struct ctl_link_status *links;
	size_t n_links;
	const char *madp; /**< name of the N-MADP instance of the first anchor that has one */
	struct ctl_anchor_status *anchors;
	size_t n_anchors;
	const char **features; /**< agreed */
	size_t n_features;
	const char **convergence; /**< agreed methods */
	size_t n_convergence;
	const char **adaptation;
	size_t n_adaptation;
	struct ctl_dropped *dropped;
	size_t n_dropped;
	struct ctl_app_status *applications; /**< those that are steered */
	size_t n_applications;
};

struct ctl_madp_status {
	const char *name;
	bool proxy_up;     /**< ctl connection to mams-proxy stands */
	bool plugin_up;    /**< ctl connection to the plugin stands */
	const char *state; /**< up, away, dead, not yet connected */
	bool drained;
	uint64_t used;     /**< anchor connections of clients */
	uint64_t capacity; /**< 0: no limit */
	bool has_open;
	uint64_t open; /**< drained: connections of a proxy, sessions of a trailer, that it has yet
			*/
	bool has_empty, empty; /**< drained: has it said that it has none? */
};

/** One access over all sessions. */
struct ctl_access_status {
	const char *name;
	uint32_t up, down; /**< links */
	uint32_t dl_kbps;  /**< that they carry */
	uint32_t ul_kbps;
};

struct ctl_ncm_status {
	const char *version;
	uint64_t uptime_ms;
	struct ctl_session_status *sessions;
	size_t n_sessions;
	bool more; /**< sessions: ask again with skip */
	bool has_sessions_total, has_sessions_troubled;
	uint32_t sessions_total;
	uint32_t sessions_troubled; /**< not active, or with a link that cannot be used */
	struct ctl_access_status *accesses;
	size_t n_accesses;
	struct ctl_madp_status *madps;
	size_t n_madps;
	struct ctl_counter *counters;
	size_t n_counters;
};

struct ctl_ccm_status {
	const char *version;
	uint64_t uptime_ms;
	const char *state;
	const char *ncm; /**< URL in use */
	const char *transport;
	uint64_t ncm_id;
	uint64_t session_id;
	bool proxy_up;
	bool plugin_up;
	bool has_trailer_up; /**< a client with GMA */
	bool trailer_up;
	bool madp_reachable;
	struct ctl_link_status *links;
	size_t n_links;
	struct ctl_preferred *preferred;
	size_t n_preferred;
	struct ctl_anchor_status *anchors;
	size_t n_anchors;
	const char **features; /**< agreed */
	size_t n_features;
	const char **convergence;
	size_t n_convergence;
	const char **adaptation;
	size_t n_adaptation;
	struct ctl_dropped *dropped;
	size_t n_dropped;
	struct ctl_counter *counters;
	size_t n_counters;
};

struct ctl_log_level {
	const char *level; /**< err, warn, info, debug */
};

/** Counters and gauges of a daemon, in the text format of Prometheus. */
struct ctl_metrics {
	const char *text;
};

/** One line of the log. */
struct ctl_event {
	uint64_t number;
	uint64_t time_ms; /**< since 1970 */
	const char *level;
	const char *module;
	const char *text;
};

struct ctl_events {
	struct ctl_event *events;
	size_t n_events;
};

/** A whole ctl message; owned by one holder. */
struct ctl_msg {
	enum ctl_type type;
	uint32_t id; /**< request id; 0 for events */
	union {
		struct ctl_result result;
		struct ctl_px_paths px_paths;
		struct ctl_px_client_set px_client_set;
		struct ctl_px_client_del px_client_del;
		struct ctl_px_probe px_probe;
		struct ctl_px_event px_event;
		struct ctl_pm_paths pm_paths;
		struct ctl_pm_bind pm_bind;
		struct ctl_pm_anew pm_anew;
		struct ctl_pm_policy pm_policy;
		struct ctl_steer steer;
		struct ctl_status_req status_req;
		struct ctl_px_status px_status;
		struct ctl_pm_status pm_status;
		struct ctl_ncm_status ncm_status;
		struct ctl_ccm_status ccm_status;
		struct ctl_log_level log_level;
		struct ctl_probe probe;
		struct ctl_drain drain;
		struct ctl_network network;
		struct ctl_tr_session_set tr_session_set;
		struct ctl_tr_session_del tr_session_del;
		struct ctl_tr_ready tr_ready;
		struct ctl_tr_event tr_event;
		struct ctl_tr_status tr_status;
		struct ctl_quality quality;
		struct ctl_ncm_peer ncm_peer;
		struct ctl_ncm_session ncm_session;
		struct ctl_policy policy;
		struct ctl_policy_status policy_status;
		struct ctl_metrics metrics;
		struct ctl_events events;
		struct ctl_trace trace;
		struct ctl_replayed replayed;
		struct ctl_hello hello;
	};
};

struct ctl_msg *ctl_msg_new(enum ctl_type type, uint32_t id); /**< NULL on ENOMEM */
void ctl_msg_free(struct ctl_msg *m);                         /**< accepts NULL; wipes secrets */
void *ctl_alloc(struct ctl_msg *m, size_t size);              /**< zeroed, lives with m */
char *ctl_strdup(struct ctl_msg *m, const char *s);
/** A result that answers request id; code as struct ctl_result. NULL on ENOMEM. */
struct ctl_msg *ctl_result_new(uint32_t id, uint32_t code, const char *text);

/** What we speak; written as version 1, like its answers, whatever is spoken.  NULL on ENOMEM. */
struct ctl_msg *ctl_hello_new(uint32_t id);
/** The version that both speak.  @return 0: none */
uint32_t ctl_hello_common(const struct ctl_hello *theirs);
/** Our own hello, or a result of code MAMS_ESTATE that says in words why not.  NULL on ENOMEM. */
struct ctl_msg *ctl_hello_answer(const struct ctl_msg *hello);

/** Metrics that answer request id.  @param text  consumed. @return NULL on ENOMEM */
struct ctl_msg *ctl_metrics_new(uint32_t id, struct mams_buf *text);

/** @return 0, -MAMS_EPROTO, -MAMS_EUNKNOWN (type), -MAMS_ESTATE (version), -MAMS_EVALUE,
 *          -MAMS_EMISSING, -MAMS_ELIMIT, -ENOMEM */
MAMS_MUST int ctl_decode(
	const char *text, size_t len, struct ctl_msg **out, struct mams_error *err);
/** flags as mams_field_encode(). */
MAMS_MUST int ctl_encode(
	const struct ctl_msg *m, unsigned flags, struct mams_buf *out, struct mams_error *err);
const char *ctl_type_name(enum ctl_type type);
/** Is it a request that wants an answer? */
bool ctl_type_is_request(enum ctl_type type);
