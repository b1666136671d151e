/** @file hop.h
 *  Links with client NAT, and the host's own IP: PDUs, protocol 114, are ours alone.  Layer:
 *  adapter.  Source: RFC 9188 7 (they must not leak), 1.1.
 *
 *  They are read from the interface before the host sees them.  Table inet mams_client_nat keeps
 *  the host from them: it would answer "time exceeded" or "protocol unreachable" to servers, and
 *  connection tracking would put fragments together.  On an N-MADP it also keeps protocol 114 of
 *  elsewhere from being routed to the clients of these links. */
#pragma once

#include "trailer-madp/config.h"
#include "trailer-madp/settings.h"
#include "trailer-madp/table.h"

#define MADP_HOP_MAX MADP_LISTEN_MAX /**< interfaces of an N-MADP */

/** Interfaces that have an IPv4 address of `listen`, each once.
 *  @param ifindex  [MADP_HOP_MAX], filled
 *  @return how many, 0 and up, or -ENODEV; err names the address */
MAMS_MUST int madp_hop_interfaces(
	const struct madp_conf *c, uint32_t *ifindex, struct mams_error *err);
/** @return as madp_table_new() */
MAMS_MUST int madp_hop_guard(
	const struct madp_conf *c, struct madp_table **out, struct mams_error *err);
/** Client: sockets of a link. @return 0 or a system error; then *in and *out are as before */
MAMS_MUST int madp_hop_open(const struct madp_link_set *l, const struct madp_conf *c, int *in,
	int *out, struct mams_error *err);
