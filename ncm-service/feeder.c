#include "ncm-service/feeder.h"

#include <errno.h>

#define LOG_MODULE "feeder"
#define TELL_MS 1000 /* between two changes that are told: each may concern every session */

struct ncm_feeder {
	struct ncm_intake *in;
	struct ncm_feed *feed;
	struct mams_loop_timer *timer;
	void (*changed)(void *user);
	void *user;
	mams_time told;
	struct mams_log_rl refused;
};

/* @param when  there is news then */
static void tell_at(struct ncm_feeder *n, mams_time when)
{
	const mams_time next = mams_time_add_ms(n->told, TELL_MS);

	mams_loop_timer_at(n->timer, mams_time_before(when, next) ? next : when);
}

static void tell(void *user)
{
	struct ncm_feeder *n = user;

	n->told = mams_loop_now(n->in->loop);
	ncm_feed_tick(n->feed, n->told);
	tell_at(n, ncm_feed_deadline(n->feed, n->told));
	if (n->changed)
		n->changed(n->user);
}

int ncm_feeder_take(struct ncm_feeder *n, const char *feeder, const char *text, size_t len,
	struct mams_error *err)
{
	const mams_time now = mams_loop_now(n->in->loop);
	int rc = ncm_feed_take(n->feed, feeder, text, len, now, mams_clock_wall(), err);

	if (rc < 0) {
		mams_log_limited(&n->refused, now, MAMS_LOG_WARN, LOG_MODULE,
			"network information refused: %s: %s feeder=%s", err->where, err->text,
			feeder);
		return rc;
	}
	log_debug("network information taken feeder=%s", feeder);
	tell_at(n, now);
	return 0;
}

struct ctl_msg *ncm_feeder_tell(const struct ncm_feeder *n, uint32_t id, size_t skip, size_t most)
{
	return ncm_feed_tell(n->feed, id, skip, most, mams_loop_now(n->in->loop));
}

void ncm_feeder_on_change(struct ncm_feeder *n, void (*changed)(void *user), void *user)
{
	n->changed = changed;
	n->user = user;
}

const struct ncm_feed *ncm_feeder_feed(const struct ncm_feeder *n)
{
	return n->feed;
}

int ncm_feeder_new(struct ncm_intake *in, struct ncm_feeder **out)
{
	struct ncm_feeder *n = calloc(1, sizeof(*n));
	int rc = n ? mams_loop_timer_new(in->loop, tell, n, &n->timer) : -ENOMEM;

	if (rc == 0 && !(n->feed = ncm_feed_new(&in->conf->policy)))
		rc = -ENOMEM;
	if (rc < 0) {
		ncm_feeder_free(n);
		return rc;
	}
	n->in = in;
	*out = n;
	return 0;
}

void ncm_feeder_free(struct ncm_feeder *n)
{
	if (!n)
		return;
	mams_loop_timer_del(n->timer);
	ncm_feed_free(n->feed);
	free(n);
}
