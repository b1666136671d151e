/* Convert messages from the network, both roles; what decodes as a request is checked further and
 * encoded again. */
#include "proxy/convert.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void encode_again(const struct px_convert_msg *m)
{
	uint8_t out[PX_CONVERT_MAX];
	struct mams_wr w = mams_wr_init(out, sizeof(out));
	struct px_convert_msg again;

	px_convert_begin(&w);
	if (m->has_info)
		px_convert_put_info(&w);
	if (m->has_cookie)
		px_convert_put_cookie(&w, m->cookie);
	if (m->has_connect)
		px_convert_put_connect(&w, &m->peer, m->options);
	if (m->has_attach)
		px_convert_put_attach(&w, m->flow, m->has_turn ? &m->turn : NULL);
	if (px_convert_end(&w) != 0 || w.len != m->len)
		abort();
	if (px_convert_decode(PX_AT_CONVERTER, out, w.len, &again) != PX_CONVERT_OK)
		abort();
	if (!mams_addr_eq(&again.peer, &m->peer) || again.cookie.len != m->cookie.len ||
		again.flow != m->flow || again.turn != m->turn)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct px_convert_msg m;
	uint8_t bad[32];
	bool mptcp;

	if (px_convert_decode(PX_AT_CONVERTER, data, size, &m) == PX_CONVERT_OK) {
		if (m.len > size || m.len > PX_CONVERT_MAX)
			abort();
		(void)px_convert_check_options(m.options, bad, &mptcp);
		encode_again(&m);
	}
	switch (px_convert_decode(PX_AT_CLIENT, data, size, &m)) {
	case PX_CONVERT_OK:
		(void)px_convert_named(m.ext_header);
		break;
	case PX_CONVERT_ANSWER:
		abort();
	case PX_CONVERT_MORE:
	case PX_CONVERT_FOREIGN:
	case PX_CONVERT_RESET:
		break;
	}
	return 0;
}
