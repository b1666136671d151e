#include "proxy/catch.h"

#include "lib/base/buf.h"
#include "lib/base/log.h"

#include <nftables/libnftables.h>

#include <errno.h>
#include <string.h>

#define LOG_MODULE "catch"

struct px_catch {
	const struct px_conf *conf;
	struct nft_ctx *nft; /* its netlink socket is the owner of the table */
	bool on;             /**< the redirecting rules stand */
	bool draining;       /**< the chain that catches nothing stands */
};

int px_catch_new(const struct px_conf *conf, struct px_catch **out)
{
	struct px_catch *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->conf = conf;
	c->nft = nft_ctx_new(NFT_CTX_DEFAULT);
	if (!c->nft || nft_ctx_buffer_error(c->nft) != 0 || nft_ctx_buffer_output(c->nft) != 0) {
		px_catch_free(c);
		return -ENOMEM;
	}
	*out = c;
	return 0;
}

void px_catch_free(struct px_catch *c)
{
	if (!c)
		return;
	px_catch_off(c, false);
	px_catch_drained(c);
	if (c->nft)
		nft_ctx_free(c->nft);
	free(c);
}

static int run(struct px_catch *c, const char *text, struct mams_error *err)
{
	char first[120];

	if (nft_run_cmd_from_buffer(c->nft, text) == 0)
		return 0;
	snprintf(first, sizeof(first), "%s", nft_ctx_get_error_buffer(c->nft));
	first[strcspn(first, "\n")] = '\0';
	return mams_fail(err, EIO, "nftables",
		"table inet mams: %s (if another process holds it, end that process)", first);
}

static const char *family_of(const struct mams_addr *a)
{
	return a->family == AF_INET ? "ip" : "ip6";
}

static void put_rules(
	const struct px_catch *c, const struct mams_addr *proxies, size_t n, struct mams_buf *b)
{
	char text[MAMS_ADDR_STRLEN];

	mams_buf_printf(b, "meta l4proto != tcp accept\n");
	/* what is under way stays where it is: to the kernel's tracking it may be new */
	mams_buf_printf(b, "tcp flags & (fin | syn | rst | ack) != syn accept\n");
	mams_buf_printf(b, "meta mark %u accept\n", c->conf->mark);
	mams_buf_printf(b, "fib daddr type { local, broadcast, multicast, anycast } accept\n");
	mams_buf_printf(b, "ip daddr 169.254.0.0/16 accept\nip6 daddr fe80::/10 accept\n");
	for (size_t i = 0; i < n; i++)
		mams_buf_printf(b, "%s daddr %s accept\n", family_of(&proxies[i]),
			mams_addr_str(&proxies[i], text));
	for (size_t i = 0; i < c->conf->n_exempt; i++)
		mams_buf_printf(b, "%s daddr %s accept\n", family_of(&c->conf->exempt[i].net),
			mams_prefix_str(&c->conf->exempt[i], text));
	for (size_t i = 0; i < c->conf->n_listen; i++)
		mams_buf_printf(b, "meta nfproto %s meta l4proto tcp redirect to :%u\n",
			c->conf->listen[i].family == AF_INET ? "ipv4" : "ipv6",
			c->conf->listen[i].port);
}

static int replace(struct px_catch *c, bool rules, const struct mams_addr *proxies, size_t n,
	struct mams_error *err)
{
	struct mams_buf b = {0};
	int rc = -ENOMEM;

	/* one transaction: there is never a moment with half a table, or none */
	if (c->on || c->draining)
		mams_buf_printf(&b, "delete table inet mams\n");
	mams_buf_printf(&b, "table inet mams {\nflags owner\nchain output {\n"
			    "type nat hook output priority -100\npolicy accept\n");
	if (rules)
		put_rules(c, proxies, n, &b);
	else /* changes nothing, but the kernel tracks connections only while a rule wants it */
		mams_buf_printf(&b, "ct state established accept\n");
	mams_buf_printf(&b, "}\n}\n");
	if (!b.failed)
		rc = run(c, b.data, err);
	mams_buf_fini(&b);
	return rc;
}

int px_catch_on(
	struct px_catch *c, const struct mams_addr *proxies, size_t n, struct mams_error *err)
{
	int rc = replace(c, true, proxies, n, err);

	if (rc == 0) {
		c->on = true;
		c->draining = false;
	}
	return rc;
}

void px_catch_off(struct px_catch *c, bool running)
{
	struct mams_error err;
	int rc;

	if (!c->on)
		return;
	rc = running ? replace(c, false, NULL, 0, &err) : run(c, "delete table inet mams\n", &err);
	if (rc < 0)
		log_err("%s: %s", err.where, err.text);
	c->on = false;
	c->draining = running && rc == 0;
}

void px_catch_drained(struct px_catch *c)
{
	struct mams_error err;

	if (!c->draining)
		return;
	if (run(c, "delete table inet mams\n", &err) < 0)
		log_err("%s: %s", err.where, err.text);
	c->draining = false;
}

bool px_catch_is_draining(const struct px_catch *c)
{
	return c->draining;
}

bool px_catch_is_on(const struct px_catch *c)
{
	return c->on;
}
