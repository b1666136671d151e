#include "trailer-madp/protect.h"

#include "lib/base/log.h"
#include "lib/io/guard.h"
#include "lib/io/ipsec.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define LOG_MODULE "protect"
#define OWNER "trailer"
#define GUARD_TABLE "mams_guard_tunnel"
#define SECRET_MIN 16u

struct madp_protect {
	const struct madp_conf *conf;
	const struct madp_protect_ops *ops;
	void *user;
	struct mams_ipsec *ipsec;
};

int madp_protect_guard(const struct madp_conf *conf, struct mams_error *err)
{
	struct mams_guard_rule *rules = calloc(conf->n_protected + 1, sizeof(*rules));
	int rc;

	if (!rules)
		return -ENOMEM;
	for (size_t i = 0; i < conf->n_protected; i++)
		rules[i] = (struct mams_guard_rule){.local = conf->protected[i],
			.network = true,
			.udp = true,
			.ports = (uint16_t)conf->workers};
	/* who protects nothing needs no right to touch the filter */
	rc = mams_guard_set(GUARD_TABLE, rules, conf->n_protected, err);
	free(rules);
	return conf->n_protected ? rc : 0;
}

static void changed(void *user, const struct mams_ipsec_key *k, const struct mams_ipsec_status *st)
{
	struct madp_protect *p = user;

	log_info("IPsec session=%llu connection=%u is %s%s%s", (unsigned long long)k->session_id,
		k->connection_id, mams_assoc_state_name(st->state), st->why ? ": " : "",
		st->why ? st->why : "");
	if (st->state != MAMS_ASSOC_UP)
		p->ops->lost(p->user, k->session_id, k->connection_id);
}

static void charon(void *user, bool up)
{
	(void)user;
	(void)up;
}

static const struct mams_ipsec_ops ops = {.changed = changed, .charon = charon};

int madp_protect_new(struct mams_loop *l, const struct madp_conf *conf,
	const struct madp_protect_ops *o, void *user, struct madp_protect **out)
{
	struct madp_protect *p = calloc(1, sizeof(*p));
	int rc;

	if (!p)
		return -ENOMEM;
	p->conf = conf;
	p->ops = o;
	p->user = user;
	rc = mams_ipsec_new(l, conf->vici_socket, OWNER, &ops, p, &p->ipsec);
	if (rc < 0)
		free(p);
	else
		*out = p;
	return rc;
}

void madp_protect_free(struct madp_protect *p)
{
	if (!p)
		return;
	mams_ipsec_free(p->ipsec);
	mams_ipsec_clear(p->conf->vici_socket, OWNER);
	free(p);
}

/* ---- what sessions want ---- */

static int check_link(const struct madp_protect *p, const struct ctl_tr_session_set *m,
	const struct ctl_tr_link *l, struct mams_error *err)
{
	const struct ctl_protect *c = l->protect;
	const char *name = l->name ? l->name : "?";
	char text[MAMS_ADDR_STRLEN];

	if (!p)
		return mams_fail(err, ENOTSUP, name,
			"IPsec is wanted, and this trailer has no vici_socket and no protected "
			"address");
	if (!c)
		return 0;
	if (!madp_conf_protects(p->conf, &c->local))
		return mams_fail(err, MAMS_EVALUE, name,
			"%s is to be reached inside IPsec, and is not in \"protected\" of this "
			"trailer",
			mams_addr_str(&c->local, text));
	if (c->local.family != c->remote.family || strlen(c->secret) < SECRET_MIN ||
		strlen(c->secret) >= MAMS_IPSEC_SECRET_MAX || c->session_id != m->session_id ||
		c->connection_id != l->connection_id)
		return mams_fail(err, MAMS_EVALUE, name, "no association can be made of this");
	return 0;
}

int madp_protect_check(
	const struct madp_protect *p, const struct ctl_tr_session_set *m, struct mams_error *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < m->n_links; i++)
		if (m->links[i].has_ipsec && m->links[i].ipsec)
			rc = check_link(p, m, &m->links[i], err);
	return rc;
}

static bool keeps(const struct ctl_tr_session_set *m, const struct mams_ipsec_key *k)
{
	for (size_t i = 0; m && i < m->n_links; i++) {
		const struct ctl_tr_link *l = &m->links[i];

		if (l->has_ipsec && l->ipsec && l->connection_id == k->connection_id)
			return !l->protect || (l->protect->ncm_id == k->ncm_id &&
						      l->protect->anchor_id == k->anchor_id);
	}
	return false;
}

/* Associations of the session that m does not have go; m NULL: all. */
static void disown(struct madp_protect *p, uint64_t session, const struct ctl_tr_session_set *m)
{
	const struct mams_ipsec_want *w = mams_ipsec_next(p->ipsec, NULL);

	while (w) {
		const struct mams_ipsec_want *next = mams_ipsec_next(p->ipsec, w);
		const struct mams_ipsec_key k = w->key;

		if (k.session_id == session && !keeps(m, &k))
			mams_ipsec_del(p->ipsec, &k);
		w = next;
	}
}

int madp_protect_set(struct madp_protect *p, const struct ctl_tr_session_set *m)
{
	int rc = 0;

	if (!p)
		return 0;
	disown(p, m->session_id, m);
	for (size_t i = 0; i < m->n_links; i++) {
		const struct ctl_tr_link *l = &m->links[i];
		const struct ctl_protect *c = l->has_ipsec && l->ipsec ? l->protect : NULL;
		struct mams_ipsec_want w;

		if (!c)
			continue;
		w = (struct mams_ipsec_want){.key = {.ncm_id = c->ncm_id,
						     .session_id = c->session_id,
						     .anchor_id = c->anchor_id,
						     .connection_id = c->connection_id},
			.local = c->local,
			.remote = c->remote,
			.nat = c->has_nat && c->nat};
		w.local.port = w.remote.port = 0;
		snprintf(w.secret, sizeof(w.secret), "%s", c->secret);
		if (mams_ipsec_set(p->ipsec, &w) < 0)
			rc = -ENOMEM;
		mams_wipe(&w, sizeof(w));
	}
	return rc;
}

void madp_protect_del(struct madp_protect *p, uint64_t session)
{
	if (p)
		disown(p, session, NULL);
}

const char *madp_protect_state(
	const struct madp_protect *p, struct ctl_msg *msg, uint64_t session, uint8_t cid)
{
	const struct mams_ipsec_want *w = NULL;
	struct mams_ipsec_status st;
	char text[128];

	while (p && (w = mams_ipsec_next(p->ipsec, w)) != NULL) {
		if (w->key.session_id != session || w->key.connection_id != cid ||
			!mams_ipsec_status(p->ipsec, &w->key, &st))
			continue;
		snprintf(text, sizeof(text), "%s%s%s", mams_assoc_state_name(st.state),
			st.why ? ": " : "", st.why ? st.why : "");
		return ctl_strdup(msg, text);
	}
	return NULL;
}
