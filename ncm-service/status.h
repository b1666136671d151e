/** @file status.h
 *  What a session has agreed on, and the N-MADP instances, for mamsctl.  Layer: adapter. */
#pragma once

#include "lib/ctl/ctl_msg.h"
#include "ncm-service/service.h"

void ncm_status_agreed(
	struct ctl_msg *msg, const struct ncm_session *s, struct ctl_session_status *out);
void ncm_status_anchors(
	struct ctl_msg *msg, const struct ncm_session *s, struct ctl_session_status *out);
/** Traffic of applications that is steered apart. */
void ncm_status_apps(
	struct ctl_msg *msg, const struct ncm_session *s, struct ctl_session_status *out);
/** All instances, in the order of the configuration. */
/** Totals, and each access over all sessions. */
void ncm_status_overview(struct ctl_msg *msg, struct ncm_service *v, mams_time now);
/** Log lines with higher numbers than after.  @return NULL on ENOMEM */
struct ctl_msg *ncm_status_events(uint32_t id, uint64_t after);
/** Of the proxy's subflows over a link or, where GMA goes over it, of the tunnel; NULL: none. */
const char *ncm_status_adaptation(const struct ncm_session *s, uint8_t id);
void ncm_status_madps(struct ctl_msg *msg, struct ncm_service *v);
/** The anchor that a steering request means: by name, by connection id, or the first.
 *  @param tunnel  NULL text: the one with GMA, where there is one
 *  @return 0 or -MAMS_EVALUE */
MAMS_MUST int ncm_status_anchor(const struct ncm_session *s, const char *text, bool tunnel,
	size_t *out, struct mams_error *err);
