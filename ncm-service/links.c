#include "ncm-service/links.h"

#include "ncm-service/protect.h"
#include "ncm-service/steerer.h"

#include <stdio.h>

#define OVERTAKEN_MOST 256u /* far more than a client has under way */

static bool wants_setup(const struct ncm_link *l)
{
	return l->up && l->admission == NCM_ADMIT_OK &&
	       (!l->in_setup || !mams_addr_eq_ip(&l->setup_address, &l->address));
}

uint32_t ncm_links_left(const struct ncm_session *s, uint32_t list, uint32_t have)
{
	uint32_t stay = have;

	for (uint8_t i = 0; i < NCM_LINKS_MAX; i++)
		if (s->s.links[i].handover)
			stay &= ~(1u << i);
	if (stay == 0 || stay == have)
		return list;
	return list & stay ? list & stay : stay;
}

bool ncm_link_is_fading(const struct ncm_link *l)
{
	return l->handover && mams_addr_eq_ip(&l->setup_address, &l->address);
}

void ncm_link_admit(const struct ncm_policy *p, uint32_t adaptation, struct ncm_link *l)
{
	if (l->up && !mams_addr_is_set(&l->address))
		l->admission = ncm_policy_assume(p, l->connection_type, &l->access);
	else
		l->admission =
			ncm_policy_admit(p, l->connection_type, &l->address, l->mtu, &l->access);
	if (l->admission == NCM_ADMIT_OK && !ncm_protect_can(p, l, adaptation))
		l->admission = NCM_ADMIT_NO_IPSEC;
}

void ncm_links_assume(struct ncm_session *s, mams_time now)
{
	for (uint8_t i = 0; i < NCM_LINKS_MAX; i++) {
		struct ncm_link *l = &s->s.links[i];

		if (!l->known)
			continue;
		l->up = true;
		ncm_link_admit(s->policy, s->s.adaptation, l);
		ncm_session_push(s, (struct ncm_action){.kind = NCM_ACT_LINK, .connection_id = i});
	}
	s->gather_until = now;
}

static void judge_link(struct ncm_session *s, uint8_t id, mams_time now)
{
	struct ncm_link *l = &s->s.links[id];
	enum ncm_admission before = l->admission;

	ncm_link_admit(s->policy, s->s.adaptation, l);
	if (l->admission != NCM_ADMIT_OK) {
		s->counters->not_admitted++;
		l->in_setup = false;
	}
	if (l->admission != before)
		ncm_session_push(s, (struct ncm_action){.kind = NCM_ACT_LINK, .connection_id = id});
	/* at another router, and for the rest as it was set up: that is the confirmation */
	if (l->handover && l->confirmed && !wants_setup(l)) {
		l->handover = false;
		ncm_session_policy(s);
		ncm_steerer_news(s, now);
	}
	if (wants_setup(l) && mams_time_is_never(s->gather_until))
		s->gather_until = mams_time_add_ms(now, s->policy->gather_ms);
}

static int take_address(const struct mx_reconf_req *r, struct ncm_link *l, struct mams_error *err)
{
	struct mams_addr a = {0};

	if (!r->ip_address)
		return r->reconf_action == MX_SETUP ? mams_fail(err, MAMS_EMISSING, "ip_address",
							      "is required for setup")
						    : 0;
	if (mams_addr_parse(r->ip_address, &a) < 0 || mams_addr_is_multicast(&a) ||
		mams_addr_is_loopback(&a) || mams_addr_is_any(&a))
		return mams_fail(err, MAMS_EVALUE, "ip_address",
			"\"%.40s\" is no address of a link", r->ip_address);
	if (!mams_addr_eq_ip(&a, &l->address)) {
		mams_wipe(l->secret, sizeof(l->secret)); /* another link, another secret */
		l->moved = true;
	}
	l->address = a;
	return 0;
}

/* Which network, and which station of it (RFC 8743 8.5). */
static void take_place(const struct mx_reconf_req *r, struct ncm_link *l)
{
	if (r->reconf_action == MX_RELEASE)
		return;
	snprintf(l->ssid, sizeof(l->ssid), "%s", r->ssid ? r->ssid : "");
	snprintf(l->node_id, sizeof(l->node_id), "%s",
		r->delivery_node_id ? r->delivery_node_id : "");
}

/** Numbers go up by one, and few are under way: one that is far behind is of another life of the
 *  client than the newest, and nobody can tell which of the two is the later. */
static bool is_overtaken(uint32_t num, uint32_t newest)
{
	return newest && newest - num - 1 < OVERTAKEN_MOST;
}

void ncm_links_leave(struct ncm_session *s, uint8_t id, uint32_t num)
{
	struct ncm_link *l = &s->s.links[id];

	l->handover = true;
	/* said of where it is now: that it is set up there, which may be told later, ends it not */
	if (is_overtaken(l->report_num, num))
		l->moved = false;
}

int ncm_links_report(
	struct ncm_session *s, const struct mx_msg *m, mams_time now, struct mams_error *err)
{
	const struct mx_reconf_req *r = &m->reconf_req;
	struct ncm_link *l =
		r->connection_id < NCM_LINKS_MAX ? &s->s.links[r->connection_id] : NULL;
	bool known = l && l->known;
	int rc = 0;

	/* on contradiction the newest wins: one that was overtaken is answered and has no effect */
	if (known && is_overtaken(m->sequence_num, l->report_num))
		return ncm_session_reply(s, m, mx_msg_new(MX_RECONF_RSP, 0));
	if (!known && r->reconf_action == MX_SETUP)
		return mams_fail(err, MAMS_EVALUE, "connection_id",
			"%u is none of the delivery connections of the capabilities",
			r->connection_id);
	if (known && r->reconf_action != MX_RELEASE)
		rc = take_address(r, l, err);
	if (rc < 0)
		return rc;
	s->assume_at = MAMS_TIME_NEVER;
	if (known) {
		const enum ncm_admission before = l->admission;
		const bool was_up = l->up;

		take_place(r, l);
		l->report_num = m->sequence_num;
		l->up = r->reconf_action != MX_RELEASE &&
			!(r->has_connection_status && r->connection_status == MX_STATUS_DISABLED);
		if (r->has_mtu_size)
			l->mtu = r->mtu_size;
		/* whoever says setup starts from nothing, whatever we remember */
		if (r->reconf_action == MX_SETUP) {
			l->in_setup = false;
			l->moved = true;
			mams_wipe(l->secret, sizeof(l->secret));
		}
		if (l->up)
			judge_link(s, r->connection_id, now);
		else
			ncm_protect_release(s, l);
		/* for the log; a new admission has been told already */
		if (l->up != was_up && l->admission == before)
			ncm_session_push(s, (struct ncm_action){.kind = NCM_ACT_LINK,
						    .connection_id = r->connection_id});
		ncm_session_store(s);
	}
	return ncm_session_reply(s, m, mx_msg_new(MX_RECONF_RSP, 0));
}
