/* mamsctl policy replay, simulate: a decision log decided again, here, by the NCM's own core. */
#include "tools/mamsctl/mamsctl.h"

#include "lib/steer/conf.h"
#include "tools/mamsctl/policy_json.h"

#include <uthash.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN_MAX 20 /* differences that are printed; all are counted */

/* @return 0: done with this record; else the exit status of all */
typedef int (*record_fn)(void *user, const struct steer_record *r, size_t line);

static int take_line(
	const char *path, const char *text, size_t len, size_t n, record_fn take, void *user)
{
	struct mams_arena *arena = mams_arena_new();
	struct mams_error err = {0};
	struct steer_record r;
	int status = 1;

	if (!arena)
		complain("out of memory");
	else if (steer_record_read(text, len, arena, &r, &err) < 0)
		complain("%s:%zu: is no decision record: %s%s%s", path, n, err.where,
			err.where[0] ? ": " : "", err.text);
	else
		status = take(user, &r, n);
	mams_arena_free(arena);
	return status;
}

static int each_record(const char *path, record_fn take, void *user)
{
	FILE *f = fopen(path, "r");
	char *text = NULL;
	size_t size = 0;
	size_t n = 0;
	ssize_t len;
	int status = 0;

	if (!f) {
		complain("%s: %s", path, strerror(errno));
		return 1;
	}
	while (status == 0 && (len = getline(&text, &size, f)) >= 0) {
		n++;
		if (len > 1)
			status = take_line(path, text, (size_t)len, n, take, user);
	}
	free(text);
	fclose(f);
	return status;
}

/* ---- replay ---- */

struct replay {
	const char *path;
	bool json;
	size_t records, differ;
};

static int replay_one(void *user, const struct steer_record *r, size_t line)
{
	struct replay *p = user;
	char why[128];

	p->records++;
	if (steer_record_repeats(r, why, sizeof(why)))
		return 0;
	p->differ++;
	if (p->json)
		return policy_json_difference(&(struct policy_difference){.line = line,
			.client = r->client,
			.class_name = r->policy.name,
			.why = why});
	if (p->differ <= SHOWN_MAX)
		printf("%s:%zu: %s, class %s: %s\n", p->path, line, r->client, r->policy.name, why);
	return 0;
}

int policy_replay(const struct options *o, const char *path)
{
	struct replay p = {.path = path, .json = o->json};
	int status = each_record(path, replay_one, &p);

	if (status == 0 && o->json)
		status = policy_json_summary(
			&(struct policy_summary){.decisions = p.records, .different = p.differ});
	if (status)
		return status;
	if (!o->json)
		printf("%zu decisions, %zu identical, %zu different\n", p.records,
			p.records - p.differ, p.differ);
	return p.differ > 0;
}

/* ---- simulation ---- */

/* How a client's class would stand with the other policy. */
struct stand {
	char *key; /* client, class */
	bool told;
	uint64_t since_ms, at_ms; /* of the NCM's clock */
	uint8_t dl_mode, ul_mode, dl_first, ul_first;
	struct steer_share shares[STEER_LINKS_MAX];
	size_t n;
	UT_hash_handle hh;
};

struct simulation {
	const char *path;
	bool json;
	const struct steer_policy *policy;
	struct stand *stands;
	size_t records, without, differ, was, now;
};

static struct stand *stand_of(struct simulation *p, const struct steer_record *r)
{
	char key[300];
	struct stand *s;

	snprintf(key, sizeof(key), "%s\n%s", r->policy.name, r->client);
	HASH_FIND_STR(p->stands, key, s);
	if (s)
		return s;
	s = calloc(1, sizeof(*s));
	if (s)
		s->key = strdup(key);
	if (!s || !s->key) {
		free(s);
		return NULL;
	}
	HASH_ADD_KEYPTR(hh, p->stands, s->key, strlen(s->key), s);
	return s;
}

static struct steer_mark older(struct steer_mark m, uint64_t ms)
{
	m.ms = m.ms + ms < UINT32_MAX ? (uint32_t)(m.ms + ms) : UINT32_MAX;
	return m;
}

/* The world is the record's; what is in force is what this policy has put there. */
static void put_stand(const struct stand *s, const struct steer_record *r, struct steer_input *in)
{
	const uint64_t ago = r->at_ms > s->since_ms ? r->at_ms - s->since_ms : 0;
	const uint64_t passed = r->at_ms > s->at_ms ? r->at_ms - s->at_ms : 0;

	in->told = s->told;
	in->since_ms = ago < UINT32_MAX ? (uint32_t)ago : UINT32_MAX;
	in->dl_mode = s->dl_mode;
	in->ul_mode = s->ul_mode;
	in->dl_first = s->dl_first;
	in->ul_first = s->ul_first;
	for (size_t i = 0; i < in->n_links; i++)
		for (size_t k = 0; k < s->n; k++) {
			struct steer_link *l = &in->links[i];
			const struct steer_share *x = &s->shares[k];

			if (l->id != x->id)
				continue;
			l->dl_on = x->dl_on;
			l->ul_on = x->ul_on;
			l->dl_mark = older(x->dl_mark, passed);
			l->ul_mark = older(x->ul_mark, passed);
		}
}

static void keep_stand(
	struct stand *s, const struct steer_record *r, const struct steer_decision *d)
{
	if (d->what == STEER_APPLY) {
		s->told = true;
		s->since_ms = r->at_ms;
		s->dl_mode = d->dl_mode;
		s->ul_mode = d->ul_mode;
		s->dl_first = d->dl_first;
		s->ul_first = d->ul_first;
	}
	s->at_ms = r->at_ms;
	s->n = d->n_shares;
	memcpy(s->shares, d->shares, d->n_shares * sizeof(*d->shares));
}

static void put_names(const char *way, const char *const *names, size_t n)
{
	printf(" %s ", way);
	for (size_t i = 0; i < n; i++)
		printf("%s%s", i ? "," : "", names[i]);
}

static bool same_links(const struct steer_decision *a, const struct steer_decision *b)
{
	for (size_t i = 0; i < a->n_shares && i < b->n_shares; i++)
		if (a->shares[i].dl_on != b->shares[i].dl_on ||
			a->shares[i].ul_on != b->shares[i].ul_on)
			return false;
	return a->what == b->what;
}

static int show_difference(const struct simulation *p, const struct steer_record *r,
	const struct steer_decision *now, size_t line)
{
	struct policy_outcome was;
	struct policy_outcome would;

	policy_outcome_of(&r->input, &r->decision, &was);
	policy_outcome_of(&r->input, now, &would);
	if (p->json)
		return policy_json_difference(&(struct policy_difference){.line = line,
			.client = r->client,
			.class_name = r->policy.name,
			.was = &was,
			.would = &would});
	if (p->differ > SHOWN_MAX)
		return 0;
	printf("%s:%zu: %s, class %s: was %s", p->path, line, r->client, r->policy.name, was.what);
	put_names("DL", was.dl, was.n_dl);
	put_names("UL", was.ul, was.n_ul);
	printf("; would be %s", would.what);
	put_names("DL", would.dl, would.n_dl);
	put_names("UL", would.ul, would.n_ul);
	printf("\n");
	return 0;
}

static int simulate_one(void *user, const struct steer_record *r, size_t line)
{
	struct simulation *p = user;
	struct steer_share shares[STEER_LINKS_MAX];
	const struct steer_class *c = NULL;
	struct steer_input in = r->input;
	struct steer_decision now;
	struct stand *s;

	p->records++;
	p->was += r->decision.what == STEER_APPLY;
	for (size_t i = 0; i < p->policy->n_classes; i++)
		if (strcmp(p->policy->classes[i].name, r->policy.name) == 0)
			c = &p->policy->classes[i];
	if (!c) {
		p->without++;
		return 0;
	}
	s = stand_of(p, r);
	if (!s) {
		complain("out of memory");
		return 1;
	}
	if (s->n > 0)
		put_stand(s, r, &in);
	for (size_t i = 0; i < in.n_links; i++)
		steer_price_put(steer_policy_price(p->policy, in.links[i].access), &in.links[i]);
	steer_decide(c, &in, shares, &now);
	keep_stand(s, r, &now);
	p->now += now.what == STEER_APPLY;
	if (same_links(&r->decision, &now))
		return 0;
	p->differ++;
	return show_difference(p, r, &now, line);
}

static void free_stands(struct simulation *p)
{
	struct stand *s;
	struct stand *next;

	HASH_ITER(hh, p->stands, s, next)
	{
		HASH_DEL(p->stands, s);
		free(s->key);
		free(s);
	}
}

int policy_simulate(const struct options *o, const char *policy_file, const char *path)
{
	struct steer_policy policy;
	struct mams_error err = {0};
	struct simulation p = {.path = path, .json = o->json, .policy = &policy};
	int status;

	if (steer_policy_load(policy_file, &policy, &err) < 0) {
		complain("%s: %s", err.where, err.text);
		return 1;
	}
	status = each_record(path, simulate_one, &p);
	if (status == 0 && o->json)
		status = policy_json_summary(&(struct policy_summary){.decisions = p.records,
			.different = p.differ,
			.simulated = true,
			.without_class = p.without,
			.changes_recorded = p.was,
			.changes_simulated = p.now});
	else if (status == 0)
		printf("%zu decisions, %zu different, %zu of classes that %s does not have; "
		       "changes: %zu recorded, %zu simulated\n",
			p.records, p.differ, p.without, policy_file, p.was, p.now);
	free_stands(&p);
	steer_policy_free(&policy);
	return status;
}
