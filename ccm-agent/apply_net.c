#include "ccm-agent/apply_net.h"

#include "lib/base/log.h"
#include "lib/io/nl.h"
#include "lib/io/sockdiag.h"
#include "lib/io/sysctl.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <string.h>

#define LOG_MODULE "net"

#define ADDRESSES_MAX 64
#define REVIEW_MS 10000
#define TAKEN_MS 100 /* until whoever takes away is through with all of it */

struct address {
	struct mams_addr addr;
	bool guarded; /**< our local route stands behind the kernel's */
	bool lost;    /**< the host has it no longer */
};

struct ccm_net {
	struct mams_loop *loop; /* NULL: none, nor timers */
	const struct ccm_conf *conf;
	struct mams_nl *nl;
	struct mams_loop_timer *review;
	struct mams_loop_timer *taken;
	bool taking;                            /* that timer runs */
	struct ccm_route routes[CCM_LINKS_MAX]; /* by connection id */
	uint32_t routed;                        /* bits of those that stand */
	bool native;
	uint8_t native_id;
	bool guarding;
	struct ccm_net_tunnel tunnel; /* ifindex 0: no rule of it stands */
	struct address addresses[ADDRESSES_MAX];
	size_t n_addresses;
};

int ccm_net_settings(struct ccm_net *n, struct mams_error *err)
{
	static const struct mams_sysctl wanted[] = {
		{"net.mptcp.enabled", "1", false},
		{"net.mptcp.pm_type", "1", false},
		/* Linux 6.12: one application whose SYNs with MPTCP get no answer, and the host
		 * makes plain TCP of all MPTCP sockets for an hour, ours included */
		{"net.mptcp.blackhole_timeout", "0", true},
	};

	return mams_sysctl_set(n->conf->state_file, wanted, MAMS_ARRAY_LEN(wanted), err);
}

static struct mams_nl_route route_of(const struct ccm_net *n, const struct ccm_route *r)
{
	return (struct mams_nl_route){.table = n->conf->table_base + r->connection_id,
		.local = r->local,
		.gateway = r->gateway,
		.ifindex = r->ifindex};
}

int ccm_net_add(struct ccm_net *n, const struct ccm_route *r)
{
	const struct mams_nl_route route = route_of(n, r);
	char text[MAMS_ADDR_STRLEN];
	int rc = mams_nl_route_set(n->nl, &route);

	n->routes[r->connection_id] = *r;
	n->routed |= 1u << r->connection_id;
	if (rc < 0)
		log_err("source route of connection=%u from=%s cannot be set: %s", r->connection_id,
			mams_addr_str(&r->local, text), strerror(-rc));
	return rc;
}

void ccm_net_del(struct ccm_net *n, const struct ccm_route *r)
{
	const struct mams_nl_route route = route_of(n, r);
	int rc = mams_nl_route_del(n->nl, &route);

	/* another address of the link may have taken its place */
	if (mams_addr_eq_ip(&n->routes[r->connection_id].local, &r->local))
		n->routed &= ~(1u << r->connection_id);
	if (rc < 0)
		log_warn("source route of connection=%u is not removed: %s", r->connection_id,
			strerror(-rc));
}

/* Behind the source routes' rules come those of the tunnel, then those of the native network. */
#define TUNNEL_RULES 8u

static uint32_t native_priority(const struct ccm_net *n)
{
	return n->conf->table_base + CCM_LINKS_MAX + TUNNEL_RULES;
}

int ccm_net_native(struct ccm_net *n, uint8_t connection_id)
{
	int rc =
		mams_nl_default_set(n->nl, native_priority(n), n->conf->table_base + connection_id);

	n->native = true;
	n->native_id = connection_id;
	if (rc < 0)
		log_err("the native network cannot be moved to connection=%u: %s", connection_id,
			strerror(-rc));
	else
		log_info("the native network goes by connection=%u", connection_id);
	return rc;
}

void ccm_net_free(struct ccm_net *n)
{
	int rc = mams_nl_default_del(n->nl, native_priority(n));

	n->native = false;
	if (rc < 0)
		log_err("rules of the native network are not removed: %s", strerror(-rc));
	else
		log_info("the native network goes as the host routes");
}

/* ---- the tunnel ---- */

/* What has a source address that is not the tunnel's stays where it is: a connection that was there
 * before, a server's answer.  IPv4 knows "no source yet"; for IPv6 the host's addresses are named.
 */
enum tunnel_rule {
	T_MARK,   /* our own daemons */
	T_BEGUN,  /* TCP that has begun in the tunnel ends there */
	T_TCP,    /* the proxy's */
	T_EXEMPT, /* as configured */
	T_OWN,    /* IPv6: the host's other addresses */
	T_LOCAL,  /* routes of the host other than its default */
	T_TUNNEL,
	T_END,
};

static uint32_t tunnel_table(const struct ccm_net *n)
{
	return n->conf->table_base + CCM_LINKS_MAX;
}

static int rule(struct ccm_net *n, enum tunnel_rule place, struct mams_nl_rule r)
{
	int rc;

	r.priority = tunnel_table(n) + (uint32_t)place;
	if (place < T_LOCAL && !r.table)
		r.go_to = tunnel_table(n) + T_END;
	rc = mams_nl_rule_add(n->nl, &r);
	/* a host without IPv6 */
	return rc == -EAFNOSUPPORT ? 0 : rc;
}

static struct mams_prefix host_of(const struct mams_addr *a)
{
	struct mams_prefix p = {.net = *a, .len = a->family == AF_INET ? 32 : 128};

	p.net.port = 0;
	return p;
}

static int exempt_rules(struct ccm_net *n, uint8_t family)
{
	struct mams_prefix multicast;
	int rc = mams_prefix_parse(family == AF_INET ? "224.0.0.0/4" : "ff00::/8", &multicast);

	if (rc == 0)
		rc = rule(n, T_EXEMPT,
			(struct mams_nl_rule){.family = family, .has_to = true, .to = multicast});
	for (size_t i = 0; rc == 0 && i < n->conf->n_exempt; i++)
		if (n->conf->exempt[i].net.family == family)
			rc = rule(n, T_EXEMPT,
				(struct mams_nl_rule){.family = family,
					.has_to = true,
					.to = n->conf->exempt[i]});
	return rc;
}

static bool is_own6(const struct ccm_net *n, const struct mams_addr *a)
{
	return a->family == AF_INET6 && !mams_addr_eq_ip(a, &n->tunnel.anchor6);
}

static int own_rule(struct ccm_net *n, const struct mams_addr *a)
{
	return rule(n, T_OWN,
		(struct mams_nl_rule){.family = AF_INET6, .has_from = true, .from = host_of(a)});
}

static int begun_rule(struct ccm_net *n, const struct mams_addr *anchor)
{
	return rule(n, T_BEGUN,
		(struct mams_nl_rule){.family = anchor->family,
			.ip_protocol = IPPROTO_TCP,
			.has_from = true,
			.from = host_of(anchor),
			.table = tunnel_table(n)});
}

static int skip_rules(struct ccm_net *n, const struct mams_addr *anchor)
{
	const uint8_t family = anchor->family;
	int rc = rule(n, T_END, (struct mams_nl_rule){.family = family});

	if (rc == 0 && n->conf->mark)
		rc = rule(
			n, T_MARK, (struct mams_nl_rule){.family = family, .mark = n->conf->mark});
	if (rc == 0 && !n->tunnel.all)
		rc = begun_rule(n, anchor);
	if (rc == 0 && !n->tunnel.all)
		rc = rule(n, T_TCP,
			(struct mams_nl_rule){.family = family, .ip_protocol = IPPROTO_TCP});
	if (rc == 0)
		rc = exempt_rules(n, family);
	for (size_t i = 0; rc == 0 && family == AF_INET6 && i < n->n_addresses; i++)
		if (!n->addresses[i].lost && is_own6(n, &n->addresses[i].addr))
			rc = own_rule(n, &n->addresses[i].addr);
	if (rc == 0)
		rc = rule(n, T_LOCAL,
			(struct mams_nl_rule){
				.family = family, .table = RT_TABLE_MAIN, .no_default = true});
	return rc;
}

static int into_tunnel(struct ccm_net *n, const struct mams_addr *anchor)
{
	struct mams_nl_rule r = {.family = anchor->family,
		.table = tunnel_table(n),
		.has_from = anchor->family == AF_INET,
		.from = host_of(anchor)};
	int rc = 0;

	/* the wider one first: the kernel takes it for the other, which would be there already */
	memset(r.from.net.ip, 0, sizeof(r.from.net.ip));
	if (n->tunnel.catching)
		rc = rule(n, T_TUNNEL, r);
	r.has_from = true;
	r.from = host_of(anchor);
	return rc == 0 ? rule(n, T_TUNNEL, r) : rc;
}

static int tunnel_family(struct ccm_net *n, const struct mams_addr *anchor)
{
	int rc;

	if (!mams_addr_is_set(anchor))
		return 0;
	rc = mams_nl_default_to(n->nl, tunnel_table(n), n->tunnel.ifindex, anchor);
	if (rc == 0)
		rc = skip_rules(n, anchor);
	return rc == 0 ? into_tunnel(n, anchor) : rc;
}

static bool tunnel_eq(const struct ccm_net_tunnel *a, const struct ccm_net_tunnel *b)
{
	return a->ifindex == b->ifindex && a->catching == b->catching && a->all == b->all &&
	       mams_addr_eq_ip(&a->anchor4, &b->anchor4) &&
	       mams_addr_eq_ip(&a->anchor6, &b->anchor6);
}

static void tunnel_clear(struct ccm_net *n)
{
	int rules = mams_nl_rules_del(n->nl, tunnel_table(n), tunnel_table(n) + T_END);
	int routes = mams_nl_sweep(n->nl, tunnel_table(n), tunnel_table(n));

	if (rules < 0 || routes < 0)
		log_err("rules of the tunnel are not removed: %s",
			strerror(rules < 0 ? -rules : -routes));
}

int ccm_net_tunnel(struct ccm_net *n, const struct ccm_net_tunnel *t)
{
	static const struct ccm_net_tunnel none;
	int rc;

	if (tunnel_eq(&n->tunnel, t ? t : &none))
		return 0;
	tunnel_clear(n);
	n->tunnel = t ? *t : none;
	if (!t)
		return 0;
	rc = tunnel_family(n, &t->anchor4);
	if (rc == 0)
		rc = tunnel_family(n, &t->anchor6);
	if (rc == 0)
		return 0;
	log_err("routes into the tunnel cannot be set: %s", strerror(-rc));
	tunnel_clear(n);
	n->tunnel = none;
	return rc;
}

/* ---- addresses that the host may lose ---- */

/* An application's connection to the proxy has the address that the host had when it began.  Such a
 * connection would die with the address, although the MPTCP connection behind it lives.  Therefore
 * a second local route stands behind the kernel's own of every address.  It must stand before the
 * address is lost: a packet sent in between finds another route, and with IPv6 its socket stays on
 * that one until three retransmissions have failed. */
static bool in_use(const struct mams_addr *a)
{
	bool used = false;
	int rc = mams_sockdiag_peer(a, &used);

	if (rc < 0)
		log_warn("sockets cannot be listed: %s", strerror(-rc));
	return used;
}

static void guard(struct ccm_net *n, struct address *a)
{
	char text[MAMS_ADDR_STRLEN];
	int rc;

	if (a->guarded)
		return;
	rc = mams_nl_local_set(n->nl, &a->addr);
	a->guarded = rc == 0;
	if (rc < 0)
		log_warn("address %s is not guarded: %s", mams_addr_str(&a->addr, text),
			strerror(-rc));
}

static void unguard(struct ccm_net *n, struct address *a)
{
	char text[MAMS_ADDR_STRLEN];
	int rc;

	if (!a->guarded)
		return;
	rc = mams_nl_local_del(n->nl, &a->addr);
	a->guarded = false;
	if (rc < 0)
		log_warn("address %s is still guarded: %s", mams_addr_str(&a->addr, text),
			strerror(-rc));
}

static void forget(struct ccm_net *n, struct address *a)
{
	unguard(n, a);
	*a = n->addresses[--n->n_addresses];
}

static struct address *known(struct ccm_net *n, const struct mams_addr *a)
{
	for (size_t i = 0; i < n->n_addresses; i++)
		if (mams_addr_eq_ip(&n->addresses[i].addr, a))
			return &n->addresses[i];
	return NULL;
}

static void has(struct ccm_net *n, const struct mams_addr *addr)
{
	struct address *a = known(n, addr);
	char text[MAMS_ADDR_STRLEN];

	if (!a && n->n_addresses < ADDRESSES_MAX) {
		a = &n->addresses[n->n_addresses++];
		*a = (struct address){.addr = *addr};
	}
	if (!a)
		return;
	a->lost = false;
	if (n->guarding)
		guard(n, a);
	if (n->tunnel.ifindex && mams_addr_is_set(&n->tunnel.anchor6) && is_own6(n, addr) &&
		own_rule(n, addr) < 0)
		log_warn("what this host sends from its address %s may go into the tunnel",
			mams_addr_str(addr, text));
}

static void has_lost(struct ccm_net *n, const struct mams_addr *addr)
{
	struct address *a = known(n, addr);
	char text[MAMS_ADDR_STRLEN];

	if (!a || a->lost)
		return;
	if (!a->guarded || !in_use(addr)) {
		forget(n, a);
		return;
	}
	a->lost = true;
	log_info("lost address %s is held for connections that use it", mams_addr_str(addr, text));
	mams_loop_timer_at(n->review, mams_time_add_ms(mams_loop_now(n->loop), REVIEW_MS));
}

void ccm_net_address(struct ccm_net *n, const struct mams_addr *a, bool present)
{
	if (mams_addr_is_loopback(a))
		return;
	if (present)
		has(n, a);
	else
		has_lost(n, a);
}

void ccm_net_guard(struct ccm_net *n, bool on)
{
	if (n->guarding == on)
		return;
	n->guarding = on;
	for (size_t i = 0; i < n->n_addresses; i++) {
		if (on)
			guard(n, &n->addresses[i]);
		else if (!n->addresses[i].lost)
			unguard(n, &n->addresses[i]);
	}
}

/* Give up addresses that no connection uses any more. */
static void review(void *user)
{
	struct ccm_net *n = user;
	char text[MAMS_ADDR_STRLEN];
	size_t held = 0;

	for (size_t i = n->n_addresses; i-- > 0;) {
		struct address *a = &n->addresses[i];

		if (!a->lost)
			continue;
		if (in_use(&a->addr)) {
			held++;
			continue;
		}
		log_info("lost address %s is held no longer", mams_addr_str(&a->addr, text));
		forget(n, a);
	}
	if (held > 0)
		mams_loop_timer_at(n->review, mams_time_add_ms(mams_loop_now(n->loop), REVIEW_MS));
}

/* ---- beside others ---- */

/* systemd-networkd takes away the rules and routes that are not its own whenever it configures a
 * link (ManageForeignRoutes, ManageForeignRoutingPolicyRules); others may, too.  What was taken is
 * not told apart from what still stands: making sure of all of it does no harm. */
static void put_back(void *user)
{
	struct ccm_net *n = user;
	struct ccm_net_tunnel tunnel = n->tunnel;

	n->taking = false;
	if (!n->routed && !tunnel.ifindex)
		return;
	log_warn("rules or routes of ours were taken away, or may have been: they are put back");
	for (size_t i = 0; i < CCM_LINKS_MAX; i++)
		if (n->routed & 1u << i)
			(void)!ccm_net_add(n, &n->routes[i]);
	if (n->native)
		(void)!ccm_net_native(n, n->native_id);
	if (tunnel.ifindex) {
		(void)!ccm_net_tunnel(n, NULL);
		(void)!ccm_net_tunnel(n, &tunnel);
	}
	for (size_t i = 0; i < n->n_addresses; i++)
		if (n->addresses[i].guarded) {
			n->addresses[i].guarded = false;
			guard(n, &n->addresses[i]);
		}
}

void ccm_net_taken(struct ccm_net *n, uint32_t port)
{
	if (port == mams_nl_port(n->nl) || n->taking)
		return;
	n->taking = true;
	mams_loop_timer_at(n->taken, mams_time_add_ms(mams_loop_now(n->loop), TAKEN_MS));
}

/* ---- life ---- */

int ccm_net_open(struct mams_loop *l, const struct ccm_conf *conf, struct ccm_net **out,
	struct mams_error *err)
{
	struct ccm_net *n = calloc(1, sizeof(*n));
	int rc;

	if (!n)
		return -ENOMEM;
	n->loop = l;
	n->conf = conf;
	rc = mams_nl_open(&n->nl);
	if (rc < 0)
		(void)mams_fail(err, -rc, "rtnetlink", "cannot be opened: %s", strerror(-rc));
	if (rc == 0 && l)
		rc = mams_loop_timer_new(l, review, n, &n->review);
	if (rc == 0 && l)
		rc = mams_loop_timer_new(l, put_back, n, &n->taken);
	if (rc < 0)
		ccm_net_close(n);
	else
		*out = n;
	return rc;
}

void ccm_net_close(struct ccm_net *n)
{
	if (!n)
		return;
	mams_loop_timer_del(n->review);
	mams_loop_timer_del(n->taken);
	mams_nl_close(n->nl);
	free(n);
}

void ccm_net_clear(struct ccm_net *n)
{
	uint32_t base = n->conf->table_base;
	struct mams_error err;
	int removed = mams_nl_sweep(n->nl, base, base + CCM_LINKS_MAX - 1);
	int locals = mams_nl_sweep(n->nl, RT_TABLE_LOCAL, RT_TABLE_LOCAL);
	int native = mams_nl_default_del(n->nl, native_priority(n));

	tunnel_clear(n);
	n->tunnel = (struct ccm_net_tunnel){0};
	n->routed = 0;
	n->native = false;
	if (native < 0)
		log_err("rules of the native network are not removed: %s", strerror(-native));
	n->guarding = false;
	for (size_t i = n->n_addresses; i-- > 0;) {
		n->addresses[i].guarded = false;
		if (n->addresses[i].lost)
			forget(n, &n->addresses[i]);
	}
	if (removed < 0 || locals < 0)
		log_err("rules and routes cannot be listed: %s",
			strerror(removed < 0 ? -removed : -locals));
	else if (removed > 0)
		log_info("rules and routes removed count=%d", removed);
	if (mams_sysctl_restore(n->conf->state_file, &err) < 0)
		log_err("%s: %s", err.where, err.text);
}
