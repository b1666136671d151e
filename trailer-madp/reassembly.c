#include "trailer-madp/reassembly.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#define NONE 0xffffu
#define SETS_MAX 65534u

enum state {
	OPEN,
	DONE, /* complete or being taken: later copies are duplicates */
	DEAD, /* discarded: later fragments are late */
};

/** What came of one SDU.  Open sets stand in the list of all and in their session's, oldest first;
 *  others only in the list of those to be forgotten. */
struct madp_reasm_set {
	struct madp_reasm_session *session;
	struct madp_reasm_set *prev, *next;
	struct madp_reasm_set *own_prev, *own_next;
	struct madp_reasm_set *chain; /* of its hash bucket; of free ones */
	mams_time born;
	uint32_t sn;
	uint32_t len;    /* octets gathered */
	uint32_t blocks; /* in use */
	uint8_t flow_id;
	uint8_t form;
	uint8_t state;
	uint8_t count;                          /* fragments gathered */
	uint8_t top;                            /* highest offset seen */
	bool has_last;                          /* top is the last fragment */
	uint16_t first[MADP_GMA_FRAGMENTS_MAX]; /* block; NONE: not here yet */
	uint16_t octets[MADP_GMA_FRAGMENTS_MAX];
};

struct madp_reasm {
	struct madp_reasm_conf conf;
	struct madp_reasm_counters counters;
	struct madp_reasm_set *sets;
	struct madp_reasm_set *free_sets;
	struct madp_reasm_set *open;
	struct madp_reasm_set *closed;
	struct madp_reasm_set *done; /* complete, not yet taken */
	struct madp_reasm_set **bucket;
	uint32_t shift;    /* 64 less the bits of a bucket's number */
	uint32_t sessions; /* that have open sets */
	uint32_t open_sets;
	uint32_t in_use; /* blocks */
	uint8_t *memory;
	uint16_t *next; /* of a block */
	uint16_t free_block;
};

const struct madp_reasm_conf madp_reasm_defaults = {
	.blocks = 32768,
	.sets = 1024,
	.session_blocks = 2048,
	.session_sets = 64,
	.timeout_ms = 500,
};

static bool is_ip_form(uint8_t form)
{
	return form == MADP_GMA_TRAILER || form == MADP_GMA_HEADER_IP;
}

struct madp_reasm *madp_reasm_new(const struct madp_reasm_conf *conf)
{
	struct madp_reasm *r;
	uint32_t bits = 1;

	if (conf->blocks < 2 || conf->blocks > SETS_MAX || conf->sets < 2 ||
		conf->sets > SETS_MAX || conf->session_blocks == 0 || conf->session_sets == 0)
		return NULL;
	r = calloc(1, sizeof(*r));
	if (!r)
		return NULL;
	while (1u << bits < conf->sets)
		bits++;
	r->conf = *conf;
	r->shift = 64 - bits;
	r->sets = calloc(conf->sets, sizeof(*r->sets));
	r->bucket = calloc((size_t)1 << bits, sizeof(*r->bucket));
	r->memory = malloc((size_t)conf->blocks * MADP_REASM_BLOCK);
	r->next = calloc(conf->blocks, sizeof(*r->next));
	if (!r->sets || !r->bucket || !r->memory || !r->next) {
		madp_reasm_free(r);
		return NULL;
	}
	for (uint32_t i = 0; i < conf->sets; i++) {
		r->sets[i].chain = r->free_sets;
		r->free_sets = &r->sets[i];
	}
	for (uint32_t i = 0; i < conf->blocks; i++)
		r->next[i] = (uint16_t)(i + 1 < conf->blocks ? i + 1 : NONE);
	return r;
}

void madp_reasm_free(struct madp_reasm *r)
{
	if (!r)
		return;
	free(r->sets);
	free(r->bucket);
	free(r->memory);
	free(r->next);
	free(r);
}

/* ---- finding ---- */

static struct madp_reasm_set **bucket_of(const struct madp_reasm *r,
	const struct madp_reasm_session *s, uint8_t flow_id, uint32_t sn)
{
	uint64_t h = ((uint64_t)(uintptr_t)s >> 4) ^ ((uint64_t)sn << 8 | flow_id);

	/* of the product the uppermost bits depend on all of h */
	return &r->bucket[(h * 0x9e3779b97f4a7c15ull) >> r->shift];
}

static struct madp_reasm_set *find(const struct madp_reasm *r, const struct madp_reasm_session *s,
	uint8_t flow_id, uint32_t sn)
{
	struct madp_reasm_set *set = *bucket_of(r, s, flow_id, sn);

	while (set && (set->session != s || set->sn != sn || set->flow_id != flow_id))
		set = set->chain;
	return set;
}

/* ---- giving up ---- */

static void free_blocks(struct madp_reasm *r, struct madp_reasm_set *set)
{
	for (uint32_t i = 0; i <= set->top; i++) {
		uint16_t b = set->first[i];

		while (b != NONE) {
			uint16_t after = r->next[b];

			r->next[b] = r->free_block;
			r->free_block = b;
			b = after;
		}
		set->first[i] = NONE;
	}
	r->in_use -= set->blocks;
	set->session->blocks -= set->blocks;
	set->blocks = 0;
}

/** No longer open; memory stays where state is DONE. */
static void close_set(struct madp_reasm *r, struct madp_reasm_set *set, enum state state)
{
	struct madp_reasm_session *s = set->session;

	DL_DELETE(r->open, set);
	DL_DELETE2(s->open, set, own_prev, own_next);
	r->open_sets--;
	if (--s->sets == 0)
		r->sessions--;
	set->state = (uint8_t)state;
	DL_APPEND(r->closed, set);
	if (state == DEAD)
		free_blocks(r, set);
}

static void forget(struct madp_reasm *r, struct madp_reasm_set *set)
{
	struct madp_reasm_set **at = bucket_of(r, set->session, set->flow_id, set->sn);

	if (r->done == set)
		r->done = NULL;
	free_blocks(r, set);
	while (*at != set)
		at = &(*at)->chain;
	*at = set->chain;
	DL_DELETE(r->closed, set);
	set->chain = r->free_sets;
	r->free_sets = set;
}

static void evict(struct madp_reasm *r, struct madp_reasm_set *set)
{
	r->counters.evicted++;
	close_set(r, set, DEAD);
}

/** The oldest open set other than keep of a session that has more than its even share, beginning
 *  with s itself; NULL: nobody has. */
static struct madp_reasm_set *victim(
	struct madp_reasm *r, struct madp_reasm_session *s, const struct madp_reasm_set *keep)
{
	const uint32_t n = r->sessions + (s->sets == 0);
	const uint32_t blocks = r->conf.blocks / n;
	const uint32_t sets = r->conf.sets / n;
	struct madp_reasm_set *set = s->open == keep && keep ? keep->own_next : s->open;

	if (set && (s->blocks >= blocks || s->sets >= sets))
		return set;
	DL_FOREACH(r->open, set)
	if (set != keep && (set->session->blocks > blocks || set->session->sets > sets))
		return set;
	return NULL;
}

/* ---- making room ---- */

static struct madp_reasm_set *open_set(
	struct madp_reasm *r, struct madp_reasm_session *s, const struct madp_gma *g, mams_time now)
{
	struct madp_reasm_set **at = bucket_of(r, s, g->flow_id, g->flow_sn);
	struct madp_reasm_set *set;

	if (s->sets >= r->conf.session_sets)
		evict(r, s->open);
	if (!r->free_sets && !r->closed) {
		set = victim(r, s, NULL);
		if (!set)
			return NULL;
		evict(r, set);
	}
	if (!r->free_sets)
		forget(r, r->closed);
	set = r->free_sets;
	r->free_sets = set->chain;
	*set = (struct madp_reasm_set){.session = s,
		.born = now,
		.sn = g->flow_sn,
		.flow_id = g->flow_id,
		.form = (uint8_t)g->form,
		.chain = *at};
	memset(set->first, 0xff, sizeof(set->first)); /* NONE */
	*at = set;
	DL_APPEND(r->open, set);
	DL_APPEND2(s->open, set, own_prev, own_next);
	r->open_sets++;
	if (s->sets++ == 0)
		r->sessions++;
	return set;
}

/** See to it that n blocks are free for set. @return false: they cannot be had */
static bool make_room(struct madp_reasm *r, struct madp_reasm_set *set, uint32_t n)
{
	struct madp_reasm_session *s = set->session;

	while (s->blocks + n > r->conf.session_blocks) {
		struct madp_reasm_set *oldest = s->open == set ? set->own_next : s->open;

		if (!oldest)
			return false;
		evict(r, oldest);
	}
	while (r->conf.blocks - r->in_use < n) {
		struct madp_reasm_set *other = victim(r, s, set);

		if (!other)
			return false;
		evict(r, other);
	}
	return true;
}

static void store(struct madp_reasm *r, struct madp_reasm_set *set, uint32_t offset,
	const uint8_t *data, uint32_t len)
{
	uint16_t *link = &set->first[offset];

	set->octets[offset] = (uint16_t)len;
	set->len += len;
	set->count++;
	while (len) {
		uint32_t n = len < MADP_REASM_BLOCK ? len : MADP_REASM_BLOCK;
		uint16_t b = r->free_block;

		r->free_block = r->next[b];
		r->next[b] = NONE;
		*link = b;
		link = &r->next[b];
		memcpy(r->memory + (size_t)b * MADP_REASM_BLOCK, data, n);
		data += n;
		len -= n;
		set->blocks++;
		set->session->blocks++;
		r->in_use++;
	}
}

/* ---- fragments ---- */

/** Does the fragment contradict what came before? */
static bool contradicts(
	const struct madp_reasm_set *set, const struct madp_gma *g, uint32_t portion)
{
	const uint32_t offset = g->frag_offset;

	if (set->form != (uint8_t)g->form)
		return true;
	if (set->first[offset] != NONE)
		return set->octets[offset] != portion ||
		       !g->frag_more != (set->has_last && offset == set->top);
	if (set->has_last)
		return offset > set->top || !g->frag_more;
	return !g->frag_more && set->count && offset < set->top;
}

static enum madp_reasm_result discard(
	struct madp_reasm *r, struct madp_reasm_set *set, uint64_t *counter)
{
	(*counter)++;
	close_set(r, set, DEAD);
	return MADP_REASM_DROPPED;
}

static enum madp_reasm_result add_to(struct madp_reasm *r, struct madp_reasm_set *set,
	const struct madp_gma *g, const uint8_t *data, uint32_t len)
{
	uint32_t skip = 0;

	if (len && g->frag_offset && is_ip_form((uint8_t)g->form))
		skip = madp_ip4_header_len(data);
	if (skip >= len || set->len + len - skip > MADP_IP_MAX)
		return discard(r, set, &r->counters.invalid);
	if (contradicts(set, g, len - skip))
		return discard(r, set, &r->counters.conflict);
	if (set->first[g->frag_offset] != NONE) {
		r->counters.duplicate++;
		return MADP_REASM_DROPPED;
	}
	if (!make_room(r, set, (len - skip + MADP_REASM_BLOCK - 1) / MADP_REASM_BLOCK))
		return discard(r, set, &r->counters.no_room);
	store(r, set, g->frag_offset, data + skip, len - skip);
	if (g->frag_offset > set->top)
		set->top = g->frag_offset;
	if (!g->frag_more)
		set->has_last = true;
	return set->has_last && set->count == set->top + 1u ? MADP_REASM_COMPLETE : MADP_REASM_KEPT;
}

enum madp_reasm_result madp_reasm_add(struct madp_reasm *r, struct madp_reasm_session *s,
	const struct madp_gma *g, const uint8_t *data, uint32_t len, mams_time now,
	uint32_t *sdu_len)
{
	struct madp_reasm_set *set;
	enum madp_reasm_result result;

	r->counters.fragments++;
	if (r->done) {
		free_blocks(r, r->done);
		r->done = NULL;
	}
	madp_reasm_tick(r, now);
	set = find(r, s, g->flow_id, g->flow_sn);
	if (set && set->state != OPEN) {
		(*(set->state == DONE ? &r->counters.duplicate : &r->counters.late))++;
		return MADP_REASM_DROPPED;
	}
	if (!set)
		set = open_set(r, s, g, now);
	if (!set) {
		r->counters.no_room++;
		return MADP_REASM_DROPPED;
	}
	result = add_to(r, set, g, data, len);
	if (result == MADP_REASM_COMPLETE) {
		r->counters.complete++;
		close_set(r, set, DONE);
		r->done = set;
		*sdu_len = set->len;
	}
	return result;
}

/** Put the portions together at out. */
static void join(const struct madp_reasm *r, const struct madp_reasm_set *set, uint8_t *out)
{
	for (uint32_t i = 0; i <= set->top; i++) {
		uint32_t left = set->octets[i];

		for (uint16_t b = set->first[i]; b != NONE; b = r->next[b]) {
			uint32_t n = left < MADP_REASM_BLOCK ? left : MADP_REASM_BLOCK;

			memcpy(out, r->memory + (size_t)b * MADP_REASM_BLOCK, n);
			out += n;
			left -= n;
		}
	}
}

enum madp_reason madp_reasm_take(struct madp_reasm *r, uint8_t *out)
{
	struct madp_reasm_set *set = r->done;
	enum madp_reason why = MADP_IP_SHORT;
	uint32_t len;

	if (!set)
		return why;
	len = set->len;
	join(r, set, out);
	/* the first fragment's own length, unless header optimization left the SDU's */
	if (is_ip_form(set->form) && len >= MADP_IP4_HEADER &&
		madp_get16(out + 2) == set->octets[0])
		madp_ip4_set_len(out, (uint16_t)len);
	free_blocks(r, set);
	r->done = NULL;
	if (madp_ip_length(out, len, &why) != len && why == MADP_OK)
		why = MADP_IP_LENGTH;
	if (why != MADP_OK)
		r->counters.invalid++;
	return why;
}

/* ---- time and ends ---- */

void madp_reasm_tick(struct madp_reasm *r, mams_time now)
{
	while (r->open &&
		!mams_time_before(now, mams_time_add_ms(r->open->born, r->conf.timeout_ms))) {
		r->counters.timeout++;
		close_set(r, r->open, DEAD);
	}
	while (r->closed &&
		!mams_time_before(now, mams_time_add_ms(r->closed->born, r->conf.timeout_ms)))
		forget(r, r->closed);
}

mams_time madp_reasm_deadline(const struct madp_reasm *r)
{
	return r->open ? mams_time_add_ms(r->open->born, r->conf.timeout_ms) : MAMS_TIME_NEVER;
}

void madp_reasm_end(struct madp_reasm *r, struct madp_reasm_session *s)
{
	struct madp_reasm_set *set;
	struct madp_reasm_set *after;

	while (s->open) {
		r->counters.ended++;
		close_set(r, s->open, DEAD);
	}
	DL_FOREACH_SAFE(r->closed, set, after)
	if (set->session == s)
		forget(r, set);
}

const struct madp_reasm_counters *madp_reasm_counters(const struct madp_reasm *r)
{
	return &r->counters;
}

uint32_t madp_reasm_blocks(const struct madp_reasm *r)
{
	return r->in_use;
}
