/* The reorder buffer: operations from bytes.  Whatever the order of SNs, links, times and lack of
 * memory: what comes out in order is in order and comes once, and the window keeps its bound. */
#include "trailer-madp/reorder.h"

#include <stdlib.h>

#define CAP 1024u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t in_use;
static bool dry;

static void *get(void *user, size_t n)
{
	(void)user;
	if (dry)
		return NULL;
	in_use += n;
	return calloc(1, n);
}

static void put(void *user, void *p, size_t n)
{
	(void)user;
	in_use -= n;
	free(p);
}

struct run {
	struct madp_reorder r;
	struct madp_reorder_link link[MADP_LINKS_MAX];
	int64_t now;
	uint32_t sn;
	bool any;      /* something came out in order */
	uint32_t last; /* the last of these */
	uint64_t held; /* given to the buffer and not back */
};

static const struct madp_mem mem = {get, put, NULL};

/* A sender that begins anew may go back; that is seen from outside by the SNs alone. */
static void came_out(struct run *u, uint32_t sn, bool anew)
{
	if (u->any && !anew && madp_sn_diff(sn, u->last) <= 0)
		abort();
	u->any = true;
	u->last = sn;
}

static void take(struct run *u)
{
	uint32_t len;
	void *p;

	while ((p = madp_reorder_next(&u->r, u->link, &len, mams_time_us(u->now)))) {
		came_out(u, (uint32_t)(uintptr_t)p - 1, false);
		u->held--;
	}
	if (u->r.held != u->held || u->r.held > CAP || in_use > CAP * 17)
		abort();
	if (u->held && mams_time_is_never(madp_reorder_deadline(&u->r)))
		abort();
}

/* What the worker takes while it has more to read. */
static void take_followers(struct run *u)
{
	uint32_t len;
	void *p;

	while ((p = madp_reorder_in_order(&u->r, u->link, &len, mams_time_us(u->now)))) {
		if (u->any && madp_sn_diff((uint32_t)(uintptr_t)p - 1, u->last) != 1)
			abort();
		came_out(u, (uint32_t)(uintptr_t)p - 1, false);
		u->held--;
	}
}

/** @param more  more has arrived and is read before anything is given up */
static void give(struct run *u, uint8_t slot, bool more)
{
	uint32_t before = u->r.expect;
	uint32_t sn = u->sn & MADP_SN_MASK;
	bool far = u->r.begun && (madp_sn_diff(sn, before) >= (int32_t)CAP ||
					 madp_sn_diff(sn, before) < -(int32_t)CAP);

	u->link[slot].known = true;
	u->link[slot].heard_at = mams_time_us(u->now);
	switch (madp_reorder_input(&u->r, sn, slot, u->link, (void *)(uintptr_t)(sn + 1), 100, &mem,
		mams_time_us(u->now))) {
	case MADP_REORDER_DELIVER:
		came_out(u, sn, far);
		take_followers(u);
		break;
	case MADP_REORDER_HELD:
		u->held++;
		break;
	case MADP_REORDER_PASS:
		if (!u->any || madp_sn_diff(sn, u->r.expect) >= 0)
			abort();
		break;
	case MADP_REORDER_DUPLICATE:
	case MADP_REORDER_LATE:
	case MADP_REORDER_NOMEM:
	case MADP_REORDER_AHEAD:
		break;
	}
	if (!more)
		take(u);
}

static void step(struct run *u, uint8_t op, uint8_t arg)
{
	switch (op & 7) {
	case 0: /* the next, on some link */
		u->sn++;
		give(u, arg & 7, arg & 8);
		break;
	case 1: /* one a little off */
		u->sn += (uint32_t)(int8_t)arg;
		give(u, op >> 5, op & 8);
		break;
	case 2: /* far off */
		u->sn += (uint32_t)(int8_t)arg << (8 + (op >> 4));
		give(u, 0, false);
		break;
	case 3:
		u->now += (int64_t)arg << (op >> 3 & 15);
		take(u);
		break;
	case 4:
		u->link[op >> 5].delay_us = ((int64_t)arg - 128) * 1000;
		u->link[op >> 5].late_us = arg;
		break;
	case 5:
		if (arg & 1)
			madp_reorder_link_up(&u->r, op >> 5);
		else
			madp_reorder_link_down(&u->r, op >> 5, mams_time_us(u->now));
		take(u);
		break;
	case 6:
		dry = arg & 1;
		u->r.hold_us = arg & 2 ? 300000 : 0;
		u->r.pass_late = arg & 4;
		u->r.may = arg & 8 ? UINT8_MAX : 1;
		u->r.even = arg & 16;
		u->r.twice = arg & 32;
		break;
	case 7:
		madp_reorder_trim(&u->r, &mem, mams_time_us(u->now));
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct run u;
	uint32_t len;
	void *p;

	u = (struct run){.now = 1};
	in_use = 0;
	dry = false;
	madp_reorder_init(&u.r, CAP);
	for (size_t i = 0; i + 1 < size; i += 2)
		step(&u, data[i], data[i + 1]);
	while ((p = madp_reorder_drain(&u.r, &len))) {
		came_out(&u, (uint32_t)(uintptr_t)p - 1, false);
		u.held--;
	}
	madp_reorder_fini(&u.r, &mem);
	if (u.held || in_use)
		abort();
	return 0;
}
