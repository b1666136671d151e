#include "ncm-service/trailer.h"

#include "lib/base/log.h"
#include "lib/io/ctlmsg.h"
#include "ncm-service/fresh.h"
#include "ncm-service/madp_private.h"
#include "ncm-service/pool.h"
#include "ncm-service/tunnel.h"

#include <uthash.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define LOG_MODULE "trailer"

/* A session at this trailer. */
struct entry {
	uint64_t session_id;
	char *client; /* its name there */
	struct ncm_tunnel tunnel;
	bool placed;        /* it has its addresses */
	bool over;          /* ended: its addresses are free when the trailer has been told */
	uint32_t waits_for; /* id of the request under way; 0: none */
	UT_hash_handle by_session;
	UT_hash_handle by_request;
};

struct ncm_trailer {
	struct mams_loop *loop;
	const struct ncm_policy *policy;
	struct ncm_registry *registry;
	size_t madp;
	const struct ncm_trailer_ops *ops;
	void *user;
	struct mams_ctl_remote to; /* when it is on another host */
	struct mams_ctl_conn *conn;
	struct ncm_pool *pool; /* borrowed */
	struct entry *sessions;
	struct entry *requests;
	uint32_t next_id;
};

static const char *name_of(const struct ncm_trailer *t)
{
	return t->policy->madps[t->madp].name;
}

static int send_message(struct ncm_trailer *t, struct ctl_msg *msg)
{
	struct mams_error err = {0};
	int rc = mams_ctl_say(t->conn, msg, &err);

	if (rc < 0 && rc != -ENOTCONN)
		log_warn("cannot tell the trailer: %s %s madp=%s", mams_strerror(rc), err.text,
			name_of(t));
	return rc;
}

/* ---- entries ---- */

static void wait_for(struct ncm_trailer *t, struct entry *e, uint32_t id)
{
	if (e->waits_for)
		HASH_DELETE(by_request, t->requests, e);
	e->waits_for = id;
	if (id)
		HASH_ADD(by_request, t->requests, waits_for, sizeof(e->waits_for), e);
}

static void drop(struct ncm_trailer *t, struct entry *e)
{
	wait_for(t, e, 0);
	HASH_DELETE(by_session, t->sessions, e);
	/* after ncm_pool_pass() by another instance the session has others */
	if (e->placed &&
		ncm_pool_keep(t->pool, e->session_id, &e->tunnel.anchor4, &e->tunnel.anchor6))
		ncm_pool_give(t->pool, e->session_id);
	mams_wipe(&e->tunnel, sizeof(e->tunnel));
	free(e->client);
	free(e);
}

static struct entry *find(const struct ncm_trailer *t, uint64_t session_id)
{
	struct entry *e;

	HASH_FIND(by_session, t->sessions, &session_id, sizeof(session_id), e);
	return e;
}

static struct entry *enter(struct ncm_trailer *t, const struct ncm_session *s)
{
	const struct ncm_tunnel *kept = &s->s.tunnel;
	struct entry *e = find(t, s->s.session_id);

	if (e) {
		e->over = false;
		return e;
	}
	e = calloc(1, sizeof(*e));
	if (!e)
		return NULL;
	e->session_id = s->s.session_id;
	/* of before a restart, or of the instance that had the session: nothing changes for links
	 */
	if (kept->secret[0] &&
		ncm_pool_keep(t->pool, e->session_id, &kept->anchor4, &kept->anchor6))
		snprintf(e->tunnel.secret, sizeof(e->tunnel.secret), "%s", kept->secret);
	else
		ncm_fresh_key(e->tunnel.secret);
	HASH_ADD(by_session, t->sessions, session_id, sizeof(e->session_id), e);
	return e;
}

/* ---- what is told ---- */

void ncm_trailer_keep(struct ncm_trailer *t, const struct ncm_session *s)
{
	/* another's by now: then it gets others when the trailer is there */
	(void)ncm_pool_keep(t->pool, s->s.session_id, &s->s.tunnel.anchor4, &s->s.tunnel.anchor6);
}

void ncm_trailer_set(struct ncm_trailer *t, const struct ncm_session *s)
{
	struct entry *e;
	struct ctl_msg *msg;
	int rc;

	if (!ncm_trailer_up(t))
		return; /* told when it is there */
	e = enter(t, s);
	rc = e ? ncm_pool_take(t->pool, e->session_id, s->s.identity, &e->tunnel.anchor4,
			 &e->tunnel.anchor6)
	       : -ENOMEM;
	if (rc < 0) {
		log_err("no anchor address is left: %s madp=%s client=%s", mams_strerror(rc),
			name_of(t), s->s.identity);
		return;
	}
	if (!e->placed)
		ncm_pool_hold(t->pool, e->session_id);
	e->placed = true;
	msg = ncm_tunnel_compose(s, t->madp, &e->tunnel, ++t->next_id);
	if (!msg)
		return; /* there is no link to speak of */
	free(e->client);
	e->client = strdup(msg->tr_session_set.client);
	wait_for(t, e, msg->id);
	if (send_message(t, msg) < 0)
		wait_for(t, e, 0);
}

void ncm_trailer_over(struct ncm_trailer *t, uint64_t session_id)
{
	struct entry *e = find(t, session_id);

	if (e)
		e->over = true;
	else
		ncm_pool_leave(t->pool, session_id);
}

int ncm_trailer_release(
	struct ncm_trailer *t, const char *identity, uint64_t session_id, uint32_t *request)
{
	struct ctl_msg *msg = ctl_msg_new(CTL_TR_SESSION_DEL, ++t->next_id);
	struct entry *e = find(t, session_id);
	int rc;

	*request = t->next_id;
	if (msg)
		msg->tr_session_del = (struct ctl_tr_session_del){
			.client = ncm_tunnel_client(msg, identity, session_id),
			.has_session_id = true,
			.session_id = session_id};
	rc = send_message(t, msg);
	if (rc == 0 && e && e->over)
		drop(t, e);
	return rc;
}

/* ---- what it says ---- */

/* It knows of a client that we do not: an NCM before us gave it this address. */
static void other_address(struct ncm_trailer *t, struct entry *e)
{
	const struct ncm_session *s = ncm_registry_by_id(t->registry, e->session_id);

	ncm_pool_pass(t->pool, e->session_id);
	e->placed = false;
	if (s)
		ncm_trailer_set(t, s);
}

static void take_answer(struct ncm_trailer *t, const struct ctl_msg *msg)
{
	struct entry *e;
	struct ncm_tunnel tunnel;

	HASH_FIND(by_request, t->requests, &msg->id, sizeof(msg->id), e);
	if (!e && t->ops->answered(t->user, t->madp, msg->id))
		return;
	if (!e && msg->type == CTL_RESULT && msg->result.code)
		log_warn("the trailer refuses: %s madp=%s",
			msg->result.text ? msg->result.text : "?", name_of(t));
	if (!e)
		return;
	wait_for(t, e, 0);
	if (msg->type == CTL_TR_READY) {
		e->tunnel.port = msg->tr_ready.port;
		tunnel = e->tunnel;
		t->ops->prepared(t->user, e->session_id, t->madp, &tunnel);
		mams_wipe(&tunnel, sizeof(tunnel));
	} else if (msg->result.code == EADDRINUSE) {
		other_address(t, e);
	} else {
		log_err("the trailer refuses: %s madp=%s client=%s code=%u",
			msg->result.text ? msg->result.text : "?", name_of(t),
			e->client ? e->client : "?", msg->result.code);
	}
}

static void packet(void *user, struct mams_ctl_conn *c, const char *data, size_t len)
{
	struct ncm_trailer *t = user;
	struct mams_error err;
	struct ctl_msg *msg = NULL;

	(void)c;
	if (ctl_decode(data, len, &msg, &err) < 0) {
		log_warn("bad ctl packet: %s: %s madp=%s", err.where, err.text, name_of(t));
		return;
	}
	if (msg->type == CTL_TR_READY || msg->type == CTL_RESULT)
		take_answer(t, msg);
	else if (msg->type == CTL_TR_STATUS)
		t->ops->open(t->user, t->madp, msg->tr_status.sessions_total);
	else if (msg->type == CTL_QUALITY)
		t->ops->quality(t->user, t->madp, &msg->quality);
	else if (msg->type == CTL_TR_EVENT)
		t->ops->path(t->user, t->madp, &msg->tr_event);
	ctl_msg_free(msg);
}

static void opened(void *user, struct mams_ctl_conn *c)
{
	struct ncm_trailer *t = user;

	(void)c;
	log_info("mams-trailer is connected madp=%s", name_of(t));
	ncm_pool_forget(t->pool);
	for (struct entry *e = t->sessions; e; e = e->by_session.next)
		wait_for(t, e, 0);
	t->ops->connected(t->user, t->madp, true);
}

static void closed(void *user, struct mams_ctl_conn *c)
{
	struct ncm_trailer *t = user;

	(void)c;
	log_warn("mams-trailer is gone; we dial again madp=%s", name_of(t));
	t->ops->connected(t->user, t->madp, false);
}

static const struct mams_ctl_server_ops ctl_ops = {
	.opened = opened, .packet = packet, .closed = closed};

/* ---- life ---- */

int ncm_trailer_new(struct mams_loop *l, const struct ncm_policy *policy, size_t madp,
	struct ncm_registry *registry, struct ncm_pool *pool, struct mams_ctl_context *context,
	const struct ncm_trailer_ops *ops, void *user, struct ncm_trailer **out)
{
	const struct ncm_madp_conf *conf = &policy->madps[madp];
	struct ncm_trailer *t = calloc(1, sizeof(*t));
	int rc;

	if (!t)
		return -ENOMEM;
	t->loop = l;
	t->policy = policy;
	t->registry = registry;
	t->madp = madp;
	t->ops = ops;
	t->user = user;
	t->pool = pool;
	t->to = (struct mams_ctl_remote){
		.address = conf->remote, .name = conf->ctl_name, .context = context};
	rc = context ? mams_ctl_dial_tls(l, &t->to, &ctl_ops, t, &t->conn)
		     : mams_ctl_dial(l, conf->trailer, &ctl_ops, t, &t->conn);
	if (rc < 0)
		ncm_trailer_free(t);
	else
		*out = t;
	return rc;
}

void ncm_trailer_free(struct ncm_trailer *t)
{
	if (!t)
		return;
	mams_ctl_close(t->conn);
	while (t->sessions)
		drop(t, t->sessions);
	free(t);
}

void ncm_trailer_ask(struct ncm_trailer *t)
{
	if (ncm_trailer_up(t))
		(void)!send_message(t, ctl_msg_new(CTL_STATUS_REQ, ++t->next_id));
}

bool ncm_trailer_up(const struct ncm_trailer *t)
{
	return mams_ctl_is_open(t->conn);
}
