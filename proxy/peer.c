#include "proxy/peer.h"

#include "proxy/convert.h"
#include "proxy/dial.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ANSWER_MAX 1024

struct px_peer {
	struct mams_loop *loop;
	const struct px_conf *conf;
	mams_loop_fn back;
	void *user;
	struct mams_loop_timer *timer;
	struct mams_loop_fd *watch;
	int fd;
	bool asking;
	bool asked; /* the question is written */
	size_t turn;
	struct px_path paths[PX_PATHS_MAX];
	size_t n_paths;
	uint8_t cookie[512];
	size_t cookie_len;
	uint8_t in[ANSWER_MAX];
	size_t n_in;
};

static void hang_up(struct px_peer *p)
{
	mams_loop_fd_del(p->watch);
	p->watch = NULL;
	if (p->fd >= 0)
		close(p->fd);
	p->fd = -1;
}

static void question(struct px_peer *p)
{
	uint8_t out[640];
	struct mams_wr wr = mams_wr_init(out, sizeof(out));

	px_convert_begin(&wr);
	if (p->cookie_len)
		px_convert_put_cookie(
			&wr, (struct px_octets){.data = p->cookie, .len = p->cookie_len});
	px_convert_put_info(&wr);
	p->asked = px_convert_end(&wr) == 0 &&
		   send(p->fd, wr.data, wr.len, MSG_NOSIGNAL) == (ssize_t)wr.len;
	mams_wipe(out, sizeof(out));
	if (p->asked)
		mams_loop_fd_set(p->watch, MAMS_LOOP_READ);
	else
		hang_up(p);
}

/* An error that concerns us (not authorised, say) is no answer of an N-MADP that serves us. */
static void take_answer(struct px_peer *p)
{
	struct px_convert_msg msg;
	ssize_t n = recv(p->fd, p->in + p->n_in, sizeof(p->in) - p->n_in, 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		hang_up(p);
		return;
	}
	p->n_in += (size_t)n;
	switch (px_convert_decode(PX_AT_CLIENT, p->in, p->n_in, &msg)) {
	case PX_CONVERT_MORE:
		if (p->n_in == sizeof(p->in))
			hang_up(p);
		return;
	case PX_CONVERT_OK:
		hang_up(p);
		if (msg.has_error)
			return;
		px_peer_rest(p);
		p->back(p->user);
		return;
	case PX_CONVERT_FOREIGN:
	case PX_CONVERT_RESET:
	case PX_CONVERT_ANSWER:
		hang_up(p);
		return;
	}
}

static void on_fd(void *user, int fd, unsigned events)
{
	struct px_peer *p = user;

	(void)fd;
	(void)events;
	if (!p->asked)
		question(p);
	else
		take_answer(p);
}

static int dial(struct px_peer *p, const struct px_path *path)
{
	p->fd = px_dial(p->conf, path);
	if (p->fd < 0)
		return p->fd;
	p->n_in = 0;
	p->asked = false;
	return mams_loop_fd_add(p->loop, p->fd, MAMS_LOOP_WRITE, on_fd, p, &p->watch);
}

static void ask(void *user)
{
	struct px_peer *p = user;

	hang_up(p);
	if (!p->asking)
		return;
	mams_loop_timer_at(p->timer, mams_time_add_ms(mams_loop_now(p->loop), p->conf->probe_ms));
	if (p->n_paths > 0 && dial(p, &p->paths[p->turn++ % p->n_paths]) < 0)
		hang_up(p);
}

int px_peer_new(struct mams_loop *l, const struct px_conf *conf, mams_loop_fn back, void *user,
	struct px_peer **out)
{
	struct px_peer *p = calloc(1, sizeof(*p));
	int rc;

	if (!p)
		return -ENOMEM;
	p->loop = l;
	p->conf = conf;
	p->back = back;
	p->user = user;
	p->fd = -1;
	rc = mams_loop_timer_new(l, ask, p, &p->timer);
	if (rc < 0)
		free(p);
	else
		*out = p;
	return rc;
}

void px_peer_free(struct px_peer *p)
{
	if (!p)
		return;
	hang_up(p);
	mams_loop_timer_del(p->timer);
	mams_wipe(p, sizeof(*p));
	free(p);
}

void px_peer_ask(struct px_peer *p, const struct px_snapshot *s)
{
	memcpy(p->paths, s->paths, sizeof(p->paths));
	p->n_paths = s->n_paths;
	memcpy(p->cookie, s->cookie, s->cookie_len);
	p->cookie_len = s->cookie_len;
	p->asking = true;
	ask(p);
}

void px_peer_rest(struct px_peer *p)
{
	p->asking = false;
	mams_loop_timer_at(p->timer, MAMS_TIME_NEVER);
	hang_up(p);
}
