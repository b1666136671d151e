#include "ccm-agent/battery.h"

#include <dirent.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORD_MAX 32

/* The first line of an attribute.  @return false: there is none */
static bool attribute(const char *dir, const char *supply, const char *name, char word[WORD_MAX])
{
	char path[PATH_MAX];
	FILE *f;
	bool good;

	if (snprintf(path, sizeof(path), "%s/%s/%s", dir, supply, name) >= (int)sizeof(path))
		return false;
	f = fopen(path, "re");
	if (!f)
		return false;
	good = fgets(word, WORD_MAX, f) != NULL;
	fclose(f);
	if (good)
		word[strcspn(word, "\n")] = '\0';
	return good;
}

/* A mouse has one, too. */
static bool is_ours(const char *dir, const char *supply)
{
	char word[WORD_MAX];

	return attribute(dir, supply, "type", word) && strcmp(word, "Battery") == 0 &&
	       !(attribute(dir, supply, "scope", word) && strcmp(word, "Device") == 0);
}

static int capacity(const char *dir, const char *supply)
{
	char word[WORD_MAX];
	char *end;
	long v;

	if (!attribute(dir, supply, "capacity", word))
		return -1;
	v = strtol(word, &end, 10);
	return end == word || *end || v < 0 ? -1 : v > 100 ? 100 : (int)v;
}

int ccm_battery_read(const char *dir)
{
	DIR *d = opendir(dir);
	const struct dirent *e;
	bool used_up = false;
	int sum = 0;
	int n = 0;

	while (d && (e = readdir(d))) {
		char status[WORD_MAX];
		const int percent = e->d_name[0] != '.' && is_ours(dir, e->d_name)
					    ? capacity(dir, e->d_name)
					    : -1;

		if (percent < 0)
			continue;
		sum += percent;
		n++;
		used_up |= attribute(dir, e->d_name, "status", status) &&
			   strcmp(status, "Discharging") == 0;
	}
	if (d)
		closedir(d);
	return n == 0 ? -1 : used_up ? sum / n : 100;
}
