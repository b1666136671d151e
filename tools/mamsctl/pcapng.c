#include "tools/mamsctl/pcapng.h"

#include <string.h>

#define SECTION_HEADER 0x0A0D0D0Au
#define INTERFACE_DESCRIPTION 1u
#define ENHANCED_PACKET 6u
#define BYTE_ORDER_MAGIC 0x1A2B3C4Du
#define UPPER_PDU 252u /* LINKTYPE_WIRESHARK_UPPER_PDU */
#define TAG_DISSECTOR 12u
#define TAG_PROTOCOL_TEXT 33u
#define OPTION_COMMENT 1u

static void put_u16(struct mams_buf *out, uint32_t v)
{
	const uint8_t octets[] = {(uint8_t)v, (uint8_t)(v >> 8)};

	mams_buf_add(out, octets, sizeof(octets));
}

static void put_u32(struct mams_buf *out, uint32_t v)
{
	put_u16(out, v & 0xffff);
	put_u16(out, v >> 16);
}

static void put_padded(struct mams_buf *out, const void *data, size_t len)
{
	static const uint8_t zeros[4] = {0};

	mams_buf_add(out, data, len);
	mams_buf_add(out, zeros, (4 - len % 4) % 4);
}

/* Blocks have their length at both ends. */
static void put_block(struct mams_buf *out, uint32_t type, const struct mams_buf *body)
{
	const uint32_t len = (uint32_t)body->len + 12;

	put_u32(out, type);
	put_u32(out, len);
	mams_buf_add(out, body->data, body->len);
	put_u32(out, len);
	out->failed |= body->failed;
}

void pcapng_head(struct mams_buf *out)
{
	struct mams_buf body = {0};

	put_u32(&body, BYTE_ORDER_MAGIC);
	put_u16(&body, 1); /* version 1.0 */
	put_u16(&body, 0);
	put_u32(&body, UINT32_MAX); /* length of the section: not told */
	put_u32(&body, UINT32_MAX);
	put_block(out, SECTION_HEADER, &body);
	mams_buf_clear(&body);
	put_u16(&body, UPPER_PDU);
	put_u16(&body, 0);
	put_u32(&body, 0); /* packets are whole */
	put_block(out, INTERFACE_DESCRIPTION, &body);
	mams_buf_fini(&body);
}

/* Tags of exported PDUs are in network byte order. */
static void put_tag(struct mams_buf *out, uint16_t tag, const char *text)
{
	const size_t len = (strlen(text) + 3) / 4 * 4;
	const uint8_t head[] = {
		(uint8_t)(tag >> 8), (uint8_t)tag, (uint8_t)(len >> 8), (uint8_t)len};

	mams_buf_add(out, head, sizeof(head));
	put_padded(out, text, strlen(text));
}

/* Who, which way and over what, as tools/wireshark/mams.lua reads it. */
static void put_comment(struct mams_buf *out, const struct ctl_trace *t)
{
	static const char *const what[] = {[CTL_TRACE_RECEIVED] = "received from",
		[CTL_TRACE_SENT] = "sent to",
		[CTL_TRACE_EVENT] = "event of",
		[CTL_TRACE_PLANE] = "data plane of",
		[CTL_TRACE_ORDER] = "order for",
		[CTL_TRACE_DECISION] = "decision for",
		[CTL_TRACE_TIMER] = "timer of",
		[CTL_TRACE_START] = "start of"};

	mams_buf_printf(out, "%s %s", what[t->what], t->client);
	if (t->transport)
		mams_buf_printf(out, " over %s", t->transport);
	if (t->has_session_id)
		mams_buf_printf(out, " session=%llu", (unsigned long long)t->session_id);
}

static bool is_json(const struct ctl_trace *t)
{
	return t->what == CTL_TRACE_RECEIVED || t->what == CTL_TRACE_SENT ||
	       t->what == CTL_TRACE_DECISION || t->what == CTL_TRACE_START;
}

void pcapng_packet(struct mams_buf *out, const struct ctl_trace *t)
{
	const uint64_t us = t->time_ms * 1000;
	struct mams_buf comment = {0};
	struct mams_buf packet = {0};
	struct mams_buf body = {0};

	if (t->what == CTL_TRACE_TIMER)
		return; /* nothing to look at */
	put_tag(&packet, TAG_DISSECTOR, is_json(t) ? "json" : "data-text-lines");
	put_tag(&packet, TAG_PROTOCOL_TEXT, "MAMS");
	put_u32(&packet, 0); /* no more tags */
	mams_buf_add(&packet, t->text, strlen(t->text));
	put_u32(&body, 0); /* interface */
	put_u32(&body, (uint32_t)(us >> 32));
	put_u32(&body, (uint32_t)us);
	put_u32(&body, (uint32_t)packet.len);
	put_u32(&body, (uint32_t)packet.len);
	put_padded(&body, packet.data, packet.len);
	put_comment(&comment, t);
	put_u16(&body, OPTION_COMMENT);
	put_u16(&body, (uint32_t)comment.len);
	put_padded(&body, comment.data, comment.len);
	put_u32(&body, 0); /* no more options */
	body.failed |= packet.failed | comment.failed;
	put_block(out, ENHANCED_PACKET, &body);
	mams_buf_fini(&comment);
	mams_buf_fini(&packet);
	mams_buf_fini(&body);
}
