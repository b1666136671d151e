#include "ncm-service/mailbox.h"

#include <uthash.h>

#include <errno.h>
#include <sys/queue.h>

struct letter {
	char *text;
	size_t len;
};

struct ncm_box {
	struct ncm_mailbox *mailbox;
	uint64_t session_id;
	struct letter letters[NCM_MAILBOX_MAX];
	size_t head;
	size_t n;
	struct ncm_channel *channel;
	const char *transport;
	struct mams_addr peer;
	bool waits; /* until nothing is held back any more */
	LIST_ENTRY(ncm_box) link;
	UT_hash_handle hh;
};

struct ncm_mailbox {
	struct ncm_box *boxes;
	unsigned holds;
	LIST_HEAD(, ncm_box) waiting;
};

static void wipe_free(struct letter *l)
{
	mams_wipe(l->text, l->len);
	free(l->text);
	*l = (struct letter){0};
}

static void drop_first(struct ncm_box *b)
{
	wipe_free(&b->letters[b->head]);
	b->head = (b->head + 1) % NCM_MAILBOX_MAX;
	b->n--;
}

static void deliver_now(struct ncm_box *b)
{
	while (b->n > 0 && b->channel) {
		const struct letter *l = &b->letters[b->head];

		if (!b->channel->ops->deliver(b->channel, l->text, l->len))
			return;
		drop_first(b);
	}
}

static void deliver(struct ncm_box *b)
{
	if (b->mailbox->holds == 0) {
		deliver_now(b);
	} else if (!b->waits) {
		b->waits = true;
		LIST_INSERT_HEAD(&b->mailbox->waiting, b, link);
	}
}

static void wait_no_more(struct ncm_box *b)
{
	if (b->waits)
		LIST_REMOVE(b, link);
	b->waits = false;
}

static struct ncm_box *find(const struct ncm_mailbox *m, uint64_t session_id)
{
	struct ncm_box *b;

	HASH_FIND(hh, m->boxes, &session_id, sizeof(session_id), b);
	return b;
}

static struct ncm_box *get(struct ncm_mailbox *m, uint64_t session_id)
{
	struct ncm_box *b = find(m, session_id);

	if (b)
		return b;
	b = calloc(1, sizeof(*b));
	if (!b)
		return NULL;
	b->mailbox = m;
	b->session_id = session_id;
	b->transport = "-";
	HASH_ADD(hh, m->boxes, session_id, sizeof(b->session_id), b);
	return b;
}

static void drop(struct ncm_mailbox *m, struct ncm_box *b)
{
	HASH_DEL(m->boxes, b);
	wait_no_more(b);
	while (b->n > 0)
		drop_first(b);
	free(b);
}

static void dismiss(struct ncm_box *b, enum ncm_dismissal why)
{
	struct ncm_channel *c = b->channel;

	if (!c)
		return;
	ncm_mailbox_detach(c);
	c->ops->dismiss(c, why);
}

int ncm_mailbox_new(struct ncm_mailbox **out)
{
	*out = calloc(1, sizeof(**out));
	if (!*out)
		return -ENOMEM;
	LIST_INIT(&(*out)->waiting);
	return 0;
}

void ncm_mailbox_free(struct ncm_mailbox *m)
{
	struct ncm_box *b;
	struct ncm_box *next;

	if (!m)
		return;
	HASH_ITER(hh, m->boxes, b, next)
	{
		if (b->channel)
			ncm_mailbox_detach(b->channel);
		drop(m, b);
	}
	free(m);
}

int ncm_mailbox_put(struct ncm_mailbox *m, uint64_t session_id, char *text, size_t len)
{
	struct ncm_box *b = get(m, session_id);
	struct letter l = {.text = text, .len = len};

	if (!b || b->n == NCM_MAILBOX_MAX) {
		wipe_free(&l);
		return b ? -MAMS_ELIMIT : -ENOMEM;
	}
	b->letters[(b->head + b->n++) % NCM_MAILBOX_MAX] = l;
	deliver(b);
	return 0;
}

int ncm_mailbox_attach(struct ncm_mailbox *m, uint64_t session_id, struct ncm_channel *c)
{
	struct ncm_box *b = get(m, session_id);

	if (!b)
		return -ENOMEM;
	ncm_mailbox_seen(m, session_id, c->ops->transport, &c->peer);
	if (b->channel == c)
		return 0;
	dismiss(b, NCM_CHANNEL_REPLACED);
	ncm_mailbox_detach(c);
	b->channel = c;
	c->box = b;
	deliver(b);
	return 0;
}

void ncm_mailbox_detach(struct ncm_channel *c)
{
	if (c->box)
		c->box->channel = NULL;
	c->box = NULL;
}

void ncm_mailbox_end(struct ncm_mailbox *m, uint64_t session_id, enum ncm_dismissal why)
{
	struct ncm_box *b = find(m, session_id);

	if (!b)
		return;
	if (b->waits) /* it is the last chance */
		deliver_now(b);
	dismiss(b, why);
	drop(m, b);
}

void ncm_mailbox_hold(struct ncm_mailbox *m)
{
	m->holds++;
}

void ncm_mailbox_go_on(struct ncm_mailbox *m)
{
	struct ncm_box *b;

	if (--m->holds > 0)
		return;
	while ((b = LIST_FIRST(&m->waiting)) != NULL) {
		wait_no_more(b);
		deliver_now(b);
	}
}

void ncm_mailbox_seen(struct ncm_mailbox *m, uint64_t session_id, enum ncm_transport transport,
	const struct mams_addr *peer)
{
	struct ncm_box *b = get(m, session_id);

	if (!b)
		return;
	b->transport = ncm_transport_name(transport);
	b->peer = *peer;
}

void ncm_mailbox_where(const struct ncm_mailbox *m, uint64_t session_id, const char **transport,
	struct mams_addr *peer)
{
	const struct ncm_box *b = find(m, session_id);

	*transport = b ? b->transport : "-";
	*peer = b ? b->peer : (struct mams_addr){0};
}
