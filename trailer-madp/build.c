#include "trailer-madp/build.h"

#include "lib/io/ipsec.h"
#include "trailer-madp/flowclass.h"

#include <openssl/evp.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define KBIT 1000u

static int take_key(const char *text, struct madp_session_set *s, struct mams_error *err)
{
	uint8_t raw[MADP_KEY_MAX / 3 * 3 + 6];
	size_t len = strlen(text);
	int n = -1;

	if (len > 0 && len % 4 == 0 && len / 4 * 3 <= sizeof(raw))
		n = EVP_DecodeBlock(raw, (const unsigned char *)text, (int)len);
	if (n > 0) /* it counts the octets of the padding as well */
		n -= (text[len - 1] == '=') + (text[len - 2] == '=');
	if (n >= (int)MADP_KEY_MIN && n <= (int)MADP_KEY_MAX) {
		memcpy(s->key, raw, (size_t)n);
		s->key_len = (size_t)n;
	}
	mams_wipe(raw, sizeof(raw));
	return s->key_len
		       ? 0
		       : mams_fail(err, MAMS_EVALUE, "secret",
				 "no base64 secret of %u to %u octets", MADP_KEY_MIN, MADP_KEY_MAX);
}

static int take_anchors(
	const struct ctl_tr_session_set *m, struct madp_session_set *s, struct mams_error *err)
{
	if (!mams_addr_is_set(&m->anchor4) && !mams_addr_is_set(&m->anchor6))
		return mams_fail(err, MAMS_EMISSING, "anchor4",
			"a session needs an IPv4 or an IPv6 anchor address");
	if ((mams_addr_is_set(&m->anchor4) && m->anchor4.family != AF_INET) ||
		(mams_addr_is_set(&m->anchor6) && m->anchor6.family != AF_INET6))
		return mams_fail(err, MAMS_EVALUE, "anchor4",
			"anchor4 is an IPv4 address, anchor6 an IPv6 address");
	if (mams_addr_is_multicast(&m->anchor4) || mams_addr_is_loopback(&m->anchor4) ||
		mams_addr_is_multicast(&m->anchor6) || mams_addr_is_loopback(&m->anchor6))
		return mams_fail(
			err, MAMS_EVALUE, "anchor4", "an anchor is an address of one host");
	s->anchor4 = m->anchor4;
	s->anchor6 = m->anchor6;
	return 0;
}

static int take_link(const struct ctl_tr_link *m, enum madp_role role, struct madp_link_set *l,
	struct mams_error *err)
{
	*l = (struct madp_link_set){.cid = m->connection_id,
		.mtu = m->mtu,
		.local = m->local,
		.remote = m->remote,
		.rate = m->rate_kbps * KBIT,
		.bound = m->bound_kbps * KBIT,
		.dtls = m->has_dtls && m->dtls,
		.client_nat = m->has_client_nat && m->client_nat,
		.ipsec = m->has_ipsec && m->ipsec,
		.outer6 = m->remote.family != AF_INET};
	snprintf(l->name, sizeof(l->name), "%s", m->name ? m->name : "?");
	snprintf(l->device, sizeof(l->device), "%s", m->device ? m->device : "");
	if (l->ipsec && (l->dtls || l->client_nat))
		return mams_fail(
			err, MAMS_EVALUE, l->name, "IPsec or another adaptation, not both");
	if (l->ipsec) {
		/* the route into the association is another device's */
		l->device[0] = '\0';
		l->mtu = mams_ipsec_inner(
			l->mtu, m->protect ? m->protect->local.family : l->local.family);
	}
	if (role == MADP_ROLE_NETWORK) {
		/* a client is where it proves to be */
		l->local = l->remote = (struct mams_addr){0};
		l->device[0] = '\0';
		return 0;
	}
	l->remote.port = m->remote_port;
	if (!mams_addr_is_set(&l->local) || l->local.family != l->remote.family ||
		(l->remote.port == 0 && !l->client_nat))
		return mams_fail(err, MAMS_EVALUE, l->name,
			"a client's link needs local, remote of the same family, remote_port");
	if (l->client_nat && l->local.family != AF_INET)
		return mams_fail(
			err, MAMS_EVALUE, l->name, "client NAT is for links with IPv4 addresses");
	return 0;
}

/** RFC 9188 4.1: only IPv4 goes without a tunnel, and has its trailer or header in IP. */
static int check_nat(const struct madp_session_set *s, struct mams_error *err)
{
	for (size_t i = 0; i < s->n_links; i++) {
		const struct madp_link_set *l = &s->link[i];

		if (!l->client_nat)
			continue;
		if (l->dtls)
			return mams_fail(err, MAMS_EVALUE, l->name, "DTLS or client NAT, not both");
		if (s->gma.v4 != MADP_GMA_TRAILER || s->gma.header_optimization)
			return mams_fail(err, MAMS_EVALUE, l->name,
				"client NAT needs encapsulation \"trailer\" with right headers");
		if (mams_addr_is_set(&s->anchor6) || !mams_addr_is_set(&s->anchor4))
			return mams_fail(err, MAMS_EVALUE, l->name,
				"client NAT carries IPv4 only: an anchor4 and no anchor6");
	}
	return 0;
}

static int take_links(const struct ctl_tr_session_set *m, enum madp_role role,
	struct madp_session_set *s, struct mams_error *err)
{
	uint16_t seen = 0;

	if (m->n_links > MADP_LINKS_MAX)
		return mams_fail(err, MAMS_ELIMIT, "links", "at most %d", MADP_LINKS_MAX);
	for (size_t i = 0; i < m->n_links; i++) {
		int rc = take_link(&m->links[i], role, &s->link[i], err);

		if (rc < 0)
			return rc;
		if (seen & (1u << s->link[i].cid))
			return mams_fail(err, MAMS_EVALUE, s->link[i].name,
				"connection_id %u stands twice", s->link[i].cid);
		seen = (uint16_t)(seen | 1u << s->link[i].cid);
	}
	s->n_links = m->n_links;
	return 0;
}

static int take_treat(const struct ctl_tr_treat *m, const struct madp_session_set *s,
	struct madp_treat *t, struct mams_error *err)
{
	static const enum madp_mode modes[] = {
		[CTL_TR_SINGLE] = MADP_MODE_SINGLE,
		[CTL_TR_ACTIVE_STANDBY] = MADP_MODE_ACTIVE_STANDBY,
		[CTL_TR_SMALLEST_DELAY] = MADP_MODE_SMALLEST_DELAY,
		[CTL_TR_PRIORITY] = MADP_MODE_PRIORITY,
		[CTL_TR_SPLIT] = MADP_MODE_SPLIT,
		[CTL_TR_DUPLICATE] = MADP_MODE_DUPLICATE,
	};
	uint16_t seen = 0;

	*t = (struct madp_treat){
		.mode = modes[m->mode], .lossless = m->lossless, .pass_late = m->pass_late};
	if (m->n_weights && m->n_weights != m->n_links)
		return mams_fail(
			err, MAMS_EVALUE, "weights", "as many as links, or none: by measurement");
	for (size_t i = 0; i < m->n_links; i++) {
		size_t k = 0;

		while (k < s->n_links && s->link[k].cid != m->links[i])
			k++;
		if (k == s->n_links)
			return mams_fail(err, MAMS_EUNKNOWN, "links",
				"connection %u is none of the session's links", m->links[i]);
		if (seen & (1u << m->links[i]))
			return mams_fail(err, MAMS_EVALUE, "links", "connection %u stands twice",
				m->links[i]);
		seen = (uint16_t)(seen | 1u << m->links[i]);
		t->links[t->n_links] = m->links[i];
		t->weight[t->n_links++] = m->n_weights ? m->weights[i] : 0;
	}
	return 0;
}

static int take_prefix(const char *text, struct mams_prefix *out, struct mams_error *err)
{
	if (!text || mams_prefix_parse(text, out) == 0)
		return 0;
	return mams_fail(err, MAMS_EVALUE, text, "no prefix such as 192.0.2.0/24");
}

static int take_rule(
	const struct ctl_tr_rule *m, uint8_t cls, struct madp_rules *rules, struct mams_error *err)
{
	struct madp_rule r = madp_rule_any(cls);
	int rc = take_prefix(m->local, &r.local, err);

	if (rc == 0)
		rc = take_prefix(m->remote, &r.remote, err);
	if (rc < 0)
		return rc;
	if (m->has_local_port_first)
		r.local_port[0] = r.local_port[1] = m->local_port_first;
	if (m->has_local_port_last)
		r.local_port[1] = m->local_port_last;
	if (m->has_remote_port_first)
		r.remote_port[0] = r.remote_port[1] = m->remote_port_first;
	if (m->has_remote_port_last)
		r.remote_port[1] = m->remote_port_last;
	if (m->has_protocol)
		r.protocol = m->protocol;
	if (m->has_dscp)
		r.dscp = m->dscp;
	if (m->has_mark)
		r.mark = m->mark;
	if (m->has_flow_label)
		r.flow_label = m->flow_label;
	rc = madp_rules_add(rules, &r);
	return rc < 0 ? mams_fail(err, -rc, "rules", "%s",
				rc == -MAMS_ELIMIT ? "too many rules" : "a range is backwards")
		      : 0;
}

static int take_class(const struct ctl_tr_class *m, enum madp_role role, struct madp_session_set *s,
	struct mams_error *err)
{
	struct madp_class_set *c = &s->cls[m->flow_id];
	bool client = role == MADP_ROLE_CLIENT;
	struct madp_treat receive = {0};
	int rc;

	if (c->used)
		return mams_fail(
			err, MAMS_EVALUE, "classes", "flow_id %u stands twice", m->flow_id);
	c->used = true;
	snprintf(c->name, sizeof(c->name), "%s", m->name ? m->name : "");
	rc = take_treat(client ? &m->ul : &m->dl, s, &c->send, err);
	if (rc == 0)
		rc = take_treat(client ? &m->dl : &m->ul, s, &receive, err);
	if (rc < 0)
		return rc;
	c->peer_lossless = receive.lossless;
	c->pass_late = receive.pass_late;
	c->peer_splits = receive.mode == MADP_MODE_SPLIT;
	c->peer_repeats = receive.mode == MADP_MODE_DUPLICATE;
	c->peer_needs_reports = madp_treat_needs_reports(&receive);
	c->ul = client ? c->send.mode : receive.mode;
	c->dl = client ? receive.mode : c->send.mode;
	for (size_t i = 0; rc == 0 && i < m->n_rules; i++)
		rc = take_rule(&m->rules[i], m->flow_id, s->rules, err);
	return rc;
}

static int take_all(const struct ctl_tr_session_set *m, enum madp_role role,
	struct madp_session_set *s, struct mams_error *err)
{
	int rc = take_key(m->secret, s, err);

	if (rc == 0)
		rc = take_anchors(m, s, err);
	if (rc == 0)
		rc = take_links(m, role, s, err);
	if (rc == 0)
		rc = check_nat(s, err);
	for (size_t i = 0; rc == 0 && i < m->n_classes; i++)
		rc = take_class(&m->classes[i], role, s, err);
	if (rc == 0 && !s->cls[0].used)
		rc = mams_fail(err, MAMS_EMISSING, "classes", "the class with flow_id 0");
	return rc;
}

int madp_build(const struct ctl_tr_session_set *m, enum madp_role role, uint32_t packet_max,
	struct madp_session_set **out, struct mams_error *err)
{
	static const enum madp_gma_form forms[] = {[CTL_TR_TRAILER] = MADP_GMA_TRAILER,
		[CTL_TR_HEADER_IP] = MADP_GMA_HEADER_IP,
		[CTL_TR_HEADER_NON_IP] = MADP_GMA_HEADER};
	struct madp_session_set *s = madp_session_set_new();
	int rc;

	if (!s)
		return -ENOMEM;
	snprintf(s->client, sizeof(s->client), "%s", m->client);
	s->id = m->session_id;
	s->anchor_cid = m->anchor_connection_id;
	s->mtu = m->mtu;
	s->control_port = m->control_port;
	s->gma.v4 = forms[m->encapsulation];
	s->gma.header_optimization = m->header_optimization;
	s->fragmentation = m->has_fragmentation && m->fragmentation;
	s->concatenation = m->has_concatenation && m->concatenation;
	s->probe = madp_probe_defaults;
	if (m->probe) {
		s->probe.active_ack = m->probe->active_ack;
		if (m->probe->active_interval_ms)
			s->probe.active_interval_ms = m->probe->active_interval_ms;
		if (m->probe->active_size)
			s->probe.active_size = m->probe->active_size;
		s->probe.keep_alive_ms = m->probe->keep_alive_ms;
	}
	rc = m->mtu > packet_max ? mams_fail(err, MAMS_EVALUE, "mtu",
					   "more than packet_max, which is %u", packet_max)
				 : take_all(m, role, s, err);
	if (rc < 0) {
		madp_session_set_free(s);
		return rc;
	}
	madp_session_set_fit(s);
	*out = s;
	return 0;
}
