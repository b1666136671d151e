#include "plugins/pm_genl.h"

#include "lib/base/log.h"

#include <ell/ell.h>

#include <errno.h>
#include <linux/mptcp.h>
#include <string.h>

#define LOG_MODULE "genl"

struct pm_genl {
	struct l_genl *genl;
	struct l_genl_family *family;
	const struct pm_genl_ops *ops;
	void *user;
};

struct command {
	struct pm_genl *g;
	struct pm_action action;
};

static void appeared(const struct l_genl_family_info *info, void *user)
{
	struct pm_genl *g = user;

	if (!info) {
		log_err("the kernel has no MPTCP path manager (generic netlink family %s)",
			MPTCP_PM_NAME);
		return;
	}
	g->family = l_genl_family_new(g->genl, MPTCP_PM_NAME);
	if (g->family)
		g->ops->ready(g->user);
}

struct pm_genl *pm_genl_new(const struct pm_genl_ops *ops, void *user)
{
	struct pm_genl *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	g->ops = ops;
	g->user = user;
	g->genl = l_genl_new();
	if (!g->genl || !l_genl_request_family(g->genl, MPTCP_PM_NAME, appeared, g, NULL)) {
		pm_genl_free(g);
		return NULL;
	}
	return g;
}

void pm_genl_free(struct pm_genl *g)
{
	if (!g)
		return;
	if (g->family)
		l_genl_family_free(g->family);
	if (g->genl)
		l_genl_unref(g->genl);
	free(g);
}

bool pm_genl_is_ready(const struct pm_genl *g)
{
	return g->family != NULL;
}

static void put(struct l_genl_msg *m, uint16_t attr, const void *data, size_t len)
{
	l_genl_msg_append_attr(m, attr, (uint16_t)len, data);
}

static void map(struct mams_addr *a)
{
	struct mams_addr v6 = {
		.family = AF_INET6, .port = a->port, .ip = {[10] = 0xff, [11] = 0xff}};

	memcpy(v6.ip + 12, a->ip, 4);
	*a = v6;
}

/* Ports are host order here, unlike in the kernel's events. */
static void put_address(
	struct l_genl_msg *m, uint16_t attr, const struct mams_addr *a, int id, int64_t flags)
{
	uint16_t family = a->family;
	uint8_t id_octet = (uint8_t)id;
	uint32_t flags_word = (uint32_t)flags;

	l_genl_msg_enter_nested(m, NLA_F_NESTED | attr);
	put(m, MPTCP_PM_ADDR_ATTR_FAMILY, &family, sizeof(family));
	if (id >= 0)
		put(m, MPTCP_PM_ADDR_ATTR_ID, &id_octet, sizeof(id_octet));
	if (a->family == AF_INET)
		put(m, MPTCP_PM_ADDR_ATTR_ADDR4, a->ip, 4);
	else
		put(m, MPTCP_PM_ADDR_ATTR_ADDR6, a->ip, 16);
	if (a->port)
		put(m, MPTCP_PM_ADDR_ATTR_PORT, &a->port, sizeof(a->port));
	if (flags >= 0)
		put(m, MPTCP_PM_ADDR_ATTR_FLAGS, &flags_word, sizeof(flags_word));
	l_genl_msg_leave_nested(m);
}

/* An existing subflow is looked up by socket family and address, so an IPv4 connection of an IPv6
 * socket has to be named in its mapped form. */
static void put_pair(struct l_genl_msg *m, const struct pm_action *a, int64_t flags)
{
	struct mams_addr local = a->local;
	struct mams_addr remote = a->remote;

	if (a->mapped) {
		map(&local);
		map(&remote);
	}
	put_address(m, MPTCP_PM_ATTR_ADDR, &local, -1, flags);
	put_address(m, MPTCP_PM_ATTR_ADDR_REMOTE, &remote, -1, -1);
}

static void put_token(struct l_genl_msg *m, uint32_t token)
{
	put(m, MPTCP_PM_ATTR_TOKEN, &token, sizeof(token));
}

static struct l_genl_msg *compose(const struct pm_action *a)
{
	struct l_genl_msg *m;
	int64_t backup = a->backup ? MPTCP_PM_ADDR_FLAG_BACKUP : 0;

	switch (a->kind) {
	case PM_CREATE:
		m = l_genl_msg_new(MPTCP_PM_CMD_SUBFLOW_CREATE);
		put_token(m, a->token);
		put_address(m, MPTCP_PM_ATTR_ADDR, &a->local, a->id,
			backup | MPTCP_PM_ADDR_FLAG_SUBFLOW);
		put_address(m, MPTCP_PM_ATTR_ADDR_REMOTE, &a->remote, -1, -1);
		return m;
	case PM_WITHDRAW:
		m = l_genl_msg_new(MPTCP_PM_CMD_REMOVE);
		put_token(m, a->token);
		put(m, MPTCP_PM_ATTR_LOC_ID, &a->id, sizeof(a->id));
		return m;
	case PM_DESTROY:
		m = l_genl_msg_new(MPTCP_PM_CMD_SUBFLOW_DESTROY);
		put_token(m, a->token);
		put_pair(m, a, -1);
		return m;
	case PM_PRIORITY:
		m = l_genl_msg_new(MPTCP_PM_CMD_SET_FLAGS);
		put_token(m, a->token);
		put_pair(m, a, backup);
		return m;
	case PM_ANNOUNCE:
		m = l_genl_msg_new(MPTCP_PM_CMD_ANNOUNCE);
		put_token(m, a->token);
		put_address(m, MPTCP_PM_ATTR_ADDR, &a->local, a->id, MPTCP_PM_ADDR_FLAG_SIGNAL);
		return m;
	}
	return NULL;
}

static void answered(struct l_genl_msg *m, void *user)
{
	struct command *c = user;

	c->g->ops->done(c->g->user, &c->action, l_genl_msg_get_error(m));
}

static void forget(void *user)
{
	free(user);
}

void pm_genl_send(struct pm_genl *g, const struct pm_action *a)
{
	struct command *c = calloc(1, sizeof(*c));
	struct l_genl_msg *m = c ? compose(a) : NULL;

	if (!m) {
		free(c);
		g->ops->done(g->user, a, -ENOMEM);
		return;
	}
	*c = (struct command){.g = g, .action = *a};
	if (!l_genl_family_send(g->family, m, answered, c, forget)) {
		l_genl_msg_unref(m);
		free(c);
		g->ops->done(g->user, a, -EIO);
	}
}
