/** @file world.h
 *  Two data planes joined by virtual links in virtual time: rate, byte queue, one-way delay,
 * jitter, seeded loss, link down, blackhole.  A source of numbered packets on either side; what
 * comes out on the other side is checked for order, repetition and delay.  Layer: tests. */
#pragma once

#include "tests/support/suite.h"
#include "trailer-madp/plane.h"

#define WORLD_LINKS 3
#define WORLD_OVERHEAD 41 /* octets that a PDU adds to an SDU: IPv4, UDP, usual trailer */

enum world_side { WORLD_CLIENT, WORLD_NETWORK };

struct world_pkt {
	uint32_t refs;
	uint32_t len;
	uint64_t seq;
	int64_t born_us;
	uint32_t cls;
};

struct world_pdu {
	int64_t at_us;
	struct world_pkt *pkt; /* NULL: control */
	struct madp_in in;
	uint32_t sn;
	uint32_t len;
	uint8_t control[400];
};

/** One direction of a link; set before or while running. */
struct world_wire {
	uint64_t rate; /**< bit/s; 0 unlimited */
	int64_t delay_us;
	int64_t jitter_us; /**< uniform, added; order is kept */
	uint32_t loss_ppm;
	uint32_t queue; /**< octets */
	bool dead;      /**< swallows everything */
	int64_t free_us;
	int64_t last_us;
	struct world_pdu *q;
	size_t first, n, cap;
	uint64_t sent, dropped_queue, dropped_loss, dropped_dead, octets;
};

struct world_flow {
	uint64_t rate; /**< bit/s of SDUs; 0 none */
	uint32_t len;
	int64_t burst_us; /**< what comes in so long comes at once, at its end */
	int64_t next_us;
	uint64_t frac;
	uint64_t seq;
	/* seen at the other side */
	uint64_t got, disordered, repeated, top, refused, delay_over;
	int64_t delay_limit_us; /**< delay_over counts what took longer */
	int64_t delay_max_us;
	uint64_t first_got_us, last_got_us, got_octets;
	uint8_t *seen; /**< bit per seq */
	size_t seen_cap;
};

struct world {
	int64_t now_us;
	struct mams_prng rng;
	struct madp_plane plane[2];
	struct world_wire wire[2][WORLD_LINKS];      /**< [from side][link] */
	struct world_flow flow[2][MADP_CLASSES_MAX]; /**< [from side][class] */
	uint64_t pkts;                               /**< alive */
	uint64_t mem_now;                            /**< octets of windows */
	uint64_t mem_most;
	unsigned n_links;
	uint32_t probe_ms;
	int64_t asleep_us[2]; /**< until then an end does not run */
	int64_t due_us[2];    /**< when an end's next turn is due, as its last one knew */
};

void world_init(struct world *w, uint64_t seed, unsigned n_links, const struct madp_plane_conf *c);
/** Both directions of a link. */
void world_link(struct world *w, unsigned link, uint64_t rate, int64_t delay_us, uint32_t queue);
/** Probe interval of all links, which is 100 ms else; before world_treat(). */
void world_probes(struct world *w, uint32_t ms);
void world_treat(struct world *w, enum world_side from, unsigned cls, enum madp_mode mode,
	const char *links, bool lossless);
void world_source(struct world *w, enum world_side from, unsigned cls, uint64_t rate, uint32_t len);
void world_run(struct world *w, int64_t us);
/** Carrier of both ends: what is under way is lost, and both systems know. */
void world_carrier(struct world *w, unsigned link, bool client_sees, bool network_sees, bool up);
/** A link is dead and the client's control plane takes it away; or it lives, is given back, and
 * each end has proven itself to the other. */
void world_take(struct world *w, unsigned link, bool away);
/** An end does not run for so long: what arrives waits, and is then read link by link. */
void world_sleep(struct world *w, enum world_side side, int64_t us);
/** Both directions swallow everything (or no longer); nobody is told. */
void world_blackhole(struct world *w, unsigned link, bool dead);
/** Nothing is held or under way any more, all memory is back. */
void world_fini(struct world *w);
/** Goodput and delays count from here. */
void world_forget(struct world *w, enum world_side from, unsigned cls);
/** SDU goodput seen since world_forget(), bit/s. */
double world_goodput(const struct world *w, enum world_side from, unsigned cls);

/* ---- what most tests begin and end with ---- */

/** Links of 20 and 50 Mbit/s with these delays, known to both ends. */
void world_two_links(struct world *w, uint64_t seed, int64_t delay0_us, int64_t delay1_us);
/** Sources stop, everything arrives. */
void world_settle(struct world *w);
/** Of class 0: taken in, and not come out. */
uint64_t world_lost(const struct world *w, enum world_side from);
/** Asserts that of class 0 nothing came twice or out of order. */
void world_in_order(const struct world *w, enum world_side from);
