/** @file estimate.h
 *  Path quality estimation as the NCM runs it: which connection is probed when, in which phase, by
 *  which N-MADP instance, and what came of it.  Layer: core (no I/O, no clock).
 *  Source: seed 6.5; RFC 8743 8.6; requirements.md B.12, B.13.
 *
 *  The instance is told first (NCM_ACT_PROBE), the client once the instance is ready; it then waits
 *  for a Keep-Alive of the client on that connection. */
#pragma once

#include "ncm-service/session.h"

/** What an N-MADP instance does to one connection of a client. */
struct ncm_probe_order {
	const struct ncm_probe_conf *conf;
	bool stop;               /**< probing is switched off: what runs ends */
	bool active;             /**< the connection carries user data (seed 6.5) */
	struct mams_addr local;  /**< the instance's, with its control port */
	struct mams_addr remote; /**< the client's, with its probe port */
};

/** The user plane stands anew, or other connections carry user data: those whose phase is new are
 *  probed at once; where probing is switched off what runs is stopped. */
void ncm_estimate_review(struct ncm_session *s, mams_time now);
/** mx_up_setup_cnf has come: where does the client expect probes? */
void ncm_estimate_confirmed(struct ncm_session *s, const struct mx_up_setup_cnf *c);
/** mx_path_est_results of the client. */
MAMS_MUST int ncm_estimate_results(
	struct ncm_session *s, const struct mx_msg *m, mams_time now, struct mams_error *err);
void ncm_estimate_tick(struct ncm_session *s, mams_time now);
mams_time ncm_estimate_deadline(const struct ncm_session *s);
/** What NCM_ACT_PROBE is about.  @return false: it is no longer about anything */
bool ncm_estimate_order(const struct ncm_session *s, uint8_t id, struct ncm_probe_order *out);
