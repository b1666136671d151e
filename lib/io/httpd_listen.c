#include "lib/io/httpd_listen.h"

#include "lib/base/log.h"
#include "lib/io/tcpsock.h"
#include "lib/io/unixsock.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LOG_MODULE "httpd"

#define BACKLOG 4096
#define ACCEPTS_PER_EVENT 16
#define PAUSE_MS 100
#define YOUNG_MAX 64
/* One that waits for its client for longer is no longer counted. */
#define YOUNG_MS 400
/* A client that is gone without a word is noticed after 20 + 3 * 5 s. */
#define KEEPALIVE_IDLE_S 20
#define KEEPALIVE_INTERVAL_S 5
#define KEEPALIVE_COUNT 3

struct mams_httpd_listen {
	struct mams_loop *loop;
	mams_httpd_accepted_fn cb;
	void *user;
	struct mams_loop_timer *resume;
	struct mams_log_rl rl;
	char *path; /* of the UNIX socket */
	unsigned last_ticket;
	bool paused; /* until a handshake is over */
	struct {
		unsigned ticket; /* 0: free */
		mams_time until;
	} young[YOUNG_MAX];
	size_t n;
	struct {
		int fd;
		struct mams_loop_fd *watch;
	} socks[];
};

static void watch_all(struct mams_httpd_listen *s, unsigned events)
{
	for (size_t i = 0; i < s->n; i++)
		mams_loop_fd_set(s->socks[i].watch, events);
}

static void resume_event(void *user)
{
	struct mams_httpd_listen *s = user;

	s->paused = false;
	watch_all(s, MAMS_LOOP_READ);
}

/* @return whether there is room for one more; if not, accepting pauses */
static bool find_room(struct mams_httpd_listen *s, size_t *slot)
{
	mams_time now = mams_loop_now(s->loop);
	mams_time first = MAMS_TIME_NEVER;

	for (size_t i = 0; i < YOUNG_MAX; i++) {
		if (!s->young[i].ticket || !mams_time_before(now, s->young[i].until)) {
			*slot = i;
			return true;
		}
		first = mams_time_min(first, s->young[i].until);
	}
	s->paused = true;
	watch_all(s, 0);
	mams_loop_timer_at(s->resume, first);
	return false;
}

void mams_httpd_listen_settled(struct mams_httpd_listen *s, unsigned ticket)
{
	for (size_t i = 0; i < YOUNG_MAX && ticket; i++) {
		if (s->young[i].ticket != ticket)
			continue;
		s->young[i].ticket = 0;
		if (s->paused)
			resume_event(s);
	}
}

void mams_httpd_listen_waits(struct mams_httpd_listen *s, unsigned ticket, bool for_us)
{
	mams_time until =
		for_us ? MAMS_TIME_NEVER : mams_time_add_ms(mams_loop_now(s->loop), YOUNG_MS);

	for (size_t i = 0; i < YOUNG_MAX && ticket; i++) {
		if (s->young[i].ticket != ticket)
			continue;
		s->young[i].until = until;
		if (s->paused) /* there may be room earlier, or later */
			resume_event(s);
	}
}

/* What has come with it: nothing yet, its hello, or its end. */
static short look(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN | POLLRDHUP};

	return poll(&p, 1, 0) == 1 ? p.revents : 0;
}

/* Only a handshake that can be begun at once takes room: who is silent costs no time and must not
 * keep others out. */
static unsigned give_ticket(struct mams_httpd_listen *s, size_t slot, short come)
{
	if (!(come & POLLIN))
		return 0;
	s->last_ticket += s->last_ticket == UINT_MAX ? 2 : 1;
	s->young[slot].ticket = s->last_ticket;
	s->young[slot].until = mams_time_add_ms(mams_loop_now(s->loop), YOUNG_MS);
	return s->last_ticket;
}

static void accept_event(void *user, int listener, unsigned events)
{
	struct mams_httpd_listen *s = user;

	(void)events;
	for (int i = 0; i < ACCEPTS_PER_EVENT; i++) {
		struct sockaddr_storage sa;
		socklen_t len = sizeof(sa);
		size_t slot;
		short come;
		int fd;

		if (!find_room(s, &slot))
			return;
		fd = accept4(listener, (struct sockaddr *)&sa, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0)
			break;
		come = look(fd);
		if (sa.ss_family != AF_UNIX && come & (POLLRDHUP | POLLHUP | POLLERR)) {
			close(fd);
		} else {
			if (sa.ss_family != AF_UNIX)
				mams_tcp_keep(fd, KEEPALIVE_IDLE_S, KEEPALIVE_INTERVAL_S,
					KEEPALIVE_COUNT);
			s->cb(s->user, fd, &sa, len, give_ticket(s, slot, come));
		}
		errno = 0;
	}
	if (errno != EMFILE && errno != ENFILE && errno != ENOBUFS && errno != ENOMEM)
		return;
	/* the waiting client would make this event return without end */
	mams_log_limited(&s->rl, mams_loop_now(s->loop), MAMS_LOG_ERR, LOG_MODULE,
		"cannot accept error=%s", strerror(errno));
	watch_all(s, 0);
	mams_loop_timer_at(s->resume, mams_time_add_ms(mams_loop_now(s->loop), PAUSE_MS));
}

static int open_path(const struct mams_httpd_path *at, char **kept, struct mams_error *err)
{
	int fd = mams_unix_listen(
		SOCK_STREAM, at->path, at->mode ? at->mode : 0600, at->gid, BACKLOG);

	if (fd < 0)
		return mams_fail(err, -fd, at->path, "cannot listen: %s", strerror(-fd));
	*kept = strdup(at->path);
	if (*kept)
		return fd;
	unlink(at->path);
	close(fd);
	return -ENOMEM;
}

/* @param fd  consumed; or a negative code */
static int adopt(struct mams_httpd_listen *s, int fd)
{
	if (fd < 0)
		return fd;
	s->socks[s->n].fd = fd;
	s->n++;
	return mams_loop_fd_add(
		s->loop, fd, MAMS_LOOP_READ, accept_event, s, &s->socks[s->n - 1].watch);
}

int mams_httpd_listen_open(struct mams_loop *l, const struct mams_addr *addrs, size_t n,
	const struct mams_httpd_path *at, mams_httpd_accepted_fn cb, void *user,
	struct mams_httpd_listen **out, struct mams_error *err)
{
	struct mams_httpd_listen *s = calloc(1, sizeof(*s) + (n + 1) * sizeof(s->socks[0]));
	char text[MAMS_ADDR_STRLEN];
	int rc;

	if (!s)
		return -ENOMEM;
	s->loop = l;
	s->cb = cb;
	s->user = user;
	rc = mams_loop_timer_new(l, resume_event, s, &s->resume);
	for (size_t i = 0; i < n && rc == 0; i++) {
		int fd = mams_tcp_listen(&addrs[i], BACKLOG);

		rc = adopt(s, fd);
		if (fd < 0)
			rc = mams_fail(err, -fd, mams_addr_str_port(&addrs[i], text),
				"cannot listen: %s", strerror(-fd));
	}
	if (rc == 0 && at && at->path)
		rc = adopt(s, open_path(at, &s->path, err));
	if (rc < 0) {
		mams_httpd_listen_close(s);
		return rc;
	}
	*out = s;
	return 0;
}

void mams_httpd_listen_close(struct mams_httpd_listen *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n; i++) {
		mams_loop_fd_del(s->socks[i].watch);
		close(s->socks[i].fd);
	}
	mams_loop_timer_del(s->resume);
	if (s->path)
		unlink(s->path);
	free(s->path);
	free(s);
}
