/* mams-ccm: client connection manager.  Wiring, nothing else. */
#include "ccm-agent/admin.h"
#include "ccm-agent/api.h"
#include "ccm-agent/apply_marks.h"
#include "ccm-agent/page.h"
#include "lib/base/log.h"
#include "lib/io/proc.h"
#include "mams_version.h"

#include <linux/capability.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define LOG_MODULE "main"

struct app {
	struct ccm_conf conf;
	bool cleanup;
	struct mams_loop *loop;
	struct ccm_agent *agent;
	struct ccm_admin *admin;
	struct ccm_api *api;
	struct ccm_page *page;
	struct ccm_marks *marks;
};

static int take_option(void *user, size_t index, const char *arg)
{
	(void)index;
	(void)arg;
	((struct app *)user)->cleanup = true;
	return 0;
}

static void stop(void *user)
{
	struct app *a = user;

	mams_proc_notify("STOPPING=1");
	ccm_agent_stop(a->agent);
}

static void reload(void *user)
{
	struct app *a = user;

	log_info("certificate and key are read again");
	ccm_uplink_renew(ccm_agent_uplink(a->agent));
}

static bool marks_wanted(void *user)
{
	const struct ccm_session *s = ccm_agent_session(((struct app *)user)->agent);

	return s->set_up && !s->fallen_back;
}

static int start(struct app *a, struct mams_error *err)
{
	static const int keep[] = {CAP_NET_ADMIN};
	int rc = mams_loop_new(&a->loop);

	/* whoever holds the socket is the one agent of this host */
	if (rc == 0) {
		rc = ccm_admin_new(a->loop, &a->conf, &a->admin);
		if (rc < 0)
			return mams_fail(err, -rc, a->conf.ctl_socket,
				"cannot listen: %s; another mams-ccm may run, or ctl_socket needs "
				"another place",
				mams_strerror(rc));
	}
	if (rc == 0)
		rc = ccm_agent_new(a->loop, &a->conf, &a->agent, err);
	if (rc == 0)
		rc = ccm_api_new(a->loop, &a->conf, a->agent, &a->api, err);
	if (rc == 0)
		rc = ccm_page_new(a->loop, &a->conf, a->api, &a->page, err);
	if (rc == 0)
		rc = ccm_marks_new(a->loop, &a->conf, marks_wanted, a, &a->marks);
	if (rc == 0)
		rc = mams_proc_drop_caps(keep, MAMS_ARRAY_LEN(keep));
	if (rc == 0) {
		ccm_admin_agent(a->admin, a->agent, a->api);
		rc = mams_proc_signals(a->loop, stop, reload, a);
	}
	if (rc == 0)
		rc = ccm_agent_start(a->agent, err);
	return rc;
}

static void finish(struct app *a)
{
	ccm_page_free(a->page);
	ccm_admin_free(a->admin);
	ccm_api_free(a->api);
	ccm_marks_free(a->marks);
	ccm_agent_free(a->agent);
	mams_loop_free(a->loop);
	ccm_conf_free(&a->conf);
}

int main(int argc, char **argv)
{
	static const struct mams_proc_option options[] = {
		{"cleanup", NULL, "put the host back on its plain network, and exit"}};
	struct app a = {0};
	const struct mams_proc_program program = {.name = "mams-ccm",
		.version = MAMS_VERSION,
		.features = "+TLS(OpenSSL) +MPTCP",
		.summary = "MAMS client connection manager",
		.default_config = "/etc/mams/ccm.conf",
		.options = options,
		.n_options = MAMS_ARRAY_LEN(options),
		.option = take_option,
		.user = &a};
	struct mams_proc_args args;
	struct mams_error err = {0};
	enum mams_proc_verdict verdict = mams_proc_args(&program, argc, argv, &args);
	int rc;

	if (verdict != MAMS_PROC_GO)
		return verdict == MAMS_PROC_EXIT_OK ? 0 : 2;
	rc = ccm_conf_load(args.config, &a.conf, &err);
	if (rc < 0) {
		fprintf(stderr, "mams-ccm: %s: %s\n", err.where, err.text);
		return 1;
	}
	if (args.check_only || a.cleanup) {
		rc = a.cleanup ? ccm_agent_cleanup(&a.conf, &err) : 0;
		if (a.cleanup)
			ccm_marks_clear(&a.conf);
		if (rc < 0)
			fprintf(stderr, "mams-ccm: %s: %s\n", err.where, err.text);
		else if (args.check_only)
			printf("%s: good\n", args.config);
		ccm_conf_free(&a.conf);
		return rc < 0 ? 1 : 0;
	}
	rc = mams_proc_setup(true);
	if (rc == 0)
		rc = start(&a, &err);
	if (rc < 0) {
		log_err("cannot start: %s: %s", err.where[0] ? err.where : "start",
			err.text[0] ? err.text : mams_strerror(rc));
	} else {
		log_info("ready links=%zu", a.conf.n_links);
		mams_proc_notify("READY=1");
		mams_proc_settle();
		mams_loop_run(a.loop);
	}
	finish(&a);
	return rc < 0 ? 1 : 0;
}
