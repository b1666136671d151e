/* Operations from bytes on a small reassembler with four sessions: fragments of any kind, SDUs
 * taken or not, time that passes, sessions that end.  Bounds must hold after each, nothing may be
 * left at the end; what is taken as whole is one IP packet. */
#include "trailer-madp/reassembly.h"

#include <stdlib.h>
#include <string.h>

#define SESSIONS 4u
#define BLOCKS 48u
#define SESSION_BLOCKS 24u
#define SESSION_SETS 4u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct madp_reasm_conf conf = {.blocks = BLOCKS,
	.sets = 12,
	.session_blocks = SESSION_BLOCKS,
	.session_sets = SESSION_SETS,
	.timeout_ms = 500};

static void check_bounds(const struct madp_reasm *r, const struct madp_reasm_session *s)
{
	uint32_t sum = 0;

	for (unsigned i = 0; i < SESSIONS; i++) {
		if (s[i].sets > SESSION_SETS || s[i].blocks > SESSION_BLOCKS)
			abort();
		sum += s[i].blocks;
	}
	if (sum != madp_reasm_blocks(r) || sum > BLOCKS)
		abort();
}

static void take(struct madp_reasm *r, uint32_t len)
{
	uint8_t *sdu = malloc(len); /* exactly, so that the sanitizer sees an octet too many */
	enum madp_reason why;

	if (!sdu)
		return;
	if (madp_reasm_take(r, sdu) == MADP_OK && madp_ip_length(sdu, len, &why) != len)
		abort();
	free(sdu);
}

/** One operation of 4 octets and, for a fragment, the octets of its data. */
static size_t step(struct madp_reasm *r, struct madp_reasm_session *sessions, const uint8_t *data,
	size_t size, mams_time *now)
{
	struct madp_reasm_session *s = &sessions[data[0] & 3];
	const struct madp_gma g = {
		.form = data[0] & 4 ? MADP_GMA_TRAILER : MADP_GMA_HEADER,
		.flags = MADP_GMA_FC | MADP_GMA_FLOW_SN,
		.frag_more = data[1] & 1,
		.frag_offset = data[1] >> 1,
		.flow_id = data[0] >> 3 & 1,
		.flow_sn = data[2] & 7,
	};
	size_t len = (size_t)data[3] * 8;
	uint32_t sdu_len;
	struct madp_pkt p;

	now->us += (data[2] >> 3) * 5000;
	if (data[0] >> 4 == 15)
		madp_reasm_end(r, s);
	if (data[0] >> 4 == 14)
		madp_reasm_tick(r, *now);
	data += 4;
	if (len > size - 4)
		len = size - 4;
	p = (struct madp_pkt){.data = malloc(len ? len : 1), .len = (uint32_t)len};
	if (!p.data)
		return len + 4;
	memcpy(p.data, data, len);
	/* as decapsulation leaves it: in the IP forms there is a whole IPv4 header */
	if (g.form == MADP_GMA_HEADER ||
		(len >= 20 && p.data[0] >> 4 == 4 && madp_ip4_header_len(p.data) >= 20 &&
			madp_ip4_header_len(p.data) <= len)) {
		if (madp_reasm_add(r, s, &g, p.data, p.len, *now, &sdu_len) ==
				MADP_REASM_COMPLETE &&
			(data[-1] & 1) == 0)
			take(r, sdu_len);
	}
	free(p.data);
	return len + 4;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct madp_reasm_session sessions[SESSIONS] = {{0}};
	struct madp_reasm *r = madp_reasm_new(&conf);
	mams_time now = {1000000};

	if (!r)
		return 0;
	while (size >= 4) {
		size_t used = step(r, sessions, data, size, &now);

		data += used;
		size -= used;
		check_bounds(r, sessions);
	}
	for (unsigned i = 0; i < SESSIONS; i++)
		madp_reasm_end(r, &sessions[i]);
	if (madp_reasm_blocks(r) != 0 || !mams_time_is_never(madp_reasm_deadline(r)))
		abort();
	madp_reasm_free(r);
	return 0;
}
