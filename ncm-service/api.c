#include "ncm-service/api.h"

#include "lib/base/buf.h"
#include "lib/base/log.h"

#include <uthash.h>

#include <errno.h>
#include <string.h>

#define LOG_MODULE "api"
#define OUTBOX_MAX 32u
#define CNT(name, field, text)                                                                     \
	{                                                                                          \
		name, text, MAMS_COUNTER, offsetof(struct ncm_api_counters, field)                 \
	}

const struct mams_metric ncm_api_counter_rows[] = {
	CNT("posts_total", posts, "messages posted"),
	CNT("polls_total", polls, "long-polls"),
	CNT("polls_replaced_total", polls_replaced, "polls ended by a newer one of the session"),
	CNT("messages_bad_total", bad_message, "E1, E2, E3, E7: not decodable"),
	CNT("messages_unknown_session_total", unknown_session, "E4: no such session"),
	CNT("messages_foreign_session_total", foreign_session, "E5: session of another identity"),
	CNT("requests_bad_route_total", bad_route, "no such path or method"),
	CNT("outbox_full_total", outbox_full, "NCM-started messages that nobody fetched, dropped"),
};
const size_t ncm_api_n_counter_rows = MAMS_ARRAY_LEN(ncm_api_counter_rows);

struct letter {
	char *text;
	size_t len;
};

/* What waits for a session's client, or the poll that waits for it. */
struct box {
	uint64_t session_id;
	struct ncm_api *api;
	struct letter letters[OUTBOX_MAX];
	size_t head, n;
	struct mams_httpd_req *poll;
	struct mams_loop_timer *timer;
	struct mams_addr peer;
	UT_hash_handle hh;
};

struct ncm_api {
	struct mams_loop *loop;
	const struct ncm_conf *conf;
	struct ncm_service *service;
	struct mams_httpd *httpd;
	struct box *boxes;
	struct ncm_api_counters counters;
	struct mams_log_rl refused;
};

static void wipe_free(struct letter *l)
{
	if (l->text)
		mams_wipe(l->text, l->len);
	free(l->text);
	*l = (struct letter){0};
}

static void end_poll(struct box *b, unsigned status, const struct letter *l)
{
	struct mams_httpd_req *r = b->poll;

	b->poll = NULL;
	mams_loop_timer_at(b->timer, MAMS_TIME_NEVER);
	mams_httpd_reply(
		r, status, l ? "application/json" : NULL, l ? l->text : NULL, l ? l->len : 0);
}

static void poll_over(void *user)
{
	struct box *b = user;

	if (b->poll)
		end_poll(b, 204, NULL);
}

static struct box *find_box(const struct ncm_api *a, uint64_t session_id)
{
	struct box *b;

	HASH_FIND(hh, a->boxes, &session_id, sizeof(session_id), b);
	return b;
}

static struct box *make_box(struct ncm_api *a, uint64_t session_id)
{
	struct box *b = find_box(a, session_id);

	if (b)
		return b;
	b = calloc(1, sizeof(*b));
	if (!b || mams_loop_timer_new(a->loop, poll_over, b, &b->timer) < 0) {
		free(b);
		return NULL;
	}
	b->session_id = session_id;
	b->api = a;
	HASH_ADD(hh, a->boxes, session_id, sizeof(b->session_id), b);
	return b;
}

static void drop_box(struct ncm_api *a, struct box *b)
{
	HASH_DEL(a->boxes, b);
	while (b->n > 0) {
		wipe_free(&b->letters[b->head]);
		b->head = (b->head + 1) % OUTBOX_MAX;
		b->n--;
	}
	mams_loop_timer_del(b->timer);
	free(b);
}

static void deliver(struct box *b)
{
	struct letter *l = &b->letters[b->head];

	if (!b->poll || b->n == 0)
		return;
	end_poll(b, 200, l);
	wipe_free(l);
	b->head = (b->head + 1) % OUTBOX_MAX;
	b->n--;
}

static int encode(const struct mx_msg *m, struct letter *out)
{
	struct mams_buf text = {0};
	struct mams_error err;
	int rc = mx_encode(m, 0, &text, &err);

	if (rc < 0) {
		log_err("cannot write %s: %s: %s", mx_type_name(m->type), err.where, err.text);
		mams_buf_fini(&text);
		return rc;
	}
	out->len = text.len;
	out->text = mams_buf_take(&text);
	return out->text ? 0 : -ENOMEM;
}

void ncm_api_send(struct ncm_api *a, struct ncm_session *s, const struct mx_msg *m)
{
	struct box *b = make_box(a, s->s.session_id);

	log_debug("to client=%s type=%s seq=%u", s->s.identity, mx_type_name(m->type),
		m->sequence_num);
	if (!b || b->n == OUTBOX_MAX) {
		a->counters.outbox_full++;
		return;
	}
	if (encode(m, &b->letters[(b->head + b->n) % OUTBOX_MAX]) < 0)
		return;
	b->n++;
	deliver(b);
}

void ncm_api_gone(struct ncm_api *a, const struct ncm_session *s)
{
	struct box *b = find_box(a, s->s.session_id);

	if (!b)
		return;
	if (b->poll)
		end_poll(b, 404, NULL);
	drop_box(a, b);
}

struct mams_addr ncm_api_peer(const struct ncm_api *a, const struct ncm_session *s)
{
	const struct box *b = find_box(a, s->s.session_id);

	return b ? b->peer : (struct mams_addr){0};
}

/* ---- routes ---- */

static unsigned status_of(struct ncm_api *a, int rc)
{
	switch (-rc) {
	case ENOENT:
		a->counters.unknown_session++;
		return 404;
	case MAMS_EDENIED:
		a->counters.foreign_session++;
		return 403;
	case MAMS_ESTATE:
		return 409;
	case MAMS_EUNKNOWN: /* E8: ignored */
		return 204;
	case MAMS_ELIMIT:
	case ENOMEM:
		return 503;
	default:
		return 400;
	}
}

static void answer_error(
	struct ncm_api *a, struct mams_httpd_req *r, unsigned status, const struct mams_error *err)
{
	struct mams_buf text = {0};

	mams_log_limited(&a->refused, mams_loop_now(a->loop), MAMS_LOG_WARN, LOG_MODULE,
		"message refused: %s: %s client=%s status=%u", err->where, err->text,
		mams_httpd_identity(r), status);
	mams_buf_printf(&text, "%s: %s\n", err->where, err->text);
	mams_httpd_reply(r, status, "text/plain; charset=utf-8", status == 204 ? NULL : text.data,
		status == 204 ? 0 : text.len);
	mams_buf_fini(&text);
}

static void remember_peer(struct ncm_api *a, const struct mams_httpd_req *r)
{
	const struct ncm_session *s =
		ncm_registry_by_identity(ncm_service_registry(a->service), mams_httpd_identity(r));
	struct box *b = s ? make_box(a, s->s.session_id) : NULL;

	if (b)
		b->peer = *mams_httpd_peer(r);
}

static void on_message(struct ncm_api *a, struct mams_httpd_req *r)
{
	const struct mx_msg *reply = NULL;
	struct letter l = {0};
	struct mams_error err = {0};
	struct mx_msg *m = NULL;
	size_t len;
	const char *body = mams_httpd_body(r, &len);
	int rc = mx_decode(body, len, &m, &err);

	a->counters.posts++;
	if (rc < 0) {
		a->counters.bad_message++;
		answer_error(a, r, rc == -ENOMEM ? 503 : 400, &err);
		return;
	}
	log_debug("from client=%s type=%s seq=%u", mams_httpd_identity(r), mx_type_name(m->type),
		m->sequence_num);
	rc = ncm_service_message(a->service, mams_httpd_identity(r), m, &reply, &err);
	mx_msg_free(m);
	if (rc == 0 && reply)
		rc = encode(reply, &l);
	if (rc < 0) {
		answer_error(a, r, status_of(a, rc), &err);
		return;
	}
	remember_peer(a, r);
	mams_httpd_reply(r, l.text ? 200 : 204, l.text ? "application/json" : NULL, l.text, l.len);
	wipe_free(&l);
}

static void on_poll(struct ncm_api *a, struct mams_httpd_req *r)
{
	const struct ncm_session *s =
		ncm_registry_by_identity(ncm_service_registry(a->service), mams_httpd_identity(r));
	struct box *b = s ? make_box(a, s->s.session_id) : NULL;
	const struct mams_error err = {.text = "no such session", .where = "poll"};

	a->counters.polls++;
	if (!b) {
		a->counters.unknown_session += !s;
		answer_error(a, r, s ? 503 : 404, &err);
		return;
	}
	if (b->poll) {
		a->counters.polls_replaced++;
		end_poll(b, 204, NULL);
	}
	b->poll = r;
	b->peer = *mams_httpd_peer(r);
	mams_httpd_set_user(r, b);
	mams_loop_timer_at(b->timer, mams_time_add_ms(mams_loop_now(a->loop), a->conf->poll_ms));
	deliver(b);
}

static void request(void *user, struct mams_httpd_req *r)
{
	struct ncm_api *a = user;
	const char *path = mams_httpd_path(r);
	bool post = strcmp(mams_httpd_method(r), "POST") == 0;
	bool get = strcmp(mams_httpd_method(r), "GET") == 0;

	if (post && strcmp(path, "/mams/v1/message") == 0) {
		on_message(a, r);
	} else if (get && strcmp(path, "/mams/v1/poll") == 0) {
		on_poll(a, r);
	} else {
		a->counters.bad_route++;
		mams_httpd_reply(r, 404, NULL, NULL, 0);
	}
}

static void gone(void *user, struct mams_httpd_req *r)
{
	struct box *b = mams_httpd_get_user(r);

	(void)user;
	if (!b || b->poll != r)
		return;
	b->poll = NULL;
	mams_loop_timer_at(b->timer, MAMS_TIME_NEVER);
}

static const struct mams_httpd_ops httpd_ops = {.request = request, .gone = gone};

int ncm_api_new(struct mams_loop *l, const struct ncm_conf *conf, struct ncm_service *v,
	struct ncm_api **out, struct mams_error *err)
{
	const struct mams_httpd_opts opts = {.listen = conf->listen,
		.n_listen = conf->n_listen,
		.cert_file = conf->certificate,
		.key_file = conf->key,
		.client_ca_file = conf->client_ca,
		.digest_file = conf->digest_users,
		.realm = conf->realm,
		.body_max = MX_MAX_BYTES,
		.max_connections = 16384};
	struct ncm_api *a = calloc(1, sizeof(*a));
	int rc;

	if (!a)
		return -ENOMEM;
	a->loop = l;
	a->conf = conf;
	a->service = v;
	rc = mams_httpd_new(l, &opts, &httpd_ops, a, &a->httpd, err);
	if (rc < 0)
		free(a);
	else
		*out = a;
	return rc;
}

void ncm_api_free(struct ncm_api *a)
{
	struct box *b;
	struct box *next;

	if (!a)
		return;
	mams_httpd_free(a->httpd);
	HASH_ITER(hh, a->boxes, b, next)
	drop_box(a, b);
	free(a);
}

void ncm_api_reload(struct ncm_api *a)
{
	struct mams_error err;

	if (!a->conf->digest_users)
		return;
	if (mams_httpd_reload_users(a->httpd, &err) < 0)
		log_err("Digest users stay as they were: %s: %s", err.where, err.text);
	else
		log_info("Digest users read again");
}

const struct ncm_api_counters *ncm_api_counters(const struct ncm_api *a)
{
	return &a->counters;
}

const struct mams_httpd *ncm_api_httpd(const struct ncm_api *a)
{
	return a->httpd;
}
