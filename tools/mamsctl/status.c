/* mamsctl status, mamsctl sessions */
#include "tools/mamsctl/mamsctl.h"
#include "tools/mamsctl/show.h"

#include <stdio.h>
#include <stdlib.h>

/* The answer, and where an NCM has more sessions than one packet holds, all further ones. */
struct pages {
	struct ctl_msg **m;
	size_t n;
};

static void pages_free(struct pages *p)
{
	for (size_t i = 0; i < p->n; i++)
		ctl_msg_free(p->m[i]);
	free(p->m);
}

static int ask_page(const struct options *o, const struct target *t, size_t skip, struct pages *p)
{
	struct ctl_msg **m = realloc(p->m, (p->n + 1) * sizeof(*m));
	struct ctl_msg *request = ctl_msg_new(CTL_STATUS_REQ, 1);
	int rc = -1;

	p->m = m ? m : p->m;
	if (m && request) {
		request->status_req.client = o->client;
		request->status_req.skip = (uint32_t)skip;
		rc = ask(o, t, request, &m[p->n]);
		p->n += rc == 0;
	} else {
		complain("out of memory");
	}
	ctl_msg_free(request);
	return rc;
}

/* All sessions stand in the first page then; the others still own what they point to. */
static int join(struct pages *p)
{
	struct ctl_ncm_status *all = &p->m[0]->ncm_status;
	struct ctl_session_status *sessions;
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++)
		n += p->m[i]->ncm_status.n_sessions;
	sessions = ctl_alloc(p->m[0], n * sizeof(*sessions));
	if (!sessions) {
		complain("out of memory");
		return -1;
	}
	n = 0;
	for (size_t i = 0; i < p->n; i++) {
		const struct ctl_ncm_status *st = &p->m[i]->ncm_status;

		for (size_t k = 0; k < st->n_sessions; k++)
			sessions[n++] = st->sessions[k];
	}
	all->sessions = sessions;
	all->n_sessions = n;
	all->more = false;
	return 0;
}

static int ask_status(const struct options *o, const struct target *t, struct pages *p)
{
	size_t told = 0;
	int rc;

	do {
		rc = ask_page(o, t, told, p);
		if (rc == 0 && p->m[p->n - 1]->type == CTL_RESULT) {
			(void)print_result(o, t, p->m[p->n - 1]);
			rc = -1;
		}
		if (rc < 0 || p->m[0]->type != CTL_NCM_STATUS)
			return rc;
		if (p->m[p->n - 1]->type != CTL_NCM_STATUS)
			return -1;
		told += p->m[p->n - 1]->ncm_status.n_sessions;
	} while (p->m[p->n - 1]->ncm_status.more);
	return p->n > 1 ? join(p) : 0;
}

int cmd_status(const struct options *o)
{
	struct target targets[D_COUNT];
	size_t n = targets_find(o, targets);
	int status = n == 0;

	for (size_t i = 0; i < n; i++) {
		struct pages p = {0};
		struct mams_buf text = {0};

		if (ask_status(o, &targets[i], &p) < 0) {
			status = 1;
		} else if (o->json) {
			status |= print_json(p.m[0]);
		} else {
			if (i > 0)
				mams_buf_add(&text, "\n", 1);
			show_status(p.m[0], o->counters, &text);
			status |= print_text(&text);
		}
		pages_free(&p);
	}
	return status;
}

int cmd_sessions(const struct options *o)
{
	struct target t = target_of(o, D_NCM);
	struct mams_buf text = {0};
	struct pages p = {0};
	int status = 1;

	if (ask_status(o, &t, &p) < 0) {
		/* said */
	} else if (p.m[0]->type != CTL_NCM_STATUS) {
		complain("%s: this is not the NCM (it answers with %s)", t.path,
			ctl_type_name(p.m[0]->type));
	} else if (o->json) {
		status = print_json(p.m[0]);
	} else {
		show_sessions(&p.m[0]->ncm_status, &text);
		status = print_text(&text);
	}
	pages_free(&p);
	return status;
}
