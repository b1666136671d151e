/* JSON tree -> C struct, driven by rows.  One function per kind; the path of the element under work
 * is kept in the walk, so that an error can name it. */
#include "lib/codec/field.h"
#include "lib/codec/json.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define MAX_SAFE_INTEGER ((int64_t)1 << 53)

struct walk {
	struct mams_arena *arena;
	struct mams_decode_notes *notes;
	struct mams_error *err;
	char path[128];
};

static int fail(struct walk *w, int code, const char *fmt, ...) MAMS_PRINTF(3, 4);
static int decode_struct(struct walk *w, const struct mams_table *t, json_t *obj, void *out);

static int fail(struct walk *w, int code, const char *fmt, ...)
{
	char text[160];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return mams_fail(w->err, code, w->path, "%s", text);
}

/* Not as we would have written it. */
static void note(struct walk *w, bool variant)
{
	if (w->notes && variant)
		w->notes->variants++;
}

/* Append ".key" or "[i]" to the path; the old length lets the caller cut it off again. */
static size_t path_push(struct walk *w, const char *key, size_t index)
{
	size_t n = strlen(w->path);

	if (key)
		snprintf(w->path + n, sizeof(w->path) - n, n ? ".%s" : "%s", key);
	else
		snprintf(w->path + n, sizeof(w->path) - n, "[%zu]", index);
	return n;
}

static int lax_bool(const json_t *v, bool *out)
{
	static const struct {
		const char *text;
		bool value;
	} words[] = {{"true", true}, {"false", false}, {"yes", true}, {"no", false}, {"1", true},
		{"0", false}};
	const char *s = json_string_value(v);

	if (json_is_boolean(v)) {
		*out = json_is_true(v);
		return 0;
	}
	if (json_is_integer(v) && (json_integer_value(v) == 0 || json_integer_value(v) == 1)) {
		*out = json_integer_value(v) == 1;
		return 0;
	}
	for (size_t i = 0; s && i < MAMS_ARRAY_LEN(words); i++) {
		if (strcasecmp(s, words[i].text) == 0) {
			*out = words[i].value;
			return 0;
		}
	}
	return -MAMS_EPROTO;
}

static int decode_bool(struct walk *w, const struct mams_field *f, json_t *v, bool *out)
{
	const char *s = json_string_value(v);

	if (f->kind == MAMS_K_BOOL && json_is_boolean(v)) {
		*out = json_is_true(v);
		return 0;
	}
	if (f->kind == MAMS_K_YESNO && s && (strcmp(s, "yes") == 0 || strcmp(s, "no") == 0)) {
		*out = strcmp(s, "yes") == 0;
		return 0;
	}
	note(w, true);
	if ((f->flags & MAMS_F_LAX) && lax_bool(v, out) == 0)
		return 0;
	return fail(w, MAMS_EPROTO,
		f->kind == MAMS_K_BOOL ? "must be true or false" : "must be \"yes\" or \"no\"");
}

/* A decimal string or an integral float is an integer too where the row is lax. */
static int lax_integer(const json_t *v, int64_t *out)
{
	const char *s = json_string_value(v);
	char *end;

	if (json_is_real(v)) {
		double d = json_real_value(v);

		if (d != floor(d) || fabs(d) > (double)MAX_SAFE_INTEGER)
			return -MAMS_EVALUE;
		*out = (int64_t)d;
		return 0;
	}
	if (!s || !*s || strlen(s) > 17 || strspn(s[0] == '-' ? s + 1 : s, "0123456789") == 0)
		return -MAMS_EPROTO;
	*out = strtoll(s, &end, 10);
	return *end ? -MAMS_EPROTO : 0;
}

static int get_integer(struct walk *w, unsigned flags, const json_t *v, int64_t *out)
{
	if (json_is_integer(v)) {
		*out = json_integer_value(v);
		return 0;
	}
	note(w, true);
	if ((flags & MAMS_F_LAX) && lax_integer(v, out) == 0)
		return 0;
	return fail(w, MAMS_EPROTO, "must be an integer");
}

static int64_t kind_max(enum mams_kind kind)
{
	switch (kind) {
	case MAMS_K_U8:
		return UINT8_MAX;
	case MAMS_K_U16:
		return UINT16_MAX;
	case MAMS_K_U32:
		return UINT32_MAX;
	case MAMS_K_U64:
	case MAMS_K_I64:
	case MAMS_K_NUMBER:
	case MAMS_K_BOOL:
	case MAMS_K_YESNO:
	case MAMS_K_STRING:
	case MAMS_K_ENUM:
	case MAMS_K_ADDR:
	case MAMS_K_OBJECT:
	case MAMS_K_LIST:
		break;
	}
	return MAX_SAFE_INTEGER - 1;
}

static void store_integer(enum mams_kind kind, int64_t v, void *out)
{
	if (kind == MAMS_K_U8)
		*(uint8_t *)out = (uint8_t)v;
	else if (kind == MAMS_K_U16)
		*(uint16_t *)out = (uint16_t)v;
	else if (kind == MAMS_K_U32)
		*(uint32_t *)out = (uint32_t)v;
	else
		*(int64_t *)out = v;
}

static int decode_integer(
	struct walk *w, const struct mams_field *f, enum mams_kind kind, json_t *v, void *out)
{
	bool ranged = kind == f->kind && (f->min != 0 || f->max != 0);
	int64_t min = ranged ? f->min : kind == MAMS_K_I64 ? -MAX_SAFE_INTEGER + 1 : 0;
	int64_t max = ranged ? f->max : kind_max(kind);
	int64_t n = 0;
	int rc = get_integer(w, f->flags, v, &n);

	if (rc < 0)
		return rc;
	if (n < min || n > max)
		return fail(w, MAMS_EVALUE, "must be %lld..%lld, not %lld", (long long)min,
			(long long)max, (long long)n);
	store_integer(kind, n, out);
	return 0;
}

static int decode_number(struct walk *w, const struct mams_field *f, json_t *v, double *out)
{
	const char *s = json_string_value(v);
	char *end = NULL;

	if (json_is_number(v))
		*out = json_number_value(v);
	else if ((f->flags & MAMS_F_LAX) && s && *s && strlen(s) < 32)
		*out = strtod(s, &end);
	else
		return fail(w, MAMS_EPROTO, "must be a number");
	note(w, !json_is_number(v));
	if ((end && *end) || !isfinite(*out))
		return fail(w, MAMS_EPROTO, "must be a number");
	if ((f->min != 0 || f->max != 0) && (*out < (double)f->min || *out > (double)f->max))
		return fail(
			w, MAMS_EVALUE, "must be %lld..%lld", (long long)f->min, (long long)f->max);
	return 0;
}

static int decode_string(struct walk *w, const struct mams_field *f, json_t *v, const char **out)
{
	size_t max = f->kind == MAMS_K_STRING && f->max > 0 ? (size_t)f->max : 255;
	size_t n = json_string_length(v);

	if (!json_is_string(v))
		return fail(w, MAMS_EPROTO, "must be a string");
	if (n > max)
		return fail(w, MAMS_ELIMIT, "must have at most %zu octets", max);
	if (memchr(json_string_value(v), '\0', n))
		return fail(w, MAMS_EVALUE, "must not contain NUL");
	*out = mams_arena_strdup(w->arena, json_string_value(v));
	return *out ? 0 : -ENOMEM;
}

/* The name exactly, else in any case, else the number. */
static const struct mams_enum_name *find_name(const struct mams_field *f, const json_t *v)
{
	const char *s = json_string_value(v);

	for (const struct mams_enum_name *e = f->names; s && e->name; e++)
		if (strcmp(e->name, s) == 0)
			return e;
	for (const struct mams_enum_name *e = f->names; (f->flags & MAMS_F_LAX) && e->name; e++)
		if (s ? strcasecmp(e->name, s) == 0
		      : json_is_integer(v) && e->value == json_integer_value(v))
			return e;
	return NULL;
}

static int decode_enum(struct walk *w, const struct mams_field *f, json_t *v, int *out)
{
	const struct mams_enum_name *e = find_name(f, v);
	const char *s = json_string_value(v);

	if (e) {
		note(w, e->alias || !s || strcmp(e->name, s) != 0);
		*out = e->value;
		return 0;
	}
	if (!s)
		return fail(w, MAMS_EPROTO, "must be a name such as \"%s\"", f->names[0].name);
	return fail(w, MAMS_EVALUE, "unknown name \"%.40s\"", s);
}

static int decode_addr(struct walk *w, json_t *v, struct mams_addr *out)
{
	const char *s = json_string_value(v);

	if (!s)
		return fail(w, MAMS_EPROTO, "must be an address in a string");
	if (mams_addr_parse(s, out) < 0)
		return fail(w, MAMS_EVALUE, "\"%.40s\" is not an IPv4 or IPv6 address", s);
	return 0;
}

static int decode_object(struct walk *w, const struct mams_field *f, json_t *v, void *out)
{
	void *place = out;

	if (!json_is_object(v))
		return fail(w, MAMS_EPROTO, "must be an object");
	if (f->kind == MAMS_K_OBJECT && (f->flags & MAMS_F_OPTIONAL)) {
		place = mams_arena_alloc(w->arena, f->table->size);
		if (!place)
			return -ENOMEM;
		*(void **)out = place;
	}
	return decode_struct(w, f->table, v, place);
}

static int decode_value(
	struct walk *w, const struct mams_field *f, enum mams_kind kind, json_t *v, void *out);

size_t mams_field_item_size(const struct mams_field *f)
{
	switch (f->item_kind) {
	case MAMS_K_BOOL:
	case MAMS_K_YESNO:
		return sizeof(bool);
	case MAMS_K_U8:
		return sizeof(uint8_t);
	case MAMS_K_U16:
		return sizeof(uint16_t);
	case MAMS_K_U32:
		return sizeof(uint32_t);
	case MAMS_K_U64:
	case MAMS_K_I64:
		return sizeof(uint64_t);
	case MAMS_K_NUMBER:
		return sizeof(double);
	case MAMS_K_STRING:
		return sizeof(char *);
	case MAMS_K_ENUM:
		return sizeof(int);
	case MAMS_K_ADDR:
		return sizeof(struct mams_addr);
	case MAMS_K_OBJECT:
		return f->table->size;
	case MAMS_K_LIST:
		break;
	}
	return 0;
}

static int decode_list(struct walk *w, const struct mams_field *f, json_t *v, void *base, void *out)
{
	size_t item = mams_field_item_size(f);
	size_t max = f->max > 0 ? (size_t)f->max : 64;
	size_t n = json_is_array(v) ? json_array_size(v) : 1;
	size_t used = 0;
	char *items;

	note(w, !json_is_array(v));
	if (!json_is_array(v) && !(f->flags & MAMS_F_LAX))
		return fail(w, MAMS_EPROTO, "must be a list");
	if (n > max)
		return fail(w, MAMS_ELIMIT, "must have at most %zu items", max);
	if (n < (size_t)(f->min > 0 ? f->min : 0))
		return fail(w, MAMS_EVALUE, "must have at least %lld items", (long long)f->min);
	items = mams_arena_alloc(w->arena, n ? n * item : 1);
	if (!items)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		json_t *el = json_is_array(v) ? json_array_get(v, i) : v;
		size_t cut = path_push(w, NULL, i);
		int rc;

		if (f->item_key && json_is_object(el) && json_object_get(el, f->item_key)) {
			el = json_object_get(el, f->item_key);
			note(w, true);
		}
		rc = decode_value(w, f, f->item_kind, el, items + used * item);
		if (rc == -MAMS_EVALUE && (f->flags & MAMS_F_SKIP_UNKNOWN)) {
			if (w->notes)
				w->notes->unknown++;
		} else if (rc < 0) {
			return rc;
		} else {
			used++;
		}
		w->path[cut] = '\0';
	}
	if (used < (size_t)(f->min > 0 ? f->min : 0))
		return fail(w, MAMS_EVALUE, "must have at least %lld items that are known",
			(long long)f->min);
	*(void **)out = items;
	*(size_t *)(void *)((char *)base + f->count_offset) = used;
	return 0;
}

static int decode_value(
	struct walk *w, const struct mams_field *f, enum mams_kind kind, json_t *v, void *out)
{
	switch (kind) {
	case MAMS_K_BOOL:
	case MAMS_K_YESNO:
		return decode_bool(w, f, v, out);
	case MAMS_K_U8:
	case MAMS_K_U16:
	case MAMS_K_U32:
	case MAMS_K_U64:
	case MAMS_K_I64:
		return decode_integer(w, f, kind, v, out);
	case MAMS_K_NUMBER:
		return decode_number(w, f, v, out);
	case MAMS_K_STRING:
		return decode_string(w, f, v, out);
	case MAMS_K_ENUM:
		return decode_enum(w, f, v, out);
	case MAMS_K_ADDR:
		return decode_addr(w, v, out);
	case MAMS_K_OBJECT:
		return decode_object(w, f, v, out);
	case MAMS_K_LIST:
		break;
	}
	return fail(w, MAMS_EPROTO, "lists of lists do not exist");
}

static json_t *find(const struct mams_field *f, json_t *obj)
{
	json_t *v = json_object_get(obj, f->key);

	if (json_is_array(v) && f->kind == MAMS_K_OBJECT && (f->flags & MAMS_F_LAX))
		return NULL; /* a row of MAMS_F_INPUT takes it */
	if (v && !json_is_array(v) && f->kind == MAMS_K_LIST && (f->flags & MAMS_F_INPUT))
		return NULL; /* and nothing else */
	for (const char *const *a = f->aliases; !v && a && *a; a++)
		v = json_object_get(obj, *a);
	if (!v && f->inline_key && json_object_get(obj, f->inline_key))
		return obj;
	return v;
}

static int decode_field(struct walk *w, const struct mams_field *f, json_t *obj, char *base)
{
	const unsigned unknown = w->notes ? w->notes->unknown : 0;
	json_t *v = find(f, obj);
	size_t cut = path_push(w, f->key, 0);
	int rc;

	if (!v && !(f->flags & MAMS_F_OPTIONAL))
		return fail(w, MAMS_EMISSING, "is required");
	if (!v) {
		w->path[cut] = '\0';
		return 0;
	}
	note(w, (f->flags & MAMS_F_INPUT) || (v != obj && !json_object_get(obj, f->key)));
	if (f->kind == MAMS_K_LIST)
		rc = decode_list(w, f, v, base, base + f->offset);
	else
		rc = decode_value(w, f, f->kind, v, base + f->offset);
	if (rc < 0)
		return rc;
	if (w->notes && v == obj) /* its members are counted with the object's own */
		w->notes->unknown = unknown;
	if (mams_field_has_flag(f))
		*(bool *)(base + f->has_offset) = true;
	w->path[cut] = '\0';
	return 0;
}

static bool known(const struct mams_table *t, json_t *obj, const char *key)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct mams_field *f = &t->fields[i];

		if (strcmp(f->key, key) == 0)
			return true;
		for (const char *const *a = f->aliases; a && *a; a++) {
			if (strcmp(*a, key) == 0)
				return true;
		}
		if (f->inline_key && find(f, obj) == obj && known(f->table, obj, key))
			return true;
	}
	return false;
}

static int decode_struct(struct walk *w, const struct mams_table *t, json_t *obj, void *out)
{
	const char *key;
	json_t *v;

	for (size_t i = 0; i < t->n; i++) {
		int rc = decode_field(w, &t->fields[i], obj, out);

		if (rc < 0)
			return rc;
	}
	if (!w->notes)
		return 0;
	json_object_foreach(obj, key, v)
	{
		if (!known(t, obj, key))
			w->notes->unknown++;
	}
	return 0;
}

int mams_field_decode(const struct mams_table *table, const struct mams_json *j,
	struct mams_arena *arena, void *out, struct mams_decode_notes *notes,
	struct mams_error *err)
{
	struct walk w = {.arena = arena, .notes = notes, .err = err};

	snprintf(w.path, sizeof(w.path), "%s", table->name);
	return decode_struct(&w, table, j->root, out);
}

bool mams_field_has_flag(const struct mams_field *f)
{
	if (!(f->flags & MAMS_F_OPTIONAL))
		return false;
	return f->kind != MAMS_K_STRING && f->kind != MAMS_K_OBJECT && f->kind != MAMS_K_LIST &&
	       f->kind != MAMS_K_ADDR;
}
