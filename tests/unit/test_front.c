/* Two instances' fronts, mailboxes and registries; what joins them is played: who owns the one
 * session, and packets that arrive when the test says so, or never. */
#include "lib/base/rate.h"
#include "ncm-service/front.h"
#include "tests/support/suite.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PACKETS_MAX 16

struct ncm_cluster {
	const char *name;
	bool unsure;
	bool dead;
	struct ncm_intake in;
	struct ncm_registry *registry;
	struct ncm_front *front;
	unsigned taken; /* messages that the intake was given */
};

static struct ncm_cluster a, b;
static struct ncm_cluster *owner; /* of the session; NULL: nobody */
static struct ncm_policy policy = {.max_sessions = 10};
static struct mams_loop *loop;

static struct {
	struct ncm_cluster *to;
	struct ctl_msg *msg;
} packets[PACKETS_MAX];
static size_t n_packets;

static struct {
	struct ncm_cluster *by;
	ncm_claim_fn fn;
	void *user;
} claims[PACKETS_MAX];
static size_t n_claims;

static bool answers_and_asks; /* what a message leads to */
static char order[8];         /* in which the client hears of both */

/* ---- what is played ---- */

static void give_session(struct ncm_cluster *c)
{
	const struct ncm_saved saved = {.identity = "alice", .session_id = 7};
	struct ncm_session *s;

	owner = c;
	CU_ASSERT_EQUAL_FATAL(ncm_registry_add(c->registry, &saved, 1, mams_loop_now(loop), &s), 0);
}

static void take_session(struct ncm_cluster *c)
{
	ncm_mailbox_end(c->in.mailbox, 7, NCM_CHANNEL_REPLACED);
	ncm_registry_remove(c->registry, ncm_registry_by_identity(c->registry, "alice"));
}

bool ncm_cluster_may_act(const struct ncm_cluster *c)
{
	return !c->unsure;
}

int ncm_cluster_claim(struct ncm_cluster *c, const char *identity, ncm_claim_fn fn, void *user)
{
	CU_ASSERT_STRING_EQUAL(identity, "alice");
	CU_ASSERT_FATAL(n_claims < PACKETS_MAX);
	claims[n_claims].by = c;
	claims[n_claims].fn = fn;
	claims[n_claims++].user = user;
	return 0;
}

void ncm_cluster_release(struct ncm_cluster *c, const char *identity)
{
	(void)identity;
	if (owner == c)
		owner = NULL;
}

void ncm_cluster_send(struct ncm_cluster *c, const char *instance, struct ctl_msg *msg)
{
	struct ncm_cluster *to = strcmp(instance, "a") == 0 ? &a : &b;

	CU_ASSERT_FATAL(msg && n_packets < PACKETS_MAX);
	msg->ncm_peer.from = c->name;
	if (to->dead) {
		ncm_front_undelivered(c->front, instance, msg);
		ctl_msg_free(msg);
		return;
	}
	packets[n_packets].to = to;
	packets[n_packets++].msg = msg;
}

void ncm_intake_take(struct ncm_intake *in, const struct ncm_sender *from, const char *text,
	size_t len, struct ncm_receipt *out)
{
	struct ncm_cluster *c = in == &a.in ? &a : &b;

	CU_ASSERT_STRING_EQUAL(from->identity, "alice");
	c->taken++;
	*out = (struct ncm_receipt){.outcome = NCM_IN_OK, .text = strndup(text, len), .len = len};
	out->known = ncm_registry_by_identity(c->registry, "alice") != NULL;
	if (answers_and_asks)
		CU_ASSERT_EQUAL(ncm_mailbox_put(in->mailbox, 7, strdup("and now"), 7), 0);
}

void ncm_receipt_fini(struct ncm_receipt *r)
{
	free(r->text);
	r->text = NULL;
}

void ncm_service_seen(struct ncm_service *v, struct ncm_session *s)
{
	(void)v;
	ncm_session_seen(s, mams_time_us(0));
}

struct ncm_registry *ncm_service_registry(struct ncm_service *v)
{
	return (struct ncm_registry *)v;
}

static void lose_packets(void)
{
	while (n_packets > 0)
		ctl_msg_free(packets[--n_packets].msg);
}

/* Until nothing is under way any more. */
static void pump(void)
{
	while (n_claims > 0 || n_packets > 0) {
		if (n_claims > 0) {
			struct ncm_cluster *c = claims[0].by;
			ncm_claim_fn fn = claims[0].fn;
			void *user = claims[0].user;

			memmove(claims, claims + 1, --n_claims * sizeof(claims[0]));
			if (owner && owner->dead && !c->dead)
				give_session(c); /* adopted */
			owner = owner ? owner : c;
			fn(user, owner == c ? NCM_CLAIM_OURS : NCM_CLAIM_THEIRS, owner->name);
		} else {
			struct ncm_cluster *to = packets[0].to;
			struct ctl_msg *msg = packets[0].msg;

			memmove(packets, packets + 1, --n_packets * sizeof(packets[0]));
			if (!to->dead)
				ncm_front_packet(to->front, msg);
			ctl_msg_free(msg);
		}
	}
}

/* ---- a channel ---- */

struct fake {
	struct ncm_channel channel;
	unsigned delivered;
	unsigned dismissed;
	enum ncm_dismissal why;
	bool full;
	char last[32];
};

static bool deliver(struct ncm_channel *c, const char *text, size_t len)
{
	struct fake *f = (struct fake *)c;

	if (f->full)
		return false;
	if (c->ops->transport == NCM_HTTPS)
		ncm_front_detach(c); /* a poll carries one */
	f->delivered++;
	strncat(order, "?", sizeof(order) - strlen(order) - 1);
	snprintf(f->last, sizeof(f->last), "%.*s", (int)len, text);
	return true;
}

static void dismiss(struct ncm_channel *c, enum ncm_dismissal why)
{
	struct fake *f = (struct fake *)c;

	f->dismissed++;
	f->why = why;
}

static const struct ncm_channel_ops poll_ops = {
	.transport = NCM_HTTPS, .deliver = deliver, .dismiss = dismiss};
static const struct ncm_channel_ops ws_ops = {
	.transport = NCM_WSS, .deliver = deliver, .dismiss = dismiss};

static void put(struct ncm_cluster *c, const char *text)
{
	CU_ASSERT_EQUAL(ncm_mailbox_put(c->in.mailbox, 7, strdup(text), strlen(text)), 0);
}

/* ---- messages ---- */

static unsigned receipts;
static enum ncm_outcome outcome;

static void on_receipt(void *user, const struct ncm_receipt *r)
{
	(void)user;
	receipts++;
	strncat(order, ".", sizeof(order) - strlen(order) - 1);
	outcome = r->outcome;
}

static void say(struct ncm_cluster *c)
{
	static const char text[] = "{\"version\":\"1.0\",\"message_type\":\"mx_discover\","
				   "\"sequence_num\":1}";
	const struct ncm_sender from = {.identity = "alice", .transport = NCM_HTTPS};

	ncm_front_take(c->front, &from, text, sizeof(text) - 1, on_receipt, &receipts);
}

/* ---- cases ---- */

static void instance_begin(struct ncm_cluster *c, const char *name)
{
	*c = (struct ncm_cluster){
		.name = name, .registry = ncm_registry_new(&policy, mams_loop_now(loop))};
	c->in.loop = loop;
	c->in.service = (struct ncm_service *)c->registry;
	c->in.rate = mams_rate_new(0, 0, 0);
	CU_ASSERT_EQUAL_FATAL(ncm_mailbox_new(&c->in.mailbox), 0);
	CU_ASSERT_EQUAL_FATAL(ncm_front_new(&c->in, c, &c->front), 0);
}

static void begin(void)
{
	CU_ASSERT_EQUAL_FATAL(mams_loop_new(&loop), 0);
	instance_begin(&a, "a");
	instance_begin(&b, "b");
	owner = NULL;
	receipts = 0;
	order[0] = '\0';
}

static void instance_end(struct ncm_cluster *c)
{
	ncm_front_free(c->front);
	ncm_mailbox_free(c->in.mailbox);
	mams_rate_free(c->in.rate);
	ncm_registry_free(c->registry);
}

static void finish(void)
{
	lose_packets();
	n_claims = 0;
	instance_end(&a);
	instance_end(&b);
	mams_loop_free(loop);
}

static void message_goes_where_the_session_is(void)
{
	begin();
	give_session(&a);
	say(&a);
	CU_ASSERT_EQUAL(receipts, 1); /* at once, nobody is asked */
	say(&b);
	CU_ASSERT_EQUAL(receipts, 1);
	pump();
	CU_ASSERT_EQUAL(receipts, 2);
	CU_ASSERT_EQUAL(outcome, NCM_IN_OK);
	CU_ASSERT_EQUAL(a.taken, 2);
	CU_ASSERT_EQUAL(b.taken, 0);
	finish();
}

static void nobodys_is_taken_here(void)
{
	begin();
	say(&b);
	pump();
	CU_ASSERT_EQUAL(receipts, 1);
	CU_ASSERT_EQUAL(b.taken, 1);
	CU_ASSERT_PTR_NULL(owner); /* no session came of it */
	finish();
}

/* It has been stopped, and does not know yet that its session is another's. */
static void unsure_instance_asks(void)
{
	begin();
	give_session(&a);
	a.unsure = true;
	owner = &b;
	say(&a);
	CU_ASSERT_EQUAL(a.taken, 0);
	pump(); /* b has none either: busy, not a second session */
	CU_ASSERT_EQUAL(a.taken + b.taken, 0);
	CU_ASSERT_EQUAL(receipts, 1);
	CU_ASSERT_EQUAL(outcome, NCM_IN_BUSY);
	owner = &a;
	say(&a);
	pump();
	CU_ASSERT_EQUAL(a.taken, 1);
	finish();
}

static void owner_dies_with_a_message(void)
{
	begin();
	give_session(&a);
	say(&b);
	while (n_claims > 0) { /* the packet is under way */
		claims[0].fn(claims[0].user, NCM_CLAIM_THEIRS, "a");
		n_claims = 0;
	}
	a.dead = true;
	lose_packets();
	CU_ASSERT_EQUAL(receipts, 0);
	ncm_front_dead(b.front, "a");
	pump();
	CU_ASSERT_EQUAL(receipts, 1);
	CU_ASSERT_EQUAL(b.taken, 1);
	finish();
}

static void client_gone_meanwhile(void)
{
	begin();
	give_session(&a);
	say(&b);
	ncm_front_forget(b.front, &receipts);
	pump();
	CU_ASSERT_EQUAL(receipts, 0);
	finish();
}

static void poll_at_the_other_instance(void)
{
	struct fake first = {.channel = {.ops = &poll_ops}};
	struct fake second = {.channel = {.ops = &poll_ops}};

	begin();
	give_session(&a);
	CU_ASSERT_EQUAL(ncm_front_attach(b.front, "alice", &first.channel), 0);
	pump();
	put(&a, "one");
	put(&a, "two");
	pump();
	CU_ASSERT_EQUAL(first.delivered, 1);
	CU_ASSERT_STRING_EQUAL(first.last, "one");
	CU_ASSERT_EQUAL(ncm_front_attach(b.front, "alice", &second.channel), 0);
	pump();
	CU_ASSERT_STRING_EQUAL(second.last, "two");
	/* and back to where the session is */
	CU_ASSERT_EQUAL(ncm_front_attach(a.front, "alice", &first.channel), 0);
	put(&a, "three");
	CU_ASSERT_STRING_EQUAL(first.last, "three");
	finish();
}

static void client_moves_to_its_session(void)
{
	struct fake far = {.channel = {.ops = &ws_ops}};
	struct fake near = {.channel = {.ops = &ws_ops}};

	begin();
	give_session(&a);
	CU_ASSERT_EQUAL(ncm_front_attach(b.front, "alice", &far.channel), 0);
	pump();
	CU_ASSERT_EQUAL(ncm_front_attach(a.front, "alice", &near.channel), 0);
	pump();
	CU_ASSERT_EQUAL(far.dismissed, 1);
	CU_ASSERT_EQUAL(far.why, NCM_CHANNEL_REPLACED);
	put(&a, "one");
	CU_ASSERT_EQUAL(near.delivered, 1);
	ncm_front_detach(&near.channel);
	finish();
}

/* The word that it is gone was lost: what cannot be delivered comes back, once. */
static void what_comes_back_waits(void)
{
	struct fake ws = {.channel = {.ops = &ws_ops}};
	struct fake again = {.channel = {.ops = &ws_ops}};

	begin();
	give_session(&a);
	CU_ASSERT_EQUAL(ncm_front_attach(b.front, "alice", &ws.channel), 0);
	pump();
	ncm_front_detach(&ws.channel);
	lose_packets();
	put(&a, "one");
	pump(); /* would not end if it went to and fro */
	CU_ASSERT_EQUAL(ws.delivered, 0);
	CU_ASSERT_EQUAL(ncm_front_attach(b.front, "alice", &again.channel), 0);
	pump();
	CU_ASSERT_STRING_EQUAL(again.last, "one");
	ncm_front_detach(&again.channel);
	finish();
}

static void attach_was_lost(void)
{
	struct fake ws = {.channel = {.ops = &ws_ops}};
	struct ctl_msg *hello = ctl_msg_new(CTL_NCM_PEER, 0);

	begin();
	give_session(&a);
	CU_ASSERT_EQUAL(ncm_front_attach(b.front, "alice", &ws.channel), 0);
	while (n_claims > 0) {
		n_claims = 0;
		claims[0].fn(claims[0].user, NCM_CLAIM_THEIRS, "a");
	}
	lose_packets();
	put(&a, "one");
	pump();
	CU_ASSERT_EQUAL(ws.delivered, 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(hello);
	hello->ncm_peer = (struct ctl_ncm_peer){.kind = CTL_PEER_HELLO, .from = "a", .client = "-"};
	ncm_front_packet(b.front, hello);
	ctl_msg_free(hello);
	pump();
	CU_ASSERT_EQUAL(ws.delivered, 1);
	ncm_front_detach(&ws.channel);
	finish();
}

static void owner_dies_under_a_channel(void)
{
	struct fake ws = {.channel = {.ops = &ws_ops}};

	begin();
	give_session(&a);
	CU_ASSERT_EQUAL(ncm_front_attach(b.front, "alice", &ws.channel), 0);
	pump();
	a.dead = true;
	ncm_front_dead(b.front, "a");
	pump();
	put(&b, "one"); /* b has adopted it */
	CU_ASSERT_EQUAL(ws.delivered, 1);
	CU_ASSERT_EQUAL(ws.dismissed, 0);
	ncm_front_detach(&ws.channel);
	finish();
}

/* a has lost it: its client's channel is ended, so that it comes again. */
static void lost_session_lets_its_client_go(void)
{
	struct fake ws = {.channel = {.ops = &ws_ops}};

	begin();
	give_session(&a);
	CU_ASSERT_EQUAL(ncm_front_attach(a.front, "alice", &ws.channel), 0);
	take_session(&a);
	CU_ASSERT_EQUAL(ws.dismissed, 1);
	CU_ASSERT_EQUAL(ws.why, NCM_CHANNEL_REPLACED);
	finish();
}

/* A client that discovers again is answered before it is asked for its capabilities. */
static void the_answer_comes_first(void)
{
	struct fake ws = {.channel = {.ops = &ws_ops}};

	begin();
	answers_and_asks = true;
	give_session(&a);
	CU_ASSERT_EQUAL(ncm_front_attach(a.front, "alice", &ws.channel), 0);
	say(&a);
	CU_ASSERT_STRING_EQUAL(order, ".?");
	CU_ASSERT_EQUAL(ncm_front_attach(b.front, "alice", &ws.channel), 0);
	say(&b);
	pump();
	CU_ASSERT_STRING_EQUAL(order, ".?.?");
	ncm_front_detach(&ws.channel);
	pump();
	a.unsure = true; /* it has to ask whether it is still its own */
	CU_ASSERT_EQUAL(ncm_front_attach(a.front, "alice", &ws.channel), 0);
	say(&a);
	pump();
	CU_ASSERT_STRING_EQUAL(order, ".?.?.?");
	answers_and_asks = false;
	ncm_front_detach(&ws.channel);
	finish();
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"message goes where the session is", message_goes_where_the_session_is},
		{"nobody's is taken here", nobodys_is_taken_here},
		{"unsure instance asks", unsure_instance_asks},
		{"owner dies with a message", owner_dies_with_a_message},
		{"client gone meanwhile", client_gone_meanwhile},
		{"poll at the other instance", poll_at_the_other_instance},
		{"client moves to its session", client_moves_to_its_session},
		{"what comes back waits", what_comes_back_waits},
		{"attach was lost", attach_was_lost},
		{"owner dies under a channel", owner_dies_under_a_channel},
		{"lost session lets its client go", lost_session_lets_its_client_go},
		{"the answer comes first", the_answer_comes_first},
	};

	return mams_suite_run("front", cases, sizeof(cases) / sizeof(cases[0]));
}
