#include "ccm-agent/apply_tunnel.h"

#include "lib/base/log.h"
#include "lib/ctl/ctl_msg.h"
#include "lib/io/ctlmsg.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LOG_MODULE "tunnel"
#define CLEAR_TIMEOUT_MS 1000
#define MORE_MS 500   /* after the first path of a setup: for the others */
#define GRACE_MS 3000 /* without any path: then new flows go direct */

struct ccm_tun {
	struct mams_loop *loop;
	const struct ccm_conf *conf;
	struct ccm_net *net;
	const struct ccm_tun_ops *ops;
	void *user;
	struct mams_ctl_conn *conn;
	struct ccm_tunnel want;
	uint32_t next_id;
	uint32_t waits_for; /* id of the session's request that is not answered yet; 0: none */
	uint32_t status_id;
	bool ready; /* it holds the session as wanted */
	uint32_t ifindex;
	uint16_t ports[CCM_LINKS_MAX];
	uint32_t up; /* bits of paths that work */
	bool in_use; /* the host's packets go there */
	bool with_tcp;
	bool pending; /* done() is owed */
	bool dns_written;
	struct mams_loop_timer *patience;
	struct mams_loop_timer *grace;
};

/* ---- name servers ---- */

static void write_dns(struct ccm_tun *t)
{
	const struct ccm_inside *in = &t->want.inside;
	char text[MAMS_ADDR_STRLEN];
	char name[256];
	FILE *f;
	int n = t->conf->dns_file ? snprintf(name, sizeof(name), "%s.new", t->conf->dns_file) : 0;

	if (n <= 0 || n >= (int)sizeof(name) || in->n_dns == 0)
		return;
	f = fopen(name, "we");
	for (size_t i = 0; f && i < in->n_dns; i++)
		fprintf(f, "nameserver %s\n", mams_addr_str(&in->dns[i], text));
	/* whoever reads it sees a whole one */
	if (!f || fclose(f) != 0 || rename(name, t->conf->dns_file) < 0)
		log_err("%s cannot be written: %s", t->conf->dns_file, strerror(errno));
	else
		t->dns_written = true;
}

static void remove_dns(struct ccm_tun *t)
{
	if (t->dns_written)
		(void)unlink(t->conf->dns_file);
	t->dns_written = false;
}

/* ---- routes ---- */

static bool works(const struct ccm_tun *t)
{
	for (size_t i = 0; t->ready && i < t->want.n_links; i++)
		if (t->up & 1u << t->want.links[i].connection_id)
			return true;
	return false;
}

static void use(struct ccm_tun *t, bool catching)
{
	const struct ccm_net_tunnel net = {.ifindex = t->ifindex,
		.anchor4 = t->want.inside.anchor4,
		.anchor6 = t->want.inside.anchor6,
		.catching = catching,
		.all = t->want.all};
	int rc = ccm_net_tunnel(t->net, t->ready ? &net : NULL);

	catching = catching && rc == 0;
	if (t->in_use != catching || (catching && t->with_tcp != t->want.all))
		log_info(catching ? "the tunnel is in use%s"
				  : "the tunnel is not in use: new flows go direct%s",
			catching && t->want.all ? ", TCP as well" : "");
	if (t->in_use != catching)
		t->ops->carries(t->user, catching);
	t->in_use = catching;
	t->with_tcp = t->want.all;
	remove_dns(t);
	if (catching)
		write_dns(t);
}

static bool all_up(const struct ccm_tun *t)
{
	for (size_t i = 0; i < t->want.n_links; i++)
		if (!(t->up & 1u << t->want.links[i].connection_id))
			return false;
	return t->ready;
}

static void finish(struct ccm_tun *t)
{
	uint16_t ports[CCM_LINKS_MAX] = {0};
	bool any = false;

	if (!t->pending)
		return;
	t->pending = false;
	mams_loop_timer_at(t->patience, MAMS_TIME_NEVER);
	for (size_t i = 0; t->ready && i < t->want.n_links; i++) {
		uint8_t id = t->want.links[i].connection_id;

		if (!(t->up & 1u << id))
			continue;
		ports[id] = t->want.links[i].client_nat ? CCM_PORT_NONE : t->ports[id];
		any = true;
	}
	t->ops->done(t->user, any ? ports : NULL);
}

/* What is known of the session has changed. */
static void look(struct ccm_tun *t)
{
	mams_time now = mams_loop_now(t->loop);

	if (works(t)) {
		mams_loop_timer_at(t->grace, MAMS_TIME_NEVER);
		use(t, t->want.catching);
		if (t->pending)
			mams_loop_timer_at(t->patience, mams_time_add_ms(now, MORE_MS));
	} else if (!t->ready) {
		mams_loop_timer_at(t->grace, MAMS_TIME_NEVER);
		use(t, false);
	} else if (t->in_use) {
		mams_loop_timer_at(t->grace, mams_time_add_ms(now, GRACE_MS));
	}
	if (all_up(t))
		finish(t);
}

static void out_of_grace(void *user)
{
	struct ccm_tun *t = user;

	log_warn("no path of the tunnel works");
	use(t, false);
}

static void out_of_patience(void *user)
{
	struct ccm_tun *t = user;

	if (!works(t))
		log_warn("the tunnel is not set up in time trailer=%s", !ccm_tun_up(t) ? "away"
									: t->ready     ? "no path"
										       : "silent");
	finish(t);
}

/* ---- to the trailer ---- */

static int send_message(struct ccm_tun *t, struct ctl_msg *msg)
{
	struct mams_error err = {0};
	int rc = mams_ctl_say(t->conn, msg, &err);

	if (rc < 0 && rc != -ENOTCONN)
		log_err("cannot tell mams-trailer: %s %s", mams_strerror(rc), err.text);
	return rc;
}

static struct ctl_msg *compose_del(uint32_t id)
{
	struct ctl_msg *msg = ctl_msg_new(CTL_TR_SESSION_DEL, id);

	if (msg)
		msg->tr_session_del.client = CCM_TUNNEL_CLIENT;
	return msg;
}

static void tell(struct ccm_tun *t)
{
	uint32_t id = ++t->next_id;

	t->waits_for = id;
	if (send_message(t, t->want.on ? ccm_tunnel_compose(&t->want, id) : compose_del(id)) < 0)
		t->waits_for = 0;
}

void ccm_tun_set(struct ccm_tun *t, const struct ccm_tunnel *wanted)
{
	bool same = ccm_tunnel_eq(&t->want, wanted);

	t->pending = true;
	if (same && (t->ready || !t->want.on)) {
		finish(t);
		return;
	}
	if (!wanted->on || wanted->session_id != t->want.session_id) {
		t->ready = false;
		t->up = 0;
	}
	t->want = *wanted;
	/* before it is told, so that nothing goes into a device that has no session */
	if (!t->ready)
		look(t);
	/* a matter of our routes alone */
	else if (t->in_use && t->with_tcp != t->want.all)
		use(t, t->want.catching);
	tell(t);
	if (t->want.on)
		mams_loop_timer_at(
			t->patience, mams_time_add_ms(mams_loop_now(t->loop), t->conf->apply_ms));
	else
		finish(t);
}

/* ---- from the trailer ---- */

static void take_ready(struct ccm_tun *t, const struct ctl_tr_ready *r)
{
	t->waits_for = 0;
	t->ready = true;
	t->ifindex = if_nametoindex(r->interface);
	memset(t->ports, 0, sizeof(t->ports));
	for (size_t i = 0; i < r->n_ports; i++)
		t->ports[r->ports[i].connection_id] = r->ports[i].port;
	/* what was up before this connection has said so long ago */
	t->status_id = ++t->next_id;
	(void)!send_message(t, ctl_msg_new(CTL_STATUS_REQ, t->status_id));
}

static void take_status(struct ccm_tun *t, const struct ctl_tr_status *st)
{
	t->up = 0;
	for (size_t i = 0; i < st->n_sessions; i++) {
		const struct ctl_tr_session_status *s = &st->sessions[i];

		for (size_t k = 0; s->session_id == t->want.session_id && k < s->n_links; k++)
			if (s->links[k].up)
				t->up |= 1u << s->links[k].connection_id;
	}
	look(t);
}

static void take_event(struct ccm_tun *t, const struct ctl_tr_event *e)
{
	uint32_t bit = 1u << e->connection_id;

	if (strcmp(e->client, CCM_TUNNEL_CLIENT) != 0)
		return;
	if (e->kind == CTL_TR_PATH_UP)
		t->up |= bit;
	else if (e->kind == CTL_TR_PATH_DOWN)
		t->up &= ~bit;
	look(t);
}

static void take_result(struct ccm_tun *t, const struct ctl_msg *msg)
{
	if (msg->result.code)
		log_err("mams-trailer refuses: %s code=%u",
			msg->result.text ? msg->result.text : "?", msg->result.code);
	if (msg->id != t->waits_for)
		return;
	t->waits_for = 0;
	/* refused: it keeps what it has, which is not what is wanted */
	t->ready = false;
	look(t);
	finish(t);
}

static void packet(void *user, struct mams_ctl_conn *c, const char *data, size_t len)
{
	struct ccm_tun *t = user;
	struct mams_error err;
	struct ctl_msg *msg = NULL;

	(void)c;
	if (ctl_decode(data, len, &msg, &err) < 0) {
		log_warn("bad ctl packet: %s: %s", err.where, err.text);
		return;
	}
	if (msg->type == CTL_TR_READY && msg->id == t->waits_for)
		take_ready(t, &msg->tr_ready);
	else if (msg->type == CTL_TR_STATUS && msg->id == t->status_id)
		take_status(t, &msg->tr_status);
	else if (msg->type == CTL_TR_EVENT)
		take_event(t, &msg->tr_event);
	else if (msg->type == CTL_RESULT)
		take_result(t, msg);
	ctl_msg_free(msg);
}

static void opened(void *user, struct mams_ctl_conn *c)
{
	(void)c;
	log_info("mams-trailer is connected");
	tell(user);
}

static void closed(void *user, struct mams_ctl_conn *c)
{
	struct ccm_tun *t = user;

	(void)c;
	log_warn("mams-trailer is gone; we dial again");
	/* its device goes with it */
	t->ready = false;
	t->up = 0;
	look(t);
}

static const struct mams_ctl_server_ops ctl_ops = {
	.opened = opened, .packet = packet, .closed = closed};

/* ---- life ---- */

int ccm_tun_new(struct mams_loop *l, const struct ccm_conf *conf, struct ccm_net *net,
	const struct ccm_tun_ops *ops, void *user, struct ccm_tun **out)
{
	struct ccm_tun *t = calloc(1, sizeof(*t));
	int rc;

	if (!t)
		return -ENOMEM;
	t->loop = l;
	t->conf = conf;
	t->net = net;
	t->ops = ops;
	t->user = user;
	rc = mams_loop_timer_new(l, out_of_patience, t, &t->patience);
	if (rc == 0)
		rc = mams_loop_timer_new(l, out_of_grace, t, &t->grace);
	if (rc == 0)
		rc = mams_ctl_dial(l, conf->trailer_socket, &ctl_ops, t, &t->conn);
	if (rc < 0)
		ccm_tun_free(t);
	else
		*out = t;
	return rc;
}

void ccm_tun_free(struct ccm_tun *t)
{
	if (!t)
		return;
	remove_dns(t);
	mams_ctl_close(t->conn);
	mams_loop_timer_del(t->patience);
	mams_loop_timer_del(t->grace);
	mams_wipe(t, sizeof(*t));
	free(t);
}

bool ccm_tun_up(const struct ccm_tun *t)
{
	return mams_ctl_is_open(t->conn);
}

void ccm_tun_clear(const struct ccm_conf *conf)
{
	int rc = mams_ctl_say_once(conf->trailer_socket, compose_del(1), CLEAR_TIMEOUT_MS);

	if (rc < 0 && rc != -ENOENT && rc != -ECONNREFUSED)
		log_warn("%s does not answer: %s", conf->trailer_socket, mams_strerror(rc));
	if (conf->dns_file)
		(void)unlink(conf->dns_file);
}
