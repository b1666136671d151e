#include "tools/mamsctl/table.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GAP 2u /* blanks between columns */

struct tbl tbl_init(const struct tbl_column *columns, size_t n)
{
	mams_assert(n > 0 && n <= TBL_MAX_COLUMNS);
	return (struct tbl){.columns = columns, .n_columns = n};
}

static bool grow(struct tbl *t)
{
	size_t cap = t->cap ? 2 * t->cap : 64;
	char **cells;

	if (t->n_cells < t->cap)
		return true;
	cells = realloc(t->cells, cap * sizeof(*cells));
	if (!cells)
		return false;
	t->cells = cells;
	t->cap = cap;
	return true;
}

void tbl_text(struct tbl *t, const char *text)
{
	char *copy;

	if (t->failed)
		return;
	copy = strdup(text && *text ? text : "-");
	if (!copy || !grow(t)) {
		free(copy);
		t->failed = true;
		return;
	}
	for (char *p = copy; *p; p++) {
		if (iscntrl((unsigned char)*p))
			*p = '?';
	}
	t->cells[t->n_cells++] = copy;
}

void tbl_number(struct tbl *t, uint64_t v)
{
	char buf[TBL_UNIT_LEN];

	snprintf(buf, sizeof(buf), "%" PRIu64, v);
	tbl_text(t, buf);
}

void tbl_bytes(struct tbl *t, uint64_t v)
{
	char buf[TBL_UNIT_LEN];

	tbl_text(t, tbl_bytes_str(v, buf));
}

void tbl_duration(struct tbl *t, uint64_t ms)
{
	char buf[TBL_UNIT_LEN];

	tbl_text(t, tbl_duration_str(ms, buf));
}

void tbl_flag(struct tbl *t, bool v, const char *yes, const char *no)
{
	tbl_text(t, v ? yes : no);
}

/* Columns of a UTF-8 text: continuation octets take none. */
static unsigned width_of(const char *s)
{
	unsigned n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

static void put_blanks(struct mams_buf *out, unsigned n)
{
	mams_buf_printf(out, "%*s", (int)n, "");
}

static void put_cell(struct mams_buf *out, const struct tbl *t, size_t column, const char *text,
	const unsigned *widths)
{
	unsigned pad = widths[column] - width_of(text);

	if (t->columns[column].right)
		put_blanks(out, pad);
	mams_buf_add(out, text, strlen(text));
	if (column + 1 == t->n_columns)
		mams_buf_add(out, "\n", 1);
	else
		put_blanks(out, t->columns[column].right ? GAP : pad + GAP);
}

void tbl_print(const struct tbl *t, unsigned indent, struct mams_buf *out)
{
	unsigned widths[TBL_MAX_COLUMNS];
	size_t rows = t->n_cells / t->n_columns;

	if (rows == 0)
		return;
	for (size_t c = 0; c < t->n_columns; c++) {
		widths[c] = width_of(t->columns[c].head);
		for (size_t r = 0; r < rows; r++) {
			unsigned w = width_of(t->cells[r * t->n_columns + c]);

			if (w > widths[c])
				widths[c] = w;
		}
	}
	put_blanks(out, indent);
	for (size_t c = 0; c < t->n_columns; c++)
		put_cell(out, t, c, t->columns[c].head, widths);
	for (size_t r = 0; r < rows; r++) {
		put_blanks(out, indent);
		for (size_t c = 0; c < t->n_columns; c++)
			put_cell(out, t, c, t->cells[r * t->n_columns + c], widths);
	}
}

void tbl_fini(struct tbl *t)
{
	for (size_t i = 0; i < t->n_cells; i++)
		free(t->cells[i]);
	free(t->cells);
	*t = (struct tbl){0};
}

const char *tbl_bytes_str(uint64_t v, char *buf)
{
	static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	double d = (double)v / 1024;
	size_t u = 0;

	if (v < 1024) {
		snprintf(buf, TBL_UNIT_LEN, "%" PRIu64 " B", v);
		return buf;
	}
	/* 1023.95 would be printed as 1024.0 */
	while (d >= 1023.95 && u + 1 < MAMS_ARRAY_LEN(units)) {
		d /= 1024;
		u++;
	}
	snprintf(buf, TBL_UNIT_LEN, "%.1f %s", d, units[u]);
	return buf;
}

const char *tbl_duration_str(uint64_t ms, char *buf)
{
	uint64_t s = ms / 1000;

	if (ms < 1000)
		snprintf(buf, TBL_UNIT_LEN, "%" PRIu64 " ms", ms);
	else if (s < 60)
		snprintf(buf, TBL_UNIT_LEN, "%" PRIu64 ".%" PRIu64 " s", s, ms % 1000 / 100);
	else if (s < 3600)
		snprintf(buf, TBL_UNIT_LEN, "%" PRIu64 " min %02" PRIu64 " s", s / 60, s % 60);
	else if (s < 86400)
		snprintf(buf, TBL_UNIT_LEN, "%" PRIu64 " h %02" PRIu64 " min", s / 3600,
			s % 3600 / 60);
	else
		snprintf(buf, TBL_UNIT_LEN, "%" PRIu64 " d %" PRIu64 " h", s / 86400,
			s % 86400 / 3600);
	return buf;
}
