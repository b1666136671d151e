/** @file policy_text.h
 *  What sessions depend on of the NCM's configuration, as text for a trace.  Layer: core.
 *  Not in it: paths of files and sockets, redirects, automatic steering (its records have their own
 *  policy). */
#pragma once

#include "lib/base/buf.h"
#include "ncm-service/policy.h"

struct mams_arena;

/** Append JSON.  @return 0, -ENOMEM, -MAMS_EVALUE */
MAMS_MUST int ncm_policy_write(const struct ncm_policy *p, struct mams_buf *out);
/** @param arena  owns what *out points to
 *  @return 0 or a negative code; err says where and why */
MAMS_MUST int ncm_policy_read(const char *text, size_t len, struct mams_arena *arena,
	struct ncm_policy *out, struct mams_error *err);
