/** @file wss.h
 *  The control plane over WebSocket: GET /mams/v1/ws, then one MX message per text frame, both
 *  ways.  Layer: adapter.  Source: RFC 8743 7.1; requirements.md B.1. */
#pragma once

#include "lib/io/wsd.h"
#include "ncm-service/intake.h"

struct ncm_wss;

MAMS_MUST int ncm_wss_new(struct ncm_intake *in, struct ncm_wss **out, struct mams_error *err);
void ncm_wss_free(struct ncm_wss *w); /**< accepts NULL */
/** Read the Digest users and the revoked certificates again. */
MAMS_MUST int ncm_wss_reload(
	struct ncm_wss *w, mams_expelled_fn fn, void *user, struct mams_error *err);
const struct mams_wsd *ncm_wss_server(const struct ncm_wss *w);
const struct mams_ws_counters *ncm_wss_connections(const struct ncm_wss *w);
