/* mams-proxy: MPTCP proxy of the client (C-MADP) and of the network (N-MADP).  Wiring, nothing
 * else. */
#include "lib/base/log.h"
#include "lib/io/proc.h"
#include "mams_version.h"
#include "proxy/backlog.h"
#include "proxy/control.h"
#include "proxy/room.h"

#include <linux/capability.h>

#include <stdio.h>

#define LOG_MODULE "main"

static void stop(void *user)
{
	mams_proc_notify("STOPPING=1");
	mams_loop_stop(user);
}

/* NET_ADMIN: SO_MARK and nftables (client), binding to clients' addresses (network, transparent),
 * the packet filter of protected addresses.  Also for buffers above net.core.rmem_max and wmem_max,
 * without which it runs as well, though not as fast. */
static int drop(const struct px_conf *conf)
{
	static const int keep[] = {CAP_NET_ADMIN};
	const bool wish = !px_room_can(true) || !px_backlog_can();
	bool need = conf->role == PX_ROLE_CLIENT || conf->n_transparent > 0 ||
		    conf->n_protected > 0 || (wish && mams_proc_has_cap(CAP_NET_ADMIN));
	int rc = mams_proc_drop_caps(keep, need ? MAMS_ARRAY_LEN(keep) : 0);

	if (rc == 0 && !px_room_can(false))
		log_warn("big uploads and downloads may stand still after a change of links: this "
			 "process may not set receive buffers of 8 MiB; cure: CAP_NET_ADMIN, or "
			 "net.core.rmem_max = 4194304");
	return rc;
}

static int serve(const struct px_conf *conf, struct mams_error *err)
{
	struct mams_loop *loop = NULL;
	struct px_control *control = NULL;
	int rc = mams_proc_setup(true);

	if (rc == 0)
		rc = mams_loop_new(&loop);
	if (rc == 0)
		rc = drop(conf);
	if (rc == 0)
		rc = px_control_new(loop, conf, &control, err);
	if (rc == 0)
		rc = mams_proc_signals(loop, stop, NULL, loop);
	if (rc == 0) {
		log_info("ready role=%s", conf->role == PX_ROLE_CLIENT ? "client" : "network");
		mams_proc_notify("READY=1");
		mams_loop_run(loop);
	}
	px_control_free(control);
	mams_loop_free(loop);
	return rc;
}

int main(int argc, char **argv)
{
	static const struct mams_proc_program program = {.name = "mams-proxy",
		.version = MAMS_VERSION,
		.features = "+MPTCP +CONVERT(RFC 8803)",
		.summary = "MAMS MPTCP proxy, client and network role",
		.default_config = "/etc/mams/proxy.conf"};
	struct mams_proc_args args;
	struct mams_error err = {0};
	struct px_conf conf;
	enum mams_proc_verdict verdict = mams_proc_args(&program, argc, argv, &args);
	int rc;

	if (verdict != MAMS_PROC_GO)
		return verdict == MAMS_PROC_EXIT_OK ? 0 : 2;
	rc = px_conf_load(args.config, &conf, &err);
	if (rc < 0) {
		fprintf(stderr, "mams-proxy: %s: %s\n", err.where, err.text);
		return 1;
	}
	if (args.check_only)
		printf("%s: good\n", args.config);
	else
		rc = serve(&conf, &err);
	if (rc < 0)
		log_err("cannot start: %s: %s", err.where[0] ? err.where : "start",
			err.text[0] ? err.text : mams_strerror(rc));
	px_conf_free(&conf);
	return rc < 0 ? 1 : 0;
}
