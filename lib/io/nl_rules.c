/* Rules for what the host itself sends, by more than its source; routes to a device of ours. */
#include "lib/io/nl_private.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>

static const uint8_t families[] = {AF_INET, AF_INET6};

static size_t octets(uint8_t family)
{
	return family == AF_INET ? 4 : 16;
}

static struct fib_rule_hdr *begin(struct nlmsghdr *h, uint8_t family, bool add)
{
	struct fib_rule_hdr *f;

	h->nlmsg_type = add ? RTM_NEWRULE : RTM_DELRULE;
	h->nlmsg_flags =
		(uint16_t)(NLM_F_REQUEST | NLM_F_ACK | (add ? NLM_F_CREATE | NLM_F_EXCL : 0));
	f = mnl_nlmsg_put_extra_header(h, sizeof(*f));
	f->family = family;
	return f;
}

int mams_nl_rule_add(struct mams_nl *n, const struct mams_nl_rule *r)
{
	char space[512] = {0};
	struct nlmsghdr *h = mnl_nlmsg_put_header(space);
	struct fib_rule_hdr *f = begin(h, r->family, true);
	int rc;

	f->action = r->go_to ? FR_ACT_GOTO : r->table ? FR_ACT_TO_TBL : FR_ACT_NOP;
	if (r->has_from) {
		f->src_len = r->from.len;
		mnl_attr_put(h, FRA_SRC, octets(r->family), r->from.net.ip);
	}
	if (r->has_to) {
		f->dst_len = r->to.len;
		mnl_attr_put(h, FRA_DST, octets(r->family), r->to.net.ip);
	}
	mnl_attr_put_u32(h, FRA_PRIORITY, r->priority);
	mnl_attr_put_u8(h, FRA_PROTOCOL, MAMS_NL_PROTOCOL);
	mnl_attr_put_strz(h, FRA_IIFNAME, "lo");
	if (r->mark) {
		mnl_attr_put_u32(h, FRA_FWMARK, r->mark);
		mnl_attr_put_u32(h, FRA_FWMASK, UINT32_MAX);
	}
	if (r->ip_protocol)
		mnl_attr_put_u8(h, FRA_IP_PROTO, r->ip_protocol);
	if (r->go_to)
		mnl_attr_put_u32(h, FRA_GOTO, r->go_to);
	else if (r->table)
		mnl_attr_put_u32(h, FRA_TABLE, r->table);
	if (r->no_default)
		mnl_attr_put_u32(h, FRA_SUPPRESS_PREFIXLEN, 0);
	rc = mams_nl_request(n, h, NULL, NULL);
	return rc == -EEXIST ? 0 : rc;
}

static int del_one(struct mams_nl *n, uint8_t family, uint32_t priority)
{
	char space[256] = {0};
	struct nlmsghdr *h = mnl_nlmsg_put_header(space);

	(void)begin(h, family, false);
	mnl_attr_put_u32(h, FRA_PRIORITY, priority);
	mnl_attr_put_u8(h, FRA_PROTOCOL, MAMS_NL_PROTOCOL);
	return mams_nl_request(n, h, NULL, NULL);
}

int mams_nl_rules_del(struct mams_nl *n, uint32_t first, uint32_t last)
{
	int removed = 0;
	int rc = 0;

	for (size_t i = 0; i < MAMS_ARRAY_LEN(families); i++)
		for (uint32_t p = first; p <= last; p++) {
			int one;

			while ((one = del_one(n, families[i], p)) == 0)
				removed++;
			if (one != -ENOENT && one != -EAFNOSUPPORT)
				rc = one;
		}
	return rc < 0 ? rc : removed;
}

int mams_nl_default_to(
	struct mams_nl *n, uint32_t table, uint32_t ifindex, const struct mams_addr *source)
{
	char space[512] = {0};
	struct nlmsghdr *h = mnl_nlmsg_put_header(space);
	struct rtmsg *m;

	h->nlmsg_type = RTM_NEWROUTE;
	h->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE;
	m = mnl_nlmsg_put_extra_header(h, sizeof(*m));
	m->rtm_family = source->family;
	m->rtm_table = RT_TABLE_UNSPEC;
	m->rtm_protocol = MAMS_NL_PROTOCOL;
	m->rtm_scope = source->family == AF_INET ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
	m->rtm_type = RTN_UNICAST;
	mnl_attr_put_u32(h, RTA_TABLE, table);
	mnl_attr_put_u32(h, RTA_OIF, ifindex);
	mnl_attr_put(h, RTA_PREFSRC, octets(source->family), source->ip);
	return mams_nl_request(n, h, NULL, NULL);
}
