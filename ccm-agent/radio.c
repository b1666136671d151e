#include "ccm-agent/radio.h"

#include "lib/base/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct ccm_radio_source *const sources[] = {
	&ccm_radio_wifi,
#ifdef MAMS_MODEMS
	&ccm_radio_modem,
#endif
	&ccm_radio_plain,
};

#define LOG_MODULE "agent"

struct ccm_radio {
	void *source[MAMS_ARRAY_LEN(sources)];
	bool open[MAMS_ARRAY_LEN(sources)];
};

int ccm_radio_new(struct mams_loop *l, struct ccm_radio **out)
{
	struct ccm_radio *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	for (size_t i = 0; i < MAMS_ARRAY_LEN(sources); i++) {
		int rc = sources[i]->open(l, &r->source[i]);

		r->open[i] = rc == 0;
		if (rc < 0)
			log_info("no figures of radios by %s: %s", sources[i]->name, strerror(-rc));
	}
	*out = r;
	return 0;
}

void ccm_radio_free(struct ccm_radio *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < MAMS_ARRAY_LEN(sources); i++)
		if (r->open[i])
			sources[i]->close(r->source[i]);
	free(r);
}

const char *ccm_radio_read(struct ccm_radio *r, const char *interface, struct ccm_heard *out)
{
	for (size_t i = 0; i < MAMS_ARRAY_LEN(sources); i++) {
		*out = (struct ccm_heard){0};
		if (r->open[i] && sources[i]->read(r->source[i], interface, out))
			return sources[i]->name;
	}
	return NULL;
}
