/** @file session_log.h
 *  What an operator reads of a session.  Layer: adapter (the log). */
#pragma once

#include "ncm-service/session.h"

void ncm_log_link(
	const struct ncm_session *s, uint8_t id); /**< whether it is admitted, and why not */
void ncm_log_agreed(const struct ncm_session *s);
void ncm_log_assigned(const struct ncm_session *s, const struct ncm_action *a);
