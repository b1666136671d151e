/* Two sides of the same sign of life, a key that Redis forgets by itself: the others' is gone, they
 * are dead; ours may be gone, others may have taken what we have. */
#include "ncm-service/cluster_private.h"

#include "lib/base/buf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOG_MODULE "cluster"
#define BEAT_MS 500
#define ALIVE_MS "3000" /* an instance that has not said so for so long is dead */
#define LEASE_MS 2000   /* it takes itself for dead earlier */
#define ALONE_MS 3000   /* no Redis for so long: then it is not us who are cut off */
#define SETTLE_MS 1500  /* the others put what they have again */
#define SILENT_MS 30000 /* sessions of a dead instance whose clients say nothing are taken then */
#define ADOPT_A_BEAT 512
#define DRAINED_TEXT_MAX (NCM_MADPS_MAX * (NCM_NAME_MAX + 2) + 1)

/* ARGV: prefix, instance, name, run, ms -> what it was before */
static const char script_beat[] =
	"local k=ARGV[1]..'alive:'..ARGV[3] local was=redis.call('GET',k) "
	"redis.call('SET',k,ARGV[4],'PX',ARGV[5]) "
	"redis.call('SADD',ARGV[1]..'instances',ARGV[2]) return was";
/* ARGV: prefix -> instances that are dead */
static const char script_dead[] =
	"local out={} for _,o in ipairs(redis.call('SMEMBERS',ARGV[1]..'instances')) do "
	" local name,run=string.match(o,'^(.*)#(.*)$') "
	" if redis.call('GET',ARGV[1]..'alive:'..name)~=run then out[#out+1]=o end "
	"end return out";

/* ARGV: prefix, instance, text -> 1: told to all others */
static const char script_hello[] =
	"for _,o in ipairs(redis.call('SMEMBERS',ARGV[1]..'instances')) do "
	" if o~=ARGV[2] then redis.call('PUBLISH',ARGV[1]..'to:'..o,ARGV[3]) end "
	"end return 1";

/* ARGV: prefix, instance, "1NAME\n" or "0NAME\n" for each N-MADP instance: do we hold it for
 * drained
 * -> for each whether it is, as an operator said last, to whichever instance.  An emptied Redis
 * learns it from who knows; 0 is kept, too, so that nobody brings back what has been lifted. */
static const char script_drained[] =
	"local out={} for d,name in string.gmatch(ARGV[3],'([01])([^\\n]+)\\n') do "
	" local k=ARGV[1]..'drained:'..name local v=redis.call('GET',k) "
	" if not v and d=='1' then redis.call('SET',k,'1') end "
	" out[#out+1]=v or d "
	"end return out";

/* ---- N-MADP instances ---- */

static void found_drained(void *user, const struct mams_redis_reply *reply)
{
	struct ask *a = user;
	struct ncm_cluster *c = a->c;
	size_t n = ncm_cluster_is_bad(c, reply) ? 0 : mams_redis_count(reply);

	/* asked before our operator's last word: of no use */
	for (size_t i = 0; i < n && i < c->policy->n_madps && a->drains == c->drains; i++) {
		const char *text = mams_redis_text(reply, i, NULL);

		if (text)
			c->ops->set_drained(
				c->user, c->policy->madps[i].name, strcmp(text, "1") == 0);
	}
	ncm_cluster_ask_free(a);
}

static void ask_drained(struct ncm_cluster *c)
{
	char text[DRAINED_TEXT_MAX] = "";
	const char *args[] = {text};
	struct ask *a = ncm_cluster_ask_new(c, "");
	size_t at = 0;

	if (!a)
		return;
	for (size_t i = 0; i < c->policy->n_madps; i++) {
		const char *name = c->policy->madps[i].name;

		at += (size_t)snprintf(text + at, sizeof(text) - at, "%d%s\n",
			c->ops->is_drained(c->user, name), name);
	}
	a->drains = c->drains;
	if (ncm_cluster_eval(c, found_drained, a, script_drained, args, 1) < 0)
		ncm_cluster_ask_free(a);
}

/* ---- who lives ---- */

static void found_orphans(void *user, const struct mams_redis_reply *reply)
{
	struct ask *a = user;
	struct ncm_cluster *c = a->c;
	size_t n = ncm_cluster_is_bad(c, reply) ? 0 : mams_redis_count(reply);
	char of[sizeof(c->prefix) + NCM_INSTANCE_MAX + 4];
	char key[sizeof(c->prefix) + 12];
	const char *drop[] = {"SREM", of, NULL};
	const char *forget[] = {"SREM", key, a->text};

	snprintf(of, sizeof(of), "%sof:%s", c->prefix, a->text);
	snprintf(key, sizeof(key), "%sinstances", c->prefix);
	for (size_t i = 0; i < n && i < ADOPT_A_BEAT; i++) {
		const char *identity = mams_redis_text(reply, i, NULL);

		if (!identity || ncm_cluster_claim(c, identity, NULL, NULL) < 0)
			continue;
		drop[2] = identity; /* also when it was another's already */
		(void)!mams_redis_command(c->redis, NULL, NULL, drop, 3);
	}
	if (reply && n == 0) {
		(void)!mams_redis_command(c->redis, NULL, NULL, forget, 3);
		log_info("no session of a dead instance is left instance=%s", a->text);
	}
	ncm_cluster_ask_free(a);
}

static void take_over(struct ncm_cluster *c, const char *instance)
{
	char key[sizeof(c->prefix) + NCM_INSTANCE_MAX + 4];
	const char *argv[] = {"SMEMBERS", key};
	struct ask *a = ncm_cluster_ask_new(c, instance);

	snprintf(key, sizeof(key), "%sof:%s", c->prefix, instance);
	if (a && mams_redis_command(c->redis, found_orphans, a, argv, 2) < 0)
		ncm_cluster_ask_free(a);
}

static struct dead *dead_find(struct ncm_cluster *c, const char *instance)
{
	struct dead *d;

	LIST_FOREACH(d, &c->dead, link)
	if (strcmp(d->instance, instance) == 0)
		return d;
	d = calloc(1, sizeof(*d));
	if (!d)
		return NULL;
	log_warn("dead: its sessions are taken over as their clients come instance=%s", instance);
	snprintf(d->instance, sizeof(d->instance), "%s", instance);
	d->since = mams_loop_now(c->loop);
	LIST_INSERT_HEAD(&c->dead, d, link);
	return d;
}

static void dead_free(struct dead *d)
{
	LIST_REMOVE(d, link);
	free(d);
}

static void forget_buried(struct ncm_cluster *c)
{
	struct dead *next;

	for (struct dead *d = LIST_FIRST(&c->dead); d; d = next) {
		next = LIST_NEXT(d, link);
		if (!d->seen)
			dead_free(d);
		else
			d->seen = false;
	}
}

/* Its clients come to us by themselves, and are what counts.  Those that are silent may still be
 * with it, should it only have lost Redis: they are taken last. */
static void found_dead(void *user, const struct mams_redis_reply *reply)
{
	struct ncm_cluster *c = user;
	size_t n = ncm_cluster_is_bad(c, reply) ? 0 : mams_redis_count(reply);
	mams_time now = mams_loop_now(c->loop);

	if (!reply)
		return;
	for (size_t i = 0; i < n; i++) {
		const char *instance = mams_redis_text(reply, i, NULL);
		struct dead *d;

		if (!instance || strcmp(instance, c->self) == 0)
			continue;
		d = dead_find(c, instance);
		c->ops->dead(c->user, instance);
		if (!d)
			continue;
		d->seen = true;
		if (!mams_time_before(now, mams_time_add_ms(d->since, SILENT_MS)))
			take_over(c, instance);
	}
	forget_buried(c);
}

/* ---- whether we live ---- */

bool ncm_cluster_may_act(const struct ncm_cluster *c)
{
	mams_time now = mams_clock_now(); /* the loop's may be from before we were stopped */

	if (mams_time_before(now, c->sure_until))
		return true;
	return !mams_redis_is_open(c->redis) && !mams_time_before(now, c->alone_from);
}

static void beat_now(struct ncm_cluster *c);

/* Replies come in order: whatever others have taken we have heard of before. */
static void refreshed(void *user, const struct mams_redis_reply *reply)
{
	struct ncm_cluster *c = user;

	if (ncm_cluster_is_bad(c, reply))
		return;
	c->unsure = false;
	beat_now(c);
}

/* The others' channels may have missed what we said, and ours what they said. */
static void say_hello(struct ncm_cluster *c)
{
	struct ctl_msg *msg = ctl_msg_new(CTL_NCM_PEER, 0);
	struct mams_buf text = {0};
	struct mams_error err;

	if (msg) {
		msg->ncm_peer.kind = CTL_PEER_HELLO;
		msg->ncm_peer.client = "-";
		msg->ncm_peer.from = c->self;
	}
	if (msg && ctl_encode(msg, 0, &text, &err) == 0) {
		const char *args[] = {text.data};

		(void)!ncm_cluster_eval(c, NULL, NULL, script_hello, args, 1);
	}
	mams_buf_fini(&text);
	ctl_msg_free(msg);
}

static void refresh(struct ncm_cluster *c)
{
	static const char *const ping[] = {"PING"};

	c->unsure = true;
	c->sure_until = (mams_time){0};
	c->ops->refresh(c->user);
	say_hello(c);
	(void)!mams_redis_command(c->redis, refreshed, c, ping, 1);
}

static void beaten(void *user, const struct mams_redis_reply *reply)
{
	struct ask *a = user;
	struct ncm_cluster *c = a->c;
	bool bad = ncm_cluster_is_bad(c, reply);
	const char *was = bad ? NULL : mams_redis_text(reply, 0, NULL);

	if (!bad && !c->opening && was && strcmp(was, c->run) == 0) {
		if (!c->unsure)
			c->sure_until = mams_time_add_ms(a->sent, LEASE_MS);
	} else if (!bad) {
		if (was && !c->opening)
			log_err("another NCM calls itself by the same name: give each its own "
				"instance=%s",
				c->name);
		if (!was && !c->opening)
			log_warn("we were late to say that we live; others may have taken "
				 "sessions");
		c->opening = false;
		refresh(c);
	}
	ncm_cluster_ask_free(a);
}

static void beat_now(struct ncm_cluster *c)
{
	const char *args[] = {c->name, c->run, ALIVE_MS};
	struct ask *a = ncm_cluster_ask_new(c, "");

	if (!a)
		return;
	a->sent = mams_clock_now();
	if (ncm_cluster_eval(c, beaten, a, script_beat, args, 3) < 0)
		ncm_cluster_ask_free(a);
}

void ncm_cluster_beat(void *user)
{
	struct ncm_cluster *c = user;

	mams_loop_timer_at(c->timer, mams_time_add_ms(mams_loop_now(c->loop), BEAT_MS));
	if (!mams_redis_is_open(c->redis))
		return;
	beat_now(c);
	ask_drained(c);
	ncm_cluster_release_old(c);
	(void)!ncm_cluster_eval(c, found_dead, c, script_dead, NULL, 0);
}

void ncm_cluster_opened(void *user)
{
	struct ncm_cluster *c = user;

	log_info("Redis is there instance=%s", c->self);
	c->counters.up = 1;
	c->opening = true;
	c->unsure = true;
	c->settled = mams_time_add_ms(mams_loop_now(c->loop), SETTLE_MS);
	ncm_cluster_beat(c);
}

void ncm_cluster_closed(void *user)
{
	struct ncm_cluster *c = user;

	mams_time now = mams_clock_now();

	log_warn("no Redis: the sessions that we have go on, no others are taken");
	c->counters.up = 0;
	/* who has been away for long cannot tell whether it is Redis or himself */
	c->alone_from =
		mams_time_before(now, c->sure_until) ? now : mams_time_add_ms(now, ALONE_MS);
}

void ncm_cluster_forget_dead(struct ncm_cluster *c)
{
	struct dead *d;

	while ((d = LIST_FIRST(&c->dead)) != NULL)
		dead_free(d);
}
