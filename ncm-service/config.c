#include "ncm-service/config.h"

#include "lib/mx/mx_tables.h"
#include "ncm-service/config_plane.h"
#include "ncm-service/config_steer.h"

#include <string.h>

#define INSTANCE_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"
#define AT(m) offsetof(struct ncm_conf, m)
#define IN_ACCESS(m) offsetof(struct ncm_access, m)

static const struct mams_enum_name adapt_names[] = {
	{"none", NCM_ADAPT_NONE, false}, {"IPsec", NCM_ADAPT_IPSEC, false}, {0}};
static const struct mams_enum_name tunnel_names[] = {
	{"UDP_without_DTLS", MX_ADAPT_UDP, false},
	{"UDP_with_DTLS", MX_ADAPT_DTLS, false},
	{"IPsec", MX_ADAPT_IPSEC, false},
	{"Client_NAT", MX_ADAPT_CLIENT_NAT, false},
	{NULL, 0, false},
};

static const struct mams_conf_row access_rows[] = {
	{"type", MAMS_C_ENUM, IN_ACCESS(connection_type), .names = mx_connection_type_names,
		.required = true, .doc = "Wi-Fi, LTE, 5G_NR or MulteFire"},
	{"client_networks", MAMS_C_PREFIXES, IN_ACCESS(client_networks),
		IN_ACCESS(n_client_networks), .required = true,
		.doc = "source addresses of the access's clients, as this NCM's network sees them"},
	{"proxies", MAMS_C_ADDR_PORTS, IN_ACCESS(proxies), IN_ACCESS(n_proxies), .min = 7443,
		.doc = "the N-MADP's own address on this access: one IPv4, one IPv6, or both; "
		       "with madp sections they have the addresses"},
	{"adaptation", MAMS_C_ENUM, IN_ACCESS(adaptation), .names = adapt_names, .def = "none",
		.doc = "IPsec: subflows of MPTCP over this access go inside IPsec or not at all, "
		       "and "
		       "clients that cannot are not admitted; none: it is secure as it is"},
	{"nat", MAMS_C_BOOL, IN_ACCESS(nat), .def = "no",
		.doc = "for IPsec: clients of this access may be behind a NAT, so that they come "
		       "from another address than the one they report"},
	{"tunnel", MAMS_C_ENUM, IN_ACCESS(tunnel), .names = tunnel_names, .def = "UDP_without_DTLS",
		.doc = "adaptation of GMA on this access: UDP_without_DTLS, or UDP_with_DTLS or "
		       "IPsec where the path is not secure; Client_NAT, without a tunnel, where it "
		       "is and the "
		       "N-MADP "
		       "is the next router; a client without that method then has no GMA there"},
	{"applications", MAMS_C_BOOL, IN_ACCESS(applications), .def = "yes",
		.doc = "clients may bind flows of applications to this access (RFC 8743 8.8)"},
	{"latency", MAMS_C_DURATION, IN_ACCESS(latency_ms), .max = 60000, .def = "0ms",
		.doc = "that clients are told to expect while nothing is measured; 0: nothing"},
	{"jitter", MAMS_C_DURATION, IN_ACCESS(jitter_ms), .max = 60000, .def = "0ms",
		.doc = "likewise"},
	{"bandwidth", MAMS_C_INT, IN_ACCESS(bandwidth), .max = 1000000, .def = "0",
		.doc = "likewise, downlink, Mbit/s"},
};
static const struct mams_conf_table access_table = {"access", sizeof(struct ncm_access),
	access_rows, MAMS_ARRAY_LEN(access_rows), IN_ACCESS(name)};

#define IN_MADP(m) offsetof(struct ncm_madp_conf, m)
static const struct mams_conf_row madp_rows[] = {
	{"ctl", MAMS_C_STRING, IN_MADP(ctl),
		.doc = "ctl socket of the instance's mams-proxy; on another host its ctl_listen, "
		       "address:port"},
	{"ctl_name", MAMS_C_STRING, IN_MADP(ctl_name),
		.doc = "on another host: the name or address that its certificate must be for; "
		       "default: that of ctl or trailer"},
	{"pm", MAMS_C_STRING, IN_MADP(pm),
		.doc = "ctl socket of the mams_pm plugin beside it; on another host its mams-proxy "
		       "passes on what is for it"},
	{"proxies", MAMS_C_STRINGS, IN_MADP(texts), IN_MADP(n_texts),
		.doc = "its own address on each access, \"ACCESS ADDRESS:PORT\""},
	{"trailer", MAMS_C_STRING, IN_MADP(trailer),
		.doc = "instead of ctl, pm and proxies: ctl socket of a mams-trailer; on another "
		       "host its ctl_listen, address:port"},
	{"tunnels", MAMS_C_STRINGS, IN_MADP(tunnels), IN_MADP(n_tunnels),
		.doc = "with trailer: its own address on each access, \"ACCESS ADDRESS\""},
	{"addresses", MAMS_C_PREFIXES, IN_MADP(addresses), IN_MADP(n_addresses),
		.doc = "with trailer: anchor addresses of its clients: an IPv4 network, an IPv6 "
		       "one, or both"},
	{"mtu", MAMS_C_INT, IN_MADP(mtu), .min = 576, .max = 65535, .def = "1400",
		.doc = "with trailer: of packets inside the tunnel; 1280 and more for IPv6"},
	{"dns", MAMS_C_ADDRS, IN_MADP(dns), IN_MADP(n_dns),
		.doc = "with trailer: name servers told to its clients, at most 8"},
	{"capacity", MAMS_C_INT, IN_MADP(capacity), .max = 1000000, .def = "0",
		.doc = "anchor connections of clients at once; 0: no limit"},
};
static const struct mams_conf_table madp_table = {
	"madp", sizeof(struct ncm_madp_conf), madp_rows, MAMS_ARRAY_LEN(madp_rows), IN_MADP(name)};

#define IN_APP(m) offsetof(struct ncm_app_conf, m)
static const struct mams_conf_row app_rows[] = {
	{"dscp", MAMS_C_INT, IN_APP(dscp), .max = NCM_DSCP_ANY, .def = "64",
		.doc = "of its packets, 0 to 63, such as 46 for EF; 64: any"},
	{"protocol", MAMS_C_INT, IN_APP(protocol), .max = 255, .def = "255",
		.doc = "number of the protocol, 6 for TCP, 17 for UDP; 255: any"},
	{"destination", MAMS_C_PREFIXES, IN_APP(destinations), IN_APP(n_destinations),
		.doc = "network of its servers, one; default: any"},
	{"port_first", MAMS_C_INT, IN_APP(port_first), .max = 65535, .def = "0",
		.doc = "lowest port of its servers"},
	{"port_last", MAMS_C_INT, IN_APP(port_last), .max = 65535, .def = "65535",
		.doc = "highest"},
	{"accesses", MAMS_C_STRINGS, IN_APP(access_names), IN_APP(n_access_names), .required = true,
		.doc = "names of access sections that it uses, best first"},
};
static const struct mams_conf_table app_table = {"application", sizeof(struct ncm_app_conf),
	app_rows, MAMS_ARRAY_LEN(app_rows), IN_APP(name)};

#define IN_ANCHOR(m) offsetof(struct ncm_anchor_conf, m)
static const struct mams_conf_row anchor_rows[] = {
	{"id", MAMS_C_INT, IN_ANCHOR(connection_id), .max = 15, .required = true,
		.doc = "connection id of the anchor, 0 to 15"},
	{"type", MAMS_C_ENUM, IN_ANCHOR(connection_type), .names = mx_connection_type_names,
		.def = "LTE", .doc = "access type of the anchor connection"},
	{"methods", MAMS_C_STRINGS, IN_ANCHOR(method_names), IN_ANCHOR(n_method_names),
		.required = true,
		.doc = "convergence: MPTCP_Proxy, or GMA, or none for the control plane only"},
	{"accesses", MAMS_C_STRINGS, IN_ANCHOR(access_names), IN_ANCHOR(n_access_names),
		.doc = "whose links it may use; default: all"},
	{"madps", MAMS_C_STRINGS, IN_ANCHOR(madp_names), IN_ANCHOR(n_madp_names),
		.doc = "instances that may serve it; default: all"},
};
static const struct mams_conf_table anchor_table = {"anchor", sizeof(struct ncm_anchor_conf),
	anchor_rows, MAMS_ARRAY_LEN(anchor_rows), IN_ANCHOR(name)};

#define IN_MEASURE(m) offsetof(struct ncm_measure, m)
static const struct mams_conf_row measure_rows[] = {
	{"type", MAMS_C_ENUM, IN_MEASURE(connection_type), .names = mx_connection_type_names,
		.required = true, .doc = "of the connections: Wi-Fi, LTE, 5G_NR or MulteFire"},
	{"parameter", MAMS_C_ENUM, IN_MEASURE(parameter), .names = mx_measurement_names,
		.required = true,
		.doc = "UL_TPUT, DL_TPUT; WLAN_RSSI, WLAN_LOAD, EST_UL_TPUT, EST_DL_TPUT of Wi-Fi; "
		       "LTE_RSRP, LTE_RSRQ; NR_RSRP, NR_RSRQ; BATTERY of the client"},
	{"period", MAMS_C_DURATION, IN_MEASURE(period_ms), .min = 200, .max = 86400000,
		.def = "10s", .doc = "between two reports"},
	{"high", MAMS_C_SIGNED, IN_MEASURE(high), .min = -1000000, .max = 1000000, .def = "1000000",
		.doc = "reported at once at or above; Mbit/s, dBm, dB, percent"},
	{"low", MAMS_C_SIGNED, IN_MEASURE(low), .min = -1000000, .max = 1000000, .def = "-1000000",
		.doc = "reported at once at or below"},
};
static const struct mams_conf_table measure_table = {"measure", sizeof(struct ncm_measure),
	measure_rows, MAMS_ARRAY_LEN(measure_rows), IN_MEASURE(name)};

#define IN_PROBE(m) offsetof(struct ncm_probe_conf, m)
static const struct mams_conf_row probe_rows[] = {
	{"type", MAMS_C_ENUM, IN_PROBE(connection_type), .names = mx_connection_type_names,
		.required = true, .doc = "of the connections: Wi-Fi, LTE, 5G_NR or MulteFire"},
	{"period", MAMS_C_DURATION, IN_PROBE(period_ms), .max = 86400000, .def = "1min",
		.doc = "from one estimation to the next; 0: only when the user plane changes"},
	{"budget", MAMS_C_INT, IN_PROBE(budget), .max = 1000000000, .def = "0",
		.doc = "kB an hour that estimations of a connection may take, both ways; 0: no "
		       "limit"},
	{"init_duration", MAMS_C_DURATION, IN_PROBE(init_ms), .min = 100, .max = 10000,
		.def = "500ms", .doc = "of a test of a connection that carries no user data"},
	{"init_rate", MAMS_C_INT, IN_PROBE(init_rate), .min = 1, .max = 100, .def = "1",
		.doc = "its rate, Mbit/s"},
	{"init_size", MAMS_C_INT, IN_PROBE(init_size), .min = 100, .max = 1400, .def = "1000",
		.doc = "octets of its probes"},
	{"init_ack", MAMS_C_BOOL, IN_PROBE(init_ack), .def = "yes",
		.doc = "are they answered? without answers no delay is known"},
	{"active_interval", MAMS_C_DURATION, IN_PROBE(active_ms), .min = 100, .max = 10000,
		.def = "1s", .doc = "between probes of a connection that carries user data"},
	{"active_size", MAMS_C_INT, IN_PROBE(active_size), .min = 100, .max = 1400, .def = "100",
		.doc = "octets of these"},
	{"active_duration", MAMS_C_DURATION, IN_PROBE(active_duration_ms), .max = 100000,
		.def = "10s",
		.doc = "throughput is the mean over this, 10 to 100 s; 0: it goes on until the "
		       "next estimation"},
	{"active_ack", MAMS_C_BOOL, IN_PROBE(active_ack), .def = "yes",
		.doc = "are they answered?"},
};
static const struct mams_conf_table probe_table = {"probe", sizeof(struct ncm_probe_conf),
	probe_rows, MAMS_ARRAY_LEN(probe_rows), IN_PROBE(name)};

#define IN_SSID(m) offsetof(struct ncm_ssid, m)
static const struct mams_conf_row ssid_rows[] = {
	{"type", MAMS_C_ENUM, IN_SSID(type), .names = mx_ssid_type_names, .def = "ssid",
		.doc = "ssid, bssid or hessid"},
	{"id", MAMS_C_STRING, IN_SSID(id), .required = true, .doc = "the identifier"},
};
static const struct mams_conf_table ssid_table = {
	"prefer", sizeof(struct ncm_ssid), ssid_rows, MAMS_ARRAY_LEN(ssid_rows), IN_SSID(name)};

static const struct mams_enum_name redirected_names[] = {
	{"new", NCM_REDIRECT_NEW, false}, {"all", NCM_REDIRECT_ALL, false}, {0}};
#define IN_REDIRECT(m) offsetof(struct ncm_redirect, m)
static const struct mams_conf_row redirect_rows[] = {
	{"mcc_mnc", MAMS_C_STRINGS, IN_REDIRECT(mcc_mnc), IN_REDIRECT(n_mcc_mnc),
		.doc = "clients that tell one of these in MX Discover; default: all clients"},
	{"sessions", MAMS_C_ENUM, IN_REDIRECT(sessions), .names = redirected_names, .def = "new",
		.doc = "new: clients without a session here; all: the others, too"},
	{"endpoints", MAMS_C_STRINGS, IN_REDIRECT(endpoints[NCM_HTTPS]),
		IN_REDIRECT(n_endpoints[NCM_HTTPS]),
		.doc = "of the other NCM, \"host:port\", for clients of https"},
	{"endpoints_wss", MAMS_C_STRINGS, IN_REDIRECT(endpoints[NCM_WSS]),
		IN_REDIRECT(n_endpoints[NCM_WSS]), .doc = "likewise for those of wss"},
	{"endpoints_udp", MAMS_C_STRINGS, IN_REDIRECT(endpoints[NCM_UDP]),
		IN_REDIRECT(n_endpoints[NCM_UDP]), .doc = "likewise for those of udp"},
};
static const struct mams_conf_table redirect_table = {"redirect", sizeof(struct ncm_redirect),
	redirect_rows, MAMS_ARRAY_LEN(redirect_rows), IN_REDIRECT(name)};

#define IN_UDP(m) offsetof(struct ncm_udp_conf, m)
static const struct mams_conf_row udp_rows[] = {
	{"interface", MAMS_C_STRING, IN_UDP(interface), .required = true,
		.doc = "the only interface that this socket hears"},
	{"listen", MAMS_C_ADDR_PORT, IN_UDP(listen), .min = 8445, .required = true,
		.doc = "address of the UDP service"},
};
static const struct mams_conf_table udp_table = {"secure_udp", sizeof(struct ncm_udp_conf),
	udp_rows, MAMS_ARRAY_LEN(udp_rows), IN_UDP(name)};

static const struct mams_conf_row rows[] = {
	{"ctl_socket", MAMS_C_STRING, AT(ctl_socket), .def = "/run/mams/ncm.ctl",
		.doc = "where mamsctl reaches this daemon"},
	{"ctl_ca", MAMS_C_FILE, AT(ctl.ca_file),
		.doc = "CA of the certificates of N-MADP instances on other hosts, PEM"},
	{"ctl_certificate", MAMS_C_FILE, AT(ctl.cert_file),
		.doc = "a client certificate whose common name is in their ctl_peers, PEM"},
	{"ctl_key", MAMS_C_SECRET_FILE, AT(ctl.key_file), .doc = "its key, PEM"},
	{"proxy_socket", MAMS_C_STRING, AT(proxy_socket), .def = "/run/mams/proxy.ctl",
		.doc = "ctl socket of the N-MADP's mams-proxy"},
	{"pm_socket", MAMS_C_STRING, AT(pm_socket), .def = "/run/mams/pm.ctl",
		.doc = "ctl socket of mptcpd's mams_pm plugin"},
	{"store", MAMS_C_STRING, AT(store), .def = "/var/lib/mams/ncm.db",
		.doc = "SQLite file with the sessions, for restarts"},
	{"listen", MAMS_C_ADDR_PORTS, AT(listen), AT(n_listen), .min = 8443, .required = true,
		.doc = "addresses of the HTTPS service"},
	{"listen_wss", MAMS_C_ADDR_PORTS, AT(listen_wss), AT(n_listen_wss), .min = 8444,
		.doc = "addresses of the WebSocket service (wss); default: none"},
	{"secure_udp", MAMS_C_SECTIONS, AT(udp), AT(n_udp), .max = 16, .table = &udp_table,
		.doc = "a network that needs no TLS: MAMS over plain UDP there; default: nowhere"},
	{"udp_max", MAMS_C_INT, AT(udp_max), .min = 1200, .max = 65000, .def = "8192",
		.doc = "octets of a datagram of ours or a client's; longer messages need https"},
	{"max_connections", MAMS_C_INT, AT(max_connections), .min = 1, .max = 1000000,
		.def = "16384", .doc = "open at a time, of https and of wss each"},
	{"max_per_address", MAMS_C_INT, AT(max_per_address), .min = 1, .max = 1000000, .def = "64",
		.doc = "likewise, from one address; clients behind one NAT share it"},
	{"max_rate", MAMS_C_INT, AT(max_rate), .max = 100000, .def = "20",
		.doc = "messages a second of one client in the long run; more get 429; 0: no "
		       "limit"},
	{"max_burst", MAMS_C_INT, AT(max_burst), .min = 1, .max = 100000, .def = "200",
		.doc = "messages of one client at once"},
	{"redis", MAMS_C_STRING, AT(redis),
		.doc = "host:port of a Redis that several NCM instances share; default: sessions "
		       "are kept in store"},
	{"instance", MAMS_C_STRING, AT(instance),
		.doc = "name of this instance, unlike those of the others; with redis"},
	{"redis_ca", MAMS_C_FILE, AT(redis_ca),
		.doc = "PEM; who vouches for the Redis; with redis"},
	{"redis_user", MAMS_C_STRING, AT(redis_user), .doc = "default: Redis's default user"},
	{"redis_password", MAMS_C_SECRET_FILE, AT(redis_password),
		.doc = "file with the password in its first line"},
	{"certificate", MAMS_C_FILE, AT(certificate), .required = true,
		.doc = "PEM; mams-ca server makes one"},
	{"key", MAMS_C_SECRET_FILE, AT(key), .required = true, .doc = "PEM key of the certificate"},
	{"client_ca", MAMS_C_FILE, AT(client_ca),
		.doc = "PEM; whose client certificates are taken"},
	{"client_crl", MAMS_C_FILE, AT(client_crl),
		.doc = "PEM; revoked certificates of client_ca; mams-ca revoke makes it; read "
		       "again at "
		       "SIGHUP"},
	{"digest_users", MAMS_C_SECRET_FILE, AT(digest_users),
		.doc = "HTTP Digest users; mams-ca digest-add makes them"},
	{"realm", MAMS_C_STRING, AT(realm), .def = "mams", .doc = "of HTTP Digest"},
	{"feed_clients", MAMS_C_STRINGS, AT(feed_clients), AT(n_feed_clients),
		.doc = "common names, or Digest users, that may tell of the network at "
		       "/mams/v1/network-information and are no MAMS clients; default: nobody"},
	{"admin_listen", MAMS_C_ADDR_PORTS, AT(admin_listen), AT(n_admin_listen), .min = 8446,
		.doc = "addresses of the operators' HTTPS service: status page, metrics; with "
		       "certificate and logins as listen; default: none"},
	{"viewers", MAMS_C_STRINGS, AT(viewers), AT(n_viewers),
		.doc = "common names, or Digest users, that may read there and are no MAMS "
		       "clients; default: nobody"},
	{"operators", MAMS_C_STRINGS, AT(operators), AT(n_operators),
		.doc = "likewise, that may also steer; default: nobody"},
	{"poll", MAMS_C_DURATION, AT(poll_ms), .min = 1000, .max = 100000, .def = "25s",
		.doc = "an idle long-poll is answered after this"},
	{"ncm_id", MAMS_C_U64, AT(policy.ncm_id), .required = true,
		.doc = "number of this NCM, unique among those that a client may meet"},
	{"anchor_id", MAMS_C_INT, AT(anchor_id), .max = 15, .def = "0",
		.doc = "connection id of the one anchor, when no anchor section stands"},
	{"anchor_type", MAMS_C_ENUM, AT(anchor_type), .names = mx_connection_type_names,
		.def = "LTE", .doc = "access type of that anchor"},
	{"anchor", MAMS_C_SECTIONS, AT(policy.anchors), AT(policy.n_anchors),
		.max = NCM_ANCHORS_MAX, .table = &anchor_table,
		.doc = "an anchor connection; default: one with MPTCP_Proxy over all accesses"},
	{"madp", MAMS_C_SECTIONS, AT(policy.madps), AT(policy.n_madps), .max = NCM_MADPS_MAX,
		.table = &madp_table,
		.doc = "an N-MADP instance; default: one, of proxy_socket, pm_socket and the "
		       "accesses' proxies"},
	{"madp_lost", MAMS_C_DURATION, AT(policy.madp_lost_ms), .max = 3600000, .def = "3s",
		.doc = "an instance away for so long is dead: its clients get another one"},
	{"madp_grace", MAMS_C_DURATION, AT(policy.madp_grace_ms), .max = 50000, .def = "5s",
		.doc = "a trailer that a client has left keeps its session for so long, for "
		       "packets on their way to it"},
	{"features", MAMS_C_STRINGS, AT(features), AT(n_features),
		.doc = "MX features offered; default: all that this NCM has"},
	{"endpoints", MAMS_C_ADDR_PORTS, AT(policy.endpoints[NCM_HTTPS].list),
		AT(policy.endpoints[NCM_HTTPS].n), .min = 8443,
		.doc = "NCM addresses told to clients of https; default: those of listen"},
	{"endpoints_wss", MAMS_C_ADDR_PORTS, AT(policy.endpoints[NCM_WSS].list),
		AT(policy.endpoints[NCM_WSS].n), .min = 8444,
		.doc = "likewise to those of wss; default: those of listen_wss"},
	{"endpoints_udp", MAMS_C_ADDR_PORTS, AT(policy.endpoints[NCM_UDP].list),
		AT(policy.endpoints[NCM_UDP].n), .min = 8445,
		.doc = "likewise to those of udp; default: the first secure_udp's"},
	{"access", MAMS_C_SECTIONS, AT(policy.accesses), AT(policy.n_accesses), .max = 16,
		.table = &access_table, .required = true,
		.doc = "an access network whose links may be delivery connections"},
	{"application", MAMS_C_SECTIONS, AT(policy.apps), AT(policy.n_apps), .max = NCM_APPS_MAX,
		.table = &app_table,
		.doc = "a category of traffic that uses some of the accesses only; of several "
		       "that match the first counts"},
	{"redirect", MAMS_C_SECTIONS, AT(policy.redirects), AT(policy.n_redirects), .max = 64,
		.table = &redirect_table, .doc = "clients that another NCM serves"},
	{"measure", MAMS_C_SECTIONS, AT(policy.measures), AT(policy.n_measures), .max = 32,
		.table = &measure_table,
		.doc = "what clients measure on their connections of a type, and report"},
	{"probe", MAMS_C_SECTIONS, AT(policy.probes), AT(policy.n_probes), .max = 16,
		.table = &probe_table,
		.doc = "how connections of a type are probed; wants control_port"},
	{"control_port", MAMS_C_INT, AT(control_port), .max = 65535, .def = "0",
		.doc = "UDP port at the instances' addresses where mams-proxy takes MX Control "
		       "PDUs (its control_listen); 0: nothing is probed"},
	{"policy_file", MAMS_C_FILE, AT(policy_file),
		.doc = "automatic steering: a file of steering sections; read again at SIGHUP; "
		       "default: only operators steer"},
	{"decision_log", MAMS_C_STRING, AT(decision_log),
		.doc = "file for its decisions with all that they were made of; default: none"},
	{"decision_log_size", MAMS_C_INT, AT(decision_log_mib), .min = 1, .max = 100000,
		.def = "64", .doc = "MiB, of it and of the one before it, which ends in .1"},
	{"prefer", MAMS_C_SECTIONS, AT(policy.ssids), AT(policy.n_ssids), .max = 64,
		.table = &ssid_table, .doc = "a Wi-Fi network that clients should prefer"},
	{"max_sessions", MAMS_C_INT, AT(policy.max_sessions), .min = 1, .max = 1000000,
		.def = "10000", .doc = "more clients are refused"},
	{"timeout", MAMS_C_DURATION, AT(policy.timing.timeout_ms), .min = 100, .max = 60000,
		.def = "1s", .doc = "MAMS_TIMEOUT: for the answer to a request; doubles"},
	{"timeout_cap", MAMS_C_DURATION, AT(policy.timing.timeout_cap_ms), .min = 100, .max = 60000,
		.def = "4s", .doc = "it doubles up to this"},
	{"retries", MAMS_C_INT, AT(policy.timing.retries), .max = 20, .def = "3",
		.doc = "MAMS_RETRY"},
	{"setup_timeout", MAMS_C_DURATION, AT(policy.setup_timeout_ms), .min = 500, .max = 60000,
		.def = "10s", .doc = "for the confirmation of a user plane setup"},
	{"capability_initiator", MAMS_C_ENUM, AT(policy.initiator), .names = mx_initiator_names,
		.def = "auto",
		.doc = "who asks for capabilities: ccm (RFC 8743; we wait for its request), ncm "
		       "(the draft) or auto: we do at once; a client that asks is answered"},
	{"gather", MAMS_C_DURATION, AT(policy.gather_ms), .max = 5000, .def = "50ms",
		.doc = "links reported within this share one setup"},
	{"keep_alive", MAMS_C_DURATION, AT(policy.keep_alive_ms), .min = 1000, .max = 3600000,
		.def = "30s", .doc = "MAMS_KEEP_ALIVE_TIMEOUT"},
};
const struct mams_conf_table ncm_conf_table = {
	"mams-ncm", sizeof(struct ncm_conf), rows, MAMS_ARRAY_LEN(rows), 0};

static int check_access(const struct ncm_access *a, const char *path, struct mams_error *err)
{
	if (a->n_proxies > 2 || (a->n_proxies == 2 && a->proxies[0].family == a->proxies[1].family))
		return mams_fail(err, MAMS_EVALUE, path,
			"access %s: proxies may hold one IPv4 and one IPv6 address", a->name);
	if (strlen(a->name) >= NCM_NAME_MAX)
		return mams_fail(err, MAMS_EVALUE, path, "access %s: name is longer than %d octets",
			a->name, NCM_NAME_MAX - 1);
	return 0;
}

static int check_probe(
	const struct ncm_policy *p, size_t i, const char *path, struct mams_error *err)
{
	const struct ncm_probe_conf *c = &p->probes[i];

	for (size_t k = 0; k < i; k++)
		if (p->probes[k].connection_type == c->connection_type)
			return mams_fail(err, MAMS_EVALUE, path,
				"probe %s and %s are of the same type", p->probes[k].name, c->name);
	if (c->active_duration_ms && c->active_duration_ms < 10000)
		return mams_fail(err, MAMS_EVALUE, path,
			"probe %s: active_duration is 10s to 100s, or 0", c->name);
	if (c->budget && !c->active_duration_ms)
		return mams_fail(err, MAMS_EVALUE, path,
			"probe %s: with a budget probes must end; active_duration is 10s to 100s",
			c->name);
	if (!p->control_port)
		return mams_fail(err, MAMS_EMISSING, path,
			"probe %s: control_port is missing (the UDP port of control_listen of "
			"mams-proxy)",
			c->name);
	return 0;
}

static int check_measure(const struct ncm_measure *m, const char *path, struct mams_error *err)
{
	if (!mx_measurement_fits(m->parameter, m->connection_type))
		return mams_fail(err, MAMS_EVALUE, path,
			"measure %s: %s is not measured on %s connections", m->name,
			mx_measurement_name(m->parameter),
			mx_connection_type_name(m->connection_type));
	if (m->low > m->high)
		return mams_fail(err, MAMS_EVALUE, path, "measure %s: low is above high", m->name);
	return 0;
}

struct mams_httpd_opts ncm_conf_server(const struct ncm_conf *c)
{
	return (struct mams_httpd_opts){.listen = c->listen,
		.n_listen = c->n_listen,
		.cert_file = c->certificate,
		.key_file = c->key,
		.client_ca_file = c->client_ca,
		.client_crl_file = c->client_crl,
		.digest_file = c->digest_users,
		.realm = c->realm,
		.body_max = MX_MAX_BYTES,
		.max_connections = c->max_connections,
		.max_per_ip = c->max_per_address};
}

static void default_endpoints(struct ncm_endpoints *e, struct mams_addr *list, size_t n)
{
	if (e->n == 0)
		*e = (struct ncm_endpoints){.list = list, .n = n};
}

static int check_redis(const struct ncm_conf *c, const char *path, struct mams_error *err)
{
	size_t n = c->instance ? strlen(c->instance) : 0;

	if (!c->redis)
		return 0;
	if (!strrchr(c->redis, ':'))
		return mams_fail(
			err, MAMS_EVALUE, path, "redis: host:port is wanted, not %s", c->redis);
	if (!c->redis_ca)
		return mams_fail(err, MAMS_EMISSING, path,
			"redis_ca is required with redis: sessions have keys, they travel in TLS "
			"only");
	if (n == 0 || n > 40 || strspn(c->instance, INSTANCE_CHARS) != n)
		return mams_fail(err, MAMS_EVALUE, path,
			"instance is required with redis: letters, digits, . _ -, at most 40");
	return 0;
}

static int check(struct ncm_conf *c, const char *path, struct mams_error *err)
{
	struct ncm_policy *p = &c->policy;
	int rc;

	if (!c->client_ca && !c->digest_users)
		return mams_fail(err, MAMS_EMISSING, path,
			"client_ca or digest_users is required: without either nobody can log in");
	if (c->n_admin_listen > 0 && c->n_viewers + c->n_operators == 0)
		return mams_fail(err, MAMS_EMISSING, path,
			"viewers or operators is required with admin_listen: without either nobody "
			"may read there");
	if (p->timing.timeout_cap_ms < p->timing.timeout_ms)
		return mams_fail(err, MAMS_EVALUE, path, "timeout_cap is shorter than timeout");
	for (size_t i = 0; i < p->n_accesses; i++) {
		rc = check_access(&p->accesses[i], path, err);
		if (rc < 0)
			return rc;
		for (size_t k = 0; k < i; k++)
			if (strcmp(p->accesses[i].name, p->accesses[k].name) == 0)
				return mams_fail(err, MAMS_EVALUE, path, "access %s stands twice",
					p->accesses[i].name);
	}
	for (size_t i = 0; i < p->n_measures; i++) {
		rc = check_measure(&p->measures[i], path, err);
		if (rc < 0)
			return rc;
	}
	p->control_port = (uint16_t)c->control_port;
	for (size_t i = 0; i < p->n_probes; i++) {
		rc = check_probe(p, i, path, err);
		if (rc < 0)
			return rc;
	}
	for (size_t i = 0; i < p->n_ssids; i++)
		if (strlen(p->ssids[i].id) > 64)
			return mams_fail(err, MAMS_EVALUE, path,
				"prefer %s: id is longer than 64 octets", p->ssids[i].name);
	rc = ncm_conf_plane(c, path, err);
	if (rc == 0)
		rc = check_redis(c, path, err);
	if (rc < 0)
		return rc;
	default_endpoints(&p->endpoints[NCM_HTTPS], c->listen, c->n_listen);
	default_endpoints(&p->endpoints[NCM_WSS], c->listen_wss, c->n_listen_wss);
	default_endpoints(
		&p->endpoints[NCM_UDP], c->n_udp ? &c->udp[0].listen : NULL, c->n_udp > 0);
	for (int t = 0; t < NCM_TRANSPORTS; t++)
		if (p->endpoints[t].n > MX_MAX_CONNECTIONS)
			return mams_fail(err, MAMS_EVALUE, path,
				"endpoints of %s: at most %d are told to clients",
				ncm_transport_name(t), MX_MAX_CONNECTIONS);
	return 0;
}

int ncm_conf_load(const char *path, struct ncm_conf *out, struct mams_error *err)
{
	struct steer_policy *none;
	int rc;

	*out = (struct ncm_conf){0};
	rc = mams_conf_load(path, &ncm_conf_table, out, &out->arena, err);
	if (rc == 0)
		rc = check(out, path, err);
	if (rc == 0)
		rc = ncm_conf_steer(out, &none, err);
	if (rc < 0)
		ncm_conf_free(out);
	return rc;
}

void ncm_conf_free(struct ncm_conf *c)
{
	ncm_conf_steer_free(c->steer);
	mams_arena_free(c->arena);
	*c = (struct ncm_conf){0};
}
