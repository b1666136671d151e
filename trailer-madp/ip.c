#include "trailer-madp/ip.h"

#include <string.h>

#define EXTENSIONS_MAX 8u
#define TCP_HEADER 20u
#define TCP_SYN 2

enum {
	HOP_BY_HOP = 0,
	TCP = 6,
	UDP = 17,
	DCCP = 33,
	ROUTING = 43,
	FRAGMENT = 44,
	AUTHENTICATION = 51,
	DESTINATION = 60,
	SCTP = 132,
	MOBILITY = 135,
	UDP_LITE = 136,
	HIP = 139,
	SHIM6 = 140,
};

static bool proto_has_ports(uint8_t proto)
{
	return proto == TCP || proto == UDP || proto == SCTP || proto == DCCP || proto == UDP_LITE;
}

size_t madp_ip_length(const uint8_t *data, size_t len, enum madp_reason *why)
{
	size_t min = MADP_IP4_HEADER;
	size_t total;

	*why = MADP_IP_SHORT;
	if (len < MADP_IP4_HEADER)
		return 0;
	switch (data[0] >> 4) {
	case 4:
		*why = MADP_IP_HEADER;
		min = madp_ip4_header_len(data);
		if (min < MADP_IP4_HEADER || min > len)
			return 0;
		total = madp_get16(data + 2);
		break;
	case 6:
		min = MADP_IP6_HEADER;
		if (len < min)
			return 0;
		total = min + madp_get16(data + 4);
		break;
	default:
		*why = MADP_IP_VERSION;
		return 0;
	}
	*why = MADP_IP_LENGTH;
	if (total < min || total > len || total > MADP_IP_MAX)
		return 0;
	*why = MADP_OK;
	return total;
}

static void read_ports(const uint8_t *data, struct madp_ip *out)
{
	if (!proto_has_ports(out->key.proto) || out->len - out->header_len < 4)
		return;
	out->has_ports = true;
	out->key.sport = madp_get16(data + out->header_len);
	out->key.dport = madp_get16(data + out->header_len + 2);
}

static void parse_v4(const uint8_t *data, struct madp_ip *out)
{
	uint16_t fragment = madp_get16(data + 6);

	out->key.version = 4;
	out->key.proto = data[9];
	memcpy(out->key.src, data + 12, 4);
	memcpy(out->key.dst, data + 16, 4);
	out->header_len = (uint16_t)madp_ip4_header_len(data);
	out->dscp = data[1] >> 2;
	out->ecn = data[1] & 3;
	out->ttl = data[8];
	out->is_fragment = (fragment & 0x3fffu) != 0; /* More Fragments or an offset */
	if ((fragment & 0x1fffu) == 0)
		read_ports(data, out);
}

/** Octets of the extension header of this type at ext, which has at least 8; 0: not one. */
static size_t extension_len(uint8_t type, const uint8_t *ext)
{
	switch (type) {
	case HOP_BY_HOP:
	case ROUTING:
	case DESTINATION:
	case MOBILITY:
	case HIP:
	case SHIM6:
		return (ext[1] + 1u) * 8u;
	case AUTHENTICATION:
		return (ext[1] + 2u) * 4u;
	case FRAGMENT:
		return 8;
	default:
		return 0;
	}
}

static bool is_extension(uint8_t type)
{
	static const uint8_t eight_octets[8];

	return extension_len(type, eight_octets) != 0;
}

/** Follow the extension headers to the upper layer.  A chain that an IP fragment cuts, or one too
 *  long to follow, ends where we stop, without ports. */
static enum madp_reason parse_v6(const uint8_t *data, struct madp_ip *out)
{
	size_t pos = MADP_IP6_HEADER;
	bool later_fragment = false;
	uint8_t type = data[6];

	for (size_t n = 0; n < EXTENSIONS_MAX && is_extension(type) && !later_fragment; n++) {
		size_t left = out->len - pos;
		size_t size = left < 8 ? 0 : extension_len(type, data + pos);

		if (size == 0 || size > left) {
			if (!out->is_fragment)
				return MADP_IP_HEADER;
			break;
		}
		if (type == FRAGMENT) {
			uint16_t fragment = madp_get16(data + pos + 2);

			/* offset and M; an atomic fragment (RFC 6946) is none */
			out->is_fragment = out->is_fragment || (fragment & 0xfff9u) != 0;
			later_fragment = (fragment & 0xfff8u) != 0;
		}
		type = data[pos];
		pos += size;
	}
	out->key.version = 6;
	out->key.proto = type;
	memcpy(out->key.src, data + 8, 16);
	memcpy(out->key.dst, data + 24, 16);
	out->header_len = (uint16_t)pos;
	out->dscp = (uint8_t)(madp_get16(data) >> 6 & 0x3fu);
	out->ecn = data[1] >> 4 & 3;
	out->ttl = data[7];
	if (!later_fragment)
		read_ports(data, out);
	return MADP_OK;
}

enum madp_reason madp_ip_parse(const uint8_t *data, size_t len, struct madp_ip *out)
{
	enum madp_reason why;
	size_t total = madp_ip_length(data, len, &why);

	if (total == 0)
		return why;
	memset(out, 0, sizeof(*out));
	out->len = (uint16_t)total;
	if (data[0] >> 4 == 6)
		return parse_v6(data, out);
	parse_v4(data, out);
	return MADP_OK;
}

/** One's complement sum of the 16-bit words, folded; len is a multiple of 4. */
bool madp_ip_is_stream(const uint8_t *ip, size_t len)
{
	bool v4 = len > 0 && ip[0] >> 4 == 4;
	size_t at = v4 ? madp_ip4_header_len(ip) : MADP_IP6_HEADER;

	if (len < at + TCP_HEADER || ip[v4 ? 9 : 6] != TCP)
		return false;
	return (ip[at + 13] & TCP_SYN) || len > at + (ip[at + 12] >> 4) * 4u;
}

static uint16_t word_sum(const uint8_t *p, size_t len)
{
	uint64_t s = 0;

	for (size_t i = 0; i + 4 <= len; i += 4)
		s += madp_get32(p + i);
	s = (s & 0xffffffffu) + (s >> 32);
	s = (s & 0xffffu) + (s >> 16 & 0xffffu) + (s >> 32);
	s = (s & 0xffffu) + (s >> 16);
	return (uint16_t)((s & 0xffffu) + (s >> 16));
}

bool madp_ip4_checksum_ok(const uint8_t *ip, size_t hlen)
{
	return word_sum(ip, hlen) == 0xffff;
}

uint16_t madp_ip4_checksum(const uint8_t *ip, size_t hlen)
{
	uint32_t s = word_sum(ip, hlen) + (uint16_t)~madp_get16(ip + 10);

	/* the field taken out again: -x is ~x in one's complement */
	s = (s & 0xffffu) + (s >> 16);
	return (uint16_t)~s;
}

void madp_ip4_set_len(uint8_t *ip, uint16_t len)
{
	madp_put16(ip + 10, madp_checksum_adjust(madp_get16(ip + 10), madp_get16(ip + 2), len));
	madp_put16(ip + 2, len);
}

void madp_ip4_set_ttl_proto(uint8_t *ip, uint8_t ttl, uint8_t proto, bool adjust)
{
	uint16_t is = (uint16_t)(ttl << 8 | proto);

	if (adjust)
		madp_put16(
			ip + 10, madp_checksum_adjust(madp_get16(ip + 10), madp_get16(ip + 8), is));
	ip[8] = ttl;
	ip[9] = proto;
}
