/* Downlink treatment of clients at the path manager plugins beside the proxies. */
#include "lib/ctl/ctl_msg.h"
#include "ncm-service/madp_private.h"
#include "ncm-service/trailer.h"

#define RULES_MAX 64u

static size_t put_rules(const struct ncm_session *s, size_t madp, struct ctl_pm_path *out)
{
	struct mams_addr local[NCM_LINKS_MAX];
	bool backup[NCM_LINKS_MAX];
	size_t n = ncm_session_downlink(s, madp, local, backup);

	for (size_t i = 0; i < n; i++)
		out[i] = (struct ctl_pm_path){.local = local[i], .backup = backup[i]};
	return n;
}

/* The way to a plugin, NULL: there is none now. */
static struct mams_ctl_conn *way_to(const struct ncm_madp *m, size_t plugin)
{
	const struct plugin *p = &m->plugins[plugin];

	if (p->conn)
		return mams_ctl_is_open(p->conn) ? p->conn : NULL;
	for (size_t i = 0; i < m->policy->n_madps; i++)
		if (m->instances[i].plugin == plugin && mams_ctl_is_open(m->instances[i].proxy))
			return m->instances[i].proxy;
	return NULL;
}

/* A client's rules at a plugin are those of all instances beside it. */
static void tell_rules(struct ncm_madp *m, size_t plugin, const struct ncm_session *s, bool none)
{
	struct mams_ctl_conn *way = way_to(m, plugin);
	struct ctl_msg *msg = way ? ctl_msg_new(CTL_PM_POLICY, ++m->next_id) : NULL;
	struct ctl_pm_policy *q = msg ? &msg->pm_policy : NULL;

	if (!msg)
		return; /* told when it is there */
	q->client = ctl_strdup(msg, s->s.identity);
	q->paths = ctl_alloc(msg, sizeof(*q->paths) * (RULES_MAX + NCM_LINKS_MAX));
	for (size_t i = 0; q->paths && !none && i < m->policy->n_madps; i++)
		if (m->instances[i].plugin == plugin && (s->told & 1u << i) &&
			q->n_paths + NCM_LINKS_MAX <= RULES_MAX)
			q->n_paths += put_rules(s, i, &q->paths[q->n_paths]);
	(void)!ncm_madp_say(way, msg);
}

void ncm_madp_policy(struct ncm_madp *m, size_t madp, const struct ncm_session *s)
{
	if (m->instances[madp].trailer)
		ncm_trailer_set(m->instances[madp].trailer, s);
	else
		tell_rules(m, m->instances[madp].plugin, s, false);
}

void ncm_madp_forget_rules(struct ncm_madp *m, const struct ncm_session *s)
{
	for (size_t p = 0; p < m->n_plugins; p++)
		tell_rules(m, p, s, true);
}

void ncm_madp_tell_rules(struct ncm_madp *m, size_t plugin)
{
	for (struct ncm_session *s = ncm_registry_next(m->registry, NULL); s;
		s = ncm_registry_next(m->registry, s))
		if (s->s.active)
			tell_rules(m, plugin, s, false);
}

bool ncm_madp_plugin_up(const struct ncm_madp *m, size_t madp)
{
	return m->instances[madp].plugin != NO_PLUGIN && way_to(m, m->instances[madp].plugin);
}
