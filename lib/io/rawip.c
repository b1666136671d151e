#include "lib/io/rawip.h"

#include "lib/io/sockopt.h"

#include <linux/filter.h>
#include <linux/if_packet.h>

#include <errno.h>
#include <ifaddrs.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PROTOCOL_AT 9u
#define WHOLE 0xffffu

/** Of this protocol, and addressed to us: neither what others hear nor what we send. */
static int set_filter(int fd, uint8_t protocol)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_PKTTYPE)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_HOST, 0, 3),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, PROTOCOL_AT),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, protocol, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, WHOLE),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	const struct sock_fprog program = {.len = sizeof(code) / sizeof(code[0]), .filter = code};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) < 0 ? -errno
											   : 0;
}

static int set_up_in(int fd, uint32_t ifindex, uint8_t protocol, const char **what)
{
	union {
		struct sockaddr any;
		struct sockaddr_ll ll;
	} a = {.ll = {.sll_family = AF_PACKET,
		       .sll_protocol = htons(ETH_P_IP),
		       .sll_ifindex = (int)ifindex}};
	int rc;

	/* the filter first: the socket hears nothing before it is bound */
	*what = "SO_ATTACH_FILTER";
	rc = set_filter(fd, protocol);
	if (rc < 0)
		return rc;
	*what = "bind";
	return bind(fd, &a.any, sizeof(a.ll)) < 0 ? -errno : 0;
}

int mams_rawip_open_in(
	uint32_t ifindex, uint8_t protocol, int receive_octets, int *out, struct mams_error *err)
{
	int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	const char *what = "socket";
	char name[IF_NAMESIZE] = "?";
	int rc = fd < 0 ? -errno : set_up_in(fd, ifindex, protocol, &what);

	if (rc < 0) {
		if (fd >= 0)
			close(fd);
		(void)if_indextoname(ifindex, name);
		return mams_fail(err, -rc, name, "packets: %s: %s", what, strerror(-rc));
	}
	mams_sock_buffers(fd, 0, receive_octets);
	*out = fd;
	return 0;
}

static int set_up_out(int fd, const struct mams_rawip_out *o, const char **what)
{
	int one = 1;
	int rc = mams_sock_leave_by(fd, o->device, o->mark, what);

	if (rc < 0)
		return rc;
	/* or connection tracking would put fragments together before they leave */
	*what = "IP_NODEFRAG";
	if (setsockopt(fd, IPPROTO_IP, IP_NODEFRAG, &one, sizeof(one)) < 0)
		return -errno;
	mams_sock_buffers(fd, o->send_octets, 0);
	return mams_sock_ends(fd, &o->local, &o->remote, what);
}

int mams_rawip_open_out(const struct mams_rawip_out *o, int *out, struct mams_error *err)
{
	/* of IPPROTO_RAW: the header is the caller's, and nothing is ever received */
	int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_RAW);
	const char *what = "socket";
	char text[MAMS_ADDR_STRLEN];
	int rc = fd < 0 ? -errno : set_up_out(fd, o, &what);

	if (rc < 0) {
		if (fd >= 0)
			close(fd);
		return mams_fail(err, -rc, mams_addr_str(&o->local, text), "raw: %s: %s", what,
			strerror(-rc));
	}
	*out = fd;
	return 0;
}

int mams_rawip_ifindex(const struct mams_addr *a, uint32_t *out)
{
	struct ifaddrs *list;
	struct mams_addr is;
	uint32_t found = 0;

	if (getifaddrs(&list) < 0)
		return -errno;
	for (const struct ifaddrs *i = list; i && !found; i = i->ifa_next)
		if (i->ifa_addr && mams_addr_from_sa(i->ifa_addr, &is) == 0 &&
			mams_addr_eq_ip(&is, a))
			found = if_nametoindex(i->ifa_name);
	freeifaddrs(list);
	*out = found;
	return found ? 0 : -ENODEV;
}
