/* libmicrohttpd has no call to end a connection from outside, so a late one has its socket shut
 * down and MHD finds it dead.  It does not watch a suspended connection either: we do, for the
 * hang-up only, since reading would take the next request's octets out of its hands. */
#include "lib/io/httpd_private.h"

#include <sys/socket.h>

#define LOG_MODULE "httpd"

#define SWEEP_MS 100

static void log_dropped(struct mams_httpd_conn *c, const char *why)
{
	char text[MAMS_ADDR_STRLEN];

	mams_log_limited(&c->h->dropped, mams_loop_now(c->h->loop), MAMS_LOG_INFO, LOG_MODULE,
		"connection closed peer=%s reason=\"%s\"", mams_addr_str(&c->peer, text), why);
}

void mams_httpd_conn_enter(struct mams_httpd_conn *c, enum mams_httpd_phase phase)
{
	const struct mams_httpd_opts *o = &c->h->opts;
	unsigned ms = 0;

	switch (phase) {
	case MAMS_HTTPD_IDLE:
		ms = c->seen_request ? o->idle_ms : o->request_ms;
		break;
	case MAMS_HTTPD_READING:
	case MAMS_HTTPD_WRITING:
		ms = o->request_ms;
		break;
	case MAMS_HTTPD_HELD:
		ms = o->hold_ms;
		break;
	}
	c->phase = phase;
	c->deadline = mams_time_add_ms(mams_loop_now(c->h->loop), ms);
}

/* The owner loses a held request: its client is gone, or it took too long. */
static void take_back(struct mams_httpd_conn *c)
{
	struct mams_httpd_req *r = c->req;

	r->dropped = true;
	mams_httpd_conn_unhold(c);
	if (c->h->ops->gone)
		c->h->ops->gone(c->h->user, r);
}

static void hangup_event(void *user, int fd, unsigned events)
{
	struct mams_httpd_conn *c = user;

	(void)fd;
	(void)events;
	c->h->counters.clients_gone++;
	take_back(c);
}

int mams_httpd_conn_hold(struct mams_httpd_conn *c)
{
	int rc = mams_loop_fd_add(c->h->loop, c->fd, MAMS_LOOP_HANGUP, hangup_event, c, &c->watch);

	if (rc < 0)
		return rc;
	mams_httpd_conn_enter(c, MAMS_HTTPD_HELD);
	MHD_suspend_connection(c->mhd);
	return 0;
}

void mams_httpd_conn_unhold(struct mams_httpd_conn *c)
{
	mams_loop_fd_del(c->watch);
	c->watch = NULL;
	mams_httpd_conn_enter(c, MAMS_HTTPD_WRITING);
	MHD_resume_connection(c->mhd);
	c->h->ready = true;
}

static void expire(struct mams_httpd_conn *c)
{
	struct mams_httpd_counters *n = &c->h->counters;

	switch (c->phase) {
	case MAMS_HTTPD_IDLE:
		if (c->seen_request) {
			n->idle_timeouts++;
			break;
		}
		n->slow_requests++;
		log_dropped(c, "no request in time");
		break;
	case MAMS_HTTPD_READING:
	case MAMS_HTTPD_WRITING:
		n->slow_requests++;
		log_dropped(c, "too slow");
		break;
	case MAMS_HTTPD_HELD:
		n->held_too_long++;
		log_dropped(c, "no answer for it in time");
		take_back(c);
		break;
	}
	c->shut = true;
	shutdown(c->fd, SHUT_RDWR);
	c->h->ready = true;
}

void mams_httpd_conn_sweep(void *user)
{
	struct mams_httpd *h = user;
	mams_time now = mams_loop_now(h->loop);
	struct mams_httpd_conn *next;

	for (struct mams_httpd_conn *c = TAILQ_FIRST(&h->conns); c; c = next) {
		next = TAILQ_NEXT(c, link);
		if (!c->shut && !mams_time_before(now, c->deadline))
			expire(c);
	}
	if (!TAILQ_EMPTY(&h->conns))
		mams_loop_timer_at(h->sweep, mams_time_add_ms(now, SWEEP_MS));
}
