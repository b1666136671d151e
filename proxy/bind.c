/* Client role: which connection is of which flow class is known here, which subflows it gets is the
 * plugin's business: it is told by the connection's MPTCP token. */
#include "proxy/conn.h"

#include "lib/io/mptcp.h"
#include "proxy/apart.h"

static uint32_t bits_of(const struct px_worker *w, const struct px_conn *c)
{
	return px_class_bits(px_class_of(w->cfg->classes, w->cfg->n_classes, &c->server, c->dscp));
}

static void tell_one(struct px_worker *w, const struct px_conn *c, uint32_t token, enum ctl_way way)
{
	struct px_note note = {
		.kind = PX_NOTE_BOUND, .token = token, .v4 = c->v4, .only = c->only, .way = way};

	if (!token)
		return;
	if (c->client)
		note.client = px_client_ref(c->client);
	if (px_notes_put(w->notes, &note))
		return;
	px_client_unref(note.client);
	px_inc(&w->counters.notes_dropped);
}

void px_bind_tell(struct px_worker *w, struct px_conn *c)
{
	enum ctl_way way = c->part.second              ? CTL_WAY_UP
			   : c->leg[PX_LEG_UP].fd >= 0 ? CTL_WAY_DOWN
						       : CTL_WAY_BOTH;

	tell_one(w, c, c->token, way);
	tell_one(w, c, c->part.token, CTL_WAY_UP);
}

static void tell(struct px_worker *w, struct px_conn *c, uint32_t only)
{
	struct mams_mptcp_info info;

	if (c->leg[1].fd < 0 || !c->leg[1].mptcp || mams_mptcp_info(c->leg[1].fd, &info) != 0 ||
		info.fallback)
		return;
	c->token = info.token;
	c->only = only;
	px_bind_tell(w, c);
}

void px_bind_class(struct px_worker *w, struct px_conn *c)
{
	/* with classes the plugin waits for word of every connection, also of those of none */
	if (w->cfg->n_classes > 0 || c->part.second)
		tell(w, c, c->setup->left_class || c->part.second ? 0 : bits_of(w, c));
}

void px_bind_part(struct px_worker *w, struct px_conn *c)
{
	tell(w, c, c->only);
}

void px_bind_again(struct px_worker *w)
{
	struct px_conn *c;

	if (w->cfg->set.role != PX_ROLE_CLIENT)
		return;
	LIST_FOREACH(c, &w->all, all)
	{
		uint32_t only = bits_of(w, c);

		if (c->part.second)
			continue;
		if (only != c->only)
			tell(w, c, only);
		px_apart_ask(w, c);
	}
}
