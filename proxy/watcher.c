#include "proxy/watcher.h"

#include "lib/base/log.h"
#include "lib/io/sockdiag.h"
#include "proxy/dial.h"
#include "proxy/watch.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define LOG_MODULE "watch"
#define ATTEMPTS 4u   /* of a path at once: answers may take longer than the next question */
#define LOOK_SHARE 20 /* looking takes at most this part of a processor */

struct px_watcher {
	struct mams_loop *loop;
	const struct px_conf *conf;
	struct px_instance *instance;
	px_watcher_fn changed;
	void *user;
	struct mams_loop_timer *timer;
	bool ticking;
	struct px_watch watch;
	struct px_path paths[PX_PATHS_MAX];
	size_t n;
	struct px_watch_sample samples[PX_PATHS_MAX];
	int attempts[PX_PATHS_MAX][ATTEMPTS]; /* descriptors; -1: none */
	unsigned turn[PX_PATHS_MAX];
	struct mams_log_rl quiet;
};

/* ---- attempts ---- */

static void drop(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void drop_all(struct px_watcher *w, size_t path)
{
	for (size_t k = 0; k < ATTEMPTS; k++)
		drop(&w->attempts[path][k]);
}

static void attempt(struct px_watcher *w, size_t path)
{
	int *fd = &w->attempts[path][w->turn[path]++ % ATTEMPTS];
	struct linger abort = {.l_onoff = 1};

	drop(fd);
	*fd = px_dial(w->conf, &w->paths[path]);
	px_inc(&w->instance->control.paths_asked);
	if (*fd < 0)
		*fd = -1; /* no way out of it: nobody answers */
	else
		(void)setsockopt(*fd, SOL_SOCKET, SO_LINGER, &abort, sizeof(abort));
}

/* A port that is closed is an answer, too; a router that knows no way is none. */
static bool is_answer(int fd)
{
	int err = 0;
	socklen_t len = sizeof(err);

	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) == 0 &&
	       (err == 0 || err == ECONNREFUSED);
}

static bool has_answer(struct px_watcher *w, size_t path)
{
	struct pollfd set[ATTEMPTS];
	bool yes = false;

	for (size_t k = 0; k < ATTEMPTS; k++)
		set[k] = (struct pollfd){.fd = w->attempts[path][k], .events = POLLOUT};
	if (poll(set, ATTEMPTS, 0) <= 0)
		return false;
	for (size_t k = 0; k < ATTEMPTS; k++) {
		if (!set[k].revents)
			continue;
		yes |= is_answer(set[k].fd);
		drop(&w->attempts[path][k]);
	}
	return yes;
}

/* ---- looking ---- */

static void take_socket(void *user, const struct mams_tcp_socket *s)
{
	struct px_watcher *w = user;

	for (size_t i = 0; i < w->n; i++) {
		struct px_watch_sample *out = &w->samples[i];

		if (!mams_addr_eq_ip(&w->paths[i].local, &s->local) ||
			!mams_addr_eq(&w->paths[i].proxy, &s->remote))
			continue;
		out->any = true;
		out->owed |= s->owed;
		out->heard_ms = s->heard_ms < out->heard_ms ? s->heard_ms : out->heard_ms;
		out->rtt_us = s->rtt_us > out->rtt_us ? s->rtt_us : out->rtt_us;
		return;
	}
}

static bool is_asked_for(const struct px_watcher *w, size_t path)
{
	for (size_t k = 0; k < path; k++)
		if (w->paths[k].proxy.family == w->paths[path].proxy.family &&
			w->paths[k].proxy.port == w->paths[path].proxy.port)
			return true;
	return false;
}

static void look(struct px_watcher *w)
{
	for (size_t i = 0; i < w->n; i++)
		w->samples[i] = (struct px_watch_sample){.heard_ms = INT32_MAX};
	for (size_t i = 0; i < w->n; i++) {
		const struct mams_addr *proxy = &w->paths[i].proxy;
		int rc = is_asked_for(w, i)
				 ? 0
				 : mams_sockdiag_tcp(proxy->family, proxy->port, take_socket, w);

		if (rc < 0)
			mams_log_limited(&w->quiet, mams_loop_now(w->loop), MAMS_LOG_WARN,
				LOG_MODULE, "cannot look at sockets: %s", mams_strerror(rc));
	}
}

static void look_at_flows(struct px_watcher *w, mams_time now)
{
	struct px_counters n;

	px_instance_counters(w->instance, &n);
	px_watch_flows(
		&w->watch, atomic_load(&w->instance->flows) > 0, n.octets_up + n.octets_down, now);
}

static void report(struct px_watcher *w, size_t path, bool silent)
{
	const struct px_path *p = &w->paths[path];
	char local[MAMS_ADDR_STRLEN];
	char proxy[MAMS_ADDR_STRLEN];

	px_path_silent(p, silent);
	px_inc(silent ? &w->instance->control.paths_silent : &w->instance->control.paths_back);
	mams_log(silent ? MAMS_LOG_WARN : MAMS_LOG_INFO, LOG_MODULE, "path %s %s local=%s proxy=%s",
		p->name, silent ? "is silent, nothing answers over it" : "answers again",
		mams_addr_str(&p->local, local), mams_addr_str_port(&p->proxy, proxy));
	w->changed(w->user, p, silent);
}

static void act(struct px_watcher *w)
{
	struct px_watch_action a;

	while (px_watch_next(&w->watch, &a)) {
		switch (a.kind) {
		case PX_WATCH_ASK:
			attempt(w, a.path);
			break;
		case PX_WATCH_LOST:
		case PX_WATCH_BACK:
			report(w, a.path, a.kind == PX_WATCH_LOST);
			break;
		}
	}
}

/* Of this thread. */
static int64_t processor_us(void)
{
	struct timespec t = {0};

	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec * INT64_C(1000000) + t.tv_nsec / 1000;
}

/* Asleep, it is woken by the workers; what they moved before they could know of it is looked for.
 */
static void arm(struct px_watcher *w, mams_time when)
{
	bool sleeps = px_watch_sleeps(&w->watch, mams_clock_now());

	atomic_store(&w->instance->asleep, sleeps);
	if (sleeps) {
		atomic_thread_fence(memory_order_seq_cst);
		look_at_flows(w, mams_clock_now());
		when = px_watch_deadline(&w->watch, mams_clock_now());
	}
	w->ticking = !mams_time_is_never(when);
	mams_loop_timer_at(w->timer, when);
}

static void tick(void *user)
{
	struct px_watcher *w = user;
	int64_t begun = processor_us();
	mams_time now = mams_clock_now();
	mams_time next;

	look_at_flows(w, now);
	if (mams_time_is_never(px_watch_deadline(&w->watch, now))) {
		for (size_t i = 0; i < w->n; i++)
			drop_all(w, i);
		arm(w, MAMS_TIME_NEVER);
		return;
	}
	look(w);
	now = mams_clock_now();
	/* what lies there is an answer, however late we are */
	for (size_t i = 0; i < w->n; i++) {
		if (has_answer(w, i)) {
			drop_all(w, i);
			px_watch_answer(&w->watch, i, now);
		}
		px_watch_seen(&w->watch, i, &w->samples[i], now);
	}
	px_watch_tick(&w->watch, now);
	act(w);
	next = px_watch_deadline(&w->watch, now);
	now.us += (processor_us() - begun) * LOOK_SHARE;
	arm(w, mams_time_before(next, now) ? now : next);
}

/* ---- life ---- */

int px_watcher_new(struct mams_loop *l, const struct px_conf *conf, struct px_instance *instance,
	px_watcher_fn changed, void *user, struct px_watcher **out)
{
	struct px_watcher *w = calloc(1, sizeof(*w));
	int rc;

	if (!w)
		return -ENOMEM;
	w->loop = l;
	w->conf = conf;
	w->instance = instance;
	w->changed = changed;
	w->user = user;
	memset(w->attempts, 0xff, sizeof(w->attempts));
	px_watch_init(&w->watch, &(struct px_watch_conf){.silence_ms = conf->silence_ms,
					 .ask_ms = conf->silence_ask_ms});
	rc = mams_loop_timer_new(l, tick, w, &w->timer);
	if (rc < 0)
		free(w);
	else
		*out = w;
	return rc;
}

void px_watcher_free(struct px_watcher *w)
{
	if (!w)
		return;
	for (size_t i = 0; i < PX_PATHS_MAX; i++)
		drop_all(w, i);
	mams_loop_timer_del(w->timer);
	free(w);
}

void px_watcher_paths(struct px_watcher *w, const struct px_path *paths, size_t n)
{
	for (size_t i = 0; i < w->n; i++)
		drop_all(w, i);
	if (n > 0)
		memcpy(w->paths, paths, n * sizeof(*paths));
	w->n = n;
	px_watch_paths(&w->watch, paths, n);
	for (size_t i = 0; i < n; i++)
		px_path_silent(&paths[i], w->watch.paths[i].state == PX_WATCH_SILENT);
	px_watcher_wake(w);
}

void px_watcher_wake(struct px_watcher *w)
{
	mams_time now = mams_clock_now();

	if (w->ticking)
		return;
	look_at_flows(w, now);
	arm(w, px_watch_deadline(&w->watch, now));
}

void px_watcher_repeat(struct px_watcher *w)
{
	for (size_t i = 0; i < w->n; i++)
		w->changed(w->user, &w->paths[i], w->watch.paths[i].state == PX_WATCH_SILENT);
}
