#include "ccm-agent/api_private.h"

#include "lib/codec/field.h"
#include "lib/mx/mx_api.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define LOG_MODULE "api"
#define NEEDS_PER_USER 8

/* ---- needs that end with a process ---- */

static void bound_free(struct ccm_api_bound *b)
{
	mams_loop_fd_del(b->watch);
	close(b->fd);
	LIST_REMOVE(b, link);
	free(b);
}

static void process_ended(void *user, int fd, unsigned events)
{
	struct ccm_api_bound *b = user;
	struct ccm_api *a = b->api;
	uint32_t need = b->need;

	(void)fd;
	(void)events;
	bound_free(b);
	log_info("requirement ends with the process that posted it id=%u", need);
	ccm_agent_need_end(a->agent, need);
}

void ccm_api_unbind(struct ccm_api *a, uint32_t need)
{
	struct ccm_api_bound *b;
	struct ccm_api_bound *next;

	for (b = LIST_FIRST(&a->bounds); b; b = next) {
		next = LIST_NEXT(b, link);
		if (b->need == need)
			bound_free(b);
	}
}

static int bind_process(struct ccm_api *a, struct mams_httpd_req *r, uint32_t need)
{
	struct ccm_api_bound *b = calloc(1, sizeof(*b));
	int rc = b ? mams_httpd_pidfd(r) : -ENOMEM;

	if (rc >= 0) {
		b->api = a;
		b->need = need;
		b->fd = rc;
		rc = mams_loop_fd_add(a->loop, b->fd, MAMS_LOOP_READ, process_ended, b, &b->watch);
		if (rc < 0)
			close(b->fd);
	}
	if (rc < 0) {
		free(b);
		return rc;
	}
	LIST_INSERT_HEAD(&a->bounds, b, link);
	return 0;
}

/* ---- POST app_requirements ---- */

static void take_stream(const struct mx_api_stream *from, struct ccm_stream *to)
{
	const struct mx_api_traffic_qos *q = &from->traffic_qos;

	*to = (struct ccm_stream){.protocol = from->proto, .port_last = UINT16_MAX};
	if (from->port_range) {
		to->port_first = from->port_range->start;
		to->port_last = from->port_range->end;
	}
	if (q->name == MX_API_LATENCY)
		to->limits.latency_ms = q->value;
	else if (q->name == MX_API_JITTER)
		to->limits.jitter_ms = q->value;
	else
		to->limits.bandwidth = q->value;
}

static bool is_json(const struct mams_httpd_req *r)
{
	const char *type = mams_httpd_header(r, "Content-Type");
	size_t len = type ? strcspn(type, "; ") : 0;

	return len == strlen("application/json") && strncasecmp(type, "application/json", len) == 0;
}

/* Is it something to read? */
static bool is_body(struct ccm_api *a, struct mams_httpd_req *r)
{
	size_t len;

	(void)mams_httpd_body(r, &len);
	if (!is_json(r))
		ccm_api_answer_error(a, r, 415, NULL, "Content-Type must be application/json");
	else if (len > MX_API_BODY_MAX)
		ccm_api_answer_error(a, r, 413, NULL, "the body is too long");
	else
		return true;
	return false;
}

static void answer_wrong(
	struct ccm_api *a, struct mams_httpd_req *r, int rc, const struct mams_error *err)
{
	char text[512];

	snprintf(text, sizeof(text), "%s%s%s", err->where, err->where[0] ? ": " : "",
		err->text[0] ? err->text : mams_strerror(rc));
	ccm_api_answer_error(a, r, 400, NULL, text);
}

static int read_body(struct ccm_api *a, struct mams_httpd_req *r, struct ccm_need *out)
{
	struct mams_arena *arena = mams_arena_new();
	struct mx_api_requirements q;
	struct mams_error err = {0};
	char text[512];
	size_t len;
	const char *body = mams_httpd_body(r, &len);
	int rc = -ENOMEM;

	if (arena)
		rc = mx_api_decode_requirements(body, len, arena, &q, &err);
	*out = (struct ccm_need){0};
	for (size_t i = 0; rc == 0 && i < q.n_stream_feature; i++) {
		take_stream(&q.stream_feature[i], &out->streams[out->n_streams++]);
		if (q.stream_feature[i].proto == CCM_TCP)
			continue;
		snprintf(text, sizeof(text),
			"app-requirements.stream-feature[%zu].proto: no convergence method in use "
			"carries protocol %u; 6 (TCP) is what can be had",
			i, q.stream_feature[i].proto);
		ccm_api_answer_error(a, r, 409, NULL, text);
		rc = 1;
	}
	if (rc < 0)
		answer_wrong(a, r, rc, &err);
	mams_arena_free(arena);
	return rc;
}

/* ?lifetime=SECONDS or ?lifetime=process */
static bool read_lifetime(
	const struct ccm_api *a, const struct mams_httpd_req *r, int64_t *ms, bool *process)
{
	const char *text = mams_httpd_query(r, "lifetime");
	char *end;
	unsigned long s;

	*ms = a->conf->api_lifetime_ms;
	*process = text && strcmp(text, "process") == 0;
	if (!text || *process)
		return true;
	if (text[0] < '0' || text[0] > '9')
		return false;
	errno = 0;
	s = strtoul(text, &end, 10);
	if (errno || *end || s < 1 || s > a->conf->api_lifetime_ms / 1000)
		return false;
	*ms = (int64_t)s * 1000;
	return true;
}

static size_t needs_of(const struct ccm_api *a, uid_t uid)
{
	const struct ccm_needs *n = &ccm_agent_session(a->agent)->app.needs;
	size_t count = 0;

	for (size_t i = 0; i < CCM_NEEDS_MAX; i++)
		count += n->need[i].id && n->need[i].owner == uid;
	return count;
}

void ccm_api_post(struct ccm_api *a, struct mams_httpd_req *r, uid_t uid)
{
	struct ccm_need need;
	bool process;
	int64_t life_ms;
	int64_t id;

	if (!is_body(a, r))
		return;
	if (!read_lifetime(a, r, &life_ms, &process)) {
		ccm_api_answer_error(a, r, 400, NULL,
			"lifetime: seconds, at most api_lifetime of the agent's configuration, or "
			"\"process\"");
		return;
	}
	if (read_body(a, r, &need) != 0)
		return;
	if (needs_of(a, uid) >= NEEDS_PER_USER) {
		ccm_api_answer_error(
			a, r, 429, NULL, "this user has as many requirements as one may have");
		return;
	}
	id = ccm_agent_need(a->agent, &need, uid, life_ms);
	if (id == -MAMS_ELIMIT)
		ccm_api_answer_error(
			a, r, 429, NULL, "there are as many requirements as there may be");
	else if (id < 0)
		ccm_api_answer_away(a, r, "no session with an NCM, or no user plane yet");
	else if (process && bind_process(a, r, (uint32_t)id) < 0) {
		ccm_agent_need_end(a->agent, (uint32_t)id);
		ccm_api_answer_error(
			a, r, 400, NULL, "lifetime: the process is known at the UNIX socket only");
	} else if (ccm_api_hold(a, r, (uint32_t)id) < 0) {
		ccm_api_unbind(a, (uint32_t)id);
		ccm_agent_need_end(a->agent, (uint32_t)id);
		ccm_api_answer_away(a, r, "out of memory");
	}
}

/* ---- POST link_signal ---- */

static int read_signal(struct ccm_api *a, const struct mams_httpd_req *r, struct mams_error *err)
{
	struct mams_arena *arena = mams_arena_new();
	struct mx_api_signal q;
	size_t len;
	const char *body = mams_httpd_body(r, &len);
	int rc = arena ? mx_api_decode_signal(body, len, arena, &q, err) : -ENOMEM;

	mams_arena_free(arena);
	if (rc == 0)
		rc = ccm_agent_signal(a->agent, q.conn_id, q.signal, (int)q.value);
	if (rc == -MAMS_EUNKNOWN)
		mams_fail(err, MAMS_EUNKNOWN, "conn-id", "no such link");
	return rc;
}

/* It moves the traffic of all: not for applications. */
void ccm_api_signal(struct ccm_api *a, struct mams_httpd_req *r, uid_t uid)
{
	struct mams_error err = {0};
	int rc;

	if (uid != 0 && uid != geteuid()) {
		a->counters.refused_user++;
		ccm_api_answer_error(a, r, 403, NULL, "root and this agent's user tell signals");
		return;
	}
	if (!is_body(a, r))
		return;
	rc = read_signal(a, r, &err);
	if (rc == -MAMS_EVALUE && !err.text[0])
		mams_fail(&err, MAMS_EVALUE, "signal", "none that the link has");
	if (rc < 0)
		answer_wrong(a, r, rc, &err);
	else
		mams_httpd_reply(r, 204, NULL, NULL, 0);
}

void ccm_api_drop_bounds(struct ccm_api *a)
{
	while (!LIST_EMPTY(&a->bounds))
		bound_free(LIST_FIRST(&a->bounds));
}
