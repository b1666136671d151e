/** @file worker.h
 *  A share-nothing worker: one thread, one epoll set, its own listeners, flows, timers and memory.
 *  Layer: adapter of mams-proxy.  The control thread talks to it through a mailbox (eventfd) and
 * gets notes back; nothing else is shared but the atomics of paths and clients. */
#pragma once

#include "lib/base/timerq.h"
#include "proxy/backlog.h"
#include "proxy/counters.h"
#include "proxy/gauge.h"
#include "proxy/note.h"
#include "proxy/pool.h"
#include "proxy/snapshot.h"

#include <pthread.h>
#include <sys/queue.h>

struct px_conn;
struct px_listener;

/** First member of everything that epoll_event.data.ptr points to. */
enum px_handle {
	PX_HANDLE_MAILBOX,
	PX_HANDLE_LISTENER,
	PX_HANDLE_LEG,
	PX_HANDLE_TRY,
};

/** mams_timer.kind */
enum px_timer_kind {
	PX_TIMER_CONN,
	PX_TIMER_LISTENERS,
	PX_TIMER_GAUGE,
	PX_TIMER_ROOM,
	PX_TIMER_BACKLOG,
};

/** A connection that another worker has accepted, for a flow of this one. */
struct px_hand {
	int fd;
	bool v4;
	struct px_client *client; /**< a reference moves with it */
	uint64_t flow;
};

#define PX_HANDS 1024u

struct px_worker;

/** Who is running, by index; filled in by the control thread. */
struct px_roster {
	_Atomic(struct px_worker *) at[PX_WORKERS_MAX];
};

struct px_mailbox {
	enum px_handle handle;
	int fd;
	pthread_mutex_t lock;
	struct px_snapshot *next; /**< newest configuration not yet taken over; under lock */
	bool stop;
	bool repeat_bindings;  /**< the plugin is new: report every connection again */
	struct px_hand *hands; /**< [PX_HANDS], when there are any; under lock */
	size_t n_hands;
};

/** Limits per peer address; unrelated addresses may share a slot, which only makes it stricter. */
struct px_source {
	uint32_t pending; /**< connections that have not named a server yet */
	uint32_t errors;  /**< Error TLVs sent within the second */
	int64_t second;
};

TAILQ_HEAD(px_conn_queue, px_conn);
LIST_HEAD(px_conn_list, px_conn);

struct px_worker {
	pthread_t thread;
	unsigned index;
	int epfd;
	mams_time now; /**< of this turn */
	struct px_mailbox mailbox;
	struct px_snapshot *cfg;
	struct px_listener *listeners; /**< [n_listeners], owned */
	size_t n_listeners;
	bool accepting;
	struct mams_timer listener_timer;
	struct mams_timerq timers;
	struct px_conn_queue run; /**< flows with something to do */
	struct px_conn_list all;
	struct px_conn_queue
		dead; /**< freed at the end of the turn: stale events meet valid objects */
	struct px_slab conns;
	struct px_slab setups;
	struct px_bufs bufs;
	struct px_buf *scratch;     /**< what is read goes here first */
	struct px_source *sources;  /**< [PX_SOURCES], by hash of the peer's address */
	_Atomic uint32_t *flows;    /**< of the whole process, borrowed */
	_Atomic bool *asleep;       /**< the same: octets are to be told */
	struct px_notes *notes;     /**< to the control thread, borrowed */
	uint64_t hash_key;          /**< against chosen collisions in sources */
	struct px_roster *roster;   /**< borrowed */
	struct px_conn_list *names; /**< [PX_NAMES], network: flows that have a number (apart.h) */
	uint64_t n_named;
	struct px_gauge gauge;
	struct px_backlog backlog;
	struct px_counters counters;
	bool roomy;                  /**< px_room_can() */
	struct px_conn_list filling; /**< px_room_watch() */
	struct mams_timer room_timer;
	bool stopping;
};

#define PX_SOURCES 4096u
#define PX_NAMES 4096u

/** w->index, flows, asleep, notes and roster are set by the caller; the rest is zero.
 *  @param listeners  consumed, with their descriptors
 *  @param cfg        one reference is taken */
MAMS_MUST int px_worker_start(struct px_worker *w, struct px_snapshot *cfg,
	struct px_listener *listeners, size_t n_listeners);
/** Hand over a new configuration; a reference is taken.  From the control thread. */
void px_worker_configure(struct px_worker *w, struct px_snapshot *cfg);
void px_worker_repeat_bindings(struct px_worker *w);
/** Give a connection to the worker whose flow it is for; from another worker.
 *  @return false when too many wait there: nothing is consumed */
bool px_worker_hand(struct px_worker *w, const struct px_hand *hand);
/** Abort all flows and end the thread; others may still hand over. */
void px_worker_stop(struct px_worker *w);
/** Once all have stopped. */
void px_worker_free(struct px_worker *w);

/** Slot of an address in w->sources. */
uint32_t px_worker_source(const struct px_worker *w, const struct mams_addr *a);
/** Add to the epoll set, or change what is already there. @return 0 or -errno */
int px_worker_watch(struct px_worker *w, int fd, uint32_t events, void *handle);
