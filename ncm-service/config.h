/** @file config.h
 *  The configuration file of mams-ncm.  Layer: adapter. */
#pragma once

#include "lib/codec/conf.h"
#include "lib/io/ctlsock.h"
#include "lib/io/httpd.h"
#include "lib/steer/conf.h"
#include "ncm-service/policy.h"

/** A network without TLS, called secure by the operator. */
struct ncm_udp_conf {
	const char *name;
	const char *interface;
	struct mams_addr listen;
};

struct ncm_conf {
	const char *ctl_socket;
	const char *proxy_socket;
	const char *pm_socket;
	struct mams_ctl_files ctl; /**< to N-MADP instances on other hosts */
	const char *store;
	const char *redis;    /**< "host:port"; NULL: sessions are kept in store */
	const char *instance; /**< with redis */
	const char *redis_ca;
	const char *redis_user;
	const char *redis_password;
	struct mams_addr *listen;
	size_t n_listen;
	struct mams_addr *listen_wss;
	size_t n_listen_wss;
	struct ncm_udp_conf *udp;
	size_t n_udp;
	uint32_t udp_max;
	uint32_t max_connections;
	uint32_t max_per_address;
	uint32_t max_rate;
	uint32_t max_burst;
	const char *certificate;
	const char *key;
	const char *client_ca;
	const char *client_crl;
	const char *digest_users;
	const char *realm;
	const char **feed_clients; /**< identities that may tell of the network */
	size_t n_feed_clients;
	struct mams_addr *admin_listen;
	size_t n_admin_listen;
	const char **viewers; /**< identities that may read at admin_listen */
	size_t n_viewers;
	const char **operators; /**< and steer */
	size_t n_operators;
	uint32_t poll_ms;
	uint32_t control_port;
	uint32_t anchor_id;
	int anchor_type;
	const char **features;
	size_t n_features;
	const char *policy_file;
	const char *decision_log;
	uint32_t decision_log_mib;
	struct steer_policy *steer; /**< of policy_file; NULL: none */
	struct ncm_policy policy;
	struct mams_arena *arena; /**< owns everything above */
};

/** The keys of the file; docs/configuration.md is written from it. */
extern const struct mams_conf_table ncm_conf_table;
/** Read and check.  @return 0 or a negative code; err names file, line, key and cure */
MAMS_MUST int ncm_conf_load(const char *path, struct ncm_conf *out, struct mams_error *err);
void ncm_conf_free(struct ncm_conf *c);
/** The HTTPS server's part of it; strings are borrowed. */
struct mams_httpd_opts ncm_conf_server(const struct ncm_conf *c);
