#include "trailer-madp/table.h"

#include <nftables/libnftables.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct madp_table {
	struct nft_ctx *nft; /* its netlink socket is the owner of the table */
};

static int run(struct nft_ctx *nft, const char *text, struct mams_error *err)
{
	const char *why;

	if (nft_run_cmd_from_buffer(nft, text) == 0)
		return 0;
	why = nft_ctx_get_error_buffer(nft);
	return mams_fail(err, EIO, "nftables", "%.*s", (int)strcspn(why, "\n"), why);
}

int madp_table_new(struct mams_buf *rules, struct madp_table **out, struct mams_error *err)
{
	struct madp_table *t = calloc(1, sizeof(*t));
	int rc = -ENOMEM;

	if (t)
		t->nft = nft_ctx_new(NFT_CTX_DEFAULT);
	if (t && t->nft && !rules->failed && nft_ctx_buffer_error(t->nft) == 0 &&
		nft_ctx_buffer_output(t->nft) == 0)
		rc = run(t->nft, rules->data, err);
	mams_buf_fini(rules);
	if (rc < 0)
		madp_table_free(t);
	else
		*out = t;
	return rc;
}

void madp_table_free(struct madp_table *t)
{
	if (!t)
		return;
	if (t->nft) /* the table goes with its owner */
		nft_ctx_free(t->nft);
	free(t);
}
