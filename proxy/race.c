/* Client role, first phase: reach the N-MADP over the best path.  The first path is tried at once;
 * while it has not answered, the next one joins after a short patience; the first to be established
 * wins and the others are aborted.  Only the Convert message is sent before there is a winner (in
 * the SYN where TCP Fast Open is known to work), so an attempt that loses has cost the server a
 * connection at most, never a byte of the application.
 *
 * An attempt must end before the kernel's third SYN: from there on it would fall back to plain TCP
 * and remember the peer as an MPTCP black hole (net.mptcp.syn_retrans_before_tcp_fallback). */
#include "proxy/conn.h"

#include "lib/io/mptcp.h"
#include "proxy/apart.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ROUND_PAUSE_MS 250
#define LEARN_US INT64_C(3000000)

#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif

static void set_int(int fd, int level, int option, int value)
{
	(void)setsockopt(fd, level, option, &value, sizeof(value));
}

static int stream_socket(uint8_t family, bool mptcp)
{
	int type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
	int fd = mptcp ? socket(family, type, IPPROTO_MPTCP) : -1;

	/* a kernel without MPTCP still gets its user through */
	return fd >= 0 ? fd : socket(family, type, IPPROTO_TCP);
}

static int bind_local(int fd, const struct mams_addr *local)
{
	struct sockaddr_storage sa;
	socklen_t len = mams_addr_to_sa(local, &sa);

	set_int(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
	return bind(fd, (struct sockaddr *)&sa, len) == 0 ? 0 : -errno;
}

/** Connect and, when the kernel has a Fast Open cookie of this peer, send the Convert message in
 * the SYN.  @return 0 under way, or -errno */
static int launch(struct px_worker *w, const struct px_setup *s, struct px_try *t)
{
	/* of a second connection the loser of a race must not have said anything */
	bool fastopen = w->cfg->set.fastopen && !t->conn->part.second;
	const struct px_path *p = &s->paths[t->path];
	struct sockaddr_storage sa;
	socklen_t len = mams_addr_to_sa(&p->proxy, &sa);
	ssize_t n;
	int err = bind_local(t->fd, &p->local);

	if (err)
		return err;
	if (fastopen)
		set_int(t->fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1);
	if (connect(t->fd, (struct sockaddr *)&sa, len) != 0)
		return errno == EINPROGRESS ? 0 : -errno;
	if (!fastopen)
		return 0;
	n = send(t->fd, s->out, s->n_out, MSG_NOSIGNAL);
	if (n < 0 && errno != EINPROGRESS && errno != EAGAIN)
		return -errno;
	if (n > 0) {
		t->sent = (uint32_t)n;
		px_inc(&w->counters.syn_data_sent);
	}
	return 0;
}

static int launch_direct(struct px_worker *w, const struct px_conn *c, struct px_try *t)
{
	struct sockaddr_storage sa;
	socklen_t len = mams_addr_to_sa(&c->server, &sa);

	px_inc(&w->counters.direct);
	if (connect(t->fd, (struct sockaddr *)&sa, len) != 0 && errno != EINPROGRESS)
		return -errno;
	return 0;
}

static void close_try(struct px_try *t)
{
	if (t->fd >= 0)
		close(t->fd);
	t->fd = -1;
}

void px_race_drop(struct px_conn *c)
{
	for (size_t i = 0; i < PX_PATHS_MAX; i++)
		if (c->setup->tries[i].conn)
			close_try(&c->setup->tries[i]);
}

static void attempt_failed(struct px_worker *w, struct px_setup *s, struct px_try *t)
{
	close_try(t);
	if (t->direct)
		return;
	px_path_failed(&s->paths[t->path], w->now);
	px_inc(&w->counters.path_failed);
	s->next_at = w->now;
}

/** One more attempt. @return false when it failed at once */
static bool start_try(struct px_worker *w, struct px_conn *c, uint8_t path, bool direct)
{
	struct px_setup *s = c->setup;
	struct px_try *t = &s->tries[direct ? 0 : path];
	uint8_t family = direct ? c->server.family : s->paths[path].proxy.family;
	struct linger abort = {.l_onoff = 1};
	int err;

	*t = (struct px_try){.handle = PX_HANDLE_TRY, .path = path, .direct = direct};
	t->conn = c;
	t->started = w->now;
	t->fd = stream_socket(family, !direct);
	if (t->fd < 0)
		return false;
	set_int(t->fd, IPPROTO_TCP, TCP_NODELAY, 1);
	if (!direct)
		mams_mptcp_set_congestion(t->fd, w->cfg->set.congestion);
	set_int(t->fd, SOL_SOCKET, SO_MARK, (int)w->cfg->set.mark);
	(void)setsockopt(t->fd, SOL_SOCKET, SO_LINGER, &abort, sizeof(abort));
	px_inc(&w->counters.path_attempts);
	err = direct ? launch_direct(w, c, t) : launch(w, s, t);
	if (!err)
		err = px_worker_watch(w, t->fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, t);
	if (err) {
		attempt_failed(w, s, t);
		return false;
	}
	return true;
}

static int build_hello(struct px_conn *c)
{
	struct px_setup *s = c->setup;
	struct mams_wr wr = mams_wr_init(s->out, sizeof(s->out));

	px_convert_begin(&wr);
	if (s->n_cookie)
		px_convert_put_cookie(
			&wr, (struct px_octets){.data = s->cookie, .len = s->n_cookie});
	if (c->part.second)
		px_convert_put_attach(&wr, c->part.flow, NULL);
	else
		px_convert_put_connect(&wr, &c->server, (struct px_octets){.len = 0});
	s->n_out = (uint32_t)wr.len;
	return px_convert_end(&wr);
}

/** The paths to be tried; all of them when k is NULL. */
static void line_up(struct px_worker *w, struct px_conn *c, const struct px_class *k)
{
	struct px_setup *s = c->setup;

	memcpy(s->paths, w->cfg->paths, w->cfg->n_paths * sizeof(s->paths[0]));
	for (size_t i = 0; w->cfg->apart && i < w->cfg->n_paths; i++)
		s->paths[i].backup =
			c->part.second ? s->paths[i].backup_up : s->paths[i].backup_down;
	s->n_paths = px_class_select(k, s->paths, w->cfg->n_paths);
	s->narrowed = s->n_paths < w->cfg->n_paths;
	px_paths_order(s->paths, s->n_paths, w->now, s->order);
	s->next = 0;
	s->round = 0;
	s->next_at = w->now;
	if (k && s->cookie_tries == 0)
		px_inc(&w->counters.classed);
}

static void begin(struct px_worker *w, struct px_conn *c)
{
	struct px_setup *s = c->setup;

	line_up(w, c,
		c->part.second
			? NULL
			: px_class_of(w->cfg->classes, w->cfg->n_classes, &c->server, c->dscp));
	s->begun = w->now;
	s->early = s->n_cookie > 0 && !c->part.second;
	c->flow.phase = PX_PHASE_CONNECT;
	if (build_hello(c) != 0) {
		px_conn_end(w, c, true);
		return;
	}
	px_conn_wake(w, c);
}

void px_race_start(struct px_worker *w, struct px_conn *c)
{
	memcpy(c->setup->cookie, w->cfg->cookie, w->cfg->cookie_len);
	c->setup->n_cookie = (uint32_t)w->cfg->cookie_len;
	begin(w, c);
}

void px_race_again(struct px_worker *w, struct px_conn *c, struct px_octets cookie)
{
	struct px_setup *s = c->setup;

	close(c->leg[1].fd);
	c->leg[1].fd = -1;
	s->n_in = 0;
	memcpy(s->cookie, cookie.data, cookie.len);
	s->n_cookie = (uint32_t)cookie.len;
	s->cookie_tries++;
	begin(w, c);
}

/** Is it connected?  @return 0 yes, -EAGAIN not yet, or why not */
static int result(const struct px_try *t)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(int);
	int err = 0;

	if (getsockopt(t->fd, SOL_SOCKET, SO_ERROR, &err, &len) != 0)
		return -errno;
	if (err)
		return -err;
	len = sizeof(sa);
	return getpeername(t->fd, (struct sockaddr *)&sa, &len) == 0 ? 0 : -EAGAIN;
}

/** RFC 8803 section 8: was the payload of the SYN acknowledged? */
static void judge_syn_data(struct px_worker *w, const struct px_setup *s, const struct px_try *t)
{
	struct tcp_info ti = {0};
	socklen_t len = sizeof(ti);
	bool acked;

	if (t->sent == 0 || getsockopt(t->fd, IPPROTO_TCP, TCP_INFO, &ti, &len) != 0)
		return;
	acked = (ti.tcpi_options & TCPI_OPT_SYN_DATA) != 0;
	if (acked)
		px_inc(&w->counters.syn_data_acked);
	if (px_path_syn_data(&s->paths[t->path], acked, w->now))
		px_inc(&w->counters.path_stripped);
}

/** A socket that is MPTCP's speaks plain TCP where the options of its SYN did not come through. */
static void judge_mptcp(struct px_worker *w, const struct px_setup *s, const struct px_try *t)
{
	const struct px_path *p = &s->paths[t->path];
	struct mams_mptcp_info info;
	bool plain = mams_mptcp_info(t->fd, &info) != 0 || info.fallback;
	struct px_note note = {
		.kind = PX_NOTE_PLAIN, .value = p->connection_id, .code = plain ? 1 : 0};

	if (plain && !mams_mptcp_is(t->fd))
		return; /* this host's kernel has none */
	if (plain)
		px_inc(&w->counters.fallbacks);
	if (px_path_plain(p, plain, w->now) && !px_notes_put(w->notes, &note))
		px_inc(&w->counters.notes_dropped);
}

static bool send_rest(const struct px_setup *s, const struct px_try *t)
{
	size_t left = s->n_out - t->sent;

	return left == 0 || send(t->fd, s->out + t->sent, left, MSG_NOSIGNAL) == (ssize_t)left;
}

/** t is established: it becomes leg 1, the others are aborted. */
static void win(struct px_worker *w, struct px_conn *c, struct px_try *t)
{
	struct px_setup *s = c->setup;
	unsigned known = PX_SOCKET_CONNECTED | PX_SOCKET_ABORTS | PX_SOCKET_PROMPT |
			 (t->direct ? 0 : PX_SOCKET_MPTCP);
	int fd = t->fd;

	if (!t->direct) {
		if (!send_rest(s, t)) {
			attempt_failed(w, s, t);
			return;
		}
		judge_syn_data(w, s, t);
		judge_mptcp(w, s, t);
		px_path_worked(&s->paths[t->path], w->now.us - t->started.us);
		px_path_near(&s->paths[t->path], w->now.us - t->started.us, w->now);
		s->winner = t->path;
		c->won = w->now;
	}
	t->fd = -1;
	for (size_t i = 0; i < PX_PATHS_MAX; i++) {
		struct px_try *other = &s->tries[i];

		if (!other->conn || other->fd < 0)
			continue;
		close_try(other);
		px_inc(&w->counters.path_lost);
		if (mams_time_before(other->started, t->started))
			px_path_failed(&s->paths[other->path], w->now);
	}
	if (px_conn_attach(w, c, 1, fd, known) != 0) {
		close(fd);
		px_conn_end(w, c, true);
		return;
	}
	if (t->direct) {
		px_conn_relay(w, c);
		return;
	}
	px_bind_class(w, c);
	c->flow.phase = PX_PHASE_CONFIRM;
	px_conn_arm(w, c, mams_time_add_ms(w->now, w->cfg->set.confirm_ms));
	px_conn_wake(w, c);
}

/* A subflow that joined has the round trip of its handshake, as what comes down tells the client
 * none.  Of one that has been there for longer that is of before. */
void px_race_learn(struct px_worker *w, const struct px_conn *c)
{
	struct mams_mptcp_subflow f[PX_PATHS_MAX];
	size_t n;

	if (!c->won.us || w->now.us - c->won.us > LEARN_US || !c->leg[1].mptcp ||
		mams_mptcp_subflows(c->leg[1].fd, f, PX_PATHS_MAX, &n) < 0)
		return;
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < w->cfg->n_paths; k++)
			if (f[i].id != 0 && mams_addr_eq_ip(&w->cfg->paths[k].local, &f[i].local))
				px_path_near(&w->cfg->paths[k], f[i].rtt_us, w->now);
}

/** Look at the attempts that epoll or the clock named.  @return true when there is a winner */
static bool review(struct px_worker *w, struct px_conn *c, size_t *live, mams_time *expiry)
{
	struct px_setup *s = c->setup;

	*live = 0;
	*expiry = MAMS_TIME_NEVER;
	for (size_t i = 0; i < PX_PATHS_MAX; i++) {
		struct px_try *t = &s->tries[i];
		mams_time end;
		int r = -EAGAIN;

		if (!t->conn || t->fd < 0)
			continue;
		end = mams_time_add_ms(
			t->started, t->direct ? w->cfg->set.connect_ms : w->cfg->set.attempt_ms);
		if (t->ready)
			r = result(t);
		t->ready = false;
		if (r == 0)
			win(w, c, t);
		if (c->flow.phase != PX_PHASE_CONNECT)
			return true;
		if (t->fd >= 0 && (r != -EAGAIN || !mams_time_before(w->now, end)))
			attempt_failed(w, s, t);
		if (t->fd < 0)
			continue;
		(*live)++;
		*expiry = mams_time_min(*expiry, end);
	}
	return false;
}

/** No path worked: connect as if we were not there, since no byte of the application is lost. */
static void go_direct(struct px_worker *w, struct px_conn *c)
{
	px_race_drop(c);
	if (c->part.second) {
		px_conn_end(w, c, true);
		return;
	}
	c->setup->gone_direct = true;
	if (!start_try(w, c, 0, true))
		px_conn_end(w, c, true);
	else
		px_conn_arm(w, c, mams_time_add_ms(w->now, w->cfg->set.connect_ms));
}

static void give_up(struct px_worker *w, struct px_conn *c)
{
	struct px_note note = {.kind = PX_NOTE_UNREACHABLE};

	if (c->setup->narrowed) {
		/* the links of its class are dead: over another one rather than not at all */
		px_inc(&w->counters.class_left);
		c->setup->left_class = true;
		line_up(w, c, NULL);
		px_conn_wake(w, c);
		return;
	}
	if (c->part.second) {
		px_conn_end(w, c, true);
		return;
	}
	px_inc(&w->counters.path_none);
	if (!px_notes_put(w->notes, &note))
		px_inc(&w->counters.notes_dropped);
	if (w->cfg->set.fail_open)
		go_direct(w, c);
	else
		px_conn_end(w, c, true);
}

/** Start what is due.  @return false when the connection went another way or has ended */
static bool start_due(struct px_worker *w, struct px_conn *c, size_t *live, mams_time *expiry)
{
	struct px_setup *s = c->setup;

	for (;;) {
		uint8_t path;

		if (s->next == s->n_paths) {
			if (*live > 0)
				return true;
			if (++s->round >= w->cfg->set.rounds) {
				give_up(w, c);
				return false;
			}
			s->next = 0;
			s->next_at = mams_time_add_ms(w->now, ROUND_PAUSE_MS);
		}
		if (mams_time_before(w->now, s->next_at))
			return true;
		path = s->order[s->next++];
		if (!start_try(w, c, path, false))
			continue;
		(*live)++;
		*expiry = mams_time_min(*expiry, mams_time_add_ms(w->now, w->cfg->set.attempt_ms));
		s->next_at.us = w->now.us +
				px_path_patience_us(&s->paths[path], w->cfg->set.race_ms * 1000);
	}
}

void px_race_run(struct px_worker *w, struct px_conn *c)
{
	struct px_setup *s = c->setup;
	mams_time expiry;
	size_t live;

	if (c->leg[0].failed) {
		px_inc(&w->counters.client_gone);
		px_conn_end(w, c, true);
		return;
	}
	if (review(w, c, &live, &expiry))
		return;
	if (s->gone_direct) {
		if (live == 0)
			px_conn_end(w, c, true);
		return;
	}
	if (w->cfg->direct || s->n_paths == 0) {
		go_direct(w, c);
		return;
	}
	if (!start_due(w, c, &live, &expiry))
		return;
	if (s->next < s->n_paths)
		expiry = mams_time_min(expiry, s->next_at);
	px_conn_arm(w, c, expiry);
}

void px_race_timeout(struct px_worker *w, struct px_conn *c)
{
	px_conn_wake(w, c);
}
