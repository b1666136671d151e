/** @file pm_policy.h
 *  Which subflows a connection should have, and what to do about the difference.  Layer: core (no
 *  ELL, no I/O, no clock).  Source: RFC 8684 3.3 (priority), 3.4 (addresses); seed section 7 (each
 *  link has its own proxy address).
 *
 *  Client side: a group of paths leads to one N-MADP instance.  Every connection to one of a
 *  group's proxies has one subflow per path of that group and of its address family.  A path that
 *  is taken away has its address withdrawn and its subflow destroyed; a last subflow stays until
 *  another one exists or its path returns.  A subflow joins as backup and becomes a normal one
 *  PM_SETTLE_MS later (pm_tables.h tells why).  No connection is ever joined to another group.  A
 *  connection of a flow class (RFC 8743 8.7) has subflows over the paths of its class only, as long
 *  as one of them exists.
 *  Network side: connections bound to a client get that client's downlink priorities, but for those
 *  that carry uplink alone.
 *  Events go in by functions, pm_policy_next() yields what to do. */
#pragma once

#include "lib/base/addr.h"
#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/base/metrics.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PM_PATHS_MAX 64u    /**< of all groups */
#define PM_LINKS_MAX 16u    /**< of a group */
#define PM_RULES_MAX 64u    /**< of a client */
#define PM_SUBFLOWS_MAX 32u /**< of a connection; more are left alone and counted */
#define PM_ANNOUNCE_MAX 8u
#define PM_CLIENT_MAX 128
#define PM_CONNECTIONS_MAX 16384u
#define PM_WAITING_MAX 1024u /**< bindings whose connection the kernel has not yet reported */
#define PM_ID_UNKNOWN UINT8_MAX

struct pm_policy;

struct pm_path {
	uint8_t connection_id;  /**< below PM_ID_UNKNOWN - 1; local id of the path is one more */
	uint32_t group;         /**< of paths to one N-MADP instance */
	struct mams_addr local; /**< port 0 */
	struct mams_addr proxy; /**< with port */
	bool backup;
	bool backup_up;   /**< for connections that carry uplink alone */
	bool backup_down; /**< and downlink alone */
	bool gently;      /**< what is under way there when it becomes backup is let arrive */
};

/** What a connection carries of its flow, as the client sees it. */
enum pm_way {
	PM_WAY_BOTH,
	PM_WAY_UP,
	PM_WAY_DOWN,
};

struct pm_rule {
	struct mams_addr local; /**< our address, port 0 */
	bool backup;
};

enum pm_action_kind {
	PM_CREATE,
	PM_WITHDRAW, /**< RM_ADDR for the local id */
	PM_DESTROY,
	PM_PRIORITY, /**< MP_PRIO */
	PM_ANNOUNCE, /**< ADD_ADDR of local (with port) */
};

struct pm_action {
	enum pm_action_kind kind;
	uint32_t token;
	uint8_t id;
	struct mams_addr local;
	struct mams_addr remote;
	bool backup;
	bool mapped; /**< the subflow is an IPv6 socket with IPv4 addresses; say ::ffff:a.b.c.d */
};

struct pm_subflow {
	struct mams_addr local; /**< with port */
	struct mams_addr remote;
	mams_time since;  /**< when it was reported */
	mams_time again;  /**< no priority change before */
	mams_time repeat; /**< of the last priority change, when repeats > 0 */
	uint8_t repeats;
	uint8_t id;  /**< local address id; PM_ID_UNKNOWN when withdrawn or never known */
	bool backup; /**< as last set by us */
	bool mapped;
	bool stale;   /**< its path was away meanwhile: not to be trusted again */
	bool leaving; /**< to be destroyed, or destroyed and not yet reported closed */
	bool told;    /**< leaving, and the kernel has been told */
};

struct pm_counters {
	uint64_t connections;
	uint64_t connections_open;
	uint64_t subflows_created;
	uint64_t subflows_destroyed;
	uint64_t subflows_anew;
	uint64_t creations_failed;
	uint64_t priorities;
	uint64_t priorities_failed;
	uint64_t withdrawals_failed;
	uint64_t announcements_failed;
	uint64_t announced;
	uint64_t unknown_token;
	uint64_t too_many_subflows;
	uint64_t too_many_connections;
	uint64_t bindings_expired;
	uint64_t no_memory;
};
extern const struct mams_metric pm_counter_rows[];
extern const size_t pm_n_counter_rows;

struct pm_policy *pm_policy_new(void);    /**< NULL on ENOMEM */
void pm_policy_free(struct pm_policy *p); /**< accepts NULL */

/* configuration */
MAMS_MUST int pm_policy_paths(struct pm_policy *p, const struct pm_path *paths, size_t n);
/** Are there flow classes?  Then a new connection gets no further subflow until it is told which
 *  paths it may use, or PM_WAIT_BIND_MS have passed. */
void pm_policy_wait_bind(struct pm_policy *p, bool yes);
/** The paths that a connection may use (client side), and what it carries.
 *  @param only  bits of connection ids below 32; 0: all
 *  @return 0 or -ENOMEM */
MAMS_MUST int pm_policy_restrict(
	struct pm_policy *p, uint32_t token, uint32_t only, enum pm_way way);
/** @return 0, -MAMS_ELIMIT, -MAMS_EVALUE, -ENOMEM */
MAMS_MUST int pm_policy_bind(struct pm_policy *p, uint32_t token, const char *client,
	const struct mams_addr *announce, size_t n);
MAMS_MUST int pm_policy_rules(
	struct pm_policy *p, const char *client, const struct pm_rule *rules, size_t n);

/** This subflow holds the connection up: it is taken away while another one carries, and the client
 *  makes it anew.  What waited for it goes over the others then.
 *  @param local, remote  with port
 *  Nothing is done when there is no such subflow, or no other one. */
void pm_policy_anew(struct pm_policy *p, uint32_t token, const struct mams_addr *local,
	const struct mams_addr *remote);

/* events of the kernel; addresses with ports, IPv4 ones may be mapped */
void pm_policy_connection(struct pm_policy *p, uint32_t token, bool server_side,
	const struct mams_addr *local, const struct mams_addr *remote);
void pm_policy_closed(struct pm_policy *p, uint32_t token);
void pm_policy_subflow(struct pm_policy *p, uint32_t token, const struct mams_addr *local,
	const struct mams_addr *remote, mams_time now);
/** Also the end of a creation that never came to be a subflow. */
void pm_policy_subflow_closed(struct pm_policy *p, uint32_t token, const struct mams_addr *local,
	const struct mams_addr *remote, mams_time now);
/** The kernel refused an action. */
void pm_policy_failed(struct pm_policy *p, const struct pm_action *a, mams_time now);

/** @return false when there is nothing to do now */
bool pm_policy_next(struct pm_policy *p, mams_time now, struct pm_action *out);
mams_time pm_policy_deadline(const struct pm_policy *p);

/* for status */
struct pm_connection_view {
	uint32_t token;
	bool server_side;
	const char *client; /**< NULL when not bound */
	const struct pm_subflow *subflows;
	size_t n_subflows;
};
size_t pm_policy_count(const struct pm_policy *p);
/** Views of at most cap connections. */
size_t pm_policy_views(const struct pm_policy *p, struct pm_connection_view *out, size_t cap);
const struct pm_counters *pm_policy_counters(const struct pm_policy *p);
