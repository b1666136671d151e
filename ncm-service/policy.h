/** @file policy.h
 *  What the operator decided: which accesses carry whom, over which N-MADP.  Layer: core (no I/O).
 *  Source: seed 4.1 (NCM), 6.4 (delivery connections, proxy address per access), section 7. */
#pragma once

#include "lib/base/addr.h"
#include "lib/base/err.h"
#include "lib/mx/mx.h"
#include "lib/mx/mx_exchange.h"

#define NCM_LINKS_MAX MX_MAX_CONNECTIONS
#define NCM_ANCHORS_MAX 4u
#define NCM_MADPS_MAX 32u
#define NCM_NAME_MAX 32

/** What protects delivery connections of an access (seed 6.4, 7). */
enum ncm_adapt {
	NCM_ADAPT_NONE,  /**< the access is secure, or what runs over it is */
	NCM_ADAPT_IPSEC, /**< subflows to the MPTCP proxy go inside IPsec, or not at all */
};

/** An access network over which delivery connections are admitted. */
struct ncm_access {
	const char *name;
	int connection_type;                 /**< enum mx_connection_type */
	struct mams_prefix *client_networks; /**< source addresses of its clients */
	size_t n_client_networks;
	struct mams_addr *proxies; /**< of the one N-MADP instance when no madp section stands */
	size_t n_proxies;
	int adaptation;    /**< enum ncm_adapt */
	bool nat;          /**< IPsec: its clients may be behind one */
	int tunnel;        /**< enum mx_adaptation, of GMA: one of MX_GMA_ADAPTATIONS */
	bool applications; /**< flows of applications may be bound to it (RFC 8743 8.8) */
	/* what clients are told of it while nothing is measured; 0: nothing */
	uint32_t latency_ms, jitter_ms;
	uint32_t bandwidth; /**< Mbit/s, downlink */
};

/** Where an N-MADP instance is reached on one access. */
struct ncm_madp_access {
	struct mams_addr proxies[2]; /**< at most one IPv4 and one IPv6; a proxy's with port */
	size_t n;
};

/** An N-MADP instance: a mams-proxy of the network role, and the path manager beside it; or a
 *  mams-trailer of the network role. */
struct ncm_madp_conf {
	const char *name;
	const char *ctl;         /**< of the proxy; the adapter's business */
	const char *pm;          /**< of the plugin */
	const char *trailer;     /**< of the trailer; NULL: it is a proxy */
	const char *ctl_name;    /**< what the certificate of ctl or trailer must be for, on another
				    host */
	struct mams_addr remote; /**< ctl or trailer, when that is on another host; else unset */
	uint32_t capacity;       /**< anchor connections at once; 0: no limit */
	const char **texts;      /**< "ACCESS ADDRESS:PORT" */
	size_t n_texts;
	const char **tunnels; /**< trailer: "ACCESS ADDRESS" */
	size_t n_tunnels;
	struct ncm_madp_access access[NCM_LINKS_MAX]; /**< by index into accesses */
	/* trailer: */
	struct mams_prefix *addresses; /**< of clients inside: one IPv4, one IPv6, or both */
	size_t n_addresses;
	uint32_t mtu;          /**< of packets inside */
	struct mams_addr *dns; /**< name servers told to clients */
	size_t n_dns;
};

/** An anchor connection (seed 3, 6.4): the path from an N-MADP instance to the servers. */
struct ncm_anchor_conf {
	const char *name;
	uint32_t connection_id;
	int connection_type;
	const char **method_names;
	size_t n_method_names;
	const char **access_names;
	size_t n_access_names;
	const char **madp_names;
	size_t n_madp_names;
	uint32_t methods;  /**< bits of enum mx_convergence; 0: control plane only (RFC 8743 12) */
	uint32_t accesses; /**< bits: those whose links it may use */
	uint32_t madps;    /**< bits: instances that may serve it */
};

/** What clients shall measure on their connections of one type (RFC 8743 8.10). */
struct ncm_measure {
	const char *name;
	int connection_type; /**< enum mx_connection_type */
	int parameter;       /**< enum mx_measurement_type */
	uint32_t period_ms;
	int32_t high, low; /**< dBm, dB, percent, Mbit/s */
};

#define NCM_APPS_MAX 7u /* Flow IDs of RFC 9188, but the one of all else */
#define NCM_DSCP_ANY 64u

/** Traffic of a category, and the accesses that it is to use (RFC 8743 9). */
struct ncm_app_conf {
	const char *name;
	uint32_t dscp;                    /**< 0..63; NCM_DSCP_ANY */
	uint32_t protocol;                /**< of IP; 255: any */
	struct mams_prefix *destinations; /**< servers: at most one network; none: any */
	size_t n_destinations;
	uint32_t port_first, port_last; /**< of the server */
	const char **access_names;
	size_t n_access_names;
	uint8_t order[NCM_LINKS_MAX]; /**< indices into accesses, best first */
	size_t n_order;
};

/** A network that clients should prefer (RFC 8743 8.9). */
struct ncm_ssid {
	const char *name;
	int type; /**< enum mx_ssid_type */
	const char *id;
};

/** How N-MADP instances probe connections of one type (seed 6.5; RFC 8743 8.6). */
struct ncm_probe_conf {
	const char *name;
	int connection_type; /**< enum mx_connection_type */
	uint32_t period_ms;  /**< from one estimation to the next; 0: none follows */
	uint32_t budget; /**< kB an hour, of all that estimations of a connection send; 0: none */
	uint32_t init_ms;
	uint32_t init_rate; /**< Mbit/s */
	uint32_t init_size; /**< octets of a PDU */
	bool init_ack;
	uint32_t active_ms; /**< between two probes */
	uint32_t active_size;
	uint32_t active_duration_ms; /**< 0: until replaced */
	bool active_ack;
};

/** How a client speaks to us. */
enum ncm_transport { NCM_HTTPS, NCM_WSS, NCM_UDP, NCM_TRANSPORTS };
const char *ncm_transport_name(enum ncm_transport t);

enum ncm_redirected { NCM_REDIRECT_NEW, NCM_REDIRECT_ALL };

/** Clients that another NCM serves (requirements.md A.1-36, B.4). */
struct ncm_redirect {
	const char *name;
	const char **mcc_mnc; /**< of whom; none: of everybody */
	size_t n_mcc_mnc;
	int sessions;                           /**< enum ncm_redirected */
	const char **endpoints[NCM_TRANSPORTS]; /**< "host:port", host an address or a name */
	size_t n_endpoints[NCM_TRANSPORTS];
};

struct ncm_endpoints {
	struct mams_addr *list; /**< with port */
	size_t n;
};

struct steer_policy;

struct ncm_policy {
	uint64_t ncm_id;
	const struct steer_policy *steer; /**< of automatic steering; NULL: there is none */
	struct ncm_anchor_conf *anchors;  /**< at least one */
	size_t n_anchors;
	struct ncm_madp_conf *madps; /**< at least one */
	size_t n_madps;
	uint32_t madp_grace_ms; /**< a trailer keeps a client that has left it for so long */
	uint32_t madp_lost_ms;  /**< an instance away for so long is dead */
	uint32_t features;      /**< offered, bits of enum mx_feature */
	struct ncm_endpoints endpoints[NCM_TRANSPORTS]; /**< of the NCM, for MX System Info */
	struct ncm_redirect *redirects;
	size_t n_redirects;
	struct ncm_access *accesses;
	size_t n_accesses;
	struct ncm_measure *measures;
	size_t n_measures;
	struct ncm_probe_conf *probes;
	size_t n_probes;
	uint16_t control_port; /**< UDP, of MX Control PDUs at all proxies; 0: none */
	struct ncm_app_conf *apps;
	size_t n_apps;
	struct ncm_ssid *ssids;
	size_t n_ssids;
	uint32_t max_sessions;
	struct mx_timing timing;
	int initiator;             /**< enum mx_initiator */
	uint32_t setup_timeout_ms; /**< T_SETUP */
	uint32_t gather_ms;        /**< links that report within it share one UP setup */
	uint32_t keep_alive_ms;    /**< MAMS_KEEP_ALIVE_TIMEOUT */
};

enum ncm_admission {
	NCM_ADMIT_OK,
	NCM_ADMIT_NO_ADDRESS,
	NCM_ADMIT_NO_ACCESS, /**< no access of this type has that client network */
	NCM_ADMIT_NO_PROXY,  /**< no N-MADP instance has an address of that family there */
	NCM_ADMIT_MTU,       /**< below 1280 (IPv6) or 576 (IPv4) */
	NCM_ADMIT_NO_IPSEC,  /**< its access wants IPsec, which is not agreed with the client */
};

/** May a link be a delivery connection?
 *  @param mtu     octets; 0 = not told
 *  @param access  index into p->accesses, on NCM_ADMIT_OK */
enum ncm_admission ncm_policy_admit(const struct ncm_policy *p, int connection_type,
	const struct mams_addr *address, uint32_t mtu, size_t *access);
/** Of a link whose address nobody has told: by its type alone.  The first access of that type. */
enum ncm_admission ncm_policy_assume(
	const struct ncm_policy *p, int connection_type, size_t *access);
const char *ncm_admission_text(enum ncm_admission a);
/** Is this client to go to another NCM?
 *  @param mcc_mnc  of its Discover; NULL: it told none
 *  @param known    it has a session here
 *  @return NULL: no */
const struct ncm_redirect *ncm_policy_redirect(
	const struct ncm_policy *p, const char *mcc_mnc, bool known, enum ncm_transport transport);
/** "host:port" or "[host]:port" taken apart.  @return 0 or -MAMS_EVALUE */
#define NCM_HOST_MAX 256
MAMS_MUST int ncm_host_port(const char *text, char host[NCM_HOST_MAX], uint16_t *port);
/** An instance's address on an access for a client's address, or for one that is not known; NULL:
 * none of its family. */
const struct mams_addr *ncm_policy_proxy(
	const struct ncm_policy *p, size_t madp, size_t access, const struct mams_addr *client);
/** Have two trailers the same addresses of clients, so that one can take a client's over from the
 *  other? */
bool ncm_policy_shares(const struct ncm_madp_conf *a, const struct ncm_madp_conf *b);
/** What an instance can be used with: one bit of enum mx_convergence. */
uint32_t ncm_policy_method(const struct ncm_madp_conf *m);
/** Does this anchor need an N-MADP instance, when so much is agreed? */
bool ncm_anchor_needs_madp(const struct ncm_anchor_conf *a, uint32_t agreed);
