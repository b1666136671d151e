#include "lib/io/tun.h"

#include <linux/if_tun.h>

#include <fcntl.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* newer than Debian 12's headers; the kernel takes only both or none */
#define OFFLOAD_USO (0x20u | 0x40u)
#define OFFLOAD_TSO (TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6)

static int set_offload(struct mams_tun *t)
{
	t->udp_offload = ioctl(t->fd, TUNSETOFFLOAD, OFFLOAD_TSO | OFFLOAD_USO) == 0;
	if (t->udp_offload || ioctl(t->fd, TUNSETOFFLOAD, OFFLOAD_TSO) == 0)
		return 0;
	return -errno;
}

static int attach(struct mams_tun *t, const char *name, const char **what)
{
	struct ifreq req = {.ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR};
	int size = sizeof(struct virtio_net_hdr);
	int rc;

	*what = "/dev/net/tun";
	t->fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (t->fd < 0)
		return -errno;
	memcpy(req.ifr_name, name, strlen(name) + 1);
	*what = "TUNSETIFF";
	if (ioctl(t->fd, TUNSETIFF, &req) < 0)
		return -errno;
	memcpy(t->name, req.ifr_name, sizeof(t->name));
	*what = "TUNSETVNETHDRSZ";
	if (ioctl(t->fd, TUNSETVNETHDRSZ, &size) < 0)
		return -errno;
	*what = "TUNSETOFFLOAD";
	rc = set_offload(t);
	t->ifindex = if_nametoindex(t->name);
	return rc;
}

int mams_tun_open(const char *name, struct mams_tun *out, struct mams_error *err)
{
	struct mams_tun t = {.fd = -1};
	const char *what = "";
	int rc;

	if (strlen(name) >= MAMS_TUN_NAME)
		return mams_fail(err, MAMS_EVALUE, name, "a device name has at most 15 octets");
	rc = attach(&t, name, &what);
	if (rc < 0) {
		mams_tun_close(&t);
		return mams_fail(err, -rc, name, "%s: %s", what, strerror(-rc));
	}
	*out = t;
	return 0;
}

void mams_tun_close(struct mams_tun *t)
{
	if (t->fd >= 0)
		close(t->fd);
	t->fd = -1;
}

int mams_tun_up(const struct mams_tun *t, uint32_t mtu)
{
	MAMS_AUTO_FD int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq req = {0};

	if (fd < 0)
		return -errno;
	memcpy(req.ifr_name, t->name, sizeof(req.ifr_name));
	req.ifr_mtu = (int)mtu;
	if (ioctl(fd, SIOCSIFMTU, &req) < 0)
		return -errno;
	/* a burst of the tunnel is longer than the default of 500 packets */
	req.ifr_qlen = 10000;
	if (ioctl(fd, SIOCSIFTXQLEN, &req) < 0)
		return -errno;
	if (ioctl(fd, SIOCGIFFLAGS, &req) < 0)
		return -errno;
	req.ifr_flags |= IFF_UP;
	return ioctl(fd, SIOCSIFFLAGS, &req) < 0 ? -errno : 0;
}
