#include "ncm-service/trace.h"

#include "lib/codec/field.h"
#include "lib/ctl/ctl_msg.h"
#include "lib/io/ctlmsg.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/queue.h>

#define WATCHERS_MAX 16u

struct watcher {
	struct mams_ctl_conn *conn;
	char identity[NCM_IDENTITY_MAX];
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
	snprintf(w->identity, sizeof(w->identity), "%s", identity);
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

static bool is_watched(const struct ncm_trace *t, const char *identity)
{
	struct watcher *w;

	LIST_FOREACH(w, &t->watchers, link)
	if (strcmp(w->identity, identity) == 0)
		return true;
	return false;
}

/* Who does not read what it is told misses some of it; nobody waits. */
static void tell(struct ncm_trace *t, const char *identity, int what, const char *transport,
	const char *text)
{
	struct watcher *w;

	LIST_FOREACH(w, &t->watchers, link)
	{
		struct ctl_msg *msg =
			strcmp(w->identity, identity) == 0 ? ctl_msg_new(CTL_TRACE, 0) : NULL;
		struct mams_error err;

		if (!msg)
			continue;
		msg->trace = (struct ctl_trace){.time_ms = (uint64_t)mams_clock_wall() * 1000,
			.client = ctl_strdup(msg, identity),
			.what = what,
			.transport = transport,
			.text = ctl_strdup(msg, text)};
		(void)!mams_ctl_say(w->conn, msg, &err);
	}
}

void ncm_trace_message(struct ncm_trace *t, const char *identity, enum ncm_transport transport,
	bool sent, const struct mx_msg *m)
{
	struct mams_buf text = {0};
	struct mams_error err;

	if (!is_watched(t, identity))
		return;
	if (mx_encode(m, MAMS_ENC_MASK, &text, &err) == 0 && !text.failed)
		tell(t, identity, sent ? CTL_TRACE_SENT : CTL_TRACE_RECEIVED,
			ncm_transport_name(transport), text.data);
	mams_buf_fini(&text);
}

void ncm_trace_action(struct ncm_trace *t, const struct ncm_session *s, const struct ncm_action *a)
{
	const struct ncm_link *l = a->kind == NCM_ACT_LINK ? &s->s.links[a->connection_id] : NULL;
	char words[256];

	if (!is_watched(t, s->s.identity))
		return;
	if (l)
		snprintf(words, sizeof(words), "link %u: %s", a->connection_id,
			l->up ? ncm_admission_text(l->admission) : "down");
	else if (a->kind == NCM_ACT_STATE)
		snprintf(words, sizeof(words), "state %s -> %s: %s", ncm_state_name(a->from),
			ncm_state_name(a->to), a->text);
	else
		return;
	tell(t, s->s.identity, CTL_TRACE_EVENT, NULL, words);
}
