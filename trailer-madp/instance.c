#include "trailer-madp/instance.h"

#include "lib/io/rawip.h"
#include "trailer-madp/hop.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int open_tun(struct madp_worker *w, const struct madp_conf *conf, struct mams_error *err)
{
	char name[MAMS_TUN_NAME];
	int rc;

	if (conf->workers == 1)
		snprintf(name, sizeof(name), "%s", conf->interface);
	else
		snprintf(name, sizeof(name), "%s%u", conf->interface, w->index);
	rc = mams_tun_open(name, &w->tun, err);
	if (rc < 0)
		return rc;
	rc = mams_tun_up(&w->tun, conf->mtu);
	return rc < 0 ? mams_fail(
				err, -rc, name, "cannot bring the device up: %s", mams_strerror(rc))
		      : 0;
}

static int open_socks(struct madp_worker *w, const struct madp_conf *conf, struct mams_error *err)
{
	for (size_t i = 0; i < conf->n_listen; i++) {
		struct mams_udp_opts o = {.local = conf->listen[i],
			.send_octets = (int)conf->send_buffer,
			.receive_octets = (int)conf->receive_buffer};
		int rc;

		o.local.port = (uint16_t)(o.local.port + w->index);
		rc = mams_udp_open(&o, &w->sock[i].fd, err);
		if (rc < 0)
			return rc;
		w->sock[i].local = o.local;
		w->sock[i].inside = madp_conf_protects(conf, &conf->listen[i]);
	}
	return 0;
}

/** Links with client NAT: all of them are the first worker's. */
static int open_hops(struct madp_worker *w, const struct madp_conf *conf, struct mams_error *err)
{
	const struct mams_rawip_out o = {.send_octets = (int)conf->send_buffer};
	uint32_t ifindex[MADP_HOP_MAX];
	int n = madp_hop_interfaces(conf, ifindex, err);

	for (int i = 0; i < n; i++) {
		struct madp_sock *sock = &w->sock[conf->n_listen + (size_t)i];
		int rc = mams_rawip_open_in(
			ifindex[i], MADP_IPPROTO_GMA, (int)conf->receive_buffer, &sock->fd, err);

		if (rc == 0)
			rc = mams_rawip_open_out(&o, &sock->out, err);
		if (rc < 0)
			return rc;
		sock->nat = true;
	}
	return n < 0 ? n : 0;
}

static void close_worker(struct madp_worker *w)
{
	mams_tun_close(&w->tun);
	for (size_t i = 0; i < MADP_SOCKS_MAX; i++)
		madp_sock_close(&w->sock[i]);
}

static int start_worker(
	struct madp_instance *in, const struct madp_conf *conf, struct mams_error *err)
{
	struct madp_worker *w = &in->workers[in->n_workers];
	int rc;

	w->index = in->n_workers;
	w->role = (enum madp_role)conf->role;
	w->notes = &in->notes;
	w->certs = &conf->certs;
	w->limits = (struct madp_limits){.sdu_octets = conf->packet_max,
		.sdus = conf->waiting_max,
		.windows = conf->window_octets,
		.proofs = conf->proofs};
	w->tun.fd = -1;
	w->epfd = w->mailbox.fd = -1;
	for (size_t i = 0; i < MADP_SOCKS_MAX; i++)
		w->sock[i].fd = -1;
	rc = open_tun(w, conf, err);
	if (rc == 0)
		rc = open_socks(w, conf, err);
	if (rc == 0 && conf->client_nat && conf->role == MADP_ROLE_NETWORK && w->index == 0)
		rc = open_hops(w, conf, err);
	if (rc < 0) {
		close_worker(w);
		return rc;
	}
	rc = madp_worker_start(w);
	if (rc < 0)
		return mams_fail(err, -rc, NULL, "cannot start a worker: %s", mams_strerror(rc));
	in->n_workers++;
	return 0;
}

int madp_instance_start(
	struct madp_instance *in, const struct madp_conf *conf, struct mams_error *err)
{
	int rc = madp_notes_init(&in->notes);

	if (rc < 0)
		return rc;
	in->workers = calloc(conf->workers, sizeof(*in->workers));
	if (!in->workers)
		rc = -ENOMEM;
	for (uint32_t i = 0; rc == 0 && i < conf->workers; i++)
		rc = start_worker(in, conf, err);
	if (rc < 0)
		madp_instance_stop(in);
	return rc;
}

void madp_instance_stop(struct madp_instance *in)
{
	for (unsigned i = 0; i < in->n_workers; i++)
		madp_worker_stop(&in->workers[i]);
	in->n_workers = 0;
	free(in->workers);
	in->workers = NULL;
	madp_notes_fini(&in->notes);
}

void madp_instance_counters(const struct madp_instance *in, struct madp_counters *out)
{
	*out = (struct madp_counters){0};
	for (unsigned i = 0; i < in->n_workers; i++)
		madp_counters_add(out, &in->workers[i].counters);
}
