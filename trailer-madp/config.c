#include "trailer-madp/config.h"

#include <string.h>
#include <unistd.h>

#define AT(m) offsetof(struct madp_conf, m)
#define NAME_MAX_OCTETS 12u /* a worker's number is appended */

static const struct mams_enum_name roles[] = {
	{"client", MADP_ROLE_CLIENT, false}, {"network", MADP_ROLE_NETWORK, false}, {0}};

static const struct mams_conf_row rows[] = {
	{"role", MAMS_C_ENUM, AT(role), .names = roles, .required = true,
		.doc = "client (on the device) or network (on the N-MADP host)"},
	{"ctl_socket", MAMS_C_STRING, AT(ctl_socket), .def = "/run/mams/trailer.ctl",
		.doc = "where mams-ccm or mams-ncm, and mamsctl, reach this daemon"},
	MAMS_CTL_OFFER_ROWS(AT),
	{"interface", MAMS_C_STRING, AT(interface), .def = "mams",
		.doc = "name of the TUN device; with several workers a number follows"},
	{"workers", MAMS_C_INT, AT(workers), .max = MADP_WORKERS_MAX, .def = "0",
		.doc = "threads; 0: one per core, and one for a client, which has one session"},
	{"mtu", MAMS_C_INT, AT(mtu), .min = 576, .max = 65535, .def = "1400",
		.doc = "of the TUN device, until a session sets it (client)"},
	{"packet_max", MAMS_C_INT, AT(packet_max), .min = 1280, .max = 65535, .def = "2048",
		.doc = "longest packet inside the tunnel, octets"},
	{"waiting_max", MAMS_C_INT, AT(waiting_max), .min = 1024, .max = 1000000, .def = "65536",
		.doc = "packets that may wait in a worker: for order, for a link, to be sent "
		       "again"},
	{"window_octets", MAMS_C_INT, AT(window_octets), .min = 1048576, .max = UINT32_MAX,
		.def = "268435456",
		.doc = "octets for reorder windows and the like in a worker, without the packets"},
	{"send_buffer", MAMS_C_INT, AT(send_buffer), .max = 268435456, .def = "4194304",
		.doc = "octets that a link's socket may hold; 0: the system's default"},
	{"receive_buffer", MAMS_C_INT, AT(receive_buffer), .max = 268435456, .def = "16777216",
		.doc = "the same for what arrives"},
	{"proofs", MAMS_C_INT, AT(proofs), .min = 10, .max = 1000000, .def = "5000",
		.doc = "network: proofs of clients looked at in a second, per worker"},
	{"mark", MAMS_C_INT, AT(mark), .max = UINT32_MAX, .def = "19777",
		.doc = "client: SO_MARK of our own sockets; 0: none"},
	{"client_nat", MAMS_C_BOOL, AT(client_nat), .def = "no",
		.doc = "links may have the adaptation client NAT: PDUs of protocol 114 without a "
		       "tunnel, one hop"},
	{"listen", MAMS_C_ADDR_PORTS, AT(listen), AT(n_listen), .min = 7446,
		.doc = "network: address of each access, and the first of as many ports as there "
		       "are workers"},
	{"masquerade", MAMS_C_PREFIXES, AT(masquerade), AT(n_masquerade),
		.doc = "network: anchor addresses that leave this host with its own address"},
	{"protected", MAMS_C_ADDR_PORTS, AT(protected), AT(n_protected), .min = 7446,
		.doc = "network: of listen, those that are reached inside IPsec only; a packet "
		       "filter keeps them closed without it, also when this daemon is gone"},
	{"vici_socket", MAMS_C_STRING, AT(vici_socket), .def = "none",
		.doc = "network: charon's VICI socket, for IPsec of clients' links; none: no "
		       "IPsec"},
	{"dtls_ca", MAMS_C_STRING, AT(certs.ca),
		.doc = "CA of the other ends' certificates, PEM; DTLS is then by certificates, and "
		       "not "
		       "by the session's secret"},
	{"dtls_certificate", MAMS_C_STRING, AT(certs.certificate),
		.doc = "with dtls_ca: our own, PEM; the common name of a client's is its identity"},
	{"dtls_key", MAMS_C_STRING, AT(certs.key),
		.doc = "with dtls_ca: its key, PEM; refused when anybody but its owner may read "
		       "it"},
	{"dtls_peer", MAMS_C_STRING, AT(certs.peer),
		.doc = "client, with dtls_ca: DNS name or address in the N-MADP's certificate"},
};
const struct mams_conf_table madp_conf_table = {
	"mams-trailer", sizeof(struct madp_conf), rows, MAMS_ARRAY_LEN(rows), 0};

static uint32_t cores(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n < 1 ? 1 : n > (long)MADP_WORKERS_MAX ? MADP_WORKERS_MAX : (uint32_t)n;
}

static bool has_ipv4(const struct madp_conf *c)
{
	for (size_t i = 0; i < c->n_listen; i++)
		if (c->listen[i].family == AF_INET)
			return true;
	return false;
}

static int check_protected(const struct madp_conf *c, const char *path, struct mams_error *err)
{
	char text[MAMS_ADDR_STRLEN];

	if ((c->n_protected > 0) != (strcmp(c->vici_socket, "none") != 0))
		return mams_fail(err, MAMS_EVALUE, path,
			"vici_socket and protected belong together: the one says how, the other "
			"what");
	if (c->role != MADP_ROLE_NETWORK && c->n_protected)
		return mams_fail(err, MAMS_EVALUE, path,
			"vici_socket and protected are of the network role; a client's charon is "
			"driven by mams-ccm");
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

static int check(struct madp_conf *c, const char *path, struct mams_error *err)
{
	bool network = c->role == MADP_ROLE_NETWORK;

	if (!network && (c->n_listen || c->n_masquerade))
		return mams_fail(
			err, MAMS_EVALUE, path, "listen and masquerade are of the network role");
	if (!network && c->offer.n_listen)
		return mams_fail(err, MAMS_EVALUE, path, "ctl_listen is of the network role");
	if (mams_ctl_offer_check(&c->offer, path, err) < 0)
		return -MAMS_EVALUE;
	if (!network && c->workers > 1)
		return mams_fail(err, MAMS_EVALUE, path,
			"workers: a client has one session, which one worker carries");
	if (network && c->n_listen == 0)
		return mams_fail(err, MAMS_EMISSING, path,
			"listen is required: without it no client can come");
	if (c->n_listen > MADP_LISTEN_MAX)
		return mams_fail(
			err, MAMS_EVALUE, path, "listen: at most %u addresses", MADP_LISTEN_MAX);
	if (network && c->client_nat && !has_ipv4(c))
		return mams_fail(err, MAMS_EVALUE, path,
			"client_nat: IPv4 only, and listen has no IPv4 address");
	if (c->interface[0] == '\0' || strlen(c->interface) > NAME_MAX_OCTETS)
		return mams_fail(err, MAMS_EVALUE, path, "interface: a name of 1 to %u octets",
			NAME_MAX_OCTETS);
	if (c->mtu > c->packet_max)
		return mams_fail(err, MAMS_EVALUE, path, "mtu is greater than packet_max");
	if (c->workers == 0)
		c->workers = network ? cores() : 1;
	for (size_t i = 0; i < c->n_listen; i++)
		if (c->listen[i].port + c->workers > 65536u)
			return mams_fail(err, MAMS_EVALUE, path,
				"listen: there are no %u ports from %u", c->workers,
				c->listen[i].port);
	if (check_protected(c, path, err) < 0)
		return -MAMS_EVALUE;
	return madp_certs_check(&c->certs, network, path, err);
}

int madp_conf_load(const char *path, struct madp_conf *out, struct mams_error *err)
{
	int rc;

	*out = (struct madp_conf){0};
	rc = mams_conf_load(path, &madp_conf_table, out, &out->arena, err);
	if (rc == 0)
		rc = check(out, path, err);
	if (rc < 0)
		madp_conf_free(out);
	return rc;
}

bool madp_conf_protects(const struct madp_conf *c, const struct mams_addr *a)
{
	for (size_t i = 0; i < c->n_protected; i++)
		if (mams_addr_eq_ip(&c->protected[i], a))
			return true;
	return false;
}

void madp_conf_free(struct madp_conf *c)
{
	mams_arena_free(c->arena);
	*c = (struct madp_conf){0};
}
