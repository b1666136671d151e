#include "ncm-service/decisions.h"

#include "lib/base/buf.h"
#include "lib/base/log.h"
#include "ncm-service/steerer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOG_MODULE "policy"
#define SUFFIX ".1"

struct ncm_decisions {
	char *path; /* NULL: none */
	int fd;
	uint64_t max;
	uint64_t length;
	bool failed; /* said once */
};

static int open_file(struct ncm_decisions *d)
{
	struct stat st;

	d->fd = open(d->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (d->fd < 0 || fstat(d->fd, &st) < 0)
		return -errno;
	/* whatever the umask: the group's operators read it */
	if (st.st_size == 0 && fchmod(d->fd, 0640) < 0)
		return -errno;
	d->length = (uint64_t)st.st_size;
	return 0;
}

static void close_file(struct ncm_decisions *d)
{
	if (d->fd >= 0)
		close(d->fd);
	d->fd = -1;
}

static int rotate(struct ncm_decisions *d)
{
	struct mams_buf to = {0};
	int rc = -ENOMEM;

	close_file(d);
	mams_buf_printf(&to, "%s%s", d->path, SUFFIX);
	if (!to.failed)
		rc = rename(d->path, to.data) < 0 ? -errno : 0;
	mams_buf_fini(&to);
	return rc == 0 ? open_file(d) : rc;
}

static int put_line(struct ncm_decisions *d, const struct mams_buf *line)
{
	int rc = d->fd < 0 ? open_file(d) : 0;

	if (rc == 0 && d->length > 0 && d->length + line->len > d->max)
		rc = rotate(d);
	if (rc < 0)
		return rc;
	if (write(d->fd, line->data, line->len) != (ssize_t)line->len)
		return errno ? -errno : -EIO;
	d->length += line->len;
	return 0;
}

void ncm_decisions_put(struct ncm_decisions *d, const struct ncm_session *s, size_t class)
{
	const struct steer_record *last;
	struct mams_buf line = {0};
	struct mams_error err = {0};
	struct steer_record r;
	mams_time at;
	int rc;

	last = ncm_steerer_record(s, class, &at);
	if (!last)
		return;
	log_info("policy %s: %s%s client=%s", last->policy.name,
		last->decision.what == STEER_WAIT ? "would change, and waits" : "changes",
		last->decision.forced ? ", a link is lost" : "", s->s.identity);
	if (!d->path)
		return;
	r = *last;
	r.time = (uint64_t)mams_clock_wall();
	rc = steer_record_write(&r, &line, &err);
	mams_buf_add(&line, "\n", 1);
	if (rc == 0)
		rc = line.failed ? -ENOMEM : put_line(d, &line);
	if (rc < 0) {
		close_file(d);
		if (!d->failed)
			log_err("decision log cannot be written, decisions go on: %s file=%s",
				rc == -MAMS_EVALUE ? err.text : mams_strerror(rc), d->path);
	}
	d->failed = rc < 0;
	mams_buf_fini(&line);
}

int ncm_decisions_open(const struct ncm_conf *c, struct ncm_decisions **out, struct mams_error *err)
{
	const char *path = c->decision_log;
	struct ncm_decisions *d = calloc(1, sizeof(*d));
	int rc = d ? 0 : -ENOMEM;

	if (d) {
		d->fd = -1;
		d->max = (uint64_t)c->decision_log_mib << 20;
		d->path = path ? strdup(path) : NULL;
		if (path)
			rc = d->path ? open_file(d) : -ENOMEM;
	}
	if (rc == 0) {
		*out = d;
		return 0;
	}
	ncm_decisions_close(d);
	return mams_fail(err, -rc, path,
		"decision_log cannot be opened: %s; its directory must be writable for mams-ncm",
		mams_strerror(rc));
}

void ncm_decisions_close(struct ncm_decisions *d)
{
	if (!d)
		return;
	close_file(d);
	free(d->path);
	free(d);
}
