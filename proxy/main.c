#include "proxy/instance.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct px_path_health health[PX_PATHS_MAX];

static int add_path(struct px_snapshot *s, const char *arg)
{
	char buf[128];
	char *comma;
	struct px_path *p = &s->paths[s->n_paths];

	snprintf(buf, sizeof(buf), "%s", arg);
	comma = strchr(buf, ',');
	if (!comma)
		return -1;
	*comma = 0;
	if (mams_addr_parse(buf, &p->local) || mams_addr_parse_port(comma + 1, 7443, &p->proxy))
		return -1;
	p->priority = (uint32_t)s->n_paths;
	p->connection_id = (uint8_t)s->n_paths;
	p->health = &health[s->n_paths++];
	return 0;
}

int main(int argc, char **argv)
{
	struct px_snapshot *s = px_snapshot_new();
	struct px_listen listen[8];
	size_t n_listen = 0;
	struct px_instance in;
	struct mams_error err;
	struct px_client *clients[1];
	const char *key = NULL;
	sigset_t set;
	int c;
	int sig;

	s->set = (struct px_settings){.workers = 2,
		.max_flows = 8000,
		.max_pending_per_client = 256,
		.max_pending_per_source = 1024,
		.buffer_size = 262144,
		.limits = {.idle_ms = 86400000, .half_closed_ms = 86400000, .flush_ms = 2000},
		.hello_ms = 10000,
		.connect_ms = 60000,
		.tail_ms = 5000,
		.race_ms = 150,
		.attempt_ms = 2500,
		.confirm_ms = 75000,
		.rounds = 2,
		.mark = 0x4d41,
		.keepalive_s = 300,
		.fastopen = true,
		.need_cookie = true,
		.fail_open = true};
	s->dest.others = true;
	while ((c = getopt(argc, argv, "cnl:k:p:t:w:")) != -1) {
		switch (c) {
		case 'c':
			s->set.role = PX_ROLE_CLIENT;
			break;
		case 'n':
			s->set.role = PX_ROLE_NETWORK;
			break;
		case 'w':
			s->set.workers = (uint32_t)strtoul(optarg, NULL, 10);
			break;
		case 't':
		case 'l':
			if (mams_addr_parse_port(optarg, 7443, &listen[n_listen].addr))
				return 2;
			listen[n_listen++].kind = c == 't' ? PX_LISTEN_TRANSPARENT
						  : s->set.role == PX_ROLE_CLIENT
							  ? PX_LISTEN_APP
							  : PX_LISTEN_CONVERT;
			break;
		case 'k':
			key = optarg;
			break;
		case 'p':
			if (add_path(s, optarg))
				return 2;
			break;
		default:
			return 2;
		}
	}
	if (s->set.role == PX_ROLE_NETWORK && key) {
		clients[0] = px_client_new("dev", key, strlen(key), s->set.workers);
		s->clients = px_clients_new(clients, 1);
		px_client_unref(clients[0]);
		s->set.mark = 0;
	} else if (key) {
		s->cookie_len = strlen(key);
		memcpy(s->cookie, key, s->cookie_len);
	}
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	if (px_instance_start(&in, s, listen, n_listen, &err) != 0) {
		fprintf(stderr, "%s: %s\n", err.where, err.text);
		return 1;
	}
	for (;;) {
		struct px_counters n;
		size_t rows;
		const struct mams_metric *row = px_counters_rows(&rows);

		sigwait(&set, &sig);
		px_instance_counters(&in, &n);
		for (size_t i = 0; i < rows; i++)
			if (mams_metric_value(&row[i], &n))
				fprintf(stderr, "%s %lu\n", row[i].name,
					mams_metric_value(&row[i], &n));
		if (sig != SIGUSR1)
			break;
	}
	px_instance_stop(&in);
	px_clients_free((struct px_clients *)(uintptr_t)s->clients);
	px_snapshot_unref(s);
	return 0;
}
