#include "plugins/pm_ctl.h"

#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"

#include <ell/ell.h>

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define LOG_MODULE "ctl"
#define PEERS_MAX 16

struct pm_ctl_peer {
	struct pm_ctl *ctl;
	struct l_io *io; /* NULL: free */
	int fd;
};

struct pm_ctl {
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	struct l_io *io;
	pm_ctl_fn request;
	void *user;
	struct pm_ctl_counters counters;
	struct mams_log_rl trouble;
	struct pm_ctl_peer peers[PEERS_MAX];
	char packet[CTL_MAX_BYTES];
};

static int make_address(const char *path, struct sockaddr_un *sa)
{
	if (strlen(path) >= sizeof(sa->sun_path))
		return -ENAMETOOLONG;
	*sa = (struct sockaddr_un){.sun_family = AF_UNIX};
	memcpy(sa->sun_path, path, strlen(path));
	return 0;
}

/* A socket file nobody listens on any more is what a killed mptcpd leaves. */
static int remove_stale(const struct sockaddr_un *sa)
{
	MAMS_AUTO_FD int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	struct stat st;

	if (fd < 0)
		return -errno;
	if (lstat(sa->sun_path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	if (connect(fd, (const struct sockaddr *)sa, sizeof(*sa)) == 0)
		return -EADDRINUSE;
	if (errno != ECONNREFUSED)
		return -errno;
	return unlink(sa->sun_path) < 0 ? -errno : 0;
}

static int listen_at(const char *path)
{
	struct sockaddr_un sa;
	int fd = -1;
	int rc = make_address(path, &sa);

	if (rc == 0)
		rc = remove_stale(&sa);
	if (rc < 0)
		return rc;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 || chmod(path, 0660) < 0 ||
		listen(fd, PEERS_MAX) < 0) {
		rc = -errno;
		if (fd >= 0)
			close(fd);
		return rc;
	}
	return fd;
}

static void end_peer(struct pm_ctl_peer *p)
{
	struct l_io *io = p->io;

	p->io = NULL;
	p->fd = -1;
	l_io_destroy(io);
}

void pm_ctl_reply(struct pm_ctl_peer *to, struct ctl_msg *m)
{
	struct mams_buf text = {0};
	struct mams_error err = {0};
	int rc = m ? ctl_encode(m, 0, &text, &err) : -ENOMEM;

	if (rc == 0 && send(to->fd, text.data, text.len, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		rc = -errno;
	if (rc < 0) {
		to->ctl->counters.unsent++;
		mams_log_limited(&to->ctl->trouble, mams_clock_now(), MAMS_LOG_WARN, LOG_MODULE,
			"cannot answer on ctl: %s %s", mams_strerror(rc), err.text);
	}
	mams_buf_fini(&text);
	ctl_msg_free(m);
}

void pm_ctl_result(struct pm_ctl_peer *to, uint32_t id, int code, const char *text)
{
	pm_ctl_reply(to, ctl_result_new(id, (uint32_t)code, text));
}

static void take_packet(struct pm_ctl_peer *p, size_t len)
{
	struct pm_ctl *c = p->ctl;
	struct mams_error err = {0};
	struct ctl_msg *m = NULL;
	int rc = ctl_decode(c->packet, len, &m, &err);

	c->counters.packets++;
	if (rc < 0) {
		c->counters.bad_packets++;
		pm_ctl_result(p, 0, -rc, err.text);
		return;
	}
	if (m->type == CTL_HELLO) {
		c->counters.bad_packets += ctl_hello_common(&m->hello) == 0;
		pm_ctl_reply(p, ctl_hello_answer(m));
	} else {
		c->request(c->user, p, m);
	}
	ctl_msg_free(m);
}

static bool readable(struct l_io *io, void *user)
{
	struct pm_ctl_peer *p = user;
	ssize_t n = recv(p->fd, p->ctl->packet, sizeof(p->ctl->packet), MSG_DONTWAIT | MSG_TRUNC);

	(void)io;
	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	if (n == 0)
		return false;
	if ((size_t)n > sizeof(p->ctl->packet)) {
		p->ctl->counters.bad_packets++;
		pm_ctl_result(p, 0, MAMS_ELIMIT, "packet is too long");
		return true;
	}
	take_packet(p, (size_t)n);
	return true;
}

static void hung_up(struct l_io *io, void *user)
{
	(void)io;
	end_peer(user);
}

static bool may_ask(int fd)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0 &&
	       (cred.uid == 0 || cred.uid == geteuid());
}

static bool connecting(struct l_io *io, void *user)
{
	struct pm_ctl *c = user;
	int fd = accept4(l_io_get_fd(io), NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct pm_ctl_peer *p = NULL;

	if (fd < 0)
		return true;
	for (size_t i = 0; !p && i < PEERS_MAX; i++)
		if (!c->peers[i].io)
			p = &c->peers[i];
	if (!p || !may_ask(fd)) {
		c->counters.refused_peers++;
		close(fd);
		return true;
	}
	*p = (struct pm_ctl_peer){.ctl = c, .io = l_io_new(fd), .fd = fd};
	l_io_set_close_on_destroy(p->io, true);
	l_io_set_read_handler(p->io, readable, p, NULL);
	l_io_set_disconnect_handler(p->io, hung_up, p, NULL);
	return true;
}

int pm_ctl_new(const char *path, pm_ctl_fn request, void *user, struct pm_ctl **out)
{
	struct pm_ctl *c = calloc(1, sizeof(*c));
	int fd;

	if (!c)
		return -ENOMEM;
	fd = listen_at(path);
	if (fd < 0) {
		free(c);
		return fd;
	}
	memcpy(c->path, path, strlen(path) + 1);
	c->request = request;
	c->user = user;
	c->io = l_io_new(fd);
	l_io_set_close_on_destroy(c->io, true);
	l_io_set_read_handler(c->io, connecting, c, NULL);
	*out = c;
	return 0;
}

void pm_ctl_free(struct pm_ctl *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < PEERS_MAX; i++)
		if (c->peers[i].io)
			end_peer(&c->peers[i]);
	l_io_destroy(c->io);
	unlink(c->path);
	free(c);
}

const struct pm_ctl_counters *pm_ctl_counters(const struct pm_ctl *c)
{
	return &c->counters;
}
