#include "ncm-service/trace.h"

#include "lib/ctl/ctl_msg.h"
#include "lib/io/ctlmsg.h"
#include "ncm-service/traced.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/queue.h>
#include <time.h>

#define WATCHERS_MAX 16u

struct watcher {
	struct mams_ctl_conn *conn;
	struct ncm_traced traced;
	LIST_ENTRY(watcher) link;
};

struct ncm_trace {
	LIST_HEAD(, watcher) watchers;
	size_t n;
};

int ncm_trace_new(struct ncm_trace **out)
{
	*out = calloc(1, sizeof(**out));
	return *out ? 0 : -ENOMEM;
}

static void drop(struct ncm_trace *t, struct watcher *w)
{
	LIST_REMOVE(w, link);
	t->n--;
	free(w);
}

void ncm_trace_free(struct ncm_trace *t)
{
	if (!t)
		return;
	while (!LIST_EMPTY(&t->watchers))
		drop(t, LIST_FIRST(&t->watchers));
	free(t);
}

int ncm_trace_add(struct ncm_trace *t, struct mams_ctl_conn *c, const char *identity)
{
	struct watcher *w = t->n < WATCHERS_MAX ? calloc(1, sizeof(*w)) : NULL;

	if (!w)
		return t->n < WATCHERS_MAX ? -ENOMEM : -MAMS_ELIMIT;
	w->conn = c;
	snprintf(w->traced.identity, sizeof(w->traced.identity), "%s", identity);
	LIST_INSERT_HEAD(&t->watchers, w, link);
	t->n++;
	return 0;
}

void ncm_trace_closed(struct ncm_trace *t, const struct mams_ctl_conn *c)
{
	struct watcher *next;

	for (struct watcher *w = LIST_FIRST(&t->watchers); w; w = next) {
		next = LIST_NEXT(w, link);
		if (w->conn == c)
			drop(t, w);
	}
}

/* Who does not read what it is told misses some of it; nobody waits.
 * @param msg  consumed; NULL: there is none */
static bool tell(const struct watcher *w, struct ctl_msg *msg)
{
	struct timespec ts;
	struct mams_error err;

	if (!msg)
		return false;
	clock_gettime(CLOCK_REALTIME, &ts);
	msg->trace.time_ms = (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
	(void)!mams_ctl_say(w->conn, msg, &err);
	return true;
}

static struct watcher *next_of(struct watcher *w, const char *identity)
{
	while (w && strcmp(w->traced.identity, identity) != 0)
		w = LIST_NEXT(w, link);
	return w;
}

#define EACH(w, t, identity)                                                                       \
	for (struct watcher * (w) = next_of(LIST_FIRST(&(t)->watchers), identity); w;              \
		(w) = next_of(LIST_NEXT(w, link), identity))

void ncm_trace_message(struct ncm_trace *t, const char *identity, enum ncm_transport transport,
	const struct ncm_session *s, const struct mx_msg *m, mams_time now)
{
	EACH(w, t, identity)
	{
		while (s && tell(w, ncm_traced_before(&w->traced, s, m, now)))
			;
		tell(w, ncm_traced_message(&w->traced, s, transport, false, m, now));
	}
}

void ncm_trace_input(struct ncm_trace *t, const struct ncm_session *s,
	const struct ctl_trace_input *in, const char *text, mams_time now)
{
	EACH(w, t, s->s.identity)
	{
		while (tell(w, ncm_traced_before(&w->traced, s, NULL, now)))
			;
		tell(w, ncm_traced_input(&w->traced, s, in, text, now));
	}
}

void ncm_trace_answer(struct ncm_trace *t, const char *identity, enum ncm_transport transport,
	const struct mx_msg *m, mams_time now)
{
	EACH(w, t, identity)
	tell(w, ncm_traced_message(&w->traced, NULL, transport, true, m, now));
}

void ncm_trace_action(
	struct ncm_trace *t, const struct ncm_session *s, const struct ncm_action *a, mams_time now)
{
	EACH(w, t, s->s.identity)
	tell(w, ncm_traced_action(&w->traced, s, a, now));
}

void ncm_trace_plane(
	struct ncm_trace *t, const struct ncm_session *s, const char *text, mams_time now)
{
	EACH(w, t, s->s.identity)
	tell(w, ncm_traced_plane(&w->traced, s, text, now));
}

void ncm_trace_madps(struct ncm_trace *t, const struct ncm_madps *m, mams_time now)
{
	struct watcher *w;

	LIST_FOREACH(w, &t->watchers, link)
	tell(w, ncm_traced_madps(&w->traced, m, now));
}
