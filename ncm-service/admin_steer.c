/* Two tables: waiting, what sessions here have been asked for; and forwards, what another instance
 * is to do.  A forward is asked again when that instance dies or does not hear: the lists of links
 * that it carries mean the same whoever reads them, and however often. */
#include "ncm-service/admin_steer.h"

#include "lib/base/log.h"
#include "lib/io/ctlmsg.h"
#include "lib/mx/mx_tables.h"
#include "ncm-service/appreq.h"
#include "ncm-service/status.h"

#include <uthash.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/queue.h>

#define LOG_MODULE "admin"
#define TICK_MS 500
#define FORWARD_MS 20000 /* longer than a client's own patience */

/* Who has asked: on our socket, or at another instance. */
struct asker {
	struct mams_ctl_conn *conn; /* NULL: gone, or at another instance */
	char instance[NCM_INSTANCE_MAX];
	uint32_t id;
};

/* A steering request under way.  A session has one at most, so there are no more than sessions. */
struct waiting {
	struct asker asker;
	uint64_t request;
	UT_hash_handle hh;
};

struct forward {
	struct ncm_steers *st;
	struct asker asker;
	char *client;
	char *text; /* the request as it came */
	uint32_t number;
	char instance[NCM_INSTANCE_MAX]; /* that has been asked; "": none has */
	bool claiming;                   /* the cluster will come back with it */
	mams_time until;
	LIST_ENTRY(forward) link;
};

struct ncm_steers {
	struct mams_loop *loop;
	struct ncm_service *service;
	struct ncm_cluster *cluster; /* NULL: this is the only instance */
	struct mams_loop_timer *timer;
	struct waiting *waiting; /* by request */
	LIST_HEAD(, forward) forwards;
	uint32_t last_number;
	uint64_t last_request;
};

/* ---- answers ---- */

static void tell(struct ncm_steers *st, const struct asker *who, int code, const char *text)
{
	struct ctl_msg *msg;

	if (who->conn)
		mams_ctl_answer_result(who->conn, who->id, code, text);
	if (!who->instance[0])
		return;
	msg = ctl_msg_new(CTL_NCM_PEER, 0);
	if (msg)
		msg->ncm_peer = (struct ctl_ncm_peer){.kind = CTL_PEER_STEERED,
			.client = "-",
			.number = who->id,
			.outcome = (uint32_t)code,
			.words = ctl_strdup(msg, text)};
	ncm_cluster_send(st->cluster, who->instance, msg);
}

/* ---- sessions here ---- */

bool ncm_session_is_called(const struct ncm_session *s, const char *client)
{
	char id[24];

	snprintf(id, sizeof(id), "%llu", (unsigned long long)s->s.session_id);
	return !client || strcmp(client, s->s.identity) == 0 || strcmp(client, id) == 0;
}

struct ncm_session *ncm_session_pick(
	struct ncm_service *v, const char *client, struct mams_error *err)
{
	const struct ncm_registry *r = ncm_service_registry(v);
	struct ncm_session *found = client ? ncm_registry_by_identity(r, client) : NULL;

	if (found)
		return found;
	for (struct ncm_session *s = ncm_registry_next(r, NULL); s; s = ncm_registry_next(r, s)) {
		if (!ncm_session_is_called(s, client))
			continue;
		if (found) {
			(void)mams_fail(err, MAMS_EVALUE, "client",
				"there are several sessions: name one (mamsctl sessions lists "
				"them)");
			return NULL;
		}
		found = s;
	}
	if (!found)
		(void)mams_fail(err, MAMS_EUNKNOWN, "client",
			"no such session (mamsctl sessions lists them)");
	return found;
}

/* A link is named by its access, or by its connection id. */
int ncm_session_take_links(const struct ncm_session *s, const char *const *names, size_t n,
	uint32_t *out, struct mams_error *err)
{
	for (size_t i = 0; i < n; i++) {
		uint32_t bit = 0;

		for (uint8_t k = 0; k < NCM_LINKS_MAX; k++) {
			const struct ncm_link *l = &s->s.links[k];
			char id[4];

			snprintf(id, sizeof(id), "%u", k);
			if (!l->known || l->admission != NCM_ADMIT_OK)
				continue;
			if (strcmp(names[i], s->policy->accesses[l->access].name) == 0 ||
				strcmp(names[i], id) == 0)
				bit |= 1u << k;
		}
		if (!bit)
			return mams_fail(err, MAMS_EVALUE, names[i],
				"the session has no such admitted link (mamsctl sessions lists "
				"them)");
		*out |= bit;
	}
	return 0;
}

/* @param out  1 + enum mx_mode; untouched when none is named */
static int take_mode(const char *text, uint8_t *out, struct mams_error *err)
{
	int mode;

	if (!text)
		return 0;
	if (mams_enum_parse(mx_mode_names, text, &mode) < 0)
		return mams_fail(err, MAMS_EVALUE, text,
			"a mode is single, active-standby, smallest-delay, priority, split or "
			"duplicate");
	*out = (uint8_t)(1 + mode);
	return 0;
}

static int take_off(const struct ctl_steer *t, uint32_t *out, struct mams_error *err)
{
	for (size_t i = 0; i < t->n_off; i++) {
		int f;

		if (mams_enum_parse(mx_feature_names, t->off[i], &f) < 0)
			return mams_fail(err, MAMS_EVALUE, t->off[i], "is no MX feature");
		*out |= 1u << f;
	}
	return 0;
}

static int take_treatment(
	const struct ctl_steer *t, struct ncm_order *order, struct mams_error *err)
{
	int rc = take_mode(t->dl_mode, &order->dl_mode, err);

	if (rc == 0)
		rc = take_mode(t->ul_mode, &order->ul_mode, err);
	return rc == 0 ? take_off(t, &order->off, err) : rc;
}

/* One direction of an application's traffic: what the request does not name stays. */
static int take_way(const struct ncm_session *s, const char *const *names, size_t n,
	const char *mode, struct ncm_app_way *w, struct mams_error *err)
{
	uint32_t links = 0;
	uint32_t first = 0;
	int rc = n ? ncm_session_take_links(s, names, 1, &first, err) : 0;

	if (rc == 0)
		rc = ncm_session_take_links(s, names, n, &links, err);
	if (rc < 0)
		return rc;
	if (links) {
		w->links = links;
		for (w->first = 0; !(first & 1u << w->first); w->first++)
			;
	}
	return take_mode(mode, &w->mode, err);
}

static int find_app(const struct ncm_session *s, const char *name, struct mams_error *err)
{
	for (size_t i = 0; i < s->policy->n_apps; i++)
		if (strcmp(s->policy->apps[i].name, name) == 0)
			return (int)i;
	return mams_fail(
		err, MAMS_EVALUE, name, "is no application section of the NCM's configuration");
}

/* @return 0: the order is complete */
static int take_app(const struct ncm_session *s, const struct ctl_steer *t, struct ncm_order *order,
	struct mams_error *err)
{
	const int i = find_app(s, t->application, err);
	const struct ncm_saved_app *was = i >= 0 ? ncm_appreq_steered(s, (size_t)i) : NULL;
	struct ncm_saved_app *to = &order->steered;
	int rc;

	if (i < 0)
		return i;
	order->app = (uint8_t)(1 + i);
	if (t->n_off || t->has_configuration)
		return mams_fail(err, MAMS_EVALUE, "application",
			"features and configurations are the anchor's, not an application's");
	if (t->has_as_configured && t->as_configured)
		return t->n_dl || t->n_ul || t->dl_mode || t->ul_mode
			       ? mams_fail(err, MAMS_EVALUE, "as_configured",
					 "takes no lists and no modes")
			       : 0;
	if (was)
		*to = *was;
	snprintf(to->name, sizeof(to->name), "%s", s->policy->apps[i].name);
	rc = take_way(s, t->dl, t->n_dl, t->dl_mode, &to->dl, err);
	return rc == 0 ? take_way(s, t->ul, t->n_ul, t->ul_mode, &to->ul, err) : rc;
}

static int take_anchor(const struct ncm_session *s, const struct ctl_steer *t,
	struct ncm_order *order, struct mams_error *err)
{
	int rc = ncm_session_take_links(s, t->dl, t->n_dl, &order->dl, err);

	if (rc == 0)
		rc = ncm_session_take_links(s, t->ul, t->n_ul, &order->ul, err);
	return rc == 0 ? take_treatment(t, order, err) : rc;
}

static void waiting_free(struct ncm_steers *st, struct waiting *w)
{
	HASH_DEL(st->waiting, w);
	free(w);
}

static int start_steering(struct ncm_steers *st, struct ncm_session *s, const struct asker *who,
	const struct ctl_steer *t, struct mams_error *err)
{
	struct ncm_order order = {
		.configuration = t->has_configuration ? (uint8_t)t->configuration : 0};
	struct waiting *w;
	int rc = ncm_status_anchor(s, t->anchor, t->application != NULL, &order.anchor, err);

	if (rc == 0)
		rc = t->application ? take_app(s, t, &order, err) : take_anchor(s, t, &order, err);
	if (rc < 0)
		return rc;
	w = calloc(1, sizeof(*w));
	if (!w)
		return mams_fail(err, ENOMEM, "steer", "no memory");
	w->asker = *who;
	w->request = ++st->last_request;
	HASH_ADD(hh, st->waiting, request, sizeof(w->request), w);
	rc = ncm_service_steer(st->service, s, w->request, &order, err);
	if (rc < 0)
		waiting_free(st, w);
	return rc;
}

static void steer(struct ncm_steers *st, const struct asker *who, const struct ctl_steer *t)
{
	struct mams_error err = {0};
	struct ncm_session *s = ncm_session_pick(st->service, t->client, &err);
	char text[320];
	int rc = s ? start_steering(st, s, who, t, &err) : -MAMS_EUNKNOWN;

	if (rc == 0)
		return;
	snprintf(text, sizeof(text), "%s%s%s", err.where, err.where[0] ? ": " : "", err.text);
	tell(st, who, -rc, text);
}

void ncm_steers_done(struct ncm_steers *st, uint64_t request, int code, const char *text)
{
	struct waiting *w;

	HASH_FIND(hh, st->waiting, &request, sizeof(request), w);
	if (!w)
		return;
	tell(st, &w->asker, code, text);
	waiting_free(st, w);
}

/* ---- sessions of other instances ---- */

static void forward_free(struct forward *f)
{
	LIST_REMOVE(f, link);
	free(f->client);
	free(f->text);
	free(f);
}

static void steer_text(struct ncm_steers *st, const struct asker *who, const char *text)
{
	struct mams_error err;
	struct ctl_msg *msg = NULL;

	if (ctl_decode(text, strlen(text), &msg, &err) == 0 && msg->type == CTL_STEER)
		steer(st, who, &msg->steer);
	else
		tell(st, who, MAMS_EVALUE, "is no steering request");
	ctl_msg_free(msg);
}

static void pass_on(struct forward *f, const char *instance)
{
	struct ctl_msg *msg = ctl_msg_new(CTL_NCM_PEER, 0);

	snprintf(f->instance, sizeof(f->instance), "%s", instance);
	f->number = ++f->st->last_number;
	if (msg)
		msg->ncm_peer = (struct ctl_ncm_peer){.kind = CTL_PEER_STEER,
			.client = ctl_strdup(msg, f->client),
			.number = f->number,
			.text = ctl_strdup(msg, f->text)};
	ncm_cluster_send(f->st->cluster, instance, msg);
}

static void routed(void *user, enum ncm_claim what, const char *instance)
{
	struct forward *f = user;
	struct ncm_steers *st = f->st;

	f->claiming = false;
	if (what == NCM_CLAIM_THEIRS) {
		pass_on(f, instance);
	} else if (what == NCM_CLAIM_OURS) {
		if (!ncm_registry_by_identity(ncm_service_registry(st->service), f->client))
			ncm_cluster_release(st->cluster, f->client);
		steer_text(st, &f->asker, f->text);
		forward_free(f);
	} /* BUSY: the tick asks again */
}

static void claim(struct forward *f)
{
	f->instance[0] = '\0';
	f->claiming = ncm_cluster_claim(f->st->cluster, f->client, routed, f) == 0;
}

static int forward(struct ncm_steers *st, const struct asker *who, const char *client,
	const char *text, size_t len)
{
	struct forward *f = calloc(1, sizeof(*f));

	if (!f)
		return -ENOMEM;
	f->st = st;
	f->asker = *who;
	f->client = strdup(client);
	f->text = strndup(text, len);
	f->until = mams_time_add_ms(mams_loop_now(st->loop), FORWARD_MS);
	LIST_INSERT_HEAD(&st->forwards, f, link);
	if (!f->client || !f->text) {
		forward_free(f);
		return -ENOMEM;
	}
	claim(f);
	return 0;
}

static void tick(void *user)
{
	struct ncm_steers *st = user;
	mams_time now = mams_loop_now(st->loop);
	struct forward *next;

	mams_loop_timer_at(st->timer, mams_time_add_ms(now, TICK_MS));
	for (struct forward *f = LIST_FIRST(&st->forwards); f; f = next) {
		next = LIST_NEXT(f, link);
		if (f->claiming)
			continue;
		if (!mams_time_before(now, f->until)) {
			tell(st, &f->asker, ETIMEDOUT,
				"the instance that has the session does not answer");
			forward_free(f);
		} else if (!f->instance[0]) {
			claim(f);
		}
	}
}

static struct forward *find_forward(const struct ncm_steers *st, uint32_t number)
{
	struct forward *f;

	LIST_FOREACH(f, &st->forwards, link)
	if (!f->claiming && f->instance[0] && f->number == number)
		return f;
	return NULL;
}

void ncm_steers_packet(struct ncm_steers *st, const struct ctl_msg *msg)
{
	const struct ctl_ncm_peer *p = &msg->ncm_peer;
	struct asker who = {.id = p->number};
	struct forward *f;

	if (p->kind == CTL_PEER_STEER && p->text) {
		snprintf(who.instance, sizeof(who.instance), "%s", p->from);
		if (ncm_cluster_may_act(st->cluster))
			steer_text(st, &who, p->text);
		return; /* else it is asked again, or somebody else */
	}
	f = find_forward(st, p->number);
	if (p->kind != CTL_PEER_STEERED || !f)
		return;
	tell(st, &f->asker, (int)p->outcome, p->words ? p->words : "");
	forward_free(f);
}

void ncm_steers_undelivered(struct ncm_steers *st, const struct ctl_msg *msg)
{
	struct forward *f = find_forward(st, msg->ncm_peer.number);

	if (msg->ncm_peer.kind == CTL_PEER_STEER && f)
		f->instance[0] = '\0';
}

void ncm_steers_dead(struct ncm_steers *st, const char *instance)
{
	struct forward *f;

	LIST_FOREACH(f, &st->forwards, link)
	if (strcmp(f->instance, instance) == 0)
		f->instance[0] = '\0';
}

/* ---- outside ---- */

void ncm_steers_take(struct ncm_steers *st, struct mams_ctl_conn *c, const struct ctl_msg *msg,
	const char *text, size_t len)
{
	const struct asker who = {.conn = c, .id = msg->id};
	const char *client = msg->steer.client;
	bool ours = !st->cluster || !client ||
		    (ncm_registry_by_identity(ncm_service_registry(st->service), client) &&
			    ncm_cluster_may_act(st->cluster));

	if (ours || forward(st, &who, client, text, len) < 0)
		steer(st, &who, &msg->steer);
}

void ncm_steers_closed(struct ncm_steers *st, const struct mams_ctl_conn *c)
{
	struct forward *f;

	for (struct waiting *w = st->waiting; w; w = w->hh.next)
		if (w->asker.conn == c)
			w->asker.conn = NULL;
	LIST_FOREACH(f, &st->forwards, link)
	if (f->asker.conn == c)
		f->asker.conn = NULL;
}

int ncm_steers_new(struct mams_loop *l, struct ncm_service *v, struct ncm_cluster *cluster,
	struct ncm_steers **out)
{
	struct ncm_steers *st = calloc(1, sizeof(*st));
	int rc = 0;

	if (!st)
		return -ENOMEM;
	st->loop = l;
	st->service = v;
	st->cluster = cluster;
	LIST_INIT(&st->forwards);
	if (cluster)
		rc = mams_loop_timer_new(l, tick, st, &st->timer);
	if (rc < 0) {
		free(st);
		return rc;
	}
	if (cluster)
		mams_loop_timer_at(st->timer, mams_time_add_ms(mams_loop_now(l), TICK_MS));
	*out = st;
	return 0;
}

void ncm_steers_free(struct ncm_steers *st)
{
	struct waiting *w;
	struct waiting *next;
	struct forward *f;

	if (!st)
		return;
	mams_loop_timer_del(st->timer);
	HASH_ITER(hh, st->waiting, w, next)
	waiting_free(st, w);
	while ((f = LIST_FIRST(&st->forwards)) != NULL)
		forward_free(f);
	free(st);
}
