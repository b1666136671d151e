/* Dumps and requests use a blocking socket of their own; events come on a non-blocking one.  The
 * watch subscribes before it dumps, so nothing falls between. */
#include "lib/io/nl.h"

#include "lib/io/nl_private.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>

#define SWEEP_MAX 256
#define LOCAL_PRIORITY 1024 /* the kernel's own have 0 and go first */
/* libmnl's own loop narrows a pointer difference without saying so */
#define EACH_ATTR(a, h, offset)                                                                    \
	for ((a) = mnl_nlmsg_get_payload_offset((h), (offset));                                    \
		mnl_attr_ok((a), (int)((char *)mnl_nlmsg_get_payload_tail(h) - (char *)(a)));      \
		(a) = mnl_attr_next(a))

struct mams_nl_watch {
	struct mams_loop *loop;
	const struct mams_nl_ops *ops;
	void *user;
	struct mnl_socket *sock;
	struct mams_loop_fd *fd;
	struct mams_nl *dumps;
	uint64_t overruns;
	char buffer[MAMS_NL_BUFFER];
};

/* ---- requests ---- */

int mams_nl_open_bus(int bus, struct mams_nl **out)
{
	struct mams_nl *n = calloc(1, sizeof(*n));

	if (!n)
		return -ENOMEM;
	n->sock = mnl_socket_open2(bus, SOCK_CLOEXEC);
	if (!n->sock || mnl_socket_bind(n->sock, 0, MNL_SOCKET_AUTOPID) < 0) {
		int rc = -errno;

		mams_nl_close(n);
		return rc;
	}
	*out = n;
	return 0;
}

int mams_nl_open(struct mams_nl **out)
{
	return mams_nl_open_bus(NETLINK_ROUTE, out);
}

void mams_nl_close(struct mams_nl *n)
{
	if (!n)
		return;
	if (n->sock)
		mnl_socket_close(n->sock);
	free(n);
}

uint32_t mams_nl_port(const struct mams_nl *n)
{
	return mnl_socket_get_portid(n->sock);
}

static int receive(struct mams_nl *n, mnl_cb_t cb, void *user)
{
	unsigned port = mnl_socket_get_portid(n->sock);

	for (;;) {
		ssize_t len = mnl_socket_recvfrom(n->sock, n->buffer, sizeof(n->buffer));
		int rc;

		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0)
			return -errno;
		rc = mnl_cb_run(n->buffer, (size_t)len, n->seq, port, cb, user);
		if (rc < 0)
			return -errno;
		if (rc == MNL_CB_STOP)
			return 0;
	}
}

int mams_nl_request(struct mams_nl *n, struct nlmsghdr *h, mnl_cb_t cb, void *user)
{
	h->nlmsg_seq = ++n->seq;
	if (mnl_socket_sendto(n->sock, h, h->nlmsg_len) < 0)
		return -errno;
	return receive(n, cb, user);
}

static size_t octets(const struct mams_addr *a)
{
	return a->family == AF_INET ? 4 : 16;
}

static int change_rule(struct mams_nl *n, const struct mams_nl_route *r, bool add)
{
	char space[512] = {0};
	struct nlmsghdr *h = mnl_nlmsg_put_header(space);
	struct fib_rule_hdr *f;

	h->nlmsg_type = add ? RTM_NEWRULE : RTM_DELRULE;
	h->nlmsg_flags =
		(uint16_t)(NLM_F_REQUEST | NLM_F_ACK | (add ? NLM_F_CREATE | NLM_F_EXCL : 0));
	f = mnl_nlmsg_put_extra_header(h, sizeof(*f));
	f->family = r->local.family;
	f->src_len = (uint8_t)(octets(&r->local) * 8);
	f->action = FR_ACT_TO_TBL;
	mnl_attr_put(h, FRA_SRC, octets(&r->local), r->local.ip);
	mnl_attr_put_u32(h, FRA_TABLE, r->table);
	mnl_attr_put_u32(h, FRA_PRIORITY, r->table);
	mnl_attr_put_u8(h, FRA_PROTOCOL, MAMS_NL_PROTOCOL);
	return mams_nl_request(n, h, NULL, NULL);
}

static int change_route(struct mams_nl *n, const struct mams_nl_route *r, bool add)
{
	char space[512] = {0};
	struct nlmsghdr *h = mnl_nlmsg_put_header(space);
	bool direct = !mams_addr_is_set(&r->gateway);
	struct rtmsg *m;

	h->nlmsg_type = add ? RTM_NEWROUTE : RTM_DELROUTE;
	h->nlmsg_flags =
		(uint16_t)(NLM_F_REQUEST | NLM_F_ACK | (add ? NLM_F_CREATE | NLM_F_REPLACE : 0));
	m = mnl_nlmsg_put_extra_header(h, sizeof(*m));
	m->rtm_family = r->local.family;
	m->rtm_table = RT_TABLE_UNSPEC;
	m->rtm_protocol = MAMS_NL_PROTOCOL;
	m->rtm_scope = direct ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
	m->rtm_type = RTN_UNICAST;
	/* who makes the address may make the way to its network later: NetworkManager */
	m->rtm_flags = !direct && r->local.family == AF_INET ? RTNH_F_ONLINK : 0;
	mnl_attr_put_u32(h, RTA_TABLE, r->table);
	mnl_attr_put_u32(h, RTA_OIF, r->ifindex);
	if (!direct)
		mnl_attr_put(h, RTA_GATEWAY, octets(&r->gateway), r->gateway.ip);
	return mams_nl_request(n, h, NULL, NULL);
}

int mams_nl_route_set(struct mams_nl *n, const struct mams_nl_route *r)
{
	int rc = change_route(n, r, true);

	if (rc == 0)
		rc = change_rule(n, r, true);
	return rc == -EEXIST ? 0 : rc;
}

int mams_nl_route_del(struct mams_nl *n, const struct mams_nl_route *r)
{
	int rule = change_rule(n, r, false);
	int route = change_route(n, r, false);

	if (rule == -ENOENT)
		rule = 0;
	if (route == -ESRCH || route == -ENOENT || route == -ENODEV)
		route = 0;
	return rule < 0 ? rule : route;
}

/* Rule for any packet.  @param suppress  default routes of the table do not count */
static int change_any(struct mams_nl *n, uint8_t family, uint32_t priority, uint32_t table,
	bool suppress, bool add)
{
	char space[512] = {0};
	struct nlmsghdr *h = mnl_nlmsg_put_header(space);
	struct fib_rule_hdr *f;

	h->nlmsg_type = add ? RTM_NEWRULE : RTM_DELRULE;
	h->nlmsg_flags =
		(uint16_t)(NLM_F_REQUEST | NLM_F_ACK | (add ? NLM_F_CREATE | NLM_F_EXCL : 0));
	f = mnl_nlmsg_put_extra_header(h, sizeof(*f));
	f->family = family;
	f->action = FR_ACT_TO_TBL;
	mnl_attr_put_u32(h, FRA_PRIORITY, priority);
	mnl_attr_put_u8(h, FRA_PROTOCOL, MAMS_NL_PROTOCOL);
	if (add)
		mnl_attr_put_u32(h, FRA_TABLE, table);
	if (add && suppress)
		mnl_attr_put_u32(h, FRA_SUPPRESS_PREFIXLEN, 0);
	return mams_nl_request(n, h, NULL, NULL);
}

static const uint8_t families[] = {AF_INET, AF_INET6};

int mams_nl_default_del(struct mams_nl *n, uint32_t first)
{
	int rc = 0;

	for (size_t i = 0; i < MAMS_ARRAY_LEN(families); i++)
		for (uint32_t p = first; p <= first + 1; p++) {
			int one = change_any(n, families[i], p, 0, false, false);

			if (one < 0 && one != -ENOENT && one != -EAFNOSUPPORT)
				rc = one;
		}
	return rc;
}

int mams_nl_default_set(struct mams_nl *n, uint32_t first, uint32_t table)
{
	int rc = mams_nl_default_del(n, first);

	for (size_t i = 0; rc == 0 && i < MAMS_ARRAY_LEN(families); i++) {
		rc = change_any(n, families[i], first + 1, table, false, true);
		if (rc == 0)
			rc = change_any(n, families[i], first, RT_TABLE_MAIN, true, true);
		if (rc == -EAFNOSUPPORT)
			rc = 0;
	}
	return rc;
}

static int change_local(struct mams_nl *n, const struct mams_addr *addr, bool add)
{
	char space[512] = {0};
	struct nlmsghdr *h = mnl_nlmsg_put_header(space);
	struct rtmsg *m;

	h->nlmsg_type = add ? RTM_NEWROUTE : RTM_DELROUTE;
	h->nlmsg_flags =
		(uint16_t)(NLM_F_REQUEST | NLM_F_ACK | (add ? NLM_F_CREATE | NLM_F_EXCL : 0));
	m = mnl_nlmsg_put_extra_header(h, sizeof(*m));
	m->rtm_family = addr->family;
	m->rtm_dst_len = (uint8_t)(octets(addr) * 8);
	m->rtm_table = RT_TABLE_LOCAL;
	m->rtm_protocol = MAMS_NL_PROTOCOL;
	m->rtm_scope = RT_SCOPE_HOST;
	m->rtm_type = RTN_LOCAL;
	mnl_attr_put(h, RTA_DST, octets(addr), addr->ip);
	mnl_attr_put_u32(h, RTA_OIF, if_nametoindex("lo"));
	mnl_attr_put_u32(h, RTA_PRIORITY, LOCAL_PRIORITY);
	return mams_nl_request(n, h, NULL, NULL);
}

int mams_nl_local_set(struct mams_nl *n, const struct mams_addr *a)
{
	int rc = change_local(n, a, true);

	return rc == -EEXIST ? 0 : rc;
}

int mams_nl_local_del(struct mams_nl *n, const struct mams_addr *a)
{
	int rc = change_local(n, a, false);

	return rc == -ESRCH || rc == -ENOENT ? 0 : rc;
}

/* ---- sweep ---- */

struct swept {
	uint32_t first, last;
	size_t n;
	struct mams_nl_route found[SWEEP_MAX];
};

static bool ours(const struct swept *s, uint32_t table)
{
	return table >= s->first && table <= s->last && s->n < SWEEP_MAX;
}

static int swept_rule(const struct nlmsghdr *h, void *user)
{
	const struct fib_rule_hdr *f = mnl_nlmsg_get_payload(h);
	struct nlattr *a;
	struct swept *s = user;
	struct mams_nl_route r = {0};
	uint8_t protocol = 0;

	r.table = f->table;
	EACH_ATTR(a, h, sizeof(*f))
	{
		uint16_t type = mnl_attr_get_type(a);

		if (type == FRA_TABLE)
			r.table = mnl_attr_get_u32(a);
		else if (type == FRA_PROTOCOL)
			protocol = mnl_attr_get_u8(a);
		else if (type == FRA_SRC && mnl_attr_get_payload_len(a) <= sizeof(r.local.ip)) {
			r.local.family = f->family;
			memcpy(r.local.ip, mnl_attr_get_payload(a), mnl_attr_get_payload_len(a));
		}
	}
	if (protocol == MAMS_NL_PROTOCOL && ours(s, r.table) && mams_addr_is_set(&r.local))
		s->found[s->n++] = r;
	return MNL_CB_OK;
}

static int swept_route(const struct nlmsghdr *h, void *user)
{
	const struct rtmsg *m = mnl_nlmsg_get_payload(h);
	struct nlattr *a;
	struct swept *s = user;
	struct mams_nl_route r = {.table = m->rtm_table, .local.family = m->rtm_family};

	if (m->rtm_protocol != MAMS_NL_PROTOCOL ||
		(m->rtm_dst_len != 0 && m->rtm_type != RTN_LOCAL))
		return MNL_CB_OK;
	EACH_ATTR(a, h, sizeof(*m))
	{
		uint16_t type = mnl_attr_get_type(a);

		if (type == RTA_TABLE)
			r.table = mnl_attr_get_u32(a);
		else if (type == RTA_OIF)
			r.ifindex = mnl_attr_get_u32(a);
		else if (type == RTA_DST && mnl_attr_get_payload_len(a) <= sizeof(r.local.ip))
			memcpy(r.local.ip, mnl_attr_get_payload(a), mnl_attr_get_payload_len(a));
		else if (type == RTA_GATEWAY &&
			 mnl_attr_get_payload_len(a) <= sizeof(r.gateway.ip)) {
			r.gateway.family = m->rtm_family;
			memcpy(r.gateway.ip, mnl_attr_get_payload(a), mnl_attr_get_payload_len(a));
		}
	}
	if (ours(s, r.table))
		s->found[s->n++] = r;
	return MNL_CB_OK;
}

static int dump(struct mams_nl *n, uint16_t type, uint8_t family, mnl_cb_t cb, void *user)
{
	char space[256] = {0};
	struct nlmsghdr *h = mnl_nlmsg_put_header(space);
	struct rtgenmsg *g;

	h->nlmsg_type = type;
	h->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	/* the kernel's stricter parsers want the type's own header, which starts with the family */
	g = mnl_nlmsg_put_extra_header(h, type == RTM_GETROUTE  ? sizeof(struct rtmsg)
					  : type == RTM_GETRULE ? sizeof(struct fib_rule_hdr)
					  : type == RTM_GETADDR ? sizeof(struct ifaddrmsg)
								: sizeof(struct ifinfomsg));
	g->rtgen_family = family;
	return mams_nl_request(n, h, cb, user);
}

int mams_nl_sweep(struct mams_nl *n, uint32_t first, uint32_t last)
{
	struct swept *s = calloc(1, sizeof(*s));
	int removed = 0;
	int rc = s ? 0 : -ENOMEM;

	for (size_t i = 0; rc == 0 && i < MAMS_ARRAY_LEN(families); i++) {
		*s = (struct swept){.first = first, .last = last};
		rc = dump(n, RTM_GETRULE, families[i], swept_rule, s);
		for (size_t k = 0; rc == 0 && k < s->n; k++)
			removed += change_rule(n, &s->found[k], false) == 0;
		s->n = 0;
		if (rc == 0)
			rc = dump(n, RTM_GETROUTE, families[i], swept_route, s);
		for (size_t k = 0; rc == 0 && k < s->n; k++)
			removed += (s->found[k].table == RT_TABLE_LOCAL
						   ? change_local(n, &s->found[k].local, false)
						   : change_route(n, &s->found[k], false)) == 0;
	}
	free(s);
	return rc < 0 ? rc : removed;
}

/* ---- watch ---- */

static void take_link(struct mams_nl_watch *w, const struct nlmsghdr *h)
{
	const struct ifinfomsg *m = mnl_nlmsg_get_payload(h);
	struct mams_nl_iface i = {.ifindex = (uint32_t)m->ifi_index,
		.present = h->nlmsg_type == RTM_NEWLINK,
		.running = (m->ifi_flags & IFF_UP) && (m->ifi_flags & IFF_RUNNING),
		.point_to_point = (m->ifi_flags & IFF_POINTOPOINT) != 0};
	struct nlattr *a;

	if (m->ifi_family != AF_UNSPEC) /* of a bridge's port */
		return;
	EACH_ATTR(a, h, sizeof(*m))
	{
		if (mnl_attr_get_type(a) == IFLA_IFNAME)
			i.name = mnl_attr_get_str(a);
		else if (mnl_attr_get_type(a) == IFLA_MTU)
			i.mtu = mnl_attr_get_u32(a);
	}
	if (i.name)
		w->ops->iface(w->user, &i);
}

static void take_address(struct mams_nl_watch *w, const struct nlmsghdr *h)
{
	const struct ifaddrmsg *m = mnl_nlmsg_get_payload(h);
	uint16_t own = m->ifa_family == AF_INET ? IFA_LOCAL : IFA_ADDRESS;
	uint32_t flags = m->ifa_flags;
	struct mams_addr addr = {.family = m->ifa_family};
	bool found = false;
	struct nlattr *a;

	if (m->ifa_scope != RT_SCOPE_UNIVERSE ||
		(m->ifa_family != AF_INET && m->ifa_family != AF_INET6))
		return;
	EACH_ATTR(a, h, sizeof(*m))
	{
		if (mnl_attr_get_type(a) == IFA_FLAGS)
			flags = mnl_attr_get_u32(a);
		if (mnl_attr_get_type(a) != own || mnl_attr_get_payload_len(a) != octets(&addr))
			continue;
		memcpy(addr.ip, mnl_attr_get_payload(a), octets(&addr));
		found = true;
	}
	if (found && h->nlmsg_type == RTM_DELADDR && w->ops->address_gone)
		w->ops->address_gone(w->user, &addr);
	if (found)
		w->ops->address(w->user, m->ifa_index, &addr,
			h->nlmsg_type == RTM_NEWADDR &&
				!(flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED | IFA_F_DEPRECATED)));
}

static void take_route(struct mams_nl_watch *w, const struct nlmsghdr *h)
{
	const struct rtmsg *m = mnl_nlmsg_get_payload(h);
	struct mams_addr gateway = {0};
	uint32_t table = m->rtm_table;
	uint32_t ifindex = 0;
	struct nlattr *a;

	if (m->rtm_dst_len != 0 || m->rtm_type != RTN_UNICAST)
		return;
	EACH_ATTR(a, h, sizeof(*m))
	{
		uint16_t type = mnl_attr_get_type(a);

		if (type == RTA_TABLE)
			table = mnl_attr_get_u32(a);
		else if (type == RTA_OIF)
			ifindex = mnl_attr_get_u32(a);
		else if (type == RTA_GATEWAY && mnl_attr_get_payload_len(a) <= sizeof(gateway.ip)) {
			gateway.family = m->rtm_family;
			memcpy(gateway.ip, mnl_attr_get_payload(a), mnl_attr_get_payload_len(a));
		}
	}
	if (table == RT_TABLE_MAIN && ifindex)
		w->ops->default_route(w->user, ifindex, &gateway, h->nlmsg_type == RTM_NEWROUTE);
}

static uint8_t protocol_of_rule(const struct nlmsghdr *h)
{
	struct nlattr *a;

	EACH_ATTR(a, h, sizeof(struct fib_rule_hdr))
	{
		if (mnl_attr_get_type(a) == FRA_PROTOCOL)
			return mnl_attr_get_u8(a);
	}
	return 0;
}

/* What the kernel itself takes away (port 0) goes with a link or an address: these have events. */
static void take_taken(struct mams_nl_watch *w, const struct nlmsghdr *h, uint8_t protocol)
{
	if (protocol == MAMS_NL_PROTOCOL && h->nlmsg_pid != 0 && w->ops->taken)
		w->ops->taken(w->user, h->nlmsg_pid);
}

static int take(const struct nlmsghdr *h, void *user)
{
	struct mams_nl_watch *w = user;

	switch (h->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		take_link(w, h);
		break;
	case RTM_NEWADDR:
	case RTM_DELADDR:
		take_address(w, h);
		break;
	case RTM_DELROUTE:
		take_taken(w, h, ((const struct rtmsg *)mnl_nlmsg_get_payload(h))->rtm_protocol);
		take_route(w, h);
		break;
	case RTM_NEWROUTE:
		take_route(w, h);
		break;
	case RTM_DELRULE:
		take_taken(w, h, protocol_of_rule(h));
		break;
	default:
		break;
	}
	return MNL_CB_OK;
}

static int dump_all(struct mams_nl_watch *w)
{
	int rc;

	w->ops->begin(w->user);
	rc = dump(w->dumps, RTM_GETLINK, AF_UNSPEC, take, w);
	if (rc == 0)
		rc = dump(w->dumps, RTM_GETADDR, AF_UNSPEC, take, w);
	if (rc == 0)
		rc = dump(w->dumps, RTM_GETROUTE, AF_INET, take, w);
	if (rc == 0)
		rc = dump(w->dumps, RTM_GETROUTE, AF_INET6, take, w);
	w->ops->settled(w->user);
	return rc;
}

static void readable(void *user, int fd, unsigned events)
{
	struct mams_nl_watch *w = user;

	(void)fd;
	(void)events;
	for (;;) {
		ssize_t len = mnl_socket_recvfrom(w->sock, w->buffer, sizeof(w->buffer));

		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0 && errno == ENOBUFS) {
			w->overruns++;
			(void)!dump_all(w);
			if (w->ops->taken)
				w->ops->taken(w->user, 0);
			continue;
		}
		if (len <= 0)
			break;
		(void)mnl_cb_run(w->buffer, (size_t)len, 0, 0, take, w);
	}
	w->ops->settled(w->user);
}

static int subscribe(struct mams_nl_watch *w)
{
	static const int groups[] = {RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR,
		RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE};

	w->sock = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!w->sock || mnl_socket_bind(w->sock, 0, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	for (size_t i = 0; i < MAMS_ARRAY_LEN(groups); i++) {
		int group = groups[i];

		if (mnl_socket_setsockopt(w->sock, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) <
			0)
			return -errno;
	}
	return 0;
}

int mams_nl_watch_new(
	struct mams_loop *l, const struct mams_nl_ops *ops, void *user, struct mams_nl_watch **out)
{
	struct mams_nl_watch *w = calloc(1, sizeof(*w));
	int rc;

	if (!w)
		return -ENOMEM;
	w->loop = l;
	w->ops = ops;
	w->user = user;
	rc = subscribe(w);
	if (rc == 0)
		rc = mams_nl_open(&w->dumps);
	if (rc == 0)
		rc = dump_all(w);
	if (rc == 0)
		rc = mams_loop_fd_add(
			l, mnl_socket_get_fd(w->sock), MAMS_LOOP_READ, readable, w, &w->fd);
	if (rc < 0)
		mams_nl_watch_free(w);
	else
		*out = w;
	return rc;
}

void mams_nl_watch_free(struct mams_nl_watch *w)
{
	if (!w)
		return;
	mams_loop_fd_del(w->fd);
	if (w->sock)
		mnl_socket_close(w->sock);
	mams_nl_close(w->dumps);
	free(w);
}

uint64_t mams_nl_watch_overruns(const struct mams_nl_watch *w)
{
	return w->overruns;
}
