/* Large packets cut and small ones joined, from any octets: what is joined is cut again and must be
 * what went in; proofs and control frames besides. */
#include "trailer-madp/coalesce.h"
#include "trailer-madp/frame.h"
#include "trailer-madp/proof.h"
#include "trailer-madp/segment.h"

#include <stdlib.h>
#include <string.h>

#define PACKETS 32

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t went_in;
static size_t came_out;

static void cut(const struct madp_offload *o, const uint8_t *pkt, size_t len, size_t *octets)
{
	uint8_t *out = malloc(len ? len : 1);
	struct madp_segment s;
	size_t n;

	if (out && madp_segment_init(&s, o, pkt, len) == 0)
		while ((n = madp_segment_size(&s))) {
			if (n > len)
				abort();
			madp_segment_write(&s, out);
			*octets += n;
		}
	free(out);
}

static void out(void *user, const struct madp_offload *o, const struct madp_part *parts, size_t n,
	size_t len)
{
	uint8_t *flat = malloc(len ? len : 1);
	size_t at = 0;

	(void)user;
	for (size_t i = 0; flat && i < n; i++) {
		memcpy(flat + at, parts[i].data, parts[i].len);
		at += parts[i].len;
	}
	if (at != len)
		abort();
	if (o->partial)
		cut(o, flat, len, &came_out);
	else
		came_out += len;
	free(flat);
}

/** Packets, each with two octets of length before it. */
static void join(const uint8_t *data, size_t size)
{
	struct madp_coalesce c;
	uint8_t *kept[PACKETS];
	size_t n = 0;

	went_in = came_out = 0;
	madp_coalesce_init(&c, true, out, NULL);
	while (size > 2 && n < PACKETS) {
		size_t len = (size_t)(data[0] << 8 | data[1]) % 2000;

		data += 2;
		size -= 2;
		if (len > size)
			len = size;
		kept[n] = malloc(len ? len : 1);
		if (!kept[n])
			break;
		memcpy(kept[n], data, len);
		madp_coalesce_add(&c, kept[n++], len);
		went_in += len;
		data += len;
		size -= len;
	}
	madp_coalesce_flush(&c);
	while (n > 0)
		free(kept[--n]);
	if (went_in != came_out)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct madp_proof p;
	struct madp_offload o;
	size_t octets = 0;

	if (size < 8)
		return 0;
	o = (struct madp_offload){.kind = (enum madp_offload_kind)(data[0] % 3),
		.partial = data[1] & 1,
		.csum_start = (uint16_t)(data[2] << 8 | data[3]),
		.csum_offset = (uint16_t)(data[4] << 8 | data[5]),
		.gso_size = (uint16_t)(data[6] << 8 | data[7])};
	data += 8;
	size -= 8;
	cut(&o, data, size, &octets);
	join(data, size);
	(void)!madp_proof_decode(data, size, &p);
	(void)!madp_frame_get(data, size, madp_frame_client, madp_frame_network, 7500);
	return 0;
}
