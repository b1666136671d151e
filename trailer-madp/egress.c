/* From the TUN device to the links.  An SDU is copied once, from the device's buffer to its place
 * in the message that goes out, unless it has to wait or may have to be sent again. */
#include "trailer-madp/pdu.h"
#include "trailer-madp/worker.h"

#include <string.h>

#define READS_PER_TURN 64

static bool translate(const struct virtio_net_hdr *h, struct madp_offload *o)
{
	*o = (struct madp_offload){.partial = (h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) != 0,
		.csum_start = h->csum_start,
		.csum_offset = h->csum_offset,
		.gso_size = h->gso_size};
	switch (h->gso_type & ~VIRTIO_NET_HDR_GSO_ECN) {
	case VIRTIO_NET_HDR_GSO_NONE:
		return true;
	case VIRTIO_NET_HDR_GSO_TCPV4:
	case VIRTIO_NET_HDR_GSO_TCPV6:
		o->kind = MADP_OFFLOAD_TCP;
		return true;
	case 5: /* VIRTIO_NET_HDR_GSO_UDP_L4, newer than Debian 12's headers */
		o->kind = MADP_OFFLOAD_UDP;
		return true;
	default:
		return false;
	}
}

static struct madp_session *claim(struct madp_worker *w, const uint8_t *pkt)
{
	struct madp_session *s = w->only;
	bool v4 = pkt[0] >> 4 == 4;

	if (w->role == MADP_ROLE_CLIENT) {
		const struct mams_addr *a;

		if (!s) {
			madp_inc(&w->counters.tun_unclaimed);
			return NULL;
		}
		a = v4 ? &s->set->anchor4 : &s->set->anchor6;
		if (a->family && memcmp(a->ip, pkt + (v4 ? 12 : 8), v4 ? 4 : 16) == 0)
			return s;
		madp_inc(&w->counters.tun_foreign);
		return NULL;
	}
	if (v4)
		HASH_FIND(by_anchor4, w->anchors4, pkt + 16, 4, s);
	else
		HASH_FIND(by_anchor6, w->anchors6, pkt + 24, 16, s);
	if (!s)
		madp_inc(&w->counters.tun_unclaimed);
	return s;
}

static void send_sdu(struct madp_worker *w, struct madp_session *s, const struct madp_out *o,
	struct madp_source *from, enum madp_gma_form form)
{
	madp_linkset links = o->links;

	madp_inc(&s->account->cls[o->cls].tx_sdus);
	madp_add(&s->account->cls[o->cls].tx_octets, o->len);
	if (o->again)
		madp_inc(&s->account->cls[o->cls].tx_again);
	for (unsigned slot = 0; links; slot++, links >>= 1)
		if (links & 1)
			madp_pdu_send(w, &s->path[slot], o, from, form);
}

static void reap(struct madp_worker *w, struct madp_session *s)
{
	uint64_t before = s->plane.tx.n_expired;
	void *pkt;

	while ((pkt = madp_sender_reap(&s->plane.tx, w->now)))
		madp_slab_put(&w->sdus, pkt);
	madp_add(&w->counters.hold_expired, s->plane.tx.n_expired - before);
}

void madp_egress_pump(struct madp_worker *w, struct madp_session *s)
{
	struct madp_out o;

	while (madp_sender_next(&s->plane.tx, w->now, &o)) {
		struct madp_source from = {.pkt = o.pkt};
		uint8_t version = *(const uint8_t *)o.pkt >> 4;

		send_sdu(w, s, &o, &from, madp_gma_form_for(&s->set->gma, version));
		if (!o.kept)
			madp_slab_put(&w->sdus, o.pkt);
	}
	reap(w, s);
}

/** The next segment into the spare buffer, which is then the core's. */
static void fill_spare(struct madp_worker *w, struct madp_segment *seg)
{
	madp_segment_write(seg, w->spare);
	w->spare = madp_slab_get(&w->sdus);
}

static void skip(struct madp_segment *seg, size_t size)
{
	seg->pos += seg->kind == MADP_OFFLOAD_NONE ? size : size - seg->hdr;
	seg->index++;
}

static void send_segment(struct madp_worker *w, struct madp_session *s, unsigned cls,
	struct madp_segment *seg, size_t size)
{
	struct madp_source from = {.segment = seg};
	struct madp_out o;
	uint8_t *own = w->spare;
	int rc;

	if (!w->spare)
		w->spare = own = madp_slab_get(&w->sdus);
	if (!own || size > w->sdus.size) {
		madp_inc(own ? &w->counters.too_long : &w->counters.no_memory);
		skip(seg, size);
		return;
	}
	rc = madp_sender_input(&s->plane.tx, cls, own, (uint32_t)size, w->now, &o);
	if (rc < 0) {
		madp_inc(rc == -MAMS_ELIMIT ? &w->counters.hold_full : &w->counters.no_link);
		madp_inc(&s->account->cls[cls].tx_dropped);
		skip(seg, size);
		return;
	}
	if (rc == 0) {
		madp_inc(&s->account->cls[cls].tx_held);
		fill_spare(w, seg);
		return;
	}
	if (o.kept || (o.links & (o.links - 1))) {
		from = (struct madp_source){.pkt = own};
		madp_segment_write(seg, own);
		if (o.kept)
			w->spare = madp_slab_get(&w->sdus);
	}
	send_sdu(w, s, &o, &from, madp_gma_form_for(&s->set->gma, seg->pkt[0] >> 4));
}

static void take_packet(
	struct madp_worker *w, const struct virtio_net_hdr *h, const uint8_t *pkt, size_t len)
{
	struct madp_segment seg;
	struct madp_offload o;
	struct madp_session *s;
	unsigned cls;
	size_t size;

	madp_inc(&w->counters.tun_reads);
	madp_add(&w->counters.tun_octets, len);
	if (!translate(h, &o) || madp_segment_init(&seg, &o, pkt, len) < 0) {
		madp_inc(&w->counters.tun_invalid);
		return;
	}
	s = claim(w, pkt);
	if (!s)
		return;
	madp_session_touch(w, s);
	cls = madp_classes_find(
		w->classes, s->set->rules, s->scope, pkt, len, w->role == MADP_ROLE_CLIENT);
	while ((size = madp_segment_size(&seg))) {
		size_t at = seg.pos;

		send_segment(w, s, cls, &seg, size);
		if (seg.pos == at) /* not taken by any link */
			skip(&seg, size);
		madp_inc(&w->counters.sdus_sent);
	}
	/* there is room for one packet's segments only; the rest is for the end of the turn */
	if (s->plane.tx.cls[cls].treat.lossless)
		reap(w, s);
}

void madp_egress_run(struct madp_worker *w)
{
	for (int i = 0; i < READS_PER_TURN; i++) {
		struct virtio_net_hdr h;
		ssize_t n =
			mams_tun_read(&w->tun, &h, w->tun_data, MAMS_TUN_HEADER + MAMS_TUN_PACKET);

		if (n < 0)
			return;
		take_packet(w, &h, w->tun_data + MAMS_TUN_HEADER, (size_t)n);
	}
}
