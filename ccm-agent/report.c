#include "ccm-agent/report.h"
#include "ccm-agent/compose.h"

/* Not before the NCM has heard that it is left: it takes the later word. */
static bool is_back(const struct ccm_session *s, const struct ccm_session_link *l)
{
	return l->restored && !mx_exchange_has(&s->exchange, MX_KEEP_ALIVE_REQ);
}

/* One report per link at a time: transports may let a second one overtake the first. */
static void report_link(struct ccm_session *s, uint8_t id, mams_time now)
{
	struct ccm_session_link *l = &s->link[id];
	int action = MX_UPDATE;
	uint32_t number = s->exchange.next_sequence;

	if (!l->conf || l->open || (s->unwanted & 1u << id))
		return;
	if (!l->now.usable && !l->sent.usable)
		return;
	if (!l->now.usable)
		action = MX_RELEASE;
	else if (!l->sent.usable)
		action = MX_SETUP;
	else if (mams_addr_eq_ip(&l->now.address, &l->sent.address) && l->now.mtu == l->sent.mtu &&
		 !is_back(s, l) && !l->moved)
		return;
	if (mx_exchange_begin(&s->exchange, ccm_compose_reconf(s, id, action), 0, now) < 0)
		return; /* no memory: the next event tries again */
	l->open = number;
	l->sent = l->now;
	if (action == MX_RELEASE)
		ccm_heard_clear(l);
	/* whatever it says: the NCM takes it for the end of a handover */
	l->left = l->restored = l->moved = false;
}

void ccm_report_links(struct ccm_session *s, mams_time now)
{
	for (uint8_t i = 0; ccm_session_reports(s) && i < CCM_LINKS_MAX; i++)
		report_link(s, i, now);
}

void ccm_report_taken(struct ccm_session *s, uint32_t sequence_num)
{
	for (size_t i = 0; i < CCM_LINKS_MAX; i++) {
		struct ccm_session_link *l = &s->link[i];

		if (l->open != sequence_num)
			continue;
		l->open = 0;
		if (l->sent.usable)
			l->known = l->sent.address;
	}
}
