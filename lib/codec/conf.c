/* libconfuse gives syntax, sections and line numbers; every value is a string to it.  Values are
 * checked while their line is known, in the validation callback, and stored after the parse. */
#include "lib/codec/conf.h"
#include "lib/codec/conf_value.h"

#include <confuse.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define MAX_SECTIONS 16 /* kinds of section in one file */
#define MAX_BYTES (1u << 20)
/* libconfuse takes the end of the file for the end of every open section.  A last key of our own,
 * which only the top level knows, shows that nothing is open there. */
#define END_KEY "the-end-of-this-file"

/* libconfuse hands no user pointer to its callbacks: the load under way, on this thread. */
static _Thread_local struct load {
	const struct mams_conf_table *table;
	struct mams_error *err;
	int rc;
} * current;

struct options {
	cfg_opt_t *top;
	cfg_opt_t *sections[MAX_SECTIONS];
	size_t n_sections;
};

static bool is_list(enum mams_conf_kind kind)
{
	return kind == MAMS_C_STRINGS || kind == MAMS_C_ADDRS || kind == MAMS_C_ADDR_PORTS ||
	       kind == MAMS_C_PREFIXES;
}

static void fail_at(cfg_t *cfg, int code, const char *text)
{
	char where[128];

	if (current->rc < 0)
		return;
	if (strstr(text, END_KEY))
		text = "the file ends too early: is a closing } or a value missing?";
	snprintf(where, sizeof(where), "%s:%d", cfg->filename ? cfg->filename : "?", cfg->line);
	current->rc = mams_fail(current->err, code, where, "%s", text);
	if (current->err)
		current->err->line = cfg->line;
}

/* libconfuse's own complaints: syntax, unknown keys. */
static void on_error(cfg_t *cfg, const char *fmt, va_list ap)
{
	char text[160];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	vsnprintf(text, sizeof(text), fmt, ap);
#pragma GCC diagnostic pop
	fail_at(cfg, MAMS_EPROTO, text);
}

static const struct mams_conf_row *row_of(const struct mams_conf_table *t, const char *key)
{
	for (size_t i = 0; i < t->n; i++) {
		if (strcmp(t->rows[i].key, key) == 0)
			return &t->rows[i];
	}
	return NULL;
}

/* The table of the section that cfg is, or the top one. */
static const struct mams_conf_table *table_of(const cfg_t *cfg)
{
	const struct mams_conf_row *row = row_of(current->table, cfg->name);

	return row && row->kind == MAMS_C_SECTIONS ? row->table : current->table;
}

static int on_value(cfg_t *cfg, cfg_opt_t *opt)
{
	const struct mams_conf_row *row = row_of(table_of(cfg), opt->name);
	const char *value = cfg_opt_getnstr(opt, cfg_opt_size(opt) - 1);
	char why[96];
	char text[256];

	if (!row || !value)
		return 0;
	if (mams_conf_value_check(row, value, why, sizeof(why)) == 0)
		return 0;
	if (cfg->title)
		snprintf(text, sizeof(text), "%s %s: %s = \"%.40s\": %s", cfg->name, cfg->title,
			row->key, value, why);
	else
		snprintf(text, sizeof(text), "%s = \"%.40s\": %s", row->key, value, why);
	fail_at(cfg, MAMS_EVALUE, text);
	return -1;
}

static void options_free(struct options *o)
{
	for (size_t i = 0; i < o->n_sections; i++)
		free(o->sections[i]);
	free(o->top);
}

static cfg_opt_t *build(const struct mams_conf_table *t, struct options *o)
{
	cfg_opt_t *opts = calloc(t->n + 2, sizeof(*opts));

	for (size_t i = 0; opts && i < t->n; i++) {
		const struct mams_conf_row *r = &t->rows[i];
		cfg_opt_t plain = CFG_STR(r->key, NULL, CFGF_NODEFAULT);
		cfg_opt_t list = CFG_STR_LIST(r->key, NULL, CFGF_NODEFAULT);

		plain.validcb = on_value;
		list.validcb = on_value;
		opts[i] = is_list(r->kind) ? list : plain;
		if (r->kind == MAMS_C_SECTIONS) {
			cfg_opt_t *sub = build(r->table, o);
			cfg_opt_t sec =
				CFG_SEC(r->key, sub, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES);

			mams_assert(o->n_sections < MAX_SECTIONS);
			o->sections[o->n_sections++] = sub;
			if (!sub) {
				free(opts);
				return NULL;
			}
			opts[i] = sec;
		}
	}
	if (opts) {
		cfg_opt_t last = CFG_STR(END_KEY, NULL, CFGF_NODEFAULT);
		cfg_opt_t end = CFG_END();

		opts[t->n] = t == current->table ? last : end;
		opts[t->n + 1] = end;
	}
	return opts;
}

static int store_table(cfg_t *cfg, const struct mams_conf_table *t, char *out,
	struct mams_arena *arena, const char *path, struct mams_error *err);

static int missing(
	const cfg_t *cfg, const struct mams_conf_row *r, const char *path, struct mams_error *err)
{
	char where[128];

	snprintf(where, sizeof(where), "%.100s", path);
	if (cfg->title)
		return mams_fail(err, MAMS_EMISSING, where, "%s %s: %s is missing (%s)", cfg->name,
			cfg->title, r->key, r->doc ? r->doc : "required");
	return mams_fail(err, MAMS_EMISSING, where, "%s is missing (%s)", r->key,
		r->doc ? r->doc : "required");
}

static int store_sections(cfg_t *cfg, const struct mams_conf_row *r, char *out,
	struct mams_arena *arena, const char *path, struct mams_error *err)
{
	size_t n = cfg_size(cfg, r->key);
	char *items = mams_arena_alloc(arena, n ? n * r->table->size : 1);
	int rc = items ? 0 : -ENOMEM;

	if (r->max && n > (size_t)r->max)
		return mams_fail(err, MAMS_ELIMIT, path, "%s: at most %lld sections", r->key,
			(long long)r->max);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		cfg_t *sub = cfg_getnsec(cfg, r->key, (unsigned)i);
		char *item = items + i * r->table->size;

		*(const char **)(void *)(item + r->table->title_offset) =
			mams_arena_strdup(arena, cfg_title(sub));
		rc = store_table(sub, r->table, item, arena, path, err);
	}
	*(void **)(void *)(out + r->offset) = items;
	*(size_t *)(void *)(out + r->count_offset) = n;
	return rc;
}

static int store_list(
	cfg_t *cfg, const struct mams_conf_row *r, char *out, struct mams_arena *arena)
{
	size_t n = cfg_size(cfg, r->key);
	size_t size = mams_conf_item_size(r->kind);
	char *items = mams_arena_alloc(arena, n ? n * size : 1);

	if (!items)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		int rc = mams_conf_value_store(
			r, cfg_getnstr(cfg, r->key, (unsigned)i), arena, items + i * size);

		if (rc < 0)
			return rc;
	}
	*(void **)(void *)(out + r->offset) = items;
	*(size_t *)(void *)(out + r->count_offset) = n;
	return 0;
}

static int store_row(cfg_t *cfg, const struct mams_conf_row *r, char *out, struct mams_arena *arena,
	const char *path, struct mams_error *err)
{
	const char *value;

	if (r->required && cfg_size(cfg, r->key) == 0)
		return missing(cfg, r, path, err);
	if (r->kind == MAMS_C_SECTIONS)
		return store_sections(cfg, r, out, arena, path, err);
	if (is_list(r->kind))
		return store_list(cfg, r, out, arena);
	value = cfg_size(cfg, r->key) ? cfg_getstr(cfg, r->key) : r->def;
	return value ? mams_conf_value_store(r, value, arena, out + r->offset) : 0;
}

static int store_table(cfg_t *cfg, const struct mams_conf_table *t, char *out,
	struct mams_arena *arena, const char *path, struct mams_error *err)
{
	for (size_t i = 0; i < t->n; i++) {
		int rc = store_row(cfg, &t->rows[i], out, arena, path, err);

		if (rc < 0)
			return rc;
	}
	return 0;
}

/** Does what stands at s[i] begin a comment?  Not // and the like within a word, as in a URL. */
static char comment_begins(const char *s, size_t i)
{
	if (s[i] == '#')
		return '#';
	if (s[i] != '/' || (s[i + 1] != '/' && s[i + 1] != '*'))
		return '\0';
	return i == 0 || strchr(" \t\r\n{}(),=+\"'", s[i - 1]) ? s[i + 1] : '\0';
}

/** Comments become spaces, so that the parser sees none: libconfuse 3.3 counts each line that ends
 * in one three times, and the lines it names for mistakes are then wrong.
 *  @param s  ends with a line end, and NUL behind it */
static void blank_comments(char *s)
{
	char quote = '\0';
	char comment = '\0';

	for (size_t i = 0; s[i]; i++) {
		if (quote) {
			if (s[i] == '\\' && s[i + 1])
				i++;
			else if (s[i] == quote)
				quote = '\0';
			continue;
		}
		if (!comment)
			comment = comment_begins(s, i);
		if (!comment) {
			quote = s[i] == '"' || s[i] == '\'' ? s[i] : '\0';
			continue;
		}
		if (comment == '*' && s[i] == '*' && s[i + 1] == '/') {
			s[i] = ' ';
			s[++i] = ' ';
			comment = '\0';
		} else if (s[i] != '\n') {
			/* the star of an opening is not that of a closing */
			if (comment == '*' && s[i] == '/' && s[i + 1] == '*')
				s[i++] = ' ';
			s[i] = ' ';
		} else if (comment != '*') {
			comment = '\0';
		}
	}
}

static int read_file(const char *path, struct mams_buf *text, struct mams_error *err)
{
	char chunk[4096];
	FILE *f = fopen(path, "re");
	size_t n;

	if (!f)
		return mams_fail(err, -errno, path, "cannot be read: %s", strerror(errno));
	while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0 && text->len <= MAX_BYTES)
		mams_buf_add(text, chunk, n);
	n = (size_t)ferror(f);
	fclose(f);
	if (n)
		return mams_fail(err, EIO, path, "cannot be read");
	if (text->len > MAX_BYTES)
		return mams_fail(err, MAMS_EPROTO, path, "has more than %u octets", MAX_BYTES);
	if (text->len > 0 && memchr(text->data, '\0', text->len))
		return mams_fail(err, MAMS_EPROTO, path, "has octets of value 0: is it a text?");
	mams_buf_printf(text, "\n%s = yes\n", END_KEY);
	if (text->failed)
		return -ENOMEM;
	blank_comments(text->data);
	return 0;
}

static int parse_text(cfg_t *cfg, const char *path, struct mams_buf *text, struct mams_error *err)
{
	FILE *f = fmemopen(text->data, text->len, "r");
	int rc;

	cfg->filename = strdup(path); /* for messages; cfg_free() frees it */
	if (!f || !cfg->filename) {
		if (f)
			fclose(f);
		return -ENOMEM;
	}
	rc = cfg_parse_fp(cfg, f);
	fclose(f);
	if (current->rc < 0)
		return current->rc;
	if (rc != CFG_SUCCESS)
		return mams_fail(err, MAMS_EPROTO, path, "cannot be parsed");
	if (cfg_size(cfg, END_KEY) == 0)
		return mams_fail(err, MAMS_EPROTO, path, "ends inside a comment or a section");
	return 0;
}

static int parse(cfg_t *cfg, const char *path, struct mams_error *err)
{
	struct mams_buf text = {0};
	int rc = read_file(path, &text, err);

	if (rc == 0)
		rc = parse_text(cfg, path, &text, err);
	mams_buf_fini(&text);
	return rc;
}

int mams_conf_load(const char *path, const struct mams_conf_table *table, void *out,
	struct mams_arena **arena, struct mams_error *err)
{
	struct load load = {.table = table, .err = err};
	struct options opts = {0};
	cfg_t *cfg = NULL;
	int rc = -ENOMEM;

	if (err)
		*err = (struct mams_error){0};
	current = &load;
	*arena = mams_arena_new();
	opts.top = build(table, &opts);
	if (*arena && opts.top)
		cfg = cfg_init(opts.top, CFGF_NONE);
	if (!cfg)
		goto out;
	cfg_set_error_function(cfg, on_error);
	rc = parse(cfg, path, err);
	if (rc == 0)
		rc = store_table(cfg, table, out, *arena, path, err);
out:
	if (cfg)
		cfg_free(cfg);
	options_free(&opts);
	if (rc < 0) {
		mams_arena_free(*arena);
		*arena = NULL;
	}
	current = NULL;
	return rc;
}
