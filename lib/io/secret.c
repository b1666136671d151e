#include "lib/io/secret.h"

#include "lib/io/proc.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PASSWORD_MAX 1024

int mams_secret_read(const char *path, char **out, struct mams_error *err)
{
	char line[PASSWORD_MAX];
	FILE *f;
	int rc = mams_proc_check_secret_file(path, err);

	if (rc < 0)
		return rc;
	f = fopen(path, "re");
	if (!f)
		return mams_fail(err, errno, path, "%s", strerror(errno));
	setvbuf(f, NULL, _IONBF, 0); /* no second copy in a buffer that nobody wipes */
	if (!fgets(line, sizeof(line), f))
		line[0] = '\0';
	fclose(f);
	line[strcspn(line, "\r\n")] = '\0';
	if (line[0] == '\0')
		rc = mams_fail(err, MAMS_EMISSING, path, "the first line must be the password");
	else if (!(*out = strdup(line)))
		rc = -ENOMEM;
	mams_wipe(line, sizeof(line));
	return rc;
}
