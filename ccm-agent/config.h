/** @file config.h
 *  The configuration file of mams-ccm.  Layer: adapter. */
#pragma once

#include "ccm-agent/session.h"
#include "lib/codec/conf.h"

#define CCM_APPS_MAX 16u
#define CCM_CGROUP_MAX 200u

/** Processes whose packets get a DSCP, by which flow classes know them. */
struct ccm_app_conf {
	const char *name;
	const char *cgroup; /**< of version 2: directory below /sys/fs/cgroup, or relative to it */
	uint32_t dscp;      /**< 1..63 */
};

struct ccm_conf {
	const char *ctl_socket;
	const char *proxy_socket;
	const char *pm_socket;
	const char *trailer_socket;
	const char *vici_socket; /**< of charon; "none" */
	const char *state_file;
	struct mams_prefix *exempt; /**< destinations that never go into the tunnel */
	size_t n_exempt;
	const char *dns_file; /**< NULL: none */
	const char *power_supply;
	const char *api_socket; /**< "none": no UNIX socket */
	const char *api_group;
	const char **api_users;
	size_t n_api_users;
	struct mams_addr *api_listen; /**< loopback */
	size_t n_api_listen;
	const char *api_certificate; /**< NULL: no TLS on loopback */
	const char *api_key;
	uint32_t api_lifetime_ms;
	struct mams_addr *page_listen; /**< loopback */
	size_t n_page_listen;
	const char **ncm; /**< URLs, in order of preference */
	size_t n_ncm;
	const char **secure_interfaces; /**< on which udp URLs are used */
	size_t n_secure_interfaces;
	uint32_t udp_max;
	const char *ca;
	const char *certificate;
	const char *key;
	const char *digest_user;
	const char *password_file;
	const char **features;
	size_t n_features;
	const char **methods;
	size_t n_methods;
	uint32_t mark;
	uint32_t probe_port;   /**< UDP, of N-MADP instances' probes */
	uint32_t table_base;   /**< routing table and rule priority of connection id 0 */
	uint32_t drain_ms;     /**< after a fallback running flows have so long; 0: no limit */
	uint32_t madp_lost_ms; /**< N-MADP unreachable for so long means fallback */
	uint32_t apply_ms;     /**< patience with proxy and plugin */
	struct ccm_link_conf *links;
	size_t n_links;
	struct ccm_app_conf *apps;
	size_t n_apps;
	struct ccm_session_conf session;
	struct mams_arena *arena; /**< owns everything above */
};

/** The keys of the file; docs/configuration.md is written from it. */
extern const struct mams_conf_table ccm_conf_table;
/** Read and check.  @return 0 or a negative code; err names file, line, key and cure */
MAMS_MUST int ccm_conf_load(const char *path, struct ccm_conf *out, struct mams_error *err);
void ccm_conf_free(struct ccm_conf *c);
