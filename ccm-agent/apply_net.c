#include "ccm-agent/apply_net.h"

#include "lib/base/log.h"
#include "lib/io/nl.h"
#include "lib/io/sysctl.h"

#include <errno.h>
#include <string.h>

#define LOG_MODULE "net"

struct ccm_net {
	const struct ccm_conf *conf;
	struct mams_nl *nl;
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

void ccm_net_clear(struct ccm_net *n)
{
	uint32_t base = n->conf->table_base;
	struct mams_error err;
	int removed = mams_nl_sweep(n->nl, base, base + CCM_LINKS_MAX - 1);

	if (removed < 0)
		log_err("rules and routes cannot be listed: %s", strerror(-removed));
	else if (removed > 0)
		log_info("rules and routes removed count=%d", removed);
	if (mams_sysctl_restore(n->conf->state_file, &err) < 0)
		log_err("%s: %s", err.where, err.text);
}
