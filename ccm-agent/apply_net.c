#include "ccm-agent/apply_net.h"

#include "lib/base/log.h"
#include "lib/io/nl.h"
#include "lib/io/sockdiag.h"
#include "lib/io/sysctl.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>

#define LOG_MODULE "net"

#define ADDRESSES_MAX 64

struct address {
	struct mams_addr addr;
	bool guarded; /**< our local route stands behind the kernel's */
	bool lost;    /**< the host has it no longer */
};

struct ccm_net {
	const struct ccm_conf *conf;
	struct mams_nl *nl;
	bool guarding;
	struct address addresses[ADDRESSES_MAX];
	size_t n_addresses;
};

int ccm_net_open(const struct ccm_conf *conf, struct ccm_net **out, struct mams_error *err)
{
	struct ccm_net *n = calloc(1, sizeof(*n));
	int rc;

	if (!n)
		return -ENOMEM;
	n->conf = conf;
	rc = mams_nl_open(&n->nl);
	if (rc < 0) {
		free(n);
		return mams_fail(err, -rc, "rtnetlink", "cannot be opened: %s", strerror(-rc));
	}
	*out = n;
	return 0;
}

void ccm_net_close(struct ccm_net *n)
{
	if (!n)
		return;
	mams_nl_close(n->nl);
	free(n);
}

int ccm_net_settings(struct ccm_net *n, struct mams_error *err)
{
	static const struct mams_sysctl wanted[] = {
		{"net.mptcp.enabled", "1"},
		{"net.mptcp.pm_type", "1"},
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

	if (rc < 0)
		log_err("source route of connection=%u from=%s cannot be set: %s", r->connection_id,
			mams_addr_str(&r->local, text), strerror(-rc));
	return rc;
}

void ccm_net_del(struct ccm_net *n, const struct ccm_route *r)
{
	const struct mams_nl_route route = route_of(n, r);
	int rc = mams_nl_route_del(n->nl, &route);

	if (rc < 0)
		log_warn("source route of connection=%u is not removed: %s", r->connection_id,
			strerror(-rc));
}

/* Behind the source routes' rules. */
static uint32_t native_priority(const struct ccm_net *n)
{
	return n->conf->table_base + CCM_LINKS_MAX;
}

int ccm_net_native(struct ccm_net *n, uint8_t connection_id)
{
	int rc =
		mams_nl_default_set(n->nl, native_priority(n), n->conf->table_base + connection_id);

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

	if (rc < 0)
		log_err("rules of the native network are not removed: %s", strerror(-rc));
	else
		log_info("the native network goes as the host routes");
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

	if (!a && n->n_addresses < ADDRESSES_MAX) {
		a = &n->addresses[n->n_addresses++];
		*a = (struct address){.addr = *addr};
	}
	if (!a)
		return;
	a->lost = false;
	if (n->guarding)
		guard(n, a);
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

size_t ccm_net_review(struct ccm_net *n)
{
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
	return held;
}

void ccm_net_clear(struct ccm_net *n)
{
	uint32_t base = n->conf->table_base;
	struct mams_error err;
	int removed = mams_nl_sweep(n->nl, base, base + CCM_LINKS_MAX - 1);
	int locals = mams_nl_sweep(n->nl, RT_TABLE_LOCAL, RT_TABLE_LOCAL);
	int native = mams_nl_default_del(n->nl, native_priority(n));

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
