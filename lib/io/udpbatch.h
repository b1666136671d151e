/** @file udpbatch.h
 *  UDP for data planes: many datagrams a system call, and many a datagram's worth of kernel work
 *  (UDP_SEGMENT, UDP_GRO).  Layer: io.  Non-blocking; for a worker's own epoll set. */
#pragma once

#include "lib/base/addr.h"
#include "lib/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define MAMS_UDP_MAX 65507u    /**< octets of one send: segments together, over IPv4 or IPv6 */
#define MAMS_UDP_SEGMENTS 64u  /**< segments of one send */
#define MAMS_UDP_BATCH 64u     /**< sends of one call */
#define MAMS_UDP_RX_BATCH 8u   /**< receives of one call */
#define MAMS_UDP_RX_MAX 65536u /**< octets of one receive */

struct mams_udp_opts {
	struct mams_addr local;  /**< with port; 0: the kernel's choice */
	struct mams_addr remote; /**< unset: not connected */
	const char *device;      /**< NULL: any; else nothing is sent or heard elsewhere */
	uint32_t mark;           /**< SO_MARK; 0: none */
	int send_octets;         /**< SO_SNDBUF */
	int receive_octets;      /**< SO_RCVBUF */
};

/** Open, bind, connect.  Path MTU discovery is off and fragmentation forbidden: what is too long
 *  for the link fails with EMSGSIZE.
 *  @return 0, -EADDRNOTAVAIL, -EADDRINUSE, -ENODEV and other system errors; err names what */
MAMS_MUST int mams_udp_open(const struct mams_udp_opts *o, int *fd, struct mams_error *err);
uint16_t mams_udp_port(int fd); /**< its own; 0: not known */

/** One send: segments of `segment` octets one behind the other, the last may be shorter. */
struct mams_udp_out {
	const void *data;
	size_t len;                /**< at most MAMS_UDP_MAX */
	uint16_t segment;          /**< octets; >= len: one datagram */
	const struct sockaddr *to; /**< NULL: connected */
	socklen_t to_len;
};

/** Send out[n], n at most MAMS_UDP_BATCH, in order.
 *  @return how many went before the first that did not; *why is then its -errno, else 0 */
size_t mams_udp_send(int fd, const struct mams_udp_out *out, size_t n, int *why);

/** One receive: datagrams of one sender, `segment` octets each, the last may be shorter. */
struct mams_udp_in {
	uint8_t *data;
	size_t len;
	size_t segment; /**< octets, never 0 */
	bool whole;     /**< false: it was longer than MAMS_UDP_RX_MAX */
	const struct sockaddr *from;
};

/** Memory of receives, one per worker. */
struct mams_udp_rx;
MAMS_MUST int mams_udp_rx_new(struct mams_udp_rx **out);
void mams_udp_rx_free(struct mams_udp_rx *rx); /**< accepts NULL */
/** Receive what is there.
 *  @param in  [MAMS_UDP_RX_BATCH], filled; valid until the next call with the same rx
 *  @return how many, -EAGAIN, or another system error (of an earlier send, or of the socket) */
int mams_udp_recv(struct mams_udp_rx *rx, int fd, struct mams_udp_in *in);
