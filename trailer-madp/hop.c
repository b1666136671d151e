#include "trailer-madp/hop.h"

#include "lib/io/rawip.h"
#include "trailer-madp/ip.h"

#include <errno.h>
#include <net/if.h>
#include <unistd.h>

int madp_hop_interfaces(const struct madp_conf *c, uint32_t *ifindex, struct mams_error *err)
{
	char text[MAMS_ADDR_STRLEN];
	int n = 0;

	for (size_t i = 0; i < c->n_listen; i++) {
		const struct mams_addr *a = &c->listen[i];
		uint32_t is;
		int k = 0;

		if (a->family != AF_INET)
			continue;
		if (mams_rawip_ifindex(a, &is) < 0)
			return mams_fail(err, ENODEV, mams_addr_str(a, text),
				"client_nat: no interface has this address");
		while (k < n && ifindex[k] != is)
			k++;
		if (k == n)
			ifindex[n++] = is;
	}
	return n;
}

static int guard_network(const struct madp_conf *c, struct mams_buf *b, struct mams_error *err)
{
	uint32_t ifindex[MADP_HOP_MAX];
	int n = madp_hop_interfaces(c, ifindex, err);

	for (int i = 0; i < n; i++)
		mams_buf_printf(b, "iif %u ip protocol 114 drop\n", ifindex[i]);
	mams_buf_printf(b, "}\nchain forward {\ntype filter hook forward priority 0\n");
	for (int i = 0; i < n; i++)
		mams_buf_printf(b, "oif %u ip protocol 114 drop\n", ifindex[i]);
	return n < 0 ? n : 0;
}

int madp_hop_guard(const struct madp_conf *c, struct madp_table **out, struct mams_error *err)
{
	struct mams_buf b = {0};
	int rc = 0;

	/* before connection tracking puts fragments together, which is at -400 */
	mams_buf_printf(&b, "table inet mams_client_nat {\nflags owner\nchain prerouting {\n"
			    "type filter hook prerouting priority -450\n");
	if (c->role == MADP_ROLE_NETWORK)
		rc = guard_network(c, &b, err);
	else
		mams_buf_printf(&b, "ip protocol 114 drop\n");
	mams_buf_printf(&b, "}\n}\n");
	if (rc < 0) {
		mams_buf_fini(&b);
		return rc;
	}
	return madp_table_new(&b, out, err);
}

int madp_hop_open(const struct madp_link_set *l, const struct madp_conf *c, int *in, int *out,
	struct mams_error *err)
{
	const struct mams_rawip_out o = {.local = l->local,
		.remote = l->remote,
		.device = l->device[0] ? l->device : NULL,
		.mark = c->mark,
		.send_octets = (int)c->send_buffer};
	uint32_t ifindex = l->device[0] ? if_nametoindex(l->device) : 0;
	int rc = 0;
	int fd;

	if (!ifindex)
		rc = mams_rawip_ifindex(&l->local, &ifindex);
	if (rc < 0)
		return mams_fail(err, ENODEV, l->name, "no interface has the link's address");
	rc = mams_rawip_open_in(ifindex, MADP_IPPROTO_GMA, (int)c->receive_buffer, &fd, err);
	if (rc < 0)
		return rc;
	rc = mams_rawip_open_out(&o, out, err);
	if (rc < 0)
		close(fd);
	else
		*in = fd;
	return rc;
}
