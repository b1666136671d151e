/** @file udp.h
 *  The control plane over UDP: one MX message per datagram, no TLS, and therefore only on networks
 *  that the configuration names secure; each socket hears one interface alone.  Layer: adapter.
 *  Source: seed appendix A; requirements.md A.1-3, B.1.  Retransmission and duplicates are the
 *  sessions' own business.  A client's identity is "udp:" and its address. */
#pragma once

#include "ncm-service/intake.h"

struct ncm_udp;

MAMS_MUST int ncm_udp_new(struct ncm_intake *in, struct ncm_udp **out, struct mams_error *err);
void ncm_udp_free(struct ncm_udp *u); /**< accepts NULL */

struct ncm_udp_counters {
	uint64_t received;
	uint64_t sent;
	uint64_t send_failed;
	uint64_t too_long; /**< datagrams received that are longer than allowed */
	uint64_t full;     /**< datagrams of new clients, refused: too many clients */
};
extern const struct mams_metric ncm_udp_counter_rows[];
extern const size_t ncm_udp_n_counter_rows;
const struct ncm_udp_counters *ncm_udp_counters(const struct ncm_udp *u);
