#include "trailer-madp/sender.h"

#include <errno.h>

#define QUIET_US 1000000
#define ASK_US 1000
#define ANYWAY_US 250 /* between packets that leave though their link has no room */
#define HOLD_MIN 64u
#define OVERHEAD 48 /* outer IPv4 and UDP header, and a usual trailer */

const struct madp_sender_conf madp_sender_defaults = {
	.hold_packets = 2048,
	.hold_octets = 1024 * 1024,
	.hold_us = 200000,
	.lossless_octets = 1024 * 1024,
	.lossless_us = 1000000,
	.retain_packets = 8192,
	.retain_octets = 8 * 1024 * 1024,
	.retain_us = 2000000,
};

void madp_sender_init(struct madp_sender *s, const struct madp_sender_conf *conf,
	const struct madp_mem *mem, mams_time now)
{
	*s = (struct madp_sender){.conf = *conf, .mem = *mem, .overhead = OVERHEAD};
	for (unsigned i = 0; i < MADP_LINKS_MAX; i++)
		madp_pace_init(&s->link[i], 0, 0, now);
	for (unsigned i = 0; i < MADP_CLASSES_MAX; i++)
		madp_retain_init(&s->cls[i].retain, conf->retain_packets, conf->retain_octets,
			conf->retain_us);
}

_Static_assert(MADP_CLASSES_MAX <= 16, "a bit per class");

static uint16_t bit_of(unsigned cls)
{
	return (uint16_t)(1u << cls);
}

static void free_hold(struct madp_sender *s, struct madp_class_tx *c)
{
	if (c->hold)
		s->mem.put(s->mem.user, c->hold, c->hold_cap * sizeof(*c->hold));
	c->hold = NULL;
	c->hold_cap = c->hold_first = 0;
}

void madp_sender_fini(struct madp_sender *s)
{
	for (unsigned i = 0; i < MADP_CLASSES_MAX; i++) {
		free_hold(s, &s->cls[i]);
		madp_retain_fini(&s->cls[i].retain, &s->mem);
	}
}

void madp_sender_link_add(
	struct madp_sender *s, unsigned slot, uint64_t rate, uint64_t bound, mams_time now)
{
	madp_pace_init(&s->link[slot], rate, bound, now);
	s->known |= madp_link_bit(slot);
	s->up |= madp_link_bit(slot);
}

void madp_sender_link_up(struct madp_sender *s, unsigned slot, bool up, mams_time now)
{
	madp_linkset bit = madp_link_bit(slot);

	if (!(s->known & bit) || !(s->up & bit) == !up)
		return;
	s->up ^= bit;
	if (up) {
		madp_pace_restart(&s->link[slot], now);
		return;
	}
	for (unsigned i = 0; i < MADP_CLASSES_MAX; i++) {
		struct madp_class_tx *c = &s->cls[i];

		if (!c->treat.lossless)
			continue;
		madp_retain_link_down(&c->retain, s->known & (madp_linkset)~s->up);
		s->busy |= bit_of(i);
	}
}

void madp_sender_link_del(struct madp_sender *s, unsigned slot)
{
	madp_sender_link_up(s, slot, false, s->link[slot].filled);
	s->known &= (madp_linkset)~madp_link_bit(slot);
}

int madp_sender_treat(
	struct madp_sender *s, unsigned cls, const struct madp_treat *t, mams_time now)
{
	int rc = madp_treat_check(t);

	(void)now;
	if (rc < 0)
		return rc;
	if (cls >= MADP_CLASSES_MAX)
		return -MAMS_EUNKNOWN;
	if (!t->lossless)
		madp_retain_drop(&s->cls[cls].retain);
	if (s->cls[cls].treat.mode != t->mode)
		s->cls[cls].sched = (struct madp_sched){0};
	/* "single" begins again at the head of a new list: that is how traffic is steered */
	s->cls[cls].sched.current = 0;
	s->cls[cls].treat = *t;
	return 0;
}

/* ---- sending ---- */

static madp_linkset pick(
	struct madp_sender *s, struct madp_class_tx *c, uint32_t len, mams_time now)
{
	mams_time wait;

	return madp_sched_pick(&c->sched, &c->treat, s->link, s->up, len + s->overhead, now, &wait);
}

static void emit(struct madp_sender *s, unsigned cls, void *pkt, uint32_t len, madp_linkset links,
	mams_time now, struct madp_out *out)
{
	struct madp_class_tx *c = &s->cls[cls];

	*out = (struct madp_out){
		.pkt = pkt, .len = len, .sn = c->sn, .cls = (uint8_t)cls, .links = links};
	c->sn = madp_sn_add(c->sn, 1);
	c->n_sent++;
	s->begun |= bit_of(cls);
	if (!c->treat.lossless)
		return;
	out->kept = madp_retain_put(&c->retain, out->sn, pkt, len, links, &s->mem, now);
	s->busy |= bit_of(cls);
}

static bool grow_hold(struct madp_sender *s, struct madp_class_tx *c)
{
	uint32_t cap = c->hold_cap ? c->hold_cap * 2 : HOLD_MIN;
	struct madp_hold_slot *slots;

	if (cap > s->conf.hold_packets)
		return false;
	slots = s->mem.get(s->mem.user, cap * sizeof(*slots));
	if (!slots)
		return false;
	for (uint32_t i = 0; i < c->hold_n; i++)
		slots[(c->hold_first + i) & (cap - 1)] =
			c->hold[(c->hold_first + i) & (c->hold_cap - 1)];
	if (c->hold)
		s->mem.put(s->mem.user, c->hold, c->hold_cap * sizeof(*slots));
	c->hold = slots;
	c->hold_cap = cap;
	return true;
}

static int hold(struct madp_sender *s, unsigned cls, void *pkt, uint32_t len, mams_time now)
{
	struct madp_class_tx *c = &s->cls[cls];
	uint32_t most = c->treat.lossless ? s->conf.lossless_octets : s->conf.hold_octets;

	if (c->hold_octets + len > most || (c->hold_n == c->hold_cap && !grow_hold(s, c))) {
		c->n_hold_full++;
		return -MAMS_ELIMIT;
	}
	c->hold[(c->hold_first + c->hold_n) & (c->hold_cap - 1)] =
		(struct madp_hold_slot){pkt, len, (uint32_t)now.us};
	c->hold_n++;
	c->hold_octets += len;
	c->hold_used_at = now;
	c->n_held++;
	s->busy |= bit_of(cls);
	return 0;
}

static struct madp_hold_slot *held(const struct madp_class_tx *c)
{
	return &c->hold[c->hold_first & (c->hold_cap - 1)];
}

static void unhold(struct madp_class_tx *c)
{
	c->hold_octets -= held(c)->len;
	c->hold_first++;
	c->hold_n--;
}

static uint32_t hold_us(const struct madp_sender *s, const struct madp_class_tx *c)
{
	return c->treat.lossless ? s->conf.lossless_us : s->conf.hold_us;
}

static bool expired(const struct madp_sender *s, const struct madp_class_tx *c, mams_time now)
{
	return s->ending || (uint32_t)now.us - held(c)->at > hold_us(s, c);
}

int madp_sender_input(struct madp_sender *s, unsigned cls, void *pkt, uint32_t len, mams_time now,
	struct madp_out *out)
{
	struct madp_class_tx *c;
	madp_linkset links;

	if (cls >= MADP_CLASSES_MAX || s->cls[cls].treat.n_links == 0)
		return -MAMS_EUNKNOWN;
	c = &s->cls[cls];
	if (c->hold_n || madp_retain_is_pending(&c->retain))
		return hold(s, cls, pkt, len, now);
	links = pick(s, c, len, now);
	if (!links) {
		if (!(s->up & madp_treat_set(&c->treat)) && !c->treat.lossless) {
			c->n_no_link++;
			return -ENETDOWN;
		}
		return hold(s, cls, pkt, len, now);
	}
	emit(s, cls, pkt, len, links, now, out);
	return 1;
}

/* What has waited half of its time goes whether its link has room or not, before it is dropped here
 * for certain; not all of it at once. */
static bool may_go_anyway(const struct madp_sender *s, struct madp_class_tx *c, mams_time now)
{
	if (!c->hold_n || (uint32_t)now.us - held(c)->at <= hold_us(s, c) / 2 ||
		now.us - c->anyway_at.us < ANYWAY_US)
		return false;
	c->anyway_at = now;
	return true;
}

/* A backlog leaves at the pace of its link whatever the mode, or it would overflow the link's
 * queue. */
static bool is_room(
	struct madp_sender *s, struct madp_class_tx *c, madp_linkset links, mams_time now)
{
	bool ready = false;
	mams_time wait;

	if (!links)
		return false;
	for (unsigned i = 0; i < MADP_LINKS_MAX; i++) {
		if (!(links & madp_link_bit(i)))
			continue;
		if (madp_pace_ready(&s->link[i], now, &wait))
			ready = true;
		else
			madp_pace_hold(&s->link[i]);
	}
	return ready || may_go_anyway(s, c, now);
}

/* What a dead link held goes first. */
static bool again(struct madp_sender *s, unsigned cls, mams_time now, struct madp_out *out)
{
	struct madp_class_tx *c = &s->cls[cls];
	madp_linkset links;

	if (!c->retain.dead)
		return false;
	out->pkt = madp_retain_next(&c->retain, 0, &out->sn, &out->len);
	if (!out->pkt)
		return false;
	links = pick(s, c, out->len, now);
	if (!is_room(s, c, links, now))
		return false;
	out->pkt = madp_retain_next(&c->retain, links, &out->sn, &out->len);
	out->cls = (uint8_t)cls;
	out->links = links;
	out->kept = true;
	out->again = true;
	c->n_again++;
	return true;
}

static bool release(struct madp_sender *s, unsigned cls, mams_time now, struct madp_out *out)
{
	struct madp_class_tx *c = &s->cls[cls];
	struct madp_hold_slot h;
	madp_linkset links;

	if (c->hold_n == 0 || expired(s, c, now) || madp_retain_is_pending(&c->retain))
		return false;
	h = *held(c);
	links = pick(s, c, h.len, now);
	if (!is_room(s, c, links, now))
		return false;
	unhold(c);
	emit(s, cls, h.pkt, h.len, links, now, out);
	return true;
}

bool madp_sender_next(struct madp_sender *s, mams_time now, struct madp_out *out)
{
	if (!s->busy)
		return false;
	for (unsigned i = 0; i < MADP_CLASSES_MAX; i++) {
		if ((s->busy & bit_of(i)) && again(s, i, now, out))
			return true;
	}
	for (unsigned i = 0; i < MADP_CLASSES_MAX; i++) {
		unsigned cls = s->turn++ % MADP_CLASSES_MAX;

		if ((s->busy & bit_of(cls)) && release(s, cls, now, out))
			return true;
	}
	return false;
}

uint8_t madp_sender_pdu(
	struct madp_sender *s, unsigned cls, unsigned slot, uint32_t wire_len, mams_time now)
{
	madp_pace_sent(&s->link[slot], wire_len, madp_timestamp(now), now);
	return s->cls[cls].delivery_sn[slot]++;
}

/* ---- giving back ---- */

static void *reap(struct madp_sender *s, struct madp_class_tx *c, mams_time now)
{
	void *pkt = madp_retain_reap(&c->retain, &s->mem, now);

	if (pkt)
		return pkt;
	if (c->hold_n && expired(s, c, now)) {
		pkt = held(c)->pkt;
		unhold(c);
		c->n_hold_old++;
		s->n_expired++;
		c->hold_used_at = now;
		return pkt;
	}
	if (c->hold && c->hold_n == 0 && now.us - c->hold_used_at.us > QUIET_US)
		free_hold(s, c);
	else if (c->hold_n)
		c->hold_used_at = now;
	return NULL;
}

void *madp_sender_reap(struct madp_sender *s, mams_time now)
{
	for (unsigned i = 0; s->busy >> i; i++) {
		const struct madp_class_tx *c = &s->cls[i];
		void *pkt;

		if (!(s->busy & bit_of(i)))
			continue;
		pkt = reap(s, &s->cls[i], now);
		if (pkt)
			return pkt;
		if (!c->hold && !c->retain.ring && !c->retain.dead)
			s->busy &= (uint16_t)~bit_of(i);
	}
	return NULL;
}

bool madp_sender_has_room(const struct madp_sender *s, unsigned cls)
{
	return s->cls[cls].hold_n < HOLD_MIN / 2;
}

void madp_sender_drop(struct madp_sender *s)
{
	s->ending = true;
	for (unsigned i = 0; i < MADP_CLASSES_MAX; i++)
		madp_retain_drop(&s->cls[i].retain);
}

/* Held packets: when the soonest of their links has room. */
static mams_time class_deadline(
	const struct madp_sender *s, const struct madp_class_tx *c, mams_time now)
{
	madp_linkset set = s->up & madp_treat_set(&c->treat);
	mams_time t = madp_retain_deadline(&c->retain, now);

	if (c->hold_n == 0 && !c->retain.dead)
		return c->hold ? mams_time_min(t, mams_time_us(c->hold_used_at.us + QUIET_US + 1))
			       : t;
	if (c->hold_n) {
		int64_t age = (uint32_t)now.us - held(c)->at;
		int64_t most = hold_us(s, c);

		t = mams_time_min(
			t, mams_time_us(now.us + (age > most / 2 ? most : most / 2) + 1 - age));
	}
	for (unsigned i = 0; i < MADP_LINKS_MAX; i++) {
		mams_time wait;

		if (!(set & madp_link_bit(i)))
			continue;
		/* ready, and yet nothing went: the mode does not want this one now */
		if (madp_pace_ready(&s->link[i], now, &wait))
			wait = mams_time_us(now.us + ASK_US);
		t = mams_time_min(t, wait);
	}
	return t;
}

mams_time madp_sender_deadline(const struct madp_sender *s, mams_time now)
{
	mams_time t = MAMS_TIME_NEVER;

	for (unsigned i = 0; s->busy >> i; i++)
		if (s->busy & bit_of(i))
			t = mams_time_min(t, class_deadline(s, &s->cls[i], now));
	return t;
}
