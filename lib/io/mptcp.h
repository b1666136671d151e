/** @file mptcp.h
 *  Multipath TCP as a socket sees it: protocol number, MPTCP_INFO, per-subflow figures.  Layer: io.
 *  Source: RFC 8684; Linux include/uapi/linux/mptcp.h (newer than Debian's headers: structures are
 *  defined in mptcp.c and sized at run time, so that 6.1 and later kernels both work). */
#pragma once

#include "lib/base/addr.h"
#include "lib/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

struct mams_mptcp_info {
	uint32_t token;
	uint8_t subflows; /**< besides the first */
	bool fallback;    /**< the peer or the path speaks plain TCP only */
};

struct mams_mptcp_subflow {
	struct mams_addr local;
	struct mams_addr remote;
	uint8_t id;
	uint32_t rtt_us;        /**< smoothed */
	uint32_t rttvar_us;     /**< its mean deviation */
	uint32_t min_rtt_us;    /**< the shortest of the last five minutes, by default */
	uint32_t cwnd;          /**< packets */
	uint32_t ssthresh;      /**< packets: below it the window doubles each round trip */
	uint32_t unacked;       /**< packets under way */
	uint32_t notsent;       /**< octets that wait for room */
	uint32_t mss;           /**< octets of a segment, with the options of MPTCP */
	uint32_t pmtu;          /**< octets of its IP packet */
	uint64_t delivery_rate; /**< octets/s, newest sample */
	uint64_t bytes_sent;    /**< again and again counted */
	uint64_t bytes_acked;
	uint64_t bytes_received;
	uint32_t segs_sent; /**< with data */
	uint32_t segs_received;
	uint32_t retransmits; /**< of segs_sent, */
	uint32_t spurious;    /**< and of these, those for nothing (D-SACK) */
};

/** Does this socket speak MPTCP (before any fallback)?  False for a plain-TCP peer accepted by an
 *  MPTCP listener. */
bool mams_mptcp_is(int fd);
#define MAMS_CONGESTION_LEN 16 /* the kernel's TCP_CA_NAME_MAX */
/** The congestion control that MPTCP sockets of this process get: the one wanted; for "auto" cubic,
 *  or reno where the kernel does not permit cubic; "" (leave the system's) for "system".
 *  @return 0, -errno when the kernel refuses the one wanted (-EPERM, -ENOENT) */
MAMS_MUST int mams_mptcp_congestion(const char *wanted, char out[MAMS_CONGESTION_LEN]);
/** Applies to all subflows, present and later; inherited from a listener.  "" changes nothing. */
void mams_mptcp_set_congestion(int fd, const char *name);
/** @return 0, -EOPNOTSUPP or -ENOPROTOOPT (plain TCP), -errno */
MAMS_MUST int mams_mptcp_info(int fd, struct mams_mptcp_info *out);
/** Per-subflow figures; out[cap], *n filled with how many were written.
 *  @return 0 or -errno (-EOPNOTSUPP before kernel 6.5) */
MAMS_MUST int mams_mptcp_subflows(int fd, struct mams_mptcp_subflow *out, size_t cap, size_t *n);
