/* Cutting and joining of large packets: byte for byte, against packets built the slow way, and one
 * against the other. */
#include "trailer-madp/segment.h"

#include "tests/support/suite.h"
#include "trailer-madp/coalesce.h"
#include "trailer-madp/csum.h"

#include <string.h>

#define TCP 6
#define UDP 17
#define MAX 70000

static struct mams_prng rnd;

static void put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v & 0xffff);
}

static unsigned get16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

/** RFC 1071 as it is written. */
static uint32_t slow_sum(uint32_t sum, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		sum += (i & 1) ? p[i] : (uint32_t)p[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/** A packet of a flow, as any host would send it. */
struct spec {
	int version;
	int proto;
	unsigned flow;
	uint32_t seq;
	unsigned id;
	uint8_t flags;
	size_t payload;
	unsigned byte;  /**< its payload is a counter from here */
	size_t options; /**< of TCP, octets */
};

static size_t l4_at(const struct spec *s)
{
	return s->version == 4 ? 20 : 40;
}

static size_t headers(const struct spec *s)
{
	return l4_at(s) + (s->proto == TCP ? 20 + s->options : 8);
}

static uint32_t pseudo(const struct spec *s, const uint8_t *p, size_t l4)
{
	uint32_t sum = (uint32_t)s->proto + (uint32_t)(l4 >> 16) + (uint32_t)(l4 & 0xffff);

	return s->version == 4 ? slow_sum(sum, p + 12, 8) : slow_sum(sum, p + 8, 32);
}

static void build_l4(const struct spec *s, uint8_t *l4)
{
	put16(l4, 1000 + s->flow);
	put16(l4 + 2, 2000);
	if (s->proto == UDP) {
		put16(l4 + 4, (unsigned)(8 + s->payload));
		return;
	}
	put32(l4 + 4, s->seq);
	put32(l4 + 8, 77);
	l4[12] = (uint8_t)((20 + s->options) / 4 << 4);
	l4[13] = s->flags;
	put16(l4 + 14, 500);
	memset(l4 + 20, 1, s->options);
}

static size_t build(const struct spec *s, uint8_t *p)
{
	size_t hdr = headers(s);
	size_t len = hdr + s->payload;
	size_t at = l4_at(s);
	uint32_t sum;

	memset(p, 0, hdr);
	if (s->version == 4) {
		p[0] = 0x45;
		put16(p + 2, (unsigned)len);
		put16(p + 4, s->id);
		p[6] = 0x40;
		p[8] = 64;
		p[9] = (uint8_t)s->proto;
		memcpy(p + 12, "\x0a\x00\x00\x01\x0a\x00\x00\x02", 8);
		put16(p + 10, ~slow_sum(0, p, 20) & 0xffff);
	} else {
		p[0] = 0x60;
		put16(p + 4, (unsigned)(len - 40));
		p[6] = (uint8_t)s->proto;
		p[7] = 64;
		memset(p + 8, 0xfd, 32);
		p[39] = 2;
	}
	build_l4(s, p + at);
	for (size_t i = 0; i < s->payload; i++)
		p[hdr + i] = (uint8_t)((s->byte + i) * 7 >> 2);
	sum = ~slow_sum(pseudo(s, p, len - at), p + at, len - at) & 0xffff;
	put16(p + at + (s->proto == TCP ? 16 : 6), sum ? sum : 0xffff);
	return len;
}

/** What a kernel hands out: one header, the pseudo-header's sum in the checksum field. */
static size_t build_super(const struct spec *s, uint8_t *p, struct madp_offload *o, uint16_t gso)
{
	size_t len = build(s, p);
	size_t at = l4_at(s);

	*o = (struct madp_offload){.kind = s->proto == TCP ? MADP_OFFLOAD_TCP : MADP_OFFLOAD_UDP,
		.partial = true,
		.csum_start = (uint16_t)at,
		.csum_offset = s->proto == TCP ? 16 : 6,
		.gso_size = gso};
	put16(p + at + o->csum_offset, pseudo(s, p, len - at));
	return len;
}

static void cut(const struct spec *whole, uint16_t gso)
{
	static uint8_t big[MAX];
	static uint8_t got[MAX];
	static uint8_t want[MAX];
	struct madp_offload o;
	struct madp_segment seg;
	size_t len = build_super(whole, big, &o, gso);
	struct spec s = *whole;
	size_t done = 0;
	size_t n = 0;

	CU_ASSERT_EQUAL_FATAL(madp_segment_init(&seg, &o, big, len), 0);
	while (done < whole->payload) {
		bool last = whole->payload - done <= gso;
		size_t want_len;

		s.payload = last ? whole->payload - done : gso;
		s.byte = whole->byte + (unsigned)done;
		s.seq = whole->seq + (uint32_t)done;
		s.id = (whole->id + (unsigned)n) & 0xffff;
		s.flags = (uint8_t)(whole->flags & (last ? 0xff : ~0x09) & (n ? ~0x80 : 0xff));
		want_len = build(&s, want);
		CU_ASSERT_EQUAL_FATAL(madp_segment_size(&seg), want_len);
		CU_ASSERT_EQUAL(madp_segment_left(&seg), (whole->payload - done + gso - 1) / gso);
		memset(got, 0xee, want_len + 1);
		madp_segment_write(&seg, got);
		CU_ASSERT_EQUAL(memcmp(got, want, want_len), 0);
		CU_ASSERT_EQUAL(got[want_len], 0xee);
		done += s.payload;
		n++;
	}
	CU_ASSERT_EQUAL(madp_segment_size(&seg), 0);
	CU_ASSERT_EQUAL(madp_segment_left(&seg), 0);
}

static void segments_of_every_kind(void)
{
	static const size_t sizes[] = {1, 99, 100, 101, 1348, 1349, 4000, 64000};
	static const uint16_t gsos[] = {1, 100, 536, 1348, 1460};

	for (size_t i = 0; i < MAMS_ARRAY_LEN(sizes); i++)
		for (size_t k = 0; k < MAMS_ARRAY_LEN(gsos); k++)
			for (int v = 4; v <= 6; v += 2) {
				struct spec s = {.version = v,
					.proto = TCP,
					.seq = 0xfffff000,
					.id = 65530,
					.flags = 0x99,
					.payload = sizes[i],
					.options = k * 4};

				if (sizes[i] / gsos[k] > 4000)
					continue;
				cut(&s, gsos[k]);
				s.proto = UDP;
				cut(&s, gsos[k]);
			}
}

static void a_single_packet(void)
{
	uint8_t p[200];
	uint8_t want[200];
	uint8_t got[200];
	const struct spec s = {.version = 6, .proto = UDP, .payload = 101, .byte = 3};
	struct madp_offload o;
	struct madp_segment seg;
	size_t len = build_super(&s, p, &o, 1);

	(void)!build(&s, want);
	o.kind = MADP_OFFLOAD_NONE;
	CU_ASSERT_EQUAL(madp_segment_init(&seg, &o, p, len), 0);
	CU_ASSERT_EQUAL(madp_segment_left(&seg), 1);
	CU_ASSERT_EQUAL(madp_segment_size(&seg), len);
	madp_segment_write(&seg, got);
	CU_ASSERT_EQUAL(memcmp(got, want, len), 0);
	CU_ASSERT_EQUAL(madp_segment_size(&seg), 0);
	o.partial = false;
	CU_ASSERT_EQUAL(madp_segment_init(&seg, &o, want, len), 0);
	madp_segment_write(&seg, got);
	CU_ASSERT_EQUAL(memcmp(got, want, len), 0);
}

static void refused(void)
{
	uint8_t p[2000];
	const struct spec s = {.version = 4, .proto = TCP, .payload = 1000};
	struct madp_offload good;
	struct madp_offload o;
	struct madp_segment seg;
	size_t len = build_super(&s, p, &good, 100);

	CU_ASSERT_EQUAL(madp_segment_init(&seg, &good, p, len), 0);
	CU_ASSERT_EQUAL(madp_segment_init(&seg, &good, p, 0), -MAMS_ETRUNC);
	CU_ASSERT_EQUAL(madp_segment_init(&seg, &good, p, len - 1), -MAMS_ETRUNC);
	o = good;
	o.gso_size = 0;
	CU_ASSERT_EQUAL(madp_segment_init(&seg, &o, p, len), -MAMS_EPROTO);
	o = good;
	o.partial = false;
	CU_ASSERT_EQUAL(madp_segment_init(&seg, &o, p, len), -MAMS_EPROTO);
	o = good;
	o.csum_start = 12;
	CU_ASSERT_EQUAL(madp_segment_init(&seg, &o, p, len), -MAMS_EPROTO);
	o.csum_start = 2000;
	CU_ASSERT_TRUE(madp_segment_init(&seg, &o, p, len) < 0);
	o = good;
	o.kind = MADP_OFFLOAD_NONE;
	o.csum_offset = 1020;
	CU_ASSERT_EQUAL(madp_segment_init(&seg, &o, p, len), -MAMS_ETRUNC);
	p[32] = 0x40; /* a TCP header of 16 octets */
	CU_ASSERT_EQUAL(madp_segment_init(&seg, &good, p, len), -MAMS_EPROTO);
	p[0] = 0x44;
	CU_ASSERT_EQUAL(madp_segment_init(&seg, &good, p, len), -MAMS_EPROTO);
	p[0] = 0x35;
	CU_ASSERT_EQUAL(madp_segment_init(&seg, &good, p, len), -MAMS_EPROTO);
}

static void sums_of_any_length(void)
{
	uint8_t from[300];
	uint8_t to[300];

	for (size_t i = 0; i < sizeof(from); i++)
		from[i] = (uint8_t)mams_prng_next(&rnd);
	for (size_t len = 0; len <= sizeof(from); len++) {
		uint8_t wire[2];
		uint16_t sum = madp_csum_fold(madp_csum_add(0, from, len));

		memcpy(wire, &sum, 2);
		CU_ASSERT_EQUAL(get16(wire), slow_sum(0, from, len));
		memset(to, 0, sizeof(to));
		CU_ASSERT_EQUAL(madp_csum_fold(madp_csum_copy(0, to, from, len)), sum);
		CU_ASSERT_EQUAL(memcmp(from, to, len), 0);
		CU_ASSERT_TRUE(len == sizeof(to) || to[len] == 0);
	}
}

/* ---- joining: what comes out is cut again and compared with what went in ---- */

#define FLOWS 12
#define QUEUE 4096

static struct {
	uint8_t data[QUEUE][1500];
	size_t len[QUEUE];
	unsigned flow[QUEUE];
	bool seen[QUEUE];
	size_t n;
	size_t given;
	size_t joined;
	size_t next[FLOWS];
} all;

/** The next packet of that flow that went in must be this one. */
static void came_out(const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < all.n; i++) {
		if (all.seen[i] || all.len[i] != len || memcmp(all.data[i], p, len) != 0)
			continue;
		for (size_t k = 0; k < i; k++)
			CU_ASSERT_FALSE_FATAL(!all.seen[k] && all.flow[k] == all.flow[i]);
		all.seen[i] = true;
		return;
	}
	CU_FAIL_FATAL("a packet that did not go in");
}

static void out(void *user, const struct madp_offload *o, const struct madp_part *parts, size_t n,
	size_t len)
{
	static uint8_t flat[MAX];
	static uint8_t one[MAX];
	struct madp_segment seg;
	size_t at = 0;
	size_t size;

	(void)user;
	for (size_t i = 0; i < n; i++) {
		memcpy(flat + at, parts[i].data, parts[i].len);
		at += parts[i].len;
	}
	CU_ASSERT_EQUAL_FATAL(at, len);
	all.given++;
	if (!o->partial) {
		came_out(flat, len);
		return;
	}
	all.joined++;
	CU_ASSERT_EQUAL_FATAL(madp_segment_init(&seg, o, flat, len), 0);
	CU_ASSERT_TRUE(o->hdr_len == seg.hdr);
	CU_ASSERT_TRUE(madp_segment_left(&seg) > 1);
	while ((size = madp_segment_size(&seg))) {
		madp_segment_write(&seg, one);
		came_out(one, size);
	}
}

static void begin(void)
{
	memset(&all, 0, sizeof(all));
}

static void put(struct madp_coalesce *c, const struct spec *s)
{
	size_t i = all.n++;

	all.len[i] = build(s, all.data[i]);
	all.flow[i] = s->flow;
	madp_coalesce_add(c, all.data[i], all.len[i]);
}

static void all_came_out(struct madp_coalesce *c)
{
	madp_coalesce_flush(c);
	for (size_t i = 0; i < all.n; i++)
		CU_ASSERT_TRUE(all.seen[i]);
}

static void a_clean_stream_joins(void)
{
	struct madp_coalesce c;

	for (int v = 4; v <= 6; v += 2)
		for (int proto = TCP; proto <= UDP; proto += UDP - TCP) {
			struct spec s = {.version = v,
				.proto = proto,
				.flags = 0x10,
				.options = 12,
				.payload = 1348};

			begin();
			madp_coalesce_init(&c, true, out, NULL);
			for (int i = 0; i < 96; i++) {
				put(&c, &s);
				s.seq += (uint32_t)s.payload;
				s.id++;
			}
			all_came_out(&c);
			CU_ASSERT_EQUAL(all.given, 2); /* 64 KiB each */
			CU_ASSERT_EQUAL(all.joined, 2);
		}
}

static void ends_with_the_short_one_and_push(void)
{
	struct madp_coalesce c;
	struct spec s = {.version = 4, .proto = TCP, .flags = 0x10, .payload = 1000};

	begin();
	madp_coalesce_init(&c, true, out, NULL);
	for (int i = 0; i < 6; i++) {
		s.payload = i == 2 ? 10 : 1000;
		s.flags = i == 4 ? 0x18 : 0x10;
		put(&c, &s);
		s.seq += (uint32_t)s.payload;
		s.id++;
	}
	/* three, two, and the sixth is still open */
	CU_ASSERT_EQUAL(all.joined, 2);
	CU_ASSERT_EQUAL(all.given, 2);
	all_came_out(&c);
	CU_ASSERT_EQUAL(all.given, 3);
}

/** Every single difference that must keep two packets apart. */
static void what_does_not_join(void)
{
	static const struct {
		size_t at;
		uint8_t to;
		bool ip; /* header checksum to be made right again */
	} cases[] = {{1, 4, true}, {4, 9, true}, {6, 0x20, true}, {8, 9, true}, {27, 9, false},
		{28, 1, false}, {33, 0x11, false}, {33, 0x12, false}, {33, 0x14, false},
		{33, 0x30, false}, {33, 0x90, false}, {34, 9, false}, {38, 1, false},
		{45, 9, false}, {60, 0xaa, false}};

	for (size_t i = 0; i < MAMS_ARRAY_LEN(cases); i++) {
		struct madp_coalesce c;
		struct spec s = {
			.version = 4, .proto = TCP, .flags = 0x10, .payload = 100, .options = 12};
		uint8_t *p = all.data[1];

		begin();
		madp_coalesce_init(&c, true, out, NULL);
		put(&c, &s);
		s.seq += 100;
		s.id++;
		all.n = 2;
		all.len[1] = build(&s, p);
		p[cases[i].at] = cases[i].to;
		put16(p + 10, 0);
		put16(p + 10, ~slow_sum(0, p, 20) & 0xffff);
		if (cases[i].at != 60) { /* that one stays damaged */
			put16(p + 36, 0);
			put16(p + 36, ~slow_sum(pseudo(&s, p, 132), p + 20, 132) & 0xffff);
		}
		madp_coalesce_add(&c, p, all.len[1]);
		all_came_out(&c);
		CU_ASSERT_EQUAL(all.joined, 0);
	}
}

static void the_first_is_damaged(void)
{
	struct madp_coalesce c;
	struct spec s = {.version = 6, .proto = UDP, .payload = 100};

	begin();
	madp_coalesce_init(&c, true, out, NULL);
	all.n = 1;
	all.len[0] = build(&s, all.data[0]);
	all.data[0][70] ^= 1;
	madp_coalesce_add(&c, all.data[0], all.len[0]);
	put(&c, &s);
	put(&c, &s);
	all_came_out(&c);
	CU_ASSERT_EQUAL(all.given, 2);
	CU_ASSERT_EQUAL(all.joined, 1);
}

/* Linux before 6.2: its TUN device takes no joined datagrams, and drops them. */
static void udp_is_left_alone(void)
{
	struct madp_coalesce c;
	struct spec u = {.version = 4, .proto = UDP, .flow = 1, .payload = 100};
	struct spec t = {.version = 4, .proto = TCP, .flow = 2, .flags = 0x10, .payload = 100};

	begin();
	madp_coalesce_init(&c, false, out, NULL);
	for (unsigned i = 0; i < 4; i++) {
		put(&c, &u);
		put(&c, &t);
		t.seq += 100;
		u.id++, t.id++;
	}
	all_came_out(&c);
	CU_ASSERT_EQUAL(all.given, 5);
	CU_ASSERT_EQUAL(all.joined, 1);
}

static void many_flows_at_random(void)
{
	struct madp_coalesce c;
	struct spec s[FLOWS];

	begin();
	madp_coalesce_init(&c, true, out, NULL);
	for (unsigned i = 0; i < FLOWS; i++)
		s[i] = (struct spec){.version = i & 1 ? 4 : 6,
			.proto = i & 2 ? TCP : UDP,
			.flow = i,
			.flags = 0x10,
			.payload = 200};
	while (all.n < 1500) {
		struct spec *k = &s[mams_prng_below(&rnd, FLOWS)];

		for (uint64_t n = mams_prng_below(&rnd, 12); n > 0; n--) {
			uint64_t what = mams_prng_below(&rnd, 40);

			k->payload = what == 0 ? 0 : what == 1 ? 50 : what == 2 ? 300 : 200;
			k->flags = what == 3 ? 0x18 : what == 4 ? 0x11 : 0x10;
			k->byte = (unsigned)mams_prng_next(&rnd); /* all packets differ */
			put32(all.data[all.n], 0);
			put(&c, k);
			k->seq += (uint32_t)k->payload + (what == 5 ? 1 : 0);
			k->id++;
		}
		if (mams_prng_below(&rnd, 20) == 0)
			madp_coalesce_flush(&c);
	}
	all_came_out(&c);
	CU_ASSERT_TRUE(all.joined > 50);
}

static void not_looked_into(void)
{
	struct madp_coalesce c;
	const struct spec s = {.version = 4, .proto = TCP, .flags = 0x10, .payload = 100};

	/* cut short, options, fragments, foreign protocols: all go through as they are */
	for (size_t len = 20; len < 60; len++) {
		begin();
		madp_coalesce_init(&c, true, out, NULL);
		all.n = 1;
		(void)!build(&s, all.data[0]);
		all.len[0] = len;
		madp_coalesce_add(&c, all.data[0], len);
		all_came_out(&c);
		CU_ASSERT_EQUAL(all.joined, 0);
	}
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"sums of any length", sums_of_any_length},
		{"segments of every kind", segments_of_every_kind},
		{"a single packet", a_single_packet},
		{"refused", refused},
		{"a clean stream joins", a_clean_stream_joins},
		{"ends with the short one and push", ends_with_the_short_one_and_push},
		{"what does not join", what_does_not_join},
		{"the first is damaged", the_first_is_damaged},
		{"UDP is left alone", udp_is_left_alone},
		{"many flows at random", many_flows_at_random},
		{"not looked into", not_looked_into},
	};

	rnd = mams_prng_init(4);
	return mams_suite_run("segment", cases, MAMS_ARRAY_LEN(cases));
}
