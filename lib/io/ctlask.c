#include "lib/io/ctlask.h"

#include "lib/io/ctlmsg.h"

#include <errno.h>

#define STATUS_MS 5000
#define ORDER_MS 60000 /* a client has its retries before it is given up */

struct mams_ctl_ask {
	struct mams_ctl_conn *conn;
	struct mams_ctl_ask_to to;
	struct mams_loop_timer *timer;
	struct ctl_msg *request; /* NULL: sent */
	uint32_t id;
	mams_ctl_ask_fn done;
	void *user;
};

static void too_late(void *user)
{
	struct mams_ctl_ask *y = user;

	y->done(y->user, NULL, NULL, 0);
	mams_ctl_ask_free(y);
}

static void opened(void *user, struct mams_ctl_conn *c)
{
	struct mams_ctl_ask *y = user;
	struct ctl_msg *request = y->request;
	struct mams_error err;

	y->request = NULL;
	if (request)
		(void)!mams_ctl_say(c, request, &err); /* what is not sent has no answer */
}

static void packet(void *user, struct mams_ctl_conn *c, const char *data, size_t len)
{
	struct mams_ctl_ask *y = user;
	struct ctl_msg *m = NULL;
	struct mams_error err;

	(void)c;
	if (ctl_decode(data, len, &m, &err) < 0)
		return;
	if (m->id == y->id) { /* and no event */
		y->done(y->user, m, data, len);
		mams_ctl_ask_free(y);
	}
	ctl_msg_free(m);
}

static const struct mams_ctl_server_ops ops = {.opened = opened, .packet = packet};

int mams_ctl_ask_new(struct mams_loop *l, const struct mams_ctl_ask_to *to, struct ctl_msg *request,
	mams_ctl_ask_fn done, void *user, struct mams_ctl_ask **out)
{
	struct mams_ctl_ask *y = request ? calloc(1, sizeof(*y)) : NULL;
	int ms;
	int rc;

	if (!y) {
		ctl_msg_free(request);
		return -ENOMEM;
	}
	*y = (struct mams_ctl_ask){
		.to = *to, .request = request, .id = request->id, .done = done, .user = user};
	ms = request->type == CTL_STEER || request->type == CTL_POLICY ? ORDER_MS : STATUS_MS;
	rc = mams_loop_timer_new(l, too_late, y, &y->timer);
	if (rc == 0)
		rc = to->path ? mams_ctl_dial(l, to->path, &ops, y, &y->conn)
			      : mams_ctl_dial_tls(l, &y->to.remote, &ops, y, &y->conn);
	if (rc < 0) {
		mams_ctl_ask_free(y);
		return rc;
	}
	mams_loop_timer_at(y->timer, mams_time_add_ms(mams_loop_now(l), ms));
	*out = y;
	return 0;
}

void mams_ctl_ask_free(struct mams_ctl_ask *y)
{
	if (!y)
		return;
	mams_ctl_close(y->conn);
	mams_loop_timer_del(y->timer);
	ctl_msg_free(y->request);
	free(y);
}
