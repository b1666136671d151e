/** @file agentlog.h
 *  Lines of the log about what has been agreed and about links.  Layer: adapter. */
#pragma once

#include "ccm-agent/session.h"

/** What will be used, and each thing that will not, and why. */
void ccm_log_agreed(const struct ccm_session *s);
/** It fades, or no more. */
void ccm_log_signal(const struct ccm_session *s, uint8_t id);
/** What the proxy has found of a path. */
void ccm_log_path(const struct ctl_px_event *e);
void ccm_log_link(const struct ccm_link_conf *conf, uint8_t id, const struct ccm_link_state *state);
