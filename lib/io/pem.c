#include "lib/io/pem.h"

#include "lib/io/proc.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PEM_MAX_BYTES (1024 * 1024)

int mams_pem_read(const char *path, bool secret, char **out, struct mams_error *err)
{
	FILE *f;
	char *text;
	size_t n;
	int rc = secret ? mams_proc_check_secret_file(path, err) : 0;

	if (rc < 0)
		return rc;
	f = fopen(path, "re");
	if (!f)
		return mams_fail(err, errno, path, "%s", strerror(errno));
	text = calloc(1, PEM_MAX_BYTES + 1);
	n = text ? fread(text, 1, PEM_MAX_BYTES, f) : 0;
	fclose(f);
	if (!text)
		return -ENOMEM;
	*out = text;
	if (n == 0 || n == PEM_MAX_BYTES || strlen(text) != n || !strstr(text, "-----BEGIN "))
		return mams_fail(err, MAMS_EVALUE, path, "not a PEM file");
	return 0;
}
