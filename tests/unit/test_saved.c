#include "lib/base/buf.h"
#include "ncm-service/saved.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <string.h>

static struct ncm_saved sample(void)
{
	struct ncm_saved s = {.identity = "alice, \"the\" client",
		.session_id = (UINT64_C(1) << 53) - 1,
		.client_key = "c2VjcmV0",
		.active = true,
		.features = 5,
		.convergence = 6,
		.adaptation = 3};

	s.anchors[0] = (struct ncm_saved_anchor){
		.used = true, .id = 3, .madp = "north", .dl = 3, .ul = UINT32_MAX};
	s.anchors[0].dl_mode = 1 + MX_MODE_DUPLICATE;
	s.anchors[0].ul_mode = 1 + MX_MODE_SINGLE;
	s.anchors[0].off = 1u << MX_F_LOSSLESS_SWITCHING;
	s.anchors[0].held = true;
	s.anchors[1] = (struct ncm_saved_anchor){.used = true, .id = 4, .dl = 1, .ul = 2};
	s.apps[0] = (struct ncm_saved_app){.name = "voice",
		.dl = {.links = 3, .first = 1, .mode = 1 + MX_MODE_SPLIT},
		.ul = {.links = UINT32_MAX, .first = 15, .mode = 1 + MX_MODE_DUPLICATE},
		.held = true};
	s.apps[1] = (struct ncm_saved_app){.name = "bulk"};
	s.tunnel = (struct ncm_tunnel){.secret = "dHVubmVs", .port = 65535};
	(void)!mams_addr_parse("10.60.3.4", &s.tunnel.anchor4);
	(void)!mams_addr_parse("fd60::304", &s.tunnel.anchor6);
	s.links[2] = (struct ncm_link){.known = true,
		.connection_type = 1,
		.up = true,
		.mtu = 1428,
		.in_setup = true,
		.confirmed = true,
		.handover = true,
		.moved = true,
		.report_num = UINT32_MAX};
	(void)!mams_addr_parse("10.1.2.3", &s.links[2].address);
	(void)!mams_addr_parse("fd00::7", &s.links[2].setup_address);
	s.used[0] = (struct ncm_used){"lte", UINT64_MAX >> 12, 1800000000};
	s.links[5] = (struct ncm_link){.known = true, .connection_type = 0};
	return s;
}

static void round_trip(void)
{
	const struct ncm_saved in = sample();
	struct ncm_saved out;
	struct mams_buf text = {0};
	struct mams_error err = {0};

	CU_ASSERT_EQUAL_FATAL(ncm_saved_write(&in, 0, &text), 0);
	CU_ASSERT_EQUAL_FATAL(ncm_saved_read(text.data, text.len, &out, &err), 0);
	CU_ASSERT_STRING_EQUAL(out.identity, in.identity);
	CU_ASSERT_STRING_EQUAL(out.client_key, in.client_key);
	CU_ASSERT_EQUAL(out.session_id, in.session_id);
	CU_ASSERT_EQUAL(out.active, in.active);
	CU_ASSERT_EQUAL(out.features, in.features);
	CU_ASSERT_EQUAL(out.convergence, in.convergence);
	CU_ASSERT_EQUAL(out.adaptation, in.adaptation);
	for (size_t i = 0; i < NCM_ANCHORS_MAX; i++) {
		CU_ASSERT_EQUAL(out.anchors[i].used, in.anchors[i].used);
		CU_ASSERT_EQUAL(out.anchors[i].id, in.anchors[i].id);
		CU_ASSERT_STRING_EQUAL(out.anchors[i].madp, in.anchors[i].madp);
		CU_ASSERT_EQUAL(out.anchors[i].dl, in.anchors[i].dl);
		CU_ASSERT_EQUAL(out.anchors[i].ul, in.anchors[i].ul);
		CU_ASSERT_EQUAL(out.anchors[i].dl_mode, in.anchors[i].dl_mode);
		CU_ASSERT_EQUAL(out.anchors[i].ul_mode, in.anchors[i].ul_mode);
		CU_ASSERT_EQUAL(out.anchors[i].off, in.anchors[i].off);
		CU_ASSERT_EQUAL(out.anchors[i].held, in.anchors[i].held);
	}
	for (size_t i = 0; i < NCM_APPS_MAX; i++) {
		CU_ASSERT_STRING_EQUAL(out.apps[i].name, in.apps[i].name);
		CU_ASSERT_EQUAL(out.apps[i].held, in.apps[i].held);
		CU_ASSERT_EQUAL(memcmp(&out.apps[i].dl, &in.apps[i].dl, sizeof(in.apps[i].dl)), 0);
		CU_ASSERT_EQUAL(memcmp(&out.apps[i].ul, &in.apps[i].ul, sizeof(in.apps[i].ul)), 0);
	}
	CU_ASSERT_STRING_EQUAL(out.used[0].access, "lte");
	CU_ASSERT_EQUAL(out.used[0].octets, in.used[0].octets);
	CU_ASSERT_EQUAL(out.used[0].until, in.used[0].until);
	CU_ASSERT_STRING_EQUAL(out.used[1].access, "");
	CU_ASSERT_STRING_EQUAL(out.tunnel.secret, in.tunnel.secret);
	CU_ASSERT(mams_addr_eq_ip(&out.tunnel.anchor4, &in.tunnel.anchor4));
	CU_ASSERT(mams_addr_eq_ip(&out.tunnel.anchor6, &in.tunnel.anchor6));
	CU_ASSERT_EQUAL(out.tunnel.port, in.tunnel.port);
	for (size_t i = 0; i < NCM_LINKS_MAX; i++) {
		const struct ncm_link *a = &in.links[i];
		const struct ncm_link *b = &out.links[i];

		CU_ASSERT_EQUAL(b->known, a->known);
		CU_ASSERT_EQUAL(b->connection_type, a->connection_type);
		CU_ASSERT_EQUAL(b->up, a->up);
		CU_ASSERT(mams_addr_eq_ip(&b->address, &a->address));
		CU_ASSERT_EQUAL(b->mtu, a->mtu);
		CU_ASSERT_EQUAL(b->in_setup, a->in_setup);
		CU_ASSERT(mams_addr_eq_ip(&b->setup_address, &a->setup_address));
		CU_ASSERT_EQUAL(b->confirmed, a->confirmed);
		CU_ASSERT_EQUAL(b->handover, a->handover);
		CU_ASSERT_EQUAL(b->moved, a->moved);
		CU_ASSERT_EQUAL(b->report_num, a->report_num);
	}
	mams_buf_fini(&text);
}

static int read_text(const char *text, struct mams_error *err)
{
	struct ncm_saved out;

	*err = (struct mams_error){0};
	return ncm_saved_read(text, strlen(text), &out, err);
}

/* What another instance, or anyone with Redis's password, has written. */
static void bad_input(void)
{
	static const char *const bad[] = {
		"",
		"{",
		"[]",
		"{\"ctl\":1,\"type\":\"result\",\"id\":0,\"code\":0}",
		"{\"ctl\":1,\"type\":\"ncm_session\",\"id\":0}",
		"{\"ctl\":1,\"type\":\"ncm_session\",\"id\":0,\"client\":\"a\",\"session_id\":1}",
		"{\"ctl\":1,\"type\":\"ncm_session\",\"id\":0,\"client\":\"a\",\"session_id\":-1,"
		"\"client_key\":\"k\"}",
	};
	struct mams_error err;

	for (size_t i = 0; i < MAMS_ARRAY_LEN(bad); i++) {
		CU_ASSERT(read_text(bad[i], &err) < 0);
		CU_ASSERT(err.text[0] != '\0');
	}
}

/* A name cut short would be another client's. */
static void too_long(void)
{
	struct mams_error err;
	char name[NCM_IDENTITY_MAX + 1];
	char key[NCM_KEY_MAX + 1];
	char secret[2 * NCM_KEY_MAX];
	char text[1024];
	static const char form[] = "{\"ctl\":1,\"type\":\"ncm_session\",\"id\":0,\"client\":\"%s\","
				   "\"session_id\":1,\"client_key\":\"%s\",\"active\":true,"
				   "\"features\":0,\"convergence\":1,\"adaptation\":1,\"tunnel_"
				   "port\":0,\"links\":[%s]}";

	memset(name, 'n', NCM_IDENTITY_MAX);
	name[NCM_IDENTITY_MAX] = '\0';
	memset(key, 'k', NCM_KEY_MAX);
	key[NCM_KEY_MAX] = '\0';
	snprintf(text, sizeof(text), form, "alice", "k", "");
	CU_ASSERT_EQUAL(read_text(text, &err), 0);
	snprintf(text, sizeof(text), form, name, "k", "");
	CU_ASSERT_EQUAL(read_text(text, &err), -MAMS_EVALUE);
	CU_ASSERT_STRING_EQUAL(err.where, "client");
	snprintf(text, sizeof(text), form, "alice", key, "");
	CU_ASSERT_EQUAL(read_text(text, &err), -MAMS_EVALUE);
	CU_ASSERT_STRING_EQUAL(err.where, "client_key");
	snprintf(secret, sizeof(secret), "k\",\"tunnel_secret\":\"%s", key);
	snprintf(text, sizeof(text), form, "alice", secret, "");
	CU_ASSERT_EQUAL(read_text(text, &err), -MAMS_EVALUE);
	CU_ASSERT_STRING_EQUAL(err.where, "tunnel_secret");
	snprintf(text, sizeof(text), form, "", "k", "");
	CU_ASSERT_EQUAL(read_text(text, &err), -MAMS_EVALUE);
}

static void strange_links(void)
{
	static const char form[] =
		"{\"ctl\":1,\"type\":\"ncm_session\",\"id\":0,\"client\":\"a\","
		"\"session_id\":1,\"client_key\":\"k\",\"active\":true,"
		"\"features\":0,\"convergence\":1,\"adaptation\":1,\"tunnel_port\":0,\"links\":["
		"{\"connection_id\":%u,\"type\":%u,\"up\":true,\"mtu\":1500,"
		"\"in_setup\":false,\"confirmed\":false,\"report_num\":0}]}";
	struct mams_error err;
	char text[1024];

	snprintf(text, sizeof(text), form, 0u, 1u);
	CU_ASSERT_EQUAL(read_text(text, &err), 0);
	snprintf(text, sizeof(text), form, NCM_LINKS_MAX, 1u);
	CU_ASSERT_EQUAL(read_text(text, &err), -MAMS_EVALUE);
	snprintf(text, sizeof(text), form, 0u, 200u);
	CU_ASSERT_EQUAL(read_text(text, &err), -MAMS_EVALUE);
}

static void strange_anchors(void)
{
	static const char form[] =
		"{\"ctl\":1,\"type\":\"ncm_session\",\"id\":0,\"client\":\"a\","
		"\"session_id\":1,\"client_key\":\"k\",\"active\":true,"
		"\"features\":0,\"convergence\":1,\"adaptation\":1,\"tunnel_port\":0,\"links\":[],"
		"\"anchors\":[%s]}";
	static const char one[] = "{\"connection_id\":1,\"madp\":\"%s\",\"dl\":1,\"ul\":1,"
				  "\"dl_mode\":0,\"ul_mode\":6,\"off\":0}";
	struct mams_error err;
	char name[NCM_NAME_MAX + 1];
	char anchor[256];
	char list[(NCM_ANCHORS_MAX + 1) * sizeof(anchor)] = "";
	char text[sizeof(form) + sizeof(list)];
	size_t at = 0;

	memset(name, 'm', NCM_NAME_MAX);
	name[NCM_NAME_MAX] = '\0';
	snprintf(anchor, sizeof(anchor), one, name);
	snprintf(text, sizeof(text), form, anchor);
	CU_ASSERT_EQUAL(read_text(text, &err), -MAMS_EVALUE);
	CU_ASSERT_STRING_EQUAL(err.where, "madp");
	snprintf(anchor, sizeof(anchor), one, "m");
	for (size_t i = 0; i <= NCM_ANCHORS_MAX; i++) {
		at += (size_t)snprintf(
			list + at, sizeof(list) - at, "%s%s", i > 0 ? "," : "", anchor);
		snprintf(text, sizeof(text), form, list);
		CU_ASSERT_EQUAL(read_text(text, &err), i < NCM_ANCHORS_MAX ? 0 : -MAMS_EVALUE);
	}
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"round trip", round_trip},
		{"bad input", bad_input},
		{"too long", too_long},
		{"strange links", strange_links},
		{"strange anchors", strange_anchors},
	};

	return mams_suite_run("saved", cases, sizeof(cases) / sizeof(cases[0]));
}
