#include "ncm-service/session_log.h"

#include "lib/base/log.h"
#include "ncm-service/agree.h"
#include "ncm-service/links.h"

#define LOG_MODULE "session"

static void log_link(const struct ncm_session *s, uint8_t id)
{
	const struct ncm_link *l = &s->s.links[id];
	char text[MAMS_ADDR_STRLEN];

	log_info("link %s: %s client=%s connection=%u type=%s address=%s",
		l->admission == NCM_ADMIT_OK ? s->policy->accesses[l->access].name : "not admitted",
		l->up ? ncm_admission_text(l->admission) : "down", s->s.identity, id,
		mx_connection_type_name(l->connection_type), mams_addr_str(&l->address, text));
}

/* One line tells what will be used, another each thing that will not, and why. */
static void log_agreed(const struct ncm_session *s)
{
	char text[MX_DROP_LEN];
	uint32_t anchors = 0;

	for (size_t a = 0; a < s->policy->n_anchors; a++)
		anchors += s->s.anchors[a].used;
	log_info("agreed features=0x%02x convergence=0x%x adaptation=0x%x anchors=%u client=%s",
		s->s.features, s->s.convergence, s->s.adaptation, anchors, s->s.identity);
	for (size_t i = 0; i < s->n_drops; i++)
		log_info("not used: %s %s: %s client=%s", mx_group_name(s->drops[i].group),
			mx_drop_name(&s->drops[i], text), ncm_drop_reason(&s->drops[i]),
			s->s.identity);
}

static void log_assigned(const struct ncm_session *s, const struct ncm_action *a)
{
	const char *anchor = s->policy->anchors[a->anchor].name;

	if (a->madp < 0)
		log_warn("anchor %s: %s client=%s", anchor, a->text, s->s.identity);
	else
		log_info("anchor %s: N-MADP instance %s client=%s", anchor,
			s->policy->madps[a->madp].name, s->s.identity);
}

void ncm_log_action(const struct ncm_session *s, const struct ncm_action *a)
{
	if (a->kind == NCM_ACT_STATE)
		log_info("state %s -> %s reason=\"%s\" client=%s", ncm_state_name(a->from),
			ncm_state_name(a->to), a->text, s->s.identity);
	else if (a->kind == NCM_ACT_LINK)
		log_link(s, a->connection_id);
	else if (a->kind == NCM_ACT_AGREED)
		log_agreed(s);
	else if (a->kind == NCM_ACT_ASSIGNED)
		log_assigned(s, a);
}
