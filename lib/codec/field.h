/** @file field.h
 *  Descriptor-table engine: C struct <-> JSON bytes, with range checks and presence.
 *  Layer: codec (pure; the only user of jansson).
 *  A message is declared once as rows of struct mams_field; decoder, encoder, validator, random
 *  test messages and reference documentation all come from the rows.
 *
 *  Memory: a decoded struct lives in one arena; strings and lists point into it; freeing the arena
 *  frees all.  Absent is not zero: an optional scalar has a bool presence member (has_offset), an
 *  optional string is NULL, an optional list is NULL with count 0, an optional object is a pointer
 *  that is NULL, an optional address has family AF_UNSPEC. */
#pragma once

#include "lib/base/addr.h"
#include "lib/base/buf.h"
#include "lib/base/err.h"

#include <stdbool.h>
#include <stdint.h>

/** What a row's member is in C, and what it is in JSON. */
enum mams_kind {
	MAMS_K_BOOL,   /**< bool; JSON true/false (A.4 forms accepted on input when MAMS_F_LAX) */
	MAMS_K_YESNO,  /**< bool; JSON "yes"/"no", lax input as BOOL */
	MAMS_K_U8,     /**< uint8_t; integer in min..max */
	MAMS_K_U16,    /**< uint16_t */
	MAMS_K_U32,    /**< uint32_t */
	MAMS_K_U64,    /**< uint64_t; at most 2^53-1 on the wire */
	MAMS_K_I64,    /**< int64_t */
	MAMS_K_NUMBER, /**< double; integer or real in min..max */
	MAMS_K_STRING, /**< const char *; UTF-8, no NUL, at most max octets */
	MAMS_K_ENUM,   /**< int; a name of the enum table */
	MAMS_K_ADDR,   /**< struct mams_addr without port; JSON string */
	MAMS_K_OBJECT, /**< embedded struct (required), or pointer to struct when MAMS_F_OPTIONAL */
	MAMS_K_LIST,   /**< pointer to items + size_t count at count_offset; items of item_kind */
};

#define MAMS_F_OPTIONAL 0x01u /**< may be absent; presence per kind as described above */
#define MAMS_F_SECRET 0x02u   /**< masked by mams_field_encode(..., MAMS_ENC_MASK) */
#define MAMS_F_LAX 0x04u      /**< accept the input variants of requirements A.4 for this kind */

#define MAMS_F_SKIP_UNKNOWN 0x08u /**< a list leaves out items whose names it does not know */

/** A form that only others use: read, never written or compared.  It may have the key of another
 *  row, if it is a list and that row a lax optional object: arrays are then this one's. */
#define MAMS_F_INPUT 0x10u

/** A name of an enumeration; aliases are accepted on input and never emitted. */
struct mams_enum_name {
	const char *name; /**< NULL ends the table */
	int value;
	bool alias;
};

struct mams_field {
	const char *key;            /**< JSON key, emitted */
	const char *const *aliases; /**< NULL-ended list of keys accepted besides, or NULL */
	enum mams_kind kind;
	unsigned flags;
	size_t offset;     /**< of the member in the struct */
	size_t has_offset; /**< of the bool presence member, for optional scalars */
	int64_t min, max;  /**< range of numbers (both 0: what the kind holds); max octets of
			    *   strings (0: 255); least and most items of lists (0: none, 64) */
	const struct mams_enum_name *names; /**< MAMS_K_ENUM */
	const struct mams_table *table;     /**< MAMS_K_OBJECT, and MAMS_K_LIST of objects */
	enum mams_kind item_kind; /**< MAMS_K_LIST: OBJECT, U8, U16, U32, ENUM, STRING, ADDR */
	size_t count_offset;      /**< MAMS_K_LIST: size_t count member */
	const char *item_key; /**< lax lists of scalars: take this member of an object item (A.2) */
	const char *inline_key; /**< absent lists: when the object has this member, it is itself the
				 *   one item (A.2) */
	const char *doc;        /**< one line for docs: meaning and unit */
};

/** Rows of one struct; ends by n. */
struct mams_table {
	const char *name; /**< for error paths and docs */
	size_t size;      /**< sizeof the C struct */
	const struct mams_field *fields;
	size_t n;
};

/** Does presence stand in a bool at has_offset?  (Not for strings, objects, lists, addresses, which
 *  show it themselves.) */
bool mams_field_has_flag(const struct mams_field *f);
/** Octets of one item of a list row. */
size_t mams_field_item_size(const struct mams_field *f);

/** One allocation region; everything in it is freed together. */
struct mams_arena;
struct mams_arena *mams_arena_new(void);                   /**< NULL on ENOMEM */
void mams_arena_free(struct mams_arena *a);                /**< wipes, then frees; accepts NULL */
void *mams_arena_alloc(struct mams_arena *a, size_t size); /**< zeroed; NULL on ENOMEM */
char *mams_arena_strdup(struct mams_arena *a, const char *s);

struct mams_decode_limits {
	size_t max_bytes;   /**< of the text; 0 = 64 KiB */
	unsigned max_depth; /**< 0 = 16 */
};

/** A parsed JSON object whose rows are not yet known: peek at a string key (message_type), then
 *  decode by table.  Opaque; owns its jansson tree. */
struct mams_json;
MAMS_MUST int mams_json_parse(const char *text, size_t len, const struct mams_decode_limits *lim,
	struct mams_json **out, struct mams_error *err);
void mams_json_free(struct mams_json *j);
/** Borrow the string value of a top-level key, NULL when absent or no string. */
const char *mams_json_peek(const struct mams_json *j, const char *key);

/** What was not as we would have written it. */
struct mams_decode_notes {
	unsigned unknown;  /**< members that no row knows, and items left out: ignored */
	unsigned variants; /**< other keys, names, types and forms: taken for what they mean */
};

/** Fill *out (table->size octets) from j.
 *  @param notes  counted up; may be NULL
 *  @return 0, -MAMS_EMISSING, -MAMS_EVALUE, -MAMS_EPROTO (wrong JSON type), -MAMS_ELIMIT, -ENOMEM;
 *          err->where names the path */
MAMS_MUST int mams_field_decode(const struct mams_table *table, const struct mams_json *j,
	struct mams_arena *arena, void *out, struct mams_decode_notes *notes,
	struct mams_error *err);

#define MAMS_ENC_MASK 0x01u   /**< secrets as "***" (traces, logs) */
#define MAMS_ENC_PRETTY 0x02u /**< indented, for people */

/** Append the JSON object for *in, keys in row order.
 *  @return 0, -MAMS_EVALUE (a member is outside its row's range), -ENOMEM */
MAMS_MUST int mams_field_encode(const struct mams_table *table, const void *in, unsigned flags,
	struct mams_buf *out, struct mams_error *err);

/** The same for the members of two structs in one object, first a's, then b's.
 *  @param b_table  NULL when there are only a's */
MAMS_MUST int mams_field_encode_join(const struct mams_table *a_table, const void *a,
	const struct mams_table *b_table, const void *b, unsigned flags, struct mams_buf *out,
	struct mams_error *err);

/** Deep copy by the rows.
 *  @param out  table->size octets, filled; what it points to lives in the arena
 *  @return 0, -ENOMEM */
MAMS_MUST int mams_field_copy(
	const struct mams_table *table, const void *in, struct mams_arena *arena, void *out);

/** Deep equality by the rows (tests). */
bool mams_field_equal(const struct mams_table *table, const void *a, const void *b);

const char *mams_enum_str(const struct mams_enum_name *names, int value); /**< "?" when unknown */
MAMS_MUST int mams_enum_parse(const struct mams_enum_name *names, const char *text, int *out);
