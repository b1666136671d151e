/* mams-trailer: trailer-based MX convergence (RFC 9188), client (C-MADP) and network (N-MADP)
 * role.  Wiring, nothing else. */
#include "lib/base/log.h"
#include "lib/io/proc.h"
#include "mams_version.h"
#include "trailer-madp/control.h"

#include <linux/capability.h>

#include <stdio.h>

#define LOG_MODULE "main"

static void stop(void *user)
{
	mams_proc_notify("STOPPING=1");
	mams_loop_stop(user);
}

static int serve(const struct madp_conf *conf, struct mams_error *err)
{
	/* NET_ADMIN: TUN devices, addresses, routes, SO_MARK, nftables; NET_RAW: client NAT */
	static const int keep[] = {CAP_NET_ADMIN, CAP_NET_RAW};
	struct mams_loop *loop = NULL;
	struct madp_control *control = NULL;
	int rc = mams_proc_setup(true);

	if (rc == 0)
		rc = mams_loop_new(&loop);
	if (rc == 0)
		rc = mams_proc_drop_caps(keep, conf->client_nat ? 2 : 1);
	if (rc == 0)
		rc = madp_control_new(loop, conf, &control, err);
	if (rc == 0)
		rc = mams_proc_signals(loop, stop, NULL, loop);
	if (rc == 0) {
		log_info("ready role=%s workers=%u",
			conf->role == MADP_ROLE_CLIENT ? "client" : "network", conf->workers);
		mams_proc_notify("READY=1");
		mams_loop_run(loop);
	}
	madp_control_free(control);
	mams_loop_free(loop);
	return rc;
}

int main(int argc, char **argv)
{
	static const struct mams_proc_program program = {.name = "mams-trailer",
		.version = MAMS_VERSION,
		.features = "+GMA(RFC 9188)",
		.summary = "MAMS trailer MADP, client and network role",
		.default_config = "/etc/mams/trailer.conf"};
	struct mams_proc_args args;
	struct mams_error err = {0};
	struct madp_conf conf;
	enum mams_proc_verdict verdict = mams_proc_args(&program, argc, argv, &args);
	int rc;

	if (verdict != MAMS_PROC_GO)
		return verdict == MAMS_PROC_EXIT_OK ? 0 : 2;
	rc = madp_conf_load(args.config, &conf, &err);
	if (rc < 0) {
		fprintf(stderr, "mams-trailer: %s: %s\n", err.where, err.text);
		return 1;
	}
	if (args.check_only)
		printf("%s: good\n", args.config);
	else
		rc = serve(&conf, &err);
	if (rc < 0)
		log_err("cannot start: %s: %s", err.where[0] ? err.where : "start",
			err.text[0] ? err.text : mams_strerror(rc));
	madp_conf_free(&conf);
	return rc < 0 ? 1 : 0;
}
