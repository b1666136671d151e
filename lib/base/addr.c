#include "lib/base/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

int mams_addr_parse(const char *text, struct mams_addr *out)
{
	*out = (struct mams_addr){0};
	if (inet_pton(AF_INET, text, out->ip) == 1) {
		out->family = AF_INET;
		return 0;
	}
	if (inet_pton(AF_INET6, text, out->ip) == 1) {
		out->family = AF_INET6;
		return 0;
	}
	return -MAMS_EVALUE;
}

static int parse_port(const char *text, uint16_t *out)
{
	unsigned v = 0;

	if (!*text || strlen(text) > 5)
		return -MAMS_EVALUE;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -MAMS_EVALUE;
		v = v * 10 + (unsigned)(*text - '0');
	}
	if (v == 0 || v > 65535)
		return -MAMS_EVALUE;
	*out = (uint16_t)v;
	return 0;
}

int mams_addr_parse_port(const char *text, uint16_t default_port, struct mams_addr *out)
{
	char host[MAMS_ADDR_STRLEN];
	const char *colon = strrchr(text, ':');
	const char *start = text;
	size_t n;
	uint16_t port = default_port;
	int rc;

	if (text[0] == '[') {
		const char *end = strchr(text, ']');

		if (!end || (end[1] != '\0' && end[1] != ':'))
			return -MAMS_EVALUE;
		start = text + 1;
		n = (size_t)(end - start);
		colon = end[1] == ':' ? end + 1 : NULL;
	} else if (colon && strchr(text, ':') == colon) {
		n = (size_t)(colon - text);
	} else {
		n = strlen(text);
		colon = NULL;
	}
	if (n >= sizeof(host))
		return -MAMS_EVALUE;
	memcpy(host, start, n);
	host[n] = '\0';
	if (colon && parse_port(colon + 1, &port) < 0)
		return -MAMS_EVALUE;
	rc = mams_addr_parse(host, out);
	if (rc < 0)
		return rc;
	out->port = port;
	return 0;
}

const char *mams_addr_str(const struct mams_addr *a, char *buf)
{
	if (!mams_addr_is_set(a) || !inet_ntop(a->family, a->ip, buf, MAMS_ADDR_STRLEN))
		snprintf(buf, MAMS_ADDR_STRLEN, "-");
	return buf;
}

const char *mams_addr_str_port(const struct mams_addr *a, char *buf)
{
	char ip[MAMS_ADDR_STRLEN];

	mams_addr_str(a, ip);
	snprintf(buf, MAMS_ADDR_STRLEN, a->family == AF_INET6 ? "[%.45s]:%u" : "%.45s:%u", ip,
		a->port);
	return buf;
}

bool mams_addr_is_set(const struct mams_addr *a)
{
	return a->family == AF_INET || a->family == AF_INET6;
}

bool mams_addr_eq_ip(const struct mams_addr *a, const struct mams_addr *b)
{
	return a->family == b->family && memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}

bool mams_addr_eq(const struct mams_addr *a, const struct mams_addr *b)
{
	return a->port == b->port && mams_addr_eq_ip(a, b);
}

static struct in6_addr in6(const struct mams_addr *a)
{
	struct in6_addr v6;

	memcpy(&v6, a->ip, sizeof(v6));
	return v6;
}

bool mams_addr_is_loopback(const struct mams_addr *a)
{
	struct in6_addr v6 = in6(a);

	return a->family == AF_INET ? a->ip[0] == 127
				    : a->family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&v6);
}

bool mams_addr_is_multicast(const struct mams_addr *a)
{
	static const uint8_t broadcast[4] = {255, 255, 255, 255};

	if (a->family == AF_INET)
		return (a->ip[0] & 0xf0) == 0xe0 || memcmp(a->ip, broadcast, 4) == 0;
	return a->family == AF_INET6 && a->ip[0] == 0xff;
}

bool mams_addr_is_linklocal(const struct mams_addr *a)
{
	struct in6_addr v6 = in6(a);

	if (a->family == AF_INET)
		return a->ip[0] == 169 && a->ip[1] == 254;
	return a->family == AF_INET6 && IN6_IS_ADDR_LINKLOCAL(&v6);
}

bool mams_addr_is_any(const struct mams_addr *a)
{
	static const uint8_t zero[16];

	return mams_addr_is_set(a) && memcmp(a->ip, zero, sizeof(zero)) == 0;
}

void mams_addr_unmap(struct mams_addr *a)
{
	struct in6_addr v6 = in6(a);

	if (a->family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&v6))
		return;
	a->family = AF_INET;
	memcpy(a->ip, v6.s6_addr + 12, 4);
	memset(a->ip + 4, 0, 12);
}

int mams_addr_from_sa(const struct sockaddr *sa, struct mams_addr *out)
{
	*out = (struct mams_addr){0};
	if (sa->sa_family == AF_INET) {
		struct sockaddr_in v4;

		memcpy(&v4, sa, sizeof(v4));
		out->family = AF_INET;
		out->port = ntohs(v4.sin_port);
		memcpy(out->ip, &v4.sin_addr, 4);
		return 0;
	}
	if (sa->sa_family == AF_INET6) {
		struct sockaddr_in6 v6;

		memcpy(&v6, sa, sizeof(v6));
		out->family = AF_INET6;
		out->port = ntohs(v6.sin6_port);
		memcpy(out->ip, &v6.sin6_addr, 16);
		return 0;
	}
	return -EAFNOSUPPORT;
}

socklen_t mams_addr_to_sa(const struct mams_addr *a, struct sockaddr_storage *out)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(a->port)};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(a->port)};

	memset(out, 0, sizeof(*out));
	if (a->family == AF_INET) {
		memcpy(&v4.sin_addr, a->ip, 4);
		memcpy(out, &v4, sizeof(v4));
		return sizeof(v4);
	}
	memcpy(&v6.sin6_addr, a->ip, 16);
	memcpy(out, &v6, sizeof(v6));
	return sizeof(v6);
}

static bool bits_match(const uint8_t *a, const uint8_t *b, unsigned len)
{
	unsigned full = len / 8;
	unsigned rest = len % 8;

	if (memcmp(a, b, full) != 0)
		return false;
	return rest == 0 || (a[full] ^ b[full]) >> (8 - rest) == 0;
}

int mams_prefix_parse(const char *text, struct mams_prefix *out)
{
	static const uint8_t zero[16];
	char host[MAMS_ADDR_STRLEN];
	const char *slash = strchr(text, '/');
	size_t n = slash ? (size_t)(slash - text) : strlen(text);
	unsigned max;
	unsigned len = 0;
	struct mams_addr masked = {0};

	if (n >= sizeof(host))
		return -MAMS_EVALUE;
	memcpy(host, text, n);
	host[n] = '\0';
	if (mams_addr_parse(host, &out->net) < 0)
		return -MAMS_EVALUE;
	max = out->net.family == AF_INET ? 32 : 128;
	if (!slash) {
		out->len = (uint8_t)max;
		return 0;
	}
	if (!slash[1] || strlen(slash + 1) > 3)
		return -MAMS_EVALUE;
	for (const char *p = slash + 1; *p; p++) {
		if (*p < '0' || *p > '9')
			return -MAMS_EVALUE;
		len = len * 10 + (unsigned)(*p - '0');
	}
	if (len > max)
		return -MAMS_EVALUE;
	out->len = (uint8_t)len;
	/* host bits must be zero: clear the prefix and see what is left */
	memcpy(masked.ip, out->net.ip, sizeof(masked.ip));
	for (unsigned bit = 0; bit < len; bit++)
		masked.ip[bit / 8] &= (uint8_t) ~(0x80u >> bit % 8);
	return memcmp(masked.ip, zero, sizeof(zero)) == 0 ? 0 : -MAMS_EVALUE;
}

const char *mams_prefix_str(const struct mams_prefix *p, char *buf)
{
	char ip[MAMS_ADDR_STRLEN];

	mams_addr_str(&p->net, ip);
	snprintf(buf, MAMS_ADDR_STRLEN, "%.45s/%u", ip, p->len);
	return buf;
}

bool mams_prefix_has(const struct mams_prefix *p, const struct mams_addr *a)
{
	return p->net.family == a->family && bits_match(p->net.ip, a->ip, p->len);
}
