/** @file note.h
 *  What workers tell the control thread: a bounded queue with an eventfd.  Layer: adapter.  A full
 *  queue drops the note, which its worker counts: workers never wait. */
#pragma once

#include "lib/base/err.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define MADP_NOTES 4096u

enum madp_note_kind {
	MADP_NOTE_UP,
	MADP_NOTE_DOWN,
	MADP_NOTE_PROVEN,
	MADP_NOTE_HEARD, /**< network: the client has our ACCEPT, and lives */
	MADP_NOTE_DTLS_OPEN,
	MADP_NOTE_DTLS_FAILED,
};

#define MADP_NOTE_WHY 64

struct madp_note {
	enum madp_note_kind kind;
	uint64_t session;
	uint8_t cid;
	uint8_t cause; /**< enum madp_link_cause */
	char why[MADP_NOTE_WHY];
};

struct madp_notes {
	pthread_mutex_t lock;
	int fd; /**< readable when there are notes */
	struct madp_note *ring;
	uint32_t head;
	uint32_t n;
};

MAMS_MUST int madp_notes_init(struct madp_notes *q);
void madp_notes_fini(struct madp_notes *q);
bool madp_notes_put(struct madp_notes *q, const struct madp_note *note); /**< false: full */
bool madp_notes_get(struct madp_notes *q, struct madp_note *out);        /**< false: empty */
