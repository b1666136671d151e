/* What a test does to a world or asks of it that needs none of its machinery. */
#include "tests/sim/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void world_link(
	struct world *w, struct world_client *c, uint8_t id, bool usable, const char *address)
{
	struct ccm_link_state st = {0};

	if (usable) {
		st = (struct ccm_link_state){.usable = true, .ifindex = id + 1u, .mtu = 1500};
		mams_assert(mams_addr_parse(address, &st.address) == 0);
	}
	ccm_session_link(&c->ccm, id, &st, w->now);
}

bool world_settled(const struct world *w, const struct world_client *c, uint32_t wanted)
{
	const struct ncm_session *s = world_session(w, c);
	uint32_t have = 0;

	for (size_t i = 0; i < c->applied.n_paths; i++)
		have |= 1u << c->applied.paths[i].connection_id;
	return s && s->state == NCM_STATE_ACTIVE && c->ccm.state == CCM_STATE_ACTIVE &&
	       have == wanted && c->applied.catching == (wanted != 0) &&
	       (wanted == 0 || strcmp(c->applied.client_key, s->s.client_key) == 0);
}

void world_forget_rfc8743(struct mx_msg *m)
{
	if (m->type == MX_CAPABILITY_RSP)
		m->capability.unique_session_id = NULL;
	else if (m->type == MX_UP_SETUP_CNF)
		m->up_setup_cnf.unique_session_id = NULL;
	else if (m->type == MX_RECONF_REQ)
		m->reconf_req.unique_session_id = NULL;
	else if (m->type == MX_TRAFFIC_STEERING_RSP)
		m->traffic_steering_rsp.unique_session_id = NULL;
}

/* For docs/coverage.md: everything that is said. */
void world_trace(bool from_ccm, const char *text)
{
	static FILE *f;
	const char *path = getenv("MAMS_TRACE");

	if (!f && path)
		f = fopen(path, "ae");
	if (f && text)
		fprintf(f, "%s %s\n", from_ccm ? "CCM" : "NCM", text);
}
