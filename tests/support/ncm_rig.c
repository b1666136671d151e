#include "tests/support/ncm_rig.h"

#include "lib/base/log.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[64];
static uint16_t ports[2];

static const char script[] =
	"set -e; cd \"$1\"; exec >log 2>&1; $2 -d . init; $2 -d . -s 127.0.0.1 server ncm\n"
	"$2 -d . client good; chmod 600 *.key\n"
	"cat >ncm.conf <<X\n"
	"ncm_id = 7\nmax_rate = 0\nlisten = { \"127.0.0.1:$3\" }\ncertificate = $1/ncm.crt\nkey = "
	"$1/ncm.key\n"
	"client_ca = $1/ca.crt\nstore = $1/ncm.db\nctl_socket = $1/ncm.ctl\n"
	"proxy_socket = $1/none.ctl\npm_socket = $1/none-pm.ctl\n"
	"secure_udp lo {\n interface = lo\n listen = \"127.0.0.1:$4\"\n}\n"
	"access lte {\n type = LTE\n client_networks = { \"10.0.0.0/8\" }\n"
	" proxies = { \"10.0.0.1:7443\" }\n}\n"
	"X\n";

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "ncm_rig: %s\n", what);
	abort();
}

static void run_script(const char *text, const char *ca)
{
	char port[2][8];
	pid_t pid = fork();
	int status = -1;

	if (pid == 0) {
		snprintf(port[0], sizeof(port[0]), "%u", ports[0]);
		snprintf(port[1], sizeof(port[1]), "%u", ports[1]);
		execl("/bin/bash", "bash", "-c", text, "rig", dir, ca, port[0], port[1],
			(char *)NULL);
		_exit(127);
	}
	must(waitpid(pid, &status, 0) == pid && status == 0, "the files cannot be made");
}

static uint16_t free_port(int type)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(sa);
	int fd = socket(AF_INET, type, 0);

	must(bind(fd, (struct sockaddr *)&sa, len) == 0 &&
			getsockname(fd, (struct sockaddr *)&sa, &len) == 0,
		"no free port");
	close(fd);
	return ntohs(sa.sin_port);
}

static void remove_files(void)
{
	run_script("rm -rf \"$1\"", "");
}

void ncm_rig_files(const char *ca)
{
	snprintf(dir, sizeof(dir), "/tmp/mams-rig-XXXXXX");
	must(mkdtemp(dir) != NULL, "no temporary directory");
	ports[0] = free_port(SOCK_STREAM);
	ports[1] = free_port(SOCK_DGRAM);
	run_script(script, ca);
	atexit(remove_files);
	mams_log_set_level(MAMS_LOG_ERR);
}

const char *ncm_rig_file(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

uint16_t ncm_rig_port(bool udp)
{
	return ports[udp];
}

static void on_send(void *user, struct ncm_session *s, const struct mx_msg *m)
{
	struct ncm_rig *g = user;

	g->sent++;
	ncm_api_send(g->api, s, m);
}

static void on_gone(void *user, struct ncm_session *s)
{
	ncm_api_gone(((struct ncm_rig *)user)->api, s);
}

static void on_steered(void *user, uint64_t request, int code, const char *text)
{
	(void)user;
	(void)request;
	(void)code;
	(void)text;
}

static bool on_may_act(void *user)
{
	(void)user;
	return true;
}

static const struct ncm_service_ops ops = {.send = on_send,
	.gone = on_gone,
	.moved = on_gone,
	.steered = on_steered,
	.may_act = on_may_act};

void ncm_rig_start(struct ncm_rig *g)
{
	struct mams_error err = {.text = "no memory"};
	int rc;

	*g = (struct ncm_rig){0};
	(void)unlink(ncm_rig_file("ncm.db"));
	rc = ncm_conf_load(ncm_rig_file("ncm.conf"), &g->conf, &err);
	if (rc == 0)
		rc = mams_loop_new(&g->loop);
	if (rc == 0)
		rc = ncm_store_open(g->conf.store, &g->store, &err);
	if (rc == 0)
		rc = ncm_service_new(g->loop, &g->conf, g->store, &g->service);
	if (rc == 0) {
		ncm_service_set_ops(g->service, &ops, g);
		rc = ncm_api_new(g->loop, &g->conf, g->service, NULL, &g->api, &err);
	}
	if (rc == 0)
		rc = ncm_service_start(g->service, &err);
	must(rc == 0, err.text);
}

void ncm_rig_stop(struct ncm_rig *g)
{
	ncm_api_free(g->api);
	ncm_service_free(g->service);
	ncm_store_close(g->store);
	mams_loop_free(g->loop);
	ncm_conf_free(&g->conf);
}

static void stop(void *user)
{
	mams_loop_stop(user);
}

/* A timer that is due stops the loop after what is there has been taken. */
void ncm_rig_turn(struct ncm_rig *g)
{
	struct mams_loop_timer *t;

	must(mams_loop_timer_new(g->loop, stop, g->loop, &t) == 0, "no timer");
	mams_loop_timer_at(t, mams_loop_now(g->loop));
	mams_loop_run(g->loop);
	mams_loop_timer_del(t);
}

/* As its client would end it. */
static void end_session(struct ncm_rig *g, const struct ncm_session *s)
{
	struct mx_session_id id = {.ncm_id = s->policy->ncm_id, .session_id = s->s.session_id};
	struct mx_msg *m = mx_msg_new(MX_SESSION_TERMINATION_REQ, UINT32_MAX);
	char identity[NCM_IDENTITY_MAX];
	const struct mx_msg *reply;
	struct mams_error err;

	must(m != NULL, "no memory");
	snprintf(identity, sizeof(identity), "%s", s->s.identity);
	m->session_termination = (struct mx_session_termination){
		.unique_session_id = &id, .has_reason = true, .reason = MX_NORMAL_RELEASE};
	must(ncm_service_message(g->service, identity, s->transport, m, &reply, &err) == 0,
		"a session cannot be ended");
	mx_msg_free(m);
}

void ncm_rig_again(struct ncm_rig *g)
{
	static unsigned runs;
	struct ncm_registry *r = g->service ? ncm_service_registry(g->service) : NULL;
	const struct ncm_session *s = NULL;

	/* also those that the NCM itself is ending, which would wait for their client's answer */
	while (r && (s = ncm_registry_next(r, s)))
		end_session(g, s);
	for (int i = 0; r && i < 1000 && ncm_registry_count(r) > 0; i++) {
		usleep(100); /* its turn comes within a millisecond */
		ncm_rig_turn(g);
	}
	must(!r || ncm_registry_count(r) == 0, "an ended session stays");
	if (runs++ % 256 != 0)
		return;
	if (r)
		ncm_rig_stop(g);
	ncm_rig_start(g);
}

uint64_t ncm_rig_counter(const struct ncm_rig *g, const char *name)
{
	struct ncm_api_counters tables[NCM_API_COUNTERS_MAX];
	size_t n = ncm_api_counters(g->api, tables);

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < tables[i].n; k++)
			if (strcmp(tables[i].rows[k].name, name) == 0)
				return mams_metric_value(&tables[i].rows[k], tables[i].base);
	must(false, name);
	return 0;
}
