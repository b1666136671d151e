/** @file nl.h
 *  rtnetlink on libmnl: watch links, addresses and default routes; source-routing rules and routes.
 *  Layer: io.  What we add carries our routing protocol number, so that leftovers of a process that
 *  died are found again without a state file. */
#pragma once

#include "lib/base/addr.h"
#include "lib/io/loop.h"

#include <stddef.h>
#include <stdint.h>

#define MAMS_NL_PROTOCOL 77 /**< rtm_protocol and FRA_PROTOCOL of all that is ours */

struct mams_nl_iface {
	uint32_t ifindex;
	const char *name;
	bool present;
	bool running; /**< up, with carrier */
	bool point_to_point;
	uint32_t mtu;
};

struct mams_nl_ops {
	/** What is known is void: everything follows anew (first dump, or events were lost). */
	void (*begin)(void *user);
	void (*iface)(void *user, const struct mams_nl_iface *i);
	/** Global addresses that may be used; a tentative or deprecated one is reported as absent.
	 */
	void (*address)(void *user, uint32_t ifindex, const struct mams_addr *a, bool present);
	/** An address was taken from the host (not merely deprecated); may be NULL. */
	void (*address_gone)(void *user, const struct mams_addr *a);
	/** Default route of the main table. */
	void (*default_route)(
		void *user, uint32_t ifindex, const struct mams_addr *gateway, bool present);
	/** A process has taken away a rule or route that carries our protocol number; may be NULL.
	 *  @param port  of its socket, see mams_nl_port(); 0: events were lost, it may have been so
	 */
	void (*taken)(void *user, uint32_t port);
	/** A batch of events is complete. */
	void (*settled)(void *user);
};

struct mams_nl_watch;
/** Dumps first; ops are called before it returns.  @param ops  borrowed */
MAMS_MUST int mams_nl_watch_new(
	struct mams_loop *l, const struct mams_nl_ops *ops, void *user, struct mams_nl_watch **out);
void mams_nl_watch_free(struct mams_nl_watch *w); /**< accepts NULL */
uint64_t mams_nl_watch_overruns(const struct mams_nl_watch *w);

/** Requests are answered by the kernel before they return. */
struct mams_nl;
MAMS_MUST int mams_nl_open(struct mams_nl **out);
void mams_nl_close(struct mams_nl *n); /**< accepts NULL */
/** By which the kernel names this socket in what it tells of its requests. */
uint32_t mams_nl_port(const struct mams_nl *n);

struct mams_nl_route {
	uint32_t table;           /**< also the priority of the rule */
	struct mams_addr local;   /**< rule: packets from this address */
	struct mams_addr gateway; /**< unset: on-link */
	uint32_t ifindex;
};
/** Rule "from local lookup table" and default route in it; both may stand already.
 *  The gateway is taken to be on the link.
 *  @return 0 or -errno of the kernel */
MAMS_MUST int mams_nl_route_set(struct mams_nl *n, const struct mams_nl_route *r);
/** Gone already is no error. */
MAMS_MUST int mams_nl_route_del(struct mams_nl *n, const struct mams_nl_route *r);
/** Whatever no rule before sends elsewhere and no route but a default one leads to goes by this
 *  table: two rules, of priority first and first + 1, for both families.  Others of these
 * priorities are taken away before.
 *  @return 0 or -errno */
MAMS_MUST int mams_nl_default_set(struct mams_nl *n, uint32_t first, uint32_t table);
MAMS_MUST int mams_nl_default_del(struct mams_nl *n, uint32_t first);
/** A route of type local behind the kernel's own of an address: connections within this host that
 *  use the address go on when the host loses it.
 *  @return 0 (also when it stands already, or was gone already) or -errno */
MAMS_MUST int mams_nl_local_set(struct mams_nl *n, const struct mams_addr *a);
MAMS_MUST int mams_nl_local_del(struct mams_nl *n, const struct mams_addr *a);
/** Remove every rule and route that carries our protocol number and a table in first..last.
 *  Local routes go with table 255.
 *  @return how many were removed, or -errno */
MAMS_MUST int mams_nl_sweep(struct mams_nl *n, uint32_t first, uint32_t last);

/** An address of a device of ours, with full prefix length; no duplicate detection.
 *  @param add  false: take it away; gone already is no error
 *  @return 0 or -errno */
MAMS_MUST int mams_nl_address(
	struct mams_nl *n, uint32_t ifindex, const struct mams_addr *a, bool add);
/** A route of the main table for this one address to a device of ours; another one is replaced.
 *  @param mtu  in octets, of the packets that go there: who forwards a longer one is told so by
 * ICMP; 0: take the route away; gone already is no error */
MAMS_MUST int mams_nl_host_route(
	struct mams_nl *n, uint32_t ifindex, const struct mams_addr *a, uint32_t mtu);

/** A rule for what this host itself sends.  go_to: on with the rule of that priority; table: look
 *  there; neither: nothing, a place to go to.  What is zero or not told matches everything. */
struct mams_nl_rule {
	uint8_t family;
	uint32_t priority;
	uint32_t go_to;
	uint32_t table;
	bool no_default; /**< default routes of the table do not count */
	uint32_t mark;
	uint8_t ip_protocol;
	bool has_from, has_to;
	struct mams_prefix from; /**< IPv4: 0.0.0.0/32 is what has no source yet */
	struct mams_prefix to;
};
/** @return 0 (also when it stands already) or -errno */
MAMS_MUST int mams_nl_rule_add(struct mams_nl *n, const struct mams_nl_rule *r);
/** All rules of ours with these priorities.  @return how many, or -errno */
MAMS_MUST int mams_nl_rules_del(struct mams_nl *n, uint32_t first, uint32_t last);
/** Default route of a table to a device; what has no source address gets this one. */
MAMS_MUST int mams_nl_default_to(
	struct mams_nl *n, uint32_t table, uint32_t ifindex, const struct mams_addr *source);
