#include "trailer-madp/masquerade.h"

int madp_masquerade_new(const struct mams_prefix *nets, size_t n, const char *tun,
	struct madp_table **out, struct mams_error *err)
{
	struct mams_buf b = {0};
	char text[MAMS_ADDR_STRLEN];

	mams_buf_printf(&b, "table inet mams_trailer {\nflags owner\nchain postrouting {\n"
			    "type nat hook postrouting priority 100\npolicy accept\n");
	for (size_t i = 0; i < n; i++)
		mams_buf_printf(&b, "%s saddr %s oifname != \"%s*\" masquerade\n",
			nets[i].net.family == AF_INET ? "ip" : "ip6",
			mams_prefix_str(&nets[i], text), tun);
	mams_buf_printf(&b, "}\n}\n");
	return madp_table_new(&b, out, err);
}
