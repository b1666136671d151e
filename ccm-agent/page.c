/* A browser of this host is not who sits at it: a page of some site may have it ask us.  It says so
 * itself (Sec-Fetch-Site, Origin), it cannot use another name for us than ours, and what it gets it
 * cannot read, since we allow nobody's origin.  Who may look is known by the user whose socket the
 * other end is. */
#include "ccm-agent/page.h"

#include "lib/base/log.h"
#include "lib/io/webpage.h"

#include <errno.h>
#include <string.h>

#define LOG_MODULE "page"
#define CONNECTIONS_MAX 64

struct ccm_page {
	struct mams_loop *loop;
	const struct ccm_conf *conf;
	const struct ccm_api *api;
	struct mams_httpd *httpd;
	struct mams_web web;
	struct mams_log_rl refused;
};

MAMS_WEB_FILE_OF(agent_html);
MAMS_WEB_FILE_OF(agent_js);

static const struct mams_web_file files[] = {
	{"/", MAMS_WEB_HTML, mams_file_agent_html, &mams_file_agent_html_len},
	{"/agent.js", MAMS_WEB_SCRIPT, mams_file_agent_js, &mams_file_agent_js_len},
};

/* Is it our own page that asks, or somebody who types our address? */
static bool is_from_here(const struct mams_httpd_req *r)
{
	const char *site = mams_httpd_header(r, "Sec-Fetch-Site");
	const char *origin = mams_httpd_header(r, "Origin");
	const char *host = mams_httpd_header(r, "Host");

	if (site && strcmp(site, "same-origin") != 0 && strcmp(site, "none") != 0)
		return false;
	return !origin ||
	       (host && strncmp(origin, "http://", 7) == 0 && strcmp(origin + 7, host) == 0);
}

static const char *socket_of(const struct ccm_conf *c, const char *daemon)
{
	const struct {
		const char *name;
		const char *path;
	} daemons[] = {
		{"ccm", c->ctl_socket}, {"proxy", c->proxy_socket}, {"trailer", c->trailer_socket}};

	for (size_t i = 0; daemon && i < MAMS_ARRAY_LEN(daemons); i++)
		if (strcmp(daemons[i].name, daemon) == 0)
			return daemons[i].path;
	return NULL;
}

static void on_ctl(struct ccm_page *p, struct mams_httpd_req *r)
{
	const struct mams_ctl_ask_to to = {.path = socket_of(p->conf, mams_httpd_query(r, "of"))};
	struct ctl_msg *m = mams_web_read(&p->web, r);

	if (!m)
		return;
	if (to.path && m->type == CTL_STATUS_REQ) {
		mams_web_ask(&p->web, r, &to, m);
		return;
	}
	if (to.path)
		mams_web_refuse(&p->web, r, 403, "this page asks for status only\n");
	else
		mams_web_refuse(&p->web, r, 404, "of is ccm, proxy or trailer\n");
	ctl_msg_free(m);
}

static void request(void *user, struct mams_httpd_req *r)
{
	struct ccm_page *p = user;
	const char *path = mams_httpd_path(r);
	const char *method = mams_httpd_method(r);

	if (!is_from_here(r) || !ccm_api_admits(p->api, r)) {
		mams_log_limited(&p->refused, mams_loop_now(p->loop), MAMS_LOG_WARN, LOG_MODULE,
			"request refused: another site's page, or a user who is not in api_users");
		mams_web_refuse(&p->web, r, 403,
			"not for you: root and api_users of this agent's configuration may look, "
			"at localhost, 127.0.0.1 or [::1]\n");
	} else if (strcmp(method, "POST") == 0 && strcmp(path, "/ctl") == 0) {
		on_ctl(p, r);
	} else if (strcmp(method, "GET") != 0 || !mams_web_file(&p->web, r, path)) {
		mams_web_refuse(&p->web, r, 404, "no such page\n");
	}
}

static void gone(void *user, struct mams_httpd_req *r)
{
	(void)user;
	mams_web_gone(r);
}

static const struct mams_httpd_ops httpd_ops = {.request = request, .gone = gone};

int ccm_page_new(struct mams_loop *l, const struct ccm_conf *conf, const struct ccm_api *api,
	struct ccm_page **out, struct mams_error *err)
{
	const struct mams_httpd_opts opts = {.anyone = true,
		.listen = conf->page_listen,
		.n_listen = conf->n_page_listen,
		.max_connections = CONNECTIONS_MAX};
	struct ccm_page *p;
	int rc;

	*out = NULL;
	if (conf->n_page_listen == 0)
		return 0;
	p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->loop = l;
	p->conf = conf;
	p->api = api;
	p->web = (struct mams_web){.loop = l, .files = files, .n_files = MAMS_ARRAY_LEN(files)};
	rc = mams_httpd_new(l, &opts, &httpd_ops, p, &p->httpd, err);
	if (rc < 0)
		free(p);
	else
		*out = p;
	return rc;
}

void ccm_page_free(struct ccm_page *p)
{
	if (!p)
		return;
	mams_web_fini(&p->web);
	mams_httpd_free(p->httpd);
	free(p);
}
