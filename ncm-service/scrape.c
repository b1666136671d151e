#include "ncm-service/scrape.h"

#include "lib/ctl/ctl_msg.h"
#include "lib/io/ctlmsg.h"

#include <errno.h>

#define ANSWER_MS 5000

struct ncm_scrape {
	struct mams_ctl_conn *conn;
	struct mams_ctl_remote to;
	struct mams_loop_timer *timer;
	ncm_scrape_fn done;
	void *user;
};

static void finish(struct ncm_scrape *s, const char *text)
{
	s->done(s->user, text);
	ncm_scrape_free(s);
}

static void opened(void *user, struct mams_ctl_conn *c)
{
	struct mams_error err;

	(void)user;
	(void)!mams_ctl_say(c, ctl_msg_new(CTL_METRICS_REQ, 1), &err); /* else it times out */
}

static void packet(void *user, struct mams_ctl_conn *c, const char *data, size_t len)
{
	struct ctl_msg *m = NULL;
	struct mams_error err;

	(void)c;
	if (ctl_decode(data, len, &m, &err) < 0)
		return;
	/* events are told to everybody; a refusal is of an instance of another version */
	if (m->id == 1)
		finish(user, m->type == CTL_METRICS ? m->metrics.text : NULL);
	ctl_msg_free(m);
}

static void too_late(void *user)
{
	finish(user, NULL);
}

static const struct mams_ctl_server_ops ops = {.opened = opened, .packet = packet};

int ncm_scrape_new(struct mams_loop *l, const struct ncm_policy *p, const struct ncm_madp *m,
	size_t madp, ncm_scrape_fn done, void *user, struct ncm_scrape **out)
{
	const struct ncm_madp_conf *conf = &p->madps[madp];
	struct ncm_scrape *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return -ENOMEM;
	s->done = done;
	s->user = user;
	s->to = (struct mams_ctl_remote){
		.address = conf->remote, .name = conf->ctl_name, .context = ncm_madp_context(m)};
	rc = mams_loop_timer_new(l, too_late, s, &s->timer);
	if (rc == 0)
		rc = mams_addr_is_set(&conf->remote)
			     ? mams_ctl_dial_tls(l, &s->to, &ops, s, &s->conn)
			     : mams_ctl_dial(l, conf->trailer ? conf->trailer : conf->ctl, &ops, s,
				       &s->conn);
	if (rc < 0) {
		ncm_scrape_free(s);
		return rc;
	}
	mams_loop_timer_at(s->timer, mams_time_add_ms(mams_loop_now(l), ANSWER_MS));
	*out = s;
	return 0;
}

void ncm_scrape_free(struct ncm_scrape *s)
{
	if (!s)
		return;
	mams_ctl_close(s->conn);
	mams_loop_timer_del(s->timer);
	free(s);
}
