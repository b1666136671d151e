#include "trailer-madp/concat.h"

#include <string.h>

void madp_concat_init(struct madp_concat *c, uint8_t *buf, uint32_t size, uint32_t max_pdu)
{
	uint32_t room = size > 2 * MADP_GMA_MAX ? size - 2 * MADP_GMA_MAX : 0;

	*c = (struct madp_concat){.pkt = {.data = buf + MADP_GMA_MAX,
					  .head = MADP_GMA_MAX,
					  .tail = room + MADP_GMA_MAX}};
	if (max_pdu > MADP_IP_MAX)
		max_pdu = MADP_IP_MAX;
	c->max = max_pdu > MADP_GMA_MAX ? max_pdu - MADP_GMA_MAX : 0;
	if (c->max > room)
		c->max = room;
}

uint8_t *madp_concat_room(
	const struct madp_concat *c, uint8_t version, uint32_t len, uint32_t flow_sn)
{
	if (c->n == 0) /* another one must still fit beside it */
		return len + MADP_IP4_HEADER <= c->max ? c->pkt.data : NULL;
	if (version != c->version || flow_sn != ((c->sn + 1) & MADP_GMA_SN_MASK) ||
		len > c->max - c->pkt.len)
		return NULL;
	return c->pkt.data + c->pkt.len;
}

void madp_concat_commit(
	struct madp_concat *c, uint8_t version, uint32_t len, uint32_t flow_sn, mams_time deadline)
{
	if (c->n++ == 0) {
		c->first_len = len;
		c->version = version;
		c->deadline = deadline;
	}
	c->sn = flow_sn;
	c->pkt.len += len;
	c->pkt.tail -= len;
}

enum madp_reason madp_concat_take(struct madp_concat *c, const struct madp_gma_rules *rules,
	struct madp_gma *g, struct madp_pkt *pdu)
{
	if (c->n == 0)
		return MADP_IP_SHORT;
	*pdu = c->pkt;
	c->pkt.tail += c->pkt.len;
	c->pkt.len = 0;
	g->flow_sn = c->sn;
	g->flags &= (uint16_t)~MADP_GMA_FSL;
	if (c->n > 1 && g->form != MADP_GMA_HEADER) {
		g->flags |= MADP_GMA_FSL;
		g->fsl = (uint16_t)c->first_len;
	}
	c->n = 0;
	if (!(g->flags & MADP_GMA_FLOW_SN))
		return MADP_GMA_NO_SN;
	return madp_gma_encap(rules, g, pdu);
}

enum madp_reason madp_split_init(
	struct madp_split *s, const struct madp_pkt *p, const struct madp_gma *g)
{
	const uint8_t version = p->len ? p->data[0] >> 4 : 0;
	uint32_t pos = 0;
	uint32_t n = 0;

	while (pos < p->len) {
		enum madp_reason why;
		uint32_t len = (uint32_t)madp_ip_length(p->data + pos, p->len - pos, &why);

		if (why != MADP_OK)
			return why;
		if (n == 0 && len != g->first_len)
			return MADP_GMA_BAD_FSL;
		if (p->data[pos] >> 4 != version || (version == 6 && g->form != MADP_GMA_HEADER))
			return MADP_GMA_FORM;
		pos += len;
		n++;
	}
	if (n == 0)
		return MADP_IP_SHORT;
	if (n > 1 && !(g->flags & MADP_GMA_FLOW_SN))
		return MADP_GMA_NO_SN;
	*s = (struct madp_split){.data = p->data, .left = p->len, .n = n};
	s->flow_sn = (g->flow_sn - (n - 1)) & MADP_GMA_SN_MASK;
	return MADP_OK;
}

bool madp_split_next(struct madp_split *s, struct madp_concat_sdu *out)
{
	enum madp_reason why;

	if (s->left == 0)
		return false;
	out->data = s->data;
	out->len = (uint32_t)madp_ip_length(s->data, s->left, &why);
	if (why != MADP_OK) /* the packet changed under us */
		return false;
	out->flow_sn = s->flow_sn;
	s->data += out->len;
	s->left -= out->len;
	s->flow_sn = (s->flow_sn + 1) & MADP_GMA_SN_MASK;
	return true;
}
