/* What a server reads again while it serves: its certificate, and who is let in no longer. */
#include "lib/io/httpd.h"
#include "tests/support/suite.h"
#include "tests/support/tls_rig.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

/* Files that this test changes, in the rig's directory. */
static void shell(const char *command)
{
	char text[1024];

	snprintf(text, sizeof(text), "set -e; cd \"$1\"; ca=$2; exec >/dev/null; %s", command);
	CU_ASSERT_EQUAL_FATAL(rig_script(text), 0);
}

static void start(struct rig *g, bool digest)
{
	static char paths[4][256];

	shell("cp ncm.crt live.crt && cp -p ncm.key live.key && cp users live.users && "
	      "chmod 600 live.users && cp live.crl now.crl");
	snprintf(paths[0], sizeof(paths[0]), "%s", rig_file("live.crt"));
	snprintf(paths[1], sizeof(paths[1]), "%s", rig_file("live.key"));
	snprintf(paths[2], sizeof(paths[2]), "%s", rig_file("now.crl"));
	snprintf(paths[3], sizeof(paths[3]), "%s", rig_file("live.users"));
	rig_init(g, true, digest);
	g->opts.cert_file = paths[0];
	g->opts.key_file = paths[1];
	g->opts.client_crl_file = paths[2];
	if (digest)
		g->opts.digest_file = paths[3];
	rig_start(g);
}

/* A client that believes in another authority. */
static void init_other(struct rig_client *c, struct rig *g)
{
	struct mams_httpc_opts o = {.connect_ms = 2000};
	char url[64];

	*c = (struct rig_client){.g = g, .stop_at = 1};
	snprintf(url, sizeof(url), "https://127.0.0.1:%u", g->listen[0].port);
	o.base_url = url;
	o.ca_file = rig_file("other/ca.crt");
	o.cert_file = rig_file("good.crt");
	o.key_file = rig_file("good.key");
	CU_ASSERT_EQUAL_FATAL(mams_httpc_new(g->l, &o, &c->c, NULL), 0);
}

static void certificate(void)
{
	struct rig g;
	struct rig_client stands;
	struct rig_client new;
	struct rig_client other;
	struct mams_error err = {0};

	start(&g, false);
	rig_client_init(&stands, &g, "good", NULL);
	init_other(&other, &g);
	CU_ASSERT_EQUAL(rig_exchange(&stands, "POST", "/m", "{}", 2), 200);
	CU_ASSERT_EQUAL(rig_exchange(&other, "POST", "/m", "{}", 2), -MAMS_EDENIED);
	/* half of a new pair is refused, and the old one stays */
	shell("$ca -d other -s 127.0.0.1 server ncm && cp other/ncm.crt live.crt");
	CU_ASSERT_EQUAL(mams_httpd_reload(g.h, NULL, NULL, &err), -MAMS_EVALUE);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "not the key of the certificate"));
	CU_ASSERT_EQUAL(rig_exchange(&other, "POST", "/m", "{}", 2), -MAMS_EDENIED);
	shell("cp other/ncm.key live.key && chmod 644 live.key");
	CU_ASSERT_EQUAL(mams_httpd_reload(g.h, NULL, NULL, &err), -MAMS_EDENIED);
	shell("chmod 600 live.key");
	CU_ASSERT_EQUAL(mams_httpd_reload(g.h, NULL, NULL, &err), 0);
	CU_ASSERT_EQUAL(mams_httpd_reload(g.h, NULL, NULL, &err), 0);
	/* who comes now sees the new one; what stands goes on */
	CU_ASSERT_EQUAL(rig_exchange(&other, "POST", "/m", "{}", 2), 200);
	rig_client_init(&new, &g, "good", NULL);
	CU_ASSERT_EQUAL(rig_exchange(&new, "POST", "/m", "{}", 2), -MAMS_EDENIED);
	CU_ASSERT_EQUAL(rig_exchange(&stands, "POST", "/m", "{}", 2), 200);
	CU_ASSERT_EQUAL(g.requests, 3);
	shell("rm other/ncm.*");
	rig_client_fini(&stands);
	rig_client_fini(&new);
	rig_client_fini(&other);
	rig_stop(&g);
}

struct expelled {
	unsigned n;
	char last[MAMS_HTTPD_IDENTITY_MAX];
};

static void on_expelled(void *user, const char *identity)
{
	struct expelled *e = user;

	e->n++;
	snprintf(e->last, sizeof(e->last), "%s", identity);
}

static void hold(struct rig_client *c)
{
	const struct mams_httpc_request req = {.method = "GET", .path = "/hold"};

	CU_ASSERT_EQUAL_FATAL(mams_httpc_send(c->c, &req, rig_client_cb, c, NULL), 0);
}

/* Known by his requests that are held and by connections that stand idle. */
static void expelled(void)
{
	struct rig g;
	struct rig_client c[3];
	struct expelled e = {0};
	size_t held = 0;

	start(&g, true);
	rig_client_init(&c[0], &g, "good", NULL);
	rig_client_init(&c[1], &g, "gone", NULL);
	rig_client_init(&c[2], &g, NULL, "alice");
	CU_ASSERT_EQUAL(rig_exchange(&c[2], "POST", "/m", "{}", 2), 200);
	hold(&c[0]);
	hold(&c[1]);
	rig_run(&g, 300);
	for (size_t i = 0; i < RIG_HELD_MAX; i++)
		held += g.held[i] != NULL;
	CU_ASSERT_EQUAL(held, 2);
	CU_ASSERT_EQUAL(mams_httpd_reload(g.h, on_expelled, &e, NULL), 0);
	CU_ASSERT_EQUAL(e.n, 0);
	shell("cp ca.crl now.crl");
	CU_ASSERT_EQUAL(mams_httpd_reload(g.h, on_expelled, &e, NULL), 0);
	CU_ASSERT_EQUAL(e.n, 1);
	CU_ASSERT_STRING_EQUAL(e.last, "gone");
	CU_ASSERT_EQUAL(mams_httpd_reload(g.h, on_expelled, &e, NULL), 0);
	CU_ASSERT_EQUAL(e.n, 1);
	shell("sed -i s/^alice/bob/ live.users");
	CU_ASSERT_EQUAL(mams_httpd_reload(g.h, on_expelled, &e, NULL), 0);
	CU_ASSERT_EQUAL(e.n, 2);
	CU_ASSERT_STRING_EQUAL(e.last, "alice");
	/* what is held is the owner's to answer */
	CU_ASSERT_EQUAL(g.gone, 0);
	for (size_t i = 0; i < MAMS_ARRAY_LEN(c); i++)
		rig_client_fini(&c[i]);
	rig_stop(&g);
}

/* The old certificate is revoked after the client has come back with a new one. */
static void renewed(void)
{
	struct rig g;
	struct rig_client old;
	struct rig_client new;
	struct expelled e = {0};

	shell("cp -p gone.crt keep.crt; cp -p gone.key keep.key; $ca -d . -f client gone; "
	      "mv gone.crt gone2.crt; mv gone.key gone2.key; mv keep.crt gone.crt; "
	      "mv keep.key gone.key");
	start(&g, false);
	rig_client_init(&old, &g, "gone", NULL);
	rig_client_init(&new, &g, "gone2", NULL);
	CU_ASSERT_EQUAL(rig_exchange(&old, "POST", "/m", "{}", 2), 200);
	CU_ASSERT_EQUAL(rig_exchange(&new, "POST", "/m", "{}", 2), 200);
	shell("cp ca.crl now.crl");
	CU_ASSERT_EQUAL(mams_httpd_reload(g.h, on_expelled, &e, NULL), 0);
	CU_ASSERT_EQUAL(e.n, 0);
	CU_ASSERT_EQUAL(rig_exchange(&old, "POST", "/m", "{}", 2), 403);
	CU_ASSERT_EQUAL(rig_exchange(&new, "POST", "/m", "{}", 2), 200);
	rig_client_fini(&old);
	rig_client_fini(&new);
	rig_stop(&g);
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"certificate", certificate},
		{"expelled", expelled},
		{"renewed", renewed},
	};
	int rc = 1;

	signal(SIGPIPE, SIG_IGN);
	if (rig_make_files())
		rc = mams_suite_run("httpd_reload", cases, MAMS_ARRAY_LEN(cases));
	rig_remove_files();
	return rc;
}
