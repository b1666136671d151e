#include "ncm-service/web.h"

#include "lib/base/log.h"
#include "ncm-service/intake.h"
#include "ncm-service/metrics.h"
#include "ncm-service/scrape.h"

#include <errno.h>
#include <string.h>
#include <sys/queue.h>

#define LOG_MODULE "web"
#define CONNECTIONS_MAX 256
#define TEXT_FORMAT "text/plain; version=0.0.4; charset=utf-8"

/* A request that waits for an N-MADP instance. */
struct waiting {
	struct mams_httpd_req *req;
	struct ncm_scrape *scrape;
	LIST_ENTRY(waiting) link;
};

struct web_counters {
	uint64_t denied;
	uint64_t bad_route;
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

static const struct mams_metric web_rows[] = {
	{"denied_total", "requests of others than viewers and operators", MAMS_COUNTER,
		offsetof(struct web_counters, denied)},
	{"bad_route_total", "no such path or method", MAMS_COUNTER,
		offsetof(struct web_counters, bad_route)},
};

static const struct mams_httpd_header headers[] = {
	{"Cache-Control", "no-store"},
	{"X-Content-Type-Options", "nosniff"},
};

static void reply(
	struct mams_httpd_req *r, unsigned status, const char *type, const void *body, size_t len)
{
	mams_httpd_reply_with(r, status, type, body, len, headers, MAMS_ARRAY_LEN(headers));
}

static void refuse(struct mams_httpd_req *r, unsigned status, const char *words)
{
	reply(r, status, "text/plain; charset=utf-8", words, strlen(words));
}

/* ---- metrics ---- */

static void forget(struct waiting *x)
{
	LIST_REMOVE(x, link);
	free(x);
}

static void scraped(void *user, const char *text)
{
	struct waiting *x = user;
	struct mams_httpd_req *r = x->req;

	forget(x);
	if (text)
		reply(r, 200, TEXT_FORMAT, text, strlen(text));
	else
		refuse(r, 504, "the N-MADP instance does not answer\n");
}

static void scrape(struct ncm_web *w, struct mams_httpd_req *r, const char *name)
{
	const struct ncm_madps *m = ncm_registry_madps(ncm_service_registry(w->service));
	int i = ncm_madps_find(m, name);
	struct waiting *x = i >= 0 ? calloc(1, sizeof(*x)) : NULL;

	if (i < 0) {
		refuse(r, 404, "no such N-MADP instance: mamsctl status lists them\n");
		return;
	}
	if (!x || ncm_scrape_new(w->loop, m->policy, ncm_service_madp(w->service), (size_t)i,
			  scraped, x, &x->scrape) < 0) {
		free(x);
		refuse(r, 503, "out of memory\n");
		return;
	}
	x->req = r;
	LIST_INSERT_HEAD(&w->waiting, x, link);
	mams_httpd_set_user(r, x);
}

static void on_metrics(struct ncm_web *w, struct mams_httpd_req *r)
{
	const char *madp = mams_httpd_query(r, "madp");
	struct mams_buf text = {0};

	if (madp) {
		scrape(w, r, madp);
		return;
	}
	ncm_metrics_text(w->service, w->api, w->started, mams_loop_now(w->loop), &text);
	mams_metrics_text(&text, "ncm_admin", web_rows, MAMS_ARRAY_LEN(web_rows), &w->counters);
	mams_metrics_text(&text, "ncm_admin", mams_httpd_metrics, mams_httpd_n_metrics,
		mams_httpd_counters(w->httpd));
	if (text.failed)
		refuse(r, 503, "out of memory\n");
	else
		reply(r, 200, TEXT_FORMAT, text.data, text.len);
	mams_buf_fini(&text);
}

/* ---- the server ---- */

static void request(void *user, struct mams_httpd_req *r)
{
	struct ncm_web *w = user;
	const char *path = mams_httpd_path(r);
	bool get = strcmp(mams_httpd_method(r), "GET") == 0;

	if (!ncm_identity_may_view(w->conf, mams_httpd_identity(r))) {
		w->counters.denied++;
		refuse(r, 403, "neither a viewer nor an operator of this NCM\n");
	} else if (get && strcmp(path, "/metrics") == 0) {
		on_metrics(w, r);
	} else {
		w->counters.bad_route++;
		refuse(r, 404, "no such page\n");
	}
}

static void gone(void *user, struct mams_httpd_req *r)
{
	struct waiting *x = mams_httpd_get_user(r);

	(void)user;
	if (!x)
		return;
	ncm_scrape_free(x->scrape);
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
		ncm_scrape_free(x->scrape);
		forget(x);
	}
	mams_httpd_free(w->httpd);
	free(w);
}

void ncm_web_reload(struct ncm_web *w)
{
	struct mams_error err;

	if (w && mams_httpd_reload(w->httpd, &err) < 0)
		log_err("not read again, the old stays in force: %s: %s", err.where, err.text);
}
