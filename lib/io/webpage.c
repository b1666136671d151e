#include "lib/io/webpage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_FORMAT "text/plain; version=0.0.4; charset=utf-8"
/* Nothing but our own files, nobody's frame, and no script or style in the page itself. */
#define POLICY                                                                                     \
	"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "            \
	"img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/* A request that waits for an answer over ctl. */
struct mams_web_waiting {
	struct mams_web *web;
	struct mams_httpd_req *req;
	struct mams_ctl_ask *ask;
	LIST_ENTRY(mams_web_waiting) link;
};

MAMS_WEB_FILE_OF(parts_js);
MAMS_WEB_FILE_OF(graph_js);
MAMS_WEB_FILE_OF(style_css);
MAMS_WEB_FILE_OF(icon_svg);

/* lib/io/page */
static const struct mams_web_file common[] = {
	{"/parts.js", MAMS_WEB_SCRIPT, mams_file_parts_js, &mams_file_parts_js_len},
	{"/graph.js", MAMS_WEB_SCRIPT, mams_file_graph_js, &mams_file_graph_js_len},
	{"/style.css", "text/css; charset=utf-8", mams_file_style_css, &mams_file_style_css_len},
	{"/icon.svg", "image/svg+xml", mams_file_icon_svg, &mams_file_icon_svg_len},
};

void mams_web_reply(struct mams_web *w, struct mams_httpd_req *r, unsigned status, const char *type,
	const void *body, size_t len)
{
	const char *role = w->role ? w->role(w->user, r) : NULL;
	const struct mams_httpd_header headers[] = {
		{"Cache-Control", "no-store"},
		{"X-Content-Type-Options", "nosniff"},
		{"Content-Security-Policy", POLICY},
		{"Referrer-Policy", "no-referrer"},
		{"MAMS-Role", role},
	};

	mams_httpd_reply_with(
		r, status, type, body, len, headers, MAMS_ARRAY_LEN(headers) - (role ? 0 : 1));
}

void mams_web_refuse(
	struct mams_web *w, struct mams_httpd_req *r, unsigned status, const char *words)
{
	mams_web_reply(w, r, status, MAMS_WEB_TEXT, words, strlen(words));
}

/* ---- files ---- */

static bool reply_one(struct mams_web *w, struct mams_httpd_req *r, const char *path,
	const struct mams_web_file *files, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(files[i].path, path) == 0) {
			mams_web_reply(w, r, 200, files[i].type, files[i].octets, *files[i].len);
			return true;
		}
	}
	return false;
}

bool mams_web_file(struct mams_web *w, struct mams_httpd_req *r, const char *path)
{
	return reply_one(w, r, path, w->files, w->n_files) ||
	       reply_one(w, r, path, common, MAMS_ARRAY_LEN(common));
}

/* ---- asked over ctl ---- */

static void forget(struct mams_web_waiting *x)
{
	LIST_REMOVE(x, link);
	free(x);
}

static void answered(void *user, const struct ctl_msg *answer, const char *data, size_t len)
{
	struct mams_web_waiting *x = user;
	struct mams_web *w = x->web;
	struct mams_httpd_req *r = x->req;

	forget(x);
	mams_httpd_set_user(r, NULL);
	if (!answer) {
		w->counters.silent++;
		mams_web_refuse(w, r, 504, "no answer in time\n");
	} else if (answer->type == CTL_METRICS) {
		mams_web_reply(
			w, r, 200, TEXT_FORMAT, answer->metrics.text, strlen(answer->metrics.text));
	} else {
		mams_web_reply(w, r, 200, "application/json", data, len);
	}
}

void mams_web_ask(struct mams_web *w, struct mams_httpd_req *r, const struct mams_ctl_ask_to *to,
	struct ctl_msg *request)
{
	struct mams_web_waiting *x = calloc(1, sizeof(*x));

	if (!x) {
		ctl_msg_free(request);
		mams_web_refuse(w, r, 503, "out of memory\n");
		return;
	}
	x->web = w;
	x->req = r;
	LIST_INSERT_HEAD(&w->waiting, x, link);
	mams_httpd_set_user(r, x);
	if (mams_ctl_ask_new(w->loop, to, request, answered, x, &x->ask) < 0) {
		forget(x);
		mams_httpd_set_user(r, NULL);
		mams_web_refuse(w, r, 503, "out of memory\n");
	}
}

struct ctl_msg *mams_web_read(struct mams_web *w, struct mams_httpd_req *r)
{
	const char *type = mams_httpd_header(r, "Content-Type");
	struct mams_error err = {0};
	struct ctl_msg *m = NULL;
	char words[320];
	size_t len;
	const char *body = mams_httpd_body(r, &len);

	/* what another site's page may send with our user's login is never of this type */
	if (!type || strcmp(type, "application/json") != 0) {
		w->counters.bad_request++;
		mams_web_refuse(w, r, 415, "application/json is wanted\n");
		return NULL;
	}
	if (ctl_decode(body, len, &m, &err) == 0 && m->id != 0)
		return m;
	w->counters.bad_request++;
	snprintf(words, sizeof(words), "%s: %s\n", m ? "id" : err.where,
		m ? "must not be 0" : err.text);
	ctl_msg_free(m);
	mams_web_refuse(w, r, 400, words);
	return NULL;
}

void mams_web_gone(struct mams_httpd_req *r)
{
	struct mams_web_waiting *x = mams_httpd_get_user(r);

	if (!x)
		return;
	mams_ctl_ask_free(x->ask);
	forget(x);
}

void mams_web_fini(struct mams_web *w)
{
	struct mams_web_waiting *x;

	while ((x = LIST_FIRST(&w->waiting)) != NULL) {
		mams_ctl_ask_free(x->ask);
		forget(x);
	}
}
