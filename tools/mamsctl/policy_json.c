#include "tools/mamsctl/policy_json.h"

#include "lib/codec/field_rows.h"
#include "tools/mamsctl/mamsctl.h"

#include <string.h>

/* As the rows want it: lists by pointer, presence by flags. */
struct outcome {
	const char *what;
	const char **dl;
	size_t n_dl;
	const char **ul;
	size_t n_ul;
};
struct line {
	const char *type;
	bool has_line;
	uint64_t line;
	const char *client;
	const char *class_name;
	const char *why;
	struct outcome *was, *would;
	bool has_decisions, has_different;
	uint64_t decisions, different;
	bool has_without_class, has_changes_recorded, has_changes_simulated;
	uint64_t without_class, changes_recorded, changes_simulated;
};

#define NAMES(m) ROW_SCALARS(outcome, m, #m, 0, STRING, 0, STEER_LINKS_MAX, "")
#define TEXT(m, k) ROW_STR(line, m, k, MAMS_F_OPTIONAL, 0, "")
#define COUNT(m) ROW_OPT_INT(U64, line, m, #m, 0, 0, "")
static const struct mams_field outcome_rows[] = {
	ROW_STR(outcome, what, "what", 0, 0, ""), NAMES(dl), NAMES(ul)};
static TABLE(outcome_table, outcome, "outcome", outcome_rows);
static const struct mams_field line_rows[] = {
	TEXT(type, "type"),
	COUNT(line),
	TEXT(client, "client"),
	TEXT(class_name, "class"),
	TEXT(why, "why"),
	ROW_OPT_OBJ(line, was, "was", &outcome_table, ""),
	ROW_OPT_OBJ(line, would, "would_be", &outcome_table, ""),
	COUNT(decisions),
	COUNT(different),
	COUNT(without_class),
	COUNT(changes_recorded),
	COUNT(changes_simulated),
};
static TABLE(line_table, line, "policy", line_rows);

void policy_outcome_of(
	const struct steer_input *in, const struct steer_decision *d, struct policy_outcome *out)
{
	*out = (struct policy_outcome){.what = mams_enum_str(steer_what_names, d->what)};
	for (size_t i = 0; i < d->n_shares && i < in->n_links && i < STEER_LINKS_MAX; i++) {
		if (d->shares[i].dl_on)
			out->dl[out->n_dl++] = in->links[i].access;
		if (d->shares[i].ul_on)
			out->ul[out->n_ul++] = in->links[i].access;
	}
}

static int put(const struct line *l)
{
	struct mams_buf out = {0};
	struct mams_error err = {0};

	if (mams_field_encode(&line_table, l, 0, &out, &err) < 0) {
		complain("%s: %s", err.where, err.text);
		mams_buf_fini(&out);
		return 1;
	}
	mams_buf_add(&out, "\n", 1);
	return print_text(&out);
}

static struct outcome *rows_of(struct policy_outcome *o, struct outcome *out)
{
	if (!o)
		return NULL;
	*out = (struct outcome){
		.what = o->what, .dl = o->dl, .n_dl = o->n_dl, .ul = o->ul, .n_ul = o->n_ul};
	return out;
}

int policy_json_difference(const struct policy_difference *d)
{
	struct outcome was, would;

	return put(&(struct line){.type = "difference",
		.has_line = true,
		.line = d->line,
		.client = d->client,
		.class_name = d->class_name,
		.why = d->why,
		.was = rows_of(d->was, &was),
		.would = rows_of(d->would, &would)});
}

int policy_json_summary(const struct policy_summary *s)
{
	return put(&(struct line){.type = "summary",
		.has_decisions = true,
		.decisions = s->decisions,
		.has_different = true,
		.different = s->different,
		.has_without_class = s->simulated,
		.without_class = s->without_class,
		.has_changes_recorded = s->simulated,
		.changes_recorded = s->changes_recorded,
		.has_changes_simulated = s->simulated,
		.changes_simulated = s->changes_simulated});
}
