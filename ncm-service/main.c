/* mams-ncm: network connection manager.  Wiring, nothing else. */
#include "lib/base/log.h"
#include "lib/io/proc.h"
#include "mams_version.h"
#include "ncm-service/admin.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define LOG_MODULE "main"

struct app {
	struct ncm_conf conf;
	struct mams_loop *loop;
	struct ncm_store *store;
	struct ncm_service *service;
	struct ncm_api *api;
	struct ncm_admin *admin;
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

static const struct ncm_service_ops service_ops = {
	.send = on_send, .gone = on_gone, .steered = on_steered};

static void stop(void *user)
{
	const struct app *a = user;

	log_info("stopping; sessions are kept in the store");
	mams_proc_notify("STOPPING=1");
	mams_loop_stop(a->loop);
}

static void reload(void *user)
{
	ncm_api_reload(((struct app *)user)->api);
}

static int start(struct app *a, struct mams_error *err)
{
	int rc = mams_loop_new(&a->loop);

	if (rc == 0)
		rc = ncm_store_open(a->conf.store, &a->store, err);
	if (rc == 0)
		rc = ncm_service_new(a->loop, &a->conf, a->store, &a->service);
	if (rc == 0) {
		ncm_service_set_ops(a->service, &service_ops, a);
		rc = ncm_api_new(a->loop, &a->conf, a->service, &a->api, err);
	}
	if (rc == 0)
		rc = mams_proc_drop_caps(NULL, 0);
	if (rc == 0) {
		rc = ncm_admin_new(a->loop, &a->conf, a->service, a->api, &a->admin);
		if (rc < 0)
			return mams_fail(err, -rc, a->conf.ctl_socket,
				"cannot listen: %s; another mams-ncm may run, or ctl_socket needs "
				"another place",
				mams_strerror(rc));
	}
	if (rc == 0)
		rc = ncm_service_start(a->service);
	if (rc == 0)
		rc = mams_proc_signals(a->loop, stop, reload, a);
	return rc;
}

static void finish(struct app *a)
{
	ncm_admin_free(a->admin);
	ncm_api_free(a->api);
	ncm_service_free(a->service);
	ncm_store_close(a->store);
	mams_loop_free(a->loop);
	ncm_conf_free(&a->conf);
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
