/** @file config.h
 *  The configuration file of mams-proxy.  Layer: adapter. */
#pragma once

#include "lib/codec/conf.h"
#include "lib/io/ctlsock.h"
#include "proxy/snapshot.h"

/** A client that does not come from an NCM (tests, set-ups without control plane). */
struct px_conf_client {
	const char *name;
	const char *key_file; /**< base64, first line */
};

struct px_conf {
	int role; /**< enum px_role */
	const char *ctl_socket;
	const char *pm_socket;
	struct mams_ctl_offer offer; /**< network: to NCMs on other hosts */
	uint32_t workers;
	uint32_t max_flows;
	uint32_t max_pending_per_client;
	uint32_t max_pending_per_source;
	uint32_t buffer_octets;
	uint32_t idle_ms;
	uint32_t half_closed_ms;
	uint32_t flush_ms;
	uint32_t keepalive_ms;
	const char *congestion;
	bool fastopen;
	bool splice;
	struct mams_addr *listen;
	size_t n_listen;
	/* client */
	struct mams_prefix *exempt;
	size_t n_exempt;
	uint32_t mark;
	uint32_t race_ms;
	uint32_t attempt_ms;
	uint32_t confirm_ms;
	uint32_t rounds;
	uint32_t probe_ms;
	uint32_t silence_ms;
	uint32_t silence_ask_ms;
	bool fail_open;
	/* network */
	struct mams_addr *transparent;
	size_t n_transparent;
	struct mams_addr *join;
	size_t n_join;
	struct mams_addr *control_listen;
	size_t n_control_listen;
	const char *vici_socket;     /**< of charon; "none" */
	struct mams_addr *protected; /**< of listen: only inside IPsec */
	size_t n_protected;
	bool keep_source;
	uint32_t hello_ms;
	uint32_t connect_ms;
	uint32_t tail_ms;
	bool need_cookie;
	struct mams_prefix *cookie_networks;
	size_t n_cookie_networks;
	struct mams_prefix *allow;
	size_t n_allow;
	struct mams_prefix *deny;
	size_t n_deny;
	bool allow_others;
	struct px_conf_client *clients;
	size_t n_clients;
	struct mams_arena *arena; /**< owns everything above */
};

/** The keys of the file; docs/configuration.md is written from it. */
extern const struct mams_conf_table px_conf_table;
/** Read and check.  @return 0 or a negative code; err names file, line, key and cure */
MAMS_MUST int px_conf_load(const char *path, struct px_conf *out, struct mams_error *err);
void px_conf_free(struct px_conf *c);
/** The values that workers need. */
void px_conf_settings(const struct px_conf *c, struct px_settings *out);
