/** @file admin_policy.h
 *  Automatic steering as operators see it: why, and on again.  Layer: adapter. */
#pragma once

#include "lib/ctl/ctl_msg.h"
#include "lib/io/ctlsock.h"
#include "ncm-service/service.h"

/** The policy is another: no session uses the old one afterwards. */
void ncm_policy_renew(struct mams_loop *l, struct ncm_service *v);
/** @param msg  CTL_POLICY; answered at once */
void ncm_policy_asked(struct mams_loop *l, struct ncm_service *v, struct mams_ctl_conn *c,
	const struct ctl_msg *msg);
/** Who steers an anchor (index) or of it an application (index; -1: its other traffic).
 *  @return NULL: nobody has */
const char *ncm_policy_who(
	struct ctl_msg *msg, const struct ncm_session *s, size_t anchor, int app, bool held);
