#include "proxy/apart.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define BUSY_S 1

static const struct px_octets nothing;

static bool is_running(const struct px_conn *c)
{
	return c->flow.phase == PX_PHASE_RELAY && c->flow.broken < 0;
}

static bool has_uplink(const struct px_conn *c)
{
	return is_running(c) && !c->flow.dir[0].eof;
}

/** A second connection ends, as such: its leg has become one of its flow, or is not needed. */
static void spent(struct px_worker *w, struct px_conn *c)
{
	if (c->part.twin)
		c->part.twin->part.twin = NULL;
	c->part.twin = NULL;
	px_conn_end(w, c, false);
}

/* ---- client ---- */

static bool is_wanted(struct px_worker *w, struct px_conn *c)
{
	const struct px_snapshot *cfg = w->cfg;

	/* a flow class has one list for both directions */
	if (!cfg->apart || cfg->direct || cfg->n_paths == 0 || cfg->paths[0].group != c->group ||
		!has_uplink(c) || !c->leg[1].mptcp || c->only || c->part.second || c->part.twin ||
		c->part.refused || c->leg[PX_LEG_UP].fd >= 0)
		return false;
	if (c->part.flow)
		return true;
	px_inc(&w->counters.apart_unnamed);
	c->part.refused = true;
	return false;
}

void px_apart_ask(struct px_worker *w, struct px_conn *c)
{
	struct px_conn *up;

	if (!is_wanted(w, c))
		return;
	up = px_conn_new(w, -1, PX_PHASE_CONNECT, true);
	if (!up)
		return;
	px_inc(&w->counters.apart_asked);
	up->part = (struct px_part){.flow = c->part.flow, .twin = c, .second = true};
	c->part.twin = up;
	px_race_start(w, up);
}

void px_apart_refused(struct px_worker *w, struct px_conn *c)
{
	px_inc(&w->counters.apart_refused);
	if (c->part.twin)
		c->part.twin->part.refused = true;
	spent(w, c);
}

/** The last word before the octets: where they begin. */
static bool say_turn(struct px_conn *c, int fd)
{
	uint8_t out[PX_CONVERT_TURN];
	struct mams_wr wr = mams_wr_init(out, sizeof(out));

	px_convert_begin(&wr);
	px_convert_put_attach(&wr, c->part.flow, &c->flow.dir[0].octets);
	return px_convert_end(&wr) == 0 &&
	       send(fd, wr.data, wr.len, MSG_NOSIGNAL) == (ssize_t)wr.len;
}

void px_apart_answered(struct px_worker *w, struct px_conn *c)
{
	struct px_convert_msg *m = &c->setup->msg;
	struct px_conn *flow = c->part.twin;

	if (!flow || !has_uplink(flow)) {
		px_inc(&w->counters.apart_late);
		spent(w, c);
		return;
	}
	if (!m->has_attach || m->flow != flow->part.flow || c->setup->n_in != m->len) {
		px_inc(&w->counters.peer_invalid);
		spent(w, c);
		return;
	}
	if (px_conn_adopt(w, flow, &c->leg[1]) != 0) {
		px_inc(&w->counters.apart_failed);
		spent(w, c);
		return;
	}
	flow->part.token = c->token;
	flow->flow.uplink = PX_UPLINK_TWO;
	flow->to[0] = PX_LEG_UP;
	if (say_turn(flow, flow->leg[PX_LEG_UP].fd))
		px_inc(&w->counters.apart);
	else
		flow->leg[PX_LEG_UP].failed = true; /* nobody knows what the N-MADP has heard */
	px_bind_part(w, flow);
	px_conn_wake(w, flow);
	spent(w, c);
}

/* ---- network: names ---- */

static struct px_conn_list *names_of(struct px_worker *w, uint64_t flow)
{
	return &w->names[(flow >> 8) % PX_NAMES];
}

static struct px_conn *find(struct px_worker *w, uint64_t flow)
{
	struct px_conn *c;

	LIST_FOREACH(c, names_of(w, flow), named)
	if (c->part.flow == flow)
		return c;
	return NULL;
}

/* Ours in this life of ours: the low octet is the worker, the rest a count that begins anywhere. It
 * need not be secret, since the flow's client must be told by its cookie, too. */
bool px_apart_name(struct px_worker *w, struct px_conn *c)
{
	if (!c->client || !c->leg[0].mptcp)
		return false;
	c->part.flow = (w->hash_key + ++w->n_named) << 8 | w->index;
	LIST_INSERT_HEAD(names_of(w, c->part.flow), c, named);
	return true;
}

/* ---- network: attach ---- */

static void refuse(
	struct px_worker *w, struct px_conn *c, uint64_t *counter, enum px_convert_code code)
{
	px_inc(counter);
	px_answer_error(w, c, code, code == PX_CONVERT_NO_RESOURCES ? BUSY_S : 0, nothing);
}

static bool is_same_client(const struct px_client *a, const struct px_client *b)
{
	return a && b && strcmp(a->name, b->name) == 0;
}

static bool agree(struct px_conn *c, uint64_t flow)
{
	uint8_t out[PX_CONVERT_TURN];
	struct mams_wr wr = mams_wr_init(out, sizeof(out));

	px_convert_begin(&wr);
	px_convert_put_attach(&wr, flow, NULL);
	return px_convert_end(&wr) == 0 &&
	       send(c->leg[0].fd, wr.data, wr.len, MSG_NOSIGNAL) == (ssize_t)wr.len;
}

static void attach(struct px_worker *w, struct px_conn *c, uint64_t number)
{
	struct px_conn *flow = find(w, number);

	if (!flow) {
		refuse(w, c, &w->counters.attach_unknown, PX_CONVERT_RST);
		return;
	}
	if (!is_same_client(flow->client, c->client)) {
		refuse(w, c, &w->counters.attach_foreign, PX_CONVERT_NOT_AUTHORIZED);
		return;
	}
	if (flow->flow.uplink != PX_UPLINK_ONE) {
		refuse(w, c, &w->counters.attach_twice, PX_CONVERT_NO_RESOURCES);
		return;
	}
	if (!has_uplink(flow)) {
		refuse(w, c, &w->counters.attach_ended, PX_CONVERT_RST);
		return;
	}
	px_hello_bind(w, c);
	if (!agree(c, number) || px_conn_adopt(w, flow, &c->leg[0]) != 0) {
		spent(w, c);
		return;
	}
	px_inc(&w->counters.attached);
	flow->flow.uplink = PX_UPLINK_ASKED;
	flow->part.token = c->token;
	flow->part.n_in = 0;
	px_conn_wake(w, flow);
	spent(w, c);
}

void px_apart_take(struct px_worker *w, struct px_conn *c)
{
	struct px_setup *s = c->setup;
	uint64_t number = s->msg.flow;
	struct px_hand h = {.fd = c->leg[0].fd, .v4 = c->v4, .flow = number};
	size_t index = number & 0xff;
	struct px_worker *other =
		index < PX_WORKERS_MAX ? atomic_load(&w->roster->at[index]) : NULL;

	c->part.second = true;
	if (s->msg.has_turn || s->n_in != s->msg.len) {
		refuse(w, c, &w->counters.attach_malformed, PX_CONVERT_MALFORMED);
		return;
	}
	if (!c->client) {
		refuse(w, c, &w->counters.attach_foreign, PX_CONVERT_NOT_AUTHORIZED);
		return;
	}
	if (!other) {
		refuse(w, c, &w->counters.attach_unknown, PX_CONVERT_RST);
		return;
	}
	if (other == w) {
		attach(w, c, number);
		return;
	}
	/* whoever has it may not hear of it here any more */
	(void)epoll_ctl(w->epfd, EPOLL_CTL_DEL, h.fd, NULL);
	h.client = px_client_ref(c->client);
	if (!px_worker_hand(other, &h)) {
		px_client_unref(h.client);
		refuse(w, c, &w->counters.attach_busy, PX_CONVERT_NO_RESOURCES);
		return;
	}
	c->leg[0].fd = -1;
	spent(w, c);
}

void px_apart_handed(struct px_worker *w, struct px_hand *h)
{
	struct px_conn *c = px_conn_new(w, h->fd, PX_PHASE_HELLO, true);

	if (!c) {
		close(h->fd);
		px_client_unref(h->client);
		return;
	}
	c->client = h->client;
	c->v4 = h->v4;
	c->part.second = true;
	attach(w, c, h->flow);
}

/* ---- network: the turn ---- */

static void drop_up(struct px_worker *w, struct px_conn *c)
{
	const struct linger in_order = {.l_onoff = 0};
	struct px_leg *up = &c->leg[PX_LEG_UP];

	px_inc(&w->counters.attach_dropped);
	(void)setsockopt(up->fd, SOL_SOCKET, SO_LINGER, &in_order, sizeof(in_order));
	close(up->fd);
	up->fd = -1;
	c->flow.uplink = PX_UPLINK_ONE;
	c->part.token = 0;
}

static void wrong(struct px_worker *w, struct px_conn *c)
{
	px_inc(&w->counters.attach_wrong_turn);
	px_flow_broken(&c->flow, 0, w->now);
	px_flow_drained(&c->flow);
}

static void take_turn(struct px_worker *w, struct px_conn *c)
{
	struct px_convert_msg m;

	if (px_convert_decode(PX_AT_CONVERTER, c->part.in, c->part.n_in, &m) != PX_CONVERT_OK ||
		!m.has_turn || m.flow != c->part.flow || !px_flow_turn(&c->flow, m.turn))
		wrong(w, c);
}

/** Not an octet more than the message: what follows is the flow's. */
static void hear(struct px_worker *w, struct px_conn *c)
{
	struct px_leg *up = &c->leg[PX_LEG_UP];
	struct px_part *part = &c->part;

	while (up->readable && c->flow.uplink == PX_UPLINK_ASKED && c->flow.broken < 0) {
		ssize_t n = recv(up->fd, part->in + part->n_in, sizeof(part->in) - part->n_in, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			up->readable = false;
			return;
		}
		if (n == 0 && part->n_in == 0) {
			drop_up(w, c);
			return;
		}
		if (n <= 0) {
			wrong(w, c);
			return;
		}
		part->n_in += (uint8_t)n;
		if (part->n_in == sizeof(part->in))
			take_turn(w, c);
	}
}

struct px_leg *px_apart_turn(struct px_worker *w, struct px_conn *c)
{
	px_inc(&w->counters.attach_turned);
	c->flow.uplink = PX_UPLINK_TWO;
	c->from[0] = PX_LEG_UP;
	return &c->leg[PX_LEG_UP];
}

/* ---- both ---- */

void px_apart_run(struct px_worker *w, struct px_conn *c)
{
	bool network = w->cfg->set.role == PX_ROLE_NETWORK;

	if (c->leg[PX_LEG_UP].failed)
		px_flow_broken(&c->flow, network ? 0 : 1, w->now);
	/* what the first connection still brings leads up to nothing */
	if (network && c->flow.broken == 0 && c->from[0] != PX_LEG_UP)
		px_flow_drained(&c->flow);
	if (c->flow.uplink == PX_UPLINK_ASKED)
		hear(w, c);
}

void px_apart_end(struct px_worker *w, struct px_conn *c)
{
	struct px_conn *twin = c->part.twin;

	if (w->names && c->part.flow && !c->part.second)
		LIST_REMOVE(c, named);
	if (!twin)
		return;
	if (c->part.second) {
		px_inc(&w->counters.apart_failed);
		twin->part.twin = NULL;
		return;
	}
	px_inc(&w->counters.apart_late);
	spent(w, twin);
}
