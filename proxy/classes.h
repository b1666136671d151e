/** @file classes.h
 *  Flows that an application's requirement or the NCM's steering ties to some of the paths.
 *  Layer: core (no I/O, no clock).  Source: RFC 8743 8.7 (UL Connection ID List per traffic flow
 *  template: the first template that matches decides), C.2.16. */
#pragma once

#include "proxy/paths.h"

#define PX_CLASSES_MAX 64u

/** The part of a traffic flow template that a TCP proxy can tell: where the connection goes, and
 * how its first packet was marked. */
struct px_class {
	struct mams_prefix remote; /**< family AF_UNSPEC: any address */
	uint16_t port_first;
	uint16_t port_last;
	bool has_dscp;
	uint8_t dscp;
	uint8_t ids[PX_PATHS_MAX]; /**< connection ids, best first */
	size_t n_ids;
};

/** The first class that a connection to server (with port) belongs to; NULL when none.
 *  @param dscp  of its SYN */
const struct px_class *px_class_of(
	const struct px_class *classes, size_t n, const struct mams_addr *server, uint8_t dscp);
/** DSCP (RFC 2474 3) of an IP header.  @param ip  ip[2] at least; neither IPv4 nor IPv6: 0 */
uint8_t px_class_dscp(const uint8_t *ip);
/** The connection ids of a class as bits; 0 for NULL, which means any. */
uint32_t px_class_bits(const struct px_class *k);
/** Keep of paths[n] those of the class, in its order (their priority becomes their place in it).
 *  When it has none of them, all stay: a connection over another link is better than none.
 *  @return how many are left */
size_t px_class_select(const struct px_class *k, struct px_path *paths, size_t n);
