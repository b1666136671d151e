/** @file overview.h
 *  All sessions at a glance: what works, what does not, what accesses carry.  Layer: core. */
#pragma once

#include "ncm-service/registry.h"

/** One access over all sessions. */
struct ncm_tally {
	uint32_t up, down; /**< links */
	uint64_t dl_kbps, ul_kbps;
	uint32_t near, spent; /**< links of clients that have nearly, or quite, used their quota */
};

struct ncm_overview {
	uint32_t sessions[NCM_STATE_COUNT];
	uint32_t total;
	uint32_t troubled;
	struct ncm_tally access[NCM_LINKS_MAX]; /**< as in the policy */
};

/** Is it not active, or has it a link that cannot be used, or an anchor without an instance? */
bool ncm_session_is_troubled(const struct ncm_session *s);
void ncm_overview_take(const struct ncm_registry *r, mams_time now, struct ncm_overview *out);
