#include "ncm-service/registry.h"

#include "lib/base/timerq.h"
#include "ncm-service/uses.h"

#include <errno.h>
#include <string.h>
#include <uthash.h>

/* Armed with no deadline: so far off that it never comes, and the place in the heap is kept, which
 * makes every later arming one that can't fail. */
#define FAR ((mams_time){INT64_MAX - 1})

struct entry {
	struct mams_timer timer; /* always armed */
	struct ncm_session *session;
	UT_hash_handle by_identity;
	UT_hash_handle by_id;
};

struct ncm_registry {
	const struct ncm_policy *policy;
	struct ncm_counters counters;
	struct ncm_madps madps;
	const struct ncm_feed *feed;
	struct ncm_uses *uses;
	int64_t wall_more;
	mams_time now; /* as told last */
	struct entry *identities;
	struct entry *ids;
	struct mams_timerq timers;
};

struct ncm_registry *ncm_registry_new(const struct ncm_policy *p, mams_time now)
{
	struct ncm_registry *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->uses = ncm_uses_new(p->max_sessions);
	if (!r->uses) {
		free(r);
		return NULL;
	}
	r->policy = p;
	r->now = now;
	ncm_madps_init(&r->madps, p, now);
	return r;
}

struct ncm_madps *ncm_registry_madps(struct ncm_registry *r)
{
	return &r->madps;
}

struct ncm_counters *ncm_registry_counters(struct ncm_registry *r)
{
	return &r->counters;
}

static void drop(struct ncm_registry *r, struct entry *e)
{
	HASH_DELETE(by_identity, r->identities, e);
	HASH_DELETE(by_id, r->ids, e);
	mams_timerq_del(&r->timers, &e->timer);
	ncm_session_free(e->session);
	free(e);
}

void ncm_registry_free(struct ncm_registry *r)
{
	if (!r)
		return;
	while (r->identities)
		drop(r, r->identities);
	mams_timerq_fini(&r->timers);
	ncm_uses_free(r->uses);
	free(r);
}

size_t ncm_registry_count(const struct ncm_registry *r)
{
	return HASH_CNT(by_identity, r->identities);
}

static struct entry *find_identity(const struct ncm_registry *r, const char *identity)
{
	struct entry *e;

	HASH_FIND(by_identity, r->identities, identity, strlen(identity), e);
	return e;
}

static struct entry *find_id(const struct ncm_registry *r, uint64_t id)
{
	struct entry *e;

	HASH_FIND(by_id, r->ids, &id, sizeof(id), e);
	return e;
}

void ncm_registry_set_feed(struct ncm_registry *r, const struct ncm_feed *feed)
{
	r->feed = feed;
}

void ncm_registry_set_wall(struct ncm_registry *r, int64_t us, mams_time now)
{
	r->wall_more = us - now.us;
	r->now = now;
}

static void keep_used(
	struct ncm_registry *r, const char *identity, const struct ncm_used used[NCM_LINKS_MAX])
{
	const int64_t us = r->now.us + r->wall_more;

	ncm_uses_keep(r->uses, identity, used, us > 0 ? (uint64_t)us / 1000000 : 0);
}

void ncm_registry_used(
	struct ncm_registry *r, const char *identity, const struct ncm_used used[NCM_LINKS_MAX])
{
	struct entry *e = find_identity(r, identity);

	if (e)
		ncm_uses_join(e->session->s.used, used);
	else
		keep_used(r, identity, used);
}

int ncm_registry_add(struct ncm_registry *r, const struct ncm_saved *saved, uint32_t first,
	mams_time now, struct ncm_session **out)
{
	struct entry *e;

	if (ncm_registry_count(r) >= r->policy->max_sessions)
		return -MAMS_ELIMIT;
	if (find_identity(r, saved->identity) || find_id(r, saved->session_id))
		return -MAMS_EVALUE;
	e = calloc(1, sizeof(*e));
	if (!e)
		return -ENOMEM;
	if (mams_timerq_set(&r->timers, &e->timer, now) == 0)
		e->session = ncm_session_new(r->policy, &r->counters, &r->madps, saved, first, now);
	if (!e->session) {
		mams_timerq_del(&r->timers, &e->timer);
		free(e);
		return -ENOMEM;
	}
	e->session->feed = r->feed;
	e->session->wall_more = &r->wall_more;
	ncm_uses_take(r->uses, e->session->s.identity, e->session->s.used);
	r->now = now;
	HASH_ADD_KEYPTR(by_identity, r->identities, e->session->s.identity,
		strlen(e->session->s.identity), e);
	HASH_ADD_KEYPTR(by_id, r->ids, &e->session->s.session_id, sizeof(uint64_t), e);
	*out = e->session;
	return 0;
}

void ncm_registry_remove(struct ncm_registry *r, struct ncm_session *s)
{
	struct entry *e = find_id(r, s->s.session_id);

	mams_assert(e && e->session == s);
	keep_used(r, s->s.identity, s->s.used);
	drop(r, e);
}

struct ncm_session *ncm_registry_by_identity(const struct ncm_registry *r, const char *identity)
{
	const struct entry *e = find_identity(r, identity);

	return e ? e->session : NULL;
}

struct ncm_session *ncm_registry_by_id(const struct ncm_registry *r, uint64_t session_id)
{
	const struct entry *e = find_id(r, session_id);

	return e ? e->session : NULL;
}

int ncm_registry_find(const struct ncm_registry *r, const char *identity,
	const struct mx_session_id *id, struct ncm_session **out)
{
	const struct entry *e;

	*out = NULL;
	if (!id) {
		*out = ncm_registry_by_identity(r, identity);
		return *out ? 0 : -MAMS_EUNKNOWN;
	}
	e = id->ncm_id == r->policy->ncm_id ? find_id(r, id->session_id) : NULL;
	if (!e)
		return -MAMS_EUNKNOWN;
	if (strcmp(e->session->s.identity, identity) != 0)
		return -MAMS_EDENIED;
	*out = e->session;
	return 0;
}

struct ncm_session *ncm_registry_next(const struct ncm_registry *r, const struct ncm_session *s)
{
	const struct entry *e = r->identities;

	if (s) {
		e = find_id(r, s->s.session_id);
		e = e ? e->by_identity.next : NULL;
	}
	return e ? e->session : NULL;
}

static void rearm(struct ncm_registry *r, struct entry *e, mams_time when)
{
	int rc = mams_timerq_set(&r->timers, &e->timer, mams_time_min(when, FAR));

	mams_assert(rc == 0);
}

void ncm_registry_arm(struct ncm_registry *r, struct ncm_session *s, mams_time when)
{
	struct entry *e = find_id(r, s->s.session_id);

	mams_assert(e && e->session == s);
	rearm(r, e, when);
}

mams_time ncm_registry_deadline(const struct ncm_registry *r)
{
	mams_time when = mams_timerq_next(&r->timers);

	return when.us == FAR.us ? MAMS_TIME_NEVER : when;
}

struct ncm_session *ncm_registry_due(struct ncm_registry *r, mams_time now)
{
	struct mams_timer *t = mams_timerq_due(&r->timers, now);
	struct entry *e;

	r->now = now;
	if (!t)
		return NULL;
	e = MAMS_CONTAINER_OF(t, struct entry, timer);
	rearm(r, e, FAR);
	return e->session;
}
