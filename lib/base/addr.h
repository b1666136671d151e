/** @file addr.h
 *  IPv4/IPv6 addresses with port, and prefixes: parse, print, compare.  Layer: base.
 *  The only header through which a core meets socket address structs. */
#pragma once

#include "lib/base/err.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/** family is AF_UNSPEC (unset), AF_INET or AF_INET6; ip in network order; port in host order. */
struct mams_addr {
	uint8_t family;
	uint16_t port;
	uint8_t ip[16]; /**< 4 octets used for IPv4, the rest zero */
};

struct mams_prefix {
	struct mams_addr net; /**< host bits zero, port 0 */
	uint8_t len;          /**< bits */
};

#define MAMS_ADDR_STRLEN 64 /**< "[ipv6]:65535" fits */

/** Parse an address without port ("10.0.0.1", "2001:db8::1"); port becomes 0. */
MAMS_MUST int mams_addr_parse(const char *text, struct mams_addr *out);
/** Parse "10.0.0.1:443" or "[2001:db8::1]:443"; without a port, default_port is used. */
MAMS_MUST int mams_addr_parse_port(const char *text, uint16_t default_port, struct mams_addr *out);
/** Print the address alone into buf[MAMS_ADDR_STRLEN]; returns buf. */
const char *mams_addr_str(const struct mams_addr *a, char *buf);
/** Print with port. */
const char *mams_addr_str_port(const struct mams_addr *a, char *buf);

bool mams_addr_is_set(const struct mams_addr *a);
bool mams_addr_eq(const struct mams_addr *a, const struct mams_addr *b);    /**< address and port */
bool mams_addr_eq_ip(const struct mams_addr *a, const struct mams_addr *b); /**< address only */
bool mams_addr_is_loopback(const struct mams_addr *a);
bool mams_addr_is_multicast(const struct mams_addr *a); /**< and IPv4 limited broadcast */
bool mams_addr_is_linklocal(const struct mams_addr *a);
bool mams_addr_is_any(const struct mams_addr *a);
/** ::ffff:a.b.c.d becomes IPv4; others stay. */
void mams_addr_unmap(struct mams_addr *a);

/** Both directions of the socket API. @return 0 or -EAFNOSUPPORT */
MAMS_MUST int mams_addr_from_sa(const struct sockaddr *sa, struct mams_addr *out);
socklen_t mams_addr_to_sa(const struct mams_addr *a, struct sockaddr_storage *out);

/** Parse "10.0.0.0/8" or a bare address (full length); host bits must be zero. */
MAMS_MUST int mams_prefix_parse(const char *text, struct mams_prefix *out);
const char *mams_prefix_str(const struct mams_prefix *p, char *buf); /**< buf[MAMS_ADDR_STRLEN] */
bool mams_prefix_has(const struct mams_prefix *p, const struct mams_addr *a);
