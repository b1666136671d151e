#include "ccm-agent/session.h"

const char *ccm_state_name(enum ccm_state s)
{
#define X(n) [CCM_STATE_##n] = #n,
	static const char *const names[CCM_STATE_COUNT] = {CCM_STATES(X)};
#undef X
	return (unsigned)s < CCM_STATE_COUNT ? names[s] : "?";
}

bool ccm_session_polls(const struct ccm_session *s)
{
	switch (s->state) {
	case CCM_STATE_INFO:
	case CCM_STATE_CAP_SENT:
	case CCM_STATE_NEGOTIATED:
	case CCM_STATE_ACTIVE:
	case CCM_STATE_HANDOVER:
		return true;
	case CCM_STATE_IDLE:
	case CCM_STATE_DISCOVERING:
	case CCM_STATE_STOPPING:
	case CCM_STATE_STOPPED:
	case CCM_STATE_COUNT:
		break;
	}
	return false;
}

bool ccm_session_reports(const struct ccm_session *s)
{
	return s->state == CCM_STATE_NEGOTIATED || s->state == CCM_STATE_ACTIVE ||
	       s->state == CCM_STATE_HANDOVER;
}
