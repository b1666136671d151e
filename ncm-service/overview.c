#include "ncm-service/overview.h"

#include "lib/steer/conf.h"
#include "ncm-service/usage.h"

bool ncm_session_is_troubled(const struct ncm_session *s)
{
	if (s->state != NCM_STATE_ACTIVE)
		return true;
	for (uint8_t i = 0; i < NCM_LINKS_MAX; i++) {
		const struct ncm_link *l = &s->s.links[i];

		if (l->known && (!l->up || l->admission != NCM_ADMIT_OK))
			return true;
	}
	for (size_t a = 0; a < s->policy->n_anchors; a++)
		if (s->s.anchors[a].used && s->anchor[a].refused)
			return true;
	return false;
}

static void take_links(const struct ncm_session *s, mams_time now, struct ncm_overview *out)
{
	for (uint8_t i = 0; i < NCM_LINKS_MAX; i++) {
		const struct ncm_link *l = &s->s.links[i];
		const struct ncm_quality *q = &s->quality[i];
		const struct steer_price *price;
		struct ncm_tally *t;
		uint64_t used;

		if (!l->known || l->admission != NCM_ADMIT_OK)
			continue;
		t = &out->access[l->access];
		if (l->up)
			t->up++;
		else
			t->down++;
		price = ncm_usage_of(s, i, now, &used);
		if (price && used >= price->quota_mb * UINT64_C(1000000))
			t->spent++;
		else if (price && used >= price->quota_mb * UINT64_C(10000) * price->quota_near)
			t->near++;
		t->dl_kbps += ncm_quality_is_fresh(&q->dl, now) ? q->dl.used_kbps : 0;
		t->ul_kbps += ncm_quality_is_fresh(&q->ul, now) ? q->ul.used_kbps : 0;
	}
}

void ncm_overview_take(const struct ncm_registry *r, mams_time now, struct ncm_overview *out)
{
	*out = (struct ncm_overview){0};
	for (struct ncm_session *s = ncm_registry_next(r, NULL); s; s = ncm_registry_next(r, s)) {
		out->sessions[s->state]++;
		out->total++;
		out->troubled += ncm_session_is_troubled(s);
		take_links(s, now, out);
	}
}
