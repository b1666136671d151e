/** @file note.h
 *  What workers tell the control thread: a bounded queue with an eventfd.  Layer: adapter of
 *  mams-proxy.  A full queue drops the note and says so to the caller, who counts it: workers never
 *  wait for the control thread. */
#pragma once

#include "lib/base/addr.h"
#include "lib/base/err.h"
#include "lib/ctl/ctl_path.h"
#include "proxy/clients.h"
#include "proxy/gauge.h"

#include <pthread.h>
#include <stdbool.h>

#define PX_NOTE_COOKIE_MAX 64u

enum px_note_kind {
	PX_NOTE_BOUND,       /**< network: an MPTCP connection was accepted and belongs to client;
			      *   client: a connection may use the paths in only */
	PX_NOTE_UNREACHABLE, /**< client: no path reached the N-MADP */
	PX_NOTE_REFUSED, /**< client: the N-MADP answered with an error that concerns all flows */
	PX_NOTE_COOKIE,  /**< client: the N-MADP gave us a cookie */
	PX_NOTE_PLAIN,   /**< client: the network of the path value strips MPTCP, or does no more */
	PX_NOTE_AWAKE,  /**< client: the first flow of all has come, or the first octets for long */
	PX_NOTE_SAMPLE, /**< network: what a subflow of client did */
	PX_NOTE_ANEW,   /**< network: a subflow of the connection token holds it up */
};

struct px_note {
	enum px_note_kind kind;
	uint32_t token;
	uint32_t only;            /**< bits of connection ids; 0: any */
	enum ctl_way way;         /**< what the connection carries */
	struct px_client *client; /**< a reference moves with the note; NULL in transparent mode */
	bool v4;                  /**< the connection's first subflow is IPv4 */
	uint8_t code; /**< PX_NOTE_REFUSED: Convert error code; PX_NOTE_PLAIN: 1 it strips, 0 no
			 more */
	uint8_t value;
	uint8_t n_cookie;
	union {
		uint8_t cookie[PX_NOTE_COOKIE_MAX]; /**< secret */
		struct px_sample sample;            /**< PX_NOTE_SAMPLE */
		struct {
			struct mams_addr local, remote;
		} subflow; /**< PX_NOTE_ANEW; with port */
	};
};

struct px_notes {
	pthread_mutex_t lock;
	int fd; /**< readable when there are notes */
	struct px_note *ring;
	uint32_t cap;
	uint32_t head;
	uint32_t n;
};

MAMS_MUST int px_notes_init(struct px_notes *q, uint32_t cap);
void px_notes_fini(struct px_notes *q);
/** @return false when the queue is full; the note's reference stays with the caller */
bool px_notes_put(struct px_notes *q, const struct px_note *note);
/** @return false when empty */
bool px_notes_get(struct px_notes *q, struct px_note *out);
