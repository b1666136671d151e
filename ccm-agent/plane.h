/** @file plane.h
 *  UP setup and steering as messages: what is put to work, and what is answered once it
 *  works.  Layer: core (no I/O).  Source: seed 6.4 to 6.6; RFC 8743 8.5 to 8.7. */
#pragma once

#include "ccm-agent/session.h"

/** mx_up_setup_conf_req */
int ccm_plane_setup(
	struct ccm_session *s, const struct mx_msg *m, mams_time now, struct mams_error *err);
/** mx_traffic_steering_req */
int ccm_plane_steering(
	struct ccm_session *s, const struct mx_msg *m, mams_time now, struct mams_error *err);
