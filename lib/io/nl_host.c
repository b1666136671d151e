/* Addresses of our own devices, and routes of single hosts to them. */
#include "lib/io/nl_private.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

static size_t octets(const struct mams_addr *a)
{
	return a->family == AF_INET ? 4 : 16;
}

int mams_nl_address(struct mams_nl *n, uint32_t ifindex, const struct mams_addr *a, bool add)
{
	char space[256] = {0};
	struct nlmsghdr *h = mnl_nlmsg_put_header(space);
	struct ifaddrmsg *m;
	int rc;

	h->nlmsg_type = add ? RTM_NEWADDR : RTM_DELADDR;
	h->nlmsg_flags =
		(uint16_t)(NLM_F_REQUEST | NLM_F_ACK | (add ? NLM_F_CREATE | NLM_F_REPLACE : 0));
	m = mnl_nlmsg_put_extra_header(h, sizeof(*m));
	m->ifa_family = a->family;
	m->ifa_prefixlen = (uint8_t)(octets(a) * 8);
	m->ifa_flags = IFA_F_NODAD;
	m->ifa_scope = RT_SCOPE_UNIVERSE;
	m->ifa_index = ifindex;
	mnl_attr_put(h, IFA_LOCAL, octets(a), a->ip);
	mnl_attr_put(h, IFA_ADDRESS, octets(a), a->ip);
	rc = mams_nl_request(n, h, NULL, NULL);
	return !add && (rc == -EADDRNOTAVAIL || rc == -ENODEV) ? 0 : rc;
}

int mams_nl_host_route(struct mams_nl *n, uint32_t ifindex, const struct mams_addr *a, uint32_t mtu)
{
	char space[256] = {0};
	struct nlmsghdr *h = mnl_nlmsg_put_header(space);
	struct nlattr *metrics;
	struct rtmsg *m;
	int rc;

	h->nlmsg_type = mtu ? RTM_NEWROUTE : RTM_DELROUTE;
	h->nlmsg_flags =
		(uint16_t)(NLM_F_REQUEST | NLM_F_ACK | (mtu ? NLM_F_CREATE | NLM_F_REPLACE : 0));
	m = mnl_nlmsg_put_extra_header(h, sizeof(*m));
	m->rtm_family = a->family;
	m->rtm_dst_len = (uint8_t)(octets(a) * 8);
	m->rtm_table = RT_TABLE_MAIN;
	m->rtm_protocol = MAMS_NL_PROTOCOL;
	m->rtm_scope = a->family == AF_INET ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
	m->rtm_type = RTN_UNICAST;
	mnl_attr_put(h, RTA_DST, octets(a), a->ip);
	mnl_attr_put_u32(h, RTA_OIF, ifindex);
	if (mtu) {
		metrics = mnl_attr_nest_start(h, RTA_METRICS);
		mnl_attr_put_u32(h, RTAX_MTU, mtu);
		mnl_attr_nest_end(h, metrics);
	}
	rc = mams_nl_request(n, h, NULL, NULL);
	return !mtu && (rc == -ESRCH || rc == -ENOENT || rc == -ENODEV) ? 0 : rc;
}
