/* mamsctl why, policy: automatic steering as the NCM tells it. */
#include "tools/mamsctl/mamsctl.h"

#include "lib/steer/words.h"

#include <string.h>

static const char *state_words(const struct ctl_policy_class *c)
{
	if (strcmp(c->state, "held") == 0)
		return "held: an operator has steered it; \"mamsctl policy auto\" lets the policy "
		       "steer again";
	if (strcmp(c->state, "none") == 0)
		return "not steered: the session has no such anchor or application";
	return strcmp(c->state, "refused") == 0 ? "refused" : NULL;
}

static void put_class(const struct ctl_policy_class *c, struct mams_buf *out)
{
	struct mams_arena *arena = mams_arena_new();
	const char *state = state_words(c);
	struct mams_error err = {0};
	struct steer_record r;

	if (state)
		mams_buf_printf(out, "%s: %s%s%s\n", c->name, state, c->why ? ": " : "",
			c->why ? c->why : "");
	if (c->record && arena &&
		steer_record_read(c->record, strlen(c->record), arena, &r, &err) == 0)
		steer_words(&r, c->age_ms, out);
	else if (c->record)
		mams_buf_printf(out, "%s: a record that cannot be read: %s: %s\n", c->name,
			err.where, err.text);
	else if (c->words)
		mams_buf_printf(out, "%s: %s\n", c->name, c->words);
	else if (!state)
		mams_buf_printf(out, "%s: nothing has been decided yet\n", c->name);
	mams_arena_free(arena);
}

static int show_why(const struct options *o, const struct target *t, const struct ctl_msg *m)
{
	const struct ctl_policy_status *s = &m->policy_status;
	struct mams_buf text = {0};

	if (m->type != CTL_POLICY_STATUS)
		return print_result(o, t, m);
	if (o->json)
		return print_json(m);
	mams_buf_printf(&text, "%s\n", s->client);
	if (s->n_classes == 0)
		mams_buf_printf(&text, "no policy: the NCM's configuration names no policy_file, "
				       "only operators steer\n");
	for (size_t i = 0; i < s->n_classes; i++)
		put_class(&s->classes[i], &text);
	return print_text(&text);
}

static int ask_policy(const struct options *o, const char *client, bool automatic)
{
	struct target t = target_of(o, o->sockets[D_CCM] ? D_CCM : D_NCM);
	struct ctl_msg *m = ctl_msg_new(CTL_POLICY, 1);
	struct ctl_msg *answer = NULL;
	int status = 1;

	if (!m) {
		complain("out of memory");
		return 1;
	}
	m->policy = (struct ctl_policy){.client = client, .automatic = automatic};
	if (ask(o, &t, m, &answer) == 0)
		status = automatic ? print_result(o, &t, answer) : show_why(o, &t, answer);
	ctl_msg_free(answer);
	ctl_msg_free(m);
	return status;
}

int cmd_why(const struct options *o)
{
	if (o->n_operands > 1) {
		complain("usage: mamsctl why [options] [SESSION]; mamsctl why -h");
		return 2;
	}
	return ask_policy(o, o->n_operands ? o->operands[0] : o->client, false);
}

int cmd_policy(const struct options *o)
{
	const char *what = o->n_operands ? o->operands[0] : "";

	if (strcmp(what, "auto") == 0 && o->n_operands <= 2)
		return ask_policy(o, o->n_operands == 2 ? o->operands[1] : o->client, true);
	if (strcmp(what, "replay") == 0 && o->n_operands == 2)
		return policy_replay(o, o->operands[1]);
	if (strcmp(what, "simulate") == 0 && o->n_operands == 3)
		return policy_simulate(o, o->operands[1], o->operands[2]);
	complain("usage: mamsctl policy auto [SESSION] | replay FILE | simulate POLICY FILE; "
		 "mamsctl policy -h");
	return 2;
}
