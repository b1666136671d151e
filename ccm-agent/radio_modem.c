/* Modems by ModemManager.  What the link's type does not have is left out by the session. */
#include "ccm-agent/radio.h"
#include "lib/io/modems.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct modem_source {
	struct mams_loop *loop;
	struct mams_modems *modems;
};

static int modem_open(struct mams_loop *loop, void **out)
{
	struct modem_source *s = calloc(1, sizeof(*s));
	int rc = s ? mams_modems_open(NULL, &s->modems) : -ENOMEM;

	if (rc < 0) {
		free(s);
		return rc;
	}
	s->loop = loop;
	*out = s;
	return 0;
}

static void modem_close(void *source)
{
	struct modem_source *s = source;

	mams_modems_close(s->modems);
	free(s);
}

static bool modem_read(void *source, const char *interface, struct ccm_heard *out)
{
	struct modem_source *s = source;
	struct mams_modem m;

	if (!mams_modems_read(s->modems, interface, mams_loop_now(s->loop), &m))
		return false;
	if (m.has_lte) {
		ccm_heard_value(out, MX_M_LTE_RSRP, m.lte_rsrp);
		ccm_heard_value(out, MX_M_LTE_RSRQ, m.lte_rsrq);
	}
	if (m.has_nr) {
		ccm_heard_value(out, MX_M_NR_RSRP, m.nr_rsrp);
		ccm_heard_value(out, MX_M_NR_RSRQ, m.nr_rsrq);
	}
	memcpy(out->node_id, m.cell, sizeof(out->node_id));
	return true;
}

const struct ccm_radio_source ccm_radio_modem = {
	.name = "ModemManager", .open = modem_open, .close = modem_close, .read = modem_read};
