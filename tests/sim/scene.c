#include "tests/sim/scene.h"

#include <stdio.h>
#include <string.h>

static bool tap(void *user, bool from_ccm, const struct mx_msg *m)
{
	struct scene *s = user;

	if (s->n < SCENE_SEEN_MAX)
		s->list[s->n++] =
			(struct seen){from_ccm, m->type, m->sequence_num, s->w.now, mx_msg_copy(m)};
	if (m->type == MX_CAPABILITY_REQ && (from_ccm ? s->ccm_asks_lost : s->ncm_asks_lost))
		return false;
	return !(s->lost & 1u << m->type);
}

void scene_begin(struct scene *s)
{
	*s = (struct scene){0};
	world_init(&s->w, 8743, 1);
	s->w.tap = tap;
	s->w.tap_user = s;
}

void scene_finish(struct scene *s)
{
	for (size_t i = 0; i < s->n; i++)
		mx_msg_free(s->list[i].msg);
	world_fini(&s->w);
}

void scene_up(struct scene *s)
{
	world_link(&s->w, s->w.clients, 0, true, "10.1.1.2");
	world_link(&s->w, s->w.clients, 1, true, "10.1.129.2");
	world_run(&s->w, 1500);
}

/* The first of a type at or after a place; NULL: none. */
const struct seen *scene_find(const struct scene *s, size_t from, enum mx_type type)
{
	for (size_t i = from; i < s->n; i++)
		if (s->list[i].type == type)
			return &s->list[i];
	return NULL;
}

/* The same where nothing can go on without it. */
const struct seen *scene_the(const struct scene *s, size_t from, enum mx_type type)
{
	const struct seen *m = scene_find(s, from, type);

	CU_ASSERT_PTR_NOT_NULL_FATAL(m);
	return m;
}

struct ncm_session *scene_session(const struct scene *s)
{
	struct ncm_session *n = world_session(&s->w, s->w.clients);

	CU_ASSERT_PTR_NOT_NULL_FATAL(n);
	return n;
}

unsigned scene_count(const struct scene *s, size_t from, enum mx_type type)
{
	unsigned n = 0;

	for (size_t i = from; i < s->n; i++)
		n += s->list[i].type == type;
	return n;
}

/* Are these types in this order on the wire, whatever lies between? */
bool scene_in_order(const struct scene *s, const enum mx_type *types, size_t n)
{
	const struct seen *at = s->list;

	for (size_t i = 0; i < n; i++) {
		at = scene_find(s, (size_t)(at - s->list), types[i]);
		if (!at) {
			printf("%s is missing\n", mx_type_name(types[i]));
			return false;
		}
		at++;
	}
	return true;
}

bool scene_has_feature(const struct mx_feature_info *f, size_t n, int name)
{
	for (size_t i = 0; i < n; i++)
		if (f[i].feature_name == name)
			return f[i].active;
	return false;
}
