#include "proxy/hostnet.h"

#include <errno.h>
#include <ifaddrs.h>
#include <string.h>

static uint8_t mask_len(const struct mams_addr *mask)
{
	size_t octets = mask->family == AF_INET ? 4 : 16;
	uint8_t n = 0;

	for (size_t i = 0; i < octets * 8; i++) {
		if (!(mask->ip[i / 8] & 0x80u >> i % 8))
			break;
		n++;
	}
	return n;
}

static void put(struct px_hostnet *h, const struct mams_addr *a, const struct mams_addr *mask)
{
	struct mams_prefix *p = &h->nets[h->n];
	size_t octets = a->family == AF_INET ? 4 : 16;

	h->addrs[h->n] = *a;
	h->addrs[h->n].port = 0;
	*p = (struct mams_prefix){.net = h->addrs[h->n], .len = mask_len(mask)};
	for (size_t i = 0; i < octets; i++)
		p->net.ip[i] &= mask->ip[i];
	h->n++;
}

int px_hostnet_read(struct px_hostnet *out)
{
	struct ifaddrs *list;
	size_t count = 1;

	*out = (struct px_hostnet){0};
	if (getifaddrs(&list) < 0)
		return -errno;
	for (const struct ifaddrs *i = list; i; i = i->ifa_next)
		count++;
	out->nets = calloc(count, sizeof(*out->nets));
	out->addrs = calloc(count, sizeof(*out->addrs));
	for (const struct ifaddrs *i = list; out->nets && out->addrs && i; i = i->ifa_next) {
		struct mams_addr a;
		struct mams_addr mask;

		if (i->ifa_addr && i->ifa_netmask && mams_addr_from_sa(i->ifa_addr, &a) == 0 &&
			mams_addr_from_sa(i->ifa_netmask, &mask) == 0 && mask.family == a.family)
			put(out, &a, &mask);
	}
	freeifaddrs(list);
	if (out->nets && out->addrs)
		return 0;
	px_hostnet_fini(out);
	return -ENOMEM;
}

void px_hostnet_fini(struct px_hostnet *h)
{
	free(h->nets);
	free(h->addrs);
	*h = (struct px_hostnet){0};
}
