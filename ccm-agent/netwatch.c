#include "ccm-agent/netwatch.h"

#include "lib/io/nl.h"

#include <errno.h>

struct ccm_netwatch {
	struct ccm_links *links;
	struct ccm_net *net;
	mams_loop_fn changed;
	void *user;
	struct mams_nl_watch *watch;
};

static void begin(void *user)
{
	struct ccm_netwatch *w = user;

	ccm_links_forget(w->links);
}

static void iface(void *user, const struct mams_nl_iface *i)
{
	struct ccm_netwatch *w = user;
	const struct ccm_iface_event e = {.ifindex = i->ifindex,
		.name = i->name,
		.present = i->present,
		.running = i->running,
		.point_to_point = i->point_to_point,
		.mtu = i->mtu};

	ccm_links_iface(w->links, &e);
}

static void address(void *user, uint32_t ifindex, const struct mams_addr *a, bool present)
{
	struct ccm_netwatch *w = user;

	ccm_links_address(w->links, ifindex, a, present);
	if (present)
		ccm_net_address(w->net, a, true);
}

static void address_gone(void *user, const struct mams_addr *a)
{
	struct ccm_netwatch *w = user;

	ccm_net_address(w->net, a, false);
}

static void taken(void *user, uint32_t port)
{
	ccm_net_taken(((struct ccm_netwatch *)user)->net, port);
}

static void default_route(
	void *user, uint32_t ifindex, const struct mams_addr *gateway, bool present)
{
	ccm_links_default_route(((struct ccm_netwatch *)user)->links, ifindex, gateway, present);
}

static void settled(void *user)
{
	struct ccm_netwatch *w = user;

	if (w->watch)
		w->changed(w->user);
}

static const struct mams_nl_ops nl_ops = {.begin = begin,
	.iface = iface,
	.address = address,
	.address_gone = address_gone,
	.default_route = default_route,
	.taken = taken,
	.settled = settled};

int ccm_netwatch_new(struct mams_loop *l, struct ccm_links *links, struct ccm_net *net,
	mams_loop_fn changed, void *user, struct ccm_netwatch **out)
{
	struct ccm_netwatch *w = calloc(1, sizeof(*w));
	int rc;

	if (!w)
		return -ENOMEM;
	w->links = links;
	w->net = net;
	w->changed = changed;
	w->user = user;
	rc = mams_nl_watch_new(l, &nl_ops, w, &w->watch);
	if (rc < 0)
		free(w);
	else
		*out = w;
	return rc;
}

void ccm_netwatch_free(struct ccm_netwatch *w)
{
	if (!w)
		return;
	mams_nl_watch_free(w->watch);
	free(w);
}
