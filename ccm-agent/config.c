#include "ccm-agent/config.h"

#include "ccm-agent/compose.h"
#include "ccm-agent/ways.h"
#include "lib/mx/mx_tables.h"

#include <errno.h>
#include <string.h>

static const struct mams_enum_name analytics_unit_names[] = {
	{"ms", CCM_UNIT_MS, false}, {"s", CCM_UNIT_S, false}, {NULL, 0, false}};

#define AT(m) offsetof(struct ccm_conf, m)
#define IN_LINK(m) offsetof(struct ccm_link_conf, m)

static const struct mams_conf_row link_rows[] = {
	{"connection_id", MAMS_C_INT, IN_LINK(connection_id), .max = CCM_LINKS_MAX - 1,
		.required = true, .doc = "0 to 15, different for each link"},
	{"type", MAMS_C_ENUM, IN_LINK(connection_type), .names = mx_connection_type_names,
		.required = true, .doc = "Wi-Fi, LTE, 5G_NR or MulteFire"},
	{"interface", MAMS_C_STRING, IN_LINK(interface), .required = true,
		.doc = "name of the network interface"},
	{"gateway", MAMS_C_ADDR, IN_LINK(gateway),
		.doc = "IPv4 next hop; default: learned from the interface's default route"},
	{"gateway6", MAMS_C_ADDR, IN_LINK(gateway6), .doc = "IPv6 next hop, likewise"},
	{"ssid", MAMS_C_STRING, IN_LINK(ssid),
		.doc = "of the Wi-Fi network, told to the NCM; default: as the radio says"},
	{"node_id", MAMS_C_STRING, IN_LINK(node_id),
		.doc = "of the base station or access point, likewise; in handovers the link's "
		       "name "
		       "stands for it"},
	{"priority", MAMS_C_INT, IN_LINK(priority), .max = 1000, .def = "0",
		.doc = "new connections try links with a lower number first, of those with the "
		       "same "
		       "the nearest"},
	{"signal_low", MAMS_C_SIGNED, IN_LINK(fade.low), .min = -140, .max = 0, .def = "0",
		.doc = "dBm, of RSSI or RSRP: at or below it the link is left while it still "
		       "works; 0: its signal does not count"},
	{"signal_good", MAMS_C_SIGNED, IN_LINK(fade.good), .min = -140, .max = 0, .def = "0",
		.doc = "at or above it for 3 s the link is used again; default: 6 dB above "
		       "signal_low"},
	{"signal_ahead", MAMS_C_DURATION, IN_LINK(fade.ahead_ms), .max = 10000, .def = "1s",
		.doc = "a link is left, too, when its signal falls so that it will be low by "
		       "then"},
};
static const struct mams_conf_table link_table = {
	"link", sizeof(struct ccm_link_conf), link_rows, MAMS_ARRAY_LEN(link_rows), IN_LINK(name)};

#define IN_APP(m) offsetof(struct ccm_app_conf, m)
static const struct mams_conf_row app_rows[] = {
	{"cgroup", MAMS_C_STRING, IN_APP(cgroup), .required = true,
		.doc = "control group of version 2 whose processes, and those of the groups inside "
		       "it, are meant: a directory below /sys/fs/cgroup, or relative to that"},
	{"dscp", MAMS_C_INT, IN_APP(dscp), .min = 1, .max = 63, .required = true,
		.doc = "what their packets are marked with, such as 43 of those for local use"},
};
static const struct mams_conf_table app_table = {"application", sizeof(struct ccm_app_conf),
	app_rows, MAMS_ARRAY_LEN(app_rows), IN_APP(name)};

static const struct mams_conf_row rows[] = {
	{"ctl_socket", MAMS_C_STRING, AT(ctl_socket), .def = "/run/mams/ccm.ctl",
		.doc = "where mamsctl reaches this daemon"},
	{"proxy_socket", MAMS_C_STRING, AT(proxy_socket), .def = "/run/mams/proxy.ctl",
		.doc = "ctl socket of the client's mams-proxy"},
	{"pm_socket", MAMS_C_STRING, AT(pm_socket), .def = "/run/mams/pm.ctl",
		.doc = "ctl socket of mptcpd's mams_pm plugin"},
	{"trailer_socket", MAMS_C_STRING, AT(trailer_socket), .def = "/run/mams/trailer.ctl",
		.doc = "ctl socket of the client's mams-trailer, for GMA"},
	{"vici_socket", MAMS_C_STRING, AT(vici_socket), .def = "none",
		.doc = "charon's VICI socket: IPsec is offered as adaptation; none: it is not"},
	{"client_nat", MAMS_C_BOOL, AT(session.client_nat), .def = "no",
		.doc = "client NAT is offered as adaptation of GMA; client_nat of mams-trailer's "
		       "configuration must be on, too"},
	{"state_file", MAMS_C_STRING, AT(state_file), .def = "/run/mams/ccm.state",
		.doc = "kernel settings as they were before us"},
	{"api_socket", MAMS_C_STRING, AT(api_socket),
		.doc = "UNIX socket of the CCM API for applications; none: not there; default: "
		       "ccm-api.sock beside ctl_socket"},
	{"api_group", MAMS_C_STRING, AT(api_group),
		.doc = "members of this group may use the CCM API, besides root and this agent's "
		       "user"},
	{"api_users", MAMS_C_STRINGS, AT(api_users), AT(n_api_users),
		.doc = "users who may use the CCM API, likewise"},
	{"api_listen", MAMS_C_ADDR_PORTS, AT(api_listen), AT(n_api_listen),
		.doc = "loopback addresses with ports at which the CCM API listens, too; default: "
		       "none"},
	{"api_certificate", MAMS_C_FILE, AT(api_certificate),
		.doc = "PEM, for https at api_listen; default: http, which does not leave this "
		       "host"},
	{"api_key", MAMS_C_SECRET_FILE, AT(api_key), .doc = "PEM key of api_certificate"},
	{"api_lifetime", MAMS_C_DURATION, AT(api_lifetime_ms), .min = 1000, .max = 604800000,
		.def = "1h",
		.doc = "a requirement of an application ends after this, or earlier as it says"},
	{"page_listen", MAMS_C_ADDR_PORTS, AT(page_listen), AT(n_page_listen),
		.doc = "loopback addresses with ports of the status page, for browsers of those "
		       "who may use the CCM API; default: none"},
	{"ncm", MAMS_C_STRINGS, AT(ncm), AT(n_ncm), .required = true,
		.doc = "URLs of the NCM, \"https://host:port\", likewise wss:// and udp://, in "
		       "order of preference"},
	{"secure_interfaces", MAMS_C_STRINGS, AT(secure_interfaces), AT(n_secure_interfaces),
		.doc = "interfaces whose networks need no TLS: udp URLs are used there only"},
	{"udp_max", MAMS_C_INT, AT(udp_max), .min = 1200, .max = 65000, .def = "8192",
		.doc = "octets of a datagram; longer messages need https"},
	{"ca", MAMS_C_FILE, AT(ca), .required = true,
		.doc = "PEM; the only authority believed for the NCM's certificate"},
	{"certificate", MAMS_C_FILE, AT(certificate), .doc = "PEM client certificate"},
	{"key", MAMS_C_SECRET_FILE, AT(key), .doc = "PEM key of the client certificate"},
	{"digest_user", MAMS_C_STRING, AT(digest_user), .doc = "HTTP Digest user name"},
	{"password_file", MAMS_C_SECRET_FILE, AT(password_file),
		.doc = "HTTP Digest password, in the first line"},
	{"features", MAMS_C_STRINGS, AT(features), AT(n_features),
		.doc = "MX features offered; default: all that this client has"},
	{"methods", MAMS_C_STRINGS, AT(methods), AT(n_methods),
		.doc = "convergence methods offered: MPTCP_Proxy (default), GMA, or both; or none "
		       "for the control plane only"},
	{"exempt", MAMS_C_PREFIXES, AT(exempt), AT(n_exempt),
		.doc = "destinations that never go into the tunnel of GMA, besides those that a "
		       "route of the host other than its default leads to"},
	{"power_supply", MAMS_C_STRING, AT(power_supply), .def = "/sys/class/power_supply",
		.doc = "where the kernel lists batteries; their charge is reported to an NCM that "
		       "asks"},
	{"dns_file", MAMS_C_STRING, AT(dns_file),
		.doc = "name servers of the tunnel are written there, as in resolv.conf, while it "
		       "is in use; default: nowhere"},
	{"mark", MAMS_C_INT, AT(mark), .max = UINT32_MAX, .def = "19777",
		.doc = "SO_MARK of our sockets; must be the proxy's mark"},
	{"table_base", MAMS_C_INT, AT(table_base), .min = 1000, .max = 30000, .def = "7700",
		.doc = "routing table and rule priority of connection id 0; the others follow"},
	{"drain", MAMS_C_DURATION, AT(drain_ms), .max = 86400000, .def = "1h",
		.doc = "after a fallback, running connections may go on for so long; 0: no limit"},
	{"madp_lost", MAMS_C_DURATION, AT(madp_lost_ms), .max = 3600000, .def = "30s",
		.doc = "an N-MADP unreachable for so long means fallback; 0: never"},
	{"apply_timeout", MAMS_C_DURATION, AT(apply_ms), .min = 100, .max = 60000, .def = "3s",
		.doc = "patience with mams-proxy and the plugin"},
	{"link", MAMS_C_SECTIONS, AT(links), AT(n_links), .max = CCM_LINKS_MAX,
		.table = &link_table, .required = true, .doc = "an access of this device"},
	{"application", MAMS_C_SECTIONS, AT(apps), AT(n_apps), .max = CCM_APPS_MAX,
		.table = &app_table, .doc = "processes whose packets are marked"},
	{"mcc_mnc_tuple", MAMS_C_STRING, AT(session.mcc_mnc_tuple), .doc = "told in MX Discover"},
	{"timeout", MAMS_C_DURATION, AT(session.timing.timeout_ms), .min = 100, .max = 60000,
		.def = "1s", .doc = "MAMS_TIMEOUT: for the answer to a request; doubles"},
	{"timeout_cap", MAMS_C_DURATION, AT(session.timing.timeout_cap_ms), .min = 100,
		.max = 60000, .def = "4s", .doc = "it doubles up to this"},
	{"retries", MAMS_C_INT, AT(session.timing.retries), .max = 20, .def = "3",
		.doc = "MAMS_RETRY"},
	{"discovery", MAMS_C_DURATION, AT(session.discovery_ms), .min = 100, .max = 3600000,
		.def = "5s", .doc = "MAMS_DISCOVERY_PERIOD; 20 % are left to chance"},
	{"discovery_slow", MAMS_C_DURATION, AT(session.discovery_slow_ms), .min = 100,
		.max = 3600000, .def = "60s", .doc = "after 12 tries"},
	{"cap_wait", MAMS_C_DURATION, AT(session.cap_wait_ms), .max = 10000, .def = "200ms",
		.doc = "for the NCM's Capability REQ before we send ours"},
	{"capability_initiator", MAMS_C_ENUM, AT(session.initiator), .names = mx_initiator_names,
		.def = "auto",
		.doc = "who asks for capabilities: ncm (the draft; we never do), ccm (RFC 8743; we "
		       "do at once), or auto: we do after cap_wait"},
	{"strict_schema", MAMS_C_BOOL, AT(session.strict_schema), .def = "no",
		.doc = "for an NCM that takes RFC 8743 C.3.17 by the letter: results of path "
		       "estimations are said as 1 to 100 % and Mbit/s"},
	{"analytics_unit", MAMS_C_ENUM, AT(session.analytics_unit), .names = analytics_unit_names,
		.def = "ms",
		.doc = "of whole numbers of jitter and latency that the NCM predicts: ms or s"},
	{"keep_alive", MAMS_C_DURATION, AT(session.keep_alive_ms), .min = 1000, .max = 3600000,
		.def = "30s", .doc = "MAMS_KEEP_ALIVE_TIMEOUT"},
	{"probe_port", MAMS_C_INT, AT(probe_port), .min = 1, .max = 65535, .def = "7446",
		.doc = "UDP port on every link to which N-MADP instances send their probes"},
	{"ncm_lost", MAMS_C_DURATION, AT(session.fallback_ms), .max = 86400000, .def = "45s",
		.doc = "an NCM silent for so long means fallback; 0: never"},
};
const struct mams_conf_table ccm_conf_table = {
	"mams-ccm", sizeof(struct ccm_conf), rows, MAMS_ARRAY_LEN(rows), 0};

/* Behind a NAT, UDP is forgotten sooner than TCP. */
#define UDP_KEEP_ALIVE_MS 15000
/* A signal that stands still varies by a few dB. */
#define GOOD_DB 6

static int check_urls(struct ccm_conf *c, const char *path, struct mams_error *err)
{
	struct ccm_session_conf *s = &c->session;
	struct mams_error why = {0};

	if (c->n_ncm > CCM_URLS_MAX || c->n_secure_interfaces > CCM_WAY_IFS_MAX)
		return mams_fail(err, MAMS_ELIMIT, path,
			"ncm and secure_interfaces: at most %d URLs and %d interfaces",
			CCM_URLS_MAX, CCM_WAY_IFS_MAX);
	for (size_t i = 0; i < c->n_ncm; i++) {
		struct ccm_ncm_url url;

		if (ccm_ncm_url_parse(c->ncm[i], &url, &why) < 0)
			return mams_fail(err, MAMS_EVALUE, path, "ncm: %s", why.text);
		if (url.transport != CCM_UDP)
			continue;
		if (c->n_secure_interfaces == 0)
			return mams_fail(err, MAMS_EMISSING, path,
				"ncm: \"%.60s\" is without TLS: name the interfaces where that "
				"is safe in secure_interfaces, or use https://",
				c->ncm[i]);
		if (s->keep_alive_ms > UDP_KEEP_ALIVE_MS)
			s->keep_alive_ms = UDP_KEEP_ALIVE_MS;
	}
	return 0;
}

static int check_signal(struct ccm_link_conf *l, const char *path, struct mams_error *err)
{
	struct ccm_fade_conf *f = &l->fade;

	if (f->low && !f->good)
		f->good = f->low + GOOD_DB;
	if (f->good && (!f->low || f->good <= f->low))
		return mams_fail(err, MAMS_EVALUE, path,
			"link %s: signal_good must be above signal_low", l->name);
	return 0;
}

static int check_links(struct ccm_conf *c, const char *path, struct mams_error *err)
{
	for (size_t i = 0; i < c->n_links; i++) {
		struct ccm_link_conf *l = &c->links[i];
		int rc = check_signal(l, path, err);

		if (rc < 0)
			return rc;
		if (strlen(l->interface) >= CCM_IFNAME_MAX)
			return mams_fail(err, MAMS_EVALUE, path,
				"link %s: interface names have at most %d octets", l->name,
				CCM_IFNAME_MAX - 1);
		if ((l->ssid && strlen(l->ssid) > 64) || (l->node_id && strlen(l->node_id) > 64))
			return mams_fail(err, MAMS_EVALUE, path,
				"link %s: ssid and node_id have at most 64 octets", l->name);
		if (l->gateway.family == AF_INET6 || l->gateway6.family == AF_INET)
			return mams_fail(err, MAMS_EVALUE, path,
				"link %s: gateway is IPv4, gateway6 is IPv6", l->name);
		for (size_t k = 0; k < i; k++)
			if (c->links[k].connection_id == l->connection_id ||
				strcmp(c->links[k].interface, l->interface) == 0)
				return mams_fail(err, MAMS_EVALUE, path,
					"links %s and %s have the same connection_id or interface",
					c->links[k].name, l->name);
	}
	return 0;
}

/* The path becomes a part of a rule, in quotes. */
static bool is_cgroup_path(const char *text)
{
	const char *start = text;

	if (text[0] == '/' && strncmp(text, "/sys/fs/cgroup/", 15) != 0)
		return false;
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || strchr("\"\\*$", *text) ||
			strncmp(text, "..", 2) == 0)
			return false;
	return text > start && text[-1] != '/' && (size_t)(text - start) < CCM_CGROUP_MAX;
}

static int check_apps(const struct ccm_conf *c, const char *path, struct mams_error *err)
{
	for (size_t i = 0; i < c->n_apps; i++) {
		const struct ccm_app_conf *a = &c->apps[i];

		if (!is_cgroup_path(a->cgroup))
			return mams_fail(err, MAMS_EVALUE, path,
				"application %s: cgroup: \"%.60s\" is no directory below "
				"/sys/fs/cgroup, such as \"game.slice\"",
				a->name, a->cgroup);
	}
	return 0;
}

/* What the C-MADP instances of this client can be driven with. */
#define METHODS_DRIVEN (1u << MX_CONV_MPTCP_PROXY | 1u << MX_CONV_GMA)
#define METHODS_DEFAULT (1u << MX_CONV_MPTCP_PROXY)

static int take_names(const char **names, size_t n, const struct mams_enum_name *known_names,
	uint32_t known, uint32_t unsaid, uint32_t *out)
{
	for (size_t i = 0; i < n; i++) {
		int v;

		if (n == 1 && strcmp(names[0], "none") == 0)
			return 0;
		if (mams_enum_parse(known_names, names[i], &v) < 0 || !(known & 1u << v))
			return (int)i + 1;
		*out |= 1u << v;
	}
	if (n == 0)
		*out = unsaid;
	return 0;
}

static int take_offer(struct ccm_conf *c, const char *path, struct mams_error *err)
{
	int bad = take_names(c->features, c->n_features, mx_feature_names, CCM_FEATURES,
		CCM_FEATURES, &c->session.features);

	if (bad)
		return mams_fail(err, MAMS_EVALUE, path,
			"features: \"%.40s\" is none that this client has: lossless_switching, "
			"fragmentation, concatenation, "
			"uplink_aggregation, downlink_aggregation, measurement, probing",
			c->features[bad - 1]);
	bad = take_names(c->methods, c->n_methods, mx_convergence_names, METHODS_DRIVEN,
		METHODS_DEFAULT, &c->session.convergence);
	if (bad)
		return mams_fail(err, MAMS_EVALUE, path,
			"methods: \"%.40s\" is not driven by this client; MPTCP_Proxy and GMA "
			"are, and \"none\" alone is the control plane only",
			c->methods[bad - 1]);
	c->session.ipsec = strcmp(c->vici_socket, "none") != 0;
	return 0;
}

static int default_api_socket(struct ccm_conf *c)
{
	static const char name[] = "ccm-api.sock";
	const char *slash = strrchr(c->ctl_socket, '/');
	size_t dir = slash ? (size_t)(slash - c->ctl_socket) + 1 : 0;
	char *path = mams_arena_alloc(c->arena, dir + sizeof(name));

	if (!path)
		return -ENOMEM;
	memcpy(path, c->ctl_socket, dir);
	memcpy(path + dir, name, sizeof(name));
	c->api_socket = path;
	return 0;
}

static int check_api(struct ccm_conf *c, const char *path, struct mams_error *err)
{
	for (size_t i = 0; i < c->n_api_listen; i++)
		if (!mams_addr_is_loopback(&c->api_listen[i]))
			return mams_fail(err, MAMS_EVALUE, path,
				"api_listen: the CCM API is for this host: 127.0.0.1 or [::1]");
	for (size_t i = 0; i < c->n_page_listen; i++)
		if (!mams_addr_is_loopback(&c->page_listen[i]))
			return mams_fail(err, MAMS_EVALUE, path,
				"page_listen: the page is for this host: 127.0.0.1 or [::1]");
	if (!c->api_certificate != !c->api_key)
		return mams_fail(
			err, MAMS_EMISSING, path, "api_certificate and api_key belong together");
	return c->api_socket ? 0 : default_api_socket(c);
}

static int check(struct ccm_conf *c, const char *path, struct mams_error *err)
{
	const struct ccm_session_conf *s = &c->session;
	int rc = check_links(c, path, err);

	if (rc == 0)
		rc = take_offer(c, path, err);
	if (rc == 0)
		rc = check_apps(c, path, err);
	if (rc == 0)
		rc = check_api(c, path, err);
	if (rc == 0)
		rc = check_urls(c, path, err);
	if (rc < 0)
		return rc;
	if (!c->certificate && !c->digest_user)
		return mams_fail(err, MAMS_EMISSING, path,
			"certificate and key, or digest_user and password_file, are required");
	if (!c->certificate != !c->key)
		return mams_fail(err, MAMS_EMISSING, path, "certificate and key belong together");
	if (!c->digest_user != !c->password_file)
		return mams_fail(
			err, MAMS_EMISSING, path, "digest_user and password_file belong together");
	if (s->timing.timeout_cap_ms < s->timing.timeout_ms)
		return mams_fail(err, MAMS_EVALUE, path, "timeout_cap is shorter than timeout");
	if (s->fallback_ms && s->fallback_ms <= s->keep_alive_ms)
		return mams_fail(err, MAMS_EVALUE, path,
			"ncm_lost must be longer than keep_alive: a healthy NCM may be silent that "
			"long");
	return 0;
}

int ccm_conf_load(const char *path, struct ccm_conf *out, struct mams_error *err)
{
	int rc;

	*out = (struct ccm_conf){0};
	rc = mams_conf_load(path, &ccm_conf_table, out, &out->arena, err);
	if (rc == 0)
		rc = check(out, path, err);
	if (rc < 0) {
		ccm_conf_free(out);
		return rc;
	}
	out->session.links = out->links;
	out->session.n_links = out->n_links;
	out->session.retire_ms = out->drain_ms;
	out->session.probe_port = (uint16_t)out->probe_port;
	return 0;
}

void ccm_conf_free(struct ccm_conf *c)
{
	mams_arena_free(c->arena);
	*c = (struct ccm_conf){0};
}
