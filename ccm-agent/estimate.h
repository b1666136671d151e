/** @file estimate.h
 *  Path quality estimation as the client does it: the N-MADP probes a delivery connection, we
 *  answer what wants an answer, count what came, and the results go to the NCM.
 *  Layer: core (no I/O, no clock).  Source: seed 6.5; RFC 8743 8.6; requirements.md B.12, B.13,
 * D.6.
 *
 *  DECISION: a Keep-Alive from the link's own probe port opens the test, so that the N-MADP probes
 *  nobody who has not shown himself there.  The Probe Type of what comes tells the phase. */
#pragma once

#include "lib/base/addr.h"
#include "lib/base/clock.h"
#include "lib/mx/mx.h"
#include "lib/mx/mx_control.h"

#define CCM_ESTIMATE_ANSWER 8u /**< octets of the longest PDU that we send */

struct ccm_session;

enum ccm_estimate_phase { CCM_ESTIMATE_WAIT, CCM_ESTIMATE_INIT, CCM_ESTIMATE_ACTIVE };

/** Of one delivery connection. */
struct ccm_estimate {
	bool on;
	struct mx_path_est_req conf;
	enum ccm_estimate_phase phase;
	mams_time end; /**< WAIT: given up; INIT: judged; ACTIVE: end of the probe duration */
	mams_time keep_alive; /**< the next one is due */
	mams_time from, to;   /**< INIT: first and newest probe; ACTIVE: begin; newest probe */
	uint16_t seq;         /**< of the next Keep-Alive */
	uint32_t n;           /**< INIT: probes that came */
	uint64_t octets;      /**< INIT: of these, without the first */
	uint64_t received;    /**< ACTIVE: the link's octets at its begin */
	uint32_t rtt_us;      /**< the N-MADP's word; 0: none yet */
};

/** mx_path_est_req of the NCM; replaces what runs on that connection. */
MAMS_MUST int ccm_estimate_req(
	struct ccm_session *s, const struct mx_msg *m, mams_time now, struct mams_error *err);
/** All estimations end. */
void ccm_estimate_clear(struct ccm_session *s);
/** Should there be a socket for this connection?
 *  @param local  with the probe port; filled on true
 *  @param peer   the only one that it talks to; likewise */
bool ccm_estimate_wants(
	const struct ccm_session *s, uint8_t id, struct mams_addr *local, struct mams_addr *peer);
/** A datagram of the peer came.
 *  @param received  octets that the link has received so far, user data and all
 *  @param answer    filled
 *  @return octets of the answer; 0: none */
size_t ccm_estimate_pdu(struct ccm_session *s, uint8_t id, const void *data, size_t len,
	uint64_t received, mams_time now, uint8_t answer[CCM_ESTIMATE_ANSWER]);
/** What is due now: results are queued as messages, a Keep-Alive is returned like an answer. */
size_t ccm_estimate_tick(struct ccm_session *s, uint8_t id, uint64_t received, mams_time now,
	uint8_t pdu[CCM_ESTIMATE_ANSWER]);
mams_time ccm_estimate_deadline(const struct ccm_session *s, uint8_t id);
