#include "lib/codec/conf.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct link {
	const char *name;
	const char *interface;
	uint32_t mtu;
};

struct conf {
	struct mams_addr *listen;
	size_t n_listen;
	struct mams_prefix *deny;
	size_t n_deny;
	uint32_t timeout_ms;
	bool verbose;
	struct link *links;
	size_t n_links;
	const char *secret;
};

static const struct mams_conf_row link_rows[] = {
	{"interface", MAMS_C_STRING, offsetof(struct link, interface), .required = true,
		.doc = "name of the network interface"},
	{"mtu", MAMS_C_INT, offsetof(struct link, mtu), .min = 576, .max = 65535, .def = "1500"},
};
static const struct mams_conf_table link_table = {
	"link", sizeof(struct link), link_rows, 2, offsetof(struct link, name)};
static const struct mams_conf_row rows[] = {
	{"listen", MAMS_C_ADDR_PORTS, offsetof(struct conf, listen),
		offsetof(struct conf, n_listen), .min = 443},
	{"deny", MAMS_C_PREFIXES, offsetof(struct conf, deny), offsetof(struct conf, n_deny)},
	{"timeout", MAMS_C_DURATION, offsetof(struct conf, timeout_ms), .max = 60000, .def = "1s"},
	{"verbose", MAMS_C_BOOL, offsetof(struct conf, verbose), .def = "no"},
	{"link", MAMS_C_SECTIONS, offsetof(struct conf, links), offsetof(struct conf, n_links),
		.max = 2, .table = &link_table, .required = true,
		.doc = "at least one access link"},
	{"secret", MAMS_C_SECRET_FILE, offsetof(struct conf, secret)},
};
static const struct mams_conf_table table = {"test", sizeof(struct conf), rows, 6, 0};

/* Write text to a file and load it. */
static int load(const char *text, struct conf *c, struct mams_arena **a, struct mams_error *err)
{
	char path[] = "/tmp/mams-conf-XXXXXX";
	int fd = mkstemp(path);
	int rc;

	CU_ASSERT_TRUE_FATAL(fd >= 0);
	CU_ASSERT_EQUAL(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	*c = (struct conf){0};
	rc = mams_conf_load(path, &table, c, a, err);
	unlink(path);
	return rc;
}

static void fills_the_struct(void)
{
	struct mams_arena *a = NULL;
	struct mams_error err;
	struct conf c;
	int rc = load("# comment\nlisten = { \"192.0.2.1\", \"[2001:db8::1]:8443\" }\n"
		      "deny = { \"10.0.0.0/8\" }\ntimeout = 250ms\nverbose = yes\n"
		      "link wifi {\n interface = wlan0\n mtu = 1400\n}\n"
		      "link lte {\n interface = wwan0\n}\n",
		&c, &a, &err);

	CU_ASSERT_EQUAL_FATAL(rc, 0);
	CU_ASSERT_EQUAL_FATAL(c.n_listen, 2);
	CU_ASSERT_EQUAL(c.listen[0].port, 443);
	CU_ASSERT_EQUAL(c.listen[1].port, 8443);
	CU_ASSERT_EQUAL(c.n_deny, 1);
	CU_ASSERT_EQUAL(c.timeout_ms, 250);
	CU_ASSERT_TRUE(c.verbose);
	CU_ASSERT_EQUAL_FATAL(c.n_links, 2);
	CU_ASSERT_STRING_EQUAL(c.links[0].name, "wifi");
	CU_ASSERT_EQUAL(c.links[0].mtu, 1400);
	CU_ASSERT_STRING_EQUAL(c.links[1].interface, "wwan0");
	CU_ASSERT_EQUAL(c.links[1].mtu, 1500);
	CU_ASSERT_PTR_NULL(c.secret);
	mams_arena_free(a);
}

static void names_line_key_and_cure(void)
{
	static const struct {
		const char *text;
		int rc;
		int line;
		const char *says;
	} cases[] = {
		{"link a {\n interface = x\n mtu = 9\n}\n", -MAMS_EVALUE, 3,
			"mtu = \"9\": must be 576"},
		{"link a {\n interface = x\n}\nspeed = 9\n", -MAMS_EPROTO, 4, "speed"},
		{"timeout = 5\nlink a {\n interface = x\n}\n", -MAMS_EVALUE, 1,
			"with ms, s, min or h"},
		{"timeout = 2min\nlink a {\n interface = x\n}\n", -MAMS_EVALUE, 1, "60000 ms"},
		{"listen = { \"nonsense\" }\n", -MAMS_EVALUE, 1, "ADDRESS:PORT"},
		{"deny = { \"10.0.0.1/8\" }\n", -MAMS_EVALUE, 1, "host bits"},
		{"verbose = perhaps\n", -MAMS_EVALUE, 1, "true or false"},
		{"link a {\n}\n", -MAMS_EMISSING, 0, "link a: interface is missing"},
		{"verbose = yes\n", -MAMS_EMISSING, 0, "link is missing (at least one"},
		{"link a { interface = x }\nlink b { interface = y }\nlink c { interface = z }\n",
			-MAMS_ELIMIT, 0, "link: at most 2 sections"},
		{"link a {\n interface = x\n", -MAMS_EPROTO, 0, "closing } or a value"},
		{"link a {\n interface = x", -MAMS_EPROTO, 0, "closing } or a value"},
		{"deny = { 10.0.0.0/8,", -MAMS_EVALUE, 0, "closing } or a value"},
		{"verbose =", -MAMS_EVALUE, 0, "closing } or a value"},
		{"# one\n#\n\n// two\nspeed = 9\n", -MAMS_EPROTO, 5, "speed"},
		{"timeout = 2s # one\n/* two\n * three */ speed = 9\n", -MAMS_EPROTO, 3, "speed"},
		{"secret = \"/a#b//c\" # \"\n", -MAMS_EVALUE, 1, "\"/a#b//c\""},
		{"secret = '/a\\'#b' /**/ /*/ x */\nspeed = 9\n", -MAMS_EVALUE, 1, "/a'#b"},
		{"secret = /a//b\n", -MAMS_EVALUE, 1, "/a//b\""},
		{"link a {\n interface = x\n}\n/* more", -MAMS_EPROTO, 0, ""},
		{"link a {\n interface = \"x\n}\n", -MAMS_EPROTO, 0, ""},
		{"link a {\n interface = x\n}\n}\n", -MAMS_EPROTO, 0, ""},
		{"secret = /nonexistent\n", -MAMS_EVALUE, 1, "cannot be read"},
	};

	for (size_t i = 0; i < MAMS_ARRAY_LEN(cases); i++) {
		struct mams_arena *a = NULL;
		struct mams_error err;
		struct conf c;

		CU_ASSERT_EQUAL(load(cases[i].text, &c, &a, &err), cases[i].rc);
		CU_ASSERT_PTR_NULL(a);
		CU_ASSERT_PTR_NOT_NULL(strstr(err.text, cases[i].says));
		CU_ASSERT_TRUE(cases[i].line == 0 || err.line == cases[i].line);
		CU_ASSERT_PTR_NOT_NULL(strstr(err.where, "/tmp/mams-conf-"));
	}
}

static void accepts_any_end_of_file(void)
{
	static const char *const ends[] = {"", "\n", "\n# comment", " // comment", "\n/* a */"};

	for (size_t i = 0; i < MAMS_ARRAY_LEN(ends); i++) {
		struct mams_arena *a = NULL;
		struct mams_error err;
		struct conf c;
		char text[128];

		snprintf(text, sizeof(text), "link a { interface = x }%s", ends[i]);
		CU_ASSERT_EQUAL(load(text, &c, &a, &err), 0);
		mams_arena_free(a);
	}
}

static void refuses_a_readable_secret(void)
{
	char path[] = "/tmp/mams-secret-XXXXXX";
	int fd = mkstemp(path);
	char text[128];
	struct mams_arena *a = NULL;
	struct mams_error err;
	struct conf c;

	CU_ASSERT_TRUE_FATAL(fd >= 0);
	close(fd);
	snprintf(text, sizeof(text), "secret = %s\nlink a {\n interface = x\n}\n", path);
	CU_ASSERT_EQUAL(load(text, &c, &a, &err), 0);
	mams_arena_free(a);
	CU_ASSERT_EQUAL(chmod(path, 0644), 0);
	CU_ASSERT_EQUAL(load(text, &c, &a, &err), -MAMS_EVALUE);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "chmod 600"));
	unlink(path);
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"a file fills the struct", fills_the_struct},
		{"a mistake names line, key and cure", names_line_key_and_cure},
		{"a file may end in any way", accepts_any_end_of_file},
		{"a secret that others may read is refused", refuses_a_readable_secret},
	};

	return mams_suite_run("conf", cases, MAMS_ARRAY_LEN(cases));
}
