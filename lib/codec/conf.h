/** @file conf.h
 *  Configuration files: rows of struct mams_conf_row describe a C struct; the file's text fills it.
 *  Layer: codec (pure but for reading the file; the only user of libconfuse).
 *  Syntax: key = value, lists { "a", "b" }, sections name title { ... }, # comments.
 *  Every mistake names file, line, key and cure in struct mams_error and changes nothing else. */
#pragma once

#include "lib/base/addr.h"
#include "lib/codec/field.h"

enum mams_conf_kind {
	MAMS_C_STRING,    /**< const char * */
	MAMS_C_INT,       /**< uint32_t in min..max */
	MAMS_C_SIGNED,    /**< int32_t in min..max */
	MAMS_C_U64,       /**< uint64_t below 2^53 */
	MAMS_C_BOOL,      /**< bool; true false yes no on off */
	MAMS_C_ENUM,      /**< int; a name of the table */
	MAMS_C_DURATION,  /**< uint32_t milliseconds in min..max; "250ms", "5s", "2min", "1h" */
	MAMS_C_ADDR,      /**< struct mams_addr, port 0 */
	MAMS_C_ADDR_PORT, /**< struct mams_addr with port; min is the default port, 0 = required */
	MAMS_C_FILE,      /**< const char *; must be readable */
	MAMS_C_SECRET_FILE, /**< const char *; readable, by nobody but owner and group */
	MAMS_C_STRINGS,     /**< const char **, count at count_offset */
	MAMS_C_ADDRS,       /**< struct mams_addr *, without ports */
	MAMS_C_ADDR_PORTS,  /**< struct mams_addr *, min as for MAMS_C_ADDR_PORT */
	MAMS_C_PREFIXES,    /**< struct mams_prefix * */
	MAMS_C_SECTIONS,    /**< titled sections: pointer to table->size items, in file order; at
			     *   most max, 0: any number */
};

struct mams_conf_row {
	const char *key;
	enum mams_conf_kind kind;
	size_t offset;
	size_t count_offset; /**< of a size_t, for lists and sections */
	int64_t min, max;
	bool required;   /**< must be given: a value, or at least one item or section */
	const char *def; /**< default as it would be written; NULL: member stays zero */
	const struct mams_enum_name *names;
	const struct mams_conf_table *table; /**< MAMS_C_SECTIONS */
	const char *doc;                     /**< what it means; shown as the cure when missing */
};

struct mams_conf_table {
	const char *name; /**< program or section name */
	size_t size;
	const struct mams_conf_row *rows;
	size_t n;
	size_t title_offset; /**< sections: const char * member that gets the title */
};

/** Read and check a file.
 *  @param out    table->size octets, zeroed by the caller; filled on success
 *  @param arena  owns all strings and lists of *out; the caller frees it with mams_arena_free()
 *  @return 0, -errno (file), -MAMS_EPROTO (syntax, unknown key), -MAMS_EVALUE, -MAMS_EMISSING,
 *          -MAMS_ELIMIT (sections);
 *          err->where is "file:line", err->text names key and cure */
MAMS_MUST int mams_conf_load(const char *path, const struct mams_conf_table *table, void *out,
	struct mams_arena **arena, struct mams_error *err);
