/** @file flowclass.h
 *  Rules that put an SDU into a flow class: by 5-tuple, DSCP, flow label, mark, or an MX traffic
 *  flow template.  First match wins; what no rule matches is class 0.  Layer: core (no I/O, no
 *  clock, no allocation per packet).
 *  Source: RFC 8743 8.7 and C.2.16 (traffic flow templates; local = the client's side).
 *
 *  A packet costs one hash and one look into a bounded table; rules are walked once per flow and
 *  configuration.  The table is a cache of a pure function: it needs no ageing, and one per worker
 *  serves all its sessions. */
#pragma once

#include "lib/base/addr.h"
#include "trailer-madp/links.h"

#define MADP_RULES_MAX 64

/** What rules look at.  Addresses and ports in host order of meaning: local is the client's. */
struct madp_flow_key {
	uint8_t local[16]; /**< network order; 4 octets used for IPv4, the rest zero */
	uint8_t remote[16];
	uint16_t local_port; /**< 0: no ports (other protocol, later fragment) */
	uint16_t remote_port;
	uint32_t flow_label; /**< IPv6; else 0 */
	uint32_t mark;       /**< of the shell: firewall mark or cgroup class; 0 none */
	uint8_t version;     /**< 4 or 6 */
	uint8_t protocol;
	uint8_t traffic_class; /**< whole octet; DSCP is its upper six bits */
	uint8_t zero;
};

/** One rule; every member at its "any" value matches everything. */
struct madp_rule {
	struct mams_prefix local; /**< net.family AF_UNSPEC = any */
	struct mams_prefix remote;
	uint16_t local_port[2]; /**< lowest, highest; 0, 65535 = any */
	uint16_t remote_port[2];
	int16_t protocol;      /**< -1 = any */
	int16_t traffic_class; /**< whole octet; -1 = any */
	int16_t dscp;          /**< -1 = any */
	uint32_t flow_label;   /**< 0 = any */
	uint32_t mark;         /**< 0 = any */
	uint8_t cls;           /**< result, 0..MADP_CLASSES_MAX-1 */
};

struct madp_rules {
	uint32_t version; /**< changes with every change: old cache entries no longer match */
	uint8_t n;
	struct madp_rule rule[MADP_RULES_MAX]; /**< [n] in use; the last member: see settings.h */
};

/** A rule that matches everything. */
struct madp_rule madp_rule_any(uint8_t cls);
/** Append. @return 0, -MAMS_ELIMIT, or -MAMS_EVALUE (class or range) */
MAMS_MUST int madp_rules_add(struct madp_rules *r, const struct madp_rule *rule);

/** Members of a traffic flow template as RFC 8743 C.2.16 names them; NULL and "any" values match
 *  everything. */
struct madp_tft {
	const char *remote_addr_mask; /**< "10.0.0.0/8"; "0.0.0.0/0" matches both families */
	const char *local_addr_mask;
	uint16_t local_port[2];
	uint16_t remote_port[2];
	uint8_t protocol_type; /**< 255 = any */
	uint8_t traffic_class; /**< 255 = any */
	uint32_t flow_label;   /**< 0 = any */
};
/** @return 0 or -MAMS_EVALUE (address, start above end) */
MAMS_MUST int madp_rule_from_tft(const struct madp_tft *t, uint8_t cls, struct madp_rule *out);

/** Read the key of an IP packet.
 *  @param uplink  true: source is the client
 *  @return false: no IP packet, or too short to tell (class 0) */
bool madp_flow_key_read(
	const uint8_t *pkt, size_t len, bool uplink, uint32_t mark, struct madp_flow_key *out);
/** Walk the rules. */
uint8_t madp_rules_match(const struct madp_rules *r, const struct madp_flow_key *k);

/** Cache; the caller owns the memory. */
struct madp_class_cache {
	uint64_t *tag; /**< tag[n], n a power of 2; 0 = empty */
	uint8_t *cls;  /**< cls[n] */
	uint32_t mask; /**< n - 1 */
	uint64_t seed;
	uint64_t hits, misses;
};
/** @param tag,cls  arrays of n, cleared here; n a power of 2, at least 4
 *  @param seed     random, so that nobody can choose colliding flows */
void madp_class_cache_init(
	struct madp_class_cache *c, uint64_t *tag, uint8_t *cls, uint32_t n, uint64_t seed);
/** Class of a packet, from the cache or the rules.
 *  @param scope  what rules belong to, for example a session number */
uint8_t madp_classify(struct madp_class_cache *c, const struct madp_rules *r, uint32_t scope,
	const struct madp_flow_key *k);
