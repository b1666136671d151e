/* Nanoseconds of processor time per packet of the trailer MADP's codec: one JSON line per
 * operation, the median of several runs.  usage: mams-bench-codec [MILLISECONDS_PER_RUN] */
#include "tests/support/sdu.h"
#include "trailer-madp/concat.h"
#include "trailer-madp/fragment.h"
#include "trailer-madp/reassembly.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define RUNS 5u
#define BATCH 1000u
#define ROOM 32u
#define USUAL                                                                                      \
	(MADP_GMA_CONNECTION_ID | MADP_GMA_DELIVERY_SN | MADP_GMA_FLOW_SN | MADP_GMA_TIMESTAMP)

static uint8_t buf[65536 + 2 * ROOM];
static uint8_t out[65536];
static uint8_t sdu[65536];
static uint32_t sdu_len;
static struct madp_gma_rules rules;
static enum madp_gma_form form;
static struct madp_reasm *reasm;
static struct madp_reasm_session session;
static uint64_t refused; /* keeps results alive, and must stay 0 */

static void parse(void)
{
	struct madp_ip ip;

	for (uint32_t i = 0; i < BATCH; i++) {
		sdu[8] = (uint8_t)i;
		refused += madp_ip_parse(sdu, sdu_len, &ip) != MADP_OK || ip.ttl != (uint8_t)i;
	}
}

/** Encapsulation and decapsulation in place; what is inside is not touched. */
static void there_and_back(void)
{
	struct madp_gma g = {.form = form, .flags = USUAL, .connection_id = 0x11};
	struct madp_gma got;

	for (uint32_t i = 0; i < BATCH; i++) {
		struct madp_pkt p = {
			.data = buf + ROOM, .len = sdu_len, .head = ROOM, .tail = ROOM};

		g.flow_sn = i;
		g.delivery_sn = (uint8_t)i;
		refused += madp_gma_encap(&rules, &g, &p) != MADP_OK;
		refused += madp_gma_decap(&rules, &p, &got) != MADP_OK || got.flow_sn != i;
	}
}

/** Encapsulation alone: the trailer is written again and again behind the same packet. */
static void there(void)
{
	struct madp_gma g = {.form = form, .flags = USUAL, .connection_id = 0x11};

	for (uint32_t i = 0; i < BATCH; i++) {
		struct madp_pkt p = {
			.data = buf + ROOM, .len = sdu_len, .head = ROOM, .tail = ROOM};

		g.flow_sn = i;
		refused += madp_gma_encap(&rules, &g, &p) != MADP_OK;
	}
}

/** An SDU cut, decapsulated, gathered and joined. */
static void fragments(void)
{
	static uint32_t sn;

	for (uint32_t i = 0; i < BATCH; i++) {
		const struct madp_gma g = {
			.form = form, .flags = USUAL, .flow_sn = ++sn & 0xffffff};
		struct madp_fragmenter f;
		uint32_t len = 0;
		uint32_t n;

		refused += madp_fragment_init(&f, &rules, &g, sdu, sdu_len, 1372) != MADP_OK;
		while ((n = madp_fragment_next(&f, buf))) {
			struct madp_pkt p = {.data = buf, .len = n};
			struct madp_gma got;

			refused += madp_gma_decap(&rules, &p, &got) != MADP_OK;
			(void)madp_reasm_add(
				reasm, &session, &got, p.data, p.len, mams_time_us(sn), &len);
		}
		refused += len != sdu_len || madp_reasm_take(reasm, out) != MADP_OK;
	}
}

/** As many SDUs as fit into a PDU, and apart again; counted per SDU. */
static void concatenation(void)
{
	static struct madp_concat c;
	struct madp_gma g = {.form = form, .flags = USUAL};
	struct madp_pkt pdu;
	uint32_t n = 0;

	madp_concat_init(&c, buf, sizeof(buf), 1472);
	for (uint32_t i = 0; i < BATCH; i++) {
		uint8_t *room = madp_concat_room(&c, 4, sdu_len, i);

		if (!room) {
			struct madp_concat_sdu one;
			struct madp_split s;

			refused += madp_concat_take(&c, &rules, &g, &pdu) != MADP_OK ||
				   madp_gma_decap(&rules, &pdu, &g) != MADP_OK ||
				   madp_split_init(&s, &pdu, &g) != MADP_OK;
			while (madp_split_next(&s, &one))
				n++;
			room = madp_concat_room(&c, 4, sdu_len, i);
		}
		memcpy(room, sdu, sdu_len);
		madp_concat_commit(&c, 4, sdu_len, i, mams_time_us(0));
	}
	refused += n + c.n != BATCH;
}

static double cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return (x > y) - (x < y);
}

static void measure(const char *name, void (*run)(void), double run_ns)
{
	double ns[RUNS];
	uint64_t ops = 0;

	memcpy(buf + ROOM, sdu, sdu_len);
	run(); /* warm */
	for (unsigned i = 0; i < RUNS; i++) {
		double from = cpu_ns();
		double spent;
		uint64_t n = 0;

		do {
			run();
			n += BATCH;
			spent = cpu_ns() - from;
		} while (spent < run_ns);
		ns[i] = spent / (double)n;
		ops += n;
	}
	qsort(ns, RUNS, sizeof(ns[0]), by_value);
	printf("{\"name\":\"codec.%s\",\"unit\":\"ns/op\",\"value\":%.1f,\"octets\":%" PRIu32
	       ",\"n\":%" PRIu64 "}\n",
		name, ns[RUNS / 2], sdu_len, ops);
}

static void use(struct mams_prng *r, enum madp_gma_form f, uint8_t version, uint32_t len)
{
	form = f;
	rules = (struct madp_gma_rules){.v4 = version == 4 ? f : MADP_GMA_TRAILER};
	sdu_len = len;
	sdu_random(r, version, sdu, len);
}

int main(int argc, char **argv)
{
	double run_ns = 1e6 * (argc > 1 ? strtod(argv[1], NULL) : 200);
	struct mams_prng r = {9188};

	reasm = madp_reasm_new(&madp_reasm_defaults);
	if (!reasm || run_ns <= 0)
		return 2;
	use(&r, MADP_GMA_TRAILER, 4, 1400);
	sdu[9] = 17;
	sdu[6] = sdu[7] = 0;
	measure("ip4_parse", parse, run_ns);
	use(&r, MADP_GMA_TRAILER, 4, 1400);
	measure("trailer_encap", there, run_ns);
	measure("trailer_encap_decap", there_and_back, run_ns);
	use(&r, MADP_GMA_HEADER_IP, 4, 1400);
	measure("header_ip_encap_decap", there_and_back, run_ns);
	use(&r, MADP_GMA_HEADER, 6, 1400);
	measure("header_ipv6_encap_decap", there_and_back, run_ns);
	use(&r, MADP_GMA_TRAILER, 4, 1500);
	measure("fragment_reassemble_2", fragments, run_ns);
	use(&r, MADP_GMA_TRAILER, 4, 9000);
	measure("fragment_reassemble_7", fragments, run_ns);
	use(&r, MADP_GMA_TRAILER, 4, 64);
	measure("concatenate_split", concatenation, run_ns);
	madp_reasm_free(reasm);
	if (refused)
		fprintf(stderr, "mams-bench-codec: %" PRIu64 " operations failed\n", refused);
	return refused ? 1 : 0;
}
