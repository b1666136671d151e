#include "proxy/config.h"

#include "proxy/listener.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define AT(m) offsetof(struct px_conf, m)
#define IN_CLIENT(m) offsetof(struct px_conf_client, m)
#define COOKIE_NETWORKS_MAX 8
#define CONTROL_LISTEN_MAX 16

static const struct mams_enum_name roles[] = {
	{"client", PX_ROLE_CLIENT, false}, {"network", PX_ROLE_NETWORK, false}, {0}};

static const struct mams_conf_row client_rows[] = {
	{"key_file", MAMS_C_SECRET_FILE, IN_CLIENT(key_file), .required = true,
		.doc = "the client's key, base64, in the first line"},
};
static const struct mams_conf_table client_table = {"client", sizeof(struct px_conf_client),
	client_rows, MAMS_ARRAY_LEN(client_rows), IN_CLIENT(name)};

static const struct mams_conf_row rows[] = {
	{"role", MAMS_C_ENUM, AT(role), .names = roles, .required = true,
		.doc = "client (on the device) or network (on the N-MADP host)"},
	{"ctl_socket", MAMS_C_STRING, AT(ctl_socket), .def = "/run/mams/proxy.ctl",
		.doc = "where mams-ccm or mams-ncm, and mamsctl, reach this daemon"},
	{"pm_socket", MAMS_C_STRING, AT(pm_socket), .def = "/run/mams/pm.ctl",
		.doc = "ctl socket of mptcpd's mams_pm plugin; client: dialled once there are flow "
		       "classes"},
	MAMS_CTL_OFFER_ROWS(AT),
	{"workers", MAMS_C_INT, AT(workers), .max = PX_WORKERS_MAX, .def = "0",
		.doc = "threads; 0: one per core"},
	{"max_flows", MAMS_C_INT, AT(max_flows), .min = 1, .max = 10000000, .def = "100000",
		.doc = "connections at once; more are refused"},
	{"max_pending_per_client", MAMS_C_INT, AT(max_pending_per_client), .min = 1, .max = 1000000,
		.def = "1024",
		.doc = "network: requests of one client not yet answered by servers"},
	{"max_pending_per_source", MAMS_C_INT, AT(max_pending_per_source), .min = 1, .max = 1000000,
		.def = "1024",
		.doc = "network: connections of one address that have not named a server"},
	{"buffer", MAMS_C_INT, AT(buffer_octets), .min = 4096, .max = 4194304, .def = "262144",
		.doc = "octets read at once"},
	{"idle", MAMS_C_DURATION, AT(idle_ms), .min = 1000, .max = 2000000000, .def = "24h",
		.doc = "a connection without traffic is ended after this"},
	{"half_closed", MAMS_C_DURATION, AT(half_closed_ms), .min = 1000, .max = 2000000000,
		.def = "24h", .doc = "the same, when one side has finished"},
	{"flush", MAMS_C_DURATION, AT(flush_ms), .min = 100, .max = 600000, .def = "2s",
		.doc = "a side that takes nothing after the other has gone is ended after this"},
	{"keepalive", MAMS_C_DURATION, AT(keepalive_ms), .max = 86400000, .def = "5min",
		.doc = "TCP keep-alive after so long without traffic; 0: off"},
	{"fastopen", MAMS_C_BOOL, AT(fastopen), .def = "no",
		.doc = "TCP Fast Open between the two proxies; Linux 6.18 then delivers a few "
		       "Mbit/s "
		       "once a second subflow has joined"},
	{"congestion", MAMS_C_STRING, AT(congestion), .def = "auto",
		.doc = "congestion control of MPTCP connections by its kernel name; system: leave "
		       "it; "
		       "auto: cubic, or reno where that is not permitted. bbr measures subflows "
		       "short: 10 % less over two links"},
	{"splice", MAMS_C_BOOL, AT(splice), .def = "yes",
		.doc = "move octets within the kernel where both sides are plain TCP"},
	{"listen", MAMS_C_ADDR_PORTS, AT(listen), AT(n_listen), .min = 7443,
		.doc = "client: where caught connections go; network: explicit proxy, one address "
		       "per access"},
	{"exempt", MAMS_C_PREFIXES, AT(exempt), AT(n_exempt),
		.doc = "client: destinations that are never caught, besides this host, link-local "
		       "and multicast"},
	{"mark", MAMS_C_INT, AT(mark), .min = 1, .max = UINT32_MAX, .def = "19777",
		.doc = "client: SO_MARK of our own sockets, which are never caught"},
	{"race", MAMS_C_DURATION, AT(race_ms), .min = 10, .max = 10000, .def = "150ms",
		.doc = "client: patience with one path before the next is tried as well"},
	{"attempt", MAMS_C_DURATION, AT(attempt_ms), .min = 100, .max = 60000, .def = "2500ms",
		.doc = "client: an attempt on a path is given up after this"},
	{"confirm", MAMS_C_DURATION, AT(confirm_ms), .min = 1000, .max = 600000, .def = "75s",
		.doc = "client: for the N-MADP to reach the server"},
	{"rounds", MAMS_C_INT, AT(rounds), .min = 1, .max = 10, .def = "2",
		.doc = "client: how often every path is tried before the N-MADP counts as down"},
	{"probe", MAMS_C_DURATION, AT(probe_ms), .min = 100, .max = 600000, .def = "2s",
		.doc = "client: an N-MADP that is down is asked this often"},
	{"silence", MAMS_C_DURATION, AT(silence_ms), .max = 60000, .def = "250ms",
		.doc = "client: a path that was busy, or owes an acknowledgement, and lets nothing "
		       "be heard for so long is asked whether it is there; 0: never"},
	{"silence_ask", MAMS_C_DURATION, AT(silence_ask_ms), .min = 50, .max = 60000,
		.def = "200ms",
		.doc = "client: such a path is asked this often; after three questions without an "
		       "answer, while another path is alive, its traffic moves there until it "
		       "answers"},
	{"fail_open", MAMS_C_BOOL, AT(fail_open), .def = "yes",
		.doc = "client: connect straight to the server when the N-MADP is down"},
	{"transparent", MAMS_C_ADDR_PORTS, AT(transparent), AT(n_transparent), .min = 7444,
		.doc = "network: where TPROXY sends MPTCP connections of clients"},
	{"join", MAMS_C_ADDR_PORTS, AT(join), AT(n_join), .min = 7445,
		.doc = "network: announced to transparent connections for their further subflows"},
	{"control_listen", MAMS_C_ADDR_PORTS, AT(control_listen), AT(n_control_listen), .min = 7444,
		.doc = "network: UDP, for MX Control PDUs (RFC 8743 8.6): one address per access, "
		       "all with the NCM's control_port; default: none, nothing is probed"},
	{"vici_socket", MAMS_C_STRING, AT(vici_socket), .def = "none",
		.doc = "network: charon's VICI socket, for IPsec of clients' links; none: no "
		       "IPsec"},
	{"protected", MAMS_C_ADDR_PORTS, AT(protected), AT(n_protected), .min = 7443,
		.doc = "network: of listen, those that are reached inside IPsec only; a packet "
		       "filter "
		       "that outlives this daemon drops their TCP outside of it"},
	{"keep_source", MAMS_C_BOOL, AT(keep_source), .def = "no",
		.doc = "network: transparent connections keep the client's address towards the "
		       "server"},
	{"hello", MAMS_C_DURATION, AT(hello_ms), .min = 100, .max = 600000, .def = "10s",
		.doc = "network: for the whole Convert message"},
	{"connect", MAMS_C_DURATION, AT(connect_ms), .min = 1000, .max = 600000, .def = "60s",
		.doc = "for a server to accept"},
	{"tail", MAMS_C_DURATION, AT(tail_ms), .min = 100, .max = 600000, .def = "5s",
		.doc = "network: for a client to close after an error"},
	{"need_cookie", MAMS_C_BOOL, AT(need_cookie), .def = "yes",
		.doc = "network: serve only clients whose key the NCM, or a client section, has "
		       "given"},
	{"cookie_networks", MAMS_C_PREFIXES, AT(cookie_networks), AT(n_cookie_networks),
		.doc = "network: clients known by their address get a cookie when they bring none "
		       "(RFC 8803 9.2)"},
	{"allow", MAMS_C_PREFIXES, AT(allow), AT(n_allow),
		.doc = "network: destinations allowed although they are of this host's own "
		       "networks"},
	{"deny", MAMS_C_PREFIXES, AT(deny), AT(n_deny),
		.doc = "network: destinations never allowed"},
	{"allow_others", MAMS_C_BOOL, AT(allow_others), .def = "yes",
		.doc = "network: destinations that no rule names are allowed"},
	{"client", MAMS_C_SECTIONS, AT(clients), AT(n_clients), .table = &client_table,
		.doc = "network: a client known without an NCM"},
};
const struct mams_conf_table px_conf_table = {
	"mams-proxy", sizeof(struct px_conf), rows, MAMS_ARRAY_LEN(rows), 0};

/* A host may have been told to do without IPv6: then there is no ::1 to listen at. */
static bool has_ipv6(void)
{
	const struct sockaddr_in6 any_port = {
		.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	MAMS_AUTO_FD int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return fd >= 0 && bind(fd, (const struct sockaddr *)&any_port, sizeof(any_port)) == 0;
}

static int default_listen(struct px_conf *c)
{
	c->n_listen = has_ipv6() ? 2 : 1;
	c->listen = mams_arena_alloc(c->arena, 2 * sizeof(*c->listen));
	if (!c->listen || mams_addr_parse_port("127.0.0.1:7080", 0, &c->listen[0]) < 0 ||
		mams_addr_parse_port("[::1]:7080", 0, &c->listen[1]) < 0)
		return -MAMS_EVALUE;
	return 0;
}

static int check_client(struct px_conf *c, const char *path, struct mams_error *err)
{
	unsigned v4 = 0;

	if (c->n_transparent || c->n_join || c->n_clients || c->n_allow || c->n_deny ||
		c->n_control_listen || c->n_protected || strcmp(c->vici_socket, "none") != 0)
		return mams_fail(err, MAMS_EVALUE, path,
			"transparent, join, client, allow, deny, control_listen, protected and "
			"vici_socket are of the network role");
	if (c->n_listen == 0)
		return default_listen(c);
	for (size_t i = 0; i < c->n_listen; i++) {
		v4 += c->listen[i].family == AF_INET;
		if (!mams_addr_is_loopback(&c->listen[i]))
			return mams_fail(err, MAMS_EVALUE, path,
				"listen: a client catches on loopback addresses only");
	}
	if (c->n_listen > 2 || v4 > 1 || c->n_listen - v4 > 1)
		return mams_fail(
			err, MAMS_EVALUE, path, "listen: one IPv4 and one IPv6 address at most");
	return 0;
}

static int check_protected(const struct px_conf *c, const char *path, struct mams_error *err)
{
	char text[MAMS_ADDR_STRLEN];

	if ((c->n_protected > 0) != (strcmp(c->vici_socket, "none") != 0))
		return mams_fail(err, MAMS_EMISSING, path,
			"vici_socket and protected belong together: the one says how, the other "
			"what");
	for (size_t i = 0; i < c->n_protected; i++) {
		size_t k = 0;

		while (k < c->n_listen && !mams_addr_eq(&c->listen[k], &c->protected[i]))
			k++;
		if (k == c->n_listen)
			return mams_fail(err, MAMS_EVALUE, path,
				"protected: %s is not among the addresses of listen",
				mams_addr_str_port(&c->protected[i], text));
	}
	return 0;
}

static int check_network(const struct px_conf *c, const char *path, struct mams_error *err)
{
	if (c->n_exempt)
		return mams_fail(err, MAMS_EVALUE, path, "exempt is of the client role");
	if (mams_ctl_offer_check(&c->offer, path, err) < 0)
		return -MAMS_EVALUE;
	if (c->n_listen + c->n_transparent == 0)
		return mams_fail(err, MAMS_EMISSING, path,
			"listen or transparent is required: without either there is nothing to do");
	if (c->n_control_listen > CONTROL_LISTEN_MAX)
		return mams_fail(
			err, MAMS_EVALUE, path, "control_listen: at most %d", CONTROL_LISTEN_MAX);
	if (c->n_cookie_networks > COOKIE_NETWORKS_MAX)
		return mams_fail(
			err, MAMS_EVALUE, path, "cookie_networks: at most %d", COOKIE_NETWORKS_MAX);
	return check_protected(c, path, err);
}

int px_conf_load(const char *path, struct px_conf *out, struct mams_error *err)
{
	int rc;

	*out = (struct px_conf){0};
	rc = mams_conf_load(path, &px_conf_table, out, &out->arena, err);
	if (rc == 0)
		rc = out->role == PX_ROLE_CLIENT ? check_client(out, path, err)
						 : check_network(out, path, err);
	if (rc < 0)
		px_conf_free(out);
	return rc;
}

void px_conf_free(struct px_conf *c)
{
	mams_arena_free(c->arena);
	*c = (struct px_conf){0};
}

static uint32_t cores(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n < 1 ? 1 : n > (long)PX_WORKERS_MAX ? PX_WORKERS_MAX : (uint32_t)n;
}

void px_conf_settings(const struct px_conf *c, struct px_settings *out)
{
	bool network = c->role == PX_ROLE_NETWORK;

	*out = (struct px_settings){.role = (enum px_role)c->role,
		.workers = c->workers ? c->workers : cores(),
		.max_flows = c->max_flows,
		.max_pending_per_client = c->max_pending_per_client,
		.max_pending_per_source = c->max_pending_per_source,
		.buffer_size = c->buffer_octets,
		.limits = {.idle_ms = c->idle_ms,
			.half_closed_ms = c->half_closed_ms,
			.flush_ms = c->flush_ms},
		.hello_ms = c->hello_ms,
		.connect_ms = c->connect_ms,
		.tail_ms = c->tail_ms,
		.race_ms = c->race_ms,
		.attempt_ms = c->attempt_ms,
		.confirm_ms = c->confirm_ms,
		.rounds = c->rounds,
		.mark = network ? 0 : c->mark,
		.keepalive_s = c->keepalive_ms / 1000,
		.fastopen = c->fastopen,
		.fail_open = c->fail_open,
		.splice = c->splice,
		.keep_source = c->keep_source,
		.need_cookie = c->need_cookie,
		.bind_plugin = network && strcmp(c->pm_socket, "none") != 0,
		.n_cookie_networks = c->n_cookie_networks};
	for (size_t i = 0; i < c->n_cookie_networks; i++)
		out->cookie_networks[i] = c->cookie_networks[i];
}
