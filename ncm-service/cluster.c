#include "ncm-service/cluster_private.h"

#include "lib/base/buf.h"
#include "lib/base/log.h"
#include "ncm-service/saved.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define LOG_MODULE "cluster"
#define CNT(name, field, text, kind)                                                               \
	{                                                                                          \
		name, text, kind, offsetof(struct ncm_cluster_counters, field)                     \
	}

const struct mams_metric ncm_cluster_counter_rows[] = {
	CNT("cluster_sessions_adopted_total", adopted, "sessions taken over", MAMS_COUNTER),
	CNT("cluster_sessions_lost_total", lost, "sessions that another took", MAMS_COUNTER),
	CNT("cluster_packets_total", sent, "packets to other instances", MAMS_COUNTER),
	CNT("cluster_packets_undelivered_total", undelivered, "that nobody took", MAMS_COUNTER),
	CNT("cluster_packets_bad_total", bad_packets, "packets not understood", MAMS_COUNTER),
	CNT("cluster_redis_up", up, "Redis answers", MAMS_GAUGE),
};
const size_t ncm_cluster_n_counter_rows = MAMS_ARRAY_LEN(ncm_cluster_counter_rows);

/* What each script begins with.  ARGV: prefix, instance, identity. */
#define LUA_THEIRS                                                                                 \
	"local s=ARGV[1]..'s:'..ARGV[3] "                                                          \
	"local o=redis.call('HGET',s,'owner') "                                                    \
	"local theirs=false "                                                                      \
	"if o and o~=ARGV[2] then "                                                                \
	" local name,run=string.match(o,'^(.*)#(.*)$') "                                           \
	" theirs=redis.call('GET',ARGV[1]..'alive:'..name)==run "                                  \
	" if not theirs then redis.call('SREM',ARGV[1]..'of:'..o,ARGV[3]) end "                    \
	"end "
#define LUA_MINE                                                                                   \
	"redis.call('HSET',s,'owner',ARGV[2]) "                                                    \
	"redis.call('SADD',ARGV[1]..'of:'..ARGV[2],ARGV[3]) "
#define LUA_REMOVE "redis.call('DEL',s) redis.call('SREM',ARGV[1]..'of:'..ARGV[2],ARGV[3]) "

/* ARGV[4] = 1: not settled, nothing is claimed that is not known.
 * -> owner, and when it is ours: the session, what N-MADP instances hold, and what was used of
 * quotas before, each '' when there is none; '': not settled */
static const char script_claim[] =
	LUA_THEIRS "if theirs then return {o} end local d=redis.call('HGET',s,'data') "
		   "if not d and o~=ARGV[2] and ARGV[4]=='1' then return {''} end " LUA_MINE
		   "return {ARGV[2],d or '',redis.call('HGET',s,'held') or '',"
		   "redis.call('GET',ARGV[1]..'used:'..ARGV[3]) or ''}";
/* A session outdoes a claim without one.  -> 0: theirs */
static const char script_put[] =
	LUA_THEIRS "if theirs and redis.call('HEXISTS',s,'data')==1 then return 0 end "
		   "if theirs then redis.call('SREM',ARGV[1]..'of:'..o,ARGV[3]) end " LUA_MINE
		   "redis.call('HSET',s,'data',ARGV[4]) return 1";
/* Whoever has the client has to see to it that no N-MADP instance holds what it should not. */
static const char script_del[] =
	LUA_THEIRS "if theirs then return 0 end "
		   "local h=redis.call('HGET',s,'held') " LUA_REMOVE "if h and h~='' then " LUA_MINE
		   "redis.call('HSET',s,'held',h) end return 1";
static const char script_held[] = LUA_THEIRS "if theirs then return 0 end " LUA_MINE
					     "redis.call('HSET',s,'held',ARGV[4]) return 1";
/* Of a client whose session has ended; it goes by itself. */
static const char script_used[] = "local u=ARGV[1]..'used:'..ARGV[3] redis.call('SET',u,ARGV[4]) "
				  "redis.call('EXPIREAT',u,ARGV[5]) return 1";
static const char script_release[] =
	"local s=ARGV[1]..'s:'..ARGV[3] "
	"if redis.call('HGET',s,'owner')==ARGV[2] and redis.call('HEXISTS',s,'data')==0 "
	"and (redis.call('HGET',s,'held') or '')=='' then " LUA_REMOVE "end return 1";

/* ---- asking ---- */

struct ask *ncm_cluster_ask_new(struct ncm_cluster *c, const char *text)
{
	struct ask *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->text = strdup(text);
	if (!a->text) {
		free(a);
		return NULL;
	}
	a->c = c;
	LIST_INSERT_HEAD(&c->asks, a, link);
	return a;
}

void ncm_cluster_ask_free(struct ask *a)
{
	LIST_REMOVE(a, link);
	ctl_msg_free(a->msg);
	free(a->text);
	free(a);
}

int ncm_cluster_eval(struct ncm_cluster *c, mams_redis_fn fn, void *user, const char *script,
	const char *const *args, size_t n)
{
	const char *argv[MAMS_REDIS_ARGS_MAX] = {"EVAL", script, "0", c->prefix, c->self};

	for (size_t i = 0; i < n; i++)
		argv[5 + i] = args[i];
	return mams_redis_command(c->redis, fn, user, argv, 5 + n);
}

bool ncm_cluster_is_bad(struct ncm_cluster *c, const struct mams_redis_reply *reply)
{
	if (!reply)
		return true;
	if (!mams_redis_error(reply))
		return false;
	mams_log_limited(&c->trouble, mams_loop_now(c->loop), MAMS_LOG_ERR, LOG_MODULE,
		"Redis refuses: %s", mams_redis_error(reply));
	return true;
}

static void adopt(struct ncm_cluster *c, const char *text, size_t len)
{
	struct mams_error err;
	struct ncm_saved s;

	if (ncm_saved_read(text, len, &s, &err) < 0)
		log_err("a session in Redis is not readable: %s: %s", err.where, err.text);
	else
		c->counters.adopted += c->ops->adopt(c->user, &s);
	mams_wipe(&s, sizeof(s));
}

/* ---- claims ---- */

static enum ncm_claim claimed_what(
	struct ncm_cluster *c, const char *identity, const struct mams_redis_reply *reply)
{
	const char *owner = ncm_cluster_is_bad(c, reply) ? NULL : mams_redis_text(reply, 0, NULL);
	size_t len = 0;
	const char *data;
	const char *held;
	const char *used;

	if (!owner || !owner[0])
		return NCM_CLAIM_BUSY;
	if (strcmp(owner, c->self) != 0) {
		c->counters.lost += c->ops->lose(c->user, identity);
		return NCM_CLAIM_THEIRS;
	}
	used = mams_redis_text(reply, 3, &len);
	if (used && len)
		c->ops->used(c->user, identity, used);
	data = mams_redis_text(reply, 1, &len);
	if (data && len)
		adopt(c, data, len);
	held = mams_redis_text(reply, 2, &len);
	if (held && len)
		c->ops->recall(c->user, identity, held);
	return NCM_CLAIM_OURS;
}

static void claimed(void *user, const struct mams_redis_reply *reply)
{
	struct ask *a = user;
	enum ncm_claim what = claimed_what(a->c, a->text, reply);

	if (a->fn)
		a->fn(a->user, what,
			what == NCM_CLAIM_THEIRS ? mams_redis_text(reply, 0, NULL) : NULL);
	else if (what == NCM_CLAIM_OURS)
		ncm_cluster_release(a->c, a->text); /* adopting: it had no session */
	ncm_cluster_ask_free(a);
}

int ncm_cluster_claim(struct ncm_cluster *c, const char *identity, ncm_claim_fn fn, void *user)
{
	/* Redis may have been emptied: whoever has a session is about to put it again */
	bool settling = mams_time_before(mams_loop_now(c->loop), c->settled);
	const char *args[] = {identity, settling ? "1" : "0"};
	struct ask *a = ncm_cluster_ask_new(c, identity);
	int rc;

	if (!a)
		return -ENOMEM;
	a->claim = true;
	a->fn = fn;
	a->user = user;
	rc = ncm_cluster_eval(c, claimed, a, script_claim, args, 2);
	if (rc < 0)
		ncm_cluster_ask_free(a);
	return rc;
}

/* Not at once: another claim of this client may be under way, whose answer would be of before. */
void ncm_cluster_release(struct ncm_cluster *c, const char *identity)
{
	struct ask *a = ncm_cluster_ask_new(c, identity);

	if (!a)
		return; /* ours without a session, until somebody asks again */
	LIST_REMOVE(a, link);
	LIST_INSERT_HEAD(&c->releases, a, link);
}

static bool is_claiming(const struct ncm_cluster *c, const char *identity)
{
	const struct ask *a;

	LIST_FOREACH(a, &c->asks, link)
	if (a->claim && strcmp(a->text, identity) == 0)
		return true;
	return false;
}

void ncm_cluster_release_old(struct ncm_cluster *c)
{
	struct ask *next;

	for (struct ask *a = LIST_FIRST(&c->releases); a; a = next) {
		const char *identity = a->text;

		next = LIST_NEXT(a, link);
		if (is_claiming(c, identity))
			continue;
		if (!c->ops->has(c->user, identity))
			(void)!ncm_cluster_eval(c, NULL, NULL, script_release, &identity, 1);
		ncm_cluster_ask_free(a);
	}
}

/* ---- the store ---- */

static void kept(void *user, const struct mams_redis_reply *reply)
{
	struct ask *a = user;

	if (!ncm_cluster_is_bad(a->c, reply) && mams_redis_integer(reply) == 0)
		a->c->counters.lost += a->c->ops->lose(a->c->user, a->text);
	ncm_cluster_ask_free(a);
}

static int put(struct ncm_store *st, const struct ncm_saved *s)
{
	struct ncm_cluster *c = (struct ncm_cluster *)st;
	struct mams_buf text = {0};
	struct ask *a;
	int rc;

	if (!mams_redis_is_open(c->redis))
		return 0; /* refresh() will */
	rc = ncm_saved_write(s, 0, &text);
	a = rc == 0 ? ncm_cluster_ask_new(c, s->identity) : NULL;
	if (a) {
		const char *args[] = {s->identity, text.data};

		rc = ncm_cluster_eval(c, kept, a, script_put, args, 2);
		if (rc < 0)
			ncm_cluster_ask_free(a);
	}
	if (text.data)
		mams_wipe(text.data, text.len);
	mams_buf_fini(&text);
	if (a && rc == 0)
		return 0;
	log_err("a session is not kept, no memory client=%s", s->identity);
	return -EIO;
}

static int del(struct ncm_store *st, const char *identity)
{
	struct ncm_cluster *c = (struct ncm_cluster *)st;
	int rc = ncm_cluster_eval(c, NULL, NULL, script_del, &identity, 1);

	return rc < 0 && rc != -ENOTCONN ? -EIO : 0;
}

static int held(struct ncm_store *st, const char *identity, const char *text)
{
	struct ncm_cluster *c = (struct ncm_cluster *)st;
	const char *args[] = {identity, text};
	int rc = ncm_cluster_eval(c, NULL, NULL, script_held, args, 2);

	if (rc < 0 && rc != -ENOTCONN) /* without Redis: refresh() will */
		return -EIO;
	if (!text[0])
		ncm_cluster_release(c, identity); /* unless it has a session */
	return 0;
}

static int used(struct ncm_store *st, const char *identity, const char *text, uint64_t until)
{
	char seconds[24];
	const char *args[] = {identity, text, seconds};
	int rc;

	snprintf(seconds, sizeof(seconds), "%" PRIu64, until);
	rc = ncm_cluster_eval((struct ncm_cluster *)st, NULL, NULL, script_used, args, 3);
	return rc < 0 && rc != -ENOTCONN ? -EIO : 0;
}

/* A claim says it of each client; and the same of what it has used. */
static int each_held(struct ncm_store *st,
	void (*fn)(void *user, const char *identity, const char *text), void *user)
{
	(void)st;
	(void)fn;
	(void)user;
	return 0;
}

/* It is on its way before an N-MADP instance is told; that Redis has it is not waited for. */
static int commit(struct ncm_store *st)
{
	mams_redis_flush(((struct ncm_cluster *)st)->redis);
	return 0;
}

/* Nothing is ours at a start. */
static int each(struct ncm_store *st, void (*fn)(void *user, const struct ncm_saved *s), void *user)
{
	(void)st;
	(void)fn;
	(void)user;
	return 0;
}

/* The others learn it with their next sign of life. */
static int drained(struct ncm_store *st, const char *madp, bool is)
{
	struct ncm_cluster *c = (struct ncm_cluster *)st;
	char key[sizeof(c->prefix) + NCM_NAME_MAX + 12];
	const char *argv[] = {"SET", key, is ? "1" : "0"};

	c->drains++;
	snprintf(key, sizeof(key), "%sdrained:%s", c->prefix, madp);
	return mams_redis_command(c->redis, NULL, NULL, argv, 3);
}

/* Redis says it with our first sign of life, before it says of any session that it is ours. */
static int each_drained(struct ncm_store *st, void (*fn)(void *user, const char *madp), void *user)
{
	(void)st;
	(void)fn;
	(void)user;
	return 0;
}

/* main has the whole. */
static void close_store(struct ncm_store *st)
{
	(void)st;
}

static const struct ncm_store_ops store_ops = {.put = put,
	.del = del,
	.commit = commit,
	.each = each,
	.drained = drained,
	.each_drained = each_drained,
	.held = held,
	.each_held = each_held,
	.used = used,
	.each_used = each_held,
	.close = close_store};

struct ncm_store *ncm_cluster_store(struct ncm_cluster *c)
{
	return &c->store;
}

/* ---- packets ---- */

static void published(void *user, const struct mams_redis_reply *reply)
{
	struct ask *a = user;

	if (ncm_cluster_is_bad(a->c, reply) || mams_redis_integer(reply) == 0) {
		a->c->counters.undelivered++;
		a->c->ops->undelivered(a->c->user, a->text, a->msg);
	}
	ncm_cluster_ask_free(a);
}

void ncm_cluster_send(struct ncm_cluster *c, const char *instance, struct ctl_msg *msg)
{
	char channel[sizeof(c->prefix) + NCM_INSTANCE_MAX + 4];
	struct mams_buf text = {0};
	struct mams_error err;
	struct ask *a;
	int rc = -ENOMEM;

	if (!msg)
		return;
	msg->ncm_peer.from = c->self;
	snprintf(channel, sizeof(channel), "%sto:%s", c->prefix, instance);
	a = ncm_cluster_ask_new(c, instance);
	if (a)
		rc = ctl_encode(msg, 0, &text, &err);
	if (rc == 0) {
		const char *argv[] = {"PUBLISH", channel, text.data};

		rc = mams_redis_command(c->redis, published, a, argv, 3);
	}
	if (rc == 0) {
		a->msg = msg;
		c->counters.sent++;
	} else {
		c->counters.undelivered++;
		c->ops->undelivered(c->user, instance, msg);
		ctl_msg_free(msg);
		if (a)
			ncm_cluster_ask_free(a);
	}
	if (text.data)
		mams_wipe(text.data, text.len);
	mams_buf_fini(&text);
}

static void on_message(void *user, const char *data, size_t len)
{
	struct ncm_cluster *c = user;
	struct ctl_msg *msg = NULL;
	struct mams_error err;

	if (ctl_decode(data, len, &msg, &err) == 0 && msg->type == CTL_NCM_PEER &&
		msg->ncm_peer.client && msg->ncm_peer.from &&
		strlen(msg->ncm_peer.from) < NCM_INSTANCE_MAX)
		c->ops->packet(c->user, msg);
	else
		c->counters.bad_packets++;
	ctl_msg_free(msg);
}

static const struct mams_redis_ops redis_ops = {
	.opened = ncm_cluster_opened, .closed = ncm_cluster_closed, .message = on_message};

/* ---- outside ---- */

int ncm_cluster_new(struct mams_loop *l, const struct ncm_conf *conf, struct ncm_cluster **out,
	struct mams_error *err)
{
	struct ncm_cluster *c = calloc(1, sizeof(*c));
	char channel[sizeof(c->prefix) + NCM_INSTANCE_MAX + 4];
	struct mams_redis_opts opts = {.server = conf->redis,
		.ca_file = conf->redis_ca,
		.user = conf->redis_user,
		.password_file = conf->redis_password,
		.channel = channel};
	uint64_t run;
	int rc;

	if (!c)
		return -ENOMEM;
	c->store.ops = &store_ops;
	c->loop = l;
	c->policy = &conf->policy;
	LIST_INIT(&c->asks);
	LIST_INIT(&c->releases);
	LIST_INIT(&c->dead);
	mams_assert(getrandom(&run, sizeof(run), 0) == sizeof(run));
	snprintf(c->name, sizeof(c->name), "%s", conf->instance);
	snprintf(c->run, sizeof(c->run), "%016llx", (unsigned long long)run);
	snprintf(c->self, sizeof(c->self), "%s#%s", c->name, c->run);
	snprintf(c->prefix, sizeof(c->prefix),
		"mams:%llu:", (unsigned long long)conf->policy.ncm_id);
	snprintf(channel, sizeof(channel), "%sto:%s", c->prefix, c->self);
	rc = mams_loop_timer_new(l, ncm_cluster_beat, c, &c->timer);
	if (rc == 0)
		rc = mams_redis_new(l, &opts, &redis_ops, c, &c->redis, err);
	if (rc < 0)
		ncm_cluster_free(c);
	else
		*out = c;
	return rc;
}

void ncm_cluster_start(struct ncm_cluster *c, const struct ncm_cluster_ops *ops, void *user)
{
	c->ops = ops;
	c->user = user;
}

void ncm_cluster_free(struct ncm_cluster *c)
{
	struct ask *a;

	if (!c)
		return;
	if (c->redis && ncm_cluster_is_up(c)) {
		char key[sizeof(c->prefix) + sizeof(c->name) + 8];
		const char *dead[] = {"DEL", key};

		snprintf(key, sizeof(key), "%salive:%s", c->prefix, c->name);
		(void)!mams_redis_command(c->redis, NULL, NULL, dead, 2);
	}
	mams_redis_free(c->redis);
	mams_loop_timer_del(c->timer);
	while ((a = LIST_FIRST(&c->asks)) != NULL || (a = LIST_FIRST(&c->releases)) != NULL)
		ncm_cluster_ask_free(a);
	ncm_cluster_forget_dead(c);
	free(c);
}

const char *ncm_cluster_self(const struct ncm_cluster *c)
{
	return c->self;
}

bool ncm_cluster_is_up(const struct ncm_cluster *c)
{
	return mams_redis_is_open(c->redis);
}

const struct ncm_cluster_counters *ncm_cluster_counters(const struct ncm_cluster *c)
{
	return &c->counters;
}
