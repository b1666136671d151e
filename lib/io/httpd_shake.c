/* libmicrohttpd (0.9.75, with epoll) takes a socket for readable for as long as the TLS handshake
 * on it is unfinished, and tries again without a pause: one client that sends half of its hello
 * takes a whole core until its deadline.  So it has such a connection only for one step, when there
 * is something to read; in between the connection is suspended and its socket watched here. */
#include "lib/io/httpd_private.h"

#include <gnutls/gnutls.h>
#include <stddef.h>
#include <sys/socket.h>

#define LOG_MODULE "httpd"

static struct mams_httpd_conn *conn_of(struct mams_shake *s)
{
	return (struct mams_httpd_conn *)(void *)((char *)s -
						  offsetof(struct mams_httpd_conn, shake));
}

static void shake_event(void *user, int fd, unsigned events)
{
	struct mams_httpd_conn *c = user;

	(void)fd;
	(void)events;
	mams_loop_fd_del(c->watch);
	c->watch = NULL;
	mams_httpd_listen_waits(c->h->listen, c->ticket, true);
	mams_shakes_put(&c->h->shakes, &c->shake);
}

/* MHD is to see the end, and nothing that would still cost a step. */
static void end(struct mams_httpd_conn *c)
{
	char rest[4096];

	c->shut = true;
	shutdown(c->fd, SHUT_RDWR);
	while (recv(c->fd, rest, sizeof(rest), MSG_DONTWAIT) > 0)
		;
}

static void wait(struct mams_httpd_conn *c, unsigned events)
{
	c->apart = true;
	MHD_suspend_connection(c->mhd);
	mams_httpd_listen_waits(c->h->listen, c->ticket, false);
	if (mams_loop_fd_add(c->h->loop, c->fd, events, shake_event, c, &c->watch) == 0)
		return;
	c->h->counters.no_memory++;
	end(c);
	mams_httpd_shake_give(c);
}

void mams_httpd_shake_begin(struct mams_httpd_conn *c)
{
	wait(c, MAMS_LOOP_READ);
}

void mams_httpd_shake_give(struct mams_httpd_conn *c)
{
	if (!c->apart)
		return;
	c->apart = false;
	MHD_resume_connection(c->mhd);
	c->h->ready = true;
}

void mams_httpd_shake_step(void *user, struct mams_shake *s)
{
	struct mams_httpd *h = user;
	struct mams_httpd_conn *c = conn_of(s);

	if (mams_shakes_is_gone(c->fd))
		end(c);
	h->shaken[h->n_shaken++] = c;
	mams_httpd_shake_give(c);
}

void mams_httpd_shake_end(struct mams_httpd_conn *c)
{
	struct mams_httpd *h = c->h;

	mams_shakes_drop(&h->shakes, &c->shake);
	for (size_t i = 0; i < h->n_shaken; i++)
		if (h->shaken[i] == c)
			h->shaken[i] = NULL;
}

static void look(struct mams_httpd_conn *c)
{
	const union MHD_ConnectionInfo *info;
	gnutls_session_t tls;

	if (c->seen_request || c->shut)
		return;
	info = MHD_get_connection_info(c->mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	tls = info ? info->tls_session : NULL;
	/* the client's Finished is the last that a server reads */
	if (tls && gnutls_handshake_get_last_in(tls) != GNUTLS_HANDSHAKE_FINISHED)
		wait(c, gnutls_record_get_direction(tls) ? MAMS_LOOP_WRITE : MAMS_LOOP_READ);
	else
		mams_httpd_listen_waits(c->h->listen, c->ticket, false);
}

void mams_httpd_shake_look(struct mams_httpd *h)
{
	for (size_t i = 0; i < h->n_shaken; i++)
		if (h->shaken[i])
			look(h->shaken[i]);
	h->n_shaken = 0;
}
