/* A daemon on another host (--connect), with certificates on both sides: a data plane by ctl in
 * TLS 1.3, the NCM by HTTPS, where its operators' service takes what the status page posts. */
#include "tools/mamsctl/mamsctl.h"

#include "lib/io/ctlsock.h"
#include "lib/io/httpc.h"
#include "lib/io/loop.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PORT_DEFAULT 7450
#define HTTPS "https://"

struct call {
	struct mams_loop *loop;
	const struct mams_buf *request;
	char *answer;
	size_t len;
	int status; /* of HTTP */
	int rc;
};

static void end(struct call *c, int rc)
{
	c->rc = rc;
	mams_loop_stop(c->loop);
}

static void opened(void *user, struct mams_ctl_conn *conn)
{
	struct call *c = user;
	int rc = mams_ctl_send(conn, c->request->data, c->request->len);

	if (rc < 0)
		end(c, rc);
}

static void packet(void *user, struct mams_ctl_conn *conn, const char *data, size_t len)
{
	struct call *c = user;

	(void)conn;
	if (c->answer)
		return;
	c->answer = strndup(data, len);
	c->len = len;
	end(c, c->answer ? 0 : -ENOMEM);
}

static void closed(void *user, struct mams_ctl_conn *conn)
{
	(void)conn;
	end(user, -ECONNRESET);
}

static void too_late(void *user)
{
	end(user, -ETIMEDOUT);
}

static const struct mams_ctl_server_ops ops = {
	.opened = opened, .packet = packet, .closed = closed};

static int run_loop(const struct options *o, struct call *c)
{
	struct mams_loop_timer *timer = NULL;
	int rc = mams_loop_timer_new(c->loop, too_late, c, &timer);

	if (rc < 0)
		return rc;
	mams_loop_timer_at(timer, mams_time_add_ms(mams_loop_now(c->loop), o->timeout_ms));
	mams_loop_run(c->loop);
	mams_loop_timer_del(timer);
	return c->rc;
}

static int call_tls(const struct options *o, struct call *c)
{
	const struct mams_ctl_files files = {
		.ca_file = o->ca, .cert_file = o->cert, .key_file = o->key};
	struct mams_ctl_remote to = {.name = o->name};
	struct mams_ctl_conn *conn = NULL;
	char host[MAMS_ADDR_STRLEN];
	struct mams_error err = {0};
	int rc = mams_addr_parse_port(o->connect, PORT_DEFAULT, &to.address);

	if (rc < 0) {
		complain("--connect %s: want https://host:port of an NCM, or 192.0.2.1:7450 or "
			 "[2001:db8::1]:7450",
			o->connect);
		return rc;
	}
	if (!to.name)
		to.name = mams_addr_str(&to.address, host);
	rc = mams_ctl_context_new(&files, false, &to.context, &err);
	if (rc < 0) {
		complain("%s: %s", err.where, err.text);
		return rc;
	}
	rc = mams_ctl_dial_tls(c->loop, &to, &ops, c, &conn);
	if (rc == 0)
		rc = run_loop(o, c);
	mams_ctl_close(conn);
	mams_ctl_context_free(to.context);
	if (rc < 0)
		complain("%s: %s: does the daemon there have it as ctl_listen, and this "
			 "certificate's name in ctl_peers?",
			o->connect, rc == -ETIMEDOUT ? "no answer in time" : mams_strerror(rc));
	return rc;
}

/* ---- by HTTPS ---- */

static void answered(void *user, int status, const char *body, size_t len)
{
	struct call *c = user;

	if (status < 0) {
		end(c, status);
		return;
	}
	c->status = status;
	packet(c, NULL, body, len);
}

static void complain_https(const struct options *o, const struct call *c, int rc)
{
	if (rc < 0)
		complain("%s: %s: is it the admin_listen of a mams-ncm, and its certificate of "
			 "this CA?",
			o->connect, rc == -ETIMEDOUT ? "no answer in time" : mams_strerror(rc));
	else
		complain("%s: %d: %.*s: is this certificate's name in viewers or operators there?",
			o->connect, c->status, (int)strcspn(c->answer, "\n"), c->answer);
}

static int call_https(const struct options *o, struct call *c)
{
	const struct mams_httpc_opts opts = {.base_url = o->connect,
		.ca_file = o->ca,
		.cert_file = o->cert,
		.key_file = o->key,
		.body_max = MAMS_CTL_MAX_BYTES};
	const struct mams_httpc_request request = {
		.method = "POST", .path = "/ctl", .body = c->request->data, .len = c->request->len};
	struct mams_httpc *client = NULL;
	struct mams_error err = {0};
	int rc = mams_httpc_new(c->loop, &opts, &client, &err);

	if (rc < 0) {
		complain("%s: %s", err.where, err.text);
		return rc;
	}
	rc = mams_httpc_send(client, &request, answered, c, NULL);
	if (rc == 0)
		rc = run_loop(o, c);
	mams_httpc_free(client);
	if (rc < 0 || c->status != 200)
		complain_https(o, c, rc);
	return rc < 0 ? rc : c->status == 200 ? 0 : -MAMS_EDENIED;
}

int remote_call(const struct options *o, const struct mams_buf *request, char **answer, size_t *len)
{
	struct call c = {.request = request};
	int rc = mams_loop_new(&c.loop);

	if (rc < 0) {
		complain("%s", mams_strerror(rc));
		return rc;
	}
	rc = strncmp(o->connect, HTTPS, sizeof(HTTPS) - 1) == 0 ? call_https(o, &c)
								: call_tls(o, &c);
	mams_loop_free(c.loop);
	if (rc < 0) {
		free(c.answer);
		return rc;
	}
	*answer = c.answer;
	*len = c.len;
	return 0;
}
