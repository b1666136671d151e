#include "ncm-service/feed.h"

#include "lib/ctl/ctl_msg.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CNT(kind, name, field, text)                                                               \
	{                                                                                          \
		name, text, kind, offsetof(struct counters, field)                                 \
	}

struct counters {
	uint64_t posts;
	uint64_t refused;
	uint64_t kept;
	uint64_t displaced;
};

const struct mams_metric ncm_feed_counter_rows[] = {
	CNT(MAMS_COUNTER, "feed_posts_total", posts, "posts of network information taken"),
	CNT(MAMS_COUNTER, "feed_posts_refused_total", refused, "posts with something wrong"),
	CNT(MAMS_GAUGE, "feed_statements", kept, "statements in force"),
	CNT(MAMS_COUNTER, "feed_displaced_total", displaced,
		"statements forgotten before their time: no room"),
};
const size_t ncm_feed_n_counter_rows = MAMS_ARRAY_LEN(ncm_feed_counter_rows);

/* What a statement is about. */
struct key {
	const char *access, *node_id, *ssid; /* "": all */
};

struct statement {
	struct key key;
	struct ctl_statement said; /* texts of key and feeder in text; no maintenance */
	struct ctl_window maintenance;
	mams_time at, expires;
	mams_time fades;          /* from then on the link is taken for fading */
	mams_time leave, return_; /* maintenance: from when to when it is not to be used */
	char text[];
};

struct ncm_feed {
	const struct ncm_policy *policy;
	struct statement **list; /* list[kept], by key */
	struct counters counters;
};

/* ---- order ---- */

static int compare(const struct key *a, const struct key *b)
{
	int d = strcmp(a->access, b->access);

	if (d == 0)
		d = strcmp(a->node_id, b->node_id);
	return d ? d : strcmp(a->ssid, b->ssid);
}

/* @param at  where it is, or would be */
static bool find(const struct ncm_feed *f, const struct key *key, size_t *at)
{
	size_t low = 0;
	size_t high = f->counters.kept;

	while (low < high) {
		const size_t mid = low + (high - low) / 2;
		const int d = compare(&f->list[mid]->key, key);

		if (d == 0) {
			*at = mid;
			return true;
		}
		if (d < 0)
			low = mid + 1;
		else
			high = mid;
	}
	*at = low;
	return false;
}

static void drop(struct ncm_feed *f, size_t at)
{
	free(f->list[at]);
	f->counters.kept--;
	memmove(f->list + at, f->list + at + 1, (f->counters.kept - at) * sizeof(*f->list));
}

static void make_room(struct ncm_feed *f)
{
	size_t first = 0;

	if (f->counters.kept < NCM_FEED_MAX)
		return;
	for (size_t i = 1; i < f->counters.kept; i++)
		if (mams_time_before(f->list[i]->expires, f->list[first]->expires))
			first = i;
	drop(f, first);
	f->counters.displaced++;
}

/* @param s  owned from now on */
static void put(struct ncm_feed *f, struct statement *s)
{
	size_t at;

	if (find(f, &s->key, &at))
		drop(f, at);
	if (s->said.valid_for == 0) {
		free(s);
		return;
	}
	make_room(f);
	(void)find(f, &s->key, &at);
	memmove(f->list + at + 1, f->list + at, (f->counters.kept - at) * sizeof(*f->list));
	f->list[at] = s;
	f->counters.kept++;
}

/* ---- a post ---- */

static bool is_access(const struct ncm_policy *p, const char *name)
{
	for (size_t i = 0; i < p->n_accesses; i++)
		if (strcmp(p->accesses[i].name, name) == 0)
			return true;
	return false;
}

static bool says_something(const struct ctl_statement *s)
{
	return s->has_load_percent || s->has_fading_within || s->maintenance || s->has_rate_kbps ||
	       s->has_delay_ms || s->valid_for == 0;
}

static int check(const struct ncm_feed *f, const struct ctl_statement *s, size_t i, int64_t wall,
	struct mams_error *err)
{
	const struct ctl_window *w = s->maintenance;
	char where[64];

	snprintf(where, sizeof(where), "network.statements[%zu]", i);
	if (!says_something(s))
		return mams_fail(err, MAMS_EMISSING, where,
			"says nothing: load_percent, fading_within, maintenance, rate_kbps or "
			"delay_ms is wanted");
	if (!is_access(f->policy, s->access)) {
		snprintf(where, sizeof(where), "network.statements[%zu].access", i);
		return mams_fail(err, MAMS_EVALUE, where, "no access section is called \"%.40s\"",
			s->access);
	}
	snprintf(where, sizeof(where), "network.statements[%zu].maintenance.until", i);
	if (w && w->until <= w->from)
		return mams_fail(err, MAMS_EVALUE, where, "%llu is not after from, %llu",
			(unsigned long long)w->until, (unsigned long long)w->from);
	if (w && (int64_t)w->until <= wall)
		return mams_fail(err, MAMS_EVALUE, where,
			"%llu is over: seconds since 1970 are %lld here",
			(unsigned long long)w->until, (long long)wall);
	return 0;
}

static const char *put_text(char **end, const char *text)
{
	const size_t n = text ? strlen(text) : 0;
	char *at = *end;

	memcpy(at, text ? text : "", n + 1);
	*end += n + 1;
	return at;
}

static struct statement *statement_new(
	const struct ctl_statement *said, const char *feeder, mams_time now, int64_t wall)
{
	const size_t n = strlen(said->access) + strlen(feeder) + 4 +
			 (said->node_id ? strlen(said->node_id) : 0) +
			 (said->ssid ? strlen(said->ssid) : 0);
	struct statement *s = calloc(1, sizeof(*s) + n);
	char *end = s ? s->text : NULL;

	if (!s)
		return NULL;
	s->said = *said;
	s->said.maintenance = NULL;
	s->key.access = put_text(&end, said->access);
	s->key.node_id = put_text(&end, said->node_id);
	s->key.ssid = put_text(&end, said->ssid);
	s->said.feeder = put_text(&end, feeder);
	s->at = now;
	s->expires = mams_time_add_ms(now, said->valid_for * INT64_C(1000));
	s->fades = s->leave = s->return_ = MAMS_TIME_NEVER;
	if (said->has_fading_within)
		s->fades = mams_time_add_ms(
			now, said->fading_within * INT64_C(1000) - NCM_FEED_FADING_MS);
	if (said->maintenance) {
		const struct ctl_window *w = said->maintenance;

		s->maintenance = *w;
		s->leave =
			mams_time_add_ms(now, ((int64_t)w->from - wall) * 1000 - NCM_FEED_LEAVE_MS);
		s->return_ = mams_time_add_ms(now, ((int64_t)w->until - wall) * 1000);
	}
	return s;
}

/* After this nothing can fail. */
static int make(struct statement **out, const struct ctl_network *said, const char *feeder,
	mams_time now, int64_t wall)
{
	for (size_t i = 0; i < said->n_statements; i++) {
		out[i] = statement_new(&said->statements[i], feeder, now, wall);
		if (out[i])
			continue;
		while (i > 0)
			free(out[--i]);
		return -ENOMEM;
	}
	return 0;
}

static int take(struct ncm_feed *f, const char *feeder, const struct ctl_network *said,
	mams_time now, int64_t wall, struct mams_error *err)
{
	struct statement **made;
	int rc = 0;

	for (size_t i = 0; i < said->n_statements && rc == 0; i++)
		rc = check(f, &said->statements[i], i, wall, err);
	if (rc < 0)
		return rc;
	made = calloc(said->n_statements + 1, sizeof(struct statement *));
	rc = made ? make(made, said, feeder, now, wall) : -ENOMEM;
	for (size_t i = 0; i < said->n_statements && rc == 0; i++)
		put(f, made[i]);
	free(made);
	return rc;
}

int ncm_feed_take(struct ncm_feed *f, const char *feeder, const char *text, size_t len,
	mams_time now, int64_t wall, struct mams_error *err)
{
	struct ctl_msg *m = NULL;
	int rc = ctl_network_read(text, len, &m, err);

	if (rc == 0) {
		ncm_feed_tick(f, now);
		rc = take(f, feeder, &m->network, now, wall, err);
	}
	ctl_msg_free(m);
	if (rc == 0)
		f->counters.posts++;
	else
		f->counters.refused++;
	return rc;
}

/* ---- what is in force ---- */

static bool is_between(mams_time from, mams_time now, mams_time until)
{
	return !mams_time_before(now, from) && mams_time_before(now, until);
}

static void add(const struct statement *s, mams_time now, struct ncm_forecast *out)
{
	if (s->said.has_load_percent && !out->has_load) {
		out->has_load = true;
		out->load = s->said.load_percent;
	}
	if (s->said.has_rate_kbps && !out->has_rate) {
		out->has_rate = true;
		out->rate_kbps = s->said.rate_kbps;
	}
	if (s->said.has_delay_ms && !out->has_delay) {
		out->has_delay = true;
		out->delay_ms = s->said.delay_ms;
	}
	out->until = mams_time_min(out->until, s->expires);
	out->fading |= is_between(s->fades, now, s->expires);
	out->maintenance |= is_between(s->leave, now, s->return_);
}

bool ncm_feed_look(const struct ncm_feed *f, const char *access, const char *node_id,
	const char *ssid, mams_time now, struct ncm_forecast *out)
{
	const char *const nodes[] = {node_id ? node_id : "", ""};
	const char *const nets[] = {ssid ? ssid : "", ""};
	bool any = false;

	*out = (struct ncm_forecast){.until = MAMS_TIME_NEVER};
	for (size_t i = nodes[0][0] == '\0'; i < 2; i++)
		for (size_t k = nets[0][0] == '\0'; k < 2; k++) {
			const struct key key = {access, nodes[i], nets[k]};
			size_t at;

			if (!find(f, &key, &at) || !mams_time_before(now, f->list[at]->expires))
				continue;
			add(f->list[at], now, out);
			any = true;
		}
	return any;
}

void ncm_feed_tick(struct ncm_feed *f, mams_time now)
{
	size_t n = 0;

	for (size_t i = 0; i < f->counters.kept; i++)
		if (mams_time_before(now, f->list[i]->expires))
			f->list[n++] = f->list[i];
		else
			free(f->list[i]);
	f->counters.kept = n;
}

static mams_time sooner(mams_time a, mams_time b, mams_time now)
{
	return mams_time_before(now, b) ? mams_time_min(a, b) : a;
}

mams_time ncm_feed_deadline(const struct ncm_feed *f, mams_time now)
{
	mams_time t = MAMS_TIME_NEVER;

	for (size_t i = 0; i < f->counters.kept; i++) {
		const struct statement *s = f->list[i];

		t = sooner(t, s->expires, now);
		t = sooner(t, s->fades, now);
		t = sooner(t, s->leave, now);
		t = sooner(t, s->return_, now);
	}
	return t;
}

static struct ctl_statement tell(struct ctl_msg *m, const struct statement *s, mams_time now)
{
	struct ctl_statement out = s->said;

	out.access = ctl_strdup(m, s->key.access);
	out.node_id = s->key.node_id[0] ? ctl_strdup(m, s->key.node_id) : NULL;
	out.ssid = s->key.ssid[0] ? ctl_strdup(m, s->key.ssid) : NULL;
	out.feeder = ctl_strdup(m, s->said.feeder);
	out.has_age = true;
	out.age = (uint32_t)(mams_time_ms_until(s->at, now) / 1000);
	if (s->maintenance.until) {
		out.maintenance = ctl_alloc(m, sizeof(*out.maintenance));
		if (out.maintenance)
			*out.maintenance = s->maintenance;
	}
	return out;
}

struct ctl_msg *ncm_feed_tell(
	const struct ncm_feed *f, uint32_t id, size_t skip, size_t most, mams_time now)
{
	struct ctl_msg *m = ctl_msg_new(CTL_NETWORK, id);
	struct ctl_network *n = m ? &m->network : NULL;
	size_t room = f->counters.kept < most ? f->counters.kept : most;

	if (!m)
		return NULL;
	n->statements = ctl_alloc(m, (room + 1) * sizeof(*n->statements));
	if (!n->statements) {
		ctl_msg_free(m);
		return NULL;
	}
	for (size_t i = 0; i < f->counters.kept; i++) {
		if (!mams_time_before(now, f->list[i]->expires))
			continue;
		if (skip > 0) {
			skip--;
		} else if (n->n_statements < room) {
			n->statements[n->n_statements++] = tell(m, f->list[i], now);
		} else {
			n->has_more = n->more = true;
			break;
		}
	}
	return m;
}

/* ---- life ---- */

struct ncm_feed *ncm_feed_new(const struct ncm_policy *p)
{
	struct ncm_feed *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->policy = p;
	f->list = calloc(NCM_FEED_MAX, sizeof(struct statement *));
	if (!f->list) {
		free(f);
		return NULL;
	}
	return f;
}

void ncm_feed_free(struct ncm_feed *f)
{
	if (!f)
		return;
	while (f->counters.kept > 0)
		free(f->list[--f->counters.kept]);
	free(f->list);
	free(f);
}

const void *ncm_feed_counters(const struct ncm_feed *f)
{
	return &f->counters;
}
