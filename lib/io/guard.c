#include "lib/io/guard.h"

#include "lib/base/buf.h"

#include <nftables/libnftables.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static const char *family_of(const struct mams_addr *a)
{
	return a->family == AF_INET ? "ip" : "ip6";
}

static const struct mams_addr *end_of(const struct mams_guard_rule *r)
{
	return r->network ? &r->local : &r->remote;
}

static void put_addresses(struct mams_buf *b, const struct mams_guard_rule *r, bool out)
{
	const struct mams_addr *end = end_of(r);
	const char *family = family_of(end);
	/* at the network its end sends what leaves; at the client it receives it */
	const char *at_end = out == r->network ? "saddr" : "daddr";
	const char *at_link = out == r->network ? "daddr" : "saddr";
	char text[MAMS_ADDR_STRLEN];

	mams_buf_printf(b, "%s %s %s ", family, at_end, mams_addr_str(end, text));
	if (!r->network)
		mams_buf_printf(b, "%s %s %s ", family, at_link, mams_addr_str(&r->local, text));
}

static void put_ports(struct mams_buf *b, const struct mams_guard_rule *r, bool out)
{
	uint16_t first = end_of(r)->port;

	mams_buf_printf(b, "%s %s %u", r->udp ? "udp" : "tcp",
		out == r->network ? "sport" : "dport", first);
	if (r->ports > 1)
		mams_buf_printf(b, "-%u", first + r->ports - 1u);
	mams_buf_printf(b, " ");
}

static void put_errors(struct mams_buf *b, const struct mams_guard_rule *r)
{
	mams_buf_printf(b, "%s",
		end_of(r)->family == AF_INET
			? "icmp type { destination-unreachable, time-exceeded, parameter-problem } "
			: "icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, "
			  "parameter-problem } ");
}

static void put_verdict(struct mams_buf *b, bool out, bool kernel)
{
	mams_buf_printf(b, "%s != \"ipsec*\" %s counter drop\n", out ? "oifname" : "iifname",
		!kernel ? ""
		: out   ? "rt ipsec missing"
			: "meta ipsec missing");
}

static void put_chain(
	struct mams_buf *b, const struct mams_guard_rule *rules, size_t n, bool out, bool kernel)
{
	mams_buf_printf(b, "chain %s {\ntype filter hook %s priority -300\npolicy accept\n",
		out ? "leaves" : "enters", out ? "output" : "input");
	for (size_t i = 0; i < n; i++) {
		put_addresses(b, &rules[i], out);
		put_ports(b, &rules[i], out);
		put_verdict(b, out, kernel);
		if (!rules[i].udp || !out)
			continue;
		put_addresses(b, &rules[i], out);
		put_errors(b, &rules[i]);
		put_verdict(b, out, kernel);
	}
	mams_buf_printf(b, "}\n");
}

/* Without rules it is removed; named first, so that removing what is not there is no error. */
static int put(const char *table, const struct mams_guard_rule *rules, size_t n, bool kernel,
	struct mams_buf *b)
{
	mams_buf_printf(b, "table inet %s { }\ndelete table inet %s\n", table, table);
	if (n > 0) {
		mams_buf_printf(b, "table inet %s {\n", table);
		put_chain(b, rules, n, true, kernel);
		put_chain(b, rules, n, false, kernel);
		mams_buf_printf(b, "}\n");
	}
	return b->failed ? -ENOMEM : 0;
}

static int run(struct nft_ctx *nft, const char *table, const struct mams_guard_rule *rules,
	size_t n, bool kernel)
{
	struct mams_buf b = {0};
	int rc = put(table, rules, n, kernel, &b);

	if (rc == 0 && nft_run_cmd_from_buffer(nft, b.data) != 0)
		rc = -EIO;
	mams_buf_fini(&b);
	return rc;
}

int mams_guard_set(
	const char *table, const struct mams_guard_rule *rules, size_t n, struct mams_error *err)
{
	struct nft_ctx *nft = nft_ctx_new(NFT_CTX_DEFAULT);
	char first[120] = "no memory";
	int rc = nft && nft_ctx_buffer_error(nft) == 0 && nft_ctx_buffer_output(nft) == 0
			 ? run(nft, table, rules, n, true)
			 : -ENOMEM;

	/* a kernel without IPsec of its own has no match for it, and needs none */
	if (rc == -EIO)
		rc = run(nft, table, rules, n, false);
	if (rc == -EIO) {
		snprintf(first, sizeof(first), "%s", nft_ctx_get_error_buffer(nft));
		first[strcspn(first, "\n")] = '\0';
	}
	if (nft)
		nft_ctx_free(nft);
	return rc == 0 ? 0 : mams_fail(err, -rc, "nftables", "table inet %s: %s", table, first);
}
