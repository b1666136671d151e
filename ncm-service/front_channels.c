/* Two tables: away, the channels here of clients whose session another instance has; and far, the
 * channels that stand for such a client at the instance that has his session. */
#include "ncm-service/front_private.h"

#include <uthash.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct ncm_away {
	struct ncm_front *f;
	char identity[NCM_IDENTITY_MAX];
	char instance[NCM_INSTANCE_MAX]; /* "": not known */
	struct ncm_channel *channel;
	bool claiming;
	bool spent; /* the other instance has taken its channel away */
	UT_hash_handle hh;
};

struct far {
	struct ncm_channel channel;
	struct ncm_front *f;
	char identity[NCM_IDENTITY_MAX];
	char instance[NCM_INSTANCE_MAX];
	bool listed;
	UT_hash_handle hh;
};

/* ---- channels here, sessions elsewhere ---- */

static struct ncm_away *away_find(const struct ncm_front *f, const char *identity)
{
	struct ncm_away *a;

	HASH_FIND_STR(f->away, identity, a);
	return a;
}

/* @return its channel, which is attached nowhere now */
static struct ncm_channel *away_free(struct ncm_away *a)
{
	struct ncm_channel *c = a->channel;

	if (c)
		c->away = NULL;
	HASH_DEL(a->f->away, a);
	free(a);
	return c;
}

static int attach_here(struct ncm_front *f, struct ncm_session *s, struct ncm_channel *c)
{
	ncm_service_seen(f->in->service, s);
	return ncm_mailbox_attach(f->in->mailbox, s->s.session_id, c);
}

static void claim_away(struct ncm_away *a);

static void attached(void *user, enum ncm_claim what, const char *instance)
{
	struct ncm_away *a = user;
	struct ncm_front *f = a->f;
	struct ncm_channel *c = a->channel;
	struct ctl_msg *msg;

	a->claiming = false;
	if (!c) {
		away_free(a);
	} else if (what == NCM_CLAIM_THEIRS) {
		snprintf(a->instance, sizeof(a->instance), "%s", instance);
		msg = ncm_front_msg(CTL_PEER_ATTACH, a->identity);
		if (msg)
			ncm_front_put_sender(msg, c->ops->transport, &c->peer);
		ncm_cluster_send(f->cluster, instance, msg);
	} else if (what == NCM_CLAIM_OURS) {
		struct ncm_session *s = ncm_front_session(f, a->identity);

		if (!s)
			ncm_cluster_release(f->cluster, a->identity);
		away_free(a);
		if (!s || attach_here(f, s, c) < 0)
			c->ops->dismiss(c, NCM_CHANNEL_ENDED);
	} /* BUSY: the tick tries again */
}

static void claim_away(struct ncm_away *a)
{
	a->instance[0] = '\0';
	if (!a->claiming)
		a->claiming = ncm_cluster_claim(a->f->cluster, a->identity, attached, a) == 0;
}

/* The cluster may still come back with it. */
static void away_leave(struct ncm_away *a)
{
	if (a->channel)
		a->channel->away = NULL;
	a->channel = NULL;
	if (!a->claiming)
		away_free(a);
}

static int attach_away(struct ncm_front *f, const char *identity, struct ncm_channel *c)
{
	struct ncm_away *a = away_find(f, identity);

	if (a && a->channel == c)
		return 0;
	if (a && a->channel) {
		struct ncm_channel *old = a->channel;

		a->channel = NULL;
		old->away = NULL;
		old->ops->dismiss(old, NCM_CHANNEL_REPLACED);
	}
	ncm_front_detach(c);
	if (!a) {
		a = calloc(1, sizeof(*a));
		if (!a)
			return -ENOMEM;
		a->f = f;
		snprintf(a->identity, sizeof(a->identity), "%s", identity);
		HASH_ADD_STR(f->away, identity, a);
	}
	a->channel = c;
	a->spent = false;
	c->away = a;
	claim_away(a);
	return 0;
}

int ncm_front_attach(struct ncm_front *f, const char *identity, struct ncm_channel *c)
{
	struct ncm_session *s = ncm_front_session(f, identity);

	if (s) {
		if (c->away)
			away_leave(c->away);
		return attach_here(f, s, c);
	}
	return f->cluster ? attach_away(f, identity, c) : -MAMS_EUNKNOWN;
}

void ncm_front_detach(struct ncm_channel *c)
{
	struct ncm_away *a = c->away;

	ncm_mailbox_detach(c);
	if (!a)
		return;
	if (a->instance[0] && !a->spent)
		ncm_cluster_send(
			a->f->cluster, a->instance, ncm_front_msg(CTL_PEER_DETACH, a->identity));
	away_leave(a);
}

/* ---- channels elsewhere, sessions here ---- */

static void far_free(struct far *x)
{
	ncm_mailbox_detach(&x->channel);
	if (x->listed)
		HASH_DEL(x->f->far, x);
	free(x);
}

static void send_text(struct ncm_front *f, const char *instance, enum ctl_peer_kind kind,
	const char *identity, const char *text, size_t len)
{
	struct ctl_msg *msg = ncm_front_msg(kind, identity);

	if (msg)
		msg->ncm_peer.text = ncm_front_text(msg, text, len);
	ncm_cluster_send(f->cluster, instance, msg);
}

static void send_dismissal(
	struct ncm_front *f, const char *instance, const char *identity, enum ncm_dismissal why)
{
	struct ctl_msg *msg = ncm_front_msg(CTL_PEER_DISMISS, identity);

	if (msg)
		msg->ncm_peer.outcome = (uint32_t)why;
	ncm_cluster_send(f->cluster, instance, msg);
}

static bool far_deliver(struct ncm_channel *c, const char *text, size_t len)
{
	struct far *x = (struct far *)c;
	struct ncm_front *f = x->f;
	char instance[NCM_INSTANCE_MAX];
	char identity[NCM_IDENTITY_MAX];

	memcpy(instance, x->instance, sizeof(instance));
	memcpy(identity, x->identity, sizeof(identity));
	if (c->ops->transport == NCM_HTTPS) /* a poll carries one message */
		far_free(x);
	send_text(f, instance, CTL_PEER_DELIVER, identity, text, len);
	return true;
}

static void far_dismiss(struct ncm_channel *c, enum ncm_dismissal why)
{
	struct far *x = (struct far *)c;

	send_dismissal(x->f, x->instance, x->identity, why);
	far_free(x);
}

static const struct ncm_channel_ops far_ops[NCM_TRANSPORTS] = {
	{.transport = NCM_HTTPS, .deliver = far_deliver, .dismiss = far_dismiss},
	{.transport = NCM_WSS, .deliver = far_deliver, .dismiss = far_dismiss},
	{.transport = NCM_UDP, .deliver = far_deliver, .dismiss = far_dismiss},
};

static struct far *far_find(const struct ncm_front *f, const char *identity)
{
	struct far *x;

	HASH_FIND_STR(f->far, identity, x);
	return x;
}

void ncm_channels_attach(struct ncm_front *f, const struct ctl_ncm_peer *p)
{
	struct ncm_session *s = ncm_front_session(f, p->client);
	struct far *old = far_find(f, p->client);
	struct far *x;

	if (!s || p->transport >= NCM_TRANSPORTS) {
		send_dismissal(f, p->from, p->client, s ? NCM_CHANNEL_REPLACED : NCM_CHANNEL_ENDED);
		return;
	}
	if (old && strcmp(old->instance, p->from) == 0) {
		far_free(old); /* it knows: it has put another in its place */
		old = NULL;
	}
	x = calloc(1, sizeof(*x));
	if (!x)
		return;
	x->f = f;
	x->channel.ops = &far_ops[p->transport];
	x->channel.peer = ncm_front_peer(p);
	snprintf(x->identity, sizeof(x->identity), "%s", p->client);
	snprintf(x->instance, sizeof(x->instance), "%s", p->from);
	if (old) { /* the mailbox dismisses it */
		HASH_DEL(f->far, old);
		old->listed = false;
	}
	HASH_ADD_STR(f->far, identity, x);
	x->listed = true;
	if (attach_here(f, s, &x->channel) < 0)
		far_free(x);
}

void ncm_channels_detach(struct ncm_front *f, const struct ctl_ncm_peer *p)
{
	struct far *x = far_find(f, p->client);

	if (x && strcmp(x->instance, p->from) == 0)
		far_free(x);
}

/* Nothing is lost; what the client gets may be in another order. */
static void put_back(struct ncm_front *f, const char *identity, const char *text)
{
	const struct ncm_session *s = ncm_front_session(f, identity);
	char *copy = s && text ? strdup(text) : NULL;

	if (copy && ncm_mailbox_put(f->in->mailbox, s->s.session_id, copy, strlen(copy)) < 0)
		f->in->counters.outbox_full++;
}

void ncm_channels_return(struct ncm_front *f, const struct ctl_ncm_peer *p)
{
	struct far *x = far_find(f, p->client);

	if (x && strcmp(x->instance, p->from) == 0)
		far_free(x);
	put_back(f, p->client, p->text);
}

/* ---- what the other instance says, and its end ---- */

void ncm_channels_deliver(struct ncm_front *f, const struct ctl_ncm_peer *p)
{
	struct ncm_away *a = away_find(f, p->client);
	size_t len = p->text ? strlen(p->text) : 0;

	if (len == 0)
		return;
	if (a && a->channel) {
		a->spent = a->channel->ops->transport == NCM_HTTPS;
		if (a->channel->ops->deliver(a->channel, p->text, len))
			return;
	}
	send_text(f, p->from, CTL_PEER_RETURN, p->client, p->text, len);
}

void ncm_channels_dismiss(struct ncm_front *f, const struct ctl_ncm_peer *p)
{
	struct ncm_away *a = away_find(f, p->client);
	struct ncm_channel *c = a ? a->channel : NULL;

	if (!c || strcmp(a->instance, p->from) != 0)
		return;
	away_leave(a);
	c->ops->dismiss(
		c, p->outcome == NCM_CHANNEL_ENDED ? NCM_CHANNEL_ENDED : NCM_CHANNEL_REPLACED);
}

void ncm_channels_undelivered(
	struct ncm_front *f, const char *instance, const struct ctl_ncm_peer *p)
{
	struct far *x = far_find(f, p->client);
	struct ncm_away *a = away_find(f, p->client);

	if (p->kind == CTL_PEER_DELIVER) {
		if (x && strcmp(x->instance, instance) == 0)
			far_free(x);
		put_back(f, p->client, p->text);
	} else if (p->kind == CTL_PEER_ATTACH && a && strcmp(a->instance, instance) == 0) {
		a->instance[0] = '\0'; /* the tick tries again */
	}
}

void ncm_channels_again(struct ncm_front *f, const char *instance)
{
	struct ncm_away *a;
	struct ncm_away *next;

	HASH_ITER(hh, f->away, a, next)
	{
		if (strcmp(a->instance, instance) == 0)
			claim_away(a);
	}
}

void ncm_channels_dead(struct ncm_front *f, const char *instance)
{
	struct far *x;
	struct far *next_far;

	ncm_channels_again(f, instance);
	HASH_ITER(hh, f->far, x, next_far)
	{
		if (strcmp(x->instance, instance) == 0)
			far_free(x);
	}
}

void ncm_front_refresh(struct ncm_front *f)
{
	struct ncm_away *a;
	struct ncm_away *next;

	HASH_ITER(hh, f->away, a, next)
	claim_away(a);
}

void ncm_channels_tick(struct ncm_front *f)
{
	struct ncm_away *a;
	struct ncm_away *next;

	HASH_ITER(hh, f->away, a, next)
	{
		if (!a->instance[0])
			claim_away(a);
	}
}

void ncm_channels_free(struct ncm_front *f)
{
	struct ncm_away *a;
	struct ncm_away *next_away;
	struct far *x;
	struct far *next_far;

	HASH_ITER(hh, f->away, a, next_away)
	(void)away_free(a);
	HASH_ITER(hh, f->far, x, next_far)
	far_free(x);
}
