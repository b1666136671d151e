/** @file show.h
 *  Answers of the daemons as text for people.  Layer: tools (pure). */
#pragma once

#include "lib/base/buf.h"
#include "lib/ctl/ctl_msg.h"

/** Append a status answer; counters that are not zero only when asked for. */
void show_status(const struct ctl_msg *m, bool counters, struct mams_buf *out);
/** Append only the sessions of an NCM's status. */
void show_sessions(const struct ctl_ncm_status *s, struct mams_buf *out);
/** Append what is known of the quality of each session's links. */
void show_quality(const struct ctl_ncm_status *s, struct mams_buf *out);
