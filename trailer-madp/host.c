#include "trailer-madp/host.h"

#include "lib/base/log.h"

#define LOG_MODULE "host"

/** Add it, with the MTU of what is sent to it, or, with none, take it away. */
static int set(const struct madp_host *h, unsigned worker, const struct mams_addr *a, uint16_t mtu)
{
	uint32_t ifindex = h->instance->workers[worker].tun.ifindex;

	if (!mams_addr_is_set(a))
		return 0;
	return h->conf->role == MADP_ROLE_CLIENT ? mams_nl_address(h->nl, ifindex, a, mtu != 0)
						 : mams_nl_host_route(h->nl, ifindex, a, mtu);
}

static void unset(const struct madp_host *h, unsigned worker, const struct mams_addr *a,
	const struct mams_addr *is)
{
	if (mams_addr_is_set(a) && !mams_addr_eq_ip(a, is) && set(h, worker, a, 0) < 0)
		log_warn("an anchor address could not be removed from this host");
}

int madp_host_take(const struct madp_host *h, const struct madp_desired *d,
	const struct madp_session_set *s, uint16_t mtu)
{
	int rc;

	if (h->conf->role == MADP_ROLE_NETWORK && !d->heard)
		return 0;
	rc = set(h, d->worker, &s->anchor4, mtu);
	if (rc == 0)
		rc = set(h, d->worker, &s->anchor6, mtu);
	if (rc < 0)
		return rc;
	unset(h, d->worker, &d->anchor4, &s->anchor4);
	unset(h, d->worker, &d->anchor6, &s->anchor6);
	return 0;
}

void madp_host_heard(const struct madp_host *h, struct madp_desired *d)
{
	if (set(h, d->worker, &d->anchor4, d->mtu) < 0 ||
		set(h, d->worker, &d->anchor6, d->mtu) < 0)
		log_err("the kernel refuses a route to an anchor address client=%s", d->client);
	d->heard = true;
}

void madp_host_leave(const struct madp_host *h, const struct madp_desired *d)
{
	static const struct mams_addr none;

	unset(h, d->worker, &d->anchor4, &none);
	unset(h, d->worker, &d->anchor6, &none);
}
