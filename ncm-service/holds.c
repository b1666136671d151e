#include "ncm-service/holds.h"

#include "lib/base/buf.h"

#include <sys/queue.h>
#include <uthash.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ASKED_MAX 256u /* of one instance at a time: what its connection can queue */

TAILQ_HEAD(queue, record);

struct client {
	char *name;
	struct record *first;
	UT_hash_handle hh;
};

struct record {
	struct ncm_hold x; /* client: its name there */
	struct client *of;
	struct record *next;       /* of this client */
	TAILQ_ENTRY(record) queue; /* of what is NEW, DUE or ASKED */
};

struct ncm_holds {
	const struct ncm_policy *policy;
	struct client *clients;
	size_t n, limit;
	struct queue fresh;
	struct {
		struct queue due, asked;
		size_t n, n_asked;
	} at[NCM_MADPS_MAX];
};

struct ncm_holds *ncm_holds_new(const struct ncm_policy *p, size_t limit)
{
	struct ncm_holds *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->policy = p;
	h->limit = limit;
	TAILQ_INIT(&h->fresh);
	for (size_t i = 0; i < NCM_MADPS_MAX; i++) {
		TAILQ_INIT(&h->at[i].due);
		TAILQ_INIT(&h->at[i].asked);
	}
	return h;
}

/* ---- records ---- */

static struct queue *queue_of(struct ncm_holds *h, const struct record *r)
{
	switch (r->x.state) {
	case NCM_HOLD_NEW:
		return &h->fresh;
	case NCM_HOLD_KEPT:
		break;
	case NCM_HOLD_DUE:
		return &h->at[r->x.madp].due;
	case NCM_HOLD_ASKED:
		return &h->at[r->x.madp].asked;
	}
	return NULL;
}

static void become(struct ncm_holds *h, struct record *r, enum ncm_hold_state state)
{
	struct queue *q = queue_of(h, r);

	if (q)
		TAILQ_REMOVE(q, r, queue);
	h->at[r->x.madp].n_asked -= r->x.state == NCM_HOLD_ASKED;
	r->x.state = state;
	h->at[r->x.madp].n_asked += state == NCM_HOLD_ASKED;
	q = queue_of(h, r);
	if (q)
		TAILQ_INSERT_TAIL(q, r, queue);
}

static struct client *find_client(const struct ncm_holds *h, const char *name)
{
	struct client *c;

	HASH_FIND_STR(h->clients, name, c);
	return c;
}

static struct record *find(
	const struct ncm_holds *h, const char *client, uint64_t session_id, size_t madp)
{
	struct client *c = find_client(h, client);
	struct record *r = c ? c->first : NULL;

	while (r && (r->x.session_id != session_id || r->x.madp != madp))
		r = r->next;
	return r;
}

static struct client *enter_client(struct ncm_holds *h, const char *name)
{
	struct client *c = find_client(h, name);

	if (c)
		return c;
	c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	c->name = strdup(name);
	if (!c->name) {
		free(c);
		return NULL;
	}
	HASH_ADD_KEYPTR(hh, h->clients, c->name, strlen(c->name), c);
	return c;
}

static void drop_client(struct ncm_holds *h, struct client *c)
{
	HASH_DEL(h->clients, c);
	free(c->name);
	free(c);
}

static int enter(struct ncm_holds *h, const struct ncm_hold *x)
{
	struct client *c;
	struct record *r;

	if (h->n >= h->limit)
		return -MAMS_ELIMIT;
	c = enter_client(h, x->client);
	r = c ? calloc(1, sizeof(*r)) : NULL;
	if (!r) {
		if (c && !c->first)
			drop_client(h, c);
		return -ENOMEM;
	}
	r->x = *x;
	r->x.state = NCM_HOLD_KEPT;
	r->x.client = c->name;
	r->of = c;
	r->next = c->first;
	c->first = r;
	h->n++;
	h->at[r->x.madp].n++;
	become(h, r, x->state);
	return 0;
}

static void drop(struct ncm_holds *h, struct record *r)
{
	struct client *c = r->of;
	struct record **at = &c->first;

	become(h, r, NCM_HOLD_KEPT);
	while (*at != r)
		at = &(*at)->next;
	*at = r->next;
	h->at[r->x.madp].n--;
	free(r);
	h->n--;
	if (!c->first)
		drop_client(h, c);
}

void ncm_holds_free(struct ncm_holds *h)
{
	if (!h)
		return;
	while (h->clients)
		ncm_holds_forget(h, h->clients->name);
	free(h);
}

/* ---- what is held ---- */

int ncm_holds_add(struct ncm_holds *h, const char *client, uint64_t session_id, size_t madp)
{
	struct record *r = find(h, client, session_id, madp);

	if (!r)
		return enter(h, &(struct ncm_hold){.client = client,
					.session_id = session_id,
					.madp = madp,
					.state = NCM_HOLD_NEW});
	if (r->x.state == NCM_HOLD_DUE || r->x.state == NCM_HOLD_ASKED)
		become(h, r, NCM_HOLD_KEPT); /* it is told of the client after that */
	return r->x.state == NCM_HOLD_KEPT;
}

const struct ncm_hold *ncm_holds_stored(struct ncm_holds *h)
{
	struct record *r = TAILQ_FIRST(&h->fresh);

	if (!r)
		return NULL;
	become(h, r, NCM_HOLD_KEPT);
	return &r->x;
}

int ncm_holds_release(struct ncm_holds *h, const char *client, uint64_t session_id, size_t madp)
{
	struct record *r = find(h, client, session_id, madp);

	if (!r)
		return enter(h, &(struct ncm_hold){.client = client,
					.session_id = session_id,
					.madp = madp,
					.state = NCM_HOLD_DUE});
	if (r->x.state != NCM_HOLD_ASKED)
		become(h, r, NCM_HOLD_DUE);
	return 1;
}

void ncm_holds_review(struct ncm_holds *h, const char *client,
	bool (*lives)(void *user, const struct ncm_hold *x), void *user)
{
	struct client *c = find_client(h, client);

	for (struct record *r = c ? c->first : NULL; r; r = r->next)
		if ((r->x.state == NCM_HOLD_NEW || r->x.state == NCM_HOLD_KEPT) &&
			!lives(user, &r->x))
			become(h, r, NCM_HOLD_DUE);
}

void ncm_holds_forget(struct ncm_holds *h, const char *client)
{
	struct client *c = find_client(h, client);
	struct record *next;

	for (struct record *r = c ? c->first : NULL; r; r = next) {
		next = r->next;
		drop(h, r); /* with the last one goes the client, whose name this may be */
	}
}

/* ---- what is to be told ---- */

const struct ncm_hold *ncm_holds_due(const struct ncm_holds *h, size_t madp)
{
	const struct record *r = TAILQ_FIRST(&h->at[madp].due);

	return r && h->at[madp].n_asked < ASKED_MAX ? &r->x : NULL;
}

void ncm_holds_asked(struct ncm_holds *h, const struct ncm_hold *x, uint32_t request)
{
	struct record *r = find(h, x->client, x->session_id, x->madp);

	if (!r)
		return;
	become(h, r, NCM_HOLD_ASKED);
	r->x.request = request;
}

bool ncm_holds_answered(
	struct ncm_holds *h, size_t madp, uint32_t request, char *client, size_t size)
{
	struct record *r;

	/* answers come in the order of the questions */
	TAILQ_FOREACH(r, &h->at[madp].asked, queue)
	if (r->x.request == request)
		break;
	if (!r)
		return false;
	snprintf(client, size, "%s", r->x.client);
	drop(h, r);
	return true;
}

void ncm_holds_lost(struct ncm_holds *h, size_t madp)
{
	struct record *r;

	while ((r = TAILQ_FIRST(&h->at[madp].asked)) != NULL)
		become(h, r, NCM_HOLD_DUE);
}

/* ---- the store's text ---- */

void ncm_holds_write(const struct ncm_holds *h, const char *client, struct mams_buf *out)
{
	const struct client *c = find_client(h, client);

	mams_buf_add(out, "", 0);
	for (const struct record *r = c ? c->first : NULL; r; r = r->next)
		mams_buf_printf(
			out, "%" PRIu64 " %s\n", r->x.session_id, h->policy->madps[r->x.madp].name);
}

static size_t index_of(const struct ncm_policy *p, const char *name, size_t len)
{
	size_t i = 0;

	while (i < p->n_madps &&
		(strlen(p->madps[i].name) != len || memcmp(p->madps[i].name, name, len) != 0))
		i++;
	return i;
}

static bool read_line(struct ncm_holds *h, const char *client, const char *line, size_t len)
{
	struct ncm_hold x = {.client = client, .state = NCM_HOLD_KEPT};
	const char *name = memchr(line, ' ', len);

	for (const char *p = line; name && p < name; p++) {
		if (*p < '0' || *p > '9' || x.session_id > (UINT64_MAX - 9) / 10)
			return false;
		x.session_id = x.session_id * 10 + (uint64_t)(*p - '0');
	}
	if (!name)
		return false;
	name++;
	x.madp = index_of(h->policy, name, len - (size_t)(name - line));
	if (x.madp == h->policy->n_madps)
		return false;
	return find(h, client, x.session_id, x.madp) || enter(h, &x) == 0;
}

size_t ncm_holds_read(struct ncm_holds *h, const char *client, const char *text)
{
	size_t left_out = 0;

	while (*text) {
		size_t len = strcspn(text, "\n");

		left_out += !read_line(h, client, text, len);
		text += len + (text[len] == '\n');
	}
	return left_out;
}

void ncm_holds_each(
	const struct ncm_holds *h, void (*fn)(void *user, const char *client), void *user)
{
	for (const struct client *c = h->clients; c; c = c->hh.next)
		fn(user, c->name);
}

size_t ncm_holds_at(const struct ncm_holds *h, size_t madp)
{
	return h->at[madp].n;
}

size_t ncm_holds_count(const struct ncm_holds *h)
{
	return h->n;
}
