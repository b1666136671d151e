#include "ncm-service/web.h"

#include "lib/base/log.h"
#include "lib/io/webpage.h"
#include "ncm-service/intake.h"
#include "ncm-service/metrics.h"

#include <errno.h>
#include <string.h>

#define LOG_MODULE "web"
#define CONNECTIONS_MAX 256
#define TEXT_FORMAT "text/plain; version=0.0.4; charset=utf-8"

struct web_counters {
	uint64_t denied;
	uint64_t bad_route;
};

struct ncm_web {
	const struct ncm_conf *conf;
	struct ncm_service *service;
	const struct ncm_api *api;
	struct mams_httpd *httpd;
	struct mams_web page;
	mams_time started;
	struct web_counters counters;
};

#define CNT(name, field, text)                                                                     \
	{                                                                                          \
		name, text, MAMS_COUNTER, offsetof(struct web_counters, field)                     \
	}
static const struct mams_metric web_rows[] = {
	CNT("denied_total", denied, "requests that the role of who asks does not allow"),
	CNT("bad_route_total", bad_route, "no such path or method"),
};

#define PAGE_CNT(name, field, text)                                                                \
	{                                                                                          \
		name, text, MAMS_COUNTER, offsetof(struct mams_web_counters, field)                \
	}
static const struct mams_metric page_rows[] = {
	PAGE_CNT("bad_request_total", bad_request, "ctl requests that cannot be read"),
	PAGE_CNT("silent_total", silent, "requests that nobody answered in time"),
};

MAMS_WEB_FILE_OF(index_html);
MAMS_WEB_FILE_OF(page_js);

static const struct mams_web_file files[] = {
	{"/", MAMS_WEB_HTML, mams_file_index_html, &mams_file_index_html_len},
	{"/page.js", MAMS_WEB_SCRIPT, mams_file_page_js, &mams_file_page_js_len},
};

static const char *role_of(void *user, const struct mams_httpd_req *r)
{
	const struct ncm_web *w = user;

	return ncm_identity_may_steer(w->conf, mams_httpd_identity(r)) ? "operator" : "viewer";
}

static void ask_madp(struct ncm_web *w, struct mams_httpd_req *r, const char *name)
{
	const struct ncm_madps *m = ncm_registry_madps(ncm_service_registry(w->service));
	const int i = ncm_madps_find(m, name);
	const struct ncm_madp_conf *conf;
	struct mams_ctl_ask_to to = {0};

	if (i < 0) {
		mams_web_refuse(
			&w->page, r, 404, "no such N-MADP instance: mamsctl status lists them\n");
		return;
	}
	conf = &m->policy->madps[i];
	if (mams_addr_is_set(&conf->remote))
		to.remote = (struct mams_ctl_remote){.address = conf->remote,
			.name = conf->ctl_name,
			.context = ncm_madp_context(ncm_service_madp(w->service))};
	else
		to.path = conf->trailer ? conf->trailer : conf->ctl;
	mams_web_ask(&w->page, r, &to, ctl_msg_new(CTL_METRICS_REQ, 1));
}

static bool may_ask(const struct ncm_conf *conf, const char *identity, const struct ctl_msg *m)
{
	if (m->type == CTL_STATUS_REQ || m->type == CTL_NETWORK_REQ || m->type == CTL_EVENTS_REQ ||
		(m->type == CTL_POLICY && !m->policy.automatic))
		return true;
	return ncm_identity_may_steer(conf, identity) &&
	       (m->type == CTL_STEER || m->type == CTL_PROBE || m->type == CTL_DRAIN ||
		       m->type == CTL_POLICY);
}

static bool is_order(const struct ctl_msg *m)
{
	return m->type == CTL_STEER || m->type == CTL_DRAIN || m->type == CTL_PROBE ||
	       (m->type == CTL_POLICY && m->policy.automatic);
}

static void on_ctl(struct ncm_web *w, struct mams_httpd_req *r)
{
	const struct mams_ctl_ask_to to = {.path = w->conf->ctl_socket};
	struct ctl_msg *m = mams_web_read(&w->page, r);

	if (!m)
		return;
	if (!may_ask(w->conf, mams_httpd_identity(r), m)) {
		w->counters.denied++;
		ctl_msg_free(m);
		mams_web_refuse(&w->page, r, 403, "only an operator of this NCM may do that\n");
		return;
	}
	if (is_order(m))
		log_info("order type=%s by=%s", ctl_type_name(m->type), mams_httpd_identity(r));
	mams_web_ask(&w->page, r, &to, m);
}

static void on_metrics(struct ncm_web *w, struct mams_httpd_req *r)
{
	const char *madp = mams_httpd_query(r, "madp");
	struct mams_buf text = {0};

	if (madp) {
		ask_madp(w, r, madp);
		return;
	}
	ncm_metrics_text(w->service, w->api, w->started, mams_loop_now(w->page.loop), &text);
	mams_metrics_text(&text, "ncm_admin", web_rows, MAMS_ARRAY_LEN(web_rows), &w->counters);
	mams_metrics_text(
		&text, "ncm_admin", page_rows, MAMS_ARRAY_LEN(page_rows), &w->page.counters);
	mams_metrics_text(&text, "ncm_admin", mams_httpd_metrics, mams_httpd_n_metrics,
		mams_httpd_counters(w->httpd));
	if (text.failed)
		mams_web_refuse(&w->page, r, 503, "out of memory\n");
	else
		mams_web_reply(&w->page, r, 200, TEXT_FORMAT, text.data, text.len);
	mams_buf_fini(&text);
}

/* ---- the server ---- */

static void on_file(struct ncm_web *w, struct mams_httpd_req *r, const char *path)
{
	if (mams_web_file(&w->page, r, path))
		return;
	w->counters.bad_route++;
	mams_web_refuse(&w->page, r, 404, "no such page\n");
}

static void request(void *user, struct mams_httpd_req *r)
{
	struct ncm_web *w = user;
	const char *path = mams_httpd_path(r);
	const char *method = mams_httpd_method(r);

	if (!ncm_identity_may_view(w->conf, mams_httpd_identity(r))) {
		w->counters.denied++;
		mams_web_refuse(&w->page, r, 403, "neither a viewer nor an operator of this NCM\n");
	} else if (strcmp(method, "POST") == 0 && strcmp(path, "/ctl") == 0) {
		on_ctl(w, r);
	} else if (strcmp(method, "GET") == 0 && strcmp(path, "/metrics") == 0) {
		on_metrics(w, r);
	} else {
		on_file(w, r, strcmp(method, "GET") == 0 ? path : "");
	}
}

static void gone(void *user, struct mams_httpd_req *r)
{
	(void)user;
	mams_web_gone(r);
}

static const struct mams_httpd_ops httpd_ops = {.request = request, .gone = gone};

int ncm_web_new(struct mams_loop *l, const struct ncm_conf *conf, struct ncm_service *v,
	const struct ncm_api *api, struct ncm_web **out, struct mams_error *err)
{
	struct mams_httpd_opts opts = ncm_conf_server(conf);
	struct ncm_web *w = calloc(1, sizeof(*w));
	int rc;

	if (!w)
		return -ENOMEM;
	w->page = (struct mams_web){.loop = l,
		.files = files,
		.n_files = MAMS_ARRAY_LEN(files),
		.role = role_of,
		.user = w};
	w->conf = conf;
	w->service = v;
	w->api = api;
	w->started = mams_loop_now(l);
	opts.listen = conf->admin_listen;
	opts.n_listen = conf->n_admin_listen;
	opts.max_connections = CONNECTIONS_MAX;
	rc = mams_httpd_new(l, &opts, &httpd_ops, w, &w->httpd, err);
	if (rc < 0)
		free(w);
	else
		*out = w;
	return rc;
}

void ncm_web_free(struct ncm_web *w)
{
	if (!w)
		return;
	mams_web_fini(&w->page);
	mams_httpd_free(w->httpd);
	free(w);
}

void ncm_web_reload(struct ncm_web *w)
{
	struct mams_error err;

	if (w && mams_httpd_reload(w->httpd, NULL, NULL, &err) < 0)
		log_err("not read again, the old stays in force: %s: %s", err.where, err.text);
}
