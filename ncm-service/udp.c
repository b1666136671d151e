#include "ncm-service/udp.h"

#include "lib/base/log.h"
#include "lib/io/udpsock.h"
#include "ncm-service/front.h"

#include <uthash.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/queue.h>

#define LOG_MODULE "udp"
#define CNT(name, field, text)                                                                     \
	{                                                                                          \
		name, text, MAMS_COUNTER, offsetof(struct ncm_udp_counters, field)                 \
	}

const struct mams_metric ncm_udp_counter_rows[] = {
	CNT("udp_received_total", received, "datagrams received"),
	CNT("udp_sent_total", sent, "datagrams sent"),
	CNT("udp_send_failed_total", send_failed, "datagrams not sent"),
	CNT("udp_received_too_long_total", too_long, "datagrams longer than udp_max, dropped"),
	CNT("udp_clients_full_total", full, "datagrams of more clients than max_sessions, dropped"),
};
const size_t ncm_udp_n_counter_rows = MAMS_ARRAY_LEN(ncm_udp_counter_rows);

/* A client that has a session; others are answered and forgotten. */
struct client {
	struct ncm_channel channel;
	struct ncm_udp *u;
	struct mams_udpsock *sock;
	char identity[MAMS_ADDR_STRLEN + sizeof(NCM_UDP_IDENTITY)];
	UT_hash_handle hh; /* by identity */
};

struct listener {
	struct ncm_udp *u;
	struct mams_udpsock *sock;
};

/* A message that waits for its answer. */
struct datagram {
	struct listener *l;
	struct mams_addr peer;
	char identity[MAMS_ADDR_STRLEN + sizeof(NCM_UDP_IDENTITY)];
	LIST_ENTRY(datagram) link;
};

struct ncm_udp {
	struct ncm_intake *in;
	LIST_HEAD(, datagram) datagrams;
	struct client *clients;
	struct mams_log_rl long_ones;
	struct ncm_udp_counters counters;
	size_t n;
	struct listener listeners[];
};

static void transmit(struct ncm_udp *u, struct mams_udpsock *sock, const struct mams_addr *peer,
	const char *text, size_t len)
{
	int rc = len > u->in->conf->udp_max ? -MAMS_ELIMIT
					    : mams_udpsock_send(sock, peer, text, len);
	char where[MAMS_ADDR_STRLEN];

	if (rc == 0) {
		u->counters.sent++;
		return;
	}
	*(rc == -MAMS_ELIMIT ? &u->in->counters.too_long : &u->counters.send_failed) += 1;
	mams_log_limited(&u->long_ones, mams_loop_now(u->in->loop), MAMS_LOG_ERR, LOG_MODULE,
		rc == -MAMS_ELIMIT ? "message of %zu octets is longer than udp_max, not sent; "
				     "raise udp_max on both sides or use https client=%s error=%s"
				   : "message of %zu octets not sent client=%s error=%s",
		len, mams_addr_str(peer, where), mams_strerror(rc));
}

static void client_free(struct client *c)
{
	ncm_front_detach(&c->channel);
	HASH_DEL(c->u->clients, c);
	free(c);
}

static bool deliver(struct ncm_channel *channel, const char *text, size_t len)
{
	const struct client *c = (const struct client *)channel;

	transmit(c->u, c->sock, &c->channel.peer, text, len);
	return true; /* what gets lost is sent again by the session */
}

static void dismiss(struct ncm_channel *channel, enum ncm_dismissal why)
{
	(void)why;
	client_free((struct client *)channel);
}

static const struct ncm_channel_ops channel_ops = {
	.transport = NCM_UDP, .deliver = deliver, .dismiss = dismiss};

static struct client *client_get(struct ncm_udp *u, const char *identity)
{
	struct client *c;

	HASH_FIND_STR(u->clients, identity, c);
	if (c)
		return c;
	c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	c->u = u;
	c->channel.ops = &channel_ops;
	snprintf(c->identity, sizeof(c->identity), "%s", identity);
	HASH_ADD_STR(u->clients, identity, c);
	return c;
}

/* The client's port may have changed: it is where it spoke last. */
static void attach(const struct datagram *d)
{
	struct ncm_udp *u = d->l->u;
	struct client *c = client_get(u, d->identity);

	if (c) {
		c->sock = d->l->sock;
		c->channel.peer = d->peer;
		if (ncm_front_attach(u->in->front, d->identity, &c->channel) == 0)
			return;
		client_free(c);
	}
	log_err("cannot be reached, out of memory client=%s", d->identity);
}

static void datagram_free(struct datagram *d)
{
	LIST_REMOVE(d, link);
	free(d);
}

static void on_receipt(void *user, const struct ncm_receipt *receipt)
{
	struct datagram *d = user;

	if (receipt->text)
		transmit(d->l->u, d->l->sock, &d->peer, receipt->text, receipt->len);
	if (receipt->known)
		attach(d);
	datagram_free(d);
}

static void take(struct listener *l, const struct mams_addr *peer, const char *data, size_t len)
{
	struct datagram *d = calloc(1, sizeof(*d));
	struct ncm_sender from = {.transport = NCM_UDP, .peer = *peer};
	struct mams_addr ip = *peer;
	char text[MAMS_ADDR_STRLEN];

	if (!d)
		return; /* the client says it again */
	d->l = l;
	d->peer = *peer;
	ip.port = 0;
	snprintf(d->identity, sizeof(d->identity), NCM_UDP_IDENTITY "%s", mams_addr_str(&ip, text));
	LIST_INSERT_HEAD(&l->u->datagrams, d, link);
	from.identity = d->identity;
	ncm_front_take(l->u->in->front, &from, data, len, on_receipt, d);
}

static void on_datagram(
	void *user, const struct mams_addr *peer, const char *data, size_t len, bool whole)
{
	struct listener *l = user;
	struct ncm_udp *u = l->u;
	char text[MAMS_ADDR_STRLEN];

	u->counters.received++;
	if (!whole) {
		u->counters.too_long++;
		mams_log_limited(&u->long_ones, mams_loop_now(u->in->loop), MAMS_LOG_WARN,
			LOG_MODULE, "datagram longer than udp_max dropped client=%s",
			mams_addr_str(peer, text));
		return;
	}
	take(l, peer, data, len);
}

int ncm_udp_new(struct ncm_intake *in, struct ncm_udp **out, struct mams_error *err)
{
	const struct ncm_conf *conf = in->conf;
	struct ncm_udp *u = calloc(1, sizeof(*u) + conf->n_udp * sizeof(u->listeners[0]));
	int rc = 0;

	if (!u)
		return -ENOMEM;
	u->in = in;
	for (size_t i = 0; i < conf->n_udp && rc == 0; i++) {
		const struct ncm_udp_conf *c = &conf->udp[i];
		const struct mams_udpsock_opts opts = {
			.local = &c->listen, .interface = c->interface, .max = conf->udp_max};

		u->listeners[i].u = u;
		rc = mams_udpsock_new(
			in->loop, &opts, on_datagram, &u->listeners[i], &u->listeners[i].sock, err);
		u->n += rc == 0;
		if (rc == 0)
			log_warn("MAMS without TLS on interface %s, as configured by secure_udp %s",
				c->interface, c->name);
	}
	if (rc < 0)
		ncm_udp_free(u);
	else
		*out = u;
	return rc;
}

void ncm_udp_free(struct ncm_udp *u)
{
	struct client *c;
	struct client *next;
	struct datagram *d;

	if (!u)
		return;
	while ((d = LIST_FIRST(&u->datagrams)) != NULL) {
		ncm_front_forget(u->in->front, d);
		datagram_free(d);
	}
	HASH_ITER(hh, u->clients, c, next)
	client_free(c);
	for (size_t i = 0; i < u->n; i++)
		mams_udpsock_free(u->listeners[i].sock);
	free(u);
}

const struct ncm_udp_counters *ncm_udp_counters(const struct ncm_udp *u)
{
	return &u->counters;
}
