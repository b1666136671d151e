#include "ncm-service/admin_policy.h"

#include "lib/base/buf.h"
#include "lib/io/ctlmsg.h"
#include "lib/steer/words.h"
#include "ncm-service/admin_steer.h"
#include "ncm-service/steerer.h"

#include <errno.h>
#include <stdio.h>

static const char *state_name(enum ncm_steered s)
{
	static const char *const names[] = {[NCM_STEERED_AUTO] = "auto",
		[NCM_STEERED_HELD] = "held",
		[NCM_STEERED_REFUSED] = "refused",
		[NCM_STEERED_NOT] = "none"};

	return names[s];
}

static void put_record(struct ctl_msg *msg, const struct ncm_session *s, size_t class,
	mams_time now, struct ctl_policy_class *out)
{
	struct mams_buf text = {0};
	struct mams_error err = {0};
	mams_time at;
	const struct steer_record *r = ncm_steerer_record(s, class, &at);

	if (!r)
		return;
	if (steer_record_write(r, &text, &err) == 0 && !text.failed)
		out->record = ctl_strdup(msg, text.data);
	out->has_age_ms = true;
	out->age_ms = (uint64_t)mams_time_ms_until(at, now);
	mams_buf_clear(&text);
	steer_words(r, out->age_ms, &text);
	if (!text.failed && text.len > 0)
		out->words = ctl_strdup(msg, text.data);
	mams_buf_fini(&text);
}

static struct ctl_msg *compose(uint32_t id, const struct ncm_session *s, mams_time now)
{
	struct ctl_msg *msg = ctl_msg_new(CTL_POLICY_STATUS, id);
	struct ctl_policy_status *st = msg ? &msg->policy_status : NULL;
	const size_t n = ncm_steerer_count(s);

	if (!msg)
		return NULL;
	st->client = ctl_strdup(msg, s->s.identity);
	st->classes = ctl_alloc(msg, (n + 1) * sizeof(*st->classes));
	for (size_t i = 0; st->classes && i < n; i++) {
		struct ctl_policy_class *c = &st->classes[st->n_classes++];
		const char *why;

		c->name = ctl_strdup(msg, s->policy->steer->classes[i].name);
		c->state = state_name(ncm_steerer_state(s, i, &why));
		c->why = why ? ctl_strdup(msg, why) : NULL;
		put_record(msg, s, i, now, c);
	}
	return msg;
}

void ncm_policy_asked(struct mams_loop *l, struct ncm_service *v, struct mams_ctl_conn *c,
	const struct ctl_msg *msg)
{
	struct mams_error err = {0};
	struct ncm_session *s = ncm_session_pick(v, msg->policy.client, &err);
	char text[320];

	if (s && !msg->policy.automatic) {
		mams_ctl_answer(c, compose(msg->id, s, mams_loop_now(l)));
		return;
	}
	if (s && !ncm_steerer_count(s)) {
		(void)mams_fail(&err, MAMS_ESTATE, "policy_file",
			"the configuration names none: only operators steer");
		s = NULL;
	}
	if (s) {
		ncm_steerer_auto(s, mams_loop_now(l));
		ncm_service_run(v, s);
		mams_ctl_answer_result(c, msg->id, 0, "steered by the policy again");
		return;
	}
	snprintf(text, sizeof(text), "%s%s%s", err.where, err.where[0] ? ": " : "", err.text);
	mams_ctl_answer_result(c, msg->id, MAMS_EVALUE, text);
}

void ncm_policy_renew(struct mams_loop *l, struct ncm_service *v)
{
	struct ncm_registry *r = ncm_service_registry(v);
	struct ncm_session *next;

	for (struct ncm_session *s = ncm_registry_next(r, NULL); s; s = next) {
		next = ncm_registry_next(r, s);
		ncm_steerer_renew(s, mams_loop_now(l));
		ncm_service_run(v, s);
	}
}

const char *ncm_policy_who(
	struct ctl_msg *msg, const struct ncm_session *s, size_t anchor, int app, bool held)
{
	const int class = ncm_steerer_class(s, anchor, app);
	char text[160];

	if (held)
		return "operator";
	if (class < 0)
		return NULL;
	snprintf(text, sizeof(text), "policy %.60s%s", s->policy->steer->classes[class].name,
		ncm_steerer_state(s, (size_t) class, NULL) == NCM_STEERED_REFUSED
			? ", the client has refused"
			: "");
	return ctl_strdup(msg, text);
}
