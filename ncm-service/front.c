#include "ncm-service/front_private.h"

#include "lib/base/rate.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define TICK_MS 500
#define ANSWER_MS 3000 /* of another instance */
#define TRIES 3

/* A message under way to the instance that has the session. */
struct pending {
	struct ncm_front *f;
	struct ncm_sender from;
	char identity[NCM_IDENTITY_MAX];
	char instance[NCM_INSTANCE_MAX];
	char *text; /* text[len] */
	size_t len;
	ncm_receipt_fn fn; /* NULL: nobody waits any more */
	void *user;
	uint32_t number;
	unsigned tries;
	bool claiming; /* the cluster will come back with it */
	mams_time until;
	LIST_ENTRY(pending) link;
};

struct ncm_session *ncm_front_session(const struct ncm_front *f, const char *identity)
{
	return ncm_registry_by_identity(ncm_service_registry(f->in->service), identity);
}

struct ctl_msg *ncm_front_msg(enum ctl_peer_kind kind, const char *identity)
{
	struct ctl_msg *msg = ctl_msg_new(CTL_NCM_PEER, 0);

	if (msg) {
		msg->ncm_peer.kind = (int)kind;
		msg->ncm_peer.client = ctl_strdup(msg, identity);
	}
	return msg;
}

void ncm_front_put_sender(
	struct ctl_msg *msg, enum ncm_transport transport, const struct mams_addr *peer)
{
	msg->ncm_peer.transport = (uint32_t)transport;
	msg->ncm_peer.address = *peer;
	msg->ncm_peer.port = peer->port;
}

struct mams_addr ncm_front_peer(const struct ctl_ncm_peer *p)
{
	struct mams_addr a = p->address;

	a.port = p->port;
	return a;
}

char *ncm_front_text(struct ctl_msg *msg, const char *text, size_t len)
{
	char *out = ctl_alloc(msg, len + 1);

	if (out)
		memcpy(out, text, len);
	return out;
}

/* ---- messages of clients ---- */

static void pending_free(struct pending *p)
{
	LIST_REMOVE(p, link);
	mams_wipe(p->text, p->len);
	free(p->text);
	free(p);
}

static void answer(struct pending *p, const struct ncm_receipt *r)
{
	ncm_receipt_fn fn = p->fn;
	void *user = p->user;

	pending_free(p);
	if (fn)
		fn(user, r);
}

static void answer_busy(struct pending *p)
{
	struct ncm_receipt r = {.outcome = NCM_IN_BUSY};

	(void)mams_fail(&r.err, MAMS_ESTATE, "cluster", "the session is changing hands, try again");
	answer(p, &r);
}

static void take_here(struct ncm_front *f, const struct ncm_sender *from, const char *text,
	size_t len, ncm_receipt_fn fn, void *user)
{
	struct ncm_receipt r;

	ncm_mailbox_hold(f->in->mailbox);
	ncm_intake_take(f->in, from, text, len, &r);
	if (fn)
		fn(user, &r);
	ncm_mailbox_go_on(f->in->mailbox);
	ncm_receipt_fini(&r);
}

static void pass_on(struct pending *p, const char *instance)
{
	struct ctl_msg *msg = ncm_front_msg(CTL_PEER_TAKE, p->identity);

	snprintf(p->instance, sizeof(p->instance), "%s", instance);
	if (msg)
		msg->ncm_peer.text = ncm_front_text(msg, p->text, p->len);
	if (!msg || !msg->ncm_peer.text) {
		ctl_msg_free(msg);
		answer_busy(p);
		return;
	}
	p->number = ++p->f->number;
	p->until = mams_time_add_ms(mams_loop_now(p->f->in->loop), ANSWER_MS);
	msg->ncm_peer.number = p->number;
	ncm_front_put_sender(msg, p->from.transport, &p->from.peer);
	ncm_cluster_send(p->f->cluster, instance, msg);
}

static void routed(void *user, enum ncm_claim what, const char *instance)
{
	struct pending *p = user;
	struct ncm_front *f = p->f;

	p->claiming = false;
	if (!p->fn) {
		pending_free(p);
	} else if (what == NCM_CLAIM_THEIRS) {
		pass_on(p, instance);
	} else if (what == NCM_CLAIM_BUSY) {
		answer_busy(p);
	} else {
		struct ncm_receipt r;

		ncm_mailbox_hold(f->in->mailbox);
		ncm_intake_take(f->in, &p->from, p->text, p->len, &r);
		if (!ncm_front_session(f, p->identity))
			ncm_cluster_release(f->cluster, p->identity);
		answer(p, &r);
		ncm_mailbox_go_on(f->in->mailbox);
		ncm_receipt_fini(&r);
	}
}

static void route(struct pending *p)
{
	p->instance[0] = '\0';
	p->claiming =
		p->tries++ < TRIES && ncm_cluster_claim(p->f->cluster, p->identity, routed, p) == 0;
	if (!p->claiming)
		answer_busy(p);
}

static struct pending *pending_new(
	struct ncm_front *f, const struct ncm_sender *from, const char *text, size_t len)
{
	struct pending *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->text = malloc(len + 1);
	if (!p->text) {
		free(p);
		return NULL;
	}
	memcpy(p->text, text, len);
	p->len = len;
	p->f = f;
	snprintf(p->identity, sizeof(p->identity), "%s", from->identity);
	p->from = *from;
	p->from.identity = p->identity;
	p->until = MAMS_TIME_NEVER;
	LIST_INSERT_HEAD(&f->pending, p, link);
	return p;
}

/* What is no MX message is answered here, as it would be there. */
static bool is_message(const char *text, size_t len)
{
	struct mx_msg *m = NULL;
	struct mams_error err;
	bool good = !memchr(text, '\0', len) && mx_decode(text, len, &m, &err) == 0;

	mx_msg_free(m);
	return good;
}

static bool is_ours(const struct ncm_front *f, const char *identity)
{
	if (!f->cluster)
		return true;
	return ncm_front_session(f, identity) && ncm_cluster_may_act(f->cluster);
}

void ncm_front_take(struct ncm_front *f, const struct ncm_sender *from, const char *text,
	size_t len, ncm_receipt_fn fn, void *user)
{
	struct pending *p = NULL;

	if (is_ours(f, from->identity) || !is_message(text, len)) {
		take_here(f, from, text, len, fn, user);
		return;
	}
	if (!mams_rate_take(f->in->rate, from->identity, mams_loop_now(f->in->loop))) {
		struct ncm_receipt r = {.outcome = NCM_IN_TOO_MANY};

		(void)mams_fail(&r.err, MAMS_ELIMIT, "max_rate", "too many messages");
		f->in->counters.too_many++;
		fn(user, &r);
		return;
	}
	p = pending_new(f, from, text, len);
	if (p) {
		p->fn = fn;
		p->user = user;
		route(p);
	} else {
		const struct ncm_receipt r = {.outcome = NCM_IN_BUSY};

		fn(user, &r);
	}
}

void ncm_front_forget(struct ncm_front *f, const void *user)
{
	struct pending *next;

	for (struct pending *p = LIST_FIRST(&f->pending); p; p = next) {
		next = LIST_NEXT(p, link);
		if (p->user != user)
			continue;
		p->fn = NULL;
		if (!p->claiming)
			pending_free(p);
	}
}

/* ---- packets of other instances ---- */

static void on_take(struct ncm_front *f, const struct ctl_ncm_peer *p)
{
	const struct ncm_sender from = {.identity = p->client,
		.transport = p->transport < NCM_TRANSPORTS ? (enum ncm_transport)p->transport
							   : NCM_HTTPS,
		.peer = ncm_front_peer(p)};
	struct ctl_msg *msg = ncm_front_msg(CTL_PEER_TAKEN, p->client);
	struct ncm_receipt r = {.outcome = NCM_IN_BUSY};

	if (!msg || !p->text) {
		ctl_msg_free(msg);
		return;
	}
	ncm_mailbox_hold(f->in->mailbox);
	if (is_ours(f, p->client)) /* else it has moved, or gone, meanwhile */
		ncm_intake_take(f->in, &from, p->text, strlen(p->text), &r);
	msg->ncm_peer.number = p->number;
	msg->ncm_peer.outcome = (uint32_t)r.outcome;
	msg->ncm_peer.known = r.known;
	if (r.text)
		msg->ncm_peer.text = ncm_front_text(msg, r.text, r.len);
	msg->ncm_peer.where = ctl_strdup(msg, r.err.where);
	msg->ncm_peer.words = ctl_strdup(msg, r.err.text);
	ncm_cluster_send(f->cluster, p->from, msg);
	ncm_mailbox_go_on(f->in->mailbox);
	ncm_receipt_fini(&r);
}

static struct pending *pending_find(struct ncm_front *f, uint32_t number, const char *instance)
{
	struct pending *p;

	LIST_FOREACH(p, &f->pending, link)
	if (!p->claiming && p->number == number && strcmp(p->instance, instance) == 0)
		return p;
	return NULL;
}

static void on_taken(struct ncm_front *f, const struct ctl_ncm_peer *p)
{
	struct pending *waiting = pending_find(f, p->number, p->from);
	struct ncm_receipt r = {.outcome = p->outcome <= NCM_IN_TOO_MANY
						   ? (enum ncm_outcome)p->outcome
						   : NCM_IN_BUSY,
		.known = p->known};

	if (!waiting)
		return;
	if (p->text) {
		r.text = strdup(p->text);
		r.len = r.text ? strlen(r.text) : 0;
	}
	snprintf(r.err.where, sizeof(r.err.where), "%s", p->where ? p->where : "");
	snprintf(r.err.text, sizeof(r.err.text), "%s", p->words ? p->words : "");
	answer(waiting, &r);
	ncm_receipt_fini(&r);
}

void ncm_front_packet(struct ncm_front *f, const struct ctl_msg *msg)
{
	const struct ctl_ncm_peer *p = &msg->ncm_peer;

	if (strlen(p->client) >= NCM_IDENTITY_MAX)
		return;
	switch ((enum ctl_peer_kind)p->kind) {
	case CTL_PEER_TAKE:
		on_take(f, p);
		break;
	case CTL_PEER_TAKEN:
		on_taken(f, p);
		break;
	case CTL_PEER_ATTACH:
		ncm_channels_attach(f, p);
		break;
	case CTL_PEER_DETACH:
		ncm_channels_detach(f, p);
		break;
	case CTL_PEER_DELIVER:
		ncm_channels_deliver(f, p);
		break;
	case CTL_PEER_RETURN:
		ncm_channels_return(f, p);
		break;
	case CTL_PEER_DISMISS:
		ncm_channels_dismiss(f, p);
		break;
	case CTL_PEER_HELLO:
		ncm_channels_again(f, p->from);
		break;
	case CTL_PEER_STEER:
	case CTL_PEER_STEERED:
		break; /* admin's */
	}
}

/* It is dying, or Redis is gone. */
void ncm_front_undelivered(struct ncm_front *f, const char *instance, const struct ctl_msg *msg)
{
	const struct ctl_ncm_peer *p = &msg->ncm_peer;
	struct pending *waiting;

	if (p->kind != CTL_PEER_TAKE) {
		ncm_channels_undelivered(f, instance, p);
		return;
	}
	waiting = pending_find(f, p->number, instance);
	if (waiting)
		answer_busy(waiting);
}

void ncm_front_dead(struct ncm_front *f, const char *instance)
{
	struct pending *next;

	for (struct pending *p = LIST_FIRST(&f->pending); p; p = next) {
		next = LIST_NEXT(p, link);
		if (!p->claiming && strcmp(p->instance, instance) == 0)
			route(p);
	}
	ncm_channels_dead(f, instance);
}

/* ---- time ---- */

static void tick(void *user)
{
	struct ncm_front *f = user;
	mams_time now = mams_loop_now(f->in->loop);
	struct pending *next;

	mams_loop_timer_at(f->timer, mams_time_add_ms(now, TICK_MS));
	for (struct pending *p = LIST_FIRST(&f->pending); p; p = next) {
		next = LIST_NEXT(p, link);
		if (!p->claiming && !mams_time_before(now, p->until))
			answer_busy(p);
	}
	ncm_channels_tick(f);
}

int ncm_front_new(struct ncm_intake *in, struct ncm_cluster *cluster, struct ncm_front **out)
{
	struct ncm_front *f = calloc(1, sizeof(*f));
	int rc = 0;

	if (!f)
		return -ENOMEM;
	f->in = in;
	f->cluster = cluster;
	LIST_INIT(&f->pending);
	if (cluster) {
		rc = mams_loop_timer_new(in->loop, tick, f, &f->timer);
		if (rc == 0)
			mams_loop_timer_at(
				f->timer, mams_time_add_ms(mams_loop_now(in->loop), TICK_MS));
	}
	if (rc < 0)
		free(f);
	else
		*out = f;
	return rc;
}

void ncm_front_free(struct ncm_front *f)
{
	struct pending *p;

	if (!f)
		return;
	mams_loop_timer_del(f->timer);
	while ((p = LIST_FIRST(&f->pending)) != NULL)
		pending_free(p);
	ncm_channels_free(f);
	free(f);
}
