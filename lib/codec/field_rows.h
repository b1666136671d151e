/** @file field_rows.h
 *  Short forms for rows of struct mams_field.  Layer: codec (pure).
 *  S is the struct, m the member, k the JSON key.  OPT_ forms use the member has_<m> for presence.
 */
#pragma once

#include "lib/codec/field.h"

#define ROW_INT(K, S, m, k, lo, hi, d)                                                             \
	{                                                                                          \
		.key = (k), .kind = MAMS_K_##K, .flags = MAMS_F_LAX,                               \
		.offset = offsetof(struct S, m), .min = (lo), .max = (hi), .doc = (d)              \
	}
#define ROW_OPT_INT(K, S, m, k, lo, hi, d)                                                         \
	{                                                                                          \
		.key = (k), .kind = MAMS_K_##K, .flags = MAMS_F_LAX | MAMS_F_OPTIONAL,             \
		.offset = offsetof(struct S, m), .has_offset = offsetof(struct S, has_##m),        \
		.min = (lo), .max = (hi), .doc = (d)                                               \
	}
#define ROW_BOOL(S, m, k, d)                                                                       \
	{                                                                                          \
		.key = (k), .kind = MAMS_K_BOOL, .flags = MAMS_F_LAX,                              \
		.offset = offsetof(struct S, m), .doc = (d)                                        \
	}
#define ROW_OPT_BOOL(S, m, k, d)                                                                   \
	{                                                                                          \
		.key = (k), .kind = MAMS_K_BOOL, .flags = MAMS_F_LAX | MAMS_F_OPTIONAL,            \
		.offset = offsetof(struct S, m), .has_offset = offsetof(struct S, has_##m),        \
		.doc = (d)                                                                         \
	}
#define ROW_YESNO(S, m, k, d)                                                                      \
	{                                                                                          \
		.key = (k), .kind = MAMS_K_YESNO, .flags = MAMS_F_LAX,                             \
		.offset = offsetof(struct S, m), .doc = (d)                                        \
	}
#define ROW_STR(S, m, k, f, maxlen, d)                                                             \
	{                                                                                          \
		.key = (k), .kind = MAMS_K_STRING, .flags = (f), .offset = offsetof(struct S, m),  \
		.max = (maxlen), .doc = (d)                                                        \
	}
#define ROW_ENUM(S, m, k, n, d)                                                                    \
	{                                                                                          \
		.key = (k), .kind = MAMS_K_ENUM, .flags = MAMS_F_LAX,                              \
		.offset = offsetof(struct S, m), .names = (n), .doc = (d)                          \
	}
#define ROW_OPT_ENUM(S, m, k, n, d)                                                                \
	{                                                                                          \
		.key = (k), .kind = MAMS_K_ENUM, .flags = MAMS_F_LAX | MAMS_F_OPTIONAL,            \
		.offset = offsetof(struct S, m), .has_offset = offsetof(struct S, has_##m),        \
		.names = (n), .doc = (d)                                                           \
	}
#define ROW_ADDR(S, m, k, f, d)                                                                    \
	{                                                                                          \
		.key = (k), .kind = MAMS_K_ADDR, .flags = (f), .offset = offsetof(struct S, m),    \
		.doc = (d)                                                                         \
	}
/* an embedded object */
#define ROW_OBJ(S, m, k, t, d)                                                                     \
	{                                                                                          \
		.key = (k), .kind = MAMS_K_OBJECT, .offset = offsetof(struct S, m), .table = (t),  \
		.doc = (d)                                                                         \
	}
/* a pointer to an object, NULL when absent */
#define ROW_OPT_OBJ(S, m, k, t, d)                                                                 \
	{                                                                                          \
		.key = (k), .kind = MAMS_K_OBJECT, .flags = MAMS_F_OPTIONAL,                       \
		.offset = offsetof(struct S, m), .table = (t), .doc = (d)                          \
	}
/* a list of objects with its count in n_<m> */
#define ROW_LIST(S, m, k, f, t, lo, hi, d)                                                         \
	{                                                                                          \
		.key = (k), .kind = MAMS_K_LIST, .flags = (f), .offset = offsetof(struct S, m),    \
		.count_offset = offsetof(struct S, n_##m), .item_kind = MAMS_K_OBJECT,             \
		.table = (t), .min = (lo), .max = (hi), .doc = (d)                                 \
	}
/* a list of scalars of kind K */
#define ROW_SCALARS(S, m, k, f, K, lo, hi, d)                                                      \
	{                                                                                          \
		.key = (k), .kind = MAMS_K_LIST, .flags = (f), .offset = offsetof(struct S, m),    \
		.count_offset = offsetof(struct S, n_##m), .item_kind = MAMS_K_##K, .min = (lo),   \
		.max = (hi), .doc = (d)                                                            \
	}
#define TABLE(var, S, label, rows)                                                                 \
	const struct mams_table var = {.name = (label),                                            \
		.size = sizeof(struct S),                                                          \
		.fields = (rows),                                                                  \
		.n = MAMS_ARRAY_LEN(rows)}
