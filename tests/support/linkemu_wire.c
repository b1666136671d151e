#include "tests/support/linkemu_wire.h"

#include <stdlib.h>
#include <string.h>

void wire_init(struct wire *w, uint64_t seed)
{
	*w = (struct wire){
		.conf = {.queue = 256 * 1024, .reorder_ns = 5000000}, .rng = {seed ? seed : 1}};
	for (unsigned i = 0; i < 8; i++) /* small seeds begin with small numbers */
		(void)mams_prng_next(&w->rng);
}

void wire_clear(struct wire *w)
{
	for (size_t i = 0; i < w->n; i++)
		free(w->heap[i]);
	w->count.dead += w->n;
	w->n = 0;
	w->free_at = w->last_at = 0;
}

void wire_fini(struct wire *w)
{
	wire_clear(w);
	free(w->heap);
	w->heap = NULL;
	w->cap = 0;
}

/* ---- configuration ---- */

static bool number(const char *text, double *out, const char **unit)
{
	char *end;

	*out = strtod(text, &end);
	*unit = end;
	return end != text && *out >= 0 && *out < 1e15;
}

static bool amount(const char *text, double *out)
{
	const char *unit;

	if (!number(text, out, &unit))
		return false;
	if (*unit == 'k')
		*out *= 1e3;
	else if (*unit == 'm')
		*out *= 1e6;
	else if (*unit == 'g')
		*out *= 1e9;
	else if (*unit)
		return false;
	return *unit == '\0' || unit[1] == '\0' || strcmp(unit + 1, "bit") == 0;
}

static bool duration(const char *text, int64_t *ns)
{
	double v;
	const char *unit;

	if (!number(text, &v, &unit))
		return false;
	if (strcmp(unit, "us") == 0)
		v *= 1e3;
	else if (strcmp(unit, "s") == 0)
		v *= 1e9;
	else if (*unit == '\0' || strcmp(unit, "ms") == 0)
		v *= 1e6;
	else
		return false;
	*ns = (int64_t)v;
	return v <= 1e11;
}

static bool percent(const char *text, double *out)
{
	const char *unit;

	return number(text, out, &unit) && (*unit == '\0' || strcmp(unit, "%") == 0) && *out <= 100;
}

static bool set_amount(struct wire_conf *c, const char *name, const char *value)
{
	double v = 0;

	if (strcmp(name, "rate") == 0) {
		if (strcmp(value, "none") != 0 && (!amount(value, &v) || v < 1000))
			return false;
		c->rate = (uint64_t)v;
		return true;
	}
	if (!amount(value, &v) || v > 1e9)
		return false;
	c->queue = (uint32_t)v;
	return true;
}

bool wire_set(struct wire_conf *c, const char *word)
{
	const char *eq = strchr(word, '=');
	char name[16];
	const char *unit;
	double v;

	if (!eq || (size_t)(eq - word) >= sizeof(name))
		return false;
	memcpy(name, word, (size_t)(eq - word));
	name[eq - word] = '\0';
	eq++;
	if (strcmp(name, "rate") == 0 || strcmp(name, "queue") == 0)
		return set_amount(c, name, eq);
	if (strcmp(name, "delay") == 0)
		return duration(eq, &c->delay_ns);
	if (strcmp(name, "jitter") == 0)
		return duration(eq, &c->jitter_ns);
	if (strcmp(name, "reorder_delay") == 0)
		return duration(eq, &c->reorder_ns);
	if (strcmp(name, "loss") == 0)
		return percent(eq, &c->loss);
	if (strcmp(name, "duplicate") == 0)
		return percent(eq, &c->duplicate);
	if (strcmp(name, "reorder") == 0)
		return percent(eq, &c->reorder);
	if (strcmp(name, "burst") == 0)
		return number(eq, &c->burst, &unit) && *unit == '\0';
	if (!number(eq, &v, &unit) || *unit)
		return false;
	if (strcmp(name, "dead") == 0)
		c->dead = v != 0;
	else if (strcmp(name, "strip") == 0)
		c->strip = v != 0;
	else
		return false;
	return true;
}

/* ---- packets ---- */

static bool chance(struct wire *w, double percents)
{
	return percents > 0 &&
	       (double)mams_prng_below(&w->rng, 1u << 30) < percents / 100 * (1u << 30);
}

/* Gilbert: in the bad state everything is lost; so often and so long that `loss` comes of it. */
static bool is_lost(struct wire *w)
{
	double loss = w->conf.loss;

	if (w->conf.burst <= 1 || loss >= 100)
		return chance(w, loss);
	if (w->bad)
		w->bad = !chance(w, 100 / w->conf.burst);
	else
		w->bad = chance(w, 100 * loss / ((100 - loss) * w->conf.burst));
	return w->bad;
}

static bool before(const struct wire_packet *a, const struct wire_packet *b)
{
	return a->at != b->at ? a->at < b->at : a->order < b->order;
}

/* An octet of a TCP segment changes, and its checksum with it (RFC 1624). */
static void change(uint8_t *tcp, size_t at, uint8_t to)
{
	unsigned shift = at % 2 ? 0 : 8;
	uint32_t sum = (uint16_t) ~(tcp[16] << 8 | tcp[17]);

	sum += (uint16_t) ~(tcp[at] << shift);
	sum += (uint32_t)to << shift;
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	tcp[at] = to;
	tcp[16] = (uint8_t)(~sum >> 8);
	tcp[17] = (uint8_t)~sum;
}

/** @return the TCP segment in an IP packet without extension headers, or NULL */
static uint8_t *segment(uint8_t *ip, uint32_t len, uint32_t *rest)
{
	uint32_t head = len >= 20 && ip[0] >> 4 == 4 ? (ip[0] & 15u) * 4 : 40;

	if (len < head + 20 || ip[head == 40 && ip[0] >> 4 == 6 ? 6 : 9] != 6)
		return NULL;
	*rest = len - head;
	return ip + head;
}

static bool strip(uint8_t *ip, uint32_t len)
{
	uint32_t rest;
	uint8_t *tcp = segment(ip, len, &rest);
	uint32_t end = tcp ? (tcp[12] >> 4) * 4u : 0;
	bool any = false;

	for (uint32_t i = 20; i < end && end <= rest && tcp[i] != 0;) {
		uint32_t n = tcp[i] == 1 ? 1 : i + 1 < end ? tcp[i + 1] : 0;

		if (n == 0 || i + n > end)
			break;
		if (tcp[i] == 30) {
			any = true;
			for (uint32_t k = 0; k < n; k++)
				change(tcp, i + k, 1);
		}
		i += n;
	}
	return any;
}

static void push(struct wire *w, const void *data, uint32_t len, int64_t at)
{
	struct wire_packet *p = malloc(sizeof(*p) + len);
	size_t i;

	if (w->n == w->cap) {
		size_t cap = w->cap ? w->cap * 2 : 256;
		struct wire_packet **heap = realloc(w->heap, cap * sizeof(struct wire_packet *));

		if (heap) {
			w->heap = heap;
			w->cap = cap;
		}
	}
	if (!p || w->n == w->cap) {
		w->count.no_memory++;
		free(p);
		return;
	}
	p->at = at;
	p->order = w->order++;
	p->len = len;
	memcpy(p->data, data, len);
	if (w->conf.strip)
		w->count.stripped += strip(p->data, len);
	for (i = w->n++; i > 0 && before(p, w->heap[(i - 1) / 2]); i = (i - 1) / 2)
		w->heap[i] = w->heap[(i - 1) / 2];
	w->heap[i] = p;
}

void wire_put(struct wire *w, const void *data, uint32_t len, int64_t now)
{
	const struct wire_conf *c = &w->conf;
	int64_t start = w->free_at > now ? w->free_at : now;
	int64_t at;

	w->count.in++;
	w->count.in_octets += len;
	if (c->dead) {
		w->count.dead++;
		return;
	}
	if (c->rate) {
		double waiting = (double)(start - now) * (double)c->rate / 8e9;

		if (waiting + len > c->queue) {
			w->count.queue_full++;
			return;
		}
		start += (int64_t)((double)len * 8e9 / (double)c->rate);
	}
	w->free_at = start;
	if (is_lost(w)) {
		w->count.lost++;
		return;
	}
	at = start + c->delay_ns;
	if (c->jitter_ns)
		at += (int64_t)mams_prng_below(&w->rng, (uint64_t)c->jitter_ns);
	if (at < w->last_at)
		at = w->last_at;
	if (chance(w, c->reorder)) {
		w->count.reordered++;
		at += c->reorder_ns;
	} else {
		w->last_at = at;
	}
	push(w, data, len, at);
	if (chance(w, c->duplicate)) {
		w->count.duplicated++;
		push(w, data, len, at);
	}
}

int64_t wire_next(const struct wire *w)
{
	return w->n ? w->heap[0]->at : INT64_MAX;
}

struct wire_packet *wire_get(struct wire *w, int64_t now)
{
	struct wire_packet *top;
	struct wire_packet *last;
	size_t i = 0;

	if (w->n == 0 || w->heap[0]->at > now)
		return NULL;
	top = w->heap[0];
	last = w->heap[--w->n];
	for (size_t child = 1; child < w->n; child = 2 * i + 1) {
		if (child + 1 < w->n && before(w->heap[child + 1], w->heap[child]))
			child++;
		if (!before(w->heap[child], last))
			break;
		w->heap[i] = w->heap[child];
		i = child;
	}
	if (w->n)
		w->heap[i] = last;
	w->count.out++;
	w->count.out_octets += top->len;
	return top;
}
