#include "lib/io/sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PATH_MAX_BYTES 256

static int path_of(const char *key, char out[PATH_MAX_BYTES])
{
	int n = snprintf(out, PATH_MAX_BYTES, "/proc/sys/%s", key);

	if (n < 0 || n >= PATH_MAX_BYTES || strstr(key, ".."))
		return -ENAMETOOLONG;
	for (char *p = out + strlen("/proc/sys/"); *p; p++)
		if (*p == '.')
			*p = '/';
	return 0;
}

static int read_value(const char *key, char out[MAMS_SYSCTL_VALUE_MAX])
{
	char path[PATH_MAX_BYTES];
	int rc = path_of(key, path);
	MAMS_AUTO_FD int fd = rc == 0 ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	ssize_t n;

	if (fd < 0)
		return rc < 0 ? rc : -errno;
	n = read(fd, out, MAMS_SYSCTL_VALUE_MAX - 1);
	if (n < 0)
		return -errno;
	out[n] = '\0';
	out[strcspn(out, "\n")] = '\0';
	return 0;
}

static int open_value(const char *key)
{
	char path[PATH_MAX_BYTES];
	int rc = path_of(key, path);
	int fd = rc == 0 ? open(path, O_WRONLY | O_CLOEXEC) : -1;

	if (rc < 0)
		return rc;
	return fd < 0 ? -errno : fd;
}

static int write_value(const char *key, const char *value)
{
	MAMS_AUTO_FD int fd = open_value(key);

	if (fd < 0)
		return fd;
	return write(fd, value, strlen(value)) == (ssize_t)strlen(value) ? 0 : -errno;
}

static bool remembered(const char *memory, const char *key)
{
	char line[PATH_MAX_BYTES + MAMS_SYSCTL_VALUE_MAX];
	size_t len = strlen(key);
	bool found = false;
	FILE *f = fopen(memory, "re");

	if (!f)
		return false;
	while (!found && fgets(line, sizeof(line), f))
		found = strncmp(line, key, len) == 0 && line[len] == ' ';
	fclose(f);
	return found;
}

/* On disk before the setting is changed: killed in between, one value too many is remembered. */
static int remember(const char *memory, const char *key, const char *old)
{
	char line[PATH_MAX_BYTES + MAMS_SYSCTL_VALUE_MAX];
	int n = snprintf(line, sizeof(line), "%s %s\n", key, old);
	MAMS_AUTO_FD int fd = open(memory, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	if (fd < 0)
		return -errno;
	return write(fd, line, (size_t)n) == n ? 0 : -EIO;
}

static int set_one(const char *memory, const struct mams_sysctl *s)
{
	char old[MAMS_SYSCTL_VALUE_MAX];
	MAMS_AUTO_FD int fd = -1;
	int rc = read_value(s->key, old);

	if (rc < 0 || strcmp(old, s->value) == 0)
		return rc;
	fd = open_value(s->key); /* what cannot be changed need not be put back */
	if (fd < 0)
		return fd;
	if (!remembered(memory, s->key))
		rc = remember(memory, s->key, old);
	if (rc < 0)
		return rc;
	return write(fd, s->value, strlen(s->value)) == (ssize_t)strlen(s->value) ? 0 : -errno;
}

int mams_sysctl_set(
	const char *memory, const struct mams_sysctl *list, size_t n, struct mams_error *err)
{
	for (size_t i = 0; i < n; i++) {
		int rc = set_one(memory, &list[i]);

		if (rc < 0 && !list[i].optional)
			return mams_fail(err, -rc, list[i].key, "cannot be set to %s: %s",
				list[i].value, strerror(-rc));
	}
	return 0;
}

int mams_sysctl_restore(const char *memory, struct mams_error *err)
{
	char line[PATH_MAX_BYTES + MAMS_SYSCTL_VALUE_MAX];
	FILE *f = fopen(memory, "re");
	int rc = 0;

	if (!f)
		return errno == ENOENT ? 0 : mams_fail(err, errno, memory, "%s", strerror(errno));
	while (fgets(line, sizeof(line), f)) {
		char *value = strchr(line, ' ');
		int one;

		if (!value)
			continue;
		*value++ = '\0';
		value[strcspn(value, "\n")] = '\0';
		one = write_value(line, value);
		if (one < 0)
			rc = mams_fail(err, -one, line, "cannot be put back to %s: %s", value,
				strerror(-one));
	}
	fclose(f);
	if (rc == 0 && unlink(memory) < 0)
		return mams_fail(err, errno, memory, "%s", strerror(errno));
	return rc;
}
