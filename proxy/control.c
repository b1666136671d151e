#include "proxy/control.h"

#include "lib/base/log.h"
#include "lib/ctl/ctl_msg.h"
#include "lib/io/ctlmsg.h"
#include "lib/io/mptcp.h"
#include "proxy/binder.h"
#include "proxy/catch.h"
#include "proxy/convert.h"
#include "proxy/hostnet.h"
#include "proxy/instance.h"
#include "proxy/key.h"
#include "proxy/meter.h"
#include "proxy/pathset.h"
#include "proxy/peer.h"
#include "proxy/protect.h"
#include "proxy/sounder.h"
#include "proxy/status.h"
#include "proxy/watcher.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define LOG_MODULE "control"
#define LISTEN_MAX 64
#define DRAIN_ASK_MS 500

struct px_control {
	struct mams_loop *loop;
	const struct px_conf *conf;
	struct px_hostnet hostnet;
	struct px_instance instance;
	bool started;
	struct mams_loop_fd *notes;
	struct mams_ctl_server *server;
	struct px_catch *catch;
	struct mams_loop_timer *drain;
	struct px_peer *peer;
	struct px_binder *binder;
	struct px_watcher *watcher;
	struct px_sounder *sounder;
	struct px_protect *protect; /* NULL: no IPsec */
	struct px_meter *meter;     /* network */
	mams_time begun;
	/* desired state */
	struct px_pathset set; /* client */
	bool peer_down;
	struct px_client **clients;
	size_t n_clients;
	uint8_t cookie_secret[32];
	char congestion[MAMS_CONGESTION_LEN];
};

/* ---- configuration of the workers ---- */

static struct px_snapshot *make_snapshot(const struct px_control *c)
{
	struct px_snapshot *s = px_snapshot_new();

	if (!s)
		return NULL;
	px_conf_settings(c->conf, &s->set);
	memcpy(s->set.congestion, c->congestion, sizeof(s->set.congestion));
	memcpy(s->set.cookie_secret, c->cookie_secret, sizeof(s->set.cookie_secret));
	s->dest = (struct px_dest_policy){.deny = c->conf->deny,
		.n_deny = c->conf->n_deny,
		.allow = c->conf->allow,
		.n_allow = c->conf->n_allow,
		.own = c->hostnet.nets,
		.n_own = c->hostnet.n,
		.self = c->hostnet.addrs,
		.n_self = c->hostnet.n,
		.others = c->conf->allow_others};
	s->clients = px_clients_new(c->clients, c->n_clients);
	if (!s->clients) {
		px_snapshot_unref(s);
		return NULL;
	}
	memcpy(s->paths, c->set.paths, sizeof(s->paths));
	s->n_paths = c->set.n_paths;
	memcpy(s->classes, c->set.classes, sizeof(s->classes));
	s->n_classes = c->set.n_classes;
	memcpy(s->cookie, c->set.cookie, c->set.cookie_len);
	s->cookie_len = c->set.cookie_len;
	s->apart = c->set.apart;
	s->direct = c->peer_down;
	return s;
}

static int publish(struct px_control *c)
{
	struct px_snapshot *s = make_snapshot(c);

	if (s)
		px_instance_publish(&c->instance, s);
	return s ? 0 : -ENOMEM;
}

/* ---- client role ---- */

static void watch_drain(struct px_control *c)
{
	mams_loop_timer_at(
		c->drain, px_catch_is_draining(c->catch)
				  ? mams_time_add_ms(mams_loop_now(c->loop), DRAIN_ASK_MS)
				  : MAMS_TIME_NEVER);
}

static void on_drain(void *user)
{
	struct px_control *c = user;

	if (atomic_load(&c->instance.flows) == 0) {
		px_catch_drained(c->catch);
		log_info("the last caught connection has ended");
	}
	watch_drain(c);
}

static int catch_or_not(struct px_control *c, struct mams_error *err)
{
	struct mams_addr proxies[PX_PATHS_MAX];

	if (!c->catch)
		return 0;
	if (c->set.n_paths == 0 || c->set.idle || c->peer_down) {
		px_catch_off(c->catch, atomic_load(&c->instance.flows) > 0);
		watch_drain(c);
		return 0;
	}
	for (size_t i = 0; i < c->set.n_paths; i++)
		proxies[i] = c->set.paths[i].proxy;
	return px_catch_on(c->catch, proxies, c->set.n_paths, err);
}

static void tell_event(
	struct px_control *c, int kind, const char *words, const struct px_path *path)
{
	mams_ctl_tell_all(c->server, px_status_event(kind, words, path, mams_loop_now(c->loop)));
}

static void plugin_there(void *user)
{
	tell_event(user, CTL_PX_PLUGIN_UP, "the plugin is connected", NULL);
}

static void peer_lost(struct px_control *c, const char *why)
{
	struct mams_error err;

	if (c->peer_down || c->set.n_paths == 0)
		return;
	c->peer_down = true;
	log_warn("N-MADP is down: %s; new connections go %s", why,
		c->conf->fail_open ? "direct" : "nowhere");
	if (c->conf->fail_open) {
		(void)!catch_or_not(c, &err);
		(void)!publish(c);
	}
	tell_event(c, CTL_PX_PEER_DOWN, why, NULL);
	px_peer_ask(c->peer, c->instance.current);
}

static void peer_back(void *user)
{
	struct px_control *c = user;
	struct mams_error err;

	c->peer_down = false;
	log_info("N-MADP answers again");
	(void)!publish(c);
	if (catch_or_not(c, &err) < 0)
		log_err("%s: %s", err.where, err.text);
	tell_event(c, CTL_PX_PEER_UP, "the N-MADP answers", NULL);
}

static void path_changed(void *user, const struct px_path *path, bool silent)
{
	tell_event(user, silent ? CTL_PX_PATH_SILENT : CTL_PX_PATH_UP,
		silent ? "nothing comes back over it" : "it answers", path);
}

static void tell_plain(struct px_control *c)
{
	for (size_t i = 0; i < c->set.n_paths; i++)
		tell_event(
			c, CTL_PX_PATH_PLAIN, "what its network does to MPTCP", &c->set.paths[i]);
}

/* The plugin must know which connections are of a class, or carry one direction. */
static int want_binder(struct px_control *c)
{
	if (!c->set.bind || c->binder || strcmp(c->conf->pm_socket, "none") == 0)
		return 0;
	return px_binder_new(c->loop, c->conf, &c->instance, plugin_there, c, &c->binder);
}

static int set_paths(struct px_control *c, const struct ctl_px_paths *m, struct mams_error *err)
{
	int rc;

	if (c->conf->role != PX_ROLE_CLIENT)
		return mams_fail(err, MAMS_ESTATE, NULL, "this proxy has the network role");
	rc = px_pathset_take(&c->set, m, err);
	if (rc == 0)
		rc = want_binder(c);
	if (rc < 0)
		return rc;
	if (c->set.n_paths == 0 && c->peer_down) {
		c->peer_down = false;
		px_peer_rest(c->peer);
	}
	px_watcher_paths(c->watcher, c->set.paths, c->set.n_paths);
	if (publish(c) < 0)
		return -ENOMEM;
	if (c->peer_down)
		px_peer_ask(c->peer, c->instance.current);
	return catch_or_not(c, err);
}

/* ---- network role ---- */

static size_t find_client(const struct px_control *c, const char *name)
{
	size_t i = 0;

	while (i < c->n_clients && strcmp(c->clients[i]->name, name) != 0)
		i++;
	return i;
}

static int add_client(struct px_control *c, const char *name, const uint8_t *key, size_t n_key)
{
	size_t i = find_client(c, name);
	struct px_client **more = c->clients;
	struct px_client *k = px_client_new(name, key, n_key, c->instance.current->set.workers);

	if (!k)
		return -ENOMEM;
	if (i < c->n_clients && memcmp(c->clients[i]->digest, k->digest, PX_DIGEST) == 0) {
		px_client_unref(k); /* told again: its counters go on */
		return 0;
	}
	if (i == c->n_clients) {
		more = realloc(c->clients, (c->n_clients + 1) * sizeof(*more));
		if (!more) {
			px_client_unref(k);
			return -ENOMEM;
		}
		c->clients = more;
		c->clients[c->n_clients++] = NULL;
	}
	px_client_unref(c->clients[i]);
	c->clients[i] = k;
	log_info("client is let in client=%s", name);
	return 0;
}

static int set_client(struct px_control *c, struct mams_ctl_conn *from,
	const struct ctl_px_client_set *m, struct mams_error *err)
{
	uint8_t key[PX_KEY_MAX];
	int n;

	if (c->conf->role != PX_ROLE_NETWORK)
		return mams_fail(err, MAMS_ESTATE, NULL, "this proxy has the client role");
	n = px_key_decode(m->client_key, key);
	if (n < 0)
		return mams_fail(err, MAMS_EVALUE, NULL, "client_key is no base64 key");
	n = add_client(c, m->client, key, (size_t)n);
	mams_wipe(key, sizeof(key));
	if (n == 0) {
		struct px_client *k = c->clients[find_client(c, m->client)];

		k->has_session_id = m->has_session_id;
		k->session_id = m->session_id;
		n = px_protect_set(c->protect, m, err);
		mams_ctl_want_news(from);
	}
	return n < 0 ? n : publish(c);
}

static int del_client(
	struct px_control *c, const struct ctl_px_client_del *m, struct mams_error *err)
{
	size_t i = find_client(c, m->client);

	if (c->conf->role != PX_ROLE_NETWORK)
		return mams_fail(err, MAMS_ESTATE, NULL, "this proxy has the client role");
	/* one that comes late, or from an NCM that had the client before, ends no newer session */
	if (i == c->n_clients || (m->has_session_id && c->clients[i]->has_session_id &&
					 m->session_id != c->clients[i]->session_id))
		return 0;
	log_info("client is let go client=%s", m->client);
	px_sounder_forget(c->sounder, m->client);
	px_protect_del(c->protect, m->client);
	px_client_unref(c->clients[i]);
	c->clients[i] = c->clients[--c->n_clients];
	return publish(c);
}

static int probe_client(struct px_control *c, const struct ctl_px_probe *m, struct mams_error *err)
{
	if (c->conf->role != PX_ROLE_NETWORK)
		return mams_fail(err, MAMS_ESTATE, NULL, "this proxy has the client role");
	if (find_client(c, m->client) == c->n_clients)
		return mams_fail(err, MAMS_EUNKNOWN, NULL, "no such client");
	return px_sounder_order(c->sounder, m, err);
}

static int static_clients(struct px_control *c, struct mams_error *err)
{
	for (size_t i = 0; i < c->conf->n_clients; i++) {
		uint8_t key[PX_KEY_MAX];
		int n = px_key_read(c->conf->clients[i].key_file, key, err);

		if (n >= 0)
			n = add_client(c, c->conf->clients[i].name, key, (size_t)n);
		mams_wipe(key, sizeof(key));
		if (n < 0)
			return n;
	}
	return c->conf->n_clients ? publish(c) : 0;
}

/* ---- what workers report ---- */

static void take_note(struct px_control *c, struct px_note *n)
{
	switch (n->kind) {
	case PX_NOTE_BOUND:
	case PX_NOTE_ANEW:
		if (c->binder)
			px_binder_tell(c->binder, n);
		break;
	case PX_NOTE_UNREACHABLE:
		peer_lost(c, "no path reaches it");
		break;
	case PX_NOTE_REFUSED:
		peer_lost(c, px_convert_code_name(n->code));
		break;
	case PX_NOTE_COOKIE:
		memcpy(c->set.cookie, n->cookie, n->n_cookie);
		c->set.cookie_len = n->n_cookie;
		(void)!publish(c);
		break;
	case PX_NOTE_PLAIN:
		log_warn("connection=%u its network %s", n->value,
			n->code ? "strips MPTCP" : "lets MPTCP pass again");
		tell_plain(c);
		break;
	case PX_NOTE_AWAKE:
		px_watcher_wake(c->watcher);
		break;
	case PX_NOTE_SAMPLE:
		px_meter_take(c->meter, n);
		break;
	}
	px_client_unref(n->client);
	mams_wipe(n->cookie, sizeof(n->cookie));
}

static void on_notes(void *user, int fd, unsigned events)
{
	struct px_control *c = user;
	struct px_note n;
	uint64_t count;

	(void)events;
	(void)!read(fd, &count, sizeof(count));
	while (px_notes_get(&c->instance.notes, &n))
		take_note(c, &n);
}

/* ---- the ctl socket ---- */

static struct ctl_msg *compose_status(const struct px_control *c, const struct ctl_msg *asked)
{
	const struct px_status_view view = {.conf = c->conf,
		.instance = &c->instance,
		.paths = c->set.paths,
		.n_paths = c->set.n_paths,
		.clients = c->clients,
		.n_clients = c->n_clients,
		.catching = c->catch && px_catch_is_on(c->catch),
		.sounder = c->sounder,
		.ctl = mams_ctl_server_counters(c->server),
		.begun = c->begun,
		.now = mams_loop_now(c->loop)};

	struct ctl_msg *msg = asked->type == CTL_STATUS_REQ ? px_status_compose(&view, asked->id)
							    : px_status_metrics(&view, asked->id);

	if (msg && asked->type == CTL_STATUS_REQ)
		px_protect_status(c->protect, msg);
	return msg;
}

/* From an NCM that cannot reach the plugin itself. */
static int pass_on(struct px_control *c, const char *data, size_t len, struct mams_error *err)
{
	int rc = c->binder ? px_binder_pass(c->binder, data, len) : -MAMS_ESTATE;

	return rc == 0 ? 0 : mams_fail(err, -rc, NULL, "the plugin is not there");
}

static void request(struct px_control *c, struct mams_ctl_conn *from, const struct ctl_msg *m,
	const char *data, size_t len)
{
	struct mams_error err = {0};
	int rc;

	if (m->type == CTL_STATUS_REQ || m->type == CTL_METRICS_REQ) {
		mams_ctl_answer(from, compose_status(c, m));
		return;
	}
	if (m->type == CTL_PX_PATHS)
		rc = set_paths(c, &m->px_paths, &err);
	else if (m->type == CTL_PX_CLIENT_SET)
		rc = set_client(c, from, &m->px_client_set, &err);
	else if (m->type == CTL_PX_CLIENT_DEL)
		rc = del_client(c, &m->px_client_del, &err);
	else if (m->type == CTL_PX_PROBE)
		rc = probe_client(c, &m->px_probe, &err);
	else if (m->type == CTL_PM_POLICY)
		rc = pass_on(c, data, len, &err);
	else if (m->type == CTL_LOG_LEVEL)
		rc = mams_log_set_level_name(m->log_level.level, &err);
	else
		rc = mams_fail(&err, MAMS_ESTATE, NULL, "not a request to a proxy");
	mams_ctl_answer_result(from, m->id, -rc,
		rc == 0       ? "ok"
		: err.text[0] ? err.text
			      : mams_strerror(rc));
	if (m->type != CTL_PX_PATHS || rc != 0)
		return;
	px_watcher_repeat(c->watcher); /* whoever is new knows nothing of them */
	tell_plain(c);
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
	request(user, from, m, data, len);
	ctl_msg_free(m);
}

static const struct mams_ctl_server_ops ctl_ops = {.packet = packet};

/* ---- life ---- */

static size_t put_listeners(const struct mams_addr *list, size_t n, enum px_listen_kind kind,
	struct px_listen *out, size_t have)
{
	for (size_t i = 0; i < n && have < LISTEN_MAX; i++)
		out[have++] = (struct px_listen){.kind = kind, .addr = list[i]};
	return have;
}

static int start_workers(struct px_control *c, struct mams_error *err)
{
	const struct px_conf *k = c->conf;
	bool client = k->role == PX_ROLE_CLIENT;
	struct px_listen listen[LISTEN_MAX];
	struct px_snapshot *s = make_snapshot(c);
	size_t n = put_listeners(
		k->listen, k->n_listen, client ? PX_LISTEN_APP : PX_LISTEN_CONVERT, listen, 0);
	int rc;

	n = put_listeners(k->transparent, k->n_transparent, PX_LISTEN_TRANSPARENT, listen, n);
	n = put_listeners(k->join, k->n_join, PX_LISTEN_JOIN, listen, n);
	if (!s)
		return -ENOMEM;
	rc = px_instance_start(&c->instance, s, listen, n, err);
	px_snapshot_unref(s);
	c->started = rc == 0;
	return rc;
}

static int start_client(struct px_control *c)
{
	int rc = px_catch_new(c->conf, &c->catch);

	if (rc == 0)
		rc = mams_loop_timer_new(c->loop, on_drain, c, &c->drain);
	if (rc == 0)
		rc = px_peer_new(c->loop, c->conf, peer_back, c, &c->peer);
	return rc < 0 ? rc
		      : px_watcher_new(
				c->loop, c->conf, &c->instance, path_changed, c, &c->watcher);
}

static int start_network(struct px_control *c, struct mams_error *err)
{
	int rc = static_clients(c, err);

	if (rc == 0 && c->conf->n_protected)
		rc = px_protect_new(c->loop, c->conf, &c->protect);
	if (rc == 0 && strcmp(c->conf->pm_socket, "none") != 0)
		rc = px_binder_new(c->loop, c->conf, &c->instance, plugin_there, c, &c->binder);
	if (rc == 0)
		rc = px_sounder_new(c->loop, c->conf, &c->sounder, err);
	if (rc == 0)
		rc = px_meter_new(c->loop, c->server, &c->meter);
	return rc;
}

static int start(struct px_control *c, struct mams_error *err)
{
	int rc = px_hostnet_read(&c->hostnet);

	if (rc == 0 && c->conf->role == PX_ROLE_NETWORK)
		rc = px_protect_guard(c->conf, err); /* before anything listens */
	if (rc == 0 && getrandom(c->cookie_secret, sizeof(c->cookie_secret), 0) < 0)
		rc = -errno;
	if (rc == 0) {
		rc = mams_mptcp_congestion(c->conf->congestion, c->congestion);
		if (rc < 0)
			return mams_fail(err, -rc, "congestion",
				"the kernel refuses %s (%s); use auto, or one that "
				"net.ipv4.tcp_allowed_congestion_control has",
				c->conf->congestion, mams_strerror(rc));
	}
	if (rc == 0) {
		rc = mams_ctl_listen(
			c->loop, c->conf->ctl_socket, (gid_t)-1, &ctl_ops, c, &c->server);
		if (rc < 0)
			return mams_fail(err, -rc, c->conf->ctl_socket,
				"cannot listen: %s; another mams-proxy may run, or ctl_socket "
				"needs another place",
				mams_strerror(rc));
		rc = mams_ctl_listen_tls(c->server, &c->conf->offer, err);
	}
	if (rc == 0)
		rc = start_workers(c, err);
	if (rc == 0)
		rc = mams_loop_fd_add(
			c->loop, c->instance.notes.fd, MAMS_LOOP_READ, on_notes, c, &c->notes);
	if (rc == 0)
		rc = c->conf->role == PX_ROLE_CLIENT ? start_client(c) : start_network(c, err);
	return rc;
}

int px_control_new(struct mams_loop *l, const struct px_conf *conf, struct px_control **out,
	struct mams_error *err)
{
	struct px_control *c = calloc(1, sizeof(*c));
	int rc;

	if (!c)
		return -ENOMEM;
	c->loop = l;
	c->conf = conf;
	c->begun = mams_loop_now(l);
	rc = start(c, err);
	if (rc < 0)
		px_control_free(c);
	else
		*out = c;
	return rc;
}

void px_control_free(struct px_control *c)
{
	if (!c)
		return;
	px_catch_free(c->catch);
	mams_loop_timer_del(c->drain);
	mams_ctl_server_free(c->server);
	px_peer_free(c->peer);
	px_watcher_free(c->watcher);
	px_binder_free(c->binder);
	px_sounder_free(c->sounder);
	px_meter_free(c->meter);
	px_protect_free(c->protect);
	mams_loop_fd_del(c->notes);
	if (c->started)
		px_instance_stop(&c->instance);
	for (size_t i = 0; i < c->n_clients; i++)
		px_client_unref(c->clients[i]);
	free(c->clients);
	px_hostnet_fini(&c->hostnet);
	mams_wipe(c->set.cookie, sizeof(c->set.cookie));
	free(c);
}
