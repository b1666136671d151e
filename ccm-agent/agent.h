/** @file agent.h
 *  The CCM at work: link events and messages go into the session, its actions are carried out.
 *  Layer: adapter. */
#pragma once

#include "ccm-agent/apply_ipsec.h"
#include "ccm-agent/apply_madp.h"
#include "ccm-agent/apply_tunnel.h"
#include "ccm-agent/config.h"
#include "ccm-agent/uplink.h"

struct ccm_agent;

/** Nothing on the host is changed before ccm_agent_start().  @param conf  borrowed */
MAMS_MUST int ccm_agent_new(struct mams_loop *l, const struct ccm_conf *conf,
	struct ccm_agent **out, struct mams_error *err);
void ccm_agent_free(struct ccm_agent *a); /**< accepts NULL */
/** Clear what a killed predecessor left, then begin. */
MAMS_MUST int ccm_agent_start(struct ccm_agent *a, struct mams_error *err);
/** Tell the NCM, put the host back, stop the loop. */
void ccm_agent_stop(struct ccm_agent *a);
/** Put the host back without a running agent. */
MAMS_MUST int ccm_agent_cleanup(const struct ccm_conf *conf, struct mams_error *err);

/* for status */
const struct ccm_session *ccm_agent_session(const struct ccm_agent *a);
const struct ccm_links *ccm_agent_links(const struct ccm_agent *a);
struct ccm_uplink *ccm_agent_uplink(const struct ccm_agent *a);
const struct ccm_madp *ccm_agent_madp(const struct ccm_agent *a);
const struct ccm_tun *ccm_agent_tunnel(const struct ccm_agent *a);  /**< NULL: without GMA */
const struct ccm_ipsec *ccm_agent_ipsec(const struct ccm_agent *a); /**< NULL: without */
const struct ccm_target *ccm_agent_target(const struct ccm_agent *a);
bool ccm_agent_madp_reachable(const struct ccm_agent *a);

/* for the CCM API */
struct ccm_agent_ops {
	/** What became of a need; text may be NULL. */
	void (*need)(void *user, uint32_t id, enum ccm_verdict v, const char *text);
	/** New predictions stand in the session; or text says why there are none. */
	void (*analytics)(void *user, const char *text);
};
/** @param ops  NULL: nobody */
void ccm_agent_watch(struct ccm_agent *a, const struct ccm_agent_ops *ops, void *user);
/** @return the need's id, or as ccm_session_need(); ops tell the rest, later */
MAMS_MUST int64_t ccm_agent_need(
	struct ccm_agent *a, const struct ccm_need *in, uint32_t owner, int64_t lifetime_ms);
void ccm_agent_need_end(struct ccm_agent *a, uint32_t id);
MAMS_MUST int ccm_agent_predict(struct ccm_agent *a);
/** The platform tells the signal of a link.
 *  @param type  enum mx_measurement_type, one that fits the link
 *  @return as ccm_session_told() */
MAMS_MUST int ccm_agent_signal(struct ccm_agent *a, uint8_t connection_id, int type, int dbm);
