#include "trailer-madp/gma.h"

#include <string.h>

/* Flags are macros: a reason of the same name would be the flag, and count far beyond its counter.
 */
#define X(symbol, name, words)                                                                     \
	_Static_assert((int)MADP_##symbol < (int)MADP_REASON_COUNT, #symbol " is a flag");
MADP_REASONS(X)
#undef X

#define FLAGS_SIZE 2u
#define NEXT_HEADER_SIZE 1u
#define PDU_TTL 1u
#define CONCATENATION_BIT 0x40u /**< of the first octet of the flags; see gma.h */

enum madp_gma_form madp_gma_choose(bool both_trailer, bool adaptation_non_ip)
{
	if (both_trailer)
		return MADP_GMA_TRAILER;
	return adaptation_non_ip ? MADP_GMA_HEADER : MADP_GMA_HEADER_IP;
}

static bool is_ip_form(enum madp_gma_form form)
{
	return form == MADP_GMA_TRAILER || form == MADP_GMA_HEADER_IP;
}

/** Octets of the optional fields. */
static uint32_t fields_size(uint16_t flags)
{
	const uint32_t f = flags;

	/* by bit: 1, 2, 1, 1, 1, 1, 3, 4, 1 octets */
	return (f >> 15 & 1) + (f >> 13 & 2) + (f >> 13 & 1) + (f >> 12 & 1) + (f >> 11 & 1) +
	       (f >> 10 & 1) + (f >> 9 & 1) * 3 + (f >> 6 & 4) + (f >> 7 & 1);
}

uint32_t madp_gma_size(enum madp_gma_form form, uint16_t flags)
{
	if (form == MADP_GMA_BARE)
		return 0;
	return fields_size(flags) + FLAGS_SIZE + (is_ip_form(form) ? NEXT_HEADER_SIZE : 0);
}

/** One's complement sum of the octets; section 4.1 Checksum. */
static uint8_t octet_sum(const uint8_t *p, uint32_t len)
{
	uint32_t s = 0;

	for (uint32_t i = 0; i < len; i++)
		s += p[i];
	s = (s & 0xffu) + (s >> 8);
	return (uint8_t)((s & 0xffu) + (s >> 8));
}

static uint8_t fc_write(const struct madp_gma_rules *r, const struct madp_gma *g)
{
	if (r->fc_lsb_first)
		return (uint8_t)(g->frag_more << 7 | g->frag_offset);
	return (uint8_t)(g->frag_offset << 1 | g->frag_more);
}

static void fc_read(const struct madp_gma_rules *r, uint8_t fc, struct madp_gma *g)
{
	g->frag_more = r->fc_lsb_first ? fc >> 7 : fc & 1;
	g->frag_offset = r->fc_lsb_first ? fc & 0x7f : fc >> 1;
}

/** The optional fields in the order of figure 4; returns where they end.  *checksum is where that
 *  octet was left zero, or NULL. */
static uint8_t *write_fields(
	const struct madp_gma_rules *r, const struct madp_gma *g, uint8_t *p, uint8_t **checksum)
{
	const uint16_t flags = g->flags;

	if (flags & MADP_GMA_TTL)
		*p++ = g->ttl;
	if (flags & MADP_GMA_TIMESTAMP) {
		madp_put32(p, g->timestamp_ms);
		p += 4;
	}
	if (flags & MADP_GMA_FLOW_SN) {
		madp_put24(p, g->flow_sn);
		p += 3;
	}
	if (flags & MADP_GMA_DELIVERY_SN)
		*p++ = g->delivery_sn;
	if (flags & MADP_GMA_FC)
		*p++ = fc_write(r, g);
	if (flags & MADP_GMA_FLOW_ID)
		*p++ = g->flow_id;
	if (flags & MADP_GMA_CONNECTION_ID)
		*p++ = g->connection_id;
	if (flags & MADP_GMA_FSL) {
		madp_put16(p, g->fsl);
		p += 2;
	}
	*checksum = NULL;
	if (flags & MADP_GMA_CHECKSUM) {
		*checksum = p;
		*p++ = 0;
	}
	return p;
}

/** The reverse; the caller knows that madp_gma_size() octets are there. */
static void read_fields(const struct madp_gma_rules *r, const uint8_t *p, struct madp_gma *g)
{
	const uint16_t flags = g->flags;

	if (flags & MADP_GMA_TTL)
		g->ttl = *p++;
	if (flags & MADP_GMA_TIMESTAMP) {
		g->timestamp_ms = madp_get32(p);
		p += 4;
	}
	if (flags & MADP_GMA_FLOW_SN) {
		g->flow_sn = madp_get24(p);
		p += 3;
	}
	if (flags & MADP_GMA_DELIVERY_SN)
		g->delivery_sn = *p++;
	if (flags & MADP_GMA_FC)
		fc_read(r, *p++, g);
	if (flags & MADP_GMA_FLOW_ID)
		g->flow_id = *p++;
	if (flags & MADP_GMA_CONNECTION_ID)
		g->connection_id = *p++;
	if (flags & MADP_GMA_FSL)
		g->fsl = madp_get16(p);
}

/** Write all of g's trailer or header at p. */
static void write_gma(const struct madp_gma_rules *r, const struct madp_gma *g, uint8_t *p)
{
	uint8_t *const start = p;
	uint8_t *checksum;

	if (g->form != MADP_GMA_TRAILER) {
		madp_put16(p, g->flags);
		p += FLAGS_SIZE;
	}
	p = write_fields(r, g, p, &checksum);
	if (g->form != MADP_GMA_HEADER)
		*p++ = g->next_header;
	if (g->form == MADP_GMA_TRAILER) {
		madp_put16(p, g->flags);
		p += FLAGS_SIZE;
	}
	if (checksum)
		*checksum = (uint8_t)~octet_sum(start, (uint32_t)(p - start));
}

/** Fields that the form excludes, sections 4.2, 4.3 and 6. */
static enum madp_reason check_flags(const struct madp_gma *g)
{
	if (is_ip_form(g->form)) {
		if (!(g->flags & MADP_GMA_TTL))
			return MADP_GMA_NO_TTL;
	} else if (g->flags & (MADP_GMA_TTL | MADP_GMA_FSL)) {
		return MADP_GMA_FORM;
	}
	if ((g->flags & MADP_GMA_FSL) && (g->flags & MADP_GMA_FC))
		return MADP_GMA_FSL_FC;
	return MADP_OK;
}

static enum madp_reason encap_ip(
	const struct madp_gma_rules *r, struct madp_gma *g, struct madp_pkt *p)
{
	const uint32_t size = madp_gma_size(g->form, g->flags);
	uint32_t hlen;

	if (p->len < MADP_IP4_HEADER)
		return MADP_IP_SHORT;
	if (p->data[0] >> 4 != 4)
		return MADP_GMA_FORM;
	hlen = madp_ip4_header_len(p->data);
	if (hlen < MADP_IP4_HEADER || hlen > p->len)
		return MADP_IP_HEADER;
	if (p->len + size > MADP_IP_MAX)
		return MADP_TOO_LONG;
	g->ttl = p->data[8];
	g->next_header = p->data[9];
	if (g->form == MADP_GMA_TRAILER) {
		if (!madp_pkt_grow(p, size))
			return MADP_TOO_LONG;
		write_gma(r, g, p->data + p->len - size);
	} else {
		if (!madp_pkt_push(p, size))
			return MADP_TOO_LONG;
		memmove(p->data, p->data + size, hlen);
		write_gma(r, g, p->data + hlen);
	}
	madp_ip4_set_ttl_proto(p->data, PDU_TTL, MADP_IPPROTO_GMA, !r->header_optimization);
	if (!r->header_optimization)
		madp_ip4_set_len(p->data, (uint16_t)p->len);
	return MADP_OK;
}

/** Without GMA: the receiver must not mistake it for a PDU, and can only take IPv4. */
static enum madp_reason check_bare(const struct madp_pkt *p)
{
	if (p->len < MADP_IP4_HEADER)
		return MADP_IP_SHORT;
	return p->data[0] >> 4 == 4 && p->data[9] != MADP_IPPROTO_GMA ? MADP_OK : MADP_GMA_FORM;
}

enum madp_reason madp_gma_encap(
	const struct madp_gma_rules *r, const struct madp_gma *g, struct madp_pkt *p)
{
	struct madp_gma own = *g;
	enum madp_reason why;

	if (g->form == MADP_GMA_BARE)
		return check_bare(p);
	if (is_ip_form(g->form))
		own.flags |= MADP_GMA_TTL;
	own.flags &= MADP_GMA_ALL;
	why = check_flags(&own);
	if (why != MADP_OK)
		return why;
	if (is_ip_form(g->form))
		return encap_ip(r, &own, p);
	if (!madp_pkt_push(p, madp_gma_size(g->form, own.flags)))
		return MADP_TOO_LONG;
	write_gma(r, &own, p->data);
	return MADP_OK;
}

/** Flags, then what they demand, then the fields.  at[room] begins with the header, or ends with
 *  the trailer. */
static enum madp_reason read_gma(
	const struct madp_gma_rules *r, const uint8_t *at, uint32_t room, struct madp_gma *g)
{
	const bool trailer = g->form == MADP_GMA_TRAILER;
	enum madp_reason why;
	uint32_t size;

	if (room < FLAGS_SIZE)
		return MADP_GMA_SHORT;
	g->flags = madp_get16(trailer ? at + room - FLAGS_SIZE : at);
	if (g->flags & MADP_GMA_VERSION_MASK)
		return MADP_GMA_VERSION;
	if (g->flags & (MADP_GMA_RESERVED | r->refused))
		return MADP_GMA_FLAG;
	why = check_flags(g);
	if (why != MADP_OK)
		return why;
	size = madp_gma_size(g->form, g->flags);
	if (size > room)
		return MADP_GMA_SHORT;
	if (trailer)
		at += room - size;
	if ((g->flags & MADP_GMA_CHECKSUM) && octet_sum(at, size) != 0xff)
		return MADP_GMA_BAD_CHECKSUM;
	read_fields(r, trailer ? at : at + FLAGS_SIZE, g);
	if (is_ip_form(g->form))
		g->next_header =
			at[size - (trailer ? FLAGS_SIZE + NEXT_HEADER_SIZE : NEXT_HEADER_SIZE)];
	if (madp_gma_is_fragment(g) && !(g->flags & MADP_GMA_FLOW_SN))
		return MADP_GMA_NO_SN;
	return MADP_OK;
}

/** Give the first IP header back what encapsulation changed, and verify it. */
static enum madp_reason restore_ip(
	const struct madp_gma_rules *r, struct madp_pkt *p, struct madp_gma *g, uint32_t hlen)
{
	g->first_len = p->len;
	if (g->flags & MADP_GMA_FSL) {
		if (g->fsl < hlen || g->fsl > p->len)
			return MADP_GMA_BAD_FSL;
		g->first_len = g->fsl;
	}
	madp_ip4_set_ttl_proto(p->data, g->ttl, g->next_header, !r->header_optimization);
	if (!r->header_optimization)
		madp_ip4_set_len(p->data, (uint16_t)g->first_len);
	else if (!madp_gma_is_fragment(g) && madp_get16(p->data + 2) != g->first_len)
		return MADP_IP_LENGTH;
	if (madp_gma_is_fragment(g))
		g->first_len = 0;
	return madp_ip4_checksum_ok(p->data, hlen) ? MADP_OK : MADP_IP_CHECKSUM;
}

static enum madp_reason decap_ip(
	const struct madp_gma_rules *r, struct madp_pkt *p, struct madp_gma *g, uint32_t hlen)
{
	enum madp_reason why;
	uint32_t size;

	/* octets behind the packet would move the trailer's place: nothing to guess at */
	if (!r->header_optimization && madp_get16(p->data + 2) != p->len)
		return MADP_IP_LENGTH;
	if (!is_ip_form(r->v4))
		return MADP_GMA_FORM;
	g->form = r->v4;
	why = read_gma(r, p->data + hlen, p->len - hlen, g);
	if (why != MADP_OK)
		return why;
	size = madp_gma_size(g->form, g->flags);
	if (g->form == MADP_GMA_TRAILER) {
		madp_pkt_trim(p, size);
	} else {
		memmove(p->data + size, p->data, hlen);
		madp_pkt_pull(p, size);
	}
	return restore_ip(r, p, g, hlen);
}

static enum madp_reason decap_header(
	const struct madp_gma_rules *r, struct madp_pkt *p, struct madp_gma *g)
{
	enum madp_reason why;

	g->form = MADP_GMA_HEADER;
	why = read_gma(r, p->data, p->len, g);
	if (why != MADP_OK)
		return why;
	madp_pkt_pull(p, madp_gma_size(g->form, g->flags));
	g->first_len = 0;
	if (!madp_gma_is_fragment(g))
		g->first_len = (uint32_t)madp_ip_length(p->data, p->len, &why);
	return why;
}

static enum madp_reason decap_bare(
	const struct madp_gma_rules *r, struct madp_pkt *p, struct madp_gma *g)
{
	enum madp_reason why;

	g->form = MADP_GMA_BARE;
	g->flags = 0;
	g->first_len = (uint32_t)madp_ip_length(p->data, p->len, &why);
	if (why != MADP_OK)
		return why;
	if (g->first_len != p->len)
		return MADP_IP_LENGTH;
	/* sections 4 and 4.3 */
	return p->data[0] >> 4 == 4 && r->v4 != MADP_GMA_HEADER ? MADP_OK : MADP_GMA_FORM;
}

enum madp_reason madp_gma_decap(
	const struct madp_gma_rules *r, struct madp_pkt *p, struct madp_gma *g)
{
	uint32_t hlen;

	if (p->len == 0)
		return MADP_GMA_SHORT;
	if (!(p->data[0] & CONCATENATION_BIT))
		return decap_header(r, p, g);
	if (p->data[0] >> 4 == 4 && p->len >= MADP_IP4_HEADER && p->data[9] == MADP_IPPROTO_GMA) {
		hlen = madp_ip4_header_len(p->data);
		if (hlen < MADP_IP4_HEADER || hlen > p->len)
			return MADP_IP_HEADER;
		return decap_ip(r, p, g, hlen);
	}
	return decap_bare(r, p, g);
}

bool madp_gma_is_foreign(enum madp_reason why)
{
	return why == MADP_GMA_SHORT || why == MADP_GMA_VERSION || why == MADP_GMA_FLAG ||
	       why == MADP_GMA_NO_TTL || why == MADP_GMA_BAD_CHECKSUM;
}
