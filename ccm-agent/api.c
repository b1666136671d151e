/* Who may ask: root, the agent's own user, members of api_group, and the users of api_users.  A
 * page in a browser is none of them: it cannot reach a UNIX socket, and on loopback it is known by
 * the headers that browsers send (Origin, Sec-Fetch-Mode) and, when it has its own name point to
 * us, by Host.
 */
#include "ccm-agent/api_private.h"

#include "ccm-agent/api_view.h"
#include "lib/mx/mx_api.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define LOG_MODULE "api"
#define RATE_PER_S 10
#define RATE_BURST 40
#define CONNECTIONS_MAX 64
#define CONNECTIONS_PER_USER 16

#define CNT(name, field, text)                                                                     \
	{                                                                                          \
		name, text, MAMS_COUNTER, offsetof(struct ccm_api_counters, field)                 \
	}
const struct mams_metric ccm_api_counter_rows[] = {
	CNT("api_requests_total", requests, "requests of applications"),
	CNT("api_refused_user_total", refused_user, "requests of users who may not ask"),
	CNT("api_refused_browser_total", refused_browser, "requests of pages in a browser"),
	CNT("api_refused_rate_total", refused_rate, "requests of users who ask too often"),
	CNT("api_bad_requests_total", bad_requests, "requests with a mistake (4xx)"),
	CNT("api_held_total", held, "requests that had to wait for the NCM"),
	CNT("api_away_total", away, "requests without an answer of the NCM (503)"),
};
const size_t ccm_api_n_counter_rows = MAMS_ARRAY_LEN(ccm_api_counter_rows);

/* ---- the other routes ---- */

static void on_list(struct ccm_api *a, struct mams_httpd_req *r, uid_t uid, uint32_t id)
{
	struct mams_buf body = {0};
	struct mams_error err;
	size_t n;
	int rc = ccm_api_view_needs(ccm_agent_session(a->agent), uid == 0, uid, id,
		mams_loop_now(a->loop), &body, &n, &err);

	if (rc == 0 && id && n == 0) {
		mams_buf_fini(&body);
		ccm_api_answer_error(a, r, 404, NULL, "no such requirement of yours");
		return;
	}
	ccm_api_answer_body(a, r, rc, &body);
}

static void on_delete(struct ccm_api *a, struct mams_httpd_req *r, uid_t uid, uint32_t id)
{
	const struct ccm_needs *n = &ccm_agent_session(a->agent)->app.needs;
	size_t ended = 0;

	for (size_t i = 0; i < CCM_NEEDS_MAX; i++) {
		uint32_t it = n->need[i].id;

		if (!it || (id && it != id) || (uid != 0 && n->need[i].owner != uid))
			continue;
		ccm_api_unbind(a, it);
		ccm_agent_need_end(a->agent, it);
		ended++;
	}
	if (id && ended == 0)
		ccm_api_answer_error(a, r, 404, NULL, "no such requirement of yours");
	else
		mams_httpd_reply(r, 204, NULL, NULL, 0);
}

static void on_capabilities(struct ccm_api *a, struct mams_httpd_req *r)
{
	struct mams_buf body = {0};
	struct mams_error err;
	int rc = ccm_api_view_capability(ccm_agent_session(a->agent), &body, &err);

	ccm_api_answer_body(a, r, rc, &body);
}

static void on_predict(struct ccm_api *a, struct mams_httpd_req *r)
{
	if (ccm_agent_predict(a->agent) < 0)
		ccm_api_answer_away(a, r, "no session with an NCM, or no user plane yet");
	else if (ccm_api_hold(a, r, 0) < 0)
		ccm_api_answer_away(a, r, "out of memory");
}

/* ---- who, and what ---- */

static bool may_ask(const struct ccm_api *a, const struct mams_httpd_req *r, uid_t uid)
{
	if (uid == 0 || uid == geteuid())
		return true;
	for (size_t i = 0; i < a->n_users; i++)
		if (a->users[i] == uid)
			return true;
	return mams_httpd_in_group(r, a->group);
}

/* A name that resolves to us is not enough: it may be an attacker's. */
static bool is_our_host(const char *host)
{
	static const char *const names[] = {"localhost", "127.0.0.1", "[::1]"};

	for (size_t i = 0; host && i < MAMS_ARRAY_LEN(names); i++) {
		size_t n = strlen(names[i]);

		if (strncasecmp(host, names[i], n) == 0 && (host[n] == '\0' || host[n] == ':'))
			return true;
	}
	return false;
}

bool ccm_api_admits(const struct ccm_api *a, const struct mams_httpd_req *r)
{
	struct mams_unix_peer who = {.uid = (uid_t)-1};

	return is_our_host(mams_httpd_header(r, "Host")) && mams_httpd_user(r, &who) == 0 &&
	       may_ask(a, r, who.uid);
}

static bool admit(struct ccm_api *a, struct mams_httpd_req *r, uid_t *uid)
{
	static const struct mams_httpd_header later = {"Retry-After", "1"};
	struct mams_unix_peer who = {.uid = (uid_t)-1};
	char identity[16];

	if (mams_httpd_header(r, "Origin") || mams_httpd_header(r, "Sec-Fetch-Mode") ||
		!is_our_host(mams_httpd_header(r, "Host"))) {
		a->counters.refused_browser++;
		ccm_api_answer_error(a, r, 403, NULL,
			"not for pages in a browser: no Origin, and Host is localhost, 127.0.0.1 "
			"or "
			"[::1]");
		return false;
	}
	if (mams_httpd_user(r, &who) < 0 || !may_ask(a, r, who.uid)) {
		a->counters.refused_user++;
		mams_log_limited(&a->refused, mams_loop_now(a->loop), MAMS_LOG_WARN, LOG_MODULE,
			"request refused: not in api_users, nor of api_group uid=%d pid=%d",
			(int)who.uid, (int)who.pid);
		ccm_api_answer_error(a, r, 403, NULL, "this user may not ask");
		return false;
	}
	snprintf(identity, sizeof(identity), "%u", who.uid);
	if (!mams_rate_take(a->rate, identity, mams_loop_now(a->loop))) {
		a->counters.refused_rate++;
		ccm_api_answer_error(a, r, 429, &later, "too many requests");
		return false;
	}
	*uid = who.uid;
	return true;
}

enum route { NOWHERE, CAPABILITIES, REQUIREMENTS, REQUIREMENT, PREDICTIONS, SIGNAL };

static enum route route_of(const char *path, uint32_t *id)
{
	static const char one[] = MX_API_BASE "/app_requirements/";
	unsigned long v;
	char *end;

	*id = 0;
	if (strcmp(path, MX_API_BASE "/capabilities") == 0)
		return CAPABILITIES;
	if (strcmp(path, MX_API_BASE "/app_requirements") == 0)
		return REQUIREMENTS;
	if (strcmp(path, MX_API_BASE "/predictive_link_params") == 0)
		return PREDICTIONS;
	if (strcmp(path, MX_API_BASE "/link_signal") == 0)
		return SIGNAL;
	if (strncmp(path, one, sizeof(one) - 1) != 0)
		return NOWHERE;
	path += sizeof(one) - 1;
	if (*path < '1' || *path > '9')
		return NOWHERE;
	errno = 0;
	v = strtoul(path, &end, 10);
	if (errno || *end || v > UINT32_MAX)
		return NOWHERE;
	*id = (uint32_t)v;
	return REQUIREMENT;
}

static void answer_method(struct ccm_api *a, struct mams_httpd_req *r, const char *allowed)
{
	const struct mams_httpd_header allow = {"Allow", allowed};

	ccm_api_answer_error(a, r, 405, &allow, "not a method of this resource");
}

static void on_request(void *user, struct mams_httpd_req *r)
{
	struct ccm_api *a = user;
	const char *method = mams_httpd_method(r);
	bool get = strcmp(method, "GET") == 0;
	bool del = strcmp(method, "DELETE") == 0;
	uint32_t id;
	uid_t uid;

	a->counters.requests++;
	if (!admit(a, r, &uid))
		return;
	switch (route_of(mams_httpd_path(r), &id)) {
	case NOWHERE:
		ccm_api_answer_error(a, r, 404, NULL, "no such resource below " MX_API_BASE);
		break;
	case CAPABILITIES:
		if (get)
			on_capabilities(a, r);
		else
			answer_method(a, r, "GET");
		break;
	case PREDICTIONS:
		if (get)
			on_predict(a, r);
		else
			answer_method(a, r, "GET");
		break;
	case SIGNAL:
		if (strcmp(method, "POST") == 0)
			ccm_api_signal(a, r, uid);
		else
			answer_method(a, r, "POST");
		break;
	case REQUIREMENTS:
	case REQUIREMENT:
		if (get)
			on_list(a, r, uid, id);
		else if (del)
			on_delete(a, r, uid, id);
		else if (!id && strcmp(method, "POST") == 0)
			ccm_api_post(a, r, uid);
		else
			answer_method(a, r, id ? "GET, DELETE" : "GET, POST, DELETE");
		break;
	}
}

static const struct mams_httpd_ops httpd_ops = {.request = on_request, .gone = ccm_api_gone};

/* ---- life ---- */

static int find_users(struct ccm_api *a, struct mams_error *err)
{
	const struct ccm_conf *c = a->conf;
	const struct group *g = c->api_group ? getgrnam(c->api_group) : NULL;

	a->group = g ? g->gr_gid : (gid_t)-1;
	if (c->api_group && !g)
		return mams_fail(err, MAMS_EVALUE, "api_group", "no group \"%.60s\"", c->api_group);
	if (c->n_api_users > CCM_API_USERS_MAX)
		return mams_fail(err, MAMS_ELIMIT, "api_users", "at most %d", CCM_API_USERS_MAX);
	for (size_t i = 0; i < c->n_api_users; i++) {
		const struct passwd *p = getpwnam(c->api_users[i]);

		if (!p)
			return mams_fail(err, MAMS_EVALUE, "api_users", "no user \"%.60s\"",
				c->api_users[i]);
		a->users[a->n_users++] = p->pw_uid;
	}
	return 0;
}

/* The file's mode lets through whom may_ask() may let through. */
static unsigned mode_of(const struct ccm_api *a)
{
	if (a->n_users > 0)
		return 0666;
	return a->group != (gid_t)-1 ? 0660 : 0600;
}

static int listen_local(struct ccm_api *a, struct mams_error *err)
{
	const struct ccm_conf *c = a->conf;
	struct mams_httpd_opts o = {.anyone = true,
		.unix_path = c->api_socket,
		.unix_mode = mode_of(a),
		.unix_gid = a->group,
		.max_connections = CONNECTIONS_MAX,
		.max_per_ip = CONNECTIONS_PER_USER};
	int rc = 0;

	if (strcmp(c->api_socket, "none") != 0)
		rc = mams_httpd_new(a->loop, &o, &httpd_ops, a, &a->httpd[0], err);
	o.unix_path = NULL;
	o.listen = c->api_listen;
	o.n_listen = c->n_api_listen;
	o.cert_file = c->api_certificate;
	o.key_file = c->api_key;
	if (rc == 0 && o.n_listen > 0)
		rc = mams_httpd_new(a->loop, &o, &httpd_ops, a, &a->httpd[1], err);
	return rc;
}

int ccm_api_new(struct mams_loop *l, const struct ccm_conf *conf, struct ccm_agent *agent,
	struct ccm_api **out, struct mams_error *err)
{
	struct ccm_api *a = calloc(1, sizeof(*a));
	int rc = -ENOMEM;

	if (!a)
		return rc;
	a->loop = l;
	a->conf = conf;
	a->agent = agent;
	a->rate = mams_rate_new(RATE_PER_S, RATE_BURST, CCM_API_USERS_MAX);
	if (a->rate)
		rc = find_users(a, err);
	if (rc == 0)
		rc = listen_local(a, err);
	if (rc < 0) {
		ccm_api_free(a);
		return rc;
	}
	ccm_agent_watch(agent, &ccm_api_agent_ops, a);
	*out = a;
	return 0;
}

void ccm_api_free(struct ccm_api *a)
{
	if (!a)
		return;
	ccm_agent_watch(a->agent, NULL, NULL);
	mams_httpd_free(a->httpd[0]);
	mams_httpd_free(a->httpd[1]);
	ccm_api_drop_waiters(a);
	ccm_api_drop_bounds(a);
	mams_rate_free(a->rate);
	free(a);
}

const void *ccm_api_counters(const struct ccm_api *a)
{
	return &a->counters;
}
