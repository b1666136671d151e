/** @file scene.h
 *  One client and one NCM, and all that goes over their wire.  Layer: tests. */
#pragma once

#include "tests/sim/world.h"

#define SCENE_SEEN_MAX 400

struct seen {
	bool from_ccm;
	enum mx_type type;
	uint32_t number;
	mams_time at;
	struct mx_msg *msg;
};

/* One client, and all that went over its wire. */
struct scene {
	struct world w;
	struct seen list[SCENE_SEEN_MAX];
	size_t n;
	uint32_t lost;      /* types that do not arrive, as bits */
	bool ncm_asks_lost; /* the NCM's Capability REQ does not arrive */
	bool ccm_asks_lost; /* the CCM's */
};

void scene_begin(struct scene *s);
void scene_finish(struct scene *s);
void scene_up(struct scene *s);
/** The first of a type at or after a place; NULL: none. */
const struct seen *scene_find(const struct scene *s, size_t from, enum mx_type type);
/** The same where nothing can go on without it. */
const struct seen *scene_the(const struct scene *s, size_t from, enum mx_type type);
struct ncm_session *scene_session(const struct scene *s);
unsigned scene_count(const struct scene *s, size_t from, enum mx_type type);
/** Are these types in this order on the wire, whatever lies between? */
bool scene_in_order(const struct scene *s, const enum mx_type *types, size_t n);
bool scene_has_feature(const struct mx_feature_info *f, size_t n, int name);
