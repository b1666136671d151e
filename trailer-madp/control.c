#include "trailer-madp/control.h"

#include "lib/base/log.h"
#include "lib/ctl/ctl_msg.h"
#include "lib/io/ctlmsg.h"
#include "lib/io/nl.h"
#include "trailer-madp/build.h"
#include "trailer-madp/desired.h"
#include "trailer-madp/hop.h"
#include "trailer-madp/host.h"
#include "trailer-madp/instance.h"
#include "trailer-madp/masquerade.h"
#include "trailer-madp/protect.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LOG_MODULE "control"

struct madp_control {
	struct mams_loop *loop;
	const struct madp_conf *conf;
	struct madp_instance instance;
	bool started;
	struct mams_loop_fd *notes;
	struct mams_ctl_server *server;
	struct mams_loop_timer *gauge; /* network; armed while somebody wants to know */
	struct madp_host host;
	struct madp_table *masquerade;
	struct madp_table *hop;
	struct madp_protect *protect; /* NULL: no IPsec */
	struct madp_desired *clients;
	struct madp_desired *ids;
	uint64_t n_ever; /* sessions */
	struct mams_log_rl event_limit;
	struct mams_log_rl failure_limit; /**< of DTLS, lest paths that come and go hide them */
	mams_time begun;
};

/* ---- messages ---- */

static void send_event(struct madp_control *c, const struct ctl_tr_event *e)
{
	struct ctl_msg *msg = ctl_msg_new(CTL_TR_EVENT, 0);

	if (msg)
		msg->tr_event = *e;
	mams_ctl_tell_all(c->server, msg);
}

/* ---- sessions ---- */

/** Two sessions must not share an id or an anchor address. */
static int check_unique(
	struct madp_control *c, const struct madp_session_set *s, struct mams_error *err)
{
	struct madp_desired *d;

	if (c->conf->role == MADP_ROLE_CLIENT)
		return 0;
	for (d = c->clients; d; d = d->by_client.next) {
		if (strcmp(d->client, s->client) == 0)
			continue;
		if (d->id == s->id)
			return mams_fail(
				err, MAMS_EVALUE, "session_id", "is that of client %s", d->client);
		if ((mams_addr_is_set(&s->anchor4) && mams_addr_eq_ip(&d->anchor4, &s->anchor4)) ||
			(mams_addr_is_set(&s->anchor6) &&
				mams_addr_eq_ip(&d->anchor6, &s->anchor6)))
			return mams_fail(
				err, EADDRINUSE, "anchor4", "belongs to client %s", d->client);
	}
	return 0;
}

/** Client: sockets of links that are new or have changed. */
static int open_links(struct madp_control *c, const struct madp_desired *d,
	struct madp_session_set *s, struct madp_order *o, struct mams_error *err)
{
	for (size_t i = 0; c->conf->role == MADP_ROLE_CLIENT && i < s->n_links; i++) {
		struct madp_link_set *l = &s->link[i];
		const struct madp_link_set *was = madp_desired_link(d, l->cid);
		const struct mams_udp_opts opts = {.local = l->local,
			.remote = l->remote,
			.device = l->device[0] ? l->device : NULL,
			.mark = c->conf->mark,
			.send_octets = (int)c->conf->send_buffer,
			.receive_octets = (int)c->conf->receive_buffer};
		int rc;

		if (was && !madp_desired_is_new(d, s) && !o->moves && madp_link_set_same(was, l)) {
			l->port = was->port;
			continue;
		}
		rc = l->client_nat ? madp_hop_open(l, c->conf, &o->fd[i], &o->out[i], err)
				   : mams_udp_open(&opts, &o->fd[i], err);
		if (rc < 0)
			return rc;
		l->port = l->client_nat ? 0 : mams_udp_port(o->fd[i]);
	}
	return 0;
}

static void drop_order(struct madp_order *o)
{
	for (size_t i = 0; i < MADP_LINKS_MAX; i++) {
		if (o->fd[i] >= 0)
			close(o->fd[i]);
		if (o->out[i] >= 0)
			close(o->out[i]);
	}
	madp_account_unref(o->account);
	free(o);
}

static struct madp_order *new_order(uint64_t id, struct madp_account *account)
{
	struct madp_order *o = calloc(1, sizeof(*o));

	if (!o)
		return NULL;
	o->id = id;
	o->account = madp_account_ref(account);
	for (size_t i = 0; i < MADP_LINKS_MAX; i++)
		o->fd[i] = o->out[i] = -1;
	return o;
}

static unsigned least_loaded(const struct madp_control *c)
{
	unsigned n[MADP_WORKERS_MAX] = {0};
	unsigned best = 0;

	for (const struct madp_desired *d = c->clients; d; d = d->by_client.next)
		n[d->worker]++;
	for (unsigned i = 1; i < c->instance.n_workers; i++)
		if (n[i] < n[best])
			best = i;
	return best;
}

static void remember(struct madp_desired *d, const struct madp_session_set *s)
{
	d->anchor4 = s->anchor4;
	d->anchor6 = s->anchor6;
	memcpy(d->link, s->link, sizeof(d->link));
	d->n_links = s->n_links;
	memcpy(d->cls, s->cls, sizeof(d->cls));
}

static void forget(struct madp_control *c, struct madp_desired *d)
{
	struct madp_order *o = new_order(d->id, d->account);

	madp_protect_del(c->protect, d->id);
	madp_host_leave(&c->host, d);
	if (o)
		madp_worker_order(&c->instance.workers[d->worker], o);
	else
		log_err("session of %s cannot be ended: out of memory", d->client);
	HASH_DELETE(by_client, c->clients, d);
	HASH_DELETE(by_id, c->ids, d);
	madp_account_unref(d->account);
	free(d);
}

static struct madp_desired *find_client(struct madp_control *c, const char *client)
{
	struct madp_desired *d;

	HASH_FIND(by_client, c->clients, client, strlen(client), d);
	return d;
}

/** The client's record, made when there is none yet; another session of its takes the place of the
 *  former, and a client has one at all. */
static struct madp_desired *record_of(struct madp_control *c, const struct madp_session_set *s)
{
	struct madp_desired *d = find_client(c, s->client);

	if (d && madp_desired_is_new(d, s)) {
		forget(c, d);
		d = NULL;
	}
	if (c->conf->role == MADP_ROLE_CLIENT && !d && c->clients)
		forget(c, c->clients);
	if (d)
		return d;
	d = calloc(1, sizeof(*d));
	if (!d)
		return NULL;
	d->account = madp_account_new();
	if (!d->account) {
		free(d);
		return NULL;
	}
	memcpy(d->client, s->client, sizeof(d->client));
	d->id = s->id;
	d->number = ++c->n_ever;
	d->worker = madp_set_has_nat(s) ? 0 : least_loaded(c);
	HASH_ADD_KEYPTR(by_client, c->clients, d->client, strlen(d->client), d);
	HASH_ADD(by_id, c->ids, id, sizeof(d->id), d);
	return d;
}

static int take_over(struct madp_control *c, struct madp_desired *d, struct madp_session_set *s,
	struct madp_order *o, struct mams_error *err)
{
	uint16_t mtu = madp_session_set_mtu(s);
	int rc;

	/* the N-MADP's device is everybody's */
	if (c->conf->role == MADP_ROLE_NETWORK && mtu > c->conf->mtu)
		mtu = (uint16_t)c->conf->mtu;
	rc = madp_host_take(&c->host, d, s, mtu);
	if (rc == 0 && c->conf->role == MADP_ROLE_CLIENT)
		rc = mams_tun_up(&c->instance.workers[d->worker].tun, mtu);
	if (rc < 0)
		return mams_fail(
			err, -rc, "anchor4", "the kernel refuses it: %s", mams_strerror(rc));
	if (o->moves) { /* what was counted is of the session that it parts from */
		struct madp_account *fresh = madp_account_new();

		if (!fresh)
			return -ENOMEM;
		madp_account_unref(d->account);
		d->account = fresh;
	}
	remember(d, s);
	d->mtu = mtu;
	o->account = madp_account_ref(d->account);
	o->set = s;
	madp_worker_order(&c->instance.workers[d->worker], o);
	return 0;
}

static int set_session(struct madp_control *c, const struct ctl_tr_session_set *m,
	struct madp_desired **out, struct mams_error *err)
{
	struct madp_session_set *s = NULL;
	struct madp_order *o = calloc(1, sizeof(*o));
	struct madp_desired *d = NULL;
	bool fresh;
	int rc = o ? madp_build(m, (enum madp_role)c->conf->role, c->conf->packet_max, &s, err)
		   : -ENOMEM;

	for (size_t i = 0; o && i < MADP_LINKS_MAX; i++)
		o->fd[i] = o->out[i] = -1;
	if (rc == 0)
		rc = check_unique(c, s, err);
	if (rc == 0 && madp_set_has_nat(s) && !c->conf->client_nat)
		rc = mams_fail(err, ENOTSUP, "client_nat", "the configuration file has it off");
	if (rc == 0 && c->conf->role == MADP_ROLE_NETWORK)
		rc = madp_protect_check(c->protect, m, err);
	if (rc == 0) {
		o->id = s->id;
		o->moves = c->conf->role == MADP_ROLE_CLIENT &&
			   madp_desired_moves(find_client(c, s->client), s);
		rc = open_links(c, find_client(c, s->client), s, o, err);
	}
	fresh = rc == 0 && !find_client(c, s->client);
	if (rc == 0)
		d = record_of(c, s);
	if (rc == 0)
		rc = d ? take_over(c, d, s, o, err) : -ENOMEM;
	if (rc == 0) {
		if (madp_protect_set(c->protect, m) < 0)
			log_err("no memory for an association client=%s", d->client);
		*out = d;
		return 0;
	}
	if (d && fresh)
		forget(c, d);
	if (o)
		drop_order(o);
	madp_session_set_free(s);
	return rc;
}

static void put_ready(
	const struct madp_control *c, const struct madp_desired *d, struct ctl_msg *msg)
{
	struct ctl_tr_ready *r = &msg->tr_ready;

	r->interface = ctl_strdup(msg, c->instance.workers[d->worker].tun.name);
	if (c->conf->role == MADP_ROLE_NETWORK) {
		r->port = (uint16_t)(c->conf->listen[0].port + d->worker);
		return;
	}
	r->ports = ctl_alloc(msg, MADP_LINKS_MAX * sizeof(*r->ports));
	for (size_t i = 0; r->ports && i < d->n_links; i++)
		r->ports[r->n_ports++] = (struct ctl_tr_port){
			.connection_id = d->link[i].cid, .port = d->link[i].port};
}

static void answer_set(struct madp_control *c, struct mams_ctl_conn *to, const struct ctl_msg *m)
{
	struct mams_error err = {0};
	struct madp_desired *d = NULL;
	struct ctl_msg *msg;
	int rc = set_session(c, &m->tr_session_set, &d, &err);

	if (rc < 0 || !d) {
		char text[300];

		snprintf(text, sizeof(text), "%s%s%s", err.where, err.where[0] ? ": " : "",
			err.text[0] ? err.text : mams_strerror(rc));
		mams_ctl_answer_result(to, m->id, -rc, text);
		return;
	}
	log_info("session taken over client=%s links=%zu worker=%u", d->client, d->n_links,
		d->worker);
	msg = ctl_msg_new(CTL_TR_READY, m->id);
	if (msg)
		put_ready(c, d, msg);
	mams_ctl_answer(to, msg);
}

/* A release that comes late ends no newer session. */
static int del_session(struct madp_control *c, const struct ctl_tr_session_del *m)
{
	struct madp_desired *d = find_client(c, m->client);

	if (d && (!m->has_session_id || d->id == m->session_id)) {
		log_info("session ended client=%s", d->client);
		forget(c, d);
	}
	return 0;
}

/* ---- what workers report ---- */

static void tell_dtls(
	struct madp_control *c, const struct madp_note *n, const char *client, const char *link)
{
	bool open = n->kind == MADP_NOTE_DTLS_OPEN;

	mams_log_limited(open ? &c->event_limit : &c->failure_limit, mams_loop_now(c->loop),
		open ? MAMS_LOG_INFO : MAMS_LOG_WARN, LOG_MODULE, "DTLS %s client=%s link=%s%s%s",
		open ? "association made" : "handshake failed, nothing is sent", client, link,
		n->why[0] ? ": " : "", n->why);
}

static void take_note(struct madp_control *c, const struct madp_note *n)
{
	static const char *const causes[] = {
		"the system took it", "silent", "the peer does not hear it", "configuration"};
	const char *why = n->cause < MAMS_ARRAY_LEN(causes) ? causes[n->cause] : "?";
	const struct madp_link_set *link;
	struct madp_desired *d;
	struct ctl_tr_event e = {.connection_id = n->cid};

	HASH_FIND(by_id, c->ids, &n->session, sizeof(n->session), d);
	link = madp_desired_link(d, n->cid);
	if (!link)
		return;
	if (n->kind == MADP_NOTE_HEARD) {
		madp_host_heard(&c->host, d);
		return;
	}
	if (n->kind >= MADP_NOTE_DTLS_OPEN) {
		tell_dtls(c, n, d->client, link->name);
		return;
	}
	e.client = d->client;
	e.kind = n->kind == MADP_NOTE_UP ? CTL_TR_PATH_UP : CTL_TR_PATH_PROVEN;
	if (n->kind == MADP_NOTE_DOWN) {
		e.kind = CTL_TR_PATH_DOWN;
		e.text = why;
	}
	mams_log_limited(&c->event_limit, mams_loop_now(c->loop), MAMS_LOG_INFO, LOG_MODULE,
		"path %s client=%s link=%s%s%s",
		n->kind == MADP_NOTE_UP     ? "up"
		: n->kind == MADP_NOTE_DOWN ? "down"
					    : "proven",
		d->client, link->name, e.text ? " cause=" : "", e.text ? e.text : "");
	send_event(c, &e);
}

static void on_notes(void *user, int fd, unsigned events)
{
	struct madp_control *c = user;
	struct madp_note n;
	uint64_t count;

	(void)events;
	(void)!read(fd, &count, sizeof(count));
	while (madp_notes_get(&c->instance.notes, &n))
		take_note(c, &n);
}

/* ---- what is measured ---- */

static void on_gauge(void *user)
{
	struct madp_control *c = user;
	mams_time now = mams_loop_now(c->loop);

	madp_gauge_tell(c->server, c->clients, now);
	mams_loop_timer_at(c->gauge, mams_ctl_is_news_wanted(c->server)
					     ? mams_time_add_ms(now, MADP_GAUGE_PERIOD_MS)
					     : MAMS_TIME_NEVER);
}

static void want_news(struct madp_control *c, struct mams_ctl_conn *from)
{
	if (!c->gauge)
		return;
	if (!mams_ctl_is_news_wanted(c->server))
		mams_loop_timer_at(
			c->gauge, mams_time_add_ms(mams_loop_now(c->loop), MADP_GAUGE_PERIOD_MS));
	mams_ctl_want_news(from);
}

/* ---- requests ---- */

static void request(struct madp_control *c, struct mams_ctl_conn *from, const struct ctl_msg *m)
{
	const struct madp_status_view view = {.conf = c->conf,
		.instance = &c->instance,
		.protect = c->protect,
		.sessions = c->clients,
		.client = m->type == CTL_STATUS_REQ ? m->status_req.client : NULL,
		.after = m->type == CTL_STATUS_REQ ? m->status_req.after : 0,
		.ctl = mams_ctl_server_counters(c->server),
		.begun = c->begun,
		.now = mams_loop_now(c->loop)};
	struct mams_error err = {0};
	int rc;

	if (m->type == CTL_STATUS_REQ || m->type == CTL_METRICS_REQ) {
		mams_ctl_answer(from, m->type == CTL_STATUS_REQ
					      ? madp_status_compose(&view, m->id)
					      : madp_status_metrics(&view, m->id));
		return;
	}
	if (m->type == CTL_TR_SESSION_SET) {
		answer_set(c, from, m);
		want_news(c, from);
		return;
	}
	if (m->type == CTL_TR_SESSION_DEL)
		rc = del_session(c, &m->tr_session_del);
	else if (m->type == CTL_LOG_LEVEL)
		rc = mams_log_set_level_name(m->log_level.level, &err);
	else
		rc = mams_fail(&err, MAMS_ESTATE, NULL, "not a request to a trailer MADP");
	mams_ctl_answer_result(from, m->id, -rc,
		rc == 0       ? "ok"
		: err.text[0] ? err.text
			      : mams_strerror(rc));
}

static void packet(void *user, struct mams_ctl_conn *from, const char *data, size_t len)
{
	struct mams_error err = {0};
	struct ctl_msg *m = NULL;
	int rc = ctl_decode(data, len, &m, &err);

	if (rc < 0) {
		mams_ctl_answer_result(from, 0, -rc, err.text);
		return;
	}
	request(user, from, m);
	ctl_msg_free(m);
}

static const struct mams_ctl_server_ops ctl_ops = {.packet = packet};

static void on_lost(void *user, uint64_t session, uint8_t cid)
{
	struct madp_control *c = user;
	struct madp_desired *d;
	struct madp_order *o;

	HASH_FIND(by_id, c->ids, &session, sizeof(session), d);
	o = d ? new_order(session, d->account) : NULL;
	if (!o)
		return;
	o->losing = true;
	o->lost = cid;
	madp_worker_order(&c->instance.workers[d->worker], o);
}

static const struct madp_protect_ops protect_ops = {.lost = on_lost};

/* ---- life ---- */

static int start(struct madp_control *c, struct mams_error *err)
{
	const struct madp_conf *k = c->conf;
	int rc = mams_nl_open(&c->host.nl);

	if (rc == 0)
		rc = madp_protect_guard(k, err); /* before anything is open */
	/* before whoever waits for the socket takes us for ready */
	if (rc == 0 && k->client_nat)
		rc = madp_hop_guard(k, &c->hop, err);
	if (rc == 0) {
		rc = mams_ctl_listen(c->loop, k->ctl_socket, (gid_t)-1, &ctl_ops, c, &c->server);
		if (rc < 0)
			return mams_fail(err, -rc, k->ctl_socket,
				"cannot listen: %s; another mams-trailer may run, or ctl_socket "
				"needs another place",
				mams_strerror(rc));
		rc = mams_ctl_listen_tls(c->server, &k->offer, err);
	}
	if (rc == 0) {
		rc = madp_instance_start(&c->instance, k, err);
		c->started = rc == 0;
	}
	if (rc == 0)
		rc = mams_loop_fd_add(
			c->loop, c->instance.notes.fd, MAMS_LOOP_READ, on_notes, c, &c->notes);
	if (rc == 0 && k->role == MADP_ROLE_NETWORK)
		rc = mams_loop_timer_new(c->loop, on_gauge, c, &c->gauge);
	if (rc == 0 && k->n_protected)
		rc = madp_protect_new(c->loop, k, &protect_ops, c, &c->protect);
	if (rc == 0 && k->n_masquerade)
		rc = madp_masquerade_new(
			k->masquerade, k->n_masquerade, k->interface, &c->masquerade, err);
	return rc;
}

int madp_control_new(struct mams_loop *l, const struct madp_conf *conf, struct madp_control **out,
	struct mams_error *err)
{
	struct madp_control *c = calloc(1, sizeof(*c));
	int rc;

	if (!c)
		return -ENOMEM;
	c->loop = l;
	c->conf = conf;
	c->host = (struct madp_host){.conf = conf, .instance = &c->instance};
	c->begun = mams_loop_now(l);
	rc = start(c, err);
	if (rc < 0)
		madp_control_free(c);
	else
		*out = c;
	return rc;
}

void madp_control_free(struct madp_control *c)
{
	if (!c)
		return;
	mams_loop_timer_del(c->gauge);
	mams_ctl_server_free(c->server);
	mams_loop_fd_del(c->notes);
	while (c->started && c->clients)
		forget(c, c->clients);
	if (c->started)
		madp_instance_stop(&c->instance);
	madp_table_free(c->masquerade);
	madp_table_free(c->hop);
	madp_protect_free(c->protect);
	mams_nl_close(c->host.nl);
	free(c);
}
