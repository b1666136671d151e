#include "lib/ctl/ctl_treat.h"

#include <errno.h>

static void put(struct ctl_tr_treat *t, uint32_t bits, uint8_t first)
{
	if (bits & 1u << first)
		t->links[t->n_links++] = first;
	for (uint8_t i = 0; i < 16; i++)
		if (i != first && (bits & 1u << i))
			t->links[t->n_links++] = i;
}

static bool several(uint32_t bits)
{
	return (bits & (bits - 1)) != 0;
}

int ctl_tr_treat(struct ctl_msg *m, const struct ctl_tr_wish *w, struct ctl_tr_treat *out)
{
	uint32_t wanted = w->wanted & w->have ? w->wanted & w->have : w->have;

	*out = (struct ctl_tr_treat){.links = ctl_alloc(m, 16), .lossless = w->lossless};
	if (!out->links)
		return -ENOMEM;
	put(out, wanted, w->first);
	if (w->mode) {
		out->mode = w->mode - 1;
	} else if (w->aggregate && several(wanted)) {
		out->mode = CTL_TR_SPLIT;
	} else {
		out->mode = CTL_TR_ACTIVE_STANDBY;
		put(out, w->have & ~wanted, w->first);
	}
	return 0;
}
