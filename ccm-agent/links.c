#include "ccm-agent/links.h"

#include <string.h>

void ccm_links_init(struct ccm_links *l, const struct ccm_link_conf *conf, size_t n)
{
	*l = (struct ccm_links){0};
	for (size_t i = 0; i < n; i++)
		l->link[conf[i].connection_id].conf = &conf[i];
}

static const struct mams_addr *gateway_of(const struct ccm_link *k, uint8_t family)
{
	const struct mams_addr *set = family == AF_INET ? &k->conf->gateway : &k->conf->gateway6;

	if (mams_addr_is_set(set))
		return set;
	return family == AF_INET ? &k->learned4 : &k->learned6;
}

static bool can_leave(const struct ccm_link *k, const struct mams_addr *a)
{
	return k->point_to_point || mams_addr_is_set(gateway_of(k, a->family));
}

/* The address in use stays while it exists; otherwise the first usable one, IPv4 before IPv6. */
static const struct mams_addr *choose(const struct ccm_link *k)
{
	const struct mams_addr *best = NULL;

	for (size_t i = 0; i < k->n_addrs; i++) {
		const struct mams_addr *a = &k->addrs[i];

		if (!can_leave(k, a))
			continue;
		if (k->now.usable && mams_addr_eq_ip(a, &k->now.address))
			return a;
		if (!best || (best->family == AF_INET6 && a->family == AF_INET))
			best = a;
	}
	return best;
}

static void derive(struct ccm_link *k)
{
	const struct mams_addr *a = k->present && k->running ? choose(k) : NULL;

	if (!a) {
		k->outages += k->now.usable;
		k->now = (struct ccm_link_state){0};
		return;
	}
	k->now = (struct ccm_link_state){.usable = true,
		.ifindex = k->ifindex,
		.address = *a,
		.gateway = *gateway_of(k, a->family),
		.mtu = k->mtu,
		.outages = k->outages};
}

void ccm_links_forget(struct ccm_links *l)
{
	for (size_t i = 0; i < CCM_LINKS_MAX; i++) {
		struct ccm_link *k = &l->link[i];

		/* no outage: the link may have been there all the time */
		k->present = false;
		k->n_addrs = 0;
		k->now = (struct ccm_link_state){0};
	}
}

void ccm_links_iface(struct ccm_links *l, const struct ccm_iface_event *e)
{
	for (size_t i = 0; i < CCM_LINKS_MAX; i++) {
		struct ccm_link *k = &l->link[i];
		bool named = k->conf && strcmp(k->conf->interface, e->name) == 0;

		/* renamed away, deleted, or made again with another index */
		if (k->present && k->ifindex == e->ifindex && (!named || !e->present)) {
			k->present = false;
			k->n_addrs = 0;
			derive(k);
		}
		if (!named || !e->present)
			continue;
		if (k->ifindex != e->ifindex)
			k->n_addrs = 0;
		k->present = true;
		k->ifindex = e->ifindex;
		k->running = e->running;
		k->point_to_point = e->point_to_point;
		k->mtu = e->mtu;
		derive(k);
	}
}

static struct ccm_link *by_index(struct ccm_links *l, uint32_t ifindex)
{
	for (size_t i = 0; i < CCM_LINKS_MAX; i++)
		if (l->link[i].present && l->link[i].ifindex == ifindex)
			return &l->link[i];
	return NULL;
}

void ccm_links_address(
	struct ccm_links *l, uint32_t ifindex, const struct mams_addr *a, bool present)
{
	struct ccm_link *k = by_index(l, ifindex);
	size_t i = 0;

	if (!k)
		return;
	while (i < k->n_addrs && !mams_addr_eq_ip(&k->addrs[i], a))
		i++;
	if (present && i == CCM_ADDRS_MAX) {
		l->ignored_addresses++;
		return;
	}
	if (present && i == k->n_addrs)
		k->addrs[k->n_addrs++] = *a;
	if (!present && i < k->n_addrs)
		memmove(&k->addrs[i], &k->addrs[i + 1], (--k->n_addrs - i) * sizeof(*a));
	derive(k);
}

void ccm_links_default_route(
	struct ccm_links *l, uint32_t ifindex, const struct mams_addr *gateway, bool present)
{
	struct ccm_link *k = by_index(l, ifindex);

	if (!k || !present || !mams_addr_is_set(gateway))
		return;
	if (gateway->family == AF_INET)
		k->learned4 = *gateway;
	else
		k->learned6 = *gateway;
	derive(k);
}

bool ccm_link_state_eq(const struct ccm_link_state *a, const struct ccm_link_state *b)
{
	return a->usable == b->usable && a->ifindex == b->ifindex && a->mtu == b->mtu &&
	       a->outages == b->outages && mams_addr_eq_ip(&a->address, &b->address) &&
	       mams_addr_eq_ip(&a->gateway, &b->gateway);
}

bool ccm_links_next(struct ccm_links *l, uint8_t *connection_id, struct ccm_link_state *out)
{
	for (uint8_t i = 0; i < CCM_LINKS_MAX; i++) {
		struct ccm_link *k = &l->link[i];

		if (!k->conf || ccm_link_state_eq(&k->now, &k->told))
			continue;
		k->told = k->now;
		*connection_id = i;
		*out = k->now;
		return true;
	}
	return false;
}

const struct ccm_link *ccm_links_by_name(const struct ccm_links *l, const char *name)
{
	for (size_t i = 0; i < CCM_LINKS_MAX; i++)
		if (l->link[i].conf && strcmp(l->link[i].conf->name, name) == 0)
			return &l->link[i];
	return NULL;
}
