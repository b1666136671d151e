/* mamsctl network: what the network has told the NCM of its accesses and cells. */
#include "tools/mamsctl/mamsctl.h"
#include "tools/mamsctl/table.h"

#include <stdio.h>
#include <time.h>

/* ---- for people ---- */

static void put_window(struct tbl *t, const struct ctl_window *w)
{
	char from[32] = "?";
	char until[32] = "?";
	char text[80];
	const time_t times[] = {(time_t)w->from, (time_t)w->until};
	struct tm tm;

	if (gmtime_r(&times[0], &tm))
		strftime(from, sizeof(from), "%Y-%m-%d %H:%M", &tm);
	if (gmtime_r(&times[1], &tm))
		strftime(until, sizeof(until), "%Y-%m-%d %H:%M", &tm);
	snprintf(text, sizeof(text), "%s to %s UTC", from, until);
	tbl_text(t, text);
}

/* What is left of so many seconds. */
static uint64_t left_ms(const struct ctl_statement *s, uint32_t of)
{
	return of > s->age ? (of - s->age) * UINT64_C(1000) : 0;
}

static void put_number(struct tbl *t, bool has, uint32_t v, const char *unit)
{
	char text[32];

	snprintf(text, sizeof(text), "%u %s", v, unit);
	tbl_text(t, has ? text : NULL);
}

static void put_statement(struct tbl *t, const struct ctl_statement *s)
{
	tbl_text(t, s->access);
	tbl_text(t, s->node_id);
	tbl_text(t, s->ssid);
	put_number(t, s->has_load_percent, s->load_percent, "%");
	if (s->has_fading_within)
		tbl_duration(t, left_ms(s, s->fading_within));
	else
		tbl_text(t, NULL);
	if (s->maintenance)
		put_window(t, s->maintenance);
	else
		tbl_text(t, NULL);
	put_number(t, s->has_rate_kbps, s->rate_kbps, "kbit/s");
	put_number(t, s->has_delay_ms, s->delay_ms, "ms");
	tbl_duration(t, s->age * UINT64_C(1000));
	tbl_duration(t, left_ms(s, s->valid_for));
	tbl_text(t, s->feeder);
}

static void show(const struct ctl_network *n, struct mams_buf *out)
{
	static const struct tbl_column columns[] = {{"ACCESS", false}, {"NODE", false},
		{"SSID", false}, {"LOAD", true}, {"GONE IN", true}, {"MAINTENANCE", false},
		{"RATE", true}, {"DELAY", true}, {"AGE", true}, {"HOLDS FOR", true},
		{"TOLD BY", false}};
	struct tbl t = tbl_init(columns, MAMS_ARRAY_LEN(columns));

	if (n->n_statements == 0)
		mams_buf_printf(out, "nothing is told of the network\n");
	for (size_t i = 0; i < n->n_statements; i++)
		put_statement(&t, &n->statements[i]);
	out->failed |= t.failed;
	tbl_print(&t, 0, out);
	tbl_fini(&t);
}

/* ---- asked ---- */

static struct ctl_msg *ask_page(const struct options *o, const struct target *t, size_t told)
{
	struct ctl_msg *request = ctl_msg_new(CTL_NETWORK_REQ, 1);
	struct ctl_msg *m = NULL;

	if (!request) {
		complain("out of memory");
		return NULL;
	}
	request->status_req.has_skip = true;
	request->status_req.skip = (uint32_t)told;
	(void)!ask(o, t, request, &m);
	ctl_msg_free(request);
	if (m && m->type != CTL_NETWORK) {
		if (print_result(o, t, m) == 0)
			complain("%s: an answer of type %s", t->path, ctl_type_name(m->type));
		ctl_msg_free(m);
		m = NULL;
	}
	return m;
}

/* One page is no more than a packet holds.
 * @param all  gets them all; what they point to lives in pages[*n]
 * @return 0, or -1 after an explanation */
static int ask_all(const struct options *o, const struct target *t, struct ctl_network *all,
	struct ctl_msg *pages[CTL_STATEMENTS_MAX], size_t *n)
{
	struct ctl_network *page;

	do {
		pages[*n] = ask_page(o, t, all->n_statements);
		if (!pages[*n])
			return -1;
		page = &pages[(*n)++]->network;
		if (all->n_statements + page->n_statements > CTL_STATEMENTS_MAX ||
			(page->more && (page->n_statements == 0 || *n == CTL_STATEMENTS_MAX))) {
			complain("%s: the list of statements does not go on", t->path);
			return -1;
		}
		for (size_t i = 0; i < page->n_statements; i++)
			all->statements[all->n_statements++] = page->statements[i];
	} while (page->has_more && page->more);
	return 0;
}

static int show_all(const struct options *o, const struct ctl_network *all)
{
	struct ctl_msg *m = ctl_msg_new(CTL_NETWORK, 1);
	struct mams_buf text = {0};
	int status;

	if (!m) {
		complain("out of memory");
		return 1;
	}
	m->network = *all;
	if (o->json) {
		status = print_json(m);
	} else {
		show(all, &text);
		status = print_text(&text);
	}
	ctl_msg_free(m);
	return status;
}

int cmd_network(const struct options *o)
{
	static struct ctl_statement statements[CTL_STATEMENTS_MAX];
	static struct ctl_msg *pages[CTL_STATEMENTS_MAX];
	struct ctl_network all = {.statements = statements};
	struct target t = target_of(o, D_NCM);
	size_t n = 0;
	int status = 1;

	if (ask_all(o, &t, &all, pages, &n) == 0)
		status = show_all(o, &all);
	while (n > 0)
		ctl_msg_free(pages[--n]);
	return status;
}
