/** @file session_log.h
 *  What an operator reads of a session.  Layer: adapter (the log). */
#pragma once

#include "ncm-service/session.h"

/** An action that is for the log. */
void ncm_log_action(const struct ncm_session *s, const struct ncm_action *a);
