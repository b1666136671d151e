#include "ncm-service/store.h"

#include "lib/base/log.h"

#include <sqlite3.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOG_MODULE "store"
#define SCHEMA_VERSION 4
#define TEXT_OF(n) #n
#define NUMBER_TEXT(n) TEXT_OF(n)

struct file {
	struct ncm_store store;
	sqlite3 *db;
	sqlite3_stmt *put_session;
	sqlite3_stmt *put_link;
	sqlite3_stmt *put_anchor;
	sqlite3_stmt *put_app;
	sqlite3_stmt *del_session;
	sqlite3_stmt *del_links;
	sqlite3_stmt *del_anchors;
	sqlite3_stmt *del_apps;
	sqlite3_stmt *put_held;
	sqlite3_stmt *del_held;
	sqlite3_stmt *put_used;
	bool open; /* a transaction, for all of a turn: each costs a dozen writes */
};

static const char schema[] =
	"PRAGMA journal_mode=WAL;"
	"PRAGMA synchronous=NORMAL;"
	"CREATE TABLE IF NOT EXISTS session("
	" identity TEXT PRIMARY KEY, session_id INTEGER NOT NULL UNIQUE, client_key TEXT NOT NULL,"
	" active INTEGER NOT NULL, features INTEGER NOT NULL, convergence INTEGER NOT NULL,"
	" adaptation INTEGER NOT NULL, tunnel_secret TEXT, anchor4 TEXT, anchor6 TEXT,"
	" tunnel_port INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS anchor("
	" identity TEXT NOT NULL, connection_id INTEGER NOT NULL, madp TEXT NOT NULL,"
	" dl INTEGER NOT NULL, ul INTEGER NOT NULL, dl_mode INTEGER NOT NULL DEFAULT 0,"
	" ul_mode INTEGER NOT NULL DEFAULT 0, off INTEGER NOT NULL DEFAULT 0,"
	" PRIMARY KEY(identity, connection_id)) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS application("
	" identity TEXT NOT NULL, name TEXT NOT NULL, dl INTEGER NOT NULL, ul INTEGER NOT NULL,"
	" dl_first INTEGER NOT NULL, ul_first INTEGER NOT NULL, dl_mode INTEGER NOT NULL,"
	" ul_mode INTEGER NOT NULL, PRIMARY KEY(identity, name)) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS drained(madp TEXT PRIMARY KEY) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS held(identity TEXT PRIMARY KEY, text TEXT NOT NULL) WITHOUT "
	"ROWID;"
	"CREATE TABLE IF NOT EXISTS used(identity TEXT PRIMARY KEY, text TEXT NOT NULL,"
	" until INTEGER NOT NULL) WITHOUT ROWID;"
	"DELETE FROM used WHERE until<=CAST(strftime('%s','now') AS INTEGER);"
	"PRAGMA user_version=" NUMBER_TEXT(
		SCHEMA_VERSION) ";"
				"CREATE TABLE IF NOT EXISTS link("
				" identity TEXT NOT NULL, connection_id INTEGER NOT NULL, type "
				"INTEGER NOT NULL,"
				" up INTEGER NOT NULL, address TEXT, mtu INTEGER NOT NULL, "
				"setup_address TEXT,"
				" confirmed INTEGER NOT NULL, report_num INTEGER NOT NULL,"
				" PRIMARY KEY(identity, connection_id)) WITHOUT ROWID;";

static int failed(const struct file *st, const char *what)
{
	log_err("%s failed: %s", what, sqlite3_errmsg(st->db));
	return -EIO;
}

static int prepare(struct file *st, const char *sql, sqlite3_stmt **out)
{
	return sqlite3_prepare_v2(st->db, sql, -1, out, NULL) == SQLITE_OK ? 0 : -EIO;
}

/* SQLite makes its files by umask; the mode must be right from the first octet. */
static int touch(const char *path)
{
	MAMS_AUTO_FD int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	return st.st_mode & 077 ? -MAMS_EDENIED : 0;
}

static int version(struct file *st)
{
	sqlite3_stmt *q = NULL;
	int v = -1;

	if (prepare(st, "PRAGMA user_version", &q) == 0 && sqlite3_step(q) == SQLITE_ROW)
		v = sqlite3_column_int(q, 0);
	sqlite3_finalize(q);
	return v;
}

/* What layout 2 did not have yet; the columns stand in the order of the schema. */
static const char from_2[] =
	"BEGIN;"
	"ALTER TABLE session ADD COLUMN tunnel_secret TEXT;"
	"ALTER TABLE session ADD COLUMN anchor4 TEXT;"
	"ALTER TABLE session ADD COLUMN anchor6 TEXT;"
	"ALTER TABLE session ADD COLUMN tunnel_port INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE anchor ADD COLUMN dl_mode INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE anchor ADD COLUMN ul_mode INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE anchor ADD COLUMN off INTEGER NOT NULL DEFAULT 0;"
	"PRAGMA user_version=3;"
	"COMMIT;";

static bool exec(struct file *st, const char *sql)
{
	return sqlite3_exec(st->db, sql, NULL, NULL, NULL) == SQLITE_OK;
}

/* Sessions of a layout before 2 are not read: their clients discover again by themselves. */
static bool make_tables(struct file *st)
{
	int is = version(st);

	if (is == 2 && !exec(st, from_2))
		return false;
	if (is < 2 && !exec(st, "DROP TABLE IF EXISTS session; DROP TABLE IF EXISTS link;"))
		return false;
	return exec(st, schema);
}

static int run(struct file *st, sqlite3_stmt *q)
{
	int rc = sqlite3_step(q);

	sqlite3_reset(q);
	sqlite3_clear_bindings(q);
	return rc == SQLITE_DONE ? 0 : failed(st, "writing a session");
}

static int delete_links(struct file *st, const char *identity)
{
	sqlite3_bind_text(st->del_links, 1, identity, -1, SQLITE_STATIC);
	return run(st, st->del_links);
}

static int delete_anchors(struct file *st, const char *identity)
{
	sqlite3_bind_text(st->del_anchors, 1, identity, -1, SQLITE_STATIC);
	return run(st, st->del_anchors);
}

static int delete_apps(struct file *st, const char *identity)
{
	sqlite3_bind_text(st->del_apps, 1, identity, -1, SQLITE_STATIC);
	return run(st, st->del_apps);
}

static int put_app(struct file *st, const char *identity, const struct ncm_saved_app *a)
{
	sqlite3_stmt *q = st->put_app;

	sqlite3_bind_text(q, 1, identity, -1, SQLITE_STATIC);
	sqlite3_bind_text(q, 2, a->name, -1, SQLITE_STATIC);
	sqlite3_bind_int64(q, 3, a->dl.links);
	sqlite3_bind_int64(q, 4, a->ul.links);
	sqlite3_bind_int(q, 5, a->dl.first);
	sqlite3_bind_int(q, 6, a->ul.first);
	sqlite3_bind_int(q, 7, a->dl.mode);
	sqlite3_bind_int(q, 8, a->ul.mode);
	return run(st, q);
}

static int put_anchor(struct file *st, const char *identity, const struct ncm_saved_anchor *a)
{
	sqlite3_stmt *q = st->put_anchor;

	sqlite3_bind_text(q, 1, identity, -1, SQLITE_STATIC);
	sqlite3_bind_int(q, 2, a->id);
	sqlite3_bind_text(q, 3, a->madp, -1, SQLITE_STATIC);
	sqlite3_bind_int64(q, 4, a->dl);
	sqlite3_bind_int64(q, 5, a->ul);
	sqlite3_bind_int(q, 6, a->dl_mode);
	sqlite3_bind_int(q, 7, a->ul_mode);
	sqlite3_bind_int64(q, 8, a->off);
	return run(st, q);
}

static void bind_address(sqlite3_stmt *q, int column, const struct mams_addr *a)
{
	char text[MAMS_ADDR_STRLEN];

	if (mams_addr_is_set(a))
		sqlite3_bind_text(q, column, mams_addr_str(a, text), -1, SQLITE_TRANSIENT);
}

static int put_link(struct file *st, const char *identity, int id, const struct ncm_link *l)
{
	sqlite3_stmt *q = st->put_link;

	sqlite3_bind_text(q, 1, identity, -1, SQLITE_STATIC);
	sqlite3_bind_int(q, 2, id);
	sqlite3_bind_int(q, 3, l->connection_type);
	sqlite3_bind_int(q, 4, l->up);
	bind_address(q, 5, &l->address);
	sqlite3_bind_int64(q, 6, l->mtu);
	if (l->in_setup)
		bind_address(q, 7, &l->setup_address);
	sqlite3_bind_int(q, 8, l->confirmed);
	sqlite3_bind_int64(q, 9, l->report_num);
	return run(st, q);
}

static void bind_tunnel(sqlite3_stmt *q, int column, const struct ncm_tunnel *t)
{
	if (t->secret[0])
		sqlite3_bind_text(q, column, t->secret, -1, SQLITE_STATIC);
	bind_address(q, column + 1, &t->anchor4);
	bind_address(q, column + 2, &t->anchor6);
	sqlite3_bind_int(q, column + 3, t->port);
}

static int put(struct file *st, const struct ncm_saved *s)
{
	sqlite3_stmt *q = st->put_session;
	int rc;

	sqlite3_bind_text(q, 1, s->identity, -1, SQLITE_STATIC);
	sqlite3_bind_int64(q, 2, (sqlite3_int64)s->session_id);
	sqlite3_bind_text(q, 3, s->client_key, -1, SQLITE_STATIC);
	sqlite3_bind_int(q, 4, s->active);
	sqlite3_bind_int64(q, 5, s->features);
	sqlite3_bind_int64(q, 6, s->convergence);
	sqlite3_bind_int64(q, 7, s->adaptation);
	bind_tunnel(q, 8, &s->tunnel);
	rc = run(st, q);
	if (rc == 0)
		rc = delete_links(st, s->identity);
	if (rc == 0)
		rc = delete_anchors(st, s->identity);
	for (size_t i = 0; rc == 0 && i < NCM_ANCHORS_MAX; i++)
		if (s->anchors[i].used)
			rc = put_anchor(st, s->identity, &s->anchors[i]);
	if (rc == 0)
		rc = delete_apps(st, s->identity);
	for (size_t i = 0; rc == 0 && i < NCM_APPS_MAX; i++)
		if (s->apps[i].name[0])
			rc = put_app(st, s->identity, &s->apps[i]);
	for (int i = 0; rc == 0 && i < (int)NCM_LINKS_MAX; i++)
		if (s->links[i].known)
			rc = put_link(st, s->identity, i, &s->links[i]);
	return rc == 0 ? ncm_store_used(&st->store, s->identity, s->used) : rc;
}

static int transaction(struct file *st, const char *sql)
{
	return sqlite3_exec(st->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : failed(st, sql);
}

static int begin(struct file *st)
{
	int rc = st->open ? 0 : transaction(st, "BEGIN");

	st->open = rc == 0;
	return rc;
}

static int commit_file(struct ncm_store *store)
{
	struct file *st = (struct file *)store;
	int rc = st->open ? transaction(st, "COMMIT") : 0;

	if (rc < 0)
		(void)transaction(st, "ROLLBACK");
	st->open = false;
	return rc;
}

static int put_file(struct ncm_store *store, const struct ncm_saved *s)
{
	struct file *st = (struct file *)store;
	int rc = begin(st);

	if (rc == 0)
		rc = transaction(st, "SAVEPOINT one");
	if (rc < 0)
		return rc;
	rc = put(st, s);
	if (rc < 0)
		(void)transaction(st, "ROLLBACK TO one");
	(void)transaction(st, "RELEASE one");
	return rc;
}

static int del_file(struct ncm_store *store, const char *identity)
{
	struct file *st = (struct file *)store;
	int rc = begin(st);

	if (rc == 0)
		rc = delete_links(st, identity);
	if (rc == 0)
		rc = delete_anchors(st, identity);
	if (rc == 0)
		rc = delete_apps(st, identity);
	sqlite3_bind_text(st->del_session, 1, identity, -1, SQLITE_STATIC);
	return run(st, st->del_session) < 0 ? -EIO : rc;
}

static bool read_address(sqlite3_stmt *q, int column, struct mams_addr *out)
{
	const char *text = (const char *)sqlite3_column_text(q, column);

	return text && mams_addr_parse(text, out) == 0;
}

static int read_links(struct file *st, struct ncm_saved *s)
{
	sqlite3_stmt *q = NULL;
	int rc = prepare(st,
		"SELECT connection_id,type,up,address,mtu,setup_address,confirmed,report_num"
		" FROM link WHERE identity=?",
		&q);

	if (rc < 0)
		return failed(st, "reading links");
	sqlite3_bind_text(q, 1, s->identity, -1, SQLITE_STATIC);
	while (sqlite3_step(q) == SQLITE_ROW) {
		int id = sqlite3_column_int(q, 0);
		struct ncm_link *l = id >= 0 && id < (int)NCM_LINKS_MAX ? &s->links[id] : NULL;

		if (!l)
			continue;
		l->known = true;
		l->connection_type = sqlite3_column_int(q, 1);
		l->up = sqlite3_column_int(q, 2) != 0;
		(void)read_address(q, 3, &l->address);
		l->mtu = (uint32_t)sqlite3_column_int64(q, 4);
		l->in_setup = read_address(q, 5, &l->setup_address);
		l->confirmed = sqlite3_column_int(q, 6) != 0;
		l->report_num = (uint32_t)sqlite3_column_int64(q, 7);
	}
	sqlite3_finalize(q);
	return 0;
}

static int read_anchors(struct file *st, struct ncm_saved *s)
{
	sqlite3_stmt *q = NULL;
	size_t n = 0;

	if (prepare(st,
		    "SELECT connection_id,madp,dl,ul,dl_mode,ul_mode,off FROM anchor"
		    " WHERE identity=?",
		    &q) < 0)
		return failed(st, "reading anchors");
	sqlite3_bind_text(q, 1, s->identity, -1, SQLITE_STATIC);
	while (n < NCM_ANCHORS_MAX && sqlite3_step(q) == SQLITE_ROW) {
		struct ncm_saved_anchor *a = &s->anchors[n++];

		a->used = true;
		a->id = (uint8_t)sqlite3_column_int(q, 0);
		snprintf(a->madp, sizeof(a->madp), "%s", sqlite3_column_text(q, 1));
		a->dl = (uint32_t)sqlite3_column_int64(q, 2);
		a->ul = (uint32_t)sqlite3_column_int64(q, 3);
		a->dl_mode = (uint8_t)sqlite3_column_int(q, 4);
		a->ul_mode = (uint8_t)sqlite3_column_int(q, 5);
		a->off = (uint32_t)sqlite3_column_int64(q, 6);
	}
	sqlite3_finalize(q);
	return 0;
}

static int read_apps(struct file *st, struct ncm_saved *s)
{
	sqlite3_stmt *q = NULL;
	size_t n = 0;

	if (prepare(st,
		    "SELECT name,dl,ul,dl_first,ul_first,dl_mode,ul_mode FROM application"
		    " WHERE identity=?",
		    &q) < 0)
		return failed(st, "reading applications");
	sqlite3_bind_text(q, 1, s->identity, -1, SQLITE_STATIC);
	while (n < NCM_APPS_MAX && sqlite3_step(q) == SQLITE_ROW) {
		struct ncm_saved_app *a = &s->apps[n++];

		snprintf(a->name, sizeof(a->name), "%s", sqlite3_column_text(q, 0));
		a->dl = (struct ncm_app_way){(uint32_t)sqlite3_column_int64(q, 1),
			(uint8_t)sqlite3_column_int(q, 3), (uint8_t)sqlite3_column_int(q, 5)};
		a->ul = (struct ncm_app_way){(uint32_t)sqlite3_column_int64(q, 2),
			(uint8_t)sqlite3_column_int(q, 4), (uint8_t)sqlite3_column_int(q, 6)};
	}
	sqlite3_finalize(q);
	return 0;
}

static void read_tunnel(sqlite3_stmt *q, int column, struct ncm_tunnel *t)
{
	const char *secret = (const char *)sqlite3_column_text(q, column);

	if (!secret)
		return;
	snprintf(t->secret, sizeof(t->secret), "%s", secret);
	(void)read_address(q, column + 1, &t->anchor4);
	(void)read_address(q, column + 2, &t->anchor6);
	t->port = (uint16_t)sqlite3_column_int(q, column + 3);
}

static int drained_file(struct ncm_store *store, const char *madp, bool drained)
{
	struct file *st = (struct file *)store;
	sqlite3_stmt *q = NULL;
	int rc = begin(st);

	if (rc < 0)
		return rc;
	if (prepare(st,
		    drained ? "INSERT OR REPLACE INTO drained VALUES(?)"
			    : "DELETE FROM drained WHERE madp=?",
		    &q) < 0)
		return failed(st, "writing an instance");
	sqlite3_bind_text(q, 1, madp, -1, SQLITE_STATIC);
	rc = run(st, q);
	sqlite3_finalize(q);
	return rc;
}

static int each_drained_file(
	struct ncm_store *store, void (*fn)(void *user, const char *madp), void *user)
{
	struct file *st = (struct file *)store;
	sqlite3_stmt *q = NULL;

	if (prepare(st, "SELECT madp FROM drained", &q) < 0)
		return failed(st, "reading instances");
	while (sqlite3_step(q) == SQLITE_ROW)
		fn(user, (const char *)sqlite3_column_text(q, 0));
	sqlite3_finalize(q);
	return 0;
}

static int put_text(struct file *st, sqlite3_stmt *q, const char *identity, const char *text)
{
	if (begin(st) < 0)
		return -EIO;
	sqlite3_bind_text(q, 1, identity, -1, SQLITE_STATIC);
	if (text[0])
		sqlite3_bind_text(q, 2, text, -1, SQLITE_STATIC);
	return run(st, q);
}

static int held_file(struct ncm_store *store, const char *identity, const char *text)
{
	struct file *st = (struct file *)store;

	return put_text(st, text[0] ? st->put_held : st->del_held, identity, text);
}

static int used_file(
	struct ncm_store *store, const char *identity, const char *text, uint64_t until)
{
	struct file *st = (struct file *)store;

	sqlite3_bind_int64(st->put_used, 3, (sqlite3_int64)until);
	return put_text(st, st->put_used, identity, text);
}

static int each_text(struct file *st, const char *sql,
	void (*fn)(void *user, const char *identity, const char *text), void *user)
{
	sqlite3_stmt *q = NULL;

	if (prepare(st, sql, &q) < 0)
		return failed(st, "reading texts");
	while (sqlite3_step(q) == SQLITE_ROW)
		fn(user, (const char *)sqlite3_column_text(q, 0),
			(const char *)sqlite3_column_text(q, 1));
	sqlite3_finalize(q);
	return 0;
}

static int each_used_file(struct ncm_store *store,
	void (*fn)(void *user, const char *identity, const char *text), void *user)
{
	return each_text((struct file *)store, "SELECT identity,text FROM used", fn, user);
}

static int each_held_file(struct ncm_store *store,
	void (*fn)(void *user, const char *identity, const char *text), void *user)
{
	return each_text((struct file *)store, "SELECT identity,text FROM held", fn, user);
}

static int each_file(
	struct ncm_store *store, void (*fn)(void *user, const struct ncm_saved *s), void *user)
{
	struct file *st = (struct file *)store;
	sqlite3_stmt *q = NULL;
	int rc = prepare(st,
		"SELECT identity,session_id,client_key,active,features,convergence,adaptation,"
		"tunnel_secret,anchor4,anchor6,tunnel_port FROM session",
		&q);

	if (rc < 0)
		return failed(st, "reading sessions");
	while (rc == 0 && sqlite3_step(q) == SQLITE_ROW) {
		struct ncm_saved s = {.session_id = (uint64_t)sqlite3_column_int64(q, 1),
			.active = sqlite3_column_int(q, 3) != 0,
			.features = (uint32_t)sqlite3_column_int64(q, 4),
			.convergence = (uint32_t)sqlite3_column_int64(q, 5),
			.adaptation = (uint32_t)sqlite3_column_int64(q, 6)};

		snprintf(s.identity, sizeof(s.identity), "%s", sqlite3_column_text(q, 0));
		snprintf(s.client_key, sizeof(s.client_key), "%s", sqlite3_column_text(q, 2));
		read_tunnel(q, 7, &s.tunnel);
		rc = read_links(st, &s);
		if (rc == 0)
			rc = read_anchors(st, &s);
		if (rc == 0)
			rc = read_apps(st, &s);
		if (rc == 0)
			fn(user, &s);
		mams_wipe(&s, sizeof(s));
	}
	sqlite3_finalize(q);
	return rc;
}

static void close_file(struct ncm_store *store)
{
	struct file *st = (struct file *)store;

	(void)!commit_file(store);
	sqlite3_finalize(st->put_session);
	sqlite3_finalize(st->put_link);
	sqlite3_finalize(st->put_anchor);
	sqlite3_finalize(st->del_anchors);
	sqlite3_finalize(st->put_app);
	sqlite3_finalize(st->del_apps);
	sqlite3_finalize(st->del_session);
	sqlite3_finalize(st->del_links);
	sqlite3_finalize(st->put_held);
	sqlite3_finalize(st->del_held);
	sqlite3_finalize(st->put_used);
	sqlite3_close(st->db);
	free(st);
}

static const struct ncm_store_ops file_ops = {.put = put_file,
	.del = del_file,
	.commit = commit_file,
	.each = each_file,
	.drained = drained_file,
	.each_drained = each_drained_file,
	.held = held_file,
	.each_held = each_held_file,
	.used = used_file,
	.each_used = each_used_file,
	.close = close_file};

int ncm_store_open(const char *path, struct ncm_store **out, struct mams_error *err)
{
	struct file *st;
	int rc = touch(path);

	if (rc == -MAMS_EDENIED)
		return mams_fail(err, MAMS_EDENIED, path,
			"holds client keys and is open to group or others: chmod 600 it");
	if (rc < 0)
		return mams_fail(err, -rc, path, "cannot open the store: %s", strerror(-rc));
	st = calloc(1, sizeof(*st));
	if (!st)
		return -ENOMEM;
	if (sqlite3_open_v2(path, &st->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) !=
			SQLITE_OK ||
		!make_tables(st) ||
		prepare(st, "INSERT OR REPLACE INTO session VALUES(?,?,?,?,?,?,?,?,?,?,?)",
			&st->put_session) < 0 ||
		prepare(st, "INSERT INTO link VALUES(?,?,?,?,?,?,?,?,?)", &st->put_link) < 0 ||
		prepare(st, "INSERT INTO anchor VALUES(?,?,?,?,?,?,?,?)", &st->put_anchor) < 0 ||
		prepare(st, "DELETE FROM anchor WHERE identity=?", &st->del_anchors) < 0 ||
		prepare(st, "INSERT INTO application VALUES(?,?,?,?,?,?,?,?)", &st->put_app) < 0 ||
		prepare(st, "DELETE FROM application WHERE identity=?", &st->del_apps) < 0 ||
		prepare(st, "DELETE FROM session WHERE identity=?", &st->del_session) < 0 ||
		prepare(st, "DELETE FROM link WHERE identity=?", &st->del_links) < 0 ||
		prepare(st, "INSERT OR REPLACE INTO held VALUES(?,?)", &st->put_held) < 0 ||
		prepare(st, "DELETE FROM held WHERE identity=?", &st->del_held) < 0 ||
		prepare(st, "INSERT OR REPLACE INTO used VALUES(?,?,?)", &st->put_used) < 0) {
		rc = mams_fail(err, EIO, path,
			"is not usable as a store: %s; move it away to start with an empty one",
			st->db ? sqlite3_errmsg(st->db) : "no memory");
		close_file(&st->store);
		return rc;
	}
	st->store.ops = &file_ops;
	*out = &st->store;
	return 0;
}
