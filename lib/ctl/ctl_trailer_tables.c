/* Rows of the trailer MADP's messages. */
#include "lib/codec/field_rows.h"
#include "lib/ctl/ctl_tables.h"

#define OPT MAMS_F_OPTIONAL
#define MAX_LINKS 8
#define MAX_CLASSES 8
#define MAX_RULES 64
#define COUNT(S, m) ROW_INT(U64, S, m, #m, 0, 0, "")
#define TEXT(S, m, f) ROW_STR(S, m, #m, f, 255, "")
#define FLAG(S, m) ROW_BOOL(S, m, #m, "")
#define CID(S, m) ROW_INT(U8, S, m, #m, 0, 15, "")
#define FLOW(S, m) ROW_INT(U8, S, m, #m, 0, MAX_CLASSES - 1, "")

static const struct mams_enum_name encapsulations[] = {
	{"trailer", CTL_TR_TRAILER, false},
	{"header_ip", CTL_TR_HEADER_IP, false},
	{"header_non_ip", CTL_TR_HEADER_NON_IP, false},
	{NULL, 0, false},
};

/* the aliases are those of 3GPP TS 23.501 5.32.8 */
static const struct mams_enum_name modes[] = {
	{"single", CTL_TR_SINGLE, false},
	{"active-standby", CTL_TR_ACTIVE_STANDBY, false},
	{"smallest-delay", CTL_TR_SMALLEST_DELAY, false},
	{"priority", CTL_TR_PRIORITY, false},
	{"priority-based", CTL_TR_PRIORITY, true},
	{"split", CTL_TR_SPLIT, false},
	{"load-balancing", CTL_TR_SPLIT, true},
	{"duplicate", CTL_TR_DUPLICATE, false},
	{"redundant", CTL_TR_DUPLICATE, true},
	{NULL, 0, false},
};

static const struct mams_enum_name events[] = {
	{"path_up", CTL_TR_PATH_UP, false},
	{"path_down", CTL_TR_PATH_DOWN, false},
	{"path_proven", CTL_TR_PATH_PROVEN, false},
	{NULL, 0, false},
};

static const struct mams_field link_rows[] = {
	CID(ctl_tr_link, connection_id),
	TEXT(ctl_tr_link, name, OPT),
	ROW_INT(U32, ctl_tr_link, mtu, "mtu", 576, 65535, "octets, outer headers included"),
	ROW_ADDR(ctl_tr_link, local, "local", OPT, "client: the link's address"),
	ROW_ADDR(ctl_tr_link, remote, "remote", OPT, "client: the N-MADP's address"),
	ROW_INT(U16, ctl_tr_link, remote_port, "remote_port", 0, 65535, "client"),
	ROW_STR(ctl_tr_link, device, "device", OPT, 15, "client: the interface"),
	ROW_INT(U64, ctl_tr_link, rate_kbps, "rate_kbps", 0, 0, "first estimate; 0 unknown"),
	ROW_INT(U64, ctl_tr_link, bound_kbps, "bound_kbps", 0, 0, "upper bound; 0 none"),
	ROW_OPT_BOOL(ctl_tr_link, dtls, "dtls", "UDP tunnel with DTLS"),
	ROW_OPT_BOOL(ctl_tr_link, client_nat, "client_nat", "no tunnel: client NAT"),
	ROW_OPT_BOOL(ctl_tr_link, ipsec, "ipsec", "the tunnel goes inside IPsec"),
	ROW_OPT_OBJ(ctl_tr_link, protect, "protect", &ctl_protect_table,
		"network, with ipsec; absent: it keeps what it has"),
};
static TABLE(link_table, ctl_tr_link, "link", link_rows);

static const struct mams_field treat_rows[] = {
	ROW_ENUM(ctl_tr_treat, mode, "mode", modes, ""),
	ROW_SCALARS(ctl_tr_treat, links, "links", 0, U8, 1, MAX_LINKS, "connection ids in order"),
	ROW_SCALARS(ctl_tr_treat, weights, "weights", OPT, U8, 0, MAX_LINKS, "split: percent"),
	FLAG(ctl_tr_treat, lossless),
	FLAG(ctl_tr_treat, pass_late),
};
static TABLE(treat_table, ctl_tr_treat, "treat", treat_rows);

static const struct mams_field rule_rows[] = {
	TEXT(ctl_tr_rule, local, OPT),
	TEXT(ctl_tr_rule, remote, OPT),
	ROW_OPT_INT(U16, ctl_tr_rule, local_port_first, "local_port_first", 0, 65535, ""),
	ROW_OPT_INT(U16, ctl_tr_rule, local_port_last, "local_port_last", 0, 65535, ""),
	ROW_OPT_INT(U16, ctl_tr_rule, remote_port_first, "remote_port_first", 0, 65535, ""),
	ROW_OPT_INT(U16, ctl_tr_rule, remote_port_last, "remote_port_last", 0, 65535, ""),
	ROW_OPT_INT(U8, ctl_tr_rule, protocol, "protocol", 0, 255, ""),
	ROW_OPT_INT(U8, ctl_tr_rule, dscp, "dscp", 0, 63, ""),
	ROW_OPT_INT(U32, ctl_tr_rule, mark, "mark", 0, 0, "client: firewall mark"),
	ROW_OPT_INT(U32, ctl_tr_rule, flow_label, "flow_label", 0, 0xfffff, "IPv6; 0: any"),
};
static TABLE(rule_table, ctl_tr_rule, "rule", rule_rows);

static const struct mams_field class_rows[] = {
	FLOW(ctl_tr_class, flow_id),
	TEXT(ctl_tr_class, name, OPT),
	ROW_LIST(ctl_tr_class, rules, "rules", OPT, &rule_table, 0, MAX_RULES, ""),
	ROW_OBJ(ctl_tr_class, ul, "ul", &treat_table, ""),
	ROW_OBJ(ctl_tr_class, dl, "dl", &treat_table, ""),
};
static TABLE(class_table, ctl_tr_class, "class", class_rows);

static const struct mams_field probe_rows[] = {
	ROW_INT(U32, ctl_tr_probe, active_interval_ms, "active_interval_ms", 0, 10000, ""),
	ROW_INT(U32, ctl_tr_probe, active_size, "active_size", 0, 1500, "octets"),
	FLAG(ctl_tr_probe, active_ack),
	ROW_INT(U32, ctl_tr_probe, keep_alive_ms, "keep_alive_ms", 0, 600000, ""),
};
static TABLE(probe_table, ctl_tr_probe, "probe", probe_rows);

static const struct mams_field set_rows[] = {
	ROW_STR(ctl_tr_session_set, client, "client", 0, 63, ""),
	COUNT(ctl_tr_session_set, session_id),
	ROW_STR(ctl_tr_session_set, secret, "secret", MAMS_F_SECRET, 128, "base64"),
	ROW_ADDR(ctl_tr_session_set, anchor4, "anchor4", OPT, "the client's address inside"),
	ROW_ADDR(ctl_tr_session_set, anchor6, "anchor6", OPT, ""),
	CID(ctl_tr_session_set, anchor_connection_id),
	ROW_INT(U16, ctl_tr_session_set, mtu, "mtu", 576, 65535, "of packets inside"),
	ROW_INT(U16, ctl_tr_session_set, control_port, "control_port", 1, 65535, ""),
	ROW_ENUM(ctl_tr_session_set, encapsulation, "encapsulation", encapsulations, ""),
	FLAG(ctl_tr_session_set, header_optimization),
	ROW_OPT_BOOL(ctl_tr_session_set, fragmentation, "fragmentation",
		"cut packets that are too long for a link"),
	ROW_OPT_BOOL(
		ctl_tr_session_set, concatenation, "concatenation", "send small packets together"),
	ROW_LIST(ctl_tr_session_set, links, "links", 0, &link_table, 0, MAX_LINKS, ""),
	ROW_LIST(ctl_tr_session_set, classes, "classes", 0, &class_table, 1, MAX_CLASSES, ""),
	ROW_OPT_OBJ(ctl_tr_session_set, probe, "probe", &probe_table, ""),
};
TABLE(ctl_tr_session_set_table, ctl_tr_session_set, "tr_session_set", set_rows);

static const struct mams_field del_rows[] = {
	TEXT(ctl_tr_session_del, client, 0),
	ROW_OPT_INT(U64, ctl_tr_session_del, session_id, "session_id", 0, 0,
		"another session of this client stays"),
};
TABLE(ctl_tr_session_del_table, ctl_tr_session_del, "tr_session_del", del_rows);

static const struct mams_field port_rows[] = {
	CID(ctl_tr_port, connection_id),
	ROW_INT(U16, ctl_tr_port, port, "port", 0, 65535, ""),
};
static TABLE(port_table, ctl_tr_port, "port", port_rows);

static const struct mams_field ready_rows[] = {
	ROW_INT(U16, ctl_tr_ready, port, "port", 0, 65535, "network: of this session"),
	TEXT(ctl_tr_ready, interface, 0),
	ROW_LIST(ctl_tr_ready, ports, "ports", OPT, &port_table, 0, MAX_LINKS, "client: of links"),
};
TABLE(ctl_tr_ready_table, ctl_tr_ready, "tr_ready", ready_rows);

static const struct mams_field event_rows[] = {
	ROW_ENUM(ctl_tr_event, kind, "kind", events, ""),
	TEXT(ctl_tr_event, client, 0),
	CID(ctl_tr_event, connection_id),
	TEXT(ctl_tr_event, text, OPT),
};
TABLE(ctl_tr_event_table, ctl_tr_event, "tr_event", event_rows);

static const struct mams_field link_status_rows[] = {
	CID(ctl_tr_link_status, connection_id),
	TEXT(ctl_tr_link_status, name, OPT),
	FLAG(ctl_tr_link_status, proven),
	FLAG(ctl_tr_link_status, up),
	ROW_OPT_BOOL(ctl_tr_link_status, dtls, "dtls", "with DTLS: is the association open?"),
	ROW_OPT_BOOL(ctl_tr_link_status, client_nat, "client_nat", "no tunnel: client NAT"),
	ROW_OPT_BOOL(ctl_tr_link_status, ipsec, "ipsec", "the tunnel goes inside IPsec"),
	TEXT(ctl_tr_link_status, sa, OPT),
	ROW_INT(U32, ctl_tr_link_status, mtu, "mtu", 0, 0, "of an IP packet of the tunnel's"),
	COUNT(ctl_tr_link_status, tx_packets),
	COUNT(ctl_tr_link_status, tx_bytes),
	COUNT(ctl_tr_link_status, tx_dropped),
	COUNT(ctl_tr_link_status, rx_packets),
	COUNT(ctl_tr_link_status, rx_bytes),
	COUNT(ctl_tr_link_status, rx_refused),
	COUNT(ctl_tr_link_status, lost),
	COUNT(ctl_tr_link_status, reordered),
	COUNT(ctl_tr_link_status, duplicate),
	COUNT(ctl_tr_link_status, rtt_us),
	COUNT(ctl_tr_link_status, rate_bps),
	COUNT(ctl_tr_link_status, downs),
};
static TABLE(link_status_table, ctl_tr_link_status, "link_status", link_status_rows);

static const struct mams_field class_status_rows[] = {
	FLOW(ctl_tr_class_status, flow_id),
	TEXT(ctl_tr_class_status, name, OPT),
	TEXT(ctl_tr_class_status, ul, 0),
	TEXT(ctl_tr_class_status, dl, 0),
	COUNT(ctl_tr_class_status, tx_packets),
	COUNT(ctl_tr_class_status, tx_bytes),
	COUNT(ctl_tr_class_status, tx_dropped),
	COUNT(ctl_tr_class_status, tx_held),
	COUNT(ctl_tr_class_status, tx_again),
	COUNT(ctl_tr_class_status, rx_packets),
	COUNT(ctl_tr_class_status, rx_bytes),
	COUNT(ctl_tr_class_status, rx_held),
	COUNT(ctl_tr_class_status, rx_passed),
	COUNT(ctl_tr_class_status, lost),
	COUNT(ctl_tr_class_status, duplicate),
	COUNT(ctl_tr_class_status, late),
	COUNT(ctl_tr_class_status, reassembly_failed),
};
static TABLE(class_status_table, ctl_tr_class_status, "class_status", class_status_rows);

static const struct mams_field session_status_rows[] = {
	TEXT(ctl_tr_session_status, client, 0),
	COUNT(ctl_tr_session_status, session_id),
	ROW_ADDR(ctl_tr_session_status, anchor4, "anchor4", OPT, ""),
	ROW_ADDR(ctl_tr_session_status, anchor6, "anchor6", OPT, ""),
	ROW_INT(U16, ctl_tr_session_status, port, "port", 0, 65535, ""),
	ROW_OPT_INT(U16, ctl_tr_session_status, mtu, "mtu", 0, 65535, "of packets inside"),
	COUNT(ctl_tr_session_status, spoofed),
	ROW_LIST(ctl_tr_session_status, links, "links", 0, &link_status_table, 0, MAX_LINKS, ""),
	ROW_LIST(ctl_tr_session_status, classes, "classes", 0, &class_status_table, 0, MAX_CLASSES,
		""),
};
static TABLE(session_status_table, ctl_tr_session_status, "session", session_status_rows);

static const struct mams_field counter_rows[] = {
	TEXT(ctl_counter, name, 0),
	COUNT(ctl_counter, value),
};
static TABLE(counter_table, ctl_counter, "counter", counter_rows);

static const struct mams_field status_rows[] = {
	TEXT(ctl_tr_status, role, 0),
	TEXT(ctl_tr_status, version, 0),
	COUNT(ctl_tr_status, uptime_ms),
	COUNT(ctl_tr_status, sessions_total),
	ROW_OPT_INT(U64, ctl_tr_status, more, "more", 0, 0, "after of the next request"),
	ROW_LIST(ctl_tr_status, sessions, "sessions", 0, &session_status_table, 0, 65536, ""),
	ROW_LIST(ctl_tr_status, counters, "counters", 0, &counter_table, 0, 512, ""),
};
TABLE(ctl_tr_status_table, ctl_tr_status, "tr_status", status_rows);
