#include "ccm-agent/agent.h"

#include "ccm-agent/agentlog.h"
#include "ccm-agent/apply_ipsec.h"
#include "ccm-agent/apply_net.h"
#include "ccm-agent/apply_tunnel.h"
#include "ccm-agent/detour.h"
#include "ccm-agent/netwatch.h"
#include "ccm-agent/prober.h"
#include "ccm-agent/sampler.h"
#include "ccm-agent/signals.h"
#include "lib/base/log.h"
#include "lib/ctl/ctl_msg.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#define LOG_MODULE "agent"
#define DRAIN_ASK_MS 1000

struct ccm_agent {
	struct mams_loop *loop;
	const struct ccm_conf *conf;
	struct ccm_links links;
	struct ccm_session session;
	struct ccm_uplink *uplink;
	struct ccm_madp *madp;
	struct ccm_tun *tun;     /* NULL: without GMA */
	struct ccm_ipsec *ipsec; /* NULL: without charon */
	uint32_t protecting;     /* bits of connections: their associations are under way */
	/* what the last apply() waits for */
	bool madp_done, madp_good;
	bool tun_done, tun_good;
	uint16_t ports[CCM_LINKS_MAX];
	struct ccm_net *net;
	struct ccm_netwatch *watch;
	struct ccm_sampler *sampler;
	struct ccm_signals *signals;
	struct ccm_prober *prober;
	struct mams_loop_timer *timer;
	struct mams_loop_timer *drain;
	struct mams_loop_timer *lost;
	mams_time drain_end;
	struct ccm_target applied;
	bool running, peer_down;
	const struct ccm_agent_ops *ops; /* NULL: nobody */
	void *user;
};

/* ---- the user plane ---- */

static void run_step(struct ccm_agent *a, const struct ccm_step *step, bool *plugin, bool *proxy)
{
	switch (step->kind) {
	case CCM_STEP_ROUTE_ADD:
		(void)!ccm_net_add(a->net, &step->route);
		break;
	case CCM_STEP_ROUTE_DEL:
		ccm_net_del(a->net, &step->route);
		break;
	case CCM_STEP_NATIVE:
		(void)!ccm_net_native(a->net, step->route.connection_id);
		break;
	case CCM_STEP_FREE:
		ccm_net_free(a->net);
		break;
	case CCM_STEP_PM_PATHS:
		*plugin = true;
		break;
	case CCM_STEP_PX_PATHS:
		*proxy = true;
		break;
	}
}

static bool is_path_step(const struct ccm_step *step)
{
	return step->kind == CCM_STEP_PM_PATHS || step->kind == CCM_STEP_PX_PATHS;
}

static void apply(struct ccm_agent *a)
{
	struct ccm_target wanted;
	struct ccm_step steps[CCM_STEPS_MAX];
	bool plugin = false;
	bool proxy = false;
	size_t n;
	size_t i = 0;

	ccm_session_wanted(&a->session, &wanted);
	ccm_plan_routes(&wanted, &a->links);
	a->protecting = a->ipsec ? ccm_ipsec_set(a->ipsec, &wanted) : 0;
	n = ccm_plan(&a->applied, &wanted, steps);
	while (i < n && !is_path_step(&steps[i]))
		run_step(a, &steps[i++], &plugin, &proxy);
	for (; i < n && is_path_step(&steps[i]); i++)
		run_step(a, &steps[i], &plugin, &proxy);
	a->applied = wanted;
	ccm_net_guard(a->net, wanted.n_paths > 0);
	a->madp_done = false;
	a->tun_done = !a->tun;
	a->tun_good = false;
	/* who takes new connections first, then who leaves them */
	if (a->tun && wanted.detour)
		ccm_tun_set(a->tun, &wanted.tunnel);
	ccm_madp_set(a->madp, &wanted, plugin, proxy);
	if (a->tun && !wanted.detour)
		ccm_tun_set(a->tun, &wanted.tunnel);
	while (i < n)
		run_step(a, &steps[i++], &plugin, &proxy);
	mams_wipe(wanted.client_key, sizeof(wanted.client_key));
	mams_wipe(&wanted.tunnel, sizeof(wanted.tunnel));
	mams_wipe(wanted.assocs, sizeof(wanted.assocs));
}

static void host_back(struct ccm_agent *a)
{
	bool settled;

	ccm_madp_free(a->madp);
	a->madp = NULL;
	ccm_madp_clear(a->conf);
	if (a->tun)
		ccm_tun_clear(a->conf);
	ccm_tun_free(a->tun);
	a->tun = NULL;
	settled = ccm_ipsec_settle(a->ipsec);
	ccm_ipsec_free(a->ipsec);
	a->ipsec = NULL;
	ccm_ipsec_clear(a->conf, settled);
	ccm_net_clear(a->net);
	mams_wipe(&a->applied, sizeof(a->applied));
}

/* ---- the session ---- */

static void fallen_back(struct ccm_agent *a)
{
	log_warn("back to the plain network: new connections go direct, running ones finish");
	a->drain_end = a->conf->drain_ms
			       ? mams_time_add_ms(mams_loop_now(a->loop), a->conf->drain_ms)
			       : MAMS_TIME_NEVER;
	mams_loop_timer_at(a->drain, mams_time_add_ms(mams_loop_now(a->loop), DRAIN_ASK_MS));
}

static void run(struct ccm_agent *a)
{
	struct ccm_action act;

	while (a->running && ccm_session_next(&a->session, &act)) {
		switch (act.kind) {
		case CCM_ACT_SEND:
			ccm_uplink_send(a->uplink, act.msg);
			break;
		case CCM_ACT_APPLY:
			apply(a);
			break;
		case CCM_ACT_STATE:
			log_info("state %s -> %s reason=\"%s\"", ccm_state_name(act.from),
				ccm_state_name(act.to), act.text);
			break;
		case CCM_ACT_FALLBACK:
			fallen_back(a);
			break;
		case CCM_ACT_AGREED:
			ccm_log_agreed(&a->session);
			ccm_uplink_settle(a->uplink);
			break;
		case CCM_ACT_REDIRECT:
			ccm_uplink_redirect(a->uplink);
			break;
		case CCM_ACT_NEED:
			if (a->ops)
				a->ops->need(a->user, act.need, act.verdict, act.text);
			break;
		case CCM_ACT_ANALYTICS:
			if (a->ops)
				a->ops->analytics(a->user, act.text);
			break;
		case CCM_ACT_SIGNAL:
			ccm_log_signal(&a->session, act.link);
			break;
		case CCM_ACT_STOPPED:
			a->running = false;
			host_back(a);
			log_info("the host is back on its plain network");
			mams_loop_stop(a->loop);
			return;
		}
	}
	ccm_uplink_listen(a->uplink, ccm_session_polls(&a->session));
	ccm_sampler_review(a->sampler);
	ccm_signals_review(a->signals);
	ccm_prober_review(a->prober);
	mams_loop_timer_at(a->timer, ccm_session_deadline(&a->session));
}

static void tick(void *user)
{
	struct ccm_agent *a = user;

	ccm_session_tick(&a->session, mams_loop_now(a->loop));
	run(a);
}

static void on_message(void *user, const struct mx_msg *m)
{
	struct ccm_agent *a = user;
	struct mams_error err = {0};
	int rc = ccm_session_input(&a->session, m, mams_loop_now(a->loop), &err);

	if (rc == 0 && m->type == MX_SYSTEM_INFO)
		ccm_uplink_endpoints(a->uplink, &m->system_info);
	if (rc < 0 && rc != -MAMS_EUNKNOWN)
		log_warn("message of the NCM refused: %s: %s", err.where, err.text);
	run(a);
}

static void on_unknown(void *user)
{
	struct ccm_agent *a = user;

	ccm_session_unknown(&a->session, mams_loop_now(a->loop));
	run(a);
}

static void on_reached(void *user)
{
	struct ccm_agent *a = user;

	ccm_session_reached(&a->session, mams_loop_now(a->loop));
	run(a);
}

static const struct ccm_uplink_ops uplink_ops = {
	.message = on_message, .unknown = on_unknown, .reached = on_reached};

static void all_done(struct ccm_agent *a)
{
	uint32_t ok = 0;

	if (!a->madp_done || !a->tun_done)
		return;
	for (size_t i = 0; a->madp_good && i < a->applied.n_paths; i++)
		ok |= 1u << a->applied.paths[i].connection_id;
	ok |= a->protecting;
	ccm_session_applied(&a->session, ok, a->tun_good ? a->ports : NULL, mams_loop_now(a->loop));
	/* answers may be asked for within apply(): they go out after it */
	mams_loop_timer_at(a->timer, mams_loop_now(a->loop));
}

static void on_done(void *user, bool good)
{
	struct ccm_agent *a = user;

	a->madp_done = true;
	a->madp_good = good;
	all_done(a);
}

static void on_tunnel(void *user, const uint16_t *ports)
{
	struct ccm_agent *a = user;

	a->tun_done = true;
	a->tun_good = ports != NULL;
	if (ports)
		memcpy(a->ports, ports, sizeof(a->ports));
	all_done(a);
}

static void on_peer(void *user, bool reachable)
{
	struct ccm_agent *a = user;

	if (reachable == !a->peer_down)
		return;
	a->peer_down = !reachable;
	log_warn("N-MADP is %s",
		reachable ? "reachable again" : "unreachable; connections go direct");
	mams_loop_timer_at(
		a->lost, reachable || !a->conf->madp_lost_ms
				 ? MAMS_TIME_NEVER
				 : mams_time_add_ms(mams_loop_now(a->loop), a->conf->madp_lost_ms));
}

static void on_path(void *user, const struct ctl_px_event *e)
{
	struct ccm_agent *a = user;
	const struct ctl_path *path = e ? e->path : NULL;
	bool silent = e && e->kind == CTL_PX_PATH_SILENT;

	if (!path)
		ccm_session_forget_paths(&a->session);
	else if (path->connection_id < CCM_LINKS_MAX) {
		struct mams_addr proxy = path->proxy;

		proxy.port = path->proxy_port;
		if (e->kind == CTL_PX_PATH_PLAIN
				? ccm_detour_path(&a->session, path->connection_id, &path->local,
					  &proxy, e->for_ms, mams_loop_now(a->loop))
				: ccm_session_path(&a->session, path->connection_id, &path->local,
					  &proxy, silent))
			ccm_log_path(e);
		if (silent && a->ipsec)
			ccm_ipsec_silent(a->ipsec, path->connection_id, &path->local);
	}
	/* not from here: we may stand in what sends to the proxy */
	mams_loop_timer_at(a->timer, mams_loop_now(a->loop));
}

static void on_carries(void *user, bool carries)
{
	struct ccm_agent *a = user;

	ccm_detour_tunnel(&a->session, carries);
	mams_loop_timer_at(a->timer, mams_loop_now(a->loop));
}

static void on_lost(void *user)
{
	struct ccm_agent *a = user;

	a->peer_down = false;
	ccm_session_madp_lost(&a->session, mams_loop_now(a->loop));
	run(a);
}

static void drained(struct ccm_agent *a)
{
	log_info("no connection runs through the proxy any more");
	mams_loop_timer_at(a->drain, MAMS_TIME_NEVER);
	ccm_session_drained(&a->session);
	run(a);
}

static void on_flows(void *user, uint64_t open)
{
	struct ccm_agent *a = user;

	if (a->session.fallen_back && open == 0)
		drained(a);
}

static void ask_drained(void *user)
{
	struct ccm_agent *a = user;
	mams_time now = mams_loop_now(a->loop);

	if (!a->session.fallen_back || !a->session.set_up)
		return;
	if (!mams_time_before(now, a->drain_end) || !ccm_madp_ask_flows(a->madp)) {
		drained(a);
		return;
	}
	mams_loop_timer_at(a->drain, mams_time_add_ms(now, DRAIN_ASK_MS));
}

static void on_sa(void *user, const struct ccm_sa *sa, bool up)
{
	struct ccm_agent *a = user;

	if (ccm_session_sa(&a->session, sa, up))
		run(a);
}

static const struct ccm_ipsec_ops ipsec_ops = {.sa = on_sa};
static const struct ccm_tun_ops tun_ops = {.done = on_tunnel, .carries = on_carries};
static const struct ccm_madp_ops madp_ops = {
	.done = on_done, .peer = on_peer, .path = on_path, .flows = on_flows};

/* ---- links ---- */

static void links_changed(void *user)
{
	struct ccm_agent *a = user;
	const char *usable[CCM_LINKS_MAX];
	struct ccm_link_state st;
	bool changed = false;
	uint8_t id;
	size_t n = 0;

	while (a->running && ccm_links_next(&a->links, &id, &st)) {
		ccm_log_link(a->links.link[id].conf, id, &st);
		ccm_session_link(&a->session, id, &st, mams_loop_now(a->loop));
		changed = true;
	}
	if (!changed)
		return;
	for (size_t i = 0; i < CCM_LINKS_MAX; i++)
		if (a->links.link[i].conf && a->links.link[i].now.usable)
			usable[n++] = a->links.link[i].conf->interface;
	/* traffic moves before anything else */
	if (a->session.n > 0)
		run(a);
	ccm_uplink_links(a->uplink, usable, n);
	run(a);
}

/* ---- life ---- */

int ccm_agent_new(struct mams_loop *l, const struct ccm_conf *conf, struct ccm_agent **out,
	struct mams_error *err)
{
	struct ccm_agent *a = calloc(1, sizeof(*a));
	uint64_t seed;
	int rc;

	if (!a)
		return -ENOMEM;
	a->loop = l;
	a->conf = conf;
	mams_assert(getrandom(&seed, sizeof(seed), 0) == sizeof(seed));
	ccm_session_init(&a->session, &conf->session, seed);
	ccm_links_init(&a->links, conf->links, conf->n_links);
	rc = mams_loop_timer_new(l, tick, a, &a->timer);
	if (rc == 0)
		rc = mams_loop_timer_new(l, ask_drained, a, &a->drain);
	if (rc == 0)
		rc = mams_loop_timer_new(l, on_lost, a, &a->lost);
	if (rc == 0)
		rc = ccm_sampler_new(l, conf->power_supply, &a->session, tick, a, &a->sampler);
	if (rc == 0)
		rc = ccm_signals_new(l, &a->session, tick, a, &a->signals);
	if (rc == 0)
		rc = ccm_prober_new(l, conf, &a->session, tick, a, &a->prober);
	if (rc == 0)
		rc = ccm_uplink_new(l, conf, &uplink_ops, a, &a->uplink, err);
	if (rc == 0)
		rc = ccm_net_open(l, conf, &a->net, err);
	if (rc < 0)
		ccm_agent_free(a);
	else
		*out = a;
	return rc;
}

void ccm_agent_free(struct ccm_agent *a)
{
	if (!a)
		return;
	ccm_netwatch_free(a->watch);
	ccm_madp_free(a->madp);
	ccm_tun_free(a->tun);
	ccm_ipsec_free(a->ipsec);
	ccm_uplink_free(a->uplink);
	ccm_net_close(a->net);
	ccm_sampler_free(a->sampler);
	ccm_signals_free(a->signals);
	ccm_prober_free(a->prober);
	mams_loop_timer_del(a->timer);
	mams_loop_timer_del(a->drain);
	mams_loop_timer_del(a->lost);
	ccm_session_fini(&a->session);
	mams_wipe(&a->applied, sizeof(a->applied));
	free(a);
}

int ccm_agent_start(struct ccm_agent *a, struct mams_error *err)
{
	int rc;

	ccm_net_clear(a->net);
	rc = ccm_net_settings(a->net, err);
	if (rc == 0)
		rc = ccm_madp_new(a->loop, a->conf, &madp_ops, a, &a->madp);
	if (rc == 0 && (a->conf->session.convergence & 1u << MX_CONV_GMA))
		rc = ccm_tun_new(a->loop, a->conf, a->net, &tun_ops, a, &a->tun);
	if (rc == 0 && a->conf->session.ipsec)
		rc = ccm_ipsec_new(a->loop, a->conf, &ipsec_ops, a, &a->ipsec);
	if (rc == 0)
		rc = ccm_netwatch_new(a->loop, &a->links, a->net, links_changed, a, &a->watch);
	if (rc < 0)
		return rc;
	a->running = true;
	ccm_session_start(&a->session, mams_loop_now(a->loop));
	links_changed(a);
	run(a);
	return 0;
}

void ccm_agent_stop(struct ccm_agent *a)
{
	if (!a->running)
		return;
	ccm_session_stop(&a->session, mams_loop_now(a->loop));
	run(a);
}

int ccm_agent_cleanup(const struct ccm_conf *conf, struct mams_error *err)
{
	struct ccm_net *n;
	int rc = ccm_net_open(NULL, conf, &n, err);

	if (rc < 0)
		return rc;
	ccm_madp_clear(conf);
	if (conf->session.convergence & 1u << MX_CONV_GMA)
		ccm_tun_clear(conf);
	ccm_ipsec_clear(conf, true);
	ccm_net_clear(n);
	ccm_net_close(n);
	return 0;
}

const struct ccm_session *ccm_agent_session(const struct ccm_agent *a)
{
	return &a->session;
}

const struct ccm_links *ccm_agent_links(const struct ccm_agent *a)
{
	return &a->links;
}

struct ccm_uplink *ccm_agent_uplink(const struct ccm_agent *a)
{
	return a->uplink;
}

const struct ccm_madp *ccm_agent_madp(const struct ccm_agent *a)
{
	return a->madp;
}

const struct ccm_target *ccm_agent_target(const struct ccm_agent *a)
{
	return &a->applied;
}

const struct ccm_ipsec *ccm_agent_ipsec(const struct ccm_agent *a)
{
	return a->ipsec;
}

const struct ccm_tun *ccm_agent_tunnel(const struct ccm_agent *a)
{
	return a->tun;
}

bool ccm_agent_madp_reachable(const struct ccm_agent *a)
{
	return !a->peer_down;
}

/* ---- for the CCM API ---- */

void ccm_agent_watch(struct ccm_agent *a, const struct ccm_agent_ops *ops, void *user)
{
	a->ops = ops;
	a->user = user;
}

/* Not from here: whoever asks may stand in one of the session's own reports. */
static void soon(struct ccm_agent *a)
{
	mams_loop_timer_at(a->timer, mams_loop_now(a->loop));
}

int64_t ccm_agent_need(
	struct ccm_agent *a, const struct ccm_need *in, uint32_t owner, int64_t lifetime_ms)
{
	mams_time now = mams_loop_now(a->loop);
	int64_t id = a->running ? ccm_session_need(&a->session, in, owner,
					  mams_time_add_ms(now, lifetime_ms), now)
				: -MAMS_ESTATE;

	soon(a);
	return id;
}

void ccm_agent_need_end(struct ccm_agent *a, uint32_t id)
{
	if (!a->running)
		return;
	ccm_session_need_end(&a->session, id, mams_loop_now(a->loop));
	soon(a);
}

int ccm_agent_predict(struct ccm_agent *a)
{
	int rc = a->running ? ccm_session_predict(&a->session, mams_loop_now(a->loop))
			    : -MAMS_ESTATE;

	soon(a);
	return rc;
}

int ccm_agent_signal(struct ccm_agent *a, uint8_t connection_id, int type, int dbm)
{
	soon(a);
	return ccm_session_told(&a->session, connection_id, type, dbm, mams_loop_now(a->loop));
}
