/* One datagram per message, over an interface called secure.  Nothing tells that a datagram was
 * lost; what tells of a dead way is that nothing comes back for twice MAMS_TIMEOUT. */
#include "ccm-agent/carrier.h"

#include "lib/base/log.h"
#include "lib/io/udpsock.h"

#include <errno.h>

#define LOG_MODULE "udp"

struct udp {
	struct ccm_carrier c;
	struct mams_udpsock *sock;
	struct mams_loop_timer *silence;
	bool armed;
	unsigned number;
};

static void on_datagram(
	void *user, const struct mams_addr *peer, const char *data, size_t len, bool whole)
{
	struct udp *u = user;

	(void)peer;
	u->armed = false;
	mams_loop_timer_at(u->silence, MAMS_TIME_NEVER);
	if (whole) {
		u->c.events->message(u->c.events->user, data, len);
		return;
	}
	u->c.events->counters->too_long++;
	mams_log_limited(u->c.events->quiet, mams_loop_now(u->c.loop), MAMS_LOG_WARN, LOG_MODULE,
		"datagram of the NCM longer than udp_max dropped");
}

static void silent(void *user)
{
	struct udp *u = user;

	u->armed = false;
	u->c.events->failed(u->c.events->user, u->number, -ETIMEDOUT, "message");
}

static void wait_for_answer(struct udp *u)
{
	if (u->armed)
		return;
	u->armed = true;
	mams_loop_timer_at(u->silence, mams_time_add_ms(mams_loop_now(u->c.loop),
					       2 * u->c.conf->session.timing.timeout_ms));
}

static void udp_send(struct ccm_carrier *c, const char *text, size_t len)
{
	struct udp *u = (struct udp *)c;
	int rc = len > c->conf->udp_max ? -MAMS_ELIMIT : -ENOTCONN;

	if (rc == -MAMS_ELIMIT) {
		c->events->counters->too_long++;
		log_err("message of %zu octets is longer than udp_max, not sent; raise udp_max on "
			"both sides or use https",
			len);
		return;
	}
	if (u->sock)
		rc = mams_udpsock_send(u->sock, NULL, text, len);
	/* an error may be that of an earlier datagram; the silence that follows is what counts */
	c->events->counters->send_failed += rc < 0;
	wait_for_answer(u);
}

static void udp_close(struct udp *u)
{
	mams_udpsock_free(u->sock);
	u->sock = NULL;
	u->armed = false;
	mams_loop_timer_at(u->silence, MAMS_TIME_NEVER);
}

static void udp_take(
	struct ccm_carrier *c, const struct ccm_way *route, unsigned number, bool fresh)
{
	struct udp *u = (struct udp *)c;
	struct mams_addr peer;
	const struct mams_udpsock_opts opts = {.peer = &peer,
		.interface = route->interface,
		.mark = c->conf->mark,
		.max = c->conf->udp_max};
	struct mams_error err = {0};
	int rc;

	(void)fresh;
	u->number = number;
	udp_close(u);
	rc = mams_addr_parse(route->via ? route->via->host : route->url->host, &peer);
	peer.port = route->via ? route->via->port : route->url->port;
	if (rc == 0)
		rc = mams_udpsock_new(c->loop, &opts, on_datagram, u, &u->sock, &err);
	if (rc < 0)
		mams_log_limited(c->events->quiet, mams_loop_now(c->loop), MAMS_LOG_WARN,
			LOG_MODULE, "no socket: %s", err.text);
}

static void udp_listen(struct ccm_carrier *c, bool on)
{
	(void)c;
	(void)on; /* the socket hears as long as it is open */
}

static void udp_rest(struct ccm_carrier *c)
{
	udp_close((struct udp *)c);
}

static void udp_free(struct ccm_carrier *c)
{
	struct udp *u = (struct udp *)c;

	udp_close(u);
	mams_loop_timer_del(u->silence);
	free(u);
}

static const struct ccm_carrier_ops ops = {.take = udp_take,
	.send = udp_send,
	.listen = udp_listen,
	.rest = udp_rest,
	.free = udp_free};

int ccm_carrier_udp(struct mams_loop *l, const struct ccm_conf *conf,
	const struct ccm_carrier_events *events, struct ccm_carrier **out, struct mams_error *err)
{
	struct udp *u = calloc(1, sizeof(*u));
	int rc;

	(void)err;
	if (!u)
		return -ENOMEM;
	u->c = (struct ccm_carrier){.ops = &ops, .loop = l, .conf = conf, .events = events};
	rc = mams_loop_timer_new(l, silent, u, &u->silence);
	if (rc < 0)
		free(u);
	else
		*out = &u->c;
	return rc;
}
