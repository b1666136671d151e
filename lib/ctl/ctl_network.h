/** @file ctl_network.h
 *  What a network says of its accesses and cells: the body of /mams/v1/network-information, and
 * what mamsctl is told of it.  Layer: ctl (pure).  Source: seed figure 3 (network capabilities,
 * RNIS). docs/network-information.md describes the JSON; rows stand in ctl_network_tables.c. */
#pragma once

#include "lib/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ctl_msg;
struct mams_buf;

#define CTL_STATEMENTS_MAX 4096u

/** Wall-clock seconds since 1970. */
struct ctl_window {
	uint64_t from;
	uint64_t until;
};

struct ctl_statement {
	const char *access;  /**< name of an access section */
	const char *node_id; /**< its base station or access point; NULL: all */
	const char *ssid;    /**< NULL: all */
	uint32_t valid_for;  /**< s; 0: taken back */
	bool has_load_percent;
	uint8_t load_percent;
	bool has_fading_within;
	uint32_t fading_within;         /**< s: by then it is predicted to be gone */
	struct ctl_window *maintenance; /**< NULL: none */
	bool has_rate_kbps;
	uint32_t rate_kbps; /**< predicted for a client */
	bool has_delay_ms;
	uint32_t delay_ms; /**< likewise, one way */
	/* only told, not read: */
	bool has_age;
	uint32_t age;       /**< s */
	const char *feeder; /**< who said it; NULL in a post */
};

struct ctl_network {
	struct ctl_statement *statements;
	size_t n_statements;
	bool has_more;
	bool more; /**< ask again with skip */
};

/** The body alone, as HTTPS carries it.
 *  @param out  a message of type CTL_NETWORK (ctl_msg.h)
 *  @return 0, -MAMS_EPROTO, -MAMS_EVALUE, -MAMS_EMISSING, -MAMS_ELIMIT, -ENOMEM; err names the
 *          member */
MAMS_MUST int ctl_network_read(
	const char *text, size_t len, struct ctl_msg **out, struct mams_error *err);
MAMS_MUST int ctl_network_write(
	const struct ctl_msg *m, struct mams_buf *out, struct mams_error *err);
