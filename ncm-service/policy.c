#include "ncm-service/policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *ncm_transport_name(enum ncm_transport t)
{
	static const char *const names[NCM_TRANSPORTS] = {
		[NCM_HTTPS] = "https", [NCM_WSS] = "wss", [NCM_UDP] = "udp"};

	return names[t];
}

static bool is_of(const struct ncm_redirect *r, const char *mcc_mnc)
{
	for (size_t i = 0; mcc_mnc && i < r->n_mcc_mnc; i++)
		if (strcmp(r->mcc_mnc[i], mcc_mnc) == 0)
			return true;
	return r->n_mcc_mnc == 0;
}

const struct ncm_redirect *ncm_policy_redirect(
	const struct ncm_policy *p, const char *mcc_mnc, bool known, enum ncm_transport transport)
{
	for (size_t i = 0; i < p->n_redirects; i++) {
		const struct ncm_redirect *r = &p->redirects[i];

		if (r->n_endpoints[transport] > 0 && is_of(r, mcc_mnc) &&
			(!known || r->sessions == NCM_REDIRECT_ALL))
			return r;
	}
	return NULL;
}

int ncm_host_port(const char *text, char host[NCM_HOST_MAX], uint16_t *port)
{
	bool bracket = *text == '[';
	const char *start = text + bracket;
	size_t len = strcspn(start, bracket ? "]" : ":");
	const char *rest = start + len + (bracket && start[len] == ']');
	char *end;
	unsigned long v;

	if (len == 0 || len >= NCM_HOST_MAX || (bracket && start[len] != ']') || *rest != ':' ||
		rest[1] < '0' || rest[1] > '9')
		return -MAMS_EVALUE;
	v = strtoul(rest + 1, &end, 10);
	if (*end != '\0' || v < 1 || v > UINT16_MAX)
		return -MAMS_EVALUE;
	snprintf(host, NCM_HOST_MAX, "%.*s", (int)len, start);
	*port = (uint16_t)v;
	return 0;
}

const struct mams_addr *ncm_policy_proxy(
	const struct ncm_policy *p, size_t madp, size_t access, const struct mams_addr *client)
{
	const struct ncm_madp_access *a = &p->madps[madp].access[access];

	/* where IPsec is wanted there is no tunnel that is not protected */
	if (p->madps[madp].trailer && p->accesses[access].adaptation == NCM_ADAPT_IPSEC &&
		p->accesses[access].tunnel != MX_ADAPT_DTLS &&
		p->accesses[access].tunnel != MX_ADAPT_IPSEC)
		return NULL;
	if (!mams_addr_is_set(client))
		return a->n > 0 ? &a->proxies[0] : NULL;
	for (size_t i = 0; i < a->n; i++)
		if (a->proxies[i].family == client->family)
			return &a->proxies[i];
	return NULL;
}

bool ncm_policy_shares(const struct ncm_madp_conf *a, const struct ncm_madp_conf *b)
{
	size_t same = 0;

	for (size_t i = 0; i < a->n_addresses; i++)
		for (size_t k = 0; k < b->n_addresses; k++)
			same += a->addresses[i].len == b->addresses[k].len &&
				mams_addr_eq_ip(&a->addresses[i].net, &b->addresses[k].net);
	return same > 0 && same == a->n_addresses && same == b->n_addresses;
}

uint32_t ncm_policy_method(const struct ncm_madp_conf *m)
{
	return 1u << (m->trailer ? MX_CONV_GMA : MX_CONV_MPTCP_PROXY);
}

bool ncm_anchor_needs_madp(const struct ncm_anchor_conf *a, uint32_t agreed)
{
	return (a->methods & agreed) != 0;
}

/* Is there a use for the link: an instance with an address, or an anchor that needs none? */
static bool has_use(const struct ncm_policy *p, size_t access, const struct mams_addr *client)
{
	for (size_t i = 0; i < p->n_madps; i++)
		if (ncm_policy_proxy(p, i, access, client))
			return true;
	for (size_t i = 0; i < p->n_anchors; i++)
		if (!p->anchors[i].methods && (p->anchors[i].accesses & 1u << access))
			return true;
	return false;
}

static bool has_client(const struct ncm_access *a, const struct mams_addr *client)
{
	for (size_t i = 0; i < a->n_client_networks; i++)
		if (mams_prefix_has(&a->client_networks[i], client))
			return true;
	return false;
}

enum ncm_admission ncm_policy_admit(const struct ncm_policy *p, int connection_type,
	const struct mams_addr *address, uint32_t mtu, size_t *access)
{
	if (!mams_addr_is_set(address))
		return NCM_ADMIT_NO_ADDRESS;
	if (mtu > 0 && mtu < (address->family == AF_INET6 ? 1280u : 576u))
		return NCM_ADMIT_MTU;
	for (size_t i = 0; i < p->n_accesses; i++) {
		const struct ncm_access *a = &p->accesses[i];

		if (a->connection_type != connection_type || !has_client(a, address))
			continue;
		if (!has_use(p, i, address))
			return NCM_ADMIT_NO_PROXY;
		*access = i;
		return NCM_ADMIT_OK;
	}
	return NCM_ADMIT_NO_ACCESS;
}

enum ncm_admission ncm_policy_assume(
	const struct ncm_policy *p, int connection_type, size_t *access)
{
	const struct mams_addr unknown = {0};

	for (size_t i = 0; i < p->n_accesses; i++) {
		if (p->accesses[i].connection_type != connection_type)
			continue;
		if (!has_use(p, i, &unknown))
			return NCM_ADMIT_NO_PROXY;
		*access = i;
		return NCM_ADMIT_OK;
	}
	return NCM_ADMIT_NO_ACCESS;
}

const char *ncm_admission_text(enum ncm_admission a)
{
	switch (a) {
	case NCM_ADMIT_OK:
		return "admitted";
	case NCM_ADMIT_NO_ADDRESS:
		return "it has no address";
	case NCM_ADMIT_NO_ACCESS:
		return "no access of its type has its network in client_networks";
	case NCM_ADMIT_NO_PROXY:
		return "no N-MADP instance has an address of its family there";
	case NCM_ADMIT_MTU:
		return "its MTU is too small";
	case NCM_ADMIT_NO_IPSEC:
		return "its access wants IPsec, which the client cannot do";
	}
	return "?";
}
