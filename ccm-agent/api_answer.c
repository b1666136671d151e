/* A request that needs the NCM is held until the verdict is there, or patience is over. */
#include "ccm-agent/api_private.h"
#include "ccm-agent/api_view.h"
#include "lib/mx/mx_api.h"

#include <errno.h>
#include <stdio.h>

#define LOG_MODULE "api"
#define PATIENCE_MS 5000

/* ---- answers ---- */

void ccm_api_answer_error(struct ccm_api *a, struct mams_httpd_req *r, unsigned status,
	const struct mams_httpd_header *more, const char *text)
{
	struct mams_buf body = {0};
	struct mams_error err;

	a->counters.bad_requests += status < 500;
	a->counters.away += status == 503;
	(void)!mx_api_encode_error(status, text, &body, &err);
	mams_httpd_reply_with(
		r, status, "application/json", body.data, body.len, more, more ? 1 : 0);
	mams_buf_fini(&body);
}

void ccm_api_answer_away(struct ccm_api *a, struct mams_httpd_req *r, const char *text)
{
	static const struct mams_httpd_header later = {"Retry-After", "5"};

	ccm_api_answer_error(a, r, 503, &later, text);
}

void ccm_api_answer_body(struct ccm_api *a, struct mams_httpd_req *r, int rc, struct mams_buf *body)
{
	if (rc < 0 || body->failed)
		ccm_api_answer_away(a, r, "out of memory");
	else
		mams_httpd_reply(r, 200, "application/json", body->data, body->len);
	mams_buf_fini(body);
}

static void answer_need(struct mams_httpd_req *r, unsigned status, uint32_t id)
{
	char path[64];
	const struct mams_httpd_header where = {"Location", path};

	snprintf(path, sizeof(path), MX_API_BASE "/app_requirements/%u", id);
	mams_httpd_reply_with(r, status, NULL, NULL, 0, &where, 1);
}

/* ---- held requests ---- */

static void waiter_free(struct ccm_api_waiter *w)
{
	mams_loop_timer_del(w->timer);
	LIST_REMOVE(w, link);
	free(w);
}

static void patience_over(void *user)
{
	struct ccm_api_waiter *w = user;
	struct ccm_api *a = w->api;
	struct mams_httpd_req *r = w->req;
	uint32_t need = w->need;
	bool accepted = w->accepted;

	waiter_free(w);
	mams_httpd_set_user(r, NULL);
	if (accepted) {
		answer_need(r, 202, need);
		return;
	}
	if (need)
		ccm_agent_need_end(a->agent, need);
	ccm_api_answer_away(a, r, "the NCM does not answer");
}

int ccm_api_hold(struct ccm_api *a, struct mams_httpd_req *r, uint32_t need)
{
	struct ccm_api_waiter *w = calloc(1, sizeof(*w));
	int rc = w ? mams_loop_timer_new(a->loop, patience_over, w, &w->timer) : -ENOMEM;

	if (rc < 0) {
		free(w);
		return rc;
	}
	w->api = a;
	w->req = r;
	w->need = need;
	LIST_INSERT_HEAD(&a->waiters, w, link);
	mams_loop_timer_at(w->timer, mams_time_add_ms(mams_loop_now(a->loop), PATIENCE_MS));
	mams_httpd_set_user(r, w);
	a->counters.held++;
	return 0;
}

void ccm_api_gone(void *user, struct mams_httpd_req *r)
{
	struct ccm_api *a = user;
	struct ccm_api_waiter *w = mams_httpd_get_user(r);
	uint32_t need = w ? w->need : 0;

	if (w)
		waiter_free(w);
	/* it never learned the need's name */
	if (need)
		ccm_agent_need_end(a->agent, need);
}

/* ---- what the agent reports ---- */

static void finish_need(
	struct ccm_api *a, struct ccm_api_waiter *w, enum ccm_verdict v, const char *text)
{
	struct mams_httpd_req *r = w->req;
	uint32_t id = w->need;

	w->accepted |= v == CCM_VERDICT_ACCEPTED;
	if (v == CCM_VERDICT_ACCEPTED)
		return;
	waiter_free(w);
	mams_httpd_set_user(r, NULL);
	switch (v) {
	case CCM_VERDICT_EFFECT:
		answer_need(r, 200, id);
		break;
	case CCM_VERDICT_REFUSED:
		ccm_api_answer_error(a, r, 409, NULL, text);
		break;
	case CCM_VERDICT_AWAY:
	case CCM_VERDICT_EXPIRED:
	case CCM_VERDICT_ACCEPTED:
		ccm_api_answer_away(a, r, text ? text : "its lifetime is over");
		break;
	}
}

static void on_need(void *user, uint32_t id, enum ccm_verdict v, const char *text)
{
	static const char *const words[] = {[CCM_VERDICT_EFFECT] = "is in effect",
		[CCM_VERDICT_ACCEPTED] = "is accepted by the NCM",
		[CCM_VERDICT_REFUSED] = "is refused",
		[CCM_VERDICT_AWAY] = "cannot be put to the NCM",
		[CCM_VERDICT_EXPIRED] = "has expired"};
	struct ccm_api *a = user;
	struct ccm_api_waiter *w;
	struct ccm_api_waiter *next;

	log_info("requirement %s id=%u%s%s%s", words[v], id, text ? " reason=\"" : "",
		text ? text : "", text ? "\"" : "");
	if (v != CCM_VERDICT_EFFECT && v != CCM_VERDICT_ACCEPTED)
		ccm_api_unbind(a, id);
	for (w = LIST_FIRST(&a->waiters); w; w = next) {
		next = LIST_NEXT(w, link);
		if (w->need == id)
			finish_need(a, w, v, text);
	}
}

static void on_analytics(void *user, const char *text)
{
	struct ccm_api *a = user;
	struct mams_error err;
	struct ccm_api_waiter *w;
	struct ccm_api_waiter *next;

	for (w = LIST_FIRST(&a->waiters); w; w = next) {
		struct mams_httpd_req *r = w->req;
		struct mams_buf body = {0};
		int rc;

		next = LIST_NEXT(w, link);
		if (w->need)
			continue;
		waiter_free(w);
		mams_httpd_set_user(r, NULL);
		if (text) {
			ccm_api_answer_away(a, r, text);
			continue;
		}
		rc = ccm_api_view_predictions(ccm_agent_session(a->agent), &body, &err);
		ccm_api_answer_body(a, r, rc, &body);
	}
}

const struct ccm_agent_ops ccm_api_agent_ops = {.need = on_need, .analytics = on_analytics};

void ccm_api_drop_waiters(struct ccm_api *a)
{
	while (!LIST_EMPTY(&a->waiters))
		waiter_free(LIST_FIRST(&a->waiters));
}
