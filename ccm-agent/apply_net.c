#include "ccm-agent/apply_net.h"

#include "lib/base/log.h"
#include "lib/io/nl.h"
#include "lib/io/sockdiag.h"
#include "lib/io/sysctl.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>

#define LOG_MODULE "net"

#define HELD_MAX 32

struct ccm_net {
	const struct ccm_conf *conf;
	struct mams_nl *nl;
	struct mams_addr held[HELD_MAX];
	size_t n_held;
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

/* ---- addresses that the host has lost ---- */

/* An application's connection to the proxy has the address that the host had when it began.  Such a
 * connection would die with the address, although the MPTCP connection behind it lives. */
static bool in_use(const struct mams_addr *a)
{
	bool used = false;
	int rc = mams_sockdiag_peer(a, &used);

	if (rc < 0)
		log_warn("sockets cannot be listed: %s", strerror(-rc));
	return used;
}

static void hold(struct ccm_net *n, const struct mams_addr *a)
{
	char text[MAMS_ADDR_STRLEN];
	int rc;

	if (n->n_held == HELD_MAX || !in_use(a))
		return;
	rc = mams_nl_local_set(n->nl, a);
	if (rc < 0) {
		log_warn("address %s is not held: %s", mams_addr_str(a, text), strerror(-rc));
		return;
	}
	n->held[n->n_held++] = *a;
	log_info("lost address %s is held for connections that use it", mams_addr_str(a, text));
}

static void give_up(struct ccm_net *n, size_t i)
{
	char text[MAMS_ADDR_STRLEN];
	int rc = mams_nl_local_del(n->nl, &n->held[i]);

	log_info("lost address %s is held no longer%s%s", mams_addr_str(&n->held[i], text),
		rc < 0 ? ": " : "", rc < 0 ? strerror(-rc) : "");
	n->held[i] = n->held[--n->n_held];
}

void ccm_net_address(struct ccm_net *n, const struct mams_addr *a, bool present)
{
	size_t i = 0;

	while (i < n->n_held && !mams_addr_eq_ip(&n->held[i], a))
		i++;
	if (present && i < n->n_held)
		give_up(n, i);
	else if (!present && i == n->n_held)
		hold(n, a);
}

size_t ccm_net_review(struct ccm_net *n)
{
	for (size_t i = n->n_held; i-- > 0;)
		if (!in_use(&n->held[i]))
			give_up(n, i);
	return n->n_held;
}

void ccm_net_clear(struct ccm_net *n)
{
	uint32_t base = n->conf->table_base;
	struct mams_error err;
	int removed = mams_nl_sweep(n->nl, base, base + CCM_LINKS_MAX - 1);
	int locals = mams_nl_sweep(n->nl, RT_TABLE_LOCAL, RT_TABLE_LOCAL);

	n->n_held = 0;
	if (removed < 0 || locals < 0)
		log_err("rules and routes cannot be listed: %s",
			strerror(removed < 0 ? -removed : -locals));
	else if (removed > 0)
		log_info("rules and routes removed count=%d", removed);
	if (mams_sysctl_restore(n->conf->state_file, &err) < 0)
		log_err("%s: %s", err.where, err.text);
}
