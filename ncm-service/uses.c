#include "ncm-service/uses.h"

#include "lib/base/buf.h"

#include <uthash.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define SWEEP 2u /* old ones looked at for each that comes: they go as fast as they come */

struct client {
	char name[NCM_IDENTITY_MAX];
	struct ncm_used used[NCM_LINKS_MAX];
	UT_hash_handle hh; /* in the order of their coming */
};

struct ncm_uses {
	size_t limit;
	struct client *clients;
};

struct ncm_uses *ncm_uses_new(size_t limit)
{
	struct ncm_uses *u = calloc(1, sizeof(*u));

	if (u)
		u->limit = limit;
	return u;
}

static void drop(struct ncm_uses *u, struct client *c)
{
	HASH_DEL(u->clients, c);
	free(c);
}

void ncm_uses_free(struct ncm_uses *u)
{
	if (!u)
		return;
	while (u->clients)
		drop(u, u->clients);
	free(u);
}

size_t ncm_uses_count(const struct ncm_uses *u)
{
	return HASH_COUNT(u->clients);
}

uint64_t ncm_uses_until(const struct ncm_used used[NCM_LINKS_MAX])
{
	uint64_t until = 0;

	for (size_t i = 0; i < NCM_LINKS_MAX; i++)
		if (used[i].access[0] && used[i].octets && used[i].until > until)
			until = used[i].until;
	return until;
}

static struct ncm_used *place_of(struct ncm_used used[NCM_LINKS_MAX], const char *access)
{
	struct ncm_used *free_place = NULL;

	for (size_t i = 0; i < NCM_LINKS_MAX; i++) {
		if (strcmp(used[i].access, access) == 0)
			return &used[i];
		if (!used[i].access[0] && !free_place)
			free_place = &used[i];
	}
	return free_place;
}

void ncm_uses_join(struct ncm_used to[NCM_LINKS_MAX], const struct ncm_used from[NCM_LINKS_MAX])
{
	for (size_t i = 0; i < NCM_LINKS_MAX; i++) {
		struct ncm_used *t = from[i].access[0] ? place_of(to, from[i].access) : NULL;

		if (t && (from[i].until > t->until ||
				 (from[i].until == t->until && from[i].octets > t->octets)))
			*t = from[i];
	}
}

static struct client *find(struct ncm_uses *u, const char *name)
{
	struct client *c;

	HASH_FIND_STR(u->clients, name, c);
	return c;
}

static void sweep(struct ncm_uses *u, uint64_t wall)
{
	for (unsigned i = 0; i < SWEEP && u->clients; i++)
		if (ncm_uses_until(u->clients->used) <= wall)
			drop(u, u->clients);
}

void ncm_uses_keep(struct ncm_uses *u, const char *client,
	const struct ncm_used used[NCM_LINKS_MAX], uint64_t wall)
{
	struct client *old;
	struct client *c;

	sweep(u, wall);
	old = find(u, client);
	if (ncm_uses_until(used) <= wall)
		return;
	c = calloc(1, sizeof(*c));
	if (!c)
		return;
	snprintf(c->name, sizeof(c->name), "%s", client);
	memcpy(c->used, used, sizeof(c->used));
	if (old) {
		ncm_uses_join(c->used, old->used);
		drop(u, old);
	}
	if (u->clients && ncm_uses_count(u) >= u->limit)
		drop(u, u->clients);
	HASH_ADD_STR(u->clients, name, c);
}

void ncm_uses_take(struct ncm_uses *u, const char *client, struct ncm_used used[NCM_LINKS_MAX])
{
	struct client *c = find(u, client);

	if (!c)
		return;
	ncm_uses_join(used, c->used);
	drop(u, c);
}

void ncm_uses_write(const struct ncm_used used[NCM_LINKS_MAX], struct mams_buf *out)
{
	for (size_t i = 0; i < NCM_LINKS_MAX; i++)
		if (used[i].access[0] && used[i].octets)
			mams_buf_printf(out, "%" PRIu64 " %" PRIu64 " %s\n", used[i].octets,
				used[i].until, used[i].access);
}

static bool read_line(const char *line, size_t len, struct ncm_used *out)
{
	char text[2 * 20 + NCM_NAME_MAX + 3];
	int at = 0;

	*out = (struct ncm_used){0};
	if (len >= sizeof(text))
		return false;
	memcpy(text, line, len);
	text[len] = '\0';
	if (sscanf(text, "%" SCNu64 " %" SCNu64 " %n", &out->octets, &out->until, &at) != 2 ||
		at == 0 || !text[at] || strlen(text + at) >= sizeof(out->access))
		return false;
	memcpy(out->access, text + at, strlen(text + at));
	return true;
}

void ncm_uses_read(const char *text, struct ncm_used used[NCM_LINKS_MAX])
{
	size_t n = 0;

	memset(used, 0, NCM_LINKS_MAX * sizeof(*used));
	while (*text && n < NCM_LINKS_MAX) {
		const size_t len = strcspn(text, "\n");

		n += read_line(text, len, &used[n]);
		text += len + (text[len] == '\n');
	}
	if (n < NCM_LINKS_MAX)
		used[n] = (struct ncm_used){0};
}
