/* mamsctl replay: a trace given to the NCM's own state machine again, here. */
#include "tools/mamsctl/mamsctl.h"

#include "lib/codec/field.h"
#include "ncm-service/replay.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SHOWN_MAX 20 /* differences that are printed; all are counted */

struct player {
	const struct options *options;
	const char *path;
	struct ncm_replay *replay;
	size_t line;
	size_t shown;
	int status;
};

static int print_line(const struct ctl_msg *m)
{
	struct mams_buf out = {0};
	struct mams_error err = {0};

	if (ctl_encode(m, 0, &out, &err) < 0) {
		complain("%s", err.text[0] ? err.text : "out of memory");
		mams_buf_fini(&out);
		return 1;
	}
	mams_buf_add(&out, "\n", 1);
	return print_text(&out);
}

static int show_json(const struct player *p, const struct ncm_replayed *x)
{
	struct ctl_msg *m = ctl_msg_new(CTL_REPLAYED, 0);
	int status;

	if (!m) {
		complain("out of memory");
		return 1;
	}
	m->replayed = (struct ctl_replayed){.kind = (int)x->kind,
		.line = p->line,
		.time_ms = x->time_ms,
		.text = x->text,
		.cause = x->cause};
	status = print_line(m);
	ctl_msg_free(m);
	return status;
}

static void put_change(const struct ncm_replayed *x)
{
	const time_t s = (time_t)(x->time_ms / 1000);
	char when[32] = "?";
	struct tm tm;

	if (localtime_r(&s, &tm))
		strftime(when, sizeof(when), "%H:%M:%S", &tm);
	printf("%s.%03u  %s  (%s)\n", when, (unsigned)(x->time_ms % 1000), x->text, x->cause);
}

static void put_difference(const struct player *p, const struct ncm_replayed *x)
{
	printf("%s:%zu: ", p->path, p->line);
	switch (x->kind) {
	case NCM_REPLAYED_CHANGE:
		break;
	case NCM_REPLAYED_MISSING:
		printf("recorded, and does not come about: %s  (%s)\n", x->text, x->cause);
		break;
	case NCM_REPLAYED_EXTRA:
		printf("comes about, and is not recorded: %s  (%s)\n", x->text, x->cause);
		break;
	case NCM_REPLAYED_DECISION:
		printf("decided another way, class %s: %s\n", x->cause, x->text);
		break;
	case NCM_REPLAYED_GAP:
		printf("%s: %s\n", x->text, x->cause);
		break;
	}
}

static int show(struct player *p)
{
	struct ncm_replayed x;
	int status = 0;

	while (status == 0 && ncm_replay_next(p->replay, &x)) {
		if (p->options->json)
			status = show_json(p, &x);
		else if (x.kind == NCM_REPLAYED_CHANGE)
			put_change(&x);
		else if (p->shown++ < SHOWN_MAX)
			put_difference(p, &x);
		ncm_replayed_fini(&x);
	}
	return status;
}

static int take_line(struct player *p, const char *text, size_t len)
{
	struct mams_error err = {0};
	struct ctl_msg *m = NULL;
	int rc = ctl_decode(text, len, &m, &err);

	if (rc == 0 && m->type != CTL_TRACE)
		rc = mams_fail(&err, MAMS_EVALUE, "type", "%s is no line of a trace",
			ctl_type_name(m->type));
	if (rc == 0)
		rc = ncm_replay_line(p->replay, &m->trace, &err);
	ctl_msg_free(m);
	if (rc == 0)
		return show(p);
	complain("%s:%zu: %s%s%s", p->path, p->line, err.where, err.where[0] ? ": " : "",
		err.text[0] ? err.text : mams_strerror(rc));
	return 1;
}

static int each_line(struct player *p)
{
	FILE *f = fopen(p->path, "r");
	char *text = NULL;
	size_t size = 0;
	ssize_t len;
	int status = 0;

	if (!f) {
		complain("%s: %s", p->path, strerror(errno));
		return 1;
	}
	while (status == 0 && (len = getline(&text, &size, f)) >= 0) {
		p->line++;
		if (len > 1)
			status = take_line(p, text, (size_t)len);
	}
	free(text);
	fclose(f);
	return status;
}

static int print_sum(const struct player *p)
{
	const struct ncm_replay_sum s = ncm_replay_sum(p->replay);
	struct ctl_msg *m;
	int status;

	if (!p->options->json) {
		printf("%zu lines, %zu of them before a start; as recorded: %zu changes, %zu "
		       "messages, %zu decisions; %zu different\n",
			s.lines, s.before, s.changes, s.messages, s.decisions, s.differ);
		return 0;
	}
	m = ctl_msg_new(CTL_REPLAYED, 0);
	if (!m)
		return 1;
	m->replayed = (struct ctl_replayed){.kind = CTL_REPLAYED_DONE,
		.line = p->line,
		.sum = ctl_alloc(m, sizeof(*m->replayed.sum))};
	if (m->replayed.sum)
		*m->replayed.sum = (struct ctl_replay_sum){
			s.lines, s.before, s.starts, s.changes, s.messages, s.decisions, s.differ};
	status = print_line(m);
	ctl_msg_free(m);
	return status;
}

int cmd_replay(const struct options *o)
{
	struct player p = {.options = o, .path = o->operands[0], .replay = ncm_replay_new()};
	struct ncm_replay_sum s;
	int status;

	if (!p.replay) {
		complain("out of memory");
		return 1;
	}
	status = each_line(&p);
	s = ncm_replay_sum(p.replay);
	if (status == 0)
		status = print_sum(&p);
	if (status == 0 && s.starts == 0) {
		complain("%s: no start of a session is in it: watch a client before it comes, or "
			 "while its session is at rest",
			p.path);
		status = 1;
	}
	ncm_replay_free(p.replay);
	return status ? status : s.differ > 0;
}
