/* mamsctl status, sessions, paths */
#include "tools/mamsctl/mamsctl.h"
#include "tools/mamsctl/show.h"

#include <stdio.h>

static int ask_status(const struct options *o, const struct target *t, struct ctl_msg **answer)
{
	struct ctl_msg *request = ctl_msg_new(CTL_STATUS_REQ, 1);
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

int cmd_status(const struct options *o)
{
	struct target targets[D_COUNT];
	size_t n = targets_find(o, targets);
	int status = n == 0;

	for (size_t i = 0; i < n; i++) {
		struct ctl_msg *m = NULL;
		struct mams_buf text = {0};

		if (ask_status(o, &targets[i], &m) < 0) {
			status = 1;
			continue;
		}
		if (o->json) {
			status |= print_json(m);
		} else {
			if (i > 0)
				mams_buf_add(&text, "\n", 1);
			show_status(m, o->counters, &text);
			status |= print_text(&text);
		}
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
	int status = 1;

	if (ask_status(o, &t, &m) < 0)
		return 1;
	if (m->type != CTL_NCM_STATUS) {
		complain("%s: this is not the NCM (it answers with %s)", t.path,
			ctl_type_name(m->type));
	} else if (o->json) {
		status = print_json(m);
	} else {
		show(&m->ncm_status, &text);
		status = print_text(&text);
	}
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
