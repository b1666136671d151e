#include "trailer-madp/segment.h"

#include "trailer-madp/csum.h"

#include <string.h>

#define TCP 6
#define UDP 17
#define TCP_FIN 0x01u
#define TCP_PSH 0x08u
#define TCP_CWR 0x80u

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static void put16(uint8_t *p, size_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v & 0xffff);
}

/** Headers whole, lengths true. @return octets of the IP header before l4, or negative */
static int check_ip(const uint8_t *pkt, size_t len)
{
	size_t ihl;

	if (len < 20)
		return -MAMS_ETRUNC;
	if (pkt[0] >> 4 == 6)
		return len < 40 || get16(pkt + 4) + 40u != len ? -MAMS_ETRUNC : 40;
	if (pkt[0] >> 4 != 4)
		return -MAMS_EPROTO;
	ihl = (pkt[0] & 15u) * 4u;
	if (ihl < 20)
		return -MAMS_EPROTO;
	return ihl > len || get16(pkt + 2) != len ? -MAMS_ETRUNC : (int)ihl;
}

static int check_l4(struct madp_segment *s, int ip_hdr)
{
	size_t left;

	if (s->l4 < (size_t)ip_hdr || (s->pkt[0] >> 4 == 4 && s->l4 != ip_hdr))
		return -MAMS_EPROTO;
	if (s->l4 >= s->len)
		return -MAMS_ETRUNC;
	left = s->len - s->l4;
	if (s->csum_offset + 2u > left)
		return -MAMS_ETRUNC;
	if (s->kind == MADP_OFFLOAD_NONE)
		return 0;
	if (left < (s->kind == MADP_OFFLOAD_TCP ? 20 : 8))
		return -MAMS_ETRUNC;
	s->hdr = s->l4 + (s->kind == MADP_OFFLOAD_TCP ? (s->pkt[s->l4 + 12] >> 4) * 4u : 8u);
	if (s->kind == MADP_OFFLOAD_TCP && s->hdr < s->l4 + 20u)
		return -MAMS_EPROTO;
	return s->hdr >= s->len ? -MAMS_ETRUNC : 0;
}

int madp_segment_init(
	struct madp_segment *s, const struct madp_offload *o, const uint8_t *pkt, size_t len)
{
	int ip_hdr = check_ip(pkt, len);

	*s = (struct madp_segment){.pkt = pkt,
		.len = len,
		.l4 = o->csum_start,
		.gso = o->gso_size,
		.csum_offset = o->csum_offset,
		.kind = o->kind,
		.partial = o->partial};
	if (ip_hdr < 0)
		return ip_hdr;
	if (s->kind == MADP_OFFLOAD_NONE && !s->partial)
		return 0;
	if (!s->partial) /* segmentation always comes with a checksum to complete */
		return -MAMS_EPROTO;
	if (s->kind != MADP_OFFLOAD_NONE) {
		s->csum_offset = s->kind == MADP_OFFLOAD_TCP ? 16 : 6;
		if (s->gso == 0)
			return -MAMS_EPROTO;
	}
	return check_l4(s, ip_hdr);
}

size_t madp_segment_left(const struct madp_segment *s)
{
	size_t left = s->len - s->hdr - s->pos;

	return s->kind == MADP_OFFLOAD_NONE ? left > 0 : (left + s->gso - 1) / s->gso;
}

static size_t next_payload(const struct madp_segment *s)
{
	size_t left = s->len - s->hdr - s->pos;

	return s->kind != MADP_OFFLOAD_NONE && left > s->gso ? s->gso : left;
}

size_t madp_segment_size(const struct madp_segment *s)
{
	size_t payload = next_payload(s);

	return payload ? s->hdr + payload : 0;
}

static void write_whole(struct madp_segment *s, uint8_t *out)
{
	uint8_t *field = out + s->l4 + s->csum_offset;
	uint16_t sum;

	s->pos = s->len;
	if (!s->partial) {
		memcpy(out, s->pkt, s->len);
		return;
	}
	memcpy(out, s->pkt, s->l4);
	/* the field holds the pseudo-header's sum, so the sum over all is the packet's */
	sum = (uint16_t)~madp_csum_fold(
		madp_csum_copy(0, out + s->l4, s->pkt + s->l4, s->len - s->l4));
	if (sum == 0) /* RFC 768: 0 would say there is none; for TCP the two are the same */
		sum = 0xffff;
	memcpy(field, &sum, 2);
}

static void fix_ip(const struct madp_segment *s, uint8_t *out, size_t total)
{
	uint16_t sum;

	if (out[0] >> 4 == 6) {
		put16(out + 4, total - 40);
		return;
	}
	put16(out + 2, total);
	put16(out + 4, (size_t)get16(out + 4) + s->index);
	put16(out + 10, 0);
	sum = (uint16_t)~madp_csum_fold(madp_csum_add(0, out, (out[0] & 15u) * 4u));
	memcpy(out + 10, &sum, 2);
}

static void fix_tcp(const struct madp_segment *s, uint8_t *tcp, bool last)
{
	put32(tcp + 4, get32(tcp + 4) + (uint32_t)s->pos);
	if (s->index > 0)
		tcp[13] &= (uint8_t)~TCP_CWR;
	if (!last)
		tcp[13] &= (uint8_t) ~(TCP_FIN | TCP_PSH);
}

void madp_segment_write(struct madp_segment *s, uint8_t *out)
{
	size_t payload = next_payload(s);
	size_t total = s->hdr + payload;
	uint8_t *l4 = out + s->l4;
	uint64_t sum;
	uint16_t folded;

	if (s->kind == MADP_OFFLOAD_NONE) {
		write_whole(s, out);
		return;
	}
	memcpy(out, s->pkt, s->hdr);
	fix_ip(s, out, total);
	if (s->kind == MADP_OFFLOAD_TCP)
		fix_tcp(s, l4, total + s->pos == s->len);
	else
		put16(l4 + 4, total - s->l4);
	put16(l4 + s->csum_offset, 0);
	sum = madp_csum_pseudo(out, s->kind == MADP_OFFLOAD_TCP ? TCP : UDP, total - s->l4);
	sum = madp_csum_add(sum, l4, s->hdr - s->l4);
	sum = madp_csum_copy(sum, out + s->hdr, s->pkt + s->hdr + s->pos, payload);
	folded = (uint16_t)~madp_csum_fold(sum);
	if (folded == 0)
		folded = 0xffff;
	memcpy(l4 + s->csum_offset, &folded, 2);
	s->pos += payload;
	s->index++;
}
