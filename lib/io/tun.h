/** @file tun.h
 *  A TUN device: IP packets of the host, in and out, with segmentation and checksum offload where
 *  the kernel has them.  Layer: io. */
#pragma once

#include "lib/base/addr.h"
#include "lib/base/err.h"

#include <linux/virtio_net.h>

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#define MAMS_TUN_NAME 16       /**< octets of a device name with its NUL */
#define MAMS_TUN_PACKET 65535u /**< octets of the longest packet, without the header before it */
#define MAMS_TUN_HEADER sizeof(struct virtio_net_hdr)

struct mams_tun {
	int fd; /**< non-blocking */
	uint32_t ifindex;
	bool udp_offload; /**< UDP segmentation, too: Linux 6.2 */
	char name[MAMS_TUN_NAME];
};

/** Create the device, or take over a persistent one; it goes with its descriptor.
 *  Every packet has a struct virtio_net_hdr before it, in both directions.
 *  @return 0, -EPERM (CAP_NET_ADMIN), -EBUSY, -ENODEV and other system errors */
MAMS_MUST int mams_tun_open(const char *name, struct mams_tun *out, struct mams_error *err);
void mams_tun_close(struct mams_tun *t);
/** Set the MTU and bring the device up. */
MAMS_MUST int mams_tun_up(const struct mams_tun *t, uint32_t mtu);

/** One packet with its header before it; in one piece, since readv() is dearer, and this is the
 * most frequent call of all.
 *  @param buf  [len], filled
 *  @return octets of the packet without the header, 0 when the header was cut, -EAGAIN, or another
 *  system error */
static inline ssize_t mams_tun_read(
	const struct mams_tun *t, struct virtio_net_hdr *h, uint8_t *buf, size_t len)
{
	ssize_t n = read(t->fd, buf, len);

	if (n < 0)
		return -errno;
	if (n < (ssize_t)sizeof(*h))
		return 0;
	memcpy(h, buf, sizeof(*h));
	return n - (ssize_t)sizeof(*h);
}
