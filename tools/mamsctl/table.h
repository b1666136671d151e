/** @file table.h
 *  Human tables: aligned columns, and numbers with units.  Layer: tools (pure).
 *  Text of cells comes from daemons and so, in the end, from peers: control characters are shown as
 *  '?', so that a name cannot steer the terminal. */
#pragma once

#include "lib/base/buf.h"

#include <stdint.h>

#define TBL_MAX_COLUMNS 12
#define TBL_UNIT_LEN 32

struct tbl_column {
	const char *head;
	bool right; /**< numbers stand at the right end of their column */
};

/** Cells are added row by row; a row is complete when it has a cell for each column. */
struct tbl {
	const struct tbl_column *columns; /**< borrowed */
	size_t n_columns;
	char **cells;
	size_t n_cells;
	size_t cap;
	bool failed; /**< an allocation failed; nothing more is added */
};

/** @param n  at most TBL_MAX_COLUMNS */
struct tbl tbl_init(const struct tbl_column *columns, size_t n);
/** An empty or NULL text is shown as "-". */
void tbl_text(struct tbl *t, const char *text);
void tbl_number(struct tbl *t, uint64_t v);
void tbl_bytes(struct tbl *t, uint64_t v);
void tbl_duration(struct tbl *t, uint64_t ms);
void tbl_flag(struct tbl *t, bool v, const char *yes, const char *no);
/** Append heads and rows, each line indented; nothing when there is no row. */
void tbl_print(const struct tbl *t, unsigned indent, struct mams_buf *out);
void tbl_fini(struct tbl *t);

/** "17 B", "1.5 KiB", "20.0 MiB", ... into buf[TBL_UNIT_LEN]; returns buf. */
const char *tbl_bytes_str(uint64_t v, char *buf);
/** "350 ms", "12.5 s", "3 min 05 s", "2 h 10 min", "3 d 4 h". */
const char *tbl_duration_str(uint64_t ms, char *buf);
