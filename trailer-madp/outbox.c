#include "trailer-madp/outbox.h"

#include "trailer-madp/session.h"

#include <errno.h>
#include <unistd.h>

int madp_outbox_init(struct madp_outbox *o, struct madp_counters *counters)
{
	*o = (struct madp_outbox){.counters = counters};
	madp_slab_init(&o->slab, MAMS_UDP_MAX + 1, MAMS_UDP_BATCH);
	for (size_t i = 0; i < MAMS_UDP_BATCH; i++) {
		o->msg[i].data = madp_slab_get(&o->slab);
		if (!o->msg[i].data)
			return -ENOMEM;
	}
	return 0;
}

void madp_outbox_fini(struct madp_outbox *o)
{
	madp_slab_fini(&o->slab);
}

void madp_sock_close(struct madp_sock *s)
{
	if (s->fd >= 0)
		close(s->fd);
	if (s->nat)
		close(s->out);
	s->fd = -1;
	s->nat = false;
	s->path = NULL;
}

static struct madp_message *open_message(struct madp_outbox *o, struct madp_path *path)
{
	struct madp_message *m;

	if (o->n == MAMS_UDP_BATCH || o->octets >= MADP_OUTBOX_OCTETS)
		madp_outbox_flush(o);
	m = &o->msg[o->n++];
	m->path = path;
	m->len = 0;
	m->segment = 0;
	m->count = 0;
	m->gone = false;
	path->message = m;
	return m;
}

uint8_t *madp_outbox_reserve(struct madp_outbox *o, struct madp_path *path, size_t len)
{
	struct madp_message *m = path->message;

	if (len > MAMS_UDP_MAX)
		return NULL;
	if (!m || m->len + len > MAMS_UDP_MAX || (m->count && len > m->segment))
		m = open_message(o, path);
	return m->data + m->len;
}

void madp_outbox_commit(struct madp_outbox *o, struct madp_path *path, size_t len)
{
	struct madp_message *m = path->message;
	enum madp_reason why =
		path->nat_on ? madp_nat_out(m->data + m->len, path->nat_side, &path->nat) : MADP_OK;

	if (why != MADP_OK) {
		madp_inc(&o->counters->refused[why]);
		return;
	}
	if (m->count++ == 0)
		m->segment = (uint16_t)len;
	m->len += (uint32_t)len;
	o->octets += len;
	/* a shorter one ends the message */
	if (len < m->segment || m->count == MAMS_UDP_SEGMENTS)
		path->message = NULL;
}

static void fail(struct madp_outbox *o, struct madp_message *m, uint64_t *why)
{
	madp_add(why, m->count);
	madp_add(&m->path->count->tx_dropped, m->count);
	m->gone = true;
	(void)o;
}

static struct mams_udp_out to_send(const struct madp_message *m)
{
	const bool connected = m->path->sock->path != NULL;

	return (struct mams_udp_out){.data = m->data,
		.len = m->len,
		.segment = m->segment,
		.to = connected ? NULL : (const struct sockaddr *)&m->path->peer,
		.to_len = connected ? 0 : m->path->peer_len};
}

/** Datagrams each alone, where the kernel cuts no segments. */
struct singles {
	int fd;
	size_t n;
	struct mams_udp_out batch[MAMS_UDP_BATCH];
	struct madp_path *of[MAMS_UDP_BATCH];
};

static void singles_send(struct madp_outbox *o, struct singles *s)
{
	size_t done = 0;

	while (done < s->n) {
		int why;

		done += mams_udp_send(s->fd, s->batch + done, s->n - done, &why);
		madp_inc(&o->counters->send_calls);
		if (done == s->n)
			break;
		madp_inc(why == -EAGAIN || why == -ENOBUFS ? &o->counters->send_full
							   : &o->counters->send_failed);
		madp_inc(&s->of[done++]->count->tx_dropped);
	}
	s->n = 0;
}

static void singles_add(struct madp_outbox *o, struct singles *s, const struct madp_message *m)
{
	for (size_t at = 0; at < m->len; at += m->segment) {
		struct mams_udp_out *out;

		if (s->n == MAMS_UDP_BATCH)
			singles_send(o, s);
		s->of[s->n] = m->path;
		out = &s->batch[s->n++];
		*out = to_send(m);
		out->data = m->data + at;
		out->len = m->len - at < m->segment ? m->len - at : m->segment;
	}
}

/** Into its own IPsec the kernel sends no message in segments (EIO). */
static void send_apart(struct madp_outbox *o, int fd, const struct madp_message *m)
{
	struct singles s;

	s.fd = fd;
	s.n = 0;
	singles_add(o, &s, m);
	singles_send(o, &s);
}

/** Hand batch[n] to the kernel, messages m[n] of one socket. */
static void send_batch(struct madp_outbox *o, int fd, const struct mams_udp_out *batch,
	struct madp_message **m, size_t n)
{
	size_t done = 0;
	bool again = false;

	while (done < n) {
		int why;
		size_t sent = mams_udp_send(fd, batch + done, n - done, &why);

		madp_inc(&o->counters->send_calls);
		done += sent;
		if (done == n)
			return;
		if (why == -EAGAIN || why == -ENOBUFS) {
			while (done < n)
				fail(o, m[done++], &o->counters->send_full);
			return;
		}
		if (sent == 0 && why == -EIO && m[done]->count > 1) {
			send_apart(o, fd, m[done++]);
			continue;
		}
		/* the error may be an earlier datagram's, told by ICMP: such a send goes again */
		if (sent == 0 && again)
			fail(o, m[done++], &o->counters->send_failed);
		again = sent == 0 && !again;
	}
}

static void send_socket(struct madp_outbox *o, size_t first)
{
	const struct madp_sock *sock = o->msg[first].path->sock;
	struct mams_udp_out batch[MAMS_UDP_BATCH];
	struct madp_message *list[MAMS_UDP_BATCH];
	size_t n = 0;

	for (size_t i = first; i < o->n; i++) {
		struct madp_message *m = &o->msg[i];

		if (m->gone || m->path->sock != sock)
			continue;
		batch[n] = to_send(m);
		list[n++] = m;
	}
	send_batch(o, sock->fd, batch, list, n);
	while (n-- > 0)
		list[n]->gone = true;
}

/** As send_socket(), for packets that are no UDP. */
static void send_each(struct madp_outbox *o, size_t first)
{
	const struct madp_sock *sock = o->msg[first].path->sock;
	struct singles s;

	s.fd = sock->out;
	s.n = 0;
	for (size_t i = first; i < o->n; i++) {
		struct madp_message *m = &o->msg[i];

		if (m->gone || m->path->sock != sock)
			continue;
		m->gone = true;
		singles_add(o, &s, m);
	}
	singles_send(o, &s);
}

void madp_outbox_flush(struct madp_outbox *o)
{
	for (size_t i = 0; i < o->n; i++) {
		o->msg[i].path->message = NULL;
		if (o->msg[i].count == 0)
			o->msg[i].gone = true;
	}
	for (size_t i = 0; i < o->n; i++)
		if (o->msg[i].gone)
			continue;
		else if (o->msg[i].path->sock->nat)
			send_each(o, i);
		else
			send_socket(o, i);
	o->n = 0;
	o->octets = 0;
}
