#include "ccm-agent/needs.h"

#include <string.h>

struct ccm_need *ccm_needs_add(
	struct ccm_needs *n, const struct ccm_need *in, uint32_t owner, mams_time expires)
{
	for (size_t i = 0; i < CCM_NEEDS_MAX; i++) {
		struct ccm_need *k = &n->need[i];

		if (k->id)
			continue;
		*k = *in;
		k->id = ++n->last_id;
		k->owner = owner;
		k->state = CCM_NEED_NEW;
		k->expires = expires;
		return k;
	}
	return NULL;
}

struct ccm_need *ccm_needs_find(struct ccm_needs *n, uint32_t id)
{
	for (size_t i = 0; id > 0 && i < CCM_NEEDS_MAX; i++)
		if (n->need[i].id == id)
			return &n->need[i];
	return NULL;
}

mams_time ccm_needs_deadline(const struct ccm_needs *n)
{
	mams_time t = MAMS_TIME_NEVER;

	for (size_t i = 0; i < CCM_NEEDS_MAX; i++)
		if (n->need[i].id)
			t = mams_time_min(t, n->need[i].expires);
	return t;
}

/* ---- classes ---- */

bool ccm_class_same_flow(const struct ccm_class *a, const struct ccm_class *b)
{
	return a->protocol == b->protocol && a->port_first == b->port_first &&
	       a->port_last == b->port_last && a->has_dscp == b->has_dscp && a->dscp == b->dscp &&
	       strcmp(a->remote, b->remote) == 0 && strcmp(a->local, b->local) == 0 &&
	       a->local_first == b->local_first && a->local_last == b->local_last &&
	       a->flow_label == b->flow_label;
}

bool ccm_class_eq(const struct ccm_class *a, const struct ccm_class *b)
{
	return ccm_class_same_flow(a, b) && a->mode == b->mode && a->n_links == b->n_links &&
	       memcmp(a->links, b->links, a->n_links) == 0;
}

/* Of two limits, of which 0 is none. */
static uint32_t lower(uint32_t a, uint32_t b)
{
	if (a == 0 || b == 0)
		return a + b;
	return a < b ? a : b;
}

static void tighten(struct ccm_limits *to, const struct ccm_limits *by)
{
	to->latency_ms = lower(to->latency_ms, by->latency_ms);
	to->jitter_ms = lower(to->jitter_ms, by->jitter_ms);
	if (by->bandwidth > to->bandwidth)
		to->bandwidth = by->bandwidth;
}

static bool put_stream(const struct ccm_stream *s, struct ccm_class *out, size_t *n)
{
	const struct ccm_class k = {.protocol = s->protocol,
		.port_first = s->port_first,
		.port_last = s->port_last,
		.limits = s->limits};
	const unsigned width = (unsigned)(s->port_last - s->port_first);
	size_t at = *n;

	for (size_t i = 0; i < *n; i++) {
		if (!ccm_class_same_flow(&out[i], &k))
			continue;
		tighten(&out[i].limits, &k.limits);
		return true;
	}
	if (*n == CCM_CLASSES_MAX)
		return false;
	for (; at > 0 && (unsigned)(out[at - 1].port_last - out[at - 1].port_first) > width; at--)
		out[at] = out[at - 1];
	out[at] = k;
	(*n)++;
	return true;
}

int ccm_needs_classes(
	const struct ccm_needs *n, uint32_t new_id, struct ccm_class out[CCM_CLASSES_MAX])
{
	size_t have = 0;

	for (size_t i = 0; i < CCM_NEEDS_MAX; i++) {
		const struct ccm_need *k = &n->need[i];

		if (!k->id || (k->state == CCM_NEED_NEW && k->id != new_id))
			continue;
		for (size_t s = 0; s < k->n_streams; s++)
			if (!put_stream(&k->streams[s], out, &have))
				return -MAMS_ELIMIT;
	}
	return (int)have;
}

/* ---- choice ---- */

static bool keeps(const struct ccm_limits *l, const struct ccm_quality *q)
{
	if (l->latency_ms && (!q->has_latency || q->latency_ms > l->latency_ms))
		return false;
	if (l->jitter_ms && (!q->has_jitter || q->jitter_ms > l->jitter_ms))
		return false;
	return !l->bandwidth || q->has_bandwidth;
}

static double sum_of(const struct ccm_quality *quality, const uint8_t *links, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += quality[links[i]].bandwidth;
	return sum;
}

static bool still_good(
	const struct ccm_class *k, const struct ccm_quality *quality, uint32_t candidates)
{
	for (size_t i = 0; i < k->n_links; i++)
		if (!(candidates & 1u << k->links[i]) || !keeps(&k->limits, &quality[k->links[i]]))
			return false;
	return k->n_links > 0 && sum_of(quality, k->links, k->n_links) >= k->limits.bandwidth;
}

/* Is a to be used rather than b? */
static bool better(
	const struct ccm_limits *l, const struct ccm_quality *a, const struct ccm_quality *b)
{
	if (l->latency_ms && a->latency_ms != b->latency_ms)
		return a->latency_ms < b->latency_ms;
	if (l->jitter_ms && a->jitter_ms != b->jitter_ms)
		return a->jitter_ms < b->jitter_ms;
	return l->bandwidth && a->bandwidth > b->bandwidth;
}

static const char *why_none(
	const struct ccm_limits *l, const struct ccm_quality *quality, uint32_t candidates)
{
	bool latency = !l->latency_ms;
	bool jitter = !l->jitter_ms;
	bool bandwidth = !l->bandwidth;

	if (candidates == 0)
		return "no link is set up";
	for (size_t i = 0; i < CCM_LINKS_MAX; i++) {
		latency |= (candidates & 1u << i) && quality[i].has_latency;
		jitter |= (candidates & 1u << i) && quality[i].has_jitter;
		bandwidth |= (candidates & 1u << i) && quality[i].has_bandwidth;
	}
	if (!latency)
		return "the NCM predicts the latency of no link";
	if (!jitter)
		return "the NCM predicts the jitter of no link";
	if (!bandwidth)
		return "the NCM predicts the bandwidth of no link";
	return "by the NCM's predictions no link, nor several together, keep it";
}

const char *ccm_class_choose(
	struct ccm_class *k, const struct ccm_quality *quality, uint32_t candidates)
{
	uint8_t links[CCM_LINKS_MAX];
	size_t n = 0;

	if (still_good(k, quality, candidates))
		return NULL;
	for (uint8_t i = 0; i < CCM_LINKS_MAX; i++) {
		size_t at = n;

		if (!(candidates & 1u << i) || !keeps(&k->limits, &quality[i]))
			continue;
		for (; at > 0 && better(&k->limits, &quality[i], &quality[links[at - 1]]); at--)
			links[at] = links[at - 1];
		links[at] = i;
		n++;
	}
	if (n == 0 || sum_of(quality, links, n) < k->limits.bandwidth)
		return why_none(&k->limits, quality, candidates);
	while (k->limits.bandwidth && n > 1 && sum_of(quality, links, n - 1) >= k->limits.bandwidth)
		n--;
	memcpy(k->links, links, n);
	k->n_links = n;
	return NULL;
}
