/* One request to one daemon, and errors that name the cure. */
#include "lib/base/clock.h"
#include "lib/codec/field.h"
#include "lib/io/ctlsock.h"
#include "tools/mamsctl/mamsctl.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define EVENTS_MAX 8 /* of other matters that may arrive before the answer */

static const struct target defaults[D_COUNT] = {
	[D_NCM] = {"mams-ncm", "/run/mams/ncm.ctl"},
	[D_CCM] = {"mams-ccm", "/run/mams/ccm.ctl"},
	[D_PROXY] = {"mams-proxy", "/run/mams/proxy.ctl"},
	[D_TRAILER] = {"mams-trailer", "/run/mams/trailer.ctl"},
	[D_PM] = {"mptcpd with the plugin mams_pm", "/run/mams/pm.ctl"},
};

void complain(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("mamsctl: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
}

struct target target_of(const struct options *o, enum daemon d)
{
	struct target t = defaults[d];

	if (o->socket || o->connect)
		t.path = o->socket ? o->socket : o->connect;
	else if (o->sockets[d])
		t.path = o->sockets[d];
	return t;
}

size_t targets_find(const struct options *o, struct target out[D_COUNT])
{
	bool named = false;
	size_t n = 0;

	if (o->socket || o->connect) {
		out[0] = (struct target){"the daemon", o->socket ? o->socket : o->connect};
		return 1;
	}
	for (int d = 0; d < D_COUNT; d++)
		named |= o->sockets[d] != NULL;
	for (int d = 0; d < D_COUNT; d++) {
		/* EACCES is for ask() to explain */
		bool wanted = named ? o->sockets[d] != NULL
				    : access(defaults[d].path, F_OK) == 0 || errno != ENOENT;

		if (wanted)
			out[n++] = target_of(o, (enum daemon)d);
	}
	if (n == 0)
		complain("no daemon has its socket in /run/mams: is one running? (systemctl "
			 "status 'mams-*'; other paths: --ncm, --ccm, --proxy, --pm)");
	return n;
}

static void explain(const struct options *o, const struct target *t, int rc)
{
	if (rc == -ENOENT || rc == -ECONNREFUSED)
		complain("%s: %s: is %s running, with this socket in its configuration?", t->path,
			rc == -ENOENT ? "no such socket" : "nobody listens", t->name);
	else if (rc == -EACCES || rc == -EPERM)
		complain("%s: no permission: be root, or a member of the group that the "
			 "configuration of %s allows",
			t->path, t->name);
	else if (rc == -ECONNRESET || rc == -EPIPE)
		complain("%s: hung up: be root, or a member of the group that the configuration "
			 "of %s allows; or has it stopped just now?",
			t->path, t->name);
	else if (rc == -ETIMEDOUT)
		complain("%s: no answer in %d ms: is %s busy or stopped? (--timeout waits longer)",
			t->path, o->timeout_ms, t->name);
	else
		complain("%s: %s", t->path, mams_strerror(rc));
}

static int round_trip(const struct options *o, const struct target *t,
	const struct ctl_msg *request, struct ctl_msg **answer)
{
	MAMS_AUTO_FREE char *bytes = NULL;
	struct mams_buf text = {0};
	struct mams_error err = {0};
	size_t len = 0;
	int rc = ctl_encode(request, 0, &text, &err);

	if (rc < 0) {
		complain("%s", err.text[0] ? err.text : mams_strerror(rc));
		mams_buf_fini(&text);
		return rc;
	}
	if (o->connect) {
		rc = remote_call(o, &text, &bytes, &len);
	} else {
		rc = mams_ctl_call(t->path, text.data, text.len, o->timeout_ms, &bytes, &len);
		if (rc < 0)
			explain(o, t, rc);
	}
	mams_buf_fini(&text);
	if (rc < 0)
		return rc;
	rc = ctl_decode(bytes, len, answer, &err);
	if (rc < 0)
		complain("%s: this is no answer of a MAMS daemon of our version: %s %s", t->path,
			err.where, err.text);
	return rc;
}

int ask(const struct options *o, const struct target *t, const struct ctl_msg *request,
	struct ctl_msg **answer)
{
	/* an event to everybody may come before the answer; asking again does no harm */
	for (int i = 0; i < EVENTS_MAX; i++) {
		int rc = round_trip(o, t, request, answer);

		if (rc < 0)
			return rc;
		if ((*answer)->id == request->id)
			return 0;
		ctl_msg_free(*answer);
		*answer = NULL;
	}
	complain("%s: only events, no answer", t->path);
	return -MAMS_EPEER;
}

int print_text(struct mams_buf *text)
{
	int status = text->failed ? 1 : 0;

	if (text->failed)
		complain("out of memory");
	else if (text->len > 0 &&
		 (fwrite(text->data, 1, text->len, stdout) != text->len || fflush(stdout) != 0))
		status = 1; /* the reader of a pipe went away, or the disk is full */
	mams_buf_fini(text);
	return status;
}

int print_json(const struct ctl_msg *m)
{
	struct mams_buf text = {0};
	struct mams_error err = {0};
	int rc = ctl_encode(m, MAMS_ENC_PRETTY | MAMS_ENC_MASK, &text, &err);

	if (rc < 0) {
		complain("%s", err.text[0] ? err.text : mams_strerror(rc));
		mams_buf_fini(&text);
		return 1;
	}
	mams_buf_add(&text, "\n", 1);
	return print_text(&text);
}

int print_result(const struct options *o, const struct target *t, const struct ctl_msg *m)
{
	const char *words;

	if (m->type != CTL_RESULT) {
		complain("%s: answers with %s, not with a result", t->path, ctl_type_name(m->type));
		return 1;
	}
	words = m->result.text && *m->result.text ? m->result.text : NULL;
	if (o->json && print_json(m) != 0)
		return 1;
	if (m->result.code == 0) {
		if (!o->json && words)
			printf("%s\n", words);
		return 0;
	}
	complain("%s: %s", t->name, words ? words : mams_strerror((int)m->result.code));
	return 1;
}
