/* Admission of links; who may reach which session; sessions on disk. */
#include "ncm-service/registry.h"
#include "ncm-service/store.h"
#include "tests/support/suite.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct mams_addr addr(const char *text)
{
	struct mams_addr a = {0};

	CU_ASSERT_EQUAL_FATAL(mams_addr_parse_port(text, 7443, &a), 0);
	return a;
}

static struct mams_prefix nets[2];
static struct ncm_madp_conf madps[] = {{.name = "local"}};
static struct ncm_anchor_conf anchors[] = {
	{.name = "anchor", .methods = 1u << MX_CONV_MPTCP_PROXY, .accesses = 1, .madps = 1}};
static struct ncm_access accesses[] = {
	{.name = "wifi",
		.connection_type = MX_WIFI,
		.client_networks = nets,
		.n_client_networks = 2},
};
static struct ncm_policy policy = {.ncm_id = 7,
	.accesses = accesses,
	.n_accesses = 1,
	.anchors = anchors,
	.n_anchors = 1,
	.madps = madps,
	.n_madps = 1,
	.max_sessions = 3};

static void prepare(void)
{
	CU_ASSERT_EQUAL_FATAL(mams_prefix_parse("10.1.1.0/24", &nets[0]), 0);
	CU_ASSERT_EQUAL_FATAL(mams_prefix_parse("fd01:1::/64", &nets[1]), 0);
	madps[0].access[0] = (struct ncm_madp_access){.proxies = {addr("10.1.1.1:7443")}, .n = 1};
}

static enum ncm_admission admit(int type, const char *text, uint32_t mtu)
{
	const struct mams_addr a = addr(text);
	size_t access = 99;
	enum ncm_admission r = ncm_policy_admit(&policy, type, &a, mtu, &access);

	CU_ASSERT_EQUAL(access, r == NCM_ADMIT_OK ? 0 : 99);
	return r;
}

static void admission(void)
{
	const struct mams_addr unset = {0};
	size_t access;

	prepare();
	CU_ASSERT_EQUAL(admit(MX_WIFI, "10.1.1.9", 1500), NCM_ADMIT_OK);
	CU_ASSERT_EQUAL(admit(MX_WIFI, "10.1.1.9", 0), NCM_ADMIT_OK);
	CU_ASSERT_EQUAL(admit(MX_LTE, "10.1.1.9", 1500), NCM_ADMIT_NO_ACCESS);
	CU_ASSERT_EQUAL(admit(MX_WIFI, "10.1.2.9", 1500), NCM_ADMIT_NO_ACCESS);
	CU_ASSERT_EQUAL(admit(MX_WIFI, "10.1.1.9", 575), NCM_ADMIT_MTU);
	CU_ASSERT_EQUAL(admit(MX_WIFI, "fd01:1::9", 1279), NCM_ADMIT_MTU);
	CU_ASSERT_EQUAL(admit(MX_WIFI, "fd01:1::9", 1280), NCM_ADMIT_NO_PROXY);
	CU_ASSERT_EQUAL(
		ncm_policy_admit(&policy, MX_WIFI, &unset, 1500, &access), NCM_ADMIT_NO_ADDRESS);
	for (int i = NCM_ADMIT_OK; i <= NCM_ADMIT_MTU; i++)
		CU_ASSERT_NOT_EQUAL(strcmp(ncm_admission_text((enum ncm_admission)i), "?"), 0);
}

static struct ncm_saved saved(const char *who, uint64_t id)
{
	struct ncm_saved s = {.session_id = id};

	snprintf(s.identity, sizeof(s.identity), "%s", who);
	snprintf(s.client_key, sizeof(s.client_key), "a2V5");
	return s;
}

static int find(const struct ncm_registry *r, const char *who, uint64_t ncm, uint64_t id)
{
	const struct mx_session_id sid = {.ncm_id = (uint32_t)ncm, .session_id = id};
	struct ncm_session *s = NULL;
	int rc = ncm_registry_find(r, who, ncm ? &sid : NULL, &s);

	if (rc == 0)
		CU_ASSERT_EQUAL(strcmp(s->s.identity, who), 0);
	return rc;
}

static void identities(void)
{
	struct ncm_registry *r = ncm_registry_new(&policy, mams_time_us(0));
	struct ncm_session *s;
	struct ncm_saved one = saved("ann", 100);
	struct ncm_saved two = saved("bob", 200);

	CU_ASSERT_EQUAL_FATAL(ncm_registry_add(r, &one, 1, mams_time_us(0), &s), 0);
	CU_ASSERT_EQUAL_FATAL(ncm_registry_add(r, &two, 1, mams_time_us(0), &s), 0);
	CU_ASSERT_EQUAL(find(r, "ann", 7, 100), 0);
	CU_ASSERT_EQUAL(find(r, "ann", 0, 0), 0);
	CU_ASSERT_EQUAL(find(r, "ann", 7, 200), -MAMS_EDENIED);
	CU_ASSERT_EQUAL(find(r, "bob", 7, 100), -MAMS_EDENIED);
	CU_ASSERT_EQUAL(find(r, "eve", 7, 100), -MAMS_EDENIED);
	CU_ASSERT_EQUAL(find(r, "eve", 0, 0), -MAMS_EUNKNOWN);
	CU_ASSERT_EQUAL(find(r, "ann", 7, 300), -MAMS_EUNKNOWN);
	CU_ASSERT_EQUAL(find(r, "ann", 8, 100), -MAMS_EUNKNOWN);
	ncm_registry_remove(r, ncm_registry_by_identity(r, "ann"));
	CU_ASSERT_EQUAL(find(r, "ann", 7, 100), -MAMS_EUNKNOWN);
	CU_ASSERT_EQUAL(ncm_registry_count(r), 1);
	ncm_registry_free(r);
}

static void limit(void)
{
	struct ncm_registry *r = ncm_registry_new(&policy, mams_time_us(0));
	struct ncm_session *s;
	char who[8];

	for (unsigned i = 0; i < 5; i++) {
		struct ncm_saved one;

		snprintf(who, sizeof(who), "c%u", i);
		one = saved(who, 1 + i);
		CU_ASSERT_EQUAL(ncm_registry_add(r, &one, 1, mams_time_us(0), &s),
			i < policy.max_sessions ? 0 : -MAMS_ELIMIT);
	}
	ncm_registry_free(r);
}

static struct ncm_saved read_back[4];
static size_t n_read;

static void take(void *user, const struct ncm_saved *s)
{
	(void)user;
	if (n_read < MAMS_ARRAY_LEN(read_back))
		read_back[n_read++] = *s;
}

static void same_user_plane(const struct ncm_saved *is, const struct ncm_saved *was)
{
	const struct ncm_saved_anchor *a = &is->anchors[0];
	const struct ncm_saved_anchor *b = &was->anchors[0];

	CU_ASSERT_TRUE(a->used);
	CU_ASSERT_EQUAL(a->id, b->id);
	CU_ASSERT_STRING_EQUAL(a->madp, b->madp);
	CU_ASSERT_EQUAL(a->dl, b->dl);
	CU_ASSERT_EQUAL(a->ul, b->ul);
	CU_ASSERT_EQUAL(a->dl_mode, b->dl_mode);
	CU_ASSERT_EQUAL(a->ul_mode, b->ul_mode);
	CU_ASSERT_EQUAL(a->off, b->off);
	CU_ASSERT_STRING_EQUAL(is->tunnel.secret, was->tunnel.secret);
	CU_ASSERT_TRUE(mams_addr_eq_ip(&is->tunnel.anchor4, &was->tunnel.anchor4));
	CU_ASSERT_FALSE(mams_addr_is_set(&is->tunnel.anchor6));
	CU_ASSERT_EQUAL(is->tunnel.port, was->tunnel.port);
	CU_ASSERT_FALSE(is->anchors[1].used);
	CU_ASSERT_STRING_EQUAL(is->apps[0].name, was->apps[0].name);
	CU_ASSERT_EQUAL(is->apps[0].dl.links, was->apps[0].dl.links);
	CU_ASSERT_EQUAL(is->apps[0].dl.first, was->apps[0].dl.first);
	CU_ASSERT_EQUAL(is->apps[0].dl.mode, was->apps[0].dl.mode);
	CU_ASSERT_EQUAL(is->apps[0].ul.links, was->apps[0].ul.links);
	CU_ASSERT_EQUAL(is->apps[0].ul.first, was->apps[0].ul.first);
	CU_ASSERT_EQUAL(is->apps[0].ul.mode, was->apps[0].ul.mode);
	CU_ASSERT_EQUAL(is->apps[1].name[0], '\0');
}

static void take_held(void *user, const char *identity, const char *text)
{
	CU_ASSERT_STRING_EQUAL(identity, "bob");
	CU_ASSERT_STRING_EQUAL(text, "2 east\n3 west\n");
	++*(size_t *)user;
}

static void fill(struct ncm_saved *s)
{
	s->active = true;
	s->convergence = 3;
	s->anchors[0] =
		(struct ncm_saved_anchor){.used = true, .id = 5, .madp = "east", .dl = 3, .ul = 1};
	s->anchors[0].dl_mode = 1 + MX_MODE_SPLIT;
	s->anchors[0].ul_mode = 1 + MX_MODE_DUPLICATE;
	s->anchors[0].off = 5;
	s->apps[0] = (struct ncm_saved_app){.name = "it's voice",
		.dl = {.links = UINT32_MAX, .first = 3, .mode = 1 + MX_MODE_SPLIT},
		.ul = {.links = 2, .first = 1, .mode = 1 + MX_MODE_DUPLICATE}};
	s->apps[1].name[0] = 'x';
	s->tunnel = (struct ncm_tunnel){
		.secret = "dHVubmVs", .anchor4 = addr("10.60.3.4"), .port = 65535};
	s->links[1] = (struct ncm_link){.known = true,
		.connection_type = MX_LTE,
		.up = true,
		.address = addr("10.1.2.9"),
		.mtu = 1400};
}

static size_t n_used;

/* Also of a session that was deleted. */
static void take_used(void *user, const char *identity, const char *text)
{
	(void)user;
	n_used++;
	CU_ASSERT_STRING_EQUAL(
		text, strcmp(identity, "eve") == 0 ? "6 4294967295 lte\n" : "7 4294967295 wifi\n");
	CU_ASSERT(strcmp(identity, "eve") == 0 || strcmp(identity, "bob") == 0);
}

static void on_disk(void)
{
	char path[] = "/tmp/mams-store-XXXXXX";
	struct ncm_saved one = saved("O'Hara; drop table", UINT64_C(9007199254740991));
	struct ncm_saved two = saved("bob", 2);
	struct ncm_store *st = NULL;
	struct mams_error err = {0};
	struct ncm_used used[NCM_LINKS_MAX] = {{"lte", 5, UINT32_MAX}};
	struct stat info;
	size_t n_held = 0;
	int fd = mkstemp(path);

	CU_ASSERT_FATAL(fd >= 0);
	close(fd);
	unlink(path);
	fill(&one);
	CU_ASSERT_EQUAL_FATAL(ncm_store_open(path, &st, &err), 0);
	CU_ASSERT_EQUAL(ncm_store_put(st, &one), 0);
	CU_ASSERT_EQUAL(ncm_store_put(st, &two), 0);
	one.anchors[0].dl = 2;
	one.apps[1].name[0] = '\0';
	CU_ASSERT_EQUAL(ncm_store_put(st, &one), 0);
	CU_ASSERT_EQUAL(ncm_store_commit(st), 0);
	CU_ASSERT_EQUAL(ncm_store_commit(st), 0);
	CU_ASSERT_EQUAL(ncm_store_held(st, "bob", "2 east\n"), 0);
	CU_ASSERT_EQUAL(ncm_store_held(st, "bob", "2 east\n3 west\n"), 0);
	CU_ASSERT_EQUAL(ncm_store_held(st, "eve", "4 east\n"), 0);
	CU_ASSERT_EQUAL(ncm_store_held(st, "eve", ""), 0);
	two.used[0] = (struct ncm_used){"wifi", 7, UINT32_MAX};
	CU_ASSERT_EQUAL(ncm_store_put(st, &two), 0);
	CU_ASSERT_EQUAL(ncm_store_used(st, "eve", used), 0);
	used[0].octets = 6;
	CU_ASSERT_EQUAL(ncm_store_used(st, "eve", used), 0);
	used[0].until = 1000; /* over */
	CU_ASSERT_EQUAL(ncm_store_used(st, "sue", used), 0);
	CU_ASSERT_EQUAL(ncm_store_del(st, "bob"), 0); /* written by the end; what is held stays */
	ncm_store_close(st);
	CU_ASSERT_EQUAL(stat(path, &info), 0);
	CU_ASSERT_EQUAL(info.st_mode & 0777, 0600);
	CU_ASSERT_EQUAL_FATAL(ncm_store_open(path, &st, &err), 0);
	n_read = 0;
	CU_ASSERT_EQUAL(ncm_store_each(st, take, NULL), 0);
	CU_ASSERT_EQUAL(ncm_store_each_held(st, take_held, &n_held), 0);
	n_used = 0;
	CU_ASSERT_EQUAL(ncm_store_each_used(st, take_used, NULL), 0);
	CU_ASSERT_EQUAL(n_used, 2);
	ncm_store_close(st);
	unlink(path);
	CU_ASSERT_EQUAL(n_held, 1);
	CU_ASSERT_EQUAL_FATAL(n_read, 1);
	CU_ASSERT_EQUAL(strcmp(read_back[0].identity, one.identity), 0);
	CU_ASSERT_EQUAL(read_back[0].session_id, one.session_id);
	CU_ASSERT_EQUAL(strcmp(read_back[0].client_key, "a2V5"), 0);
	CU_ASSERT_TRUE(read_back[0].active);
	CU_ASSERT_EQUAL(read_back[0].convergence, 3);
	same_user_plane(&read_back[0], &one);
	CU_ASSERT_TRUE(read_back[0].links[1].up);
	CU_ASSERT_EQUAL(read_back[0].links[1].mtu, 1400);
	CU_ASSERT_TRUE(mams_addr_eq_ip(&read_back[0].links[1].address, &one.links[1].address));
}

/* A file of the layout before, with a session that it goes on with. */
static void older_layout(void)
{
	static const char layout[] =
		"CREATE TABLE session("
		" identity TEXT PRIMARY KEY, session_id INTEGER NOT NULL UNIQUE,"
		" client_key TEXT NOT NULL, active INTEGER NOT NULL, features INTEGER NOT NULL,"
		" convergence INTEGER NOT NULL, adaptation INTEGER NOT NULL) WITHOUT ROWID;"
		"CREATE TABLE anchor("
		" identity TEXT NOT NULL, connection_id INTEGER NOT NULL, madp TEXT NOT NULL,"
		" dl INTEGER NOT NULL, ul INTEGER NOT NULL,"
		" PRIMARY KEY(identity, connection_id)) WITHOUT ROWID;"
		"PRAGMA user_version=2;"
		"INSERT INTO session VALUES('alice',7,'a2V5',1,1,2,3);"
		"INSERT INTO anchor VALUES('alice',5,'east',3,1);";
	char path[] = "/tmp/mams-store-XXXXXX";
	struct ncm_store *st = NULL;
	struct mams_error err = {0};
	sqlite3 *db = NULL;
	int fd = mkstemp(path);

	CU_ASSERT_FATAL(fd >= 0);
	close(fd);
	CU_ASSERT_EQUAL_FATAL(sqlite3_open(path, &db), SQLITE_OK);
	CU_ASSERT_EQUAL_FATAL(sqlite3_exec(db, layout, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	for (int turn = 0; turn < 2; turn++) {
		n_read = 0;
		CU_ASSERT_EQUAL_FATAL(ncm_store_open(path, &st, &err), 0);
		CU_ASSERT_EQUAL(ncm_store_each(st, take, NULL), 0);
		CU_ASSERT_EQUAL_FATAL(n_read, 1);
		CU_ASSERT_STRING_EQUAL(read_back[0].identity, "alice");
		CU_ASSERT_STRING_EQUAL(read_back[0].anchors[0].madp, "east");
		CU_ASSERT_EQUAL(read_back[0].anchors[0].ul_mode, turn);
		CU_ASSERT_STRING_EQUAL(read_back[0].tunnel.secret, turn ? "dHVubmVs" : "");
		read_back[0].anchors[0].ul_mode = 1;
		snprintf(read_back[0].tunnel.secret, NCM_KEY_MAX, "dHVubmVs");
		CU_ASSERT_EQUAL(ncm_store_put(st, &read_back[0]), 0);
		ncm_store_close(st);
	}
	unlink(path);
}

static void bad_file(void)
{
	char path[] = "/tmp/mams-store-XXXXXX";
	struct ncm_store *st = NULL;
	struct mams_error err = {0};
	int fd = mkstemp(path);

	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT_EQUAL(
		write(fd,
			"this is no database, but long enough to be one ........................"
			"................................................................",
			130),
		130);
	close(fd);
	CU_ASSERT_TRUE(ncm_store_open(path, &st, &err) < 0);
	CU_ASSERT_PTR_NULL(st);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.where, path));
	unlink(path);
	CU_ASSERT_TRUE(ncm_store_open("/nonexistent/dir/x.db", &st, &err) < 0);
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"admission", admission},
		{"identities", identities},
		{"limit", limit},
		{"on disk", on_disk},
		{"of an older layout", older_layout},
		{"bad file", bad_file},
	};

	return mams_suite_run("registry", cases, MAMS_ARRAY_LEN(cases));
}
