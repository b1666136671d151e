/* mams-ncm: network connection manager.  Wiring, nothing else. */
#include "lib/base/log.h"
#include "lib/io/proc.h"
#include "mams_version.h"
#include "ncm-service/admin.h"
#include "ncm-service/admin_policy.h"
#include "ncm-service/admin_steer.h"
#include "ncm-service/config_steer.h"
#include "ncm-service/feeder.h"
#include "ncm-service/front.h"
#include "ncm-service/steerer.h"
#include "ncm-service/web.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define LOG_MODULE "main"

struct app {
	struct ncm_conf conf;
	struct mams_loop *loop;
	struct ncm_cluster *cluster; /* NULL: sessions are kept in a file of our own */
	struct ncm_store *store;
	struct ncm_service *service;
	struct ncm_api *api;
	struct ncm_admin *admin;
	struct ncm_web *web; /* NULL: not configured */
};

static void on_send(void *user, struct ncm_session *s, const struct mx_msg *m)
{
	ncm_api_send(((struct app *)user)->api, s, m);
}

static void on_gone(void *user, struct ncm_session *s)
{
	ncm_api_gone(((struct app *)user)->api, s);
}

static void on_steered(void *user, uint64_t request, int code, const char *text)
{
	ncm_admin_steered(((struct app *)user)->admin, request, code, text);
}

static void on_moved(void *user, struct ncm_session *s)
{
	ncm_api_moved(((struct app *)user)->api, s);
}

static bool on_may_act(void *user)
{
	const struct app *a = user;

	return !a->cluster || ncm_cluster_may_act(a->cluster);
}

static const struct ncm_service_ops service_ops = {.send = on_send,
	.gone = on_gone,
	.moved = on_moved,
	.steered = on_steered,
	.may_act = on_may_act};

static bool on_adopt(void *user, const struct ncm_saved *s)
{
	return ncm_service_adopt(((struct app *)user)->service, s);
}

static void on_recall(void *user, const char *identity, const char *text)
{
	ncm_service_recall(((struct app *)user)->service, identity, text);
}

static void on_used(void *user, const char *identity, const char *text)
{
	ncm_service_used(((struct app *)user)->service, identity, text);
}

static bool on_lose(void *user, const char *identity)
{
	return ncm_service_lose(((struct app *)user)->service, identity);
}

static bool on_has(void *user, const char *identity)
{
	const struct app *a = user;

	return ncm_registry_by_identity(ncm_service_registry(a->service), identity) != NULL;
}

static void on_refresh(void *user)
{
	struct app *a = user;

	ncm_service_refresh(a->service);
	ncm_front_refresh(ncm_api_front(a->api));
}

static void on_packet(void *user, const struct ctl_msg *msg)
{
	struct app *a = user;

	if (msg->ncm_peer.kind == CTL_PEER_STEER || msg->ncm_peer.kind == CTL_PEER_STEERED)
		ncm_steers_packet(ncm_admin_steers(a->admin), msg);
	else
		ncm_front_packet(ncm_api_front(a->api), msg);
}

static void on_undelivered(void *user, const char *instance, const struct ctl_msg *msg)
{
	struct app *a = user;

	if (msg->ncm_peer.kind == CTL_PEER_STEER)
		ncm_steers_undelivered(ncm_admin_steers(a->admin), msg);
	else
		ncm_front_undelivered(ncm_api_front(a->api), instance, msg);
}

static void on_dead(void *user, const char *instance)
{
	struct app *a = user;

	ncm_front_dead(ncm_api_front(a->api), instance);
	ncm_steers_dead(ncm_admin_steers(a->admin), instance);
}

static bool on_is_drained(void *user, const char *madp)
{
	struct app *a = user;
	const struct ncm_madps *m = ncm_registry_madps(ncm_service_registry(a->service));
	int i = ncm_madps_find(m, madp);

	return i >= 0 && m->use[i].drained;
}

static void on_set_drained(void *user, const char *madp, bool drained)
{
	ncm_service_set_drained(((struct app *)user)->service, madp, drained);
}

static const struct ncm_cluster_ops cluster_ops = {.adopt = on_adopt,
	.recall = on_recall,
	.used = on_used,
	.lose = on_lose,
	.has = on_has,
	.refresh = on_refresh,
	.packet = on_packet,
	.undelivered = on_undelivered,
	.dead = on_dead,
	.is_drained = on_is_drained,
	.set_drained = on_set_drained};

/* Sessions with links of which the network says something else now are looked at again. */
static void on_network(void *user)
{
	struct app *a = user;
	struct ncm_registry *r = ncm_service_registry(a->service);
	struct ncm_session *next;

	for (struct ncm_session *s = ncm_registry_next(r, NULL); s; s = next) {
		next = ncm_registry_next(r, s);
		if (ncm_steerer_network(s, mams_loop_now(a->loop)))
			ncm_service_run(a->service, s);
	}
}

static void stop(void *user)
{
	const struct app *a = user;

	log_info("stopping; sessions are kept in the store");
	mams_proc_notify("STOPPING=1");
	mams_loop_stop(a->loop);
}

/* A wrong policy is refused whole, the running one stays. */
static void reload(void *user)
{
	struct app *a = user;
	struct steer_policy *old;
	struct mams_error err = {0};
	int rc = ncm_conf_steer(&a->conf, &old, &err);

	ncm_api_reload(a->api);
	ncm_web_reload(a->web);
	if (rc < 0)
		log_err("the policy stays as it was: %s: %s", err.where, err.text);
	if (rc < 0 || !a->conf.policy_file)
		return;
	ncm_policy_renew(a->loop, a->service);
	ncm_conf_steer_free(old);
	log_info("policy read again classes=%zu", a->conf.steer->n_classes);
}

static int open_store(struct app *a, struct mams_error *err)
{
	int rc;

	if (!a->conf.redis)
		return ncm_store_open(a->conf.store, &a->store, err);
	rc = ncm_cluster_new(a->loop, &a->conf, &a->cluster, err);
	if (rc == 0)
		a->store = ncm_cluster_store(a->cluster);
	return rc;
}

static int start(struct app *a, struct mams_error *err)
{
	int rc = mams_loop_new(&a->loop);

	if (rc == 0)
		rc = open_store(a, err);
	if (rc == 0)
		rc = ncm_service_new(a->loop, &a->conf, a->store, &a->service);
	if (rc == 0) {
		ncm_service_set_ops(a->service, &service_ops, a);
		rc = ncm_api_new(a->loop, &a->conf, a->service, a->cluster, &a->api, err);
	}
	if (rc == 0)
		ncm_feeder_on_change(ncm_api_feeder(a->api), on_network, a);
	if (rc == 0 && a->conf.n_admin_listen > 0)
		rc = mams_log_keep();
	if (rc == 0 && a->conf.n_admin_listen > 0)
		rc = ncm_web_new(a->loop, &a->conf, a->service, a->api, &a->web, err);
	if (rc == 0)
		rc = mams_proc_drop_caps(NULL, 0);
	if (rc == 0) {
		rc = ncm_admin_new(a->loop, &a->conf, a->service, a->api, a->cluster, &a->admin);
		if (rc < 0)
			return mams_fail(err, -rc, a->conf.ctl_socket,
				"cannot listen: %s; another mams-ncm may run, or ctl_socket needs "
				"another place",
				mams_strerror(rc));
	}
	if (rc == 0)
		rc = ncm_service_start(a->service, err);
	if (rc == 0 && a->cluster)
		ncm_cluster_start(a->cluster, &cluster_ops, a);
	if (rc == 0)
		rc = mams_proc_signals(a->loop, stop, reload, a);
	return rc;
}

static void finish(struct app *a)
{
	ncm_web_free(a->web);
	ncm_admin_free(a->admin);
	ncm_api_free(a->api);
	ncm_service_free(a->service);
	ncm_store_close(a->store);
	ncm_cluster_free(a->cluster);
	mams_loop_free(a->loop);
	ncm_conf_free(&a->conf);
	mams_log_keep_no_more();
}

int main(int argc, char **argv)
{
	static const struct mams_proc_program program = {.name = "mams-ncm",
		.version = MAMS_VERSION,
		.features = "+TLS(GnuTLS) +SQLITE",
		.summary = "MAMS network connection manager: control service and policy",
		.default_config = "/etc/mams/ncm.conf"};
	struct mams_proc_args args;
	struct mams_error err = {0};
	struct app a = {0};
	enum mams_proc_verdict verdict = mams_proc_args(&program, argc, argv, &args);
	int rc;

	if (verdict != MAMS_PROC_GO)
		return verdict == MAMS_PROC_EXIT_OK ? 0 : 2;
	rc = ncm_conf_load(args.config, &a.conf, &err);
	if (rc < 0) {
		fprintf(stderr, "mams-ncm: %s: %s\n", err.where, err.text);
		return 1;
	}
	if (args.check_only) {
		printf("%s: good\n", args.config);
		ncm_conf_free(&a.conf);
		return 0;
	}
	rc = mams_proc_setup(true);
	if (rc == 0)
		rc = start(&a, &err);
	if (rc < 0) {
		log_err("cannot start: %s: %s", err.where[0] ? err.where : "start",
			err.text[0] ? err.text : mams_strerror(rc));
	} else {
		log_info("ready ncm_id=%llu accesses=%zu", (unsigned long long)a.conf.policy.ncm_id,
			a.conf.policy.n_accesses);
		mams_proc_notify("READY=1");
		mams_loop_run(a.loop);
	}
	finish(&a);
	return rc < 0 ? 1 : 0;
}
