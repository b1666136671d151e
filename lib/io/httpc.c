/* Easy handles are kept after their exchange: one keeps the Digest nonce it was given, so the next
 * request goes out authenticated at once.  They are kept by method and path, because the nonces of
 * some servers (libmicrohttpd 0.9.75 among them) hold for one of each only. */
#include "lib/io/httpc_private.h"

#include "lib/io/proc.h"
#include "lib/io/secret.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LOG_MODULE "httpc"

#define CONNECT_MS 3000
#define KEEPALIVE_IDLE_S 10L
#define KEEPALIVE_INTERVAL_S 5L
/* Octets unacknowledged for so long: the link is dead, whatever it says. */
#define USER_TIMEOUT_MS 10000
#define IDLE_HANDLES_MAX 4

/* ---- libcurl's callbacks of an exchange ---- */

/* Our own connections must not be caught by our own redirect: no mark, no connection. */
static int on_new_socket(void *user, curl_socket_t fd, curlsocktype purpose)
{
	struct mams_httpc *c = user;
	unsigned limit = USER_TIMEOUT_MS;

	(void)purpose;
	if (setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &limit, sizeof(limit)) < 0)
		log_debug("TCP_USER_TIMEOUT not set error=%s", strerror(errno));
	if (!c->mark || setsockopt(fd, SOL_SOCKET, SO_MARK, &c->mark, sizeof(c->mark)) == 0)
		return CURL_SOCKOPT_OK;
	mams_log_limited(&c->failures, mams_loop_now(c->loop), MAMS_LOG_ERR, LOG_MODULE,
		"SO_MARK not set, CAP_NET_ADMIN is needed error=%s", strerror(errno));
	return CURL_SOCKOPT_ERROR;
}

static size_t on_data(char *data, size_t size, size_t n, void *user)
{
	struct mams_httpc_handle *x = user;

	n *= size;
	if (x->answer.len + n > x->client->body_max) {
		x->too_long = true;
		return 0;
	}
	mams_buf_add(&x->answer, data, n);
	return x->answer.failed ? 0 : n;
}

/* ---- end of an exchange ---- */

static void forget(struct mams_httpc_handle *x)
{
	mams_wipe(x->body, x->body_len);
	free(x->body);
	x->body = NULL;
	x->body_len = 0;
	mams_wipe(x->answer.data, x->answer.len);
	mams_buf_fini(&x->answer);
	x->answer = (struct mams_buf){0};
	curl_slist_free_all(x->headers);
	x->headers = NULL;
	x->too_long = false;
}

static void handle_free(struct mams_httpc_handle *x)
{
	curl_easy_cleanup(x->easy);
	forget(x);
	free(x->kind);
	free(x);
}

static void detach(struct mams_httpc_handle *x)
{
	mams_httpc_pool_remove(x->pool, x->easy);
	x->pool = NULL;
	TAILQ_REMOVE(&x->client->active, x, link);
}

static void keep(struct mams_httpc_handle *x)
{
	struct mams_httpc *c = x->client;

	forget(x);
	TAILQ_INSERT_HEAD(&c->idle, x, link);
	if (++c->n_idle <= IDLE_HANDLES_MAX)
		return;
	x = TAILQ_LAST(&c->idle, handle_list);
	TAILQ_REMOVE(&c->idle, x, link);
	c->n_idle--;
	handle_free(x);
}

int mams_httpc_error(CURLcode code)
{
	if (code == CURLE_OPERATION_TIMEDOUT)
		return -ETIMEDOUT;
	if (code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_HOST)
		return -ECONNREFUSED;
	if (code == CURLE_INTERFACE_FAILED)
		return -EADDRNOTAVAIL;
	if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CERTPROBLEM ||
		code == CURLE_SSL_CACERT_BADFILE || code == CURLE_SSL_ISSUER_ERROR)
		return -MAMS_EDENIED;
	if (code == CURLE_GOT_NOTHING || code == CURLE_RECV_ERROR || code == CURLE_SEND_ERROR ||
		code == CURLE_PARTIAL_FILE || code == CURLE_SSL_CONNECT_ERROR)
		return -ECONNRESET;
	return code == CURLE_OUT_OF_MEMORY ? -ENOMEM : -MAMS_EPEER;
}

static void done(void *user, CURL *easy, CURLcode code)
{
	struct mams_httpc *c = user;
	struct mams_httpc_handle *x = NULL;
	struct mams_buf answer;
	curl_socket_t fd = CURL_SOCKET_BAD;
	long http = 0;
	int status;

	curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&x);
	if (code == CURLE_OK)
		curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &http);
	status = code == CURLE_OK ? (int)http : x->too_long ? -MAMS_ELIMIT : mams_httpc_error(code);
	if (status < 0)
		mams_log_limited(&c->failures, mams_loop_now(c->loop), MAMS_LOG_WARN, LOG_MODULE,
			"request failed server=%s request=\"%s\" error=\"%s\"", c->base_url,
			x->kind, x->error[0] ? x->error : curl_easy_strerror(code));
	curl_easy_getinfo(easy, CURLINFO_ACTIVESOCKET, &fd);
	x->lives = code == CURLE_OK && fd != CURL_SOCKET_BAD ? mams_loop_now(c->loop)
							     : MAMS_TIME_NEVER;
	detach(x);
	answer = x->answer;
	x->answer = (struct mams_buf){0};
	keep(x); /* before the callback, whose next request then finds it, with its nonce */
	if (status < 0)
		mams_buf_clear(&answer);
	x->cb(x->user, status, answer.data ? answer.data : "", answer.len);
	mams_wipe(answer.data, answer.len);
	mams_buf_fini(&answer);
}

/* ---- start of an exchange ---- */

static char *kind_of(const struct mams_httpc_request *req)
{
	struct mams_buf b = {0};

	mams_buf_printf(&b, "%s %.*s", req->method, (int)strcspn(req->path, "?"), req->path);
	return mams_buf_take(&b);
}

static struct mams_httpc_handle *handle_get(struct mams_httpc *c, const char *kind)
{
	struct mams_httpc_handle *x;

	TAILQ_FOREACH(x, &c->idle, link)
	{
		if (strcmp(x->kind, kind) != 0)
			continue;
		TAILQ_REMOVE(&c->idle, x, link);
		c->n_idle--;
		return x;
	}
	x = calloc(1, sizeof(*x));
	if (!x)
		return NULL;
	x->client = c;
	x->lives = MAMS_TIME_NEVER;
	x->kind = strdup(kind);
	x->easy = curl_easy_init();
	if (x->kind && x->easy)
		return x;
	handle_free(x);
	return NULL;
}

static void set_connection(struct mams_httpc *c, CURL *e, const char *interface)
{
#if LIBCURL_VERSION_NUM >= 0x075500
	curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "https");
#else
	curl_easy_setopt(e, CURLOPT_PROTOCOLS, (long)CURLPROTO_HTTPS);
#endif
	curl_easy_setopt(e, CURLOPT_PROXY, ""); /* the environment has no say */
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)c->connect_ms);
	curl_easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(e, CURLOPT_TCP_KEEPIDLE, KEEPALIVE_IDLE_S);
	curl_easy_setopt(e, CURLOPT_TCP_KEEPINTVL, KEEPALIVE_INTERVAL_S);
	curl_easy_setopt(e, CURLOPT_INTERFACE, interface);
	curl_easy_setopt(e, CURLOPT_CONNECT_TO, c->via);
	curl_easy_setopt(e, CURLOPT_SOCKOPTFUNCTION, on_new_socket);
	curl_easy_setopt(e, CURLOPT_SOCKOPTDATA, c);
#if LIBCURL_VERSION_NUM >= 0x075700
	/* a cancelled exchange does not wait for its name lookup */
	curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L);
#endif
}

static void set_security(struct mams_httpc *c, CURL *e)
{
	curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 2L);
	curl_easy_setopt(e, CURLOPT_CAPATH, NULL);
	curl_easy_setopt(e, CURLOPT_CAINFO, c->ca_file);
	curl_easy_setopt(e, CURLOPT_SSLCERT, c->cert_file);
	curl_easy_setopt(e, CURLOPT_SSLKEY, c->key_file);
}

void mams_httpc_set_up(struct mams_httpc *c, CURL *e, const char *interface)
{
	set_connection(c, e, interface);
	set_security(c, e);
}

static void set_digest(struct mams_httpc *c, CURL *e)
{
	if (!c->user)
		return;
	/* Expecting a challenge, libcurl sends a POST without its body first; a server that knows
	 * us by our certificate would take that for the request. */
	curl_easy_setopt(e, CURLOPT_HTTPAUTH,
		(long)(c->cert_file ? CURLAUTH_DIGEST | CURLAUTH_ONLY : CURLAUTH_DIGEST));
	curl_easy_setopt(e, CURLOPT_USERNAME, c->user);
	curl_easy_setopt(e, CURLOPT_PASSWORD, c->password);
}

static int set_request(struct mams_httpc_handle *x, const struct mams_httpc_request *req)
{
	CURL *e = x->easy;
	struct mams_buf b = {0};
	char *text;

	mams_buf_printf(&b, "%s%s", x->client->base_url, req->path);
	text = mams_buf_take(&b);
	if (!text)
		return -ENOMEM;
	curl_easy_setopt(e, CURLOPT_URL, text);
	free(text);
	curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)req->timeout_ms);
	curl_easy_setopt(e, CURLOPT_PRIVATE, x);
	curl_easy_setopt(e, CURLOPT_ERRORBUFFER, x->error);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_data);
	curl_easy_setopt(e, CURLOPT_WRITEDATA, x);
	if (strcmp(req->method, "POST") != 0) {
		curl_easy_setopt(e, CURLOPT_HTTPGET, 1L);
		return 0;
	}
	x->body = malloc(req->len + 1);
	mams_buf_printf(
		&b, "Content-Type: %s", req->content_type ? req->content_type : "application/json");
	text = mams_buf_take(&b);
	if (text)
		x->headers = curl_slist_append(NULL, text);
	free(text);
	if (!x->body || !x->headers)
		return -ENOMEM;
	if (req->len)
		memcpy(x->body, req->body, req->len);
	x->body_len = req->len;
	curl_easy_setopt(e, CURLOPT_POST, 1L);
	curl_easy_setopt(e, CURLOPT_POSTFIELDS, x->body);
	curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE, (long)req->len);
	curl_easy_setopt(e, CURLOPT_HTTPHEADER, x->headers);
	return 0;
}

int mams_httpc_send(struct mams_httpc *c, const struct mams_httpc_request *req, mams_httpc_fn cb,
	void *user, struct mams_httpc_handle **out)
{
	struct mams_httpc_handle *x;
	char *kind = kind_of(req);
	int rc;

	if (!kind)
		return -ENOMEM;
	x = handle_get(c, kind);
	free(kind);
	if (!x)
		return -ENOMEM;
	x->cb = cb;
	x->user = user;
	x->error[0] = '\0';
	mams_httpc_set_up(c, x->easy, req->interface ? req->interface : c->interface);
	/* libcurl's timer for connecting runs, and wakes us up, though it has nothing to connect */
	if (x->lives.us == mams_loop_now(c->loop).us)
		curl_easy_setopt(x->easy, CURLOPT_CONNECTTIMEOUT_MS, 0L);
	set_digest(c, x->easy);
	rc = set_request(x, req);
	if (rc == 0)
		rc = mams_httpc_pools_add(c->pools, x->easy, &x->pool);
	if (rc < 0) {
		handle_free(x);
		return rc;
	}
	TAILQ_INSERT_TAIL(&c->active, x, link);
	if (out)
		*out = x;
	return 0;
}

void mams_httpc_cancel(struct mams_httpc_handle *x)
{
	if (!x)
		return;
	detach(x);
	keep(x);
}

/* ---- the client ---- */

static int copy(char **out, const char *text)
{
	*out = text ? strdup(text) : NULL;
	return text && !*out ? -ENOMEM : 0;
}

static int check_readable(const char *path, struct mams_error *err)
{
	if (access(path, R_OK) < 0)
		return mams_fail(err, errno, path, "%s", strerror(errno));
	return 0;
}

static int check_base(const char *url)
{
	CURLU *u = curl_url();
	char *path = NULL;
	int rc = -MAMS_EVALUE;

	if (!u)
		return -ENOMEM;
	if (strncmp(url, "https://", 8) == 0 && !strchr(url, '@') &&
		curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
		curl_url_get(u, CURLUPART_PATH, &path, 0) == CURLUE_OK && strcmp(path, "/") == 0 &&
		url[strlen(url) - 1] != '/')
		rc = 0;
	curl_free(path);
	curl_url_cleanup(u);
	return rc;
}

static int take_secrets(
	struct mams_httpc *c, const struct mams_httpc_opts *o, struct mams_error *err)
{
	int rc;

	if (!o->ca_file)
		return mams_fail(err, MAMS_EMISSING, NULL,
			"a CA file is needed: without it no server can be believed");
	rc = check_readable(o->ca_file, err);
	if (rc == 0 && !o->cert_file != !o->key_file)
		rc = mams_fail(err, MAMS_EMISSING, NULL,
			"a client certificate and its key come together or not at all");
	if (rc == 0 && o->cert_file)
		rc = check_readable(o->cert_file, err);
	if (rc == 0 && o->key_file)
		rc = mams_proc_check_secret_file(o->key_file, err);
	if (rc == 0 && !o->digest_user != !o->password_file)
		rc = mams_fail(err, MAMS_EMISSING, NULL,
			"a Digest user and a password file come together or not at all");
	if (rc == 0 && o->password_file)
		rc = mams_secret_read(o->password_file, &c->password, err);
	return rc;
}

static int take_strings(struct mams_httpc *c, const struct mams_httpc_opts *o)
{
	int rc = copy(&c->ca_file, o->ca_file);

	rc = rc ? rc : copy(&c->cert_file, o->cert_file);
	rc = rc ? rc : copy(&c->key_file, o->key_file);
	rc = rc ? rc : copy(&c->user, o->digest_user);
	rc = rc ? rc : copy(&c->interface, o->interface);
	return rc;
}

int mams_httpc_new(struct mams_loop *l, const struct mams_httpc_opts *opts, struct mams_httpc **out,
	struct mams_error *err)
{
	struct mams_httpc *c = calloc(1, sizeof(*c));
	int rc;

	if (!c)
		return -ENOMEM;
	curl_global_init(CURL_GLOBAL_DEFAULT);
	c->loop = l;
	c->refs = 1;
	c->mark = opts->mark;
	c->connect_ms = opts->connect_ms ? opts->connect_ms : CONNECT_MS;
	c->body_max = opts->body_max ? opts->body_max : MAMS_HTTPC_BODY_MAX;
	TAILQ_INIT(&c->active);
	TAILQ_INIT(&c->idle);
	rc = mams_httpc_set_base(c, opts->base_url);
	if (rc == -MAMS_EVALUE)
		(void)mams_fail(err, MAMS_EVALUE, opts->base_url,
			"the URL must be https://host:port without a path");
	if (rc == 0)
		rc = take_secrets(c, opts, err);
	if (rc == 0)
		rc = take_strings(c, opts);
	if (rc == 0)
		rc = mams_httpc_pools_new(l, done, c, &c->pools);
	if (rc < 0) {
		mams_httpc_free(c);
		return rc;
	}
	*out = c;
	return 0;
}

void mams_httpc_ref(struct mams_httpc *c)
{
	c->refs++;
}

void mams_httpc_unref(struct mams_httpc *c)
{
	if (--c->refs > 0)
		return;
	if (c->password)
		mams_wipe(c->password, strlen(c->password));
	free(c->password);
	free(c->base_url);
	free(c->ca_file);
	free(c->cert_file);
	free(c->key_file);
	free(c->user);
	curl_slist_free_all(c->via);
	free(c->interface);
	free(c);
	curl_global_cleanup();
}

void mams_httpc_free(struct mams_httpc *c)
{
	struct mams_httpc_handle *x;

	if (!c)
		return;
	while ((x = TAILQ_FIRST(&c->active)) != NULL) {
		detach(x);
		handle_free(x);
	}
	while ((x = TAILQ_FIRST(&c->idle)) != NULL) {
		TAILQ_REMOVE(&c->idle, x, link);
		handle_free(x);
	}
	mams_httpc_pools_free(c->pools);
	c->pools = NULL;
	mams_httpc_unref(c);
}

int mams_httpc_set_base(struct mams_httpc *c, const char *base_url)
{
	char *text;
	int rc = check_base(base_url);

	if (rc < 0)
		return rc;
	text = strdup(base_url);
	if (!text)
		return -ENOMEM;
	free(c->base_url);
	c->base_url = text;
	return 0;
}

const char *mams_httpc_base(const struct mams_httpc *c)
{
	return c->base_url;
}

int mams_httpc_set_via(struct mams_httpc *c, const char *via)
{
	struct curl_slist *list = via ? curl_slist_append(NULL, via) : NULL;
	struct mams_httpc_handle *x;

	if (via && !list)
		return -ENOMEM;
	/* idle handles keep their options, this one as a pointer */
	TAILQ_FOREACH(x, &c->idle, link)
	curl_easy_setopt(x->easy, CURLOPT_CONNECT_TO, list);
	TAILQ_FOREACH(x, &c->active, link)
	curl_easy_setopt(x->easy, CURLOPT_CONNECT_TO, list);
	curl_slist_free_all(c->via);
	c->via = list;
	return 0;
}

int mams_httpc_set_interface(struct mams_httpc *c, const char *interface)
{
	char *text = NULL;
	int rc = copy(&text, interface);

	if (rc < 0)
		return rc;
	free(c->interface);
	c->interface = text;
	mams_httpc_close_idle(c);
	return 0;
}

void mams_httpc_set_connect_ms(struct mams_httpc *c, unsigned ms)
{
	c->connect_ms = ms;
}

void mams_httpc_close_idle(struct mams_httpc *c)
{
	struct mams_httpc_handle *x;

	TAILQ_FOREACH(x, &c->idle, link)
	x->lives = MAMS_TIME_NEVER;
	mams_httpc_pools_retire(c->pools);
}
