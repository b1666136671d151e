/** @file vici_msg.h
 *  Packets of VICI, the control protocol of strongSwan's charon.  Layer: io, but pure: no socket,
 * no clock, no allocation.  Source: strongSwan's description of the protocol (libcharon's vici
 * plugin).
 *
 *  On the stream a packet is preceded by its length in 4 octets.  A packet is a type, for named
 * types a name, and a message: sections, lists, and keys with values, nested.  A message is read
 * item by item where it lies; names and values are borrowed from it and end without NUL.  Nesting
 * is bounded (MAMS_VICI_DEPTH), and so is everything else by the length of the input. */
#pragma once

#include "lib/base/buf.h"

#define MAMS_VICI_MAX_BYTES (512u * 1024u) /**< of a packet, as charon has it */
#define MAMS_VICI_NAME_MAX 255u
#define MAMS_VICI_DEPTH 16u

enum mams_vici_type {
	MAMS_VICI_REQUEST = 0,    /**< named */
	MAMS_VICI_RESPONSE = 1,   /**< to the request before */
	MAMS_VICI_UNKNOWN = 2,    /**< charon has no such command */
	MAMS_VICI_REGISTER = 3,   /**< named: events of this name are wanted */
	MAMS_VICI_UNREGISTER = 4, /**< named */
	MAMS_VICI_CONFIRM = 5,    /**< to one of the two */
	MAMS_VICI_NO_EVENT = 6,   /**< likewise: charon has no such event */
	MAMS_VICI_EVENT = 7,      /**< named */
};

struct mams_vici_text {
	const uint8_t *data; /**< [len], borrowed */
	size_t len;          /**< octets */
};

struct mams_vici_packet {
	enum mams_vici_type type;
	struct mams_vici_text name; /**< of named types, else empty */
	struct mams_vici_text body; /**< the message, not yet looked at */
};

/** Take a packet apart.
 *  @param data  [len], without the length before it; borrowed by out
 *  @return 0, -MAMS_ETRUNC, -MAMS_EPROTO (type, or a message where none may be), -MAMS_ELIMIT */
MAMS_MUST int mams_vici_packet(const void *data, size_t len, struct mams_vici_packet *out);

enum mams_vici_kind {
	MAMS_VICI_END = 0,     /**< of the message; nothing is open */
	MAMS_VICI_SECTION = 1, /**< name; its items follow */
	MAMS_VICI_SECTION_END = 2,
	MAMS_VICI_VALUE = 3, /**< name, value */
	MAMS_VICI_LIST = 4,  /**< name; its items follow */
	MAMS_VICI_ITEM = 5,  /**< value */
	MAMS_VICI_LIST_END = 6,
};

struct mams_vici_item {
	enum mams_vici_kind kind;
	unsigned depth; /**< sections that are open, the one that begins or ends included */
	struct mams_vici_text name;
	struct mams_vici_text value;
};

struct mams_vici_reader {
	struct mams_rd r;
	unsigned depth;
	bool in_list;
};

struct mams_vici_reader mams_vici_read(const struct mams_vici_text *message);
/** The next item; after MAMS_VICI_END again that, after an error again that.
 *  @return 0, -MAMS_ETRUNC (also: something is still open at the end), -MAMS_EPROTO (unknown kind,
 *          end of what is not open, list within a list), -MAMS_ELIMIT (nested too deep) */
MAMS_MUST int mams_vici_next(struct mams_vici_reader *v, struct mams_vici_item *out);
/** Skip what is left of the innermost open section, its end included. */
MAMS_MUST int mams_vici_skip(struct mams_vici_reader *v);

/** The value of a key, by its sections and name: "section/section/key".
 *  @return 0, -MAMS_EUNKNOWN (not there), or what mams_vici_next() says */
MAMS_MUST int mams_vici_find(
	const struct mams_vici_text *message, const char *path, struct mams_vici_text *out);
bool mams_vici_is(const struct mams_vici_text *t, const char *word);
/** Printable ASCII of a value into out[cap], cut to fit, anything else as '?', with NUL; cap > 0.
 */
void mams_vici_string(const struct mams_vici_text *t, char *out, size_t cap);
/** A decimal number, whole; 0 for anything else. */
uint64_t mams_vici_number(const struct mams_vici_text *t);

/** A packet being written, its length in 4 octets first.  Errors stick: look once, at the end. */
struct mams_vici_writer {
	struct mams_wr w;
	unsigned depth;
	bool in_list;
};

/** Begin: @param data  [cap], borrowed
 *  @param name  of named types, else NULL */
struct mams_vici_writer mams_vici_begin(
	void *data, size_t cap, enum mams_vici_type type, const char *name);
void mams_vici_section(struct mams_vici_writer *v, const char *name);
void mams_vici_section_end(struct mams_vici_writer *v);
void mams_vici_value(struct mams_vici_writer *v, const char *name, const char *value);
/** Octets that are no text: a secret. */
void mams_vici_value_octets(
	struct mams_vici_writer *v, const char *name, const void *value, size_t len);
void mams_vici_list(struct mams_vici_writer *v, const char *name);
void mams_vici_item(struct mams_vici_writer *v, const char *value);
void mams_vici_list_end(struct mams_vici_writer *v);
/** A list of one: list, item, end. */
void mams_vici_list_of(struct mams_vici_writer *v, const char *name, const char *value);
/** Fill in the length.
 *  @return octets in all, or -MAMS_ELIMIT (no room; a name or a value too long; nested too deep),
 *          -MAMS_EPROTO (something is still open, or was ended without) */
MAMS_MUST int mams_vici_finish(struct mams_vici_writer *v);
