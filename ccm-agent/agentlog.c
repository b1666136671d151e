#include "ccm-agent/agentlog.h"

#include "ccm-agent/agree.h"
#include "lib/base/log.h"

#define LOG_MODULE "agent"

/* One line tells what will be used, another each thing that will not, and why. */
void ccm_log_agreed(const struct ccm_session *s)
{
	char text[MX_DROP_LEN];

	log_info("agreed features=0x%02x convergence=0x%x", s->features, s->convergence);
	for (size_t i = 0; i < s->n_drops; i++)
		log_info("not used: %s %s: %s", mx_group_name(s->drops[i].group),
			mx_drop_name(&s->drops[i], text), ccm_drop_reason(&s->drops[i]));
}

void ccm_log_link(const struct ccm_link_conf *conf, uint8_t id, const struct ccm_link_state *state)
{
	char text[MAMS_ADDR_STRLEN];

	log_info("link %s is %s connection=%u address=%s mtu=%u", conf->name,
		state->usable ? "usable" : "not usable", id, mams_addr_str(&state->address, text),
		state->mtu);
}

void ccm_log_path(const struct ctl_px_event *e)
{
	const char *words = e->kind == CTL_PX_PATH_SILENT
				    ? "is up, but nothing comes back over it: others carry"
			    : e->kind != CTL_PX_PATH_PLAIN ? "answers again and carries"
			    : e->for_ms                    ? "is in a network that strips MPTCP"
							   : "lets MPTCP pass again";

	log_warn("link %s %s", e->path->name ? e->path->name : "?", words);
}

void ccm_log_signal(const struct ccm_session *s, uint8_t id)
{
	log_info("signal of link %s %s", s->link[id].conf->name,
		s->link[id].fade.on ? "fades" : "is good again");
}
