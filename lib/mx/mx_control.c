#include "lib/mx/mx_control.h"

#include "lib/base/buf.h"

/** Section 8.6.3, Probing Flag; bit 0 the most significant. */
#define FLAG_ACK 0x80u
#define FLAG_ACTIVE 0x40u
#define FLAG_RCID 0x20u
#define RESERVED 0x1fu
#define RESERVED_LSB_FIRST 0xf8u

static uint8_t mirror(uint8_t flag)
{
	return (uint8_t)((flag & FLAG_ACK ? 0x01 : 0) | (flag & FLAG_ACTIVE ? 0x02 : 0) |
			 (flag & FLAG_RCID ? 0x04 : 0));
}

static uint8_t unmirror(uint8_t flag)
{
	return (uint8_t)((flag & 0x01 ? FLAG_ACK : 0) | (flag & 0x02 ? FLAG_ACTIVE : 0) |
			 (flag & 0x04 ? FLAG_RCID : 0));
}

size_t mx_control_padding(bool has_rcid, size_t probe_size)
{
	size_t fields = MX_CONTROL_HEAD + 1u + has_rcid;

	return probe_size > fields ? probe_size - fields : 0;
}

static void put_flag(struct mams_wr *w, const struct mx_control *c, uint8_t flag)
{
	mams_wr_u8(w, c->lsb_first ? mirror(flag) : flag);
}

static void put_req(struct mams_wr *w, const struct mx_control *c)
{
	put_flag(w, c,
		(uint8_t)((c->want_ack ? FLAG_ACK : 0) | (c->active ? FLAG_ACTIVE : 0) |
			  (c->has_rcid ? FLAG_RCID : 0)));
	if (c->has_rcid)
		mams_wr_u8(w, c->rcid);
	if (c->padding)
		mams_wr_bytes(w, c->padding, c->padding_len);
	else
		mams_wr_zero(w, c->padding_len);
}

int mx_control_encode(const struct mx_control *c, uint8_t *out, size_t cap)
{
	struct mams_wr w = mams_wr_init(out, cap);

	if (c->kind != MX_CONTROL_REQ ? c->has_rcid || c->padding_len : c->has_rcid && !c->want_ack)
		return -MAMS_EVALUE;
	mams_wr_u8(&w, c->kind == MX_CONTROL_KEEP_ALIVE ? MX_CONTROL_TYPE_KEEP_ALIVE
							: MX_CONTROL_TYPE_PROBE);
	mams_wr_u8(&w, c->cid);
	mams_wr_u16(&w, c->sn);
	switch (c->kind) {
	case MX_CONTROL_KEEP_ALIVE:
		break;
	case MX_CONTROL_REQ:
		put_req(&w, c);
		break;
	case MX_CONTROL_ACK:
		put_flag(&w, c, c->active ? FLAG_ACTIVE : 0);
		break;
	}
	return w.err ? w.err : (int)w.len;
}

/** The Probing Flag in our order of bits; false: reserved bits are set either way. */
static bool get_flag(struct mams_rd *r, struct mx_control *out, uint8_t *flag)
{
	uint8_t octet = mams_rd_u8(r);

	*flag = octet;
	if ((octet & RESERVED) == 0)
		return true;
	out->lsb_first = true;
	*flag = unmirror(octet);
	return (octet & RESERVED_LSB_FIRST) == 0;
}

static int get_req(struct mams_rd *r, struct mx_control *out)
{
	uint8_t flag;

	out->kind = MX_CONTROL_REQ;
	if (!get_flag(r, out, &flag))
		return -MAMS_EPROTO;
	out->want_ack = flag & FLAG_ACK;
	out->active = flag & FLAG_ACTIVE;
	out->has_rcid = out->want_ack && (flag & FLAG_RCID);
	if (out->has_rcid)
		out->rcid = mams_rd_u8(r);
	out->padding_len = mams_rd_left(r);
	out->padding = mams_rd_bytes(r, out->padding_len);
	return r->err;
}

static int get_ack(struct mams_rd *r, struct mx_control *out)
{
	uint8_t flag = 0;

	out->kind = MX_CONTROL_ACK;
	if (mams_rd_left(r) > 0 && !get_flag(r, out, &flag))
		return -MAMS_EPROTO;
	out->active = flag & FLAG_ACTIVE;
	return mams_rd_left(r) ? -MAMS_EPROTO : r->err;
}

int mx_control_decode(const uint8_t *pdu, size_t len, bool network, struct mx_control *out)
{
	struct mams_rd r = mams_rd_init(pdu, len);
	uint8_t type = mams_rd_u8(&r);

	*out = (struct mx_control){.cid = mams_rd_u8(&r)};
	if (r.err)
		return r.err;
	if (type != MX_CONTROL_TYPE_KEEP_ALIVE && type != MX_CONTROL_TYPE_PROBE)
		return -MAMS_EUNKNOWN;
	out->sn = mams_rd_u16(&r);
	if (r.err)
		return r.err;
	if (type == MX_CONTROL_TYPE_PROBE)
		return network ? get_req(&r, out) : get_ack(&r, out);
	return mams_rd_left(&r) ? -MAMS_EPROTO : 0;
}

/* "MAMS", then the sender's clock, which a probe of a proxy leaves out, then the round trip: as the
 * trailer MADP has it. */
#define MAGIC 0x4d414d53u

void mx_control_pad_put(uint32_t rtt_us, uint8_t *pad, size_t len)
{
	struct mams_wr w = mams_wr_init(pad, len);

	if (len < MX_CONTROL_PAD) {
		mams_wr_zero(&w, len);
		return;
	}
	mams_wr_u32(&w, MAGIC);
	mams_wr_u32(&w, 0);
	mams_wr_u32(&w, rtt_us);
	mams_wr_zero(&w, len - MX_CONTROL_PAD);
}

uint32_t mx_control_pad_rtt(const uint8_t *pad, size_t len)
{
	struct mams_rd r = mams_rd_init(pad, len);

	if (len < MX_CONTROL_PAD || mams_rd_u32(&r) != MAGIC)
		return 0;
	(void)mams_rd_u32(&r);
	return mams_rd_u32(&r);
}
