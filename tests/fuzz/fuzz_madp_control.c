/* MX Control PDUs from the network into a data plane, both roles: keep-alives, probes, reports, and
 * what is none of these.  Length, then so many octets, then the next. */
#include "trailer-madp/plane.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void *get(void *user, size_t n)
{
	(void)user;
	return calloc(1, n);
}

static void put(void *user, void *p, size_t n)
{
	(void)user;
	(void)n;
	free(p);
}

static void answer(struct madp_plane *p, mams_time now)
{
	uint8_t buf[MADP_CONTROL_MAX];
	unsigned slot;
	size_t len;

	/* what comes of one datagram is bounded: the links' own probes and reports, and the answers
	 */
	for (unsigned n = 0; (len = madp_plane_control_next(p, now, buf, &slot)); n++) {
		if (n > 64 || len > sizeof(buf) || slot > 1)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct madp_plane p;
	static const struct madp_mem mem = {get, put, NULL};
	struct madp_plane_conf conf = madp_plane_defaults;
	struct madp_treat t = {.mode = MADP_MODE_SPLIT, .n_links = 2, .links = {0, 1}};
	mams_time now = mams_time_us(1000000);

	if (size < 1)
		return 0;
	conf.role = data[0] & 1 ? MADP_PROBE_NETWORK : MADP_PROBE_CLIENT;
	madp_plane_init(&p, &conf, &mem, now);
	for (unsigned i = 0; i < 2; i++) {
		struct madp_link_conf l = {.cid = (uint8_t)(i + 1), .probe = madp_probe_defaults};

		madp_plane_link_add(&p, i, &l, now);
	}
	if (madp_plane_treat(&p, 0, &t, true, false, now) < 0)
		abort();
	for (size_t at = 1; at + 2 <= size;) {
		size_t len = data[at];

		now.us += 1000 + (data[at + 1] >> 1) * 500;
		if (len > size - at - 2)
			len = size - at - 2;
		(void)madp_sender_pdu(&p.tx, 0, data[at + 1] & 1, 1400, now);
		madp_plane_control(&p, data[at + 1] & 1, data + at + 2, len, now);
		answer(&p, now);
		if (!mams_time_before(now, mams_time_us(now.us + 1)) ||
			mams_time_before(madp_plane_deadline(&p, now), mams_time_us(0)))
			abort();
		at += 2 + len;
	}
	madp_plane_fini(&p);
	return 0;
}
