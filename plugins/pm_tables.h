/** @file pm_tables.h
 *  What the policy remembers, shared by its two halves: pm_policy.c keeps it up to date,
 * pm_decide.c reads off it what to do.  Layer: core of the plugin; nobody else includes this. */
#pragma once

#include "plugins/pm_policy.h"

#include <uthash.h>
#include <utlist.h>

#define PM_LANES_MAX (PM_LINKS_MAX + 4u) /* some may wait for their withdrawal */

#define PM_RETRY_MS 200       /* after a refused or failed creation, doubling */
#define PM_RETRY_CAP_MS 2000  /* up to this */
#define PM_SILENT_MS 10000    /* a creation of which nothing at all was heard */
#define PM_WAIT_BIND_MS 300   /* patience with who knows the flow class */
#define PM_SHORT_LIFE_MS 2000 /* a subflow that ends sooner counts as a failed creation */
/* Linux (seen on 6.18) finishes a passive join only when the reader lets go of the connection, and
 * then overwrites the mapping of what has come over the new subflow meanwhile: these octets are
 * delivered in the wrong place, and no checksum tells.  So we join as backup, which carries nothing
 * while another subflow works, and say after this while that it is none. */
#define PM_SETTLE_MS 30
/* MP_PRIO goes in an ACK, which nobody sends again when it is lost: say it again, and once more. */
#define PM_REPEATS 2
#define PM_REPEAT_MS 300
#define PM_GRAIN_MS 10 /* each moment at which something is due costs a look at all connections */

/* One local address id of a connection.  The kernel keeps a list of (id, address) per connection:
 * it refuses a creation that contradicts the list and a withdrawal of what is not on it, so we have
 * to know what is on it. */
struct lane {
	uint8_t id;  /* 0: this slot is free */
	bool held;   /* on the kernel's list */
	bool flying; /* creation under way */
	struct mams_addr local;
	mams_time again; /* no creation before */
	uint32_t wait_ms;
};

struct client {
	char *name;
	struct pm_rule rules[PM_RULES_MAX];
	size_t n_rules;
	size_t users; /* connections bound to it */
	UT_hash_handle hh;
};

struct connection {
	uint32_t token;
	bool established; /* false: known by its binding only, and in the list of waiting ones */
	bool server_side;
	bool managed;   /* its peer is, or was, one of the paths' proxies */
	uint32_t group; /* of these, when managed */
	bool dirty;
	uint8_t family; /* of its first subflow */
	bool told;      /* client side: which paths it may use */
	uint32_t only;  /* bits of connection ids; 0: all */
	enum pm_way way;
	mams_time hold_till; /* 0: not yet looked at */
	mams_time due;
	struct client *client;
	struct pm_subflow subflows[PM_SUBFLOWS_MAX];
	size_t n_subflows;
	struct lane lanes[PM_LANES_MAX];
	struct mams_addr announce[PM_ANNOUNCE_MAX];
	size_t n_announce;
	size_t announced;
	struct connection *prev, *next;           /* in the list of dirty ones */
	struct connection *wait_prev, *wait_next; /* in the list of waiting ones */
	UT_hash_handle hh;
};

struct pm_policy {
	struct pm_path paths[PM_PATHS_MAX];
	size_t n_paths;
	bool wait_bind;
	struct connection *connections;
	struct client *clients;
	struct connection *dirty;
	struct connection *waiting; /* oldest first */
	size_t n_waiting;
	mams_time due; /* earliest of all connections, or earlier */
	struct pm_counters counters;
};

/** The path of its connection's group that a subflow runs over, or NULL. */
const struct pm_path *pm_path_of(
	const struct pm_policy *p, const struct connection *c, const struct pm_subflow *s);
/** The lane with this id, or NULL. */
struct lane *pm_lane(struct connection *c, uint8_t id);
uint8_t pm_path_id(const struct pm_path *path);
/** A while from now, at the next round moment. */
static inline mams_time pm_after(mams_time now, int64_t ms)
{
	int64_t grain = PM_GRAIN_MS * INT64_C(1000);

	return (mams_time){(mams_time_add_ms(now, ms).us + grain - 1) / grain * grain};
}

struct connection *pm_find(const struct pm_policy *p, uint32_t token); /**< or NULL */
/** Something has happened to it: it is looked at. */
void pm_touch(struct pm_policy *p, struct connection *c);
/** The creation of this lane's subflow came to nothing: not again before a growing while. */
void pm_lane_failed(struct pm_policy *p, struct lane *l, mams_time now);
/** A first look for something to do; false when c is as it should be (c->due may be set). */
bool pm_decide(struct pm_policy *p, struct connection *c, mams_time now, struct pm_action *out);
