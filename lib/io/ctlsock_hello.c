/* Which version of ctl is spoken.  Whoever dials says in its first packet what it speaks, the other
 * side answers with what it speaks itself, and both take the highest in common; there is one so
 * far. A peer that knows no hello answers that it does not, or says something else, or nothing at
 * all: it speaks version 1. */
#include "lib/io/ctlmsg.h"
#include "lib/io/ctlsock_private.h"

#include "lib/base/buf.h"

#include <errno.h>
#include <stddef.h>

#define LOG_MODULE "ctlsock"
#define HELLO_ID 1
#define HELLO_MS 1000 /* so long an answer is waited for */

const struct mams_metric mams_ctl_counter_rows[] = {
	{"versions_refused_total", "peers on the ctl socket that speak no version that we do",
		MAMS_COUNTER, offsetof(struct mams_ctl_counters, versions_refused)},
};
const size_t mams_ctl_n_counter_rows = MAMS_ARRAY_LEN(mams_ctl_counter_rows);

const struct mams_ctl_counters *mams_ctl_server_counters(const struct mams_ctl_server *s)
{
	return &s->counters;
}

static void say(struct mams_ctl_conn *c, struct ctl_msg *m)
{
	struct mams_buf text = {0};
	struct mams_error err = {0};
	int rc = m ? ctl_encode(m, 0, &text, &err) : -ENOMEM;

	if (rc == 0)
		rc = mams_ctl_conn_send(c, text.data, text.len);
	if (rc < 0)
		log_warn("hello not sent: %s", mams_strerror(rc));
	mams_buf_fini(&text);
	ctl_msg_free(m);
}

/* ---- accepted ---- */

static bool take_hello(struct mams_ctl_conn *c, const struct ctl_msg *m)
{
	struct mams_ctl_server *s = c->server;
	bool first = !c->greeted;

	c->greeted = true;
	if (!first || !m || m->type != CTL_HELLO)
		return false;
	if (ctl_hello_common(&m->hello) == 0) {
		s->counters.versions_refused++;
		mams_log_limited(&s->refused, mams_loop_now(c->loop), MAMS_LOG_WARN, LOG_MODULE,
			"a peer speaks ctl versions %u to %u, we %d to %d", m->hello.least,
			m->hello.most, CTL_VERSION_LEAST, CTL_VERSION);
	}
	say(c, ctl_hello_answer(m));
	return true;
}

/* ---- dialled ---- */

static void agreed(struct mams_ctl_conn *c)
{
	if (c->open)
		return;
	mams_loop_timer_at(c->retry, MAMS_TIME_NEVER);
	mams_ctl_conn_opened(c);
}

/* It may be another one the next time: it is dialled again. */
static void refused(struct mams_ctl_conn *c, const char *why)
{
	mams_log_limited(&c->trouble, mams_loop_now(c->loop), MAMS_LOG_WARN, LOG_MODULE,
		"no version of ctl in common with %s: %s", c->path ? c->path : c->remote->name,
		why ? why : "-");
	mams_ctl_conn_ended(c);
}

static bool take_answer(struct mams_ctl_conn *c, const struct ctl_msg *m)
{
	bool hello = m && m->type == CTL_HELLO;
	bool result = m && m->type == CTL_RESULT && m->id <= HELLO_ID && m->result.code;

	if (!hello && !result) {
		agreed(c); /* its answer may still come */
		return false;
	}
	c->greeting = false;
	if (hello ? ctl_hello_common(&m->hello) == 0 : m->result.code == MAMS_ESTATE)
		refused(c, hello ? "its hello" : m->result.text);
	else
		agreed(c);
	return true;
}

/* ---- either ---- */

void mams_ctl_conn_greet(struct mams_ctl_conn *c)
{
	if (c->server) {
		c->greeted = false;
		mams_ctl_conn_opened(c);
		return;
	}
	c->greeting = true;
	mams_loop_timer_at(c->retry, mams_time_add_ms(mams_loop_now(c->loop), HELLO_MS));
	say(c, ctl_hello_new(HELLO_ID));
}

void mams_ctl_conn_packet(struct mams_ctl_conn *c, const char *data, size_t len)
{
	struct ctl_msg *m = NULL;
	bool mine = false;

	if (c->server ? !c->greeted : c->greeting) {
		if (ctl_decode(data, len, &m, NULL) < 0)
			m = NULL;
		mine = c->server ? take_hello(c, m) : take_answer(c, m);
		ctl_msg_free(m);
	}
	if (!mine && !c->dead && c->fd >= 0 && c->ops->packet)
		c->ops->packet(c->user, c, data, len);
}
