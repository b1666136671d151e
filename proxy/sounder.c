#include "proxy/sounder.h"

#include "lib/base/log.h"
#include "lib/base/timerq.h"
#include "lib/io/udpsock.h"
#include "proxy/sounding.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#define LOG_MODULE "sounder"
#define SOUNDINGS_MAX 65536u
#define RATE_MAX 400u /* Mbit/s of all tests in the Initialization phase together */
#define AT_ONCE 64    /* probes of one connection in a turn */
#define SOCKETS_MAX 16u
#define CLIENT_MAX 128

#define ROW(name, field, text)                                                                     \
	{                                                                                          \
		name, text, MAMS_COUNTER, offsetof(struct px_sounder_counters, field)              \
	}
const struct mams_metric px_sounder_rows[] = {
	ROW("soundings_ordered_total", ordered, "connections that the NCM had probed"),
	ROW("soundings_refused_total", refused, "of these, put off or refused"),
	ROW("soundings_begun_total", begun, "of these, begun: the client has shown itself"),
	ROW("soundings_silent_total", silent, "of these, given up: it has not"),
	ROW("probes_sent_total", sent, "MX Probe-REQs sent"),
	ROW("probes_answered_total", answered, "MX Probe-ACKs that answer them"),
	ROW("control_pdus_strange_total", strange,
		"datagrams at control_listen that belong to nothing"),
};
const size_t px_n_sounder_rows = MAMS_ARRAY_LEN(px_sounder_rows);

/* Who is probed from where. */
struct key {
	uint8_t local[16], remote[16];
	uint16_t local_port, remote_port;
};

struct one {
	struct key key;
	UT_hash_handle hh;
	struct mams_timer timer;
	struct mams_udpsock *sock; /* borrowed */
	struct mams_addr remote;
	char client[CLIENT_MAX];
	struct px_sounding s;
};

struct px_sounder {
	struct mams_loop *loop;
	struct mams_loop_timer *timer;
	struct mams_timerq due;
	struct one *all;
	uint32_t rate; /* Mbit/s, of all */
	size_t n_socks;
	struct sock {
		struct px_sounder *of;
		struct mams_addr local;
		struct mams_udpsock *sock;
	} socks[SOCKETS_MAX];
	struct px_sounder_counters counters;
};

static struct key key_of(const struct mams_addr *local, const struct mams_addr *remote)
{
	struct key k;

	memset(&k, 0, sizeof(k));
	memcpy(k.local, local->ip, sizeof(k.local));
	memcpy(k.remote, remote->ip, sizeof(k.remote));
	k.local_port = local->port;
	k.remote_port = remote->port;
	return k;
}

static void drop(struct px_sounder *s, struct one *o)
{
	s->rate -= px_sounding_rate(&o->s);
	mams_timerq_del(&s->due, &o->timer);
	HASH_DEL(s->all, o);
	free(o);
}

static void arm(struct px_sounder *s, struct one *o)
{
	if (mams_timerq_set(&s->due, &o->timer, px_sounding_deadline(&o->s)) < 0)
		drop(s, o); /* no memory: the NCM asks again */
	mams_loop_timer_at(s->timer, mams_timerq_next(&s->due));
}

static void run(struct px_sounder *s, struct one *o, mams_time now)
{
	uint8_t pdu[PX_SOUNDING_PDU_MAX];
	size_t len;

	for (int i = 0; i < AT_ONCE && (len = px_sounding_next(&o->s, now, pdu)) > 0; i++) {
		/* a full queue is a loss, as it is in the network */
		(void)!mams_udpsock_send(o->sock, &o->remote, pdu, len);
		s->counters.sent++;
	}
	if (!px_sounding_is_over(&o->s, now)) {
		arm(s, o);
		return;
	}
	s->counters.silent += !o->s.begun;
	drop(s, o);
}

static void tick(void *user)
{
	struct px_sounder *s = user;
	mams_time now = mams_loop_now(s->loop);
	struct mams_timer *t;

	/* none twice in a turn: others wait, too */
	for (size_t n = s->due.n; n > 0 && (t = mams_timerq_pop(&s->due, now)) != NULL; n--)
		run(s, MAMS_CONTAINER_OF(t, struct one, timer), now);
	mams_loop_timer_at(s->timer, mams_timerq_next(&s->due));
}

static void on_datagram(
	void *user, const struct mams_addr *peer, const char *data, size_t len, bool whole)
{
	struct sock *k = user;
	struct px_sounder *s = k->of;
	const struct key key = key_of(&k->local, peer);
	struct one *o;
	bool begun;
	uint64_t answered;

	HASH_FIND(hh, s->all, &key, sizeof(key), o);
	if (!o || !whole) {
		s->counters.strange++;
		return;
	}
	begun = o->s.begun;
	answered = o->s.answered;
	if (!px_sounding_take(&o->s, data, len, mams_loop_now(s->loop)))
		s->counters.strange++;
	s->counters.begun += o->s.begun && !begun;
	s->counters.answered += o->s.answered - answered;
	if (o->s.begun && !begun)
		arm(s, o);
}

/* ---- orders ---- */

static struct sock *socket_of(struct px_sounder *s, const struct mams_addr *local)
{
	for (size_t i = 0; i < s->n_socks; i++)
		if (mams_addr_eq(&s->socks[i].local, local))
			return &s->socks[i];
	return NULL;
}

static struct px_sounding_conf conf_of(const struct ctl_px_probe *m)
{
	return (struct px_sounding_conf){.connection_id = m->connection_id,
		.active = m->active,
		.init_ms = m->init_ms,
		.init_rate = m->init_rate,
		.init_size = m->init_size,
		.init_ack = m->init_ack,
		.active_ms = m->active_ms,
		.active_size = m->active_size,
		.active_duration_s = m->active_duration_s,
		.active_ack = m->active_ack};
}

int px_sounder_order(struct px_sounder *s, const struct ctl_px_probe *m, struct mams_error *err)
{
	struct mams_addr local = m->local;
	struct mams_addr remote = m->remote;
	struct sock *k;
	const struct px_sounding_conf conf = conf_of(m);
	struct one *o;
	struct key key;

	local.port = m->local_port;
	remote.port = m->remote_port;
	key = key_of(&local, &remote);
	k = socket_of(s, &local);
	s->counters.ordered++;
	if (!k || local.family != remote.family) {
		s->counters.refused++;
		return mams_fail(err, MAMS_EVALUE, NULL,
			"no probes from this address: control_listen of this proxy has it not");
	}
	HASH_FIND(hh, s->all, &key, sizeof(key), o);
	if (o)
		drop(s, o);
	if (m->has_stop && m->stop)
		return 0;
	if (HASH_COUNT(s->all) >= SOUNDINGS_MAX ||
		(!m->active && s->rate + m->init_rate > RATE_MAX)) {
		s->counters.refused++;
		return mams_fail(err, MAMS_ELIMIT, NULL, "too many tests at once: later");
	}
	o = calloc(1, sizeof(*o));
	if (!o)
		return -ENOMEM;
	o->key = key;
	o->sock = k->sock;
	o->remote = remote;
	snprintf(o->client, sizeof(o->client), "%s", m->client);
	px_sounding_init(&o->s, &conf, mams_loop_now(s->loop));
	s->rate += px_sounding_rate(&o->s);
	HASH_ADD(hh, s->all, key, sizeof(o->key), o);
	arm(s, o);
	return 0;
}

void px_sounder_forget(struct px_sounder *s, const char *client)
{
	struct one *o;
	struct one *next;

	HASH_ITER(hh, s->all, o, next)
	{
		if (strcmp(o->client, client) == 0)
			drop(s, o);
	}
}

/* ---- life ---- */

static int listen_at(struct px_sounder *s, const struct mams_addr *a, struct mams_error *err)
{
	struct sock *k = &s->socks[s->n_socks];
	const struct mams_udpsock_opts o = {.local = a, .max = PX_SOUNDING_PDU_MAX};
	int rc;

	*k = (struct sock){.of = s, .local = *a};
	rc = mams_udpsock_new(s->loop, &o, on_datagram, k, &k->sock, err);
	s->n_socks += rc == 0;
	return rc;
}

int px_sounder_new(struct mams_loop *l, const struct px_conf *conf, struct px_sounder **out,
	struct mams_error *err)
{
	struct px_sounder *s = calloc(1, sizeof(*s));
	int rc = s ? mams_loop_timer_new(l, tick, s, &s->timer) : -ENOMEM;

	if (rc < 0) {
		free(s);
		return rc;
	}
	s->loop = l;
	for (size_t i = 0; rc == 0 && i < conf->n_control_listen && i < SOCKETS_MAX; i++)
		rc = listen_at(s, &conf->control_listen[i], err);
	if (rc < 0)
		px_sounder_free(s);
	else
		*out = s;
	return rc;
}

void px_sounder_free(struct px_sounder *s)
{
	struct one *o;
	struct one *next;

	if (!s)
		return;
	HASH_ITER(hh, s->all, o, next)
	{
		drop(s, o);
	}
	for (size_t i = 0; i < s->n_socks; i++)
		mams_udpsock_free(s->socks[i].sock);
	mams_timerq_fini(&s->due);
	mams_loop_timer_del(s->timer);
	free(s);
}

const struct px_sounder_counters *px_sounder_counters(const struct px_sounder *s)
{
	return &s->counters;
}
