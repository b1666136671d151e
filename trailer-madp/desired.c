#include "trailer-madp/desired.h"

const struct madp_link_set *madp_desired_link(const struct madp_desired *d, uint8_t cid)
{
	for (size_t i = 0; d && i < d->n_links; i++)
		if (d->link[i].cid == cid)
			return &d->link[i];
	return NULL;
}

bool madp_set_has_nat(const struct madp_session_set *s)
{
	for (size_t i = 0; i < s->n_links; i++)
		if (s->link[i].client_nat)
			return true;
	return false;
}

bool madp_desired_is_new(const struct madp_desired *d, const struct madp_session_set *s)
{
	return d->id != s->id || (d->worker != 0 && madp_set_has_nat(s));
}

bool madp_desired_moves(const struct madp_desired *d, const struct madp_session_set *s)
{
	bool moving = false;

	if (!d || madp_desired_is_new(d, s) || madp_set_has_nat(s) ||
		!mams_addr_eq_ip(&d->anchor4, &s->anchor4) ||
		!mams_addr_eq_ip(&d->anchor6, &s->anchor6))
		return false;
	for (size_t i = 0; i < s->n_links; i++) {
		const struct madp_link_set *was = madp_desired_link(d, s->link[i].cid);

		for (size_t k = 0; k < d->n_links; k++)
			if (d->link[k].client_nat ||
				mams_addr_eq(&d->link[k].remote, &s->link[i].remote))
				return false;
		moving = moving || (was && mams_addr_eq(&was->local, &s->link[i].local));
	}
	return moving;
}
