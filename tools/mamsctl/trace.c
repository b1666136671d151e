/* mamsctl trace: what comes from and goes to one client, a line of JSON each, until it is
 * interrupted. */
#include "tools/mamsctl/mamsctl.h"
#include "tools/mamsctl/pcapng.h"

#include "lib/codec/field.h"
#include "lib/io/ctlmsg.h"
#include "lib/io/loop.h"

#include <stdio.h>

struct tracer {
	const struct options *options;
	struct target target;
	struct mams_loop *loop;
	const char *client;
	bool was_open;
	int status;
};

static void end(struct tracer *t, int status)
{
	t->status = status;
	mams_loop_stop(t->loop);
}

static void opened(void *user, struct mams_ctl_conn *c)
{
	struct tracer *t = user;
	struct ctl_msg *request = ctl_msg_new(CTL_TRACE_REQ, 1);
	struct mams_error err = {0};

	t->was_open = true;
	if (request)
		request->status_req.client = t->client;
	if (mams_ctl_say(c, request, &err) < 0) {
		complain("%s: cannot be asked", t->target.path);
		end(t, 1);
	}
}

static void closed(void *user, struct mams_ctl_conn *c)
{
	struct tracer *t = user;

	(void)c;
	complain("%s: hung up: has %s been stopped?", t->target.path, t->target.name);
	end(t, 1);
}

static bool write_one(const struct options *o, const struct ctl_msg *m)
{
	struct mams_buf out = {0};
	struct mams_error err = {0};

	if (o->pcapng)
		pcapng_packet(&out, &m->trace);
	else if (ctl_encode(m, 0, &out, &err) == 0)
		mams_buf_add(&out, "\n", 1);
	return print_text(&out) == 0;
}

static void packet(void *user, struct mams_ctl_conn *c, const char *data, size_t len)
{
	struct tracer *t = user;
	struct mams_error err = {0};
	struct ctl_msg *m = NULL;

	(void)c;
	if (ctl_decode(data, len, &m, &err) < 0)
		return;
	if (m->type == CTL_RESULT && m->result.code != 0) {
		end(t, print_result(t->options, &t->target, m));
	} else if (m->type == CTL_TRACE && !write_one(t->options, m)) {
		end(t, 1); /* nobody reads any more */
	}
	ctl_msg_free(m);
}

static void too_late(void *user)
{
	struct tracer *t = user;

	if (t->was_open)
		return;
	complain("%s: is %s running, with this socket in its configuration, and may you ask it?",
		t->target.path, t->target.name);
	end(t, 1);
}

static const struct mams_ctl_server_ops ops = {
	.opened = opened, .packet = packet, .closed = closed};

int cmd_trace(const struct options *o)
{
	struct tracer t = {.options = o,
		.target = target_of(o, D_NCM),
		.client = o->n_operands ? o->operands[0] : o->client};
	struct mams_loop_timer *timer = NULL;
	struct mams_ctl_conn *conn = NULL;
	struct mams_buf head = {0};
	int rc;

	if (o->n_operands > 1) {
		complain("usage: mamsctl trace [options] [SESSION]; mamsctl trace -h");
		return 2;
	}
	if (o->pcapng)
		pcapng_head(&head);
	if (print_text(&head) != 0)
		return 1;
	rc = mams_loop_new(&t.loop);
	if (rc == 0)
		rc = mams_loop_timer_new(t.loop, too_late, &t, &timer);
	if (rc == 0)
		rc = mams_ctl_dial(t.loop, t.target.path, &ops, &t, &conn);
	if (rc == 0) {
		mams_loop_timer_at(timer, mams_time_add_ms(mams_loop_now(t.loop), o->timeout_ms));
		mams_loop_run(t.loop);
	} else {
		complain("%s: %s", t.target.path, mams_strerror(rc));
		t.status = 1;
	}
	mams_ctl_close(conn);
	mams_loop_timer_del(timer);
	mams_loop_free(t.loop);
	return t.status;
}
