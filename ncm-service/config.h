/** @file config.h
 *  The configuration file of mams-ncm.  Layer: adapter. */
#pragma once

#include "lib/codec/conf.h"
#include "ncm-service/policy.h"

struct ncm_conf {
	const char *ctl_socket;
	const char *proxy_socket;
	const char *pm_socket;
	const char *store;
	struct mams_addr *listen;
	size_t n_listen;
	const char *certificate;
	const char *key;
	const char *client_ca;
	const char *digest_users;
	const char *realm;
	uint32_t poll_ms;
	struct ncm_policy policy;
	struct mams_arena *arena; /**< owns everything above */
};

/** Read and check.  @return 0 or a negative code; err names file, line, key and cure */
MAMS_MUST int ncm_conf_load(const char *path, struct ncm_conf *out, struct mams_error *err);
void ncm_conf_free(struct ncm_conf *c);
