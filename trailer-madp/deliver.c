/* SDUs in order to the TUN device, joined where they may be. */
#include "trailer-madp/worker.h"

#include <sys/uio.h>

static void write_tun(void *user, const struct madp_offload *o, const struct madp_part *parts,
	size_t n, size_t len)
{
	struct madp_worker *w = user;
	struct virtio_net_hdr h = {0};
	struct iovec v[MADP_COALESCE_PARTS + 1];

	if (o->partial) {
		h.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
		h.csum_start = o->csum_start;
		h.csum_offset = o->csum_offset;
		h.hdr_len = o->hdr_len;
		h.gso_size = o->gso_size;
		h.gso_type = VIRTIO_NET_HDR_GSO_TCPV4;
		if (o->kind == MADP_OFFLOAD_UDP)
			h.gso_type = 5; /* VIRTIO_NET_HDR_GSO_UDP_L4 */
		else if (parts[0].data[0] >> 4 == 6)
			h.gso_type = VIRTIO_NET_HDR_GSO_TCPV6;
		madp_inc(&w->counters.tun_joined);
	}
	v[0] = (struct iovec){&h, sizeof(h)};
	for (size_t i = 0; i < n; i++)
		v[i + 1] = (struct iovec){(void *)(uintptr_t)parts[i].data, parts[i].len};
	if (writev(w->tun.fd, v, (int)n + 1) < 0)
		madp_inc(&w->counters.tun_write_failed);
	else
		madp_inc(&w->counters.tun_writes);
	(void)len;
}

void madp_deliver_init(struct madp_worker *w)
{
	madp_coalesce_init(&w->coalesce, w->tun.udp_offload, write_tun, w);
}

void madp_deliver_flush(struct madp_worker *w)
{
	madp_coalesce_flush(&w->coalesce);
	while (w->n_used > 0)
		madp_slab_put(&w->sdus, w->used[--w->n_used]);
}

void madp_deliver(struct madp_worker *w, const uint8_t *sdu, size_t len, void *pooled)
{
	madp_coalesce_add(&w->coalesce, sdu, len);
	if (!pooled)
		return;
	w->used[w->n_used++] = pooled;
	if (w->n_used == MADP_USED_MAX)
		madp_deliver_flush(w);
}
