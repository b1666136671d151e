#include "proxy/convert.h"

#include <string.h>

#define WORD 4u
#define NAME_EXID 0x4d41u /* "MA" */

/** Section 7: option kinds for which the client may ask; the kernel generates their values. */
static const uint8_t supported_kinds[] = {
	PX_TCPOPT_MPTCP,
	PX_TCPOPT_SACK_PERMITTED,
	PX_TCPOPT_TIMESTAMP,
};

struct px_octets px_convert_supported(void)
{
	return (struct px_octets){.data = supported_kinds, .len = sizeof(supported_kinds)};
}

const char *px_convert_code_name(uint8_t code)
{
	static const struct {
		uint8_t code;
		const char *name;
	} names[] = {
		{PX_CONVERT_BAD_VERSION, "unsupported version"},
		{PX_CONVERT_MALFORMED, "malformed message"},
		{PX_CONVERT_UNSUPPORTED, "unsupported message"},
		{PX_CONVERT_MISSING_COOKIE, "missing cookie"},
		{PX_CONVERT_NOT_AUTHORIZED, "not authorized"},
		{PX_CONVERT_BAD_OPTION, "unsupported TCP option"},
		{PX_CONVERT_NO_RESOURCES, "resource exceeded"},
		{PX_CONVERT_NET_FAILURE, "network failure"},
		{PX_CONVERT_RST, "connection reset"},
		{PX_CONVERT_UNREACHABLE, "destination unreachable"},
	};

	for (size_t i = 0; i < MAMS_ARRAY_LEN(names); i++)
		if (names[i].code == code)
			return names[i].name;
	return "unknown error";
}

static enum px_convert_verdict violation(
	enum px_convert_role role, struct px_convert_msg *out, enum px_convert_code code)
{
	if (role == PX_AT_CLIENT)
		return PX_CONVERT_RESET;
	out->error_code = (uint8_t)code;
	return PX_CONVERT_ANSWER;
}

/** 6.2.5: multicast, broadcast and loopback never; an unset address or port leads nowhere. */
static bool peer_is_possible(const struct mams_addr *a)
{
	return a->port != 0 && !mams_addr_is_multicast(a) && !mams_addr_is_loopback(a) &&
	       !mams_addr_is_any(a);
}

/** Lengths inside the options field; kinds 0 and 1 stand alone. */
static bool options_framed(struct px_octets o)
{
	size_t i = 0;

	while (i < o.len) {
		if (o.data[i] == PX_TCPOPT_EOL)
			break;
		if (o.data[i] == PX_TCPOPT_NOP) {
			i++;
			continue;
		}
		if (o.len - i < 2 || o.data[i + 1] < 2 || o.data[i + 1] > o.len - i)
			return false;
		i += o.data[i + 1];
	}
	for (; i < o.len; i++)
		if (o.data[i] != 0)
			return false;
	return true;
}

static bool read_connect(struct mams_rd *r, struct px_convert_msg *out)
{
	const uint8_t *ip;

	out->has_connect = true;
	out->peer = (struct mams_addr){.family = AF_INET6, .port = mams_rd_u16(r)};
	ip = mams_rd_bytes(r, 16);
	if (!ip)
		return false;
	memcpy(out->peer.ip, ip, 16);
	mams_addr_unmap(&out->peer);
	out->options.len = mams_rd_left(r);
	out->options.data = mams_rd_bytes(r, out->options.len);
	return peer_is_possible(&out->peer) && options_framed(out->options);
}

/** The two octets after Type and Length are unassigned; the rest is content. */
static bool read_opaque(struct mams_rd *r, bool *has, struct px_octets *content)
{
	*has = true;
	mams_rd_skip(r, 2);
	content->len = mams_rd_left(r);
	content->data = mams_rd_bytes(r, content->len);
	return r->err == 0;
}

static bool read_error(struct mams_rd *r, struct px_convert_msg *out)
{
	out->has_error = true;
	out->error_code = mams_rd_u8(r);
	out->error_value.len = mams_rd_left(r);
	out->error_value.data = mams_rd_bytes(r, out->error_value.len);
	return r->err == 0;
}

static bool read_attach(struct mams_rd *r, struct px_convert_msg *out)
{
	out->has_attach = true;
	mams_rd_skip(r, 2);
	out->flow = mams_rd_u64(r);
	out->has_turn = mams_rd_left(r) > 0;
	if (out->has_turn)
		out->turn = mams_rd_u64(r);
	return r->err == 0 && mams_rd_left(r) == 0 && out->flow != 0;
}

/** One TLV's value; false when it is malformed. */
static bool read_value(enum px_tlv type, struct mams_rd *r, struct px_convert_msg *out)
{
	switch (type) {
	case PX_TLV_INFO:
		out->has_info = true;
		return mams_rd_left(r) == 2;
	case PX_TLV_CONNECT:
		return read_connect(r, out);
	case PX_TLV_EXT_HEADER:
		return read_opaque(r, &out->has_ext_header, &out->ext_header);
	case PX_TLV_SUPPORTED:
		return read_opaque(r, &out->has_supported, &out->supported);
	case PX_TLV_COOKIE:
		return read_opaque(r, &out->has_cookie, &out->cookie) && out->cookie.len > 0 &&
		       out->cookie.len <= PX_CONVERT_COOKIE_MAX;
	case PX_TLV_ERROR:
		return read_error(r, out);
	case PX_TLV_ATTACH:
		return read_attach(r, out);
	}
	return false;
}

/** A TLV that this role may receive at all. */
static bool type_is_for(enum px_convert_role role, uint8_t type)
{
	if (role == PX_AT_CONVERTER)
		return type == PX_TLV_INFO || type == PX_TLV_CONNECT || type == PX_TLV_COOKIE ||
		       type == PX_TLV_ATTACH;
	return type == PX_TLV_EXT_HEADER || type == PX_TLV_SUPPORTED || type == PX_TLV_ERROR ||
	       type == PX_TLV_COOKIE || type == PX_TLV_ATTACH;
}

static enum px_convert_verdict read_tlvs(
	enum px_convert_role role, struct mams_rd *r, struct px_convert_msg *out)
{
	uint64_t seen = 0; /* no two of the types are the same modulo 64 */

	while (mams_rd_left(r) > 0) {
		uint8_t type = mams_rd_u8(r);
		size_t len = mams_rd_u8(r) * WORD;
		struct mams_rd value;

		if (len == 0 || len - 2 > mams_rd_left(r))
			return violation(role, out, PX_CONVERT_MALFORMED);
		if (!type_is_for(role, type))
			return violation(role, out, PX_CONVERT_UNSUPPORTED);
		if (seen & UINT64_C(1) << type % 64)
			return violation(role, out, PX_CONVERT_MALFORMED);
		seen |= UINT64_C(1) << type % 64;
		value = mams_rd_sub(r, len - 2);
		if (!read_value((enum px_tlv)type, &value, out))
			return violation(role, out, PX_CONVERT_MALFORMED);
	}
	return PX_CONVERT_OK;
}

enum px_convert_verdict px_convert_decode(
	enum px_convert_role role, const uint8_t *data, size_t len, struct px_convert_msg *out)
{
	struct mams_rd r = mams_rd_init(data, len);
	enum px_convert_verdict verdict;
	uint8_t version = mams_rd_u8(&r);
	size_t total = mams_rd_u8(&r) * WORD;
	uint16_t magic = mams_rd_u16(&r);

	*out = (struct px_convert_msg){.len = PX_CONVERT_HEADER};
	if (r.err)
		return PX_CONVERT_MORE;
	if (magic != PX_CONVERT_MAGIC)
		return PX_CONVERT_FOREIGN;
	if (total == 0)
		return PX_CONVERT_RESET;
	out->len = total;
	if (version != PX_CONVERT_VERSION)
		return violation(role, out, PX_CONVERT_BAD_VERSION);
	if (len < total)
		return PX_CONVERT_MORE;
	r = mams_rd_init(data + PX_CONVERT_HEADER, total - PX_CONVERT_HEADER);
	verdict = read_tlvs(role, &r, out);
	if (verdict != PX_CONVERT_OK)
		return verdict;
	if (role == PX_AT_CONVERTER && !out->has_info && !out->has_connect && !out->has_attach)
		return violation(role, out, PX_CONVERT_MALFORMED);
	/* one connection is one flow, or a part of one */
	if (out->has_attach && (out->has_info || out->has_connect))
		return violation(role, out, PX_CONVERT_MALFORMED);
	return PX_CONVERT_OK;
}

static bool option_is_ignored(uint8_t kind)
{
	return kind == PX_TCPOPT_MSS || kind == PX_TCPOPT_WSCALE || kind == PX_TCPOPT_SACK;
}

static bool option_is_supported(uint8_t kind, uint8_t len)
{
	return len == 2 && memchr(supported_kinds, kind, sizeof(supported_kinds)) != NULL;
}

size_t px_convert_check_options(struct px_octets options, uint8_t bad[32], bool *want_mptcp)
{
	size_t n_bad = 0;

	for (size_t i = 0; i < options.len;) {
		uint8_t kind = options.data[i];

		if (kind == PX_TCPOPT_EOL)
			break;
		if (kind == PX_TCPOPT_NOP) {
			i++;
			continue;
		}
		if (want_mptcp && kind == PX_TCPOPT_MPTCP)
			*want_mptcp = true;
		if (!option_is_ignored(kind) && !option_is_supported(kind, options.data[i + 1]) &&
			n_bad < 32 && !memchr(bad, kind, n_bad))
			bad[n_bad++] = kind;
		i += options.data[i + 1];
	}
	return n_bad;
}

static void pad(struct mams_wr *w)
{
	mams_wr_zero(w, (WORD - w->len % WORD) % WORD);
}

void px_convert_begin(struct mams_wr *w)
{
	mams_wr_u8(w, PX_CONVERT_VERSION);
	mams_wr_u8(w, 0); /* Total Length: px_convert_end() */
	mams_wr_u16(w, PX_CONVERT_MAGIC);
}

/** Type and Length for a value of n octets. */
static void put_head(struct mams_wr *w, enum px_tlv type, size_t n)
{
	size_t words = (2 + n + WORD - 1) / WORD;

	if (words > UINT8_MAX)
		w->err = -MAMS_ELIMIT;
	mams_wr_u8(w, (uint8_t)type);
	mams_wr_u8(w, (uint8_t)words);
}

void px_convert_put_info(struct mams_wr *w)
{
	put_head(w, PX_TLV_INFO, 2);
	mams_wr_u16(w, 0);
}

void px_convert_put_connect(
	struct mams_wr *w, const struct mams_addr *peer, struct px_octets options)
{
	put_head(w, PX_TLV_CONNECT, 18 + options.len);
	mams_wr_u16(w, peer->port);
	if (peer->family == AF_INET) {
		mams_wr_zero(w, 10);
		mams_wr_u16(w, 0xffff);
		mams_wr_bytes(w, peer->ip, 4);
	} else {
		mams_wr_bytes(w, peer->ip, 16);
	}
	mams_wr_bytes(w, options.data, options.len);
	pad(w);
}

static void put_opaque(struct mams_wr *w, enum px_tlv type, struct px_octets content)
{
	put_head(w, type, 2 + content.len);
	mams_wr_u16(w, 0);
	mams_wr_bytes(w, content.data, content.len);
	pad(w);
}

void px_convert_put_cookie(struct mams_wr *w, struct px_octets cookie)
{
	put_opaque(w, PX_TLV_COOKIE, cookie);
}

void px_convert_put_supported(struct mams_wr *w, struct px_octets kinds)
{
	put_opaque(w, PX_TLV_SUPPORTED, kinds);
}

void px_convert_put_ext_header(struct mams_wr *w, struct px_octets options)
{
	put_opaque(w, PX_TLV_EXT_HEADER, options);
}

void px_convert_put_attach(struct mams_wr *w, uint64_t flow, const uint64_t *turn)
{
	put_head(w, PX_TLV_ATTACH, turn ? 18 : 10);
	mams_wr_u16(w, 0);
	mams_wr_u64(w, flow);
	if (turn)
		mams_wr_u64(w, *turn);
}

void px_convert_name(uint64_t flow, uint8_t out[PX_CONVERT_NAME])
{
	struct mams_wr w = mams_wr_init(out, PX_CONVERT_NAME);

	mams_wr_u8(&w, PX_TCPOPT_EXPERIMENT);
	mams_wr_u8(&w, PX_CONVERT_NAME);
	mams_wr_u16(&w, NAME_EXID);
	mams_wr_u64(&w, flow);
}

uint64_t px_convert_named(struct px_octets options)
{
	if (!options_framed(options))
		return 0;
	for (size_t i = 0; i < options.len && options.data[i] != PX_TCPOPT_EOL;) {
		struct mams_rd r = mams_rd_init(options.data + i, options.len - i);

		if (options.data[i] == PX_TCPOPT_NOP) {
			i++;
			continue;
		}
		i += options.data[i + 1];
		if (mams_rd_u8(&r) == PX_TCPOPT_EXPERIMENT && mams_rd_u8(&r) == PX_CONVERT_NAME &&
			mams_rd_u16(&r) == NAME_EXID)
			return mams_rd_u64(&r);
	}
	return 0;
}

void px_convert_put_error(
	struct mams_wr *w, enum px_convert_code code, uint8_t first, struct px_octets rest)
{
	size_t room = w->len + WORD < PX_CONVERT_MAX ? PX_CONVERT_MAX - w->len - WORD : 0;
	size_t n = rest.len < room ? rest.len : room;

	put_head(w, PX_TLV_ERROR, 2 + n);
	mams_wr_u8(w, (uint8_t)code);
	mams_wr_u8(w, first);
	mams_wr_bytes(w, rest.data, n);
	pad(w);
}

int px_convert_end(struct mams_wr *w)
{
	if (w->err || w->len > PX_CONVERT_MAX)
		return -MAMS_ELIMIT;
	w->data[1] = (uint8_t)(w->len / WORD);
	return 0;
}
