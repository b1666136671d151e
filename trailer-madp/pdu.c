/* SDUs to PDUs, in their place in the message that goes out. */
#include "trailer-madp/pdu.h"

#include "trailer-madp/fragment.h"

#include <string.h>

static void write_source(const struct madp_source *from, uint8_t *to, size_t len)
{
	if (from->segment)
		madp_segment_write(from->segment, to);
	else
		memcpy(to, from->pkt, len);
}

static struct madp_gma fields(const struct madp_worker *w, const struct madp_path *path,
	const struct madp_out *o, enum madp_gma_form form)
{
	struct madp_gma g = {.form = form,
		.flags = MADP_GMA_SDU,
		.connection_id = path->connection_id,
		.flow_id = o->cls,
		.flow_sn = o->sn,
		.timestamp_ms = madp_timestamp(w->now)};

	if (o->cls)
		g.flags |= MADP_GMA_FLOW_ID;
	if (form != MADP_GMA_HEADER)
		g.flags |= MADP_GMA_TTL;
	return g;
}

static void commit(struct madp_worker *w, struct madp_path *path, uint32_t len)
{
	madp_guard_commit(w, path, len);
	madp_inc(&w->counters.pdus_sent);
	madp_inc(&path->count->tx_packets);
	madp_add(&path->count->tx_octets, len + path->outer);
}

/* ---- small ones together ---- */

/** What is collected leaves as one PDU. */
static void flush(struct madp_worker *w, struct madp_path *path)
{
	struct madp_collect *c = &path->collect;
	struct madp_session *s = path->session;
	const struct madp_out o = {.cls = c->cls};
	struct madp_gma g = fields(w, path, &o, c->form);
	uint32_t n = c->concat.n;
	uint32_t size = c->concat.pkt.len + MADP_GMA_MAX;
	uint8_t *room = madp_guard_reserve(w, path, size);
	struct madp_pkt pdu;

	g.delivery_sn = s->plane.tx.cls[c->cls].delivery_sn[path->slot];
	if (!room || madp_concat_take(&c->concat, &s->set->gma, &g, &pdu) != MADP_OK) {
		madp_add(&w->counters.too_long, n);
	} else {
		(void)madp_sender_pdu(
			&s->plane.tx, c->cls, path->slot, pdu.len + path->outer, w->now);
		memcpy(room, pdu.data, pdu.len);
		commit(w, path, pdu.len);
		if (n > 1)
			madp_add(&w->counters.concatenated, n);
	}
	madp_slab_put(&w->sdus, c->buf);
	c->buf = NULL;
}

static uint8_t *room_of(struct madp_worker *w, struct madp_path *path, const struct madp_out *o,
	const struct madp_gma *g, uint8_t version)
{
	struct madp_collect *c = &path->collect;
	uint8_t *room;

	if (c->buf && (c->cls != o->cls || c->form != g->form ||
			      !madp_concat_room(&c->concat, version, o->len, o->sn)))
		flush(w, path);
	if (!c->buf) {
		c->buf = madp_slab_get(&w->sdus);
		if (!c->buf)
			return NULL;
		c->cls = o->cls;
		c->form = g->form;
		madp_concat_init(
			&c->concat, c->buf, (uint32_t)w->sdus.size, path->mtu - path->outer);
	}
	room = madp_concat_room(&c->concat, version, o->len, o->sn);
	if (!room) { /* nothing is collected, and nothing would fit beside it */
		madp_slab_put(&w->sdus, c->buf);
		c->buf = NULL;
	}
	return room;
}

/** Put it to what is collected on this link. @return false: it goes alone */
static bool collect(struct madp_worker *w, struct madp_path *path, const struct madp_out *o,
	const struct madp_source *from, const struct madp_gma *g)
{
	const uint8_t *first = from->segment ? from->segment->pkt : from->pkt;
	uint8_t version = first[0] >> 4;
	uint8_t *room = room_of(w, path, o, g, version);

	if (!room)
		return false;
	write_source(from, room, o->len);
	/* no later than what is read from the device in this turn */
	madp_concat_commit(&path->collect.concat, version, o->len, o->sn, w->now);
	return true;
}

void madp_pdu_flush(struct madp_worker *w, struct madp_session *s)
{
	for (unsigned i = 0; s->paths >> i; i++)
		if ((s->paths & madp_link_bit(i)) && s->path[i].collect.buf)
			flush(w, &s->path[i]);
}

/* ---- each for itself ---- */

/** Build the PDUs of an SDU that is too long for one. */
static void send_fragments(struct madp_worker *w, struct madp_path *path, const struct madp_out *o,
	struct madp_source *from, const struct madp_gma *g)
{
	struct madp_session *s = path->session;
	struct madp_fragmenter f;
	uint32_t size;

	if (from->segment) {
		madp_segment_write(from->segment, w->whole);
		*from = (struct madp_source){.pkt = w->whole};
	}
	if (!s->set->fragmentation || madp_fragment_init(&f, &s->set->gma, g, from->pkt, o->len,
					      path->mtu - path->outer) != MADP_OK) {
		madp_inc(&w->counters.too_long);
		return;
	}
	madp_inc(&w->counters.fragmented);
	while ((size = madp_fragment_size(&f))) {
		uint8_t *room = madp_guard_reserve(w, path, size);

		if (!room)
			return;
		f.gma.delivery_sn = madp_sender_pdu(
			&s->plane.tx, o->cls, path->slot, size + path->outer, w->now);
		commit(w, path, madp_fragment_next(&f, room));
		madp_inc(&w->counters.fragments_sent);
	}
}

void madp_pdu_send(struct madp_worker *w, struct madp_path *path, const struct madp_out *o,
	struct madp_source *from, enum madp_gma_form form)
{
	struct madp_session *s = path->session;
	struct madp_gma g = fields(w, path, o, form);
	struct madp_pkt p = {.len = o->len};
	uint32_t size = madp_gma_size(form, g.flags);
	uint8_t *room;

	if (o->len + size + path->outer > path->mtu) {
		if (path->collect.buf) /* it was before this one */
			flush(w, path);
		send_fragments(w, path, o, from, &g);
		return;
	}
	/* with client NAT the second packet's header would have the anchor address on the link */
	if (s->set->concatenation && !path->nat_on && collect(w, path, o, from, &g))
		return;
	room = madp_guard_reserve(w, path, o->len + size);
	if (!room) {
		madp_inc(&w->counters.too_long);
		return;
	}
	p.head = form == MADP_GMA_TRAILER ? 0 : size;
	p.tail = size - p.head;
	p.data = room + p.head;
	write_source(from, p.data, o->len);
	g.delivery_sn = madp_sender_pdu(
		&s->plane.tx, o->cls, path->slot, o->len + size + path->outer, w->now);
	if (madp_gma_encap(&s->set->gma, &g, &p) != MADP_OK) {
		madp_inc(&w->counters.too_long);
		return;
	}
	commit(w, path, p.len);
}
