#include "ncm-service/config_plane.h"

#include "lib/mx/mx_tables.h"
#include "ncm-service/compose.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* What N-MADP instances can be driven with. */
#define METHODS_DRIVEN (1u << MX_CONV_MPTCP_PROXY | 1u << MX_CONV_GMA)
#define DNS_MAX 8

static int find_access(const struct ncm_policy *p, const char *name, size_t len)
{
	for (size_t i = 0; i < p->n_accesses; i++)
		if (strlen(p->accesses[i].name) == len &&
			strncmp(p->accesses[i].name, name, len) == 0)
			return (int)i;
	return -1;
}

static int find_madp(const struct ncm_policy *p, const char *name)
{
	for (size_t i = 0; i < p->n_madps; i++)
		if (strcmp(p->madps[i].name, name) == 0)
			return (int)i;
	return -1;
}

static int add_proxy(struct ncm_madp_conf *m, size_t access, const struct mams_addr *a)
{
	struct ncm_madp_access *x = &m->access[access];

	if (x->n == 2 || (x->n == 1 && x->proxies[0].family == a->family))
		return -MAMS_ELIMIT;
	x->proxies[x->n++] = *a;
	return 0;
}

/* ---- instances ---- */

static int take_end(const struct ncm_policy *p, struct ncm_madp_conf *m, const char *text,
	const char *path, struct mams_error *err)
{
	const char *key = m->trailer ? "tunnels" : "proxies";
	size_t len = strcspn(text, " ");
	int access = find_access(p, text, len);
	struct mams_addr a;
	int rc = -MAMS_EVALUE;

	if (text[len] != '\0' && access >= 0)
		rc = m->trailer ? mams_addr_parse(text + len + 1, &a)
				: mams_addr_parse_port(text + len + 1, 7443, &a);
	if (rc < 0)
		return mams_fail(err, MAMS_EVALUE, path,
			"madp %s: %s: \"%.60s\" is not the name of an access, a space and %s",
			m->name, key, text, m->trailer ? "an address" : "address:port");
	if (m->trailer && p->accesses[access].tunnel == MX_ADAPT_CLIENT_NAT && a.family != AF_INET)
		return mams_fail(err, MAMS_EVALUE, path,
			"madp %s: tunnels: access %s has tunnel = Client_NAT, which is IPv4 only",
			m->name, p->accesses[access].name);
	if (add_proxy(m, (size_t)access, &a) < 0)
		return mams_fail(err, MAMS_EVALUE, path,
			"madp %s: %s: more than one IPv4 and one IPv6 address on access %s",
			m->name, key, p->accesses[access].name);
	return 0;
}

/* A proxy with its plugin, or a trailer with the addresses of its clients. */
static int check_kind(const struct ncm_madp_conf *m, const char *path, struct mams_error *err)
{
	bool remote = mams_addr_is_set(&m->remote);

	if (!m->trailer && (!m->ctl || (!m->pm && !remote) || m->n_texts == 0))
		return mams_fail(err, MAMS_EMISSING, path,
			"madp %s: ctl, pm and proxies are required, or trailer, tunnels and "
			"addresses",
			m->name);
	if (remote && m->pm)
		return mams_fail(err, MAMS_EVALUE, path,
			"madp %s: pm: on another host the proxy passes on what is for the plugin",
			m->name);
	if (m->ctl_name && !remote)
		return mams_fail(err, MAMS_EVALUE, path,
			"madp %s: ctl_name belongs to an instance on another host, whose ctl or "
			"trailer is an address:port",
			m->name);
	if (!m->trailer && (m->n_tunnels || m->n_addresses || m->n_dns))
		return mams_fail(err, MAMS_EVALUE, path,
			"madp %s: tunnels, addresses and dns belong to a trailer", m->name);
	if (!m->trailer)
		return 0;
	if (m->ctl || m->pm || m->n_texts)
		return mams_fail(err, MAMS_EVALUE, path,
			"madp %s: ctl, pm and proxies are a proxy's: it has a section of its own",
			m->name);
	if (m->n_tunnels == 0 || m->n_addresses == 0)
		return mams_fail(err, MAMS_EMISSING, path,
			"madp %s: trailer needs tunnels and addresses", m->name);
	if (m->n_dns > DNS_MAX)
		return mams_fail(err, MAMS_EVALUE, path, "madp %s: dns: at most %d servers",
			m->name, DNS_MAX);
	return 0;
}

static int check_addresses(const struct ncm_madp_conf *m, const char *path, struct mams_error *err)
{
	for (size_t i = 0; i < m->n_addresses; i++) {
		const struct mams_prefix *a = &m->addresses[i];

		if (m->n_addresses > 2 || (i == 1 && a->net.family == m->addresses[0].net.family))
			return mams_fail(err, MAMS_EVALUE, path,
				"madp %s: addresses: one IPv4 and one IPv6 network at most",
				m->name);
		if (a->len < 8 || a->len > (a->net.family == AF_INET ? 30 : 126))
			return mams_fail(err, MAMS_EVALUE, path,
				"madp %s: addresses: a network of /8 to /30, or /126 with IPv6",
				m->name);
		if (a->net.family == AF_INET6 && m->mtu < 1280)
			return mams_fail(err, MAMS_EVALUE, path,
				"madp %s: mtu: IPv6 needs 1280 at least", m->name);
	}
	return 0;
}

/* Two trailers have a network together, or nothing. */
static int check_shared(
	const struct ncm_conf *c, size_t madp, const char *path, struct mams_error *err)
{
	const struct ncm_policy *p = &c->policy;
	const struct ncm_madp_conf *m = &p->madps[madp];

	for (size_t i = 0; i < madp; i++) {
		const struct ncm_madp_conf *o = &p->madps[i];

		for (size_t k = 0; k < m->n_addresses * o->n_addresses; k++) {
			const struct mams_prefix *a = &m->addresses[k % m->n_addresses];
			const struct mams_prefix *b = &o->addresses[k / m->n_addresses];

			if ((mams_prefix_has(a, &b->net) || mams_prefix_has(b, &a->net)) &&
				ncm_policy_shares(m, o) && c->redis)
				return mams_fail(err, MAMS_EVALUE, path,
					"madp %s: addresses: those of madp %s; with redis each has "
					"its own, since NCM instances do not see each other's",
					m->name, o->name);
			if ((mams_prefix_has(a, &b->net) || mams_prefix_has(b, &a->net)) &&
				!ncm_policy_shares(m, o))
				return mams_fail(err, MAMS_EVALUE, path,
					"madp %s: addresses: overlap those of madp %s; the same "
					"or others altogether",
					m->name, o->name);
		}
	}
	return 0;
}

/* A session has its addresses for all links. */
static int check_nat(const struct ncm_policy *p, const struct ncm_madp_conf *m, const char *path,
	struct mams_error *err)
{
	bool v6 = false;

	for (size_t i = 0; m->trailer && i < m->n_addresses; i++)
		v6 = v6 || m->addresses[i].net.family == AF_INET6;
	for (size_t i = 0; v6 && i < p->n_accesses; i++)
		if (p->accesses[i].tunnel == MX_ADAPT_CLIENT_NAT && m->access[i].n > 0)
			return mams_fail(err, MAMS_EVALUE, path,
				"madp %s: addresses: IPv4 only, since access %s has tunnel = "
				"Client_NAT",
				m->name, p->accesses[i].name);
	return 0;
}

static const char *socket_of(const struct ncm_madp_conf *m)
{
	return m->trailer ? m->trailer : m->ctl;
}

/* A path, or an address of another host. */
static int take_ctl(
	struct ncm_conf *c, struct ncm_madp_conf *m, const char *path, struct mams_error *err)
{
	const char *text = socket_of(m);
	char host[MAMS_ADDR_STRLEN];

	if (!text || text[0] == '/' || mams_addr_parse_port(text, 0, &m->remote) < 0 ||
		m->remote.port == 0) {
		m->remote = (struct mams_addr){0};
		return 0;
	}
	if (!c->ctl.ca_file || !c->ctl.cert_file || !c->ctl.key_file)
		return mams_fail(err, MAMS_EMISSING, path,
			"madp %s: on another host: ctl_ca, ctl_certificate and ctl_key are "
			"required",
			m->name);
	if (!m->ctl_name)
		m->ctl_name = mams_arena_strdup(c->arena, mams_addr_str(&m->remote, host));
	return m->ctl_name ? 0 : -ENOMEM;
}

static int take_madp(struct ncm_conf *c, size_t i, const char *path, struct mams_error *err)
{
	const struct ncm_policy *p = &c->policy;
	struct ncm_madp_conf *m = &p->madps[i];
	int rc = take_ctl(c, m, path, err);

	if (rc == 0)
		rc = check_kind(m, path, err);

	if (rc == 0)
		rc = check_addresses(m, path, err);
	if (rc == 0)
		rc = check_shared(c, i, path, err);
	if (rc < 0)
		return rc;
	if (strlen(m->name) >= NCM_NAME_MAX)
		return mams_fail(err, MAMS_EVALUE, path, "madp %s: name is longer than %d octets",
			m->name, NCM_NAME_MAX - 1);
	for (size_t k = 0; k < i; k++)
		if (strcmp(socket_of(&p->madps[k]), socket_of(m)) == 0)
			return mams_fail(err, MAMS_EVALUE, path,
				"madp %s and %s have the same ctl socket", p->madps[k].name,
				m->name);
	for (size_t k = 0; rc == 0 && k < m->n_texts; k++)
		rc = take_end(p, m, m->texts[k], path, err);
	for (size_t k = 0; rc == 0 && k < m->n_tunnels; k++)
		rc = take_end(p, m, m->tunnels[k], path, err);
	return rc < 0 ? rc : check_nat(p, m, path, err);
}

/* Without a section: the one that proxy_socket, pm_socket and the accesses' proxies name. */
static int make_madp(struct ncm_conf *c)
{
	struct ncm_policy *p = &c->policy;
	struct ncm_madp_conf *m = mams_arena_alloc(c->arena, sizeof(*m));

	if (!m)
		return -ENOMEM;
	*m = (struct ncm_madp_conf){.name = "local", .ctl = c->proxy_socket, .pm = c->pm_socket};
	for (size_t i = 0; i < p->n_accesses; i++)
		for (size_t k = 0; k < p->accesses[i].n_proxies; k++)
			(void)!add_proxy(m, i, &p->accesses[i].proxies[k]);
	p->madps = m;
	p->n_madps = 1;
	return 0;
}

static int take_madps(struct ncm_conf *c, const char *path, struct mams_error *err)
{
	struct ncm_policy *p = &c->policy;
	int rc = 0;

	for (size_t i = 0; i < p->n_accesses; i++) {
		if (p->n_madps > 0 && p->accesses[i].n_proxies > 0)
			return mams_fail(err, MAMS_EVALUE, path,
				"access %s: with madp sections the proxies stand there: \"%s "
				"ADDRESS:PORT\"",
				p->accesses[i].name, p->accesses[i].name);
		if (p->n_madps == 0 && p->accesses[i].n_proxies == 0)
			return mams_fail(err, MAMS_EMISSING, path,
				"access %s: proxies is missing (the N-MADP's own address on this "
				"access)",
				p->accesses[i].name);
	}
	if (p->n_madps == 0)
		return make_madp(c);
	for (size_t i = 0; rc == 0 && i < p->n_madps; i++)
		rc = take_madp(c, i, path, err);
	return rc;
}

/* ---- anchors ---- */

static uint32_t first(size_t n)
{
	return n >= 32 ? UINT32_MAX : (1u << n) - 1u;
}

static int take_methods(struct ncm_anchor_conf *a, const char *path, struct mams_error *err)
{
	for (size_t i = 0; i < a->n_method_names; i++) {
		int method;

		if (strcmp(a->method_names[i], "none") == 0 && a->n_method_names == 1)
			return 0;
		if (mams_enum_parse(mx_convergence_names, a->method_names[i], &method) < 0 ||
			!(METHODS_DRIVEN & 1u << method))
			return mams_fail(err, MAMS_EVALUE, path,
				"anchor %s: methods: \"%.40s\" is not driven by this NCM; "
				"MPTCP_Proxy and GMA are, and \"none\" alone is the control plane "
				"only",
				a->name, a->method_names[i]);
		a->methods |= 1u << method;
	}
	if (a->methods & (a->methods - 1))
		return mams_fail(err, MAMS_EVALUE, path,
			"anchor %s: methods: an anchor has one; MPTCP_Proxy and GMA beside each "
			"other are two anchors",
			a->name);
	return 0;
}

/* The instances of its method. */
static int take_kind(const struct ncm_policy *p, struct ncm_anchor_conf *a, const char *path,
	struct mams_error *err)
{
	for (size_t i = 0; i < p->n_madps; i++)
		if (a->methods && !(a->methods & ncm_policy_method(&p->madps[i]))) {
			if (a->n_madp_names > 0 && (a->madps & 1u << i))
				return mams_fail(err, MAMS_EVALUE, path,
					"anchor %s: madps: %s cannot serve %s", a->name,
					p->madps[i].name, a->method_names[0]);
			a->madps &= ~(1u << i);
		}
	if (a->methods && !a->madps)
		return mams_fail(err, MAMS_EMISSING, path, "anchor %s: no madp section serves %s",
			a->name, a->method_names[0]);
	return 0;
}

static int take_names(const struct ncm_policy *p, struct ncm_anchor_conf *a, const char *path,
	struct mams_error *err)
{
	for (size_t i = 0; i < a->n_access_names; i++) {
		int k = find_access(p, a->access_names[i], strlen(a->access_names[i]));

		if (k < 0)
			return mams_fail(err, MAMS_EVALUE, path,
				"anchor %s: accesses: there is no access \"%.40s\"", a->name,
				a->access_names[i]);
		a->accesses |= 1u << k;
	}
	for (size_t i = 0; i < a->n_madp_names; i++) {
		int k = find_madp(p, a->madp_names[i]);

		if (k < 0)
			return mams_fail(err, MAMS_EVALUE, path,
				"anchor %s: madps: there is no madp \"%.40s\"", a->name,
				a->madp_names[i]);
		a->madps |= 1u << k;
	}
	if (a->n_access_names == 0)
		a->accesses = first(p->n_accesses);
	if (a->n_madp_names == 0)
		a->madps = first(p->n_madps);
	return take_kind(p, a, path, err);
}

static int make_anchor(struct ncm_conf *c, const char *path, struct mams_error *err)
{
	struct ncm_policy *p = &c->policy;
	struct ncm_anchor_conf *a = mams_arena_alloc(c->arena, sizeof(*a));

	if (!a)
		return -ENOMEM;
	*a = (struct ncm_anchor_conf){.name = "anchor",
		.connection_id = c->anchor_id,
		.connection_type = c->anchor_type,
		.methods = 1u << MX_CONV_MPTCP_PROXY,
		.accesses = first(p->n_accesses),
		.madps = first(p->n_madps)};
	for (size_t i = 0; i < p->n_madps; i++)
		if (p->madps[i].trailer)
			a->madps &= ~(1u << i);
	if (!a->madps)
		return mams_fail(err, MAMS_EMISSING, path,
			"anchor: required where all madp sections are trailers, with methods = "
			"{ GMA }");
	p->anchors = a;
	p->n_anchors = 1;
	return 0;
}

static int take_app(const struct ncm_policy *p, struct ncm_app_conf *a, const char *path,
	struct mams_error *err)
{
	if (a->dscp == NCM_DSCP_ANY && a->protocol == 255 && a->n_destinations == 0 &&
		a->port_first == 0 && a->port_last == 65535)
		return mams_fail(err, MAMS_EMISSING, path,
			"application %s: dscp, protocol, destination, port_first or port_last: one "
			"is "
			"required, or it is all traffic",
			a->name);
	if (strlen(a->name) >= NCM_NAME_MAX)
		return mams_fail(err, MAMS_EVALUE, path,
			"application %.40s: its name has at most %d octets", a->name,
			NCM_NAME_MAX - 1);
	if (a->port_first > a->port_last || a->n_destinations > 1)
		return mams_fail(err, MAMS_EVALUE, path, "application %s: %s", a->name,
			a->n_destinations > 1 ? "destination: one network"
					      : "port_first is above port_last");
	if (a->n_access_names > NCM_LINKS_MAX)
		return mams_fail(err, MAMS_ELIMIT, path, "application %s: accesses: at most %u",
			a->name, NCM_LINKS_MAX);
	for (size_t i = 0; i < a->n_access_names; i++) {
		int k = find_access(p, a->access_names[i], strlen(a->access_names[i]));

		if (k < 0)
			return mams_fail(err, MAMS_EVALUE, path,
				"application %s: accesses: there is no access \"%.40s\"", a->name,
				a->access_names[i]);
		a->order[a->n_order++] = (uint8_t)k;
	}
	return 0;
}

static int take_apps(struct ncm_conf *c, const char *path, struct mams_error *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < c->policy.n_apps; i++)
		rc = take_app(&c->policy, &c->policy.apps[i], path, err);
	return rc;
}

static int take_anchors(struct ncm_conf *c, const char *path, struct mams_error *err)
{
	struct ncm_policy *p = &c->policy;
	unsigned native = 0;
	unsigned tunnels = 0;
	int rc = 0;

	if (p->n_anchors == 0)
		return make_anchor(c, path, err);
	for (size_t i = 0; rc == 0 && i < p->n_anchors; i++) {
		for (size_t k = 0; k < i; k++)
			if (p->anchors[k].connection_id == p->anchors[i].connection_id)
				return mams_fail(err, MAMS_EVALUE, path,
					"anchors %s and %s have the same id", p->anchors[k].name,
					p->anchors[i].name);
		rc = take_methods(&p->anchors[i], path, err);
		if (rc == 0)
			rc = take_names(p, &p->anchors[i], path, err);
		native += rc == 0 && p->anchors[i].methods == 0;
		tunnels += rc == 0 && (p->anchors[i].methods & 1u << MX_CONV_GMA);
	}
	if (rc == 0 && tunnels > 1)
		return mams_fail(err, MAMS_EVALUE, path,
			"anchor: one with GMA at most: a client's mams-trailer has one session");
	if (rc == 0 && native > 1)
		return mams_fail(err, MAMS_EVALUE, path,
			"anchor: one with methods = { none } at most: a client has one native "
			"network");
	return rc;
}

static int take_features(struct ncm_conf *c, const char *path, struct mams_error *err)
{
	struct ncm_policy *p = &c->policy;

	if (c->n_features == 0)
		p->features = p->control_port ? NCM_FEATURES : NCM_FEATURES & ~(1u << MX_F_PROBING);
	for (size_t i = 0; i < c->n_features; i++) {
		int f;

		if (mams_enum_parse(mx_feature_names, c->features[i], &f) < 0)
			return mams_fail(err, MAMS_EVALUE, path,
				"features: \"%.40s\" is none that this NCM has: "
				"lossless_switching, fragmentation, concatenation, "
				"uplink_aggregation, downlink_aggregation, "
				"measurement, probing",
				c->features[i]);
		p->features |= 1u << f;
	}
	return 0;
}

static int check_redirect(const struct ncm_redirect *r, const char *path, struct mams_error *err)
{
	char host[NCM_HOST_MAX];
	uint16_t port;
	size_t n = 0;

	for (int t = 0; t < NCM_TRANSPORTS; t++) {
		n += r->n_endpoints[t];
		if (r->n_endpoints[t] > MX_MAX_CONNECTIONS)
			return mams_fail(err, MAMS_EVALUE, path,
				"redirect %s: at most %d endpoints are told to clients", r->name,
				MX_MAX_CONNECTIONS);
		for (size_t i = 0; i < r->n_endpoints[t]; i++)
			if (ncm_host_port(r->endpoints[t][i], host, &port) < 0)
				return mams_fail(err, MAMS_EVALUE, path,
					"redirect %s: \"%.60s\" is not host:port or "
					"[IPv6 address]:port",
					r->name, r->endpoints[t][i]);
	}
	if (n == 0)
		return mams_fail(err, MAMS_EMISSING, path,
			"redirect %s: endpoints is missing (where the other NCM is)", r->name);
	return 0;
}

static bool shares_address(const struct ncm_madp_access *a, const struct ncm_madp_access *b)
{
	for (size_t i = 0; i < a->n; i++)
		for (size_t k = 0; k < b->n; k++)
			if (mams_addr_eq_ip(&a->proxies[i], &b->proxies[k]))
				return true;
	return false;
}

static bool is_protected(const struct ncm_policy *p, size_t madp, size_t access)
{
	return p->madps[madp].trailer ? p->accesses[access].tunnel == MX_ADAPT_IPSEC
				      : p->accesses[access].adaptation == NCM_ADAPT_IPSEC;
}

/* An association catches all packets between its addresses, so those of a tunnel inside IPsec are
 * its own, and what a proxy has inside IPsec is no tunnel's end. */
static int check_apart(const struct ncm_policy *p, const char *path, struct mams_error *err)
{
	for (size_t m = 0; m < p->n_madps * p->n_madps; m++)
		for (size_t a = 0; a < p->n_accesses; a++)
			for (size_t b = 0; b < p->n_accesses; b++) {
				size_t x = m / p->n_madps;
				size_t y = m % p->n_madps;

				if ((x == y && a == b) || !is_protected(p, x, a) ||
					(!p->madps[x].trailer && !p->madps[y].trailer) ||
					!shares_address(
						&p->madps[x].access[a], &p->madps[y].access[b]))
					continue;
				return mams_fail(err, MAMS_EVALUE, path,
					"madp %s has IPsec on access %s at an address that madp %s "
					"has on access %s: give each an address of its own",
					p->madps[x].name, p->accesses[a].name, p->madps[y].name,
					p->accesses[b].name);
			}
	return 0;
}

/* What protects an address would catch the packets of the other access to it. */
static int check_protected(const struct ncm_policy *p, const char *path, struct mams_error *err)
{
	for (size_t m = 0; m < p->n_madps * p->n_madps; m++)
		for (size_t a = 0; a < p->n_accesses; a++)
			for (size_t b = 0; b < p->n_accesses; b++)
				if (p->accesses[a].adaptation == NCM_ADAPT_IPSEC &&
					p->accesses[b].adaptation != NCM_ADAPT_IPSEC &&
					shares_address(&p->madps[m / p->n_madps].access[a],
						&p->madps[m % p->n_madps].access[b]))
					return mams_fail(err, MAMS_EVALUE, path,
						"access %s has IPsec, and access %s the same proxy "
						"address without: give %s one of its own",
						p->accesses[a].name, p->accesses[b].name,
						p->accesses[a].name);
	return 0;
}

int ncm_conf_plane(struct ncm_conf *c, const char *path, struct mams_error *err)
{
	int rc = take_madps(c, path, err);

	if (rc == 0)
		rc = check_protected(&c->policy, path, err);
	if (rc == 0)
		rc = check_apart(&c->policy, path, err);
	if (rc == 0)
		rc = take_anchors(c, path, err);
	if (rc == 0)
		rc = take_apps(c, path, err);
	for (size_t i = 0; rc == 0 && i < c->policy.n_redirects; i++)
		rc = check_redirect(&c->policy.redirects[i], path, err);
	return rc == 0 ? take_features(c, path, err) : rc;
}
