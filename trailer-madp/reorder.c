/* Flow SNs on a circle of 2^24; the window stands at `expect`:
 *
 *      run ....... expect ......... next_sn ......... top
 *      delivered   gap              held, maybe with further gaps
 *
 * A gap is judged once, when it reaches the front: gap_at is the arrival of the first SDU beyond
 * it. next_sn is looked for once per gap, so that the walk over missing slots costs each SN one
 * step. */
#include "trailer-madp/reorder.h"

#include <string.h>

#define ACTIVE_US 1000000 /* a link carries the flow when it did within this time */
#define MARGIN_US 2000
#define SPREAD_US 10000
#define UNKNOWN_US 100000 /* wait while no delay is known yet */
#define EVEN_MOST_US 250000
#define WAIT_UNIT_US 64 /* of a slot */
#define WAIT_MOST 4095
#define WAIT_STEP_US 1024 /* those that wait come out together */
#define QUIET_US 1000000
#define AGREE 4 /* SDUs far away that follow each other: the sender began anew */
#define FRESH 1024

_Static_assert(EVEN_MOST_US / WAIT_UNIT_US + 1 <= WAIT_MOST && MADP_LINKS_MAX <= 8,
	"both stand in a slot's bits");

void madp_reorder_init(struct madp_reorder *r, uint32_t cap_max)
{
	*r = (struct madp_reorder){.cap_max = cap_max,
		.may = UINT8_MAX,
		.gap_at = MAMS_TIME_NEVER,
		.passed_at = MAMS_TIME_NEVER,
		.deadline = MAMS_TIME_NEVER,
		.used_at = MAMS_TIME_NEVER};
	for (unsigned i = 0; i < MADP_LINKS_MAX; i++)
		r->link_at[i] = r->died_at[i] = MAMS_TIME_NEVER;
}

static size_t bytes(uint32_t cap)
{
	return cap * sizeof(struct madp_reorder_slot) + cap / 8;
}

static void give_back(struct madp_reorder *r, const struct madp_mem *mem)
{
	if (r->slots)
		mem->put(mem->user, r->slots, bytes(r->cap));
	r->slots = NULL;
	r->delivered = NULL;
	r->cap = 0;
}

void madp_reorder_fini(struct madp_reorder *r, const struct madp_mem *mem)
{
	give_back(r, mem);
	madp_reorder_init(r, r->cap_max);
}

static struct madp_reorder_slot *slot_of(const struct madp_reorder *r, uint32_t sn)
{
	return &r->slots[sn & (r->cap - 1)];
}

static bool was_delivered(const struct madp_reorder *r, uint32_t sn)
{
	uint32_t i = sn & (r->cap - 1);

	return r->delivered[i / 64] >> (i % 64) & 1;
}

static void set_delivered(struct madp_reorder *r, uint32_t sn, bool yes)
{
	uint32_t i = sn & (r->cap - 1);

	if (!r->slots)
		return;
	r->delivered[i / 64] &= ~(1ull << (i % 64));
	r->delivered[i / 64] |= (uint64_t)yes << (i % 64);
}

/* A window of at least `need`, with everything that is held.  What was delivered before counts as
 * delivered from `run` on. */
static bool grow(struct madp_reorder *r, uint32_t need, const struct madp_mem *mem)
{
	struct madp_reorder old = *r;
	uint32_t cap = r->cap ? r->cap : MADP_REORDER_MIN;
	int32_t back;

	if (r->twice && need < MADP_REORDER_TWICE)
		need = MADP_REORDER_TWICE < r->cap_max ? MADP_REORDER_TWICE : r->cap_max;
	while (cap < need)
		cap *= 2;
	if (cap > r->cap_max)
		return false;
	r->slots = mem->get(mem->user, bytes(cap));
	if (!r->slots) {
		*r = old;
		return false;
	}
	r->cap = cap;
	r->delivered = (uint64_t *)(void *)(r->slots + cap);
	for (uint32_t i = 0; old.slots && i < old.cap; i++) {
		uint32_t sn = madp_sn_add(old.expect, (int32_t)i);

		*slot_of(r, sn) = *slot_of(&old, sn);
		if (i && was_delivered(&old, madp_sn_add(old.expect, -(int32_t)i)))
			set_delivered(r, madp_sn_add(old.expect, -(int32_t)i), true);
	}
	if (!old.slots)
		r->known = r->run;
	back = madp_sn_diff(r->expect, r->run);
	for (int32_t i = 1; !old.slots && i <= back && i < (int32_t)cap; i++)
		set_delivered(r, madp_sn_add(r->expect, -i), true);
	give_back(&old, mem);
	return true;
}

static void saw_link(struct madp_reorder *r, unsigned slot, uint32_t sn, mams_time now)
{
	if (mams_time_is_never(r->link_at[slot]) || madp_sn_diff(sn, r->link_top[slot]) > 0)
		r->link_top[slot] = sn;
	r->link_at[slot] = now;
}

/* Moves `expect` past one SN that is delivered or given up. */
static void step(struct madp_reorder *r, bool delivered)
{
	set_delivered(r, r->expect, delivered);
	r->expect = madp_sn_add(r->expect, 1);
	/* neither may fall half a circle behind */
	if (madp_sn_diff(r->expect, r->run) > (int32_t)MADP_REORDER_MAX)
		r->run = madp_sn_add(r->run, 1);
	if (madp_sn_diff(r->expect, r->known) > (int32_t)MADP_REORDER_MAX)
		r->known = madp_sn_add(r->known, 1);
}

/* ---- even delays ---- */

/* The front is there. */
static bool is_front(const struct madp_reorder *r)
{
	return r->held && slot_of(r, r->expect)->pkt;
}

/* When the front comes out. */
static mams_time due_at(const struct madp_reorder *r, mams_time now)
{
	const struct madp_reorder_slot *s = slot_of(r, r->expect);

	return mams_time_us(
		now.us - (uint32_t)((uint32_t)now.us - s->at) + (int64_t)s->wait * WAIT_UNIT_US);
}

static bool is_waiting(const struct madp_reorder *r, mams_time now)
{
	return is_front(r) && slot_of(r, r->expect)->wait && mams_time_before(now, due_at(r, now));
}

/* By how much the slowest link that may carry the flow is slower than this one, in units of a slot;
 * such that what comes within a step comes out at once. */
static uint32_t even_wait(const struct madp_reorder *r, const struct madp_reorder_link *link,
	unsigned slot, mams_time now)
{
	int64_t most = 0;
	int64_t due;

	if (!r->even || !link[slot].known)
		return 0;
	for (unsigned i = 0; i < MADP_LINKS_MAX; i++) {
		int64_t more = link[i].delay_us - link[slot].delay_us;

		if ((r->may & (madp_linkset)~r->dead & madp_link_bit(i)) && link[i].known &&
			more > most)
			most = more;
	}
	if (most < WAIT_STEP_US)
		return 0;
	if (most > EVEN_MOST_US)
		most = EVEN_MOST_US;
	due = (now.us + most) / WAIT_STEP_US * WAIT_STEP_US;
	return (uint32_t)((due - now.us) / WAIT_UNIT_US) + 1;
}

/* ---- gaps ---- */

/* With lossless switching, and though the link may live again: is the sender still sending what the
 * link held when it died? */
static bool is_owed(const struct madp_reorder *r, unsigned i, mams_time now)
{
	return r->hold_us && !mams_time_is_never(r->died_at[i]) &&
	       now.us - r->died_at[i].us < (int64_t)r->hold_us;
}

/* Links that the sender might use until a moment ago. */
static madp_linkset lately(const struct madp_reorder *r, mams_time now)
{
	return r->left && now.us - r->left_at.us < ACTIVE_US ? r->left : 0;
}

/* May something of this flow be under way on the link?  If it carried the flow lately, or if the
 * sender may use it, or might lately, and it lives. */
static bool is_active(const struct madp_reorder *r, const struct madp_reorder_link *link,
	unsigned i, mams_time now)
{
	if (!mams_time_is_never(r->link_at[i]) && now.us - r->link_at[i].us < ACTIVE_US)
		return true;
	/* with lossless switching a link that says nothing is the one to wait for */
	if (r->hold_us && (r->may & madp_link_bit(i)) && link[i].known)
		return !(r->dead & madp_link_bit(i)) || is_owed(r, i, now);
	return ((r->may | lately(r, now)) & madp_link_bit(i)) && link[i].known &&
	       now.us - link[i].heard_at.us < ACTIVE_US;
}

/* How long what a link may still bring can take, after another link showed the gap.  That one's
 * queue may have come since. */
static int64_t wait_us(
	const struct madp_reorder *r, const struct madp_reorder_link *link, unsigned slow)
{
	const struct madp_reorder_link *a = &link[slow];
	const struct madp_reorder_link *b = &link[r->gap_slot];
	int64_t us;

	if (!a->known || !b->known)
		return UNKNOWN_US;
	us = a->delay_us - (b->delay_us - b->queue_us);
	return (us > 0 ? us : 0) + SPREAD_US + 4 * (int64_t)a->jitter_us + a->late_us;
}

/* Its copy of what is missing comes too late for those that wait. */
static bool is_too_far(
	const struct madp_reorder *r, const struct madp_reorder_link *link, unsigned i)
{
	const struct madp_reorder_link *a = &link[i];
	const struct madp_reorder_link *b = &link[r->gap_slot];

	return r->twice &&
	       (!a->known || !b->known ||
		       a->delay_us - (b->delay_us - b->queue_us) > MADP_REORDER_TWICE_US);
}

/* The link brought something newer of this flow, or anything at all that must have been sent after
 * the gap. */
static bool has_passed(const struct madp_reorder *r, const struct madp_reorder_link *link,
	unsigned i, mams_time now)
{
	if (is_owed(r, i, now))
		return false;
	if (!mams_time_is_never(r->link_at[i]) && madp_sn_diff(r->link_top[i], r->expect) > 0)
		return true;
	return link[i].known && !mams_time_is_never(r->gap_at) &&
	       link[i].heard_at.us >= r->gap_at.us + wait_us(r, link, i);
}

static void judge(struct madp_reorder *r, const struct madp_reorder_link *link, mams_time now)
{
	int64_t wait = r->hold_us;
	int64_t margin = MARGIN_US;
	bool all = true;

	if (r->held == 0 || is_front(r)) {
		r->gap_at = r->passed_at = MAMS_TIME_NEVER;
		r->deadline = r->held ? due_at(r, now) : MAMS_TIME_NEVER;
		r->passed = 0;
		return;
	}
	for (unsigned i = 0; i < MADP_LINKS_MAX; i++) {
		if (!is_active(r, link, i, now) || is_too_far(r, link, i))
			continue;
		if (MARGIN_US + 2 * (int64_t)link[i].late_us > margin)
			margin = MARGIN_US + 2 * (int64_t)link[i].late_us;
		if (has_passed(r, link, i, now)) {
			r->passed |= madp_link_bit(i);
			continue;
		}
		all = false;
		if (wait_us(r, link, i) > wait)
			wait = wait_us(r, link, i);
	}
	if (!all) {
		r->passed_at = MAMS_TIME_NEVER;
		r->deadline = mams_time_us(r->gap_at.us + wait);
	} else {
		if (mams_time_is_never(r->passed_at))
			r->passed_at = now;
		r->deadline = mams_time_us(r->passed_at.us + margin);
	}
	if (r->twice)
		r->deadline = mams_time_min(
			r->deadline, mams_time_us(r->gap_at.us + MADP_REORDER_TWICE_US));
}

static void find_next(struct madp_reorder *r)
{
	if (madp_sn_diff(r->next_sn, r->expect) < 0)
		r->next_sn = r->expect;
	while (!slot_of(r, r->next_sn)->pkt)
		r->next_sn = madp_sn_add(r->next_sn, 1);
}

/* The front is a gap (or nothing is held): since when, and until when. */
static void open_gap(struct madp_reorder *r, const struct madp_reorder_link *link, mams_time now)
{
	bool passed = true;

	if (r->held) {
		find_next(r);
		r->gap_slot = slot_of(r, r->next_sn)->link;
		r->gap_at = mams_time_us(
			now.us - (uint32_t)((uint32_t)now.us - slot_of(r, r->next_sn)->at));
		for (unsigned i = 0; i < MADP_LINKS_MAX; i++)
			passed = passed &&
				 (!is_active(r, link, i, now) || has_passed(r, link, i, now));
		r->passed_at = passed ? r->gap_at : MAMS_TIME_NEVER;
	}
	r->passed = 0;
	judge(r, link, now);
}

/* Give up what is missing before the next that is held.  A link that has passed `expect` has passed
 * all of it: the SDU by which it did so is held. */
static void give_up(struct madp_reorder *r)
{
	find_next(r);
	while (r->expect != r->next_sn) {
		step(r, false);
		r->n_lost++;
	}
	r->run = r->expect;
}

static void *take(struct madp_reorder *r, uint32_t *len)
{
	struct madp_reorder_slot *s = slot_of(r, r->expect);
	void *pkt = s->pkt;

	if (!pkt)
		return NULL;
	*len = s->len;
	s->pkt = NULL;
	r->held--;
	r->held_octets -= s->len;
	r->n_delivered++;
	step(r, true);
	return pkt;
}

void *madp_reorder_in_order(
	struct madp_reorder *r, const struct madp_reorder_link *link, uint32_t *len, mams_time now)
{
	void *pkt;

	if (r->held == 0)
		return NULL;
	if (!r->flush && is_waiting(r, now)) {
		r->deadline = due_at(r, now);
		return NULL;
	}
	pkt = take(r, len);
	if (pkt) {
		r->used_at = now;
		r->gap_at = MAMS_TIME_NEVER;
	} else if (mams_time_is_never(r->gap_at)) {
		open_gap(r, link, now);
	}
	return pkt;
}

void *madp_reorder_next(
	struct madp_reorder *r, const struct madp_reorder_link *link, uint32_t *len, mams_time now)
{
	void *pkt;

	while (r->held) {
		pkt = madp_reorder_in_order(r, link, len, now);
		if (pkt)
			return pkt;
		if (!r->flush && mams_time_before(now, r->deadline))
			return NULL;
		if (!r->flush) {
			judge(r, link, now);
			if (mams_time_before(now, r->deadline))
				return NULL;
		}
		give_up(r);
		r->gap_at = MAMS_TIME_NEVER;
	}
	r->flush = false;
	judge(r, link, now);
	return NULL;
}

void *madp_reorder_drain(struct madp_reorder *r, uint32_t *len)
{
	void *pkt = NULL;

	if (r->held == 0)
		return NULL;
	give_up(r);
	pkt = take(r, len);
	if (r->held == 0)
		r->gap_at = r->deadline = MAMS_TIME_NEVER;
	return pkt;
}

/* ---- input ---- */

/* SNs far off the window: four that follow each other are a sender that began anew. */
static enum madp_reorder_result far_off(struct madp_reorder *r, uint32_t sn)
{
	int32_t step_n = madp_sn_diff(sn, r->far_sn);

	r->far_n = r->far_n && step_n > 0 && step_n <= 64 ? (uint8_t)(r->far_n + 1) : 1;
	r->far_sn = sn;
	r->n_dropped++;
	if (r->far_n < AGREE)
		return MADP_REORDER_AHEAD;
	if (r->held) {
		r->far_n = AGREE; /* again with the next, when all is out */
		r->flush = true;
		return MADP_REORDER_AHEAD;
	}
	r->n_dropped--;
	r->far_n = 0;
	r->expect = madp_sn_add(sn, 1);
	r->run = r->known = sn;
	r->top = sn;
	r->n_delivered++;
	if (r->slots)
		memset(r->delivered, 0, r->cap / 8);
	set_delivered(r, sn, true);
	for (unsigned i = 0; i < MADP_LINKS_MAX; i++)
		r->link_at[i] = MAMS_TIME_NEVER;
	return MADP_REORDER_DELIVER;
}

static enum madp_reorder_result behind(struct madp_reorder *r, uint32_t sn, int32_t d)
{
	if (-d > (int32_t)r->cap_max)
		return far_off(r, sn);
	if (madp_sn_diff(sn, r->run) >= 0 ||
		(r->slots && -d <= (int32_t)r->cap && was_delivered(r, sn))) {
		r->n_duplicate++;
		return MADP_REORDER_DUPLICATE;
	}
	r->n_late++;
	if (!(r->pass_late || r->twice) || !r->slots || -d > (int32_t)r->cap ||
		madp_sn_diff(sn, r->known) < 0)
		return MADP_REORDER_LATE;
	set_delivered(r, sn, true);
	return MADP_REORDER_PASS;
}

static enum madp_reorder_result in_order(struct madp_reorder *r)
{
	step(r, true);
	r->n_delivered++;
	r->gap_at = MAMS_TIME_NEVER;
	return MADP_REORDER_DELIVER;
}

/* No memory for a window and nothing in it: order is kept by giving up what is missing. */
static enum madp_reorder_result jump(struct madp_reorder *r, uint32_t sn, int32_t d)
{
	r->n_lost += (uint64_t)d;
	r->expect = sn;
	r->run = sn;
	return in_order(r);
}

static enum madp_reorder_result hold(struct madp_reorder *r, uint32_t sn, unsigned slot,
	struct madp_reorder_slot in, mams_time now)
{
	struct madp_reorder_slot *s = slot_of(r, sn);

	if (s->pkt) {
		r->n_duplicate++;
		return MADP_REORDER_DUPLICATE;
	}
	*s = in;
	if (r->held == 0 || madp_sn_diff(sn, r->next_sn) < 0)
		r->next_sn = sn;
	if (r->held == 0) {
		r->gap_at = now;
		r->gap_slot = (uint8_t)slot;
		r->passed_at = MAMS_TIME_NEVER;
		r->passed = 0;
	}
	r->held++;
	r->held_octets += in.len;
	r->n_held++;
	return MADP_REORDER_HELD;
}

enum madp_reorder_result madp_reorder_input(struct madp_reorder *r, uint32_t sn, unsigned slot,
	const struct madp_reorder_link *link, void *pkt, uint32_t len, const struct madp_mem *mem,
	mams_time now)
{
	enum madp_reorder_result how;
	uint32_t wait;
	int32_t d;

	if (!r->begun) {
		r->begun = true;
		r->expect = r->run = r->known = sn < FRESH ? 0 : sn;
		r->top = sn;
	}
	d = madp_sn_diff(sn, r->expect);
	if (d >= (int32_t)r->cap_max)
		return far_off(r, sn);
	if (-d <= (int32_t)r->cap_max)
		saw_link(r, slot, sn, now);
	if (d < 0)
		return behind(r, sn, d);
	r->far_n = 0;
	if (madp_sn_diff(sn, r->top) > 0)
		r->top = sn;
	wait = even_wait(r, link, slot, now);
	if (d == 0 && !wait && !is_front(r))
		return in_order(r);
	r->used_at = now;
	if ((uint32_t)d >= r->cap && !grow(r, (uint32_t)d + 1, mem)) {
		if (r->held == 0)
			return jump(r, sn, d);
		r->n_dropped++;
		return MADP_REORDER_NOMEM;
	}
	how = hold(r, sn, slot,
		(struct madp_reorder_slot){.pkt = pkt,
			.len = len & MADP_REORDER_LEN_MAX,
			.wait = wait & WAIT_MOST,
			.link = slot & (MADP_LINKS_MAX - 1),
			.at = (uint32_t)now.us},
		now);
	judge(r, link, now);
	return how;
}

void madp_reorder_may(struct madp_reorder *r, madp_linkset may, mams_time now)
{
	madp_linkset leaves = r->may & (madp_linkset)~may;

	r->left = (madp_linkset)((lately(r, now) | leaves) & ~may);
	if (leaves)
		r->left_at = now;
	r->may = may;
}

void madp_reorder_link_down(struct madp_reorder *r, unsigned slot, mams_time now)
{
	if (!(r->dead & madp_link_bit(slot)))
		r->died_at[slot] = now;
	r->dead |= madp_link_bit(slot);
	if (r->hold_us)
		return;
	r->link_at[slot] = MAMS_TIME_NEVER;
	r->may &= (madp_linkset)~madp_link_bit(slot);
	r->left &= (madp_linkset)~madp_link_bit(slot);
	if (r->held)
		r->deadline = mams_time_us(0); /* judged anew at the next call */
}

void madp_reorder_link_up(struct madp_reorder *r, unsigned slot)
{
	r->dead &= (madp_linkset)~madp_link_bit(slot);
	r->may |= madp_link_bit(slot);
}

mams_time madp_reorder_deadline(const struct madp_reorder *r)
{
	return r->held ? r->deadline : MAMS_TIME_NEVER;
}

mams_time madp_reorder_trim_at(const struct madp_reorder *r)
{
	return r->slots && r->held == 0 ? mams_time_us(r->used_at.us + QUIET_US + 1)
					: MAMS_TIME_NEVER;
}

void madp_reorder_trim(struct madp_reorder *r, const struct madp_mem *mem, mams_time now)
{
	if (r->slots && r->held == 0 && now.us - r->used_at.us > QUIET_US) {
		give_back(r, mem);
		r->run = r->expect;
	}
}
