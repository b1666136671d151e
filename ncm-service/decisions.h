/** @file decisions.h
 *  The decision log: a line of JSON (lib/steer/record.h) for each decision of automatic steering
 *  that changed something or wanted to.  Layer: adapter.
 *  Mode 0640.  When it has grown to its limit it becomes FILE.1, and what that was is lost. */
#pragma once

#include "ncm-service/config.h"
#include "ncm-service/session.h"

struct ncm_decisions;

/** Without decision_log nothing is written, but logged.
 *  @return 0 or a negative code; err names the file */
MAMS_MUST int ncm_decisions_open(
	const struct ncm_conf *c, struct ncm_decisions **out, struct mams_error *err);
void ncm_decisions_close(struct ncm_decisions *d); /**< accepts NULL */
/** The record that a class of the session's has now. */
void ncm_decisions_put(struct ncm_decisions *d, const struct ncm_session *s, size_t class);
