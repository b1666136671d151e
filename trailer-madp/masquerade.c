#include "trailer-madp/masquerade.h"

#include "lib/base/buf.h"

#include <nftables/libnftables.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct madp_masquerade {
	struct nft_ctx *nft; /* its netlink socket is the owner of the table */
};

static int run(struct nft_ctx *nft, const char *text, struct mams_error *err)
{
	char first[120];

	if (nft_run_cmd_from_buffer(nft, text) == 0)
		return 0;
	snprintf(first, sizeof(first), "%s", nft_ctx_get_error_buffer(nft));
	first[strcspn(first, "\n")] = '\0';
	return mams_fail(err, EIO, "nftables", "%s", first);
}

int madp_masquerade_new(const struct mams_prefix *nets, size_t n, const char *tun,
	struct madp_masquerade **out, struct mams_error *err)
{
	struct madp_masquerade *m = calloc(1, sizeof(*m));
	struct mams_buf b = {0};
	char text[MAMS_ADDR_STRLEN];
	int rc = -ENOMEM;

	if (!m)
		return -ENOMEM;
	m->nft = nft_ctx_new(NFT_CTX_DEFAULT);
	mams_buf_printf(&b, "table inet mams_trailer {\nflags owner\nchain postrouting {\n"
			    "type nat hook postrouting priority 100\npolicy accept\n");
	for (size_t i = 0; i < n; i++)
		mams_buf_printf(&b, "%s saddr %s oifname != \"%s*\" masquerade\n",
			nets[i].net.family == AF_INET ? "ip" : "ip6",
			mams_prefix_str(&nets[i], text), tun);
	mams_buf_printf(&b, "}\n}\n");
	if (m->nft && !b.failed && nft_ctx_buffer_error(m->nft) == 0 &&
		nft_ctx_buffer_output(m->nft) == 0)
		rc = run(m->nft, b.data, err);
	mams_buf_fini(&b);
	if (rc < 0)
		madp_masquerade_free(m);
	else
		*out = m;
	return rc;
}

void madp_masquerade_free(struct madp_masquerade *m)
{
	if (!m)
		return;
	if (m->nft) /* the table goes with its owner */
		nft_ctx_free(m->nft);
	free(m);
}
