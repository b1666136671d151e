/* C struct -> JSON tree -> text, and deep equality, driven by the same rows as the decoder. */
#include "lib/codec/field.h"
#include "lib/codec/json.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <strings.h>

#define MASK "***"
#define MAX_WHOLE 9007199254740992.0 /* 2^53 */

/* Whole numbers without a fraction: C.3 has integers where a number is what is meant. */
static json_t *number_to_json(double v)
{
	if (!isfinite(v))
		return NULL;
	if (fabs(v) < MAX_WHOLE && v == (double)(json_int_t)v)
		return json_integer((json_int_t)v);
	return json_real(v);
}

static json_t *struct_to_json(
	const struct mams_table *t, const char *base, unsigned flags, struct mams_error *err);

static bool is_present(const struct mams_field *f, const char *base)
{
	const void *member = base + f->offset;

	if (f->flags & MAMS_F_INPUT)
		return false;
	if (!(f->flags & MAMS_F_OPTIONAL))
		return true;
	if (mams_field_has_flag(f))
		return *(const bool *)(base + f->has_offset);
	if (f->kind == MAMS_K_ADDR)
		return mams_addr_is_set(member);
	return *(void *const *)member != NULL;
}

static int64_t load_integer(enum mams_kind kind, const void *p)
{
	if (kind == MAMS_K_U8)
		return *(const uint8_t *)p;
	if (kind == MAMS_K_U16)
		return *(const uint16_t *)p;
	if (kind == MAMS_K_U32)
		return *(const uint32_t *)p;
	return *(const int64_t *)p;
}

static json_t *string_to_json(const struct mams_field *f, const char *s, unsigned flags)
{
	size_t max = f->kind == MAMS_K_STRING && f->max > 0 ? (size_t)f->max : 255;

	if ((f->flags & MAMS_F_SECRET) && (flags & MAMS_ENC_MASK))
		return json_string(MASK);
	return s && strlen(s) <= max ? json_string(s) : NULL;
}

static json_t *enum_to_json(const struct mams_field *f, int value)
{
	for (const struct mams_enum_name *e = f->names; e->name; e++) {
		if (e->value == value && !e->alias)
			return json_string(e->name);
	}
	return NULL;
}

static json_t *integer_to_json(const struct mams_field *f, enum mams_kind kind, const void *p)
{
	int64_t v = load_integer(kind, p);
	bool ranged = kind == f->kind && (f->min != 0 || f->max != 0);

	if (ranged && (v < f->min || v > f->max))
		return NULL;
	return json_integer(v);
}

static json_t *value_to_json(const struct mams_field *f, enum mams_kind kind, const void *p,
	unsigned flags, struct mams_error *err)
{
	char text[MAMS_ADDR_STRLEN];

	switch (kind) {
	case MAMS_K_BOOL:
		return json_boolean(*(const bool *)p);
	case MAMS_K_YESNO:
		return json_string(*(const bool *)p ? "yes" : "no");
	case MAMS_K_U8:
	case MAMS_K_U16:
	case MAMS_K_U32:
	case MAMS_K_U64:
	case MAMS_K_I64:
		return integer_to_json(f, kind, p);
	case MAMS_K_NUMBER:
		return number_to_json(*(const double *)p);
	case MAMS_K_STRING:
		return string_to_json(f, *(const char *const *)p, flags);
	case MAMS_K_ENUM:
		return enum_to_json(f, *(const int *)p);
	case MAMS_K_ADDR:
		return mams_addr_is_set(p) ? json_string(mams_addr_str(p, text)) : NULL;
	case MAMS_K_OBJECT:
		return struct_to_json(f->table, p, flags, err);
	case MAMS_K_LIST:
		break;
	}
	return NULL;
}

static json_t *list_to_json(
	const struct mams_field *f, const char *base, unsigned flags, struct mams_error *err)
{
	const char *items = *(const char *const *)(const void *)(base + f->offset);
	size_t n = *(const size_t *)(const void *)(base + f->count_offset);
	json_t *list = json_array();

	for (size_t i = 0; list && i < n; i++) {
		json_t *v = value_to_json(
			f, f->item_kind, items + i * mams_field_item_size(f), flags, err);

		if (!v || json_array_append_new(list, v) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static json_t *field_to_json(
	const struct mams_field *f, const char *base, unsigned flags, struct mams_error *err)
{
	const void *member = base + f->offset;

	if (f->kind == MAMS_K_LIST)
		return list_to_json(f, base, flags, err);
	if (f->kind == MAMS_K_OBJECT && (f->flags & MAMS_F_OPTIONAL))
		member = *(void *const *)member;
	return value_to_json(f, f->kind, member, flags, err);
}

static json_t *struct_to_json(
	const struct mams_table *t, const char *base, unsigned flags, struct mams_error *err)
{
	json_t *obj = json_object();

	for (size_t i = 0; obj && i < t->n; i++) {
		const struct mams_field *f = &t->fields[i];
		json_t *v;

		if (!is_present(f, base))
			continue;
		v = field_to_json(f, base, flags, err);
		if (!v && err && !err->text[0])
			(void)mams_fail(err, MAMS_EVALUE, f->key, "%s.%s cannot be written",
				t->name, f->key);
		if (!v || json_object_set_new(obj, f->key, v) < 0) {
			json_decref(obj);
			return NULL;
		}
	}
	return obj;
}

static int append(const char *text, size_t n, void *out)
{
	struct mams_buf *b = out;

	mams_buf_add(b, text, n);
	return b->failed ? -1 : 0;
}

int mams_field_encode(const struct mams_table *table, const void *in, unsigned flags,
	struct mams_buf *out, struct mams_error *err)
{
	return mams_field_encode_join(table, in, NULL, NULL, flags, out, err);
}

int mams_field_encode_join(const struct mams_table *a_table, const void *a,
	const struct mams_table *b_table, const void *b, unsigned flags, struct mams_buf *out,
	struct mams_error *err)
{
	size_t how = flags & MAMS_ENC_PRETTY ? JSON_INDENT(2) : JSON_COMPACT;
	json_t *obj;
	int rc;

	if (err)
		*err = (struct mams_error){0};
	obj = struct_to_json(a_table, a, flags, err);
	if (obj && b_table) {
		json_t *more = struct_to_json(b_table, b, flags, err);

		if (!more || json_object_update_new(obj, more) < 0) {
			json_decref(obj);
			obj = NULL;
		}
	}
	if (!obj)
		return -MAMS_EVALUE;
	rc = json_dump_callback(
		obj, append, out, how | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(17));
	json_decref(obj);
	return rc == 0 ? 0 : -ENOMEM;
}

static bool text_equal(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool value_equal(
	const struct mams_field *f, enum mams_kind kind, const void *a, const void *b)
{
	switch (kind) {
	case MAMS_K_BOOL:
	case MAMS_K_YESNO:
		return *(const bool *)a == *(const bool *)b;
	case MAMS_K_U8:
	case MAMS_K_U16:
	case MAMS_K_U32:
	case MAMS_K_U64:
	case MAMS_K_I64:
		return load_integer(kind, a) == load_integer(kind, b);
	case MAMS_K_NUMBER:
		return memcmp(a, b, sizeof(double)) == 0;
	case MAMS_K_STRING:
		return text_equal(*(const char *const *)a, *(const char *const *)b);
	case MAMS_K_ENUM:
		return *(const int *)a == *(const int *)b;
	case MAMS_K_ADDR:
		return mams_addr_eq_ip(a, b);
	case MAMS_K_OBJECT:
		return mams_field_equal(f->table, a, b);
	case MAMS_K_LIST:
		break;
	}
	return false;
}

static bool list_equal(const struct mams_field *f, const char *a, const char *b)
{
	const char *ai = *(const char *const *)(const void *)(a + f->offset);
	const char *bi = *(const char *const *)(const void *)(b + f->offset);
	size_t an = *(const size_t *)(const void *)(a + f->count_offset);
	size_t bn = *(const size_t *)(const void *)(b + f->count_offset);
	size_t item = mams_field_item_size(f);

	for (size_t i = 0; an == bn && i < an; i++) {
		if (!value_equal(f, f->item_kind, ai + i * item, bi + i * item))
			return false;
	}
	return an == bn;
}

static bool field_equal(const struct mams_field *f, const char *a, const char *b)
{
	const void *am = a + f->offset;
	const void *bm = b + f->offset;

	if (is_present(f, a) != is_present(f, b))
		return false;
	if (!is_present(f, a))
		return true;
	if (f->kind == MAMS_K_LIST)
		return list_equal(f, a, b);
	if (f->kind == MAMS_K_OBJECT && (f->flags & MAMS_F_OPTIONAL))
		return mams_field_equal(f->table, *(void *const *)am, *(void *const *)bm);
	return value_equal(f, f->kind, am, bm);
}

bool mams_field_equal(const struct mams_table *table, const void *a, const void *b)
{
	for (size_t i = 0; i < table->n; i++) {
		if (!field_equal(&table->fields[i], a, b))
			return false;
	}
	return true;
}

const char *mams_enum_str(const struct mams_enum_name *names, int value)
{
	for (; names->name; names++) {
		if (names->value == value && !names->alias)
			return names->name;
	}
	return "?";
}

int mams_enum_parse(const struct mams_enum_name *names, const char *text, int *out)
{
	for (; names->name; names++) {
		if (strcmp(names->name, text) == 0) {
			*out = names->value;
			return 0;
		}
	}
	return -MAMS_EUNKNOWN;
}
