#include "proxy/protect.h"

#include "lib/base/log.h"
#include "lib/io/guard.h"
#include "lib/io/ipsec.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define LOG_MODULE "protect"
#define OWNER "proxy"
#define GUARD_TABLE "mams_guard_network"
#define STATUS_MAX 512u /* so many fit a packet */

struct owner {
	char *client;
	struct mams_ipsec_key key;
};

struct px_protect {
	const struct px_conf *conf;
	struct mams_ipsec *ipsec;
	struct owner *owners; /* whose each association is */
	size_t n_owners, cap;
};

int px_protect_guard(const struct px_conf *conf, struct mams_error *err)
{
	struct mams_guard_rule *rules = calloc(conf->n_protected + 1, sizeof(*rules));
	int rc;

	if (!rules)
		return -ENOMEM;
	for (size_t i = 0; i < conf->n_protected; i++)
		rules[i] = (struct mams_guard_rule){.local = conf->protected[i], .network = true};
	/* who protects nothing needs no right to touch the filter */
	rc = mams_guard_set(GUARD_TABLE, rules, conf->n_protected, err);
	free(rules);
	return conf->n_protected ? rc : 0;
}

static void changed(void *user, const struct mams_ipsec_key *k, const struct mams_ipsec_status *st)
{
	(void)user;
	log_info("IPsec session=%llu connection=%u is %s%s%s", (unsigned long long)k->session_id,
		k->connection_id, mams_assoc_state_name(st->state), st->why ? ": " : "",
		st->why ? st->why : "");
}

static void charon(void *user, bool up)
{
	(void)user;
	(void)up;
}

static const struct mams_ipsec_ops ops = {.changed = changed, .charon = charon};

int px_protect_new(struct mams_loop *l, const struct px_conf *conf, struct px_protect **out)
{
	struct px_protect *p = calloc(1, sizeof(*p));
	int rc;

	if (!p)
		return -ENOMEM;
	p->conf = conf;
	rc = mams_ipsec_new(l, conf->vici_socket, OWNER, &ops, p, &p->ipsec);
	if (rc < 0)
		free(p);
	else
		*out = p;
	return rc;
}

void px_protect_free(struct px_protect *p)
{
	if (!p)
		return;
	mams_ipsec_free(p->ipsec);
	mams_ipsec_clear(p->conf->vici_socket, OWNER);
	for (size_t i = 0; i < p->n_owners; i++)
		free(p->owners[i].client);
	free(p->owners);
	free(p);
}

static bool is_protected(const struct px_protect *p, const struct mams_addr *a)
{
	for (size_t i = 0; i < p->conf->n_protected; i++)
		if (mams_addr_eq_ip(&p->conf->protected[i], a))
			return true;
	return false;
}

static bool same_key(const struct mams_ipsec_key *a, const struct mams_ipsec_key *b)
{
	return a->ncm_id == b->ncm_id && a->session_id == b->session_id &&
	       a->anchor_id == b->anchor_id && a->connection_id == b->connection_id;
}

static int own(struct px_protect *p, const char *client, const struct mams_ipsec_key *k)
{
	char *name = strdup(client);

	if (name && p->n_owners == p->cap) {
		size_t cap = p->cap ? p->cap * 2 : 16;
		struct owner *more = realloc(p->owners, cap * sizeof(*more));

		if (more) {
			p->owners = more;
			p->cap = cap;
		}
	}
	if (!name || p->n_owners == p->cap) {
		free(name);
		return -ENOMEM;
	}
	p->owners[p->n_owners++] = (struct owner){.client = name, .key = *k};
	return 0;
}

static struct mams_ipsec_key key_of(const struct ctl_protect *c)
{
	return (struct mams_ipsec_key){.ncm_id = c->ncm_id,
		.session_id = c->session_id,
		.anchor_id = c->anchor_id,
		.connection_id = c->connection_id};
}

/* Associations of the client that m does not name go. */
static void disown(
	struct px_protect *p, const char *client, const struct ctl_protect *keep, size_t n)
{
	for (size_t i = 0; i < p->n_owners; i++) {
		struct owner *o = &p->owners[i];
		size_t k = 0;

		while (k < n && !(same_key(&o->key,
					&(struct mams_ipsec_key){keep[k].ncm_id, keep[k].session_id,
						keep[k].anchor_id, keep[k].connection_id})))
			k++;
		if (k < n || strcmp(o->client, client) != 0)
			continue;
		mams_ipsec_del(p->ipsec, &o->key);
		free(o->client);
		*o = p->owners[--p->n_owners];
		i--;
	}
}

static bool is_known(const struct px_protect *p, const struct mams_ipsec_key *k)
{
	for (size_t i = 0; i < p->n_owners; i++)
		if (same_key(&p->owners[i].key, k))
			return true;
	return false;
}

static int take(struct px_protect *p, const char *client, const struct ctl_protect *c,
	struct mams_error *err)
{
	struct mams_ipsec_want w = {.key = key_of(c),
		.local = c->local,
		.remote = c->remote,
		.nat = c->has_nat && c->nat};
	char text[MAMS_ADDR_STRLEN];
	int rc = 0;

	if (!is_protected(p, &c->local))
		return mams_fail(err, MAMS_EVALUE, NULL,
			"%s is to be protected by IPsec, and is not in \"protected\" of this proxy",
			mams_addr_str(&c->local, text));
	if (c->local.family != c->remote.family || strlen(c->secret) >= sizeof(w.secret) ||
		strlen(c->secret) < 16)
		return mams_fail(err, MAMS_EVALUE, NULL, "no association can be made of this");
	snprintf(w.secret, sizeof(w.secret), "%s", c->secret);
	if (!is_known(p, &w.key))
		rc = own(p, client, &w.key);
	if (rc == 0)
		rc = mams_ipsec_set(p->ipsec, &w);
	mams_wipe(&w, sizeof(w));
	return rc;
}

int px_protect_set(struct px_protect *p, const struct ctl_px_client_set *m, struct mams_error *err)
{
	int rc = 0;

	if (!m->has_protecting || !m->protecting)
		return 0;
	if (!p)
		return m->n_protect == 0 ? 0
					 : mams_fail(err, MAMS_ESTATE, NULL,
						   "IPsec is wanted, and this proxy has no "
						   "vici_socket and no protected address");
	disown(p, m->client, m->protect, m->n_protect);
	for (size_t i = 0; rc == 0 && i < m->n_protect; i++)
		rc = take(p, m->client, &m->protect[i], err);
	return rc;
}

void px_protect_del(struct px_protect *p, const char *client)
{
	if (p)
		disown(p, client, NULL, 0);
}

void px_protect_status(const struct px_protect *p, struct ctl_msg *status)
{
	struct ctl_px_status *out = &status->px_status;
	const struct mams_ipsec_want *w = NULL;
	struct mams_ipsec_status st;

	out->sas = p ? ctl_alloc(status, STATUS_MAX * sizeof(*out->sas)) : NULL;
	while (out->sas && out->n_sas < STATUS_MAX && (w = mams_ipsec_next(p->ipsec, w)) != NULL)
		if (mams_ipsec_status(p->ipsec, &w->key, &st))
			out->sas[out->n_sas++] = (struct ctl_sa_status){
				.session_id = w->key.session_id,
				.connection_id = w->key.connection_id,
				.local = w->local,
				.remote = w->remote,
				.state = ctl_strdup(status, mams_assoc_state_name(st.state)),
				.why = st.why ? ctl_strdup(status, st.why) : NULL};
}
