#include "trailer-madp/report.h"

#include "lib/base/buf.h"

#define DOWN 0x80
#define ECHO 0x40

static uint16_t tens(uint32_t us)
{
	return us / 10 < 65535 ? (uint16_t)(us / 10) : 65535;
}

static void put_link(struct mams_wr *w, const struct madp_report_link *l)
{
	mams_wr_u8(w, l->cid);
	mams_wr_u8(w, (uint8_t)((l->down ? DOWN : 0) | (l->has_echo ? ECHO : 0)));
	mams_wr_u32(w, l->packets);
	mams_wr_u32(w, l->octets);
	mams_wr_u32(w, l->rx_us);
	mams_wr_u32(w, l->echo_ms);
	mams_wr_u16(w, tens(l->held_us));
	mams_wr_u16(w, tens(l->queue_us));
	mams_wr_u16(w, tens(l->jitter_us));
	mams_wr_u32(w, (uint32_t)l->owd_us);
	mams_wr_u16(w, l->lost);
}

size_t madp_report_encode(const struct madp_report *r, uint8_t *buf)
{
	struct mams_wr w = mams_wr_init(buf, MADP_REPORT_MAX);

	mams_wr_u8(&w, MADP_REPORT_TYPE);
	mams_wr_u8(&w, r->cid);
	mams_wr_u16(&w, r->seq);
	mams_wr_u32(&w, r->ts_ms);
	mams_wr_u8(&w, (uint8_t)(r->n_links << 4 | r->n_flows));
	for (unsigned i = 0; i < r->n_links; i++)
		put_link(&w, &r->link[i]);
	for (unsigned i = 0; i < r->n_flows; i++) {
		mams_wr_u8(&w, r->flow[i].flow);
		mams_wr_u24(&w, r->flow[i].expect);
		mams_wr_u16(&w, r->flow[i].cids);
	}
	return w.err ? 0 : w.len;
}

static void get_link(struct mams_rd *rd, struct madp_report_link *l)
{
	uint8_t flags;

	l->cid = mams_rd_u8(rd);
	flags = mams_rd_u8(rd);
	l->down = flags & DOWN;
	l->has_echo = flags & ECHO;
	l->packets = mams_rd_u32(rd);
	l->octets = mams_rd_u32(rd);
	l->rx_us = mams_rd_u32(rd);
	l->echo_ms = mams_rd_u32(rd);
	l->held_us = mams_rd_u16(rd) * 10u;
	l->queue_us = mams_rd_u16(rd) * 10u;
	l->jitter_us = mams_rd_u16(rd) * 10u;
	l->owd_us = (int32_t)mams_rd_u32(rd);
	l->lost = mams_rd_u16(rd);
	if (l->cid > 15 || (flags & ~(DOWN | ECHO)))
		mams_rd_fail(rd, -MAMS_EPROTO);
}

int madp_report_decode(const uint8_t *pdu, size_t len, struct madp_report *out)
{
	struct mams_rd rd = mams_rd_init(pdu, len);
	uint32_t cids = 0;
	uint32_t flows = 0;
	uint8_t counts;

	*out = (struct madp_report){0};
	if (mams_rd_u8(&rd) != MADP_REPORT_TYPE)
		mams_rd_fail(&rd, -MAMS_EPROTO);
	out->cid = mams_rd_u8(&rd);
	out->seq = mams_rd_u16(&rd);
	out->ts_ms = mams_rd_u32(&rd);
	counts = mams_rd_u8(&rd);
	out->n_links = counts >> 4;
	out->n_flows = counts & 15;
	if (out->cid > 15 || out->n_links > MADP_LINKS_MAX || out->n_flows > MADP_CLASSES_MAX)
		mams_rd_fail(&rd, -MAMS_EPROTO);
	for (unsigned i = 0; !rd.err && i < out->n_links; i++) {
		get_link(&rd, &out->link[i]);
		if (!rd.err && cids >> out->link[i].cid & 1)
			mams_rd_fail(&rd, -MAMS_EPROTO);
		cids |= 1u << (out->link[i].cid & 15);
	}
	for (unsigned i = 0; !rd.err && i < out->n_flows; i++) {
		out->flow[i].flow = mams_rd_u8(&rd);
		out->flow[i].expect = mams_rd_u24(&rd);
		out->flow[i].cids = mams_rd_u16(&rd);
		if (!rd.err &&
			(out->flow[i].flow >= MADP_CLASSES_MAX || flows >> out->flow[i].flow & 1))
			mams_rd_fail(&rd, -MAMS_EPROTO);
		flows |= 1u << (out->flow[i].flow & 15);
	}
	if (!rd.err && mams_rd_left(&rd))
		mams_rd_fail(&rd, -MAMS_EPROTO);
	return rd.err;
}

uint32_t madp_report_rtt_us(const struct madp_report_link *l, mams_time now)
{
	int64_t us = (int64_t)(int32_t)((uint32_t)((uint64_t)now.us / 1000) - l->echo_ms) * 1000 +
		     now.us % 1000 - 500 - (int64_t)l->held_us;

	if (!l->has_echo || l->held_us >= 655350 || us <= 0 || us > 60000000)
		return 0;
	return (uint32_t)us;
}
