#include "proxy/classes.h"

#include <string.h>

const struct px_class *px_class_of(
	const struct px_class *classes, size_t n, const struct mams_addr *server, uint8_t dscp)
{
	for (size_t i = 0; i < n; i++) {
		const struct px_class *k = &classes[i];

		if (server->port < k->port_first || server->port > k->port_last)
			continue;
		if (mams_addr_is_set(&k->remote.net) && !mams_prefix_has(&k->remote, server))
			continue;
		if (k->has_dscp && k->dscp != dscp)
			continue;
		return k;
	}
	return NULL;
}

uint8_t px_class_dscp(const uint8_t *ip)
{
	if (ip[0] >> 4 == 4)
		return ip[1] >> 2;
	if (ip[0] >> 4 == 6)
		return (uint8_t)((ip[0] & 0x0fu) << 2 | ip[1] >> 6);
	return 0;
}

uint32_t px_class_bits(const struct px_class *k)
{
	uint32_t bits = 0;

	for (size_t i = 0; k && i < k->n_ids; i++)
		bits |= k->ids[i] < 32 ? 1u << k->ids[i] : 0;
	return bits;
}

size_t px_class_select(const struct px_class *k, struct px_path *paths, size_t n)
{
	struct px_path kept[PX_PATHS_MAX];
	size_t n_kept = 0;

	for (size_t i = 0; k && i < k->n_ids; i++) {
		for (size_t p = 0; p < n && n_kept < PX_PATHS_MAX; p++) {
			if (paths[p].connection_id != k->ids[i])
				continue;
			kept[n_kept] = paths[p];
			kept[n_kept].priority = (uint32_t)i;
			n_kept++;
		}
	}
	if (n_kept == 0)
		return n;
	memcpy(paths, kept, n_kept * sizeof(*kept));
	return n_kept;
}
