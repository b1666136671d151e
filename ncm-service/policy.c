#include "ncm-service/policy.h"

const char *ncm_transport_name(enum ncm_transport t)
{
	static const char *const names[NCM_TRANSPORTS] = {
		[NCM_HTTPS] = "https", [NCM_WSS] = "wss", [NCM_UDP] = "udp"};

	return names[t];
}

const struct mams_addr *ncm_policy_proxy(const struct ncm_access *a, const struct mams_addr *client)
{
	for (size_t i = 0; i < a->n_proxies; i++)
		if (a->proxies[i].family == client->family)
			return &a->proxies[i];
	return NULL;
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
		if (!ncm_policy_proxy(a, address))
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
		return "its access has no proxy address of its family";
	case NCM_ADMIT_MTU:
		return "its MTU is too small";
	}
	return "?";
}
