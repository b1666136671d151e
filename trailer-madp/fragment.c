#include "trailer-madp/fragment.h"

#include <string.h>

static bool is_ip_form(enum madp_gma_form form)
{
	return form == MADP_GMA_TRAILER || form == MADP_GMA_HEADER_IP;
}

static enum madp_reason check(const struct madp_gma *g, const uint8_t *sdu, uint32_t len)
{
	if (g->form == MADP_GMA_BARE)
		return MADP_GMA_FORM;
	if (!(g->flags & MADP_GMA_FLOW_SN))
		return MADP_GMA_NO_SN;
	if (g->flags & MADP_GMA_FSL)
		return MADP_GMA_FSL_FC;
	if (len < MADP_IP4_HEADER)
		return MADP_IP_SHORT;
	if (!is_ip_form(g->form))
		return g->flags & MADP_GMA_TTL ? MADP_GMA_FORM : MADP_OK;
	if (sdu[0] >> 4 != 4)
		return MADP_GMA_FORM;
	if (madp_ip4_header_len(sdu) < MADP_IP4_HEADER || madp_ip4_header_len(sdu) > len)
		return MADP_IP_HEADER;
	return MADP_OK;
}

enum madp_reason madp_fragment_init(struct madp_fragmenter *f, const struct madp_gma_rules *rules,
	const struct madp_gma *g, const uint8_t *sdu, uint32_t len, uint32_t max_pdu)
{
	enum madp_reason why = check(g, sdu, len);
	uint32_t fixed;
	uint32_t data;

	if (why != MADP_OK)
		return why;
	*f = (struct madp_fragmenter){
		.rules = rules, .gma = *g, .sdu = sdu, .len = len, .n = 1, .portion = len};
	f->gma.flags &= (uint16_t)~MADP_GMA_FC;
	if (is_ip_form(g->form)) {
		f->gma.flags |= MADP_GMA_TTL;
		f->hlen = madp_ip4_header_len(sdu);
	}
	f->pos = f->hlen;
	data = len - f->hlen;
	f->portion = data;
	if (len + madp_gma_size(g->form, f->gma.flags) <= max_pdu)
		return MADP_OK;
	f->gma.flags |= MADP_GMA_FC;
	fixed = f->hlen + madp_gma_size(g->form, f->gma.flags);
	if (fixed >= max_pdu)
		return MADP_TOO_LONG;
	f->n = (data + max_pdu - fixed - 1) / (max_pdu - fixed);
	if (f->n > MADP_GMA_FRAGMENTS_MAX || f->n < 2)
		return MADP_TOO_LONG;
	f->portion = data / f->n;
	f->longer = data % f->n;
	return MADP_OK;
}

static uint32_t portion_len(const struct madp_fragmenter *f)
{
	return f->portion + (f->i < f->longer);
}

uint32_t madp_fragment_size(const struct madp_fragmenter *f)
{
	if (f->i == f->n)
		return 0;
	return f->hlen + portion_len(f) + madp_gma_size(f->gma.form, f->gma.flags);
}

uint32_t madp_fragment_next(struct madp_fragmenter *f, uint8_t *out)
{
	const uint32_t total = madp_fragment_size(f);
	const uint32_t size = madp_gma_size(f->gma.form, f->gma.flags);
	const uint32_t n = portion_len(f);
	struct madp_pkt p = {.data = out, .len = total - size, .tail = size};

	if (total == 0)
		return 0;
	if (f->gma.form != MADP_GMA_TRAILER) {
		p.data += size;
		p.head = size;
		p.tail = 0;
	}
	memcpy(p.data, f->sdu, f->hlen);
	memcpy(p.data + f->hlen, f->sdu + f->pos, n);
	f->gma.frag_offset = (uint8_t)f->i;
	f->gma.frag_more = f->i + 1 < f->n;
	f->pos += n;
	f->i++;
	/* everything that encapsulation could refuse was checked at the beginning */
	return madp_gma_encap(f->rules, &f->gma, &p) == MADP_OK ? p.len : 0;
}
