#include "proxy/dest.h"

static bool in_any(const struct mams_prefix *list, size_t n, const struct mams_addr *a)
{
	for (size_t i = 0; i < n; i++)
		if (mams_prefix_has(&list[i], a))
			return true;
	return false;
}

static bool is_self(const struct px_dest_policy *p, const struct mams_addr *a)
{
	for (size_t i = 0; i < p->n_self; i++)
		if (mams_addr_eq_ip(&p->self[i], a))
			return true;
	return false;
}

static bool allowed_by_name(const struct px_dest_policy *p, const struct mams_addr *a)
{
	uint8_t full = a->family == AF_INET ? 32 : 128;

	for (size_t i = 0; i < p->n_allow; i++)
		if (p->allow[i].len == full && mams_prefix_has(&p->allow[i], a))
			return true;
	return false;
}

bool px_dest_is_allowed(const struct px_dest_policy *p, const struct mams_addr *dst)
{
	if (mams_addr_is_any(dst) || mams_addr_is_multicast(dst) || dst->port == 0)
		return false;
	if (in_any(p->deny, p->n_deny, dst))
		return false;
	if (mams_addr_is_loopback(dst) || mams_addr_is_linklocal(dst) || is_self(p, dst))
		return allowed_by_name(p, dst);
	if (in_any(p->allow, p->n_allow, dst))
		return true;
	if (in_any(p->own, p->n_own, dst))
		return false;
	return p->others;
}
