#include "ncm-service/near.h"

#include "ncm-service/setup.h"

#include <string.h>

#define KEPT_US INT64_C(3600000000)
#define RISE 64u       /* a figure above what is known counts for so little */
#define NEAR_US 15000u /* with this round trip nobody looks for a nearer one */
#define SLACK_US 5000u /* and a quarter: what a nearer one must save */
#define ALIKE 250u     /* of 1000: by so much may loads differ */
#define DWELL_US INT64_C(30000000)
#define SPREAD_S 16u
#define HOLD_US INT64_C(300000000)
#define MOVE_US INT64_C(5000000) /* until then it has been set up anew */

static struct mams_addr net_of(const struct mams_addr *client)
{
	const size_t len = client->family == AF_INET ? 3 : 6;
	struct mams_addr net = {.family = client->family};

	memcpy(net.ip, client->ip, len);
	return net;
}

static bool is_old(mams_time at, mams_time now)
{
	return now.us - at.us >= KEPT_US;
}

/* @return NCM_NEAR_NETS: none */
static size_t find(const struct ncm_near *n, uint8_t access, const struct mams_addr *client)
{
	const struct mams_addr net = net_of(client);
	size_t i = 0;

	while (i < NCM_NEAR_NETS && !(n->nets[i].used && n->nets[i].access == access &&
					    mams_addr_eq_ip(&n->nets[i].net, &net)))
		i++;
	return i;
}

/* The one that was heard of least lately makes room. */
static struct ncm_near_net *make(struct ncm_near *n, uint8_t access, const struct mams_addr *client)
{
	struct ncm_near_net *out = &n->nets[0];

	for (size_t i = 0; i < NCM_NEAR_NETS && out->used; i++)
		if (!n->nets[i].used || mams_time_before(n->nets[i].at, out->at))
			out = &n->nets[i];
	*out = (struct ncm_near_net){.used = true, .access = access, .net = net_of(client)};
	return out;
}

void ncm_near_take(struct ncm_near *n, uint8_t access, const struct mams_addr *client, size_t madp,
	uint32_t rtt_us, uint32_t loss_ppm, mams_time now)
{
	const size_t i = find(n, access, client);
	struct ncm_near_net *net = i < NCM_NEAR_NETS ? &n->nets[i] : make(n, access, client);
	uint32_t cost = rtt_us + loss_ppm + 1;
	uint32_t *known;

	known = &net->to[madp].cost_us;
	if (*known == 0 || cost < *known || is_old(net->to[madp].at, now))
		*known = cost;
	else
		*known += (cost - *known) / RISE;
	net->at = net->to[madp].at = now;
}

uint32_t ncm_near_cost(const struct ncm_near *n, uint8_t access, const struct mams_addr *client,
	size_t madp, mams_time now)
{
	const size_t i = find(n, access, client);

	if (i == NCM_NEAR_NETS || is_old(n->nets[i].to[madp].at, now))
		return 0;
	return n->nets[i].to[madp].cost_us;
}

/* ---- who is far ---- */

/* Of 1000; one without a limit is never loaded. */
static uint32_t load(const struct ncm_madps *m, size_t i)
{
	const uint32_t capacity = m->policy->madps[i].capacity;

	return capacity ? (uint32_t)(UINT64_C(1000) * m->use[i].used / capacity) : 0;
}

/* Those without a limit have no load that would ever send anybody elsewhere. */
static uint32_t unlimited(const struct ncm_madps *m, uint32_t among)
{
	for (size_t i = 0; i < m->policy->n_madps; i++)
		if (m->policy->madps[i].capacity)
			among &= ~(1u << i);
	return among;
}

/* Those that could take the anchor: they answer, and have room like the others. */
static uint32_t alike(const struct ncm_madps *m, uint32_t among, int current)
{
	uint32_t least = UINT32_MAX;
	uint32_t bits = 0;

	for (size_t i = 0; i < m->policy->n_madps; i++) {
		const uint32_t capacity = m->policy->madps[i].capacity;

		if (!(among & 1u << i) || !ncm_madps_is_good(m, i) ||
			m->use[i].state != NCM_MADP_UP ||
			((int)i != current && capacity && m->use[i].used >= capacity))
			continue;
		bits |= 1u << i;
		if (load(m, i) < least)
			least = load(m, i);
	}
	for (size_t i = 0; i < m->policy->n_madps; i++)
		if ((bits & 1u << i) && load(m, i) > least + ALIKE)
			bits &= ~(1u << i);
	return bits;
}

uint32_t ncm_near_far(const struct ncm_madps *m, uint32_t among, int current,
	const uint32_t cost_us[NCM_MADPS_MAX])
{
	const uint32_t bits = alike(m, among, current);
	uint32_t unknown = 0;
	uint32_t near = 0;
	uint32_t best = UINT32_MAX;
	uint32_t limit;

	for (size_t i = 0; i < m->policy->n_madps; i++) {
		if (!(bits & 1u << i))
			continue;
		if (cost_us[i] == 0)
			unknown |= 1u << i;
		else if (cost_us[i] < best)
			best = cost_us[i];
	}
	if (best == UINT32_MAX)
		return 0;
	limit = best + best / 4 + SLACK_US;
	if (current >= 0 && (among & 1u << current) &&
		(cost_us[current] == 0 || cost_us[current] <= limit))
		return 0;
	for (size_t i = 0; i < m->policy->n_madps; i++)
		if ((bits & 1u << i) && cost_us[i] && cost_us[i] <= limit)
			near |= 1u << i;
	if (current < 0 && unknown)
		near = best > NEAR_US ? unknown : near | unlimited(m, unknown);
	return among & ~near;
}

/* ---- a session ---- */

/* Its best link there. */
static uint32_t cost_of(const struct ncm_near *n, const struct ncm_session *s, size_t anchor,
	size_t madp, mams_time now)
{
	const uint32_t links = ncm_setup_reaches(s, anchor, madp);
	uint32_t best = 0;

	for (uint8_t i = 0; i < NCM_LINKS_MAX; i++) {
		const struct ncm_link *l = &s->s.links[i];
		uint32_t cost = links & 1u << i ? ncm_near_cost(n, (uint8_t)l->access, &l->address,
							  madp, now)
						: 0;

		if (cost && (best == 0 || cost < best))
			best = cost;
	}
	return best;
}

/* Not all of a network at once: an instance would be full of them before its load is seen. */
static int64_t dwell_us(const struct ncm_session *s)
{
	return DWELL_US + (int64_t)(s->s.session_id % SPREAD_S) * 1000000;
}

static uint32_t look(const struct ncm_near *n, struct ncm_session *s, size_t a, mams_time now)
{
	struct ncm_anchor_use *u = &s->anchor[a];
	uint32_t cost[NCM_MADPS_MAX] = {0};
	uint32_t far;

	for (size_t i = 0; i < s->policy->n_madps; i++)
		cost[i] = cost_of(n, s, a, i, now);
	far = ncm_near_far(s->madps, ncm_setup_nearest(s, a), u->madp, cost);
	if (u->madp < 0 || !(far & 1u << u->madp)) {
		u->has_far = false;
		return far;
	}
	if (!u->has_far) {
		u->has_far = true;
		u->far_since = now;
	}
	if (u->has_moved && now.us - u->moved.us < HOLD_US)
		return now.us - u->moved.us < MOVE_US ? far : 0;
	if (now.us - u->far_since.us < dwell_us(s))
		return 0;
	u->has_moved = true;
	u->moved = now;
	return far;
}

bool ncm_near_look(const struct ncm_near *n, struct ncm_session *s, mams_time now, uint32_t *far)
{
	*far = 0;
	if (s->policy->n_madps < 2)
		return false;
	for (size_t a = 0; a < s->policy->n_anchors; a++)
		if (s->s.anchors[a].used &&
			ncm_anchor_needs_madp(&s->policy->anchors[a], s->s.convergence))
			*far |= look(n, s, a, now);
	return *far != s->far;
}
