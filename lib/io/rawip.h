/** @file rawip.h
 *  IPv4 packets of one protocol, whole, past the host's own IP: what arrives on an interface for
 *  whatever address, and packets out with whatever addresses they have.  Layer: io.  Non-blocking;
 *  mams_udp_recv() and mams_udp_send() move them.  Needs CAP_NET_RAW. */
#pragma once

#include "lib/base/addr.h"
#include "lib/base/err.h"

/** What arrives on an interface: from the IP header on, as it came (a short frame with its
 *  padding, fragments as fragments).  The host handles the same packets as well.
 *  @param receive_octets  SO_RCVBUF; 0: the system's default
 *  @return 0, -EPERM, -ENODEV and other system errors; err names what */
MAMS_MUST int mams_rawip_open_in(
	uint32_t ifindex, uint8_t protocol, int receive_octets, int *fd, struct mams_error *err);

struct mams_rawip_out {
	struct mams_addr local;  /**< routes are looked up with it; unset: without */
	struct mams_addr remote; /**< next hop, whatever a packet's own destination is; unset: said
				    with each packet */
	const char *device;      /**< NULL: any */
	uint32_t mark;           /**< SO_MARK; 0: none */
	int send_octets;         /**< SO_SNDBUF; 0: the system's default */
};

/** For packets with their IP header, which the kernel completes: length, checksum, and an
 *  Identification of 0.  What is too long for the link fails with EMSGSIZE; fragments leave as they
 *  are.  @return 0, -EPERM, -ENODEV, -EADDRNOTAVAIL and other system errors; err names what */
MAMS_MUST int mams_rawip_open_out(const struct mams_rawip_out *o, int *fd, struct mams_error *err);
/** The interface that has an address. @return 0 or -ENODEV */
MAMS_MUST int mams_rawip_ifindex(const struct mams_addr *a, uint32_t *out);
