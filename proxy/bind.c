/* Client role: which connection is of which flow class is known here, which subflows it gets is the
 * plugin's business: it is told by the connection's MPTCP token. */
#include "proxy/conn.h"

#include "lib/io/mptcp.h"

static uint32_t bits_of(const struct px_worker *w, const struct px_conn *c)
{
	return px_class_bits(px_class_of(w->cfg->classes, w->cfg->n_classes, &c->server, c->dscp));
}

static void tell(struct px_worker *w, struct px_conn *c, uint32_t only)
{
	struct px_note note = {.kind = PX_NOTE_BOUND, .only = only};
	struct mams_mptcp_info info;

	if (c->leg[1].fd < 0 || !c->leg[1].mptcp || mams_mptcp_info(c->leg[1].fd, &info) != 0 ||
		info.fallback)
		return;
	c->token = info.token;
	c->only = only;
	note.token = info.token;
	if (!px_notes_put(w->notes, &note))
		px_inc(&w->counters.notes_dropped);
}

void px_bind_class(struct px_worker *w, struct px_conn *c)
{
	/* with classes the plugin waits for word of every connection, also of those of none */
	if (w->cfg->n_classes > 0)
		tell(w, c, c->setup->left_class ? 0 : bits_of(w, c));
}

void px_bind_again(struct px_worker *w)
{
	struct px_conn *c;

	if (w->cfg->set.role != PX_ROLE_CLIENT)
		return;
	LIST_FOREACH(c, &w->all, all)
	{
		uint32_t only = bits_of(w, c);

		if (only != c->only)
			tell(w, c, only);
	}
}
