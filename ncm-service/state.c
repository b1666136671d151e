#include "ncm-service/session.h"

const char *ncm_state_name(enum ncm_state s)
{
#define X(n) [NCM_STATE_##n] = #n,
	static const char *const names[NCM_STATE_COUNT] = {NCM_STATES(X)};
#undef X
	return (unsigned)s < NCM_STATE_COUNT ? names[s] : "?";
}
