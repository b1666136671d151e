#include "trailer-madp/coalesce.h"

#include "trailer-madp/csum.h"

#include <string.h>

#define TCP 6
#define UDP 17
#define TCP_ACK 0x10u
#define TCP_PSH 0x08u
#define TCP_KEEP 0xc0u /* ECE and CWR may stand, when they stand in every segment */

/* A packet, looked at. */
struct seen {
	const uint8_t *p;
	size_t len;
	bool tcp;
	bool joins; /* may be part of a larger one */
	uint8_t ip_hdr;
	uint8_t hdr;
	uint16_t payload;
	uint32_t seq;
};

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

static void look_at_tcp(struct seen *s)
{
	const uint8_t *tcp = s->p + s->ip_hdr;
	size_t hdr = s->ip_hdr + (tcp[12] >> 4) * 4u;

	if (hdr < s->ip_hdr + 20u || hdr >= s->len || hdr > MADP_COALESCE_HDR)
		return;
	s->hdr = (uint8_t)hdr;
	s->payload = (uint16_t)(s->len - hdr);
	s->seq = get32(tcp + 4);
	s->joins = (tcp[13] & ~(TCP_PSH | TCP_KEEP)) == TCP_ACK;
}

static void look_at_udp(struct seen *s)
{
	const uint8_t *udp = s->p + s->ip_hdr;

	if (s->len <= s->ip_hdr + 8u || get16(udp + 4) != s->len - s->ip_hdr)
		return;
	s->hdr = (uint8_t)(s->ip_hdr + 8u);
	s->payload = (uint16_t)(s->len - s->hdr);
	s->joins = get16(udp + 6) != 0;
}

/** @return false: no TCP or UDP header behind a plain IP header */
static bool look(struct seen *s, const uint8_t *p, size_t len)
{
	uint8_t protocol;

	*s = (struct seen){.p = p, .len = len};
	if (len >= 28 && p[0] == 0x45) {
		if ((get16(p + 6) & 0xbfff) != 0) /* a fragment, or a bit of no meaning */
			return false;
		s->ip_hdr = 20;
		protocol = p[9];
	} else if (len >= 48 && p[0] >> 4 == 6) {
		s->ip_hdr = 40;
		protocol = p[6];
	} else {
		return false;
	}
	s->tcp = protocol == TCP;
	if (protocol == UDP)
		look_at_udp(s);
	else if (s->tcp && len >= s->ip_hdr + 20u)
		look_at_tcp(s);
	else
		return false;
	return true;
}

static bool same_flow(const struct madp_joined *j, const struct seen *s)
{
	const uint8_t *a = j->parts[0].data;
	const uint8_t *b = s->p;

	if (a[0] >> 4 != b[0] >> 4 || j->tcp != s->tcp)
		return false;
	if (j->ip_hdr == 20)
		return memcmp(a + 12, b + 12, 12) == 0;
	return memcmp(a + 8, b + 8, 36) == 0;
}

/** Everything in the headers that segments of one send have in common. */
static bool same_headers(const struct madp_joined *j, const struct seen *s)
{
	const uint8_t *a = j->parts[0].data;
	const uint8_t *b = s->p;

	if (j->hdr != s->hdr)
		return false;
	if (j->ip_hdr == 20) {
		bool fixed = (b[6] & 0x40) != 0 && get16(b + 4) == get16(a + 4);

		if (a[1] != b[1] || a[8] != b[8] || a[6] != b[6] ||
			(!fixed && get16(b + 4) != j->id))
			return false;
	} else if (memcmp(a, b, 4) != 0 || a[7] != b[7]) {
		return false;
	}
	if (!j->tcp)
		return true;
	a += j->ip_hdr;
	b += s->ip_hdr;
	return s->seq == j->seq && get32(a + 8) == get32(b + 8) && a[12] == b[12] &&
	       ((a[13] ^ b[13]) & ~TCP_PSH) == 0 && get16(a + 14) == get16(b + 14) &&
	       memcmp(a + 18, b + 18, j->hdr - j->ip_hdr - 18u) == 0;
}

static bool checksum_is_right(const uint8_t *p, size_t len, size_t ip_hdr, bool tcp)
{
	uint64_t sum = madp_csum_pseudo(p, tcp ? TCP : UDP, len - ip_hdr);

	if (ip_hdr == 20 && madp_csum_fold(madp_csum_add(0, p, 20)) != 0xffff)
		return false;
	return madp_csum_fold(madp_csum_add(sum, p + ip_hdr, len - ip_hdr)) == 0xffff;
}

static void give_alone(struct madp_coalesce *c, const uint8_t *p, size_t len)
{
	static const struct madp_offload none = {0};
	const struct madp_part part = {p, len};

	c->out(c->user, &none, &part, 1, len);
}

static void finish_headers(struct madp_joined *j, struct madp_offload *o)
{
	uint8_t *l4 = j->head + j->ip_hdr;
	uint16_t sum;

	if (j->ip_hdr == 20) {
		put16(j->head + 2, j->len);
		put16(j->head + 10, 0);
		sum = (uint16_t)~madp_csum_fold(madp_csum_add(0, j->head, 20));
		memcpy(j->head + 10, &sum, 2);
	} else {
		put16(j->head + 4, j->len - 40);
	}
	if (!j->tcp)
		put16(l4 + 4, j->len - j->ip_hdr);
	*o = (struct madp_offload){.kind = j->tcp ? MADP_OFFLOAD_TCP : MADP_OFFLOAD_UDP,
		.partial = true,
		.csum_start = j->ip_hdr,
		.csum_offset = j->tcp ? 16 : 6,
		.hdr_len = j->hdr,
		.gso_size = j->gso};
	sum = madp_csum_fold(madp_csum_pseudo(j->head, j->tcp ? TCP : UDP, j->len - j->ip_hdr));
	memcpy(l4 + o->csum_offset, &sum, 2);
}

static void give(struct madp_coalesce *c, struct madp_joined *j)
{
	struct madp_offload o;

	if (j->n == 1) {
		give_alone(c, j->parts[0].data, j->parts[0].len);
	} else {
		finish_headers(j, &o);
		c->out(c->user, &o, j->parts, j->n, j->len);
	}
	j->n = 0;
	c->open--;
}

static struct madp_joined *find(struct madp_coalesce *c, const struct seen *s)
{
	size_t i = c->last;

	if (c->flows[i].n && same_flow(&c->flows[i], s))
		return &c->flows[i];
	if (c->open == 0)
		return NULL;
	for (i = 0; i < MADP_COALESCE_FLOWS; i++)
		if (c->flows[i].n && same_flow(&c->flows[i], s))
			return &c->flows[i];
	return NULL;
}

static struct madp_joined *oldest(struct madp_coalesce *c)
{
	struct madp_joined *found = NULL;

	for (size_t i = 0; i < MADP_COALESCE_FLOWS; i++) {
		struct madp_joined *j = &c->flows[i];

		if (j->n && (!found || j->age < found->age))
			found = j;
	}
	return found;
}

static void start(struct madp_coalesce *c, const struct seen *s)
{
	size_t i = 0;
	struct madp_joined *j;

	if (c->open == MADP_COALESCE_FLOWS)
		give(c, oldest(c));
	while (c->flows[i].n)
		i++;
	j = &c->flows[i];
	j->parts[0] = (struct madp_part){s->p, s->len};
	j->n = 1;
	j->verified = false;
	j->tcp = s->tcp;
	j->ip_hdr = s->ip_hdr;
	j->hdr = s->hdr;
	j->gso = s->payload;
	j->id = (uint16_t)(s->ip_hdr == 20 ? get16(s->p + 4) + 1u : 0);
	j->seq = s->seq + s->payload;
	j->len = s->len;
	j->age = c->clock++;
	c->last = i;
	c->open++;
	if (s->tcp && (s->p[s->ip_hdr + 13] & TCP_PSH))
		give(c, j);
}

/** The first packet becomes headers and payload of a larger one. @return false: it is damaged */
static bool open_up(struct madp_joined *j)
{
	const uint8_t *p = j->parts[0].data;

	if (!j->verified && !checksum_is_right(p, j->parts[0].len, j->ip_hdr, j->tcp))
		return false;
	j->verified = true;
	memcpy(j->head, p, j->hdr);
	j->parts[0] = (struct madp_part){j->head, j->hdr};
	j->parts[1] = (struct madp_part){p + j->hdr, j->gso};
	j->n = 2;
	return true;
}

/** @return false: this packet does not continue that one */
static bool append(struct madp_coalesce *c, struct madp_joined *j, const struct seen *s)
{
	bool push = s->tcp && (s->p[s->ip_hdr + 13] & TCP_PSH);

	if (!same_headers(j, s) || s->payload > j->gso || j->n == MADP_COALESCE_PARTS ||
		j->len + s->payload > MADP_COALESCE_MAX ||
		!checksum_is_right(s->p, s->len, s->ip_hdr, s->tcp))
		return false;
	if (j->n == 1 && !open_up(j))
		return false;
	j->parts[j->n++] = (struct madp_part){s->p + s->hdr, s->payload};
	j->len += s->payload;
	j->seq += s->payload;
	j->id++;
	if (push)
		j->head[j->ip_hdr + 13] |= TCP_PSH;
	if (push || s->payload < j->gso)
		give(c, j);
	return true;
}

void madp_coalesce_init(struct madp_coalesce *c, bool udp, madp_coalesce_fn out, void *user)
{
	memset(c, 0, sizeof(*c));
	c->udp = udp;
	c->out = out;
	c->user = user;
}

void madp_coalesce_add(struct madp_coalesce *c, const uint8_t *sdu, size_t len)
{
	struct madp_joined *j;
	struct seen s;

	if (!look(&s, sdu, len)) {
		madp_coalesce_flush(c);
		give_alone(c, sdu, len);
		return;
	}
	if (!s.tcp && !c->udp)
		s.joins = false;
	j = find(c, &s);
	if (j && s.joins && append(c, j, &s)) {
		c->last = (size_t)(j - c->flows);
		return;
	}
	if (j)
		give(c, j);
	if (s.joins)
		start(c, &s);
	else
		give_alone(c, sdu, len);
}

void madp_coalesce_flush(struct madp_coalesce *c)
{
	while (c->open)
		give(c, oldest(c));
}
