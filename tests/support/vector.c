#include "tests/support/vector.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** Cut text into keys and values; continuation lines stay in the value. */
static bool split(struct mams_vector *v)
{
	char *save;

	for (char *l = strtok_r(v->text, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		char *hash = strchr(l, '#');
		char *blank;

		if (hash)
			*hash = '\0';
		if (*l == '\0')
			continue;
		if (isspace((unsigned char)*l)) { /* put the line behind the value before it */
			char *end;

			if (v->n == 0)
				return false;
			end = v->line[v->n - 1].value + strlen(v->line[v->n - 1].value);
			memmove(end, l, strlen(l) + 1);
			continue;
		}
		blank = strchr(l, ' ');
		if (!blank || v->n == VECTOR_LINES)
			return false;
		*blank = '\0';
		v->line[v->n].key = l;
		v->line[v->n].value = blank + 1;
		v->n++;
	}
	return true;
}

static bool load(const char *dir, const char *name, struct mams_vector *v)
{
	char path[512];
	size_t len;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "r");
	if (!f)
		return false;
	len = fread(v->text, 1, sizeof(v->text) - 1, f);
	fclose(f);
	v->text[len] = '\0';
	v->n = 0;
	v->name = name;
	return len < sizeof(v->text) - 1 && split(v);
}

size_t mams_vector_each(const char *dir, void (*run)(const struct mams_vector *v))
{
	struct dirent **list;
	int found = scandir(dir, &list, NULL, alphasort);
	size_t n = 0;

	for (int i = 0; i < found; i++) {
		static struct mams_vector v;
		const char *dot = strrchr(list[i]->d_name, '.');

		if (dot && strcmp(dot, ".txt") == 0) {
			if (load(dir, list[i]->d_name, &v)) {
				run(&v);
				n++;
			} else {
				printf("%s/%s: not a vector\n", dir, list[i]->d_name);
				exit(2);
			}
		}
		free(list[i]);
	}
	if (found >= 0)
		free(list);
	return n;
}

const char *mams_vector_text(const struct mams_vector *v, const char *key)
{
	for (size_t i = 0; i < v->n; i++)
		if (strcmp(v->line[i].key, key) == 0)
			return v->line[i].value;
	return NULL;
}

uint32_t mams_vector_number(const struct mams_vector *v, const char *key, int base)
{
	const char *s = mams_vector_text(v, key);

	return s ? (uint32_t)strtoul(s, NULL, base) : 0;
}

size_t mams_vector_octets(const struct mams_vector *v, const char *key, uint8_t *out, size_t cap)
{
	const char *s = mams_vector_text(v, key);
	char *end;
	size_t n = 0;

	for (; s && n < cap; s = end) {
		unsigned long octet = strtoul(s, &end, 16);

		if (end == s)
			break;
		out[n++] = (uint8_t)octet;
	}
	return n;
}
