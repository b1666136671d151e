/* mamsctl status, sessions, paths, metrics */
#include "tools/mamsctl/mamsctl.h"
#include "tools/mamsctl/show.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int ask_for(const struct options *o, const struct target *t, enum ctl_type what,
	struct ctl_msg **answer)
{
	struct ctl_msg *request = ctl_msg_new(what, 1);
	int rc;

	if (!request) {
		complain("out of memory");
		return -1;
	}
	request->status_req.client = o->client;
	rc = ask(o, t, request, answer);
	ctl_msg_free(request);
	if (rc == 0 && (*answer)->type == CTL_RESULT) {
		(void)print_result(o, t, *answer);
		ctl_msg_free(*answer);
		return -1;
	}
	return rc;
}

static int ask_status(const struct options *o, const struct target *t, struct ctl_msg **answer)
{
	return ask_for(o, t, CTL_STATUS_REQ, answer);
}

struct pages {
	struct ctl_msg **list;
	size_t n;
};

static void free_pages(struct pages *p)
{
	while (p->n > 0)
		ctl_msg_free(p->list[--p->n]);
	free(p->list);
	p->list = NULL;
}

static bool goes_on(const struct ctl_msg *m)
{
	return m->type == CTL_TR_STATUS ? m->tr_status.has_more
					: m->type == CTL_NCM_STATUS && m->ncm_status.more;
}

/* An NCM's further sessions are told by number, a trailer's by where they stand there. */
static bool is_next(const struct ctl_msg *m, const struct ctl_msg *last)
{
	if (m->type != last->type)
		return false;
	if (m->type == CTL_NCM_STATUS)
		return !m->ncm_status.more || m->ncm_status.n_sessions > 0;
	return !m->tr_status.has_more || m->tr_status.more > last->tr_status.more;
}

static struct ctl_msg *next_page(
	const struct options *o, const struct target *t, const struct ctl_msg *last, size_t told)
{
	struct ctl_msg *request = ctl_msg_new(CTL_STATUS_REQ, 1);
	struct ctl_msg *m = NULL;

	if (!request) {
		complain("out of memory");
		return NULL;
	}
	request->status_req.client = o->client;
	if (last->type == CTL_NCM_STATUS) {
		request->status_req.has_skip = true;
		request->status_req.skip = (uint32_t)told;
	} else {
		request->status_req.has_after = true;
		request->status_req.after = last->tr_status.more;
	}
	(void)!ask(o, t, request, &m);
	ctl_msg_free(request);
	if (m && !is_next(m, last)) {
		complain("%s: the list of sessions does not go on", t->path);
		ctl_msg_free(m);
		m = NULL;
	}
	return m;
}

static int join_ncm(struct ctl_msg *m, const struct pages *p)
{
	struct ctl_ncm_status *st = &m->ncm_status;
	struct ctl_session_status *all;
	size_t n = st->n_sessions;

	for (size_t i = 0; i < p->n; i++)
		n += p->list[i]->ncm_status.n_sessions;
	all = ctl_alloc(m, (n + 1) * sizeof(*all));
	if (!all) {
		complain("out of memory");
		return -1;
	}
	n = 0;
	for (size_t k = 0; k < st->n_sessions; k++)
		all[n++] = st->sessions[k];
	for (size_t i = 0; i < p->n; i++)
		for (size_t k = 0; k < p->list[i]->ncm_status.n_sessions; k++)
			all[n++] = p->list[i]->ncm_status.sessions[k];
	st->sessions = all;
	st->n_sessions = n;
	st->more = false;
	return 0;
}

static int join(struct ctl_msg *m, const struct pages *p)
{
	struct ctl_tr_status *st = &m->tr_status;
	struct ctl_tr_session_status *all;
	size_t n = st->n_sessions;

	for (size_t i = 0; i < p->n; i++)
		n += p->list[i]->tr_status.n_sessions;
	all = ctl_alloc(m, (n + 1) * sizeof(*all));
	if (!all) {
		complain("out of memory");
		return -1;
	}
	memcpy(all, st->sessions, st->n_sessions * sizeof(*all));
	for (size_t i = 0; i < p->n; i++) {
		const struct ctl_tr_status *page = &p->list[i]->tr_status;

		if (page->n_sessions)
			memcpy(all + st->n_sessions, page->sessions,
				page->n_sessions * sizeof(*all));
		st->n_sessions += page->n_sessions;
	}
	st->sessions = all;
	st->has_more = false;
	return 0;
}

/* A trailer tells its sessions in parts, and so does an NCM.
 * @param p  filled with messages that live as long as m is used */
static int complete(
	const struct options *o, const struct target *t, struct ctl_msg *m, struct pages *p)
{
	const struct ctl_msg *last = m;
	size_t told = m->type == CTL_NCM_STATUS ? m->ncm_status.n_sessions : 0;

	while (goes_on(last)) {
		struct ctl_msg *page = next_page(o, t, last, told);
		struct ctl_msg **list = page ? realloc(p->list, (p->n + 1) * sizeof(*list)) : NULL;

		if (!list) {
			ctl_msg_free(page);
			return -1;
		}
		p->list = list;
		p->list[p->n++] = page;
		last = page;
		told += page->type == CTL_NCM_STATUS ? page->ncm_status.n_sessions : 0;
	}
	if (p->n == 0)
		return 0;
	return m->type == CTL_NCM_STATUS ? join_ncm(m, p) : join(m, p);
}

int cmd_status(const struct options *o)
{
	struct target targets[D_COUNT];
	size_t n = targets_find(o, targets);
	int status = n == 0;

	for (size_t i = 0; i < n; i++) {
		struct ctl_msg *m = NULL;
		struct mams_buf text = {0};
		struct pages p = {0};

		if (ask_status(o, &targets[i], &m) < 0) {
			status = 1;
			continue;
		}
		if (complete(o, &targets[i], m, &p) < 0) {
			status = 1;
		} else if (o->json) {
			status |= print_json(m);
		} else {
			if (i > 0)
				mams_buf_add(&text, "\n", 1);
			show_status(m, o->counters, &text);
			status |= print_text(&text);
		}
		free_pages(&p);
		ctl_msg_free(m);
	}
	return status;
}

static int show_part(
	const struct options *o, void (*show)(const struct ctl_ncm_status *s, struct mams_buf *out))
{
	struct target t = target_of(o, D_NCM);
	struct mams_buf text = {0};
	struct ctl_msg *m = NULL;
	struct pages p = {0};
	int status = 1;

	if (ask_status(o, &t, &m) < 0)
		return 1;
	if (complete(o, &t, m, &p) < 0) {
		status = 1;
	} else if (m->type != CTL_NCM_STATUS) {
		complain("%s: this is not the NCM (it answers with %s)", t.path,
			ctl_type_name(m->type));
	} else if (o->json) {
		status = print_json(m);
	} else {
		show(&m->ncm_status, &text);
		status = print_text(&text);
	}
	free_pages(&p);
	ctl_msg_free(m);
	return status;
}

int cmd_sessions(const struct options *o)
{
	return show_part(o, show_sessions);
}

int cmd_paths(const struct options *o)
{
	return show_part(o, show_quality);
}

int cmd_metrics(const struct options *o)
{
	struct target targets[D_COUNT];
	size_t n = targets_find(o, targets);
	int status = n == 0;

	for (size_t i = 0; i < n; i++) {
		struct ctl_msg *m = NULL;
		struct mams_buf text = {0};

		if (ask_for(o, &targets[i], CTL_METRICS_REQ, &m) < 0) {
			status = 1;
		} else if (m->type != CTL_METRICS) {
			complain("%s: answers with %s, not with metrics", targets[i].path,
				ctl_type_name(m->type));
			status = 1;
		} else if (o->json) {
			status |= print_json(m);
		} else {
			mams_buf_printf(&text, "%s", m->metrics.text);
			status |= print_text(&text);
		}
		ctl_msg_free(m);
	}
	return status;
}
