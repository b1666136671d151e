/** @file policy.h
 *  What the operator decided: which accesses carry whom, over which N-MADP.  Layer: core (no I/O).
 *  Source: seed 4.1 (NCM), 6.4 (delivery connections, proxy address per access), section 7. */
#pragma once

#include "lib/base/addr.h"
#include "lib/base/err.h"
#include "lib/mx/mx.h"
#include "lib/mx/mx_exchange.h"

#define NCM_LINKS_MAX MX_MAX_CONNECTIONS
#define NCM_NAME_MAX 32

/** An access network over which delivery connections are admitted. */
struct ncm_access {
	const char *name;
	int connection_type;                 /**< enum mx_connection_type */
	struct mams_prefix *client_networks; /**< source addresses of its clients */
	size_t n_client_networks;
	struct mams_addr
		*proxies; /**< the N-MADP's own address on it, IPv4 and/or IPv6, with port */
	size_t n_proxies;
};

/** What clients shall measure on their connections of one type (RFC 8743 8.10). */
struct ncm_measure {
	const char *name;
	int connection_type; /**< enum mx_connection_type */
	int parameter;       /**< enum mx_measurement_type */
	uint32_t period_ms;
	int32_t high, low; /**< dBm, dB, percent, Mbit/s */
};

/** A network that clients should prefer (RFC 8743 8.9). */
struct ncm_ssid {
	const char *name;
	int type; /**< enum mx_ssid_type */
	const char *id;
};

/** How a client speaks to us. */
enum ncm_transport { NCM_HTTPS, NCM_WSS, NCM_UDP, NCM_TRANSPORTS };
const char *ncm_transport_name(enum ncm_transport t);

struct ncm_endpoints {
	struct mams_addr *list; /**< with port */
	size_t n;
};

struct ncm_policy {
	uint64_t ncm_id;
	uint32_t anchor_id;                             /**< 0..15 */
	int anchor_type;                                /**< enum mx_connection_type */
	struct ncm_endpoints endpoints[NCM_TRANSPORTS]; /**< of the NCM, for MX System Info */
	struct ncm_access *accesses;
	size_t n_accesses;
	struct ncm_measure *measures;
	size_t n_measures;
	struct ncm_ssid *ssids;
	size_t n_ssids;
	uint32_t max_sessions;
	struct mx_timing timing;
	uint32_t setup_timeout_ms; /**< T_SETUP */
	uint32_t gather_ms;        /**< links that report within it share one UP setup */
	uint32_t keep_alive_ms;    /**< MAMS_KEEP_ALIVE_TIMEOUT */
};

enum ncm_admission {
	NCM_ADMIT_OK,
	NCM_ADMIT_NO_ADDRESS,
	NCM_ADMIT_NO_ACCESS, /**< no access of this type has that client network */
	NCM_ADMIT_NO_PROXY,  /**< the access has no proxy address of that family */
	NCM_ADMIT_MTU,       /**< below 1280 (IPv6) or 576 (IPv4) */
};

/** May a link be a delivery connection?
 *  @param mtu     octets; 0 = not told
 *  @param access  index into p->accesses, on NCM_ADMIT_OK */
enum ncm_admission ncm_policy_admit(const struct ncm_policy *p, int connection_type,
	const struct mams_addr *address, uint32_t mtu, size_t *access);
const char *ncm_admission_text(enum ncm_admission a);
/** The proxy address that serves a client address; NULL when there is none of its family. */
const struct mams_addr *ncm_policy_proxy(
	const struct ncm_access *a, const struct mams_addr *client);
