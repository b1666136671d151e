#include "lib/base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *own_code(int code)
{
	switch ((enum mams_err)code) {
	case MAMS_ETRUNC:
		return "truncated";
	case MAMS_EPROTO:
		return "protocol error";
	case MAMS_EVALUE:
		return "value out of range";
	case MAMS_EMISSING:
		return "required element missing";
	case MAMS_EUNKNOWN:
		return "unknown";
	case MAMS_ESTATE:
		return "not allowed in this state";
	case MAMS_EPEER:
		return "refused by peer";
	case MAMS_ELIMIT:
		return "limit reached";
	case MAMS_EDENIED:
		return "not allowed";
	}
	return "unknown error";
}

const char *mams_strerror(int err)
{
	int code = err < 0 ? -err : err;

	if (code == 0)
		return "ok";
	if (code < MAMS_ETRUNC)
		return strerror(code);
	return own_code(code);
}

int mams_fail(struct mams_error *err, int code, const char *where, const char *fmt, ...)
{
	va_list ap;

	if (err) {
		snprintf(err->where, sizeof(err->where), "%s", where ? where : "");
		va_start(ap, fmt);
		vsnprintf(err->text, sizeof(err->text), fmt, ap);
		va_end(ap);
	}
	return code < 0 ? code : -code;
}

void mams_assert_failed(const char *cond, const char *file, int line)
{
	fprintf(stderr, "bug: %s does not hold at %s:%d\n", cond, file, line);
	abort();
}

void mams_wipe(void *p, size_t len)
{
	if (p)
		explicit_bzero(p, len);
}

void mams_cleanup_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}
