#include "trailer-madp/flowclass.h"

#include <string.h>

#define PROTO_TCP 6
#define PROTO_UDP 17
#define PROTO_SCTP 132
#define PROTO_DCCP 33
#define PROTO_FRAGMENT 44
#define HEADERS_MAX 8
#define WAYS 4u

struct madp_rule madp_rule_any(uint8_t cls)
{
	return (struct madp_rule){.local_port = {0, 65535},
		.remote_port = {0, 65535},
		.protocol = -1,
		.traffic_class = -1,
		.dscp = -1,
		.cls = cls};
}

int madp_rules_add(struct madp_rules *r, const struct madp_rule *rule)
{
	if (rule->cls >= MADP_CLASSES_MAX || rule->local_port[0] > rule->local_port[1] ||
		rule->remote_port[0] > rule->remote_port[1] || rule->dscp > 63 ||
		rule->traffic_class > 255 || rule->protocol > 255)
		return -MAMS_EVALUE;
	if (r->n == MADP_RULES_MAX)
		return -MAMS_ELIMIT;
	r->rule[r->n++] = *rule;
	r->version++;
	return 0;
}

static int mask(const char *text, struct mams_prefix *out)
{
	if (!text)
		return 0;
	if (mams_prefix_parse(text, out) < 0)
		return -MAMS_EVALUE;
	if (out->len == 0)
		*out = (struct mams_prefix){0}; /* 0.0.0.0/0 means any address of any family */
	return 0;
}

int madp_rule_from_tft(const struct madp_tft *t, uint8_t cls, struct madp_rule *out)
{
	*out = madp_rule_any(cls);
	if (mask(t->remote_addr_mask, &out->remote) < 0 ||
		mask(t->local_addr_mask, &out->local) < 0)
		return -MAMS_EVALUE;
	for (unsigned i = 0; i < 2; i++) {
		out->local_port[i] = t->local_port[i];
		out->remote_port[i] = t->remote_port[i];
	}
	if (t->protocol_type != 255)
		out->protocol = t->protocol_type;
	if (t->traffic_class != 255)
		out->traffic_class = t->traffic_class;
	out->flow_label = t->flow_label;
	return out->local_port[0] > out->local_port[1] || out->remote_port[0] > out->remote_port[1]
		       ? -MAMS_EVALUE
		       : 0;
}

/* ---- the key of a packet ---- */

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static void set_ports(const uint8_t *p, size_t len, bool uplink, struct madp_flow_key *out)
{
	switch (out->protocol) {
	case PROTO_TCP:
	case PROTO_UDP:
	case PROTO_SCTP:
	case PROTO_DCCP:
		if (len < 4)
			return;
		out->local_port = get16(uplink ? p : p + 2);
		out->remote_port = get16(uplink ? p + 2 : p);
		break;
	default:
		break;
	}
}

static void set_addresses(
	const uint8_t *src, const uint8_t *dst, size_t len, bool uplink, struct madp_flow_key *out)
{
	memcpy(out->local, uplink ? src : dst, len);
	memcpy(out->remote, uplink ? dst : src, len);
}

static bool read_v4(const uint8_t *pkt, size_t len, bool uplink, struct madp_flow_key *out)
{
	size_t head = (size_t)(pkt[0] & 15) * 4;

	if (len < 20 || head < 20 || head > len)
		return false;
	out->traffic_class = pkt[1];
	out->protocol = pkt[9];
	set_addresses(pkt + 12, pkt + 16, 4, uplink, out);
	if ((get16(pkt + 6) & 0x1fff) == 0)
		set_ports(pkt + head, len - head, uplink, out);
	return true;
}

static bool is_extension(uint8_t next)
{
	return next == 0 || next == 43 || next == 60 || next == PROTO_FRAGMENT;
}

static bool read_v6(const uint8_t *pkt, size_t len, bool uplink, struct madp_flow_key *out)
{
	size_t at = 40;
	uint8_t next;

	if (len < 40)
		return false;
	out->traffic_class = (uint8_t)(pkt[0] << 4 | pkt[1] >> 4);
	out->flow_label = (uint32_t)(pkt[1] & 15) << 16 | get16(pkt + 2);
	set_addresses(pkt + 8, pkt + 24, 16, uplink, out);
	next = pkt[6];
	for (unsigned i = 0; is_extension(next) && i < HEADERS_MAX && at + 8 <= len; i++) {
		bool later = next == PROTO_FRAGMENT && (get16(pkt + at + 2) & 0xfff8);

		out->protocol = pkt[at];
		if (later)
			return true; /* no ports here */
		at += next == PROTO_FRAGMENT ? 8 : 8 + (size_t)pkt[at + 1] * 8;
		next = out->protocol;
	}
	out->protocol = next;
	if (at < len)
		set_ports(pkt + at, len - at, uplink, out);
	return true;
}

bool madp_flow_key_read(
	const uint8_t *pkt, size_t len, bool uplink, uint32_t mark, struct madp_flow_key *out)
{
	*out = (struct madp_flow_key){.mark = mark};
	if (len == 0)
		return false;
	out->version = pkt[0] >> 4;
	if (out->version == 4)
		return read_v4(pkt, len, uplink, out);
	if (out->version == 6)
		return read_v6(pkt, len, uplink, out);
	return false;
}

/* ---- rules ---- */

static bool in_prefix(const struct mams_prefix *p, const uint8_t *ip, uint8_t version)
{
	unsigned full = p->len / 8;
	unsigned rest = p->len % 8;

	if (p->net.family == AF_UNSPEC)
		return true;
	if (p->net.family != (version == 4 ? AF_INET : AF_INET6))
		return false;
	if (memcmp(p->net.ip, ip, full) != 0)
		return false;
	return rest == 0 || ((p->net.ip[full] ^ ip[full]) >> (8 - rest)) == 0;
}

static bool in_range(const uint16_t range[2], uint16_t port)
{
	return port >= range[0] && port <= range[1];
}

static bool matches(const struct madp_rule *r, const struct madp_flow_key *k)
{
	if (r->protocol >= 0 && r->protocol != k->protocol)
		return false;
	if (r->traffic_class >= 0 && r->traffic_class != k->traffic_class)
		return false;
	if (r->dscp >= 0 && r->dscp != k->traffic_class >> 2)
		return false;
	if (r->flow_label && r->flow_label != k->flow_label)
		return false;
	if (r->mark && r->mark != k->mark)
		return false;
	return in_range(r->local_port, k->local_port) && in_range(r->remote_port, k->remote_port) &&
	       in_prefix(&r->local, k->local, k->version) &&
	       in_prefix(&r->remote, k->remote, k->version);
}

uint8_t madp_rules_match(const struct madp_rules *r, const struct madp_flow_key *k)
{
	for (unsigned i = 0; i < r->n; i++) {
		if (matches(&r->rule[i], k))
			return r->rule[i].cls;
	}
	return 0;
}

/* ---- cache ---- */

void madp_class_cache_init(
	struct madp_class_cache *c, uint64_t *tag, uint8_t *cls, uint32_t n, uint64_t seed)
{
	*c = (struct madp_class_cache){.tag = tag, .cls = cls, .mask = n - 1, .seed = seed};
	memset(tag, 0, n * sizeof(*tag));
	memset(cls, 0, n);
}

static uint64_t mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * 0x9e3779b97f4a7c15ull;
	return h ^ h >> 29;
}

static uint64_t hash(const struct madp_class_cache *c, uint32_t version, uint32_t scope,
	const struct madp_flow_key *k)
{
	uint64_t words[(sizeof(*k) + 7) / 8] = {0};
	uint64_t h = mix(c->seed, (uint64_t)version << 32 | scope);

	memcpy(words, k, sizeof(*k));
	for (size_t i = 0; i < MAMS_ARRAY_LEN(words); i++)
		h = mix(h, words[i] + c->seed);
	h = mix(h, h >> 32);
	return h ? h : 1; /* 0 marks an empty place */
}

/* Four places per flow; a fifth flow takes the place of one of them. */
uint8_t madp_classify(struct madp_class_cache *c, const struct madp_rules *r, uint32_t scope,
	const struct madp_flow_key *k)
{
	uint64_t h;
	uint32_t at;
	uint32_t victim;

	if (r->n == 0)
		return 0;
	h = hash(c, r->version, scope, k);
	at = (uint32_t)h & c->mask & ~(WAYS - 1);
	victim = at + (uint32_t)(h >> 62);
	for (uint32_t i = at; i < at + WAYS; i++) {
		if (c->tag[i] == h) {
			c->hits++;
			return c->cls[i];
		}
		if (c->tag[i] == 0)
			victim = i;
	}
	c->misses++;
	c->tag[victim] = h;
	c->cls[victim] = madp_rules_match(r, k);
	return c->cls[victim];
}
