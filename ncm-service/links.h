/** @file links.h
 *  The client's links as it reports them.  Layer: core (no I/O).  Source: seed 6.4, RFC 8743 8.5.
 */
#pragma once

#include "ncm-service/session.h"

/** mx_reconf_req */
int ncm_links_report(
	struct ncm_session *s, const struct mx_msg *m, mams_time now, struct mams_error *err);
