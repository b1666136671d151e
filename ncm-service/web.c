#include "ncm-service/web.h"

#include "lib/base/log.h"
#include "ncm-service/intake.h"
#include "ncm-service/metrics.h"
#include "ncm-service/relay.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/queue.h>

#define LOG_MODULE "web"
#define CONNECTIONS_MAX 256
#define TEXT_FORMAT "text/plain; version=0.0.4; charset=utf-8"
/* Nothing but our own files, nobody's frame, and no script or style in the page itself. */
#define POLICY                                                                                     \
	"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "            \
	"img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/* A request that waits for an answer over ctl. */
struct waiting {
	struct ncm_web *web;
	struct mams_httpd_req *req;
	struct ncm_relay *relay;
	LIST_ENTRY(waiting) link;
};

struct web_counters {
	uint64_t denied;
	uint64_t bad_route;
	uint64_t bad_request;
	uint64_t silent;
};

struct ncm_web {
	struct mams_loop *loop;
	const struct ncm_conf *conf;
	struct ncm_service *service;
	const struct ncm_api *api;
	struct mams_httpd *httpd;
	mams_time started;
	LIST_HEAD(, waiting) waiting;
	struct web_counters counters;
};

#define CNT(name, field, text)                                                                     \
	{                                                                                          \
		name, text, MAMS_COUNTER, offsetof(struct web_counters, field)                     \
	}
static const struct mams_metric web_rows[] = {
	CNT("denied_total", denied, "requests that the role of who asks does not allow"),
	CNT("bad_route_total", bad_route, "no such path or method"),
	CNT("bad_request_total", bad_request, "ctl requests that cannot be read"),
	CNT("silent_total", silent, "requests that nobody answered in time"),
};

/* cmake/Embed.cmake */
#define FILE_OF(id)                                                                                \
	extern const unsigned char mams_file_##id[];                                               \
	extern const size_t mams_file_##id##_len
FILE_OF(index_html);
FILE_OF(page_js);
FILE_OF(graph_js);
FILE_OF(style_css);
FILE_OF(icon_svg);

static const struct page_file {
	const char *path;
	const char *type;
	const unsigned char *octets;
	const size_t *len;
} files[] = {
	{"/", "text/html; charset=utf-8", mams_file_index_html, &mams_file_index_html_len},
	{"/page.js", "text/javascript; charset=utf-8", mams_file_page_js, &mams_file_page_js_len},
	{"/graph.js", "text/javascript; charset=utf-8", mams_file_graph_js,
		&mams_file_graph_js_len},
	{"/icon.svg", "image/svg+xml", mams_file_icon_svg, &mams_file_icon_svg_len},
	{"/style.css", "text/css; charset=utf-8", mams_file_style_css, &mams_file_style_css_len},
};

static void reply(struct ncm_web *w, struct mams_httpd_req *r, unsigned status, const char *type,
	const void *body, size_t len)
{
	const struct mams_httpd_header headers[] = {
		{"Cache-Control", "no-store"},
		{"X-Content-Type-Options", "nosniff"},
		{"Content-Security-Policy", POLICY},
		{"Referrer-Policy", "no-referrer"},
		{"MAMS-Role", ncm_identity_may_steer(w->conf, mams_httpd_identity(r)) ? "operator"
										      : "viewer"},
	};

	mams_httpd_reply_with(r, status, type, body, len, headers, MAMS_ARRAY_LEN(headers));
}

static void refuse(struct ncm_web *w, struct mams_httpd_req *r, unsigned status, const char *words)
{
	reply(w, r, status, "text/plain; charset=utf-8", words, strlen(words));
}

/* ---- asked over ctl ---- */

static void forget(struct waiting *x)
{
	LIST_REMOVE(x, link);
	free(x);
}

static void answered(void *user, const struct ctl_msg *answer, const char *data, size_t len)
{
	struct waiting *x = user;
	struct ncm_web *w = x->web;
	struct mams_httpd_req *r = x->req;

	forget(x);
	mams_httpd_set_user(r, NULL);
	if (!answer) {
		w->counters.silent++;
		refuse(w, r, 504, "no answer in time\n");
	} else if (answer->type == CTL_METRICS) {
		reply(w, r, 200, TEXT_FORMAT, answer->metrics.text, strlen(answer->metrics.text));
	} else {
		reply(w, r, 200, "application/json", data, len);
	}
}

/* @param request  consumed; NULL: no memory */
static void ask(struct ncm_web *w, struct mams_httpd_req *r, const struct ncm_relay_to *to,
	struct ctl_msg *request)
{
	struct waiting *x = calloc(1, sizeof(*x));

	if (!x) {
		ctl_msg_free(request);
		refuse(w, r, 503, "out of memory\n");
		return;
	}
	x->web = w;
	x->req = r;
	LIST_INSERT_HEAD(&w->waiting, x, link);
	mams_httpd_set_user(r, x);
	if (ncm_relay_new(w->loop, to, request, answered, x, &x->relay) < 0) {
		forget(x);
		mams_httpd_set_user(r, NULL);
		refuse(w, r, 503, "out of memory\n");
	}
}

static void ask_madp(struct ncm_web *w, struct mams_httpd_req *r, const char *name)
{
	const struct ncm_madps *m = ncm_registry_madps(ncm_service_registry(w->service));
	const int i = ncm_madps_find(m, name);
	const struct ncm_madp_conf *conf;
	struct ncm_relay_to to = {0};

	if (i < 0) {
		refuse(w, r, 404, "no such N-MADP instance: mamsctl status lists them\n");
		return;
	}
	conf = &m->policy->madps[i];
	if (mams_addr_is_set(&conf->remote))
		to.remote = (struct mams_ctl_remote){.address = conf->remote,
			.name = conf->ctl_name,
			.context = ncm_madp_context(ncm_service_madp(w->service))};
	else
		to.path = conf->trailer ? conf->trailer : conf->ctl;
	ask(w, r, &to, ctl_msg_new(CTL_METRICS_REQ, 1));
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
	const struct ncm_relay_to to = {.path = w->conf->ctl_socket};
	const char *type = mams_httpd_header(r, "Content-Type");
	struct mams_error err = {0};
	struct ctl_msg *m = NULL;
	char words[320];
	size_t len;
	const char *body = mams_httpd_body(r, &len);

	/* what another site's page may send with our user's login is never of this type */
	if (!type || strcmp(type, "application/json") != 0) {
		w->counters.bad_request++;
		refuse(w, r, 415, "application/json is wanted\n");
		return;
	}
	if (ctl_decode(body, len, &m, &err) < 0 || m->id == 0) {
		w->counters.bad_request++;
		snprintf(words, sizeof(words), "%s: %s\n", m ? "id" : err.where,
			m ? "must not be 0" : err.text);
		ctl_msg_free(m);
		refuse(w, r, 400, words);
	} else if (!may_ask(w->conf, mams_httpd_identity(r), m)) {
		w->counters.denied++;
		ctl_msg_free(m);
		refuse(w, r, 403, "only an operator of this NCM may do that\n");
	} else {
		if (is_order(m))
			log_info("order type=%s by=%s", ctl_type_name(m->type),
				mams_httpd_identity(r));
		ask(w, r, &to, m);
	}
}

static void on_metrics(struct ncm_web *w, struct mams_httpd_req *r)
{
	const char *madp = mams_httpd_query(r, "madp");
	struct mams_buf text = {0};

	if (madp) {
		ask_madp(w, r, madp);
		return;
	}
	ncm_metrics_text(w->service, w->api, w->started, mams_loop_now(w->loop), &text);
	mams_metrics_text(&text, "ncm_admin", web_rows, MAMS_ARRAY_LEN(web_rows), &w->counters);
	mams_metrics_text(&text, "ncm_admin", mams_httpd_metrics, mams_httpd_n_metrics,
		mams_httpd_counters(w->httpd));
	if (text.failed)
		refuse(w, r, 503, "out of memory\n");
	else
		reply(w, r, 200, TEXT_FORMAT, text.data, text.len);
	mams_buf_fini(&text);
}

/* ---- the server ---- */

static void on_file(struct ncm_web *w, struct mams_httpd_req *r, const char *path)
{
	for (size_t i = 0; i < MAMS_ARRAY_LEN(files); i++) {
		if (strcmp(files[i].path, path) != 0)
			continue;
		reply(w, r, 200, files[i].type, files[i].octets, *files[i].len);
		return;
	}
	w->counters.bad_route++;
	refuse(w, r, 404, "no such page\n");
}

static void request(void *user, struct mams_httpd_req *r)
{
	struct ncm_web *w = user;
	const char *path = mams_httpd_path(r);
	const char *method = mams_httpd_method(r);

	if (!ncm_identity_may_view(w->conf, mams_httpd_identity(r))) {
		w->counters.denied++;
		refuse(w, r, 403, "neither a viewer nor an operator of this NCM\n");
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
	struct waiting *x = mams_httpd_get_user(r);

	(void)user;
	if (!x)
		return;
	ncm_relay_free(x->relay);
	forget(x);
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
	w->loop = l;
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
	struct waiting *x;

	if (!w)
		return;
	while ((x = LIST_FIRST(&w->waiting)) != NULL) {
		ncm_relay_free(x->relay);
		forget(x);
	}
	mams_httpd_free(w->httpd);
	free(w);
}

void ncm_web_reload(struct ncm_web *w)
{
	struct mams_error err;

	if (w && mams_httpd_reload(w->httpd, NULL, NULL, &err) < 0)
		log_err("not read again, the old stays in force: %s: %s", err.where, err.text);
}
