/** @file saved.h
 *  A session as text, for a store that keeps texts: a CTL_NCM_SESSION message.  Layer: core. */
#pragma once

#include "ncm-service/session.h"

struct mams_buf;

/** @param flags  as of mams_field_encode()
 *  @param out  appended to; holds the key: wipe it.  @return 0 or -ENOMEM, -MAMS_EVALUE */
MAMS_MUST int ncm_saved_write(const struct ncm_saved *s, unsigned flags, struct mams_buf *out);
/** @param text  text[len].  @return 0, or as ctl_decode() has it */
MAMS_MUST int ncm_saved_read(
	const char *text, size_t len, struct ncm_saved *out, struct mams_error *err);
/** The policy may have changed since: anchors, stored by connection id, are put in its order; links
 *  are admitted by it. */
void ncm_saved_fit(const struct ncm_policy *p, struct ncm_saved *s);
